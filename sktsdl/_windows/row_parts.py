"""Rows that hold several times, such as the 24 hours of a day."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from sktsdl._sklearn.target_steps import ahead, part, split_ahead, split_part
from sktsdl._windows.clock_changes import Slots, fill_skipped
from sktsdl._windows.panel import Panel, index_of_series
from sktsdl._windows.periods import (
    by_clock,
    check_fields,
    check_times,
    in_zone,
    places_by_number,
    places_by_time,
)
from sktsdl._windows.time_index import as_time_index
from sktsdl._windows.training_index import offset_of


def join_rows(
    frame: pd.DataFrame, row: Any, fields: Sequence[str] = ()
) -> tuple[pd.DataFrame, int]:
    """Return `frame` with one row for each period of time, and its number of parts.

    Each column becomes one column for each time in a period (``price@00``), by the
    clock of the time zone. A period that is not complete at its start is left out;
    later ones have NaN.

    Parameters
    ----------
    frame : DataFrame
        The rows, each series in time order.
    row : str, DateOffset, Timedelta or int
        The period, by its alias of pandas, such as ``"D"``, or a number of rows.
    fields : sequence of str, default=()
        The calendar columns that the rows get.

    Raises
    ------
    ValueError
        If `row` is not a period of several times of the index, if times of equal steps
        do not fill it, or if a field is the same in all periods.

    Warns
    -----
    UserWarning
        If hours are filled or joined, as the clock changes.
    """
    panel = Panel.of(frame, "data")
    series = np.zeros(len(frame), dtype=int) if panel is None else panel.series
    index = frame.index if panel is None else frame.index.get_level_values(-1)
    times, found = as_time_index(index), None
    if pd.api.types.is_integer(row):
        places = places_by_number(times, int(row), series)
    else:
        places, found = places_by_time(times, row)
    check_fields(fields, row, places.width)
    keys = series.astype(np.int64) * (int(places.periods.max(initial=0)) + 1)
    keys, firsts, groups = np.unique(
        keys + places.periods, return_index=True, return_inverse=True
    )
    slots = Slots.of(groups, places.numbers, places.n_parts)
    of_periods, tz = series[firsts], getattr(times, "tz", None)
    if found is not None:
        check_times(slots.before, found, places.width, frame.index, row)
    if found is not None and tz is not None:
        numbers = places.periods[firsts]
        slots = fill_skipped(slots, places, numbers, found, tz, of_periods)
    is_first = np.diff(of_periods, prepend=-1) != 0
    kept = ~(is_first & (slots.before[:, 0] < 0))
    slots, firsts = slots.rows(kept), firsts[kept]
    columns: dict[Hashable, Any] = {}
    for position, column in enumerate(frame.columns):
        values = frame.iloc[:, position].reset_index(drop=True)
        for number in range(places.n_parts):
            name = part(column, number, places.n_parts)
            columns[name] = slots.take(values, number)
    joined = pd.DataFrame(columns, index=pd.RangeIndex(len(firsts)))
    if places.starts is None:
        is_period = isinstance(times, pd.PeriodIndex)
        times = (by_clock(times) if is_period else times)[firsts]
    else:
        starts = places.starts[places.periods[firsts]]
        times = in_zone(starts, tz, nonexistent="shift_forward")
    times = times.rename(frame.index.names[-1])
    if panel is None:
        if isinstance(times, pd.DatetimeIndex):  # few rows alone do not tell it
            offset: Any = offset_of(times)
            times = pd.DatetimeIndex(times, freq=offset)
        return joined.set_axis(times), places.n_parts
    keys_of: Any = frame.index[firsts]
    index = index_of_series(keys_of.droplevel(-1), times, frame.index.names)
    return joined.set_axis(index), places.n_parts


def width_of(times: pd.Index) -> Any:
    """Return how long a row is by the clock, the shortest step between `times`."""
    clock = by_clock(times)
    return (clock[1:] - clock[:-1]).min()


def times_in_rows(
    rows: pd.Index, width: Any, numbers: np.ndarray, n_parts: int
) -> pd.Index:
    """Return the times of parts of rows, which are evenly spread over a row.

    They are times of the clock. A time that the clock skips is missing (NaT), and of
    two equal ones it is the first.

    Parameters
    ----------
    rows : Index of shape (n,)
        The time of each row.
    width : Timedelta or number
        How long a row is by the clock, see `width_of`.
    numbers : ndarray of int, shape (n,)
        The number of each part, from 0 to ``n_parts - 1``.
    n_parts : int
        How many times a row holds.
    """
    clock = by_clock(rows)
    if isinstance(clock, pd.DatetimeIndex):
        found = pd.DatetimeIndex(clock + (pd.Timedelta(width) / n_parts) * numbers)
        tz = getattr(rows, "tz", None)
        return in_zone(found, tz, nonexistent="NaT").rename(rows.name)
    is_whole = isinstance(width, Integral) and width % n_parts == 0
    since = numbers * (width // n_parts) if is_whole else numbers * width / n_parts
    return (clock + since).rename(rows.name)


def unfold_columns(
    columns: Sequence[Hashable] | None, n_columns: int, n_parts: int
) -> tuple[np.ndarray, list[Hashable] | None]:
    """Return which columns are the parts of each channel, and the channels' names.

    The columns of `join_rows` are named; a column that is not one of several parts
    has its value in each part. Without names, each `n_parts` columns are a channel.

    Returns
    -------
    parts : ndarray of int, shape (n_parts, n_channels)
    names : list or None

    Raises
    ------
    ValueError
        If the columns are not parts.
    """
    if columns is None:
        if n_columns % n_parts:
            raise ValueError(
                f"steps_per_row={n_parts} does not divide the {n_columns} columns of "
                "X: give one column for each step, one channel after the other, or a "
                "DataFrame from `make_supervised(..., row=...)`."
            )
        return np.arange(n_columns).reshape(-1, n_parts).T, None
    channels: dict[Hashable, dict[int, int]] = {}
    for position, label in enumerate(columns):
        column, step = split_ahead(label) or (label, 0)
        name, number = split_part(column) or (column, -1)
        channel = ahead(name, step * n_parts) if step else name
        channels.setdefault(channel, {})[number] = position
    for name, found in channels.items():
        if set(found) not in ({-1}, set(range(n_parts))):
            raise ValueError(
                f"steps_per_row={n_parts} needs the columns {part(name, 0, n_parts)!r} "
                f"to {part(name, n_parts - 1, n_parts)!r}, and X has {len(found)} "
                "columns of this name: give the number of times in a row."
            )
    parts = [
        [found.get(number, found.get(-1)) for found in channels.values()]
        for number in range(n_parts)
    ]
    return np.array(parts), list(channels)
