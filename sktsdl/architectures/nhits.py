"""N-HiTS."""

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._layers.residual_stacks import BlockShape, ResidualStacks
from sktsdl._sklearn.fields import PositiveInt, Probability


def between_knots(n_steps: int, *, steps_per_knot: int) -> Tensor:
    """Return the weight of each knot at each step, (knots, steps).

    The knots lie evenly from the first step to the last, and the values between two of
    them on a line. A single knot is a constant.
    """
    n_knots = -(-n_steps // steps_per_knot)
    if n_knots == 1:
        return torch.ones(1, n_steps)
    at = np.arange(n_steps) * (n_knots - 1) / (n_steps - 1)  # in units of gaps
    distances = np.abs(at - np.arange(n_knots)[:, None])
    return torch.from_numpy(np.maximum(1 - distances, 0)).float()  # (3)


class NHiTS(ResidualStacks):
    """Stacks of blocks that pool the window, and interpolate between knots.

    **Shape**: (batch, time, channels), and known values (batch, steps ahead, known
    channels) if there are any -> (batch, outputs)
    """

    def __init__(
        self,
        *,
        shape: BlockShape,
        pool_sizes: tuple[int, ...],
        n_freq_downsample: tuple[int, ...],
        n_blocks: int,
        num_layers: int,
        hidden_size: int,
        dropout: float,
    ) -> None:
        bases = [
            None if steps == 1 else partial(between_knots, steps_per_knot=steps)
            for steps in n_freq_downsample
        ]
        super().__init__(
            shape,
            list(zip(bases, pool_sizes, strict=True)),
            n_blocks=n_blocks,
            num_layers=num_layers,
            hidden_size=hidden_size,
            dropout=dropout,
        )


class NHiTSRegressor(DeepRegressor):
    r"""N-HiTS: stacks of dense blocks, from slow to fast changes [1]_.

    Each block reads the maxima of a few steps of the window, and computes a forecast
    and a backcast at knots, with lines between them. The backcast is taken out of the
    window before the next block reads it; the forecasts of all blocks are summed.

    Parameters
    ----------
    pool_sizes : tuple of int, default=(2, 2, 1)
        For each stack, the number of steps that are pooled, at most the window. For
        long windows, the paper also tries ``(8, 4, 1)`` and ``(16, 8, 1)``.
    n_freq_downsample : tuple of int, default=(4, 2, 1)
        For each stack, the number of steps for each knot. A horizon that is not longer
        has one knot, and so the same value at all steps. For long horizons, the paper
        tries such as ``(24, 12, 1)`` and ``(168, 24, 1)``.
    n_blocks : int, default=1
        The number of blocks in a stack.
    num_layers : int, default=2
        The number of dense layers in a block.
    hidden_size : int, default=64
        The width of these layers; 512 in the paper.
    dropout : float, default=0.0
        The probability of a zero after each dense layer, in training only.
    {training_parameters}

    Attributes
    ----------
    {training_attributes}

    See Also
    --------
    NBEATSRegressor : Blocks of trend and seasonality.

    Notes
    -----
    Block :math:`l` reads all channels of the window :math:`x_l`, from :math:`x_1 = x`,
    in groups of :math:`p` steps, the pool size of its stack, and the values :math:`k`
    that are known ahead, if any. From coefficients :math:`\theta` at :math:`\lceil H /
    r \rceil` knots, which lie evenly from the first step of the horizon to the last,
    with :math:`r` steps for each knot (and in the same way for the window, whose
    channels have a backcast each),

    .. math::

        \bar x_l &= \mathrm{maxpool}_p(x_l)                            && (1) \\
        h &= \mathrm{relu}(W_2 \, \mathrm{relu}(W_1 [\bar x_l, k] + c_1) + c_2),
        \quad \theta^b = U^b h + d^b, \quad \theta^f = U^f h + d^f     && (2) \\
        \hat y_l(\tau) &= \theta^f_{\tau_1} + \frac{\theta^f_{\tau_2} -
        \theta^f_{\tau_1}}{\tau_2 - \tau_1} (\tau - \tau_1), \quad
        \hat x_l \text{ in the same way of } \theta^b                  && (3) \\
        x_{l+1} &= x_l - \hat x_l, \quad \hat y = \sum_l \hat y_l      && (4)

    with the knots :math:`\tau_1 \le \tau \le \tau_2` beside step :math:`\tau`. Each
    target, and each quantile of it, has coefficients of its own. The scores of classes
    have no steps, and are not interpolated. If the window is not a multiple of
    :math:`p`, the first group is shorter.

    References
    ----------
    .. [1] C. Challu et al. (2023). N-HiTS: Neural Hierarchical Interpolation for Time
       Series Forecasting. AAAI.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import NHiTSRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value", horizon=6)
    >>> net = NHiTSRegressor(hidden_size=16, lr=1e-2, max_epochs=20, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    """

    pool_sizes: tuple[PositiveInt, ...] = (2, 2, 1)
    n_freq_downsample: tuple[PositiveInt, ...] = (4, 2, 1)
    n_blocks: PositiveInt = 1
    num_layers: PositiveInt = 2
    hidden_size: PositiveInt = 64
    dropout: Probability = 0.0

    def _check_parameters(self) -> None:
        super()._check_parameters()
        sizes, steps = len(self.pool_sizes), len(self.n_freq_downsample)
        if sizes != steps:
            raise ValueError(
                f"pool_sizes={self.pool_sizes!r} has {sizes} values and "
                f"n_freq_downsample={self.n_freq_downsample!r} has {steps}: give one "
                "of each for every stack."
            )

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        return NHiTS(
            shape=BlockShape.of(
                n_channels=spec.n_channels,
                n_steps=spec.n_steps,
                n_known=spec.n_known,
                patch_size=spec.patch_size,
                n_outputs=spec.n_outputs,
                n_values=spec.n_values,
                target_steps=spec.target_steps,
                targets=spec.targets,
            ),
            **self._architecture_parameters(),
        )
