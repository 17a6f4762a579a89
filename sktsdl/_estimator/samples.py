"""Windows with their targets and weights."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sktsdl._windows.disk_rows import Rows, select_rows
from sktsdl._windows.missing import starts_unknown
from sktsdl._windows.windows import Windows


@dataclass(frozen=True)
class Samples:
    """Windows, by the rows that they are cut from, with their targets and weights.

    Parameters
    ----------
    windows : Windows
        The windows.
    targets : ndarray of shape (n, n_targets)
        The target of each window.
    weights : ndarray of shape (n,) or None
        The weight of each window.
    horizon : int
        The number of rows that the furthest target lies ahead.
    series : ndarray of int, shape (n,), or None
        The number of each window's series, None if they are of one.
    """

    windows: Windows
    targets: np.ndarray
    weights: np.ndarray | None
    horizon: int
    series: np.ndarray | None = None

    @property
    def rows(self) -> Rows:
        return self.windows.rows

    @property
    def window(self) -> int:
        return self.windows.window

    @property
    def n_targets(self) -> int:
        return self.targets.shape[1]

    @property
    def is_complete(self) -> np.ndarray:
        """Whether the history of each window is known, shape (n,)."""
        return ~starts_unknown(self.windows)

    def are_many(self, idx: np.ndarray) -> bool:
        """Say whether the windows `idx` are of more than one series."""
        return self.series is not None and bool(np.ptp(self.series[idx]))

    @property
    def stops(self) -> np.ndarray:
        """For each window, the row after the last one of its series, shape (n,)."""
        ends = np.asarray(self.windows.ends)
        if self.series is None:
            return np.full(len(ends), len(self.rows))
        last = np.zeros(self.series.max() + 1, dtype=int)
        np.maximum.at(last, self.series, ends)
        return last[self.series] + 1

    def weights_of(self, idx: np.ndarray) -> np.ndarray | None:
        """Return the weights of some windows, or None if they are equal."""
        if self.weights is None or np.ptp(self.weights[idx]) == 0:
            return None
        return self.weights[idx]

    def training_rows(self, idx: np.ndarray) -> tuple[Rows, np.ndarray | None]:
        """Return every row that lies in one of the windows `idx` once, and its weight.

        A row's weight is the mean weight of its windows, None if all are equal.
        """
        n_windows, weights = self.n_windows_of_rows(idx), self.weights_of(idx)
        is_used = n_windows > 0
        if weights is not None:
            weights = self._sum_by_row(idx, weights)[is_used] / n_windows[is_used]
        return select_rows(self.rows, is_used), weights

    def n_windows_of_rows(self, idx: np.ndarray) -> np.ndarray:
        """Return in how many of the windows `idx` each row lies, shape (n_rows,)."""
        return self._sum_by_row(idx, np.ones(len(idx), dtype=int))

    def _sum_by_row(self, idx: np.ndarray, values: np.ndarray) -> Any:
        """Return the sum of the values of the windows `idx` that each row lies in."""
        starts = self.windows.starts[idx]
        edges = np.zeros(len(self.rows) + 1, dtype=values.dtype)
        np.add.at(edges, starts, values)
        np.add.at(edges, starts + self.window, -values)
        return edges[:-1].cumsum()
