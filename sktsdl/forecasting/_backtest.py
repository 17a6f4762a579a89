"""Forecasts of the past, as they would have been made."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, Literal, overload

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import indexable
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _num_samples

from sktsdl._sklearn.target_steps import TargetSteps, horizon_of
from sktsdl._windows.row_parts import times_in_rows
from sktsdl._windows.same_times import check_same_times
from sktsdl.compose._inner import check_levels, refuse_levels_of_classes
from sktsdl.forecasting._plan import Refit, Task, plan
from sktsdl.forecasting._refits import (
    Predicted,
    path_to_warm,
    rows_left_out,
    run_tasks,
)
from sktsdl.forecasting._rows import Rows

Models = list[BaseEstimator]
COLUMNS = ("split", "cutoff", "time", "step", "target", "y_true", "y_pred")


@overload
def backtest(
    model: BaseEstimator,
    X: ArrayLike,
    y: ArrayLike,
    *,
    cv: Any,
    refit: Refit = True,
    levels: Sequence[float] | None = None,
    n_jobs: int | None = None,
    return_models: Literal[False] = False,
) -> pd.DataFrame: ...


@overload
def backtest(
    model: BaseEstimator,
    X: ArrayLike,
    y: ArrayLike,
    *,
    cv: Any,
    refit: Refit = True,
    levels: Sequence[float] | None = None,
    n_jobs: int | None = None,
    return_models: Literal[True],
) -> tuple[pd.DataFrame, Models]: ...


def backtest(
    model: BaseEstimator,
    X: ArrayLike,
    y: ArrayLike,
    *,
    cv: Any,
    refit: Refit = True,
    levels: Sequence[float] | None = None,
    n_jobs: int | None = None,
    return_models: bool = False,
) -> pd.DataFrame | tuple[pd.DataFrame, Models]:
    """Make the forecasts of the past as they would have been made.

    Every test row of every split is a cut-off: a forecast is made from it, by a model
    that is fitted to earlier rows. No row is trained on if one of its targets lies
    after the first test row. The look-back steps still see these rows, and the rows in
    the ``gap`` of a splitter, as the history of the test rows.

    Parameters
    ----------
    model : estimator
        A regressor that takes rows, such as a pipeline, a search or a wrapper. It is
        cloned, and stays as it is. The rows that a ``PurgedRegressor`` at its end
        leaves out are not left out twice.
    X : array-like of shape (n_rows, n_features)
        The rows, oldest first. With a MultiIndex of series and times, of many series.
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        The targets. The names of ``make_supervised`` (``rail+3``) say which target and
        step each column is. Without names, the columns are the steps of one target.
    cv : splitter, or iterable of pairs of training and test rows
        A splitter whose test rows follow the training rows of their series, such as
        ``TimeSeriesSplit``, or `PanelTimeSeriesSplit` for many series. Series without
        a training row are predicted too.
    refit : bool, int or "warm", default=True
        When a model is fitted:

        - True: anew in each split.
        - False: in the first split only. Later test rows still have their true history.
        - A number `k`: in the first of every `k` splits.
        - ``"warm"``: in each split, where the model of the split before is trained
          further, by ``warm_start``. A net trains `max_epochs` epochs in each, and
          keeps the statistics of the first fit.
    levels : sequence of float or None, default=None
        Confidence levels, such as 0.9, of intervals around the forecasts, as in
        `forecast`.
    n_jobs : int or None, default=None
        The number of processes that fit at the same time, as in scikit-learn. The
        result does not depend on it. With ``refit=False`` or ``"warm"``, one fit is
        done after the other.
    return_models : bool, default=False
        Whether to return the fitted models too.

    Returns
    -------
    forecasts : DataFrame
        A row for each cut-off, target and step, split by split. The columns are:

        - the levels of the index that name the series, for many series;
        - ``split``: the number of the split;
        - ``cutoff``: the time of the row that the forecast is made from, or its number
          without a time index;
        - ``time``: the time of the target;
        - ``step``: how many rows after the cut-off this is, or how many times if rows
          hold several times (``make_supervised(..., row="D")``);
        - ``target``: the name of the target, ``"y"`` if it has none;
        - ``y_true`` and ``y_pred``;
        - ``lower_90`` and ``upper_90`` for ``levels=[0.9]``.
    models : list of estimator
        The model of each split; only with ``return_models=True``. Splits without a new
        fit share one.

    Raises
    ------
    ValueError
        If the test rows of a split do not follow its training rows, if no row is left
        to train on, or if an argument cannot be used.

    See Also
    --------
    forecast : The forecast from the last row.
    PanelTimeSeriesSplit : Splits of one series and of many.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import TimeSeriesSplit
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import SlidingWindow, backtest, make_supervised
    >>> from sktsdl.datasets import load_air_passengers
    >>> X, y, _ = make_supervised(
    ...     load_air_passengers(), target="passengers", horizon=3
    ... )
    >>> model = make_pipeline(SlidingWindow(12, flatten=True, pad="edge"), Ridge())
    >>> cv = TimeSeriesSplit(4, test_size=6)
    >>> forecasts = backtest(model, X, y, cv=cv, refit=2)
    >>> forecasts.round({"y_pred": 0}).head(3)
       split     cutoff       time  step      target  y_true  y_pred
    0      0 1958-10-01 1958-11-01     1  passengers     310   347.0
    1      0 1958-10-01 1958-12-01     2  passengers     337   377.0
    2      0 1958-10-01 1959-01-01     3  passengers     360   381.0
    >>> error = (forecasts["y_true"] - forecasts["y_pred"]).abs()
    >>> error.groupby(forecasts["step"]).mean().round(0).tolist()
    [15.0, 16.0, 16.0]
    """
    _check_refit(refit)
    levels = check_levels(levels)
    refuse_levels_of_classes(model, levels)
    is_warm = refit == "warm"
    if is_warm:
        path_to_warm(model)
    n, n_targets = _num_samples(X), _num_samples(y)
    if n != n_targets:
        raise ValueError(
            f"y has {n_targets} rows and X has {n}: give one row of y for each of X."
        )
    X, y = indexable(X, y)
    check_same_times(X, y)
    rows = Rows.of(X, y)
    _check_names(rows)
    horizon = horizon_of(y, None, None)
    n_ahead = horizon - rows_left_out(model, horizon)
    groups = plan(cv, X, y, rows, n_ahead=n_ahead, refit=refit)
    given = {"is_warm": is_warm, "levels": levels, "keep": return_models}
    run = delayed(run_tasks)
    done = Parallel(n_jobs=n_jobs)(run(model, X, y, group, **given) for group in groups)
    tasks = [task for group in groups for task in group]
    found = [each for group in done for each in group]
    forecasts = _frame(y, rows, tasks, found, levels)
    if return_models:
        return forecasts, [each.model for each in found if each.model is not None]
    return forecasts


def _check_refit(refit: Any) -> None:
    is_number = isinstance(refit, Integral) and not isinstance(refit, bool)
    is_known = isinstance(refit, bool | np.bool_) or refit == "warm"
    if not is_known and not (is_number and refit >= 1):
        raise ValueError(
            f"refit={refit!r} is not True, False, 'warm' or a number of splits from 1 "
            "on: give one of them."
        )


def _check_names(rows: Rows) -> None:
    """Raise a ValueError if a level of the index is named as a column of the result."""
    both = [name for name in rows.keys_of(np.arange(0)) if name in COLUMNS]
    if both:
        raise ValueError(
            f"The index of X names its series by a level {both[0]!r}, which is also a "
            "column of the result: give it another name (`X.rename_axis`)."
        )


def _frame(
    y: Any, rows: Rows, tasks: list[Task], found: list[Predicted], levels: list[float]
) -> pd.DataFrame:
    """Return all forecasts, a row for each cut-off, target and step."""
    steps = TargetSteps.of(y)
    timed, n_parts = steps.in_parts, steps.n_parts
    test = np.concatenate([task.split.test for task in tasks])
    n_outputs = len(steps.steps)
    cutoffs = np.repeat(test, n_outputs)
    ahead = np.tile(steps.steps, len(test))
    names = pd.Index(
        ["y" if name is None else name for name in timed.names], tupleize_cols=False
    )
    step = np.tile(timed.steps, len(test))
    times = rows.times_of(cutoffs, ahead)
    if n_parts > 1:
        times = times_in_rows(times, rows.width, (step - 1) % n_parts, n_parts)
    splits = [np.full(len(task.split.test), task.split.number) for task in tasks]
    columns = {
        "split": np.repeat(np.concatenate(splits), n_outputs),
        "cutoff": rows.times_of(cutoffs, np.zeros_like(cutoffs)),
        "time": times,
        "step": step,
        "target": names[np.tile(timed.targets, len(test))],
        "y_true": np.asarray(y).reshape(len(rows), -1)[test].ravel(),
        "y_pred": np.concatenate([each.values.ravel() for each in found]),
    }
    for at, level in enumerate(levels):
        for end, name in enumerate(("lower", "upper")):
            parts = [each.bounds[2 * at + end].ravel() for each in found]
            columns[f"{name}_{100 * level:g}"] = np.concatenate(parts)
    forecasts = pd.DataFrame(rows.keys_of(cutoffs) | columns).infer_objects()
    is_time = forecasts["time"].notna()  # the clock skips other times of rows
    return forecasts if is_time.all() else forecasts[is_time].reset_index(drop=True)
