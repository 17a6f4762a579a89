"""The phase of each row in the cycles of a net."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sktsdl._estimator.specs import CycleSpec
from sktsdl._windows.disk_rows import Rows
from sktsdl._windows.time_index import as_time_index
from sktsdl._windows.time_steps import CHANNEL, TimeSteps
from sktsdl._windows.training_index import kind_of
from sktsdl._windows.windows import Windows

NO_TIMES = (
    "cycle={} needs the time of each row, and {}: give X as a frame with a time index "
    "(and `set_output(transform='pandas')` for the steps before the windows), or name "
    "a channel that holds the step of the cycle in `cycle_channel`, such as 'hour' of "
    "make_supervised(..., calendar=['hour'])."
)


def phases_of(
    cycle: CycleSpec | None,
    windows: Windows,
    rows: Rows | None = None,
    starts: np.ndarray | None = None,
) -> np.ndarray | None:
    """Return the phase of each row, shape (n_rows,), None without cycles.

    The phase is a whole number below `CycleSpec.n_phases`. By the time index, it is
    that of the window that ends at the row; other rows have 0.

    Parameters
    ----------
    cycle : CycleSpec or None
        The cycles.
    windows : Windows
        The windows.
    rows, starts : ndarray, DiskRows or None, default=None
        The rows in their units, and where each window starts; None is as in `windows`.
        Rows of filled windows come after the rows of `windows`.

    Raises
    ------
    ValueError
        If the phase of a row is not known.
    """
    if cycle is None:
        return None
    rows = windows.rows if rows is None else rows
    phases = np.zeros(len(rows), dtype=np.float32)
    if cycle.channel is not None:
        values = rows[:, cycle.channel]
        check_whole(values)
        known = np.where(np.isnan(values), 0.0, values)
        phases[:] = known % cycle.n_phases
        filled = phases[len(windows.rows) :].reshape(-1, windows.window)
        back = np.arange(1 - windows.window, 1)
        filled[:] = (filled[:, -1:] + back) % cycle.n_phases
    else:
        starts = windows.starts if starts is None else starts
        ends = starts + windows.window - 1
        numbers = _numbers(cycle, windows) * cycle.steps_per_row
        is_known = ends >= 0
        phases[ends[is_known]] = (numbers % cycle.n_phases)[is_known]
    return phases


def _numbers(cycle: CycleSpec, windows: Windows) -> np.ndarray:
    """Return the number of the time of each window."""
    assert cycle.times is not None
    if windows.index is None:
        reason = "X has no time index, as it had in fit"
        raise ValueError(NO_TIMES.format(cycle.given, reason))
    _check_not_renumbered(cycle.times, windows.index)
    return cycle.times.numbers(windows.index)


def _check_not_renumbered(times: TimeSteps, index: pd.Index) -> None:
    """Raise a ValueError if numbers may count other rows than those of training."""
    labels = as_time_index(index.get_level_values(-1))
    if times.kind != "number" or kind_of(labels) != ("number",):
        return
    is_early = np.asarray(labels < times.origin, dtype=bool)
    is_early[:1] |= labels[:1] == 0
    if is_early.any():
        row = int(is_early.argmax())
        raise ValueError(
            f"Row {row} of X has the label {labels[row]}, and the training rows start "
            f"at {times.origin}, so the index of X may count other rows: keep the "
            f"index that X had before it was split, give dates, or {CHANNEL}."
        )


def check_whole(values: np.ndarray) -> None:
    """Raise a ValueError if a channel of phases holds fractions."""
    is_broken = np.isfinite(values) & (values != np.round(values))
    if is_broken.any():
        value = values[is_broken.argmax()]
        raise ValueError(
            f"cycle_channel holds {value:g}, which is not a whole number: give a "
            "channel that counts steps, not scaled, such as 'hour' of "
            "make_supervised(..., calendar=['hour'])."
        )
