"""The quantiles that estimators predict, through pipelines and wrappers."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline


def predict_quantiles(estimator: Any, X: ArrayLike) -> np.ndarray:
    """Return the quantiles that a fitted regressor or pipeline predicts."""
    while isinstance(estimator, FrozenEstimator | Pipeline):
        if isinstance(estimator, Pipeline) and len(estimator) > 1:
            X = estimator[:-1].transform(X)
        estimator = _inside(estimator)
    return np.asarray(estimator.predict_quantiles(X))


def quantile_levels(estimator: Any) -> np.ndarray | None:
    """Return the probability of each quantile, None if `estimator` has no quantiles."""
    regressor = _last_step(estimator)
    if not hasattr(regressor, "predict_quantiles"):
        return None
    while not hasattr(regressor, "quantiles") and hasattr(regressor, "regressor_"):
        regressor = _last_step(regressor.regressor_)
    return np.asarray(regressor.quantiles, dtype=np.float64)


def _last_step(estimator: Any) -> Any:
    while isinstance(estimator, FrozenEstimator | Pipeline):
        estimator = _inside(estimator)
    return estimator


def _inside(estimator: FrozenEstimator | Pipeline) -> Any:
    is_frozen = isinstance(estimator, FrozenEstimator)
    return estimator.estimator if is_frozen else estimator.steps[-1][1]
