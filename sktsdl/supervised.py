"""From a series to `X` and `y`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, product
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_scalar

from sktsdl._sklearn.arrays import refuse_lazy
from sktsdl._sklearn.target_steps import MADE_CALENDAR, MADE_TARGETS, ahead, part
from sktsdl._sklearn.validation import check_columns
from sktsdl._windows.calendar import calendar_columns
from sktsdl._windows.frames import Column, check_uses, columns_of, to_frame
from sktsdl._windows.last_rows import as_slice, rows_after
from sktsdl._windows.now import (
    leave_out_short,
    rows_to_now,
    warn_of_begun_periods,
    warn_of_late_series,
    warn_of_rows_after,
)
from sktsdl._windows.panel import Panel, warn_of_gaps
from sktsdl._windows.row_parts import join_rows
from sktsdl._windows.time_index import time_index
from sktsdl._windows.training_index import TrainingIndex


def make_supervised(
    data: Any,
    *,
    target: Any,
    horizon: int = 1,
    lead: int = 1,
    known_future: Any = (),
    calendar: Sequence[str] | None = (),
    row: Any = None,
    time: Column | None = None,
    series: Any = None,
) -> tuple[Any, Any, Any]:
    r"""Make `X` and `y`, the next values of a target, from a series.

    .. math:: y_t = (x_{t+l}, \ldots, x_{t+l+h-1})

    with :math:`x` the target column, :math:`h` the `horizon` and :math:`l` the `lead`,
    1 by default. No other step shifts the target.

    Parameters
    ----------
    data : DataFrame, Series or array of shape (n_rows, n_columns) or (n_rows,)
        One row per time step, oldest first. A DataFrame of pandas, polars or pyarrow.
        "Now" is the last row in which all targets have a value; later rows only give
        values of `known_future`. If the index is a MultiIndex with the time as last
        level, the rows are many series, each with its own "now".
    target : column name, or position for an array, or a list of them
        The column to predict. A tuple names one column of a frame whose columns have
        several levels.
    horizon : int, default=1
        The number of values to predict.
    lead : int, default=1
        How many rows after its row the first of them is: 12 for the hours of tomorrow
        if all forecasts are made at noon of hourly rows.
    known_future : column name or position, a list of them, or None, default=()
        Columns that are known ahead, such as a calendar. Their values at the predicted
        steps become columns of row `t`. For the forecast from now, append
        `lead + horizon - 1` rows to `data` with these values, and NaN as target.
    calendar : sequence of str or None, default=()
        Calendar columns that are made of the index, for each row and ahead, without
        appended rows: ``"year"``, ``"quarter"``, ``"month"``, ``"week"``, ``"day"``,
        ``"dayofweek"``, ``"dayofyear"``, ``"hour"``, ``"minute"``,
        ``"is_month_start"`` and ``"is_month_end"``.
    row : str, DateOffset, Timedelta, int or None, default=None
        The period that becomes one row: ``"D"``, ``"W"``, an even part of a day, such
        as ``"12h"``, or a number of rows of `data` at equal steps, such as 24. Each
        column of hourly `data` then becomes 24 (``price@00``, ..., ``price@23``, by the
        clock of the time zone), and `horizon` and `lead` count days: one row for each
        forecast of the next day. ``SlidingWindow(7, steps_per_row=24)`` makes windows
        of 168 hours. An incomplete period at the start is left out.
    time : column name or None, default=None
        The column of a frame that holds the time of each row. It becomes the index of
        `X` and `y`, and text is read as dates if it has one meaning only; numbers stay
        numbers: steps, and not dates. None keeps the index of a pandas frame.
    series : column name, list of them, or None, default=None
        The columns of a frame that say which series each row is of, with `time`. They
        become the first levels of the index.

    Returns
    -------
    X : DataFrame or ndarray of shape (n, n_features)
        All columns of `data`, and those known ahead (``day_type+1``), for the rows with
        a known target. A pandas frame for every kind of frame, and for an array with
        `row`. If columns known ahead
        are added, names that are numbers become text.
    y : Series or ndarray of shape (n,), or DataFrame or ndarray of shape (n, n_targets)
        The next values, in the units of `data`: ``rail+1``, ..., ``rail+14``, one
        target after the other. With `row`, ``price@00+1``, ..., ``price@23+1`` are the
        parts of the next row. By these names, the other estimators tell steps from
        targets. 1-D for one target that is not in a list and ``horizon=1``.
    X_latest : DataFrame or ndarray of shape (lead + horizon - 1, n_features)
        The rows up to now whose target is not known yet, of each series. The last row
        of ``predict(X_latest)``, of each series, is the forecast from now. Its
        ``attrs`` hold the names of `y`, for `forecast` with a model that keeps none.

    Raises
    ------
    ValueError
        If a column is not in `data`, has two uses, or holds text or numbers that may
        be other times, if `data` has too few rows, or if its index decreases, repeats
        itself, or has a missing time.
    TypeError
        If `data` is a LazyFrame of polars.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktsdl import make_supervised
    >>> days = pd.period_range("2019-05-27", periods=5, freq="D")
    >>> rail = pd.DataFrame({"rail": [1, 2, 3, 4, 5]}, index=days)
    >>> X, y, X_latest = make_supervised(rail, target="rail", horizon=2)
    >>> y
                rail+1  rail+2
    2019-05-27       2       3
    2019-05-28       3       4
    2019-05-29       4       5
    >>> X_latest
                rail
    2019-05-30     4
    2019-05-31     5

    The holiday of the next day is known ahead; the last row has that of tomorrow:

    >>> rail["holiday"] = [1, 0, 0, 0, 0]
    >>> next_day = pd.DataFrame({"holiday": [1]}, index=days[-1:] + 1)
    >>> data = pd.concat([rail, next_day])
    >>> make_supervised(data, target="rail", known_future="holiday")[2]
                rail  holiday  holiday+1
    2019-05-31   5.0        0          1

    Many series in one frame:

    >>> sales = pd.DataFrame(
    ...     {"shop": list("aaabbb"), "day": 2 * list(days[:3]), "units": range(6)}
    ... )
    >>> make_supervised(sales, target="units", series="shop", time="day")[1]
    shop  day
    a     2019-05-27    1
          2019-05-28    2
    b     2019-05-27    4
          2019-05-28    5
    Name: units+1, dtype: int64
    """
    check_scalar(horizon, "horizon", Integral, min_val=1)
    check_scalar(lead, "lead", Integral, min_val=1)
    steps, furthest = range(lead, lead + horizon), lead + horizon - 1
    needed = f"{'horizon + 1' if lead == 1 else 'lead + horizon'} = {lead + horizon}"
    known_future = () if known_future is None else known_future
    calendar = () if calendar is None else calendar
    refuse_lazy(data, "data")
    check_uses(
        {"time": time, "series": series}, target=target, known_future=known_future
    )
    frame = to_frame(data, time, series)
    check_columns(frame, "data")
    is_column = time is not None and hasattr(data, "columns")
    first = next(iter(data[time]), None) if is_column else None
    panel = _check_index(frame, time, first)
    targets, is_list = columns_of(frame, target, "target")
    known_ahead, _ = columns_of(frame, known_future, "known_future")
    if not targets:
        raise ValueError("target=[] names no column: give at least one.")
    for column in set(targets) & set(known_ahead):
        raise ValueError(
            f"{column!r} is both target and known_future, which would put the target "
            "into X: take it out of known_future."
        )
    n_parts = None
    if row is not None:
        frame, n_parts = join_rows(frame, row, calendar)
        panel = Panel.of(frame, "data")
    of_targets = _parts_of(targets, n_parts)
    of_known = _parts_of(known_ahead, n_parts)
    calendar_now, calendar_ahead = calendar_columns(frame, calendar, steps)
    series_of_rows = np.zeros(len(frame), int) if panel is None else panel.series
    n_after = rows_after(series_of_rows)
    of_y = frame[[*chain(*of_targets)]]
    known = of_y.notna().all(axis=1).to_numpy()
    to_now = rows_to_now(known, series_of_rows, n_after)
    n_most = int(to_now.max(initial=-1)) + 1
    if n_most <= furthest:
        raise ValueError(
            f"data has {n_most} rows up to the last known target, fewer than "
            f"{needed}: give more rows, or a smaller horizon."
        )
    is_late = to_now < 0
    if n_parts is not None:
        is_late &= ~warn_of_begun_periods(of_y, targets, to_now)
    if known_ahead:  # which may be known for more rows than are predicted
        is_open = frame[[*chain(*of_known)]].isna().any(axis=1).to_numpy()
        is_late &= is_open & (-to_now > furthest)
    if panel is None:
        is_used = np.ones(len(frame), dtype=bool)
        warn_of_rows_after(frame.index, targets, to_now, is_late)
    else:
        is_used = leave_out_short(to_now, furthest, panel, needed)
        late = np.unique(panel.series[is_used & is_late])
        warn_of_late_series(panel.keys, late, targets)
    is_known = is_used & (to_now >= furthest)
    is_latest = is_used & (to_now >= 0) & (to_now < furthest)
    y = _ahead(frame, of_targets, steps, is_known, n_after, panel)
    X, X_latest = (
        _joined(
            frame.iloc[as_slice(rows)],
            calendar_now.iloc[as_slice(rows)],
            _ahead(frame, of_known, steps, rows, n_after, panel),
            calendar_ahead.iloc[as_slice(rows)],
        )
        for rows in (is_known, is_latest)
    )
    for part_of_X in (X, X_latest):
        part_of_X.attrs[MADE_TARGETS] = list(y.columns)
        part_of_X.attrs[MADE_CALENDAR] = list(calendar)
    is_1d = horizon == 1 and not is_list and row is None
    results = X, y.iloc[:, 0] if is_1d else y, X_latest
    if hasattr(data, "columns") or isinstance(data, pd.Series) or row is not None:
        return results
    return tuple(part.to_numpy() for part in results)  # type: ignore[return-value]


def _check_index(frame: pd.DataFrame, time: Column | None, first: Any) -> Panel | None:
    """Check that the rows stand in time order, and warn of gaps; return the series.

    `first` is the first value of the column `time`, as the user gave it.
    """
    by = list(frame.index.names) if frame.index.nlevels > 1 else frame.index.name
    is_text = isinstance(by, str) and isinstance(first, str)
    by_columns = f"data.sort_values({by!r}{', key=pd.to_datetime' * is_text})"
    panel = Panel.of(frame, "data", None if time is None else by_columns)
    if panel is not None:
        if panel.n_series:
            warn_of_gaps(panel, TrainingIndex.of(panel.times_of_longest()))
        return panel
    what, sort = "The index of data", "sort the rows by time (`data.sort_index()`)"
    if time is not None:
        what, sort = f"The column {time!r} of data", "name the columns of many series "
        sort += f"in `series`, or sort the rows by time (`{by_columns}`)"
    index = time_index(frame, what, sort)
    if index is not None and len(index):
        TrainingIndex.of(index).warn_of_gaps(index)
    return None


def _parts_of(columns: Sequence[Column], n_parts: int | None) -> list[list[Column]]:
    """Return for each column its parts in a row, or the column itself."""
    if n_parts is None:
        return [[column] for column in columns]
    return [[part(column, i, n_parts) for i in range(n_parts)] for column in columns]


def _ahead(
    frame: pd.DataFrame,
    columns: Sequence[Sequence[Column]],
    steps: range,
    rows: np.ndarray,
    n_after: np.ndarray,
    panel: Panel | None,
) -> pd.DataFrame:
    """Return the values of `columns` so many `steps` after each of `rows`.

    Columns that are parts of a row stand together in each step. `rows` is a mask, and
    `n_after` the number of rows after each row in its series.
    """
    values: dict[Any, pd.Series] = {}
    labels: list[Any] = list(frame.columns)
    n_least, at = int(n_after[rows].min(initial=len(frame))), as_slice(rows)
    for together in columns:
        for step, column in product(steps, together):
            by_series: Any = frame[column]
            if panel is not None:
                by_series = by_series.groupby(panel.series, sort=False)
            shifted = by_series.shift(-step).iloc[at]
            if step <= n_least:
                shifted = shifted.astype(frame[column].dtype)  # no NaN came in
            name = ahead(column, step)
            if name in values or name in labels:
                raise ValueError(
                    f"{name!r} would name two columns: rename the columns of data, and "
                    "name each target once."
                )
            values[name] = shifted
    return pd.DataFrame(values, index=frame.index[at])


def _joined(X: pd.DataFrame, *more: pd.DataFrame) -> pd.DataFrame:
    """Return all columns, named by text if some of `more` are.

    scikit-learn refuses a mixture of names.
    """
    more = tuple(part for part in more if part.shape[1])
    if any(isinstance(label, str) for part in more for label in part.columns):
        X = X.rename(columns=str)
    return pd.concat([X, *more], axis=1) if more else X
