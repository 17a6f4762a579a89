"""Which cycles a net learns, and how the phases of rows are known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from sktsdl._estimator.carriers import Carriers
from sktsdl._estimator.columns import steps_and_channels
from sktsdl._estimator.phases import NO_TIMES, check_whole
from sktsdl._estimator.samples import Samples
from sktsdl._estimator.specs import CycleSpec, FittedSpec, InputSpec, KnownSpec
from sktsdl._layers.causal import LossSteps
from sktsdl._layers.cycle import Cycle
from sktsdl._sklearn.warnings import warn
from sktsdl._windows.time_steps import TimeSteps

MOST_PHASES = 2**24  # whole numbers that float32 holds


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
                "row is, and cycle=None: give `cycle` too."
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

    Warns
    -----
    UserWarning
        If the training windows hold fewer than two whole cycles.
    """
    if config.cycle is None:
        return None
    spec = _with_clock(config, samples, idx, inputs, known)
    _warn_of_few_steps(config, spec, samples, idx)
    return spec


def _with_clock(
    config: CycleConfig,
    samples: Samples,
    idx: np.ndarray,
    inputs: InputSpec,
    known: KnownSpec | None,
) -> CycleSpec:
    """Return the cycles, and how the phases of rows are known."""
    spec = CycleSpec(
        config.periods,
        steps_per_row=samples.windows.steps_per_row,
        is_number=not isinstance(config.cycle, Sequence),
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


def _warn_of_few_steps(
    config: CycleConfig, spec: CycleSpec, samples: Samples, idx: np.ndarray
) -> None:
    """Warn if the training windows hold fewer than two whole cycles."""
    windows = samples.windows
    if spec.times is None:  # one clock of many series is not known
        n_steps = len(samples.training_rows(idx)[0])
    else:
        assert windows.index is not None
        numbers = spec.times.numbers(windows.index)[idx]
        n_steps = int(np.ptp(numbers)) * spec.steps_per_row + windows.window
    longest = max(spec.periods)
    if n_steps < 2 * longest:
        warn(
            f"cycle={config.cycle} repeats itself after {longest} steps, and the "
            f"training rows cover {n_steps}, fewer than two whole cycles, so the net "
            f"learns single rows by heart: give at least {2 * longest} steps, or a "
            "shorter cycle."
        )


def with_lead(spec: FittedSpec, samples: Samples, idx: np.ndarray) -> FittedSpec:
    """Return `spec` with the step ahead of the first column of a `y` without names."""
    cycle, channels = spec.cycle, spec.norm.channels
    is_named = spec.outputs.steps.is_known
    if cycle is None or channels is None or is_named or not samples.windows.are_rows:
        return spec
    found = Carriers.of(samples, idx).find_lead(channels, channels)
    lead = 1 if found is None else found[1]
    return replace(spec, cycle=replace(cycle, lead=lead))


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
    if origins is not None and not norm.divides:
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


def _check_channel(
    config: CycleConfig, spec: CycleSpec, samples: Samples, idx: np.ndarray
) -> None:
    """Raise a ValueError if the channel does not count the steps of all cycles."""
    rows = samples.rows[:, spec.channel]
    check_whole(rows)
    ends = np.asarray(samples.windows.ends)[idx]
    # Of all rows of windows, as the windows may be every second one.
    phases = samples.training_rows(idx)[0][:, spec.channel] % spec.n_phases
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
        share = 0.5 if len(phases) < 2 * period else 0.9  # rows may be missing
        if len(phases) >= period and n_found <= share * period:
            raise ValueError(
                f"cycle_channel={config.cycle_channel!r} has {n_found} values of the "
                f"{period} steps of cycle={config.cycle}: give a channel that counts "
                "all of them, or the cycle that it counts."
            )
