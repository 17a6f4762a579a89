"""Training rows that are kept, and rows with such history in front of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from sktsdl._windows.panel import Panel
from sktsdl._windows.row_order import after_unknown, ranges

N_RECOGNISED = 512


@dataclass(frozen=True, eq=False)
class Joined:
    """Rows with their history in front of them, as look-back steps need them.

    Parameters
    ----------
    rows : ndarray or DiskRows of shape (n_back + n_joined, n_features)
        For one series its history, NaN if it is unknown, and its rows. For several
        series, `n_back` rows of NaN, and then the known history and the rows of each.
    n_back : int
        The number of rows that a step looks back.
    ends : ndarray of int, shape (n_rows,), or None
        Which of `rows` each row of `X` is, counted after the first `n_back`; None if
        it is each of them.
    firsts : ndarray of int, shape (n_rows,), or None
        Which of them is the first of its series.
    """

    rows: Any
    n_back: int
    ends: np.ndarray | None = None
    firsts: np.ndarray | None = None

    def of_rows(self, output: np.ndarray) -> np.ndarray:
        """Return a step's `output` for the rows of `X`, NaN without a full history.

        `output` has one row for each of `rows` but the first `n_back`.
        """
        if self.ends is None or self.firsts is None:
            return output
        selected: np.ndarray = output[self.ends]
        selected[self.ends - self.firsts < self.n_back] = np.nan
        return selected


@dataclass(frozen=True, eq=False, kw_only=True)
class JoinedSeries(Joined):
    """Rows of many series with their histories.

    Parameters
    ----------
    panel : Panel
        The series of the rows of `X`.
    starts : ndarray of int, shape (n_series,)
        Which of `rows` is the first of each series, counted as `ends`.
    kept, kept_at : ndarray of int
        The kept rows that are histories, and which of `rows` they are.
    """

    panel: Panel
    starts: np.ndarray
    kept: np.ndarray
    kept_at: np.ndarray

    @classmethod
    def of(
        cls,
        rows: np.ndarray,
        panel: Panel,
        histories: Histories,
        states: np.ndarray,
        n_back: int,
        joined: np.ndarray | None = None,
    ) -> Self:
        """Put the `histories` of the series, out of `states`, before their `rows`.

        `joined` are the rows in their order, if no series has a history.
        """
        lengths = histories.lengths
        sizes = lengths + panel.counts
        starts = sizes.cumsum() - sizes
        ends = panel.place
        kept = ranges(histories.stops - lengths, histories.stops)
        kept_at = ranges(starts, starts + lengths)
        if lengths.any():
            ends += (starts + lengths - panel.bounds[:-1])[panel.series]
            joined = np.empty((n_back + sizes.sum(), rows.shape[1]), rows.dtype)
            joined[:n_back] = np.nan
            joined[n_back:][ends] = rows
            joined[n_back:][kept_at] = states[kept]
        elif joined is None:
            joined = after_unknown(n_back, rows, panel.order)
        return cls(
            rows=joined,
            n_back=n_back,
            ends=ends,
            firsts=starts[panel.series],
            panel=panel,
            starts=starts,
            kept=kept,
            kept_at=kept_at,
        )


@dataclass(frozen=True, eq=False)
class Histories:
    """For each series of `X`, which kept rows come before it.

    Parameters
    ----------
    stops : ndarray of int
        The kept row after the last of them.
    lengths : ndarray of int
        Their number, 0 at the start of training or if they are unknown.
    positions : ndarray of int
        The number of training rows before the series, -1 if it is unknown.
    """

    stops: np.ndarray
    lengths: np.ndarray
    positions: np.ndarray


class KeptRows:
    """Training rows of one series that a look-back step keeps.

    Parameters
    ----------
    kept : ndarray
        The rows at both ends of training.
    numbers : ndarray of int
        Which training rows they are.
    n_back : int
        The number of rows before a row that the step needs.
    n_start : int
        The number of rows at the start of training without a full history.
    n_rows : int
        The number of training rows.
    n_head : int
        How many of the first training rows are kept.
    since : ndarray of int or None, default=None
        The row at which the part without a gap starts that each kept row is in; None
        is the first row, as gaps inside the training rows do not count.
    states : ndarray or None, default=None
        What each kept row is in a history, if that is not the row itself.
    """

    # What a step knows of the rows that it is given, and need not look for.
    pinned: Any = None

    def __init__(
        self,
        kept: np.ndarray,
        numbers: np.ndarray,
        *,
        n_back: int,
        n_start: int,
        n_rows: int,
        n_head: int,
        since: np.ndarray | None = None,
        states: np.ndarray | None = None,
    ) -> None:
        self.kept = kept
        self.numbers = numbers
        self.n_back = n_back
        self.n_start = n_start
        self.n_rows = n_rows
        self.n_head = n_head
        self.since = np.zeros(len(kept), dtype=int) if since is None else since
        self.states = kept if states is None else states

    @property
    def has_states(self) -> bool:
        """Whether the rows of a history are not the rows themselves."""
        return self.states is not self.kept

    @property
    def head(self) -> np.ndarray:
        """The first training rows."""
        return self.kept[: self.n_head]

    def before(self, position: int) -> np.ndarray | None:
        """Return the history at a position, None if it is not kept."""
        stop = int(np.searchsorted(self.numbers, position))
        since = int(self.since[stop - 1]) if stop else 0
        first = max(position - self.n_back, since)
        start = int(np.searchsorted(self.numbers, first))
        if stop - start < position - first:
            return None
        return self.states[start:stop]
