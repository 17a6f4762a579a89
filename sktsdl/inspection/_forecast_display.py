"""A forecast beside the truth."""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length
from sklearn.utils._optional_dependencies import check_matplotlib_support

from sktsdl.inspection._display import (
    BLACK,
    BLUE,
    GREY,
    N_MARKED,
    SKY,
    finite,
    label_times,
    new_axes,
    next_times,
    positions,
    row_index,
    target_name,
    times_ahead,
    tint,
    without_frame,
)
from sktsdl.inspection._windows import check_row, to_last_step


class ForecastDisplay:
    """History, truth, forecast, and how sure it is.

    Make one by `from_estimator` or `from_predictions`.

    Parameters
    ----------
    y_pred : ndarray of shape (n,)
        The forecast of each time.
    index : pandas.Index of shape (n,)
        The times.
    y_true : ndarray of shape (n,) or None, default=None
        The truth.
    lower, upper : ndarray of shape (n,) or None, default=None
        The ends of an interval.
    quantiles : ndarray of shape (n, n_quantiles) or None, default=None
        Quantiles of the forecast, the lowest first.
    levels : sequence of float or None, default=None
        Which quantiles those are, between 0 and 1.
    history : Series or None, default=None
        Values before the forecast.
    name : str or None, default=None
        What is forecast, with its unit.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What ``plot`` drew on.
    figure_ : matplotlib Figure
        Its figure.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import LSTMRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import load_air_passengers
    >>> from sktsdl.inspection import ForecastDisplay
    >>> series = load_air_passengers()
    >>> X, y, X_latest = make_supervised(series, target="passengers", horizon=12)
    >>> net = LSTMRegressor(hidden_sizes=(4,), max_epochs=5, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(12), net).fit(X, y)
    >>> display = ForecastDisplay.from_estimator(
    ...     pipe, X_latest, history=series.loc["1957":, "passengers"]
    ... )
    >>> display.ax_.get_ylabel()
    'passengers'
    """

    def __init__(
        self,
        *,
        y_pred: np.ndarray,
        index: pd.Index,
        y_true: np.ndarray | None = None,
        lower: np.ndarray | None = None,
        upper: np.ndarray | None = None,
        quantiles: np.ndarray | None = None,
        levels: Any = None,
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
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        row: int = -1,
        history: Any = None,
        name: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw what a fitted regressor forecasts.

        With one output, all rows of `X` are drawn, each at the time after its own,
        where ``make_supervised`` takes `y` from. With a horizon, the forecast made in
        one row is drawn, over the times after it. A regressor's ``predict_interval``
        (lower and upper end, each as `y`) or else ``predict_quantiles`` (`y` with one
        more axis, and the levels in its ``quantiles``) is drawn too.

        Parameters
        ----------
        estimator : estimator
            A fitted regressor or pipeline.
        X : array-like
            As for ``estimator.predict``; the index of a DataFrame gives the times.
        y : array-like of shape (n,) or (n, horizon), or None, default=None
            The truth, if it is known.
        row : int, default=-1
            With a horizon, the row whose forecast is drawn.
        history : Series or array-like or None, default=None
            Values before the forecast, a Series with the times of `X`.
        name : str or None, default=None
            What is forecast, with its unit; None takes it from `y` or `history`.
        ax : matplotlib Axes or None, default=None
            None draws on a new figure.

        Returns
        -------
        display : ForecastDisplay
            The picture.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            If shapes do not fit.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        y_pred = np.asarray(estimator.predict(X))
        index = row_index(X)
        drawn = _answers(estimator, X)
        if name is None and y is not None:
            name = target_name(y)
        truth = None if y is None else np.asarray(y)
        if y_pred.ndim == 1 or y_pred.shape[1] == 1:
            y_pred, times = y_pred.reshape(-1), next_times(index)
            for part in ("lower", "upper"):
                if part in drawn:
                    drawn[part] = np.reshape(drawn[part], -1)
            if "quantiles" in drawn:
                drawn["quantiles"] = np.reshape(drawn["quantiles"], (len(y_pred), -1))
        else:
            check_row(row, len(y_pred))
            times = times_ahead(index[: row % len(index) + 1], y_pred.shape[1])
            y_pred = y_pred[row]
            truth = None if truth is None else truth[row]
            for part in drawn.keys() - {"levels"}:
                drawn[part] = np.asarray(drawn[part])[row]
        return cls.from_predictions(
            truth,
            y_pred,
            history=history,
            index=times.rename(index.name),
            name=name,
            ax=ax,
            **drawn,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_pred: Any,
        *,
        lower: Any = None,
        upper: Any = None,
        quantiles: Any = None,
        levels: Any = None,
        history: Any = None,
        index: Any = None,
        name: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw a forecast that is at hand.

        Parameters
        ----------
        y_true : array-like of shape (n,) or None
            The truth, if it is known.
        y_pred : array-like of shape (n,)
            The forecast.
        lower, upper : array-like of shape (n,) or None, default=None
            The ends of an interval.
        quantiles : array-like of shape (n, n_quantiles) or None, default=None
            Quantiles of the forecast, the lowest first: each is shaded up to its
            counterpart from above.
        levels : sequence of float or None, default=None
            Which quantiles those are, between 0 and 1.
        history : Series or array-like or None, default=None
            Values before the forecast: a Series with the times of `index`, or the
            values right before it.
        index : array-like of shape (n,) or None, default=None
            The time of each value. None takes the index of `y_true`, which
            ``make_supervised`` names by the row before.
        name : str or None, default=None
            What is forecast, with its unit; None takes it from `y_true` or `history`.
        ax : matplotlib Axes or None, default=None
            None draws on a new figure.

        Returns
        -------
        display : ForecastDisplay
            The picture.

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
            index = row_index(y_pred if y_true is None else y_true)
        y_pred = finite(y_pred, "y_pred")
        given = {"y_true": y_true, "lower": lower, "upper": upper}
        parts = {
            part: None if values is None else finite(values, part)
            for part, values in given.items()
        }
        if quantiles is not None:
            quantiles = finite(quantiles, "quantiles", ndim=2)
        check_consistent_length(y_pred, *parts.values(), quantiles, index)
        if levels is not None and quantiles is not None:
            check_consistent_length(levels, quantiles.T)
        index = pd.Index(index)
        if history is not None and not isinstance(history, pd.Series):
            values = finite(history, "history")
            numbers = np.arange(-len(values), 0)
            if pd.api.types.is_any_real_numeric_dtype(index.dtype):
                numbers = numbers + index[0]
            history = pd.Series(values, index=numbers)
        display = cls(
            y_pred=y_pred,
            **parts,
            index=index,
            quantiles=quantiles,
            levels=levels,
            history=history,
            name=name,
        )
        return display.plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            None draws on a new figure.

        Returns
        -------
        self : ForecastDisplay
            The picture.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        ax = new_axes(ax)
        times = positions(self.index)
        is_marked = len(times) <= N_MARKED
        if self.history is not None:
            before = positions(self.history.index)
            ax.plot(before, self.history, color=GREY, label="history")
        if self.quantiles is not None:
            n_bands = self.quantiles.shape[1] // 2
            for low in range(n_bands):
                high = -1 - low
                label = "quantiles" if low == 0 else None
                if self.levels is not None:
                    ends = f"{self.levels[low]:g} to {self.levels[high]:g}"
                    label = f"quantiles {ends}"
                ax.fill_between(
                    times,
                    self.quantiles[:, low],
                    self.quantiles[:, high],
                    color=tint(SKY, (low + 1) / (n_bands + 1)),
                    linewidth=0,
                    label=label,
                )
        if self.lower is not None:
            ax.fill_between(
                times,
                self.lower,
                self.upper,
                color=tint(SKY, 0.4),
                linewidth=0,
                label="interval",
            )
        if self.y_true is not None:
            ax.plot(
                times,
                self.y_true,
                color=BLACK,
                marker="o" if is_marked else None,
                markersize=3.5,
                label="truth",
            )
        ax.plot(
            times,
            self.y_pred,
            color=BLUE,
            linestyle="--",
            marker="s" if is_marked else None,
            markersize=3.5,
            label="forecast",
        )
        label_times(ax, self.index)
        ax.set_ylabel(self.name or "target")
        ax.legend(frameon=False)
        without_frame(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _answers(estimator: Any, X: Any) -> dict[str, Any]:
    """Return the interval, or else the quantiles, that `estimator` predicts for `X`."""
    regressor, _ = to_last_step(estimator, None)
    if hasattr(regressor, "predict_interval"):
        lower, upper = regressor.predict_interval(to_last_step(estimator, X)[1])
        return {"lower": lower, "upper": upper}
    if hasattr(regressor, "predict_quantiles"):
        quantiles = regressor.predict_quantiles(to_last_step(estimator, X)[1])
        return {"quantiles": quantiles, "levels": getattr(regressor, "quantiles", None)}
    return {}
