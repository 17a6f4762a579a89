"""
Airline passengers, a year ahead
================================

The monthly passengers of an airline grow by a share each year, and so does their
season. An LSTM that is trained on ratios forecasts four years, each from the end of
the year before, beside ridge and the value one year before.
"""

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from sktsdl import (
    LSTMRegressor,
    RatioLogScaler,
    RelativeTargetRegressor,
    SeasonalNaiveRegressor,
    SlidingWindow,
    backtest,
    make_supervised,
)
from sktsdl.datasets import load_air_passengers

# %%
# ``make_supervised`` puts the next twelve values beside each month.

series = load_air_passengers()
X, y, _ = make_supervised(series, target="passengers", horizon=12)
print(X.shape, y.shape)

# %%
# ``RatioLogScaler`` turns passengers into logarithms of the ratio to the month before.
# ``RelativeTargetRegressor`` does the same with the targets, and turns forecasts back
# into passengers. Ridge gets the same ratios as the net.

net = LSTMRegressor(hidden_sizes=(32,), lr=1e-2, max_epochs=100, random_state=0)
on_ratios = make_pipeline(RatioLogScaler(), SlidingWindow(13), net)
flat = SlidingWindow(13, flatten=True, pad="edge")
models = {
    "one year before": SeasonalNaiveRegressor(12),
    "ridge": RelativeTargetRegressor(make_pipeline(RatioLogScaler(), flat, Ridge())),
    "LSTM": RelativeTargetRegressor(on_ratios, column="passengers"),
}

# %%
# ``backtest`` fits each model to what was known at the end of 1956, 1957, 1958 and
# 1959, and forecasts the year that follows.

december = [X.index.get_loc(f"{year}-12-01") for year in range(1956, 1960)]
cv = [(range(row), [row]) for row in december]
past = {name: backtest(model, X, y, cv=cv) for name, model in models.items()}
errors = {
    name: (frame["y_true"] - frame["y_pred"])
    .abs()
    .groupby(frame["time"].dt.year)
    .mean()
    for name, frame in past.items()
}
print("Mean absolute error, in thousands of passengers:")
print(pd.DataFrame(errors).T.assign(mean=lambda table: table.mean(axis=1)).round(1))

# %%
# The forecasts of the last year. One seed on 144 months says little about nets: the
# benchmarks show how far the errors of five seeds lie apart.

fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
known = series.loc["1957":, "passengers"]
ax.plot(known, color="black", marker=".", label="truth")
styles = {"one year before": "0.6", "ridge": "tab:orange", "LSTM": "tab:blue"}
marks = {"one year before": ":", "ridge": "--", "LSTM": "-"}
for name, frame in past.items():
    last = frame[frame["time"].dt.year == 1960]
    ax.plot(last["time"], last["y_pred"], marks[name], color=styles[name], label=name)
ax.axvline(pd.Timestamp("1959-12-15"), color="0.7", linewidth=0.8)
ax.set(ylabel="passengers (thousands)", title="1960, forecast in December 1959")
ax.legend(loc="upper left")
plt.show()
