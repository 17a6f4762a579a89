"""Which rows are the last of each series, and which rows come after which."""

from typing import Any, TypeVar, cast

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from sktsdl._windows.panel import panel_of

Rows = TypeVar("Rows")


def series_of(X: Any, y: Any) -> np.ndarray:
    """Return the number of each row's series, 0 if `X` and `y` are one series."""
    panel = panel_of(X, y)
    return np.zeros(_num_samples(X), dtype=int) if panel is None else panel.series


def rows_by_time(X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows in time order over all series, and where each time starts.

    The order does not depend on how the rows of several series follow each other. Each
    row of one series has its own time.
    """
    panel = panel_of(X, y)
    if panel is None:
        rows = np.arange(_num_samples(X))
        return rows, rows
    times = panel.times[panel.place]
    rows = np.lexsort((panel.series, times))
    return rows, np.flatnonzero(np.diff(times[rows], prepend=-1))


def split_at_end(
    series: np.ndarray, fraction: float, n_ahead: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mark the last rows of each series, and the rows before that see none of them.

    A series of too few rows has no last rows.

    Parameters
    ----------
    series : ndarray of int, shape (n_rows,)
        The number of each row's series; the rows of a series are in time order.
    fraction : float
        The share of the last rows, which is rounded up.
    n_ahead : int
        How many rows before the last ones have targets that reach into them.

    Returns
    -------
    is_before, is_last : ndarray of bool, shape (n_rows,)
    """
    counts = np.bincount(series)
    n_last = np.ceil(fraction * counts).astype(int)
    n_last[counts <= n_last + n_ahead] = 0
    n_left = np.where(n_last > 0, n_last + n_ahead, 0)
    n_after = rows_after(series)
    return n_after >= n_left[series], n_after < n_last[series]


def as_slice(where: np.ndarray) -> slice | np.ndarray:
    """Return the rows of a mask as a slice, which copies nothing, or as numbers."""
    at = np.flatnonzero(where)
    if len(at) and at[-1] - at[0] + 1 == len(at):
        return slice(int(at[0]), int(at[-1]) + 1)
    return at


def take_rows(rows: Rows, where: np.ndarray) -> Rows:
    """Return the rows where a mask is true, of a frame as a frame."""
    at, container = as_slice(where), cast(Any, rows)
    if isinstance(at, slice):
        taken: Rows = getattr(container, "iloc", container)[at]
    else:
        taken = _safe_indexing(rows, at)
    return taken


def rows_after(series: np.ndarray) -> np.ndarray:
    """Return for each row how many rows of its series come after it."""
    order = np.argsort(series, kind="stable")
    ends = np.bincount(series).cumsum()
    n_after = np.empty(len(series), dtype=int)
    n_after[order] = ends[series[order]] - 1 - np.arange(len(series))
    return n_after
