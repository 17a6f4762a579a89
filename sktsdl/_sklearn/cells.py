"""Cells of data that are not numbers: errors that name them, and the way out."""

import re
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from sktsdl._sklearn.dates import conversion_of_text
from sktsdl._sklearn.target_steps import split_ahead

COMMA = re.compile(r"[-+]?\d[\d.,]*,[\d.]*\d")
LAG = re.compile(r".*_lag\d+")
IN_INDEX = "drop this column, as the index has the times"


def refuse_times(data: Any, name: str) -> None:
    """Raise a ValueError if an array, or a column of any frame, holds dates or times.

    scikit-learn would take some of them as numbers, such as nanoseconds.
    """
    if hasattr(data, "dtypes") and hasattr(data, "columns"):
        columns = zip(list(data.columns), list(data.dtypes), strict=True)
    elif isinstance(data, pd.Series):
        columns = zip([data.name], [data.dtype], strict=True)
    else:
        columns = zip([None], [getattr(data, "dtype", None)], strict=True)
    for column, dtype in columns:
        values = data if column is None or isinstance(data, pd.Series) else data[column]
        if _is_temporal(dtype, values):
            what = name if column is None else f"Column {column!r} of {name}"
            way_out = IN_INDEX if _has_time_index(data) else "make them the index"
            raise ValueError(
                f"{what} holds dates or times, which are not numbers: {way_out}, or "
                "encode them, such as by the hour or the day of the week."
            )


def _has_time_index(data: Any) -> bool:
    if not isinstance(data, pd.DataFrame):
        return False
    times = data.index.get_level_values(-1)
    return isinstance(times, (pd.DatetimeIndex, pd.PeriodIndex))


def _is_temporal(dtype: Any, values: Any) -> bool:
    if hasattr(dtype, "is_temporal"):  # of polars
        return bool(dtype.is_temporal())
    if isinstance(dtype, pd.PeriodDtype):
        return True
    if getattr(dtype, "kind", "") == "O" and isinstance(values, pd.Series):
        kind = pd.api.types.infer_dtype(values, skipna=True)
        return kind in ("date", "datetime", "datetime64", "period", "time", "timedelta")
    return getattr(dtype, "kind", "") in ("m", "M")


def raise_at_text(X: ArrayLike, error: ValueError, name: str = "X") -> None:
    """Raise a ValueError that names the first cell that is not a number, if any.

    `name` is the name of `X` in the error, ``"y"`` for targets.
    """
    if "convert string" not in str(error):
        return
    table = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X))
    for column, label in enumerate(table.columns):
        numbers = pd.to_numeric(table[label], errors="coerce")
        text = (numbers.isna() & table[label].notna()).to_numpy()
        if text.any():
            row = int(text.argmax())
            cell, value = describe_cell(X, row, column), table.iloc[row, column]
            way_out = "make numbers of it, or use NetClassifier if y holds classes"
            option = _option_of_reader(value)
            if option is not None:
                way_out = f"read the file by `pd.read_csv(..., {option})`"
            elif name == "X":
                way_out = _way_out_of_text(X, table[label])
            raise ValueError(
                f"Input {name} holds {value!r} in {cell}, which is not a number: "
                f"{way_out}."
            ) from error


def _option_of_reader(value: object) -> str | None:
    """Return the option of ``pandas.read_csv`` that reads a text, None if none does."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if COMMA.fullmatch(text):
        return "thousands=','" if "." in text.rpartition(",")[2] else "decimal=','"
    if not any(map(str.isalnum, text)):  # such as "-" for a missing value
        return f"na_values={value!r}"
    return None


def _way_out_of_text(X: ArrayLike, column: pd.Series) -> str:
    call = conversion_of_text(pd.Index(column), f"X.pop({column.name!r})")
    if call is None or not isinstance(X, pd.DataFrame):
        return "encode this column, such as by `OrdinalEncoder`, or drop it"
    if _has_time_index(X):
        return IN_INDEX
    return (
        f"make the dates the index, by `make_supervised(..., time={column.name!r})` "
        f"or `X.index = {call}`"
    )


def raise_at_first(
    bad: np.ndarray, rows: np.ndarray, X: object = None, *, first_row: int = 0
) -> None:
    """Raise a ValueError that names the first bad cell of rows from `first_row` on."""
    if not bad.any():
        return
    row, column = (int(i) for i in np.argwhere(bad)[0])
    what = "infinity" if np.isinf(rows[row, column]) else "NaN"
    name = X.columns[column] if isinstance(X, pd.DataFrame) else None
    raise ValueError(
        f"Input X contains {what} in {describe_cell(X, first_row + row, column)}: "
        f"{way_out_of_missing(name, what)}."
    )


def way_out_of_missing(column: Hashable, what: str = "NaN") -> str:
    """Say what to do about NaN, or infinity, in the column of this name."""
    if what != "NaN":
        return "fill it or drop the row before this step"
    if isinstance(column, str) and LAG.fullmatch(column):
        return (
            "of unknown history, use `SlidingWindow` without `flatten` before a net, "
            "or with pad='edge'; of a missing value, put `ForwardFill` first in the "
            "pipeline"
        )
    pair = split_ahead(column)
    if pair is None:
        return "put `ForwardFill` first in the pipeline, or drop the row"
    rows = "1 row" if pair[1] == 1 else f"{pair[1]} rows"
    return (
        f"this is {pair[0]!r} {rows} later, so append rows with its values to the data "
        "of `make_supervised`, or, for a hole in the data, put `ForwardFill` first in "
        "the pipeline"
    )


def describe_cell(X: object, row: int, column: int) -> str:
    """Name a cell as the user does: by label and column name where `X` has them."""
    if isinstance(X, pd.DataFrame):
        return f"row {row} ({X.index[row]}), column {X.columns[column]!r}"
    return f"row {row}, column {column}"
