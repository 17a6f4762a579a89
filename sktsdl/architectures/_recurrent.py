"""Nets of recurrent layers, and the parameters of their regressors."""

from typing import Annotated, ClassVar, Literal

from torch import Tensor, nn

from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._layers.causal import CausalNet, n_weights
from sktsdl._layers.known_ahead import StepOutputs
from sktsdl._layers.recurrent import Cell, RecurrentStack, State
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


class ParallelDecoderNet(nn.Module):
    r"""A recurrent stack that makes one step for each patch of the horizon.

    It is SegRNN (Lin et al. 2023). With the patches :math:`x_t` of the window, and a
    learned vector :math:`p_j` for each patch :math:`j` of the horizon,

    .. math::

        u_t &= \max(0, W x_t + b)                                 && (1) \\
        s_t &= \mathrm{cell}(u_t, s_{t-1}), \quad t = 1, \ldots, T  && (2) \\
        q_j &= \mathrm{cell}(p_j, s_T)                            && (3) \\
        \hat y_j &= V h_j + c                                     && (4)

    with :math:`h_j` the output of the state :math:`q_j`, and the values of all steps
    and targets of a patch in :math:`\hat y_j`.

    **Shape**: (batch, time, channels) -> (batch, outputs)

    Parameters
    ----------
    stack : RecurrentStack
        The cell, whose inputs have the width `n_inputs`.
    n_channels, n_inputs : int
        The channels of a step, and the width of its projection.
    patch_size : int
        The steps in a patch.
    outputs : StepOutputs
        Takes the outputs of the module out of those of all steps ahead.
    dropout : float
        The probability of a zero before the last linear map, in training only.
    """

    def __init__(
        self,
        *,
        stack: RecurrentStack,
        n_channels: int,
        n_inputs: int,
        patch_size: int,
        outputs: StepOutputs,
        dropout: float,
    ) -> None:
        super().__init__()
        self.outputs = outputs
        self.project = nn.Linear(n_channels, n_inputs)
        self.stack = stack
        self.positions = nn.Embedding(-(-outputs.n_steps // patch_size), n_inputs)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(stack.n_out, patch_size * outputs.n_each)

    def forward(self, x: Tensor) -> Tensor:
        u = self.project(x).relu()  # (1)
        _, states = self.stack.run_from(u)  # (2)
        n_patches, n_inputs = self.positions.weight.shape
        inputs = self.positions.weight.expand(x.shape[0], n_patches, n_inputs)
        # Each patch is a sample of one step, after the same state.
        repeated = [_repeated(state, n_patches) for state in states]
        h, _ = self.stack.run_from(inputs.reshape(-1, 1, n_inputs), repeated)  # (3)
        return self.outputs(self.head(self.dropout(h)).reshape(x.shape[0], -1))  # (4)

    def multiplications(self, n_steps: int) -> int:
        """Return about how many multiplications a window takes."""
        n_stack, n_patches = n_weights(self.stack), self.positions.num_embeddings
        n_encoded = n_steps * (n_weights(self.project) + n_stack)
        return n_encoded + n_patches * (n_stack + n_weights(self.head))


def _repeated(state: State, n: int) -> State:
    """Return the state of each window `n` times, one after another."""
    if isinstance(state, tuple):
        h, c = (part.repeat_interleave(n, dim=1) for part in state)
        return h, c
    return state.repeat_interleave(n, dim=1)


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


class DecoderParameters(FieldParams):
    """The parameters of nets that may decode the horizon in parallel."""

    decoder: Annotated[
        Literal["parallel"] | None,
        Doc("""
            None maps the last state to all outputs by one linear map. ``"parallel"``
            is SegRNN (Lin et al. 2023): the same cell makes one step for each patch of
            the horizon, all of them from the last state of the window, with a learned
            vector for the position of the patch as input. After `dropout`, a linear map
            gives the `patch_size` steps of the patch. Each step of the window is first
            projected to the width of the first layer. It is meant for long horizons and
            a `patch_size` such as 24.
            """),
    ] = None


class DecodingRegressor(DecoderParameters, RecurrentRegressor):
    """Base of the recurrent nets that may decode the horizon in parallel.

    A subclass's docstring says ``{decoder_parameters}`` where their text belongs.
    """

    _docs: ClassVar[dict[str, str]] = {
        **RecurrentRegressor._docs,
        "decoder_parameters": parameter_docs(DecoderParameters),
    }

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.decoder == "parallel" and self.loss_steps == "all":
            raise ValueError(
                "decoder='parallel' decodes the last state of a window only, and "
                "loss_steps='all' needs the forecasts of all steps: use "
                "loss_steps='last', or decoder=None."
            )

    def _build_net(self, cell: Cell, spec: ModuleSpec) -> nn.Module:
        """Build the net that reads each window from its start to its end."""
        if self.decoder is None:
            stack = self._build_stack(cell, spec.n_channels)
            return RecurrentNet(stack=stack, n_outputs=spec.n_outputs)
        if spec.n_outputs != spec.n_targets * spec.n_values:
            raise ValueError(
                f"decoder='parallel' of {type(self).__name__} has the same outputs for "
                "each step ahead, and targets of classes have a score for each class: "
                "use decoder=None."
            )
        n_inputs = int(self.hidden_sizes[0])
        return ParallelDecoderNet(
            stack=self._build_stack(cell, n_inputs),
            n_channels=spec.n_channels,
            n_inputs=n_inputs,
            patch_size=spec.patch_size,
            outputs=StepOutputs(
                spec.n_outputs, spec.target_steps, spec.targets, spec.n_values
            ),
            dropout=self.dropout,
        )
