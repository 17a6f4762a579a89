"""Nets of recurrent layers, and the parameters of their regressors."""

from typing import Annotated, ClassVar

from torch import Tensor, nn

from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._layers.causal import CausalNet
from sktsdl._layers.recurrent import Cell, RecurrentStack
from sktsdl._sklearn.fields import (
    Doc,
    FieldParams,
    PositiveInt,
    Probability,
    parameter_docs,
)


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


class RecurrentParameters(FieldParams):
    """The parameters that recurrent nets share."""

    hidden_sizes: Annotated[
        tuple[PositiveInt, ...], Doc("The width of each layer.")
    ] = (64,)
    dropout: Annotated[
        Probability,
        Doc("The probability of a zero between layers, in training only."),
    ] = 0.0
    variational_dropout: Annotated[
        Probability,
        Doc("""
            The probability of a zero in the inputs and in the recurrent state of each
            layer, in training only, by one mask for all steps of a window (Gal and
            Ghahramani 2016).
            """),
    ] = 0.0
    layer_norm: Annotated[
        bool,
        Doc("""
            Whether to normalise each gate over the layer's width before its activation,
            at every step (Ba, Kiros and Hinton 2016).
            """),
    ] = False
    bptt_steps: Annotated[
        PositiveInt | None,
        Doc("""
            The number of steps that gradients reach back: truncated back-propagation
            through time. None reaches through the whole window.
            """),
    ] = None


class RecurrentRegressor(RecurrentParameters, DeepRegressor):
    """Base of the nets with the recurrent parameters.

    A subclass's docstring says ``{recurrent_parameters}`` where their text belongs.
    """

    _docs: ClassVar[dict[str, str]] = {
        **DeepRegressor._docs,
        "recurrent_parameters": parameter_docs(RecurrentParameters),
    }

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

    @property
    def _dropout_advice(self) -> str:
        return "variational_dropout=0.1, or dropout=0.1 between two or more layers"
