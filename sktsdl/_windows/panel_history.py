"""The history rule for many series: each of them by itself, without a loop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from sktsdl._sklearn.warnings import warn
from sktsdl._windows.kept_rows import (
    N_RECOGNISED,
    Histories,
    Joined,
    JoinedSeries,
    KeptRows,
)
from sktsdl._windows.panel import (
    Panel,
    check_levels,
    index_of_series,
    some_of,
    warn_of_gaps,
    warn_of_other_names,
)
from sktsdl._windows.row_order import after_unknown, ranges, search_in_parts
from sktsdl._windows.same_rows import close, column_spread
from sktsdl._windows.training_index import TrainingIndex

# Of all series together, so that a fitted step of many series stays small.
N_INSIDE = 2**16


class PanelTail:
    """The training rows that a look-back step remembers, of each series.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        The training rows.
    panel : Panel
        Their series.
    n_back : int
        The number of rows before a row that the step needs.
    mode : {"tail", None}
        None never gives history.
    takes_missing : bool, default=False
        Whether NaN is a missing value, and not unknown history.
    states : ndarray of shape (n_rows, n_features) or None, default=None
        What each row is in a history, if that is not the row itself.

    Attributes
    ----------
    keys : pandas.Index
        The name of each series.
    kept : ndarray
        Rows at both ends of each series, series by series.
    bounds : ndarray of int
        Where the kept rows of each series start.
    numbers, times : ndarray of int
        Which rows of their series these are, and which times of `index`.
    since : ndarray of int
        The row of its series at which the part without a gap starts that each is in.
    index : TrainingIndex
        All times, and the step of the longest series.
    """

    # The histories of the rows that a step is given, if it need not look for them.
    pinned: Histories | None = None

    def __init__(
        self,
        rows: np.ndarray,
        panel: Panel,
        n_back: int,
        mode: Literal["tail"] | None,
        *,
        takes_missing: bool = False,
        states: np.ndarray | None = None,
    ) -> None:
        counts, starts = panel.counts, panel.bounds[:-1]
        self.n_back = n_back
        self.mode = mode
        self.takes_missing = takes_missing
        self.keys = panel.keys
        self.names = list(panel.keys.names)
        self.n_rows = counts
        self.n_starts = self.n_unknown(rows, panel) + n_back
        n_inside = min(N_RECOGNISED, N_INSIDE // len(counts))
        self.n_heads = n_first = np.minimum(np.maximum(self.n_starts, n_inside), counts)
        n_last = np.minimum(np.minimum(n_inside + n_back, counts), counts - n_first)
        ends = starts + counts
        at = ranges(
            np.stack([starts, ends - n_last], axis=1).ravel(),
            np.stack([starts + n_first, ends], axis=1).ravel(),
        )
        order = panel.order
        if len(at) < len(rows):
            order = at if order is None else order[at]
        joined = after_unknown(n_back, rows, order)
        joined.flags.writeable = False  # `join_start` may give it to windows
        self.kept = self.states = joined[n_back:]
        if states is not None:
            self.states = states if order is None else states[order]
        self.numbers = at - np.repeat(starts, n_first + n_last)
        self.times = panel.times[at]
        self.bounds = np.concatenate([[0], (n_first + n_last).cumsum()])
        self.since = np.zeros(len(at), dtype=int)
        step = TrainingIndex.of(panel.times_of_longest())
        self.index = replace(step, times=panel.stamps)
        if n_back:
            warn_of_gaps(panel, self.index)

    def __getstate__(self) -> dict[str, object]:
        # skops stores arrays, but nothing of pandas.
        levels = range(self.keys.nlevels)
        keys = [self.keys.get_level_values(i).to_numpy() for i in levels]
        return vars(self) | {"keys": keys}

    def __setstate__(self, state: dict[str, Any]) -> None:
        keys = state["keys"]
        self.__dict__.update(state)
        self.keys = pd.MultiIndex.from_arrays(keys) if keys[1:] else pd.Index(keys[0])

    @property
    def has_states(self) -> bool:
        """Whether the rows of a history are not the rows themselves."""
        return self.states is not self.kept

    @property
    def calendar(self) -> pd.Index:
        """The last times of training, without a gap."""
        return self.index.longest_part(self.index.times[-N_RECOGNISED:])

    def n_unknown(self, rows: np.ndarray, panel: Panel) -> np.ndarray:
        """Return the number of rows at the start of each series that are not known."""
        if self.takes_missing:
            return np.zeros(panel.n_series, dtype=int)
        return panel.n_incomplete(rows)

    def join_start(self, rows: np.ndarray, panel: Panel | None) -> JoinedSeries:
        """Return the training rows, which have no history."""
        assert panel is not None
        zeros = np.zeros(panel.n_series, dtype=int)
        # If all rows are kept, a second copy would take as much memory again.
        joined = self.kept.base if len(self.kept) == len(rows) else None
        unknown = Histories(zeros, zeros, zeros)
        return JoinedSeries.of(rows, panel, unknown, self.states, self.n_back, joined)

    def join(self, rows: np.ndarray, X: object) -> JoinedSeries:
        """Return the rows of each series after its known history.

        Warn of lost history and of long steps.
        """
        panel = self.panel_of(X)
        histories = self.histories_of(rows, panel)
        return JoinedSeries.of(rows, panel, histories, self.states, self.n_back)

    def panel_of(self, X: object) -> Panel:
        """Return the series of `X`.

        Raises
        ------
        ValueError
            If its index does not say them.
        """
        panel = Panel.of(X)
        if panel is None:
            raise ValueError(
                "The training rows were many series, and the index of X does not say "
                "which series its rows are of: give a DataFrame whose MultiIndex has "
                "the series and, as last level, the time, also for one series."
            )
        check_levels(list(panel.keys.names), self.names)
        warn_of_other_names(panel.keys, self.keys)
        return panel

    def histories_by_index(self, panel: Panel) -> Histories:
        """Return the history of each series, by its times alone."""
        return self._find(None, panel)[0]

    def histories_of(self, rows: np.ndarray, panel: Panel) -> Histories:
        """Return the history of each series; warn of lost history and of long steps."""
        if self.pinned is not None:
            return self.pinned
        unknown = Histories(
            np.zeros(panel.n_series, dtype=int),
            np.zeros(panel.n_series, dtype=int),
            np.full(panel.n_series, -1),
        )
        if self.mode is None or self.n_back == 0:
            return unknown
        has_kind = self.index.has_kind_of(panel.stamps)
        step = self.index
        if not has_kind:
            step = TrainingIndex.of(panel.times_of_longest())
        warn_of_gaps(panel, step)
        if not has_kind:
            reason = self.index.other_time(panel.stamps)
            reason = (
                reason or "The times of X cannot be compared with those of training"
            )
            warn(f"{reason}, so the history of its first rows is not known.")
            return unknown
        found, lost = self._find(rows[panel.first_rows], panel)
        if len(lost):
            warn(
                f"X starts after a gap, before the training rows or inside of them for "
                f"the series {some_of(panel.keys, lost)}, so the history of their "
                f"first rows is not known: give the rows right after the training rows "
                "of each series."
            )
        return found

    def _find(
        self, rows: np.ndarray | None, panel: Panel
    ) -> tuple[Histories, np.ndarray]:
        """Return the histories, and the series that should have one.

        `rows` are the first rows of the series, None if they are not to be compared.
        """
        at = self.keys.get_indexer(panel.keys)
        is_seen, at = at >= 0, np.maximum(at, 0)
        low, high = self.bounds[at], self.bounds[at + 1]
        times, first = self.index.times, panel.stamps[panel.times[panel.bounds[:-1]]]
        number = self.index.numbers_of(first)
        stops = search_in_parts(self.times, low, high, number)
        is_after, last = stops == high, np.maximum(stops - 1, low)
        inside = np.minimum(stops, high - 1)
        is_same = ~is_after & (self.times[inside] == number)
        is_same &= np.asarray(times[np.minimum(number, len(times) - 1)] == first)
        positions = np.where(is_after, self.n_rows[at], self.numbers[inside])
        lengths = np.minimum(positions - self.since[last], self.n_back)
        lengths[is_same & (self.since[inside] == positions)] = 0  # right after a gap
        follows = is_after | (self.numbers[last] == positions - 1)
        before = times[self.times[last]]
        follows &= ~self.index.are_gaps(before, first, self.index.limit)
        oldest = np.clip(stops - lengths, low, high - 1)
        is_kept = (lengths == 0) | (self.numbers[oldest] == positions - lengths)
        is_known = is_seen & is_kept & (is_same | follows)
        has_nan = np.zeros(panel.n_series, dtype=bool)
        if rows is not None:
            is_other = self._is_other_row(rows, self.kept[inside])
            has_nan = np.isnan(rows).any(axis=1) & (not self.takes_missing)
            is_known &= ~(is_same & is_other)
        lost = np.flatnonzero(is_seen & ~is_known & ~has_nan)
        return (
            Histories(
                np.where(is_known, stops, 0),
                np.where(is_known, lengths, 0),
                np.where(is_known, positions, -1),
            ),
            lost,
        )

    def _is_other_row(self, rows: np.ndarray, kept: np.ndarray) -> Any:
        """Say which rows cannot be the kept rows of the same number.

        Numbers may have been counted anew, so values are compared.
        """
        if self.index.kind != ("number",):
            return np.zeros(len(rows), dtype=bool)
        return np.any(~close(rows, kept, column_spread(self.kept)), axis=1)

    def index_of(self, joined: Joined, names: Any) -> pd.Index:
        """Return the series and the time of each joined row but the first `n_back`.

        `names` are of the levels.
        """
        assert isinstance(joined, JoinedSeries)
        panel = joined.panel
        at = np.concatenate([panel.by_series(np.asarray(joined.ends)), joined.kept_at])
        before = self.index.times[self.times[joined.kept]]
        after = panel.stamps[panel.times]
        if isinstance(after, pd.DatetimeIndex) and after.tz is not None:
            before = before.tz_convert(after.tz)
        times = after.append(before)[np.argsort(at)]
        number = np.arange(len(at))
        keys = panel.keys[np.searchsorted(joined.starts, number, side="right") - 1]
        return index_of_series(keys, times, names)

    def kept_of(self, series: int) -> KeptRows:
        """Return the kept rows of one series."""
        part = slice(self.bounds[series], self.bounds[series + 1])
        return KeptRows(
            self.kept[part],
            self.numbers[part],
            n_back=self.n_back,
            n_start=int(self.n_starts[series]),
            n_rows=int(self.n_rows[series]),
            n_head=int(self.n_heads[series]),
            since=self.since[part],
            states=self.states[part],
        )
