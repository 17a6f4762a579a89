"""N-BEATS."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._layers.residual_stacks import Basis, BlockShape, ResidualStacks
from sktsdl._sklearn.fields import PositiveInt, Probability

PARTS = {"trend": "trend", "seasonality": "seasonality", "generic": "rest"}


def polynomials(n_steps: int, *, degree: int) -> Tensor:
    """Return the powers of time from 0 to `degree`, (powers, steps).

    More powers than steps would say nothing more.
    """
    t = np.arange(n_steps) / n_steps
    powers = np.arange(min(degree, n_steps - 1) + 1)
    return torch.from_numpy(t ** powers[:, None]).float()  # (4)


def harmonics(n_steps: int, *, n_harmonics: int | None) -> Tensor:
    """Return a constant, cosines and sines, (1 + 2 harmonics, steps)."""
    t = np.arange(n_steps) / n_steps
    most = max(n_steps // 2 - 1, 0)
    n = most if n_harmonics is None else min(n_harmonics, most)
    angles = 2 * np.pi * np.arange(1, n + 1)[:, None] * t
    waves = [np.ones((1, n_steps)), np.cos(angles), np.sin(angles)]
    return torch.from_numpy(np.concatenate(waves)).float()  # (5)


class NBEATS(ResidualStacks):
    """Stacks of blocks whose backcasts and forecasts have the bases of their stack.

    **Shape**: (batch, time, channels), and known values (batch, steps ahead, known
    channels) if there are any -> (batch, outputs)
    """

    def __init__(
        self,
        *,
        shape: BlockShape,
        stacks: tuple[str, ...],
        n_blocks: int,
        num_layers: int,
        hidden_size: int,
        degree: int,
        n_harmonics: int | None,
        share_weights: bool,
        dropout: float,
    ) -> None:
        bases: dict[str, Basis | None] = {
            "trend": partial(polynomials, degree=degree),
            "seasonality": partial(harmonics, n_harmonics=n_harmonics),
            "generic": None,
        }
        super().__init__(
            shape,
            [(bases[kind], 1) for kind in stacks],
            n_blocks=n_blocks,
            share_weights=share_weights,
            num_layers=num_layers,
            hidden_size=hidden_size,
            dropout=dropout,
        )
        self.kinds = stacks

    def parts(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        """(batch, time, channels) -> (batch, parts, outputs), as in `PARTS`"""
        sums: dict[str, Tensor] = {}
        for stack, forecast in self.forecasts(x, known):
            kind = self.kinds[stack]
            sums[kind] = sums[kind] + forecast if kind in sums else forecast
        zero = torch.zeros_like(next(iter(sums.values())))
        parts = [self.outputs(sums.get(kind, zero)) for kind in PARTS]
        return torch.stack(parts, dim=1)


class NBEATSRegressor(DeepRegressor):
    r"""N-BEATS: stacks of dense blocks, as trend, seasonality and rest [1]_.

    Each block computes a forecast, and a backcast, which is taken out of the window
    before the next block reads it. The forecast of the net is the sum of the forecasts
    of all blocks, and `decompose` returns them by the kind of their stack.

    Parameters
    ----------
    stacks : tuple of str, default=("trend", "seasonality", "generic")
        The kind of each stack: ``"trend"``, polynomials of time, ``"seasonality"``,
        waves, or ``"generic"``, free values for each step.
        ``("trend", "seasonality")`` is the interpretable configuration of the
        paper, and ``("generic",) * 30`` the generic one.
    n_blocks : int, default=1
        The number of blocks in a stack; 3 in the interpretable configuration.
    num_layers : int, default=4
        The number of dense layers in a block.
    hidden_size : int, default=64
        The width of these layers; 512 in the generic configuration.
    degree : int, default=2
        The degree of the polynomials, at most the number of steps minus 1.
    n_harmonics : int or None, default=None
        The number of waves for a horizon or window of :math:`H` steps, at most
        :math:`\lfloor H / 2 - 1 \rfloor`, which None takes.
    share_weights : bool, default=True
        Whether the blocks of a stack have the same weights, as in the interpretable
        configuration.
    dropout : float, default=0.0
        The probability of a zero after each dense layer, in training only.
    {training_parameters}

    Attributes
    ----------
    {training_attributes}

    See Also
    --------
    NHiTSRegressor : Blocks that see the window, and forecast, at different rates.
    sktsdl.inspection.DecompositionDisplay : A picture of the parts of a forecast.

    Notes
    -----
    Block :math:`l` reads all channels of the window :math:`x_l`, from :math:`x_1 = x`,
    and the values :math:`k` that are known ahead, if any. With the polynomials or waves
    :math:`b_i` of its stack, at times :math:`t = 0, 1/H, \ldots, (H - 1)/H` of the
    horizon (and in the same way of the window, for the backcast of each channel),

    .. math::

        h &= \mathrm{relu}(W_4 \ldots \mathrm{relu}(W_1 [x_l, k] + c_1) \ldots + c_4),
        \quad \theta^b = U^b h + d^b, \quad \theta^f = U^f h + d^f     && (1) \\
        \hat x_l &= \sum_i \theta^b_i b_i(t), \quad
        \hat y_l = \sum_i \theta^f_i b_i(t)                            && (2) \\
        x_{l+1} &= x_l - \hat x_l, \quad \hat y = \sum_l \hat y_l      && (3) \\
        b_i(t) &= t^i \quad \text{(trend)}                             && (4) \\
        b(t) &= 1, \cos(2 \pi i t), \sin(2 \pi i t) \quad
        \text{(seasonality)}                                           && (5)

    In a generic stack, :math:`\theta` itself is the backcast and the forecast. Each
    target, and each quantile of it, has coefficients :math:`\theta^f` of its own. The
    scores of classes have no steps: they are generic in all stacks.

    References
    ----------
    .. [1] B. N. Oreshkin, D. Carpov, N. Chapados and Y. Bengio (2020). N-BEATS: Neural
       Basis Expansion Analysis for Interpretable Time Series Forecasting. ICLR.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import NBEATSRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value", horizon=6)
    >>> net = NBEATSRegressor(hidden_size=16, lr=1e-2, max_epochs=20, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    >>> parts = pipe[-1].decompose(pipe[:-1].transform(X.iloc[240:]))
    >>> {name: part.shape for name, part in parts.items()}
    {'trend': (54, 6), 'seasonality': (54, 6), 'rest': (54, 6)}
    """

    stacks: tuple[Literal["trend", "seasonality", "generic"], ...] = (
        "trend",
        "seasonality",
        "generic",
    )
    n_blocks: PositiveInt = 1
    num_layers: PositiveInt = 4
    hidden_size: PositiveInt = 64
    degree: PositiveInt = 2
    n_harmonics: PositiveInt | None = None
    share_weights: bool = True
    dropout: Probability = 0.0

    def decompose(self, X: ArrayLike) -> dict[str, np.ndarray]:
        """Return the parts whose sum is the prediction.

        One step ahead cannot tell a trend from a season: use a horizon. The trend is a
        polynomial in the units in which the net computes: each column of `y` is
        standardised by itself.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As for ``predict``.

        Returns
        -------
        parts : dict of {str: ndarray of shape (n,) or (n, n_outputs)}
            ``"trend"``, ``"seasonality"`` and ``"rest"``, each shaped as the output of
            ``predict``, in the units of `y`. The trend has the mean of `y`, and the
            level of each window (`window_norm`). The seasonality has the learned
            `cycle`. The rest has the generic stacks, and the linear map of
            `linear_skip`. A part without a stack is 0.

        Raises
        ------
        ValueError
            As in ``predict``.
        """
        check_is_fitted(self)
        self._refuse_classes()
        parts = self._spec.targets.decode_parts(self._evaluate(X, "parts"))
        return {
            name: self._shaped(parts[:, at]) for at, name in enumerate(PARTS.values())
        }

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        return NBEATS(
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
