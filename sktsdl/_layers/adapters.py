"""Modules around a net: what happens to its windows before, and to its answer."""

from typing import Any, Literal

import torch
from torch import Tensor, nn

WINDOW_NORMS = (None, "last", "standard")
EPSILON = 1e-5


class NetWrapper(nn.Module):
    """A net behind a change of its windows.

    **Shape**: (batch, time, channels) -> that of `net`
    """

    net: Any

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.takes_targets = getattr(net, "takes_targets", False)

    def change(self, x: Tensor) -> Tensor:
        """(batch, time, channels) -> (batch, time, channels of `net`)"""
        raise NotImplementedError

    def forward(self, x: Tensor, **kwargs: Any) -> Tensor:
        return self.net(self.change(x), **kwargs)

    def attention_weights(self, x: Tensor) -> Tensor:
        return self.net.attention_weights(self.change(x))

    def step_ends(self, window: int) -> Tensor:
        return self.net.step_ends(window)

    def seen(self, window: int) -> tuple[int, int]:
        """Return how many samples the net sees of one window, and of how many steps."""
        is_inner = not isinstance(self.net, NetWrapper)
        return (1, window) if is_inner else self.net.seen(window)


class EmbedCategories(NetWrapper):
    """Replace channels of integer codes by learned embeddings.

    **Shape**: (batch, time, channels) -> that of `net`, which sees the other channels
    and after them the embeddings of each coded one

    Parameters
    ----------
    net : nn.Module
        The net of the embedded channels.
    channels : list of int
        The coded channels, whose values are 0 to ``n_codes - 1``.
    n_codes : list of int
        The number of codes of each.
    n_channels : int
        The number of all channels.
    """

    others: Tensor

    def __init__(
        self,
        net: nn.Module,
        channels: list[int],
        n_codes: list[int],
        *,
        n_channels: int,
    ) -> None:
        super().__init__(net)
        self.channels = channels
        others = [i for i in range(n_channels) if i not in channels]
        self.register_buffer("others", torch.tensor(others, dtype=torch.long))
        widths = self.widths(n_codes)
        self.embeddings = nn.ModuleList(map(nn.Embedding, n_codes, widths))

    @staticmethod
    def widths(n_codes: list[int]) -> list[int]:
        """Return the width of each embedding: half as many as codes, at most 50."""
        return [min(50, (n + 1) // 2) for n in n_codes]

    def change(self, x: Tensor) -> Tensor:
        parts = [x.index_select(-1, self.others)]
        for channel, embedding in zip(self.channels, self.embeddings, strict=True):
            parts.append(embedding(x[..., channel].long()))
        return torch.cat(parts, dim=-1)


class WindowNorm(NetWrapper):
    r"""Take each window relative to itself, and carry the answer back [1]_.

    .. math::

        \hat y = x_T + net(x - x_T), \qquad
        \hat y = m + s \, net\big((x - m) / s\big)

    with the last value :math:`x_T`, or the window's mean :math:`m` and deviation
    :math:`s`, in standardised units of the target.

    **Shape**: (batch, time, channels) -> (batch, outputs)

    Parameters
    ----------
    net : nn.Module
        The net of the windows so changed.
    how : {"last", "standard"}
        What a window is relative to.
    unchanged : list of int
        The channels that are left as they are.
    n_channels : int
        The number of channels.
    n_values : int
        The outputs for each target.
    origins : list of int
        For each target, the channel whose future it is.
    gain, shift : Tensor of shape (targets,)
        ``gain * x + shift`` is a standardised value of the channel in the standardised
        units of the target.

    References
    ----------
    .. [1] T. Kim et al. (2022). Reversible Instance Normalization for Accurate
       Time-Series Forecasting against Distribution Shift. ICLR.
    """

    gain: Tensor
    shift: Tensor
    is_changed: Tensor
    origins: Tensor

    def __init__(
        self,
        net: nn.Module,
        how: Literal["last", "standard"],
        *,
        unchanged: list[int],
        n_channels: int,
        n_values: int,
        origins: list[int],
        gain: Tensor,
        shift: Tensor,
    ) -> None:
        super().__init__(net)
        self.how = how
        self.n_values = n_values
        is_changed = torch.ones(n_channels, dtype=torch.bool)
        is_changed[unchanged] = False
        self.register_buffer("is_changed", is_changed)
        self.register_buffer("origins", torch.tensor(origins))
        self.register_buffer("gain", gain)
        self.register_buffer("shift", shift)

    def change(self, x: Tensor) -> Tensor:
        return self._relative(x)[0]

    def forward(
        self, x: Tensor, targets: Tensor | None = None, **kwargs: Any
    ) -> Tensor:
        x, level, scale = self._relative(x)
        level = level[:, 0, self.origins] * self.gain + self.shift  # (batch, targets)
        if self.how == "last":
            spread = torch.ones_like(level)
        else:
            spread = scale[:, 0, self.origins] * self.gain
        if targets is not None:
            kwargs["targets"] = (targets - level) / spread
        level, spread = (
            part.repeat_interleave(self.n_values, dim=1) for part in (level, spread)
        )
        return level + spread * self.net(x, **kwargs)  # (batch, outputs)

    def _relative(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return changed windows, and the level and scale of each, (batch, 1, n)."""
        if self.how == "last":
            level, scale = x[:, -1:], torch.ones_like(x[:, -1:])
        else:
            variance, level = torch.var_mean(x, dim=1, correction=0, keepdim=True)
            scale = (variance + EPSILON).sqrt()
        level = torch.where(self.is_changed, level, 0.0)
        scale = torch.where(self.is_changed, scale, 1.0)
        return (x - level) / scale, level, scale


class ChannelIndependent(NetWrapper):
    """Let one net answer for each target as a sample of its own [1]_.

    A sample has the channel that the target is the future of first, and after it all
    channels that are no target's.

    **Shape**: (batch, time, channels) -> (batch, outputs); the net's is
    (batch * targets, time, 1 + others) -> (batch * targets, outputs / targets)

    Parameters
    ----------
    net : nn.Module
        The net of one target.
    own : list of int
        The channel of each target, in the order of the outputs.
    n_channels : int
        The number of channels.

    References
    ----------
    .. [1] Y. Nie et al. (2023). A Time Series is Worth 64 Words: Long-term Forecasting
       with Transformers. ICLR.
    """

    own: Tensor
    others: Tensor

    def __init__(self, net: nn.Module, own: list[int], *, n_channels: int) -> None:
        super().__init__(net)
        others = [i for i in range(n_channels) if i not in own]
        self.register_buffer("own", torch.tensor(own, dtype=torch.long))
        self.register_buffer("others", torch.tensor(others, dtype=torch.long))

    def change(self, x: Tensor) -> Tensor:
        own = x.index_select(-1, self.own).transpose(1, 2)[..., None]
        others = x.index_select(-1, self.others)[:, None]
        others = others.expand(-1, len(self.own), -1, -1)
        return torch.cat([own, others], dim=-1).flatten(0, 1)

    def forward(
        self, x: Tensor, targets: Tensor | None = None, **kwargs: Any
    ) -> Tensor:
        if targets is not None:
            kwargs["targets"] = targets.reshape(len(x) * len(self.own), -1)
        answer = self._by_window(self.net(self.change(x), **kwargs))
        return answer.movedim(1, -2).flatten(-2)  # targets one after the other

    def attention_weights(self, x: Tensor) -> Tensor:
        return self._by_window(super().attention_weights(x))

    def seen(self, window: int) -> tuple[int, int]:
        n_samples, n_steps = super().seen(window)
        return len(self.own) * n_samples, n_steps

    def _by_window(self, answer: Tensor) -> Tensor:
        """(batch * targets, ...) -> (batch, targets, ...)"""
        return answer.reshape(-1, len(self.own), *answer.shape[1:])


class LinearSkip(NetWrapper):
    """Add a linear map of the whole window to the answer [1]_.

    A level or a season that the net's activations would bend passes beside them. The
    map starts at zero.

    **Shape**: (batch, time, channels) -> (batch, outputs), as that of `net`

    Parameters
    ----------
    net : nn.Module
        The net beside the map.
    n_inputs : int
        The values of a window.
    n_targets, n_values : int
        The targets, and the outputs for each.

    References
    ----------
    .. [1] G. Lai et al. (2018). Modeling Long- and Short-Term Temporal Patterns with
       Deep Neural Networks (LSTNet, its autoregressive part). SIGIR.
    """

    def __init__(
        self, net: nn.Module, *, n_inputs: int, n_targets: int, n_values: int
    ) -> None:
        super().__init__(net)
        self.n_values = n_values
        self.linear = nn.Linear(n_inputs, n_targets, bias=False)
        nn.init.zeros_(self.linear.weight)

    def forward(
        self, x: Tensor, targets: Tensor | None = None, **kwargs: Any
    ) -> Tensor:
        beside = self.linear(x.flatten(1))  # (batch, targets)
        if targets is not None:
            kwargs["targets"] = targets - beside
        return beside.repeat_interleave(self.n_values, dim=1) + self.net(x, **kwargs)

    def change(self, x: Tensor) -> Tensor:
        return x


class Patches(NetWrapper):
    """Show the net several steps as one of as many times the channels.

    The last patch ends at the last step; the first one is filled from the front with
    its first value.

    **Shape**: (batch, time, channels) -> that of `net`, which sees
    (batch, ceil(time / size), size * channels)

    Parameters
    ----------
    net : nn.Module
        The net of patches.
    size : int
        The steps of a patch.
    """

    def __init__(self, net: nn.Module, size: int) -> None:
        super().__init__(net)
        self.size = size

    def change(self, x: Tensor) -> Tensor:
        front = x[:, :1].expand(-1, -x.shape[1] % self.size, -1)
        x = torch.cat([front, x], dim=1)
        return x.reshape(len(x), -1, self.size * x.shape[2])

    def step_ends(self, window: int) -> Tensor:
        n_patches = n_steps(window, self.size)
        after = n_patches - 1 - super().step_ends(n_patches)
        return window - 1 - self.size * after

    def seen(self, window: int) -> tuple[int, int]:
        return super().seen(n_steps(window, self.size))


def n_steps(window: int, patch_size: int) -> int:
    """Return how many patches a window has."""
    return -(-window // patch_size)
