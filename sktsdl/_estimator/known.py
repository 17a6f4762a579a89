"""Which channels are known ahead, and of which step ahead each value is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from sktsdl._estimator.samples import Samples
from sktsdl._estimator.scaling import ChannelScaling
from sktsdl._estimator.specs import InputSpec, KnownSpec, TargetSpec
from sktsdl._estimator.targets import Targets
from sktsdl._layers.causal import LossSteps
from sktsdl._sklearn.target_steps import TargetSteps, known_ahead
from sktsdl._sklearn.warnings import warn

KnownFuture = Literal["auto"] | Sequence[int | str] | None


@dataclass(frozen=True)
class KnownConfig:
    """Which channels are known ahead; names as the parameters of all nets."""

    known_future: KnownFuture
    static_features: Sequence[int | str] | None
    loss_steps: LossSteps


def choose_known(
    config: KnownConfig, inputs: InputSpec, outputs: TargetSpec, targets: Targets
) -> KnownSpec | None:
    """Return what is known of the steps ahead, None if nothing is.

    Raises
    ------
    ValueError
        If a channel is not there, or does not have a value for each step.
    """
    given, static = config.known_future, config.static_features
    is_auto = isinstance(given, str)
    if given is None and not static:
        return None
    steps = outputs.steps
    reason = _why_not(config, inputs, steps, targets)
    if reason is not None:
        if is_auto and not static:
            return None
        name = "static_features" if is_auto or given is None else "known_future"
        raise ValueError(f"{name}={getattr(config, name)!r} cannot be used: {reason}.")
    distinct = sorted(set(steps.steps))
    columns: list[list[tuple[int, int]]] = []
    if is_auto:
        columns = _named(inputs, distinct)
    elif given is not None:
        columns = _given(list(given), inputs, distinct)
    fixed = [inputs.position(channel, "static_features") for channel in static or ()]
    taken = {channel for column in columns for channel, _ in column}
    if set(fixed) & taken:
        both = sorted(set(fixed) & taken)
        raise ValueError(
            f"static_features={list(static or ())!r} has channels that are known "
            f"ahead, {both}: leave them out of one of both."
        )
    columns += [[(channel, 0)] * len(distinct) for channel in fixed]
    if not columns:
        return None
    table = np.array(columns).transpose(1, 0, 2)
    return KnownSpec(
        channels=tuple(map(tuple, table[..., 0].tolist())),
        lags=tuple(map(tuple, table[..., 1].tolist())),
        steps=tuple(distinct.index(step) for step in steps.steps),
        targets=steps.targets,
        n_static=len(fixed),
    )


def warn_of_static(
    config: KnownConfig, inputs: InputSpec, samples: Samples, idx: np.ndarray
) -> None:
    """Warn of static channels that change within windows."""
    rows, ends = samples.rows, np.asarray(samples.windows.ends)[idx]
    starts = ends - samples.window + 1
    for channel in config.static_features or ():
        at = inputs.position(channel, "static_features")
        if (rows[starts, at] != rows[ends, at]).any():
            warn(
                f"static_features has {channel!r}, whose values change within windows, "
                "and the net sees only the last of them: leave it out, so that it "
                "stays in the window."
            )


def with_known_codes(
    channels: ChannelScaling, known: KnownSpec | None
) -> ChannelScaling:
    """Return the channels, with the same codes for all values of one known column."""
    if known is None:
        return channels
    codes = dict(channels.codes)
    for column in np.array(known.channels).T.tolist():
        coded = [channel for channel in set(column) if channel in codes]
        if coded:
            union = np.unique(np.concatenate([codes[channel] for channel in coded]))
            codes |= dict.fromkeys(column, union)
    return replace(channels, codes={at: codes[at] for at in sorted(codes)})


def categorical_with_known(
    categorical: Sequence[int | str], inputs: InputSpec
) -> list[int | str]:
    """Return categorical channels, and the channels that are their values ahead."""
    names = list(inputs.channel_names or ())
    found = [*categorical]
    for position, (base, _) in known_ahead(names).items():
        is_named = {base, names[base]} & set(categorical)
        if is_named and not {position, names[position]} & set(categorical):
            found.append(position)
    return found


def _why_not(
    config: KnownConfig, inputs: InputSpec, steps: TargetSteps, targets: Targets
) -> str | None:
    """Return why there can be no channels that are known ahead, None if there can."""
    n_targets = len(steps.steps)
    if not inputs.is_3d:
        return "X has no channels, so give windows from SlidingWindow"
    if config.loss_steps == "all":
        return "loss_steps='all' forecasts from each step, so use loss_steps='last'"
    if targets.n_outputs(n_targets) != n_targets * targets.n_values:
        return "the targets are classes, which have no steps ahead"
    if n_targets > 1 and not steps.is_known and set(steps.labels) != {None}:
        return (
            f"the columns of y, {list(steps.labels)}, do not say which step ahead they "
            "are, so name them as make_supervised does, such as 'rail+1'"
        )
    return None


def _named(inputs: InputSpec, steps: Sequence[int]) -> list[list[tuple[int, int]]]:
    """Return channel and lag of each step, of all columns with a value for each step.

    ``temp+24`` holds the value 24 steps ahead in its last step, and the value 1 step
    ahead 23 steps before.
    """
    names = list(inputs.channel_names or ())
    bases: dict[int, dict[int, int]] = {}
    for position, (base, step) in known_ahead(names).items():
        bases.setdefault(base, {})[step] = position
    columns = []
    for found in bases.values():
        column = []
        for step in steps:
            nearest = min((k for k in found if k >= step), default=None)
            if nearest is None or nearest - step >= inputs.window:
                break
            column.append((found[nearest], nearest - step))
        else:
            columns.append(column)
    return columns


def _given(
    given: list[int | str], inputs: InputSpec, steps: Sequence[int]
) -> list[list[tuple[int, int]]]:
    """Return channel and lag of each step, of the columns that the user named."""
    if all(isinstance(channel, str) for channel in given):
        names = list(inputs.channel_names or ())
        bases = known_ahead(names)
        named = {
            names[bases[column[0][0]][0]]: column for column in _named(inputs, steps)
        }
        for channel in given:
            if channel not in named:
                raise ValueError(
                    f"known_future has {channel!r}, and X has no channels "
                    f"'{channel}+{steps[0]}' to '{channel}+{steps[-1]}' beside it: "
                    "name columns of known_future in make_supervised."
                )
        return [named[str(channel)] for channel in given]
    positions = [inputs.position(channel, "known_future") for channel in given]
    n = len(steps)
    if len(positions) % n:
        raise ValueError(
            f"known_future has {len(positions)} channels, which is not a multiple of "
            f"the {n} steps ahead: give for each column its values of all steps, as "
            "make_supervised orders them."
        )
    return [
        [(at, 0) for at in positions[i : i + n]] for i in range(0, len(positions), n)
    ]
