"""Which period of time each row is in, and where it stands there."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from sktsdl._windows.training_index import kind_of

DAY = pd.Timedelta(1, "D")
COUNT_ROWS = "leave out `row` and count `horizon` in rows of data"
# How long a period must be to have one value of a field, its times being even.
CONSTANT = {"minute": pd.Timedelta(1, "h"), "hour": DAY, "dayofweek": 7 * DAY}


@dataclass(frozen=True, eq=False)
class Places:
    """The period of each row, and its place there.

    Parameters
    ----------
    periods : ndarray of int, shape (n_rows,)
        The number of each row's period, in time order in each series.
    numbers : ndarray of int, shape (n_rows,)
        The place of each row in its period.
    n_parts : int
        The number of places.
    width : Timedelta, number or None
        How long a period is by the clock, None if this is not known.
    starts : DatetimeIndex or None
        The time by the clock at which each period starts, None if it is that of its
        first row.
    """

    periods: np.ndarray
    numbers: np.ndarray
    n_parts: int
    width: Any
    starts: pd.DatetimeIndex | None = None


def by_clock(times: pd.Index) -> pd.Index:
    """Return times as a clock shows them: without a time zone, periods by their start.

    Where the clock skips the start of a period, such as midnight, it is that start.
    """
    if isinstance(times, pd.PeriodIndex):
        return times.to_timestamp()
    if not isinstance(times, pd.DatetimeIndex) or times.tz is None:
        return times
    second = pd.Timedelta(1, "s")
    before = (times - second).tz_localize(None) + second
    return pd.DatetimeIndex(np.minimum(times.tz_localize(None), before))


def in_zone(times: pd.DatetimeIndex, tz: Any, *, nonexistent: Any) -> pd.DatetimeIndex:
    """Return times of a clock in a time zone, the first of two equal ones."""
    if tz is None:
        return times
    first = np.ones(len(times), dtype=bool)
    return times.tz_localize(tz, ambiguous=first, nonexistent=nonexistent)


def places_by_number(times: pd.Index, row: int, series: np.ndarray) -> Places:
    """Return the places of rows in periods of so many rows.

    Raises
    ------
    ValueError
        If the steps between times are not equal, so that a period has no length.
    """
    if row < 2:
        raise ValueError(f"row={row} joins no rows: give at least 2, or row=None.")
    order = np.argsort(series, kind="stable")
    counts = np.bincount(series)
    place = np.empty(len(series), dtype=int)
    place[order] = np.arange(len(series)) - np.repeat(counts.cumsum() - counts, counts)
    width = None
    if kind_of(times)[0] is not None:
        step = _equal_step(times, row, order, series)
        width = None if step is None else row * step
    _check_clock(times, row, width)
    return Places(place // row, place % row, row, width)


def _equal_step(
    times: pd.Index, row: int, order: np.ndarray, series: np.ndarray
) -> Any:
    """Return the step between times of each series, None without two times."""
    clock = by_clock(times) if isinstance(times, pd.PeriodIndex) else times
    if isinstance(clock, pd.DatetimeIndex):
        clock = clock.tz_localize(None)
    ends = np.flatnonzero(np.diff(series[order]) == 0) + 1
    steps = clock[order[ends]] - clock[order[ends - 1]]
    if not len(steps):
        return None
    usual = steps[np.argsort(np.asarray(steps), kind="stable")[len(steps) // 2]]
    is_float = pd.api.types.is_float_dtype(steps.dtype)
    bad = ~np.isclose(steps, usual) if is_float else np.asarray(steps != usual)
    if not bad.any():
        return usual
    at = int(bad.argmax())
    one, other = order[ends[at] - 1], order[ends[at]]
    way_out = f"{COUNT_ROWS}, or insert rows that are missing"
    if kind_of(times) == ("number",):
        way_out += ", or give `data.reset_index(drop=True)` if these are no times"
    if getattr(times, "tz", None) is not None and len(set(np.diff(times[order]))) == 1:
        alias = {DAY: "give row='D', or ", 7 * DAY: "give row='W', or "}
        way_out = alias.get(row * usual, "") + "give times in UTC (`tz_convert('UTC')`)"
    raise ValueError(
        f"row={row} needs equal steps in time, and the step from row {one} "
        f"({times[one]}) to row {other} ({times[other]}) is {steps[at]} by the clock, "
        f"not {usual}: {way_out}."
    )


def places_by_time(times: pd.Index, row: Any) -> tuple[Places, np.ndarray]:
    """Return the places of rows in periods of time, and all times since their starts.

    Raises
    ------
    ValueError
        If there are no dates, or if `row` is not a period of a fixed length.
    """
    if not isinstance(times, pd.DatetimeIndex | pd.PeriodIndex):
        raise ValueError(
            f"row={row!r} needs dates, and the times of data are "
            f"{str(times.dtype)!r}: give `time`, a column of dates, or a number of "
            "rows, such as row=24."
        )
    clock = by_clock(times) if isinstance(times, pd.PeriodIndex) else times
    clock = pd.DatetimeIndex(clock).tz_localize(None)
    width, weekday = _length_of(row)
    if weekday is None:
        begun = clock.floor(width)
    else:
        n_days = (clock.day_of_week - weekday) % 7
        begun = clock.normalize() - pd.to_timedelta(n_days, unit="D")
    _check_clock(times, row, width)
    periods, starts = pd.factorize(begun, sort=True)
    found, numbers = np.unique(np.asarray(clock - begun), return_inverse=True)
    if len(found) < 2:
        raise ValueError(
            f"row={row!r} joins no rows, as each has one row of data: give a longer "
            "period, or row=None."
        )
    starts = pd.DatetimeIndex(starts) + pd.Timedelta(found[0])
    places = Places(periods, numbers, len(found), width, starts)
    return places, found


def _length_of(row: Any) -> tuple[pd.Timedelta, int | None]:
    """Return the length of a period and, of a week, the weekday that it starts at."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas renames aliases
        offset: Any = None
        with suppress(ValueError, TypeError, AttributeError):
            is_text = isinstance(row, str)
            is_time = not is_text and not isinstance(row, pd.DateOffset)
            offset = to_offset(pd.Timedelta(row) if is_time else row)
        if offset is None:
            with suppress(ValueError, TypeError, AttributeError):
                offset = pd.Period("2000-01-03", freq=row).freq  # months as "M"
    if offset is None:
        raise ValueError(
            f"row={row!r} is not a period of pandas: give its alias, such as 'D', or a "
            "number of rows, such as row=24."
        )
    if isinstance(offset, pd.offsets.Week) and offset.n == 1:
        named = getattr(offset, "weekday", None)
        weekday = 6 if named is None else named
        return 7 * DAY, (weekday + 1) % 7  # named after its last day
    if isinstance(offset, pd.offsets.BusinessDay):
        raise ValueError(
            f"row={row!r} gives business days, after which weekends are left out: give "
            "row='D', which has a row for each day of data."
        )
    if not isinstance(offset, pd.offsets.Tick | pd.offsets.Day):
        raise ValueError(
            f"row={row!r} gives periods that are not equally long, such as months, so "
            f"that the times in a row are not known: give 'D' or 'W', or {COUNT_ROWS}."
        )
    is_days = isinstance(offset, pd.offsets.Day)
    width = offset.n * DAY if is_days else pd.Timedelta(offset.nanos, "ns")
    if width <= pd.Timedelta(0) or DAY % width:
        raise ValueError(
            f"row={row!r} is not a day, a week or an even part of a day: give 'D', 'W' "
            "or, if all steps in data are equal, a number of rows, such as row=48."
        )
    return width, None


def _check_clock(times: pd.Index, row: Any, width: Any) -> None:
    """Raise a ValueError if the clock changes, and periods are parts of days."""
    tz = getattr(times, "tz", None)
    if tz is None or width is None or not len(times) or not width % DAY:
        return
    days = pd.date_range(times.min(), times.max() + 366 * DAY, freq="24h")
    ahead = np.diff(days.tz_localize(None) - days.tz_convert("UTC").tz_localize(None))
    if (ahead != np.timedelta64(0)).any():
        at = days[int((ahead != np.timedelta64(0)).argmax()) + 1]
        raise ValueError(
            f"row={row!r} joins {width} each, which are not equally long where the "
            f"clock of {tz} changes, as by {at}: give row='D', or times in UTC "
            "(`tz_convert('UTC')`)."
        )


def check_fields(fields: Sequence[str], row: Any, width: Any) -> None:
    """Raise a ValueError if a calendar field is the same in all rows."""
    for field in fields:
        length = CONSTANT.get(field)
        if (
            isinstance(width, pd.Timedelta)
            and length is not None
            and not width % length
        ):
            raise ValueError(
                f"calendar has {field!r}, which is the same in all rows with "
                f"row={row!r}, where the times of a row are its columns: leave it out."
            )


def check_times(
    at: np.ndarray, found: np.ndarray, width: pd.Timedelta, index: pd.Index, row: Any
) -> None:
    """Raise a ValueError if periods are not filled by times of equal steps.

    Parameters
    ----------
    at : ndarray of int, shape (n_periods, n_parts)
        The row of each time in each period, -1 without one.
    found : ndarray of timedelta64, shape (n_parts,)
        The times since the start of a period.
    width : Timedelta
        The length of a period.
    index : Index
        The index of the rows.
    row : object
        As the user gave it.
    """
    is_rare = 2 * (at >= 0).sum(axis=0) < len(at)
    if len(at) > 2 and is_rare.any():
        rows = at[:, is_rare]
        where = int(rows[rows >= 0].min())
        raise ValueError(
            f"row={row!r} needs the same times in each period, and most have none like "
            f"row {where} ({index[where]}): drop such rows, or insert them in the "
            "other periods."
        )
    steps = np.diff(found, append=found[0] + width.to_timedelta64())
    is_long = steps > steps.min()
    if is_long.any():
        number = int(is_long.argmax())
        where = int(at[at[:, number] >= 0, number].min())
        raise ValueError(
            f"row={row!r} needs times at equal steps that fill each period, and after "
            f"row {where} ({index[where]}) the next time is "
            f"{pd.Timedelta(steps[number])} later, not {pd.Timedelta(steps.min())}: "
            "insert and fill the missing rows, give one row for each period with a "
            f"column for each time yourself, or {COUNT_ROWS}."
        )
