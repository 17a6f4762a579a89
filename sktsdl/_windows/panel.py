"""Many series in one frame: which rows are of which series, and in which order."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from sktsdl._sklearn.dates import conversion_of_numbers
from sktsdl._sklearn.warnings import warn
from sktsdl._windows.row_order import order_by
from sktsdl._windows.time_index import as_time_index
from sktsdl._windows.training_index import TrainingIndex, kind_of

N_NAMED = 3


@dataclass(frozen=True, eq=False)
class Panel:
    """The series of rows whose MultiIndex has the time as its last level.

    Parameters
    ----------
    keys : pandas.Index
        The name of each series.
    series : ndarray of int, shape (n_rows,)
        The number of each row's series.
    order : ndarray of int or None
        The rows series by series, each in time order; None if they stand so.
    bounds : ndarray of int, shape (n_series + 1,)
        Where each series starts in that order.
    stamps : pandas.Index
        All times, in increasing order.
    times : ndarray of int, shape (n_rows,)
        The time of each row in that order, by its number in `stamps`.
    """

    keys: pd.Index
    series: np.ndarray
    order: np.ndarray | None
    bounds: np.ndarray
    stamps: pd.Index
    times: np.ndarray

    @classmethod
    def of(cls, X: Any, name: str = "X", sort: str | None = None) -> Self | None:
        """Return the series of a frame or of windows, None if they are one series.

        `name` is what errors call `X`, and `sort` how the user can sort its rows.

        Raises
        ------
        ValueError
            If the last level holds no times, if the rows of a series are not in time
            order or a time is there twice, or if a label is missing.
        """
        index = panel_index(X, name)
        if index is None:
            return None
        series = codes_of_series(index)
        stamps, times = times_of(index, name)
        counts = np.bincount(series)
        bounds = np.concatenate([[0], counts.cumsum()])
        order = order_by(series, len(counts))
        if order is not None:
            times = times[order]
        firsts = bounds[:-1] if order is None else order[bounds[:-1]]
        keys = index[firsts].droplevel(-1)
        panel = cls(keys, series, order, bounds, stamps, times)
        panel._check_order(index, name, sort or f"{name}.sort_index()")
        return panel

    @property
    def n_series(self) -> int:
        return len(self.keys)

    @property
    def first_rows(self) -> np.ndarray:
        """The first row of each series."""
        firsts = self.bounds[:-1]
        return firsts if self.order is None else self.order[firsts]

    @property
    def last_rows(self) -> np.ndarray:
        """The last row of each series."""
        lasts = self.bounds[1:] - 1
        return lasts if self.order is None else self.order[lasts]

    @property
    def counts(self) -> np.ndarray:
        """The number of rows of each series."""
        return np.diff(self.bounds)

    @property
    def place(self) -> np.ndarray:
        """Where each row stands in the order series by series."""
        n = len(self.series)
        if self.order is None:
            return np.arange(n)
        place = np.empty(n, dtype=int)
        place[self.order] = np.arange(n)
        return place

    def by_series(self, rows: np.ndarray) -> np.ndarray:
        """Return `rows` series by series."""
        return rows if self.order is None else rows[self.order]

    def n_incomplete(self, rows: np.ndarray) -> np.ndarray:
        """Return the number of rows of each series before its first complete one."""
        is_known = np.isfinite(rows)
        if is_known.all():  # in half the time
            return np.zeros(self.n_series, dtype=int)
        bad = np.flatnonzero(self.by_series(~is_known.all(axis=1)))
        series = np.searchsorted(self.bounds, bad, side="right") - 1
        n_before = np.arange(len(bad)) - np.searchsorted(series, series)
        is_at_start = bad - self.bounds[series] == n_before
        return np.bincount(series[is_at_start], minlength=self.n_series)

    def times_of_longest(self) -> pd.Index:
        """Return the times of the longest series."""
        series = int(self.counts.argmax())
        return self.stamps[self.times[self.bounds[series] : self.bounds[series + 1]]]

    def _check_order(self, index: pd.MultiIndex, name: str, sort: str) -> None:
        steps = np.diff(self.times)
        steps[self.bounds[1:-1] - 1] = 1
        if (steps > 0).all():
            return
        bad = np.flatnonzero(steps <= 0) + 1
        rows = bad if self.order is None else self.order[bad]
        row, at = int(rows.min()), int(bad[rows.argmin()])
        if steps[at - 1] == 0:
            raise ValueError(
                f"The index of {name} has row {row}, {index[row]}, twice: keep one row "
                "for each series and time, or name the series by more levels."
            )
        raise ValueError(
            f"The index of {name} goes back in time at row {row}, {index[row]}: sort "
            f"the rows of each series by time (`{sort}`), or name the series by more "
            "levels."
        )


def panel_index(X: Any, name: str = "X") -> pd.MultiIndex | None:
    """Return an index of series and times, None if `X` is one series.

    Raises
    ------
    ValueError
        If a label is missing.
    """
    index = getattr(X, "index", None)
    if not isinstance(index, pd.MultiIndex):
        return None
    if index.nlevels == 1:
        raise ValueError(
            f"The index of {name} is a MultiIndex of one level: for one series, give "
            f"`{name}.index.get_level_values(0)`."
        )
    missing = np.any([codes < 0 for codes in index.codes], axis=0)
    if missing.any():
        row = int(missing.argmax())
        raise ValueError(
            f"The index of {name} has a missing label in row {row}, {index[row]}: each "
            "row needs the name of its series and its time."
        )
    return index


def index_of_series(keys: pd.Index, times: pd.Index, names: Any) -> pd.MultiIndex:
    """Return the index of rows whose series and times are given one for one."""
    levels = [keys.get_level_values(i) for i in range(keys.nlevels)]
    return pd.MultiIndex.from_arrays([*levels, times], names=list(names))


def codes_of_series(index: pd.MultiIndex) -> np.ndarray:
    """Return the number of each row's series, without gaps."""
    series = _without_gaps(np.asarray(index.codes[0]), len(index.levels[0]))
    for codes, level in zip(index.codes[1:-1], index.levels[1:-1], strict=True):
        joined = series.astype(int) * len(level) + codes
        series = np.unique(joined, return_inverse=True)[1]
    return series


def _without_gaps(codes: np.ndarray, n_codes: int) -> np.ndarray:
    is_used = np.bincount(codes, minlength=n_codes) > 0
    if is_used.all():
        return codes
    numbers: np.ndarray = (is_used.cumsum() - 1)[codes]
    return numbers


def times_of(index: pd.MultiIndex, name: str) -> tuple[pd.Index, np.ndarray]:
    """Return all times of the last level in order, and the number of each row's time.

    Raises
    ------
    ValueError
        If the last level holds no times.
    """
    level, times = as_time_index(index.levels[-1]), np.asarray(index.codes[-1])
    if kind_of(level)[0] is None:
        kinds = [kind_of(as_time_index(part))[0] for part in index.levels]
        found = [i for i, kind in enumerate(kinds) if kind not in (None, "number")]
        dates = f"pd.to_datetime({name}.index.levels[-1])"
        way_out = f"convert it, as by `{name}.index.set_levels({dates}, level=-1)`"
        if found:
            label = index.names[found[0]]
            way_out = f"put the level {found[0] if label is None else repr(label)} last"
        raise ValueError(
            f"The last level of the index of {name} holds {str(level.dtype)!r} and no "
            f"times, which are dates, periods or numbers: {way_out}."
        )
    if call := conversion_of_numbers(level, f"{name}.index.levels[-1]"):
        raise ValueError(
            f"The last level of the index of {name} holds dates as whole numbers, such "
            f"as {level[0]}: convert it by `{name}.index.set_levels({call}, level=-1)`."
        )
    if not (level.is_monotonic_increasing and level.is_unique):
        stamps = level.unique().sort_values()
        return stamps, stamps.get_indexer(level)[times]
    return level, times


def check_levels(names: list[Hashable], expected: list[Hashable]) -> None:
    """Raise a ValueError if the levels of series of `X` are not those of training."""
    if len(names) != len(expected) or (
        names != expected and set(names) == set(expected)
    ):
        raise ValueError(
            f"The index of X has the levels {names} before the time, and the "
            f"training rows have {expected}: give the same levels in the same "
            "order (`X.reorder_levels(...)`)."
        )


def warn_of_other_names(keys: pd.Index, of_training: pd.Index) -> None:
    """Warn if the names of series cannot be names of training, such as text for 1."""
    for i in range(keys.nlevels):
        now, before = (k.get_level_values(i) for k in (keys, of_training))
        types = now.inferred_type, before.inferred_type
        if len(now) and types[0] != types[1] and not now.isin(before).any():
            warn(
                f"The names of series in X, such as {now[0]!r}, are of type "
                f"{types[0]}, and the names in training, such as {before[0]!r}, of "
                f"type {types[1]}, so all series are new and have no history: give "
                "the names of training."
            )
            return


def some_of(keys: pd.Index, which: np.ndarray) -> str:
    """Name up to three series, and say how many more there are."""
    names: list[Hashable] = list(keys[which[:N_NAMED]])
    text = ", ".join(map(repr, names))
    more = len(which) - len(names)
    return text if more == 0 else f"{text} and {more} more"


def panel_of(X: Any, y: Any) -> Panel | None:
    """Return the series of `X` or, if its index does not say them, of `y`."""
    return Panel.of(X) or Panel.of(y, "y")


def warn_of_gaps(panel: Panel, step: TrainingIndex) -> None:
    """Warn once if a step inside a series is longer than usual."""
    is_inside = np.ones(max(len(panel.times) - 1, 0), dtype=bool)
    is_inside[panel.bounds[1:-1] - 1] = False
    n, before, after = len(panel.stamps), panel.times[:-1], panel.times[1:]
    # Most steps are to the next of all times, which needs no search in all steps.
    is_next = is_inside & (after - before == 1)
    has_next = np.zeros(n, dtype=bool)
    has_next[before[is_next]] = True
    is_other = is_inside & ~is_next
    others = before[is_other].astype(np.int64) * n + after[is_other]
    different = np.r_[np.flatnonzero(has_next) * (n + 1) + 1, pd.unique(others)]
    gaps = step.are_gaps(
        panel.stamps[different // n], panel.stamps[different % n], step.inner_limit
    )
    if not gaps.any():
        return
    steps = before.astype(np.int64) * n + after
    is_gap = is_inside & np.isin(steps, different[gaps])
    at = int(is_gap.argmax())
    of = np.repeat(np.arange(panel.n_series), panel.counts)[:-1][is_gap]
    times = panel.stamps[panel.times[at : at + 2]]
    warn(
        f"A step in X is longer than usual in the series "
        f"{some_of(panel.keys, pd.unique(of))}, such as from {times[0]} to {times[1]}: "
        "windows that reach over it take its two sides as neighbours; fill the missing "
        "rows, or leave these series out."
    )
