"""Long short-term memory with attention over time."""

from typing import Any

import numpy as np
from torch import Tensor, nn

from sktsdl._recurrent import RecurrentRegressor, RecurrentStack


class AttentionLSTM(nn.Module):
    """A stack of LSTM layers whose states are averaged by learned weights.

    **Shape**: (batch, time, channels) -> (batch, outputs)
    """

    def __init__(self, *, stack: RecurrentStack, n_outputs: int) -> None:
        super().__init__()
        self.stack = stack
        self.score = nn.Linear(stack.n_out, 1, bias=False)
        self.head = nn.Linear(stack.n_out, n_outputs)

    def attention_weights(self, x: Tensor) -> Tensor:
        return self._attend(self.stack(x))

    def forward(self, x: Tensor) -> Tensor:
        states = self.stack(x)  # (batch, time, hidden)
        context = (self._attend(states)[..., None] * states).sum(dim=1)  # (3)
        return self.head(context)  # (4)

    def _attend(self, states: Tensor) -> Tensor:
        return self.score(states).squeeze(-1).softmax(dim=1)  # (1), (2)


class AttentionLSTMRegressor(RecurrentRegressor):
    r"""Long short-term memory with attention over the steps of a window [1]_.

    Parameters
    ----------
    {recurrent_parameters}
    {training_parameters}

    Attributes
    ----------
    {training_attributes}

    See Also
    --------
    LSTMRegressor : The last state alone, with the equations of a layer.
    TransformerRegressor : Attention without recurrence.

    Notes
    -----
    The states :math:`h_t` of the last layer are scored, and their weighted mean, the
    context, gives the answer:

    .. math::

        e_t &= W_a h_t                                        && (1) \\
        \alpha_t &= \exp(e_t) / \sum_s \exp(e_s)              && (2) \\
        c &= \sum_t \alpha_t h_t                              && (3) \\
        \hat y &= W c + b                                     && (4)

    References
    ----------
    .. [1] Z. Yang et al. (2016). Hierarchical Attention Networks for Document
       Classification. NAACL.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import AttentionLSTMRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value")
    >>> net = AttentionLSTMRegressor(
    ...     hidden_sizes=(16,), lr=1e-2, max_epochs=20, random_state=0
    ... )
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    >>> pipe[-1].attention_weights(pipe[:-1].transform(X.iloc[240:])).shape
    (59, 24)
    """

    def attention_weights(self, X: Any) -> np.ndarray:
        r"""Return the weight :math:`\alpha_t` of each step in the answer.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As for ``predict``.

        Returns
        -------
        weights : ndarray of shape (n, window)
            Each row sums to 1.
        """
        return self._evaluate(X, "attention_weights")

    def _build_module(self, n_channels: int, n_outputs: int) -> nn.Module:
        stack = self._build_stack("lstm", n_channels)
        return AttentionLSTM(stack=stack, n_outputs=n_outputs)
