"""An LSTM and attention over selected values of a window and of the steps ahead.

The numbers of the equations are those in the Notes of `TFTRegressor`.
"""

import math
from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn

from sktsdl._layers.causal import n_weights
from sktsdl._layers.gated import GatedResidualNetwork, GatedSkip
from sktsdl._layers.recurrent import CALLS_OF_KERNEL, State, run_fused


class InterpretableAttention(nn.Module):
    """Attention whose heads share their values, so that the mean weights say all.

    The last steps attend, each to all steps up to itself.

    **Shape**: (batch, time, hidden) -> (batch, attending, hidden) and the mean weights
    of the heads, (batch, attending, time)
    """

    def __init__(self, hidden: int, nhead: int, dropout: float) -> None:
        super().__init__()
        self.nhead = nhead
        self.query = nn.Linear(hidden, hidden, bias=False)
        self.key = nn.Linear(hidden, hidden, bias=False)
        self.value = nn.Linear(hidden, hidden // nhead, bias=False)
        self.output = nn.Linear(hidden // nhead, hidden, bias=False)
        self.dropout = nn.Dropout(dropout)

    def calls(self, n_steps: int) -> int:
        """Return how many kernels are called, besides those of the layers."""
        return 8

    def forward(self, x: Tensor, n_attending: int) -> tuple[Tensor, Tensor]:
        time = x.shape[1]
        queries = self._heads(self.query(x[:, time - n_attending :]))
        queries = queries / math.sqrt(queries.shape[-1])
        scores = queries @ self._heads(self.key(x)).transpose(-1, -2)
        mask = scores.new_ones(n_attending, time, dtype=torch.bool)
        mask = mask.triu(1 + time - n_attending)
        weights = scores.masked_fill(mask, -math.inf).softmax(dim=-1)
        mean = self.dropout(weights).mean(dim=1)  # (9)
        return self.output(mean @ self.value(x)), mean  # (10)

    def _heads(self, x: Tensor) -> Tensor:
        """(batch, steps, hidden) -> (batch, heads, steps, hidden / heads)"""
        return x.reshape(*x.shape[:2], self.nhead, -1).transpose(1, 2)


class TemporalFusion(nn.Module):
    """From selected values to the states of the steps ahead: an LSTM, then attention.

    **Shape**: past (batch, time, hidden), ahead (batch, steps ahead, hidden) and, with
    `has_context`, the contexts of static columns, each (batch, 1, hidden)
    -> (batch, steps ahead, hidden) and attention (batch, steps ahead, time + steps
    ahead)
    """

    def __init__(
        self,
        hidden: int,
        nhead: int,
        num_layers: int,
        *,
        dropout: float,
        has_context: bool,
    ) -> None:
        super().__init__()
        between = dropout if num_layers > 1 else 0.0
        self.encoder, self.decoder = (
            nn.LSTM(hidden, hidden, num_layers, batch_first=True, dropout=between)
            for _ in range(2)
        )
        network = partial(GatedResidualNetwork, *(hidden,) * 3, dropout=dropout)
        self.recurrent_skip = GatedSkip(hidden, hidden, dropout)
        self.enrich = network(has_context=has_context)
        self.attention = InterpretableAttention(hidden, nhead, dropout)
        self.attention_skip = GatedSkip(hidden, hidden, dropout)
        self.feed_forward = network()
        self.output_skip = GatedSkip(hidden, hidden, dropout)

    def calls(self, n_steps: int) -> float:
        """Return about how many kernels are called, besides those of the layers."""
        start, step = CALLS_OF_KERNEL["lstm"]
        return self.encoder.num_layers * (2 * start + step * n_steps)

    def multiplications(self, n_steps: int, n_ahead: int) -> int:
        """Return about how many multiplications a window takes, attention included."""
        n_all, attention = n_steps + n_ahead, self.attention
        past = n_weights(self.encoder)
        to_keys = n_weights(attention.key) + n_weights(attention.value)
        of_all = n_weights(self.recurrent_skip) + n_weights(self.enrich) + to_keys
        ahead = n_weights(self) - past - of_all
        scores = 2 * n_ahead * n_all * self.encoder.hidden_size
        return n_steps * past + n_all * of_all + n_ahead * ahead + scores

    def forward(
        self,
        past: Tensor,
        ahead: Tensor,
        contexts: Mapping[str, Tensor],
    ) -> tuple[Tensor, Tensor]:
        state: State | None = None
        if contexts:  # the first state of every layer
            n = self.encoder.num_layers
            h, c = (contexts[name].transpose(0, 1) for name in ("state", "cell"))
            state = h.repeat(n, 1, 1), c.repeat(n, 1, 1)
        encoded, state = run_fused(self.encoder, past, state)
        decoded, _ = run_fused(self.decoder, ahead, state)
        recurrent = torch.cat([encoded, decoded], dim=1)
        phi = self.recurrent_skip(recurrent, torch.cat([past, ahead], dim=1))  # (7)
        theta = self.enrich(phi, contexts.get("enrichment"))  # (8)
        n = ahead.shape[1]
        beta, weights = self.attention(theta, n)  # (9), (10)
        delta = self.attention_skip(beta, theta[:, -n:])  # (11)
        psi = self.feed_forward(delta)  # (12)
        return self.output_skip(psi, phi[:, -n:]), weights  # (13)
