"""The values one period before the rows that are predicted."""

from collections.abc import Sequence

import numpy as np

from sktsdl._windows.disk_rows import has_nan
from sktsdl._windows.windows import Windows


def last_season(
    windows: Windows, steps: Sequence[int], targets: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the value one period before each predicted step, as far as it is known.

    Further steps than one period repeat the last season. Where the season of a row is
    not known, its earliest known value takes the place.

    Parameters
    ----------
    windows : Windows
        One period of the rows up to each row. Its values are finite, but for NaN where
        the history is unknown.
    steps : sequence of int, shape (n_outputs,)
        How many rows ahead each output is.
    targets : sequence of int, shape (n_outputs,)
        The channel that each output is the future of.

    Returns
    -------
    values : ndarray of shape (n, n_outputs)
        The value of each step, as many whole periods before as it takes to be known.
    is_known : ndarray of bool, shape (n, n_outputs)
        Whether it is this value, and not the earliest one.
    """
    rows, period = windows.rows, windows.window
    firsts = windows.firsts
    if firsts is None:  # of one series, whose unknown history is rows of NaN
        firsts = np.full(len(windows), has_nan(rows).argmin())
    n_before = period - 1 - (np.asarray(steps) - 1) % period
    at = np.asarray(windows.ends)[:, None] - n_before
    values = rows[np.maximum(at, firsts[:, None]), np.asarray(targets)]
    return values, at >= firsts[:, None]
