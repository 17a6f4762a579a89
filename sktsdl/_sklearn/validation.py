"""Checks that name the row and the column, and the roll-back of a failed fit."""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_scalar
from sklearn.utils.validation import validate_data

from sktsdl._sklearn.arrays import readable, refuse_repeated_names
from sktsdl._sklearn.dates import conversion_of_text
from sktsdl._sklearn.target_steps import split_ahead

IN_INDEX = "drop this column, as the index has the times"


@contextmanager
def roll_back_on_error(estimator: BaseEstimator) -> Iterator[None]:
    """Restore the attributes of `estimator` if the block raises an error."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def validate_rows(
    estimator: BaseEstimator, X: ArrayLike, *, reset: bool, ensure_min_samples: int = 1
) -> np.ndarray:
    """Return 2-D `X` as floats; NaN may stand for unknown values.

    Parameters
    ----------
    estimator : estimator
        Its ``n_features_in_`` and ``feature_names_in_`` are set or checked.
    X : array-like of shape (n_rows, n_features)
        One row per time step, oldest first.
    reset : bool
        Whether to set (in ``fit``) or to check the feature attributes.
    ensure_min_samples : int, default=1
        The fewest rows allowed.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_features), float32 or float64

    Raises
    ------
    ValueError
        If `X` holds infinity, or is not a table of numbers.
    """
    X = readable(X, "X")
    check_columns(X)
    refuse_times(X, "X")
    try:
        rows: np.ndarray = validate_data(
            estimator,
            X,
            dtype=(np.float64, np.float32),
            ensure_all_finite=False,
            ensure_min_samples=ensure_min_samples,
            reset=reset,
        )
    except ValueError as error:
        raise_at_text(X, error)
        raise
    raise_at_first(np.isinf(rows), rows, X)
    return rows


def check_columns(X: object, name: str = "X") -> None:
    """Raise a ValueError if a frame has no column, or two of one name."""
    if isinstance(X, pd.DataFrame) and X.shape[1] == 0:
        raise ValueError(
            f"Found {name} with 0 feature(s) (shape={X.shape}) while a minimum of 1 is "
            "required: select at least one column."
        )
    refuse_repeated_names(X, name)


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


def raise_at_text(X: ArrayLike, error: ValueError) -> None:
    """Raise a ValueError that names the first cell that is not a number, if any."""
    if "convert string" not in str(error):
        return
    table = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X))
    for column, name in enumerate(table.columns):
        numbers = pd.to_numeric(table[name], errors="coerce")
        text = (numbers.isna() & table[name].notna()).to_numpy()
        if text.any():
            row = int(text.argmax())
            cell = describe_cell(X, row, column)
            raise ValueError(
                f"Input X holds {table.iloc[row, column]!r} in {cell}, which is not "
                f"a number: {_way_out_of_text(X, table[name])}."
            ) from error


def _way_out_of_text(X: ArrayLike, column: pd.Series) -> str:
    call = conversion_of_text(pd.Index(column), f"X.pop({column.name!r})")
    if call is None or not isinstance(X, pd.DataFrame):
        return "encode or drop this column before this step"
    if _has_time_index(X):
        return IN_INDEX
    return (
        f"make the dates the index, by `make_supervised(..., time={column.name!r})` "
        f"or `X.index = {call}`"
    )


def validate_columns(
    estimator: BaseEstimator, X: Any, columns: Sequence[Hashable], *, reset: bool
) -> tuple[Any, Any]:
    """Return `X` and some finite columns of it, with its time index if it has one.

    Parameters
    ----------
    estimator : estimator
        Its ``n_features_in_`` and ``feature_names_in_`` are set or checked.
    X : array-like of shape (n_rows, n_features)
        The other columns of a DataFrame may hold anything.
    columns : sequence of column names or positions
        Names are for a DataFrame.
    reset : bool
        Whether to set (in ``fit``) or to check the feature attributes.

    Returns
    -------
    X : DataFrame or ndarray of shape (n_rows, n_features)
        A DataFrame as it is.
    values : DataFrame or ndarray of shape (n_rows, n_columns)
        The columns, as floats.

    Raises
    ------
    ValueError
        If `X` has no such column, or NaN or infinity in it.
    """
    X = readable(X, "X")
    is_frame = isinstance(X, pd.DataFrame)
    check_columns(X)
    if is_frame:
        validate_data(estimator, X, skip_check_array=True, reset=reset)
        names = list(X.columns)
    else:
        X = validate_data(
            estimator, X, dtype="numeric", ensure_all_finite=False, reset=reset
        )
        names = list(getattr(estimator, "feature_names_in_", ()))
    at = [position_of(column, names, X.shape[1]) for column in columns]
    part = X.iloc[:, at] if is_frame else X[:, at]
    if is_frame:
        refuse_times(part, "X")
    try:
        values = check_array(part, dtype=np.float64, ensure_all_finite=False)
    except ValueError as error:
        raise_at_text(part, error)
        raise
    bad = ~np.isfinite(values)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        spread = np.zeros(X.shape)
        spread[row, at[column]] = values[row, column]
        raise_at_first(~np.isfinite(spread), spread, X)
    if is_frame:
        return X, pd.DataFrame(values, index=X.index, columns=part.columns)
    return X, values


def position_of(column: Hashable, names: list[Hashable], n_columns: int) -> int:
    """Return the position of a column that is given by name or position."""
    if not isinstance(column, int | np.integer):
        if column in names:
            return names.index(column)
    elif -n_columns <= column < n_columns:
        return int(column) % n_columns
    has = names if names else f"{n_columns} columns and no names"
    raise ValueError(f"column={column!r} is not a column of X: it has {has}.")


def validate_targets(
    estimator: BaseEstimator, y: Any, n_rows: int, *, keep_float32: bool = False
) -> np.ndarray:
    """Return `y` as finite float64, 1-D or 2-D as it was given.

    With `keep_float32`, float32 stays as it is.

    Raises
    ------
    ValueError
        If `y` is None, of another length than `X`, or holds NaN or infinity.
    """
    name = type(estimator).__name__
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None.")
    y = readable(y, "y")
    refuse_times(y, "y")
    targets: np.ndarray = check_array(
        y,
        dtype=(np.float64, np.float32) if keep_float32 else np.float64,
        ensure_2d=False,
        ensure_all_finite=False,
        input_name="y",
        estimator=estimator,
    )
    if len(targets) != n_rows:
        raise ValueError(
            f"y has {len(targets)} rows and X has {n_rows}: {name} needs one target "
            "for each row."
        )
    bad = ~np.isfinite(targets).reshape(n_rows, -1).all(axis=1)
    if bad.any():
        row = int(bad.argmax())
        label = f" ({y.index[row]})" if hasattr(y, "iloc") else ""
        raise ValueError(
            f"Input y contains NaN or infinity in row {row}{label}: fill the target, "
            "or leave the row out of X and y."
        )
    return targets


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
    known_ahead = split_ahead(column)
    if known_ahead is None and what == "NaN":
        return "put `ForwardFill` first in the pipeline, or drop the row"
    if known_ahead is None:
        return "fill it or drop the row before this step"
    return (
        f"append rows to the data of `make_supervised`, with the values of "
        f"{known_ahead[0]!r} at the next steps"
    )


def describe_cell(X: object, row: int, column: int) -> str:
    """Name a cell as the user does: by label and column name where `X` has them."""
    if isinstance(X, pd.DataFrame):
        return f"row {row} ({X.index[row]}), column {X.columns[column]!r}"
    return f"row {row}, column {column}"


def check_number(name: str, value: Any, **bounds: Any) -> None:
    """Raise an error if the parameter `name` is not a real number in its bounds."""
    check_scalar(value, name, Real, **bounds)
    if np.isnan(value):
        raise ValueError(f"{name}={value!r} is not a number: give one.")


def check_option(name: str, value: object, options: tuple[object, ...]) -> None:
    """Raise a ValueError if the parameter `name` is not one of its `options`."""
    if not any(value is option or value == option for option in options):
        allowed = ", ".join(map(repr, options))
        raise ValueError(f"{name}={value!r} is not known: use one of {allowed}.")
