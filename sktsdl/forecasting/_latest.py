"""The latest rows, from which a forecast is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from sktsdl._sklearn.target_steps import MADE_CALENDAR
from sktsdl._sklearn.warnings import warn
from sktsdl._windows.frames import to_frame
from sktsdl._windows.panel import Panel, index_of_series, some_of
from sktsdl._windows.panel_history import PanelTail
from sktsdl._windows.time_index import as_time_index
from sktsdl._windows.training_index import kind_of
from sktsdl.compose._inner import tail_of


@dataclass(frozen=True, eq=False)
class Latest:
    """The latest rows as a frame that can go on.

    Parameters
    ----------
    rows : DataFrame
        All rows, with times of pandas, or numbered from 0.
    last : ndarray of int, shape (n_series,)
        The last row of each series.
    is_frame : bool
        Whether the columns have names.
    has_times : bool
        Whether the index has times.
    calendar : tuple of str
        The columns that ``make_supervised`` made of the index.
    """

    rows: pd.DataFrame
    last: np.ndarray
    is_frame: bool
    has_times: bool
    calendar: tuple[str, ...] = ()

    @classmethod
    def of(cls, X: Any, panel: Panel | None) -> Self:
        """Read the rows that the user gave, and their series."""
        frame, is_frame = to_frame(X, None, None), hasattr(X, "columns")
        made = tuple(getattr(X, "attrs", {}).get(MADE_CALENDAR, ()))
        if panel is not None:
            index: Any = frame.index
            times = panel.stamps[panel.times[panel.place]]
            times = index_of_series(index.droplevel(-1), times, index.names)
            return cls(frame.set_axis(times), panel.last_rows, True, True, made)
        last, times = np.array([len(frame) - 1]), as_time_index(frame.index)
        if is_frame and isinstance(X, pd.DataFrame) and kind_of(times)[0] is not None:
            return cls(frame.set_axis(times), last, True, True, made)
        return cls(frame.reset_index(drop=True), last, is_frame, False)


def check_latest(model: BaseEstimator, X: Any, panel: Panel | None) -> None:
    """Check that `X` does not end before the training rows that `model` knows.

    Raises
    ------
    ValueError
        If it does, for one series or for a series of many.

    Warns
    -----
    UserWarning
        If series of the training rows have no row.
    """
    tail = tail_of(model)
    if panel is None:
        index = getattr(X, "index", None)
        known = None if tail is None else tail.calendar
        if isinstance(tail, PanelTail) or known is None or not len(known):
            return
        times = as_time_index(index) if isinstance(index, pd.Index) else known[:0]
        kind = kind_of(times)
        # Numbers may count other rows.
        if len(times) and kind == kind_of(known) and kind != ("number",):
            _raise_if(times[-1] < known[-1], f"X_latest ends at {times[-1]}", known[-1])
        return
    if not isinstance(tail, PanelTail) or tail.names != list(panel.keys.names):
        return
    at = tail.keys.get_indexer(panel.keys)
    if kind_of(tail.index.times) == kind_of(panel.stamps):
        ends = panel.stamps[panel.times[panel.bounds[1:] - 1]]
        known = tail.index.times[tail.times[tail.bounds[1:] - 1]][at]
        early = np.flatnonzero((at >= 0) & np.asarray(ends < known))
        if len(early):
            what = f"X_latest ends at {ends[early[0]]} for the series "
            _raise_if(True, what + some_of(panel.keys, early), known[early[0]])
    is_there = np.zeros(len(tail.keys), dtype=bool)
    is_there[at[at >= 0]] = True
    if not is_there.all():
        warn(
            f"X_latest has no row of the series "
            f"{some_of(tail.keys, np.flatnonzero(~is_there))} of the training rows, so "
            "there is no forecast for them: give their latest rows."
        )


def _raise_if(is_early: bool, what: str, known: Any) -> None:
    if is_early:
        raise ValueError(
            f"{what}, before the end of the training rows at {known}, so it is not the "
            "latest: give the rows up to now, such as X_latest of make_supervised, or "
            "predict by `model.predict`."
        )
