"""
A forecast in parts
===================

N-BEATS adds up a trend and a seasonality, so its forecast can be shown in parts. The
example forecasts two years of airline passengers, and compares the net with ridge and
with the value one year before.
"""

import matplotlib.pyplot as plt
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import make_pipeline

from sktsdl import (
    NBEATSRegressor,
    SeasonalNaiveRegressor,
    SlidingWindow,
    make_supervised,
)
from sktsdl.datasets import load_air_passengers
from sktsdl.inspection import DecompositionDisplay

# %%
# A row has 24 targets. The models are fitted to the rows whose targets were all known
# at the end of 1958; the forecast of the last row is of 1959 and 1960. Ridge is better
# than the net, which has no more than 73 windows to learn from.

series = load_air_passengers()
X, y, _ = make_supervised(series, target="passengers", horizon=24)
train = X.index <= "1956-12-01"

net = NBEATSRegressor(
    stacks=("trend", "seasonality"),
    hidden_size=64,
    window_norm="standard",
    max_epochs=60,
    random_state=0,
)
model = make_pipeline(SlidingWindow(24), net)
flat = SlidingWindow(24, flatten=True, pad="edge")
models = {
    "one year before": SeasonalNaiveRegressor(12),
    "ridge": make_pipeline(flat, Ridge()),
    "N-BEATS": model,
}
truth = y.iloc[-1]
for name, regressor in models.items():
    found = regressor.fit(X[train], y[train]).predict(X[~train])[-1]
    print(f"{name:16} {mean_absolute_error(truth, found):.1f} thousand passengers")

# %%
# ``decompose`` returns the parts of each forecast, whose sum is the forecast. The level
# of the window is in the trend.

parts = net.decompose(model[:-1].transform(X[~train]))
print({name: part.shape for name, part in parts.items()})

display = DecompositionDisplay.from_estimator(model, X[~train], name="passengers")
display.figure_.set_size_inches(8, 6)
plt.show()
