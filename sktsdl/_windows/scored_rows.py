"""What metrics need of rows and of the training rows before them, of each series."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.utils import check_array, check_consistent_length, check_scalar

from sktsdl._sklearn.arrays import readable
from sktsdl._sklearn.cells import refuse_times
from sktsdl._sklearn.target_steps import TargetSteps
from sktsdl._windows.panel import Panel, codes_of_series, panel_index, some_of, times_of
from sktsdl._windows.time_index import as_time_index
from sktsdl._windows.training_index import kind_of


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """The true values of rows, and the series that each row is of.

    Parameters
    ----------
    truth : ndarray of shape (n_rows, n_steps)
        The true values.
    series : ndarray of int, shape (n_rows,)
        The number of each row's series.
    keys : pandas.Index or None
        The name of each series, None for one series.
    y_true : array-like
        The true values as they were given.
    """

    truth: np.ndarray
    series: np.ndarray
    keys: pd.Index | None
    y_true: Any

    @classmethod
    def of(cls, y_true: Any) -> Self:
        """Read true values; the rows of a series may stand in any order.

        Raises
        ------
        ValueError
            If they are no finite numbers, are of several targets, or if their index
            has missing labels or no times.
        """
        truth = table(y_true, "y_true")
        steps = TargetSteps.of(y_true)
        if len(steps.names) > 1:
            raise ValueError(
                f"y_true has the targets {list(steps.names)}, which have no common "
                "scale: score each of them by itself."
            )
        index = panel_index(y_true, "y_true")
        if index is None:
            return cls(truth, np.zeros(len(truth), dtype=int), None, y_true)
        times_of(index, "y_true")
        series = codes_of_series(index)
        _, firsts = np.unique(series, return_index=True)
        return cls(truth, series, index[firsts].droplevel(-1), y_true)

    @property
    def counts(self) -> np.ndarray:
        """The number of rows of each series."""
        return np.bincount(self.series)

    def forecasts(self, y: Any, name: str) -> np.ndarray:
        """Return forecasts of these rows, as a table.

        Raises
        ------
        ValueError
            If they are no finite numbers, or of other rows or columns.
        """
        values = table(y, name)
        check_consistent_length(self.truth, values)
        if values.shape != self.truth.shape:
            raise ValueError(
                f"{name} has {values.shape[1]} columns and y_true has "
                f"{self.truth.shape[1]}: give a forecast for each of its values."
            )
        self._check_same_labels(y, name)
        return values

    def _check_same_labels(self, y: Any, name: str) -> None:
        index: Any = getattr(y, "index", None)
        is_panel = isinstance(index, pd.MultiIndex)
        if is_panel and self.keys is None:
            raise ValueError(
                f"{name} is many series and y_true is one: give y_true with its "
                "MultiIndex of series and times."
            )
        expected: Any = getattr(self.y_true, "index", None)
        if is_panel and not index.equals(expected):
            differs = index.to_numpy() != expected.to_numpy()
            if differs.any():
                row = int(differs.argmax())
                raise ValueError(
                    f"Row {row} of {name} is {index[row]} and that of y_true "
                    f"{expected[row]}: give the same rows in the same order "
                    f"(`{name}.loc[y_true.index]`)."
                )
        labels, own = (list(getattr(part, "columns", ())) for part in (y, self.y_true))
        if labels != own and set(labels) == set(own):
            raise ValueError(
                f"{name} has the columns {labels} and y_true has {own}: give them in "
                "the same order."
            )

    def mean_by_series(self, errors: np.ndarray) -> np.ndarray:
        """Return the mean of a table of errors over the rows of each series."""
        means: np.ndarray = np.bincount(self.series, errors.mean(axis=1)) / self.counts
        return means

    def scales(self, y_train: Any, period: int, power: int = 1) -> np.ndarray:
        """Return the mean change over a period in the training rows of each series.

        Parameters
        ----------
        y_train : array-like of shape (n_train,) or (n_train, 1)
            The training rows, with series as `y_true`.
        period : int
            How many rows before the value is that it is compared with.
        power : int, default=1
            The power of the absolute changes.

        Raises
        ------
        ValueError
            If a series has too few training rows or none, NaN after its first known
            value, or a scale of 0.
        """
        check_scalar(period, "period", Integral, min_val=1)
        values, train = _training_rows(y_train)
        if (train is None) != (self.keys is None):
            kinds = ("one series", "many series")
            raise ValueError(
                f"y_true is {kinds[self.keys is not None]} and y_train is "
                f"{kinds[train is not None]}: give both with a MultiIndex of series "
                "and times, or neither."
            )
        n_series, codes = 1, np.zeros(len(values), dtype=int)
        if train is not None:
            n_series, values = train.n_series, train.by_series(values)
            codes = np.repeat(np.arange(n_series), train.counts)
        numbers, known = np.arange(len(values)), ~np.isnan(values)
        starts = np.full(n_series, len(values))
        np.minimum.at(starts, codes[known], numbers[known])
        age = numbers - starts[codes]
        later = np.flatnonzero(age >= period)
        changes = np.abs(values[later] - values[later - period]) ** power
        counts = np.bincount(codes[later], minlength=n_series)
        sums = np.bincount(codes[later], changes, minlength=n_series)
        has_gap = np.bincount(codes[(age > 0) & ~known], minlength=n_series) > 0
        at = self._numbers_in(train)
        self._refuse(
            has_gap[at],
            "y_train has NaN after the first known value{of}: fill it, or give the "
            "rows after it only.",
        )
        self._refuse(
            counts[at] == 0,
            f"y_train has no more than period={period} known rows{{of}}: give more "
            f"rows, {'or ' if self.keys is None else ''}a smaller period"
            f"{'.' if self.keys is None else ', or leave these series out.'}",
        )
        self._refuse(
            sums[at] == 0,
            f"y_train repeats itself after period={period} rows{{of}}, so the scale is "
            "0: use another period or `smape`"
            f"{'.' if self.keys is None else ', or leave these series out.'}",
        )
        scales: np.ndarray = sums[at] / counts[at]
        return scales

    def _numbers_in(self, train: Panel | None) -> np.ndarray:
        """Return the number of each series in the training rows."""
        if self.keys is None or train is None:
            return np.zeros(1, dtype=int)
        if self.keys.nlevels != train.keys.nlevels:
            raise ValueError(
                f"The index of y_train has {train.keys.nlevels + 1} levels and that of "
                f"y_true {self.keys.nlevels + 1}: name each series alike in both."
            )
        at = train.keys.get_indexer(self.keys)
        self._refuse(
            at < 0, "y_train has no rows{of}: add them, or leave these series out."
        )
        return at

    def _refuse(self, is_bad: np.ndarray, message: str) -> None:
        """Raise a ValueError that names the bad series, if there are some."""
        if is_bad.any():
            of = ""
            if self.keys is not None:
                of = f" of the series {some_of(self.keys, np.flatnonzero(is_bad))}"
            raise ValueError(message.format(of=of))


def table(y: Any, name: str) -> np.ndarray:
    """Return finite numbers as a table, a column if they are 1-D."""
    y = readable(y, name)
    refuse_times(y, name)
    values = check_array(y, ensure_2d=False, dtype=np.float64, input_name=name)
    return values.reshape(len(values), -1)


def _training_rows(y_train: Any) -> tuple[np.ndarray, Panel | None]:
    """Return the values of the training rows, and their series.

    Raises
    ------
    ValueError
        If they are no column of numbers, or not in the order of time.
    """
    y_train = readable(y_train, "y_train")
    refuse_times(y_train, "y_train")
    values = check_array(
        y_train,
        ensure_2d=False,
        dtype=np.float64,
        ensure_all_finite="allow-nan",
        input_name="y_train",
    )
    if values.ndim == 2 and values.shape[1] != 1:
        raise ValueError(
            f"y_train has {values.shape[1]} columns: give one, the values of the "
            "series before the rows of y_true."
        )
    panel = Panel.of(y_train, "y_train")
    if panel is None and isinstance(y_train, pd.Series | pd.DataFrame):
        times = as_time_index(y_train.index)
        if kind_of(times)[0] is not None and not times.is_monotonic_increasing:
            raise ValueError(
                "The index of y_train goes back in time: sort the rows by time "
                "(`y_train.sort_index()`)."
            )
    return values.ravel(), panel
