"""Any transformer of rows, with the rows that come before."""

from __future__ import annotations

from contextlib import suppress
from numbers import Integral
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.utils import Tags, check_array, check_scalar, get_tags
from sklearn.utils.validation import _num_samples, check_is_fitted

from sktsdl._sklearn.warnings import warn
from sktsdl._windows.history import TrainingTail
from sktsdl._windows.kept_rows import Joined, JoinedSeries
from sktsdl._windows.panel import Panel
from sktsdl._windows.panel_history import PanelTail
from sktsdl._windows.row_order import ranges
from sktsdl._windows.time_index import as_time_index
from sktsdl.preprocessing._base import LookBackTransformer, Output

RTOL = 1e-5


class WithHistory(LookBackTransformer):
    r"""Give a transformer the rows before, so that new rows are as in training.

    .. math:: z_t = f(x_{t-n}, \ldots, x_{t-1}, x_t)

    with :math:`f` the `transformer` and :math:`n` the `n_rows`. Rolling means, lags and
    other features of earlier rows start anew in each call of ``transform`` of most
    packages. This step puts the `n_rows` rows before `X` in front of it, and drops
    their outputs.

    The first `n_rows` training rows have no complete history, so all their outputs are
    NaN.

    {history}

    Parameters
    ----------
    transformer : transformer
        Its output for a row may depend on the row and on the `n_rows` rows before it,
        and on no later row, and it keeps the number and the order of rows: a
        ``FunctionTransformer`` with a rolling mean, the lags of another package, or a
        pipeline of such steps. What it estimates in ``fit`` comes from the training
        rows. It gets a DataFrame if `X` is one, with the names of its columns; the
        index is then the time index of the history and `X` or, without a time index,
        numbers that are negative for the history.
    n_rows : int
        The number of rows before a row that the transformer needs, such as 27 for a
        rolling mean of 28 rows. The output for a row with fewer known rows before it
        is NaN.
    history : {"tail", None}, default="tail"
        ``"tail"`` remembers the last training rows for the rows that follow; None
        takes the history of every `X` as unknown.

    Attributes
    ----------
    transformer_ : transformer
        The fitted transformer.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of columns seen in ``fit``, if they are all strings.

    Warns
    -----
    UserWarning
        If ``fit`` sees that the output for a row changes with rows more than `n_rows`
        before it, or with later rows.

    See Also
    --------
    SlidingWindow : Windows of rows, for nets, or flattened.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from sktsdl import WithHistory
    >>> days = pd.date_range("2024-01-01", periods=6)
    >>> X = pd.DataFrame({"rail": [1.0, 3.0, 2.0, 7.0, 3.0, 8.0]}, index=days)
    >>> mean = FunctionTransformer(lambda X: X.rolling(3).mean())
    >>> step = WithHistory(mean, n_rows=2).fit(X[:5])
    >>> step.transform(X[:5])["rail"].tolist()
    [nan, nan, 2.0, 4.0, 4.0]
    >>> step.transform(X[5:])  # of 7, 3 and 8
                rail
    2024-01-06   6.0
    """

    def __init__(
        self,
        transformer: Any,
        n_rows: int,
        *,
        history: Literal["tail"] | None = "tail",
    ) -> None:
        self.transformer = transformer
        self.n_rows = n_rows
        self.history = history

    def get_feature_names_out(
        self, input_features: ArrayLike | None = None
    ) -> np.ndarray:
        """Name the columns of the output.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns, if ``fit`` has seen none.

        Returns
        -------
        names : ndarray of shape (n_features_out,), dtype object
            The columns of the frame that the transformer gives, else its own
            ``get_feature_names_out``, else ``withhistory0``, ``withhistory1``, ...
        """
        check_is_fitted(self)
        if input_features is None:
            input_features = getattr(self, "feature_names_in_", None)
        names = self._names
        if names is None:
            prefix = type(self).__name__.lower()
            names = [f"{prefix}{i}" for i in range(self._n_features_out)]
            with suppress(AttributeError):
                names = self.transformer_.get_feature_names_out(input_features)
        return pd.Index(names, dtype=object, tupleize_cols=False).to_numpy()

    def _check_n_back(self) -> int:
        check_scalar(self.n_rows, "n_rows", Integral, min_val=0)
        if isinstance(self.transformer, type) or not (
            hasattr(self.transformer, "fit") and hasattr(self.transformer, "transform")
        ):
            raise TypeError(
                f"transformer={self.transformer!r} is not a transformer with fit and "
                "transform: give one, such as FunctionTransformer(function)."
            )
        return int(self.n_rows)

    def _fit(self, X: ArrayLike, panel: Panel | None) -> np.ndarray:
        rows = super()._fit(X, panel)
        self._is_frame = isinstance(X, pd.DataFrame)
        joined = self._tail.join_start(rows, panel)
        firsts, stops = _complete_parts(joined)
        table: Any = self._table(joined, firsts, stops, X)
        if len(table) == 0:
            raise ValueError(
                "No row of X is complete, so the transformer cannot be fitted: fill "
                "NaN, or drop the columns that hold it."
            )
        self.transformer_ = clone(self.transformer).fit(table)
        self._names, output = _transform(self.transformer_, table)
        self._n_features_out = output.shape[1]
        sizes = stops - firsts
        stop = int(sizes.cumsum()[sizes.argmax()])
        longest = slice(stop - int(sizes.max()), stop)
        self._check_reach(getattr(table, "iloc", table)[longest], output[longest])
        return rows

    def _check_reach(self, table: Any, output: np.ndarray) -> None:
        """Warn if an output changes when rows out of its reach are left out."""
        n, n_back = len(output), self._tail.n_back
        stop = n - min(n_back + 1, n // 4)
        start = max(stop - 2 * n_back - 1, min(1, stop - n_back - 1), 0)
        first = start + n_back if start else 0
        part = getattr(table, "iloc", table)[start:stop]
        again = self._apply(part)[first - start :]
        size = np.where(np.isfinite(output), np.abs(output), 0.0).max(axis=0)
        before, scale = output[first:stop], np.where(size > 0, size, 1.0)
        # In units of each column, as NumPy 1 takes one tolerance for all of them.
        same = np.isclose(again / scale, before / scale, RTOL, RTOL, equal_nan=True)
        if not same.all():
            name = self.get_feature_names_out()[(~same).any(axis=0).argmax()]
            warn(
                f"The output {name!r} of the transformer for a row changes with rows "
                f"more than n_rows={n_back} before it, or with later rows: raise "
                "`n_rows`, or use a transformer that reads no later row."
            )

    def _output(self, joined: Joined, X: ArrayLike) -> Output:
        output = self._output_of(joined, X)
        if not isinstance(X, pd.DataFrame):
            return output
        columns = pd.Index(list(self.get_feature_names_out()))
        return pd.DataFrame(output, index=X.index, columns=columns)

    def _look_back(self, padded: np.ndarray) -> np.ndarray:
        return self._output_of(Joined(padded, self._tail.n_back), None)

    def _output_of(self, joined: Joined, X: ArrayLike | None) -> np.ndarray:
        """Return the output for each row of `X`, NaN without a full history."""
        firsts, stops = _complete_parts(joined)
        shape = len(joined.rows), self._n_features_out
        output = np.full(shape, np.nan, joined.rows.dtype)
        if (firsts < stops).any():
            known = self._apply(self._table(joined, firsts, stops, X))
            output = output.astype(known.dtype, copy=False)
            output[ranges(firsts, stops)] = known
        output[ranges(firsts, np.minimum(firsts + joined.n_back, stops))] = np.nan
        output = output[joined.n_back :]
        return output if joined.ends is None else output[joined.ends]

    def _table(
        self, joined: Joined, firsts: np.ndarray, stops: np.ndarray, X: ArrayLike | None
    ) -> Any:
        """Return the joined rows from `firsts` to before `stops`, as a frame if `X` is.

        These are the rows of each series from its first complete row on.
        """
        at = ranges(firsts, stops)
        rows = joined.rows[at]
        if not isinstance(X, pd.DataFrame):
            return rows
        if isinstance(self._tail, PanelTail):
            index = self._tail.index_of(joined, X.index.names)[at - joined.n_back]
        else:
            n_before = max(joined.n_back - int(firsts[0]), 0)
            index = self._index(self._tail, X, n_before)[-len(rows) or len(X) :]
        return pd.DataFrame(rows, index=index, columns=X.columns)

    def _apply(self, table: Any) -> np.ndarray:
        names, output = _transform(self.transformer_, table)
        if isinstance(table, pd.DataFrame) != self._is_frame:
            names = self._names  # the names of an array's columns may be others
        if output.shape[1] != self._n_features_out or names != self._names:
            raise ValueError(
                f"The transformer returned the columns {names or output.shape[1]} for "
                f"some rows, and {self._names or self._n_features_out} in fit: it must "
                "return the same columns for all rows."
            )
        return output

    def _index(self, tail: TrainingTail, X: pd.DataFrame, n_before: int) -> pd.Index:
        """Return the index of the `n_before` rows before `X`, and of `X`."""
        index, training = as_time_index(X.index), tail.training_index
        if n_before == 0:
            return index
        if training is None or not training.is_comparable(index):
            return pd.RangeIndex(-n_before, len(X))
        before = training.times[training.times < index[0]][-n_before:]
        if isinstance(index, pd.DatetimeIndex) and index.tz is not None:
            before = before.tz_convert(index.tz)
        return before.rename(index.name).append(index)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        if isinstance(self.transformer, BaseEstimator):
            inner = get_tags(self.transformer)
            tags.input_tags.positive_only = inner.input_tags.positive_only
            tags.transformer_tags = inner.transformer_tags
        return tags


def _complete_parts(joined: Joined) -> tuple[np.ndarray, np.ndarray]:
    """Return where the first complete row of each series is, and where it ends."""
    n, starts = len(joined.rows), np.zeros(1, dtype=int)
    if isinstance(joined, JoinedSeries):
        starts = joined.n_back + joined.starts
    stops = np.append(starts[1:], n)
    is_complete = ~np.isnan(joined.rows).any(axis=1)
    complete = np.where(is_complete, np.arange(n), n)
    return np.minimum(np.minimum.reduceat(complete, starts), stops), stops


def _transform(transformer: Any, table: Any) -> tuple[list[Any] | None, np.ndarray]:
    """Return the names of the output's columns, if it has them, and its values."""
    output = transformer.transform(table)
    if getattr(output, "ndim", 2) != 2:
        raise ValueError(
            f"The transformer returned an output of {output.ndim} dimensions, and not "
            "of 2: let it return a DataFrame or a 2-D array."
        )
    if _num_samples(output) != len(table):
        raise ValueError(
            f"The transformer returned {_num_samples(output)} rows for {len(table)}: a "
            "step keeps every row, so turn off the option of the transformer that "
            "drops rows; their unknown values may be NaN."
        )
    names = list(output.columns) if hasattr(output, "columns") else None
    values: np.ndarray = check_array(
        output, dtype=(np.float64, np.float32), ensure_all_finite=False
    )
    return names, values
