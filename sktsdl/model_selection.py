"""Splits of many series into training rows and later test rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import TimeSeriesSplit
from sklearn.utils.validation import _num_samples

from sktsdl._sklearn.validation import check_option
from sktsdl._windows.last_rows import rows_after
from sktsdl._windows.panel import panel_of


class PanelTimeSeriesSplit(TimeSeriesSplit):
    """Split the rows of many series at points in time.

    scikit-learn's ``TimeSeriesSplit`` counts rows, so it would put some series into
    training and others into test if the rows stand series by series. This splitter
    counts times, which it reads from the index of `X`: a MultiIndex whose last level is
    the time. For one series it gives the folds of ``TimeSeriesSplit``.

    Parameters
    ----------
    n_splits : int, default=5
        The number of splits, at least 2.
    max_train_size : int or None, default=None
        The largest number of times in training.
    test_size : int or None, default=None
        The number of times in a test set. By default it is the number of all times
        divided by ``n_splits + 1``.
    gap : int, default=0
        The number of times between training and test that are left out. For targets
        several steps ahead, ``PurgedRegressor`` keeps the history whole.
    align : {"time", "end"}, default="time"
        ``"time"`` splits all series at the same times of the calendar. ``"end"`` counts
        the rows of each series from its own last row, for series that end at different
        times and are compared over their last rows, such as in forecasting
        competitions.

    See Also
    --------
    PurgedRegressor : Keeps targets that lie among the test rows out of training.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktsdl import PanelTimeSeriesSplit
    >>> days = pd.date_range("2024-01-01", periods=4)
    >>> index = pd.MultiIndex.from_product([["a", "b"], days], names=["shop", "day"])
    >>> sales = pd.DataFrame({"units": range(8)}, index=index)
    >>> for train, test in PanelTimeSeriesSplit(2, test_size=1).split(sales):
    ...     print(train, test)
    [0 1 4 5] [2 6]
    [0 1 2 4 5 6] [3 7]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        max_train_size: int | None = None,
        test_size: int | None = None,
        gap: int = 0,
        align: Literal["time", "end"] = "time",
    ) -> None:
        super().__init__(
            n_splits, max_train_size=max_train_size, test_size=test_size, gap=gap
        )
        self.align = align

    def split(
        self, X: ArrayLike, y: Any = None, groups: object = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give the rows of training and test of each split.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows. If it has no index of many series, that of `y` is read.
        y : array-like of shape (n_rows,) or (n_rows, n_outputs) or None, default=None
            The targets.
        groups : None
            Ignored.

        Yields
        ------
        train : ndarray of int
            The training rows.
        test : ndarray of int
            The test rows, later than the training rows in each series.

        Raises
        ------
        ValueError
            If there are too few times, or if the index cannot be used.
        """
        check_option("align", self.align, ("time", "end"))
        numbers = self._numbers(X, y)
        times = np.arange(int(numbers.max(initial=-1)) + 1)
        for parts in super().split(times):
            train, test = (np.flatnonzero(np.isin(numbers, part)) for part in parts)
            yield train, test

    def _numbers(self, X: ArrayLike, y: Any) -> np.ndarray:
        """Return the number of each row's time."""
        panel = panel_of(X, y)
        if panel is None:
            return np.arange(_num_samples(X))
        if self.align == "end":
            return int(panel.counts.max()) - 1 - rows_after(panel.series)
        is_used = np.bincount(panel.times, minlength=len(panel.stamps)) > 0
        numbers: np.ndarray = (is_used.cumsum() - 1)[panel.times][panel.place]
        return numbers
