"""Causal convolutions."""

from typing import Literal

from torch import Tensor, nn

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._layers.causal import CausalConv1d, channel_norm, n_weights
from sktsdl._layers.patches import patches_span
from sktsdl._sklearn.fields import PositiveInt, Probability

POOLS = {"max": nn.AdaptiveMaxPool1d, "avg": nn.AdaptiveAvgPool1d}


class CNN(nn.Module):
    """Causal convolutions, flattened over time or pooled, and a linear head.

    **Shape**: (batch, time, channels) -> (batch, outputs)
    """

    def __init__(
        self,
        *,
        n_channels: int,
        n_outputs: int,
        window: int,
        channels: tuple[int, ...],
        kernel_size: int,
        pooling: str | None,
        norm: Literal["batch", "layer"] | None,
        dropout: float,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for n_in, n_out in zip([n_channels, *channels], channels, strict=False):
            layers += [
                CausalConv1d(n_in, n_out, kernel_size),
                channel_norm(norm, n_out),
                nn.ReLU(),
                nn.Dropout(dropout),
            ]
        self.layers = nn.Sequential(*layers)
        self.pool = POOLS[pooling](1) if pooling else nn.Identity()
        self.head = nn.Linear(channels[-1] * (1 if pooling else window), n_outputs)
        self.n_values = sum(channels)

    def multiplications(self, n_steps: int) -> int:
        """Return about how many multiplications take as long as a window.

        Kernels are small: to write and read a value takes as long as some 20 of them.
        """
        n_kernels, n_head = n_weights(self.layers), n_weights(self.head)
        return n_steps * (n_kernels + 20 * self.n_values) + n_head

    def forward(self, x: Tensor) -> Tensor:
        h = self.layers(x.transpose(1, 2))  # (1): (batch, channels, time)
        return self.head(self.pool(h).flatten(1))  # (2)


class CNNRegressor(DeepRegressor):
    r"""Causal convolutions over the window [1]_.

    Parameters
    ----------
    channels : tuple of int, default=(64,)
        The number of kernels of each layer.
    kernel_size : int, default=3
        The steps that a kernel sees.
    pooling : {None, "max", "avg"}, default=None
        None flattens the states over time; a pool over time cannot tell where in the
        window something is.
    norm : {None, "batch", "layer"}, default=None
        The normalisation before each activation.
    dropout : float, default=0.0
        The probability of a zero after each activation, in training only.
    {training_parameters}

    Attributes
    ----------
    receptive_field_ : int
        The steps that a state of the last layer sees.
    {training_attributes}

    See Also
    --------
    TCNRegressor : Dilated kernels, which see further back.

    Notes
    -----
    With :math:`h_0 = x` and zeros in front of the window, each layer :math:`l`
    computes for every step :math:`t`

    .. math::

        h_{l,t} &= \max\Big(0, b_l + \sum_{i=0}^{k-1} W_{l,i} h_{l-1,t-i}\Big)
        && (1) \\
        \hat y &= W [h_{L,1}, \ldots, h_{L,T}] + b && (2)

    References
    ----------
    .. [1] Y. LeCun and Y. Bengio (1995). Convolutional Networks for Images, Speech,
       and Time Series. The Handbook of Brain Theory and Neural Networks.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import CNNRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value")
    >>> net = CNNRegressor(channels=(16,), lr=1e-2, max_epochs=20, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    """

    channels: tuple[PositiveInt, ...] = (64,)
    kernel_size: PositiveInt = 3
    pooling: Literal["max", "avg"] | None = None
    norm: Literal["batch", "layer"] | None = None
    dropout: Probability = 0.0

    @property
    def receptive_field_(self) -> int:
        steps = 1 + len(self.channels) * (self.kernel_size - 1)
        return patches_span(steps, self.patch_size, self.patch_stride)

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        return CNN(
            n_channels=spec.n_channels,
            n_outputs=spec.n_outputs,
            window=spec.n_steps,
            **self._architecture_parameters(),
        )
