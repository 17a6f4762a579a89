"""The time index of `X`, and the times that follow it."""

from contextlib import suppress
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from sktsdl._sklearn.dates import N_LABELS, conversion_of_numbers, conversion_of_text
from sktsdl._sklearn.warnings import warn
from sktsdl._windows.training_index import TrainingIndex, kind_of, offset_of

MIN_TIMES = 3  # fewer do not tell months from days
SORT_BOTH = "sort X and y by time together (`X.sort_index()`, `y.sort_index()`)"


def time_index(
    X: object, what: str = "The index of X", sort: str = SORT_BOTH
) -> pd.Index | None:
    """Return the time index of `X`, or None if its rows have only an order.

    Parameters
    ----------
    X : object
        Only a DataFrame can have one: a DatetimeIndex, TimedeltaIndex, PeriodIndex,
        another index of dates (see `as_time_index`), or numbers.
    what : str, default="The index of X"
        What the user gave the times as, for errors.
    sort : str
        How the user can sort the rows, for errors.

    Raises
    ------
    ValueError
        For a MultiIndex, and for a time index that decreases, repeats itself, or has
        a missing time.

    Warns
    -----
    UserWarning
        If the index holds dates as text, or as whole numbers such as 20240131.
    """
    if not isinstance(X, pd.DataFrame):
        return None
    if isinstance(X.index, pd.MultiIndex):
        raise ValueError(
            "X has a MultiIndex, so its rows are more than one series: select one "
            "with `X.xs(...)`, or fit one estimator for each."
        )
    index = as_time_index(X.index)
    if kind_of(index)[0] is None:
        call = conversion_of_text(index, "X.index")
        if call is not None:
            _warn_of_dates(call, "gaps and the order of the rows are")
        return None
    raise_at_missing(index, what)
    if len(index) and not (index.is_monotonic_increasing and index.is_unique):
        times = pd.Series(index)
        increases = times.shift().lt(times).fillna(False).astype(bool)
        at = int((~increases).to_numpy()[1:].argmax()) + 1
        way_out = f"{sort}, and keep one row for each time"
        if kind_of(index) == ("number",):
            way_out += (
                ", split them with `shuffle=False`, or, if the index holds no times "
                "and the rows stand in time order, give `X.reset_index(drop=True)`"
            )
        raise ValueError(
            f"{what} does not increase at row {at} ({index[at]}): {way_out}."
        )
    call = conversion_of_numbers(index, "X.index")
    if call is not None:  # their steps at the ends of months look like gaps
        _warn_of_dates(call, "gaps are")
        return None
    return index


def refuse_text(X: object, kind: tuple[Any, ...]) -> None:
    """Raise a ValueError if the index of `X` has dates as text.

    `kind` is the kind of the times of training; numbers are not compared.
    """
    if kind == ("number",) or not isinstance(X, pd.DataFrame):
        return
    if kind_of(as_time_index(X.index))[0] is not None:
        return
    call = conversion_of_text(X.index, "X.index")
    if call is not None:
        raise ValueError(
            f"The index of X holds text, the index of the training rows {kind[0]}s: "
            f"convert it by `X.index = {call}`."
        )


def raise_at_missing(index: pd.Index, what: str) -> None:
    """Raise a ValueError that names the first row without a time.

    `what` is what the user gave the times as.
    """
    missing = np.asarray(index.isna())
    if missing.any():
        is_number = kind_of(index) == ("number",)
        numbered = ", or give `X.reset_index(drop=True)` if these are no times"
        raise ValueError(
            f"{what} has a missing time in row {int(missing.argmax())}: fill it, or "
            f"drop the row{numbered if is_number else ''}."
        )


def _warn_of_dates(call: str, unchecked: str) -> None:
    warn(
        "The index of X holds dates, but is not a time index of pandas, so "
        f"{unchecked} not checked: convert it by `X.index = {call}`."
    )


def as_time_index(index: pd.Index) -> pd.Index:
    """Return `index` as the time index that it means, or else as it is.

    Dates and times may be objects, Arrow's types, categories or intervals, which are
    taken at their left ends. Text is not converted.
    """
    if isinstance(index, pd.CategoricalIndex):
        found = as_time_index(index.astype(index.categories.dtype))
    elif isinstance(index, pd.IntervalIndex):
        found = index.left
    elif isinstance(index.dtype, pd.ArrowDtype) and index.dtype.kind in "mM":
        is_date = index.dtype.kind == "M"
        return pd.DatetimeIndex(index) if is_date else pd.TimedeltaIndex(index)
    elif index.dtype == object:
        return _of_objects(index)
    else:
        return index
    return index if kind_of(found)[0] in (None, "number") else found


def _of_objects(index: pd.Index) -> pd.Index:
    labels = index[:N_LABELS].dropna()
    if len(labels) == 0 or isinstance(labels[0], str):
        return index
    if isinstance(labels[0], date):  # or a datetime
        with suppress(ValueError, TypeError):
            return pd.DatetimeIndex(pd.to_datetime(index))
        with suppress(ValueError, TypeError):  # of several offsets from UTC
            if all(getattr(stamp, "tzinfo", None) is not None for stamp in index):
                return pd.DatetimeIndex(pd.to_datetime(index, utc=True))
    return index.infer_objects()


def times_ahead(index: pd.Index, n: int, after: Any = None) -> pd.Index:
    """Return the `n` times that follow the end of `index`, or the time `after`.

    Raises
    ------
    ValueError
        If `index` is a single time without a `freq`.

    Warns
    -----
    UserWarning
        If most of the steps are far from the median step, by which the times follow.
    """
    last = index[-1] if after is None else after
    if isinstance(index, pd.PeriodIndex):
        return pd.period_range(last + 1, periods=n, freq=index.freq)
    if isinstance(index, pd.DatetimeIndex):
        offset = offset_of(index)
        if offset is None and TrainingIndex.of(index).business:
            is_daily = np.median(np.diff(index)) >= np.timedelta64(1, "D")
            offset = pd.offsets.BusinessDay() if is_daily else None
        if offset is not None:
            # The first one is later than a time that is not one of the offset's.
            times = pd.date_range(last, periods=n + 1, freq=offset)
            return times[times > last][:n]
        if index.tz is not None and len(index) > 1:
            clock = index.tz_localize(None)
            by_clock = pd.Timedelta(np.median(np.diff(clock)))
            if not by_clock % pd.Timedelta(1, "D"):
                return pd.date_range(last, periods=n + 1, freq=f"{by_clock.days}D")[1:]
    elif not (
        isinstance(index, pd.TimedeltaIndex)
        or pd.api.types.is_any_real_numeric_dtype(index.dtype)
    ):
        return pd.RangeIndex(len(index), len(index) + n)
    is_whole = pd.api.types.is_integer_dtype(index.dtype)
    freq = getattr(index, "freq", None)  # of time differences
    if freq is not None:
        step = freq
    elif len(index) > 1:
        steps = np.diff(index)
        step = np.median(steps)
        if 2 * (np.abs(steps - step) <= 0.1 * step).sum() < len(steps):
            is_number = kind_of(index)[0] == "number"
            shown = f"{step:g}" if is_number else pd.Timedelta(step)
            warn(
                "The steps of the times are of many lengths, so the times ahead follow "
                f"by the median step, {shown}: give rows at equal steps, such "
                "as by `data.resample(...)`."
            )
        step = max(round(step), 1) if is_whole else step
    elif is_whole:
        step = getattr(index, "step", 1)
    else:
        raise ValueError(
            f"The one time in X, {index[0]}, does not say which one follows: give more "
            "rows, an index with a `freq`, or a model that knows the times of training "
            "(`set_output(transform='pandas')` for the steps before the look-back "
            "steps)."
        )
    return pd.Index([last + step * (i + 1) for i in range(n)])


def calendar(own: pd.Index, of_training: pd.Index | None) -> pd.Index:
    """Return the times that tell how long a step is: of training if these are more."""
    if getattr(own, "freq", None) is not None or of_training is None:
        return own
    is_better = len(of_training) > len(own) and kind_of(of_training) == kind_of(own)
    return of_training if is_better else own
