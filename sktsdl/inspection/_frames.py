"""What a display draws of the frames of ``forecast`` and ``backtest``."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from sktsdl._sklearn.target_steps import TargetSteps
from sktsdl.inspection._display import name_of
from sktsdl.inspection._series import pick_series

BOUND = re.compile(r"(.+)_(lower|upper)_(\d+(?:\.\d+)?)")
LEVEL = r"lower_(\d+(?:\.\d+)?)"
COLUMNS = ("split", "cutoff", "time", "step", "target", "y_true", "y_pred")


def forecast_in_frame(
    frame: pd.DataFrame,
    *,
    target: int | Hashable,
    series: Hashable,
    history: pd.Series | ArrayLike | None,
    name: str | None,
) -> dict[str, Any]:
    """Return the values that `ForecastDisplay` draws of a frame of ``forecast``.

    Raises
    ------
    ValueError
        If it is a frame of ``backtest``, or if there is no such series or target.
    """
    if "cutoff" in frame.columns:
        raise ValueError(
            "forecasts has a column 'cutoff', as the frames of `backtest` have: draw "
            "it by BacktestDisplay.from_frame."
        )
    ends = {label: _end_of(label, frame) for label in frame.columns}
    names = [label for label, end in ends.items() if end is None]
    label = _picked_target(names, target)
    picked = pick_series(frame.index, series, "the forecast")
    part = frame.iloc[picked.rows].set_axis(picked.times)
    part = part[part[label].notna()]  # targets of other steps
    found: dict[float, dict[str, np.ndarray]] = {}
    for column, end in ends.items():
        if end is not None and end[0] == label:
            found.setdefault(end[2], {})[end[1]] = part[column].to_numpy()
    intervals = {
        level: (pair["lower"], pair["upper"])
        for level, pair in found.items()
        if len(pair) == 2
    }
    return {
        "y_pred": part[label].to_numpy(),
        "index": part.index.rename(picked.times.name),
        "intervals": intervals,
        "history": picked.own(history, "history"),
        "name": name or (None if label == "y" else name_of(label)),
        "title": picked.title,
    }


def backtest_in_frame(
    frame: pd.DataFrame, *, target: int | Hashable, series: Hashable, is_pooled: bool
) -> dict[str, Any]:
    """Return the rows of one series and target of a frame of ``backtest``.

    With `is_pooled`, no series means all of them.

    Raises
    ------
    ValueError
        If it is another frame, or if there is no such series or target.
    """
    missing = [name for name in COLUMNS if name not in getattr(frame, "columns", ())]
    if missing:
        raise ValueError(
            f"forecasts has no column {missing[0]!r}: give the frame that `backtest` "
            "returned."
        )
    if len(frame) == 0:
        raise ValueError("forecasts has no row: give those of at least one cut-off.")
    levels = list(frame.columns[: frame.columns.get_loc("split")])
    title = None
    if levels and not (is_pooled and series is None):
        numbers = pd.RangeIndex(len(frame))
        index = pd.MultiIndex.from_arrays(
            [*(frame[name] for name in levels), numbers], names=[*levels, None]
        )
        picked = pick_series(index, series, "forecasts")
        frame, title = frame.iloc[picked.rows], picked.title
    elif series is not None:
        raise ValueError(
            f"series={series!r} names a series, but forecasts has one series without a "
            "name: leave `series` out."
        )
    label = _picked_target(list(dict.fromkeys(frame["target"])), target)
    part = frame[[found == label for found in frame["target"]]]
    return {
        "forecasts": part.reset_index(drop=True),
        "title": title,
        "name": None if label == "y" else name_of(label),
    }


def levels_in(frame: pd.DataFrame) -> dict[float, tuple[str, str]]:
    """Return the columns of the interval of each level in a frame of ``backtest``."""
    matches = [re.fullmatch(LEVEL, str(name)) for name in frame.columns]
    return {
        float(match[1]) / 100: (match[0], f"upper_{match[1]}")
        for match in matches
        if match is not None and f"upper_{match[1]}" in frame
    }


def _end_of(label: Hashable, frame: pd.DataFrame) -> tuple[Hashable, str, float] | None:
    """Return the target, the end and the level of a column of an interval."""
    if isinstance(label, tuple) and label:
        match = BOUND.fullmatch(str(label[-1]))
        target: Hashable = None if match is None else (*label[:-1], match[1])
    else:
        match = BOUND.fullmatch(str(label))
        target = None if match is None else match[1]
    if match is None:
        return None
    known = {str(column): column for column in frame.columns}
    if str(target) not in known:
        return None
    return known[str(target)], match[2], round(float(match[3]) / 100, 12)


def _picked_target(names: Sequence[Hashable], target: int | Hashable) -> Hashable:
    n = len(names)
    steps = TargetSteps(tuple(names), tuple(names), tuple(range(n)), (1,) * n, True)
    return names[steps.position_of(target)]
