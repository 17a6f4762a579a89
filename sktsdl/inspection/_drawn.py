"""What a display draws of the predictions of an estimator."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import check_consistent_length, check_scalar

from sktsdl.compose._inner import calendar_of, interval_or_quantiles, target_steps
from sktsdl.inspection._display import check_times, name_of, target_name
from sktsdl.inspection._series import (
    Picked,
    check_row,
    pick_row,
    pick_series,
    row_labels,
)
from sktsdl.inspection._windows import to_nets


@dataclass(frozen=True)
class Cells:
    """Which predictions are drawn: a column of all rows, or the horizon of one row.

    Parameters
    ----------
    picked : Picked
        The rows of the series.
    shape : tuple of int
        The rows and columns of all predictions.
    chosen : tuple
        The rows of the series, and the columns.
    times : pandas.Index
        The time of each value.
    name : str or None
        The name of the target.
    """

    picked: Picked
    shape: tuple[int, int]
    chosen: tuple[Any, Any]
    times: pd.Index
    name: str | None

    @classmethod
    def of(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike,
        y: ArrayLike | None,
        picked: Picked,
        predicted: np.ndarray,
        *,
        row: int,
        target: int | Hashable,
        series: Hashable,
    ) -> Cells:
        """Choose among what is `predicted` for all rows of `X`."""
        shape = len(predicted), int(np.prod(predicted.shape[1:]))
        steps = target_steps(estimator, y, shape[1], X)
        at = steps.position_of(target)
        columns = steps.columns_of(at)
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
        name = None if steps.names[at] is None else name_of(steps.names[at])
        return cls(picked, shape, chosen, times, name)

    @property
    def are_of_one_row(self) -> bool:
        return not isinstance(self.chosen[0], slice)

    def values_of(self, all_values: ArrayLike) -> np.ndarray:
        """(rows, columns, ...) -> (drawn, ...), of which there may be a last axis"""
        values = np.reshape(all_values, (*self.shape, -1))[self.picked.rows]
        return values[self.chosen]


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
    refuse_classes(estimator)
    picked = pick_series(row_labels(X), series)
    y_pred = np.asarray(estimator.predict(X))
    cells = Cells.of(
        estimator, X, y, picked, y_pred, row=row, target=target, series=series
    )
    bounds, levels = interval_or_quantiles(estimator, X)
    found = {key: cells.values_of(values) for key, values in bounds.items()}
    truth = None if y is None else np.asarray(y)
    if truth is not None and truth.ndim == 1 and cells.are_of_one_row:
        truth = picked.own(y, "y")
        check_times(truth, cells.times)
    elif truth is not None:
        check_consistent_length(y_pred, truth)
        truth = cells.values_of(truth)[:, 0]
    return {
        "y_true": truth,
        "y_pred": cells.values_of(y_pred)[:, 0],
        **{k: v if k == "quantiles" else v[:, 0] for k, v in found.items()},
        "levels": levels,
        "history": picked.own(history, "history"),
        "index": cells.times,
        "name": cells.name if name is None else name,
        "title": picked.title,
    }


def drawn_parts(
    estimator: BaseEstimator,
    X: ArrayLike,
    *,
    row: int,
    target: int | Hashable,
    series: Hashable,
    name: str | None,
) -> dict[str, Any]:
    """Return the values that `DecompositionDisplay` draws, as `drawn_forecast`.

    Raises
    ------
    TypeError
        If `estimator` does not end in a net that decomposes its forecasts.
    """
    picked = pick_series(row_labels(X), series)
    decomposed = []
    for net, windows in to_nets(estimator, X):
        if not hasattr(net, "decompose"):
            raise TypeError(
                f"{type(net).__name__} does not decompose its forecasts: use "
                "NBEATSRegressor."
            )
        decomposed.append(net.decompose(windows))
    parts = {
        part: np.mean([each[part] for each in decomposed], axis=0)
        for part in decomposed[0]
    }
    cells = Cells.of(
        estimator,
        X,
        None,
        picked,
        parts["trend"],
        row=row,
        target=target,
        series=series,
    )
    title = picked.title
    if cells.are_of_one_row:
        _, title = pick_row(X, row, series)
    return {
        "parts": {part: cells.values_of(v)[:, 0] for part, v in parts.items()},
        "index": cells.times,
        "name": cells.name if name is None else name,
        "title": title,
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
    refuse_classes(estimator)
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


def refuse_classes(estimator: BaseEstimator) -> None:
    """Raise a TypeError if `estimator` predicts classes."""
    if is_classifier(estimator):
        raise TypeError(
            "The estimator predicts classes, and this display draws numbers: use a "
            "display of scikit-learn, such as ConfusionMatrixDisplay or "
            "CalibrationDisplay."
        )
