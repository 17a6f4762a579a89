"""The LSTM against its equations."""

import numpy as np
import pytest
import torch

from sktsdl import LSTMRegressor


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def states(x, weights, suffix=""):
    """Hidden states of one layer, written from equations (1) to (6)."""
    W, U, b, c = (
        weights[f"{name}_l0{suffix}"]
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    h = cell = np.zeros(U.shape[1])
    out = []
    for x_t in x:
        i, f, g, o = np.split(W @ x_t + U @ h + b + c, 4)
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(cell)
        out.append(h)
    return np.array(out)


@pytest.mark.parametrize("hidden_sizes", [(5,), (6, 3)])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_against_the_equations(hidden_sizes, bidirectional):
    X = np.random.default_rng(0).normal(size=(20, 7, 2))
    net = LSTMRegressor(
        hidden_sizes=hidden_sizes, bidirectional=bidirectional, max_epochs=1
    )
    module = net.fit(X, np.zeros((20, 3))).module_.double()
    x = X[0]
    for layer in module.layers:
        weights = {k: v.detach().numpy() for k, v in layer.named_parameters()}
        out = states(x, weights)
        last = out[-1]
        if bidirectional:
            backward = states(x[::-1], weights, "_reverse")
            last = np.concatenate([last, backward[-1]])
            out = np.hstack([out, backward[::-1]])
        x = out
    expected = module.head.weight.detach().numpy() @ last
    expected = expected + module.head.bias.detach().numpy()
    with torch.no_grad():
        seen = module(torch.from_numpy(X[:1]))[0].numpy()
    np.testing.assert_allclose(seen, expected, rtol=1e-10)


def test_the_number_of_weights():
    net = LSTMRegressor(max_epochs=1).fit(np.zeros((9, 4, 10)), np.zeros(9))
    assert net.n_parameters_ == 4 * (10 + 64) * 64 + 2 * 4 * 64 + (64 + 1)


def test_dropout_acts_between_layers_in_training_only():
    X = np.random.default_rng(0).normal(size=(40, 5, 1))
    params = {"max_epochs": 3, "random_state": 0}
    plain = LSTMRegressor(hidden_sizes=(4, 4), **params).fit(X, X[:, -1, 0])
    dropped = LSTMRegressor(hidden_sizes=(4, 4), dropout=0.5, **params)
    dropped.fit(X, X[:, -1, 0])
    assert not np.array_equal(plain.predict(X), dropped.predict(X))
    np.testing.assert_array_equal(dropped.predict(X), dropped.predict(X))
