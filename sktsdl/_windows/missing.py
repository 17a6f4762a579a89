"""NaN at the start of windows, which stands for unknown history."""

import numpy as np


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
