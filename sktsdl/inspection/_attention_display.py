"""The steps of one window that a net attends to."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._optional_dependencies import check_matplotlib_support

from sktsdl.inspection._display import BLUE, Display, hide_spines, use_whole_numbers
from sktsdl.inspection._windows import to_window

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike


class AttentionDisplay(Display):
    """Attention weights of one window.

    Use `from_estimator` to make one.

    Parameters
    ----------
    weights : ndarray of shape (window,), (window, window) or (steps ahead, window + \
steps ahead)
        The weight of each step, or the weight that each attending step (row) gives to
        each attended step (column). With more columns than rows, the rows are steps
        ahead, and the last columns too.
    patch_size : int, default=1
        The number of steps that share one weight.
    patch_stride : int or None, default=None
        The number of steps from one patch to the next; None is `patch_size`.
    title : str or None, default=None
        The title of the picture.

    Attributes
    ----------
    {display_attributes}

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import AttentionLSTMRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import load_air_passengers
    >>> from sktsdl.inspection import AttentionDisplay
    >>> X, y, X_latest = make_supervised(load_air_passengers(), target="passengers")
    >>> regressor = AttentionLSTMRegressor(
    ...     hidden_sizes=(4,), max_epochs=5, random_state=0
    ... )
    >>> pipe = make_pipeline(SlidingWindow(12), regressor).fit(X, y)
    >>> float(AttentionDisplay.from_estimator(pipe, X_latest).weights.sum().round(4))
    1.0
    """

    def __init__(
        self,
        *,
        weights: np.ndarray,
        patch_size: int = 1,
        patch_stride: int | None = None,
        title: str | None = None,
    ) -> None:
        self.weights = weights
        self.patch_size = patch_size
        self.patch_stride = patch_stride
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike,
        *,
        row: int = -1,
        series: Hashable = None,
        layer: int = -1,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the attention of a fitted net in the window of one row.

        Parameters
        ----------
        {estimator}
            The net needs ``attention_weights``.
        X : array-like
            As for ``estimator.predict``.
        row : int, default=-1
            The row whose window is shown, of all rows of `X`, or of those of `series`.
        {window_series}
        layer : int, default=-1
            The layer, if each layer has its own weights.
        {ax}

        Returns
        -------
        display : AttentionDisplay
            The drawn display.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            If `estimator` does not end in a net with attention to steps.
        ValueError
            If `X`, `row`, `series` or `layer` cannot be used, or the net has weights
            for each target (`channel_independent`).
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        regressor, window, title = to_window(estimator, X, row, series)
        if not hasattr(regressor, "attention_weights"):
            raise TypeError(
                f"{type(regressor).__name__} has no attention_weights: use "
                "`AttributionDisplay`, or a net with attention."
            )
        if getattr(regressor, "_attends_to_channels", False):
            raise TypeError(
                f"{type(regressor).__name__} attends to channels, but the picture is "
                "of steps: plot the output of its `attention_weights`."
            )
        if regressor._spec.structure["channel_independent"]:
            raise ValueError(
                "A net with channel_independent=True has weights for each target, but "
                "the picture shows one target: plot the output of its "
                "`attention_weights`."
            )
        weights = regressor.attention_weights(window)[0]
        if weights.ndim == 3:
            if not -len(weights) <= layer < len(weights):
                raise ValueError(
                    f"layer={layer} is not a layer of the net, which has "
                    f"{len(weights)} layers: give a number from {-len(weights)} to "
                    f"{len(weights) - 1}."
                )
            weights = weights[layer]
        display = cls(
            weights=weights,
            patch_size=regressor._spec.structure["patch_size"],
            patch_stride=regressor._spec.structure["patch_stride"],
            title=title,
        )
        return display.plot(ax=ax)

    def _figsize(self) -> tuple[float, float]:
        is_square = self.weights.ndim == 2 and not self._n_ahead
        return (4.8, 3.8) if is_square else (6.4, 2.6)

    @property
    def _n_ahead(self) -> int:
        """The number of steps ahead that attend, 0 if steps of the window do."""
        n_rows, n_columns = self.weights.shape[0], self.weights.shape[-1]
        return n_rows if n_columns > n_rows else 0

    def _draw(self, ax: Axes) -> None:
        n_ahead = self._n_ahead
        n_steps = self.weights.shape[-1] - n_ahead
        step, last = "step", "is"
        if self.patch_size > 1:
            step, last = f"patch of {self.patch_size} steps", "ends with"
            if self.patch_stride not in (None, self.patch_size):
                step += f", {self.patch_stride} apart"
        then = ", then steps ahead" if n_ahead > 0 else ""
        steps = f"{step} (0 {last} the row itself{then})"
        if self.weights.ndim == 2:
            top = 0.5 if n_ahead else 0.5 - n_steps
            image = ax.imshow(
                self.weights,
                cmap="viridis",
                vmin=0,
                extent=(0.5 - n_steps, n_ahead + 0.5, n_ahead + 0.5, top),
                aspect="auto" if n_ahead else "equal",
            )
            ax.figure.colorbar(image, ax=ax, label="attention weight")
            use_whole_numbers(ax.yaxis)
            ax.set_xlabel(f"attended {steps}")
            ax.set_ylabel("attending step ahead" if n_ahead else f"attending {step}")
        else:
            ax.bar(np.arange(1 - n_steps, 1), self.weights, color=BLUE)
            ax.set_xlabel(steps)
            ax.set_ylabel("attention weight")
            hide_spines(ax)
        use_whole_numbers(ax.xaxis)
        if self.title is not None:
            ax.set_title(self.title)
