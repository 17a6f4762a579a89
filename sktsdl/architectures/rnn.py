"""The plain recurrent net."""

from typing import Literal

from torch import nn

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl.architectures._recurrent import RecurrentNet, RecurrentRegressor


class RNNRegressor(RecurrentRegressor):
    r"""The plain recurrent net of Elman [1]_.

    Parameters
    ----------
    {recurrent_parameters}
    nonlinearity : {"tanh", "relu"}, default="tanh"
        The activation :math:`\phi` of the cell.
    {training_parameters}

    Attributes
    ----------
    {training_attributes}

    See Also
    --------
    LSTMRegressor : Gates that keep what lies far back.

    Notes
    -----
    Each layer computes for every step :math:`t` of a window, from :math:`h_0 = 0`,

    .. math:: h_t = \phi(W x_t + U h_{t-1} + b) \qquad (1)

    and passes the :math:`h_t` on to the next layer; the output is linear in the last
    state of the last layer.

    References
    ----------
    .. [1] J. L. Elman (1990). Finding Structure in Time. Cognitive Science 14(2).

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import RNNRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value")
    >>> net = RNNRegressor(hidden_sizes=(16,), lr=1e-2, max_epochs=20, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    """

    nonlinearity: Literal["tanh", "relu"] = "tanh"

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        stack = self._build_stack(
            "rnn", spec.n_channels, nonlinearity=self.nonlinearity
        )
        return RecurrentNet(stack=stack, n_outputs=spec.n_outputs)
