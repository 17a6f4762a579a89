"""Learned cycles outside of a module."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sktsdl._layers.adapters import Adapter


class Cycle(Adapter):
    r"""Subtract learned cycles from the window, and add them to the output [1]_.

    .. math::

        \hat y_{h} = f(x_{1:T} - q(\tau - T + 1, \ldots, \tau))_h + g \, q(\tau + h),
        \qquad q(\tau) = \sum_i Q^{(i)}_{\tau \bmod P_i}

    with the module :math:`f`, the phase :math:`\tau` of the last row, the step ahead
    :math:`h` of each target, and a table :math:`Q^{(i)}` of shape (period, channels)
    for each period :math:`P_i`, which starts at zero. The gain :math:`g` converts a
    difference in the channel of a target to the units of the target.

    **Shape**: (batch, time, channels + 1) -> (batch, outputs); the last channel is the
    phase, and the inner module does not see it

    Parameters
    ----------
    module : nn.Module
        The module of the other channels without their cycles.
    periods : sequence of int
        The steps of each cycle.
    n_channels : int
        The number of channels without the phase.
    changed : list of int
        The channels that have cycles.
    is_counted : bool
        Whether only the phase of the last step is given, and the phases of the other
        steps are counted from it.
    steps : list of int
        For each target, how many steps of a window it is after the last one.
    origins : list of int or None
        For each target, the channel whose future it is; None adds nothing to the
        output.
    gain : Tensor of shape (targets,)
        From the units of that channel to those of the target.
    n_values : int
        The number of outputs for each target.

    References
    ----------
    .. [1] S. Lin et al. (2024). CycleNet: Enhancing Time Series Forecasting through
       Modeling Periodic Patterns. NeurIPS.
    """

    places: Tensor
    steps: Tensor
    columns: Tensor
    gain: Tensor

    def __init__(
        self,
        module: nn.Module,
        periods: Sequence[int],
        *,
        n_channels: int,
        changed: list[int],
        is_counted: bool,
        steps: list[int],
        origins: list[int] | None,
        gain: Tensor,
        n_values: int,
    ) -> None:
        super().__init__(module)
        self.periods = tuple(periods)
        self.is_counted = is_counted
        self.n_values = n_values
        self.adds = origins is not None
        self.tables = nn.ModuleList(
            nn.Embedding(n, len(changed), _weight=torch.zeros(n, len(changed)))
            for n in periods
        )
        places = torch.full((n_channels,), len(changed))
        places[changed] = torch.arange(len(changed))
        columns = [changed.index(channel) for channel in origins or ()]
        tensors = {
            "places": places,
            "steps": torch.tensor(steps),
            "columns": torch.tensor(columns, dtype=torch.long),
            "gain": gain,
        }
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor, persistent=False)

    def transform_input(self, x: Tensor) -> Tensor:
        phases = x[..., -1].long()
        if self.is_counted:
            back = torch.arange(1 - x.shape[1], 1, device=x.device)
            phases = phases[:, -1:] + back
        cycles = F.pad(self._cycles(phases), (0, 1))  # 0 for the other channels
        return x[..., :-1] - cycles.index_select(-1, self.places)

    def forward(self, x: Tensor, targets: Tensor | None = None, **kwargs: Any) -> Any:
        ahead = self._ahead(x)
        if targets is not None:
            kwargs["targets"] = targets - ahead
        output = self.module(self.transform_input(x), **kwargs)  # (batch, outputs)
        return output + ahead.repeat_interleave(self.n_values, dim=1)

    def parts(self, x: Tensor, **kwargs: Any) -> Tensor:
        trend, season, *others = super().parts(x, **kwargs).unbind(dim=1)
        season = season + self._ahead(x).repeat_interleave(self.n_values, dim=1)
        return torch.stack([trend, season, *others], dim=1)

    def _ahead(self, x: Tensor) -> Tensor:
        """Return the cycles of the steps ahead, (batch, targets), 0 to add none."""
        if not self.adds:
            return x.new_zeros(1, len(self.steps))
        phases = x[:, -1:, -1].long() + self.steps  # (batch, targets)
        columns = self.columns.expand(x.shape[0], -1)[..., None]
        return self._cycles(phases).gather(-1, columns)[..., 0] * self.gain

    def _cycles(self, phases: Tensor) -> Tensor:
        """Return the sum of all tables at some phases, (..., changed channels)."""
        pairs = zip(self.tables, self.periods, strict=True)
        cycles: Tensor = sum(table(phases % period) for table, period in pairs)
        return cycles
