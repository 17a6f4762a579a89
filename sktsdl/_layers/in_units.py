"""A module between windows in the units of `X` and predictions in those of `y`."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


class Prepared(nn.Module):
    """Windows as a net needs them: filled, standardised, with codes from 0.

    **Shape**: (batch, time, channels) -> (batch, time, channels), float32, and whether
    each window can be used, (batch,); with `cycle_channel`, the phase is one more
    channel

    Parameters
    ----------
    mean, scale : ndarray of shape (channels,)
        What is subtracted, and what the difference is divided by.
    fill : ndarray of shape (channels,)
        The value of a channel without any known value in the window.
    codes : dict of {int: ndarray}
        The codes of each categorical channel. Other values share the next number.
    cycle_channel : int or None
        The channel that holds the phase.
    n_phases : int
        The number of phases.
    """

    mean: Tensor
    scale: Tensor
    fill: Tensor

    def __init__(
        self,
        mean: np.ndarray,
        scale: np.ndarray,
        fill: np.ndarray,
        codes: Mapping[int, np.ndarray],
        *,
        cycle_channel: int | None,
        n_phases: int,
    ) -> None:
        super().__init__()
        self.coded = list(codes)
        arrays = {"mean": mean, "scale": scale, "fill": fill}
        arrays |= {f"codes_{channel}": values for channel, values in codes.items()}
        for name, array in arrays.items():
            self.register_buffer(name, torch.tensor(array, device="cpu"))
        self.cycle_channel = cycle_channel
        self.n_phases = n_phases

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        is_unknown = (~x.isnan()).cumsum(dim=1) == 0
        x = self._filled(x, is_unknown)
        mean, scale = self.mean.to(x.dtype), self.scale.to(x.dtype)
        scaled = ((x - mean) / scale).float()
        is_valid = scaled.isfinite().flatten(1).all(dim=1)
        channels = list(scaled.unbind(-1))
        for channel in self.coded:
            channels[channel] = self._numbered(x[..., channel], channel)
        if self.cycle_channel is not None:
            values = x[..., self.cycle_channel]
            is_valid = is_valid & (values == values.round()).all(dim=1)
            channels.append(self._phases(values, is_unknown))
        return torch.stack(channels, dim=-1), is_valid

    def _filled(self, x: Tensor, is_unknown: Tensor) -> Tensor:
        """Fill each channel from its first known value in the window."""
        at = is_unknown.sum(dim=1, keepdim=True).clamp(max=x.shape[1] - 1)
        first = x.gather(1, at)
        first = torch.where(first.isnan(), self.fill.to(x.dtype), first)
        return torch.where(is_unknown, first, x)

    def _numbered(self, values: Tensor, channel: int) -> Tensor:
        """(batch, time) -> (batch, time), the number of each code"""
        codes: Tensor = getattr(self, f"codes_{channel}")
        is_code = (values[..., None] == codes).float()
        number = torch.where(is_code.amax(-1) > 0, is_code.argmax(-1), len(codes))
        return number.float()

    def _phases(self, values: Tensor, is_unknown: Tensor) -> Tensor:
        """(batch, time) -> (batch, time), in filled windows counted from their end"""
        window = values.shape[1]
        back = torch.arange(1 - window, 1, device=values.device)
        was_filled = is_unknown[:, :1].any(dim=-1)
        values = torch.where(was_filled, values[:, -1:] + back, values)
        return (values.long() % self.n_phases).float()


class Values(nn.Module):
    """Outputs as values in the units of `y`.

    **Shape**: (batch, outputs) -> (batch, targets), or (batch, targets, values) in
    increasing order if each target has several; (batch, ...) if `is_1d`

    Parameters
    ----------
    mean, scale : ndarray of shape (targets,)
        The statistics of the targets.
    n_values : int
        The number of outputs for each target.
    is_1d : bool
        Whether `y` is 1-D, of one target.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self, mean: np.ndarray, scale: np.ndarray, n_values: int, is_1d: bool
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, device="cpu"))
        self.register_buffer("scale", torch.tensor(scale, device="cpu"))
        self.n_values = n_values
        self.is_1d = is_1d

    def forward(self, outputs: Tensor) -> Tensor:
        values = outputs.reshape(-1, len(self.mean), self.n_values)
        if self.n_values > 1:
            values = values.sort(dim=-1).values
        values = values * self.scale[:, None] + self.mean[:, None]
        values = values if self.n_values > 1 else values[..., 0]
        return values[:, 0] if self.is_1d else values


class ByName(nn.Module):
    """The outputs of several targets, each by a module of its own.

    **Shape**: (batch, outputs) -> dict of {name: (batch, ...)}
    """

    def __init__(
        self,
        names: Sequence[Hashable],
        modules: Sequence[nn.Module],
        sizes: Sequence[int],
    ) -> None:
        super().__init__()
        self.names = list(names)
        self.sizes = list(sizes)
        self.decoders = nn.ModuleList(modules)

    def forward(self, outputs: Tensor) -> dict[Hashable, Tensor]:
        parts = torch.split(outputs, self.sizes, dim=1)
        decoded = [f(part) for f, part in zip(self.decoders, parts, strict=True)]
        return dict(zip(self.names, decoded, strict=True))


class InUnits(nn.Module):
    """A net from windows in the units of `X` to predictions in the units of `y`.

    It computes in float32 between float64 inputs and outputs. A window that ``predict``
    refuses, such as one with infinity, gives NaN.

    Parameters
    ----------
    prepared : Prepared
        What is done to the windows.
    module : nn.Module
        The trained module.
    decoder : nn.Module
        What is done to the outputs of `module`.
    shape : tuple of int
        The shape of a window, (window, channels), or (window,) for rows of a table.
    """

    def __init__(
        self,
        prepared: Prepared,
        module: nn.Module,
        decoder: nn.Module,
        shape: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.prepared = prepared
        self.module = module
        self.decoder = decoder
        self.shape = shape

    def forward(self, X: Tensor) -> Any:
        if tuple(X.shape[1:]) != self.shape:
            expected = ", ".join(map(str, self.shape))
            raise ValueError(
                f"X has the shape {tuple(X.shape)}, and this module takes windows of "
                f"the shape (batch, {expected}), as the net did in fit."
            )
        dtype = self.prepared.mean.dtype
        X = X if X.is_floating_point() else X.to(dtype)
        x, is_valid = self.prepared(X if X.ndim == 3 else X[..., None])
        outputs = torch.where(is_valid[:, None], self.module(x), torch.nan)
        return self.decoder(outputs.to(dtype))
