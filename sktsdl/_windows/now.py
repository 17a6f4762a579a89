"""Which row of each series is now, the last one with known targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sktsdl._sklearn.target_steps import known_ahead
from sktsdl._sklearn.warnings import warn
from sktsdl._windows.panel import Panel, some_of

ADVICE = (
    "fill or drop these rows, or name the columns that are known ahead in known_future."
)


def rows_to_now(
    known: np.ndarray, series: np.ndarray, n_after: np.ndarray
) -> np.ndarray:
    """Return how many rows each row is before "now", the last with known targets.

    Rows after "now" have negative numbers. "Now" is of each series.
    """
    after_now = np.bincount(series)
    np.minimum.at(after_now, series[known], n_after[known])
    to_now: np.ndarray = n_after - after_now[series]
    return to_now


def warn_of_rows_after(
    index: pd.Index, targets: Sequence[Any], to_now: np.ndarray, is_late: np.ndarray
) -> None:
    """Warn if rows after "now" are marked as late."""
    n_after = -int(to_now.min())
    if is_late.any():
        row = len(index) - n_after - 1
        warn(
            f"The last {n_after} rows of data have no value of {targets}, so the "
            f"forecast is made from row {row} ({index[row]}): {ADVICE}"
        )


def warn_of_begun_periods(
    values: pd.DataFrame, targets: Sequence[Any], to_now: np.ndarray
) -> np.ndarray:
    """Mark the rows after "now" that have some `values` of the targets, and warn.

    Such a row holds several times, and its period has not ended.
    """
    n_known = values.notna().sum(axis=1).to_numpy()
    is_begun: np.ndarray = (to_now < 0) & (n_known > 0)
    if is_begun.any():
        row = int(is_begun.argmax())
        warn(
            f"The period {values.index[row]} has {n_known[row]} of {values.shape[1]} "
            f"values of {targets}, so the forecast is made from the period before it: "
            "give data up to the end of a period."
        )
    return is_begun


def warn_of_late_series(
    keys: pd.Index, late: np.ndarray, targets: Sequence[Any]
) -> None:
    """Warn of series with late rows after "now"."""
    if len(late):
        warn(
            f"The last rows of the series {some_of(keys, late)} have no value of "
            f"{targets}, so their forecasts are made from the rows before: {ADVICE}"
        )


def leave_out_short(
    to_now: np.ndarray, furthest: int, panel: Panel, needed: str
) -> np.ndarray:
    """Mark the rows of series that have a target; warn of the others."""
    has_target = np.bincount(panel.series, to_now >= furthest) > 0
    short = np.flatnonzero(~has_target)
    if len(short):
        warn(
            f"The series {some_of(panel.keys, short)} are left out, as they have fewer "
            f"than {needed} rows up to the last known target."
        )
    is_used: np.ndarray = has_target[panel.series]
    return is_used


def warn_of_unknown_ahead(X: Any) -> None:
    """Warn if columns that are known ahead end before the last row of a series.

    `X` is a frame of `make_supervised`; for other data, there is nothing to warn of.
    """
    if not isinstance(X, pd.DataFrame):
        return
    furthest: dict[int, tuple[int, int]] = {}
    for at, (base, step) in known_ahead(list(X.columns)).items():
        furthest[base] = max(furthest.get(base, (0, 0)), (step, at))
    columns = [at for _, at in furthest.values()]
    if not X.iloc[:, columns].isna().to_numpy().any():
        return
    panel = Panel.of(X)
    last = X.iloc[[-1] if panel is None else panel.last_rows, columns]
    is_open = last.isna().to_numpy()
    if is_open.any():
        row, column = (int(i) for i in np.argwhere(is_open)[0])
        warn(
            f"The last row of X, {last.index[row]}, has no value of "
            f"{last.columns[column]!r}, which is known ahead, so its forecast is made "
            "without it: append rows to the data of `make_supervised`, with the values "
            f"of {X.columns[list(furthest)[column]]!r} at the next steps."
        )
