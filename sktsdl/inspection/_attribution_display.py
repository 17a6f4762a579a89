"""What each value of one window adds to a net's prediction."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._optional_dependencies import check_matplotlib_support

from sktsdl.inspection._attributions import integrated_gradients
from sktsdl.inspection._display import Display, use_whole_numbers
from sktsdl.inspection._series import pick_row
from sktsdl.inspection._windows import channel_names, to_nets, window_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

N_SIGNED = 400


class AttributionDisplay(Display):
    """Attributions of one window, steps by channels.

    Up to 400 cells, large attributions are marked by their signs, for print without
    colour.

    Use `from_estimator` to make one.

    Parameters
    ----------
    attributions : ndarray of shape (window, channels)
        The attributions of one window, from `integrated_gradients`.
    channels : sequence of str
        The names of the channels.
    name : str or None, default=None
        The name of the target, with its unit.
    title : str or None, default=None
        The title of the picture.

    Attributes
    ----------
    {display_attributes}
    image_ : matplotlib AxesImage
        The heat map.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import LSTMRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import load_air_passengers
    >>> from sktsdl.inspection import AttributionDisplay
    >>> X, y, X_latest = make_supervised(load_air_passengers(), target="passengers")
    >>> regressor = LSTMRegressor(hidden_sizes=(4,), max_epochs=5, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(12), regressor).fit(X, y)
    >>> display = AttributionDisplay.from_estimator(pipe, X_latest, name="passengers")
    >>> display.attributions.shape
    (12, 1)
    """

    def __init__(
        self,
        *,
        attributions: np.ndarray,
        channels: Sequence[str],
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
        estimator: BaseEstimator,
        X: ArrayLike,
        *,
        row: int = -1,
        series: Hashable = None,
        baseline: ArrayLike | None = None,
        n_steps: int = 50,
        target: int = 0,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the integrated gradients of the window of one row.

        Parameters
        ----------
        {estimator}
        X : array-like
            As for ``estimator.predict``.
        row : int, default=-1
            The row whose window is explained, of all rows of `X`, or of those of
            `series`.
        {window_series}
        baseline, n_steps, target
            As in `integrated_gradients`.
        name : str or None, default=None
            The name of the target, with its unit. None is the name of the column of
            `y` that is explained, such as ``rail+1``.
        {ax}

        Returns
        -------
        display : AttributionDisplay
            The drawn display.

        Raises
        ------
        ImportError
            If matplotlib or captum is missing.
        TypeError
            If `estimator` does not end in a net of this package.
        ValueError
            If `X` or a parameter cannot be used.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        row, title = pick_row(X, row, series)
        nets = to_nets(estimator, X)
        attributions = [
            integrated_gradients(
                net,
                window_of(windows, row),
                baseline=baseline,
                n_steps=n_steps,
                target=target,
            )[0]
            for net, windows in nets
        ]
        labels = getattr(nets[0][0], "_y_labels", ())
        are_values = not hasattr(estimator, "predict_proba")
        if name is None and are_values and labels and labels[target] is not None:
            name = str(labels[target])
        display = cls(
            attributions=np.mean(attributions, axis=0),
            channels=channel_names(nets[0][0]),
            name=name,
            title=title,
        )
        return display.plot(ax=ax)

    def _figsize(self) -> tuple[float, float]:
        return 6.4, 1.6 + 0.4 * self.attributions.shape[1]

    def _draw(self, ax: Axes) -> None:
        n_steps, n_channels = self.attributions.shape
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
        use_whole_numbers(ax.xaxis)
        ax.set_xlabel("step of the window (0 is the row itself)")
        if self.title is not None:
            ax.set_title(self.title)
        unit = self.name or "units of y"
        ax.figure.colorbar(self.image_, ax=ax, label=f"attribution\n({unit})")
