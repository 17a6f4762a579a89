"""The times of `y`, beside those of `X`."""

from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from sktsdl._sklearn.target_steps import TargetSteps
from sktsdl._windows.panel import Panel, codes_of_series
from sktsdl._windows.time_index import as_time_index
from sktsdl._windows.training_index import kind_of
from sktsdl._windows.windows import Windows


def check_same_times(X: Any, y: Any, name: str = "y") -> None:
    """Raise a ValueError if a row of `y` has another time than that row of `X`.

    The times of `y` may also be those of its targets: later than the rows by one number
    of steps, at most the number of columns of `y`. Names such as ``rail+1`` say that
    the times are those of the rows. Indexes that are no times of one kind are not
    compared: numbers are often counted anew. Another number of rows is left to other
    checks.

    Parameters
    ----------
    X : DataFrame, Windows or array-like
        The rows, or the windows that end at them.
    y : Series, DataFrame or array-like
        The targets.
    name : {"y", "y_val", "sample_weight"}, default="y"
        The name of `y` in the error.
    """
    differs = _differing_rows(X, y)
    if not differs.any() or has_times_of_targets(X, y):
        return
    of_X, of_y = X.index, y.index
    row, X_name = int(differs.argmax()), "X_val" if name == "y_val" else "X"
    raise ValueError(
        f"{name} has the label {of_y[row]} in row {row}, and {X_name} has "
        f"{of_X[row]}: sort {X_name} and {name} together "
        f"(`{name} = {name}.loc[{X_name}.index]`), or, if their rows belong "
        f"together as they stand, give `{name}.set_axis({X_name}.index)`."
    )


def has_times_of_targets(X: Any, y: Any) -> bool:
    """Say whether the times of `y` are those of its targets, and not those of `X`."""
    if not _differing_rows(X, y).any():
        return False
    steps = TargetSteps.of(y)
    return not steps.is_known and _are_of_targets(X.index, y.index, steps.horizon)


def _differing_rows(X: Any, y: Any) -> np.ndarray:
    """Say in which rows the times differ, in none if they cannot be compared."""
    is_X = isinstance(X, pd.DataFrame | Windows)
    none = np.zeros(0, dtype=bool)
    if not (is_X and isinstance(y, pd.Series | pd.DataFrame)):
        return none
    of_X, of_y = X.index, y.index
    if of_X is None or len(of_X) != len(of_y):
        return none
    if of_X.dtype == of_y.dtype and of_X.equals(of_y):
        return none
    return _differ(of_X, of_y)


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


def _are_of_targets(of_X: Any, of_y: Any, horizon: int) -> bool:
    """Say whether `of_y` holds the times of targets up to `horizon` steps ahead.

    The number of steps is the same for all rows.
    """
    if of_X.nlevels != of_y.nlevels:
        return False
    series = np.zeros(len(of_X), dtype=int)
    with suppress(ValueError, TypeError):  # of labels that are no times, in order
        if isinstance(of_X, pd.MultiIndex):
            Panel.of(SimpleNamespace(index=of_y))
            if not of_X.droplevel(-1).equals(of_y.droplevel(-1)):
                return False
            series = codes_of_series(of_X)
            of_X, of_y = of_X.get_level_values(-1), of_y.get_level_values(-1)
        elif not as_time_index(of_y).is_monotonic_increasing:
            return False
        times, later = as_time_index(of_X), as_time_index(of_y)
        if not (later > times).all():
            return False
        n_steps = _n_steps(times, later, series)
        is_same = np.ptp(n_steps) == 0 or len((later - times).unique()) == 1
        return bool(is_same) and int(n_steps.max()) <= horizon
    return False


def _n_steps(times: pd.Index, later: pd.Index, series: np.ndarray) -> np.ndarray:
    """Return how many times of its series lie between each pair, plus one."""
    known = times.union(later).unique()
    keys = [series * len(known) + known.get_indexer(index) for index in (times, later)]
    before, after = (np.searchsorted(np.union1d(*keys), key) for key in keys)
    n_steps: np.ndarray = after - before
    return n_steps


def _as_objects(index: pd.Index) -> pd.Index:
    return index.astype(object)  # categories of another set cannot be compared


def _not_equal(a: pd.Index, b: pd.Index) -> np.ndarray:
    both_missing = np.asarray(a.isna()) & np.asarray(b.isna())
    return np.asarray(a != b) & ~both_missing
