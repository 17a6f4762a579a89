"""The forecasts of a backtest beside the truth, and their errors by step."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import pandas as pd
from sklearn.utils._optional_dependencies import check_matplotlib_support

from sktsdl._sklearn.validation import check_option
from sktsdl.inspection._display import (
    BLACK,
    BLUE,
    N_MARKED,
    Display,
    check_finite_array,
    hide_spines,
    label_times,
    positions,
    shade,
    use_whole_numbers,
)
from sktsdl.inspection._frames import backtest_in_frame, levels_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Kind = Literal["forecasts", "error_by_step"]
SHARES = (0.9, 0.5)  # of the cut-offs, around the median


class BacktestDisplay(Display):
    """The forecasts of all cut-offs of a backtest, or their errors by step.

    Use `from_frame` to make one.

    Parameters
    ----------
    forecasts : DataFrame
        The rows of one target in the frame of ``backtest``, and of one series, or of
        all series for errors.
    kind : {"forecasts", "error_by_step"}, default="forecasts"
        What is drawn. ``"forecasts"`` is a line for each cut-off over the truth, with
        the intervals; with one step ahead, one line. ``"error_by_step"`` is the mean
        of the absolute errors for each step, and the range of the errors of 50 % and
        of 90 % of the cut-offs.
    name : str or None, default=None
        The name of the target, with its unit.
    title : str or None, default=None
        The title of the picture, such as the name of the series.

    Attributes
    ----------
    {display_attributes}

    Examples
    --------
    >>> from sklearn.model_selection import TimeSeriesSplit
    >>> from sktsdl import SeasonalNaiveRegressor, backtest, make_supervised
    >>> from sktsdl.datasets import load_air_passengers
    >>> from sktsdl.inspection import BacktestDisplay
    >>> X, y, _ = make_supervised(
    ...     load_air_passengers(), target="passengers", horizon=6
    ... )
    >>> cv = TimeSeriesSplit(4, test_size=6)
    >>> forecasts = backtest(SeasonalNaiveRegressor(12), X, y, cv=cv)
    >>> display = BacktestDisplay.from_frame(forecasts, kind="error_by_step")
    >>> display.ax_.get_xlabel()
    'step'
    """

    def __init__(
        self,
        *,
        forecasts: pd.DataFrame,
        kind: Kind = "forecasts",
        name: str | None = None,
        title: str | None = None,
    ) -> None:
        self.forecasts = forecasts
        self.kind = kind
        self.name = name
        self.title = title

    @classmethod
    def from_frame(
        cls,
        forecasts: pd.DataFrame,
        *,
        kind: Kind = "forecasts",
        target: int | Hashable = 0,
        series: Hashable = None,
        name: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw what ``backtest`` returned.

        Parameters
        ----------
        forecasts : DataFrame
            As from ``backtest``, or some of its rows.
        kind : {"forecasts", "error_by_step"}, default="forecasts"
            What is drawn, the forecasts of all cut-offs or their errors.
        target : int or name, default=0
            The target that is drawn if there are several, by position or by name.
        series : name, tuple of names, or None, default=None
            The series that is drawn, by its name, or a tuple if several columns name
            it. The forecasts of many series need it; errors are then of all series.
        name : str or None, default=None
            The name of the target, with its unit; None takes that in the frame.
        {ax}

        Returns
        -------
        display : BacktestDisplay
            The drawn display.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            If `forecasts` is not a frame of ``backtest``, if there is no such target or
            series, or if `series` is None and there are many.
        """
        check_matplotlib_support(f"{cls.__name__}.from_frame")
        check_option("kind", kind, ("forecasts", "error_by_step"))
        drawn = backtest_in_frame(
            forecasts,
            target=target,
            series=series,
            is_pooled=kind == "error_by_step",
        )
        check_finite_array(drawn["forecasts"]["y_pred"], "y_pred")
        drawn["name"] = name or drawn["name"]
        return cls(**drawn, kind=kind).plot(ax=ax)

    def _draw(self, ax: Axes) -> None:
        if self.kind == "forecasts":
            self._draw_forecasts(ax)
        else:
            self._draw_errors(ax)
        if self.title is not None:
            ax.set_title(self.title)
        ax.legend(frameon=False)
        hide_spines(ax)

    def _draw_forecasts(self, ax: Axes) -> None:
        frame = self.forecasts
        times = pd.Index(frame["time"]).rename(None)
        frame = frame.assign(at=positions(times))
        lines = _lines_of(frame)
        levels = levels_in(frame)
        for at, level in enumerate(sorted(levels, reverse=True)):
            share = 0.4 + 0.6 * at / len(levels)
            label: str | None = f"{100 * level:g} % interval"
            for line in lines:
                ends = (line[name].to_numpy() for name in levels[level])
                shade(ax, line["at"].to_numpy(), *ends, share=share, label=label)
                label = None
        truth = frame.drop_duplicates("at").sort_values("at")
        overlap = len(truth) < len(frame)
        is_marked = len(truth) <= N_MARKED and not overlap
        solid, dashed = ("o-", "s--") if is_marked else ("-", "-")
        (line_of_truth,) = ax.plot(
            truth["at"], truth["y_true"], solid, color=BLACK, ms=3
        )
        line_of_truth.set(label="truth", zorder=3)
        label = "forecast" if len(lines) == 1 else "forecasts"
        for line in lines:
            form = dashed if len(line) > 1 else "s"
            ax.plot(
                line["at"],
                line["y_pred"],
                form,
                color=BLUE,
                lw=0.8 if overlap else 1.5,
                ms=3,
                label=label,
            )
            label = None
        label_times(ax, times)
        ax.set_ylabel(self.name or "target")

    def _draw_errors(self, ax: Axes) -> None:
        frame = self.forecasts
        errors = (frame["y_true"] - frame["y_pred"]).abs()
        of_steps = errors.groupby(frame["step"])
        steps = np.sort(frame["step"].unique())
        for at, share in enumerate(SHARES):
            ends = (of_steps.quantile((1 + sign * share) / 2) for sign in (-1, 1))
            label = f"{100 * share:g} % of cut-offs"
            shade(
                ax,
                steps,
                *(e.to_numpy() for e in ends),
                share=0.4 + 0.4 * at,
                label=label,
            )
        ax.plot(steps, of_steps.mean(), "o-", color=BLUE, ms=3.5, label="mean")
        ax.set_ylim(0, 1.3 * ax.get_ylim()[1])  # with a place for the legend
        use_whole_numbers(ax.xaxis)
        if len(steps) == 1:
            ax.set_xticks(steps)
        ax.set_xlabel("step")
        unit = f"\n({self.name})" if self.name else ""
        ax.set_ylabel(f"absolute error{unit}")


def _lines_of(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the forecasts of each cut-off by time; of one step, of all cut-offs."""
    if len(frame["step"].unique()) == 1:
        return [frame.sort_values("at")]
    parts = frame.sort_values("step", kind="stable").groupby(["split", "cutoff"])
    return [part for _, part in parts]
