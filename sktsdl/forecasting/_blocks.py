"""Forecasts of more steps than a model has, block after block."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from sktsdl._sklearn.target_steps import TargetSteps, find_label
from sktsdl._sklearn.validation import position_of
from sktsdl.compose._inner import own_columns_of
from sktsdl.forecasting._future import future_frame, source_of, with_next_rows
from sktsdl.forecasting._latest import Latest


def later_blocks(
    model: BaseEstimator,
    latest: Latest,
    outputs: np.ndarray,
    ahead: TargetSteps,
    n_steps: int,
    X_future: Any,
    index_ahead: Callable[[list[int]], pd.Index],
) -> list[np.ndarray]:
    """Return the forecasts of each target at later steps than the model has.

    The forecasts of a block are the values of the targets in the rows from which the
    next block is made.

    Parameters
    ----------
    model : estimator
        A fitted regressor that takes rows.
    latest : Latest
        The latest rows.
    outputs : ndarray of shape (n_rows, n_outputs)
        What `model` predicts for them.
    ahead : TargetSteps
        The target and the step of each output.
    n_steps : int
        The number of steps, more than the model has.
    X_future : DataFrame, array-like or None
        The rows after the latest rows.
    index_ahead : callable
        Returns the index of the rows so many steps ahead, series by series.

    Returns
    -------
    later : list of ndarray of shape (n_series, n_steps - horizon)
        One for each target.

    Raises
    ------
    ValueError
        If these rows cannot be made.
    """
    horizon = _horizon(ahead, n_steps)
    n_blocks = -(-n_steps // horizon)
    n, n_series = len(latest.rows), len(latest.last)
    future = future_frame(X_future, latest)
    own = _columns_of_targets(model, ahead, latest.rows, future)
    others = [
        column
        for at, column in enumerate(latest.rows.columns)
        if at not in own
        and source_of(column, latest.rows, future)[0] not in latest.calendar
    ]
    if X_future is None and others:
        raise ValueError(
            f"steps={n_steps} is more than the {horizon} steps of the model, and "
            f"X_latest has other columns than those of targets, {others}: give their "
            "values in the rows after X_latest by `X_future`."
        )
    rows = with_next_rows(latest, future, own, horizon * (n_blocks - 1), index_ahead)
    columns = [ahead.columns_of(target) for target in range(len(own))]
    blocks = [outputs[latest.last]]
    for stop in range(n + horizon * n_series, len(rows) + 1, horizon * n_series):
        for at, of_target in zip(own, columns, strict=True):
            values = pd.Series(blocks[-1][:, of_target].T.ravel())
            values = values.astype(rows.dtypes.iloc[at])
            rows.iloc[stop - len(values) : stop, at] = values.array
        given = rows.iloc[:stop] if latest.is_frame else rows.iloc[:stop].to_numpy()
        predicted = np.asarray(model.predict(given)).reshape(stop, -1)
        blocks.append(predicted[-n_series:])
    later = [np.hstack([block[:, at] for block in blocks[1:]]) for at in columns]
    return [values[:, : n_steps - horizon] for values in later]


def _horizon(ahead: TargetSteps, n_steps: int) -> int:
    """Return the number of steps of each target, which are 1, 2, ...

    Raises
    ------
    ValueError
        If they are others, so that no block follows the one before.
    """
    for target, name in enumerate(ahead.names):
        steps = [ahead.steps[column] for column in ahead.columns_of(target)]
        if steps != list(range(1, ahead.horizon + 1)):
            of = "" if name is None else f" of {name!r}"
            raise ValueError(
                f"steps={n_steps} needs the forecasts of all rows after X_latest, and "
                f"the model has only the steps {steps}{of}: fit it to the steps 1 to "
                f"{ahead.horizon} of each target (`lead=1`), or to all steps."
            )
    return ahead.horizon


def _columns_of_targets(
    model: BaseEstimator, ahead: TargetSteps, X: pd.DataFrame, future: pd.DataFrame
) -> list[int]:
    """Return the position in `X` of the column whose future each target is.

    Raises
    ------
    ValueError
        If that is not known, or if there is no such column.
    """
    labels: list[Hashable] = list(X.columns)
    columns = own_columns_of(model)
    if columns is not None:
        return [position_of(column, labels, len(labels)) for column in columns]
    found = [find_label(name, labels) for name in ahead.names]
    if None not in found:
        return [position_of(column, labels, len(labels)) for column in found]
    if ahead.is_known:
        name = ahead.names[found.index(None)]
        raise ValueError(
            f"The target {name!r} is not a column of X_latest, which has {labels}, so "
            "no rows follow X_latest that a forecast could be made from: keep the "
            "column in X, or fit a model to all steps."
        )
    plain = [c for c in labels if source_of(c, X, future) == (c, 0)]
    is_open = [c not in future or bool(future[c].isna().all()) for c in plain]
    if len(plain) == 1:
        return [labels.index(plain[0])]
    if sum(is_open) == 1:
        return [labels.index(plain[is_open.index(True)])]
    raise ValueError(
        "The model keeps no name of its target, so it is not known which of the "
        f"columns {plain} of X_latest that is: leave this column, and no other one, "
        "out of X_future, or fill it with NaN."
    )
