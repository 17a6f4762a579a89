"""Nets of recurrent layers, and the parameters of their regressors."""

from numbers import Integral
from typing import ClassVar

from sklearn.utils import check_scalar
from torch import Tensor, nn

from sktsdl._estimator.base import DeepRegressor
from sktsdl._layers.causal import CausalNet
from sktsdl._layers.recurrent import Cell, RecurrentStack

RECURRENT_PARAMETERS = """\
hidden_sizes : tuple of int, default=(64,)
    The width of each layer.
dropout : float, default=0.0
    The probability of a zero between layers, in training only.
variational_dropout : float, default=0.0
    The probability of a zero in the inputs and in the recurrent state of each layer,
    in training only, by one mask for all steps of a window (Gal and Ghahramani 2016).
layer_norm : bool, default=False
    Whether to normalise each gate over the layer's width before its activation, at
    every step (Ba, Kiros and Hinton 2016).
bptt_steps : int or None, default=None
    Steps that gradients reach back: truncated back-propagation through time. None
    reaches through the whole window."""


class RecurrentNet(CausalNet):
    """A recurrent stack and a linear head on its last state.

    **Shape**: (batch, time, channels) -> (batch, outputs)
    """

    def __init__(self, *, stack: RecurrentStack, n_outputs: int) -> None:
        super().__init__()
        self.stack = stack
        self.head = nn.Linear(stack.n_out, n_outputs)

    def states(self, x: Tensor) -> Tensor:
        return self.stack(x)

    def last_state(self, x: Tensor) -> Tensor:
        return self.stack.last_state(x)


class BidirectionalNet(nn.Module):
    """A stack in both directions and a linear head on the last state of each.

    **Shape**: (batch, time, channels) -> (batch, outputs)
    """

    def __init__(self, *, stack: RecurrentStack, n_outputs: int) -> None:
        super().__init__()
        self.stack = stack
        self.head = nn.Linear(stack.n_out, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.stack.last_state(x))


class RecurrentRegressor(DeepRegressor):
    """Base of the nets with the recurrent set of parameters.

    A subclass's docstring says ``{recurrent_parameters}`` where they belong.
    """

    _docs: ClassVar[dict[str, str]] = {
        **DeepRegressor._docs,
        "recurrent_parameters": RECURRENT_PARAMETERS,
    }

    hidden_sizes: tuple[int, ...] = (64,)
    dropout: float = 0.0
    variational_dropout: float = 0.0
    layer_norm: bool = False
    bptt_steps: int | None = None

    def _check_parameters(self) -> None:
        super()._check_parameters()
        self._check_sizes("hidden_sizes")
        for name in ("dropout", "variational_dropout"):
            self._check_probability(name)
        if self.bptt_steps is not None:
            check_scalar(self.bptt_steps, "bptt_steps", Integral, min_val=1)

    def _build_stack(
        self,
        cell: Cell,
        n_channels: int,
        *,
        bidirectional: bool = False,
        nonlinearity: str = "tanh",
    ) -> RecurrentStack:
        return RecurrentStack(
            cell,
            n_channels,
            tuple(map(int, self.hidden_sizes)),
            dropout=self.dropout,
            bidirectional=bidirectional,
            nonlinearity=nonlinearity,
            variational_dropout=self.variational_dropout,
            layer_norm=self.layer_norm,
            bptt_steps=self.bptt_steps,
        )
