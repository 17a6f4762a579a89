"""What the displays share: a base class, colours, and axes of times."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.utils import check_array
from sklearn.utils._optional_dependencies import check_matplotlib_support

from sktsdl._sklearn.docs import fill_docs
from sktsdl._sklearn.target_steps import TargetSteps, split_ahead
from sktsdl._windows.time_index import as_time_index
from sktsdl.inspection._series import SERIES, WINDOW_SERIES
from sktsdl.inspection._windows import ESTIMATOR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

# Okabe and Ito (2008): distinct to colour-blind readers and, by lightness, in print.
BLACK, GREY = "black", "0.45"
BLUE, SKY, ORANGE = "#0072B2", "#56B4E9", "#D55E00"
N_MARKED = 60
CONFIDENCE = 0.95

DISPLAY_ATTRIBUTES = """\
ax_ : matplotlib Axes
    The axes that ``plot`` drew on.
figure_ : matplotlib Figure
    The figure of these axes."""

AX = """\
ax : matplotlib Axes or None, default=None
    The axes to draw on; None draws on a new figure."""


BOUNDS = """\
lower, upper : array-like of shape (n,) or None, default=None
    The lower and the upper end of an interval.
quantiles : array-like of shape (n, n_quantiles) or None, default=None
    Quantiles of the forecast, the lowest first. The area between the lowest and the
    highest is shaded, then between the second and the last but one, and so on.
levels : sequence of float or None, default=None
    The probability of each quantile, between 0 and 1."""


class Display(ABC):
    """Base of the displays: their axes, their attributes and shared documentation.

    A subclass draws in `_draw`. In its docstring, and in the docstrings of its
    methods, lines such as ``{display_attributes}`` or ``{ax}`` stand for the shared
    texts in `_docs`.
    """

    _docs: ClassVar[dict[str, str]] = {
        "display_attributes": DISPLAY_ATTRIBUTES,
        "estimator": ESTIMATOR,
        "series": SERIES,
        "window_series": WINDOW_SERIES,
        "ax": AX,
    }

    ax_: Any
    figure_: Figure

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        fill_docs(cls, cls._docs)
        for member in vars(cls).values():
            function = getattr(member, "__func__", member)
            if inspect.isfunction(function):
                fill_docs(function, cls._docs)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            The axes to draw on; None draws on a new figure.

        Returns
        -------
        self : object
            The display.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        axes = self._new_axes() if ax is None else self._check_axes(ax)
        self._draw(axes)
        self.ax_, self.figure_ = axes, np.ravel(axes)[0].figure
        return self

    @abstractmethod
    def _draw(self, ax: Any) -> None:
        """Draw on `ax`, which is never None."""

    def _figsize(self) -> tuple[float, float]:
        """Return the width and height of a new figure, in inches."""
        return 6.4, 3.6

    def _new_axes(self) -> Any:
        """Return the axes of a new figure."""
        import matplotlib.pyplot as plt

        return plt.subplots(figsize=self._figsize(), layout="constrained")[1]

    def _check_axes(self, ax: Any) -> Any:
        """Return the axes given to `plot`, as `_draw` takes them."""
        return ax


def check_times(y: Any, times: pd.Index) -> None:
    """Raise a ValueError if `y` is not one value for each of `times`."""
    if len(y) != len(times):
        raise ValueError(
            f"y has {len(y)} values and the horizon has {len(times)} steps: give the "
            "truth of each step, or of each row of X and each step."
        )
    index = getattr(y, "index", None)
    dated = (pd.DatetimeIndex, pd.PeriodIndex, pd.TimedeltaIndex)
    if isinstance(index, dated) and list(index) != list(times):
        raise ValueError(
            f"y has the times {index[0]} to {index[-1]}, and the forecast has "
            f"{times[0]} to {times[-1]}: give the truth of these times."
        )


def lighten(color: str, share: float) -> tuple[float, ...]:
    """Return a mix of `color`, by its `share`, and white; it is not transparent."""
    from matplotlib.colors import to_rgb

    return tuple(1 - share * (1 - part) for part in to_rgb(color))


def hide_spines(ax: Axes) -> None:
    """Hide the lines at the top and at the right of `ax`."""
    ax.spines[["top", "right"]].set_visible(False)


def use_whole_numbers(axis: Axis) -> None:
    """Put the ticks of `axis` at whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True))


def check_finite_array(values: ArrayLike, name: str, ndim: int = 1) -> np.ndarray:
    """Return `values` as finite floats. One column becomes 1-D if `ndim` is 1.

    Raises
    ------
    ValueError
        If `values` have another number of dimensions, or hold NaN or infinity.
    """
    array: np.ndarray = check_array(
        values, dtype=np.float64, ensure_2d=False, input_name=name
    )
    if ndim == 1 and array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != ndim:
        raise ValueError(
            f"{name} has shape {array.shape}, which is not {ndim}-D: give the values "
            "of one target, or of one row."
        )
    return array


def target_name(y: object, column: int = 0) -> str | None:
    """Return the name of the target of a column, ``rail`` for a column ``rail+1``."""
    label = TargetSteps.of(y).labels[column]
    pair = split_ahead(label)
    return name_of(label if pair is None else pair[0])


def name_of(label: Hashable) -> str | None:
    """Return the name of a column as text, also of a column of several levels."""
    if isinstance(label, tuple):
        return " ".join(map(str, label))
    return None if label is None else str(label)


def positions(index: pd.Index) -> np.ndarray:
    """Return the coordinates of the times of `index` on an axis."""
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex):
        return index.tz_localize(None).to_numpy()
    if isinstance(index, pd.TimedeltaIndex):
        return index.total_seconds().to_numpy()
    if pd.api.types.is_any_real_numeric_dtype(index.dtype):
        return index.to_numpy()
    return np.arange(len(index))


def label_times(ax: Axes, index: pd.Index) -> None:
    """Name the axis of times, and write dates where `index` has dates."""
    from matplotlib import dates

    name = index.name
    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
        locator = dates.AutoDateLocator()  # type: ignore[no-untyped-call]
        formatter = dates.ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(formatter)
        name = name or "time"
    elif isinstance(index, pd.TimedeltaIndex):
        name = f"{name or 'time'} (seconds)"
    ax.set_xlabel(str(name or "row"))


def as_series(history: pd.Series | ArrayLike, index: pd.Index) -> pd.Series:
    """Return `history` as a Series; values without times lie right before `index`."""
    if isinstance(history, pd.Series):
        return history.set_axis(as_time_index(history.index))
    values = check_finite_array(history, "history")
    numbers = np.arange(-len(values), 0)
    if pd.api.types.is_any_real_numeric_dtype(index.dtype):
        numbers = numbers + index[0]
    return pd.Series(values, index=numbers)


def shade(
    ax: Axes,
    times: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    *,
    share: float,
    label: str | None,
) -> None:
    """Shade the area between `lower` and `upper`, the darker the larger `share` is."""
    color = lighten(SKY, share)
    if len(times) == 1:  # which has no area
        ax.vlines(times, lower, upper, color=color, linewidth=8, label=label or "")
        return
    ax.fill_between(times, lower, upper, color=color, linewidth=0, label=label)


def shade_quantiles(
    ax: Axes,
    times: np.ndarray,
    quantiles: np.ndarray,
    levels: Sequence[float] | None,
) -> None:
    """Shade the area between the k-th quantile from below and the k-th from above."""
    n_bands = quantiles.shape[1] // 2
    for low in range(n_bands):
        high = -1 - low
        label = "quantiles" if low == 0 else None
        if levels is not None:
            label = f"quantiles {levels[low]:g} to {levels[high]:g}"
        lower, upper = quantiles[:, low], quantiles[:, high]
        shade(ax, times, lower, upper, share=(low + 1) / (n_bands + 1), label=label)


def shade_intervals(
    ax: Axes, times: np.ndarray, intervals: dict[float, tuple[np.ndarray, np.ndarray]]
) -> None:
    """Shade the interval of each confidence level, the widest first."""
    for at, level in enumerate(sorted(intervals, reverse=True)):
        share = 0.4 + 0.6 * at / len(intervals)
        label = f"{100 * level:g} % interval"
        shade(ax, times, *intervals[level], share=share, label=label)


def draw_autocorrelation(ax: Axes, acf: np.ndarray, n: int, p_value: float) -> None:
    """Draw the autocorrelation of `n` values from lag 1 on, and the band of noise."""
    band = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) / np.sqrt(n)
    lags = np.arange(1, len(acf) + 1)
    ax.axhspan(-band, band, color=SKY, alpha=0.4, linewidth=0)
    ax.axhline(0, color=BLACK, linewidth=0.8)
    ax.vlines(lags, 0, acf, color=BLUE)
    ax.plot(lags, acf, "o", color=BLUE, markersize=3)
    ax.set_xlabel("lag (rows)")
    ax.set_ylabel("autocorrelation")
    p_text = "< 0.001" if p_value < 0.001 else f"= {p_value:.3f}"
    ax.set_title(f"Ljung-Box p {p_text}; band: {CONFIDENCE:.0%}", fontsize="medium")
