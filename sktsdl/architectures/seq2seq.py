"""Encoder and decoder."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._layers.causal import n_weights
from sktsdl._layers.recurrent import RecurrentStack
from sktsdl._sklearn.fields import ClosedShare, PositiveInt, Probability


class AdditiveAttention(nn.Module):
    r"""Attention to `states` by a feed-forward score (Bahdanau et al. 2015).

    .. math:: e_j = v^\top \tanh(W q + U h_j), \quad \alpha = \mathrm{softmax}(e)

    **Shape**: query (batch, n_query), states (batch, time, n_states), and their
    keys by `key`, which a decoder computes once -> context (batch, n_states)
    """

    def __init__(self, n_query: int, n_states: int, n_hidden: int) -> None:
        super().__init__()
        self.query = nn.Linear(n_query, n_hidden, bias=False)
        self.key = nn.Linear(n_states, n_hidden)
        self.score = nn.Linear(n_hidden, 1, bias=False)

    def forward(self, query: Tensor, states: Tensor, keys: Tensor) -> Tensor:
        hidden = torch.tanh(self.query(query)[:, None] + keys)
        weights = self.score(hidden).squeeze(-1).softmax(dim=1)  # (batch, time)
        return torch.einsum("bt,bth->bh", weights, states)


class Seq2Seq(nn.Module):
    """A recurrent encoder, and a decoder that computes the outputs patch by patch.

    **Shape**: (batch, time, channels), and known values (batch, steps ahead, known
    channels) if there are any -> (batch, outputs)
    """

    target_steps: Tensor
    takes_targets = True
    takes_known = True

    def __init__(
        self,
        *,
        n_channels: int,
        n_outputs: int,
        n_values: int,
        median_index: int,
        patch_size: int,
        cell: Literal["lstm", "gru"],
        hidden_size: int,
        attention: bool,
        teacher_forcing: float,
        dropout: float,
        n_known: int = 0,
        target_steps: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        steps = torch.tensor(target_steps, dtype=torch.long)
        self.register_buffer("target_steps", steps, persistent=False)
        self.n_outputs = n_outputs
        self.n_values = n_values
        self.median_index = median_index
        self.patch_size = patch_size
        self.dropout = nn.Dropout(dropout)
        self.teacher_forcing = teacher_forcing
        self.encoder = RecurrentStack(cell, n_channels, (hidden_size,))
        self.attention = None
        if attention:
            self.attention = AdditiveAttention(hidden_size, hidden_size, hidden_size)
        n_in = patch_size * (1 + n_known) + (hidden_size if attention else 0)
        self.decoder = (nn.LSTMCell if cell == "lstm" else nn.GRUCell)(
            n_in, hidden_size
        )
        self.head = nn.Linear(hidden_size, patch_size * n_values)

    def forward(
        self,
        x: Tensor,
        targets: Tensor | None = None,
        progress: float = 1.0,
        known: Tensor | None = None,
    ) -> Tensor:
        states = self.dropout(self.encoder(x))  # (1): (batch, time, hidden)
        keys = states if self.attention is None else self.attention.key(states)
        s = states[:, -1]
        c = torch.zeros_like(s)
        size = self.patch_size
        n_targets = self.n_outputs // self.n_values
        y = x.new_zeros(x.shape[0], size)
        if known is not None:
            # Of each output; the last patch may be longer than the outputs.
            known = known[:, self.target_steps]
            known = F.pad(known, (0, 0, 0, -n_targets % size))
        outputs: list[Tensor] = []
        for j in range(0, n_targets, size):
            inputs = y
            if known is not None:
                inputs = torch.cat([y, known[:, j : j + size].flatten(1)], dim=-1)
            if self.attention is not None:
                context = self.attention(s, states, keys)  # (2)
                inputs = torch.cat([inputs, context], dim=-1)
            if isinstance(self.decoder, nn.LSTMCell):
                s, c = self.decoder(inputs, (s, c))  # (3)
            else:
                s = self.decoder(inputs, s)  # (3)
            outputs.append(self.head(self.dropout(s)))  # (4): (batch, patch * values)
            y = outputs[-1][:, self.median_index :: self.n_values]
            if targets is not None and j + size < n_targets:
                p = self.teacher_forcing * (1 - progress)
                forced = torch.rand(x.shape[0], 1, device=x.device) < p
                y = torch.where(forced, targets[:, j : j + size], y)
        return torch.cat(outputs, dim=1)[:, : self.n_outputs]

    def multiplications(self, n_steps: int) -> int:
        """Return about how many multiplications a window takes."""
        keys = None if self.attention is None else self.attention.key
        n_encoder = n_weights(self.encoder) + n_weights(keys)
        n_decoded = -(-self.n_outputs // (self.n_values * self.patch_size))
        return n_steps * n_encoder + n_decoded * (n_weights(self) - n_encoder)


class Seq2SeqRegressor(DeepRegressor):
    r"""Encoder and decoder with attention [1]_ [2]_.

    The decoder computes the outputs one by one, or `patch_size` at once, each from the
    outputs before. The columns of `y` should therefore be the steps of one horizon.

    Parameters
    ----------
    cell : {"gru", "lstm"}, default="gru"
        The recurrent layer of encoder and decoder.
    hidden_size : int, default=64
        The width of both.
    attention : bool, default=True
        Whether each output looks at all states of the encoder.
    teacher_forcing : float, default=0.5
        The probability, in training, that the decoder continues from the true target
        and not from its own output. It falls linearly to 0 over `max_epochs` [3]_, so a
        warm start with a larger `max_epochs` is not the same as one longer run.
    dropout : float, default=0.0
        The probability of a zero in the states before attention and before the last
        linear map, in training only.
    {training_parameters}

    Attributes
    ----------
    {training_attributes}

    See Also
    --------
    GRURegressor, LSTMRegressor : All steps of the horizon at once.

    Notes
    -----
    From :math:`s_0 = h_T` and :math:`\hat y_0 = 0`, in standardised units, for
    :math:`j = 1, \ldots`, the number of outputs (or of patches of them),

    .. math::

        h_t &= \mathrm{cell}(x_t, h_{t-1})                              && (1) \\
        a_j &= \sum_t \alpha_{j,t} h_t, \quad \alpha_j = \mathrm{softmax}_t
        \big(v^\top \tanh(W s_{j-1} + U h_t)\big)                       && (2) \\
        s_j &= \mathrm{cell}([\hat y_{j-1}, k_j, a_j], s_{j-1})         && (3) \\
        \hat y_j &= W_o s_j + b                                          && (4)

    with the values :math:`k_j` that are known of the step of output :math:`j`, if any.

    References
    ----------
    .. [1] I. Sutskever, O. Vinyals and Q. V. Le (2014). Sequence to Sequence Learning
       with Neural Networks. NeurIPS.
    .. [2] D. Bahdanau, K. Cho and Y. Bengio (2015). Neural Machine Translation by
       Jointly Learning to Align and Translate. ICLR.
    .. [3] S. Bengio et al. (2015). Scheduled Sampling for Sequence Prediction with
       Recurrent Neural Networks. NeurIPS.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import Seq2SeqRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value")
    >>> net = Seq2SeqRegressor(hidden_size=16, lr=1e-2, max_epochs=20, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    """

    cell: Literal["gru", "lstm"] = "gru"
    hidden_size: PositiveInt = 64
    attention: bool = True
    teacher_forcing: ClosedShare = 0.5
    dropout: Probability = 0.0

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        return Seq2Seq(
            n_channels=spec.n_channels,
            n_outputs=spec.n_outputs,
            n_values=spec.n_values,
            median_index=spec.median_index,
            patch_size=spec.patch_size,
            n_known=spec.n_known,
            target_steps=spec.target_steps,
            **self._architecture_parameters(),
        )
