# needs: sp500_1950_2018_ohlcv.csv
"""
Walk forward through daily returns
==================================

The returns of the S&P 500 on the next day can hardly be forecast. This example walks
forward through the last two years with a new fit every 60 days, and compares two models
with the forecast of no change. None of them is better than it by much.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sktsdl import LSTMRegressor, SlidingWindow, backtest, make_supervised

# %%
# The closing prices of https://github.com/vincentarelbundock/Rdatasets
# (openintro, sp500_1950_2018), from 2009 on, as returns in percent.

path = Path(os.environ["SKTSDL_DATA"]) / "sp500_1950_2018_ohlcv.csv"
prices = pd.read_csv(path, index_col="Date", parse_dates=True)["Close"]
returns = (100 * np.log(prices).diff()).rename("return").loc["2009":].to_frame()
X, y, _ = make_supervised(returns, target="return")

# %%
# Each of the 50 splits has 10 days. ``refit=6`` fits in every sixth split, and the
# models predict with the true returns up to each day in between.

net = LSTMRegressor(
    hidden_sizes=(16,),
    max_epochs=5,
    weight_decay=0.01,
    optimizer="adamw",
    window_norm=None,
    random_state=0,
)
flat = SlidingWindow(20, flatten=True, pad="edge")
models = {
    "no change": DummyRegressor(strategy="constant", constant=0.0),
    "ridge": make_pipeline(flat, Ridge(1000)),
    "LSTM": make_pipeline(SlidingWindow(20), net),
}
cv = TimeSeriesSplit(50, test_size=10)
past = {name: backtest(model, X, y, cv=cv, refit=6) for name, model in models.items()}

# %%
# The errors, in percent. The standard error of the difference to "no change" shows how
# much of it may be chance.

frame = past["no change"]
losses = {name: (p["y_true"] - p["y_pred"]) ** 2 for name, p in past.items()}
for name, loss in losses.items():
    gain = (losses["no change"] - loss).to_numpy()
    error = gain.std() / len(gain) ** 0.5
    print(
        f"{name:10} RMSE {loss.mean() ** 0.5:.4f}   "
        f"gain in squared error {gain.mean():+.4f} (standard error {error:.4f})"
    )

# %%
# The gain, added up over the days. A forecast that were of use would rise steadily.

fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
styles = {"ridge": ("tab:orange", "--"), "LSTM": ("tab:blue", "-")}
for name, (color, line) in styles.items():
    gain = (losses["no change"] - losses[name]).cumsum()
    ax.plot(frame["time"], gain, line, color=color, label=name)
ax.axhline(0, color="black", linewidth=0.8)
ax.set(ylabel="gain over no change (percent²)", title="Squared errors, added up")
ax.legend()
plt.show()
