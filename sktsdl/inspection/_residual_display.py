"""What a forecast missed, and whether a pattern is left in it."""

from numbers import Integral
from statistics import NormalDist
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length, check_scalar
from sklearn.utils._optional_dependencies import check_matplotlib_support

from sktsdl.inspection._display import (
    BLACK,
    BLUE,
    N_MARKED,
    ORANGE,
    SKY,
    finite,
    label_times,
    next_times,
    positions,
    row_index,
    target_name,
    without_frame,
)

CONFIDENCE = 0.95


class ResidualDisplay:
    r"""Residuals over time, their distribution and their autocorrelation.

    Residuals without a pattern have autocorrelations :math:`r_k` inside the band
    :math:`\pm 1.96 / \sqrt n` for 19 lags of 20. All of them together are tested by
    the statistic of Ljung and Box [1]_,

    .. math:: Q = n (n + 2) \sum_{k=1}^{K} \frac{r_k^2}{n - k},

    whose small p-value says that something predictable is left. Forecasts more than
    one step ahead overlap, and so leave a pattern even where they are as good as can
    be.

    Make one by `from_estimator` or `from_predictions`.

    Parameters
    ----------
    residuals : ndarray of shape (n,)
        Truth less forecast.
    index : pandas.Index of shape (n,)
        The time of each.
    acf : ndarray of shape (n_lags,)
        Their autocorrelation, from lag 1 on.
    p_value : float
        That of the test of all these lags.
    name : str or None, default=None
        What is forecast, with its unit.

    Attributes
    ----------
    ax_ : ndarray of 3 matplotlib Axes
        Over time, the histogram, the autocorrelation.
    figure_ : matplotlib Figure
        Their figure.

    References
    ----------
    .. [1] G. M. Ljung and G. E. P. Box (1978). On a Measure of Lack of Fit in Time
       Series Models. Biometrika 65(2).

    Examples
    --------
    >>> from sktsdl import SeasonalNaiveRegressor, make_supervised
    >>> from sktsdl.datasets import load_air_passengers
    >>> from sktsdl.inspection import ResidualDisplay
    >>> X, y, _ = make_supervised(load_air_passengers(), target="passengers")
    >>> naive = SeasonalNaiveRegressor(12).fit(X[:100], y[:100])
    >>> display = ResidualDisplay.from_estimator(naive, X[100:], y[100:])
    >>> display.p_value < 0.01
    True
    """

    def __init__(
        self,
        *,
        residuals: np.ndarray,
        index: pd.Index,
        acf: np.ndarray,
        p_value: float,
        name: str | None = None,
    ) -> None:
        self.residuals = residuals
        self.index = index
        self.acf = acf
        self.p_value = p_value
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        target: int = 0,
        n_lags: int | None = None,
        name: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw what a fitted regressor misses.

        Parameters
        ----------
        estimator : estimator
            A fitted regressor or pipeline.
        X : array-like
            As for ``estimator.predict``; the index of a DataFrame gives the times.
        y : array-like of shape (n,) or (n, n_outputs)
            The truth.
        target : int, default=0
            With several outputs, which one is drawn, such as the step of the horizon,
            counted from 0. Its times are those of the rows the forecast was made in;
            with one output, of the next ones, where ``make_supervised`` takes `y`.
        n_lags, name, ax
            As in `from_predictions`.

        Returns
        -------
        display : ResidualDisplay
            The picture.

        Raises
        ------
        ImportError
            If matplotlib or statsmodels is missing.
        ValueError
            If shapes do not fit, or nothing can be drawn of the residuals.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        y_pred = np.asarray(estimator.predict(X))
        index = row_index(X)
        name = name or target_name(y)
        if y_pred.ndim == 1 or y_pred.shape[1] == 1:
            times, truth = next_times(index), y
        else:
            last = y_pred.shape[1] - 1
            check_scalar(target, "target", Integral, min_val=0, max_val=last)
            times, truth, y_pred = index, np.asarray(y)[:, target], y_pred[:, target]
        return cls.from_predictions(
            truth,
            y_pred,
            n_lags=n_lags,
            index=times.rename(index.name),
            name=name,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_pred: Any,
        *,
        n_lags: int | None = None,
        index: Any = None,
        name: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw what a forecast that is at hand missed.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n,)
            Truth and forecast, oldest first and without gaps.
        n_lags : int or None, default=None
            The lags of the autocorrelation; None takes ``10 * log10(n)``, at most half
            of the rows.
        index : array-like of shape (n,) or None, default=None
            The time of each value; None takes the index of `y_true`.
        name : str or None, default=None
            What is forecast, with its unit; None takes it from `y_true`.
        ax : sequence of 3 matplotlib Axes or None, default=None
            None draws on a new figure.

        Returns
        -------
        display : ResidualDisplay
            The picture.

        Raises
        ------
        ImportError
            If matplotlib or statsmodels is missing.
        ValueError
            If shapes do not fit, or nothing can be drawn of the residuals.
        """
        check_matplotlib_support(f"{cls.__name__}.from_predictions")
        try:
            from statsmodels.stats.diagnostic import acorr_ljungbox
            from statsmodels.tsa.stattools import acf
        except ImportError as error:
            raise ImportError(
                "ResidualDisplay needs statsmodels, which is not installed: pip "
                'install "sktsdl[plot]".'
            ) from error
        name = name or target_name(y_true)
        index = row_index(y_true) if index is None else pd.Index(index)
        truth, forecast = finite(y_true, "y_true"), finite(y_pred, "y_pred")
        check_consistent_length(truth, forecast, index)
        residuals = truth - forecast
        n = len(residuals)
        if n < 4 or np.ptp(residuals) == 0:
            raise ValueError(
                f"{n} residuals between {residuals.min():g} and {residuals.max():g} "
                "have no autocorrelation: give at least 4 that differ."
            )
        if n_lags is None:
            n_lags = min(int(10 * np.log10(n)), n // 2)
        check_scalar(n_lags, "n_lags", Integral, min_val=1, max_val=n - 1)
        test = acorr_ljungbox(residuals, lags=[n_lags])
        display = cls(
            residuals=residuals,
            index=index,
            acf=acf(residuals, nlags=n_lags)[1:],
            p_value=float(test["lb_pvalue"].iloc[0]),
            name=name,
        )
        return display.plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the picture.

        Parameters
        ----------
        ax : sequence of 3 matplotlib Axes or None, default=None
            None draws on a new figure.

        Returns
        -------
        self : ResidualDisplay
            The picture.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        over_time, histogram, correlation = axes = _three_axes(ax)
        n = len(self.residuals)
        is_marked = n <= N_MARKED
        what = "truth \N{MINUS SIGN} forecast"
        if self.name:
            what = f"{what}\n({self.name})"
        over_time.axhline(0, color=BLACK, linewidth=0.8)
        over_time.plot(
            positions(self.index),
            self.residuals,
            color=BLUE,
            linewidth=1,
            marker="o" if is_marked else None,
            markersize=3,
        )
        label_times(over_time, self.index)
        over_time.set_ylabel(what)

        histogram.hist(self.residuals, bins="auto", color=SKY, edgecolor=BLACK)
        mean = float(self.residuals.mean())
        label = f"mean {mean:,.3g}".replace("-", "\N{MINUS SIGN}")
        histogram.axvline(mean, color=ORANGE, linestyle="--", label=label)
        histogram.set_xlabel(what)
        histogram.set_ylabel("rows")
        histogram.legend(frameon=False, fontsize="small")

        band = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) / np.sqrt(n)
        lags = np.arange(1, len(self.acf) + 1)
        correlation.axhspan(-band, band, color=SKY, alpha=0.4, linewidth=0)
        correlation.axhline(0, color=BLACK, linewidth=0.8)
        correlation.vlines(lags, 0, self.acf, color=BLUE)
        correlation.plot(lags, self.acf, "o", color=BLUE, markersize=3)
        correlation.set_xlabel("lag (rows)")
        correlation.set_ylabel("autocorrelation")
        p_value = "< 0.001" if self.p_value < 0.001 else f"= {self.p_value:.3f}"
        correlation.set_title(
            f"Ljung-Box p {p_value}; band: {CONFIDENCE:.0%}", fontsize="medium"
        )
        for part in axes:
            without_frame(part)
        self.ax_, self.figure_ = axes, over_time.figure
        return self


def _three_axes(ax: Any) -> np.ndarray:
    """Return three axes, of a figure of their own if there are none."""
    import matplotlib.pyplot as plt

    if ax is None:
        figure = plt.figure(figsize=(6.4, 5.2), layout="constrained")
        drawn = figure.subplot_mosaic([["time", "time"], ["values", "lags"]])
        return np.array([drawn["time"], drawn["values"], drawn["lags"]])
    axes: np.ndarray = np.ravel(ax)
    if len(axes) != 3:
        raise ValueError(f"ax holds {len(axes)} axes, and 3 are drawn on: give 3.")
    return axes
