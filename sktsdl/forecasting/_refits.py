"""The fits and the predictions of a backtest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from sktsdl._sklearn.validation import noted
from sktsdl.compose._inner import interval_at
from sktsdl.compose._purged import PurgedRegressor
from sktsdl.compose._relative_target import RelativeTargetRegressor
from sktsdl.compose._seed_ensemble import SeedEnsemble
from sktsdl.compose._wrapper import Wrapper, next_regressor
from sktsdl.forecasting._plan import Task


@dataclass(frozen=True, eq=False)
class Predicted:
    """The predictions for the test rows of one split.

    Parameters
    ----------
    values : ndarray of shape (n_test, n_outputs)
        The forecasts.
    bounds : list of ndarray of shape (n_test, n_outputs)
        The lower and the upper end of the interval of each level.
    model : estimator or None
        The fitted model, if it is asked for.
    """

    values: np.ndarray
    bounds: list[np.ndarray]
    model: BaseEstimator | None


def run_tasks(
    model: BaseEstimator,
    X: ArrayLike,
    y: ArrayLike,
    tasks: list[Task],
    *,
    is_warm: bool,
    levels: Sequence[float],
    keep: bool,
) -> list[Predicted]:
    """Fit copies of `model`, and predict, for tasks that follow each other."""
    fitted: Any = None
    n_fits, found = 0, []
    for task in tasks:
        if task.fitted is not None:
            n_fits += 1
            following = continued(model, fitted, n_fits) if is_warm else clone(model)
            with noted(
                f"This was the fit of split {task.split.number}, to "
                f"{task.fitted.sum()} of {len(task.fitted)} rows."
            ):
                fitted = following.fit(*(_rows(part, task.fitted) for part in (X, y)))
        of_X, at = _rows(X, task.predicted), task.at

        def table(values: ArrayLike, at: np.ndarray = at) -> np.ndarray:
            array = np.asarray(values)
            return array.reshape(len(array), -1)[at]

        values = table(fitted.predict(of_X))
        ends = [interval_at(fitted, of_X, level) for level in levels]
        bounds = [table(end) for pair in ends for end in pair]
        found.append(Predicted(values, bounds, fitted if keep else None))
    return found


def _rows(data: ArrayLike, where: np.ndarray) -> Any:
    """Return rows as a loop over the splits of a splitter has them, with copies.

    A slice of them, in another memory layout, may round differently.
    """
    return _safe_indexing(data, np.flatnonzero(where))


def rows_left_out(model: BaseEstimator, horizon: int) -> int:
    """Return how many training rows `model` leaves out itself, as if it had the rest.

    A search, or a wrapper that parts the rows, is not such a model: it would use the
    rows that its regressor leaves out.
    """
    while isinstance(model, Pipeline | RelativeTargetRegressor | SeedEnsemble):
        model = model.steps[-1][1] if isinstance(model, Pipeline) else model._inner
    if not isinstance(model, PurgedRegressor):
        return 0
    return int(model.purge) if isinstance(model.purge, Integral) else horizon - 1


def path_to_warm(model: BaseEstimator) -> str:
    """Return where the parameters of the net inside of `model` are, such as ``net__``.

    Raises
    ------
    ValueError
        If there is no estimator with `warm_start`, or if early stopping ends its
        training.
    """
    path = ""
    while isinstance(model, Pipeline | Wrapper):
        if isinstance(model, Pipeline):
            name, inner = model.steps[-1]
        else:
            inner = model._inner
            params = model.get_params(deep=False).items()
            name = next(key for key, value in params if value is inner)
        path, model = f"{path}{name}__", inner
    has_params = hasattr(model, "get_params")
    params = model.get_params(deep=False) if has_params else {}
    if params.get("early_stopping") is True:
        raise ValueError(
            "refit='warm' trains a net further in each split, and early_stopping=True "
            "has ended its training: set early_stopping=False, or use refit=True."
        )
    if "warm_start" in params:
        return path
    raise ValueError(
        "refit='warm' trains a net further by its warm_start, and "
        f"{type(model).__name__} has no such parameter: give a pipeline that ends with "
        "a net, or use refit=True."
    )


def continued(model: BaseEstimator, fitted: Any, n_fits: int) -> Any:
    """Return a copy of `model` that trains `fitted` further in its n-th fit."""
    path, longer = path_to_warm(model), clone(model)
    params = {f"{path}warm_start": True}
    name = f"{path}max_epochs"
    epochs = longer.get_params().get(name)
    if epochs is not None:  # the number of all epochs, of the fits before too
        params[name] = n_fits * epochs
    return next_regressor(longer.set_params(**params), fitted)
