"""Stacks of dense blocks, each with a backcast and a forecast."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sktsdl._layers.causal import n_weights

Basis = Callable[[int], Tensor]


@dataclass(frozen=True)
class BlockShape:
    """What every block of a net reads and computes.

    Parameters
    ----------
    n_channels, n_steps : int
        The channels and steps of a window.
    n_known : int
        The number of values that are known ahead.
    n_series, n_ahead : int
        The series of a forecast, one for each value of each target, and their steps.
    places : tuple of int or None
        For each output, its place among the steps of all series. None if the outputs
        are not steps, as the scores of classes; they are then one series.
    """

    n_channels: int
    n_steps: int
    n_known: int
    n_series: int
    n_ahead: int
    places: tuple[int, ...] | None

    @classmethod
    def of(
        cls,
        *,
        n_channels: int,
        n_steps: int,
        n_known: int,
        patch_size: int,
        n_outputs: int,
        n_values: int,
        target_steps: Sequence[int],
        targets: Sequence[int],
    ) -> BlockShape:
        """Return the shape for the fields of a ``ModuleSpec``; patches become steps."""
        n_series = n_values * (max(targets, default=-1) + 1)
        steps_ahead = max(target_steps, default=-1) + 1
        places = tuple(
            (target * n_values + value) * steps_ahead + step
            for step, target in zip(target_steps, targets, strict=True)
            for value in range(n_values)
        )
        are_steps = len(places) == n_outputs
        return cls(
            n_channels=n_channels // patch_size,
            n_steps=n_steps * patch_size,
            n_known=n_known * steps_ahead,
            n_series=n_series if are_steps else 1,
            n_ahead=steps_ahead if are_steps else n_outputs,
            places=places if are_steps else None,
        )


class Expansion(nn.Module):
    """Coefficients of each series by a linear map, times a fixed basis.

    **Shape**: (batch, inputs) -> (batch, series, steps)

    Parameters
    ----------
    n_inputs, n_series, n_steps : int
        The sizes.
    basis : callable or None
        From `n_steps` to the basis, (coefficients, steps). With None, each step has a
        coefficient of its own.
    """

    basis: Tensor | None

    def __init__(
        self, n_inputs: int, n_series: int, n_steps: int, basis: Basis | None
    ) -> None:
        super().__init__()
        self.n_series = n_series
        values = None if basis is None else basis(n_steps)
        n_coefficients = n_steps if values is None else len(values)
        self.linear = nn.Linear(n_inputs, n_series * n_coefficients)
        self.register_buffer("basis", values, persistent=False)

    def forward(self, h: Tensor) -> Tensor:
        theta = self.linear(h).reshape(h.shape[0], self.n_series, -1)
        return theta if self.basis is None else theta @ self.basis


class ResidualBlock(nn.Module):
    """Dense layers, and the backcast and forecast of their output.

    **Shape**: (batch, channels, time), and known values (batch, known) if there are any
    -> backcast (batch, channels, time), or None, and forecast (batch, series, steps)

    Parameters
    ----------
    shape : BlockShape
        The inputs and outputs.
    basis : callable or None
        The basis of backcast and forecast, as for `Expansion`.
    num_layers, hidden_size : int
        The number of dense layers, and their width.
    dropout : float
        The probability of a zero after each of them.
    pool_size : int
        The steps of which each channel keeps the maximum; the last of these groups
        ends at the last step.
    has_backcast : bool
        Whether a block comes after it.
    """

    def __init__(
        self,
        shape: BlockShape,
        basis: Basis | None,
        *,
        num_layers: int,
        hidden_size: int,
        dropout: float,
        pool_size: int = 1,
        has_backcast: bool = True,
    ) -> None:
        super().__init__()
        self.pool_size = min(pool_size, shape.n_steps)
        n_pooled = -(-shape.n_steps // self.pool_size)
        n_in = shape.n_channels * n_pooled + shape.n_known
        layers: list[nn.Module] = []
        for _ in range(num_layers):
            layers += [nn.Linear(n_in, hidden_size), nn.ReLU(), nn.Dropout(dropout)]
            n_in = hidden_size
        self.layers = nn.Sequential(*layers)
        self.backcast = None
        if has_backcast:
            self.backcast = Expansion(
                hidden_size, shape.n_channels, shape.n_steps, basis
            )
        self.forecast = Expansion(
            hidden_size,
            shape.n_series,
            shape.n_ahead,
            None if shape.places is None else basis,
        )

    def forward(self, x: Tensor, known: Tensor | None) -> tuple[Tensor | None, Tensor]:
        size = self.pool_size
        if size > 1:
            front = -x.shape[-1] % size
            x = F.max_pool1d(F.pad(x, (front, 0), value=-torch.inf), size)
        inputs = x.flatten(1)
        if known is not None:
            inputs = torch.cat([inputs, known], dim=1)
        h = self.layers(inputs)
        backcast = None if self.backcast is None else self.backcast(h)
        return backcast, self.forecast(h)


class ResidualStacks(nn.Module):
    """Stacks of blocks: each reads what the backcasts before it leave of the window.

    The output is the sum of the forecasts of all blocks.

    **Shape**: (batch, time, channels), and known values (batch, steps ahead, known
    channels) if there are any -> (batch, outputs)

    Parameters
    ----------
    shape : BlockShape
        The inputs and outputs of each block.
    stacks : sequence of tuple of (callable or None, int)
        The basis and the pool size of the blocks of each stack.
    n_blocks : int
        The number of blocks in a stack.
    share_weights : bool
        Whether the blocks of a stack are one block, used again.
    num_layers, hidden_size, dropout
        As for `ResidualBlock`.
    """

    places: Tensor | None
    takes_known = True

    def __init__(
        self,
        shape: BlockShape,
        stacks: Sequence[tuple[Basis | None, int]],
        *,
        n_blocks: int,
        share_weights: bool = False,
        num_layers: int,
        hidden_size: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.n_channels = shape.n_channels
        n_made = 1 if share_weights else n_blocks
        self.n_uses = n_blocks // n_made
        made = [
            ResidualBlock(
                shape,
                basis,
                num_layers=num_layers,
                hidden_size=hidden_size,
                dropout=dropout,
                pool_size=pool_size,
                # Nothing reads the backcast of the last block.
                has_backcast=self.n_uses > 1 or at < n_made * len(stacks) - 1,
            )
            for at, (basis, pool_size) in enumerate(
                stack for stack in stacks for _ in range(n_made)
            )
        ]
        self.stacks = nn.ModuleList(
            nn.ModuleList(made[at : at + n_made]) for at in range(0, len(made), n_made)
        )
        places = None if shape.places is None else torch.tensor(shape.places)
        self.register_buffer("places", places, persistent=False)

    def multiplications(self, n_steps: int) -> int:
        """Return about how many multiplications a window takes."""
        return sum(n_weights(block) for _, block in self._blocks())

    def calls(self, n_steps: int) -> int:
        """Return about how many kernels are called besides those of the layers."""
        return 4 * len(list(self._blocks()))

    def forward(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        forecasts = (forecast for _, forecast in self.forecasts(x, known))
        return self.outputs(reduce(torch.add, forecasts))

    def forecasts(
        self, x: Tensor, known: Tensor | None
    ) -> Iterator[tuple[int, Tensor]]:
        """Yield the stack of each block, and its forecast (batch, series, steps)."""
        residual = x.reshape(x.shape[0], -1, self.n_channels).mT.contiguous()
        if known is not None:
            known = known.flatten(1)
        for stack, block in self._blocks():
            backcast, forecast = block(residual, known)
            yield stack, forecast
            if backcast is not None:
                residual = residual - backcast

    def outputs(self, forecast: Tensor) -> Tensor:
        """(batch, series, steps) -> (batch, outputs)"""
        values = forecast.flatten(1)
        return values if self.places is None else values.index_select(1, self.places)

    def _blocks(self) -> Iterator[tuple[int, Any]]:
        stack: Any
        for at, stack in enumerate(self.stacks):
            for block in [*stack] * self.n_uses:
                yield at, block
