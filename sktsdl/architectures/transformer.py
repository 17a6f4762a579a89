"""The Transformer's encoder."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._layers.causal import CausalNet
from sktsdl._layers.encoder import (
    EncoderLayer,
    EncoderNorm,
    check_heads,
    encoder_norm,
)
from sktsdl._sklearn.fields import PositiveInt, Probability


def sinusoidal_positions(n: int, d_model: int) -> Tensor:
    """Return the encoding of positions 0 to n - 1, (n, d_model)."""
    i = torch.arange(0, d_model, 2, dtype=torch.float32)
    angles = torch.arange(n)[:, None] / 10_000 ** (i / d_model)
    waves = torch.stack([angles.sin(), angles.cos()], dim=-1)  # (1), (2)
    return waves.flatten(1)[:, :d_model]


class Transformer(CausalNet):
    """Encoder layers, and a linear head on the last state, their mean or all of them.

    **Shape**: (batch, time, channels) -> (batch, outputs)
    """

    positions: Any
    waves: Tensor | None

    def __init__(
        self,
        *,
        n_channels: int,
        n_steps: int,
        n_outputs: int,
        d_model: int,
        nhead: int,
        num_layers: int,
        dim_feedforward: int,
        dropout: float,
        head_dropout: float,
        causal: bool,
        pooling: str,
        positions: str,
        activation: str,
        norm: EncoderNorm,
        norm_first: bool,
    ) -> None:
        super().__init__()
        self.d_model = d_model
        self.causal = causal
        self.pooling = pooling
        self.is_batch_normed = norm == "batch"
        self.embed = nn.Linear(n_channels, d_model)
        self.positions = None
        waves = None
        if positions == "learned":
            self.positions = nn.Embedding(n_steps, d_model)
            nn.init.uniform_(self.positions.weight, -0.02, 0.02)
        else:
            waves = sinusoidal_positions(n_steps, d_model)
        self.register_buffer("waves", waves, persistent=False)
        self.layers = nn.ModuleList(
            EncoderLayer(
                d_model,
                nhead,
                dim_feedforward,
                dropout,
                activation=activation,
                norm_first=norm_first,
                norm=norm,
            )
            for _ in range(num_layers)
        )
        # Else the last layer has normalised its output.
        self.norm = encoder_norm(norm, d_model) if norm_first else nn.Identity()
        self.head_dropout = nn.Dropout(head_dropout)
        n_states = n_steps if pooling == "flatten" else 1
        self.head = nn.Linear(n_states * d_model, n_outputs)
        self.is_causal = causal and pooling == "last"

    def buffer_bytes_per_window(self, n_steps: int) -> int:
        """Return the bytes of a layer's buffers for one window of `n_steps` steps."""
        if self.is_batch_normed:
            return 0  # micro-batches would each have their own statistics
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
        if self.is_batch_normed:  # by the statistics of all steps
            return self.states(x)[:, -1]
        h, mask = self._embedded(x)
        last: Any
        *layers, last = self.layers
        for layer in layers:
            h = layer(h, src_mask=mask)
        # In the last layer all steps are attended to, but only one attends.
        return self.norm(last.of_steps(h, slice(-1, None)))[:, 0]  # (3), (4)

    def forward(self, x: Tensor) -> Tensor:
        if self.pooling == "last" and not (self.every_step and self.training):
            h = self.last_state(x)
        else:
            h = self.states(x)
        if self.pooling == "mean":
            h = h.mean(dim=1)
        elif self.pooling == "flatten":
            h = h.flatten(1)
        return self.head(self.head_dropout(h))

    def attention_weights(self, x: Tensor) -> Tensor:
        """(batch, time, channels) -> (batch, layers, time, time)"""
        h, mask = self._embedded(x)
        weights = []
        layer: Any
        for layer in self.layers:
            weights.append(layer.attention_weights(h, mask))
            h = layer(h, src_mask=mask)
        return torch.stack(weights, dim=1)

    def _embedded(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        time = x.shape[1]
        if self.waves is None:
            h = self.embed(x) + self.positions.weight
        else:
            h = self.embed(x) + self.waves[:time]
        if not self.causal:
            return h, None
        return h, torch.ones(time, time, dtype=torch.bool, device=x.device).triu(1)


class TransformerRegressor(DeepRegressor):
    r"""The encoder of the Transformer [1]_; with patches, PatchTST [3]_.

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
    head_dropout : float, default=0.0
        The probability of a zero in the states before the last linear map, in training
        only.
    causal : bool, default=False
        Whether a step attends to itself and earlier steps only. ``loss_steps="all"``
        needs it, with ``pooling="last"``.
    pooling : {"last", "mean", "flatten"}, default="last"
        Whether the output is linear in the last state, in the mean of all states, or in
        all of them side by side.
    positions : {"sinusoidal", "learned"}, default="sinusoidal"
        The encoding of the positions of steps: equations 1 and 2, or learned weights.
    activation : {"relu", "gelu"}, default="relu"
        The activation :math:`\phi` of the dense layers.
    norm : {"layer", "batch"}, default="layer"
        The normalisation of a state: by its own features, or of each feature by all
        steps of the windows of a batch.
    norm_first : bool, default=True
        Whether the input of attention and dense layers is normalised [2]_, or the sums
        are [1]_.
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
        \quad Q, K, V \text{ linear in } \mathrm{N}(h)                  && (3) \\
        h'' &= h' + W_2 \, \phi(W_1 \mathrm{N}(h') + b_1) + b_2          && (4)

    with :math:`d_k = d / \text{nhead}`, for each head on its own part of the width, and
    the norm :math:`\mathrm{N}`. With ``norm_first=False``, it is applied to :math:`h'`
    and :math:`h''` instead. The output is linear in the normalised last state, in the
    mean, or in all states.

    PatchTST is ``TransformerRegressor(d_model=16, num_layers=3, pooling="flatten",
    positions="learned", activation="gelu", norm="batch", norm_first=False,
    patch_size=16, patch_stride=8, channel_independent=True, window_norm="standard")``
    with all channels in `target_channels`. The code of its authors also adds the scores
    of the layer before to those of attention, and has `dropout` after equation 2.

    References
    ----------
    .. [1] A. Vaswani et al. (2017). Attention Is All You Need. NeurIPS.
    .. [2] R. Xiong et al. (2020). On Layer Normalization in the Transformer
       Architecture. ICML.
    .. [3] Y. Nie et al. (2023). A Time Series is Worth 64 Words: Long-term Forecasting
       with Transformers. ICLR.

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
    head_dropout: Probability = 0.0
    causal: bool = False
    pooling: Literal["last", "mean", "flatten"] = "last"
    positions: Literal["sinusoidal", "learned"] = "sinusoidal"
    activation: Literal["relu", "gelu"] = "relu"
    norm: EncoderNorm = "layer"
    norm_first: bool = True

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
        check_heads(self.nhead, "d_model", self.d_model)

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        return Transformer(
            n_channels=spec.n_channels,
            n_steps=spec.n_steps,
            n_outputs=spec.n_outputs,
            **self._architecture_parameters(),
        )
