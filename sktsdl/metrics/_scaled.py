"""Errors relative to those of the seasonal naive forecast in training."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sktsdl._sklearn.docs import fill_docs
from sktsdl._windows.scored_rows import ScoredRows
from sktsdl.metrics._texts import TEXTS


def mase(
    y_true: ArrayLike, y_pred: ArrayLike, *, y_train: ArrayLike, period: int = 1
) -> float:
    r"""Return the mean absolute scaled error [1]_.

    .. math:: \frac{1}{S} \sum_{i=1}^S \frac{1}{q_i n_i}
        \sum_t |y_{i,t} - \hat y_{i,t}|, \qquad
        q_i = \frac{1}{T_i - m} \sum_{t=m+1}^{T_i} |x_{i,t} - x_{i,t-m}|

    with :math:`S` series of :math:`n_i` true values :math:`y_{i,t}` and :math:`T_i`
    training rows :math:`x_{i,t}`. The scale :math:`q_i` is the error of the seasonal
    naive forecast one season ahead inside the training rows. Each series has the same
    weight. Errors below 1 are smaller than this.

    Parameters
    ----------
    {y_true}
    {y_pred}
    {y_train}

    Returns
    -------
    error : float
        The mean over all series.

    Raises
    ------
    {scaled}

    References
    ----------
    .. [1] R. J. Hyndman and A. B. Koehler (2006). Another look at measures of forecast
       accuracy. International Journal of Forecasting 22(4).

    Examples
    --------
    >>> from sktsdl.metrics import mase
    >>> mase([5, 7], [6, 7], y_train=[1, 3, 2, 5, 3], period=2)
    0.375

    In a search, it is a scorer by scikit-learn's ``make_scorer``. The training rows may
    be those of the whole search, as they give each series its scale and nothing else:

    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.metrics import make_scorer
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sktsdl import PanelTimeSeriesSplit, make_supervised
    >>> from sktsdl.datasets import make_panel
    >>> sales = make_panel(random_state=0)
    >>> X, y, X_latest = make_supervised(
    ...     sales, target="units", horizon=7, known_future="promo"
    ... )
    >>> scorer = make_scorer(
    ...     mase, greater_is_better=False, y_train=sales["units"], period=7
    ... )
    >>> search = GridSearchCV(
    ...     Ridge(), {"alpha": [1, 10]}, scoring=scorer, cv=PanelTimeSeriesSplit(2)
    ... )
    >>> bool(search.fit(X, y).best_score_ < 0)
    True
    """
    rows = ScoredRows.of(y_true)
    errors = np.abs(rows.truth - rows.forecasts(y_pred, "y_pred"))
    scales = rows.scales(y_train, period)
    return float(np.mean(rows.mean_by_series(errors) / scales))


def rmsse(
    y_true: ArrayLike, y_pred: ArrayLike, *, y_train: ArrayLike, period: int = 1
) -> float:
    r"""Return the root mean squared scaled error [1]_.

    .. math:: \frac{1}{S} \sum_{i=1}^S \sqrt{\frac{1}{q_i n_i}
        \sum_t (y_{i,t} - \hat y_{i,t})^2}, \qquad
        q_i = \frac{1}{T_i - m} \sum_{t=m+1}^{T_i} (x_{i,t} - x_{i,t-m})^2

    with the symbols of `mase`. The M5 competition [2]_ used it with `period` 1, and
    weighted the series by their sales, which this mean does not.

    Parameters
    ----------
    {y_true}
    {y_pred}
    {y_train}

    Returns
    -------
    error : float
        The mean over all series.

    Raises
    ------
    {scaled}

    References
    ----------
    .. [1] R. J. Hyndman and A. B. Koehler (2006). Another look at measures of forecast
       accuracy. International Journal of Forecasting 22(4).
    .. [2] S. Makridakis, E. Spiliotis and V. Assimakopoulos (2022). M5 accuracy
       competition: Results, findings, and conclusions. International Journal of
       Forecasting 38(4).

    Examples
    --------
    >>> from sktsdl.metrics import rmsse
    >>> rmsse([5, 7], [8, 7], y_train=[1, 4, 1, 4])
    0.707...
    """
    rows = ScoredRows.of(y_true)
    errors = (rows.truth - rows.forecasts(y_pred, "y_pred")) ** 2
    scales = rows.scales(y_train, period, power=2)
    return float(np.mean(np.sqrt(rows.mean_by_series(errors) / scales)))


def mase_weights(
    y_true: ArrayLike, *, y_train: ArrayLike, period: int = 1
) -> np.ndarray:
    r"""Return the weight of each row in the MASE of many series.

    .. math:: w_t = \frac{n}{S\, n_i\, q_i}

    for the :math:`n_i` of :math:`n` rows that are of series :math:`i`, with the symbols
    of `mase`. The mean of weights times absolute errors is the MASE. Give them as
    `sample_weight` to a net with ``loss="absolute_error"`` and
    ``loss_scale="target"``, which is then trained for the MASE.

    A weighted mean, such as scikit-learn's ``mean_absolute_error`` with these weights
    as `sample_weight`, divides by the mean of the weights: times this mean, it is the
    MASE.

    Parameters
    ----------
    {y_true}
    {y_train}

    Returns
    -------
    weights : ndarray of shape (n_rows,), float64
        Greater than 0.

    Raises
    ------
    {scaled}

    Examples
    --------
    >>> import numpy as np
    >>> from sktsdl.datasets import make_panel
    >>> from sktsdl.metrics import mase, mase_weights
    >>> train = make_panel(random_state=0)["units"]
    >>> weights = mase_weights(train, y_train=train, period=7)
    >>> error = mase(train, train + 3, y_train=train, period=7)
    >>> bool(np.isclose(np.mean(3 * weights), error))
    True
    """
    rows = ScoredRows.of(y_true)
    of_series = 1 / (rows.counts * rows.scales(y_train, period))
    weights: np.ndarray = len(rows.truth) * of_series[rows.series] / len(of_series)
    return weights


for function in (mase, rmsse, mase_weights):
    fill_docs(function, TEXTS)
