"""Each architecture against its equations, its size, and the steps it may see."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from torch import nn

from sktsdl import (
    AttentionLSTMRegressor,
    BiLSTMRegressor,
    CNNLSTMRegressor,
    CNNRegressor,
    GRURegressor,
    LSTMRegressor,
    RNNRegressor,
    Seq2SeqRegressor,
    SlidingWindow,
    TCNRegressor,
    TransformerRegressor,
    WaveNetRegressor,
    WindowMLPRegressor,
)
from sktsdl.architectures.transformer import sinusoidal_positions
from tests.estimators import every_net

RECURRENT = {"rnn": RNNRegressor, "lstm": LSTMRegressor, "gru": GRURegressor}
CAUSAL = [
    RNNRegressor(),
    LSTMRegressor(hidden_sizes=(5, 4)),
    GRURegressor(layer_norm=True),
    CNNLSTMRegressor(),
    CNNLSTMRegressor(stride=3, kernel_size=2, cell="gru"),
    TCNRegressor(),
    TCNRegressor(norm="layer", kernel_size=2),
    WaveNetRegressor(),
    WaveNetRegressor(gated=False, kernel_size=3),
    TransformerRegressor(causal=True, d_model=8, nhead=2),
]
NOT_CAUSAL = [
    WindowMLPRegressor(),
    CNNRegressor(),
    BiLSTMRegressor(),
    LSTMRegressor(bidirectional=True),
    AttentionLSTMRegressor(),
    Seq2SeqRegressor(),
    TransformerRegressor(),
    TransformerRegressor(causal=True, pooling="mean"),
]


def samples(n=12, window=9, channels=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, window, channels))


def module_of(net, window=9, channels=2, outputs=1):
    """Return the net's module after an epoch, in double precision."""
    X = samples(window=window, channels=channels)
    y = np.resize(X[:, -1, 0], (len(X), outputs))
    net.set_params(max_epochs=1, window_norm=None, random_state=0)
    return net.fit(X, y).module_.double()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def layer_norm(x, norm):
    scaled = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
    return scaled * norm.weight.detach().numpy() + norm.bias.detach().numpy()


def reference_states(cell, layer, x):
    """States of one layer for one window, from the equations."""
    W, U, b_x, b_h = (p.detach().numpy() for p in layer.weights.parameters())
    norms = [lambda a, n=n: layer_norm(a, n) for n in layer.norms] or [lambda a: a] * 4
    h = c = np.zeros(U.shape[1])
    states = []
    for x_t in x:
        from_x, from_h = W @ x_t + b_x, U @ h + b_h
        if cell == "rnn":
            h = np.tanh(norms[0](from_x + from_h))
        elif cell == "lstm":
            gates = np.split(from_x + from_h, 4)
            i, f, g, o = (norm(gate) for norm, gate in zip(norms, gates, strict=True))
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            (r_x, z_x, n_x), (r_h, z_h, n_h) = np.split(from_x, 3), np.split(from_h, 3)
            r, z = sigmoid(norms[0](r_x + r_h)), sigmoid(norms[1](z_x + z_h))
            h = (1 - z) * np.tanh(norms[2](n_x + r * n_h)) + z * h
        states.append(h)
    return np.array(states)


@pytest.mark.parametrize("with_norm", [False, True])
@pytest.mark.parametrize("cell", RECURRENT)
def test_recurrent_nets_against_their_equations(cell, with_norm):
    net = RECURRENT[cell](hidden_sizes=(5, 3), layer_norm=with_norm)
    module = module_of(net)
    for norm in module.modules():
        if isinstance(norm, nn.LayerNorm):
            nn.init.normal_(norm.weight), nn.init.normal_(norm.bias)
    x = samples(seed=1)[:1]
    expected = x[0]
    for (layer,) in module.stack.layers:
        expected = reference_states(cell, layer, expected)
    with torch.no_grad():
        seen = module.states(torch.from_numpy(x))[0].numpy()
        output = module(torch.from_numpy(x))[0].numpy()
        head = module.head(torch.from_numpy(expected[-1])).numpy()
    np.testing.assert_allclose(seen, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(output, head, rtol=1e-9)


@pytest.mark.parametrize("cell", RECURRENT)
def test_the_loop_over_steps_equals_the_fused_kernel(cell):
    layer = module_of(RECURRENT[cell]()).stack.layers[0][0]
    x = torch.from_numpy(samples(seed=1))
    masks = torch.ones(12, 1, 2), torch.ones(12, 64)
    unrolled, state = layer._unroll(x, None, tuple(m.double() for m in masks))
    fused, last = layer.weights(x)
    torch.testing.assert_close(unrolled, fused)
    torch.testing.assert_close(state, last)


@pytest.mark.parametrize("net", [BiLSTMRegressor, LSTMRegressor])
def test_the_head_sees_the_last_state_of_both_directions(net):
    params = {"bidirectional": True} if net is LSTMRegressor else {}
    module = module_of(net(hidden_sizes=(4,), **params))
    x = samples(seed=1)[0]
    ahead, back = module.stack.layers[0]
    last = np.concatenate(
        [
            reference_states("lstm", ahead, x)[-1],
            reference_states("lstm", back, x[::-1])[-1],
        ]
    )
    with torch.no_grad():
        seen = module(torch.from_numpy(x[None]))[0]
        expected = module.head(torch.from_numpy(last))
    torch.testing.assert_close(seen, expected)


def test_rnn_with_relu():
    module = module_of(RNNRegressor(nonlinearity="relu", hidden_sizes=(6,)))
    x = torch.from_numpy(samples(seed=1))
    with torch.no_grad():
        assert (module.states(x) >= 0).all()
        masks = torch.ones(12, 1, 2).double(), torch.ones(12, 6).double()
        layer = module.stack.layers[0][0]
        torch.testing.assert_close(layer._unroll(x, None, masks)[0], module.states(x))


@pytest.mark.parametrize("cell", RECURRENT)
def test_variational_dropout_draws_one_mask_for_all_steps(cell):
    net = RECURRENT[cell](hidden_sizes=(16,), variational_dropout=0.5)
    layer = module_of(net).stack.layers[0][0]
    layer.train()
    x = torch.ones(12, 9, 2, dtype=torch.float64)
    torch.manual_seed(0)
    inputs, state = layer._masks(x)
    assert inputs.shape == (12, 1, 2)
    assert state.shape == (12, 16)
    assert set(torch.cat([inputs.ravel(), state.ravel()]).tolist()) == {0.0, 2.0}
    torch.manual_seed(0)
    expected, _ = layer._unroll(x, None, (inputs, state))
    torch.testing.assert_close(layer(x)[0], expected)
    layer.eval()
    torch.testing.assert_close(layer(x)[0], layer.weights(x)[0])


@pytest.mark.parametrize("hidden_sizes", [(4,), (4, 4)])
def test_dropout_acts_between_layers_in_training_only(hidden_sizes):
    X = samples(n=40)
    nets = [
        LSTMRegressor(
            hidden_sizes=hidden_sizes, dropout=p, max_epochs=3, random_state=0
        )
        for p in (0.0, 0.5)
    ]
    plain, dropped = (net.fit(X, X[:, -1, 0]).predict(X) for net in nets)
    assert np.array_equal(plain, dropped) == (len(hidden_sizes) == 1)
    np.testing.assert_array_equal(nets[1].predict(X), dropped)


@pytest.mark.parametrize("with_norm", [False, True])
@pytest.mark.parametrize("cell", RECURRENT)
def test_gradients_reach_back_bptt_steps(cell, with_norm):
    nets = {
        k: RECURRENT[cell](hidden_sizes=(5, 4), bptt_steps=k, layer_norm=with_norm)
        for k in (None, 3, 9, 20)
    }
    x = torch.from_numpy(samples(seed=1)).requires_grad_()
    gradients, weights = {}, None
    for k, net in nets.items():
        module = module_of(net)
        weights = weights or module.state_dict()
        module.load_state_dict(weights)
        (gradients[k],) = torch.autograd.grad(module.train()(x).sum(), x)
    assert (gradients[3][:, :-3] == 0).all()
    assert (gradients[3][:, -3:] != 0).all()
    torch.testing.assert_close(gradients[9], gradients[None])
    torch.testing.assert_close(gradients[20], gradients[None])


def test_attention_lstm_against_its_equations():
    net = AttentionLSTMRegressor(hidden_sizes=(5,))
    module = module_of(net)
    x = samples(seed=1)
    (layer,) = module.stack.layers[0]
    w = module.score.weight.detach().numpy()
    for i in range(3):
        states = reference_states("lstm", layer, x[i])
        scores = np.exp(states @ w.T @ states[-1] / np.sqrt(5))
        alpha = scores / scores.sum()
        with torch.no_grad():
            window = torch.from_numpy(x[i : i + 1])
            seen = torch.from_numpy(np.concatenate([alpha @ states, states[-1]]))
            torch.testing.assert_close(module(window)[0], module.head(seen))
            np.testing.assert_allclose(module.attention_weights(window)[0], alpha)
    weights = net.fit(x, x[:, 0, 0]).attention_weights(x)
    assert weights.shape == (12, 9)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)


def test_sinusoidal_positions_against_their_formula():
    for d_model in (1, 7, 8):
        seen = sinusoidal_positions(11, d_model).numpy()
        for t in range(11):
            for j in range(d_model):
                angle = t / 10_000 ** (2 * (j // 2) / d_model)
                expected = np.cos(angle) if j % 2 else np.sin(angle)
                np.testing.assert_allclose(seen[t, j], expected, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_transformer_against_its_equations(causal):
    net = TransformerRegressor(
        d_model=6, nhead=2, num_layers=1, dim_feedforward=5, causal=causal
    )
    module = module_of(net)
    (layer,) = module.layers
    p = {k: v.detach().numpy() for k, v in layer.named_parameters()}
    x = samples(seed=1)[0]
    with torch.no_grad():
        h = module.embed(torch.from_numpy(x)).numpy()
        seen = module.states(torch.from_numpy(x[None]))[0].numpy()
    h = h + sinusoidal_positions(9, 6).numpy()
    u = np.array([layer_norm(row, layer.norm1) for row in h])
    q, k, v = np.split(
        u @ p["self_attn.in_proj_weight"].T + p["self_attn.in_proj_bias"], 3, axis=1
    )
    heads, weights = [], []
    for q_i, k_i, v_i in zip(*(np.split(m, 2, axis=1) for m in (q, k, v)), strict=True):
        scores = np.exp(q_i @ k_i.T / np.sqrt(3)) * (np.tri(9) if causal else 1)
        weights.append(scores / scores.sum(axis=1, keepdims=True))
        heads.append(weights[-1] @ v_i)
    attended = np.hstack(heads) @ p["self_attn.out_proj.weight"].T
    h = h + attended + p["self_attn.out_proj.bias"]
    u = np.array([layer_norm(row, layer.norm2) for row in h])
    dense = np.maximum(u @ p["linear1.weight"].T + p["linear1.bias"], 0)
    h = h + dense @ p["linear2.weight"].T + p["linear2.bias"]
    expected = np.array([layer_norm(row, module.norm) for row in h])
    np.testing.assert_allclose(seen, expected, rtol=1e-5, atol=1e-6)
    attention = net.fit(samples(), samples()[:, 0, 0]).attention_weights(samples())
    assert attention.shape == (12, 1, 9, 9)
    np.testing.assert_allclose(attention.sum(axis=-1), 1, rtol=1e-6)
    assert (np.triu(attention[0, 0], 1) == 0).all() == causal


def lstm_weights(n_in, hidden):
    return 4 * (n_in + hidden + 2) * hidden


COUNTS = {
    "mlp": (WindowMLPRegressor(), 20 * 10 * 128 + 128 + 128 * 64 + 64 + 64 + 1),
    "rnn": (RNNRegressor(), (10 + 64 + 2) * 64 + 65),
    "lstm": (LSTMRegressor(), 18_944 + 2 * 4 * 64 + 65),
    "lstm, two layers": (
        LSTMRegressor(hidden_sizes=(64, 32)),
        lstm_weights(10, 64) + lstm_weights(64, 32) + 33,
    ),
    "lstm, normed": (LSTMRegressor(layer_norm=True), 18_944 + 16 * 64 + 65),
    "gru": (GRURegressor(), 14_208 + 2 * 3 * 64 + 65),
    "bilstm": (BiLSTMRegressor(), 2 * lstm_weights(10, 64) + 129),
    "attention lstm": (AttentionLSTMRegressor(), lstm_weights(10, 64) + 64**2 + 129),
    "cnn": (CNNRegressor(), 3 * 10 * 64 + 64 + 20 * 64 + 1),
    "cnn, pooled": (CNNRegressor(pooling="max"), 3 * 10 * 64 + 64 + 65),
    "cnn lstm": (CNNLSTMRegressor(), 4 * 10 * 32 + 32 + lstm_weights(32, 64) + 65),
    "tcn": (
        TCNRegressor(),
        sum(
            3 * n_in * n_out + 2 * n_out + 3 * n_out * n_out + 2 * n_out
            for n_in, n_out in [(10, 64), (64, 64), (64, 32)]
        )
        + (10 * 64 + 64)
        + (64 * 32 + 32)
        + 33,
    ),
    "wavenet": (
        WaveNetRegressor(),
        (10 * 32 + 32) + 8 * 2 * (2 * 32 * 32 + 32 + 32 * 32 + 32) + (32 * 33) + 33,
    ),
    "transformer": (
        TransformerRegressor(),
        (10 * 64 + 64)
        + 2 * (4 * 64**2 + 4 * 64 + 2 * 64 * 128 + 128 + 64 + 4 * 64)
        + 2 * 64
        + 65,
    ),
    "seq2seq": (
        Seq2SeqRegressor(),
        3 * (10 + 64 + 2) * 64 + (2 * 64 * 64 + 64 + 64) + 3 * (65 + 64 + 2) * 64 + 65,
    ),
}


@pytest.mark.parametrize("name", COUNTS)
def test_the_number_of_weights(name):
    net, expected = COUNTS[name]
    module_of(net, window=20, channels=10)
    assert net.n_parameters_ == expected


FIELDS = [
    (TCNRegressor(channels=(4,) * 3, convs_per_block=1), 15),
    (TCNRegressor(channels=(4,) * 4, convs_per_block=1), 31),
    (TCNRegressor(channels=(4,) * 3, convs_per_block=1, kernel_size=5), 29),
    (TCNRegressor(channels=(4,) * 3, convs_per_block=2), 29),
    (WaveNetRegressor(channels=4), 31),
    (WaveNetRegressor(channels=4, gated=False, repeats=1, kernel_size=3), 31),
    (CNNRegressor(channels=(4, 4), kernel_size=4, pooling="avg"), 7),
]


@pytest.mark.parametrize(("net", "expected"), FIELDS, ids=str)
def test_receptive_fields_by_gradient(net, expected):
    assert net.receptive_field_ == expected
    module = module_of(net, window=40)
    for weight in module.parameters():  # so that no ReLU hides a step
        nn.init.uniform_(weight, 0.01, 0.1)
    x = torch.rand(1, 40, 2, dtype=torch.float64, requires_grad=True)
    is_cnn = isinstance(net, CNNRegressor)
    last = module.layers(x.mT)[..., -1] if is_cnn else module.states(x)[:, -1]
    (gradient,) = torch.autograd.grad(last.sum(), x)
    seen = (gradient[0] != 0).any(dim=1)
    assert seen.sum() == expected
    assert seen[-expected:].all()


@pytest.mark.parametrize("net", CAUSAL, ids=str)
def test_causal_nets_see_no_later_step(net):
    module = module_of(net, window=12)
    x = torch.from_numpy(samples(n=2, window=12, seed=1)).requires_grad_()
    states = module.states(x)
    ends = module.step_ends(12)
    assert states.shape[1] == len(ends)
    assert ends[-1] == 11
    for step, end in enumerate(ends.tolist()):
        state = states[:, step].square().sum()
        (gradient,) = torch.autograd.grad(state, x, retain_graph=True)
        assert (gradient[:, end + 1 :] == 0).all()
        assert (gradient[:, end] != 0).any()


@pytest.mark.parametrize(
    "net",
    [
        *CAUSAL,
        TransformerRegressor(d_model=8, nhead=2, num_layers=3),
        TCNRegressor(norm="batch"),
        TCNRegressor(norm=None, kernel_size=2, channels=(4, 4)),
    ],
    ids=str,
)
def test_last_state_equals_the_last_of_all_states(net):
    module = module_of(net, window=40).train()
    x = torch.from_numpy(samples(n=4, window=40, seed=1)).requires_grad_()
    of_all, alone = module.states(x)[:, -1], module.last_state(x)
    torch.testing.assert_close(alone, of_all)
    weights = [x, *(w for name, w in module.named_parameters() if "head" not in name)]
    expected, gradients = (
        torch.autograd.grad(state.square().sum(), weights) for state in (of_all, alone)
    )
    torch.testing.assert_close(gradients, expected)


def test_last_state_reads_the_receptive_field_only():
    for net in (TCNRegressor(channels=(4, 4)), WaveNetRegressor(channels=4)):
        module = module_of(net, window=40)
        seen = []
        module.states = lambda x, seen=seen: seen.append(x) or x
        module.last_state(torch.zeros(1, 40, 2))
        assert seen[0].shape[1] == net.receptive_field_


@pytest.mark.parametrize("window", [1, 2, 3, 5])
@every_net
def test_every_window_and_horizon_works(cls, window):
    X = samples(window=window)
    y = np.resize(X[:, -1, 0], (12, 3))
    net = cls(max_epochs=1, random_state=0)
    assert np.isfinite(net.fit(X, y).predict(X)).all()
    assert net.predict(X).shape == (12, 3)


@pytest.mark.parametrize(
    "net",
    [
        WindowMLPRegressor(norm="batch", activation="gelu", dropout=0.2),
        WindowMLPRegressor(norm="layer", activation="elu"),
        CNNRegressor(norm="batch", pooling="max", dropout=0.2),
        CNNRegressor(norm="layer", pooling="avg"),
        TCNRegressor(norm=None, dropout=0.2),
        TCNRegressor(norm="batch"),
        TCNRegressor(norm="layer"),
        WaveNetRegressor(gated=False),
        TransformerRegressor(pooling="mean", dropout=0.2),
        Seq2SeqRegressor(cell="lstm", attention=False),
        GRURegressor(variational_dropout=0.2, layer_norm=True, bptt_steps=4),
        BiLSTMRegressor(variational_dropout=0.2, layer_norm=True, bptt_steps=4),
    ],
    ids=str,
)
def test_architecture_options_train(net):
    X = samples(n=200)
    y = X[:, -1, 0] + X[:, -2, 1]
    net.set_params(max_epochs=30, lr=5e-3, random_state=0)
    assert net.fit(X, y).score(X, y) > 0.5
    alone = net.predict(X[:1])
    np.testing.assert_allclose(alone, net.predict(X)[:1], rtol=1e-6)


def test_an_mlp_without_a_layer_is_linear():
    X = samples(n=200)
    y = X[:, -1, 0] - 2 * X[:, 3, 1] + 7
    net = WindowMLPRegressor(hidden_sizes=(), lr=1e-2, max_epochs=60, random_state=0)
    assert net.fit(X, y).score(X, y) > 0.999
    assert net.n_parameters_ == 9 * 2 + 1


def test_a_decoder_predicts_patches():
    net = Seq2SeqRegressor(attention=False, patch_size=3, hidden_size=6)
    module = module_of(net, outputs=7)
    x = torch.from_numpy(samples(seed=1))
    inner = module.module
    with torch.no_grad():
        s = inner.encoder(module.transform_input(x))[:, -1]
        y, expected = x.new_zeros(len(x), 3), []
        for _ in range(3):
            s = inner.decoder(y, s)
            y = inner.head(s)
            expected.append(y)
        torch.testing.assert_close(module(x), torch.cat(expected, dim=1)[:, :7])
        # With teacher forcing, each patch continues from the true one before it.
        true = torch.randn(len(x), 7, dtype=torch.float64)
        inner.teacher_forcing = 1.0
        s = inner.encoder(module.transform_input(x))[:, -1]
        for part in (x.new_zeros(len(x), 3), true[:, :3], true[:, 3:6]):
            s = inner.decoder(part, s)
        forced = module(x, targets=true, progress=0.0)
        torch.testing.assert_close(forced[:, 6:], inner.head(s)[:, :1])


@pytest.mark.parametrize(
    ("patch_size", "quantiles", "median"),
    [(1, (0.05, 0.25, 0.5, 0.9), 2), (2, (0.1, 0.5, 0.9), 1)],
)
def test_a_decoder_feeds_back_the_median(patch_size, quantiles, median):
    net = Seq2SeqRegressor(
        attention=False,
        patch_size=patch_size,
        hidden_size=6,
        loss="quantile",
        quantiles=quantiles,
        standardize=False,
    )
    whole = module_of(net, outputs=4)
    x = torch.from_numpy(samples(seed=1))
    module = whole.module if patch_size > 1 else whole
    with torch.no_grad():
        s = module.encoder(whole.transform_input(x) if patch_size > 1 else x)[:, -1]
        y, expected = x.new_zeros(len(x), patch_size), []
        for _ in range(4 // patch_size):
            s = module.decoder(y, s)
            expected.append(module.head(s))
            y = expected[-1][:, median :: len(quantiles)]
        torch.testing.assert_close(whole(x), torch.cat(expected, dim=1))


def test_each_gate_of_a_decoder_has_orthogonal_first_weights():
    net = Seq2SeqRegressor(weight_init="orthogonal", hidden_size=8, lr=1e-12)
    weights = module_of(net).decoder.weight_hh.detach()
    for gate in weights.chunk(3):
        torch.testing.assert_close(
            gate @ gate.T, torch.eye(8, dtype=gate.dtype), atol=1e-5, rtol=0
        )


def test_batch_norm_with_a_last_batch_of_one_window():
    X = samples(n=33)
    net = WindowMLPRegressor(norm="batch", max_epochs=1, random_state=0)
    assert np.isfinite(net.fit(X, X[:, 0, 0]).predict(X)).all()
    with pytest.raises(ValueError, match=r"norm='batch' needs at least 2 windows"):
        net.fit(X[:1], X[:1, 0, 0])


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (TransformerRegressor(d_model=10, nhead=4), "nhead=4 does not divide d_model"),
        (
            TransformerRegressor(pooling="max"),
            "'pooling' .* must be a str among {'last', 'mean', 'flatten'}. Got 'max'",
        ),
        (
            RNNRegressor(hidden_sizes=()),
            r"'hidden_sizes' .* must be a non-empty tuple .* Got \(\)",
        ),
        (RNNRegressor(nonlinearity="selu"), "'nonlinearity' .* Got 'selu'"),
        (
            LSTMRegressor(bptt_steps=0),
            r"'bptt_steps' .* an int in the range \[1, inf\) or None. Got 0",
        ),
        (GRURegressor(variational_dropout=1.0), "'variational_dropout' .* Got 1.0"),
        (
            CNNRegressor(channels=(4, 0)),
            r"'channels' .* whose values are each an int in .*1, inf.* Got \(4, 0\)",
        ),
        (CNNRegressor(pooling="min"), "'pooling' .* Got 'min'"),
        (TCNRegressor(kernel_size=0), "'kernel_size' .* Got 0"),
        (TCNRegressor(norm="group"), "'norm' .* Got 'group'"),
        (WaveNetRegressor(dilations=()), r"'dilations' .* non-empty tuple .* Got \(\)"),
        (CNNLSTMRegressor(stride=0), "'stride' .* Got 0"),
        (CNNLSTMRegressor(cell="rnn"), "'cell' .* Got 'rnn'"),
        (Seq2SeqRegressor(teacher_forcing=1.5), "'teacher_forcing' .* Got 1.5"),
        (WindowMLPRegressor(activation="cube"), "'activation' .* Got 'cube'"),
        (LSTMRegressor(weight_init="zeros"), "'weight_init' .* Got 'zeros'"),
        (LSTMRegressor(loss_steps="first"), "'loss_steps' .* Got 'first'"),
        (LSTMRegressor(loss_steps="all", linear_skip=True), "linear_skip=True maps"),
    ],
    ids=str,
)
def test_bad_architecture_parameters_are_an_error(net, message):
    X = samples()
    with pytest.raises(ValueError, match=message):
        net.fit(X, X[:, 0, 0])


def test_teacher_forcing_falls_to_zero(monkeypatch):
    seen = []
    original = torch.rand

    def spy(*args, **kwargs):
        seen.append(args)
        return original(*args, **kwargs)

    module = module_of(Seq2SeqRegressor(teacher_forcing=1.0), outputs=4)
    x, y = torch.from_numpy(samples()), torch.randn(12, 4, dtype=torch.float64)
    monkeypatch.setattr(torch, "rand", spy)
    with torch.no_grad():
        free = module(x)
        torch.testing.assert_close(module(x, y, progress=1.0), free)
        forced = module(x, y, progress=0.0)
        torch.testing.assert_close(forced[:, 0], free[:, 0])
        assert not torch.allclose(forced[:, 1:], free[:, 1:])
    assert len(seen) == 6


@pytest.mark.parametrize("how", ["default", "xavier", "he", "orthogonal"])
def test_weight_init_against_its_bounds(how):
    net = LSTMRegressor(weight_init=how, hidden_sizes=(32,), lr=1e-12)
    module = module_of(net, channels=32)
    weights = module.stack.layers[0][0].weights.weight_hh_l0.detach()
    gate = weights[:32].numpy()
    limits = {"xavier": np.sqrt(6 / 64), "he": np.sqrt(6 / 32)}
    if how in limits:
        assert 0.95 * limits[how] < np.abs(gate).max() <= limits[how] * 1.001
    is_orthogonal = np.allclose(gate @ gate.T, np.eye(32), atol=1e-4)
    assert is_orthogonal == (how == "orthogonal")


def rows_and_targets(n=60):
    rows = np.random.default_rng(0).normal(size=(n, 2))
    return rows, rows.sum(axis=1) + np.arange(n) / 10


@pytest.mark.parametrize("net", CAUSAL, ids=str)
def test_loss_steps_all_scores_each_step_against_its_row(net):
    rows, y = rows_and_targets()
    windows = SlidingWindow(7).fit_transform(rows)
    net = clone(net).set_params(
        loss_steps="all", max_epochs=1, lr=1e-12, random_state=0, batch_size=99
    )
    net.fit(windows, y)
    module = net.module_
    ends = module.step_ends(7).tolist()
    scaled = torch.from_numpy((rows - rows.mean(0)) / rows.std(0)).float()
    target = (y - y[6:].mean()) / y[6:].std()
    errors = []
    for row in range(6, 60):
        with torch.no_grad():
            outputs = module.head(module.states(scaled[None, row - 6 : row + 1]))[0]
        errors += [outputs[s].item() - target[row - 6 + e] for s, e in enumerate(ends)]
    expected = np.mean(np.square(errors)) * y[6:].var()
    np.testing.assert_allclose(net.loss_curve_[0], expected, rtol=1e-3)
    assert net.predict(windows).shape == (60,)


@pytest.mark.parametrize("net", NOT_CAUSAL, ids=str)
def test_loss_steps_all_is_refused_by_nets_that_are_not_causal(net):
    rows, y = rows_and_targets()
    net = clone(net).set_params(loss_steps="all", max_epochs=1)
    with pytest.raises(ValueError, match=f"this {type(net).__name__} is not one"):
        net.fit(SlidingWindow(7).fit_transform(rows), y)


def test_loss_steps_all_is_refused_for_independent_samples():
    X = samples()
    with pytest.raises(ValueError, match="X holds independent samples"):
        LSTMRegressor(loss_steps="all").fit(X, X[:, 0, 0])


@pytest.mark.parametrize(
    "net",
    [LSTMRegressor(), TCNRegressor(), AttentionLSTMRegressor(), Seq2SeqRegressor()],
)
def test_categorical_features_get_embeddings(net):
    rng = np.random.default_rng(0)
    codes = rng.choice([-7, 3, 100], size=400)
    effect = {-7: 0.0, 3: 5.0, 100: 1.0}
    rows = np.column_stack([codes, rng.normal(size=400)])
    y = np.array([effect[code] for code in codes]) + 0.1 * rows[:, 1]
    windows = SlidingWindow(3).fit_transform(rows)
    net.set_params(
        categorical_features=[0], max_epochs=20, lr=1e-2, random_state=0
    ).fit(windows[:300], y[:300])
    assert net.score(windows[300:], y[300:]) > 0.9
    (embedding,) = net.module_.embeddings
    assert tuple(embedding.weight.shape) == (4, 2)
    unknown = windows[-1:].copy()
    unknown[:, :, 0] = 55
    other = unknown.copy()
    other[:, :, 0] = -1
    np.testing.assert_array_equal(net.predict(unknown), net.predict(other))


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ([2], "has 2, which is not a channel of X: it has 2 channels without names"),
        (["day"], "has 'day', which is not a channel of X"),
        ([1], "holds values that are not integer codes"),
    ],
)
def test_bad_categorical_features(channels, message):
    X = samples()
    X[:, :, 0] = 1
    with pytest.raises(ValueError, match=message):
        LSTMRegressor(categorical_features=channels).fit(X, X[:, 0, 1])


def test_categorical_features_by_name():
    data = pd.DataFrame(samples()[:, 0], columns=["rail", "day"])
    data["day"] = [0, 1, 2] * 4
    windows = SlidingWindow(3).fit_transform(data)
    nets = [
        LSTMRegressor(categorical_features=where, max_epochs=2, random_state=0)
        for where in ([1], ["day"])
    ]
    by_position, by_name = (
        net.fit(windows, data["rail"]).predict(windows) for net in nets
    )
    np.testing.assert_array_equal(by_name, by_position)
    with pytest.raises(ValueError, match=r"'type'.*it has \['rail', 'day'\]"):
        nets[1].set_params(categorical_features=["type"]).fit(windows, data["rail"])
