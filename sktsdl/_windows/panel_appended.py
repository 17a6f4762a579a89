"""Rows of many series that follow the training rows, as known history."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from sktsdl._sklearn.copies import changed
from sktsdl._windows.appended import NewRows, refuse_changes, refuse_late
from sktsdl._windows.kept_rows import N_RECOGNISED
from sktsdl._windows.panel import Panel
from sktsdl._windows.panel_history import N_INSIDE, PanelTail
from sktsdl._windows.row_order import search_in_parts
from sktsdl._windows.same_rows import column_spread


def rows_after_each(tail: PanelTail, rows: np.ndarray, X: Any) -> NewRows:
    """Return the rows of `X` after the rows that a step knows, of each series.

    All rows of a series that the step does not know are new. Warn of gaps before the
    new rows, and of long steps.

    Raises
    ------
    ValueError
        If the times of `X` are not of the kind of training, or if a known row has
        other values.
    """
    panel = tail.panel_of(X)
    if not tail.index.has_kind_of(panel.stamps):
        reason = tail.index.other_time(panel.stamps)
        raise ValueError(
            f"{reason or 'The times of X are not of the kind of training'}, so it is "
            "not known when the rows of X are: give the times of training."
        )
    at = tail.keys.get_indexer(panel.keys)
    numbers = tail.index.numbers_of(panel.stamps)[panel.times]
    last = np.where(at >= 0, tail.times[tail.bounds[np.maximum(at, 0) + 1] - 1], -1)
    is_after = numbers > np.repeat(last, panel.counts)
    _check_known(tail, panel, panel.by_series(rows), at, ~is_after, X.columns)
    is_new = is_after[panel.place]
    if is_new.all():
        new, new_rows = panel, rows
    elif is_new.any():
        of_new = Panel.of(pd.DataFrame(index=X.index[is_new]))
        assert of_new is not None
        new, new_rows = of_new, rows[is_new]
    else:
        return NewRows(is_new, tail, lambda states: tail)
    pinned = changed(tail, pinned=tail.histories_of(new_rows, new))
    return NewRows(is_new, pinned, partial(_append, tail, new_rows, new))


def _check_known(
    tail: PanelTail,
    panel: Panel,
    rows: np.ndarray,
    at: np.ndarray,
    is_before: np.ndarray,
    names: pd.Index,
) -> None:
    """Raise a ValueError if known rows have other values, or were never known.

    `rows` are series by series, and `at` says which known series each series is.
    """
    if not is_before.any():
        return
    rows, times = rows[is_before], panel.stamps[panel.times[is_before]]
    number = tail.index.numbers_of(times)
    series = np.repeat(at, panel.counts)[is_before]
    low, high = tail.bounds[series], tail.bounds[series + 1]
    found = search_in_parts(tail.times, low, high, number)
    known = tail.index.times
    is_known = (tail.times[found] == number) & np.asarray(known[number] == times)
    labels = pd.Index(list(zip(tail.keys[series], times, strict=True)), dtype=object)
    spread = column_spread(tail.kept)
    kept, of_known = tail.kept[found[is_known]], labels[is_known]
    refuse_changes(rows[is_known], kept, spread, of_known, names, tail.takes_missing)
    before = np.where(found > low, tail.numbers[np.maximum(found - 1, 0)], -1)
    is_late = ~is_known & (tail.numbers[found] == before + 1)
    last = int((high - 1)[is_late.argmax()])
    refuse_late(is_late, labels, known[tail.times[last]])


def _append(
    tail: PanelTail, rows: np.ndarray, panel: Panel, states: np.ndarray | None
) -> PanelTail:
    """Return the kept rows with new `rows`, of which as many are kept as of training.

    What was estimated from the training rows stays: spreads and usual steps.
    """
    n_known = len(tail.keys)
    at = tail.keys.get_indexer(panel.keys)
    is_unknown = at < 0
    at[is_unknown] = n_known + np.arange(is_unknown.sum())
    keys = tail.keys
    if is_unknown.any():
        keys = keys.append(panel.keys[is_unknown])
    none = np.zeros(len(keys) - n_known, dtype=int)
    counts, n_starts = (
        np.r_[tail.n_rows, none],
        np.r_[tail.n_starts, none + tail.n_back],
    )
    all_unknown = (n_starts - tail.n_back)[at] == counts[at]
    n_starts[at] += np.where(all_unknown, tail.n_unknown(rows, panel), 0)
    n_before = counts[at]
    counts[at] += panel.counts
    since = n_before.copy()
    positions = tail.histories_by_index(panel).positions
    follows = (positions == n_before) & ~is_unknown
    since[follows] = tail.since[tail.bounds[at[follows] + 1] - 1]
    n_inside = min(N_RECOGNISED, N_INSIDE // len(keys))
    n_heads = np.minimum(np.maximum(n_starts, n_inside), counts)
    n_lasts = np.minimum(n_inside + tail.n_back, counts)
    series = np.r_[
        np.repeat(np.arange(n_known), np.diff(tail.bounds)),
        np.repeat(at, panel.counts),
    ]
    first = np.repeat(n_before - panel.bounds[:-1], panel.counts)
    numbers = np.r_[tail.numbers, first + np.arange(len(rows))]
    order = np.flatnonzero(
        (numbers < n_heads[series]) | (numbers >= (counts - n_lasts)[series])
    )
    order = order[np.argsort(series[order], kind="stable")]

    def joined(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        return np.concatenate([before, after])[order]

    kept = joined(tail.kept, panel.by_series(rows))
    stamps, before, after = _joined_times(tail, panel)
    times = joined(before, after)
    is_used = np.zeros(len(stamps), dtype=bool)
    is_used[times] = True
    is_used[-N_RECOGNISED:] = True  # they tell which times follow
    return changed(
        tail,
        keys=keys,
        kept=kept,
        states=kept if states is None else joined(tail.states, panel.by_series(states)),
        since=joined(tail.since, np.repeat(since, panel.counts)),
        numbers=numbers[order],
        times=(is_used.cumsum() - 1)[times],
        bounds=np.searchsorted(series[order], np.arange(len(keys) + 1)),
        n_rows=counts,
        n_starts=n_starts,
        n_heads=n_heads,
        index=replace(tail.index, times=stamps[is_used]),
    )


def _joined_times(
    tail: PanelTail, panel: Panel
) -> tuple[pd.Index, np.ndarray, np.ndarray]:
    """Return all times, and which of them each kept row and each new row has."""
    used, after = np.unique(panel.times, return_inverse=True)
    stamps, known = tail.index.in_zone(panel.stamps[used]), tail.index.times
    both = known.append(stamps)
    if stamps[0] > known[-1]:
        return both, tail.times, after + len(known)
    both = both.unique().sort_values()
    return (
        both,
        both.get_indexer(known)[tail.times],
        both.get_indexer(stamps)[after],
    )
