"""The temporal convolutional network."""

from typing import Literal

import torch
from torch import Tensor, nn

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._layers.causal import (
    CausalConv1d,
    CausalNet,
    channel_norm,
    receptive_field,
)
from sktsdl._layers.patches import patches_span
from sktsdl._sklearn.fields import PositiveInt, Probability

Norm = Literal["weight", "batch", "layer"]


class ResidualBlock(nn.Module):
    """Dilated causal convolutions and a shortcut around them.

    **Shape**: (batch, n_in, time) -> (batch, n_out, time)
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        kernel_size: int,
        dilation: int,
        n_convs: int,
        norm: Norm | None,
        dropout: float,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i in range(n_convs):
            layers += [
                CausalConv1d(
                    n_out if i else n_in,
                    n_out,
                    kernel_size,
                    dilation=dilation,
                    weight_norm=norm == "weight",
                ),
                nn.Identity() if norm == "weight" else channel_norm(norm, n_out),
                nn.ReLU(),
                nn.Dropout(dropout),
            ]
        self.layers = nn.Sequential(*layers)
        self.shortcut = nn.Conv1d(n_in, n_out, 1) if n_in != n_out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.layers(x) + self.shortcut(x))  # (1), (2)


class TCN(CausalNet):
    """Residual blocks of doubling dilation, and a linear head on the last state.

    **Shape**: (batch, time, channels) -> (batch, outputs)
    """

    def __init__(
        self,
        *,
        n_channels: int,
        n_outputs: int,
        channels: tuple[int, ...],
        kernel_size: int,
        convs_per_block: int,
        norm: Norm | None,
        dropout: float,
    ) -> None:
        super().__init__()
        sizes = zip([n_channels, *channels], channels, strict=False)
        self.blocks = nn.Sequential(
            *(
                ResidualBlock(
                    n_in,
                    n_out,
                    kernel_size=kernel_size,
                    dilation=2**level,
                    n_convs=convs_per_block,
                    norm=norm,
                    dropout=dropout,
                )
                for level, (n_in, n_out) in enumerate(sizes)
            )
        )
        self.head = nn.Linear(channels[-1], n_outputs)
        if norm != "batch":  # which takes its statistics over all steps
            self.receptive_field = receptive_field(self)

    def states(self, x: Tensor) -> Tensor:
        return self.blocks(x.transpose(1, 2)).transpose(1, 2)


class TCNRegressor(DeepRegressor):
    r"""The temporal convolutional network of Bai, Kolter and Koltun [1]_.

    Parameters
    ----------
    channels : tuple of int, default=(64, 64, 32)
        The number of kernels of each block; block `l`, from 0, has dilation
        :math:`2^l`.
    kernel_size : int, default=3
        The steps that a kernel sees, `dilation` apart.
    convs_per_block : int, default=2
        The convolutions in a block.
    norm : {None, "weight", "batch", "layer"}, default="weight"
        The normalisation of each convolution.
    dropout : float, default=0.0
        The probability of a zero after each activation, in training only.
    {training_parameters}

    Attributes
    ----------
    receptive_field_ : int
        The number of steps that the output depends on.
    {training_attributes}

    See Also
    --------
    WaveNetRegressor : Gates, and a sum over all layers.

    Notes
    -----
    A block is a chain :math:`F` of dilated causal convolutions, each with a rectifier,
    and a shortcut :math:`A`, which is a convolution of one step if the widths differ:

    .. math::

        F(x)_t &= \max\Big(0, b + \sum_{i=0}^{k-1} W_i x_{t - i 2^l}\Big)
        \text{, once for each convolution} && (1) \\
        h_l &= \max(0, F_l(h_{l-1}) + A_l h_{l-1})           && (2)

    The output is linear in the last state of the last block, and depends on
    :math:`1 + c (k-1) (2^L - 1)` steps, with `c` convolutions in each of `L` blocks.

    References
    ----------
    .. [1] S. Bai, J. Z. Kolter and V. Koltun (2018). An Empirical Evaluation of
       Generic Convolutional and Recurrent Networks for Sequence Modeling.
       arXiv:1803.01271.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import TCNRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value")
    >>> net = TCNRegressor(
    ...     channels=(16, 16, 16), lr=1e-2, max_epochs=20, random_state=0
    ... )
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    """

    channels: tuple[PositiveInt, ...] = (64, 64, 32)
    kernel_size: PositiveInt = 3
    convs_per_block: PositiveInt = 2
    norm: Norm | None = "weight"
    dropout: Probability = 0.0

    @property
    def receptive_field_(self) -> int:
        steps = self.convs_per_block * (self.kernel_size - 1)
        n = 1 + steps * (2 ** len(self.channels) - 1)
        return patches_span(n, self.patch_size, self.patch_stride)

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        return TCN(
            n_channels=spec.n_channels,
            n_outputs=spec.n_outputs,
            **self._architecture_parameters(),
        )
