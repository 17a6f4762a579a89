"""N-HiTS against its equations."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline
from torch import nn

from sktsdl import MultiTaskNet, NHiTSRegressor, SlidingWindow, make_supervised
from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl.architectures.nhits import between_knots

RNG = np.random.default_rng(0)


def nhits(**params):
    return NHiTSRegressor(
        **{"hidden_size": 8, "max_epochs": 2, "random_state": 0} | params
    )


def spec_of(n_steps, n_ahead, n_channels=1):
    return ModuleSpec(
        n_channels=n_channels,
        n_steps=n_steps,
        n_outputs=n_ahead,
        n_targets=n_ahead,
        target_steps=tuple(range(n_ahead)),
        targets=(0,) * n_ahead,
    )


def interpolated(knots, n_steps):
    """Lines between knots that lie evenly from the first step to the last."""
    if len(knots) == 1:
        return np.full(n_steps, knots[0])
    return np.interp(np.arange(n_steps), np.linspace(0, n_steps - 1, len(knots)), knots)


@pytest.mark.parametrize("steps_per_knot", [1, 2, 3, 24])
@pytest.mark.parametrize("n_steps", [1, 2, 3, 7, 24])
def test_lines_between_knots(n_steps, steps_per_knot):
    basis = between_knots(n_steps, steps_per_knot=steps_per_knot).numpy()
    n_knots = int(np.ceil(n_steps / steps_per_knot))
    assert basis.shape == (n_knots, n_steps)
    for knot, row in enumerate(basis):
        assert_allclose(row, interpolated(np.eye(n_knots)[knot], n_steps), atol=1e-6)


def dense(linear, h):
    return linear.weight.detach().numpy() @ h + linear.bias.detach().numpy()


def pooled(x, size):
    """The maximum of each group of steps, (channels, groups), from the last step on."""
    groups = []
    for end in range(x.shape[1], 0, -size):
        groups.insert(0, x[:, max(end - size, 0) : end].max(axis=1))
    return np.stack(groups, axis=1)


def reference(module, x, known, columns, n_values, pool_sizes, steps_per_knot):
    """The output for one window, (time, channels), from the paper."""
    n_ahead = max(step for step, _ in columns) + 1
    n_targets = max(target for _, target in columns) + 1
    x = x.T
    output = 0
    for stack, size, steps in zip(
        module.stacks, pool_sizes, steps_per_knot, strict=True
    ):
        for block in stack:
            h = np.concatenate([pooled(x, size).ravel(), known.ravel()])
            for layer in block.layers:
                if isinstance(layer, nn.Linear):
                    h = np.maximum(dense(layer, h), 0)
            theta = dense(block.forecast.linear, h).reshape(n_targets * n_values, -1)
            assert theta.shape[1] == int(np.ceil(n_ahead / steps))
            ahead = [interpolated(knots, n_ahead) for knots in theta]
            output = output + np.array(
                [
                    ahead[target * n_values + value][step]
                    for step, target in columns
                    for value in range(n_values)
                ]
            )
            if block.backcast is not None:
                theta = dense(block.backcast.linear, h).reshape(len(x), -1)
                x = x - [interpolated(knots, x.shape[1]) for knots in theta]
    return output


@pytest.mark.parametrize("n_values", [1, 3])
@pytest.mark.parametrize("n_known", [0, 2])
@pytest.mark.parametrize(
    ("pool_sizes", "steps"), [((3, 2, 1), (4, 2, 1)), ((9, 1), (99, 3)), ((2,), (2,))]
)
@pytest.mark.parametrize("n_steps", [1, 7])
def test_a_net_against_its_equations(n_steps, pool_sizes, steps, n_known, n_values):
    columns = [(0, 0), (1, 0), (0, 1), (1, 1), (2, 1), (4, 0), (5, 0), (2, 0)]
    spec = ModuleSpec(
        n_channels=3,
        n_steps=n_steps,
        n_outputs=len(columns) * n_values,
        n_targets=len(columns),
        n_values=n_values,
        n_known=n_known,
        target_steps=tuple(step for step, _ in columns),
        targets=tuple(target for _, target in columns),
    )
    net = nhits(pool_sizes=pool_sizes, n_freq_downsample=steps, n_blocks=2)
    module = net._build_module(spec).double()
    x = torch.randn(4, n_steps, 3, dtype=torch.float64)
    known = torch.randn(4, 6, n_known, dtype=torch.float64)
    with torch.no_grad():
        found = module(x, known if n_known else None)
    for row in range(4):
        expected = reference(
            module, x[row].numpy(), known[row].numpy(), columns, n_values,
            pool_sizes, steps,
        )  # fmt: skip
        assert_allclose(found[row], expected, rtol=1e-5, atol=1e-6)


def n_weights(T, C, H, *, pools, steps, n_blocks, width, n_layers):
    total = 0
    for pool, each in zip(pools, steps, strict=True):
        n_in = -(-T // min(pool, T)) * C
        n_out = -(-T // each) * C + -(-H // each)
        hidden = (n_in + 1) * width + (n_layers - 1) * (width + 1) * width
        total += n_blocks * (hidden + (width + 1) * n_out)
    return total - (width + 1) * -(-T // steps[-1]) * C  # of the last backcast


DEFAULT = {"pools": (2, 2, 1), "steps": (4, 2, 1), "n_blocks": 1, "width": 64}


@pytest.mark.parametrize("horizon", [1, 12, 720])
def test_the_number_of_weights(horizon):
    module = NHiTSRegressor()._build_module(spec_of(24, horizon))
    expected = n_weights(24, 1, horizon, **DEFAULT, n_layers=2)
    assert sum(w.numel() for w in module.parameters()) == expected
    sizes = {"pools": (16, 8, 1), "steps": (168, 24, 1), "n_blocks": 2, "width": 512}
    net = NHiTSRegressor(
        pool_sizes=sizes["pools"],
        n_freq_downsample=sizes["steps"],
        n_blocks=2,
        hidden_size=512,
        num_layers=3,
    )
    module = net._build_module(spec_of(100, horizon, n_channels=7))
    expected = n_weights(100, 7, horizon, **sizes, n_layers=3)
    assert sum(w.numel() for w in module.parameters()) == expected


def test_a_stack_with_few_knots_forecasts_lines():
    net = nhits(pool_sizes=(2,), n_freq_downsample=(6,), window_norm=None)
    X = RNG.normal(size=(40, 12, 2))
    outputs = net.fit(X, X[:, :, 0])._evaluate(X)  # 2 knots
    assert np.ptp(outputs, axis=1).min() > 1e-4
    assert_allclose(np.diff(outputs, 2), 0, atol=1e-5)
    net.set_params(n_freq_downsample=(12,)).fit(X, X[:, :, 0])  # 1 knot
    assert_allclose(np.ptp(net._evaluate(X), axis=1), 0, atol=1e-5)


def test_pools_larger_than_the_window():
    X = RNG.normal(size=(40, 3, 2))
    nets = [nhits(pool_sizes=(size, 1, 1)).fit(X, X[:, 0, 0]) for size in (3, 50)]
    np.testing.assert_array_equal(nets[0].predict(X), nets[1].predict(X))


def test_patches_are_steps_again():
    X = RNG.normal(size=(40, 12, 2))
    plain, patched = (
        nhits(patch_size=size, window_norm=None).fit(X, X[:, -4:, 0]) for size in (1, 4)
    )
    assert patched.n_parameters_ == plain.n_parameters_
    assert_allclose(patched.predict(X), plain.predict(X), rtol=1e-5)


def test_scores_of_classes_are_not_interpolated():
    X = RNG.normal(size=(60, 6, 1))
    y = pd.DataFrame({"third": np.digitize(X[:, -1, 0], [-0.4, 0.4])})
    net = nhits(n_freq_downsample=(9, 9, 9), lr=1e-2, max_epochs=30)
    model = MultiTaskNet(net, tasks={"third": "classification"}).fit(X, y)
    assert (model.predict(X) == y).to_numpy().mean() > 0.7


def test_a_net_learns_a_season():
    t = np.arange(400.0)
    data = pd.DataFrame({"y": 0.5 * t + 10 * np.sin(2 * np.pi * t / 12)})
    X, y, _ = make_supervised(data, target="y", horizon=12)
    net = NHiTSRegressor(lr=5e-3, max_epochs=25, random_state=0)
    pipe = make_pipeline(SlidingWindow(24), net).fit(X[:300], y[:300])
    assert pipe.score(X[300:], y[300:]) > 0.95


def test_dropout_can_draw():
    X = RNG.normal(size=(40, 6, 1))
    net = nhits(dropout=0.5).fit(X, X[:, 0, 0])
    assert (net.predict(X, return_std=True, n_draws=20)[1] > 0).all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"pool_sizes": (2, 1)},
            r"pool_sizes=\(2, 1\) has 2 values and n_freq_downsample=\(4, 2, 1\) has 3",
        ),
        ({"pool_sizes": (2, 0, 1)}, r"'pool_sizes' .* Got \(2, 0, 1\)"),
        ({"n_freq_downsample": ()}, r"'n_freq_downsample' .* non-empty .* Got \(\)"),
        ({"n_blocks": 0}, "'n_blocks' .* Got 0"),
        ({"num_layers": 0}, "'num_layers' .* Got 0"),
        ({"hidden_size": 0.5}, "'hidden_size' .* Got 0.5"),
        ({"dropout": 1.0}, "'dropout' .* Got 1.0"),
    ],
    ids=str,
)
def test_bad_parameters_are_an_error(params, message):
    X = RNG.normal(size=(20, 6, 2))
    with pytest.raises(ValueError, match=message):
        nhits(**params).fit(X, X[:, 0, 0])
