"""Nets of plain torch layers, as one would write them from their papers.

``speed.py`` trains them by hand beside the regressors of the same names, whose default
sizes and numbers of weights they have. Each maps windows, (batch, window, channels), to
the next `horizon` values of the first channel, (batch, horizon).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Expand(nn.Module):
    """Coefficients of several series: steps, sums of `waves`, or values at knots."""

    waves: Tensor | None

    def __init__(
        self,
        n_in: int,
        n_series: int,
        n_steps: int,
        n_coefficients: int,
        waves: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.n_steps = n_steps
        self.series = n_series, n_coefficients
        self.linear = nn.Linear(n_in, n_series * n_coefficients)
        self.register_buffer("waves", waves)

    def forward(self, h: Tensor) -> Any:
        theta = self.linear(h).view(-1, *self.series)
        if self.waves is not None:
            return theta @ self.waves
        if theta.shape[-1] == self.n_steps:
            return theta
        return F.interpolate(theta, self.n_steps, mode="linear", align_corners=True)


def dense(n_in: int, hidden: int, n_layers: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(n_layers):
        layers += [nn.Linear(n_in, hidden), nn.ReLU()]
        n_in = hidden
    return nn.Sequential(*layers)


def powers(n_steps: int) -> Tensor:
    """Return the polynomials of a trend."""
    t = torch.arange(n_steps) / n_steps
    return torch.stack([t**power for power in range(3)])


def waves(n_steps: int) -> Tensor:
    """Return the waves of a season."""
    t = torch.arange(n_steps) / n_steps
    angles = 2 * torch.pi * torch.arange(1, n_steps // 2)[:, None] * t
    return torch.cat([torch.ones(1, n_steps), angles.cos(), angles.sin()])


class NBEATS(nn.Module):
    """N-BEATS: a block each for trend, season and the rest."""

    def __init__(self, n_channels: int, window: int, horizon: int) -> None:
        super().__init__()
        self.dense, self.backcasts, self.forecasts = (nn.ModuleList() for _ in range(3))
        for basis in (powers, waves, torch.eye):
            self.dense.append(dense(n_channels * window, 64, 4))
            past, ahead = (
                None if basis is torch.eye else basis(n) for n in (window, horizon)
            )
            n_past = window if past is None else len(past)
            n_ahead = horizon if ahead is None else len(ahead)
            if basis is not torch.eye:  # nothing reads the last backcast
                self.backcasts.append(Expand(64, n_channels, window, n_past, past))
            self.forecasts.append(Expand(64, 1, horizon, n_ahead, ahead))

    def forward(self, x: Tensor) -> Any:
        return run_blocks(x, self.dense, self.backcasts, self.forecasts, [1, 1, 1])


class NHiTS(nn.Module):
    """N-HiTS: three blocks, from slow to fast."""

    pools = (2, 2, 1)

    def __init__(self, n_channels: int, window: int, horizon: int) -> None:
        super().__init__()
        self.dense, self.backcasts, self.forecasts = (nn.ModuleList() for _ in range(3))
        for pool, per_knot in zip(self.pools, (4, 2, 1), strict=True):
            self.dense.append(dense(n_channels * (window // pool), 64, 2))
            if per_knot > 1:  # nothing reads the last backcast
                knots = window // per_knot
                self.backcasts.append(Expand(64, n_channels, window, knots))
            self.forecasts.append(Expand(64, 1, horizon, horizon // per_knot))

    def forward(self, x: Tensor) -> Any:
        return run_blocks(x, self.dense, self.backcasts, self.forecasts, self.pools)


def run_blocks(
    x: Tensor,
    dense: nn.ModuleList,
    backcasts: nn.ModuleList,
    forecasts: nn.ModuleList,
    pools: Sequence[int],
) -> Tensor:
    residual = x.transpose(1, 2)
    total: Tensor | None = None
    for i, pool in enumerate(pools):
        pooled = F.max_pool1d(residual, pool) if pool > 1 else residual
        h = dense[i](pooled.flatten(1))
        forecast = forecasts[i](h).flatten(1)
        total = forecast if total is None else total + forecast
        if i < len(backcasts):
            residual = residual - backcasts[i](h)
    assert total is not None
    return total


class DenseResidual(nn.Module):
    """The residual block of TiDE."""

    def __init__(
        self, n_in: int, hidden: int, n_out: int, *, norm: bool = True
    ) -> None:
        super().__init__()
        self.dense = nn.Sequential(
            nn.Linear(n_in, hidden), nn.ReLU(), nn.Linear(hidden, n_out)
        )
        self.skip = nn.Linear(n_in, n_out)
        self.norm = nn.LayerNorm(n_out) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Any:
        return self.norm(self.dense(x) + self.skip(x))


class TiDE(nn.Module):
    """TiDE without covariates."""

    def __init__(self, n_channels: int, window: int, horizon: int) -> None:
        super().__init__()
        self.horizon = horizon
        self.encoder = DenseResidual(n_channels * window, 128, 128)
        self.decoder = DenseResidual(128, 128, 8 * horizon)
        self.of_step = DenseResidual(8, 32, 1, norm=False)
        self.skip = nn.Linear(n_channels * window, horizon)

    def forward(self, x: Tensor) -> Any:
        x = x.flatten(1)
        steps = self.decoder(self.encoder(x)).view(len(x), self.horizon, -1)
        return self.of_step(steps).squeeze(-1) + self.skip(x)


class TSMixer(nn.Module):
    """TSMixer: two layers that mix time, then channels."""

    def __init__(self, n_channels: int, window: int, horizon: int) -> None:
        super().__init__()
        norms = [nn.LayerNorm((window, n_channels)) for _ in range(4)]
        self.norms = nn.ModuleList(norms)
        self.time = nn.ModuleList(nn.Linear(window, window) for _ in range(2))
        self.features = nn.ModuleList(
            nn.Sequential(
                nn.Linear(n_channels, 64), nn.ReLU(), nn.Linear(64, n_channels)
            )
            for _ in range(2)
        )
        self.head = nn.Linear(window, horizon)

    def forward(self, x: Tensor) -> Any:
        for i, (time, features) in enumerate(
            zip(self.time, self.features, strict=True)
        ):
            mixed = time(self.norms[2 * i](x).transpose(1, 2))
            x = x + torch.relu(mixed).transpose(1, 2)
            x = x + features(self.norms[2 * i + 1](x))
        return self.head(x[..., 0])


class ITransformer(nn.Module):
    """iTransformer: torch's encoder of channels."""

    def __init__(self, n_channels: int, window: int, horizon: int) -> None:
        super().__init__()
        self.embed = nn.Linear(window, 64)
        layer = nn.TransformerEncoderLayer(
            64, 4, 128, dropout=0.0, activation="gelu", batch_first=True
        )
        self.layers = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(64))
        self.head = nn.Linear(64, horizon)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.layers(self.embed(x.transpose(1, 2)))[:, 0])


class Gate(nn.Module):
    """A gated linear unit beside a skip connection, and layer normalisation."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(n_in, 2 * n_out)
        self.norm = nn.LayerNorm(n_out)

    def forward(self, x: Tensor, skip: Tensor) -> Any:
        return self.norm(skip + F.glu(self.linear(x)))


class GatedResidual(nn.Module):
    """The gated residual network of TFT."""

    def __init__(self, n_in: int, hidden: int, n_out: int) -> None:
        super().__init__()
        self.dense = nn.Sequential(
            nn.Linear(n_in, hidden), nn.ELU(), nn.Linear(hidden, hidden)
        )
        self.skip = nn.Linear(n_in, n_out) if n_in != n_out else nn.Identity()
        self.gate = Gate(hidden, n_out)

    def forward(self, x: Tensor) -> Any:
        return self.gate(self.dense(x), self.skip(x))


class TFT(nn.Module):
    """TFT without values that are known ahead: a learned vector for each step."""

    def __init__(self, n_channels: int, window: int, horizon: int) -> None:
        super().__init__()
        d, self.heads, self.horizon = 32, 4, horizon
        self.inputs = nn.ModuleList(nn.Linear(1, d) for _ in range(n_channels))
        self.variables = nn.ModuleList(
            GatedResidual(d, d, d) for _ in range(n_channels)
        )
        self.weights = GatedResidual(n_channels * d, d, n_channels)
        self.ahead = nn.Parameter(torch.randn(horizon, d))
        self.encoder = nn.LSTM(d, d, batch_first=True)
        self.decoder = nn.LSTM(d, d, batch_first=True)
        self.after_lstm = Gate(d, d)
        self.enrich = GatedResidual(d, d, d)
        self.query = nn.Linear(d, d, bias=False)
        self.key = nn.Linear(d, d, bias=False)
        self.value = nn.Linear(d, d // self.heads, bias=False)
        self.output = nn.Linear(d // self.heads, d, bias=False)
        self.after_attention = Gate(d, d)
        self.feed_forward = GatedResidual(d, d, d)
        self.last = Gate(d, d)
        self.head = nn.Linear(d, 1)

    def forward(self, x: Tensor) -> Any:
        columns = [linear(x[..., i, None]) for i, linear in enumerate(self.inputs)]
        weights = self.weights(torch.cat(columns, dim=-1)).softmax(dim=-1)
        states = [net(xi) for net, xi in zip(self.variables, columns, strict=True)]
        past = (torch.stack(states, dim=-1) * weights[..., None, :]).sum(dim=-1)
        ahead = self.ahead.expand(len(x), -1, -1)
        encoded, state = self.encoder(past)
        decoded, _ = self.decoder(ahead, state)
        steps = torch.cat([past, ahead], dim=1)
        phi = self.after_lstm(torch.cat([encoded, decoded], dim=1), steps)
        theta = self.enrich(phi)
        n = self.horizon
        delta = self.after_attention(self.attend(theta), theta[:, -n:])
        psi = self.last(self.feed_forward(delta), phi[:, -n:])
        return self.head(psi).squeeze(-1)

    def attend(self, theta: Tensor) -> Any:
        """Let the steps ahead attend to all steps up to themselves."""
        n_all, n, h = theta.shape[1], self.horizon, self.heads
        query = self.query(theta[:, -n:]).unflatten(-1, (h, -1)).transpose(1, 2)
        key = self.key(theta).unflatten(-1, (h, -1)).transpose(1, 2)
        scores = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5
        later = scores.new_ones(n, n_all, dtype=torch.bool).triu(1 + n_all - n)
        attention = scores.masked_fill(later, -torch.inf).softmax(dim=-1).mean(dim=1)
        return self.output(attention @ self.value(theta))
