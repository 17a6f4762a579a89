"""The history rule: which rows come before a row, across training and later rows."""

from itertools import islice
from typing import Literal

import numpy as np
import pandas as pd
from pandas.api.types import is_any_real_numeric_dtype

from sktsdl._sklearn.warnings import warn
from sktsdl._windows.training_index import Position, TrainingIndex

N_RECOGNISED = 512
N_CERTAIN = 4
RTOL = 1e-5
WAY_OUT = (
    "give the training rows from their start, or the rows right after them, in one "
    "frame with a time index."
)


class TrainingTail:
    """The training rows that a look-back step remembers.

    A position in the training rows is the number of rows before it: 0 is their start,
    `n_rows` is right after them, and None is unknown.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        The training rows, oldest first.
    index : pandas.Index or None
        Their time index, from `time_index`.
    n_back : int
        The number of rows before a row that the step needs.
    mode : {"tail", None}
        None never gives history.

    Attributes
    ----------
    n_start : int
        The number of rows at the start of training without a full history.
    kept, numbers : ndarray
        The rows at both ends of training, and which training rows they are.
    """

    def __init__(
        self,
        rows: np.ndarray,
        index: pd.Index | None,
        n_back: int,
        mode: Literal["tail"] | None,
    ) -> None:
        known = np.isfinite(rows).all(axis=1)
        n_unknown = int(known.argmax()) if known.any() else len(rows)
        self.n_rows = len(rows)
        self.n_back = n_back
        self.mode = mode
        self.n_start = n_unknown + n_back
        self.n_head = min(max(N_RECOGNISED, self.n_start), len(rows))
        self.n_end = min(N_RECOGNISED + n_back, len(rows))
        start_of_end = len(rows) - self.n_end
        self.numbers = np.unique(np.r_[: self.n_head, start_of_end : len(rows)])
        self.kept = rows[self.numbers]
        self.head_spread = _spread(self.head)
        self.end_spread = _spread(self.kept[-self.n_end :])
        # A time index says where rows start; numbers may count other rows from 0.
        says_place = index is not None and not is_any_real_numeric_dtype(index.dtype)
        self.n_distinct = _distinct_start(self.head if says_place else rows)
        self.training_index = None
        if index is not None:
            self.training_index = TrainingIndex.of(index, self.numbers)
            if n_back:
                self.training_index.warn_of_gaps(index)

    @property
    def head(self) -> np.ndarray:
        """The first training rows."""
        return self.kept[: self.n_head]

    def before(self, position: int) -> np.ndarray | None:
        """Return the history at a position, None if it is not kept."""
        first = max(position - self.n_back, 0)
        start, stop = np.searchsorted(self.numbers, (first, position))
        if stop - start < position - first:
            return None
        return self.kept[start:stop]

    def position_of(self, rows: np.ndarray, index: pd.Index | None) -> Position:
        """Return where `rows` start; warn of lost history and of long steps."""
        if self.mode is None or self.n_back == 0:
            return None
        starts_unknown = np.isnan(rows[0]).any()  # and a step before has warned
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
            n = min(self.n_back, len(rows))
            of = "its first row" if n == 1 else f"its first {n} rows"
            warn(f"{reason}, so the history of {of} is not known: {WAY_OUT}")
        return position

    def pad(self, rows: np.ndarray, position: Position) -> np.ndarray:
        """Return `rows` after `n_back` rows of history, NaN if it is unknown."""
        n_back, n_features = self.n_back, rows.shape[1]
        padded = np.full((n_back + len(rows), n_features), np.nan, dtype=rows.dtype)
        before = None if position is None else self.before(position)
        if before is not None:
            padded[n_back - len(before) : n_back] = before
        padded[n_back:] = rows
        return padded

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
        kept = self.kept[np.searchsorted(self.numbers, position)]
        if np.isnan(row).any() and (np.isnan(row) != np.isnan(kept)).any():
            return None, ""
        is_counted = place.kind == ("number",) and index[0] in place.times
        if is_counted and not _close(row, kept, self.end_spread).all():
            return (
                None,
                f"{start}, but its first row differs from the training row there",
            )
        return position, ""

    def _position_by_values(self, rows: np.ndarray) -> tuple[Position, str]:
        n = self.n_distinct
        if len(rows) >= n and _close(rows[:n], self.head[:n], self.head_spread).all():
            return 0, ""
        position, reason = self._recognised(rows)
        if reason:
            is_kept = position is not None and self.before(position) is not None
            return position if is_kept else None, reason
        n = min(len(rows), self.n_end)
        last = self.kept[-n:]
        if len(rows) <= self.n_rows and _close(rows[-n:], last, self.end_spread).all():
            count = "row" if len(rows) == 1 else f"{len(rows)} rows"
            return None, f"X equals the last {count} of training"
        return self.n_rows, ""

    def _recognised(self, rows: np.ndarray) -> tuple[Position, str]:
        """Return which training rows `rows` begin with, or why that is in doubt.

        It is certain if all rows up to the end of training are the same, and at least
        `N_CERTAIN` of them occur once. Values that repeat are taken as later rows.
        """
        spread = np.minimum(self.head_spread, self.end_spread)

        def find(row: np.ndarray) -> np.ndarray:
            return np.flatnonzero(_close(self.kept, row, spread).all(axis=1))

        finds = enumerate(find(row) for row in rows[: len(self.kept)])
        k, found = next((pair for pair in finds if len(pair[1]) < 2), (0, rows[:0]))
        if len(rows) == 1 or len(found) == 0 or found[0] < k:
            return None, ""
        at = int(found[0]) - k
        numbers = self.numbers[at : at + len(rows)]
        n = int((numbers == numbers[0] + np.arange(len(numbers))).sum())
        if k >= n or not _close(rows[:n], self.kept[at : at + n], spread).all():
            return None, ""
        once = (row for row in rows[:n] if len(find(row)) == 1)
        n_once = len(list(islice(once, N_CERTAIN)))
        if n_once == N_CERTAIN:
            return int(numbers[0]), f"X starts at training row {numbers[0]}"
        if n_once < n or _close(rows[1:], rows[0], spread).all(axis=1).any():
            return None, ""
        if at + n < len(self.kept):
            return None, f"X may start at training row {numbers[0]}"
        last = "last row" if n == 1 else f"last {n} rows"
        return None, f"X starts with the {last} of training"


def _close(a: np.ndarray, b: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Say where `a` and `b` differ by rounding only.

    The tolerance is relative to the column's standard deviation, not to its values, so
    that it works for a small variation on a high level; plus the rounding of the
    coarser dtype.
    """
    eps = max(np.finfo(a.dtype).eps, np.finfo(b.dtype).eps)
    same = np.abs(a - b) <= RTOL * spread + 4 * eps * np.abs(b)
    return same | (np.isnan(a) & np.isnan(b))


def _spread(rows: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the known values of each column."""
    known = rows[np.isfinite(rows).all(axis=1)]
    largest = np.abs(known).max(axis=0, initial=0.0)
    unit = np.where(largest > 0, largest, 1.0)  # so that squares do not overflow
    return (known / unit).std(axis=0) * unit if len(known) else unit * 0.0


def _distinct_start(rows: np.ndarray) -> int:
    """Return the length of the shortest start of `rows` that occurs only once."""
    limit = min(N_RECOGNISED, len(rows))
    spread = _spread(rows[:limit])
    starts = np.arange(1, len(rows))  # where the first n rows occur again
    n = 0
    while n < limit:
        starts = starts[starts + n < len(rows)]
        starts = starts[_close(rows[starts + n], rows[n], spread).all(axis=1)]
        n += 1
        if len(starts) == 0:
            return n
        if len(starts) > 2 * len(rows) // n:
            # They overlap by half or more, so the first rows repeat themselves, such
            # as constant rows. Of each stretch of `rows` that repeats itself in this
            # way, only the place where it breaks off as the start does can match on.
            period = int(min(starts[0], np.diff(starts).min()))
            same = _close(rows[period:], rows[:-period], spread).all(axis=1)
            breaks = np.append(np.flatnonzero(~same) + period, len(rows))
            lengths = breaks[np.searchsorted(breaks, starts + period)] - starts
            n = min(int(breaks[0]), limit)
            starts = starts[lengths == n]
            if len(starts) == 0:
                return min(int(lengths.max()) + 1, n + 1, limit)
    return limit
