"""Calendar columns of rows, also of the rows ahead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sktsdl._sklearn.target_steps import ahead
from sktsdl._windows.panel import Panel
from sktsdl._windows.time_index import MIN_TIMES, as_time_index, calendar, times_ahead

FIELDS = (
    "year",
    "quarter",
    "month",
    "week",
    "day",
    "dayofweek",
    "dayofyear",
    "hour",
    "minute",
    "is_month_start",
    "is_month_end",
)
# Names of fields that pandas renames.
ATTRIBUTES = {"dayofweek": "day_of_week", "dayofyear": "day_of_year"}


def calendar_columns(
    frame: pd.DataFrame, fields: Sequence[str], steps: range
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return calendar columns of the rows, and of so many `steps` after each row.

    The times after the last row of each series follow from its index.

    Raises
    ------
    ValueError
        If a field is not known or names a column, or if the index holds no dates.
    """
    if len(fields) == 0:
        return pd.DataFrame(index=frame.index), pd.DataFrame(index=frame.index)
    if isinstance(fields, str):
        raise ValueError(f"calendar={fields!r} is text: give a list, [{fields!r}].")
    for field in fields:
        if field not in FIELDS:
            raise ValueError(
                f"calendar has {field!r}, which is not one of {list(FIELDS)}."
            )
        if field in frame.columns:
            raise ValueError(
                f"calendar has {field!r}, which is a column of data too: drop it or "
                "rename it."
            )
    panel = Panel.of(frame, "data")
    index = as_time_index(frame.index) if panel is None else panel.stamps
    if not isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
        raise ValueError(
            f"calendar={list(fields)} needs dates, and the times of data are "
            f"{str(index.dtype)!r}: give `time`, a column of dates, or dates as the "
            "index."
        )
    if panel is None:
        times = index.append(times_ahead(index, steps[-1]))
        at = np.arange(len(frame))
    else:
        last, after = times_after(panel, steps[-1])
        of_rows = np.insert(
            panel.times.astype(int),
            np.repeat(panel.bounds[1:], steps[-1]),
            len(index) + (last[:, None] * steps[-1] + np.arange(steps[-1])).ravel(),
        )
        times = index.append(after)[of_rows]
        at = panel.place + panel.series * steps[-1]
    values = {field: calendar_field(times, field) for field in fields}
    now = {field: values[field][at] for field in fields}
    later = {
        ahead(field, step): values[field][at + step]
        for field in fields
        for step in steps
    }
    return (
        pd.DataFrame(now, index=frame.index),
        pd.DataFrame(later, index=frame.index),
    )


def times_after(
    panel: Panel, n: int, of_training: pd.Index | None = None
) -> tuple[np.ndarray, pd.Index]:
    """Return the `n` times that follow each of the last times of series.

    `of_training` are times that tell how long a step is.

    Returns
    -------
    of_series : ndarray of int, shape (n_series,)
        Which of the last times each series has.
    times : pandas.Index
        The `n` times after the first of them, then after the next one.
    """
    longest = panel.times_of_longest()
    own = longest if len(longest) >= MIN_TIMES else panel.stamps
    like = calendar(own, of_training)
    last, of_series = np.unique(panel.times[panel.bounds[1:] - 1], return_inverse=True)
    # Series share few last times: this loop is short.
    each = [times_ahead(like, n, panel.stamps[at]) for at in last]
    return of_series, each[0].append(each[1:])


def calendar_field(times: pd.Index, field: str) -> np.ndarray:
    """Return a field of the calendar at each of `times`."""
    if field == "week" and isinstance(times, pd.DatetimeIndex):
        return times.isocalendar().week.to_numpy(dtype=int)
    if isinstance(times, pd.PeriodIndex) and field.startswith("is_"):
        times = times.to_timestamp()
    return np.asarray(getattr(times, ATTRIBUTES.get(field, field))).astype(int)
