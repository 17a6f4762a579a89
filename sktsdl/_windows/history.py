"""The history rule: which rows come before a row, across training and later rows."""

from typing import Literal

import numpy as np
import pandas as pd
from pandas.api.types import is_any_real_numeric_dtype

from sktsdl._sklearn.warnings import warn
from sktsdl._windows.training_index import Position, TrainingIndex

N_RECOGNISED = 512
RTOL = 1e-5
WAY_OUT = (
    "so the rows before it are taken as unknown; give the training rows from their "
    "start, or the rows right after them, in one frame with a time index."
)


class TrainingTail:
    """The training rows that a look-back step remembers.

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
        kept = max(N_RECOGNISED, n_unknown + n_back)
        self.n_rows = len(rows)
        self.n_back = n_back
        self.mode = mode
        self.n_start = n_unknown + n_back
        self.head = rows[:kept].copy()
        self.end = rows[-kept:].copy()
        # A time index says where rows start; numbers may count other rows from 0.
        says_place = index is not None and not is_any_real_numeric_dtype(index.dtype)
        self.n_distinct = _distinct_start(self.head if says_place else rows)
        self.training_index = None
        if index is not None:
            self.training_index = TrainingIndex.of(index)
            if n_back:
                self.training_index.warn_of_gaps(index)

    @property
    def start(self) -> np.ndarray:
        """The first `n_start` training rows."""
        return self.head[: self.n_start]

    @property
    def tail(self) -> np.ndarray:
        """The last `n_back` training rows."""
        return self.end[len(self.end) - min(self.n_back, len(self.end)) :]

    def position_of(self, rows: np.ndarray, index: pd.Index | None) -> Position:
        """Return where `rows` start; warn of lost history and of long steps."""
        if self.mode is None or self.n_back == 0:
            return "unknown"
        starts_unknown = np.isnan(rows[0]).any()  # and a step before has warned
        if (
            self.training_index
            and index is not None
            and self.training_index.is_comparable(index)
        ):
            position, reason = self.training_index.position_of(index)
            if not starts_unknown:
                self.training_index.warn_of_gaps(index)
        elif starts_unknown:
            return "unknown"
        else:
            position, reason = self._position_by_values(rows)
        if reason and not starts_unknown:
            warn(f"{reason}, {WAY_OUT}")
        return position

    def pad(self, rows: np.ndarray, position: Position) -> np.ndarray:
        """Return `rows` after `n_back` rows of history, NaN if it is unknown."""
        n_back, n_features = self.n_back, rows.shape[1]
        padded = np.full((n_back + len(rows), n_features), np.nan, dtype=rows.dtype)
        if position == "follows":
            padded[n_back - len(self.tail) : n_back] = self.tail
        padded[n_back:] = rows
        return padded

    def position_of_output(
        self, output: np.ndarray, index: pd.Index | None, head_output: np.ndarray
    ) -> Position:
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
        if (
            self.training_index
            and index is not None
            and self.training_index.is_comparable(index)
        ):
            position, _ = self.training_index.position_of(index)
        elif np.isnan(output[0]).any():
            n = min(len(output), len(head_output))
            scale = np.abs(np.nan_to_num(head_output)).max(initial=0.0)
            same = np.isclose(
                output[:n], head_output[:n], RTOL, RTOL * scale, equal_nan=True
            ).all()
            # An output that is all NaN looks the same anywhere.
            position = "training" if same and n > self.n_start else "unknown"
        else:
            position = "follows"
        is_short = len(self.tail) < self.n_back or np.isnan(output[0]).any()
        if position == "unknown" or (position == "follows" and is_short):
            raise ValueError(
                "The level before the first row of X is not known, as X is neither "
                "the training rows from their start nor the rows right after them: "
                "give those rows, in a frame with a time index."
            )
        return position

    def _position_by_values(self, rows: np.ndarray) -> tuple[Position, str]:
        n = self.n_distinct
        if len(rows) >= n and _close(rows[:n], self.head[:n], _spread(self.head)).all():
            return "training", ""
        n = min(len(rows), len(self.end))
        if (
            len(rows) <= self.n_rows
            and _close(rows[-n:], self.end[-n:], _spread(self.end)).all()
        ):
            count = "row" if len(rows) == 1 else f"{len(rows)} rows"
            return "unknown", f"X equals the last {count} of training"
        return "follows", ""


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
