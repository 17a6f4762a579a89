"""NaN at the start of windows, which stands for unknown history."""

from collections.abc import Sequence

import numpy as np

from sktsdl._sklearn.warnings import warn
from sktsdl._windows.windows import Windows


def unknown_after_known(known: np.ndarray) -> np.ndarray:
    """Mark each value that is not `known` although an earlier one in its column is.

    Steps are on axis -2.
    """
    return np.logical_or.accumulate(known, axis=-2) & ~known


def starts_unknown(windows: Windows) -> np.ndarray:
    """Mark each window whose first step is not known, shape (n,)."""
    unknown: np.ndarray = np.isnan(windows.rows[np.maximum(windows.starts, 0)]).any(
        axis=1
    )
    return unknown | (windows.n_unknown > 0)


def find_missing(windows: Windows) -> tuple[int, int, int] | None:
    """Return the window, the row and the channel of a value that cannot be used.

    These are infinity, and NaN after a known value of the same window. None if all
    values can be used.
    """
    rows = windows.rows
    is_nan, is_infinite = np.isnan(rows), np.isinf(rows)
    is_lost = is_nan.copy()
    is_lost[1:] &= ~is_nan[:-1]
    n_lost, n_infinite = (
        np.concatenate([[0], cells.any(axis=1).cumsum()])
        for cells in (is_lost, is_infinite)
    )
    starts, ends = windows.starts + windows.n_unknown, np.asarray(windows.ends)
    is_empty = starts > ends
    ends = np.maximum(ends, 0)
    starts = np.minimum(starts, ends)
    n_bad = n_lost[ends + 1] - n_lost[starts + 1]
    n_bad += n_infinite[ends + 1] - n_infinite[starts]
    bad = (n_bad > 0) & ~is_empty
    if not bad.any():
        return None
    window = int(bad.argmax())
    start, stop = starts[window], ends[window] + 1
    is_bad = is_infinite[start:stop]
    is_bad[1:] |= is_lost[start + 1 : stop]
    at, channel = np.argwhere(is_bad)[0]
    return window, int(start + at), int(channel)


def fill_unknown(windows: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Fill NaN at the start of windows by values from inside the window.

    Parameters
    ----------
    windows : ndarray of shape (n, window, channels)
        NaN after a known value of the same channel stays as it is.
    mean : ndarray of shape (channels,)
        The training mean, for a channel without any known value in a window.

    Returns
    -------
    filled : ndarray of shape (n, window, channels)
        A copy; each channel starts with its first known value in the window.
    """
    known = ~np.isnan(windows)
    first = np.take_along_axis(windows, known.argmax(axis=1)[:, None, :], axis=1)
    first = np.where(np.isnan(first), mean.astype(windows.dtype), first)
    return np.where(known | unknown_after_known(known), windows, first)


def parts_to_fill(windows: Windows, n_values: int) -> list[slice | None]:
    """Part windows so that about `n_values` values at most are filled at once.

    None stands for all windows.
    """
    _, window, n_channels = windows.shape
    n_at_once = max(n_values // (window * n_channels), 1)
    if int(starts_unknown(windows).sum()) <= n_at_once:
        return [None]
    starts = range(0, len(windows), n_at_once)
    return [slice(start, start + n_at_once) for start in starts]


def name_column(column: int, names: Sequence[object] | np.ndarray | None) -> str:
    """Name a column by its name, or by its position if it has none."""
    return f"column {column if names is None else repr(names[column])}"


def why_incomplete(
    windows: Windows,
    names: Sequence[object] | np.ndarray | None,
    way_out: str,
) -> str:
    """Say why none of the windows is complete.

    A column is named if all of it is NaN, or if it alone starts every window with NaN.
    Otherwise the way out is `way_out`.
    """
    rows = windows.rows
    empty = np.isnan(rows).all(axis=0)
    if empty.any():
        column = name_column(int(empty.argmax()), names)
        return f"{column} is NaN in all rows, so fill or drop it"
    is_whole = windows.n_unknown == 0
    unknown = np.isnan(rows[windows.starts[is_whole]]).all(axis=0)
    if unknown.all() or not unknown.any():
        return f"all start with NaN, for unknown history; {way_out}"
    column = name_column(int(unknown.argmax()), names)
    return f"{column} is NaN at the start of each, so fill or drop it"


def warn_of_empty_columns(
    rows: np.ndarray, names: Sequence[object] | np.ndarray | None, n_windows: int
) -> None:
    """Warn of a column without any known value, which takes its training mean."""
    empty = np.isnan(rows).all(axis=0)
    if empty.any() and not (n_windows == 1 and empty.all()):  # a step before has warned
        name = name_column(int(empty.argmax()), names)
        warn(
            f"X has no known value in {name}, so its training mean is taken for it: "
            "fill it, or leave the rows out."
        )
