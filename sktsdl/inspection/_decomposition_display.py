"""The parts of a forecast."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils._optional_dependencies import check_matplotlib_support

from sktsdl.inspection._display import (
    BLACK,
    BLUE,
    N_MARKED,
    Display,
    hide_spines,
    label_times,
    positions,
)
from sktsdl.inspection._drawn import drawn_parts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

AXES = """\
ax : sequence of 4 matplotlib Axes or None, default=None
    The axes of the forecast and of each part; None draws on a new figure."""


class DecompositionDisplay(Display):
    """A forecast, and under it the parts whose sum it is.

    Use `from_estimator` to make one.

    Parameters
    ----------
    parts : dict of {str: ndarray of shape (n,)}
        The parts of the forecast of each time.
    index : pandas.Index of shape (n,)
        The times.
    name : str or None, default=None
        The name of the target, with its unit.
    title : str or None, default=None
        The title of the picture, such as the row of the forecast.

    Attributes
    ----------
    ax_ : ndarray of matplotlib Axes
        The axes of the forecast and of each part.
    figure_ : matplotlib Figure
        The figure of these axes.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import NBEATSRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import load_air_passengers
    >>> from sktsdl.inspection import DecompositionDisplay
    >>> series = load_air_passengers()
    >>> X, y, X_latest = make_supervised(series, target="passengers", horizon=12)
    >>> net = NBEATSRegressor(hidden_size=8, max_epochs=5, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X, y)
    >>> display = DecompositionDisplay.from_estimator(pipe, X_latest)
    >>> [ax.get_ylabel() for ax in display.ax_]
    ['passengers', 'trend', 'seasonality', 'rest']
    """

    _docs: ClassVar = Display._docs | {"ax": AXES}

    def __init__(
        self,
        *,
        parts: Mapping[str, np.ndarray],
        index: pd.Index,
        name: str | None = None,
        title: str | None = None,
    ) -> None:
        self.parts = parts
        self.index = index
        self.name = name
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike,
        *,
        row: int = -1,
        target: int | Hashable = 0,
        series: Hashable = None,
        name: str | None = None,
        ax: Sequence[Axes] | np.ndarray | None = None,
    ) -> Self:
        """Draw the forecast of a fitted net, and its parts.

        With a horizon, the forecast of one row is drawn, over the times after this row.
        With one step ahead, the forecasts of all rows of `X` are drawn.

        Parameters
        ----------
        {estimator}
            The net needs ``decompose``, as `NBEATSRegressor` has it.
        X : array-like
            As for ``estimator.predict``; the index of a DataFrame gives the times.
        row : int, default=-1
            With a horizon, the row of the series whose forecast is drawn.
        target : int or name, default=0
            The target that is drawn if there are several, as in `ForecastDisplay`.
        {series}
        name : str or None, default=None
            The name of the target, with its unit; None takes it from the `y` of
            ``fit``.
        {ax}

        Returns
        -------
        display : DecompositionDisplay
            The drawn display.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            If `estimator` does not end in a net that decomposes its forecasts.
        ValueError
            If there is no such row, target or series, if `series` is None and `X` has
            many, or if `ax` does not hold 4 axes.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        drawn = drawn_parts(
            estimator, X, row=row, target=target, series=series, name=name
        )
        return cls(**drawn).plot(ax=ax)

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
            If `ax` does not hold 4 axes.
        """
        return super().plot(ax)

    def _new_axes(self) -> np.ndarray:
        import matplotlib.pyplot as plt

        n = 1 + len(self.parts)
        _, axes = plt.subplots(
            n, sharex=True, figsize=(6.4, 1.4 * n), layout="constrained"
        )
        return axes

    def _check_axes(self, ax: Any) -> np.ndarray:
        axes: np.ndarray = np.ravel(ax)
        n = 1 + len(self.parts)
        if len(axes) != n:
            raise ValueError(
                f"ax holds {len(axes)} axes, but the picture has a forecast and "
                f"{n - 1} parts: give {n} axes."
            )
        return axes

    def _draw(self, ax: np.ndarray) -> None:
        times = positions(self.index)
        style = "o-" if len(times) <= N_MARKED else "-"
        forecast = np.sum(list(self.parts.values()), axis=0)
        drawn = {self.name or "forecast": forecast, **self.parts}
        for part, (label, values) in zip(ax, drawn.items(), strict=True):
            color = BLACK if part is ax[0] else BLUE
            part.plot(times, values, style, color=color, markersize=3.5, label=label)
            part.set_ylabel(label)
            hide_spines(part)
        label_times(ax[-1], self.index)
        if self.title is not None:
            ax[0].set_title(self.title)
