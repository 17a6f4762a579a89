"""A convolution that shortens the window, and a recurrent net on top."""

from typing import Literal

import torch
from torch import Tensor, nn

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._layers.causal import CausalConv1d, CausalNet
from sktsdl._layers.recurrent import RecurrentStack
from sktsdl._sklearn.fields import PositiveInt, Probability


class CNNLSTM(CausalNet):
    """A strided causal convolution, recurrent layers, and a linear head.

    **Shape**: (batch, time, channels) -> (batch, outputs)
    """

    def __init__(
        self,
        *,
        n_channels: int,
        n_outputs: int,
        channels: int,
        kernel_size: int,
        stride: int,
        cell: Literal["lstm", "gru"],
        hidden_sizes: tuple[int, ...],
        dropout: float,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.conv = CausalConv1d(n_channels, channels, kernel_size, stride=stride)
        self.dropout = nn.Dropout(dropout)
        self.stack = RecurrentStack(cell, channels, hidden_sizes)
        self.head = nn.Linear(self.stack.n_out, n_outputs)

    def states(self, x: Tensor) -> Tensor:
        return self.stack(self._shortened(x))  # (2)

    def last_state(self, x: Tensor) -> Tensor:
        return self.stack.last_state(self._shortened(x))  # (2)

    def _shortened(self, x: Tensor) -> Tensor:
        u = torch.relu(self.conv(x.transpose(1, 2)))  # (1): (batch, channels, steps)
        return self.dropout(u).transpose(1, 2)

    def step_ends(self, window: int) -> Tensor:
        return torch.arange((window - 1) % self.stride, window, self.stride)


class CNNLSTMRegressor(DeepRegressor):
    r"""A convolution that shortens the window, and a recurrent net on top [1]_.

    Parameters
    ----------
    channels : int, default=32
        The number of kernels.
    kernel_size : int, default=4
        The steps that a kernel sees.
    stride : int, default=2
        The steps from one kernel's position to the next: the recurrent net has
        ``ceil(window / stride)`` steps, the last of which ends at the window's last.
    cell : {"lstm", "gru"}, default="lstm"
        The recurrent net.
    hidden_sizes : tuple of int, default=(64,)
        The width of each recurrent layer.
    dropout : float, default=0.0
        The probability of a zero after the convolution's activation, in training only.
    {training_parameters}

    Attributes
    ----------
    {training_attributes}

    See Also
    --------
    LSTMRegressor, GRURegressor : The recurrent nets, with their equations.

    Notes
    -----
    With stride :math:`r` and zeros in front of the window,

    .. math::

        u_s &= \max\Big(0, b + \sum_{i=0}^{k-1} W_i x_{T - r(S-s) - i}\Big) && (1) \\
        h_s &= \mathrm{cell}(u_s, h_{s-1}), \quad s = 1, \ldots, S          && (2)

    and the output is linear in :math:`h_S`.

    References
    ----------
    .. [1] T. N. Sainath et al. (2015). Convolutional, Long Short-Term Memory, Fully
       Connected Deep Neural Networks. ICASSP.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import CNNLSTMRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value")
    >>> net = CNNLSTMRegressor(
    ...     hidden_sizes=(16,), lr=1e-2, max_epochs=20, random_state=0
    ... )
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    """

    channels: PositiveInt = 32
    kernel_size: PositiveInt = 4
    stride: PositiveInt = 2
    cell: Literal["lstm", "gru"] = "lstm"
    hidden_sizes: tuple[PositiveInt, ...] = (64,)
    dropout: Probability = 0.0

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        return CNNLSTM(
            n_channels=spec.n_channels,
            n_outputs=spec.n_outputs,
            **self._architecture_parameters(),
        )
