"""
Forecasts of the past
=====================

``backtest`` makes the forecasts as they would have been made on days of the past, with
a new fit where it is asked for. ``BacktestDisplay`` draws them, and their errors by the
step ahead.
"""

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from sktsdl import (
    SeasonalNaiveRegressor,
    SlidingWindow,
    WindowMLPRegressor,
    backtest,
    make_supervised,
)
from sktsdl.inspection import BacktestDisplay

# %%
# The hourly visitors of a swimming pool, made up: a day, a weekend, and weather that
# stays for days.

rng = np.random.default_rng(0)
hours = pd.date_range("2024-04-01", periods=24 * 120, freq="h", name="hour")
open_hours = np.clip(np.sin((hours.hour - 7) / 14 * np.pi), 0, None)
weather = np.convolve(rng.standard_normal(len(hours) + 71), np.ones(72) / 9, "valid")
visitors = 80 * open_hours * (1 + 0.5 * (hours.day_of_week > 4)) * np.exp(0.5 * weather)
pool = pd.DataFrame({"visitors": rng.poisson(visitors).astype(float)}, index=hours)
X, y, _ = make_supervised(
    pool, target="visitors", horizon=24, calendar=["hour", "dayofweek"]
)

# %%
# The cut-offs are at 23:00 of each of the last 14 days. The net is fitted for the first
# and for the eighth, and forecasts with what was known at each cut-off.

last_hours = np.flatnonzero(X.index.hour == 23)[-14:]
cv = [(np.arange(row), [row]) for row in last_hours]
net = WindowMLPRegressor(
    hidden_sizes=(64,), loss="absolute_error", max_epochs=15, random_state=0
)
models = {
    "7 days before": SeasonalNaiveRegressor(7 * 24, column="visitors"),
    "WindowMLP": make_pipeline(SlidingWindow(72), net),
}
past = {name: backtest(model, X, y, cv=cv, refit=7) for name, model in models.items()}
print(past["WindowMLP"].head(3).to_string())
for name, frame in past.items():
    error = (frame["y_true"] - frame["y_pred"]).abs()
    print(f"{name:14} {error.mean():.1f} visitors")

# %%
# A line for each cut-off over the truth:

fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
BacktestDisplay.from_frame(past["WindowMLP"], name="visitors", ax=ax)
ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(mdates.AutoDateLocator()))
plt.show()

# %%
# The errors by the hours ahead. As all forecasts start at midnight, these are the hours
# of the day as well.

fig, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
for ax, (name, frame) in zip(axes, past.items(), strict=True):
    BacktestDisplay.from_frame(frame, kind="error_by_step", ax=ax)
    ax.set_title(name)
plt.show()
