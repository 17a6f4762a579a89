"""Data of any kind as a frame of pandas, and the columns that names name."""

from collections.abc import Hashable, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from sktsdl._sklearn.arrays import readable
from sktsdl._windows.time_column import times_of

Column = Hashable


def to_frame(data: Any, time: Column | None, series: Any) -> pd.DataFrame:
    """Return `data` as a frame of pandas, with `series` and `time` as its index."""
    if isinstance(data, pd.Series):
        data = data.to_frame()
    elif hasattr(data, "columns") and not isinstance(data, pd.DataFrame):
        data = _to_pandas(data)
    elif not isinstance(data, pd.DataFrame):
        data = pd.DataFrame(np.asarray(readable(data, "data")))
    if time is None and series is None:
        return data
    if time is None:
        raise ValueError(
            f"series={series!r} names the series, and time is not given: name the "
            "column of the times too."
        )
    (column,), is_list = columns_of(data, time, "time")
    if is_list:
        raise ValueError(f"time={time!r} is a list: name one column.")
    times = times_of(data[column], column)
    names = [] if series is None else columns_of(data, series, "series")[0]
    rest = data.drop(columns=[*names, column])
    if not names:
        return rest.set_axis(times)
    levels = [*(data[name] for name in names), times]
    return rest.set_axis(pd.MultiIndex.from_arrays(levels, names=[*names, column]))


def check_uses(uses: dict[str, Any], **arguments: Any) -> None:
    """Raise a ValueError if a column that becomes the index has another use too."""
    for use, column in uses.items():
        for argument, names in arguments.items():
            both = set(_listed(column)) & set(_listed(names))
            if column is not None and both:
                raise ValueError(
                    f"{both.pop()!r} is both {argument} and {use}: the {use} becomes "
                    f"the index, so name another column as {argument}."
                )


def _listed(names: Any) -> list[Any]:
    is_list = isinstance(names, Sequence | np.ndarray | pd.Index)
    named = list(names) if is_list and not isinstance(names, str) else [names]
    if isinstance(names, tuple):  # of names, or one of several levels
        named.append(names)
    return named


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


def columns_of(
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
