# needs: CTA_-_Ridership_-_Daily_Boarding_Totals.csv
"""
Ridership with the type of the day
==================================

How many people take the trains of Chicago tomorrow depends on whether tomorrow is a
weekday, a Saturday, or a Sunday or holiday. The type of the next day is known ahead.
The net gets it as a code and learns a vector for each type.
"""

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import make_pipeline

from sktsdl import (
    LSTMRegressor,
    SeasonalNaiveRegressor,
    SlidingWindow,
    make_supervised,
)
from sktsdl.datasets import fetch_cta_ridership

# %%
# ``known_future`` adds the type of the next day, ``day_type+1``, to each row.

series = fetch_cta_ridership().loc["2016":"2019-05"]
series["day_type"] = series["day_type"].map({"W": 0, "A": 1, "U": 2})
series[["bus", "rail"]] /= 1000
X, y, _ = make_supervised(series, target="rail", known_future="day_type")
print(X.tail(3))

# %%
# The models are fitted to the days up to the end of 2018. ``categorical_features``
# names the columns of codes; boosting has a parameter of this kind as well. The
# parameters of the LSTM were chosen on days of 2018.

train, test = X.index < "2018-12-31", X.index >= "2019-02-25"
codes = ["day_type", "day_type+1"]
net = LSTMRegressor(
    loss="absolute_error",
    loss_steps="all",
    lr=5e-3,
    lr_schedule="cosine",
    max_epochs=100,
    early_stopping=True,
    n_iter_no_change=30,
    categorical_features=codes,
    window_norm=None,
    random_state=0,
)
boosting = HistGradientBoostingRegressor(loss="absolute_error", random_state=0)
models = {
    "7 days before": SeasonalNaiveRegressor(7, column="rail"),
    "boosting": make_pipeline(SlidingWindow(14, flatten=True, pad="edge"), boosting),
    "LSTM": make_pipeline(SlidingWindow(56), net),
    "LSTM without types": make_pipeline(
        SlidingWindow(56),
        LSTMRegressor(**net.get_params() | {"categorical_features": None}),
    ),
}
forecasts = pd.DataFrame(index=X.index[test] + pd.Timedelta(days=1))
for name, model in models.items():
    columns = ["rail", "bus"] if name == "LSTM without types" else list(X)
    model.fit(X.loc[train, columns], y[train])
    forecasts[name] = model.predict(X.loc[~train, columns])[-test.sum() :]

# %%
# The errors on the days from 2019-02-26 to 2019-05-31, in thousands of riders. Without
# the type of the next day, the LSTM cannot know of Memorial Day, May 27.

truth = y[test].to_numpy()
for name in forecasts:
    print(f"{name:20} {mean_absolute_error(truth, forecasts[name]):5.1f}")

# %%

fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
late = forecasts.index >= "2019-05-11"
days = forecasts.index[late]
ax.plot(days, truth[late], color="black", marker="o", markersize=4, label="truth")
ax.plot(days, forecasts.loc[late, "LSTM"], "--", color="tab:blue", label="LSTM")
ax.plot(
    days,
    forecasts.loc[late, "LSTM without types"],
    ":",
    color="tab:orange",
    label="LSTM without types",
)
ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(mdates.AutoDateLocator()))
ax.set(ylabel="riders of trains (thousands)", title="The next day, May 2019")
ax.set_ylim(bottom=0)
ax.legend(loc="lower left")
plt.show()
