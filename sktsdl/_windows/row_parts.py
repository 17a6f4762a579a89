"""Rows that hold several times, such as the 24 hours of a day."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from sktsdl._sklearn.target_steps import ahead, part, split_ahead, split_part
from sktsdl._windows.panel import Panel
from sktsdl._windows.time_index import as_time_index


def join_rows(frame: pd.DataFrame, row: Any) -> tuple[pd.DataFrame, int]:
    """Return `frame` with one row for each period of time, and its number of parts.

    Each column becomes one column for each time in a period (``price@00``). A period
    that is not complete at its start is left out; later ones have NaN.

    Parameters
    ----------
    frame : DataFrame
        The rows, each series in time order.
    row : str, DateOffset or int
        The period, by its alias of pandas, such as ``"D"``, or a number of rows.

    Raises
    ------
    ValueError
        If `row` is not a period of several times of the index, or if a period has
        other times than most.
    """
    panel = Panel.of(frame, "data")
    series = np.zeros(len(frame), dtype=int) if panel is None else panel.series
    if isinstance(row, Integral):
        starts, offsets = _by_number(int(row), series)
        stamps = None
    else:
        index = frame.index if panel is None else frame.index.get_level_values(-1)
        stamps, starts, offsets = _by_time(as_time_index(index), row)
    found, numbers = np.unique(offsets, return_inverse=True)
    n_parts = len(found)
    keys = series.astype(np.int64) * (int(starts.max(initial=0)) + 1) + starts
    _, firsts, groups = np.unique(keys, return_index=True, return_inverse=True)
    at = np.full((len(firsts), n_parts), -1)
    at[groups, numbers] = np.arange(len(frame))
    _check_times(at, frame, row)
    is_first = np.r_[True, np.diff(series[firsts]) != 0] if len(firsts) else []
    kept = ~(np.asarray(is_first, dtype=bool) & (at[:, 0] < 0))
    at, firsts = at[kept], firsts[kept]
    columns: dict[Hashable, Any] = {}
    for position, column in enumerate(frame.columns):
        values = frame.iloc[:, position].reset_index(drop=True)
        for number in range(n_parts):
            taken = values.take(np.maximum(at[:, number], 0)).reset_index(drop=True)
            is_known = at[:, number] >= 0
            taken = taken if is_known.all() else taken.where(is_known)
            columns[part(column, number, n_parts)] = taken
    joined = pd.DataFrame(columns)
    if stamps is None:
        return joined.set_axis(frame.index[firsts]), n_parts
    times = stamps[starts[firsts]].rename(frame.index.names[-1])
    if panel is None:
        return joined.set_axis(times), n_parts
    names = frame.index[firsts]
    levels = [names.get_level_values(i) for i in range(names.nlevels - 1)]
    index = pd.MultiIndex.from_arrays([*levels, times], names=frame.index.names)
    return joined.set_axis(index), n_parts


def _by_number(row: int, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the period of each row and its place there, by counting."""
    if row < 2:
        raise ValueError(f"row={row} joins no rows: give at least 2, or row=None.")
    order = np.argsort(series, kind="stable")
    counts = np.bincount(series)
    place = np.empty(len(series), dtype=int)
    place[order] = np.arange(len(series)) - np.repeat(counts.cumsum() - counts, counts)
    return place // row, place % row


def _by_time(index: pd.Index, row: Any) -> tuple[pd.Index, np.ndarray, np.ndarray]:
    """Return all periods, the period of each row, and its time since their starts."""
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if not isinstance(index, pd.DatetimeIndex):
        raise ValueError(
            f"row={row!r} needs dates, and the index of data holds "
            f"{str(index.dtype)!r}: give `time`, or a number of rows, such as row=24."
        )
    local = index.tz_localize(None)
    try:
        first = local.to_period(row).start_time
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"row={row!r} is not a period of pandas: give its alias, such as 'D', or a "
            "number of rows, such as row=24."
        ) from error
    starts, stamps = pd.factorize(first, sort=True)
    # A day of 23 or 25 hours has other times since its start.
    begun = first if index.tz is None else first.tz_localize(index.tz)
    stamps = pd.DatetimeIndex(stamps)
    if index.tz is not None:
        stamps = stamps.tz_localize(index.tz)
    return stamps, starts, np.asarray(index - begun)


def _check_times(at: np.ndarray, frame: pd.DataFrame, row: Any) -> None:
    """Raise a ValueError if a time is in less than half of the periods."""
    n_parts = at.shape[1]
    if n_parts < 2:
        raise ValueError(
            f"row={row!r} joins no rows, as each has one row of data: give a longer "
            "period, or row=None."
        )
    is_rare = 2 * (at >= 0).sum(axis=0) < len(at)
    if len(at) > 2 and is_rare.any():
        rows = at[:, is_rare]
        where = int(rows[rows >= 0].min())
        raise ValueError(
            f"row={row!r} needs the same times in each period, and most have none like "
            f"row {where} ({frame.index[where]}): fill or drop rows, or take the time "
            "zone out by `tz_convert('UTC')`."
        )


def times_in_rows(
    rows: pd.Index, following: pd.Index, numbers: np.ndarray, n_parts: int
) -> pd.Index:
    """Return the times of parts of rows, which are evenly spread over a row.

    Parameters
    ----------
    rows, following : Index of shape (n,)
        The time of each row, and of the row after it.
    numbers : ndarray of int, shape (n,)
        The number of each part, from 0 to ``n_parts - 1``.
    n_parts : int
        How many times a row holds.
    """
    if isinstance(rows, pd.PeriodIndex) and isinstance(following, pd.PeriodIndex):
        rows, following = rows.to_timestamp(), following.to_timestamp()
    return (rows + (following - rows) * numbers // n_parts).rename(rows.name)


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
