# needs: epf/NP.csv
"""
Tomorrow's 24 prices
====================

On the day-ahead market, the prices of all hours of tomorrow are fixed at once. A row
is a day here, so each row has one forecast of 24 prices. The forecasts of load and wind
for tomorrow are known when the prices are forecast.
"""

import os
from pathlib import Path

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sktsdl import (
    SeasonalNaiveRegressor,
    SlidingWindow,
    WindowMLPRegressor,
    forecast,
    make_supervised,
)
from sktsdl.inspection import ForecastDisplay

# %%
# The hourly prices of Nord Pool, from https://github.com/thuml/TimeXer (dataset/EPF).
# With ``row="D"``, each row holds the 24 hours of a day, and the known values of
# tomorrow.

path = Path(os.environ["SKTSDL_DATA"]) / "epf" / "NP.csv"
hours = pd.read_csv(path, skipinitialspace=True, parse_dates=["date"])
hours.columns = ["date", "load", "wind", "price"]
X, y, _ = make_supervised(
    hours,
    target="price",
    known_future=["load", "wind"],
    calendar=["dayofweek"],
    row="D",
    time="date",
)
print(X.shape, y.shape)

# %%
# The last two years are scored, and all models are fitted once, to the days before.
# The net sees the hours of three days one by one. Its parameters were chosen on the
# two years before the scored days.

n_test = 728
net = WindowMLPRegressor(
    hidden_sizes=(256, 192),
    dropout=0.4,
    linear_skip=True,
    loss="absolute_error",
    lr_schedule="one_cycle",
    max_epochs=60,
    categorical_features=["dayofweek"],
    random_state=0,
)
weekdays = make_column_transformer(
    (OneHotEncoder(sparse_output=False), ["dayofweek", "dayofweek+1"]),
    remainder="passthrough",
    verbose_feature_names_out=False,
).set_output(transform="pandas")
penalty = RidgeCV(np.logspace(-2, 5, 8), cv=TimeSeriesSplit(3))
ridge = make_pipeline(
    weekdays, SlidingWindow(3, flatten=True, pad="edge"), StandardScaler(), penalty
)
models = {
    "a week before": SeasonalNaiveRegressor(7),
    "ridge": ridge,
    "WindowMLP": make_pipeline(SlidingWindow(3, steps_per_row=24), net),
}
forecasts = {
    name: np.asarray(model.fit(X[:-n_test], y[:-n_test]).predict(X[-n_test:]))
    for name, model in models.items()
}
truth = y[-n_test:].to_numpy()
errors = {name: np.abs(truth - found) for name, found in forecasts.items()}
for name, error in errors.items():
    print(f"{name:15} {error.mean():.2f} EUR/MWh")

# %%
# The errors by the hour of the day. The peaks of demand are hardest.

fig, ax = plt.subplots(figsize=(8, 3.5), layout="constrained")
styles = [("0.6", ":"), ("tab:orange", "--"), ("tab:blue", "-")]
for (name, error), (color, line) in zip(errors.items(), styles, strict=True):
    ax.plot(range(24), error.mean(axis=0), line, color=color, label=name)
ax.set(xlabel="hour of the day", ylabel="mean absolute error (EUR/MWh)")
ax.set_xticks(range(0, 24, 3))
ax.set_ylim(bottom=0)
ax.legend()
plt.show()

# %%
# The forecast of the last day, with its hours, over the true prices of this day and of
# the week before. ``forecast`` forecasts from the last row that it is given. The day is
# Christmas Eve, which the model takes for a Monday.

prices = hours.set_index("date")["price"]
tomorrow = forecast(models["WindowMLP"], X[-n_test:])
fig, ax = plt.subplots(figsize=(8, 3.5), layout="constrained")
display = ForecastDisplay.from_forecast(
    tomorrow, history=prices.iloc[-8 * 24 :], name="price (EUR/MWh)", ax=ax
)
ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(mdates.AutoDateLocator()))
plt.show()
