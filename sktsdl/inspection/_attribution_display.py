"""What each value of one window adds to a net's answer."""

from typing import Any, Self

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

from sktsdl.inspection._attributions import integrated_gradients
from sktsdl.inspection._display import new_axes
from sktsdl.inspection._windows import channel_names, to_window

N_SIGNED = 400


class AttributionDisplay:
    """Attributions of one window, steps by channels.

    Make one by `from_estimator`. Signs stand in the fields of some weight, for print
    without colour.

    Parameters
    ----------
    attributions : ndarray of shape (window, channels)
        Those of one window, from `integrated_gradients`.
    channels : sequence of str
        The names of the channels.
    name : str or None, default=None
        What is predicted, with its unit.
    title : str or None, default=None
        The title of the picture.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What ``plot`` drew on.
    figure_ : matplotlib Figure
        Its figure.
    image_ : matplotlib AxesImage
        The heat map.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import LSTMRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import load_air_passengers
    >>> from sktsdl.inspection import AttributionDisplay
    >>> X, y, X_latest = make_supervised(load_air_passengers(), target="passengers")
    >>> net = LSTMRegressor(hidden_sizes=(4,), max_epochs=5, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(12), net).fit(X, y)
    >>> display = AttributionDisplay.from_estimator(pipe, X_latest, name="passengers")
    >>> display.attributions.shape
    (12, 1)
    """

    def __init__(
        self,
        *,
        attributions: np.ndarray,
        channels: Any,
        name: str | None = None,
        title: str | None = None,
    ) -> None:
        self.attributions = attributions
        self.channels = channels
        self.name = name
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        row: int = -1,
        baseline: Any = None,
        n_steps: int = 50,
        target: int = 0,
        name: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw the integrated gradients of one row's window.

        Parameters
        ----------
        estimator : net, Pipeline, PurgedRegressor or search
            A fitted net, or what ends in one.
        X : array-like
            As for ``estimator.predict``.
        row : int, default=-1
            The row whose window is explained.
        baseline, n_steps, target
            As in `integrated_gradients`.
        name : str or None, default=None
            What is predicted, with its unit.
        ax : matplotlib Axes or None, default=None
            None draws on a new figure.

        Returns
        -------
        display : AttributionDisplay
            The picture.

        Raises
        ------
        ImportError
            If matplotlib or captum is missing.
        TypeError
            If `estimator` does not end in a net.
        ValueError
            If `X` or a parameter cannot be used.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        net, window = to_window(estimator, X, row)
        attributions = integrated_gradients(
            net, window, baseline=baseline, n_steps=n_steps, target=target
        )[0]
        display = cls(
            attributions=attributions,
            channels=channel_names(net),
            name=name,
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
        self : AttributionDisplay
            The picture.
        """
        from matplotlib.ticker import MaxNLocator

        check_matplotlib_support(f"{type(self).__name__}.plot")
        n_steps, n_channels = self.attributions.shape
        ax = new_axes(ax, figsize=(6.4, 1.6 + 0.4 * n_channels))
        largest = np.abs(self.attributions).max()
        self.image_ = ax.imshow(
            self.attributions.T,
            cmap="RdBu_r",
            vmin=-largest,
            vmax=largest,
            aspect="auto",
            extent=(0.5 - n_steps, 0.5, n_channels - 0.5, -0.5),
        )
        if self.attributions.size <= N_SIGNED:
            for step, channel in np.argwhere(
                np.abs(self.attributions) >= 0.1 * largest
            ):
                value = self.attributions[step, channel]
                ax.text(
                    step - n_steps + 1,
                    channel,
                    "+" if value > 0 else "\N{MINUS SIGN}",
                    color="white" if abs(value) > 0.6 * largest else "black",
                    ha="center",
                    va="center",
                    fontsize=8,
                )
        ax.set_yticks(range(n_channels), labels=list(self.channels))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_xlabel("step of the window (0 is the row itself)")
        if self.title is not None:
            ax.set_title(self.title)
        unit = self.name or "units of y"
        ax.figure.colorbar(self.image_, ax=ax, label=f"attribution\n({unit})")
        self.ax_, self.figure_ = ax, ax.figure
        return self


def window_title(X: Any, row: int) -> str | None:
    """Name the row that a window ends at, where it has a name."""
    if not hasattr(X, "index") or not hasattr(X, "iloc"):
        return None
    label = X.index[row]
    if hasattr(label, "strftime"):
        is_day = getattr(label, "hour", 0) == getattr(label, "minute", 0) == 0
        label = label.strftime("%Y-%m-%d" if is_day else "%Y-%m-%d %H:%M")
    return f"window that ends at {label}"
