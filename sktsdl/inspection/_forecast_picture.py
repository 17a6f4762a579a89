"""The picture of a forecast, whatever it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length

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
    shade_intervals,
    shade_quantiles,
    target_name,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class ForecastPicture(Display):
    """What `ForecastDisplay` holds, and how it is drawn; its parameters are there."""

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
        intervals: dict[float, tuple[np.ndarray, np.ndarray]] | None = None,
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
        self.intervals = intervals
        self.history = history
        self.name = name
        self.title = title

    @classmethod
    def _of(cls, *, index: pd.Index, history: Any, **drawn: Any) -> Self:
        """Check what is drawn, which is of one series."""
        for key in ("y_true", "y_pred", "lower", "upper", "quantiles"):
            if drawn.get(key) is not None:
                ndim = 2 if key == "quantiles" else 1
                drawn[key] = check_finite_array(drawn[key], key, ndim)
        if drawn.get("levels") is not None and drawn.get("quantiles") is not None:
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
        shade_intervals(ax, times, self.intervals or {})
        if self.y_true is not None:
            ax.plot(times, self.y_true, solid, color=BLACK, ms=3.5, label="truth")
        ax.plot(times, self.y_pred, dashed, color=BLUE, ms=3.5, label="forecast")
        label_times(ax, self.index)
        if self.title is not None:
            ax.set_title(self.title)
        ax.set_ylabel(self.name or "target")
        ax.legend(frameon=False)
        hide_spines(ax)
