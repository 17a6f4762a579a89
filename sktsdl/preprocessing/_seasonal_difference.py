"""Differences to the row one period before."""

from numbers import Integral
from typing import Literal

import numpy as np
from sklearn.utils import check_scalar

from sktsdl._windows.panel import Panel
from sktsdl.preprocessing._invertible import InvertibleTransformer


class SeasonalDifference(InvertibleTransformer):
    r"""Turn levels into differences to the level one period before.

    .. math:: d_t = x_t - x_{t-p}

    with :math:`p` the `period`. The differences are free of a season of this length and
    of a drifting level [1]_.

    The first `period` training rows have no row one period before them, so their
    output is NaN.

    {history}

    Parameters
    ----------
    period : int, default=1
        The number of rows in a season; 1 gives plain differences.
    history : {"tail", None}, default="tail"
        ``"tail"`` remembers the last `period` training rows for the rows that
        follow; None gives NaN for the first `period` rows of every `X`.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of columns seen in ``fit``, if they are all strings.

    See Also
    --------
    RatioLogScaler : Ratios, for levels that grow by shares.

    References
    ----------
    .. [1] G. E. P. Box and G. M. Jenkins (1970). Time Series Analysis: Forecasting
       and Control. Holden-Day.

    Examples
    --------
    >>> import numpy as np
    >>> from sktsdl import SeasonalDifference
    >>> X = np.array([[1.0], [5.0], [2.0], [7.0]])
    >>> difference = SeasonalDifference(period=2).fit(X)
    >>> difference.transform(X).ravel()
    array([nan, nan,  1.,  2.])
    >>> difference.transform([[3.0], [9.0]]).ravel()
    array([1., 2.])
    >>> difference.inverse_transform([[1.0], [2.0]]).ravel()
    array([3., 9.])
    """

    def __init__(
        self, period: int = 1, *, history: Literal["tail"] | None = "tail"
    ) -> None:
        self.period = period
        self.history = history

    def _check_n_back(self) -> int:
        check_scalar(self.period, "period", Integral, min_val=1)
        return int(self.period)

    def _fit_rows(self, rows: np.ndarray, panel: Panel | None) -> None:
        n_rows = len(rows) if panel is None else int(panel.counts.max())
        if n_rows <= self.period:
            raise ValueError(
                f"X has {n_rows} rows (n_samples={n_rows}) of a series, and none of "
                f"them has a row period={self.period} rows before it: give at least "
                f"{self.period + 1} rows, or a smaller `period`."
            )

    def _look_back(self, padded: np.ndarray) -> np.ndarray:
        period = self._tail.n_back
        return padded[period:] - padded[:-period]

    def _invert(self, before: np.ndarray, output: np.ndarray) -> np.ndarray:
        period = self._tail.n_back
        levels = np.empty_like(output)
        for phase in range(min(period, len(output))):
            steps = output[phase::period].cumsum(axis=0)
            levels[phase::period] = before[phase - period] + steps
        return levels
