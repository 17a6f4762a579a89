"""Errors in percent, and the average of the M4 competition."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sktsdl._sklearn.docs import fill_docs
from sktsdl._windows.scored_rows import ScoredRows
from sktsdl.metrics._scaled import mase
from sktsdl.metrics._texts import TEXTS


def smape(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    r"""Return the symmetric mean absolute percentage error of the M4 competition [1]_.

    .. math:: \frac{1}{S} \sum_{i=1}^S \frac{1}{n_i} \sum_t
        \frac{200\, |y_{i,t} - \hat y_{i,t}|}{|y_{i,t}| + |\hat y_{i,t}|}

    with the symbols of `mase`. It is a percentage from 0 to 200. A forecast of 0 for a
    true 0 has no error.

    Parameters
    ----------
    {y_true}
    {y_pred}

    Returns
    -------
    error : float
        The mean over all series, in percent.

    Raises
    ------
    ValueError
        If a value is NaN or infinite, or if the rows or columns do not fit together.

    References
    ----------
    .. [1] S. Makridakis, E. Spiliotis and V. Assimakopoulos (2020). The M4 Competition:
       100,000 time series and 61 forecasting methods. International Journal of
       Forecasting 36(1).

    Examples
    --------
    >>> from sktsdl.metrics import smape
    >>> smape([100, 300], [300, 300])
    50.0
    """
    rows = ScoredRows.of(y_true)
    forecast = rows.forecasts(y_pred, "y_pred")
    sizes = np.abs(rows.truth) + np.abs(forecast)
    errors = np.zeros_like(sizes)
    np.divide(200 * np.abs(rows.truth - forecast), sizes, errors, where=sizes > 0)
    return float(np.mean(rows.mean_by_series(errors)))


def owa(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    y_train: ArrayLike,
    period: int = 1,
    y_naive: ArrayLike,
) -> float:
    r"""Return the overall weighted average of the M4 competition [1]_.

    .. math:: \frac{1}{2} \left( \frac{\mathrm{sMAPE}}{\mathrm{sMAPE}_n} +
        \frac{\mathrm{MASE}}{\mathrm{MASE}_n} \right)

    Both errors are means over all series, and are divided by those of the naive
    forecast :math:`n`. In the competition it is "Naive 2": the last value of the series
    without its season, to which the season is added again.

    Parameters
    ----------
    {y_true}
    {y_pred}
    {y_train}
    y_naive : array-like of the shape of `y_true`
        The naive forecasts of the same rows, which must have an error.

    Returns
    -------
    error : float
        1 for the naive forecast; less is better.

    Raises
    ------
    {scaled}

    References
    ----------
    .. [1] S. Makridakis, E. Spiliotis and V. Assimakopoulos (2020). The M4 Competition:
       100,000 time series and 61 forecasting methods. International Journal of
       Forecasting 36(1).

    Examples
    --------
    >>> from sktsdl.metrics import owa
    >>> owa([5, 7], [6, 7], y_train=[1, 3, 2, 5], y_naive=[5, 5])
    0.5227...
    """
    rows = ScoredRows.of(y_true)
    naive = rows.forecasts(y_naive, "y_naive")
    if np.array_equal(naive, rows.truth):
        raise ValueError(
            "y_naive equals y_true, and nothing can be divided by its error of 0: give "
            "the forecasts of a naive method."
        )
    both = y_pred, y_naive
    smapes = [smape(y_true, y) for y in both]
    mases = [mase(y_true, y, y_train=y_train, period=period) for y in both]
    return (smapes[0] / smapes[1] + mases[0] / mases[1]) / 2


for function in (smape, owa):
    fill_docs(function, TEXTS)
