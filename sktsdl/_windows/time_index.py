"""The time index of `X`, and the times that follow it."""

import numpy as np
import pandas as pd

from sktsdl._windows.training_index import TrainingIndex, kind_of, offset_of


def time_index(X: object) -> pd.Index | None:
    """Return the time index of `X`, or None if its rows have only an order.

    Parameters
    ----------
    X : object
        Only a DataFrame can have one: a DatetimeIndex, TimedeltaIndex, PeriodIndex,
        or increasing numbers.

    Raises
    ------
    ValueError
        For a MultiIndex, and for a time index that decreases or repeats itself.
    """
    if not isinstance(X, pd.DataFrame):
        return None
    index = X.index
    if isinstance(index, pd.MultiIndex):
        raise ValueError(
            "X has a MultiIndex, so its rows are more than one series: select one "
            "with `X.xs(...)`, or fit one estimator for each."
        )
    increasing = index.is_monotonic_increasing and index.is_unique
    if kind_of(index)[0] == "number" and not isinstance(index, pd.RangeIndex):
        return index if increasing else None  # numbers out of order name rows
    if kind_of(index)[0] is None:
        return None
    if len(index) and not increasing:
        stamps = pd.Series(index)
        at = int((~(stamps.shift() < stamps)).to_numpy()[1:].argmax()) + 1
        raise ValueError(
            f"The index of X does not increase at row {at} ({index[at]}): sort the "
            "rows by time (`X.sort_index()`) and keep one row for each time."
        )
    return index


def times_ahead(index: pd.Index, n: int) -> pd.Index:
    """Return the `n` times that follow the end of `index`.

    Raises
    ------
    ValueError
        If `index` is a single time without a `freq`.
    """
    if isinstance(index, pd.PeriodIndex):
        return pd.period_range(index[-1] + 1, periods=n, freq=index.freq)
    if isinstance(index, pd.DatetimeIndex):
        offset = offset_of(index)
        if offset is None and TrainingIndex.of(index).business:
            is_daily = np.median(np.diff(index)) >= np.timedelta64(1, "D")
            offset = pd.offsets.BusinessDay() if is_daily else None
        if offset is not None:
            return pd.date_range(index[-1], periods=n + 1, freq=offset)[1:]
    elif not (
        isinstance(index, pd.TimedeltaIndex)
        or pd.api.types.is_any_real_numeric_dtype(index.dtype)
    ):
        return pd.RangeIndex(len(index), len(index) + n)
    is_whole = pd.api.types.is_integer_dtype(index.dtype)
    if len(index) > 1:
        step = np.median(np.diff(index))
        step = max(round(step), 1) if is_whole else step
    elif is_whole:
        step = getattr(index, "step", 1)
    else:
        raise ValueError(
            f"The one time in X, {index[0]}, does not say which one follows: give more "
            "rows, or an index with a `freq`."
        )
    return pd.Index([index[-1] + step * (i + 1) for i in range(n)])


def with_times_ahead(index: pd.Index, n: int) -> pd.Index:
    """Return `index` and the `n` times that follow it, numbers if it has no times."""
    if kind_of(index)[0] is None:
        index = pd.RangeIndex(len(index))
    return index.append(times_ahead(index, n))
