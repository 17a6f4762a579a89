"""Whether rows are the same, up to rounding."""

import numpy as np

from sktsdl._windows.disk_rows import DiskRows, Rows
from sktsdl._windows.kept_rows import N_RECOGNISED

RTOL = 1e-5


def close(a: np.ndarray, b: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Say where `a` and `b` differ by rounding only.

    The tolerance is relative to the column's standard deviation, not to its values, so
    that it works for a small variation on a high level; plus the rounding of the
    coarser dtype.
    """
    eps = max(np.finfo(a.dtype).eps, np.finfo(b.dtype).eps)
    same = np.abs(a - b) <= RTOL * spread + 4 * eps * np.abs(b)
    return same | (np.isnan(a) & np.isnan(b))


def are_close(
    rows: Rows, which: np.ndarray, others: np.ndarray | int, spread: np.ndarray
) -> np.ndarray:
    """Say which of some rows are close to the rows `others`, or to one of them.

    `which` and `others` are numbers of rows.
    """
    column = int(spread.argmax())  # in which few rows are alike
    values, other = rows[which, column], rows[others, column]
    found: np.ndarray = close(values, other, spread[column])
    left = np.flatnonzero(found)
    size = rows.n_at_once if isinstance(rows, DiskRows) else max(len(left), 1)
    for start in range(0, len(left), size):
        at = left[start : start + size]
        other = rows[others if isinstance(others, int) else others[at]]
        found[at] = close(rows[which[at]], other, spread).all(axis=1)
    return found


def column_spread(rows: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the known values of each column."""
    known = rows[np.isfinite(rows).all(axis=1)]
    largest = np.abs(known).max(axis=0, initial=0.0)
    unit = np.where(largest > 0, largest, 1.0)  # so that squares do not overflow
    return (known / unit).std(axis=0) * unit if len(known) else unit * 0.0


def distinct_start(rows: Rows) -> int:
    """Return the length of the shortest start of `rows` that occurs only once."""
    limit = min(N_RECOGNISED, len(rows))
    spread = column_spread(rows[:limit])
    starts = np.arange(1, len(rows))  # where the first n rows occur again
    n = 0
    while n < limit:
        starts = starts[starts + n < len(rows)]
        starts = starts[are_close(rows, starts + n, n, spread)]
        n += 1
        if len(starts) == 0:
            return n
        if len(starts) > 2 * len(rows) // n:
            # They overlap by half or more, so the first rows repeat themselves, such
            # as constant rows. Of each stretch of `rows` that repeats itself in this
            # way, only the place where it breaks off as the start does can match on.
            period = int(min(starts[0], np.diff(starts).min()))
            later = np.arange(period, len(rows))
            same = are_close(rows, later, later - period, spread)
            breaks = np.append(np.flatnonzero(~same) + period, len(rows))
            lengths = breaks[np.searchsorted(breaks, starts + period)] - starts
            n = min(int(breaks[0]), limit)
            starts = starts[lengths == n]
            if len(starts) == 0:
                return min(int(lengths.max()) + 1, n + 1, limit)
    return limit
