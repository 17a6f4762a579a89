"""Standardised logarithms of the ratio of each row to the one before."""

from numbers import Real
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Tags, check_scalar

from sktsdl._sklearn.cells import describe_cell
from sktsdl._windows.missing import name_column
from sktsdl._windows.panel import Panel
from sktsdl.preprocessing._invertible import InvertibleTransformer


class RatioLogScaler(InvertibleTransformer):
    r"""Turn levels into standardised logarithms of their ratios.

    .. math::

        z_t = \frac{\log\left(\frac{x_t + o}{x_{t-1} + o} + \epsilon\right)
        - \mu}{\sigma}

    with :math:`\mu`, :math:`\sigma` the mean and the standard deviation of the
    logarithms over the training rows. A level that grows by the same share looks the
    same at any height, which suits series that grow, such as prices or passengers.

    The first training row has no row before it, so its output is NaN.

    {history}

    Parameters
    ----------
    epsilon : float, default=1e-10
        Added to the ratio, so that its logarithm stays finite.
    offset : float, default=0.0
        Added to the levels, in their units, to make them positive.
    history : {"tail", None}, default="tail"
        ``"tail"`` remembers the last training row for the rows that follow; None
        gives NaN for the first row of every `X`.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
        Mean of the logarithms over the training rows.
    scale_ : ndarray of shape (n_features,)
        Their standard deviation, 1 for a column that grows by a constant share.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of columns seen in ``fit``, if they are all strings.

    See Also
    --------
    SeasonalDifference : Differences, which take zero and negative levels.
    RelativeTargetRegressor : The same idea for the target.

    Examples
    --------
    >>> import numpy as np
    >>> from sktsdl import RatioLogScaler
    >>> X = np.array([[100.0], [110.0], [99.0], [99.0]])
    >>> scaler = RatioLogScaler().fit(X)
    >>> scaler.transform(X).ravel().round(3)
    array([   nan,  1.204, -1.245,  0.041])
    >>> scaler.transform([[108.9]]).round(3)  # 10 % more than the last training row
    array([[1.204]])
    >>> scaler.inverse_transform(scaler.transform([[108.9]])).round(3)
    array([[108.9]])
    """

    _min_rows = 2

    def __init__(
        self,
        *,
        epsilon: float = 1e-10,
        offset: float = 0.0,
        history: Literal["tail"] | None = "tail",
    ) -> None:
        self.epsilon = epsilon
        self.offset = offset
        self.history = history

    def _check_n_back(self) -> int:
        check_scalar(self.epsilon, "epsilon", Real, min_val=0)
        check_scalar(self.offset, "offset", Real)
        for name in ("epsilon", "offset"):
            if not np.isfinite(getattr(self, name)):
                raise ValueError(f"{name}={getattr(self, name)} must be finite.")
        return 1

    def _validate(self, X: ArrayLike, *, reset: bool) -> np.ndarray:
        rows = super()._validate(X, reset=reset)
        levels = rows + self.offset
        if (levels <= 0).any():
            row, column = (int(i) for i in np.argwhere(levels <= 0)[0])
            sign = "Negative" if levels[row, column] < 0 else "Zero"
            level, cell = levels[row, column], describe_cell(X, row, column)
            raise ValueError(
                f"{sign} values in data: X + offset is {level:g} in {cell}, where "
                f"`RatioLogScaler` needs it positive: raise `offset` (now "
                f"{self.offset:g}), or use `SeasonalDifference`."
            )
        return rows

    def _fit_rows(self, rows: np.ndarray, panel: Panel | None) -> None:
        if panel is None:
            logs = self._log_ratio(rows)
        else:
            logs = self._log_ratio(panel.by_series(rows))
            logs = np.delete(logs, panel.bounds[1:-1] - 1, axis=0)
        empty = np.isnan(logs).all(axis=0)
        if empty.any():
            names = getattr(self, "feature_names_in_", None)
            raise ValueError(
                f"X has no two consecutive known rows in "
                f"{name_column(int(empty.argmax()), names)}, so no ratio can be "
                "computed: give more rows, or drop the column."
            )
        scaler = StandardScaler().fit(logs)
        self.mean_, self.scale_ = scaler.mean_, scaler.scale_

    def _log_ratio(self, rows: np.ndarray) -> np.ndarray:
        levels = rows.astype(np.float64) + self.offset
        return np.log(levels[1:] / levels[:-1] + self.epsilon)

    def _look_back(self, padded: np.ndarray) -> np.ndarray:
        output = (self._log_ratio(padded) - self.mean_) / self.scale_
        return output.astype(padded.dtype, copy=False)

    def _invert(self, before: np.ndarray, output: np.ndarray) -> np.ndarray:
        ratios = np.exp(output.astype(np.float64) * self.scale_ + self.mean_)
        growth = np.cumprod(ratios - self.epsilon, axis=0)
        levels = (before[-1:] + self.offset) * growth - self.offset
        return levels.astype(output.dtype, copy=False)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags
