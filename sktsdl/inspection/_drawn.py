"""What a display draws of the predictions of an estimator."""

from __future__ import annotations

from collections.abc import Hashable
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, check_scalar

from sktsdl.compose._inner import calendar_of, interval_or_quantiles, target_steps
from sktsdl.inspection._display import check_times, name_of, target_name
from sktsdl.inspection._series import check_row, pick_series, row_labels


def drawn_forecast(
    estimator: BaseEstimator,
    X: ArrayLike,
    y: ArrayLike | None,
    *,
    row: int,
    target: int | Hashable,
    series: Hashable,
    history: pd.Series | ArrayLike | None,
    name: str | None,
) -> dict[str, Any]:
    """Return the values that `ForecastDisplay` draws, by the names of its parameters.

    The parameters are those of ``ForecastDisplay.from_estimator``. All rows of `X` are
    predicted, whichever are drawn, as other rows may be their history.
    """
    picked = pick_series(row_labels(X), series)
    y_pred = np.asarray(estimator.predict(X))
    shape = len(y_pred), int(np.prod(y_pred.shape[1:]))
    steps = target_steps(estimator, y, shape[1], X)
    at = steps.position_of(target)
    columns = steps.columns_of(at)
    bounds, levels = interval_or_quantiles(estimator, X)
    times = picked.with_times_ahead(steps.horizon, calendar_of(estimator))
    n = len(picked.times)
    ahead = [steps.steps[column] for column in columns]
    chosen: tuple[Any, Any]
    if len(columns) == 1:
        times = times[ahead[0] :][:n]
        chosen = slice(None), columns[0]
    else:
        of_series = "X" if series is None else f"the series {series!r}"
        check_row(row, n, of_series)
        times = times[[row % n + step for step in ahead]]
        chosen = row, columns
    truth = None if y is None else np.asarray(y)
    if truth is not None and truth.ndim == 1 and len(columns) > 1:
        truth = picked.own(y, "y")
        check_times(truth, times)
    elif truth is not None:
        check_consistent_length(y_pred, truth)
        truth = truth.reshape(shape)[picked.rows][chosen]
    bounds = {
        key: np.reshape(values, (*shape, -1))[picked.rows][chosen]
        for key, values in bounds.items()
    }
    if name is None and steps.names[at] is not None:
        name = name_of(steps.names[at])
    return {
        "y_true": truth,
        "y_pred": y_pred.reshape(shape)[picked.rows][chosen],
        **{k: v if k == "quantiles" else v[:, 0] for k, v in bounds.items()},
        "levels": levels,
        "history": picked.own(history, "history"),
        "index": times,
        "name": name,
        "title": picked.title,
    }


def drawn_residuals(
    estimator: BaseEstimator,
    X: ArrayLike,
    y: ArrayLike,
    *,
    target: int,
    series: Hashable,
    name: str | None,
) -> dict[str, Any]:
    """Return the values that `ResidualDisplay` draws, as `drawn_forecast`."""
    picked = pick_series(row_labels(X), series)
    y_pred = np.asarray(estimator.predict(X))
    y_pred = y_pred.reshape(len(y_pred), -1)
    last = y_pred.shape[1] - 1
    check_scalar(target, "target", Integral, min_val=0, max_val=last)
    check_consistent_length(y_pred, y)
    truth = np.asarray(y).reshape(y_pred.shape)
    is_next = target_steps(estimator, y, y_pred.shape[1], X).horizon == 1
    return {
        "y_true": truth[picked.rows, target],
        "y_pred": y_pred[picked.rows, target],
        "index": picked.with_times_ahead(1, calendar_of(estimator))[1:]
        if is_next
        else picked.times,
        "name": name or target_name(y, target),
        "title": picked.title,
    }
