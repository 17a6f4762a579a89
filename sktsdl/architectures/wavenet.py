"""WaveNet."""

import torch
from torch import Tensor, nn

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._layers.causal import CausalConv1d, CausalNet, receptive_field
from sktsdl._layers.patches import patches_span
from sktsdl._sklearn.fields import PositiveInt, Probability


class GatedLayer(nn.Module):
    """A gated dilated convolution, which passes on a residual and a skip.

    **Shape**: (batch, channels, time) -> two of (batch, channels, time)
    """

    def __init__(
        self, channels: int, kernel_size: int, dilation: int, dropout: float
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        # One map of twice the width is faster than two maps of the same input.
        self.conv = CausalConv1d(channels, 2 * channels, kernel_size, dilation=dilation)
        self.out = nn.Conv1d(channels, 2 * channels, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        filtered, gate = self.conv(x).chunk(2, dim=1)
        z = torch.tanh(filtered) * torch.sigmoid(gate)  # (1)
        residual, skip = self.out(self.dropout(z)).chunk(2, dim=1)
        return x + residual, skip  # (2)


class PlainLayer(nn.Module):
    """A dilated convolution with a rectifier.

    **Shape**: (batch, channels, time) -> two of (batch, channels, time)
    """

    def __init__(
        self, channels: int, kernel_size: int, dilation: int, dropout: float
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.conv = CausalConv1d(channels, channels, kernel_size, dilation=dilation)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.dropout(torch.relu(self.conv(x)))  # (4)
        return h, h


class WaveNet(CausalNet):
    """Layers of repeated dilations, and a linear head on the last state.

    **Shape**: (batch, time, channels) -> (batch, outputs)
    """

    def __init__(
        self,
        *,
        n_channels: int,
        n_outputs: int,
        channels: int,
        kernel_size: int,
        dilations: tuple[int, ...],
        repeats: int,
        gated: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.gated = gated
        layer = GatedLayer if gated else PlainLayer
        self.embed = nn.Conv1d(n_channels, channels, 1)
        self.layers = nn.ModuleList(
            layer(channels, kernel_size, d, dropout) for d in [*dilations] * repeats
        )
        self.mix = nn.Conv1d(channels, channels, 1) if gated else nn.Identity()
        self.head = nn.Linear(channels, n_outputs)
        self.receptive_field = receptive_field(self)

    def states(self, x: Tensor) -> Tensor:
        h = self.embed(x.transpose(1, 2))  # (batch, channels, time)
        skips = []
        for layer in self.layers:
            h, skip = layer(h)
            skips.append(skip)
        if self.gated:
            h = torch.relu(self.mix(torch.relu(torch.stack(skips).sum(dim=0))))  # (3)
        return h.transpose(1, 2)


class WaveNetRegressor(DeepRegressor):
    r"""WaveNet: dilated causal convolutions with gates and skips [1]_.

    Parameters
    ----------
    channels : int, default=32
        The number of kernels of each layer.
    dilations : tuple of int, default=(1, 2, 4, 8)
        The dilation of each layer of a block.
    repeats : int, default=2
        The number of blocks.
    kernel_size : int, default=2
        The steps that a kernel sees, `dilation` apart.
    gated : bool, default=True
        False is the plain stack of convolutions with rectifiers.
    dropout : float, default=0.0
        The probability of a zero after each layer's activation, in training only.
    {training_parameters}

    Attributes
    ----------
    receptive_field_ : int
        The number of steps that the output depends on.
    {training_attributes}

    See Also
    --------
    TCNRegressor : Residual blocks of doubling dilation.

    Notes
    -----
    With :math:`*` a causal convolution, :math:`\odot` the product by elements, and
    :math:`h_0` a linear map of each step to `channels`,

    .. math::

        z_l &= \tanh(W_{f,l} * h_{l-1}) \odot \sigma(W_{g,l} * h_{l-1})  && (1) \\
        h_l &= h_{l-1} + R_l z_l, \quad s_l = S_l z_l                    && (2) \\
        u &= \max\Big(0, M \max\big(0, \sum_l s_l\big)\Big)              && (3)

    and the output is linear in the last state of :math:`u`. Without gates,

    .. math:: h_l = \max(0, W_l * h_{l-1}) \qquad (4)

    and it is linear in the last state of the last layer. It depends on
    :math:`1 + r (k-1) \sum_j d_j` steps, with `r` repeats of dilations :math:`d_j`.

    References
    ----------
    .. [1] A. van den Oord et al. (2016). WaveNet: A Generative Model for Raw Audio.
       arXiv:1609.03499.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import WaveNetRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value")
    >>> net = WaveNetRegressor(channels=16, lr=1e-2, max_epochs=20, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    """

    channels: PositiveInt = 32
    dilations: tuple[PositiveInt, ...] = (1, 2, 4, 8)
    repeats: PositiveInt = 2
    kernel_size: PositiveInt = 2
    gated: bool = True
    dropout: Probability = 0.0

    @property
    def receptive_field_(self) -> int:
        steps = self.repeats * (self.kernel_size - 1) * sum(self.dilations)
        return patches_span(1 + steps, self.patch_size, self.patch_stride)

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        return WaveNet(
            n_channels=spec.n_channels,
            n_outputs=spec.n_outputs,
            **self._architecture_parameters(),
        )
