"""Series that several test files use."""

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from sktsdl import (
    ForwardFill,
    RatioLogScaler,
    SeasonalDifference,
    SlidingWindow,
    WithHistory,
)
from sktsdl.preprocessing._base import LookBackTransformer


def levels(n=60, start="2020-02-01", seed=0):
    """Positive rows with a daily index, and the next value of the first column."""
    rng = np.random.default_rng(seed)
    rows = np.exp(rng.normal(0, 0.1, size=(n + 1, 2)).cumsum(axis=0))
    index = pd.date_range(start, periods=n, freq="D")
    X = pd.DataFrame(rows[:-1].copy(), index=index, columns=["rail", "bus"])
    return X, pd.Series(rows[1:, 0], index=index)


N = 400
BERLIN = "Europe/Berlin"
INDEXES = {
    "array": None,
    "range from 0": pd.RangeIndex(N),
    "range not from 0": pd.RangeIndex(1000, 1000 + 3 * N, 3),
    "numbers": pd.Index(np.linspace(0, 10, N)),
    "strings": pd.Index([f"row {i}" for i in range(N)]),
    "daily": pd.date_range("2019-01-01", periods=N, freq="D"),
    "daily, DST": pd.date_range("2019-01-01", periods=N, freq="D", tz=BERLIN),
    "hourly": pd.date_range("2019-01-01", periods=N, freq="h"),
    "hourly, spring": pd.date_range("2019-03-25", periods=N, freq="h", tz=BERLIN),
    "hourly, autumn": pd.date_range("2019-10-20", periods=N, freq="h", tz=BERLIN),
    "business days": pd.bdate_range("2019-01-01", periods=N),
    "weekly": pd.date_range("2000-01-01", periods=N, freq="W-WED"),
    "month ends": pd.date_range("1980-01-31", periods=N, freq="ME"),
    "months": pd.date_range("1980-01-01", periods=N, freq="MS"),
    "quarters": pd.date_range("1900-01-01", periods=N, freq="QS"),
    "periods": pd.period_range("1980-01", periods=N, freq="M"),
    "every third period": pd.period_range("1980-01-01", periods=3 * N, freq="D")[::3],
    "timedeltas": pd.timedelta_range("0s", periods=N, freq="7min"),
    "no frequency": pd.Timestamp("2019-01-01")
    + pd.to_timedelta(np.resize([1, 3, 2, 2, 3], N).cumsum(), unit="D"),
}
TIMED = [name for name in INDEXES if name not in ("array", "strings", "no frequency")]


def some_pairs(first, second, n):
    """Return each of `first` with `n` of `second`, where all products take too long.

    Each of both is in about the same number of pairs.
    """
    second = list(second)
    return [
        (one, second[(n * i + k) % len(second)])
        for i, one in enumerate(first)
        for k in range(min(n, len(second)))
    ]


def series(index=None, seed=0, n=N):
    """Positive rows, as an array or as a frame with `index`."""
    steps = np.random.default_rng(seed).normal(0, 0.1, size=(n, 2))
    rows = np.exp(steps.cumsum(axis=0))
    if index is None:
        return rows
    return pd.DataFrame(rows, index=index[:n], columns=["rail", "bus"])


def target(X):
    return np.asarray(X)[:, 0] * 2 + 1


def take(X, where):
    """Take rows as scikit-learn's splitters do: an index forgets its frequency."""
    return X.take(where) if hasattr(X, "take") and hasattr(X, "iloc") else X[where]


def part(X, start, stop):
    """Take rows by position, as a slice of a frame may be one of index labels."""
    return take(X, np.arange(start, min(stop, len(X))))


def with_holes(X):
    """Leave out one value in five, by the values alone."""
    return X * np.where((X * 1e4) % 1 < 0.2, np.nan, 1.0)


def rolling_mean(X, window=5):
    """The mean of the last rows, of an array or a frame."""
    return pd.DataFrame(X).rolling(window).mean()


def as_in_whole_series(step, rows):
    """Return a fitted step's output for the whole series, computed by numpy."""
    if isinstance(step, RatioLogScaler):
        ratio = (rows[1:] + step.offset) / (rows[:-1] + step.offset)
        z = (np.log(ratio + step.epsilon) - step.mean_) / step.scale_
        return np.vstack([np.full(rows.shape[1], np.nan), z])
    if isinstance(step, SeasonalDifference):
        p = step.period
        return np.vstack([np.full((p, rows.shape[1]), np.nan), rows[p:] - rows[:-p]])
    if isinstance(step, SlidingWindow):
        before = np.full((step.window - 1, rows.shape[1]), np.nan)
        padded = np.vstack([before, rows])
        windows = [padded[i : i + step.window] for i in range(len(rows))]
        return np.stack(windows).reshape(len(rows), -1)
    if isinstance(step, ForwardFill):
        filled = pd.DataFrame(rows).ffill(limit=step.limit).to_numpy()
        added = [np.isnan(rows)] if step.add_indicator else []
        return np.hstack([filled, *added])
    if isinstance(step, WithHistory):  # of `rolling_mean`
        before = np.full((step.n_rows, rows.shape[1]), np.nan)
        means = sliding_window_view(rows, step.n_rows + 1, axis=0).mean(axis=2)
        return np.vstack([before, means])
    if isinstance(step, LookBackTransformer):
        raise NotImplementedError(f"Write the equation of {type(step).__name__} here.")
    return step.transform(rows)
