"""The Transformer's encoder."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._estimator.specs import ModuleSpec
from sktsdl._layers.causal import CausalNet
from sktsdl._sklearn.fields import PositiveInt, Probability


def sinusoidal_positions(
    n: int, d_model: int, device: torch.device | None = None
) -> Tensor:
    """Return the encoding of positions 0 to n - 1, (n, d_model)."""
    i = torch.arange(0, d_model, 2, dtype=torch.float32, device=device)
    angles = torch.arange(n, device=device)[:, None] / 10_000 ** (i / d_model)
    waves = torch.stack([angles.sin(), angles.cos()], dim=-1)  # (1), (2)
    return waves.flatten(1)[:, :d_model]


class Transformer(CausalNet):
    """Pre-norm encoder layers, and a linear head on the last state or their mean.

    **Shape**: (batch, time, channels) -> (batch, outputs)
    """

    def __init__(
        self,
        *,
        n_channels: int,
        n_outputs: int,
        d_model: int,
        nhead: int,
        num_layers: int,
        dim_feedforward: int,
        dropout: float,
        causal: bool,
        pooling: str,
    ) -> None:
        super().__init__()
        self.d_model = d_model
        self.causal = causal
        self.pooling = pooling
        self.embed = nn.Linear(n_channels, d_model)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                d_model,
                nhead,
                dim_feedforward,
                dropout,
                batch_first=True,
                norm_first=True,
            )
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, n_outputs)
        self.is_causal = causal and pooling == "last"

    def buffer_bytes_per_window(self, n_steps: int) -> int:
        """Return the bytes of a layer's buffers for one window of `n_steps` steps."""
        layer: Any = self.layers[0]
        return 4 * n_steps * (8 * self.d_model + 2 * layer.linear1.out_features)

    def multiplications(self, n_steps: int) -> int:
        """Return about how many multiplications a window takes, attention included."""
        attention = 2 * len(self.layers) * n_steps**2 * self.d_model
        return super().multiplications(n_steps) + attention

    def calls(self, n_steps: int) -> int:
        """Return about how many kernels attention calls, most of which make views."""
        return 16 * len(self.layers)

    def states(self, x: Tensor) -> Tensor:
        h, mask = self._embedded(x)
        for layer in self.layers:
            h = layer(h, src_mask=mask)  # (3), (4)
        return self.norm(h)

    def last_state(self, x: Tensor) -> Tensor:
        h, mask = self._embedded(x)
        *layers, last = self.layers
        layer: Any
        for layer in layers:
            h = layer(h, src_mask=mask)
        # In the last layer all steps are attended to, but only one attends.
        layer = last
        u = layer.norm1(h)
        attended, _ = layer.self_attn(u[:, -1:], u, u, need_weights=False)
        h = h[:, -1] + layer.dropout1(attended[:, 0])  # (3)
        dense = layer.dropout(layer.activation(layer.linear1(layer.norm2(h))))
        h = h + layer.dropout2(layer.linear2(dense))  # (4)
        return self.norm(h)

    def forward(self, x: Tensor) -> Tensor:
        if self.pooling == "last":
            return super().forward(x)
        return self.head(self.states(x).mean(dim=1))

    def attention_weights(self, x: Tensor) -> Tensor:
        """(batch, time, channels) -> (batch, layers, time, time)"""
        h, mask = self._embedded(x)
        weights = []
        layer: Any
        for layer in self.layers:
            u = layer.norm1(h)
            weights.append(layer.self_attn(u, u, u, attn_mask=mask)[1])
            h = layer(h, src_mask=mask)
        return torch.stack(weights, dim=1)

    def _embedded(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        time = x.shape[1]
        h = self.embed(x) + sinusoidal_positions(time, self.d_model, x.device).to(x)
        if not self.causal:
            return h, None
        return h, torch.ones(time, time, dtype=torch.bool, device=x.device).triu(1)


class TransformerRegressor(DeepRegressor):
    r"""The encoder of the Transformer [1]_, normalised before each sublayer [2]_.

    Parameters
    ----------
    d_model : int, default=64
        The width of the states.
    nhead : int, default=4
        The number of attention heads; it must divide `d_model`.
    num_layers : int, default=2
        The number of layers.
    dim_feedforward : int, default=128
        The width of the dense layer inside each layer.
    dropout : float, default=0.0
        The probability of a zero in attention and dense layers, in training only.
    causal : bool, default=False
        Whether a step attends to itself and earlier steps only. ``loss_steps="all"``
        needs it, with ``pooling="last"``.
    pooling : {"last", "mean"}, default="last"
        Whether the output is linear in the last state, or in the mean of all states.
    {training_parameters}

    Attributes
    ----------
    {training_attributes}

    See Also
    --------
    AttentionLSTMRegressor : Attention over recurrent states.

    Notes
    -----
    Each step is mapped linearly, and the encoding of its position :math:`t` is added,

    .. math::

        p_{t,2i} &= \sin(t / 10000^{2i/d})                              && (1) \\
        p_{t,2i+1} &= \cos(t / 10000^{2i/d})                            && (2)

    and each layer adds attention and a dense layer to the states,

    .. math::

        h' &= h + \mathrm{softmax}\big(Q K^\top / \sqrt{d_k}\big) V,
        \quad Q, K, V \text{ linear in } \mathrm{LN}(h)                 && (3) \\
        h'' &= h' + W_2 \max(0, W_1 \mathrm{LN}(h') + b_1) + b_2        && (4)

    with :math:`d_k = d / \text{nhead}`, for each head on its own part of the width.
    The output is linear in the normalised last state (or the mean).

    References
    ----------
    .. [1] A. Vaswani et al. (2017). Attention Is All You Need. NeurIPS.
    .. [2] R. Xiong et al. (2020). On Layer Normalization in the Transformer
       Architecture. ICML.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import TransformerRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value")
    >>> net = TransformerRegressor(d_model=16, lr=1e-2, max_epochs=20, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    >>> pipe[-1].attention_weights(pipe[:-1].transform(X.iloc[240:])).shape
    (59, 2, 24, 24)
    """

    d_model: PositiveInt = 64
    nhead: PositiveInt = 4
    num_layers: PositiveInt = 2
    dim_feedforward: PositiveInt = 128
    dropout: Probability = 0.0
    causal: bool = False
    pooling: Literal["last", "mean"] = "last"

    def attention_weights(self, X: ArrayLike) -> np.ndarray:
        """Return what each step attends to, as the mean over the heads.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As for ``predict``.

        Returns
        -------
        weights : ndarray of shape (n, num_layers, window, window)
            ``weights[i, l, t]`` sums to 1 over the steps that step `t` attends to. With
            `patch_size`, steps are patches; with `channel_independent`, there is an
            axis of targets after the first.
        """
        return self._evaluate(X, "attention_weights")

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.d_model % self.nhead:
            raise ValueError(
                f"nhead={self.nhead} does not divide d_model={self.d_model}: each head "
                "takes an equal part of the width."
            )

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        return Transformer(
            n_channels=spec.n_channels,
            n_outputs=spec.n_outputs,
            **self._architecture_parameters(),
        )
