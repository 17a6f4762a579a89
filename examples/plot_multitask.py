"""
A level and a direction from one net
====================================

``MultiTaskNet`` trains one net for targets of different kinds. Here one LSTM predicts
how warm the next day is, and the probability of frost. Two nets, one for each target,
and two models without a net stand beside it.
"""

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, mean_absolute_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktsdl import (
    LSTMRegressor,
    MultiTaskNet,
    NetClassifier,
    SlidingWindow,
    make_supervised,
)

# %%
# Five years of daily temperatures, made up: a year, and weather that lasts for days.

rng = np.random.default_rng(0)
days = pd.date_range("2019-01-01", periods=5 * 365, freq="D", name="day")
weather = np.zeros(len(days))
for t in range(1, len(days)):
    weather[t] = 0.8 * weather[t - 1] + 2.5 * rng.standard_normal()
season = 8 - 10 * np.cos(2 * np.pi * days.day_of_year / 365)
series = pd.DataFrame({"temperature": season + weather}, index=days)
X, y, _ = make_supervised(series, target="temperature")
targets = y.to_frame("temperature")
targets["frost"] = np.where(y < 0, "frost", "no frost")
train = X.index < "2023-01-01"
print(targets[train]["frost"].value_counts())

# %%
# ``tasks`` names the kind of each column of ``y``.

net = LSTMRegressor(hidden_sizes=(16,), lr=1e-2, max_epochs=15, random_state=0)
window = SlidingWindow(14)
both = make_pipeline(
    window,
    MultiTaskNet(net, tasks={"temperature": "regression", "frost": "classification"}),
).fit(X[train], targets[train])
print(both.predict(X[~train]).head(3))

# %%
# The errors on the last year: degrees for the level, and the log loss for frost. One
# net is one fit and one file, but it is not better than a net for each target. Ridge
# has the lowest error in degrees, as this weather is linear in the days before.

flat = SlidingWindow(14, flatten=True, pad="edge")
of_level = {
    "one net for both": both,
    "a net for each": make_pipeline(window, net).fit(X[train], y[train]),
    "linear models": make_pipeline(flat, Ridge()).fit(X[train], y[train]),
}
frost = targets["frost"]
logistic = make_pipeline(flat, StandardScaler(), LogisticRegression())
of_frost = {
    "one net for both": both,
    "a net for each": make_pipeline(window, NetClassifier(net)),
    "linear models": logistic,
}
for name in of_level:
    level = of_level[name].predict(X[~train])
    if name == "one net for both":
        level, chance = level["temperature"], both.predict_proba(X[~train])["frost"]
    else:
        model = of_frost[name].fit(X[train], frost[train])
        chance = model.predict_proba(X[~train])
    error, loss = mean_absolute_error(y[~train], level), log_loss(frost[~train], chance)
    print(f"{name:17} {error:.3f} °C   log loss {loss:.3f}")

# %%

found = both.predict(X[~train])["temperature"]
chance = both.predict_proba(X[~train])["frost"][:, 0]  # the first class is "frost"
next_day = found.index + pd.Timedelta(days=1)
fig, axes = plt.subplots(2, sharex=True, figsize=(8, 5), layout="constrained")
axes[0].plot(next_day, y[~train], ".", color="black", markersize=3, label="truth")
axes[0].plot(next_day, found, color="tab:blue", label="forecast")
axes[0].axhline(0, color="0.5", linewidth=0.8)
axes[0].set_ylabel("temperature (°C)")
axes[0].legend(loc="upper left")
is_frost = (y[~train] < 0).to_numpy()
axes[1].plot(next_day, chance, color="tab:blue", label="forecast")
axes[1].plot(
    next_day[is_frost], np.full(is_frost.sum(), 1.05), "|", color="black", label="frost"
)
axes[1].set_ylabel("probability of frost")
axes[1].xaxis.set_major_formatter(mdates.ConciseDateFormatter(mdates.AutoDateLocator()))
axes[1].legend(loc="center")
plt.show()
