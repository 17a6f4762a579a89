"""The training of a net, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._optional_dependencies import check_matplotlib_support

from sktsdl.inspection._display import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    Display,
    use_whole_numbers,
)
from sktsdl.inspection._windows import to_net

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOG_SPAN = 5


class LossCurveDisplay(Display):
    """Training and validation loss of each epoch, and the learning rate.

    The scale is logarithmic if the largest loss is more than 5 times the smallest.

    Use `from_estimator` to make one.

    Parameters
    ----------
    loss_curve : sequence of float
        The training loss of each epoch.
    lr_curve : sequence of float or None, default=None
        The learning rate of each step of the optimizer.
    validation_loss_curve : sequence of float or None, default=None
        The validation loss of each epoch. A shorter sequence holds the last epochs.
    best_epoch : int or None, default=None
        The epoch, counted from 1, whose weights were kept.
    name : str or None, default=None
        The name of the loss.

    Attributes
    ----------
    {display_attributes}
    ax_lr_ : matplotlib Axes or None
        The axes of the learning rate, with the epochs of ``ax_``.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import LSTMRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import load_air_passengers
    >>> from sktsdl.inspection import LossCurveDisplay
    >>> X, y, _ = make_supervised(load_air_passengers(), target="passengers")
    >>> regressor = LSTMRegressor(hidden_sizes=(4,), max_epochs=5, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(12), regressor).fit(X, y)
    >>> LossCurveDisplay.from_estimator(pipe).ax_.get_ylabel()
    'loss (squared error)'
    """

    def __init__(
        self,
        *,
        loss_curve: Sequence[float],
        lr_curve: Sequence[float] | None = None,
        validation_loss_curve: Sequence[float] | None = None,
        best_epoch: int | None = None,
        name: str | None = None,
    ) -> None:
        self.loss_curve = loss_curve
        self.lr_curve = lr_curve
        self.validation_loss_curve = validation_loss_curve
        self.best_epoch = best_epoch
        self.name = name

    @classmethod
    def from_estimator(
        cls, estimator: BaseEstimator, *, ax: Axes | None = None
    ) -> Self:
        """Draw the training of a fitted net.

        Parameters
        ----------
        {estimator}
        {ax}

        Returns
        -------
        display : LossCurveDisplay
            The drawn display.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            If `estimator` does not end in a net of this package.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        regressor, _ = to_net(estimator, None)
        loss = regressor.loss
        early_stopping = dict(regressor.net_.callbacks_).get("early_stopping")
        display = cls(
            loss_curve=regressor.loss_curve_,
            lr_curve=regressor.lr_curve_,
            validation_loss_curve=getattr(regressor, "validation_loss_curve_", None),
            best_epoch=None if early_stopping is None else regressor.best_epoch_,
            name=loss.replace("_", " ") if isinstance(loss, str) else None,
        )
        return display.plot(ax=ax)

    def _draw(self, ax: Axes) -> None:
        epochs = np.arange(1, len(self.loss_curve) + 1)
        ax.plot(epochs, self.loss_curve, color=BLUE, label="training")
        if self.validation_loss_curve is not None:
            last = epochs[-len(self.validation_loss_curve) :]
            ax.plot(
                last,
                self.validation_loss_curve,
                color=ORANGE,
                linestyle="--",
                label="validation",
            )
        if self.best_epoch is not None:
            label = f"best epoch, {self.best_epoch}"
            ax.axvline(self.best_epoch, color=BLACK, linestyle=":", label=label)
        self.ax_lr_ = None
        lines = ax.get_lines()
        if self.lr_curve is not None:
            self.ax_lr_ = ax.twinx()
            steps = np.arange(1, len(self.lr_curve) + 1)
            lines = lines + self.ax_lr_.plot(
                steps * len(epochs) / len(steps),
                self.lr_curve,
                color=GREY,
                linestyle="-.",
                linewidth=1,
                label="learning rate",
            )
            self.ax_lr_.set_ylabel("learning rate")
            self.ax_lr_.set_ylim(0, 1.05 * max(self.lr_curve))
            self.ax_lr_.spines["top"].set_visible(False)
        losses = [*self.loss_curve, *(self.validation_loss_curve or ())]
        if min(losses) > 0 and max(losses) > LOG_SPAN * min(losses):
            ax.set_yscale("log")
        use_whole_numbers(ax.xaxis)
        ax.set_xlabel("epoch")
        ax.set_ylabel("loss" if self.name is None else f"loss ({self.name})")
        ax.spines["top"].set_visible(False)
        ax.legend(
            handles=lines,
            frameon=False,
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=len(lines),
            columnspacing=1.2,
        )
