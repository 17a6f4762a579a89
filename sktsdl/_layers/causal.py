"""Modules that two or more architectures use."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU, "elu": nn.ELU}
NORMS = (None, "batch", "layer")


class CausalNet(nn.Module):
    """A net whose state at a step has seen no later step of its window.

    A subclass has a `head` and computes the `states`; the answer is the head of the
    last state, and in training, with `every_step`, the heads of all. One that can tell
    the `last_state` without the others says how, or sets the `receptive_field` of it.

    **Shape**: (batch, time, channels) -> (batch, outputs)
    """

    head: nn.Module
    is_causal = True
    every_step = False
    receptive_field: int | None = None

    def states(self, x: Tensor) -> Tensor:
        """(batch, time, channels) -> (batch, steps, features)"""
        raise NotImplementedError

    def last_state(self, x: Tensor) -> Tensor:
        """(batch, time, channels) -> (batch, features)"""
        if self.receptive_field is not None:
            x = x[:, -self.receptive_field :]
        return self.states(x)[:, -1]

    def forward(self, x: Tensor) -> Tensor:
        if self.every_step and self.training:
            return self.head(self.states(x))  # (batch, steps, outputs)
        return self.head(self.last_state(x))

    def step_ends(self, window: int) -> Tensor:
        """Return which row of a window each state ends at."""
        return torch.arange(window)


class CausalConv1d(nn.Conv1d):
    """A convolution that sees no later step, by zeros in front of the first one.

    The last output ends at the last step, also with a `stride`. With `weight_norm`,
    the weights are ``g * v / |v|`` for each output channel (Salimans and Kingma 2016).

    **Shape**: (batch, in_channels, time) -> (batch, out_channels, ceil(time / stride))
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        dilation: int = 1,
        stride: int = 1,
        weight_norm: bool = False,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, dilation=dilation, stride=stride
        )
        self.gain: Tensor | None = None
        if weight_norm:
            norms = self.weight.detach().flatten(1).norm(dim=1)
            self.gain = nn.Parameter(norms[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        time, stride = x.shape[-1], self.stride[0]
        span = 1 + self.dilation[0] * (self.kernel_size[0] - 1)
        x = F.pad(x, (span + (-(-time // stride) - 1) * stride - time, 0))
        weight = self.weight
        if self.gain is not None:
            weight = torch._weight_norm(weight, self.gain)
        return F.conv1d(x, weight, self.bias, self.stride, dilation=self.dilation)


def receptive_field(net: nn.Module) -> int:
    """Return the steps that the last state of a chain of convolutions sees."""
    convs = [layer for layer in net.modules() if isinstance(layer, CausalConv1d)]
    return 1 + sum(conv.dilation[0] * (conv.kernel_size[0] - 1) for conv in convs)


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each step.

    **Shape**: (batch, channels, time) -> (batch, channels, time)
    """

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


def channel_norm(norm: Literal["batch", "layer"] | None, n_channels: int) -> nn.Module:
    """Return the normalisation of (batch, channels, time)."""
    if norm == "batch":
        return nn.BatchNorm1d(n_channels)
    return ChannelNorm(n_channels) if norm == "layer" else nn.Identity()
