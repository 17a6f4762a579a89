"""The times of `y`, beside those of `X`."""

from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from sktsdl._windows.panel import Panel
from sktsdl._windows.time_index import as_time_index
from sktsdl._windows.training_index import kind_of
from sktsdl._windows.windows import Windows


def check_same_times(X: Any, y: Any, name: str = "y") -> None:
    """Raise a ValueError if a row of `y` has another time than that row of `X`.

    The times of `y` may also be those of the targets, all of them later than the rows
    and increasing. Indexes that are no times of one kind are not compared: numbers are
    often counted anew. Another number of rows is left to other checks.

    Parameters
    ----------
    X : DataFrame, Windows or array-like
        The rows, or the windows that end at them.
    y : Series, DataFrame or array-like
        The targets.
    name : {"y", "y_val", "sample_weight"}, default="y"
        The name of `y` in the error.
    """
    is_X = isinstance(X, pd.DataFrame | Windows)
    if not (is_X and isinstance(y, pd.Series | pd.DataFrame)):
        return
    of_X, of_y = X.index, y.index
    if of_X is None or len(of_X) != len(of_y):
        return
    if of_X.dtype == of_y.dtype and of_X.equals(of_y):
        return
    differs = _differ(of_X, of_y)
    if not differs.any() or _are_later(of_X, of_y):
        return
    row, X_name = int(differs.argmax()), "X_val" if name == "y_val" else "X"
    raise ValueError(
        f"{name} has the label {of_y[row]} in row {row}, and {X_name} has "
        f"{of_X[row]}: sort {X_name} and {name} together "
        f"(`{name} = {name}.loc[{X_name}.index]`), or, if their rows belong "
        f"together as they stand, give `{name}.set_axis({X_name}.index)`."
    )


def _differ(a: pd.Index, b: pd.Index) -> np.ndarray:
    """Say which labels are not equal; none are if they cannot be compared."""
    same = np.zeros(len(a), dtype=bool)
    if a.nlevels != b.nlevels:
        return same
    if isinstance(a, pd.MultiIndex):
        levels = range(a.nlevels)
        parts = [(a.get_level_values(i), b.get_level_values(i)) for i in levels]
        return np.any([_not_equal(*map(_as_objects, pair)) for pair in parts], axis=0)
    a, b = as_time_index(a), as_time_index(b)
    kind = kind_of(a)
    if kind != kind_of(b) or kind[0] in (None, "number"):
        return same
    return _not_equal(a, b)


def _are_later(of_X: pd.Index, of_y: pd.Index) -> bool:
    """Say whether `of_y` increases and is later than `of_X` in every row."""
    if of_X.nlevels != of_y.nlevels:
        return False
    if of_X.nlevels > 1:
        return _are_later_of_series(of_X, of_y)
    of_X, of_y = as_time_index(of_X), as_time_index(of_y)
    return of_y.is_monotonic_increasing and bool((of_y > of_X).all())


def _are_later_of_series(of_X: Any, of_y: Any) -> bool:
    with suppress(ValueError, TypeError):  # of labels that are no times, in order
        Panel.of(SimpleNamespace(index=of_y))
        if not of_X.droplevel(-1).equals(of_y.droplevel(-1)):
            return False
        times, later = (as_time_index(i.get_level_values(-1)) for i in (of_X, of_y))
        return bool((later > times).all())
    return False


def _as_objects(index: pd.Index) -> pd.Index:
    return index.astype(object)  # categories of another set cannot be compared


def _not_equal(a: pd.Index, b: pd.Index) -> np.ndarray:
    both_missing = np.asarray(a.isna()) & np.asarray(b.isna())
    return np.asarray(a != b) & ~both_missing
