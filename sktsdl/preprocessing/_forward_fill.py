"""Missing values as the last known value."""

from __future__ import annotations

from numbers import Integral
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils import check_scalar

from sktsdl._sklearn.bases import OneToOneFeatureMixin
from sktsdl._sklearn.validation import check_option
from sktsdl._windows.kept_rows import Joined, JoinedSeries
from sktsdl._windows.now import warn_of_unknown_ahead
from sktsdl._windows.panel import Panel
from sktsdl.preprocessing._base import LookBackTransformer, Output


class ForwardFill(OneToOneFeatureMixin, LookBackTransformer):
    r"""Fill missing values with the last known value, of training too.

    .. math:: z_t = x_s, \quad s = \max\{r \le t : x_r \text{ is known}\}

    for each column by itself. No later value is used. A value without any known value
    before it stays NaN, as unknown history. Put the step first, as all other look-back
    steps and nets take NaN for unknown history.

    {history}

    Parameters
    ----------
    limit : int or None, default=None
        How many rows back the known value may be; an older value is not used, and NaN
        stays. None is any number.
    add_indicator : bool, default=False
        Whether to add a column for each column, which is 1 where a value was missing,
        and 0 where it was known.
    history : {"tail", None}, default="tail"
        ``"tail"`` remembers the last known values of training for the rows that follow;
        None takes the history of every `X` as unknown.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of columns seen in ``fit``, if they are all strings.

    See Also
    --------
    sklearn.impute.SimpleImputer : The training mean, which does not look back.

    Examples
    --------
    >>> import numpy as np
    >>> from sktsdl import ForwardFill
    >>> X = np.array([[np.nan], [1.0], [np.nan], [4.0]])
    >>> fill = ForwardFill().fit(X)
    >>> fill.transform(X).ravel()
    array([nan,  1.,  1.,  4.])
    >>> fill.transform([[np.nan], [5.0], [np.nan]]).ravel()
    array([4., 5., 5.])
    >>> ForwardFill(add_indicator=True).fit(X).get_feature_names_out(["rail"])
    array(['rail', 'rail_missing'], dtype=object)
    """

    _limit: int | None
    _takes_missing = True

    def __init__(
        self,
        *,
        limit: int | None = None,
        add_indicator: bool = False,
        history: Literal["tail"] | None = "tail",
    ) -> None:
        self.limit = limit
        self.add_indicator = add_indicator
        self.history = history

    def get_feature_names_out(
        self, input_features: ArrayLike | None = None
    ) -> np.ndarray:
        """Name the columns, and then the indicators, such as ``rail_missing``.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns, if ``fit`` has seen none.

        Returns
        -------
        names : ndarray of shape (n_features_out,), dtype object
        """
        names = super().get_feature_names_out(input_features)
        added = [f"{name}_missing" for name in names] if self._adds else []
        return np.array([*names, *added], dtype=object)

    def _check_n_back(self) -> int:
        check_option("add_indicator", self.add_indicator, (False, True))
        self._adds, self._limit = bool(self.add_indicator), None
        if self.limit is None:
            return 1  # a row in a history has the last known values
        check_scalar(self.limit, "limit", Integral, min_val=1)
        self._limit = int(self.limit)
        return self._limit

    def _validate(self, X: ArrayLike, *, reset: bool) -> np.ndarray:
        rows = super()._validate(X, reset=reset)
        if not reset:
            warn_of_unknown_ahead(X)
        return rows

    def _states(self, rows: np.ndarray, panel: Panel | None) -> np.ndarray | None:
        """Return the rows with the last known values, which are one row of history."""
        if self._limit is not None:
            return None
        if panel is None:
            return last_known(rows, np.zeros(1, dtype=int))
        filled = last_known(panel.by_series(rows), panel.bounds[:-1])
        return filled[panel.place]

    def _states_of(self, joined: Joined) -> np.ndarray | None:
        return self._filled(joined) if self._limit is None else None

    def _output(self, joined: Joined, X: ArrayLike) -> Output:
        output = self._filled(joined)
        if self._adds:
            rows = joined.rows[joined.n_back :]
            rows = rows if joined.ends is None else rows[joined.ends]
            output = np.hstack([output, np.isnan(rows).astype(output.dtype)])
        if isinstance(X, pd.DataFrame):
            return pd.DataFrame(output, index=X.index, columns=self._columns(X))
        return output

    def _look_back(self, padded: np.ndarray) -> np.ndarray:
        return self._filled(Joined(padded, self._tail.n_back))

    def _filled(self, joined: Joined) -> np.ndarray:
        """Return the filled rows of `X`."""
        starts = np.zeros(1, dtype=int)
        if isinstance(joined, JoinedSeries):
            starts = np.r_[0, joined.n_back + joined.starts]
        filled = last_known(joined.rows, starts, self._limit)[joined.n_back :]
        return filled if joined.ends is None else filled[joined.ends]

    def _columns(self, X: pd.DataFrame) -> pd.Index:
        if not self._adds:
            return X.columns
        added = [f"{name}_missing" for name in X.columns]
        return pd.Index([*X.columns, *added], tupleize_cols=False)


def last_known(
    rows: np.ndarray, starts: np.ndarray, limit: int | None = None
) -> np.ndarray:
    """Return for each value the last known value of its column and series.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Series by series, NaN if a value is not known.
    starts : ndarray of int
        The first row of each series.
    limit : int or None, default=None
        How many rows before it the known value may be.
    """
    number = np.arange(len(rows))[:, None]
    known = np.where(np.isnan(rows), -1, number)
    last = np.maximum.accumulate(known, axis=0)
    sizes = np.diff(np.append(starts, len(rows)))
    first = np.repeat(starts, sizes)[:, None]
    oldest = first if limit is None else np.maximum(first, number - limit)
    values = np.take_along_axis(rows, np.maximum(last, 0), axis=0)
    filled: np.ndarray = np.where(last >= oldest, values, np.nan).astype(rows.dtype)
    return filled
