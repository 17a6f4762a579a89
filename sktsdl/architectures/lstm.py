"""Long short-term memory."""

from torch import nn

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl.architectures._recurrent import BidirectionalNet, DecodingRegressor


class LSTMRegressor(DecodingRegressor):
    r"""Long short-term memory, a recurrent net with gates for its memory [1]_ [2]_.

    Parameters
    ----------
    {recurrent_parameters}
    {decoder_parameters}
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

    With ``decoder="parallel"`` [3]_, a step :math:`x_t` is first projected to
    :math:`\max(0, W x_t + b)`. For the patch :math:`j` of the horizon, with a learned
    vector :math:`p_j`, the layers make one more step from their last states,

    .. math:: s_j = \mathrm{cell}(p_j, s_T), \quad \hat y_j = V h_j + c \qquad (7)

    with :math:`h_j` the output of the last layer. SegRNN can also have a vector for
    each channel in :math:`p_j`. Here all channels are treated alike with
    ``channel_independent=True``.

    References
    ----------
    .. [1] S. Hochreiter and J. Schmidhuber (1997). Long Short-Term Memory. Neural
       Computation 9(8).
    .. [2] F. A. Gers, J. Schmidhuber and F. Cummins (2000). Learning to Forget:
       Continual Prediction with LSTM. Neural Computation 12(10).
    .. [3] S. Lin et al. (2023). SegRNN: Segment Recurrent Neural Network for Long-Term
       Time Series Forecasting. arXiv:2308.11200.

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

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.bidirectional and self.decoder is not None:
            raise ValueError(
                "decoder='parallel' continues from the end of a window, where the "
                "backward direction of bidirectional=True starts: use "
                "bidirectional=False, or decoder=None."
            )

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        if not self.bidirectional:
            return self._build_net("lstm", spec)
        stack = self._build_stack("lstm", spec.n_channels, bidirectional=True)
        return BidirectionalNet(stack=stack, n_outputs=spec.n_outputs)
