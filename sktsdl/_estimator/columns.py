"""What the columns of `y` are: steps ahead, targets, and the channels they continue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sktsdl._estimator.specs import FittedSpec
from sktsdl._sklearn.target_steps import TargetSteps


@dataclass(frozen=True)
class Columns:
    """What the columns of `y` are.

    Parameters
    ----------
    steps : tuple of int
        The step ahead of each column, by number.
    targets : tuple of int
        Which of the targets of a step each column is.
    channels : tuple of int or None
        The channel whose future each column is, None if that is not known.
    """

    steps: tuple[int, ...]
    targets: tuple[int, ...]
    channels: tuple[int, ...] | None

    @property
    def by_channel(self) -> dict[int, Columns]:
        """The columns of each channel, as if it were the only one."""
        assert self.channels is not None
        found = {}
        for channel in dict.fromkeys(self.channels):
            at = [i for i, of in enumerate(self.channels) if of == channel]
            steps = tuple(self.steps[i] for i in at)
            found[channel] = Columns(steps, (0,) * len(at), (0,) * len(at))
        return found


def columns_of(fitted: FittedSpec, numeric: list[int]) -> Columns:
    """Return the columns of `y`; their channels are positions in `numeric`."""
    layout, origins = _with_origins(fitted.outputs.steps, fitted)
    if fitted.known is not None:
        steps, targets = fitted.known.steps, fitted.known.targets
    else:
        distinct = sorted(set(layout.steps))
        steps = tuple(distinct.index(step) for step in layout.steps)
        targets = layout.targets
    if origins is None or not set(origins) <= set(numeric):
        return Columns(steps, targets, None)
    return Columns(steps, targets, tuple(map(numeric.index, origins)))


def steps_and_channels(
    fitted: FittedSpec, steps_per_row: int, lead: int
) -> tuple[list[int], list[int] | None]:
    """Return how many steps of a window each column of `y` is ahead, and its channel.

    A row of `y` is `steps_per_row` steps. Columns without names begin `lead` steps
    ahead. The channels are positions in `X`, None if they are not known.
    """
    by_rows = TargetSteps.of_labels(fitted.outputs.labels)
    has_parts = by_rows.n_parts == steps_per_row or fitted.inputs.channel_names is None
    layout = fitted.outputs.steps if has_parts else by_rows
    layout, origins = _with_origins(layout, fitted)
    if not layout.is_known:
        return [step + lead - 1 for step in layout.steps], origins
    return [
        step if has_parts else step * steps_per_row for step in layout.steps
    ], origins


def _with_origins(
    layout: TargetSteps, fitted: FittedSpec
) -> tuple[TargetSteps, list[int] | None]:
    """Return the targets and steps of `y`, and the channel of each column."""
    of_targets, names = fitted.norm.channels, fitted.inputs.channel_names or ()
    if of_targets is not None:
        origins = shared_evenly(of_targets, fitted.outputs.n_targets)
        return layout if layout.is_known else layout.shared_by(of_targets), origins
    if layout.is_known and set(layout.names) <= set(names):
        return layout, [names.index(str(layout.names[of])) for of in layout.targets]
    return layout, None


def shared_evenly(channels: Sequence[int], n_targets: int) -> list[int]:
    """Return the channel of each column, if `channels` share them evenly in order."""
    return np.repeat(channels, n_targets // len(channels)).tolist()
