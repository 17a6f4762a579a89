"""The blocks of a prediction: a window's output does not depend on other windows."""

import copy
import pickle

import numpy as np
import pytest
import torch

from sktsdl import (
    AttentionLSTMRegressor,
    GRURegressor,
    LSTMRegressor,
    RNNRegressor,
    Seq2SeqRegressor,
    TCNRegressor,
    TransformerRegressor,
    WindowMLPRegressor,
)
from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._training.blocks import (
    LARGEST_BLOCK,
    block_size,
    exact_block_size,
    multiplications,
)
from tests.estimators import every_net

RNG = np.random.default_rng(0)


def windows(n, window, n_channels=3):
    X = RNG.normal(size=(n, window, n_channels)).astype(np.float32)
    X[..., 2] = RNG.integers(0, 3, size=(n, window))
    return X


def fitted(cls, window=24, **params):
    X = windows(40, window)
    params = {"max_epochs": 1, "random_state": 0, "window_norm": None} | params
    return cls(**params).fit(X, X[:, -1, :2])


def assert_independent(evaluate, X):
    """The rows of `X` give the same bits alone and among others, wherever they are."""
    together = evaluate(X)
    for start, n in [(0, 1), (1, 1), (len(X) - 1, 1), (5, 3), (len(X) - 17, 17)]:
        rows = slice(start, start + n)
        np.testing.assert_array_equal(evaluate(X[rows]), together[rows])


@every_net
def test_a_prediction_is_the_same_alone_and_among_others(cls):
    net = fitted(cls)
    size = block_size(net.module_, 24)
    assert_independent(net.predict, windows(2 * size + 7, 24))


PARAMS = {
    "patches": {"patch_size": 5},
    "target by target": {"channel_independent": True, "target_channels": [0, 1]},
    "categories and a linear skip": {"categorical_features": [2], "linear_skip": True},
    "last value": {"window_norm": "last", "target_channels": [0, 1]},
    "window statistics": {"window_norm": "standard", "target_channels": [0, 1]},
    "quantiles": {"loss": "quantile"},
}


@pytest.mark.parametrize("kind", PARAMS)
@pytest.mark.parametrize(
    "cls", [LSTMRegressor, GRURegressor, TCNRegressor, TransformerRegressor]
)
def test_adapters_and_quantiles_are_the_same_alone_and_among_others(cls, kind):
    net = fitted(cls, **PARAMS[kind])
    X = windows(150, 24)
    assert_independent(net.predict, X)
    if kind == "quantiles":
        assert_independent(net.predict_quantiles, X)


@pytest.mark.parametrize(
    ("cls", "params"),
    [
        (LSTMRegressor, {}),
        (TransformerRegressor, {}),
        (Seq2SeqRegressor, {}),
        (LSTMRegressor, {"layer_norm": True, "hidden_sizes": (7,)}),
        (RNNRegressor, {"hidden_sizes": (5, 3)}),
    ],
)
def test_long_windows_are_the_same_alone_and_among_others(cls, params):
    assert_independent(fitted(cls, 168, **params).predict, windows(60, 168))


def test_draws_and_attention_are_the_same_alone_and_among_others():
    X = windows(60, 24)
    net = fitted(LSTMRegressor, dropout=0.5, hidden_sizes=(4, 4))
    assert_independent(lambda X: net.predict(X, return_std=True, n_draws=20)[1], X)
    for cls in (AttentionLSTMRegressor, TransformerRegressor):
        assert_independent(fitted(cls).attention_weights, X)


def module_of(net, window, n_outputs=1):
    spec = ModuleSpec(
        n_channels=2, n_steps=window, n_outputs=n_outputs, n_targets=n_outputs
    )
    return net._build_module(spec)


@pytest.mark.parametrize("window", [1, 24, 96, 720])
@every_net
def test_the_size_of_a_block_follows_from_the_module_and_the_window(cls, window):
    module = module_of(cls(), window)
    size = block_size(module, window)
    assert size == 1 or size % 16 == 0
    assert size <= LARGEST_BLOCK
    for again in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert block_size(again.train(), window) == size


def test_blocks_are_small_where_a_window_takes_long():
    """A block takes a few times as long as a window, and many windows hardly longer."""
    sizes = [
        (WindowMLPRegressor(), 24, 256),
        (LSTMRegressor(), 24, 80),
        (LSTMRegressor(hidden_sizes=(256,)), 24, 16),
        (LSTMRegressor(layer_norm=True), 24, 256),  # a call for each step and gate
        (GRURegressor(), 720, 80),
        (TransformerRegressor(), 24, 80),
        (TransformerRegressor(), 720, 1),
    ]
    for net, window, size in sizes:
        assert block_size(module_of(net, window), window) == size
    assert fitted(GRURegressor)._block_size < 256


class RoundsByPlace(torch.nn.Linear):
    """A kernel that rounds the even places of a block in another way."""

    def forward(self, x):
        last = super().forward(x[:, -1])
        is_even = torch.arange(len(x)) % 2 == 0
        return torch.where(is_even[:, None], last, last.nextafter(last + 1))


def test_windows_are_computed_one_by_one_where_places_round_differently():
    plain, by_place = torch.nn.Linear(4, 4), RoundsByPlace(4, 4)
    assert block_size(by_place, 24) == block_size(plain, 24) > 1
    assert exact_block_size(plain, 24, 4) == block_size(plain, 24)
    assert exact_block_size(by_place, 24, 4) == 1


def test_the_multiplications_of_a_window():
    def count(net, window, **more):
        return multiplications(module_of(net, window, **more), window)

    n_step = 4 * 8 * (2 + 8) + 2 * 4 * 8
    assert count(LSTMRegressor(hidden_sizes=(8,)), 10) == 10 * n_step + 9 + 1
    # Adapters use each weight once, and a step of patches is longer.
    net = fitted(LSTMRegressor, 24, hidden_sizes=(8,), patch_size=4, linear_skip=True)
    n_step = 4 * 8 * (4 * 3 + 8) + 2 * 4 * 8
    assert multiplications(net.module_, 24) == 6 * n_step + 9 * 2 + 24 * 3 * 2 + 1
    # A convolution computes no more states than the last one sees.
    tcn = TCNRegressor(channels=(4,), norm=None)
    assert count(tcn, 100) == count(tcn, 5)
    short, long = (
        count(Seq2SeqRegressor(), 50, n_outputs=n_outputs) for n_outputs in (1, 3)
    )
    assert short < long < 2 * short
