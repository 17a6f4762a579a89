"""The estimator at the end of pipelines, and what it is given."""

from typing import Any

from numpy.typing import ArrayLike
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline


def last_step(estimator: Any) -> Any:
    """Return the last step of a pipeline, or what a ``FrozenEstimator`` holds."""
    while isinstance(estimator, FrozenEstimator | Pipeline):
        estimator = _inside(estimator)
    return estimator


def to_last_step(estimator: Any, X: ArrayLike) -> tuple[Any, Any]:
    """Return `last_step` of a fitted estimator, and `X` as it is given to this step."""
    while isinstance(estimator, FrozenEstimator | Pipeline):
        if isinstance(estimator, Pipeline) and len(estimator) > 1:
            X = estimator[:-1].transform(X)
        estimator = _inside(estimator)
    return estimator, X


def wrapped(estimator: Any) -> Any:
    """Return the fitted regressor inside of a wrapper; None for other estimators.

    Of an ensemble of seeds, it is the first member.
    """
    inside = getattr(estimator, "regressor_", None)
    return getattr(estimator, "_first", None) if inside is None else inside


def _inside(estimator: FrozenEstimator | Pipeline) -> Any:
    is_frozen = isinstance(estimator, FrozenEstimator)
    return estimator.estimator if is_frozen else estimator.steps[-1][1]
