"""Which window norm a net has, and the channels that carry its output."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from sktsdl._estimator.carriers import Carriers
from sktsdl._estimator.samples import Samples
from sktsdl._estimator.scaling import ChannelScaling
from sktsdl._estimator.specs import NormSpec, TargetSpec
from sktsdl._estimator.targets import Targets
from sktsdl._layers.causal import LossSteps
from sktsdl._layers.window_norm import DIVIDING, LossScale, WindowNormKind
from sktsdl._sklearn.warnings import warn

TargetChannels = int | str | Sequence[int | str] | None
LOW = 0.05  # the quantile of scales that is a low scale
N_PROBES = 1024  # windows
N_AT_ONCE = 2**22  # values


@dataclass(frozen=True)
class NormConfig:
    """What is asked of a window norm; names as the parameters of all nets."""

    window_norm: Literal["auto"] | WindowNormKind | None
    target_channels: TargetChannels
    loss_scale: Literal["auto"] | LossScale
    channel_independent: bool
    loss_steps: LossSteps
    cycle: int | Sequence[int] | None


def choose_norm(
    config: NormConfig,
    samples: Samples,
    idx: np.ndarray,
    channels: ChannelScaling,
    outputs: TargetSpec,
    targets: Targets,
    taken: Set[int],
) -> NormSpec:
    """Return the window norm for the training windows `idx`, and its channels.

    ``"auto"`` normalises in two cases. (A) The windows are consecutive rows, and `y` is
    later rows of channels. (B) The last value of the channel explains at least half of
    the variance of `y`, with a slope near 1. It is then ``"last"`` for one series, and
    ``"standard"`` for several series or errors in units of the window.

    Raises
    ------
    ValueError
        If `target_channels` or `loss_scale` cannot be used.
    """
    config = _with_named_channels(config, channels, outputs)
    are_many = samples.are_many(idx)
    best: WindowNormKind = "last"
    if are_many or config.loss_scale == "window":
        best = "standard"
    kind, positions = _choose(config, samples, idx, channels, targets, best, taken)
    loss_scale = config.loss_scale
    if loss_scale == "auto":
        divides = kind in DIVIDING and targets.are_levels
        loss_scale = "window" if are_many and divides else "target"
    if loss_scale == "window" and not targets.are_levels:
        raise ValueError(
            "loss_scale='window' divides errors by the scale of each window, and the "
            "outputs of this loss may not be values of y: use the squared, absolute, "
            "Huber or quantile loss, or loss_scale='target'."
        )
    if loss_scale == "window" and kind in (None, "last"):
        raise ValueError(
            "loss_scale='window' needs a window norm that divides, and "
            f"window_norm='auto' chose {kind!r}: use 'standard' or 'mean'."
        )
    low: tuple[float, ...] = ()
    if kind in DIVIDING:
        low = _low_scales(kind, samples, idx, channels)
    return NormSpec(kind, positions, loss_scale, low)


def _with_named_channels(
    config: NormConfig, channels: ChannelScaling, outputs: TargetSpec
) -> NormConfig:
    """Name the channels of `channel_independent` that the names of `y` tell."""
    steps, names = outputs.steps, channels.names or ()
    is_asked = config.channel_independent and config.target_channels is None
    if not is_asked or not steps.is_known or not set(steps.names) <= set(names):
        return config
    return replace(config, target_channels=[str(name) for name in steps.names])


def _choose(
    config: NormConfig,
    samples: Samples,
    idx: np.ndarray,
    channels: ChannelScaling,
    targets: Targets,
    best: WindowNormKind,
    taken: Set[int],
) -> tuple[WindowNormKind | None, tuple[int, ...] | None]:
    """Return the kind of the norm, `best` by ``"auto"``, and its channels."""
    given = given_channels(config, channels, samples.n_targets)
    for channel in set(given or ()) & taken:
        named = channel if channels.names is None else repr(channels.names[channel])
        raise ValueError(
            f"target_channels has {named}, which is known ahead, static or the "
            "cycle_channel, so the window does not hold it: name the channel whose "
            "future y is."
        )
    kind, is_own_loss = config.window_norm, False
    if kind == "auto" and (config.loss_steps == "all" or not targets.are_levels):
        kind = None
        is_own_loss = config.loss_steps == "last" and not targets.class_columns
    if kind is None and config.cycle is None and not is_own_loss:
        return None, given
    carriers = Carriers.of(samples, idx)
    others = taken | channels.codes.keys()
    numeric = [i for i in range(channels.n_channels) if i not in others]
    is_varied, are_rows = carriers.is_varied, samples.windows.are_rows
    if is_varied and are_rows:
        found = carriers.find_future(numeric, given)
        if is_own_loss and found is not None:
            _warn_of_own_loss(best, found[0], channels.names)
        if kind is None and config.cycle is not None:
            return None, given or found
        if kind is not None and found is not None:
            return best if kind == "auto" else kind, found
    if kind is None:
        return None, given
    if kind == "auto":
        tried = given or ((0,) if 0 in numeric else ())
        if is_varied and tried and carriers.follow_last(tried):
            return best, tried
        rescaled = carriers.find_rescaled(given or numeric) if are_rows else None
        if rescaled is not None:
            _warn_of_units(rescaled, channels.names)
        return None, given
    used = given or tuple(channels.target_positions(0, samples.n_targets))
    if is_varied and targets.are_levels and not carriers.follow_last(used):
        found = carriers.find_future(numeric, None) if are_rows else None
        wrong = None if found is None else used[0]
        if found is None and kind != "mean":
            wrong = carriers.find_worse(used)
        if wrong is not None:
            _warn_of_channel(kind, wrong, found, channels.names)
    return kind, used


def _low_scales(
    kind: WindowNormKind, samples: Samples, idx: np.ndarray, channels: ChannelScaling
) -> tuple[float, ...]:
    """Return the 5 % quantile of the scales of windows that vary, of each channel.

    Many windows may be constant or zero. With series of different scales, it is far
    below the standard deviation of all rows.
    """
    probes = idx[np.linspace(0, len(idx) - 1, min(len(idx), N_PROBES)).astype(int)]
    starts, n_channels = samples.windows.starts[probes], channels.n_channels
    n_blocks = -(-len(probes) * samples.window * n_channels // N_AT_ONCE)
    blocks = []
    for part in np.array_split(starts, n_blocks):
        windows = samples.rows[part[:, None] + np.arange(samples.window)].astype(float)
        is_spread = kind == "standard"
        blocks.append(windows.std(axis=1) if is_spread else abs(windows).mean(axis=1))
    scales = np.concatenate(blocks)
    if channels.standardize:
        scales /= channels.scaling.scale
    varied = [column[column > 0] for column in scales.T]
    return tuple(
        float(np.quantile(column, LOW)) if len(column) else 1.0 for column in varied
    )


def check_order(outputs: TargetSpec, targets: Targets) -> None:
    """Raise a ValueError if channels of `X` could not share the columns of `y`."""
    if targets.are_levels and not outputs.steps.is_in_blocks:
        raise ValueError(
            f"The columns of y, {list(outputs.labels)}, are not one target after the "
            "other by increasing steps, as window_norm, channel_independent and "
            "cycle need: order them as make_supervised does, or use window_norm=None."
        )


def given_channels(
    config: NormConfig, channels: ChannelScaling, n_targets: int
) -> tuple[int, ...] | None:
    """Return the positions of `target_channels`, None if they are not given.

    Raises
    ------
    ValueError
        If a channel cannot be used, or if `channel_independent` has one twice.
    """
    named = config.target_channels
    if config.channel_independent:
        named = 0 if named is None else named
    elif named is None:
        return None
    positions = tuple(channels.target_positions(named, n_targets))
    if config.channel_independent and len(set(positions)) < len(positions):
        raise ValueError(
            f"target_channels={named!r} names a channel twice, which "
            "channel_independent=True cannot forecast twice: name each once."
        )
    return positions


def _warn_of_own_loss(
    best: WindowNormKind, channel: int, names: tuple[str, ...] | None
) -> None:
    """Warn that ``"auto"`` cannot know what the outputs of a loss of the user are."""
    name = channel if names is None else repr(names[channel])
    warn(
        f"y is the next rows of channel {name}, and window_norm='auto' chose None, as "
        "the outputs of this loss may not be values of y: use "
        f"window_norm={best!r} if they are, so that the net follows the level of the "
        "channel, and window_norm=None if not."
    )


def _warn_of_units(channel: int, names: tuple[str, ...] | None) -> None:
    """Warn that `y` is the next rows of a channel, but in other units."""
    name = channel if names is None else repr(names[channel])
    warn(
        f"y is the next rows of channel {name} in other units, so window_norm='auto' "
        "cannot follow the level of this channel, and chose None: take out the scaler "
        "of X or of y, as a net standardises both inside, or set window_norm=None."
    )


def _warn_of_channel(
    kind: WindowNormKind,
    wrong: int,
    found: tuple[int, ...] | None,
    names: tuple[str, ...] | None,
) -> None:
    """Warn of a wrong channel, and name the channels of the targets if found."""
    advice = "name the channel of y in target_channels, or use window_norm=None"
    if found is not None:
        named = [channel if names is None else names[channel] for channel in found]
        advice = f"use target_channels={named}, as y holds later rows of these channels"
    warn(
        f"window_norm={kind!r} adds the level of channel "
        f"{wrong if names is None else repr(names[wrong])} to the prediction, and y "
        f"does not follow this level: {advice}."
    )
