# needs: tourism/monthly_in.csv, tourism/monthly_oos.csv
"""
Hundreds of tourism series, one net
===================================

The tourism competition has 366 monthly series of very different levels and lengths.
One net learns from all of them. Each window is normalised by its own mean and standard
deviation, so that large series do not drown small ones.
"""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.ticker import FixedLocator, NullFormatter
from sklearn.pipeline import make_pipeline

from sktsdl import (
    SeasonalNaiveRegressor,
    SlidingWindow,
    WindowMLPRegressor,
    forecast,
    make_supervised,
)
from sktsdl.datasets import fetch_tourism
from sktsdl.metrics import mase

# %%
# The index of the frame names the series and the month. The series end at different
# times, and the 24 months after the end of each one are scored.

train, test = fetch_tourism()
X, y, X_latest = make_supervised(train, target="value", horizon=24)
print(train.index.get_level_values("series").nunique(), "series,", len(X), "rows")

# %%
# The net has a window of two years, which holds each month of the year twice.

net = WindowMLPRegressor(
    hidden_sizes=(128, 128),
    linear_skip=True,
    loss="absolute_error",
    lr_schedule="one_cycle",
    max_epochs=10,
    batch_size=256,
    random_state=0,
)
models = {
    "one year before": SeasonalNaiveRegressor(12),
    "WindowMLP": make_pipeline(SlidingWindow(24), net),
}
forecasts = {
    name: forecast(model.fit(X, y), X_latest)["value"].reindex(test.index)
    for name, model in models.items()
}
known = train["value"]
for name, found in forecasts.items():
    error = mase(test["value"], found, y_train=known, period=12)
    print(f"{name:16} MASE {error:.3f}")

# %%
# The mean absolute scaled error (MASE) divides the error of each series by the error of
# the value one year before within training. The net is better on the whole, and worse
# for a third of the series.

scaled = pd.DataFrame(
    {
        name: {
            series: mase(
                test.loc[series, "value"],
                found.loc[series],
                y_train=known.loc[series],
                period=12,
            )
            for series in test.index.unique("series")
        }
        for name, found in forecasts.items()
    }
)
is_better = scaled["WindowMLP"] < scaled["one year before"]
print(f"The net is better for {is_better.sum()} of {len(scaled)} series.")

fig, ax = plt.subplots(figsize=(5, 4.5), layout="constrained")
ax.plot(
    scaled["one year before"], scaled["WindowMLP"], ".", color="tab:blue", alpha=0.6
)
ends = [scaled.min(axis=None) * 0.9, scaled.max(axis=None) * 1.1]
ax.plot(ends, ends, color="black", linewidth=0.8, label="equal errors")
ax.set(xscale="log", yscale="log", title="MASE of each of 366 series")
ax.set(xlabel="one year before", ylabel="WindowMLP")
for axis in (ax.xaxis, ax.yaxis):
    axis.set_major_locator(FixedLocator([0.5, 1, 2, 4]))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())
ax.legend()
plt.show()

# %%
# Two series with their forecasts: of the lowest error and of the median error.

order = scaled["WindowMLP"].sort_values().index
fig, axes = plt.subplots(2, figsize=(8, 5), layout="constrained")
for ax, series in zip(axes, [order[0], order[len(order) // 2]], strict=True):
    truth = pd.concat([known.loc[series][-60:], test.loc[series, "value"]])
    ax.plot(truth.index.to_timestamp(), truth, color="black", label="truth")
    found = forecasts["WindowMLP"].loc[series]
    ax.plot(
        found.index.to_timestamp(), found, "--", color="tab:blue", label="WindowMLP"
    )
    ax.set(
        title=f"{series}, MASE {scaled.loc[series, 'WindowMLP']:.2f}", ylabel="value"
    )
axes[0].legend(loc="upper right")
plt.show()
