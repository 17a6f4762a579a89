"""
Which columns a Temporal Fusion Transformer uses
================================================

A ``TFTRegressor`` weighs its columns itself, and ``variable_importance`` returns the
mean weights. Here the sales of shops depend on promotions that are known ahead, and a
column of noise has no effect. The weights are compared with the rise of the error if a
column is permuted.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_percentage_error
from sklearn.pipeline import make_pipeline

from sktsdl import SeasonalNaiveRegressor, SlidingWindow, TFTRegressor, make_supervised
from sktsdl.datasets import make_panel
from sktsdl.inspection import channel_importance

# %%
# The logarithm of the sales of 12 shops, ``promo`` of the next day, and noise.

sales = make_panel(12, 200, random_state=0).drop(columns="kind")
sales["units"] = np.log(sales["units"])
sales["noise"] = np.random.default_rng(0).standard_normal(len(sales))
X, y, _ = make_supervised(
    sales, target="units", known_future=["promo", "noise"], calendar=["dayofweek"]
)
is_test = X.index.get_level_values("date") >= "2024-06-01"
print(list(X))

# %%
# The forecasts of the net, of ridge on the same windows and of the value one week
# before, for the last seven weeks. Ridge is as good here: the logarithm of these sales
# is a sum of effects.

net = TFTRegressor(hidden_size=16, lr=5e-3, max_epochs=12, random_state=0)
models = {
    "7 days before": SeasonalNaiveRegressor(7, column="units"),
    "ridge": make_pipeline(SlidingWindow(14, flatten=True, pad="edge"), Ridge()),
    "TFT": make_pipeline(SlidingWindow(14), net),
}
truth = np.exp(y[is_test])
for name, model in models.items():
    found = np.exp(model.fit(X[~is_test], y[~is_test]).predict(X[is_test]))
    error = mean_absolute_percentage_error(truth, found)
    print(f"{name:14} {100 * error:.1f} %")

# %%
# The weights sum to 1 over the columns of the past, and over the known columns.

model = models["TFT"]
windows = model[:-1].transform(X[is_test])
weights = net.variable_importance(windows)
print(weights.round(3))

# %%
# A column is permuted among windows, five times, and R² falls. It falls most for
# ``units``, which then has the level of another shop, and is left out of the picture. A
# weight is not an effect: the net may weigh a column and use little of it.

permuted = channel_importance(model, X[is_test], y[is_test], random_state=0)
fall = pd.Series(permuted.importances_mean, index=X.columns.astype(str))
print(fall.round(4))

fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
labels = weights["kind"] + ": " + weights["variable"].astype(str)
axes[0].barh(labels, weights["importance"], color="tab:blue")
axes[0].set(xlabel="weight", title="variable_importance")
fall = fall.drop("units")
axes[1].barh(fall.index, fall, color="0.6", edgecolor="black")
axes[1].set(xlabel="fall of R²", title="channel_importance")
for ax in axes:
    ax.invert_yaxis()
plt.show()
