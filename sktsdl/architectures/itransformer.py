"""The inverted Transformer, whose tokens are channels."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._layers.causal import n_weights
from sktsdl._layers.encoder import EncoderLayer, check_heads
from sktsdl._sklearn.fields import PositiveInt, Probability


class ITransformer(nn.Module):
    """Attention between channels, each of which is one token with its whole window.

    The outputs of a target are linear in the token of its channel. If the channels of
    the targets are not known, or two targets share one, or outputs are classes, all
    outputs are linear in all tokens.

    **Shape**: (batch, time, channels), and known values (batch, steps ahead, known
    channels) if there are any -> (batch, outputs)
    """

    takes_known = True
    tokens: Tensor
    places: Tensor

    def __init__(
        self,
        *,
        n_channels: int,
        n_steps: int,
        n_known: int,
        n_ahead: int,
        n_outputs: int,
        n_values: int,
        patch_size: int,
        target_steps: tuple[int, ...],
        target_channels: tuple[int, ...] | None,
        d_model: int,
        nhead: int,
        num_layers: int,
        dim_feedforward: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.d_model = d_model
        self.n_channels = n_channels // patch_size
        self.n_tokens = self.n_channels + n_known
        self.embed = nn.Linear(n_steps * patch_size, d_model)
        self.embed_known = nn.Linear(n_ahead, d_model) if n_known else None
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            EncoderLayer(
                d_model,
                nhead,
                dim_feedforward,
                dropout,
                activation="gelu",
                norm_first=False,
            )
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(d_model)
        # The last step of a patch holds the channels in their order.
        channels = [at % self.n_channels for at in target_channels or ()]
        futures = list(zip(channels, target_steps, strict=False))
        tokens = sorted(set(channels))
        are_distinct = len(set(futures)) == len(futures)
        self.is_by_channel = are_distinct and n_outputs == len(futures) * n_values
        if not self.is_by_channel:
            self.head = nn.Linear(self.n_tokens * d_model, n_outputs)
            return
        self.head = nn.Linear(d_model, n_ahead * n_values)
        places = [
            (tokens.index(channel) * n_ahead + step) * n_values + value
            for channel, step in futures
            for value in range(n_values)
        ]
        for name, table in {"tokens": tokens, "places": places}.items():
            self.register_buffer(name, torch.tensor(table), persistent=False)

    def buffer_bytes_per_window(self, n_steps: int) -> int:
        """Return the bytes of a layer's buffers for one window."""
        layer: Any = self.layers[0]
        width = 8 * self.d_model + 2 * layer.linear1.out_features
        return 4 * self.n_tokens * width

    def multiplications(self, n_steps: int) -> int:
        """Return about how many multiplications a window takes, attention included."""
        n_heads = len(self.tokens) if self.is_by_channel else 1
        of_known = n_weights(self.embed_known)
        of_token = n_weights(self) - n_weights(self.head) - of_known
        n_known = self.n_tokens - self.n_channels
        attention = 2 * len(self.layers) * self.n_tokens**2 * self.d_model
        of_tokens = self.n_tokens * of_token + n_known * of_known
        return of_tokens + attention + n_heads * n_weights(self.head)

    def calls(self, n_steps: int) -> int:
        """Return about how many kernels attention calls, most of which make views."""
        return 16 * len(self.layers)

    def forward(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        h = self._embedded(x, known)
        last: Any
        *layers, last = self.layers
        for layer in layers:
            h = layer(h)  # (2), (3)
        if not self.is_by_channel:
            return self.head(self.norm(last(h)).flatten(1))
        # In the last layer all tokens are attended to, but only some may be read.
        is_all = len(self.tokens) == self.n_tokens
        h = self.norm(last(h) if is_all else last.of_steps(h, self.tokens))
        return self.head(h).flatten(1).index_select(1, self.places)  # (4)

    def attention_weights(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        """(batch, time, channels) -> (batch, layers, tokens, tokens)"""
        h = self._embedded(x, known)
        weights = []
        layer: Any
        for layer in self.layers:
            weights.append(layer.attention_weights(h))
            h = layer(h)
        return torch.stack(weights, dim=1)

    def _embedded(self, x: Tensor, known: Tensor | None) -> Tensor:
        # Patches are the steps of each channel again.
        x = x.reshape(x.shape[0], -1, self.n_channels)
        tokens = self.embed(x.transpose(1, 2))  # (1)
        if self.embed_known is not None and known is not None:
            ahead = self.embed_known(known.transpose(1, 2))
            tokens = torch.cat([tokens, ahead], dim=1)
        return self.dropout(tokens)


class ITransformerRegressor(DeepRegressor):
    r"""The inverted Transformer: attention between channels, not between steps [1]_.

    It is made for many channels that move together. With one channel, it is a net of
    dense layers. The output of a target follows from its channel, so the columns of `y`
    should be later rows of channels of `X`, as ``make_supervised`` makes them.

    Parameters
    ----------
    d_model : int, default=64
        The width of the tokens.
    nhead : int, default=4
        The number of attention heads; it must divide `d_model`.
    num_layers : int, default=2
        The number of layers.
    dim_feedforward : int, default=128
        The width of the dense layer inside each layer.
    dropout : float, default=0.0
        The probability of a zero in tokens, attention and dense layers, in training
        only.
    {training_parameters}

    Attributes
    ----------
    {training_attributes}

    See Also
    --------
    TransformerRegressor : Attention between steps or patches.

    Notes
    -----
    The window :math:`x_c` of each channel is one token,

    .. math::

        h_c = W x_c + b                                                 && (1)

    and each layer lets all tokens :math:`h`, one in each row, attend to each other and
    changes each by dense layers,

    .. math::

        h' &= \mathrm{LN}(h + \mathrm{softmax}(Q K^\top / \sqrt{d_k}) V),
        \quad Q, K, V \text{ linear in } h                              && (2) \\
        h'' &= \mathrm{LN}(h' + W_2 \, \mathrm{gelu}(W_1 h' + b_1) + b_2) && (3)

    with :math:`d_k = d / \text{nhead}`, for each head on its own part of the width. The
    outputs for all steps ahead of a channel are linear in its token,

    .. math::

        \hat y_c = W_o \, \mathrm{LN}(h_c) + b_o                        && (4)

    A channel that is known ahead is a token of its values ahead, with a matrix of its
    own. All outputs are linear in all tokens side by side, if the channels of the
    columns of `y` are not known (they are named by `target_channels`, by
    ``make_supervised``, or found by `window_norm`), or for targets of classes.

    The authors' code normalises each window, as ``window_norm="standard"`` does.

    References
    ----------
    .. [1] Y. Liu et al. (2024). iTransformer: Inverted Transformers Are Effective for
       Time Series Forecasting. ICLR.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import ITransformerRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value")
    >>> net = ITransformerRegressor(d_model=16, lr=1e-2, max_epochs=20, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    """

    d_model: PositiveInt = 64
    nhead: PositiveInt = 4
    num_layers: PositiveInt = 2
    dim_feedforward: PositiveInt = 128
    dropout: Probability = 0.0

    _attends_to_channels: ClassVar[bool] = True

    def attention_weights(self, X: ArrayLike) -> np.ndarray:
        """Return what each channel attends to, as the mean over the heads.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As for ``predict``.

        Returns
        -------
        weights : ndarray of shape (n, num_layers, tokens, tokens)
            ``weights[i, l, c]`` sums to 1 over the tokens that token `c` attends to.
            Tokens are the channels in their order; then the parts of the embeddings of
            `categorical_features`; then channels that are known ahead or static. With
            `channel_independent`, there is an axis of targets after the first.
        """
        return self._evaluate(X, "attention_weights")

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_heads(self.nhead, "d_model", self.d_model)

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        return ITransformer(
            n_channels=spec.n_channels,
            n_steps=spec.n_steps,
            n_known=spec.n_known,
            n_ahead=spec.n_ahead,
            n_outputs=spec.n_outputs,
            n_values=spec.n_values,
            patch_size=spec.patch_size,
            target_steps=spec.target_steps,
            target_channels=spec.target_channels,
            **self._architecture_parameters(),
        )
