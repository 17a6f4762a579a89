"""Rows of business days, whose nights, weekends and holidays are no gaps."""

from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Self

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset

WEEKMASK = "1111100"  # Monday to Friday
# Wednesday to Friday, as some exchanges at Christmas. A missing week has five days.
LONGEST_CLOSURE = 3
ONE_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, eq=False)
class BusinessDays:
    """The days, and the hours of a day, at which a series has rows.

    Parameters
    ----------
    weekmask : str
        1 for each day of the week that has rows, from Monday.
    holidays : ndarray of datetime64[D]
        The holidays that are known.
    step : int
        The usual number of business days from one day that has rows to the next.
    opening : timedelta64
        The usual time of the first row of a day.
    limit : timedelta64
        A longer step within a day, or from `opening` to the first row, is a gap.
    """

    weekmask: str
    holidays: np.ndarray
    step: int
    opening: np.timedelta64
    limit: np.timedelta64

    @classmethod
    def of(cls, index: pd.Index, offset: BaseOffset | None) -> Self | None:
        """Return the days of a time index, or None if they are not business days.

        `offset` is the step of a DatetimeIndex, if it is set or can be inferred.
        """
        if not isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
            return None
        weekmask, holidays, step = WEEKMASK, np.array([], dtype="M8[D]"), 1
        n = getattr(offset, "n", 1)
        is_hourly = isinstance(offset, pd.offsets.BusinessHour)
        is_set = is_hourly or isinstance(offset, pd.offsets.BusinessDay)
        if offset is not None and not is_set:
            return None
        times, days = _times(index, getattr(index, "tz", None))
        steps, is_next = np.diff(times), np.diff(days) >= ONE_DAY
        if not is_set and not _are_business_days(days, steps, is_next):
            return None
        if (calendar := getattr(offset, "calendar", None)) is not None:
            weekmask = "".join("1" if day else "0" for day in calendar.weekmask)
            holidays = calendar.holidays
        if is_set and not is_hourly:
            step = n
        within = steps[~is_next]
        limit = 1.5 * usual(within) if len(within) else ONE_DAY
        if is_hourly:
            limit = max(limit, 1.5 * np.timedelta64(3600 * n, "s"))
        is_first = np.concatenate([[len(within) == 0], is_next])
        first = (times - days)[is_first]
        opening = usual(first) if len(first) else np.timedelta64(0, "s")
        return cls(weekmask, holidays, step, opening, limit)

    def are_gaps(self, before: Any, after: Any, tz: tzinfo | None) -> np.ndarray:
        """Say for each time in `before` whether that in `after` comes too late."""
        times, days = _times(before, tz)
        next_times, next_days = _times(after, tz)
        is_next = next_days - days >= ONE_DAY
        start = np.where(is_next, next_days + self.opening, times)
        counts = np.busday_count(
            days, next_days, weekmask=self.weekmask, holidays=self.holidays
        )
        is_missed = counts - self.step > LONGEST_CLOSURE
        return is_missed | (next_times - start > self.limit)


def usual(steps: np.ndarray) -> Any:
    """Return the 98th percentile, which rare long steps do not change."""
    return np.sort(steps)[int(0.98 * (len(steps) - 1))]


def _are_business_days(
    days: np.ndarray, steps: np.ndarray, is_next: np.ndarray
) -> bool:
    """Say whether rows come on every business day, on no other, and not at night."""
    if not is_next.any() or not np.is_busday(days).all():
        return False
    counts = np.busday_count(days[:-1], days[1:])
    has_weekend = (np.diff(days).astype(int) > counts).any()
    if not has_weekend or np.median(counts[is_next]) != 1:
        return False
    return bool(is_next.all() or steps[is_next].min() > steps[~is_next].max())


def _times(index: Any, tz: tzinfo | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the local times of `index`, and their days."""
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if tz is not None:
        index = index.tz_convert(tz)
    times = index.tz_localize(None).to_numpy()
    return times, times.astype("M8[D]")
