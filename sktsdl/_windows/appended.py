"""Rows that follow the training rows, as known history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from sktsdl._sklearn.copies import changed
from sktsdl._windows.history import N_CERTAIN, TrainingTail, check_one_series
from sktsdl._windows.kept_rows import N_RECOGNISED
from sktsdl._windows.missing import name_column
from sktsdl._windows.same_rows import close
from sktsdl._windows.time_index import time_index, times_ahead
from sktsdl._windows.training_index import TrainingIndex, kind_of


@dataclass(frozen=True, eq=False)
class NewRows:
    """The rows of `X` that a look-back step does not know yet.

    Parameters
    ----------
    is_new : ndarray of bool, shape (n_rows,)
        Which rows these are.
    pinned : TrainingTail or PanelTail
        The rows that the step knows, which gives the new rows their history.
    append : callable
        Returns what the step knows with the new rows. Its argument is what they are in
        a history, None for the rows themselves.
    """

    is_new: np.ndarray
    pinned: Any
    append: Callable[[np.ndarray | None], Any]


def refuse_changes(
    rows: np.ndarray,
    kept: np.ndarray,
    spread: np.ndarray,
    labels: pd.Index,
    names: Any,
    takes_missing: bool,
) -> None:
    """Raise a ValueError if known rows are given again with other values.

    `labels` are of the rows, and `names` of the columns, None without names.
    """
    is_other = ~close(rows, kept, spread)
    if not takes_missing:  # NaN is unknown history, of which more may be known
        is_other &= np.isfinite(rows) & np.isfinite(kept)
    if is_other.any():
        row, column = (int(i) for i in np.argwhere(is_other)[0])
        raise ValueError(
            f"X has {rows[row, column]:g} at {labels[row]}, "
            f"{name_column(column, names)}, and this row is known with "
            f"{kept[row, column]:g}: history that is known cannot change, so give the "
            "rows after it, or fit again."
        )


def refuse_late(is_late: np.ndarray, labels: pd.Index, last: Any) -> None:
    """Raise a ValueError if rows are new, and not after the last known row."""
    if is_late.any():
        raise ValueError(
            f"X has a row at {labels[int(is_late.argmax())]}, which is not known and "
            f"lies before the last known row, {last}: give only rows after the known "
            "ones, or fit again."
        )


def rows_after(tail: TrainingTail, rows: np.ndarray, X: object) -> NewRows:
    """Return the rows of `X` after the rows that a step knows, of one series.

    Warn of a gap before them, and of long steps.

    Raises
    ------
    ValueError
        If `X` does not say when its rows are, or if a known row has other values.
    """
    check_one_series(X)
    index = time_index(X)
    place, reason = tail.training_index, ""
    if place is not None and index is not None and place.is_comparable(index):
        n_known = place.n_until_last(index)
        names = getattr(X, "columns", None)
        _check_known(tail, place, rows[:n_known], index[:n_known], names)
        times: pd.Index | None = place.in_zone(index[n_known:])
        follows = n_known < len(rows)
        if follows:
            position, reason = place.position_of(index[n_known:])
            follows = position is not None
    else:
        _check_kind(place, index)
        n_known = _n_recognised(tail, rows)
        follows = n_known < len(rows) and not tail.starts_unknown(rows[n_known:])
        known = None if place is None else place.times[-tail.n_end :]
        times = None if known is None else times_ahead(known, len(rows) - n_known)
    new = rows[n_known:]
    is_new = np.arange(len(rows)) >= n_known
    if len(new) == 0:
        return NewRows(is_new, tail, lambda states: tail)
    if tail.mode is not None and tail.n_back:
        if index is not None and len(new) > 1:
            step = TrainingIndex.of(index) if place is None else place
            step.warn_of_gaps(index[n_known:])
        if reason and not tail.starts_unknown(new):
            tail.warn_of_unknown(reason, len(new))
    pinned = changed(tail, pinned=tail.n_rows if follows else 0)
    return NewRows(is_new, pinned, partial(_append, tail, new, times, follows))


def _check_kind(place: TrainingIndex | None, index: pd.Index | None) -> None:
    """Raise a ValueError if the training rows have times, and `X` has none of these.

    Numbers may have been counted anew, from 0.
    """
    if place is None:
        return
    kind = None if index is None else kind_of(index)
    if place.kind == ("number",) and kind in (None, ("number",)):
        return
    reason = "" if index is None else place.other_time(index)
    reason = reason or (
        f"The index of X holds no times, the index of the training rows "
        f"{place.kind[0]}s"
    )
    raise ValueError(
        f"{reason}, so it is not known when the rows of X are: give a DataFrame with "
        "the index of training."
    )


def _n_recognised(tail: TrainingTail, rows: np.ndarray) -> int:
    """Return how many rows without times are known rows, if that is certain."""
    position = tail.recognised(rows)[0] if len(rows) >= N_CERTAIN else None
    return 0 if position is None else min(tail.n_rows - position, len(rows))


def _check_known(
    tail: TrainingTail,
    place: TrainingIndex,
    rows: np.ndarray,
    index: pd.Index,
    names: Any,
) -> None:
    """Raise a ValueError if known rows have other values, or were never known."""
    if len(rows) == 0:
        return
    at = place.numbers_of(index)
    is_known = np.asarray(place.times[at] == index)
    kept, labels = tail.kept[at[is_known]], index[is_known]
    spread = np.maximum(tail.end_spread, tail.head_spread)
    refuse_changes(rows[is_known], kept, spread, labels, names, tail.takes_missing)
    is_next = np.diff(place.numbers, prepend=-1)[at] == 1
    refuse_late(~is_known & is_next, index, place.last)


def _append(
    tail: TrainingTail,
    rows: np.ndarray,
    times: pd.Index | None,
    follows: bool,
    states: np.ndarray | None,
) -> TrainingTail:
    """Return the kept rows with new `rows`, of which as many are kept as of training.

    What was estimated from the training rows stays: spreads and usual steps.
    """
    n_rows, n_start = tail.n_rows + len(rows), tail.n_start
    if n_start - tail.n_back == tail.n_rows:  # no row of training is known
        known = np.isfinite(rows).all(axis=1)
        n_start += int(known.argmax()) if known.any() else len(rows)
    n_end = min(N_RECOGNISED + tail.n_back, n_rows)
    n_head = min(max(N_RECOGNISED, n_start), n_rows)
    numbers = np.concatenate([tail.numbers, np.arange(tail.n_rows, n_rows)])
    since = int(tail.since[-1]) if follows else tail.n_rows
    is_kept = (numbers < n_head) | (numbers >= n_rows - n_end)

    def joined(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        return np.concatenate([before, after])[is_kept]

    kept, numbers = joined(tail.kept, rows), numbers[is_kept]
    place = tail.training_index
    if place is not None and times is not None:
        all_times = place.times.append(times)
        place = replace(place, times=all_times[is_kept], numbers=numbers)
    return changed(
        tail,
        kept=kept,
        states=kept if states is None else joined(tail.states, states),
        since=joined(tail.since, np.full(len(rows), since)),
        numbers=numbers,
        n_rows=n_rows,
        n_start=n_start,
        n_head=n_head,
        n_end=n_end,
        training_index=place,
    )
