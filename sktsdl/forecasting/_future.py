"""The rows after the latest rows, but for the values of the targets."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sktsdl._sklearn.target_steps import ahead, split_ahead
from sktsdl._windows.calendar import calendar_field
from sktsdl._windows.frames import to_frame
from sktsdl._windows.panel import Panel
from sktsdl._windows.time_index import as_time_index
from sktsdl._windows.training_index import kind_of
from sktsdl.forecasting._latest import Latest


@dataclass(frozen=True, eq=False)
class NextRows:
    """Rows after the latest rows of each series, one time after the other.

    Parameters
    ----------
    last : DataFrame
        The latest row of each series.
    future : DataFrame
        The rows that the user gave.
    index : pandas.Index
        The series and times of the rows, or the numbers of the steps.
    at : ndarray of int
        The row of `future` for each of `index`, -1 without one.
    has_times : bool
        Whether `index` has times.
    calendar : tuple of str
        The columns that follow from the times.
    """

    last: pd.DataFrame
    future: pd.DataFrame
    index: pd.Index
    at: np.ndarray
    has_times: bool
    calendar: tuple[str, ...]

    def values(
        self, column: Hashable, step: int, like: pd.Series, n: int, n_all: int
    ) -> pd.Series:
        """Return the values of a column so many steps after each of the next `n` rows.

        Where `future` has no value, the columns of the latest rows that are known ahead
        may have it. `like` are the latest rows of the column that gets the values, and
        `n_all` is the number of rows in which a value of `column` is needed.

        Raises
        ------
        ValueError
            If a value is not known, and no value of `like` is missing.
        """
        n_series = len(self.last)
        rows = slice(step * n_series, (step + n) * n_series)
        if column in self.calendar:
            times = self.index.get_level_values(-1)[rows]
            return pd.Series(calendar_field(times, str(column)))
        found = pd.Series(np.full(n * n_series, np.nan))
        if column in self.future:
            given = pd.Series(self.future[column].array)
            found = given.reindex(self.at[rows]).reset_index(drop=True)
        if found.isna().any():
            known = np.full((n, n_series), np.nan, dtype=object)
            for row in range(n):
                name = ahead(column, step + row + 1)
                if name in self.last:
                    known[row] = self.last[name]
            is_given = found.notna()
            found = found.astype(object).where(is_given, known.ravel()).infer_objects()
        missing = found.isna().to_numpy()
        takes_missing = like.isna().any() and (self.at[rows] >= 0).all()
        if missing.any() and not takes_missing:
            row = rows.start + int(missing.argmax())
            self._raise(column, row, (n_all - 1) * n_series + row % n_series)
        return found

    def _raise(self, column: Hashable, row: int, last: int) -> None:
        first, end = (
            f"at {self.index[at]}" if self.has_times else f"in row {at}"
            for at in (row, last)
        )
        lacks = "" if column in self.future else f", as it has no column {column!r}"
        raise ValueError(
            f"X_future has no value of {column!r} {first}{lacks}, and the last value "
            f"that is needed is {end}: give all rows after X_latest up to there, with "
            "all columns but those of targets."
        )


def with_next_rows(
    latest: Latest,
    future: pd.DataFrame,
    own: list[int],
    n: int,
    index_ahead: Callable[[list[int]], pd.Index],
) -> pd.DataFrame:
    """Return the latest rows, and the next `n` rows of each series after them.

    The values of the targets in these rows are still to come. The next rows stand one
    time after the other.

    Parameters
    ----------
    latest : Latest
        The latest rows.
    future : DataFrame
        The rows that the user gave, from `future_frame`.
    own : list of int
        The columns of the targets.
    n : int
        The number of rows.
    index_ahead : callable
        Returns the index of the rows so many steps ahead, series by series.

    Raises
    ------
    ValueError
        If a value of another column is not known.
    """
    X, n_series = latest.rows, len(latest.last)
    sources = {
        at: source_of(column, X, future)
        for at, column in enumerate(X.columns)
        if at not in own
    }
    n_all = n + max((step for _, step in sources.values()), default=0)
    index = index_ahead(list(range(1, n_all + 1)))
    index = index.take(np.arange(len(index)).reshape(n_series, n_all).T.ravel())
    given = {base for base, _ in sources.values()} - set(latest.calendar)
    at = _positions(future, index, latest) if given else np.empty(0, dtype=int)
    latest_rows = X.iloc[latest.last]
    rows = NextRows(latest_rows, future, index, at, latest.has_times, latest.calendar)
    columns: dict[int, Any] = {}
    for number in range(X.shape[1]):
        like = X.iloc[:, number]
        if number in sources:
            base, step = sources[number]
            steps = [each for name, each in sources.values() if name == base]
            values = rows.values(base, step, like, n, n + max(steps))
        else:
            is_number = pd.api.types.is_numeric_dtype(like.dtype)
            values = pd.Series([0.0 if is_number else None] * (n * n_series))
        columns[number] = _of_type(values, like)
    last = index[: n * n_series] if latest.has_times else range(len(X), len(X) + n)
    return pd.concat(
        [X, pd.DataFrame(columns).set_axis(X.columns, axis=1).set_axis(last)]
    )


def source_of(
    column: Hashable, X: pd.DataFrame, future: pd.DataFrame
) -> tuple[Any, int]:
    """Return the column whose value so many steps later `column` has."""
    found = split_ahead(column)
    is_known_ahead = found is not None and (found[0] in X or found[0] in future)
    return found if found is not None and is_known_ahead else (column, 0)


def future_frame(X_future: Any, latest: Latest) -> pd.DataFrame:
    """Return what the user gave as a frame with the names of the latest rows.

    Raises
    ------
    ValueError
        If it has no names and `latest` has them, or if an array has other columns.
    """
    X = latest.rows
    if X_future is None:
        return X.iloc[:0, :0]
    if latest.is_frame and not hasattr(X_future, "columns"):
        raise ValueError(
            "X_latest has names of columns, and X_future has none: give a DataFrame."
        )
    future = to_frame(X_future, None, None)
    if not latest.is_frame:
        if future.shape[1] != X.shape[1]:
            raise ValueError(
                f"X_future has {future.shape[1]} columns, and X_latest has "
                f"{X.shape[1]}: give the same columns, with NaN for those of targets."
            )
        return future.set_axis(X.columns, axis=1)
    if any(isinstance(label, str) for label in X.columns):  # as make_supervised names
        names = [c if isinstance(c, str | tuple) else str(c) for c in future.columns]
        future = future.set_axis(pd.Index(names, tupleize_cols=False), axis=1)
    if not future.columns.is_unique:
        name = future.columns[future.columns.duplicated()][0]
        raise ValueError(f"X_future has two columns named {name!r}: drop one.")
    return future


def _positions(future: pd.DataFrame, index: pd.Index, latest: Latest) -> np.ndarray:
    """Return the row of `future` for each of `index`, -1 without one.

    Raises
    ------
    ValueError
        If `future` has none of these rows, or does not say where they are.
    """
    at = np.arange(len(index))
    if not latest.has_times:
        return np.where(at < len(future), at, -1)
    n_series = len(latest.last)
    if len(future) == 0:
        at[:] = -1
    elif index.nlevels > 1:
        at = _positions_of_series(future, index, n_series)
    else:
        at = _positions_of_times(future.index, index, latest.rows.index)
    if (at < 0).all():
        has = "is empty"
        if len(future):
            has = f"has the rows {future.index[0]} to {future.index[-1]}"
        raise ValueError(
            f"X_future {has}, and not {index[0]} nor another row of the "
            f"{len(index) // n_series} times after X_latest: give the rows of these "
            "times, with the same kind of index as X_latest."
        )
    return at


def _positions_of_series(
    future: pd.DataFrame, index: pd.Index, n_series: int
) -> np.ndarray:
    names, panel = list(index.names[:-1]), Panel.of(future, "X_future")
    if panel is None or list(panel.keys.names) != names:
        raise ValueError(
            f"X_latest has many series, by the levels {names} of its index, and the "
            "index of X_future does not have these levels before the time: give the "
            "same levels."
        )
    keys: Any = index[:n_series]
    series = np.resize(panel.keys.get_indexer(keys.droplevel(-1)), len(index))
    times = panel.stamps.get_indexer(index.get_level_values(-1))
    n_times = len(panel.stamps)
    codes = np.repeat(np.arange(panel.n_series), panel.counts) * n_times + panel.times
    wanted = series * n_times + times
    at = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
    is_there = (series >= 0) & (times >= 0) & (codes[at] == wanted)
    return np.where(is_there, at if panel.order is None else panel.order[at], -1)


def _positions_of_times(given: pd.Index, index: pd.Index, own: pd.Index) -> np.ndarray:
    given = as_time_index(given)
    if not given.is_unique:
        time = given[given.duplicated()][0]
        raise ValueError(f"X_future has two rows of {time}: keep one of them.")
    if kind_of(given) != kind_of(index):
        return np.full(len(index), -1)
    is_counted = np.array_equal(given, np.arange(len(given)))
    if kind_of(index) == ("number",) and is_counted:
        at = np.arange(len(index))
        if not index.isin(given).any():  # numbered anew
            return np.where(at < len(given), at, -1)
        if own[0] == 0:
            raise ValueError(
                "The indexes of X_future and X_latest both count from 0, so X_future "
                f"may start after X_latest or with it: let it start at {index[0]}, the "
                "number after X_latest."
            )
    return given.get_indexer(index)


def _of_type(values: pd.Series, like: pd.Series) -> Any:
    """Return `values` in the type of `like`, if it is of floats or categories."""
    is_kept = isinstance(like.dtype, pd.CategoricalDtype)
    is_kept = is_kept or pd.api.types.is_float_dtype(like.dtype)
    return (values.astype(like.dtype) if is_kept else values.infer_objects()).array
