"""The time-series mixer."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._layers.causal import n_weights
from sktsdl._layers.known_ahead import StepOutputs
from sktsdl._sklearn.fields import PositiveInt, Probability


class Mixing(NamedTuple):
    """What all mixing layers share; names as the parameters of the regressor."""

    ff_dim: int
    norm: Literal["layer", "batch"]
    dropout: float

    def norm_of(self, n_steps: int, n_features: int) -> nn.Module:
        """Return the normalisation of (batch, steps, features) over both of these."""
        # A layer norm of two dimensions has a matrix, which `weight_init` would draw.
        n = n_steps * n_features
        layer = nn.BatchNorm1d(n) if self.norm == "batch" else nn.LayerNorm(n)
        unflatten = nn.Unflatten(1, (n_steps, n_features))
        return nn.Sequential(nn.Flatten(), layer, unflatten)


class TimeMixing(nn.Module):
    """A dense layer over the steps, the same for each feature, and a shortcut.

    **Shape**: (batch, steps, features) -> (batch, steps, features)
    """

    def __init__(self, n_steps: int, n_features: int, mixing: Mixing) -> None:
        super().__init__()
        self.norm = mixing.norm_of(n_steps, n_features)
        self.dense = nn.Sequential(
            nn.Linear(n_steps, n_steps), nn.ReLU(), nn.Dropout(mixing.dropout)
        )
        self.n_multiplications = n_features * n_weights(self.dense)

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.dense(self.norm(x).transpose(1, 2))
        return x + mixed.transpose(1, 2)  # (1)


class FeatureMixing(nn.Module):
    """Two dense layers over the features, the same for each step, and a shortcut.

    **Shape**: (batch, steps, n_in) -> (batch, steps, n_out)
    """

    def __init__(self, n_steps: int, n_in: int, n_out: int, mixing: Mixing) -> None:
        super().__init__()
        self.norm = mixing.norm_of(n_steps, n_in)
        self.dense = nn.Sequential(
            nn.Linear(n_in, mixing.ff_dim),
            nn.ReLU(),
            nn.Dropout(mixing.dropout),
            nn.Linear(mixing.ff_dim, n_out),
            nn.Dropout(mixing.dropout),
        )
        is_same = n_in == n_out
        self.shortcut = nn.Identity() if is_same else nn.Linear(n_in, n_out, bias=False)
        n_each = n_weights(self.dense) + n_weights(self.shortcut)
        self.n_multiplications = n_steps * n_each

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.dense(self.norm(x))  # (2)


class KnownMixing(nn.Module):
    """Feature mixing of features and of what is known of the same steps.

    **Shape**: (batch, steps, n_in) and (batch, steps, n_known)
    -> (batch, steps, ff_dim)
    """

    def __init__(self, n_steps: int, n_in: int, n_known: int, mixing: Mixing) -> None:
        super().__init__()
        width = mixing.ff_dim
        self.known = FeatureMixing(n_steps, n_known, width, mixing)
        self.joined = FeatureMixing(n_steps, n_in + width, width, mixing)

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        return self.joined(torch.cat([x, self.known(known)], dim=-1))  # (5)


def n_mixing(module: nn.Module) -> int:
    """Return the number of multiplications of all mixing layers, without norms."""
    layers = [m for m in module.modules() if isinstance(m, TimeMixing | FeatureMixing)]
    return sum(layer.n_multiplications for layer in layers)


class TSMixer(nn.Module):
    """Mixing layers over the window, and a projection of time to the outputs.

    With `places`, each channel is projected to `n_projected` values, and `places` are
    the positions of the outputs among them; else all outputs are linear in all values.

    **Shape**: (batch, time, channels) -> (batch, outputs)
    """

    places: Tensor | None

    def __init__(
        self,
        *,
        n_steps: int,
        n_channels: int,
        n_outputs: int,
        n_projected: int,
        places: list[int] | None,
        num_blocks: int,
        mixing: Mixing,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(num_blocks):
            layers += [
                TimeMixing(n_steps, n_channels, mixing),
                FeatureMixing(n_steps, n_channels, n_channels, mixing),
            ]
        self.layers = nn.Sequential(*layers)
        if places is None:
            self.head = nn.Linear(n_channels * n_steps, n_outputs)
            self.n_heads = 1
            self.places = None
        else:
            self.head = nn.Linear(n_steps, n_projected)
            self.n_heads = n_channels
            self.register_buffer("places", torch.tensor(places), persistent=False)

    def multiplications(self, n_steps: int) -> int:
        """Return about how many multiplications a window takes."""
        return self.n_heads * n_weights(self.head) + n_mixing(self)

    def forward(self, x: Tensor) -> Tensor:
        h = self.layers(x).transpose(1, 2)  # (batch, channels, time)
        if self.places is None:
            return self.head(h.flatten(1))  # (4)
        return self.head(h).flatten(1).index_select(1, self.places)  # (3)


class TSMixerOfKnown(nn.Module):
    """A projection of the window to the steps ahead, and mixing layers over these.

    **Shape**: (batch, time, channels) and known values (batch, steps ahead, known
    channels) -> (batch, outputs)
    """

    takes_known = True

    def __init__(
        self,
        *,
        n_steps: int,
        n_channels: int,
        n_known: int,
        outputs: StepOutputs,
        num_blocks: int,
        mixing: Mixing,
    ) -> None:
        super().__init__()
        n_ahead, width = outputs.n_steps, mixing.ff_dim
        self.n_channels = n_channels
        self.project = nn.Linear(n_steps, n_ahead)
        self.align = KnownMixing(n_ahead, n_channels, n_known, mixing)
        self.time = nn.ModuleList(
            TimeMixing(n_ahead, width, mixing) for _ in range(num_blocks)
        )
        self.features = nn.ModuleList(
            KnownMixing(n_ahead, width, n_known, mixing) for _ in range(num_blocks)
        )
        self.head = nn.Linear(width, outputs.n_each)
        self.outputs = outputs

    def multiplications(self, n_steps: int) -> int:
        """Return about how many multiplications a window takes."""
        n_head = self.outputs.n_steps * n_weights(self.head)
        return n_head + self.n_channels * n_weights(self.project) + n_mixing(self)

    def forward(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        assert known is not None
        ahead = self.project(x.transpose(1, 2)).transpose(1, 2)
        h = self.align(ahead, known)  # (6): (batch, steps ahead, features)
        for time, features in zip(self.time, self.features, strict=True):
            h = features(time(h), known)  # (7)
        return self.outputs(self.head(h))  # (8)


class TSMixerRegressor(DeepRegressor):
    r"""The time-series mixer of Chen et al. [1]_.

    Dense layers over time, the same for each channel, and dense layers over channels,
    the same for each step, in turn. With known values of the steps ahead, or static
    features, it is the extended net of [1]_, which mixes the steps ahead.

    Parameters
    ----------
    num_blocks : int, default=2
        The number of mixing layers: each mixes time, then features.
    ff_dim : int, default=64
        The width of the hidden layer of feature mixing, and the number of features of
        each step ahead in the extended net.
    norm : {"layer", "batch"}, default="layer"
        The normalisation before each dense layer, over all steps and features:
        ``"layer"`` of each window by itself, ``"batch"`` of each value over the batch.
    dropout : float, default=0.0
        The probability of a zero after each dense layer of mixing, in training only.
    {training_parameters}

    Attributes
    ----------
    {training_attributes}

    Notes
    -----
    Each mixing layer maps :math:`X`, (steps, features), by

    .. math::

        \mathrm{TM}(X) &= X + \max(0, W_1 \mathrm{Norm}(X) + b_1)         && (1) \\
        \mathrm{FM}(X) &= X W_4 + \max(0, \mathrm{Norm}(X) W_2 + b_2) W_3 + b_3
        && (2)

    where :math:`W_4 = 1` if the number of features stays the same. With
    :math:`X = \mathrm{FM}_n(\mathrm{TM}_n(\cdots))`, the forecast of a target is linear
    in the steps of its own channel, by the same map for all channels,

    .. math:: \hat y_{s,c} = \sum_t W_{s,t} X_{t,c} + b_s                 \quad (3)

    If these channels are not known, if a patch makes several channels of one, and for
    scores of classes, all outputs are linear in all values,

    .. math:: \hat y = W \, \mathrm{vec}(X) + b                           \quad (4)

    With values :math:`K` that are known, (steps ahead, known channels), the window is
    projected to the steps ahead first, and all mixing is over these:

    .. math::

        \mathrm{KM}(X, K) &= \mathrm{FM}([X, \mathrm{FM}(K)])             && (5) \\
        X_0 &= \mathrm{KM}_0(W X + b, K)                                  && (6) \\
        X_l &= \mathrm{KM}_l(\mathrm{TM}_l(X_{l-1}), K)                   && (7) \\
        \hat y_s &= W_o X_{n,s} + b_o                                     && (8)

    In [1]_, static values enter in this way, and known values in (6) only. Here, static
    features are values that are known of each step, and both enter alike. As (6) has
    one linear map of each channel for each step ahead, few steps see little of the
    window. The norm stands before the dense layers, as in [1]_ for long horizons.

    References
    ----------
    .. [1] S.-A. Chen et al. (2023). TSMixer: An All-MLP Architecture for Time Series
       Forecasting. TMLR.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import SlidingWindow, TSMixerRegressor, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value")
    >>> net = TSMixerRegressor(ff_dim=8, lr=1e-2, max_epochs=20, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    """

    num_blocks: PositiveInt = 2
    ff_dim: PositiveInt = 64
    norm: Literal["layer", "batch"] = "layer"
    dropout: Probability = 0.0

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        params = self._architecture_parameters()
        params = {"num_blocks": params.pop("num_blocks"), "mixing": Mixing(**params)}
        params |= {"n_steps": spec.n_steps, "n_channels": spec.n_channels}
        steps, n_values = spec.target_steps, spec.n_values
        if spec.n_known:
            outputs = StepOutputs(spec.n_outputs, steps, spec.targets, n_values)
            return TSMixerOfKnown(n_known=spec.n_known, outputs=outputs, **params)
        n_projected = spec.n_ahead * n_values
        places, channels = None, spec.target_channels
        is_of_steps = spec.n_outputs == len(steps) * n_values
        if channels is not None and is_of_steps and spec.patch_size == 1:
            places = [
                channel * n_projected + step * n_values + value
                for channel, step in zip(channels, steps, strict=True)
                for value in range(n_values)
            ]
        return TSMixer(
            n_outputs=spec.n_outputs, n_projected=n_projected, places=places, **params
        )
