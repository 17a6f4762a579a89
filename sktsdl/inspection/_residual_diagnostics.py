"""Statistics of residuals, apart from their picture."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_scalar


def residual_diagnostics(
    residuals: np.ndarray, n_lags: int | None = None
) -> tuple[np.ndarray, float]:
    """Return the autocorrelation of residuals and the p-value of Ljung and Box.

    Parameters
    ----------
    residuals : ndarray of shape (n,)
        Truth minus forecast, oldest first and without gaps.
    n_lags : int or None, default=None
        The number of lags; None takes ``10 * log10(n)``, at most half of the rows.

    Returns
    -------
    acf : ndarray of shape (n_lags,)
        The autocorrelation, from lag 1 on.
    p_value : float
        The p-value of the test that all these autocorrelations are 0.

    Raises
    ------
    ImportError
        If statsmodels is missing.
    ValueError
        If there are fewer than 4 residuals, all are equal, or `n_lags` is not from 1
        to n - 1.
    """
    try:
        from statsmodels.stats.diagnostic import acorr_ljungbox
        from statsmodels.tsa.stattools import acf
    except ImportError as error:
        raise ImportError(
            "ResidualDisplay needs statsmodels, which is not installed: pip "
            'install "sktsdl[plot]".'
        ) from error
    n = len(residuals)
    if n < 4 or np.ptp(residuals) == 0:
        raise ValueError(
            f"{n} residuals between {residuals.min():g} and {residuals.max():g} have "
            "no autocorrelation: give at least 4 residuals, not all of them equal."
        )
    if n_lags is None:
        n_lags = min(int(10 * np.log10(n)), n // 2)
    check_scalar(n_lags, "n_lags", Integral, min_val=1, max_val=n - 1)
    test = acorr_ljungbox(residuals, lags=[n_lags])
    return acf(residuals, nlags=n_lags)[1:], float(test["lb_pvalue"].iloc[0])
