"""
Sensors that fail
=================

Sensors miss values, and a net takes no NaN inside a window. ``ForwardFill`` puts the
last known value in place of a missing one, of training too, and can add a column that
says where it did so. It is compared with the mean of the sensor, and with boosting,
which takes missing values as they are.
"""

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import mean_absolute_error
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline

from sktsdl import ForwardFill, GRURegressor, SlidingWindow, make_supervised

# %%
# The temperature of a room follows the outdoor temperature and the heating. Both
# sensors fail for some hours now and then.

rng = np.random.default_rng(0)
n = 2400
hours = pd.date_range("2024-01-01", periods=n, freq="h", name="hour")
outdoor = 5 * np.sin((hours.hour - 9) / 24 * 2 * np.pi) + np.convolve(
    rng.standard_normal(n + 23), np.ones(24) / 6, mode="valid"
)
heating = 20.0 * ((hours.hour >= 6) & (hours.hour < 20)) + rng.normal(0, 1, size=n)
room = np.full(n, 18.0)
for t in range(1, n):
    room[t] = room[t - 1] + 0.1 * (outdoor[t - 1] + heating[t - 1] - room[t - 1])
complete = pd.DataFrame({"room": room, "outdoor": outdoor, "heating": heating}, hours)
_, y, _ = make_supervised(complete, target="room", horizon=3)
X = complete.loc[y.index].copy()
for name in ("outdoor", "heating"):
    for start in rng.choice(n, size=80, replace=False):
        X.loc[hours[start] : hours[min(start + rng.integers(2, 10), n - 1)], name] = (
            np.nan
        )
print(X.isna().mean().round(3))

# %%
# The net is the same in the first three models. Boosting gets the missing values.

train, test = slice(0, 1600), slice(1600, None)
mean = SimpleImputer().set_output(transform="pandas")
net = GRURegressor(hidden_sizes=(16,), lr=1e-2, max_epochs=20, random_state=0)
flat = SlidingWindow(12, flatten=True, pad="edge")
boosting = MultiOutputRegressor(HistGradientBoostingRegressor(random_state=0))
models = {
    "mean": make_pipeline(mean, SlidingWindow(12), net),
    "ForwardFill": make_pipeline(ForwardFill(), SlidingWindow(12), net),
    "ForwardFill, indicator": make_pipeline(
        ForwardFill(add_indicator=True), SlidingWindow(12), net
    ),
    "boosting": make_pipeline(flat, boosting),
}
forecasts = {
    name: np.asarray(model.fit(X[train], y[train]).predict(X[test]))
    for name, model in models.items()
}
for name, found in forecasts.items():
    print(f"{name:23} {mean_absolute_error(y[test], found):.3f} °C")

# %%
# The last known value is a better guess than the mean. The sensors fail by chance, so
# the indicator tells nothing about the target: its three more columns make the net
# worse here. It can help where a sensor fails for a reason, such as a machine that is
# off.

filled = ForwardFill().fit_transform(X)
fig, axes = plt.subplots(2, sharex=True, figsize=(8, 5), layout="constrained")
shown = slice("2024-03-20", "2024-03-23")
for ax, name, unit in zip(axes, ["outdoor", "heating"], ["°C", "kW"], strict=True):
    ax.plot(filled.loc[shown, name], ":", color="tab:orange", label="filled")
    ax.plot(X.loc[shown, name], color="black", label="measured")
    ax.set_ylabel(f"{name} ({unit})")
axes[1].xaxis.set_major_formatter(mdates.ConciseDateFormatter(mdates.AutoDateLocator()))
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
plt.show()
