"""Predictions for windows whose channels, or lags, come from several windows."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score
from sklearn.utils import Tags, get_tags

from sktsdl._sklearn.bases import BaseEstimator, RegressorMixin, available_if
from sktsdl._windows.windows import Windows
from sktsdl.compose import MultiTaskNet, SeedEnsemble

PREDICTED_AT_ONCE = 4096


class PartsRegressor(RegressorMixin, BaseEstimator):
    """Predict for windows that are put together from parts of other windows.

    Column `j` of `X` holds the number of the window that part `j` comes from, so that a
    permuted column is a permuted part.

    Parameters
    ----------
    regressor : estimator
        A fitted regressor of windows.
    windows : ndarray of shape (n, window, channels)
        The windows that the parts come from.
    part : {"channel", "lag"}
        The kind of a part.
    index : pandas.Index or None, default=None
        The time of each window. `X` then has one more column, whose windows say the
        times.
    """

    def __init__(
        self,
        regressor: Any,
        windows: np.ndarray,
        part: Literal["channel", "lag"],
        index: pd.Index | None = None,
    ) -> None:
        self.regressor = regressor
        self.windows = windows
        self.part = part
        self.index = index

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        return self

    def predict(self, X: np.ndarray) -> Any:
        predicted = self._predicted("predict", X)
        if hasattr(predicted[0], "iloc"):
            return pd.concat(predicted, ignore_index=True)
        return np.concatenate(predicted)

    @available_if(lambda self: hasattr(self.regressor, "predict_proba"))
    def predict_proba(self, X: np.ndarray) -> Any:
        parts = self._predicted("predict_proba", X)
        if not isinstance(parts[0], dict):
            return np.concatenate(parts)
        return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}

    @available_if(lambda self: hasattr(self.regressor, "decision_function"))
    def decision_function(self, X: np.ndarray) -> Any:
        return np.concatenate(self._predicted("decision_function", X))

    @property
    def classes_(self) -> Any:
        return self.regressor.classes_

    def __sklearn_tags__(self) -> Tags:
        tags, inner = super().__sklearn_tags__(), get_tags(self.regressor)
        if inner.estimator_type == "classifier":
            tags.estimator_type = inner.estimator_type
            tags.classifier_tags = inner.classifier_tags
        return tags

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        if isinstance(self.regressor, MultiTaskNet | SeedEnsemble):
            return self.regressor._score_of(self.predict(X), y, sample_weight)
        if is_classifier(self):
            labels = self.predict(X)
            return float(accuracy_score(y, labels, sample_weight=sample_weight))
        return float(super().score(X, y, sample_weight))

    def _predicted(self, method: str, X: np.ndarray) -> list[Any]:
        """Return what a method of the regressor predicts for the rows of `X`."""
        _, n_steps, n_channels = self.windows.shape
        steps = np.arange(n_steps)[:, None]
        channels = np.arange(n_channels)
        axis = 1 if self.part == "channel" else 2
        predictions = []
        for start in range(0, len(X), PREDICTED_AT_ONCE):
            numbers = X[start : start + PREDICTED_AT_ONCE]
            index = None
            if self.index is not None:
                numbers, index = numbers[:, :-1], self.index[numbers[:, -1]]
            origins = np.expand_dims(numbers, axis)
            windows = self.windows[origins, steps, channels]
            if index is not None:
                windows = Windows.of(windows, index=index)
            predictions.append(getattr(self.regressor, method)(windows))
        return predictions
