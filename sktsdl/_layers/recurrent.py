"""Recurrent layers."""

from collections.abc import Sequence
from functools import cache
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Cell = Literal["rnn", "lstm", "gru"]
State = Tensor | tuple[Tensor, Tensor]
FUSED = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
GATES = {"rnn": 1, "lstm": 4, "gru": 3}
# How many calls take as long as torch's kernel does without any multiplications, as
# measured: at its start, and for each step.
CALLS_OF_KERNEL = {"rnn": (0, 0.15), "lstm": (8, 0.08), "gru": (0, 0.4)}


@cache
def _has_lstm_kernel(dtype: torch.dtype) -> bool:
    """Say whether this machine's CPU runs an LSTM in `dtype`."""
    try:
        # The probe consumes random numbers: keep the caller's generator unchanged.
        with torch.random.fork_rng(devices=[]), torch.autocast("cpu", dtype=dtype):
            nn.LSTM(1, 1)(torch.zeros(1, 1, 1))
    except RuntimeError:
        return False
    return True


def run_fused(
    layer: nn.RNNBase, x: Tensor, state: State | None
) -> tuple[Tensor, State]:
    """Run torch's kernel, in float32 if it has none for autocast's dtype."""
    on_cpu = x.device.type == "cpu" and torch.is_autocast_enabled("cpu")
    if on_cpu and isinstance(layer, nn.LSTM):
        enabled = _has_lstm_kernel(torch.get_autocast_dtype("cpu"))
        with torch.autocast("cpu", enabled=enabled):
            return layer(x if enabled else x.float(), state)
    return layer(x, state)


class RecurrentLayer(nn.Module):
    """One direction of one recurrent layer.

    torch's fused kernel runs it where it can; `variational_dropout` and `layer_norm`
    act inside the cell, so they run it step by step, on the same weights.

    **Shape**: (batch, time, n_in) -> (batch, time, hidden), and the last state

    A state is (1, batch, hidden), or a pair of them for an LSTM.
    """

    def __init__(
        self,
        cell: Cell,
        n_in: int,
        hidden: int,
        *,
        nonlinearity: str,
        variational_dropout: float,
        layer_norm: bool,
        bptt_steps: int | None,
    ) -> None:
        super().__init__()
        self.cell = cell
        self.nonlinearity = nonlinearity
        self.variational_dropout = variational_dropout
        self.bptt_steps = bptt_steps
        options = {"nonlinearity": nonlinearity} if cell == "rnn" else {}
        self.weights = FUSED[cell](n_in, hidden, batch_first=True, **options)
        self.norms = nn.ModuleList(
            nn.LayerNorm(hidden) for _ in range(GATES[cell] if layer_norm else 0)
        )

    def buffer_bytes_per_window(self, n_steps: int) -> int:
        """Return the bytes of the kernel's buffers for one window of `n_steps` steps.

        Only torch's kernel of the LSTM allocates them in every call.
        """
        floats = 9 if self.cell == "lstm" and not self.norms else 0
        return 4 * floats * n_steps * self.weights.hidden_size

    def calls(self, n_steps: int) -> float:
        """Return about how many kernels are called for `n_steps` steps."""
        if self.norms:
            return n_steps * (8 + 4 * GATES[self.cell])
        start, step = CALLS_OF_KERNEL[self.cell]
        return start + step * n_steps

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the states of all steps after `state`, and the last state."""
        time = x.shape[1]
        k = min(self.bptt_steps or time, time)
        in_cell = bool(self.norms) or (self.training and self.variational_dropout > 0)
        # Segments of k steps, counted from the end; no gradient passes between them.
        sizes = [time % k] * (time % k > 0) + [k] * (time // k)
        masks = self._masks(x) if in_cell else None
        out: list[Tensor] = []
        for i, segment in enumerate(torch.split(x, sizes, dim=1) if k < time else (x,)):
            before = state if state is None or i == 0 else _detached(state)
            if masks is None:
                states, state = run_fused(self.weights, segment, before)
            else:
                states, state = self._unroll(segment, before, masks)
            out.append(states)
        assert state is not None
        return _joined(out, dim=1), state

    def _masks(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the masks of inputs and state, one for all steps."""
        p, hidden = self.variational_dropout, self.weights.hidden_size
        inputs = F.dropout(x.new_ones(x.shape[0], 1, x.shape[2]), p, self.training)
        return inputs, F.dropout(x.new_ones(x.shape[0], hidden), p, self.training)

    def _unroll(
        self, x: Tensor, state: State | None, masks: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, State]:
        """Run the cell step by step."""
        weights = self.weights
        x_mask, h_mask = masks
        gates_x = F.linear(x * x_mask, weights.weight_ih_l0, weights.bias_ih_l0)
        h = c = x.new_zeros(x.shape[0], weights.hidden_size)
        if isinstance(state, tuple):
            h, c = state[0][0], state[1][0]
        elif state is not None:
            h = state[0]
        out = []
        for gate_x in gates_x.unbind(1):  # (batch, gates * hidden)
            gate_h = F.linear(h * h_mask, weights.weight_hh_l0, weights.bias_hh_l0)
            h, c = self._step(gate_x, gate_h, h, c)
            out.append(h)
        last = (h[None], c[None]) if self.cell == "lstm" else h[None]
        return torch.stack(out, dim=1), last

    def _step(
        self, gate_x: Tensor, gate_h: Tensor, h: Tensor, c: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the next state; equation numbers as in the Notes of each regressor."""
        norm = list(self.norms) or [nn.Identity()] * GATES[self.cell]
        if self.cell == "rnn":
            activation = torch.tanh if self.nonlinearity == "tanh" else torch.relu
            return activation(norm[0](gate_x + gate_h)), c  # (1)
        if self.cell == "gru":
            (r_x, z_x, n_x), (r_h, z_h, n_h) = gate_x.chunk(3, 1), gate_h.chunk(3, 1)
            r = torch.sigmoid(norm[0](r_x + r_h))  # (1)
            z = torch.sigmoid(norm[1](z_x + z_h))  # (2)
            n = torch.tanh(norm[2](n_x + r * n_h))  # (3)
            return (1 - z) * n + z * h, c  # (4)
        gates = (gate_x + gate_h).chunk(4, 1)
        i, f, g, o = (normed(gate) for normed, gate in zip(norm, gates, strict=True))
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)  # (1)-(3), (5)
        return torch.sigmoid(o) * torch.tanh(c), c  # (4), (6)


def _joined(tensors: list[Tensor], dim: int) -> Tensor:
    # torch.cat would copy a single tensor.
    return tensors[0] if len(tensors) == 1 else torch.cat(tensors, dim)


def _hidden(state: State) -> Tensor:
    """Return h of a state, (batch, hidden)."""
    return (state[0] if isinstance(state, tuple) else state)[0]


def _detached(state: State) -> State:
    if isinstance(state, tuple):
        return state[0].detach(), state[1].detach()
    return state.detach()


class RecurrentStack(nn.Module):
    """Recurrent layers on top of each other, whose widths may differ.

    **Shape**: (batch, time, n_in) -> (batch, time, directions * hidden_sizes[-1])
    """

    def __init__(
        self,
        cell: Cell,
        n_in: int,
        hidden_sizes: tuple[int, ...],
        *,
        dropout: float = 0.0,
        bidirectional: bool = False,
        nonlinearity: str = "tanh",
        variational_dropout: float = 0.0,
        layer_norm: bool = False,
        bptt_steps: int | None = None,
    ) -> None:
        super().__init__()
        directions = 2 if bidirectional else 1
        inputs = [n_in, *(directions * size for size in hidden_sizes)]
        self.n_out = inputs[-1]
        self.layers = nn.ModuleList(
            nn.ModuleList(
                RecurrentLayer(
                    cell,
                    inputs[depth],
                    size,
                    nonlinearity=nonlinearity,
                    variational_dropout=variational_dropout,
                    layer_norm=layer_norm,
                    bptt_steps=bptt_steps,
                )
                for _ in range(directions)
            )
            for depth, size in enumerate(hidden_sizes)
        )
        self.dropout = nn.Dropout(dropout if len(hidden_sizes) > 1 else 0.0)

    def forward(self, x: Tensor) -> Tensor:
        return self._run(x)[0]

    def last_state(self, x: Tensor) -> Tensor:
        """(batch, time, n_in) -> (batch, directions * hidden_sizes[-1])

        It is the state of the last step, and of the first step for the direction that
        reads backwards. torch's kernels return it beside the other states, whose
        gradient then need not be computed.
        """
        return self._run(x)[1]

    def run_from(
        self, x: Tensor, states: Sequence[State] | None = None
    ) -> tuple[Tensor, list[State]]:
        """Continue from the states of the layers, of one direction.

        **Shape**: (batch, time, n_in) -> (batch, hidden_sizes[-1]), and the last state
        of each layer
        """
        before = [None] * len(self.layers) if states is None else states
        after: list[State] = []
        for depth, (layer, state) in enumerate(zip(self.layers, before, strict=True)):
            x = self.dropout(x) if depth else x
            (forward,) = layer.children()
            x, last = forward(x, state)
            after.append(last)
        return _hidden(after[-1]), after

    def _run(self, x: Tensor) -> tuple[Tensor, Tensor]:
        last = x
        for depth, layer in enumerate(self.layers):
            x = self.dropout(x) if depth else x
            forward, *backward = layer.children()
            states, state = forward(x)
            outputs, last = [states], _hidden(state)
            for direction in backward:
                states, state = direction(x.flip(1))
                outputs.append(states.flip(1))
                last = torch.cat([last, _hidden(state)], dim=-1)
            x = _joined(outputs, dim=-1)  # (batch, time, directions * hidden)
        return x, last
