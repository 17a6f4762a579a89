"""
A loss of your own
==================

A baker loses 3 for each loaf that is missing, and 1 for each loaf that is left over. A
net can be trained on this cost itself: ``loss`` takes any module of torch.
"""

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import QuantileRegressor
from sklearn.pipeline import make_pipeline
from torch import Tensor, nn

from sktsdl import (
    GRURegressor,
    SeasonalNaiveRegressor,
    SlidingWindow,
    make_supervised,
)

# %%
# ``reduction`` is what torch's losses have: with ``"none"``, the loss has one value for
# each target, which sample weights then multiply.


class CostOfBread(nn.Module):
    """The cost of a number of loaves, in place of the demand."""

    def __init__(self, missing: float = 3.0, reduction: str = "mean") -> None:
        super().__init__()
        self.missing = missing
        self.reduction = reduction

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        short = target - output
        cost = torch.maximum(self.missing * short, -short)
        return cost if self.reduction == "none" else cost.mean()


# %%
# The daily demand, made up: a week, and a noise that is larger on busy days.

rng = np.random.default_rng(0)
days = pd.date_range("2022-01-01", periods=3 * 365, freq="D", name="day")
busy = np.array([1.0, 1.0, 1.1, 1.1, 1.4, 1.8, 0.6])[days.day_of_week]
demand = (200 * busy * np.exp(0.2 * rng.standard_normal(len(days)))).round()
sales = pd.DataFrame({"demand": demand}, index=days)
X, y, _ = make_supervised(sales, target="demand", calendar=["dayofweek"])
train, test = X.index < "2024-01-01", X.index >= "2024-01-01"

# %%
# The lowest expected cost is at the quantile 3 / (1 + 3) of the demand. So a linear
# regression of this quantile is a fair rival; it gets a column for each weekday.

training = {
    "hidden_sizes": (16,),
    "lr": 5e-3,
    "max_epochs": 40,
    "categorical_features": ["dayofweek", "dayofweek+1"],
    "window_norm": None,  # what "auto" is with a loss of your own
    "random_state": 0,
}
weekday = pd.get_dummies(X["dayofweek+1"], prefix="weekday", dtype=float)
with_weekday = pd.concat([X[["demand"]], weekday], axis=1)
linear = make_pipeline(
    SlidingWindow(7, flatten=True, pad="edge"),
    QuantileRegressor(quantile=0.75, alpha=0),
)
forecasts = {
    "7 days before": SeasonalNaiveRegressor(7, column="demand")
    .fit(X[train], y[train])
    .predict(X[test]),
    "linear quantile": linear.fit(with_weekday[train], y[train]).predict(
        with_weekday[test]
    ),
}
for name, loss in {"GRU, squared": "squared_error", "GRU, cost": CostOfBread()}.items():
    model = make_pipeline(SlidingWindow(7), GRURegressor(loss=loss, **training))
    forecasts[name] = model.fit(X[train], y[train]).predict(X[test])

# %%
# The cost of a day in 2024, and how often bread was missing. The net that is trained on
# the cost bakes more, and costs less than the net with the squared error. The linear
# quantile costs still less: nothing but the weekday says anything about this demand.

for name, found in forecasts.items():
    short = y[test] - found
    cost = np.maximum(3 * short, -short).mean()
    print(f"{name:16} cost {cost:6.1f}   missing on {(short > 0).mean():.0%} of days")

# %%

fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
next_day = X.index[test] + pd.Timedelta(days=1)
shown = slice(60, 102)
ax.plot(next_day[shown], y[test][shown], "o-", color="black", ms=4, label="demand")
styles = {"GRU, squared": ("tab:orange", ":"), "GRU, cost": ("tab:blue", "--")}
for name, (color, line) in styles.items():
    ax.plot(next_day[shown], forecasts[name][shown], line, color=color, label=name)
ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(mdates.AutoDateLocator()))
ax.set(ylabel="loaves", ylim=(0, None))
ax.legend(loc="lower left", ncols=3)
plt.show()
