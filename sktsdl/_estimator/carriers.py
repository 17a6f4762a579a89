"""Which channels have the level of the targets, on the windows of training."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from sktsdl._estimator.samples import Samples
from sktsdl._windows.disk_rows import DiskRows, Rows

N_PROBES = 64  # windows that rule most channels out
N_MATCHES = 30
N_CHECKED = 4096  # windows of a regression, and steps of each
N_STEPS = 16
MAX_ERROR = 0.5  # of y - x_T: its variance, as a share of the variance of y
MAX_BEND = 0.1  # how far the slope of y over x_T may be from 1
EXACT = 1e-9  # the share of variance that rounding may leave
WORSE = 1.2  # the variance that a norm leaves, as a share of the variance of y
# Numbers that overflow here are refused later, by name.
quiet = np.errstate(over="ignore", invalid="ignore")


@dataclass(frozen=True)
class Carriers:
    """Checks of channels whose levels would be added to the predictions of `y`.

    Parameters
    ----------
    targets : ndarray of shape (n_windows, targets)
        The targets of all windows.
    idx : ndarray of int, shape (n,)
        The training windows.
    weights : ndarray of shape (n,) or None
        The weights of the training windows.
    rows : ndarray or DiskRows of shape (n_rows, channels)
        The rows of all windows.
    ends : ndarray of shape (n,)
        The last row of each training window.
    stops : ndarray of shape (n,)
        The row after the last row of its series.
    window : int
        The number of rows in a window.

    Notes
    -----
    In all methods, several channels share the columns of `y` evenly and in order.
    """

    targets: np.ndarray
    idx: np.ndarray
    weights: np.ndarray | None
    rows: Rows
    ends: np.ndarray
    stops: np.ndarray
    window: int

    @classmethod
    def of(cls, samples: Samples, idx: np.ndarray) -> Self:
        """Take the training windows `idx` of samples."""
        return cls(
            samples.targets,
            idx,
            samples.weights_of(idx),
            samples.rows,
            np.asarray(samples.windows.ends)[idx],
            samples.stops[idx],
            samples.window,
        )

    def y(self, columns: int | slice, which: Any = slice(None)) -> np.ndarray:
        """Return columns of the targets of training windows, all by default."""
        # By column: a copy of all targets may need more memory than the rows.
        return self.targets[self.idx[which], columns].astype(float, copy=False)

    @property
    def is_varied(self) -> bool:
        """Whether any target of the training windows has two values."""
        return any(np.ptp(self.y(column)) for column in range(self.targets.shape[1]))

    def find_future(
        self, candidates: Sequence[int], given: tuple[int, ...] | None
    ) -> tuple[int, ...] | None:
        """Return the channels whose later rows `y` is, None if it is not.

        The rows of the windows must be consecutive. The first column of each channel
        is some rows after the window, the same number for all, and the next columns
        are the rows after that.

        Parameters
        ----------
        candidates : sequence of int
            The channels that may be returned.
        given : tuple of int or None
            If not None, only these channels, in this order.
        """
        found = self.find_lead(candidates, given)
        return None if found is None else found[0]

    @quiet
    def find_lead(
        self, candidates: Sequence[int], given: tuple[int, ...] | None
    ) -> tuple[tuple[int, ...], int] | None:
        """Return the channels of `find_future`, and the number of rows ahead."""
        n_targets = self.targets.shape[1]
        shares = [share for share in range(n_targets, 0, -1) if n_targets % share == 0]
        if given is not None:
            candidates, shares = given, [n_targets // len(given)]
        for lead in self._leads(candidates):
            for share in shares:
                found: list[int] = []
                for first in range(0, n_targets, share):
                    places = [(first + step, lead + step) for step in range(share)]
                    of_block = candidates if given is None else [given[first // share]]
                    channel = self._channel_of(places, of_block)
                    if channel is None:
                        break
                    found.append(channel)
                else:
                    return tuple(found), lead
        return None

    def _leads(self, candidates: Sequence[int]) -> Iterator[int]:
        """Give how many rows after a window its first target may be, least first.

        At least half of the windows have that row, and `N_MATCHES` of them if it is not
        the next one; no probe contradicts it.
        """
        yield 1
        y, rows, ends, stops = self.y(0), self.rows, self.ends, self.stops
        half = max(min(len(y) // 2, len(y) - N_MATCHES), 1)
        # Rare values come first: they leave the fewest rows to the next probes.
        probes = np.r_[y[:half].argmax(), y[:half].argmin(), _spread(len(y), N_PROBES)]
        found: set[int] = set()
        first = ends[probes[0]] + 1
        # Columns of a file are slow to read, so its rows are searched near the window.
        n_ahead = min(half, rows.n_at_once) if isinstance(rows, DiskRows) else half
        later = rows[first : min(first + n_ahead, stops[probes[0]])]
        for channel in candidates:
            leads = 1 + np.flatnonzero(_is_equal(y[probes[0]], later[:, channel]))
            for probe in probes:
                if len(leads) == 0:
                    break
                row = ends[probe] + leads
                value = rows[np.minimum(row, len(rows) - 1), channel]
                leads = leads[(row >= stops[probe]) | _is_equal(y[probe], value)]
            found.update(leads[:4].tolist())
        yield from sorted(found - {1})[:4]

    def _channel_of(
        self, places: list[tuple[int, int]], candidates: Sequence[int]
    ) -> int | None:
        """Return the channel that holds some columns of `y` in rows after each window.

        `places` are the columns and the numbers of rows.
        """
        for probes in (_spread(len(self.idx), N_PROBES), slice(None)):
            for column, ahead in places:
                later = self.ends[probes] + ahead
                has_row = later < self.stops[probes]
                later, values = later[has_row], self.y(column, probes)[has_row]
                # A few rows are read once, and of all rows only the columns.
                rows, at = self.rows, later
                if len(later) <= N_PROBES:
                    rows, at = rows[later], np.arange(len(later))
                candidates = [
                    channel
                    for channel in candidates
                    if _is_equal(values, rows[at, channel]).all()
                ]
                if not candidates:
                    return None
        return candidates[0]

    @quiet
    def find_rescaled(self, candidates: Sequence[int]) -> int | None:
        """Return a channel whose level the first target follows, in other units.

        The target is the next row of it, and the last value explains most of it. The
        rows of the windows must be consecutive.
        """
        has_next = self.ends + 1 < self.stops
        if has_next.sum() < N_MATCHES:
            return None
        y, ends = self.y(0)[has_next], self.ends[has_next]
        target = y - y.mean()
        yy = target @ target
        for channel in self._linear(ends + 1, y, candidates):
            last, later = (self.rows[ends + i, channel].astype(float) for i in (0, 1))
            if _is_equal(y, later).all():  # in the same units
                return None
            mean = later.mean()
            later -= mean
            xx, xy = later @ later, later @ target
            if xy**2 > (1 - EXACT) * xx * yy > 0:
                error = target - xy / xx * (last - mean)
                return channel if error @ error < MAX_ERROR * yy else None
        return None

    def _linear(
        self, later: np.ndarray, y: np.ndarray, candidates: Sequence[int]
    ) -> list[int]:
        """Return the channels that may be `y`, or explain it exactly, in rows `later`.

        What a line leaves of a few values is at most what it leaves of all.
        """
        probes = _spread(len(y), N_PROBES)
        x = self.rows[later[probes]][:, candidates].astype(float)
        is_same = _is_equal(y[probes, None], x).all(axis=0)
        x -= x.mean(axis=0)
        target = y[probes] - y[probes].mean()
        xx, xy = (x * x).sum(axis=0), target @ x
        left = target @ target - np.divide(xy**2, xx, out=0 * xx, where=xx > 0)
        is_other = left > 2 * EXACT * ((y - y.mean()) ** 2).sum()
        return np.asarray(candidates)[is_same | ~is_other].tolist()

    @quiet
    def follow_last(self, channels: tuple[int, ...]) -> bool:
        """Say whether the targets are near the last values of their channels."""
        errors, bends = [], []
        n_targets = self.targets.shape[1]
        share = n_targets // len(channels)
        for column in range(n_targets):
            if column % share == 0:
                last = self.rows[self.ends, channels[column // share]].astype(float)
                last -= np.average(last, weights=self.weights)
            target = self.y(column)
            target -= np.average(target, weights=self.weights)
            weighted = last if self.weights is None else last * self.weights
            xx, xy = weighted @ last, weighted @ target
            weighted = target if self.weights is None else target * self.weights
            yy = weighted @ target
            if xx == 0 or yy == 0:
                return False
            errors.append((xx - 2 * xy + yy) / yy)
            bends.append((xx - xy) ** 2 / (xx * yy))
        return bool(np.mean(errors) < MAX_ERROR and np.mean(bends) < MAX_BEND)

    @quiet
    def find_worse(self, channels: tuple[int, ...]) -> int | None:
        """Return a channel whose norm leaves more of its targets than their mean does.

        A norm adds ``x_T`` and hides the level of the window. What it leaves of `y` is
        here ``y - x_T`` without its linear regression on the differences to ``x_T``,
        which is the same with the window's mean in place of ``x_T``.
        """
        probes = _spread(len(self.idx), N_CHECKED)
        n_steps = min(self.window, N_STEPS, max(len(probes) // 8, 1))
        back = _spread(self.window, n_steps)
        root = np.ones(len(probes))
        if self.weights is not None:
            root = np.sqrt(self.weights[probes])
        share = self.targets.shape[1] // len(channels)
        for i, channel in enumerate(channels):
            y = self.y(slice(i * share, (i + 1) * share), probes)
            steps = self.rows[self.ends[probes, None] - back, channel].astype(float)
            inputs = np.c_[steps[:, 1:] - steps[:, :1], np.ones(len(steps))]
            inputs *= root[:, None]
            left = (y - steps[:, :1]) * root[:, None]
            left -= inputs @ np.linalg.lstsq(inputs, left, rcond=None)[0]
            y = (y - np.average(y, axis=0, weights=root**2)) * root[:, None]
            variance = (y**2).sum(axis=0)
            if variance.all() and np.mean((left**2).sum(axis=0) / variance) > WORSE:
                return channel
        return None


def _is_equal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # numpy's isclose takes several times as long.
    equal: np.ndarray = np.abs(a - b) <= 1e-5 * np.abs(b)
    return equal


def _spread(n: int, count: int) -> np.ndarray:
    """Return at most `count` of `n` positions, evenly spread from end to end."""
    return np.unique(np.linspace(0, n - 1, min(n, count)).astype(int))
