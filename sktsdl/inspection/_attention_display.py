"""Which steps of one window a net attends to."""

from typing import Any, Self

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from sktsdl.inspection._attribution_display import window_title
from sktsdl.inspection._display import BLUE, new_axes, without_frame
from sktsdl.inspection._windows import to_window


class AttentionDisplay:
    """Attention weights of one window.

    Make one by `from_estimator`.

    Parameters
    ----------
    weights : ndarray of shape (window,) or (window, window)
        What each step counts, or what each step (row) attends to (column).
    patch_size : int, default=1
        How many steps of the window are one of the `weights`.
    title : str or None, default=None
        The title of the picture.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What ``plot`` drew on.
    figure_ : matplotlib Figure
        Its figure.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import AttentionLSTMRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import load_air_passengers
    >>> from sktsdl.inspection import AttentionDisplay
    >>> X, y, X_latest = make_supervised(load_air_passengers(), target="passengers")
    >>> net = AttentionLSTMRegressor(hidden_sizes=(4,), max_epochs=5, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(12), net).fit(X, y)
    >>> float(AttentionDisplay.from_estimator(pipe, X_latest).weights.sum().round(4))
    1.0
    """

    def __init__(
        self, *, weights: np.ndarray, patch_size: int = 1, title: str | None = None
    ) -> None:
        self.weights = weights
        self.patch_size = patch_size
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        row: int = -1,
        layer: int = -1,
        ax: Any = None,
    ) -> Self:
        """Draw the attention of a fitted net in one row's window.

        Parameters
        ----------
        estimator : net, Pipeline, PurgedRegressor or search
            A fitted net with ``attention_weights``, or what ends in one.
        X : array-like
            As for ``estimator.predict``.
        row : int, default=-1
            The row whose window is shown.
        layer : int, default=-1
            Which layer, where each has weights of its own.
        ax : matplotlib Axes or None, default=None
            None draws on a new figure.

        Returns
        -------
        display : AttentionDisplay
            The picture.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            If `estimator` does not end in a net with attention.
        ValueError
            If `X`, `row` or `layer` cannot be used, or the net has weights for each
            target (`channel_independent`).
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        net, window = to_window(estimator, X, row)
        if not hasattr(net, "attention_weights"):
            raise TypeError(
                f"{type(net).__name__} has no attention_weights: use "
                "`AttributionDisplay`, or a net with attention."
            )
        if net._built_by["channel_independent"]:
            raise ValueError(
                "channel_independent=True has weights for each target, and the picture "
                "is of one: draw `attention_weights` of the net as you need them."
            )
        weights = net.attention_weights(window)[0]
        if weights.ndim == 3:
            if not -len(weights) <= layer < len(weights):
                raise ValueError(
                    f"layer={layer} is no layer of the net, which has {len(weights)}."
                )
            weights = weights[layer]
        display = cls(
            weights=weights,
            patch_size=net._built_by["patch_size"],
            title=window_title(X, row),
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
        self : AttentionDisplay
            The picture.
        """
        from matplotlib.ticker import MaxNLocator

        check_matplotlib_support(f"{type(self).__name__}.plot")
        n_steps = len(self.weights)
        is_matrix = self.weights.ndim == 2
        ax = new_axes(ax, figsize=(4.8, 3.8) if is_matrix else (6.4, 2.6))
        step, last = "step", "is"
        if self.patch_size > 1:
            step, last = f"patch of {self.patch_size} steps", "ends with"
        steps = f"{step} (0 {last} the row itself)"
        if is_matrix:
            image = ax.imshow(
                self.weights,
                cmap="viridis",
                vmin=0,
                extent=(0.5 - n_steps, 0.5, 0.5, 0.5 - n_steps),
            )
            ax.figure.colorbar(image, ax=ax, label="attention weight")
            ax.yaxis.set_major_locator(MaxNLocator(integer=True))
            ax.set_xlabel(f"attended {steps}")
            ax.set_ylabel(f"attending {step}")
        else:
            ax.bar(np.arange(1 - n_steps, 1), self.weights, color=BLUE)
            ax.set_xlabel(steps)
            ax.set_ylabel("attention weight")
            without_frame(ax)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        if self.title is not None:
            ax.set_title(self.title)
        self.ax_, self.figure_ = ax, ax.figure
        return self
