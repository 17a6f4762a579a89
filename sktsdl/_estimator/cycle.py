"""Which cycles a net learns, and the phase of each row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from torch import nn

from sktsdl._estimator.carriers import Carriers
from sktsdl._estimator.columns import steps_and_channels
from sktsdl._estimator.samples import Samples
from sktsdl._estimator.specs import CycleSpec, FittedSpec, InputSpec, KnownSpec
from sktsdl._layers.causal import LossSteps
from sktsdl._layers.cycle import Cycle
from sktsdl._windows.time_index import as_time_index
from sktsdl._windows.time_steps import CHANNEL, TimeSteps
from sktsdl._windows.training_index import kind_of
from sktsdl._windows.windows import Windows

MOST_PHASES = 2**24  # whole numbers that float32 holds
NO_TIMES = (
    "cycle={} needs the time of each row, and {}: give X as a frame with a time index "
    "(and `set_output(transform='pandas')` for the steps before the windows), or name "
    "a channel that holds the step of the cycle in `cycle_channel`, such as 'hour' of "
    "make_supervised(..., calendar=['hour'])."
)


@dataclass(frozen=True)
class CycleConfig:
    """Which cycles are learned; names as the parameters of all nets."""

    cycle: int | Sequence[int] | None
    cycle_channel: int | str | None

    @property
    def periods(self) -> tuple[int, ...]:
        if self.cycle is None:
            return ()
        return tuple(int(period) for period in np.atleast_1d(np.asarray(self.cycle)))


def check_cycle(
    cycle: int | Sequence[int] | None,
    cycle_channel: int | str | None,
    loss_steps: LossSteps,
) -> None:
    """Raise a ValueError if these parameters do not go together."""
    if cycle is None:
        if cycle_channel is not None:
            raise ValueError(
                f"cycle_channel={cycle_channel!r} says at which step of a cycle each "
                "row is, and there is none: give `cycle` too."
            )
        return
    periods = CycleConfig(cycle, cycle_channel).periods
    if loss_steps == "all":
        raise ValueError(
            f"cycle={cycle!r} is added to the forecast from the last step of a window, "
            "and loss_steps='all' forecasts from each: use loss_steps='last'."
        )
    if math.lcm(*periods) > MOST_PHASES:
        raise ValueError(
            f"cycle={cycle!r} begins together only after {math.lcm(*periods)} steps, "
            f"more than {MOST_PHASES}: give cycles of which one holds the others, such "
            "as (24, 168)."
        )


def choose_cycle(
    config: CycleConfig,
    samples: Samples,
    idx: np.ndarray,
    inputs: InputSpec,
    known: KnownSpec | None,
) -> CycleSpec | None:
    """Return the cycles, and how the phases of rows are known; None without cycles.

    `idx` are the training windows.

    Raises
    ------
    ValueError
        If the phase of a row is not known.
    """
    if config.cycle is None:
        return None
    spec = CycleSpec(
        config.periods,
        steps_per_row=samples.windows.steps_per_row,
        is_number=np.ndim(config.cycle) == 0,
    )
    if config.cycle_channel is not None:
        channel = inputs.position(config.cycle_channel, "cycle_channel")
        if known is not None and channel in known.taken:
            raise ValueError(
                f"cycle_channel={config.cycle_channel!r} is known ahead or static, so "
                "the window does not hold it: name the channel of the rows themselves."
            )
        spec = replace(spec, channel=channel)
        _check_channel(config, spec, samples, idx)
        return spec
    index = samples.windows.index
    times = None if index is None else TimeSteps.of(index)
    if index is None or times is None:
        reason = "X has no time index" if index is None else "its index has no times"
        raise ValueError(NO_TIMES.format(config.cycle, reason))
    if times.kind == "number" and times.origin == 0:
        reason = "an index that starts at 0 may count any rows"
        raise ValueError(NO_TIMES.format(config.cycle, reason))
    return replace(spec, times=times)


def with_lead(spec: FittedSpec, samples: Samples, idx: np.ndarray) -> FittedSpec:
    """Return `spec` with the step ahead of the first column of a `y` without names."""
    cycle, channels = spec.cycle, spec.norm.channels
    is_named = spec.outputs.steps.is_known
    if cycle is None or channels is None or is_named or not samples.windows.are_rows:
        return spec
    found = Carriers.of(samples, idx).find_lead(channels, channels)
    lead = 1 if found is None else found[1]
    return replace(spec, cycle=replace(cycle, lead=lead))


def with_phases(
    x: np.ndarray,
    cycle: CycleSpec | None,
    windows: Windows,
    rows: np.ndarray | None = None,
    starts: np.ndarray | None = None,
) -> np.ndarray:
    """Return standardised rows and, if there are cycles, the phase of each at the end.

    The phase is a whole number below `CycleSpec.n_phases`. By the time index, it is
    that of the window that ends at the row; other rows have 0.

    Parameters
    ----------
    x : ndarray of shape (n_rows, channels), float32
        The standardised rows.
    cycle : CycleSpec or None
        The cycles.
    windows : Windows
        The windows.
    rows, starts : ndarray or None, default=None
        The rows in their units, and where each window starts; None is as in `windows`.
        Rows of filled windows come after the rows of `windows`.

    Raises
    ------
    ValueError
        If the phase of a row is not known.
    """
    if cycle is None:
        return x
    phases = np.zeros(len(x), dtype=np.float32)
    if cycle.channel is not None:
        values = (windows.rows if rows is None else rows)[:, cycle.channel]
        _check_whole(values, windows)
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
    return np.concatenate([x, phases[:, None]], axis=1)


def with_cycle(module: nn.Module, fitted: FittedSpec, numeric: list[int]) -> nn.Module:
    """Return `module` with its cycles outside; `numeric` are the channels with cycles.

    Raises
    ------
    ValueError
        If there is no such channel.
    """
    cycle, norm, targets = fitted.cycle, fitted.norm, fitted.targets
    assert cycle is not None
    if not numeric:
        raise ValueError(
            f"cycle={cycle.given} is learned of channels of numbers, and the window "
            "has none: leave out `cycle`, or a channel of categorical_features."
        )
    steps, origins = steps_and_channels(fitted, cycle.steps_per_row, cycle.lead)
    is_level = targets.are_levels or norm.kind is not None
    if not is_level or not set(origins or ()) <= set(numeric):
        origins = None
    gain = np.ones(len(steps))
    if origins is not None and norm.kind not in ("standard", "mean"):
        gain, _ = fitted.channels.to_target_units(origins, targets.scaling)
    return Cycle(
        module,
        cycle.periods,
        n_channels=fitted.channels.n_channels,
        changed=numeric,
        is_counted=cycle.channel is None,
        steps=steps,
        origins=origins,
        gain=torch.from_numpy(gain).float(),
        n_values=targets.n_values,
    )


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


def _check_whole(values: np.ndarray, windows: Windows) -> None:
    is_broken = np.isfinite(values) & (values != np.round(values))
    if is_broken.any():
        value = values[is_broken.argmax()]
        raise ValueError(
            f"cycle_channel holds {value:g}, which is not a whole number: give a "
            "channel that counts steps, not scaled, such as 'hour' of "
            "make_supervised(..., calendar=['hour'])."
        )


def _check_channel(
    config: CycleConfig, spec: CycleSpec, samples: Samples, idx: np.ndarray
) -> None:
    """Raise a ValueError if the channel does not count the steps of all cycles."""
    rows = samples.rows[:, spec.channel]
    _check_whole(rows, samples.windows)
    ends = np.asarray(samples.windows.ends)[idx]
    phases = rows[ends] % spec.n_phases
    if samples.window > 1:
        steps = (rows[ends] - rows[ends - 1]) % spec.n_phases
        if np.median(steps) != 1:
            raise ValueError(
                f"cycle_channel={config.cycle_channel!r} must grow by 1 from row to "
                f"row, and mostly grows by {np.median(steps):g} in cycles of "
                f"{config.cycle}: give a channel that counts rows."
            )
    for period in spec.periods:
        n_found = len(np.unique(phases % period))
        share = 0.5 if len(idx) < 2 * period else 0.9  # rows may be missing
        if len(idx) >= period and n_found <= share * period:
            raise ValueError(
                f"cycle_channel={config.cycle_channel!r} has {n_found} values of the "
                f"{period} steps of cycle={config.cycle}: give a channel that counts "
                "all of them, or the cycle that it counts."
            )
