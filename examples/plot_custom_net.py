"""
A net of your own
=================

An architecture is a module of torch and a regressor in one file. This one computes
features of each step, and predicts from their mean over the window. It suits the task
here, where damage adds up while a machine is too hot.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from torch import Tensor, nn

from sktsdl import LSTMRegressor, SlidingWindow
from sktsdl._estimator.regressor import DeepRegressor

# %%
# The module is plain torch. The regressor has the parameters as annotated fields, and
# builds the module. All else, such as validation, training and the units of ``y``,
# comes from ``DeepRegressor``, the base class of all nets. It is not a public name, so
# it may change between versions; :doc:`Contributing </CONTRIBUTING>` describes it, and
# how a module can also be trained on the forecasts of all steps.


class MeanOfSteps(nn.Module):
    """(batch, time, channels) -> (batch, outputs)"""

    def __init__(self, n_channels: int, n_outputs: int, width: int) -> None:
        super().__init__()
        self.features = nn.Linear(n_channels, width)
        self.head = nn.Linear(width, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        steps = self.features(x).relu()  # (batch, time, width)
        return self.head(steps.mean(dim=1))


class MeanOfStepsRegressor(DeepRegressor):
    """A net of the mean over the steps of a window."""

    width: int = 16

    def _build_module(self, spec) -> nn.Module:
        return MeanOfSteps(spec.n_channels, spec.n_outputs, self.width)


# %%
# The hourly temperature of a machine. The damage of a day grows by the degrees above
# 60 °C in its 24 hours, and it is measured with an error.

rng = np.random.default_rng(0)
hours = pd.date_range("2024-01-01", periods=2000, freq="h", name="hour")
slow = np.convolve(rng.standard_normal(2023), np.ones(24) / 24, mode="valid")
temperature = 55 + 30 * slow + 6 * rng.standard_normal(2000)
X = pd.DataFrame({"temperature": temperature}, index=hours)
excess = (X["temperature"] - 60).clip(lower=0)
damage = excess.rolling(24, min_periods=1).sum() + 5 * rng.standard_normal(2000)
train, test = slice(0, 1000), slice(1000, None)

# %%
# All models see windows of 24 hours, and none is tuned.

training = {"lr": 1e-2, "max_epochs": 60, "random_state": 0}
flat = SlidingWindow(24, flatten=True, pad="edge")
models = {
    "ridge": make_pipeline(flat, RidgeCV(np.logspace(-2, 4, 13))),
    "boosting": make_pipeline(flat, HistGradientBoostingRegressor(random_state=0)),
    "LSTM": make_pipeline(SlidingWindow(24), LSTMRegressor(**training)),
    "MeanOfSteps": make_pipeline(SlidingWindow(24), MeanOfStepsRegressor(**training)),
}
forecasts = {
    name: model.fit(X[train], damage[train]).predict(X[test])
    for name, model in models.items()
}
scores = {name: r2_score(damage[test], found) for name, found in forecasts.items()}
for name, score in scores.items():
    print(f"{name:12} R² {score:.3f}")

# %%
# Ridge sees that heat does damage, but not that it does so above 60 °C only.

fig, axes = plt.subplots(1, 4, figsize=(9, 3), sharey=True, layout="constrained")
for ax, (name, found) in zip(axes, forecasts.items(), strict=True):
    ax.plot(damage[test], found, ".", color="tab:blue", markersize=2)
    ax.axline((0, 0), slope=1, color="black", linewidth=0.8)
    ax.set(title=f"{name}, R² {scores[name]:.2f}", xlabel="damage")
axes[0].set_ylabel("prediction")
plt.show()
