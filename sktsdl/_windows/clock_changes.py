"""Hours that are missing or twice, as the clock changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from sktsdl._sklearn.warnings import warn
from sktsdl._windows.periods import Places, in_zone


@dataclass(frozen=True, eq=False)
class Slots:
    """Which rows give the value of each time of each period.

    Parameters
    ----------
    before, after : ndarray of int, shape (n_periods, n_parts)
        The rows whose values are mixed, the same where the time has one row; -1
        without one.
    weight : ndarray of shape (n_periods, n_parts)
        The weight of `after`.
    """

    before: np.ndarray
    after: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, groups: np.ndarray, numbers: np.ndarray, n_parts: int) -> Self:
        """Return the rows by period and place; two of one place are mixed equally."""
        places = groups * n_parts + numbers
        found, firsts = np.unique(places, return_index=True)
        before = np.full((int(groups.max(initial=-1)) + 1, n_parts), -1)
        before.flat[found] = firsts
        after, weight = before.copy(), np.zeros(before.shape)
        later = np.setdiff1d(np.arange(len(places)), firsts)
        after.flat[places[later]] = later
        weight.flat[places[later]] = 0.5
        return cls(before, after, weight)

    def filled(self, is_skipped: np.ndarray, series: np.ndarray) -> Self:
        """Return slots in which times that the clock skips lie between two rows."""
        before, after = self.before.copy(), self.after.copy()
        weight, n_parts = self.weight.copy(), before.shape[1]
        known = np.flatnonzero(self.before.ravel() >= 0)
        skipped = np.flatnonzero(is_skipped.ravel())
        right = np.searchsorted(known, skipped)
        inside = (right > 0) & (right < len(known))
        skipped, right = skipped[inside], right[inside]
        one, other = known[right - 1], known[right]
        same = (series[one // n_parts] == series[skipped // n_parts]) & (
            series[other // n_parts] == series[skipped // n_parts]
        )
        skipped, one, other = skipped[same], one[same], other[same]
        before.flat[skipped] = self.after.flat[one]
        after.flat[skipped] = self.before.flat[other]
        weight.flat[skipped] = (skipped - one) / (other - one)
        return type(self)(before, after, weight)

    def rows(self, kept: np.ndarray) -> Self:
        """Return the slots of some periods."""
        return type(self)(self.before[kept], self.after[kept], self.weight[kept])

    def take(self, values: pd.Series, number: int) -> pd.Series:
        """Return the values at one place of each period."""
        rows, later = self.before[:, number], self.after[:, number]
        taken = _at(values, rows)
        is_mixed = rows != later
        if is_mixed.any() and _is_number(values):
            if not pd.api.types.is_float_dtype(taken.dtype):
                is_plain = isinstance(taken.dtype, np.dtype)
                taken = taken.astype("float64" if is_plain else "Float64")
            other = _at(values, later).astype(taken.dtype)
            mixed = taken + (other - taken) * self.weight[:, number]
            mixed = mixed.astype(taken.dtype).fillna(taken).fillna(other)
            taken = taken.where(~is_mixed, mixed)
        return taken if (rows >= 0).all() else taken.where(rows >= 0)


def _at(values: pd.Series, rows: np.ndarray) -> pd.Series:
    return values.take(np.maximum(rows, 0)).reset_index(drop=True)


def _is_number(values: pd.Series) -> bool:
    is_number = pd.api.types.is_numeric_dtype(values.dtype)
    return is_number and not pd.api.types.is_bool_dtype(values.dtype)


def fill_skipped(
    slots: Slots, places: Places, groups: np.ndarray, found: Any, tz: Any, series: Any
) -> Slots:
    """Return slots in which the times that the clock skips are filled, and warn.

    Parameters
    ----------
    slots : Slots
        The rows of each period.
    places : Places
        The places of the rows.
    groups : ndarray of int, shape (n_periods,)
        The number of each period in `places`.
    found : ndarray of timedelta64, shape (n_parts,)
        The times since the start of a period.
    tz : tzinfo
        The time zone.
    series : ndarray of int, shape (n_periods,)
        The series of each period.
    """
    starts = np.asarray(places.starts)[groups]
    clock = starts[:, None] + (found - found[0])
    missing = np.flatnonzero(slots.before.ravel() < 0)
    times = pd.DatetimeIndex(clock.ravel()[missing])
    is_skipped = np.zeros(clock.size, dtype=bool)
    is_skipped[missing] = in_zone(times, tz, nonexistent="NaT").isna()
    slots = slots.filled(is_skipped, series)
    days = pd.DatetimeIndex(clock[slots.before != slots.after]).normalize().unique()
    if len(days):
        more = f" and {len(days) - 1} more days" if len(days) > 1 else ""
        warn(
            f"The clock changes on {days.min().date()}{more} of data: an hour that is "
            "missing there is filled by linear interpolation (text by the value "
            "before), and of an hour that is there twice the mean is taken (of text "
            "the first)."
        )
    return slots
