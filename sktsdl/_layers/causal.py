"""The module protocol, and causal layers."""

from typing import Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LossSteps = Literal["last", "all"]
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU, "elu": nn.ELU}


class SequenceModule(Protocol):
    """What the package looks for on the module of an architecture.

    Only `forward` is required. The package looks for the others where it can use them,
    on the module or on any of its layers.

    Attributes
    ----------
    is_causal : bool
        Whether no state has seen a later step of its window. ``loss_steps="all"``
        needs it.
    every_step : bool
        Set by the package for ``loss_steps="all"``: in training, the module then
        returns the outputs of all steps, of shape (batch, steps, outputs).
    takes_targets : bool
        Whether `forward` takes ``targets``, of shape (batch, targets), and
        ``progress``, from 0 to 1, in training, as a decoder with teacher forcing does.
    takes_known : bool
        Whether `forward` takes ``known``, of shape (batch, steps ahead, known
        channels), if there are channels that are known ahead. A `StepDecoder` joins
        them with the outputs of other modules.
    variational_dropout : float
        Of a layer: the probability of its dropout, if that is not one of torch's
        dropout modules. Monte Carlo dropout needs to know.
    """

    is_causal: bool
    every_step: bool
    takes_targets: bool
    takes_known: bool
    variational_dropout: float

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, channels) -> (batch, outputs)"""
        ...

    def states(self, x: Tensor) -> Tensor:
        """(batch, time, channels) -> (batch, steps, features), of a causal module"""
        ...

    def last_state(self, x: Tensor) -> Tensor:
        """(batch, time, channels) -> (batch, features), without the other states"""
        ...

    def step_ends(self, window: int) -> Tensor:
        """Return the row of a window at which each state ends."""
        ...

    def attention_weights(self, x: Tensor) -> Tensor:
        """(batch, time, channels) -> (batch, ..., time), of a module with attention

        A module with `takes_known` takes ``known`` here, too. The last axis may also be
        one of channels.
        """
        ...

    def selection_weights(self, x: Tensor) -> Tensor:
        """(batch, time, channels) -> (batch, variables), of one that weighs them

        This method and `attention_weights` take ``known`` if `forward` does.
        """
        ...

    def parts(self, x: Tensor) -> Tensor:
        """(batch, time, channels) -> (batch, parts, outputs), addends of the output

        Adapters add the level of a window to the first, cycles to the second, and a
        linear skip to the last.
        """
        ...

    def buffer_bytes_per_window(self, n_steps: int) -> int:
        """Return the bytes that a layer allocates for one window in each call.

        Large batches are computed in micro-batches whose buffers fit the cache.
        """
        ...

    def multiplications(self, n_steps: int) -> int:
        """Return about how many multiplications a window takes.

        By default, each weight is used at each step, but the weights of a `head` once.
        The size of the blocks of a prediction follows from it.
        """
        ...

    def calls(self, n_steps: int) -> float:
        """Return about how many kernels a layer calls, besides those of its layers."""
        ...


class CausalNet(nn.Module):
    """A module whose state at a step has seen no later step of its window.

    A subclass has a `head` and computes the `states`. The output is the head of the
    last state and, in training with `every_step`, the heads of all states. A subclass
    that can compute the last state without the others overrides `last_state`, or sets
    `receptive_field`, the number of steps that the last state depends on.

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
        """Return the row of a window at which each state ends."""
        return torch.arange(window)

    def multiplications(self, n_steps: int) -> int:
        """Return about how many multiplications a window takes."""
        n_states = min(len(self.step_ends(n_steps)), self.receptive_field or n_steps)
        n_head = n_weights(self.head)
        return n_states * (n_weights(self) - n_head) + n_head


def n_weights(module: nn.Module | None) -> int:
    """Return the number of weights, without embeddings, which are only looked up."""
    if module is None:
        return 0
    return sum(
        weight.numel()
        for layer in module.modules()
        if not isinstance(layer, nn.Embedding)
        for weight in layer.parameters(recurse=False)
    )


class CausalConv1d(nn.Conv1d):
    """A convolution that sees no later step, by zeros before the first step.

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

    def calls(self, n_steps: int) -> int:
        """Return how many kernels are called."""
        return 2 if self.gain is None else 3

    def forward(self, x: Tensor) -> Tensor:
        time, stride = x.shape[-1], self.stride[0]
        span = 1 + self.dilation[0] * (self.kernel_size[0] - 1)
        x = F.pad(x, (span + (-(-time // stride) - 1) * stride - time, 0))
        weight = self.weight
        if self.gain is not None:
            weight = torch._weight_norm(weight, self.gain)
        return F.conv1d(x, weight, self.bias, self.stride, dilation=self.dilation)


def receptive_field(module: nn.Module) -> int:
    """Return the number of steps that the last state of causal convolutions sees."""
    convs = [layer for layer in module.modules() if isinstance(layer, CausalConv1d)]
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
