"""The regressor inside of an estimator, and what it predicts beside the forecast."""

import copy
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sktsdl._sklearn.nested import last_step, to_last_step, wrapped
from sktsdl._sklearn.quantiles import predict_quantiles, quantile_levels
from sktsdl._sklearn.target_steps import MADE_TARGETS, TargetSteps
from sktsdl._sklearn.validation import check_share
from sktsdl._windows.history import TrainingTail
from sktsdl._windows.panel_history import PanelTail
from sktsdl.baseline import SeasonalNaiveRegressor
from sktsdl.compose._net_wrapper import NetWrapper
from sktsdl.compose._purged import PurgedRegressor
from sktsdl.compose._relative_target import RelativeTargetRegressor


def to_regressor(
    estimator: BaseEstimator, X: ArrayLike | None
) -> tuple[BaseEstimator, Any]:
    """Return the regressor inside of `estimator`, and the `X` that it is given.

    Parameters
    ----------
    estimator : estimator
        A fitted regressor, or a search, a ``Pipeline``, a ``PurgedRegressor`` or a
        ``FrozenEstimator`` around one.
    X : array-like or None
        As for ``estimator.predict``; None is not transformed.
    """
    check_is_fitted(estimator)
    while True:
        if X is None:
            estimator = last_step(estimator)
        else:
            estimator, X = to_last_step(estimator, X)
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, PurgedRegressor):
            estimator = estimator.regressor_
        else:
            return estimator, X


def check_levels(levels: Any) -> list[float]:
    """Return confidence levels as a list.

    Raises
    ------
    TypeError, ValueError
        If they are not a list of numbers between 0 and 1.
    """
    if levels is None:
        return []
    if not isinstance(levels, Sequence | np.ndarray) or isinstance(levels, str):
        raise TypeError(f"levels={levels!r} is not a list: give one, such as [0.9].")
    for level in levels:
        check_share("levels", level)
    return list(levels)


def refuse_levels_of_classes(model: BaseEstimator, levels: list[float]) -> None:
    """Raise a ValueError if intervals are asked of a model of classes."""
    if levels and hasattr(model, "predict_proba"):
        raise ValueError(
            f"levels={levels} needs intervals, and classes have none: leave out "
            "`levels`, or use predict_proba."
        )


def interval_at(
    model: BaseEstimator, X: ArrayLike, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the interval of a confidence level."""
    regressor, _ = to_regressor(model, None)
    if hasattr(regressor, "predict_interval"):
        at_level = copy.copy(regressor).set_params(confidence_level=level)
        lower, upper = at_level.predict_interval(to_regressor(model, X)[1])
        return lower, upper
    known = quantile_levels(regressor)
    if known is None:
        raise ValueError(
            f"levels={level} needs intervals, and {type(regressor).__name__} has none: "
            "put it into a ConformalRegressor, or fit a net with loss='quantile'."
        )
    found = []
    for probability in ((1 - level) / 2, (1 + level) / 2):
        at = np.flatnonzero(np.isclose(known, probability))
        if len(at) == 0:
            raise ValueError(
                f"levels={level} needs the quantile {probability:g}, and the model has "
                f"{tuple(known.tolist())}: fit it with this quantile."
            )
        found.append(at[0])
    quantiles = predict_quantiles(regressor, to_regressor(model, X)[1])
    return quantiles[..., found[0]], quantiles[..., found[1]]


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
    regressor, _ = to_regressor(estimator, None)
    if hasattr(regressor, "predict_interval"):
        lower, upper = regressor.predict_interval(to_regressor(estimator, X)[1])
        return {"lower": lower, "upper": upper}, None
    if hasattr(regressor, "predict_quantiles"):
        quantiles = regressor.predict_quantiles(to_regressor(estimator, X)[1])
        while not hasattr(regressor, "quantiles") and wrapped(regressor) is not None:
            regressor, _ = to_regressor(wrapped(regressor), None)
        return {"quantiles": quantiles}, getattr(regressor, "quantiles", None)
    return {}, None


def target_steps(
    estimator: BaseEstimator, y: Any, n_outputs: int, X: Any = None
) -> TargetSteps:
    """Return which target and step each output of a fitted `estimator` is.

    The names of the columns of `y` say it, or else the names that `estimator` was
    fitted to, if it keeps them, or that ``make_supervised`` made with `X`. Without
    names, they are the horizon of one target, or of each of the columns that
    `estimator` was given.
    """
    labels = TargetSteps.of(y).labels
    if len(labels) != n_outputs or None in labels:
        regressor, _ = to_regressor(estimator, None)
        while not hasattr(regressor, "_y_labels") and wrapped(regressor) is not None:
            regressor, _ = to_regressor(wrapped(regressor), None)
        if isinstance(regressor, NetWrapper):
            regressor = regressor._net
        labels = getattr(regressor, "_y_labels", (None,) * n_outputs)
    steps = TargetSteps.of_labels(labels)
    made = getattr(X, "attrs", {}).get(MADE_TARGETS, ())
    if not (steps.is_known or is_classifier(estimator)) and len(made) == n_outputs:
        steps = TargetSteps.of_labels(made)
    columns = own_columns_of(estimator)
    if columns is None or len(columns) == 1 or steps.is_known:
        return steps
    return steps.shared_by(columns)


def own_columns_of(estimator: BaseEstimator) -> list[Hashable] | None:
    """Return the column of `X` that each target is the future of, None if unknown.

    Estimators with a parameter `column` know it.
    """
    regressor, _ = to_regressor(estimator, None)
    while not isinstance(regressor, RelativeTargetRegressor | SeasonalNaiveRegressor):
        if wrapped(regressor) is None:
            return None
        regressor, _ = to_regressor(wrapped(regressor), None)
    return list(regressor._columns)


def calendar_of(estimator: Any) -> pd.Index | None:
    """Return the times of training that a look-back step knows, or None."""
    tail = tail_of(estimator)
    return None if tail is None else tail.calendar


def tail_of(estimator: Any) -> TrainingTail | PanelTail | None:
    """Return the training rows that a look-back step knows, or None."""
    steps = [estimator]
    while steps:
        step = steps.pop(0)
        if hasattr(step, "_tail"):
            tail: TrainingTail | PanelTail = step._tail
            return tail
        if isinstance(step, Pipeline):
            steps += [each for _, each in step.steps]
        else:
            names = ("best_estimator_", "regressor_", "_first", "estimator", "_season")
            steps += [getattr(step, name) for name in names if hasattr(step, name)]
    return None
