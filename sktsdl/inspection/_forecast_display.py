"""A forecast beside the truth."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length
from sklearn.utils._optional_dependencies import check_matplotlib_support

from sktsdl.inspection._display import target_name
from sktsdl.inspection._drawn import drawn_forecast
from sktsdl.inspection._forecast_picture import ForecastPicture
from sktsdl.inspection._frames import forecast_in_frame
from sktsdl.inspection._series import pick_series, row_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike


class ForecastDisplay(ForecastPicture):
    """History, truth and forecast, with an interval or quantiles.

    Use `from_estimator`, `from_forecast` or `from_predictions` to make one.

    Parameters
    ----------
    y_pred : ndarray of shape (n,)
        The forecast of each time.
    index : pandas.Index of shape (n,)
        The times.
    y_true : ndarray of shape (n,) or None, default=None
        The truth.
    {bounds}
    intervals : dict of {float: (ndarray, ndarray)} or None, default=None
        The lower and the upper ends of the interval of each confidence level.
    history : Series or None, default=None
        Values before the forecast.
    name : str or None, default=None
        The name of the target, with its unit.
    title : str or None, default=None
        The title of the picture, such as the name of the series.

    Attributes
    ----------
    {display_attributes}

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import LSTMRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import load_air_passengers
    >>> from sktsdl.inspection import ForecastDisplay
    >>> series = load_air_passengers()
    >>> X, y, X_latest = make_supervised(series, target="passengers", horizon=12)
    >>> regressor = LSTMRegressor(hidden_sizes=(4,), max_epochs=5, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(12), regressor).fit(X, y)
    >>> display = ForecastDisplay.from_estimator(
    ...     pipe, X_latest, history=series.loc["1957":, "passengers"]
    ... )
    >>> display.ax_.get_ylabel()
    'passengers'
    """

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        row: int = -1,
        target: int | Hashable = 0,
        series: Hashable = None,
        history: pd.Series | ArrayLike | None = None,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the forecast of a fitted regressor.

        With one step ahead, the forecasts of all rows of `X` are drawn. Each stands at
        the time of the next row, from which ``make_supervised`` takes `y`. With a
        horizon, the forecast of one row is drawn, over the times after this row. Of
        many series in `X`, one is drawn.

        The interval of the regressor's ``predict_interval`` (lower and upper end, each
        shaped as `y`) is drawn too. A regressor without this method may have
        ``predict_quantiles`` (shaped as `y` with one more axis), with the
        probabilities in ``quantiles``.

        Parameters
        ----------
        estimator : estimator
            A fitted regressor or pipeline.
        X : array-like
            As for ``estimator.predict``; the index of a DataFrame gives the times.
        y : array-like of shape (n,) or (n, n_outputs), or None, default=None
            The truth, if it is known. With a horizon, it may also be the truth of the
            row that is drawn, of shape (horizon,).
        row : int, default=-1
            With a horizon, the row of the series whose forecast is drawn.
        target : int or name, default=0
            The target that is drawn if there are several, by position or by name. The
            names of ``make_supervised`` tell them from the steps of a horizon. They
            are read from the columns of `y`, or from the `y` of ``fit`` for an
            estimator of this package. Without names, the outputs are one horizon.
        {series}
        history : Series or array-like or None, default=None
            Values before the forecast, a Series with the times of `X`, or with its
            series and times.
        name : str or None, default=None
            The name of the target, with its unit; None takes it from `y` or `history`.
        {ax}

        Returns
        -------
        display : ForecastDisplay
            The drawn display.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            If shapes or times do not fit, if there is no such row, target or series,
            or if `series` is None and `X` has many.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        drawn = drawn_forecast(
            estimator,
            X,
            y,
            row=row,
            target=target,
            series=series,
            history=history,
            name=name,
        )
        return cls._of(**drawn).plot(ax=ax)

    @classmethod
    def from_forecast(
        cls,
        forecasts: pd.DataFrame,
        *,
        target: int | Hashable = 0,
        series: Hashable = None,
        history: pd.Series | ArrayLike | None = None,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw what ``forecast`` returned, with the intervals of all its levels.

        Parameters
        ----------
        forecasts : DataFrame
            As from ``forecast``. An interval is drawn for each pair of columns such as
            ``rail_lower_90`` and ``rail_upper_90``.
        target, series, history, name
            As in `from_estimator`.
        {ax}

        Returns
        -------
        display : ForecastDisplay
            The drawn display.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            If there is no such target or series, or if `series` is None and there are
            many.

        Examples
        --------
        >>> from sktsdl import SeasonalNaiveRegressor, forecast, make_supervised
        >>> from sktsdl.datasets import make_panel
        >>> from sktsdl.inspection import ForecastDisplay
        >>> sales = make_panel(random_state=0)
        >>> X, y, X_latest = make_supervised(sales, target="units", horizon=7)
        >>> forecasts = forecast(SeasonalNaiveRegressor(7).fit(X, y), X_latest)
        >>> display = ForecastDisplay.from_forecast(forecasts, series="shop 2")
        >>> display.title
        'shop 2'
        """
        check_matplotlib_support(f"{cls.__name__}.from_forecast")
        drawn = forecast_in_frame(
            forecasts, target=target, series=series, history=history, name=name
        )
        return cls._of(**drawn).plot(ax=ax)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike | None,
        y_pred: ArrayLike,
        *,
        lower: ArrayLike | None = None,
        upper: ArrayLike | None = None,
        quantiles: ArrayLike | None = None,
        levels: Sequence[float] | None = None,
        history: pd.Series | ArrayLike | None = None,
        index: pd.Index | np.ndarray | Sequence | None = None,
        series: Hashable = None,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw a given forecast.

        Parameters
        ----------
        y_true : array-like of shape (n,) or None
            The truth, if it is known.
        y_pred : array-like of shape (n,)
            The forecast.
        {bounds}
        history : Series or array-like or None, default=None
            Values before the forecast: a Series with the times of `index`, or the
            values right before it.
        index : array-like of shape (n,) or None, default=None
            The time of each value. None takes the index of `y_true`; in a `y` of
            ``make_supervised``, this is the time of the row before. A MultiIndex has
            the names of many series, and the times.
        {series}
        name : str or None, default=None
            The name of the target, with its unit; None takes it from `y_true` or
            `history`.
        {ax}

        Returns
        -------
        display : ForecastDisplay
            The drawn display.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            If shapes do not fit, or `series` names none of many series.
        """
        check_matplotlib_support(f"{cls.__name__}.from_predictions")
        if (lower is None) != (upper is None):
            missing = "lower" if lower is None else "upper"
            raise ValueError(f"{missing} is missing: give lower and upper together.")
        labels = row_labels(y_pred if y_true is None else y_true, index)
        given = {
            "y_true": y_true,
            "y_pred": y_pred,
            "lower": lower,
            "upper": upper,
            "quantiles": quantiles,
        }
        check_consistent_length(*given.values(), labels)
        picked = pick_series(labels, series, "the forecast")
        given = {
            key: None if values is None else np.asarray(values)[picked.rows]
            for key, values in given.items()
        }
        display = cls._of(
            **given,
            levels=levels,
            history=picked.own(history, "history"),
            index=picked.times,
            name=name or target_name(y_true),
            title=picked.title,
        )
        return display.plot(ax=ax)
