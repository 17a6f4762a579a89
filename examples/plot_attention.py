"""
Where a net looks
=================

Each window holds a mark at one step, and the target is the value at this step. An LSTM
with attention has to find the mark. ``AttentionDisplay`` shows where it looks, and a
linear model cannot solve the task at all.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sktsdl import AttentionLSTMRegressor
from sktsdl.inspection import AttentionDisplay

# %%
# 2,000 windows of 12 steps with two channels: a value, and the mark.

rng = np.random.default_rng(0)
values = rng.standard_normal((2000, 12))
place = rng.integers(12, size=2000)
marks = np.eye(12)[place]
X = np.stack([values, marks], axis=2)
y = values[np.arange(2000), place] + 0.1 * rng.standard_normal(2000)
X_train, y_train, X_test, y_test = X[:1500], y[:1500], X[1500:], y[1500:]

flatten = FunctionTransformer(lambda windows: windows.reshape(len(windows), -1))
net = AttentionLSTMRegressor(hidden_sizes=(16,), lr=1e-2, max_epochs=40, random_state=0)
models = {
    "ridge": make_pipeline(flatten, Ridge()),
    "boosting": make_pipeline(flatten, HistGradientBoostingRegressor(random_state=0)),
    "AttentionLSTM": net,
}
for name, model in models.items():
    print(f"{name:14} R² {model.fit(X_train, y_train).score(X_test, y_test):.3f}")

# %%
# The attention in one window, and the mean attention for each place of the mark. The
# weights are of the states of the LSTM. A state knows the steps before it, so the net
# may also look at a state after the mark.

weights = net.attention_weights(X_test)
by_place = np.array([weights[place[1500:] == step].mean(axis=0) for step in range(12)])
fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
AttentionDisplay.from_estimator(net, X_test, row=0, ax=axes[0])
axes[0].axvline(place[1500] - 11, color="black", linestyle="--", label="mark")
axes[0].set_title("one window")
axes[0].legend()
image = axes[1].imshow(by_place, cmap="Greys", extent=(-11.5, 0.5, 0.5, -11.5))
axes[1].set(xlabel="step", ylabel="place of the mark", title="all test windows")
fig.colorbar(image, ax=axes[1], label="mean attention weight")
plt.show()
