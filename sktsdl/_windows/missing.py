"""NaN at the start of windows, which stands for unknown history."""

from collections.abc import Sequence

import numpy as np

from sktsdl._sklearn.warnings import warn
from sktsdl._windows.disk_rows import Rows, has_nan, in_blocks, select_rows
from sktsdl._windows.windows import Windows


def unknown_after_known(known: np.ndarray) -> np.ndarray:
    """Mark each value that is not `known` although an earlier one in its column is.

    Steps are on axis -2.
    """
    return np.logical_or.accumulate(known, axis=-2) & ~known


def starts_unknown(windows: Windows) -> np.ndarray:
    """Mark each window whose first step is not known, shape (n,)."""
    unknown = has_nan(windows.rows, np.maximum(windows.starts, 0))
    return unknown | (windows.n_unknown > 0)


def find_missing(windows: Windows) -> tuple[int, int, int] | None:
    """Return the window, the row and the channel of a value that cannot be used.

    These are infinity, and NaN after a known value of the same window. None if all
    values can be used.
    """
    rows, marks = windows.rows, []
    was_nan = np.zeros((1, windows.shape[2]), dtype=bool)
    for _, block in in_blocks(rows):
        is_lost = _lost(block, was_nan)
        marks.append([cells.any(axis=1) for cells in (is_lost, np.isinf(block))])
        was_nan = np.isnan(block[-1:])
    n_lost, n_infinite = (
        np.concatenate([[0], np.concatenate(rows_marked).cumsum()])
        for rows_marked in zip(*marks, strict=True)
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
    values = rows[start:stop]
    is_bad = np.isinf(values) | _lost(values, np.isnan(values[:1]))
    at, channel = np.argwhere(is_bad)[0]
    return window, int(start + at), int(channel)


def _lost(rows: np.ndarray, was_nan: np.ndarray) -> np.ndarray:
    """Mark NaN after a value that is not; `was_nan` is of the row before `rows`."""
    is_nan = np.isnan(rows)
    return is_nan & ~np.concatenate([was_nan, is_nan[:-1]])


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
    bounds = np.flatnonzero(starts_unknown(windows))[n_at_once::n_at_once].tolist()
    if not bounds:
        return [None]
    return [*map(slice, [0, *bounds], [*bounds, len(windows)])]


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
    empty = _empty_columns(rows)
    if empty.any():
        column = name_column(int(empty.argmax()), names)
        return f"{column} is NaN in all rows, so fill or drop it"
    is_whole = windows.n_unknown == 0
    first_steps = np.zeros(len(rows), dtype=bool)
    first_steps[windows.starts[is_whole]] = True
    unknown = _empty_columns(select_rows(rows, first_steps))
    if unknown.all() or not unknown.any():
        return f"all start with NaN, for unknown history; {way_out}"
    column = name_column(int(unknown.argmax()), names)
    return f"{column} is NaN at the start of each, so fill or drop it"


def warn_of_empty_columns(
    rows: Rows, names: Sequence[object] | np.ndarray | None, n_windows: int
) -> None:
    """Warn of a column without any known value, which takes its training mean."""
    empty = _empty_columns(rows)
    if empty.any() and not (n_windows == 1 and empty.all()):  # a step before has warned
        name = name_column(int(empty.argmax()), names)
        warn(
            f"X has no known value in {name}, so its training mean is taken for it: "
            "fill it, or leave the rows out."
        )


def _empty_columns(rows: Rows) -> np.ndarray:
    """Mark each column without any known value."""
    empty = np.ones(rows.shape[1], dtype=bool)
    for _, block in in_blocks(rows):
        empty &= np.isnan(block).all(axis=0)
        if not empty.any():
            break
    return empty
