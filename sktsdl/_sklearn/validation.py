"""Checks of what an estimator is given, and the roll-back of a failed fit."""

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
from sktsdl._sklearn.cells import raise_at_first, raise_at_text, refuse_times
from sktsdl._sklearn.target_steps import TargetSteps


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


@contextmanager
def noted(note: str) -> Iterator[None]:
    """Add a note to the ValueError that the block raises, if it raises one."""
    try:
        yield
    except ValueError as error:
        error.add_note(note)
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
    if getattr(X, "ndim", 2) == 3:
        raise ValueError(
            "Found array with dim 3, while dim <= 2 is required by "
            f"{type(estimator).__name__}: it takes rows, so put it before the step "
            "that makes windows."
        )
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
    try:
        targets: np.ndarray = check_array(
            y,
            dtype=(np.float64, np.float32) if keep_float32 else np.float64,
            ensure_2d=False,
            ensure_all_finite=False,
            input_name="y",
            estimator=estimator,
        )
    except ValueError as error:
        raise_at_text(y.to_frame() if isinstance(y, pd.Series) else y, error, "y")
        raise
    if len(targets) != n_rows:
        raise ValueError(
            f"y has {len(targets)} rows and X has {n_rows}: {name} needs one target "
            "for each row."
        )
    bad = ~np.isfinite(targets).reshape(n_rows, -1).all(axis=1)
    if bad.any():
        row = int(bad.argmax())
        label = f" ({y.index[row]})" if hasattr(y, "iloc") else ""
        column = int((~np.isfinite(targets[row])).argmax())
        named = TargetSteps.of(y).labels[column]
        of_column = "" if named is None else f", column {named!r}"
        raise ValueError(
            f"Input y contains NaN or infinity in row {row}{label}{of_column}: fill "
            "the target before `make_supervised`, or leave the row out of X and y."
        )
    return targets


def check_number(name: str, value: Any, **bounds: Any) -> None:
    """Raise an error if the parameter `name` is not a real number in its bounds."""
    check_scalar(value, name, Real, **bounds)
    if np.isnan(value):
        raise ValueError(f"{name}={value!r} is not a number: give one.")


def check_share(name: str, value: Any) -> None:
    """Raise an error if the parameter `name` is not a number between 0 and 1."""
    check_number(name, value)
    if not 0 < value < 1:
        example = f", such as {value / 100:g} for {value:g} %" if value > 1 else ""
        raise ValueError(
            f"{name}={value!r} is not between 0 and 1: give a share{example}."
        )


def check_option(name: str, value: object, options: tuple[object, ...]) -> None:
    """Raise a ValueError if the parameter `name` is not one of its `options`."""
    if not any(value is option or value == option for option in options):
        allowed = ", ".join(map(repr, options))
        raise ValueError(f"{name}={value!r} is not known: use one of {allowed}.")
