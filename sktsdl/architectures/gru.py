"""The gated recurrent unit."""

from torch import nn

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl.architectures._recurrent import DecodingRegressor


class GRURegressor(DecodingRegressor):
    r"""Gated recurrent units, in the form of torch and cuDNN [1]_.

    Parameters
    ----------
    {recurrent_parameters}
    {decoder_parameters}
    {training_parameters}

    Attributes
    ----------
    {training_attributes}

    See Also
    --------
    LSTMRegressor : One more gate, and a state of its own to keep.

    Notes
    -----
    With :math:`\sigma` the logistic function and :math:`\odot` the product by
    elements, each layer computes for every step :math:`t` of a window, from
    :math:`h_0 = 0`,

    .. math::

        r_t &= \sigma(W_r x_t + U_r h_{t-1} + b_r)                       && (1) \\
        z_t &= \sigma(W_z x_t + U_z h_{t-1} + b_z)                       && (2) \\
        n_t &= \tanh(W_n x_t + b_n + r_t \odot (U_n h_{t-1} + b'_n))     && (3) \\
        h_t &= (1 - z_t) \odot n_t + z_t \odot h_{t-1}                   && (4)

    and passes the :math:`h_t` on to the next layer; the output is linear in the last
    state of the last layer. Cho et al. [1]_ put the reset gate before the matrix,
    :math:`U_n (r_t \odot h_{t-1})`, and exchange :math:`z_t` and :math:`1 - z_t`. The
    form here needs one matrix product for all gates.

    With ``decoder="parallel"`` [2]_, a step :math:`x_t` is first projected to
    :math:`\max(0, W x_t + b)`. For the patch :math:`j` of the horizon, with a learned
    vector :math:`p_j`, the layers make one more step from their last states,

    .. math:: s_j = \mathrm{cell}(p_j, s_T), \quad \hat y_j = V h_j + c \qquad (5)

    with :math:`h_j` the output of the last layer. SegRNN can also have a vector for
    each channel in :math:`p_j`. Here all channels are treated alike with
    ``channel_independent=True``.

    References
    ----------
    .. [1] K. Cho et al. (2014). Learning Phrase Representations using RNN
       Encoder-Decoder for Statistical Machine Translation. EMNLP.
    .. [2] S. Lin et al. (2023). SegRNN: Segment Recurrent Neural Network for Long-Term
       Time Series Forecasting. arXiv:2308.11200.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import GRURegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value")
    >>> net = GRURegressor(hidden_sizes=(16,), lr=1e-2, max_epochs=20, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    """

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        return self._build_net("gru", spec)
