"""Which rows each fit of a backtest gets, and which rows it predicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.model_selection import check_cv

from sktsdl.forecasting._rows import Rows

Refit = bool | int | Literal["warm"]


@dataclass(frozen=True, eq=False)
class Split:
    """One split of a backtest.

    Parameters
    ----------
    number : int
        Its number.
    train, test : ndarray of int
        The rows of the splitter.
    """

    number: int
    train: np.ndarray
    test: np.ndarray


@dataclass(frozen=True, eq=False)
class Task:
    """What is done for one split.

    Parameters
    ----------
    split : Split
        The split.
    fitted : ndarray of bool, shape (n_rows,), or None
        The rows to fit to; None keeps the model of the split before.
    predicted : ndarray of bool, shape (n_rows,)
        The rows to predict: all rows after the last fit, up to the test rows, which
        have their true history in this way.
    """

    split: Split
    fitted: np.ndarray | None
    predicted: np.ndarray

    @property
    def at(self) -> np.ndarray:
        """Where the test rows stand in the rows that are predicted."""
        return (np.cumsum(self.predicted) - 1)[self.split.test]


def plan(
    cv: Any, X: Any, y: Any, rows: Rows, *, n_ahead: int, refit: Refit
) -> list[list[Task]]:
    """Return groups of tasks; the tasks of a group are done one after the other.

    Parameters
    ----------
    cv : splitter, or iterable of pairs of training and test rows
        As the user gave it.
    X, y : array-like
        The rows and their targets.
    rows : Rows
        The series of these rows.
    n_ahead : int
        How many rows ahead the furthest target of a row lies that is in the way: the
        row may be a training row if it is so many rows before the first test row.
    refit : bool, int or "warm"
        As the user gave it.

    Raises
    ------
    ValueError
        If test rows do not follow the rows that their model is fitted to, or if no row
        is left to fit to.
    """
    splits = list(_splits(cv, X, y, len(rows)))
    if not splits:
        raise ValueError("cv gives no split: give at least one pair of rows.")
    limits = np.stack([_limits(split, rows, n_ahead) for split in splits])
    n = len(splits)
    is_warm = refit == "warm"
    size = n if is_warm or refit is False else int(refit)
    groups = []
    for start in range(0, n, size):
        group = splits[start : start + size]
        of_group = limits[start : start + size]
        groups.append(_tasks(group, of_group, rows, is_warm))
    return groups


def _splits(cv: Any, X: Any, y: Any, n: int) -> Iterator[Split]:
    """Give the splits of `cv`, whose rows may be masks or count from the end."""
    for number, pair in enumerate(check_cv(cv).split(X, y)):
        parts = {}
        for name, part in zip(("training", "test"), pair, strict=True):
            numbers = np.asarray(part)
            numbers = numbers if len(numbers) else numbers.astype(int)
            try:
                parts[name] = np.arange(n)[numbers]
            except IndexError as error:
                raise ValueError(
                    f"The {name} rows of split {number} are no rows of X, which has "
                    f"{n} rows: give their numbers."
                ) from error
            if len(parts[name]) == 0:
                raise ValueError(
                    f"Split {number} has no {name} row: give a cv whose splits all "
                    "have training rows, and test rows after them."
                )
        yield Split(number, parts["training"], parts["test"])


def _limits(split: Split, rows: Rows, n_ahead: int) -> np.ndarray:
    """Return the place in each series at which its training rows must have ended."""
    last = rows.last_places(split.train)
    _check_order(split, last, rows, "its training rows")
    first = rows.first_places(split.test)
    # Of a series without test rows, by the time of the first test row.
    before = rows.n_before(_first_number(split, rows))
    has_test = first < len(rows)
    ends: np.ndarray = np.where(has_test, first, np.maximum(last + 1, before))
    return ends - n_ahead + 1


def _first_number(split: Split, rows: Rows) -> int:
    """Return the number of the time of the first test row."""
    return int(rows.numbers_of(split.test).min())


def _check_order(split: Split, last: np.ndarray, rows: Rows, what: str) -> None:
    """Raise a ValueError if test rows do not follow training rows.

    `last` is the place of the last training row of each series, and `what` names the
    training rows.
    """
    first = rows.first_places(split.test)
    has_test = first < len(rows)
    series = np.flatnonzero(has_test & (last >= first))
    if len(series):
        test = rows.row_at(series[0], first[series[0]])
    else:
        # Of a series without test rows, no row may be later than the first test row.
        other = np.flatnonzero(~has_test & (last >= 0))
        series = other[rows.number_at(other, last[other]) > _first_number(split, rows)]
        if len(series) == 0:
            return
        test = int(split.test[rows.numbers_of(split.test).argmin()])
    train = rows.row_at(series[0], last[series[0]])
    name = "TimeSeriesSplit" if rows.panel.n_series == 1 else "PanelTimeSeriesSplit"
    raise ValueError(
        f"The test rows of split {split.number} do not follow {what}: "
        f"{rows.label(test)} is a test row, and {rows.label(train)} a training row; "
        f"give a cv that keeps the order, such as {name}(5)."
    )


def _tasks(
    group: list[Split], limits: np.ndarray, rows: Rows, is_warm: bool
) -> list[Task]:
    """Return the tasks of splits whose first, or each, is fitted to.

    No row that a model is fitted to has a target in test rows that it predicts later.
    """
    tasks = []
    series, places = rows.panel.series, rows.places
    seen = np.full(rows.panel.n_series, -1)
    for at, split in enumerate(group):
        mask = None
        if at == 0 or is_warm:
            mask = np.zeros(len(rows), dtype=bool)
            mask[split.train] = True
            mask &= places < limits[at:].min(axis=0)[series]
            seen = np.maximum(seen, rows.last_places(split.train))
        _check_order(split, seen, rows, "the training rows of the splits before")
        if mask is not None and not mask.any():
            raise ValueError(
                f"No training row of split {split.number} is left, as targets of all "
                f"{len(split.train)} lie among test rows: give a cv with more training "
                "rows, or targets that are fewer steps ahead."
            )
        if mask is not None:
            last = rows.last_places(np.flatnonzero(mask))
        end = rows.last_places(split.test)
        predicted = (places > last[series]) & (places <= end[series])
        tasks.append(Task(split, mask, predicted))
    return tasks
