"""Records that pass from one step of a fit to the next; none is ever changed."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sktsdl._estimator.scaling import ChannelScaling, channel_position
from sktsdl._estimator.targets import Targets
from sktsdl._layers.window_norm import DIVIDING, LossScale, WindowNormKind
from sktsdl._sklearn.target_steps import TargetSteps
from sktsdl._training.config import Units
from sktsdl._windows.time_steps import TimeSteps


@dataclass(frozen=True)
class InputSpec:
    """The form of `X`.

    Parameters
    ----------
    is_3d : bool
        Whether `X` is windows; else it is rows whose columns are steps.
    window : int
        The number of steps.
    n_channels : int
        The number of channels, 1 for rows.
    names : tuple of str or None
        The names of the channels, or of the columns of rows.
    """

    is_3d: bool
    window: int
    n_channels: int
    names: tuple[str, ...] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self.window, self.n_channels

    @property
    def n_features(self) -> int:
        return self.n_channels if self.is_3d else self.window

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes by which scikit-learn checks the columns of `X`."""
        known: dict[str, Any] = {"n_features_in_": self.n_features}
        if self.names is None:
            return known
        return known | {"feature_names_in_": np.array(self.names, dtype=object)}

    def position(self, channel: int | str, parameter: str) -> int:
        """Return the position of the channel that `parameter` names."""
        return channel_position(channel, parameter, self.channel_names, self.n_channels)

    @property
    def channel_names(self) -> tuple[str, ...] | None:
        return self.names if self.is_3d else None

    @property
    def shown_names(self) -> list[str]:
        """The names of the channels, or their positions if they have no names."""
        if self.channel_names is not None:
            return list(self.channel_names)
        return [f"channel {i}" for i in range(self.n_channels)]


@dataclass(frozen=True)
class TargetSpec:
    """The form of `y`: whether it is 1-D, and the names of its columns."""

    is_1d: bool
    labels: tuple[Hashable, ...]

    @property
    def n_targets(self) -> int:
        return len(self.labels)

    @property
    def steps(self) -> TargetSteps:
        """Which target, and which step of a window ahead, each column is."""
        return TargetSteps.of_labels(self.labels).in_parts


@dataclass(frozen=True)
class KnownSpec:
    """What is known of the steps ahead.

    Parameters
    ----------
    channels, lags : tuple of tuple of int, shape (steps ahead, columns)
        The channel that holds each value, and how many steps before the last one.
    steps, targets : tuple of int
        For each column of `y`, its step ahead and its target, by number.
    n_static : int
        How many columns, the last ones, are static.
    """

    channels: tuple[tuple[int, ...], ...]
    lags: tuple[tuple[int, ...], ...]
    steps: tuple[int, ...]
    targets: tuple[int, ...]
    n_static: int = 0  # not in older files

    @property
    def taken(self) -> set[int]:
        """The channels that are not in the window of the past."""
        return set().union(*self.channels)

    @property
    def is_static(self) -> list[bool]:
        """Whether each column is static."""
        n = len(self.channels[0])
        return [column >= n - self.n_static for column in range(n)]


@dataclass(frozen=True)
class CycleSpec:
    """The learned cycles, and how the phase of a row is known.

    Parameters
    ----------
    periods : tuple of int
        The steps of each cycle.
    channel : int or None
        The channel that holds the phase; None takes it from the time index.
    times : TimeSteps or None
        How steps are counted in the time index.
    steps_per_row : int
        The steps of a window from one time of the index to the next.
    lead : int
        If the columns of `y` have no names, the step ahead of the first of them.
    is_number : bool
        Whether the parameter `cycle` is a number, and no tuple.
    """

    periods: tuple[int, ...]
    channel: int | None = None
    times: TimeSteps | None = None
    steps_per_row: int = 1
    lead: int = 1
    is_number: bool = False

    @property
    def given(self) -> int | tuple[int, ...]:
        """The parameter `cycle`."""
        return self.periods[0] if self.is_number else self.periods

    @property
    def taken(self) -> set[int]:
        """The channels that are not in the window of the past."""
        return set() if self.channel is None else {self.channel}

    @property
    def n_phases(self) -> int:
        """The number of steps after which all cycles begin together."""
        return math.lcm(*self.periods)


@dataclass(frozen=True)
class NormSpec:
    """How each window is normalised, and which channels are the targets'.

    Parameters
    ----------
    kind : {"last", "standard", "mean"} or None
        As the parameter `window_norm`.
    channels : tuple of int or None
        The channels that share the targets; None if the module needs none.
    loss_scale : {"target", "window"}
        As the parameter `loss_scale`.
    low : tuple of float
        A low scale of the windows of each channel, standardised.
    """

    kind: WindowNormKind | None
    channels: tuple[int, ...] | None
    loss_scale: LossScale = "target"
    low: tuple[float, ...] = ()

    @property
    def divides(self) -> bool:
        """Whether each window is divided by a scale of its own."""
        return self.kind in DIVIDING


@dataclass(frozen=True)
class FittedSpec:
    """What a fitted net knows besides its module.

    Parameters
    ----------
    inputs : InputSpec
        The form of `X`.
    outputs : TargetSpec
        The form of `y`.
    channels : ChannelScaling
        The statistics of the channels.
    targets : Targets
        The targets, with their statistics.
    norm : NormSpec
        The window norm.
    structure : dict
        The parameters that decided how the module was built.
    known : KnownSpec or None
        What is known of the steps ahead.
    cycle : CycleSpec or None
        The learned cycles.
    """

    inputs: InputSpec
    outputs: TargetSpec
    channels: ChannelScaling
    targets: Targets
    norm: NormSpec
    structure: Mapping[str, Any]
    known: KnownSpec | None = None
    cycle: CycleSpec | None = None

    @property
    def taken(self) -> set[int]:
        """The channels that leave the window."""
        return set().union(*(part.taken for part in (self.known, self.cycle) if part))

    @property
    def units(self) -> Units:
        """What a training records in the units of `y`."""
        is_in_windows = self.norm.loss_scale == "window"
        return Units(
            self.targets.decode,
            self.targets.decode_targets,
            1.0 if is_in_windows else self.targets.loss_factor,
            loss_scale=self.norm.loss_scale,
        )

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes that a net has before its training ends."""
        return {
            "_spec": self,
            **self.inputs.attributes,
            "window_norm_": self.norm.kind,
            "target_channels_": self.norm.channels,
            "loss_scale_": self.norm.loss_scale,
        }
