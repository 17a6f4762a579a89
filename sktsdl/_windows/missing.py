"""NaN at the start of windows, which stands for unknown history."""

from collections.abc import Sequence

import numpy as np

from sktsdl._sklearn.warnings import warn


def unknown_after_known(known: np.ndarray) -> np.ndarray:
    """Mark each value that is not `known` although an earlier one in its column is.

    Steps are on axis -2.
    """
    return np.logical_or.accumulate(known, axis=-2) & ~known


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


def name_column(column: int, names: Sequence[object] | np.ndarray | None) -> str:
    """Name a column by its name, or by its position if it has none."""
    return f"column {column if names is None else repr(names[column])}"


def why_incomplete(
    rows: np.ndarray,
    starts: np.ndarray,
    names: Sequence[object] | np.ndarray | None,
    way_out: str,
) -> str:
    """Say why none of the windows that start at `starts` is complete.

    A column is named if all of it is NaN, or if it alone starts every window with NaN.
    Otherwise the way out is `way_out`.
    """
    empty = np.isnan(rows).all(axis=0)
    if empty.any():
        column = name_column(int(empty.argmax()), names)
        return f"{column} is NaN in all rows, so fill or drop it"
    unknown = np.isnan(rows[starts]).all(axis=0)
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
