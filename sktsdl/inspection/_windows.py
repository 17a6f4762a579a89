"""The regressor at the end of a pipeline, and the windows that it is given."""

from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._sklearn.nested import wrapped
from sktsdl._windows.windows import Windows
from sktsdl.compose._inner import to_regressor
from sktsdl.compose._net_wrapper import NetWrapper
from sktsdl.compose._seed_ensemble import SeedEnsemble
from sktsdl.inspection._series import pick_row

ESTIMATOR = """\
estimator : regressor, Pipeline, PurgedRegressor, FrozenEstimator or search
    A fitted net of this package, or an estimator that ends in one."""


def to_net(estimator: BaseEstimator, X: ArrayLike | None) -> tuple[DeepRegressor, Any]:
    """Return the net at the end of `estimator`, and the `X` that it is given.

    Raises
    ------
    TypeError
        If `estimator` does not end in a net of this package.
    """
    regressor, X = to_regressor(estimator, X)
    if isinstance(regressor, NetWrapper):
        regressor = regressor._net
    if not isinstance(regressor, DeepRegressor):
        way_out = "give one, or a pipeline that ends in one."
        if hasattr(regressor, "regressor_"):
            way_out = "give its `regressor_`, whose output may be in other units."
        elif isinstance(regressor, SeedEnsemble):
            way_out = "give one of its `estimators_`."
        raise TypeError(
            f"{type(regressor).__name__} is not a net of this package: {way_out}"
        )
    return regressor, X


def to_nets(
    estimator: BaseEstimator, X: ArrayLike | None
) -> list[tuple[DeepRegressor, Any]]:
    """Return `to_net` of `estimator`, or of each member of a `SeedEnsemble` at its end.

    Raises
    ------
    TypeError
        If they do not end in nets of this package, or if the members predict classes,
        as the mean of probabilities is not the mean of what is explained.
    """
    regressor, X = to_regressor(estimator, X)
    if not isinstance(regressor, SeedEnsemble):
        return [to_net(regressor, X)]
    if hasattr(regressor, "predict_proba"):
        return [to_net(regressor, None)]  # raises
    return [to_net(each, X) for each in regressor.estimators_]


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
    return regressor, window_of(windows, row), title


def window_of(windows: Any, row: int) -> Any:
    """Return the window of one row."""
    rows = windows if isinstance(windows, Windows) else np.asarray(windows)
    rows = getattr(windows, "iloc", rows)
    return rows[row : row + 1 or None]


def channel_names(regressor: DeepRegressor) -> list[str]:
    """Return the names of the channels, or their positions if they have no names."""
    return regressor._spec.inputs.shown_names


def needs_times(regressor: Any) -> bool:
    """Say whether a net, also inside of wrappers, knows phases by the time index."""
    while wrapped(regressor) is not None:
        regressor = wrapped(regressor)
    if isinstance(regressor, NetWrapper):
        regressor = regressor._net
    cycle = regressor._spec.cycle if isinstance(regressor, DeepRegressor) else None
    return cycle is not None and cycle.channel is None
