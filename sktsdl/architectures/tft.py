"""The Temporal Fusion Transformer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._estimator.variables import names_of_variables
from sktsdl._layers.causal import n_weights
from sktsdl._layers.encoder import check_heads
from sktsdl._layers.gated import SelectInputs
from sktsdl._layers.known_ahead import StepOutputs
from sktsdl._layers.temporal_fusion import TemporalFusion
from sktsdl._sklearn.fields import PositiveInt, Probability


class TFT(nn.Module):
    """An LSTM encoder and decoder of selected variables, attention, and gated skips.

    **Shape**: (batch, time, channels), and known values (batch, steps ahead, known
    channels) if there are any -> (batch, outputs)
    """

    takes_known = True

    def __init__(
        self,
        *,
        outputs: StepOutputs,
        n_ahead: int,
        widths: Sequence[int],
        known_widths: Sequence[int],
        static: Sequence[int],
        patch_size: int,
        hidden_size: int,
        nhead: int,
        num_layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.patch_size = patch_size
        self.widths = list(widths)
        self.known_widths = list(known_widths)
        self.n_ahead = n_ahead
        self.select = SelectInputs(
            [patch_size * width for width in widths],
            known_widths,
            static,
            n_ahead,
            hidden_size,
            dropout=dropout,
        )
        self.fusion = TemporalFusion(
            hidden_size, nhead, num_layers, dropout=dropout, has_context=bool(static)
        )
        self.head = nn.Linear(hidden_size, outputs.n_each)
        self.outputs = outputs

    def forward(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        states = self._decoded(x, known)[0][:, -self.outputs.n_steps :]
        return self.outputs(self.head(states))  # (14)

    def attention_weights(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        """(batch, time, channels) -> (batch, steps ahead, time + steps ahead)"""
        return self._decoded(x, known)[1]

    def selection_weights(self, x: Tensor, known: Tensor | None = None) -> Tensor:
        """(batch, time, channels) -> (batch, variables), past, known and static"""
        return self._decoded(x, known)[2]

    def _decoded(self, x: Tensor, known: Tensor | None) -> tuple[Tensor, ...]:
        """Return states, attention weights and selection weights."""
        x = x.reshape(*x.shape[:2], self.patch_size, -1)
        columns = [c.flatten(2) for c in torch.split(x, self.widths, dim=-1)]
        of_known: Sequence[Tensor] = ()
        if known is not None:
            of_known = torch.split(known, self.known_widths, dim=-1)
        past, ahead, contexts, selection = self.select(columns, of_known)
        states, attention = self.fusion(past, ahead, contexts)
        return states, attention, selection

    def buffer_bytes_per_window(self, n_steps: int) -> int:
        """Return the bytes of the largest buffers for one window of `n_steps` steps."""
        widest = max(9, 2 * len(self.widths))  # of the LSTM, or of the selection
        return 4 * widest * self.hidden_size * n_steps

    def multiplications(self, n_steps: int) -> int:
        """Return about how many multiplications a window takes."""
        sizes = n_steps, self.n_ahead
        inside = (
            self.select.multiplications(*sizes),
            self.fusion.multiplications(*sizes),
        )
        return sum(inside) + self.n_ahead * n_weights(self.head)


class TFTRegressor(DeepRegressor):
    r"""The Temporal Fusion Transformer [1]_.

    Gates and selection weights choose, in each step, among the channels of the past,
    the channels that are known ahead and the static ones. An LSTM reads the selected
    values, and each step ahead attends to the window and to the steps ahead before it.

    Parameters
    ----------
    hidden_size : int, default=32
        The width of all layers.
    nhead : int, default=4
        The number of attention heads; it must divide `hidden_size`.
    num_layers : int, default=1
        The number of layers of the LSTM.
    dropout : float, default=0.0
        The probability of a zero before each gate, in attention weights and between
        layers of the LSTM, in training only.
    {training_parameters}

    Attributes
    ----------
    {training_attributes}

    See Also
    --------
    TransformerRegressor : Attention of all steps of the window.
    Seq2SeqRegressor : An encoder and a decoder that predicts step by step.

    Notes
    -----
    With gated linear units :math:`\mathrm{GLU}`, the gated residual network of an input
    :math:`a` and a context :math:`c`, if there is one, is

    .. math::

        \mathrm{GLU}(x) &= \sigma(W_4 x + b_4) \odot (W_5 x + b_5)       && (1) \\
        \eta &= W_1 \, \mathrm{ELU}(W_2 a + W_3 c + b_2) + b_1          && (2) \\
        \mathrm{GRN}(a, c) &= \mathrm{LN}\big(a + \mathrm{GLU}(\eta)\big) && (3)

    Each column of the past is mapped linearly to :math:`\xi^j_t`, of width
    `hidden_size`, and the columns of a step are weighed by

    .. math::

        v_t &= \mathrm{softmax}\big(\mathrm{GRN}([\xi^1_t, \ldots, \xi^m_t],
        c_s)\big)                                                       && (4) \\
        \tilde\xi^j_t &= \mathrm{GRN}_j(\xi^j_t)                        && (5) \\
        \tilde\xi_t &= \sum_j v^j_t \tilde\xi^j_t                      && (6)

    The known columns of the steps ahead are selected by weights of their own. If there
    are none, each step ahead has a learned vector instead. The static columns are
    selected too, and four networks of the result give the contexts :math:`c_s`,
    :math:`c_e`, :math:`c_h` and :math:`c_c`. Without static columns there are no
    contexts. From the states :math:`\phi_t` of the LSTM, which starts at :math:`c_h`
    and :math:`c_c` and has other weights for the steps ahead,

    .. math::

        \tilde\phi_t &= \mathrm{LN}\big(\tilde\xi_t + \mathrm{GLU}(\phi_t)\big)
                                                                        && (7) \\
        \theta_t &= \mathrm{GRN}(\tilde\phi_t, c_e)                    && (8) \\
        A &= \frac{1}{H} \sum_{h=1}^{H} \mathrm{softmax}\big(\Theta W^Q_h
        (\Theta W^K_h)^\top / \sqrt{d / H}\big)                        && (9) \\
        B &= A \, \Theta W^V W^O                                        && (10) \\
        \delta_t &= \mathrm{LN}\big(\theta_t + \mathrm{GLU}(\beta_t)\big)
                                                                        && (11) \\
        \psi_t &= \mathrm{GRN}(\delta_t)                               && (12) \\
        \tilde\psi_t &= \mathrm{LN}\big(\tilde\phi_t + \mathrm{GLU}(\psi_t)\big)
                                                                        && (13) \\
        \hat y_t &= W \tilde\psi_t + b                                  && (14)

    for the steps ahead, each of which attends to no later step. The outputs of a step
    are its targets, or their quantiles with ``loss="quantile"``, as in [1]_. Targets of
    classes are linear in the last state.

    A column is one variable, also if it is an embedding, or has several steps in a
    patch. Embeddings are as in the other nets, and are then mapped to `hidden_size`;
    in [1]_ they have this width from the start.

    References
    ----------
    .. [1] B. Lim, S. O. Arik, N. Loeff and T. Pfister (2021). Temporal Fusion
       Transformers for Interpretable Multi-horizon Time Series Forecasting.
       International Journal of Forecasting 37(4).

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import TFTRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value")
    >>> net = TFTRegressor(hidden_size=16, lr=1e-2, max_epochs=20, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(24), net).fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    >>> windows = pipe[:-1].transform(X.iloc[240:])
    >>> pipe[-1].attention_weights(windows).shape  # 24 steps, and 1 step ahead
    (59, 1, 25)
    >>> pipe[-1].variable_importance(windows)
       kind variable  importance
    0  past    value         1.0
    """

    hidden_size: PositiveInt = 32
    nhead: PositiveInt = 4
    num_layers: PositiveInt = 1
    dropout: Probability = 0.0

    def attention_weights(self, X: ArrayLike) -> np.ndarray:
        """Return what each step ahead attends to, as the mean over the heads.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As for ``predict``.

        Returns
        -------
        weights : ndarray of shape (n, steps ahead, window + steps ahead)
            ``weights[i, s]`` sums to 1 over the steps of the window and the steps ahead
            up to `s`. With `patch_size`, the steps of the window are patches; with
            `channel_independent`, there is an axis of targets after the first.
        """
        return self._evaluate(X, "attention_weights")

    def variable_importance(self, X: ArrayLike) -> pd.DataFrame:
        """Return the selection weight of each column, as its mean over windows.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As for ``predict``.

        Returns
        -------
        importance : DataFrame
            A row for each column of the net's inputs: its ``kind`` (``"past"``,
            ``"known"`` or ``"static"``), its name as ``variable``, and ``importance``,
            the mean weight over steps and windows. The importances of a kind sum to 1.
            A column that is known ahead has the name of its values of now.

        Raises
        ------
        ValueError
            If the net has weights for each target (`channel_independent`).
        """
        check_is_fitted(self)
        if self._spec.structure["channel_independent"]:
            raise ValueError(
                "A net with channel_independent=True selects variables for each target "
                "separately: fit one with channel_independent=False, or use "
                "`sktsdl.inspection.channel_importance`."
            )
        weights = self._evaluate(X, "selection_weights").mean(axis=0)
        found = pd.DataFrame(
            names_of_variables(self._spec), columns=["kind", "variable"]
        )
        return found.assign(importance=weights)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_heads(self.nhead, "hidden_size", self.hidden_size)

    def _build_module(self, spec: ModuleSpec) -> nn.Module:
        return TFT(
            outputs=StepOutputs(
                spec.n_outputs, spec.target_steps, spec.targets, spec.n_values
            ),
            n_ahead=spec.n_ahead,
            widths=spec.widths,
            known_widths=spec.known_widths,
            static=spec.static,
            patch_size=spec.patch_size,
            **self._architecture_parameters(),
        )
