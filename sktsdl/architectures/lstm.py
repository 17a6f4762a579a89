"""Long short-term memory."""

from torch import nn

from sktsdl._estimator.specs import ModuleSpec
from sktsdl.architectures._recurrent import (
    BidirectionalNet,
    RecurrentNet,
    RecurrentRegressor,
)


class LSTMRegressor(RecurrentRegressor):
    r"""Long short-term memory, a recurrent net with gates for its memory [1]_ [2]_.

    Parameters
    ----------
    {recurrent_parameters}
    bidirectional : bool, default=False
        Whether a second pass reads each window from its end to its start, as in
        `BiLSTMRegressor`.
    {training_parameters}

    Attributes
    ----------
    {training_attributes}

    See Also
    --------
    GRURegressor : Fewer gates, and often as good.

    Notes
    -----
    With :math:`\sigma` the logistic function and :math:`\odot` the product by
    elements, each layer computes for every step :math:`t` of a window, from
    :math:`h_0 = c_0 = 0`,

    .. math::

        i_t &= \sigma(W_i x_t + U_i h_{t-1} + b_i)            && (1) \\
        f_t &= \sigma(W_f x_t + U_f h_{t-1} + b_f)            && (2) \\
        g_t &= \tanh(W_g x_t + U_g h_{t-1} + b_g)             && (3) \\
        o_t &= \sigma(W_o x_t + U_o h_{t-1} + b_o)            && (4) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t              && (5) \\
        h_t &= o_t \odot \tanh(c_t)                           && (6)

    and passes the :math:`h_t` on to the next layer; the output is linear in the last
    state of the last layer, :math:`\hat y = W h_T + b`.

    References
    ----------
    .. [1] S. Hochreiter and J. Schmidhuber (1997). Long Short-Term Memory. Neural
       Computation 9(8).
    .. [2] F. A. Gers, J. Schmidhuber and F. Cummins (2000). Learning to Forget:
       Continual Prediction with LSTM. Neural Computation 12(10).

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import LSTMRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value")
    >>> net = LSTMRegressor(hidden_sizes=(16,), lr=1e-2, max_epochs=20, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    """

    bidirectional: bool = False

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        stack = self._build_stack(
            "lstm", spec.n_channels, bidirectional=self.bidirectional
        )
        net = BidirectionalNet if self.bidirectional else RecurrentNet
        return net(stack=stack, n_outputs=spec.n_outputs)
