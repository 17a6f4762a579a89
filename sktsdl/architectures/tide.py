"""The time-series dense encoder."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._layers.causal import n_weights
from sktsdl._layers.known_ahead import StepOutputs
from sktsdl._sklearn.fields import PositiveInt, Probability


class ResidualBlock(nn.Module):
    """A hidden layer with a linear map beside it, and layer normalisation.

    **Shape**: (..., n_in) -> (..., n_out)
    """

    def __init__(
        self, n_in: int, n_hidden: int, n_out: int, *, dropout: float, layer_norm: bool
    ) -> None:
        super().__init__()
        self.dense = nn.Sequential(
            nn.Linear(n_in, n_hidden),
            nn.ReLU(),
            nn.Linear(n_hidden, n_out),
            nn.Dropout(dropout),
        )
        self.skip = nn.Linear(n_in, n_out)
        self.norm = nn.LayerNorm(n_out) if layer_norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.dense(x) + self.skip(x))  # (1)


class TiDE(nn.Module):
    """A dense encoder and decoder, and a decoder of each step ahead.

    **Shape**: (batch, time, channels), and known values (batch, steps ahead, known
    channels) if there are any -> (batch, outputs)
    """

    takes_known = True

    def __init__(
        self,
        *,
        n_inputs: int,
        n_outputs: int,
        n_known: int,
        outputs: StepOutputs,
        hidden_size: int,
        num_encoder_layers: int,
        num_decoder_layers: int,
        decoder_output_dim: int,
        temporal_decoder_hidden: int,
        temporal_width: int,
        dropout: float,
        layer_norm: bool,
    ) -> None:
        super().__init__()
        self.outputs = outputs
        n_steps, n_projected = outputs.n_steps, temporal_width if n_known else 0

        def block(
            n_in: int, n_hidden: int, n_out: int, layer_norm: bool = layer_norm
        ) -> ResidualBlock:
            return ResidualBlock(
                n_in, n_hidden, n_out, dropout=dropout, layer_norm=layer_norm
            )

        def stack(*sizes: int) -> nn.Sequential:
            return nn.Sequential(
                *(block(n, hidden_size, m) for n, m in pairwise(sizes))
            )

        self.project = block(n_known, hidden_size, n_projected) if n_known else None
        n_encoded = n_inputs + n_steps * n_projected
        self.encoder = stack(n_encoded, *[hidden_size] * num_encoder_layers)
        n_decoded = n_steps * decoder_output_dim
        self.decoder = stack(*[hidden_size] * num_decoder_layers, n_decoded)
        # The layer norm of a single output would be constant.
        self.temporal_decoder = block(
            decoder_output_dim + n_projected,
            temporal_decoder_hidden,
            outputs.n_each,
            layer_norm=False,
        )
        self.residual = nn.Linear(n_inputs, n_outputs)

    def multiplications(self, n_steps: int) -> int:
        """Return about how many multiplications a window takes."""
        n_each = n_weights(self.project) + n_weights(self.temporal_decoder)
        return n_weights(self) + (self.outputs.n_steps - 1) * n_each

    def forward(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        window = inputs = x.flatten(1)
        projected = None
        if known is not None and self.project is not None:
            projected = self.project(known)  # (2): (batch, steps ahead, width)
            inputs = torch.cat([window, projected.flatten(1)], dim=1)
        decoded = self.decoder(self.encoder(inputs))  # (3), (4)
        steps = decoded.unflatten(1, (self.outputs.n_steps, -1))
        if projected is not None:
            steps = torch.cat([steps, projected], dim=-1)
        return self.outputs(self.temporal_decoder(steps)) + self.residual(window)  # (5)


class TiDERegressor(DeepRegressor):
    r"""The time-series dense encoder of Das et al. [1]_.

    Dense layers encode the window and all values that are known ahead, and decode a
    vector for each step ahead. A last block joins each vector with the known values of
    its step. A linear map of the window is added.

    Parameters
    ----------
    hidden_size : int, default=128
        The width of the hidden layers, and of the encoding.
    num_encoder_layers : int, default=1
        The residual blocks of the encoder.
    num_decoder_layers : int, default=1
        The residual blocks of the decoder.
    decoder_output_dim : int, default=8
        The size of the vector that is decoded for each step ahead.
    temporal_decoder_hidden : int, default=32
        The width of the hidden layer that turns this vector, and the known values of
        the step, into the outputs of the step.
    temporal_width : int, default=4
        The size to which the known values of each step are projected.
    dropout : float, default=0.0
        The probability of a zero in the output of the hidden layers of each residual
        block, in training only.
    layer_norm : bool, default=True
        Whether the output of each residual block is normalised, but that of the last.
    {training_parameters}

    Attributes
    ----------
    {training_attributes}

    See Also
    --------
    WindowMLPRegressor : Dense layers without residual blocks and steps ahead.
    TSMixerRegressor : Dense layers over time, and over channels, in turn.

    Notes
    -----
    With all values :math:`x` of the window, and the known values :math:`k_s` of each
    step ahead :math:`s = 1, \ldots, H`, if there are any,

    .. math::

        \mathrm{block}(u) &= \mathrm{LayerNorm}\big(W_2 \max(0, W_1 u + b_1) + b_2
        + W_3 u + b_3\big)                                             && (1) \\
        p_s &= \mathrm{block}_p(k_s)                                   && (2) \\
        e &= \mathrm{block}_{E,n} \cdots \mathrm{block}_{E,1}([x, p_1, \ldots, p_H])
        && (3) \\
        [d_1, \ldots, d_H] &= \mathrm{block}_{D,m} \cdots \mathrm{block}_{D,1}(e)
        && (4) \\
        \hat y_s &= \mathrm{block}_t([d_s, p_s]) + W_s x + b_s         && (5)

    The last block, of (5), has no layer norm, as the norm of one number is constant.
    A step has one output for each target, or for each of its quantiles. Scores of
    classes have no steps, and are the outputs of one.

    The net of [1]_ forecasts one channel at a time, as ``channel_independent=True``
    does. Here, :math:`x` has all channels of the window, also in the linear map of (5),
    and covariates of the past are not projected first. Static features are values that
    are known of each step.

    References
    ----------
    .. [1] A. Das et al. (2023). Long-term Forecasting with TiDE: Time-series Dense
       Encoder. TMLR.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import SlidingWindow, TiDERegressor, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value")
    >>> net = TiDERegressor(hidden_size=16, lr=1e-2, max_epochs=20, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    """

    hidden_size: PositiveInt = 128
    num_encoder_layers: PositiveInt = 1
    num_decoder_layers: PositiveInt = 1
    decoder_output_dim: PositiveInt = 8
    temporal_decoder_hidden: PositiveInt = 32
    temporal_width: PositiveInt = 4
    dropout: Probability = 0.0
    layer_norm: bool = True

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        return TiDE(
            n_inputs=spec.n_steps * spec.n_channels,
            n_outputs=spec.n_outputs,
            n_known=spec.n_known,
            outputs=StepOutputs(
                spec.n_outputs, spec.target_steps, spec.targets, spec.n_values
            ),
            **self._architecture_parameters(),
        )
