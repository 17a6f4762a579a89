"""What is known of the steps ahead, beside the window of the past."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sktsdl._layers.adapters import Adapter, EmbedCategories

LEAST_FEATURES = 8
FEATURES = 64  # of all steps together, at least
HIDDEN = 32


class SplitKnown(Adapter):
    """Take the channels that are known ahead, or static, out of the window.

    Known channels give one value for each step ahead, static channels their last value
    at each of them. Categorical ones are replaced by learned embeddings.

    **Shape**: (batch, time, channels) -> the output of `module`, whose inputs are
    (batch, time, past channels) and ``known``, (batch, steps ahead, known channels)

    Parameters
    ----------
    module : nn.Module
        The module of both.
    past : sequence of int
        The channels that stay in the window.
    channels, lags : sequence of sequence of int, shape (steps ahead, columns)
        The channel that holds each value, and how many steps before the last one.
    n_codes : sequence of int, shape (columns,)
        The number of category codes of each column, 0 for numbers.
    """

    past: Tensor
    channels: Tensor
    lags: Tensor
    numeric: Tensor

    def __init__(
        self,
        module: nn.Module,
        *,
        past: Sequence[int],
        channels: Sequence[Sequence[int]],
        lags: Sequence[Sequence[int]],
        n_codes: Sequence[int],
    ) -> None:
        super().__init__(module)
        numeric, self.coded = self.kinds(n_codes)
        tables = {
            "past": past,
            "channels": channels,
            "lags": lags,
            "numeric": numeric,
        }
        for name, table in tables.items():
            tensor = torch.tensor(table, dtype=torch.long)
            self.register_buffer(name, tensor, persistent=False)
        counts = [n_codes[i] for i in self.coded]
        widths = EmbedCategories.widths(counts)
        self.embeddings = nn.ModuleList(map(nn.Embedding, counts, widths))

    @staticmethod
    def kinds(n_codes: Sequence[int]) -> tuple[list[int], list[int]]:
        """Return the columns of numbers, and after them in the block, of codes."""
        numeric = [i for i, n in enumerate(n_codes) if n == 0]
        return numeric, [i for i, n in enumerate(n_codes) if n > 0]

    def transform_input(self, x: Tensor) -> Tensor:
        return x.index_select(-1, self.past)

    def forward(self, x: Tensor, **kwargs: Any) -> Tensor:
        return self.module(self.transform_input(x), known=self.known(x), **kwargs)

    def inspect(self, method: str, x: Tensor, **kwargs: Any) -> Tensor:
        return super().inspect(method, x, known=self.known(x), **kwargs)

    def known(self, x: Tensor) -> Tensor:
        """(batch, time, channels) -> (batch, steps ahead, known channels)"""
        known = x[:, x.shape[1] - 1 - self.lags, self.channels]
        if self.coded:
            parts = [known.index_select(-1, self.numeric)]
            for column, embedding in zip(self.coded, self.embeddings, strict=True):
                parts.append(embedding(known[..., column].long()))
            known = torch.cat(parts, dim=-1)
        return known


class StepOutputs(nn.Module):
    """Take the columns of `y` out of the outputs of each step ahead.

    Outputs that have no steps, such as scores of classes, are all of one step.

    **Shape**: (batch, `n_steps`, `n_each`), or joined -> (batch, outputs)

    Parameters
    ----------
    n_outputs : int
        The number of outputs.
    steps : sequence of int
        For each target, the number of its step ahead.
    targets : sequence of int
        For each target, which of the targets of a step it is.
    n_values : int
        The number of outputs for each target.
    """

    places: Tensor

    def __init__(
        self,
        n_outputs: int,
        steps: Sequence[int],
        targets: Sequence[int],
        n_values: int,
    ) -> None:
        super().__init__()
        if len(steps) * n_values != n_outputs:
            steps, targets, n_values = [0], [0], n_outputs
        self.n_steps = max(steps) + 1
        self.n_each = (max(targets) + 1) * n_values
        places = [
            step * self.n_each + target * n_values + value
            for step, target in zip(steps, targets, strict=True)
            for value in range(n_values)
        ]
        self.register_buffer("places", torch.tensor(places), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1).index_select(1, self.places)


class StepDecoder(Adapter):
    r"""Join the output of a module with what is known, step by step [1]_.

    For step :math:`s` ahead, from features :math:`g_s` of the window, which the module
    computes for each step, and the known values :math:`k_s`,

    .. math::

        \hat y_s = W [g_s, k_s] + V \, \mathrm{relu}(U [g_s, k_s] + c) + b

    **Shape**: (batch, time, channels) and known (batch, steps, known channels)
    -> (batch, outputs); the module's output is (batch, steps * features)

    Parameters
    ----------
    module : nn.Module
        The module of the window.
    n_known : int
        The number of known channels.
    steps : sequence of int
        For each target, the number of its step ahead.
    targets : sequence of int
        For each target, which of the targets of a step it is.
    n_values : int
        The number of outputs for each target.

    References
    ----------
    .. [1] A. Das et al. (2023). Long-term Forecasting with TiDE: Time-series Dense
       Encoder. TMLR. (Its temporal decoder.)
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        n_known: int,
        steps: Sequence[int],
        targets: Sequence[int],
        n_values: int,
    ) -> None:
        super().__init__(module)
        self.outputs = StepOutputs(len(steps) * n_values, steps, targets, n_values)
        n_inputs = self.n_features(self.outputs.n_steps) + n_known
        n_outputs = self.outputs.n_each
        self.linear = nn.Linear(n_inputs, n_outputs)
        self.hidden = nn.Linear(n_inputs, HIDDEN)
        self.output = nn.Linear(HIDDEN, n_outputs, bias=False)

    @staticmethod
    def n_features(n_steps: int) -> int:
        """Return the number of features of the window for each step."""
        return max(LEAST_FEATURES, FEATURES // n_steps)

    def transform_input(self, x: Tensor) -> Tensor:
        return x

    def inspect(
        self, method: str, x: Tensor, known: Tensor | None = None, **kwargs: Any
    ) -> Tensor:
        return super().inspect(method, x, **kwargs)

    def forward(self, x: Tensor, known: Tensor | None = None, **kwargs: Any) -> Tensor:
        assert known is not None
        features = self.module(x, **kwargs)
        features = features.reshape(x.shape[0], self.outputs.n_steps, -1)
        joined = torch.cat([features, known], dim=-1)
        output = self.linear(joined) + self.output(self.hidden(joined).relu())
        return self.outputs(output)
