"""Long short-term memory in both directions."""

from torch import nn

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl.architectures._recurrent import BidirectionalNet, RecurrentRegressor


class BiLSTMRegressor(RecurrentRegressor):
    r"""Long short-term memory that reads each window from both ends [1]_.

    Parameters
    ----------
    {recurrent_parameters}
    {training_parameters}

    Attributes
    ----------
    {training_attributes}

    See Also
    --------
    LSTMRegressor : One direction, with the equations of a layer.

    Notes
    -----
    Each layer runs the equations of `LSTMRegressor` twice, with weights of their own:
    from the first step of a window to the last, and from the last to the first. The
    next layer sees both states of each step,

    .. math:: h_t = [\overrightarrow h_t, \overleftarrow h_t] \qquad (1)

    and the output is linear in the last state of each direction. The backward direction
    ends at the first step:

    .. math:: \hat y = W [\overrightarrow h_T, \overleftarrow h_1] + b \qquad (2)

    With `bptt_steps`, gradients are truncated in each direction separately.

    References
    ----------
    .. [1] A. Graves and J. Schmidhuber (2005). Framewise Phoneme Classification with
       Bidirectional LSTM and Other Neural Network Architectures. Neural Networks 18.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import BiLSTMRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value")
    >>> net = BiLSTMRegressor(
    ...     hidden_sizes=(16,), lr=1e-2, max_epochs=20, random_state=0
    ... )
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    """

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        stack = self._build_stack("lstm", spec.n_channels, bidirectional=True)
        return BidirectionalNet(stack=stack, n_outputs=spec.n_outputs)
