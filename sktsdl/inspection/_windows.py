"""From a pipeline to the regressor at its end, and to the windows it is given."""

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sktsdl._estimator.base import DeepRegressor
from sktsdl.compose import PurgedRegressor


def to_last_step(estimator: Any, X: Any) -> tuple[Any, Any]:
    """Return the regressor at the end of `estimator`, and `X` as it is given to it.

    Parameters
    ----------
    estimator : estimator
        A fitted regressor, or a search, a ``Pipeline`` or a ``PurgedRegressor`` around
        one.
    X : array-like
        As for its ``predict``; None is not transformed.
    """
    check_is_fitted(estimator)
    if hasattr(estimator, "best_estimator_"):
        return to_last_step(estimator.best_estimator_, X)
    if isinstance(estimator, PurgedRegressor):
        return to_last_step(estimator.regressor_, X)
    if isinstance(estimator, Pipeline):
        if X is not None and len(estimator) > 1:
            X = estimator[:-1].transform(X)
        return to_last_step(estimator[-1], X)
    return estimator, X


def to_net(estimator: Any, X: Any) -> tuple[DeepRegressor, Any]:
    """Return the net at the end of `estimator`, and `X` as it is given to it.

    Raises
    ------
    TypeError
        If no net is there.
    """
    net, X = to_last_step(estimator, X)
    if not isinstance(net, DeepRegressor):
        way_out = "give a net of this package, or a pipeline that ends in one."
        if hasattr(net, "regressor_"):
            way_out = "give its `regressor_`, whose answer may be in other units."
        raise TypeError(f"{type(net).__name__} is no net: {way_out}")
    return net, X


def to_window(estimator: Any, X: Any, row: int) -> tuple[DeepRegressor, Any]:
    """Return the net at the end of `estimator`, and the window of one row.

    Raises
    ------
    TypeError
        If no net is there.
    ValueError
        If `X` has no such row.
    """
    net, X = to_net(estimator, X)
    X = X if hasattr(X, "iloc") else np.asarray(X)
    check_row(row, len(X))
    part = slice(row, row + 1 or None)
    return net, X.iloc[part] if hasattr(X, "iloc") else X[part]


def check_row(row: int, n_rows: int) -> None:
    """Raise a ValueError if there is no `row`, counted from either end."""
    if not -n_rows <= row < n_rows:
        raise ValueError(f"row={row} is no row of X, which has {n_rows}.")


def channel_names(net: DeepRegressor) -> list[str]:
    """Return the names of the channels, by position where they have none."""
    if net._is_3d and hasattr(net, "feature_names_in_"):
        return list(net.feature_names_in_)
    return [f"channel {i}" for i in range(net._standardizer.n_channels)]
