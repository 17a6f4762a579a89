"""A forecast beside the truth."""

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
    BOUNDS,
    GREY,
    N_MARKED,
    Display,
    as_series,
    check_finite_array,
    hide_spines,
    label_times,
    positions,
    shade,
    shade_quantiles,
    target_name,
)
from sktsdl.inspection._drawn import drawn_forecast
from sktsdl.inspection._series import pick_series, row_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike


class ForecastDisplay(Display):
    """History, truth and forecast, with an interval or quantiles.

    Use `from_estimator` or `from_predictions` to make one.

    Parameters
    ----------
    y_pred : ndarray of shape (n,)
        The forecast of each time.
    index : pandas.Index of shape (n,)
        The times.
    y_true : ndarray of shape (n,) or None, default=None
        The truth.
    {bounds}
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

    _docs: ClassVar[dict[str, str]] = {**Display._docs, "bounds": BOUNDS}

    def __init__(
        self,
        *,
        y_pred: np.ndarray,
        index: pd.Index,
        y_true: np.ndarray | None = None,
        lower: np.ndarray | None = None,
        upper: np.ndarray | None = None,
        quantiles: np.ndarray | None = None,
        levels: Sequence[float] | None = None,
        history: pd.Series | None = None,
        name: str | None = None,
        title: str | None = None,
    ) -> None:
        self.y_pred = y_pred
        self.index = index
        self.y_true = y_true
        self.lower = lower
        self.upper = upper
        self.quantiles = quantiles
        self.levels = levels
        self.history = history
        self.name = name
        self.title = title

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

    @classmethod
    def _of(cls, *, index: pd.Index, history: Any, **drawn: Any) -> Self:
        """Check what is drawn, which is of one series."""
        for key in ("y_true", "y_pred", "lower", "upper", "quantiles"):
            if drawn.get(key) is not None:
                ndim = 2 if key == "quantiles" else 1
                drawn[key] = check_finite_array(drawn[key], key, ndim)
        if drawn["levels"] is not None and drawn.get("quantiles") is not None:
            check_consistent_length(drawn["levels"], drawn["quantiles"].T)
        drawn["name"] = drawn["name"] or target_name(history)
        history = None if history is None else as_series(history, index)
        return cls(**drawn, index=index, history=history)

    def _draw(self, ax: Axes) -> None:
        times = positions(self.index)
        solid, dashed = ("o-", "s--") if len(times) <= N_MARKED else ("-", "--")
        if self.history is not None:
            before = positions(self.history.index)
            ax.plot(before, self.history, color=GREY, label="history")
        if self.quantiles is not None:
            shade_quantiles(ax, times, self.quantiles, self.levels)
        if self.lower is not None and self.upper is not None:
            shade(ax, times, self.lower, self.upper, share=0.4, label="interval")
        if self.y_true is not None:
            ax.plot(times, self.y_true, solid, color=BLACK, ms=3.5, label="truth")
        ax.plot(times, self.y_pred, dashed, color=BLUE, ms=3.5, label="forecast")
        label_times(ax, self.index)
        if self.title is not None:
            ax.set_title(self.title)
        ax.set_ylabel(self.name or "target")
        ax.legend(frameon=False)
        hide_spines(ax)
