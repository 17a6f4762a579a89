"""A forecast beside the truth."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length
from sklearn.utils._optional_dependencies import check_matplotlib_support

from sktsdl._windows.time_index import as_time_index, with_times_ahead
from sktsdl.inspection._display import (
    BLACK,
    BLUE,
    BOUNDS,
    GREY,
    N_MARKED,
    Display,
    as_series,
    check_finite_array,
    check_times,
    hide_spines,
    label_times,
    name_of,
    positions,
    row_index,
    shade,
    shade_quantiles,
    target_name,
)
from sktsdl.inspection._windows import check_row, interval_or_quantiles, target_steps

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

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        row: int = -1,
        target: int | Hashable = 0,
        history: pd.Series | ArrayLike | None = None,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the forecast of a fitted regressor.

        With one step ahead, the forecasts of all rows of `X` are drawn. Each stands at
        the time of the next row, from which ``make_supervised`` takes `y`. With a
        horizon, the forecast of one row is drawn, over the times after this row.

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
            With a horizon, the row whose forecast is drawn.
        target : int or name, default=0
            The target that is drawn if there are several, by position or by name. The
            names of ``make_supervised`` tell them from the steps of a horizon. They
            are read from the columns of `y`, or from the `y` of ``fit`` for an
            estimator of this package. Without names, the outputs are one horizon.
        history : Series or array-like or None, default=None
            Values before the forecast, a Series with the times of `X`.
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
            If shapes or times do not fit, or there is no such row or target.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        y_pred = np.asarray(estimator.predict(X))
        y_pred = y_pred.reshape(n := len(y_pred), -1)
        steps = target_steps(estimator, y, y_pred.shape[1])
        at = steps.position_of(target)
        columns = steps.columns_of(at)
        bounds, levels = interval_or_quantiles(estimator, X)
        bounds = {key: np.reshape(v, (*y_pred.shape, -1)) for key, v in bounds.items()}
        times = with_times_ahead(index := row_index(X), steps.horizon)
        ahead = [steps.steps[column] for column in columns]
        chosen: tuple[Any, Any]
        if len(columns) == 1:
            times = times[ahead[0] :][:n]
            chosen = slice(None), columns[0]
        else:
            check_row(row, n)
            times = times[[row % n + step for step in ahead]]
            chosen = row, columns
        truth = None if y is None else np.asarray(y)
        if truth is not None and truth.ndim == 1 and len(columns) > 1:
            check_times(y, times)
        elif truth is not None:
            check_consistent_length(y_pred, truth)
            truth = truth.reshape(y_pred.shape)[chosen]
        bounds = {
            key: values[chosen] if key == "quantiles" else values[chosen][:, 0]
            for key, values in bounds.items()
        }
        y_pred = y_pred[chosen]
        if name is None and steps.names[at] is not None:
            name = name_of(steps.names[at])
        return cls.from_predictions(
            truth,
            y_pred,
            **bounds,
            levels=levels,
            history=history,
            index=times.rename(index.name),
            name=name,
            ax=ax,
        )

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
            ``make_supervised``, this is the time of the row before.
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
            If shapes do not fit.
        """
        check_matplotlib_support(f"{cls.__name__}.from_predictions")
        if (lower is None) != (upper is None):
            missing = "lower" if lower is None else "upper"
            raise ValueError(f"{missing} is missing: give lower and upper together.")
        name = name or target_name(y_true) or target_name(history)
        if index is None:
            times = row_index(y_pred if y_true is None else y_true)
        else:
            times = as_time_index(pd.Index(index))
        y_pred = check_finite_array(y_pred, "y_pred")
        given = {"y_true": y_true, "lower": lower, "upper": upper}
        arrays = {
            key: None if values is None else check_finite_array(values, key)
            for key, values in given.items()
        }
        if quantiles is not None:
            quantiles = check_finite_array(quantiles, "quantiles", ndim=2)
        check_consistent_length(y_pred, *arrays.values(), quantiles, times)
        if levels is not None and quantiles is not None:
            check_consistent_length(levels, quantiles.T)
        display = cls(
            y_pred=y_pred,
            **arrays,
            index=times,
            quantiles=quantiles,
            levels=levels,
            history=None if history is None else as_series(history, times),
            name=name,
        )
        return display.plot(ax=ax)

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
        ax.set_ylabel(self.name or "target")
        ax.legend(frameon=False)
        hide_spines(ax)
