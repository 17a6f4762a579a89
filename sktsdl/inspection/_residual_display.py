"""The residuals of a forecast, and whether a pattern is left in them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length
from sklearn.utils._optional_dependencies import check_matplotlib_support

from sktsdl.inspection._display import (
    BLACK,
    BLUE,
    N_MARKED,
    ORANGE,
    SKY,
    Display,
    check_finite_array,
    draw_autocorrelation,
    hide_spines,
    label_times,
    positions,
    target_name,
)
from sktsdl.inspection._drawn import drawn_residuals
from sktsdl.inspection._residual_diagnostics import residual_diagnostics
from sktsdl.inspection._series import pick_series, row_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

THREE_AXES = """\
ax : sequence of 3 matplotlib Axes or None, default=None
    The axes to draw on; None draws on a new figure."""

ERRORS = """\
ImportError
    If matplotlib or statsmodels is missing.
ValueError
    If shapes do not fit, there are fewer than 4 residuals, all are equal, or `series`
    names none of many series."""


class ResidualDisplay(Display):
    r"""Residuals over time, their distribution and their autocorrelation.

    Residuals without a pattern have autocorrelations :math:`r_k` inside the band
    :math:`\pm 1.96 / \sqrt n` for 19 lags of 20. The statistic of Ljung and Box [1]_
    tests all lags together:

    .. math:: Q = n (n + 2) \sum_{k=1}^{K} \frac{r_k^2}{n - k}.

    A small p-value means that the residuals have a predictable pattern. Forecasts of
    more than one step ahead overlap, so that even the best forecasts leave a pattern.

    Use `from_estimator` or `from_predictions` to make one.

    Parameters
    ----------
    residuals : ndarray of shape (n,)
        Truth minus forecast.
    index : pandas.Index of shape (n,)
        The time of each residual.
    acf : ndarray of shape (n_lags,)
        The autocorrelation of the residuals, from lag 1 on.
    p_value : float
        The p-value of the test of Ljung and Box over these lags.
    name : str or None, default=None
        The name of the target, with its unit.
    title : str or None, default=None
        The title of the picture, such as the name of the series.

    Attributes
    ----------
    ax_ : ndarray of 3 matplotlib Axes
        The axes of the residuals over time, the histogram and the autocorrelation.
    figure_ : matplotlib Figure
        The figure of these axes.

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

    _docs: ClassVar = Display._docs | {"ax": THREE_AXES, "errors": ERRORS}

    def __init__(
        self,
        *,
        residuals: np.ndarray,
        index: pd.Index,
        acf: np.ndarray,
        p_value: float,
        name: str | None = None,
        title: str | None = None,
    ) -> None:
        self.residuals = residuals
        self.index = index
        self.acf = acf
        self.p_value = p_value
        self.name = name
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike,
        y: ArrayLike,
        *,
        target: int = 0,
        series: Hashable = None,
        n_lags: int | None = None,
        name: str | None = None,
        ax: Sequence[Axes] | np.ndarray | None = None,
    ) -> Self:
        """Draw the residuals of a fitted regressor.

        Parameters
        ----------
        estimator : estimator
            A fitted regressor or pipeline.
        X : array-like
            As for ``estimator.predict``; the index of a DataFrame gives the times.
        y : array-like of shape (n,) or (n, n_outputs)
            The truth.
        target : int, default=0
            The column of `y` that is drawn if there are several, such as the step of
            the horizon, counted from 0. Its residuals stand at the time of the row that
            made the forecast. If all targets are one step ahead, they stand at the time
            of the next row, from which ``make_supervised`` takes `y`.
        {series}
        n_lags, name
            As in `from_predictions`.
        {ax}

        Returns
        -------
        display : ResidualDisplay
            The drawn display.

        Raises
        ------
        {errors}
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        drawn = drawn_residuals(
            estimator, X, y, target=target, series=series, name=name
        )
        return cls._of(**drawn, n_lags=n_lags).plot(ax=ax)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        n_lags: int | None = None,
        index: pd.Index | np.ndarray | Sequence | None = None,
        series: Hashable = None,
        name: str | None = None,
        ax: Sequence[Axes] | np.ndarray | None = None,
    ) -> Self:
        """Draw the residuals of a given forecast.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n,)
            Truth and forecast, oldest first and without gaps.
        n_lags : int or None, default=None
            The number of lags of the autocorrelation; None takes ``10 * log10(n)``, at
            most half of the rows.
        index : array-like of shape (n,) or None, default=None
            The time of each value; None takes the index of `y_true`. A MultiIndex has
            the names of many series, and the times.
        {series}
        name : str or None, default=None
            The name of the target, with its unit; None takes it from `y_true`.
        {ax}

        Returns
        -------
        display : ResidualDisplay
            The drawn display.

        Raises
        ------
        {errors}
        """
        check_matplotlib_support(f"{cls.__name__}.from_predictions")
        labels = row_labels(y_true, index)
        check_consistent_length(y_true, y_pred, labels)
        picked = pick_series(labels, series, "the forecast")
        display = cls._of(
            np.asarray(y_true)[picked.rows],
            np.asarray(y_pred)[picked.rows],
            index=picked.times,
            n_lags=n_lags,
            name=name or target_name(y_true),
            title=picked.title,
        )
        return display.plot(ax=ax)

    @classmethod
    def _of(
        cls,
        y_true: np.ndarray,
        y_pred: np.ndarray,
        *,
        n_lags: int | None,
        **kwargs: Any,
    ) -> Self:
        """Compute the residuals of one series."""
        truth = check_finite_array(y_true, "y_true")
        residuals = truth - check_finite_array(y_pred, "y_pred")
        acf, p_value = residual_diagnostics(residuals, n_lags)
        return cls(residuals=residuals, acf=acf, p_value=p_value, **kwargs)

    def plot(self, ax: Any = None) -> Self:
        """Draw the picture.

        Parameters
        ----------
        {ax}

        Returns
        -------
        self : object
            The display.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            If `ax` does not hold 3 axes.
        """
        return super().plot(ax)

    def _new_axes(self) -> np.ndarray:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=(6.4, 5.2), layout="constrained")
        axes = figure.subplot_mosaic([["time", "time"], ["values", "lags"]])
        return np.array([axes["time"], axes["values"], axes["lags"]])

    def _check_axes(self, ax: Any) -> np.ndarray:
        axes: np.ndarray = np.ravel(ax)
        if len(axes) != 3:
            raise ValueError(
                f"ax holds {len(axes)} axes, but the picture has 3 parts: give 3 axes."
            )
        return axes

    def _draw(self, ax: np.ndarray) -> None:
        over_time, histogram, correlation = ax
        n = len(self.residuals)
        unit = f"\n({self.name})" if self.name else ""
        what = f"truth \N{MINUS SIGN} forecast{unit}"
        over_time.axhline(0, color=BLACK, linewidth=0.8)
        over_time.plot(
            positions(self.index),
            self.residuals,
            "o-" if n <= N_MARKED else "-",
            color=BLUE,
            linewidth=1,
            markersize=3,
        )
        label_times(over_time, self.index)
        if self.title is not None:
            over_time.set_title(self.title)
        over_time.set_ylabel(what)

        histogram.hist(self.residuals, bins="auto", color=SKY, edgecolor=BLACK)
        mean = float(self.residuals.mean())
        label = f"mean {mean:,.3g}".replace("-", "\N{MINUS SIGN}")
        histogram.axvline(mean, color=ORANGE, linestyle="--", label=label)
        histogram.set_xlabel(what)
        histogram.set_ylabel("rows")
        histogram.legend(frameon=False, fontsize="small")

        draw_autocorrelation(correlation, self.acf, n, self.p_value)
        for part in ax:
            hide_spines(part)
