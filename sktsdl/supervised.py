"""From a series to `X` and `y`."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from numbers import Integral
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from sklearn.utils import check_scalar

from sktsdl._sklearn.arrays import readable, refuse_lazy
from sktsdl._sklearn.target_steps import ahead
from sktsdl._sklearn.validation import check_columns
from sktsdl._sklearn.warnings import warn
from sktsdl._windows.time_column import times_of
from sktsdl._windows.time_index import time_index
from sktsdl._windows.training_index import TrainingIndex

Column = Hashable


def make_supervised(
    data: Any,
    *,
    target: Any,
    horizon: int = 1,
    known_future: Any = (),
    time: Column | None = None,
) -> tuple[Any, Any, Any]:
    r"""Make `X` and `y`, the next values of a target, from a series.

    .. math:: y_t = (x_{t+1}, \ldots, x_{t+h})

    with :math:`x` the target column and :math:`h` the `horizon`. No other step shifts
    the target.

    Parameters
    ----------
    data : DataFrame, Series or array of shape (n_rows, n_columns) or (n_rows,)
        One row per time step, oldest first. A DataFrame of pandas, polars or pyarrow.
        "Now" is the last row in which all target columns have a value; later rows only
        give values of `known_future`.
    target : column name, or position for an array, or a list of them
        The column to predict. A tuple names one column of a frame whose columns have
        several levels.
    horizon : int, default=1
        The number of next values to predict.
    known_future : column name or position, or a list of them, default=()
        Columns that are known ahead, such as a calendar. Their values at the steps
        `t+1` to `t+horizon` become columns of row `t`. For the forecast from now,
        append `horizon` rows to `data` with these values, and NaN as target.
    time : column name or None, default=None
        The column of a frame that holds the time of each row. It becomes the index of
        `X` and `y`, and text is read as dates if it has one meaning only; numbers are
        no dates. None keeps the index of a pandas frame.

    Returns
    -------
    X : DataFrame or ndarray of shape (n, n_features)
        All columns of `data`, and those known ahead (``day_type+1``, ...), for the
        rows whose target is known: the last of them is `horizon` rows before now. A
        pandas frame for every kind of frame. If columns known ahead are added, column
        names that are numbers become text.
    y : Series or ndarray of shape (n,), or DataFrame or ndarray of shape (n, n_targets)
        The next values, in the units of `data`: ``rail+1``, ..., ``rail+14``, one
        target after the other. By these names, the other estimators tell the steps of
        a horizon from several targets. 1-D for one target that is not in a list and
        ``horizon=1``.
    X_latest : DataFrame or ndarray of shape (horizon, n_features)
        The rows up to now whose target is not known yet. The last row of
        ``predict(X_latest)`` is the forecast from now.

    Raises
    ------
    ValueError
        If a column is not in `data`, has two uses, or holds text or numbers that may
        be other times, if `data` has too few rows, or if its index is a MultiIndex,
        decreases, repeats itself, or has a missing time.
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

    The holiday of the next day is known ahead. The last row says what is known of the
    day after now:

    >>> rail["holiday"] = [1, 0, 0, 0, 0]
    >>> next_day = pd.DataFrame({"holiday": [1]}, index=days[-1:] + 1)
    >>> data = pd.concat([rail, next_day])
    >>> make_supervised(data, target="rail", known_future="holiday")[2]
                rail  holiday  holiday+1
    2019-05-31   5.0        0          1
    """
    check_scalar(horizon, "horizon", Integral, min_val=1)
    refuse_lazy(data, "data")
    _check_time(time, target=target, known_future=known_future)
    frame = _to_frame(data, time)
    check_columns(frame)
    what, by = "The index of data", "sort_index()"
    if time is not None:
        what, by = f"The column {time!r} of data", f"sort_values({time!r})"
    index = time_index(frame, what, f"sort the rows by time (`data.{by}`)")
    if index is not None and len(index):
        TrainingIndex.of(index).warn_of_gaps(index)
    targets, is_list = _columns_of(frame, target, "target")
    known_ahead, _ = _columns_of(frame, known_future, "known_future")
    if not targets:
        raise ValueError("target=[] names no column: give at least one.")
    for column in set(targets) & set(known_ahead):
        raise ValueError(
            f"{column!r} is both target and known_future, which would put the target "
            "into X: take it out of known_future."
        )

    known = frame[targets].notna().all(axis=1).to_numpy()
    n_known = len(known) - int(known[::-1].argmax()) if known.any() else 0
    if n_known <= horizon:
        raise ValueError(
            f"data has {n_known} rows up to the last known target, fewer than "
            f"horizon + 1 = {horizon + 1}: give more rows, or a smaller horizon."
        )
    n_after = len(frame) - n_known
    if n_after > (horizon if known_ahead else 0):
        warn(
            f"The last {n_after} rows of data have no value of {targets}, so the "
            f"forecast is made from row {n_known - 1} ({frame.index[n_known - 1]}): "
            "fill or drop these rows, or name the columns that are known ahead in "
            "known_future."
        )
    n = n_known - horizon
    y = _ahead(frame, targets, horizon, slice(0, n))
    parts = (
        [frame.iloc[rows], _ahead(frame, known_ahead, horizon, rows)]
        for rows in (slice(0, n), slice(n, n_known))
    )
    X, X_latest = (pd.concat(_named_alike(part), axis=1) for part in parts)
    is_1d = horizon == 1 and not is_list
    results = X, y.iloc[:, 0] if is_1d else y, X_latest
    if hasattr(data, "columns") or isinstance(data, pd.Series):
        return results
    return tuple(part.to_numpy() for part in results)  # type: ignore[return-value]


def _to_frame(data: Any, time: Column | None) -> pd.DataFrame:
    """Return `data` as a frame of pandas, indexed by the column `time`."""
    if isinstance(data, pd.Series):
        data = data.to_frame()
    elif hasattr(data, "columns") and not isinstance(data, pd.DataFrame):
        data = _to_pandas(data)
    elif not isinstance(data, pd.DataFrame):
        data = pd.DataFrame(np.asarray(readable(data, "data")))
    if time is None:
        return data
    (column,), is_list = _columns_of(data, time, "time")
    if is_list:
        raise ValueError(f"time={time!r} is a list: name one column.")
    return data.drop(columns=[column]).set_axis(times_of(data[column], column))


def _check_time(time: Column | None, **arguments: Any) -> None:
    """Raise a ValueError if the column `time` has another use too."""
    for argument, names in arguments.items():
        is_list = isinstance(names, Sequence | np.ndarray | pd.Index)
        named = list(names) if is_list and not isinstance(names, str) else [names]
        if isinstance(names, tuple):  # of names, or one of several levels
            named.append(names)
        if time is not None and time in named:
            raise ValueError(
                f"{time!r} is both {argument} and time: the time becomes the index, so "
                f"name another column as {argument}."
            )


def _to_pandas(data: Any) -> pd.DataFrame:
    """Return a frame of polars or pyarrow as a frame of pandas."""
    frame = nw.from_native(data, eager_only=True)
    columns = {}
    for column in frame.iter_columns():
        values = pd.Series(column.to_numpy())
        zone = getattr(column.dtype, "time_zone", None)
        if zone is not None:
            values = values.dt.tz_localize("UTC").dt.tz_convert(zone)
        columns[column.name] = values
    return pd.DataFrame(columns)


def _columns_of(
    frame: pd.DataFrame, names: Any, argument: str
) -> tuple[list[Column], bool]:
    """Return the columns that `names` names, and whether it is a list of them."""
    labels: list[Any] = list(frame.columns)
    is_one = isinstance(names, str) or not isinstance(names, Sequence | np.ndarray)
    if is_one or (isinstance(names, tuple) and names in labels):
        return [_column_of(labels, names, argument)], False
    return [_column_of(labels, name, argument) for name in names], True


def _column_of(labels: list[Any], name: Column, argument: str) -> Column:
    """Return the one column that `name` names; of several levels, the first will do.

    Raises
    ------
    ValueError
        If there is no such column, or more than one.
    """
    if name in labels:
        return name
    found = [c for c in labels if isinstance(c, tuple) and c[:1] == (name,)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(
            f"{argument}={name!r} names {len(found)} columns of data: name one, such "
            f"as {found[0]!r}, or give a list."
        )
    raise ValueError(f"{name!r} is not a column of data: it has {labels}.")


def _ahead(
    frame: pd.DataFrame, columns: Sequence[Column], horizon: int, rows: slice
) -> pd.DataFrame:
    """Return the values of `columns` 1 to `horizon` rows after each of `rows`."""
    values: dict[Any, pd.Series] = {}
    labels: list[Any] = list(frame.columns)
    for column in columns:
        for step in range(1, horizon + 1):
            shifted = frame[column].shift(-step).iloc[rows]
            if rows.stop + step <= len(frame):
                shifted = shifted.astype(frame[column].dtype)  # no NaN came in
            name = ahead(column, step)
            if name in values or name in labels:
                raise ValueError(
                    f"{name!r} would name two columns: rename the columns of data, and "
                    "name each target once."
                )
            values[name] = shifted
    return pd.DataFrame(values, index=frame.index[rows])


def _named_alike(parts: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Name all columns by text if some are, as scikit-learn refuses a mixture."""
    X, known_ahead = parts
    if any(isinstance(label, str) for label in known_ahead.columns):
        X = X.rename(columns=str)
    return [X, known_ahead]
