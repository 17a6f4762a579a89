"""Dense layers on the flattened window."""

from typing import Literal

import torch
from torch import Tensor, nn

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._layers.causal import ACTIVATIONS, n_weights
from sktsdl._sklearn.fields import MaybeEmptySizes, Probability


class WindowMLP(nn.Module):
    """Dense layers on all values of a window, and a linear head.

    **Shape**: (batch, time, channels), and known values (batch, steps ahead, known
    channels) if there are any -> (batch, outputs)
    """

    takes_known = True

    def __init__(
        self,
        *,
        n_inputs: int,
        n_outputs: int,
        hidden_sizes: tuple[int, ...],
        activation: str,
        norm: str | None,
        dropout: float,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        norms = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
        for n_in, size in zip([n_inputs, *hidden_sizes], hidden_sizes, strict=False):
            layers.append(nn.Linear(n_in, size))
            if norm is not None:
                layers.append(norms[norm](size))
            layers += [ACTIVATIONS[activation](), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear([n_inputs, *hidden_sizes][-1], n_outputs)

    def multiplications(self, n_steps: int) -> int:
        """Return how many multiplications a window takes, which is one input."""
        return n_weights(self)

    def forward(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        inputs = x.flatten(1)
        if known is not None:
            inputs = torch.cat([inputs, known.flatten(1)], dim=1)
        h = self.layers(inputs)  # (1)
        return self.head(h)  # (2)


class WindowMLPRegressor(DeepRegressor):
    r"""Dense layers on the flattened window, the plain feed-forward net [1]_.

    Parameters
    ----------
    hidden_sizes : tuple of int, default=(128, 64)
        The width of each layer; with none, ``()``, the net is linear.
    activation : {"relu", "tanh", "gelu", "elu"}, default="relu"
        The activation :math:`\phi` of each layer.
    norm : {None, "batch", "layer"}, default=None
        The normalisation before each activation.
    dropout : float, default=0.0
        The probability of a zero after each activation, in training only.
    {training_parameters}

    Attributes
    ----------
    {training_attributes}

    See Also
    --------
    sklearn.neural_network.MLPRegressor : The same on rows, without windows.

    Notes
    -----
    With :math:`h_0` all values of a window, and those known ahead,

    .. math::

        h_l &= \phi(W_l h_{l-1} + b_l)                        && (1) \\
        \hat y &= W h_L + b                                   && (2)

    References
    ----------
    .. [1] D. E. Rumelhart, G. E. Hinton and R. J. Williams (1986). Learning
       Representations by Back-propagating Errors. Nature 323.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import WindowMLPRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value")
    >>> net = WindowMLPRegressor(
    ...     hidden_sizes=(32,), lr=1e-2, max_epochs=20, random_state=0
    ... )
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    """

    hidden_sizes: MaybeEmptySizes = (128, 64)
    activation: Literal["relu", "tanh", "gelu", "elu"] = "relu"
    norm: Literal["batch", "layer"] | None = None
    dropout: Probability = 0.0

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        return WindowMLP(
            n_inputs=spec.n_steps * spec.n_channels + spec.n_ahead * spec.n_known,
            n_outputs=spec.n_outputs,
            **self._architecture_parameters(),
        )
