"""Windows normalised by their own values."""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from sktsdl._layers.adapters import Adapter

WindowNormKind = Literal["last", "standard", "mean"]
LossScale = Literal["target", "window"]
DIVIDING = ("standard", "mean")
# Of the low scale; a window that varies less is constant.
LEAST = 1e-5**0.5
ROUNDING = 1e-6  # of float32, with a margin


class WindowNorm(Adapter):
    r"""Normalise each window by its own values, and transform the output back [1]_.

    .. math::

        \hat y = x_T + f(x - x_T), \qquad
        \hat y = m + s \, f\big((x - m) / s\big), \qquad
        \hat y = a \, f(x / a)

    with the module :math:`f`, the last value :math:`x_T`, the window's mean :math:`m`
    and standard deviation :math:`s`, and its mean absolute value :math:`a`, all but the
    last in standardised units of the target.

    **Shape**: (batch, time, channels) -> (batch, outputs)

    Parameters
    ----------
    module : nn.Module
        The module of the normalised windows.
    window_norm : {"last", "standard", "mean"}
        What a window is normalised by: its last value, mean and standard deviation, or
        the mean of its absolute values, `low` if they are all 0.
    unchanged : list of int
        The channels that stay as they are.
    n_channels : int
        The number of channels.
    n_values : int
        The number of outputs for each target.
    origins : list of int
        For each target, the channel whose future it is.
    gain, shift : Tensor of shape (targets,)
        ``gain * x + shift`` converts a standardised value of that channel to the
        standardised units of the target.
    zero : Tensor of shape (n_channels,)
        The value 0 of each channel, as the module sees it.
    low : Tensor of shape (n_channels,)
        A low scale of windows. The scales of the loss are never lower.

    References
    ----------
    .. [1] T. Kim et al. (2022). Reversible Instance Normalization for Accurate
       Time-Series Forecasting against Distribution Shift. ICLR.
    """

    gain: Tensor
    shift: Tensor
    is_changed: Tensor
    origins: Tensor
    zero: Tensor
    low: Tensor

    def __init__(
        self,
        module: nn.Module,
        window_norm: WindowNormKind,
        *,
        unchanged: list[int],
        n_channels: int,
        n_values: int,
        origins: list[int],
        gain: Tensor,
        shift: Tensor,
        zero: Tensor,
        low: Tensor,
    ) -> None:
        super().__init__(module)
        self.window_norm = window_norm
        self.n_values = n_values
        self.changes_all = not unchanged
        is_changed = torch.ones(n_channels, dtype=torch.bool)
        is_changed[unchanged] = False
        self.register_buffer("is_changed", is_changed)
        self.register_buffer("origins", torch.tensor(origins))
        self.only = origins[0] if len(set(origins)) == 1 else None
        self.register_buffer("gain", gain)
        self.register_buffer("shift", shift)
        # Not in older files.
        self.register_buffer("zero", zero, persistent=False)
        self.register_buffer("low", low, persistent=False)

    def transform_input(self, x: Tensor) -> Tensor:
        return _normalised(x, *self._level_and_scale(x))

    def forward(
        self,
        x: Tensor,
        targets: Tensor | None = None,
        with_scales: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Return the outputs and, if asked, the `target_scales`."""
        level, scale = self._level_and_scale(x)
        inputs = _normalised(x, level, scale)
        origin = self._origin(level)
        if scale is None:
            if targets is not None:
                kwargs["targets"] = targets - origin
            return self._of_outputs(origin) + self.module(inputs, **kwargs)
        spread = self._of_targets(scale) * self.gain
        if targets is not None:
            kwargs["targets"] = (targets - origin) / spread
        output = self.module(inputs, **kwargs)  # (batch, outputs)
        output = self._of_outputs(origin) + self._of_outputs(spread) * output
        return (output, self._loss_scales(scale)) if with_scales else output

    def parts(self, x: Tensor, **kwargs: Any) -> Tensor:
        level, scale = self._level_and_scale(x)
        parts = self.module.parts(_normalised(x, level, scale), **kwargs)
        if scale is not None:
            spread = self._of_targets(scale) * self.gain
            parts = self._of_outputs(spread)[:, None] * parts
        first = parts[:, :1] + self._of_outputs(self._origin(level))[:, None]
        return torch.cat([first, parts[:, 1:]], dim=1)

    def _origin(self, level: Tensor) -> Tensor:
        """(batch, 1, channels) -> (batch, targets)"""
        return torch.addcmul(self.shift, self._of_targets(level), self.gain)

    def target_scales(self, x: Tensor) -> Tensor:
        """(batch, time, channels) -> (batch, targets), the scale of each window

        It is in standardised units of the target, and never below the low scale.
        """
        _, scale = self._level_and_scale(x)
        assert scale is not None
        return self._loss_scales(scale)

    def _loss_scales(self, scale: Tensor) -> Tensor:
        return self._of_targets(torch.maximum(scale, self.low)) * self.gain

    def _level_and_scale(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the level and the scale of each window, (batch, 1, channels).

        The scale is None if it is 1.
        """
        scale = None
        if self.window_norm == "last":
            level = x[:, -1:]
        elif self.window_norm == "mean":
            level = self.zero.expand(x.shape[0], 1, -1)
            scale = (x - level).abs().mean(dim=1, keepdim=True)
            is_zero = scale <= ROUNDING * self.zero.abs()
            scale = torch.where(is_zero, self.low, scale)
        else:
            variance, level = torch.var_mean(x, dim=1, correction=0, keepdim=True)
            least = (LEAST * self.low) ** 2 + (ROUNDING * level) ** 2
            scale = (variance + least).sqrt()
        if not self.changes_all:
            level = torch.where(self.is_changed, level, 0.0)
            if scale is not None:
                scale = torch.where(self.is_changed, scale, 1.0)
        return level, scale

    def _of_targets(self, values: Tensor) -> Tensor:
        """(batch, 1, channels) -> (batch, targets), or (batch, 1) of one channel"""
        if self.only is not None:
            return values[:, 0, self.only : self.only + 1]
        return values[:, 0].index_select(1, self.origins)

    def _of_outputs(self, values: Tensor) -> Tensor:
        """(batch, targets) -> (batch, outputs)"""
        if self.n_values == 1:
            return values
        return values.repeat_interleave(self.n_values, dim=1)


def _normalised(x: Tensor, level: Tensor, scale: Tensor | None) -> Tensor:
    return x - level if scale is None else (x - level) / scale
