"""
Classes of windows
==================

``NetClassifier`` makes any net a classifier of scikit-learn. Here it tells three shapes
of a noisy vibration from each other, whatever their phase. ``MiniRocket`` with ridge
and a logistic regression on the values stand beside it.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import sawtooth, square
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sktsdl import CNNRegressor, MiniRocket, NetClassifier

# %%
# The windows are samples of their own, so they may be shuffled. Their shape is
# (samples, time, channels).

rng = np.random.default_rng(0)
shapes = {"sine": np.sin, "square": square, "sawtooth": sawtooth}
labels = rng.choice(list(shapes), size=900)
phase = rng.uniform(0, 2 * np.pi, size=900)
steps = 2 * np.pi * np.arange(60) / 20
waves = [
    shapes[label](steps + start) for label, start in zip(labels, phase, strict=True)
]
X = (np.array(waves) + rng.normal(0, 1, size=(900, 60)))[:, :, None]
X_train, X_test, y_train, y_test = train_test_split(
    X, labels, test_size=300, random_state=0
)

fig, axes = plt.subplots(3, sharex=True, figsize=(8, 4.5), layout="constrained")
for ax, label in zip(axes, shapes, strict=True):
    first = np.flatnonzero(labels == label)[0]
    ax.plot(X[first, :, 0], color="0.6", label="with noise")
    ax.plot(waves[first], color="black", label="shape")
    ax.set_ylabel(label)
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
axes[-1].set_xlabel("step")
plt.show()

# %%
# All three are fitted to the same 600 windows, and no parameter is tuned on the other
# windows.

net = CNNRegressor(max_epochs=40, lr=3e-3, early_stopping=True, random_state=0)
flatten = FunctionTransformer(lambda windows: windows.reshape(len(windows), -1))
alphas = np.logspace(-3, 3, 10)
models = {
    "logistic regression": make_pipeline(
        flatten, StandardScaler(), LogisticRegression(max_iter=1000)
    ),
    "MiniRocket": make_pipeline(
        MiniRocket(random_state=0), StandardScaler(), RidgeClassifierCV(alphas)
    ),
    "CNN": NetClassifier(net),
}
for name, model in models.items():
    accuracy = model.fit(X_train, y_train).score(X_test, y_test)
    print(f"{name:20} accuracy {accuracy:.3f}")

# %%
# On so few windows, ``MiniRocket`` is clearly better than the net: its features do not
# depend on the phase, and the net has to learn this. A logistic regression is little
# better than chance, which is 0.333. The matrices show which shapes are confused.

fig, axes = plt.subplots(1, 2, figsize=(8, 3.5), layout="constrained")
for ax, name in zip(axes, ["MiniRocket", "CNN"], strict=True):
    ConfusionMatrixDisplay.from_estimator(
        models[name], X_test, y_test, cmap="Greys", colorbar=False, ax=ax
    )
    ax.set_title(name)
plt.show()
