"""Adapters: modules around a module that change its windows or its output."""

from typing import Any

import torch
from torch import Tensor, nn


class Adapter(nn.Module):
    """A module behind a transform of its windows.

    **Shape**: (batch, time, channels) -> the output of `module`
    """

    module: Any

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.takes_targets = getattr(module, "takes_targets", False)

    def transform_input(self, x: Tensor) -> Tensor:
        """(batch, time, channels) -> (batch, time, channels of `module`)"""
        raise NotImplementedError

    def forward(self, x: Tensor, **kwargs: Any) -> Tensor:
        return self.module(self.transform_input(x), **kwargs)

    def attention_weights(self, x: Tensor, **kwargs: Any) -> Tensor:
        return self.inspect("attention_weights", x, **kwargs)

    def selection_weights(self, x: Tensor, **kwargs: Any) -> Tensor:
        return self.inspect("selection_weights", x, **kwargs)

    def inspect(self, method: str, x: Tensor, **kwargs: Any) -> Tensor:
        """Return the output of a method of `module`, other than its forecast."""
        return getattr(self.module, method)(self.transform_input(x), **kwargs)

    def parts(self, x: Tensor, **kwargs: Any) -> Tensor:
        return self.inspect("parts", x, **kwargs)

    def step_ends(self, window: int) -> Tensor:
        return self.module.step_ends(window)

    def input_size(self, window: int) -> tuple[int, int]:
        """Return how many samples the inner module gets of a window, and their steps.

        The inner module is the one behind all adapters.
        """
        if isinstance(self.module, Adapter):
            return self.module.input_size(window)
        return 1, window


class SelectChannels(Adapter):
    """Leave some channels out of the window.

    **Shape**: (batch, time, all channels) -> the output of `module`

    Parameters
    ----------
    module : nn.Module
        The module of the channels that stay.
    channels : list of int
        These channels.
    """

    channels: Tensor

    def __init__(self, module: nn.Module, channels: list[int]) -> None:
        super().__init__(module)
        self.register_buffer("channels", torch.tensor(channels), persistent=False)

    def transform_input(self, x: Tensor) -> Tensor:
        return x.index_select(-1, self.channels)


class EmbedCategories(Adapter):
    """Replace channels of category codes by learned embeddings.

    **Shape**: (batch, time, channels) -> the output of `module`, whose input is the
    other channels and after them the embedding of each categorical channel

    Parameters
    ----------
    module : nn.Module
        The module of the embedded channels.
    channels : list of int
        The categorical channels, whose values are 0 to ``n_codes - 1``.
    n_codes : list of int
        The number of codes of each.
    n_channels : int
        The number of all channels.
    """

    others: Tensor

    def __init__(
        self,
        module: nn.Module,
        channels: list[int],
        n_codes: list[int],
        *,
        n_channels: int,
    ) -> None:
        super().__init__(module)
        self.channels = channels
        others = [i for i in range(n_channels) if i not in channels]
        self.register_buffer("others", torch.tensor(others, dtype=torch.long))
        widths = self.widths(n_codes)
        self.embeddings = nn.ModuleList(map(nn.Embedding, n_codes, widths))

    @staticmethod
    def widths(n_codes: list[int]) -> list[int]:
        """Return the width of each embedding: half the number of codes, at most 50."""
        return [min(50, (n + 1) // 2) for n in n_codes]

    def transform_input(self, x: Tensor) -> Tensor:
        embedded = [x.index_select(-1, self.others)]
        for channel, embedding in zip(self.channels, self.embeddings, strict=True):
            embedded.append(embedding(x[..., channel].long()))
        return torch.cat(embedded, dim=-1)


class ChannelIndependent(Adapter):
    """Let one module forecast each target separately [1]_.

    Each sample holds the target's own channel first, then all channels that are not
    targets.

    **Shape**: (batch, time, channels) -> (batch, outputs); the shape of `module` is
    (batch * targets, time, 1 + others) -> (batch * targets, outputs / targets)

    Parameters
    ----------
    module : nn.Module
        The module of one target.
    target_channels : list of int
        The channel of each target, in the order of the outputs.
    n_channels : int
        The number of channels.

    References
    ----------
    .. [1] Y. Nie et al. (2023). A Time Series is Worth 64 Words: Long-term Forecasting
       with Transformers. ICLR.
    """

    target_channels: Tensor
    others: Tensor

    def __init__(
        self, module: nn.Module, target_channels: list[int], *, n_channels: int
    ) -> None:
        super().__init__(module)
        others = [i for i in range(n_channels) if i not in target_channels]
        of_targets = torch.tensor(target_channels, dtype=torch.long)
        self.register_buffer("target_channels", of_targets)
        self.register_buffer("others", torch.tensor(others, dtype=torch.long))

    @property
    def n_targets(self) -> int:
        return len(self.target_channels)

    def transform_input(self, x: Tensor) -> Tensor:
        own = x.index_select(-1, self.target_channels).transpose(1, 2)[..., None]
        others = x.index_select(-1, self.others)[:, None]
        others = others.expand(-1, self.n_targets, -1, -1)
        return torch.cat([own, others], dim=-1).flatten(0, 1)

    def forward(
        self,
        x: Tensor,
        targets: Tensor | None = None,
        known: Tensor | None = None,
        **kwargs: Any,
    ) -> Tensor:
        if targets is not None:
            kwargs["targets"] = targets.reshape(x.shape[0] * self.n_targets, -1)
        kwargs |= self._known_of_each(known)
        return self._joined(self.module(self.transform_input(x), **kwargs))

    def parts(self, x: Tensor, known: Tensor | None = None, **kwargs: Any) -> Tensor:
        kwargs |= self._known_of_each(known)
        return self._joined(super().inspect("parts", x, **kwargs))

    def inspect(
        self, method: str, x: Tensor, known: Tensor | None = None, **kwargs: Any
    ) -> Tensor:
        kwargs |= self._known_of_each(known)
        return self._by_window(super().inspect(method, x, **kwargs))

    def input_size(self, window: int) -> tuple[int, int]:
        n_samples, n_steps = super().input_size(window)
        return self.n_targets * n_samples, n_steps

    def _known_of_each(self, known: Tensor | None) -> dict[str, Tensor]:
        if known is None:
            return {}
        return {"known": known.repeat_interleave(self.n_targets, dim=0)}

    def _joined(self, output: Tensor) -> Tensor:
        """(batch * targets, ..., outputs) -> (batch, ..., targets * outputs)"""
        return self._by_window(output).movedim(1, -2).flatten(-2)

    def _by_window(self, output: Tensor) -> Tensor:
        """(batch * targets, ...) -> (batch, targets, ...)"""
        return output.reshape(-1, self.n_targets, *output.shape[1:])


class LinearSkip(Adapter):
    """Add a linear map of the whole window, and of what is known, to the output [1]_.

    The activations of a module distort a level or a season; the linear map does not.
    It starts at zero.

    **Shape**: (batch, time, channels) -> (batch, outputs), as of `module`

    Parameters
    ----------
    module : nn.Module
        The module beside the map.
    n_inputs : int
        The number of values in a window, and of the known values beside it.
    n_targets, n_values : int
        The number of targets, and of outputs for each.

    References
    ----------
    .. [1] G. Lai et al. (2018). Modeling Long- and Short-Term Temporal Patterns with
       Deep Neural Networks (LSTNet, its autoregressive part). SIGIR.
    """

    def __init__(
        self, module: nn.Module, *, n_inputs: int, n_targets: int, n_values: int
    ) -> None:
        super().__init__(module)
        self.n_values = n_values
        self.linear = nn.Linear(n_inputs, n_targets, bias=False)
        nn.init.zeros_(self.linear.weight)

    def forward(
        self,
        x: Tensor,
        targets: Tensor | None = None,
        known: Tensor | None = None,
        **kwargs: Any,
    ) -> Tensor:
        skip = self._skip(x, known)
        if known is not None:
            kwargs["known"] = known
        if targets is not None:
            kwargs["targets"] = targets - skip
        return skip.repeat_interleave(self.n_values, dim=1) + self.module(x, **kwargs)

    def parts(self, x: Tensor, known: Tensor | None = None, **kwargs: Any) -> Tensor:
        skip = self._skip(x, known).repeat_interleave(self.n_values, dim=1)
        if known is not None:
            kwargs["known"] = known
        parts = super().parts(x, **kwargs)
        return torch.cat([parts[:, :-1], parts[:, -1:] + skip[:, None]], dim=1)

    def _skip(self, x: Tensor, known: Tensor | None) -> Tensor:
        """(batch, time, channels) -> (batch, targets)"""
        inputs = x.flatten(1)
        if known is not None:
            inputs = torch.cat([inputs, known.flatten(1)], dim=1)
        return self.linear(inputs)

    def transform_input(self, x: Tensor) -> Tensor:
        return x
