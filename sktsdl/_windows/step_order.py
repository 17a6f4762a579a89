"""Warnings of input whose steps seem to stand where they are not read."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sktsdl._sklearn.warnings import warn
from sktsdl._windows.lags import lagged_columns, n_shifted
from sktsdl._windows.time_index import as_time_index
from sktsdl._windows.windows import is_transposed

MIN_LAGS = 3  # two columns of many may be alike for another reason
MIN_STEPS = 8  # a window of one row with fewer channels is usual


@dataclass(frozen=True)
class LagTable:
    """A table of lags, and how it is to be read.

    Parameters
    ----------
    lags : str
        The argument `lags` of ``LagsToWindows``.
    order : {"newest_first", "oldest_first"}
        Its argument `order`.
    fault : str or None
        Why the columns are not read as they are meant, None if they are.
    """

    lags: str
    order: str
    fault: str | None


def warn_of_columns(X: object, rows: np.ndarray) -> None:
    """Warn of columns that are not the steps of one channel, oldest first.

    Parameters
    ----------
    X : array-like of shape (n, n_features)
        What the estimator was given.
    rows : ndarray of shape (n, n_features)
        Its values.
    """
    table = _table_by_names(X) or _table_by_values(_by_series(X, rows))
    if table is not None and table.fault is not None:
        warn(
            f"The columns of X are lags {table.fault}, and this estimator takes all "
            "columns as the steps of one channel, oldest first: put "
            f"`LagsToWindows(lags={table.lags}, order={table.order!r})` before it."
        )
    if table is None and _has_time_index(X):
        what, if_channels = "of one column, so each window has one step", ""
        if rows.shape[1] > 1:
            what = "whose columns are taken as the steps of one channel"
            if_channels = " if they are channels"
        warn(
            f"X is a DataFrame with a time index, {what}: put `SlidingWindow` before "
            f"this estimator{if_channels}."
        )


def warn_of_axes(X: np.ndarray) -> None:
    """Warn of an array that seems to be (n, channels, time).

    Parameters
    ----------
    X : ndarray of shape (n, window, channels)
        Windows that come from no step of this package.
    """
    _, window, n_channels = X.shape
    if window == 1 and n_channels >= MIN_STEPS:
        what = f"has windows of one step and {n_channels} channels"
    elif is_transposed(X):
        what = "has windows that overlap along its last axis, and not along its second"
    else:
        return
    warn(
        f"X of shape {X.shape} {what}, and is taken as (n, time, channels): if X "
        "is (n, channels, time), as in sktime and aeon, give `X.transpose(0, 2, 1)`."
    )


def _has_time_index(X: object) -> bool:
    timed = (pd.DatetimeIndex, pd.TimedeltaIndex, pd.PeriodIndex)
    if not isinstance(X, pd.DataFrame):
        return False
    index = X.index
    if isinstance(index, pd.MultiIndex):
        index = as_time_index(index.levels[-1])
    return isinstance(index, timed)


def _by_series(X: object, rows: np.ndarray) -> np.ndarray:
    """Return the rows of many series one series after the other."""
    if not (isinstance(X, pd.DataFrame) and isinstance(X.index, pd.MultiIndex)):
        return rows
    series, _ = pd.factorize(X.index.droplevel(-1))
    return rows[np.argsort(series, kind="stable")]


def _table_by_names(X: object) -> LagTable | None:
    names = list(getattr(X, "columns", ()))
    series = lagged_columns(names)
    if not series:
        return None
    lags = {name: lag for columns in series.values() for lag, name in columns}
    in_order = [lags[name] for name in names if name in lags]
    by_series = [[lag for lag, _ in columns] for columns in series.values()]
    order, fault = "newest_first", "in no order of time"
    if all(part == sorted(part) for part in by_series):
        fault = "with the newest first"
    elif all(part == sorted(part, reverse=True) for part in by_series):
        is_read = in_order == sorted(in_order, reverse=True)
        order, fault = "oldest_first", "" if is_read else "of one series after another"
    if len(lags) < len(names):
        fault = f"{fault} beside other columns".strip()
    blocks = [
        [name for _, name in sorted(part, reverse=order == "oldest_first")]
        for part in series.values()
    ]
    first = blocks[0]
    text = f"[{first[0]!r}, ..., {first[-1]!r}]"
    if len(blocks) > 1:
        text = f"[{text}, ...]"
    elif first == names[: len(first)]:
        text = str(len(first))
    return LagTable(text, order, fault or None)


def _table_by_values(rows: np.ndarray) -> LagTable | None:
    n_columns = rows.shape[1]
    order, fault, n = "oldest_first", "", n_shifted(rows, newest_first=False)
    if (other := n_shifted(rows, newest_first=True)) > n:
        order, fault, n = "newest_first", "with the newest first", other
    if n < min(MIN_LAGS, max(n_columns, 2)):
        return None
    blocks = [range(n)]
    while (start := blocks[-1].stop) + n <= n_columns:
        block = range(start, start + n)
        if n_shifted(rows[:, block], newest_first=order == "newest_first") < n:
            break
        blocks.append(block)
    if len(blocks) > 1:
        fault = fault or "of one series after another"
    if blocks[-1].stop < n_columns:
        fault = f"{fault} beside other columns".strip()
    return LagTable(str(n) if len(blocks) == 1 else str(blocks), order, fault or None)
