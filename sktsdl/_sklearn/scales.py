"""The scales of windows that nets know, through pipelines and wrappers."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sktsdl._sklearn.nested import last_step, to_last_step


def scale_kind(estimator: Any) -> str | None:
    """Return what a fitted regressor knows the scale of a window by, if it does.

    Parameters
    ----------
    estimator : estimator
        A fitted regressor, also inside of pipelines, searches and wrappers.

    Returns
    -------
    kind : {"standard", "mean"} or None
        The window norm of its net. None if it has no scale in the units of `y`.
    """
    estimator = last_step(estimator)
    if hasattr(estimator, "best_estimator_"):
        return scale_kind(estimator.best_estimator_)
    kind: str | None = getattr(estimator, "_scale_kind", None)
    return kind


def predict_with_scales(estimator: Any, X: ArrayLike) -> tuple[Any, np.ndarray | None]:
    """Return predictions, and the scale of each window and target in units of `y`.

    The scales have the shape of the predictions. They are None if `scale_kind` is.
    """
    if scale_kind(estimator) is None:
        return estimator.predict(X), None
    estimator, X = to_last_step(estimator, X)
    if hasattr(estimator, "best_estimator_"):
        return predict_with_scales(estimator.best_estimator_, X)
    found: tuple[Any, np.ndarray] = estimator._predict_with_scales(X)
    return found
