"""Long short-term memory."""

from numbers import Integral

import torch
from sklearn.utils import check_scalar
from torch import Tensor, nn

from sktsdl._base import DeepRegressor


class LSTM(nn.Module):
    """Stacked LSTM layers, whose widths may differ, and a linear head.

    **Shape**: (batch, time, channels) -> (batch, outputs)
    """

    def __init__(
        self,
        *,
        n_channels: int,
        n_outputs: int,
        hidden_sizes: tuple[int, ...],
        dropout: float,
        bidirectional: bool,
    ) -> None:
        super().__init__()
        directions = 2 if bidirectional else 1
        inputs = [n_channels, *(directions * size for size in hidden_sizes)]
        self.layers = nn.ModuleList(
            nn.LSTM(n_in, size, batch_first=True, bidirectional=bidirectional)
            for n_in, size in zip(inputs, hidden_sizes, strict=False)
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(inputs[-1], n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        for i, layer in enumerate(self.layers):
            x = self.dropout(x) if i else x
            x, (h, _) = layer(x)  # (1)-(6): x (batch, time, directions * hidden)
        last = torch.cat(tuple(h), dim=-1)  # h (directions, batch, hidden)
        return self.head(last)  # (7)


class LSTMRegressor(DeepRegressor):
    r"""Long short-term memory, a recurrent net that learns what to keep [1]_ [2]_.

    Parameters
    ----------
    hidden_sizes : tuple of int, default=(64,)
        The width of each layer.
    dropout : float, default=0.0
        The probability of a zero between layers, in training only.
    bidirectional : bool, default=False
        Whether a second pass reads each window from its end to its start; the head
        then sees the last state of both passes.
    {training_parameters}

    Attributes
    ----------
    {training_attributes}

    Notes
    -----
    With :math:`\sigma` the logistic function and :math:`\odot` the product by
    elements, each layer computes for every step :math:`t` of a window, from
    :math:`h_0 = c_0 = 0`,

    .. math::

        i_t &= \sigma(W_i x_t + U_i h_{t-1} + b_i)            && (1) \\
        f_t &= \sigma(W_f x_t + U_f h_{t-1} + b_f)            && (2) \\
        g_t &= \tanh(W_g x_t + U_g h_{t-1} + b_g)             && (3) \\
        o_t &= \sigma(W_o x_t + U_o h_{t-1} + b_o)            && (4) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t              && (5) \\
        h_t &= o_t \odot \tanh(c_t)                           && (6)

    and passes the :math:`h_t` on to the next layer; the answer is linear in the last
    state of the last one, :math:`\hat y = W h_T + b` (7).

    References
    ----------
    .. [1] S. Hochreiter and J. Schmidhuber (1997). Long Short-Term Memory. Neural
       Computation 9(8).
    .. [2] F. A. Gers, J. Schmidhuber and F. Cummins (2000). Learning to Forget:
       Continual Prediction with LSTM. Neural Computation 12(10).

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import LSTMRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> X, y, X_latest = make_supervised(
    ...     make_sinusoid(300, random_state=0), target="value"
    ... )
    >>> net = LSTMRegressor(hidden_sizes=(16,), lr=1e-2, max_epochs=20, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X[:240], y[:240])
    >>> bool(pipe.score(X[240:], y[240:]) > 0.9)
    True
    """

    hidden_sizes: tuple[int, ...] = (64,)
    dropout: float = 0.0
    bidirectional: bool = False

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if len(self.hidden_sizes) == 0:
            raise ValueError("hidden_sizes=() has no layer: give at least one width.")
        for size in self.hidden_sizes:
            check_scalar(size, "each of hidden_sizes", Integral, min_val=1)
        check_scalar(
            self.dropout,
            "dropout",
            (int, float),
            min_val=0,
            max_val=1,
            include_boundaries="left",
        )

    def _build_module(self, n_channels: int, n_outputs: int) -> nn.Module:
        return LSTM(
            n_channels=n_channels,
            n_outputs=n_outputs,
            hidden_sizes=tuple(self.hidden_sizes),
            dropout=self.dropout,
            bidirectional=self.bidirectional,
        )
