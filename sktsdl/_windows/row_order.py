"""The order of rows by their series, and rows in another order."""

import numpy as np

# Blocks of so many rows stay in the cache.
N_AT_ONCE = 2**13


def order_by(series: np.ndarray, n_series: int) -> np.ndarray | None:
    """Return the rows series by series, each in its order; None if they stand so.

    Parameters
    ----------
    series : ndarray of int, shape (n_rows,)
        The number of each row's series, each of them at least once.
    n_series : int
        The number of series.
    """
    if (series[1:] >= series[:-1]).all():
        return None
    if len(series) % n_series == 0:
        table = series.reshape(-1, n_series)
        if (table == table[0]).all():
            # Every time has all series, in the same order: no sort of all rows.
            firsts = np.argsort(table[0])[:, None]
            return (firsts + n_series * np.arange(len(table))).ravel()
    return np.argsort(series, kind="stable")


def after_unknown(
    n_unknown: int, rows: np.ndarray, order: np.ndarray | None
) -> np.ndarray:
    """Return a copy of `rows` in an `order`, after so many rows of NaN.

    None is the order in which they stand.
    """
    n = len(rows if order is None else order)
    joined = np.empty((n_unknown + n, rows.shape[1]), rows.dtype)
    joined[:n_unknown] = np.nan
    after = joined[n_unknown:]
    if order is None:
        after[:] = rows
        return joined
    for start in range(0, n, N_AT_ONCE):
        block = slice(start, start + N_AT_ONCE)
        if rows.flags.f_contiguous:  # as of a frame; take copies what is not in C order
            after[block] = rows.T.take(order[block], axis=1).T
        elif rows.flags.c_contiguous:
            after[block] = rows.take(order[block], axis=0)
        else:
            after[block] = rows[order[block]]
    return joined


def ranges(firsts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Return all numbers from each of `firsts` to before each of `stops`."""
    sizes = stops - firsts
    return np.arange(sizes.sum()) + np.repeat(firsts - sizes.cumsum() + sizes, sizes)


def search_in_parts(
    values: np.ndarray, low: np.ndarray, high: np.ndarray, wanted: np.ndarray
) -> np.ndarray:
    """Return where each number belongs in its own part of sorted `values`, leftmost."""
    low, high = low.copy(), high.copy()
    while (is_open := low < high).any():
        middle = (low + high) // 2
        is_less = is_open & (values[np.minimum(middle, len(values) - 1)] < wanted)
        low = np.where(is_less, middle + 1, low)
        high = np.where(is_open & ~is_less, middle, high)
    return low
