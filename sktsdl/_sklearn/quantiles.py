"""The quantiles that estimators predict, through pipelines and wrappers."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sktsdl._sklearn.nested import last_step, to_last_step, wrapped


def predict_quantiles(estimator: Any, X: ArrayLike) -> np.ndarray:
    """Return the quantiles that a fitted regressor or pipeline predicts."""
    estimator, X = to_last_step(estimator, X)
    return np.asarray(estimator.predict_quantiles(X))


def quantile_levels(estimator: Any) -> np.ndarray | None:
    """Return the probability of each quantile, None if `estimator` has no quantiles."""
    regressor = last_step(estimator)
    if not hasattr(regressor, "predict_quantiles"):
        return None
    while not hasattr(regressor, "quantiles") and wrapped(regressor) is not None:
        regressor = last_step(wrapped(regressor))
    return np.asarray(regressor.quantiles, dtype=np.float64)
