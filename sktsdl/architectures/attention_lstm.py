"""Long short-term memory with attention over time."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._layers.recurrent import RecurrentStack
from sktsdl.architectures._recurrent import RecurrentRegressor


class AttentionLSTM(nn.Module):
    """A stack of LSTM layers whose last state looks back at all states.

    **Shape**: (batch, time, channels) -> (batch, outputs)
    """

    def __init__(self, *, stack: RecurrentStack, n_outputs: int) -> None:
        super().__init__()
        self.stack = stack
        self.score = nn.Linear(stack.n_out, stack.n_out, bias=False)
        self.head = nn.Linear(2 * stack.n_out, n_outputs)

    def attention_weights(self, x: Tensor) -> Tensor:
        return self._attend(self.stack(x))

    def forward(self, x: Tensor) -> Tensor:
        states = self.stack(x)  # (batch, time, hidden)
        context = torch.einsum("bt,bth->bh", self._attend(states), states)  # (3)
        return self.head(torch.cat([context, states[:, -1]], dim=-1))  # (4)

    def _attend(self, states: Tensor) -> Tensor:
        query = states[:, -1] / math.sqrt(states.shape[2])
        scores = torch.einsum("bh,bth->bt", query, self.score(states))  # (1)
        return scores.softmax(dim=1)  # (2)


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
    The last state of the last layer scores all states :math:`h_t` of this layer. Their
    weighted mean is the context. The output is linear in the context and the last
    state; with :math:`n` units,

    .. math::

        e_t &= h_T^\top W_a h_t / \sqrt{n}                    && (1) \\
        \alpha_t &= \exp(e_t) / \sum_s \exp(e_s)              && (2) \\
        c &= \sum_t \alpha_t h_t                              && (3) \\
        \hat y &= W [c, h_T] + b                              && (4)

    References
    ----------
    .. [1] M.-T. Luong, H. Pham and C. D. Manning (2015). Effective Approaches to
       Attention-based Neural Machine Translation. EMNLP.

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

    def attention_weights(self, X: ArrayLike) -> np.ndarray:
        r"""Return the weight :math:`\alpha_t` of each step in the context.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As for ``predict``.

        Returns
        -------
        weights : ndarray of shape (n, window)
            Each row sums to 1. With `patch_size`, there is one for each patch; with
            `channel_independent`, (n, n_targets, window).
        """
        return self._evaluate(X, "attention_weights")

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        stack = self._build_stack("lstm", spec.n_channels)
        return AttentionLSTM(stack=stack, n_outputs=spec.n_outputs)
