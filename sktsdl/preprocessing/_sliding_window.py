"""Windows of rows that end at each row."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils import check_scalar

from sktsdl._sklearn.bases import OneToOneFeatureMixin, available_if
from sktsdl._sklearn.target_steps import known_ahead
from sktsdl._sklearn.validation import check_option
from sktsdl._windows.disk_rows import validate_disk_rows
from sktsdl._windows.disk_source import is_on_disk
from sktsdl._windows.kept_rows import Joined
from sktsdl._windows.missing import fill_unknown, name_column, warn_of_empty_columns
from sktsdl._windows.panel import Panel
from sktsdl._windows.row_parts import unfold_columns
from sktsdl._windows.windows import Windows
from sktsdl.preprocessing._base import LookBackTransformer, Output


class SlidingWindow(OneToOneFeatureMixin, LookBackTransformer):
    r"""Turn rows into windows, one for each row, that end at their row.

    .. math:: W_t = (x_{t-w+1}, \ldots, x_{t-1}, x_t)

    with :math:`w` the `window`; no row after :math:`t` is ever in :math:`W_t`. The
    windows are an array-like of shape ``(n_rows, window, n_features)`` that stores each
    row once, not `window` times. ``np.asarray`` gives the 3-D array, without a copy if
    the windows are consecutive. Selections of its rows and channels keep the names of
    the channels. A memory map, or an array of zarr, h5py or Dask, of more than 64 MB
    stays on disk.

    The first training windows reach back to before the first row, so they start with
    NaN.

    Columns that are known ahead, such as ``temp+1`` beside ``temp`` from
    ``make_supervised``, are the same forecast of a later row in all steps: the rows of
    ``flatten=True`` have them once, at the end. Nets take them out of the window
    (`known_future`).

    {history}

    Parameters
    ----------
    window : int, default=24
        The number of rows in a window, the row itself included.
    flatten : bool, default=False
        False gives windows ``(n_rows, window, n_features)``, for nets; True gives rows
        ``(n_rows, window * n_features)``, oldest row first, for any other regressor.
    pad : {"nan", "edge"}, default="nan"
        The values of unknown history. ``"nan"`` is NaN: nets leave such windows out of
        training. ``"edge"``, for regressors that do not take NaN, is each column's
        first known value in the window, or the column's training mean if the window has
        no known value.
    steps_per_row : int, default=1
        The number of times in a row, such as 24 with ``make_supervised(...,
        row="D")``: the columns ``price@00``, ..., ``price@23`` become one channel
        ``price`` of 24 steps for each row, and ``temp@00+1`` of the next day becomes
        ``temp+24``. A column of another name has its value in each of these steps. In
        an array, each `steps_per_row` columns are a channel.
    history : {"tail", None}, default="tail"
        ``"tail"`` remembers the last training rows for the rows that follow; None
        takes the history of every `X` as unknown.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
        Mean of the training rows, in their units; only with ``pad="edge"``.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of columns seen in ``fit``, if they are all strings.

    Examples
    --------
    >>> import numpy as np
    >>> from sktsdl import SlidingWindow
    >>> X = np.arange(5.0).reshape(-1, 1)
    >>> windows = SlidingWindow(window=3).fit(X)
    >>> windows.transform(X).shape
    (5, 3, 1)
    >>> windows.transform(X)[[0, 4], :, 0]
    array([[nan, nan,  0.],
           [ 2.,  3.,  4.]])
    >>> windows.transform([[5.0]])[0, :, 0]
    array([3., 4., 5.])
    >>> SlidingWindow(2, flatten=True).fit(X).get_feature_names_out(["rail"])
    array(['rail_lag1', 'rail_lag0'], dtype=object)
    """

    def __init__(
        self,
        window: int = 24,
        *,
        flatten: bool = False,
        pad: Literal["nan", "edge"] = "nan",
        steps_per_row: int = 1,
        history: Literal["tail"] | None = "tail",
    ) -> None:
        self.window = window
        self.flatten = flatten
        self.pad = pad
        self.steps_per_row = steps_per_row
        self.history = history

    def _check_n_back(self) -> int:
        check_scalar(self.window, "window", Integral, min_val=1)
        check_option("pad", self.pad, ("nan", "edge"))
        check_scalar(self.steps_per_row, "steps_per_row", Integral, min_val=1)
        return int(self.window) - 1

    def _validate(self, X: ArrayLike, *, reset: bool) -> Any:
        are_views = not self.flatten and self.pad == "nan" and self.steps_per_row == 1
        if are_views and is_on_disk(X):
            return validate_disk_rows(self, X, reset=reset)
        return super()._validate(X, reset=reset)

    def _fit_rows(self, rows: np.ndarray, panel: Panel | None) -> None:
        self.__dict__.pop("mean_", None)
        if self.steps_per_row > 1:
            self._unfold_columns()  # which may refuse them
        if self.pad == "nan":
            return
        is_known = np.isfinite(rows)
        n_known = int(is_known.all(axis=1).sum())
        if n_known < self.window:
            way_out = "give more rows, or a smaller `window`"
            if n_known < len(rows):
                names = getattr(self, "feature_names_in_", None)
                column = name_column(int(is_known.sum(axis=0).argmin()), names)
                way_out = f"fill or drop {column}, which has most NaN, or {way_out}"
            raise ValueError(
                f"X has {n_known} known rows (n_samples={n_known}), fewer than "
                f"window={self.window}: {way_out}."
            )
        self.mean_ = np.nanmean(rows, axis=0)

    def _look_back(self, padded: np.ndarray) -> np.ndarray:
        windows = np.asarray(self._windows(Joined(padded, self._tail.n_back)))
        return windows.reshape(len(windows), -1)

    def _output(self, joined: Joined, X: ArrayLike) -> Output:
        index = X.index if isinstance(X, pd.DataFrame) else None
        windows = self._windows(joined, index)
        if not self.flatten:
            return self._unfolded(windows)
        output = np.asarray(windows)
        known = self._known_ahead
        if known:
            n = len(output)
            past = np.delete(output, known, axis=2).reshape(n, -1)
            output = np.concatenate([past, output[:, -1, known]], axis=1)
        output = output.reshape(len(windows), -1)
        if isinstance(X, pd.DataFrame):
            return pd.DataFrame(output, index=index, columns=self._columns(X))
        return output

    def _windows(self, joined: Joined, index: pd.Index | None = None) -> Windows:
        """Return the windows that end at every row of `X`."""
        names = getattr(self, "feature_names_in_", None)
        # Windows of many series say by `firsts` where history is unknown, not by NaN.
        rows = joined.rows if joined.ends is None else joined.rows[joined.n_back :]
        windows = Windows(
            rows,
            joined.n_back + 1,
            joined.ends,
            firsts=joined.firsts,
            names=names,
            index=index,
        )
        if self.pad == "edge" and (windows.n_unknown.any() or np.isnan(rows).any()):
            warn_of_empty_columns(rows, names, len(windows))
            filled = fill_unknown(np.asarray(windows), self.mean_)
            windows = Windows.of(filled, names=names, index=index)
        return windows

    def _unfolded(self, windows: Windows) -> Windows:
        """Return windows with a step for each time in a row."""
        n = int(self.steps_per_row)
        if n == 1:
            return windows
        parts, names = self._unfold_columns()
        rows = windows.rows[:, parts].reshape(-1, parts.shape[1])
        firsts = windows.firsts
        return Windows(
            rows,
            n * windows.window,
            (np.asarray(windows.ends) + 1) * n - 1,
            firsts=None if firsts is None else n * firsts,
            names=names,
            index=windows.index,
            steps_per_row=n,
        )

    def _unfold_columns(self) -> tuple[np.ndarray, list[Any] | None]:
        names = getattr(self, "feature_names_in_", None)
        columns = None if names is None else list(names)
        n_parts = int(self.steps_per_row)
        return unfold_columns(columns, self.n_features_in_, n_parts)

    @property
    def _known_ahead(self) -> list[int]:
        """The columns that are known ahead, of which the last row is enough."""
        return list(known_ahead(list(getattr(self, "feature_names_in_", ()))))

    @available_if(lambda self: self.flatten)
    def get_feature_names_out(
        self, input_features: ArrayLike | None = None
    ) -> np.ndarray:
        """Name the flattened columns, such as ``rail_lag3``: rail, 3 rows before.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns, if ``fit`` has seen none.

        Returns
        -------
        names : ndarray of shape (n_columns,), dtype object
            Oldest row first, and last the columns that are known ahead. Only available
            with ``flatten=True``.
        """
        names = super().get_feature_names_out(input_features)
        lags = range(self._tail.n_back, -1, -1)
        known = list(names[self._known_ahead])
        past = np.delete(names, self._known_ahead)
        named = [f"{name}_lag{lag}" for lag in lags for name in past]
        return np.array(named + known, dtype=object)

    def set_output(
        self, *, transform: Literal["default", "pandas", "polars"] | None = None
    ) -> Self:
        """Set the container of the flattened output; windows stay as they are.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            As everywhere in scikit-learn.

        Returns
        -------
        self : object
            The step.
        """
        if self.flatten:
            return super().set_output(transform=transform)
        return self

    def _columns(self, X: pd.DataFrame) -> np.ndarray:
        return self.get_feature_names_out()
