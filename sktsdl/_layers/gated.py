"""Gated layers, and the selection of variables by them.

The numbers of the equations are those in the Notes of `TFTRegressor`.
"""

from collections.abc import Sequence
from functools import partial, reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sktsdl._layers.causal import n_weights

CONTEXTS = ("selection", "enrichment", "state", "cell")  # c_s, c_e, c_h, c_c


class GatedSkip(nn.Module):
    """Add a gated linear unit to a skip connection, and normalise the sum.

    **Shape**: (..., n_in) and skip (..., n_out) -> (..., n_out)
    """

    def __init__(self, n_in: int, n_out: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(n_in, 2 * n_out)  # W_5, then W_4
        self.norm = nn.LayerNorm(n_out)

    def calls(self, n_steps: int) -> int:
        """Return how many kernels are called, besides those of the layers."""
        return 2

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.norm(skip + F.glu(self.linear(self.dropout(x))))  # (1), (3)


class GatedResidualNetwork(nn.Module):
    """A dense layer that a gate can leave out, with an optional context.

    If the number of outputs is not `n_in`, the skip connection is a linear map.

    **Shape**: (..., n_in) and, with `has_context`, context (..., hidden)
    -> (..., n_out)
    """

    def __init__(
        self,
        n_in: int,
        hidden: int,
        n_out: int,
        *,
        dropout: float,
        has_context: bool = False,
    ) -> None:
        super().__init__()
        self.input = nn.Linear(n_in, hidden)
        self.context = nn.Linear(hidden, hidden, bias=False) if has_context else None
        self.hidden = nn.Linear(hidden, hidden)
        self.skip = nn.Linear(n_in, n_out) if n_in != n_out else None
        self.gate = GatedSkip(hidden, n_out, dropout)

    def calls(self, n_steps: int) -> int:
        """Return how many kernels are called, besides those of the layers."""
        return 1 if self.context is None else 2

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        h = self.input(x)
        if self.context is not None and context is not None:
            h = h + self.context(context)
        h = self.hidden(F.elu(h))  # (2)
        return self.gate(h, x if self.skip is None else self.skip(x))  # (3)


class VariableSelection(nn.Module):
    """Weigh variables, each by itself transformed, by weights that sum to 1.

    The weight of a single variable is 1, without a layer that computes it.

    **Shape**: for each variable (..., width), and with `has_context`, context
    (..., hidden) -> (..., hidden) and the weights (..., variables)

    Parameters
    ----------
    widths : sequence of int
        The number of values of each variable.
    hidden : int
        The width of the layers.
    dropout : float
        The probability of a zero before each gate.
    has_context : bool
        Whether the weights depend on a context.
    """

    def __init__(
        self,
        widths: Sequence[int],
        hidden: int,
        *,
        dropout: float,
        has_context: bool = False,
    ) -> None:
        super().__init__()
        n = len(widths)
        self.inputs = nn.ModuleList(nn.Linear(width, hidden) for width in widths)
        self.variables = nn.ModuleList(
            GatedResidualNetwork(hidden, hidden, hidden, dropout=dropout)
            for _ in widths
        )
        self.weights = None
        if n > 1:
            self.weights = GatedResidualNetwork(
                n * hidden, hidden, n, dropout=dropout, has_context=has_context
            )

    def calls(self, n_steps: int) -> int:
        """Return how many kernels are called, besides those of the layers."""
        return 1 if self.weights is None else 3 + 2 * len(self.variables)

    def forward(
        self, columns: Sequence[Tensor], context: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        inputs = [
            linear(column) for linear, column in zip(self.inputs, columns, strict=True)
        ]
        states = [
            variable(x) for variable, x in zip(self.variables, inputs, strict=True)
        ]  # (5)
        if self.weights is None:
            return states[0], torch.ones_like(states[0][..., :1])
        scores = self.weights(torch.cat(inputs, dim=-1), context)
        weights = scores.softmax(dim=-1)  # (4)
        weighed = map(torch.mul, weights.split(1, dim=-1), states)
        return reduce(torch.add, weighed), weights  # (6)


class SelectInputs(nn.Module):
    """Select among the columns of the past, those known ahead, and static ones.

    Static columns give a context for each name in `CONTEXTS`; without them there is
    none. Without columns that are known ahead, each step ahead has a learned vector.

    **Shape**: for each column of the past (batch, time, width), and for each known
    column (batch, steps ahead, width) -> past (batch, time, hidden), ahead (batch,
    steps ahead, hidden), contexts (batch, 1, hidden) and the mean weights of past,
    known and static columns, (batch, columns)

    Parameters
    ----------
    widths, known_widths : sequence of int
        The number of values of each column.
    static : sequence of int
        Which of the known columns are static.
    n_ahead : int
        The number of steps ahead.
    hidden : int
        The width of the layers.
    dropout : float
        The probability of a zero before each gate.
    """

    def __init__(
        self,
        widths: Sequence[int],
        known_widths: Sequence[int],
        static: Sequence[int],
        n_ahead: int,
        hidden: int,
        *,
        dropout: float,
    ) -> None:
        super().__init__()
        self.fixed = list(static)
        self.known = [i for i in range(len(known_widths)) if i not in self.fixed]
        known = [known_widths[i] for i in self.known]
        selection = partial(VariableSelection, hidden=hidden, dropout=dropout)
        has_static = bool(self.fixed)
        self.static: VariableSelection | None = None
        self.contexts = nn.ModuleDict()
        if has_static:
            self.static = selection([known_widths[i] for i in self.fixed])
            # Nothing is selected where there is one column.
            start = 0 if max(len(widths), len(known)) > 1 else 1
            for name in CONTEXTS[start:]:
                self.contexts[name] = GatedResidualNetwork(
                    *(hidden,) * 3, dropout=dropout
                )
        self.past = selection(widths, has_context=has_static)
        self.ahead: VariableSelection | None = None
        self.positions: nn.Embedding | None = None
        if known:
            self.ahead = selection(known, has_context=has_static)
        else:
            self.positions = nn.Embedding(n_ahead, hidden)

    def multiplications(self, n_steps: int, n_ahead: int) -> int:
        """Return about how many multiplications a window takes."""
        static = n_weights(self.static) + n_weights(self.contexts)
        of_steps = n_steps * n_weights(self.past) + n_ahead * n_weights(self.ahead)
        return static + of_steps

    def forward(
        self, columns: Sequence[Tensor], known: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor, dict[str, Tensor], Tensor]:
        weights: list[Tensor] = []
        contexts: dict[str, Tensor] = {}
        if self.static is not None:
            zeta, of_static = self.static([known[i][:, :1] for i in self.fixed])
            weights = [of_static[:, 0]]
            contexts = {name: net(zeta) for name, net in self.contexts.items()}
        context = contexts.get("selection")
        if self.ahead is not None:
            ahead, of_known = self.ahead([known[i] for i in self.known], context)
            weights.insert(0, of_known.mean(dim=1))
        else:
            assert self.positions is not None
            ahead = self.positions.weight.expand(columns[0].shape[0], -1, -1)
        past, of_past = self.past(columns, context)
        weights.insert(0, of_past.mean(dim=1))
        return past, ahead, contexts, torch.cat(weights, dim=-1)
