"""
Conformal intervals and their coverage
======================================

``ConformalRegressor`` puts an interval around the forecasts of any regressor, by its
errors on calibration rows. If the noise grows after training, the interval becomes too
narrow, and ``update`` widens it.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from sktsdl import (
    ConformalRegressor,
    LSTMRegressor,
    SlidingWindow,
    make_supervised,
)

# %%
# Three years of daily sales with a week and a year. The noise is twice as large from
# July of the third year on.

rng = np.random.default_rng(0)
days = pd.date_range("2022-01-01", periods=3 * 365, freq="D", name="day")
week = 10 * (days.day_of_week < 5) + 5 * np.sin(2 * np.pi * days.day_of_year / 365)
noise = np.where(days < "2024-07-01", 1.5, 3.0) * rng.standard_normal(len(days))
sales = pd.DataFrame({"sales": 50 + week + noise}, index=days)
X, y, _ = make_supervised(sales, target="sales")
train, test = X.index < "2024-01-01", X.index >= "2024-01-01"

# %%
# The net is fitted twice: to the first four fifths of the training rows, whose errors
# on the last fifth give the half-width, and then to all of them.

net = LSTMRegressor(hidden_sizes=(16,), lr=1e-2, max_epochs=20, random_state=0)
model = ConformalRegressor(
    make_pipeline(SlidingWindow(14), net), confidence_level=0.9
).fit(X[train], y[train])
y_test = y[test]
lower, upper = model.predict_interval(X[test])

# %%
# ``update`` gets the rows since training once their targets are known, here after each
# month. Each interval is made before the target is known.

updated = pd.DataFrame(index=y_test.index, columns=["lower", "upper"], dtype=float)
for month in y_test.index.to_period("M").unique():
    is_month = y_test.index.to_period("M") == month
    until = np.flatnonzero(is_month)[-1] + 1
    ends = model.predict_interval(X[test][:until])
    for name, end in zip(updated, ends, strict=True):
        updated.loc[is_month, name] = end[is_month[:until]]
    model.update(X[test][:until], y_test[:until])

# %%
# The coverage: the share of targets that lie in their intervals, which should be 0.9.
# ``update`` follows what it has seen. So its intervals become narrower in spring, when
# too many targets lie inside, and are too narrow in July, before they become wider.

intervals = {"fixed": (lower, upper), "updated": (updated["lower"], updated["upper"])}
is_late = y_test.index >= "2024-07-01"
coverage = {}
for name, (low, high) in intervals.items():
    is_inside = (y_test >= low) & (y_test <= high)
    coverage[name] = is_inside.groupby(y_test.index.to_period("M")).mean()
    print(
        f"{name:8} first half {is_inside[~is_late].mean():.3f}   "
        f"second half {is_inside[is_late].mean():.3f}   "
        f"mean width {np.mean(high - low):.1f}"
    )

# %%

fig, axes = plt.subplots(2, figsize=(8, 5.5), layout="constrained")
times = y_test.index + pd.Timedelta(days=1)
axes[0].fill_between(
    times, updated["lower"], updated["upper"], color="0.8", label="updated, 90 %"
)
axes[0].plot(times, lower, "--", color="tab:blue", linewidth=0.8, label="fixed, 90 %")
axes[0].plot(times, upper, "--", color="tab:blue", linewidth=0.8)
axes[0].plot(times, y_test, ".", color="black", markersize=3, label="truth")
axes[0].set(ylabel="sales", xlim=pd.to_datetime(["2024-05-15", "2024-10-15"]))
styles = {"fixed": ("tab:blue", "--", "o"), "updated": ("0.4", "-", "s")}
for name, (color, line, marker) in styles.items():
    months = coverage[name].index.to_timestamp()
    axes[1].plot(months, coverage[name], line, color=color, marker=marker, label=name)
axes[1].axhline(0.9, color="black", linewidth=0.8)
axes[1].set(ylabel="coverage of the month", ylim=(0, 1.05))
axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
axes[1].legend(loc="lower left", ncols=2)
plt.show()
