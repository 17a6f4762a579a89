"""Predictions for windows whose channels, or lags, come from several windows."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.metaestimators import available_if

from sktsdl.compose import MultiTaskNet

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
    """

    def __init__(
        self,
        regressor: BaseEstimator,
        windows: np.ndarray,
        part: Literal["channel", "lag"],
    ) -> None:
        self.regressor = regressor
        self.windows = windows
        self.part = part

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

    def score(self, X: np.ndarray, y: Any, sample_weight: Any = None) -> float:
        if isinstance(self.regressor, MultiTaskNet):
            return self.regressor._score_of(self.predict(X), y, sample_weight)
        return float(super().score(X, y, sample_weight))

    def _predicted(self, method: str, X: np.ndarray) -> list[Any]:
        """Return what a method of the regressor predicts for the rows of `X`."""
        _, n_steps, n_channels = self.windows.shape
        steps = np.arange(n_steps)[:, None]
        channels = np.arange(n_channels)
        axis = 1 if self.part == "channel" else 2
        predictions = []
        for start in range(0, len(X), PREDICTED_AT_ONCE):
            origins = np.expand_dims(X[start : start + PREDICTED_AT_ONCE], axis)
            windows = self.windows[origins, steps, channels]
            predictions.append(getattr(self.regressor, method)(windows))
        return predictions
