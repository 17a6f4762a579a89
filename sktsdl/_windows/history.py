"""The history rule: which rows come before a row, across training and later rows."""

from itertools import islice
from typing import Literal

import numpy as np
import pandas as pd
from pandas.api.types import is_any_real_numeric_dtype

from sktsdl._sklearn.warnings import warn
from sktsdl._windows.disk_rows import Rows, has_nan, join_rows
from sktsdl._windows.kept_rows import N_RECOGNISED, Joined, KeptRows
from sktsdl._windows.panel import Panel
from sktsdl._windows.same_rows import (
    RTOL,
    are_close,
    close,
    column_spread,
    distinct_start,
)
from sktsdl._windows.time_index import refuse_text, time_index
from sktsdl._windows.training_index import Position, TrainingIndex

N_CERTAIN = 4
WAY_OUT = (
    "give the training rows from their start, or the rows right after them, in one "
    "frame with a time index; as `cv` of a search, use `TimeSeriesSplit()`."
)


def check_one_series(X: object) -> None:
    """Raise a ValueError if the index of `X` says that its rows are of many series."""
    if Panel.of(X) is not None:
        raise ValueError(
            "X has a MultiIndex, so its rows are of many series, and the training "
            "rows were one series: select one with `X.xs(...)`."
        )


class TrainingTail(KeptRows):
    """The training rows that a look-back step remembers, of one series.

    A position in the training rows is the number of rows before it: 0 is their start,
    `n_rows` is right after them, and None is unknown.

    Parameters
    ----------
    rows : ndarray or DiskRows of shape (n_rows, n_features)
        The training rows, oldest first.
    index : pandas.Index or None
        Their time index, from `time_index`.
    n_back : int
        The number of rows before a row that the step needs.
    mode : {"tail", None}
        None never gives history.
    takes_missing : bool, default=False
        Whether NaN is a missing value, and not unknown history.
    states : ndarray of shape (n_rows, n_features) or None, default=None
        What each row is in a history, if that is not the row itself.
    """

    def __init__(
        self,
        rows: Rows,
        index: pd.Index | None,
        n_back: int,
        mode: Literal["tail"] | None,
        *,
        takes_missing: bool = False,
        states: np.ndarray | None = None,
    ) -> None:
        known = ~has_nan(rows) | takes_missing
        n_unknown = int(known.argmax()) if known.any() else len(rows)
        n_start, n_rows = n_unknown + n_back, len(rows)
        self.mode = mode
        self.takes_missing = takes_missing
        self.n_end = min(N_RECOGNISED + n_back, n_rows)
        n_head = min(max(N_RECOGNISED, n_start), n_rows)
        numbers = np.unique(np.r_[:n_head, n_rows - self.n_end : n_rows])
        super().__init__(
            rows[numbers],
            numbers,
            n_back=n_back,
            n_start=n_start,
            n_rows=n_rows,
            n_head=n_head,
            states=None if states is None else states[numbers],
        )
        self.head_spread = column_spread(self.head)
        self.end_spread = column_spread(self.kept[-self.n_end :])
        # A time index says where rows start; numbers may count other rows from 0.
        says_place = index is not None and not is_any_real_numeric_dtype(index.dtype)
        self.n_distinct = distinct_start(self.head if says_place else rows)
        self.training_index = None
        if index is not None:
            self.training_index = TrainingIndex.of(index, self.numbers)
            if n_back:
                self.training_index.warn_of_gaps(index)

    @property
    def calendar(self) -> pd.Index | None:
        """The last times of training, without a gap; None without a time index."""
        if self.training_index is None:
            return None
        since = self.since[-self.n_end :]
        parts, counts = np.unique(since, return_counts=True)
        return self.training_index.times[-self.n_end :][since == parts[counts.argmax()]]

    def join_start(self, rows: Rows, panel: object = None) -> Joined:
        """Return the training rows, or the first of them, which have no history."""
        return self._join(rows, 0)

    def join(self, rows: Rows, X: object) -> Joined:
        """Return `rows` after `n_back` rows of history, NaN if it is unknown.

        `X` is what they are of. Warn of lost history and of long steps.
        """
        check_one_series(X)
        if self.mode is not None and self.n_back and self.training_index is not None:
            refuse_text(X, self.training_index.kind)
        return self._join(rows, self._position_of(rows, time_index(X)))

    def _join(self, rows: Rows, position: Position) -> Joined:
        history = np.full((self.n_back, rows.shape[1]), np.nan, dtype=rows.dtype)
        before = None if position is None else self.before(position)
        if before is not None:
            history[self.n_back - len(before) :] = before
        return Joined(join_rows(history, rows), self.n_back)

    def _position_of(self, rows: Rows, index: pd.Index | None) -> Position:
        """Return where `rows` start; warn of lost history and of long steps."""
        if self.mode is None or self.n_back == 0:
            return None
        if self.pinned is not None:
            return int(self.pinned)
        starts_unknown = self.starts_unknown(rows)  # and a step before has warned
        if index is not None and not starts_unknown:
            steps = self.training_index
            if steps is None or not steps.has_kind_of(index):
                steps = TrainingIndex.of(index)
            steps.warn_of_gaps(index)
        place = self._place(index)
        if place is not None and index is not None:
            position, reason = self._position_by_index(rows[0], index, place)
        elif starts_unknown:
            return None
        elif reason := self._other_time(index):
            position = None
        else:
            position, reason = self._position_by_values(rows)
        if position is None and not starts_unknown:
            self.warn_of_unknown(reason, len(rows))
        return position

    def starts_unknown(self, rows: Rows) -> bool:
        """Say whether the first of `rows` says that the rows before it are unknown."""
        return not self.takes_missing and bool(np.isnan(rows[0]).any())

    def warn_of_unknown(self, reason: str, n_rows: int) -> None:
        """Warn that the history of the first of `n_rows` rows is not known."""
        n = min(self.n_back, n_rows)
        of = "its first row" if n == 1 else f"its first {n} rows"
        warn(f"{reason}, so the history of {of} is not known: {WAY_OUT}")

    def position_of_output(
        self, output: np.ndarray, index: pd.Index | None, head_output: np.ndarray
    ) -> int:
        """Return where the rows of the step's own `output` start, to invert it.

        Parameters
        ----------
        output : ndarray of shape (n_rows, n_features)
            The step's output, or a model's prediction of it.
        index : pandas.Index or None
            Its time index.
        head_output : ndarray
            The step's output for the first training rows.

        Raises
        ------
        ValueError
            If the level before the first row is not known.
        """
        position: Position
        starts_unknown = np.isnan(output[0]).any()
        place = self._place(index)
        if place is not None and index is not None:
            position, _ = place.position_of(index)
            is_inside = position not in (0, self.n_rows)
            if is_inside and place.kind == ("number",):
                position = None  # they may count other rows
        elif self._other_time(index):
            position = None
        elif starts_unknown:
            n = min(len(output), len(head_output))
            scale = np.abs(np.nan_to_num(head_output)).max(initial=0.0)
            same = np.isclose(
                output[:n], head_output[:n], RTOL, RTOL * scale, equal_nan=True
            ).all()
            # An output that is all NaN looks the same anywhere.
            position = 0 if same and n > self.n_start else None
        else:
            position = self.n_rows
        if position is not None and position >= min(self.n_start, self.n_rows):
            before = self.before(position)
            is_short = before is None or len(before) < self.n_back
            position = None if is_short or starts_unknown else position
        if position is None:
            raise ValueError(
                "The level before the first row of X is not known, as X is neither "
                "the training rows from their start nor the rows right after them: "
                "give those rows, in a frame with a time index."
            )
        return position

    def _place(self, index: pd.Index | None) -> TrainingIndex | None:
        """Return the training index if it says where `index` starts."""
        place = self.training_index
        if place is None or index is None or not place.is_comparable(index):
            return None
        return place

    def _other_time(self, index: pd.Index | None) -> str:
        """Say how the times of `index` differ from those of training, if they do."""
        seen = self.training_index
        return "" if seen is None or index is None else seen.other_time(index)

    def _position_by_index(
        self, row: np.ndarray, index: pd.Index, place: TrainingIndex
    ) -> tuple[Position, str]:
        position, reason = place.position_of(index)
        if position is None or position in (0, self.n_rows):
            return position, reason
        start = f"X starts at {index[0]}, inside the training rows"
        is_near = min(position, self.n_rows - position) <= N_RECOGNISED
        if not is_near or self.before(position) is None:
            ends = f"the first and the last {N_RECOGNISED} are kept"
            return None, f"{start}, of which {ends}"
        at = int(np.searchsorted(self.numbers, position))
        kept = self.kept[at]
        is_counted = place.kind == ("number",) and index[0] in place.times
        if is_counted and not close(row, kept, self.end_spread).all():
            return (
                None,
                f"{start}, but its first row differs from the training row there",
            )
        if place.times[at] == index[0] and self.since[at] == position:
            return 0, ""  # the first row after a gap, which has no history
        return position, ""

    def _position_by_values(self, rows: Rows) -> tuple[Position, str]:
        n = self.n_distinct
        if len(rows) >= n and close(rows[:n], self.head[:n], self.head_spread).all():
            return 0, ""
        position, reason = self.recognised(rows)
        if reason:
            is_kept = position is not None and self.before(position) is not None
            return position if is_kept else None, reason
        n = min(len(rows), self.n_end)
        last = self.kept[-n:]
        if len(rows) <= self.n_rows and close(rows[-n:], last, self.end_spread).all():
            count = "row" if len(rows) == 1 else f"{len(rows)} rows"
            return None, f"X equals the last {count} of training"
        return self.n_rows, ""

    def recognised(self, rows: Rows) -> tuple[Position, str]:
        """Return which training rows `rows` begin with, or why that is in doubt.

        It is certain if all rows up to the end of training are the same, and at least
        `N_CERTAIN` of them occur once. Values that repeat are taken as later rows.
        """
        spread = np.minimum(self.head_spread, self.end_spread)

        def find(row: np.ndarray) -> np.ndarray:
            return np.flatnonzero(close(self.kept, row, spread).all(axis=1))

        finds = enumerate(find(row) for row in rows[: len(self.kept)])
        none = np.zeros(0, dtype=int)
        k, found = next((pair for pair in finds if len(pair[1]) < 2), (0, none))
        if len(rows) == 1 or len(found) == 0 or found[0] < k:
            return None, ""
        at = int(found[0]) - k
        numbers = self.numbers[at : at + len(rows)]
        n = int((numbers == numbers[0] + np.arange(len(numbers))).sum())
        if k >= n or not close(rows[:n], self.kept[at : at + n], spread).all():
            return None, ""
        once = (row for row in rows[:n] if len(find(row)) == 1)
        n_once = len(list(islice(once, N_CERTAIN)))
        if n_once == N_CERTAIN:
            return int(numbers[0]), f"X starts at training row {numbers[0]}"
        others = np.arange(1, len(rows))
        if n_once < n or are_close(rows, others, 0, spread).any():
            return None, ""
        if at + n < len(self.kept):
            return None, f"X may start at training row {numbers[0]}"
        last = "last row" if n == 1 else f"last {n} rows"
        return None, f"X starts with the {last} of training"
