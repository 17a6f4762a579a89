"""Lag tables: rows whose columns are earlier values of a series."""

import re
from collections.abc import Sequence

import numpy as np

N_ROWS = 4096
MIN_MOVES = 5
SHARE = 0.9  # a table of many series has rows that do not follow the row before
LAG = re.compile(r"(?<![a-z])lag[ _-]*(\d+)", re.IGNORECASE)


def lag_of(name: object) -> tuple[str, int] | None:
    """Return the series and the lag that a column's name says, None if it says none.

    ``rail_lag3`` is 3 rows of ``rail`` before, and ``lag1`` one row of a series without
    a name. In ``lag_1__lag_2__rail``, lags add up.
    """
    lags = LAG.findall(name) if isinstance(name, str) else []
    if not lags:
        return None
    return LAG.sub("", str(name)).strip(" _"), sum(map(int, lags))


def lagged_columns(names: Sequence[object]) -> dict[str, list[tuple[int, object]]]:
    """Return lag and name of the columns of each series that has two or more."""
    series: dict[str, list[tuple[int, object]]] = {}
    for name in names:
        if (found := lag_of(name)) is not None:
            series.setdefault(found[0], []).append((found[1], name))
    return {name: lags for name, lags in series.items() if len(lags) > 1}


def n_shifted(rows: np.ndarray, *, newest_first: bool) -> int:
    """Return how many columns, from the first, are lags of one series by their values.

    Each column is compared with the one beside it, one row earlier or later, in the
    first rows where it moves.

    Parameters
    ----------
    rows : ndarray of shape (n, n_columns)
        One row for each time step, perhaps of many series, one after the other.
    newest_first : bool
        Whether lags grow from left to right.

    Returns
    -------
    n : int
        0 if not even two are.
    """
    if rows.shape[1] < 2:
        return 0
    rows = rows[:N_ROWS]
    before, now = rows[:-1], rows[1:]
    if newest_first:
        moves = now[:, 1:] != before[:, 1:]
        same = now[:, 1:] == before[:, :-1]
    else:
        moves = now[:, :-1] != before[:, :-1]
        same = now[:, :-1] == before[:, 1:]
    n_moves = moves.sum(axis=0)
    shifted = (n_moves >= MIN_MOVES) & ((same & moves).sum(axis=0) >= SHARE * n_moves)
    n = int(shifted.argmin()) if not shifted.all() else len(shifted)
    return n + 1 if n else 0
