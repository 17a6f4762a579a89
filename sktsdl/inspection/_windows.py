"""The regressor at the end of a pipeline, and the windows that it is given."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._sklearn.target_steps import TargetSteps
from sktsdl.compose import MultiTaskNet, PurgedRegressor
from sktsdl.inspection._series import pick_row

ESTIMATOR = """\
estimator : regressor, Pipeline, PurgedRegressor, FrozenEstimator or search
    A fitted net of this package, or an estimator that ends in one."""


def to_last_step(
    estimator: BaseEstimator, X: ArrayLike | None
) -> tuple[BaseEstimator, Any]:
    """Return the regressor at the end of `estimator`, and the `X` that it is given.

    Parameters
    ----------
    estimator : estimator
        A fitted regressor, or a search, a ``Pipeline``, a ``PurgedRegressor`` or a
        ``FrozenEstimator`` around one.
    X : array-like or None
        As for ``estimator.predict``; None is not transformed.
    """
    check_is_fitted(estimator)
    if isinstance(estimator, FrozenEstimator):
        return to_last_step(estimator.estimator, X)
    if hasattr(estimator, "best_estimator_"):
        return to_last_step(estimator.best_estimator_, X)
    if isinstance(estimator, PurgedRegressor):
        return to_last_step(estimator.regressor_, X)
    if isinstance(estimator, Pipeline):
        if X is not None and len(estimator) > 1:
            X = estimator[:-1].transform(X)
        return to_last_step(estimator[-1], X)
    return estimator, X


def to_net(estimator: BaseEstimator, X: ArrayLike | None) -> tuple[DeepRegressor, Any]:
    """Return the net at the end of `estimator`, and the `X` that it is given.

    Raises
    ------
    TypeError
        If `estimator` does not end in a net of this package.
    """
    regressor, X = to_last_step(estimator, X)
    if isinstance(regressor, MultiTaskNet):
        regressor = regressor.net_
    if not isinstance(regressor, DeepRegressor):
        way_out = "give one, or a pipeline that ends in one."
        if hasattr(regressor, "regressor_"):
            way_out = "give its `regressor_`, whose output may be in other units."
        raise TypeError(
            f"{type(regressor).__name__} is not a net of this package: {way_out}"
        )
    return regressor, X


def to_window(
    estimator: BaseEstimator, X: ArrayLike, row: int, series: Hashable = None
) -> tuple[DeepRegressor, Any, str | None]:
    """Return the net at the end of `estimator`, the window of one row, and a title.

    Raises
    ------
    TypeError
        If `estimator` does not end in a net of this package.
    ValueError
        If `X` has no such row or series.
    """
    row, title = pick_row(X, row, series)
    regressor, windows = to_net(estimator, X)
    rows = windows.iloc if hasattr(windows, "iloc") else np.asarray(windows)
    return regressor, rows[row : row + 1 or None], title


def interval_or_quantiles(
    estimator: BaseEstimator, X: ArrayLike
) -> tuple[dict[str, Any], Sequence[float] | None]:
    """Return the interval or else the quantiles that `estimator` predicts for `X`.

    Returns
    -------
    bounds : dict
        Either ``lower`` and ``upper``, or ``quantiles``, or nothing.
    levels : sequence of float or None
        The probability of each quantile, if it is known.
    """
    regressor, _ = to_last_step(estimator, None)
    if hasattr(regressor, "predict_interval"):
        lower, upper = regressor.predict_interval(to_last_step(estimator, X)[1])
        return {"lower": lower, "upper": upper}, None
    if hasattr(regressor, "predict_quantiles"):
        quantiles = regressor.predict_quantiles(to_last_step(estimator, X)[1])
        while not hasattr(regressor, "quantiles") and hasattr(regressor, "regressor_"):
            regressor, _ = to_last_step(regressor.regressor_, None)
        return {"quantiles": quantiles}, getattr(regressor, "quantiles", None)
    return {}, None


def target_steps(estimator: BaseEstimator, y: Any, n_outputs: int) -> TargetSteps:
    """Return which target and step each output of a fitted `estimator` is.

    The names of the columns of `y` say it, or else the names that `estimator` was
    fitted to, if it keeps them. Without names, they are the horizon of one target.
    """
    labels = TargetSteps.of(y).labels
    if len(labels) != n_outputs or None in labels:
        regressor, _ = to_last_step(estimator, None)
        while hasattr(regressor, "regressor_") and not hasattr(regressor, "_y_labels"):
            regressor, _ = to_last_step(regressor.regressor_, None)
        if isinstance(regressor, MultiTaskNet):
            regressor = regressor.net_
        labels = getattr(regressor, "_y_labels", (None,) * n_outputs)
    return TargetSteps.of_labels(labels)


def channel_names(regressor: DeepRegressor) -> list[str]:
    """Return the names of the channels, or their positions if they have no names."""
    inputs = regressor._spec.inputs
    if inputs.channel_names is not None:
        return list(inputs.channel_names)
    return [f"channel {i}" for i in range(inputs.n_channels)]
