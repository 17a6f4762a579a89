"""
A net beside gradient boosting
==============================

Gradient boosting on a table of lags is hard to beat. This example forecasts a week of
sales of 40 shops, with promotions that are known ahead, by a net, by boosting and by
ridge. All three see the same windows.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline

from sktsdl import (
    SeasonalNaiveRegressor,
    SlidingWindow,
    WindowMLPRegressor,
    make_supervised,
)
from sktsdl.datasets import make_panel

# %%
# The shops have levels from 10 to 10,000, so all models get the logarithm of the sales.
# The last two weeks of cut-offs are scored. The rows between have targets that reach
# into these weeks, and are left out of training.

sales = make_panel(40, 150, random_state=0)
sales["units"] = np.log(sales["units"])
X, y, _ = make_supervised(sales, target="units", horizon=7, known_future="promo")
dates = X.index.get_level_values("date")
times = dates.unique().sort_values()
train, test = dates < times[-20], dates >= times[-14]
print(len(X), "rows,", train.sum(), "of training,", test.sum(), "scored")

# %%

net = WindowMLPRegressor(
    hidden_sizes=(64,), lr=3e-3, lr_schedule="cosine", max_epochs=25, random_state=0
)
flat = SlidingWindow(14, flatten=True, pad="edge")
trees = HistGradientBoostingRegressor(max_iter=60, random_state=0)
models = {
    "7 days before": SeasonalNaiveRegressor(7, column="units"),
    "ridge": make_pipeline(flat, Ridge()),
    "boosting": make_pipeline(flat, MultiOutputRegressor(trees)),
    "WindowMLP": make_pipeline(SlidingWindow(14), net),
}
errors = pd.DataFrame(index=range(1, 8), columns=list(models), dtype=float)
for name, model in models.items():
    model.fit(X[train], y[train])
    found = np.exp(np.asarray(model.predict(X[~train])))[test[~train]]
    truth = np.exp(y[test].to_numpy())
    errors[name] = 100 * np.abs(found / truth - 1).mean(axis=0)
print("Mean absolute percentage error:")
print(errors.mean().round(1).to_string())

# %%
# The errors by the day ahead. The net, boosting and ridge are equally good here: the
# logarithm of these sales is close to a sum of effects, which ridge can learn too.

fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
styles = {
    "7 days before": ("0.6", ":", "v"),
    "ridge": ("tab:orange", "--", "s"),
    "boosting": ("tab:green", "-.", "^"),
    "WindowMLP": ("tab:blue", "-", "o"),
}
for name, (color, line, marker) in styles.items():
    ax.plot(errors[name], line, color=color, marker=marker, label=name)
ax.set(xlabel="days ahead", ylabel="absolute percentage error", ylim=(0, None))
ax.legend(ncols=2)
plt.show()
