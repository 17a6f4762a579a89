"""TSMixer against the equations of its paper, without known values and with them."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from torch import nn

from sktsdl import MultiTaskNet, SlidingWindow, TSMixerRegressor, make_supervised
from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl.architectures.tsmixer import FeatureMixing, Mixing, TimeMixing

RNG = np.random.default_rng(0)
# Two targets, one after the other, the second at the first and the last step only.
STEPS, TARGETS, CHANNELS = (0, 1, 2, 0, 2), (0, 0, 0, 1, 1), (2, 2, 2, 0, 0)
NORMS = pytest.mark.parametrize("norm", ["layer", "batch"])


def randomized(module):
    """Return the module in double precision, with random norms and statistics."""
    for layer in module.modules():
        if isinstance(layer, nn.LayerNorm | nn.BatchNorm1d):
            nn.init.normal_(layer.weight), nn.init.normal_(layer.bias)
        if isinstance(layer, nn.BatchNorm1d):
            nn.init.normal_(layer.running_mean)
            nn.init.uniform_(layer.running_var, 0.5, 2.0)
    return module.double().eval()


def module_of(net, *, n_known=0, n_values=1, n_steps=7, n_channels=4, **spec):
    torch.manual_seed(0)
    spec = {"target_steps": STEPS, "targets": TARGETS} | spec
    n_targets = len(spec["target_steps"])
    return randomized(
        net._build_module(
            ModuleSpec(
                n_channels=n_channels,
                n_steps=n_steps,
                n_outputs=spec.pop("n_outputs", n_targets * n_values),
                n_targets=n_targets,
                n_values=n_values,
                n_known=n_known,
                **spec,
            )
        )
    )


def weights(layer):
    return [p.detach().numpy() for p in layer.parameters()]


def reference_norm(layer, x):
    """The norm of one window, (steps, features), over both."""
    layer = layer[1]
    gain, shift = (part.reshape(x.shape) for part in weights(layer))
    if isinstance(layer, nn.LayerNorm):
        mean, var = x.mean(), x.var()
    else:
        mean = layer.running_mean.numpy().reshape(x.shape)
        var = layer.running_var.numpy().reshape(x.shape)
    return (x - mean) / np.sqrt(var + 1e-5) * gain + shift


def reference_time(layer, x):
    """Equation (1), for one window."""
    W, b = weights(layer.dense)
    return x + np.maximum(W @ reference_norm(layer.norm, x) + b[:, None], 0)


def reference_features(layer, x):
    """Equation (2), for one window."""
    W_2, b_2, W_3, b_3 = weights(layer.dense)
    hidden = np.maximum(reference_norm(layer.norm, x) @ W_2.T + b_2, 0)
    of_shortcut = weights(layer.shortcut)
    return (x @ of_shortcut[0].T if of_shortcut else x) + hidden @ W_3.T + b_3


def reference_known(layer, x, known):
    """Equation (5), for one window."""
    joined = np.concatenate([x, reference_features(layer.known, known)], axis=1)
    return reference_features(layer.joined, joined)


@NORMS
def test_time_mixing_against_its_equation(norm):
    torch.manual_seed(0)
    layer = randomized(TimeMixing(5, 3, Mixing(4, norm, 0.0)))
    x = RNG.normal(size=(2, 5, 3))
    seen = layer(torch.from_numpy(x)).detach().numpy()
    for row in range(2):
        np.testing.assert_allclose(seen[row], reference_time(layer, x[row]), rtol=1e-9)


@NORMS
@pytest.mark.parametrize("n_out", [3, 6])
def test_feature_mixing_against_its_equation(norm, n_out):
    torch.manual_seed(0)
    layer = randomized(FeatureMixing(5, 3, n_out, Mixing(4, norm, 0.0)))
    x = RNG.normal(size=(2, 5, 3))
    seen = layer(torch.from_numpy(x)).detach().numpy()
    for row in range(2):
        expected = reference_features(layer, x[row])
        np.testing.assert_allclose(seen[row], expected, rtol=1e-9)


def test_batch_norm_is_of_each_value_over_the_batch():
    layer = TimeMixing(5, 3, Mixing(4, "batch", 0.0)).double()
    x = torch.randn(6, 5, 3).double()
    normed = layer.norm(x).detach()
    expected = (x - x.mean(dim=0)) / (x.var(dim=0, unbiased=False) + 1e-5).sqrt()
    torch.testing.assert_close(normed, expected)


def reference_mixed(module, x):
    time, features = module.layers[::2], module.layers[1::2]
    for mix_time, mix_features in zip(time, features, strict=True):
        x = reference_features(mix_features, reference_time(mix_time, x))
    return x


@NORMS
@pytest.mark.parametrize("n_values", [1, 2])
def test_each_target_is_read_from_its_channel(norm, n_values):
    net = TSMixerRegressor(num_blocks=3, ff_dim=5, norm=norm)
    module = module_of(net, n_values=n_values, target_channels=CHANNELS)
    x = RNG.normal(size=(2, 7, 4))
    seen = module(torch.from_numpy(x)).detach().numpy()
    W, b = weights(module.head)
    assert W.shape == (3 * n_values, 7)
    for row in range(2):
        ahead = W @ reference_mixed(module, x[row]) + b[:, None]
        ahead = ahead.reshape(3, n_values, 4)
        expected = ahead[list(STEPS), :, list(CHANNELS)].ravel()
        np.testing.assert_allclose(seen[row], expected, rtol=1e-8)


@pytest.mark.parametrize(
    "spec",
    [
        {"target_channels": None},
        {"target_channels": CHANNELS, "patch_size": 2},
        {"target_channels": CHANNELS, "n_outputs": 8},  # scores of classes
        {"target_steps": (), "targets": (), "n_outputs": 3},
    ],
    ids=str,
)
def test_without_channels_the_outputs_are_linear_in_all_values(spec):
    module = module_of(TSMixerRegressor(ff_dim=5), **spec)
    x = RNG.normal(size=(2, 7, 4))
    seen = module(torch.from_numpy(x)).detach().numpy()
    W, b = weights(module.head)
    assert W.shape == (spec.get("n_outputs", 5), 4 * 7)
    for row in range(2):
        expected = W @ reference_mixed(module, x[row]).T.ravel() + b
        np.testing.assert_allclose(seen[row], expected, rtol=1e-8)


@NORMS
@pytest.mark.parametrize("n_values", [1, 2])
def test_the_extended_net_against_its_equations(norm, n_values):
    net = TSMixerRegressor(num_blocks=3, ff_dim=5, norm=norm)
    module = module_of(net, n_known=2, n_values=n_values)
    x, known = RNG.normal(size=(2, 7, 4)), RNG.normal(size=(2, 3, 2))
    seen = module(torch.from_numpy(x), known=torch.from_numpy(known))
    W, b = weights(module.project)
    W_o, b_o = weights(module.head)
    for row in range(2):
        h = W @ x[row] + b[:, None]
        h = reference_known(module.align, h, known[row])
        for time, features in zip(module.time, module.features, strict=True):
            h = reference_known(features, reference_time(time, h), known[row])
        steps = (h @ W_o.T + b_o).reshape(3, 2, n_values)
        expected = steps[list(STEPS), list(TARGETS)].ravel()
        np.testing.assert_allclose(seen[row].detach(), expected, rtol=1e-8)


def n_time(n_steps, n_features):
    return n_steps * (n_steps + 1) + 2 * n_steps * n_features


def n_feature(n_steps, n_in, n_out, ff_dim):
    shortcut = n_in * n_out if n_in != n_out else 0
    dense = (n_in + 1) * ff_dim + (ff_dim + 1) * n_out
    return dense + shortcut + 2 * n_steps * n_in


@NORMS
def test_the_number_of_weights(norm):
    # The sizes of the paper: a window of 512 rows and 7 channels, 96 steps ahead.
    net = TSMixerRegressor(num_blocks=4, ff_dim=32, norm=norm)
    module = module_of(
        net,
        n_steps=512,
        n_channels=7,
        target_steps=tuple(range(96)) * 7,
        targets=tuple(np.repeat(range(7), 96)),
        target_channels=tuple(np.repeat(range(7), 96)),
    )
    each = n_time(512, 7) + n_feature(512, 7, 7, 32)
    expected = 4 * each + 513 * 96
    assert sum(p.numel() for p in module.parameters()) == expected


def test_channels_that_are_named_have_their_own_outputs():
    X = RNG.normal(size=(20, 7, 3))
    net = TSMixerRegressor(max_epochs=1, window_norm=None, target_channels=[2, 0])
    net.fit(X, X[:, -1, [2, 0]])
    assert net.target_channels_ == (2, 0)
    without = clone(net).set_params(target_channels=None).fit(X, X[:, -1, [2, 0]])
    assert without.n_parameters_ - net.n_parameters_ == (3 * 7 + 1) * 2 - (7 + 1)


def test_the_number_of_weights_of_the_extended_net():
    # The steps of the paper for M5: windows of 35 days, 28 days ahead.
    net = TSMixerRegressor(num_blocks=3, ff_dim=64)
    steps = {"target_steps": tuple(range(28)), "targets": (0,) * 28}
    module = module_of(net, n_steps=35, n_channels=2, n_known=10, **steps)
    known = n_feature(28, 10, 64, 64)
    each = n_time(28, 64) + known + n_feature(28, 2 * 64, 64, 64)
    align = known + n_feature(28, 2 + 64, 64, 64)
    expected = 36 * 28 + align + 3 * each + 65
    assert sum(p.numel() for p in module.parameters()) == expected


def test_the_number_of_weights_by_default():
    net = TSMixerRegressor(max_epochs=1).fit(RNG.normal(size=(9, 24, 1)), np.arange(9))
    assert net.n_parameters_ == 2 * (n_time(24, 1) + n_feature(24, 1, 1, 64)) + 25


@pytest.mark.parametrize(
    "spec", [{"n_known": 2}, {"target_channels": CHANNELS}, {}], ids=str
)
def test_the_multiplications_of_a_window(spec):
    module = module_of(TSMixerRegressor(ff_dim=5), **spec)
    counted = []

    def count(layer, args, output):
        bias = 0 if layer.bias is None else 1
        counted.append(output.numel() * (layer.in_features + bias))

    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            layer.register_forward_hook(count)
    known = {"known": torch.zeros(1, 3, 2).double()} if "n_known" in spec else {}
    module(torch.zeros(1, 7, 4).double(), **known)
    assert module.multiplications(7) == sum(counted)


def test_initial_weights_leave_the_norms_alone():
    X = RNG.normal(size=(20, 6, 2))
    net = TSMixerRegressor(weight_init="orthogonal", lr=1e-12, max_epochs=1)
    module = net.fit(X, X[:, -1, 0]).module_
    norms = [m for m in module.modules() if isinstance(m, nn.LayerNorm)]
    assert len(norms) == 4
    for norm in norms:
        torch.testing.assert_close(norm.weight.data, torch.ones(12))


def test_a_batch_of_one_window_needs_the_layer_norm():
    X, y = RNG.normal(size=(1, 6, 2)), np.ones(1)
    assert np.isfinite(TSMixerRegressor(max_epochs=1).fit(X, y).predict(X)).all()
    with pytest.raises(ValueError, match=r"norm='batch' needs at least 2 windows"):
        TSMixerRegressor(norm="batch").fit(X, y)


@pytest.mark.parametrize(
    "params", [{"norm": "batch"}, {"norm": "layer", "dropout": 0.1}], ids=str
)
def test_options_train(params):
    X = RNG.normal(size=(200, 9, 2))
    y = X[:, -1, 0] + X[:, -2, 1]
    net = TSMixerRegressor(ff_dim=8, lr=2e-2, max_epochs=12, random_state=0, **params)
    assert net.fit(X, y).score(X, y) > 0.7
    np.testing.assert_allclose(net.predict(X[:1]), net.predict(X)[:1], rtol=1e-6)


def test_dropout_is_in_training_only():
    module = module_of(TSMixerRegressor(dropout=0.5), n_known=2)
    x, known = torch.randn(1, 7, 4).double(), torch.randn(1, 3, 2).double()
    assert torch.equal(module(x, known=known), module(x, known=known))
    module.train()
    assert not torch.equal(module(x, known=known), module(x, known=known))


@NORMS
def test_the_net_learns_from_known_columns(norm):
    load = RNG.normal(size=400)
    data = pd.DataFrame({"y": 2 * load + 0.1 * RNG.normal(size=400), "load": load})
    X, y, _ = make_supervised(data, target="y", horizon=3, known_future="load")
    net = TSMixerRegressor(
        num_blocks=1,
        ff_dim=16,
        norm=norm,
        lr=2e-2,
        max_epochs=8,
        window_norm=None,
        random_state=0,
    )
    errors = []
    for columns in (X, X[["y", "load"]]):
        pipe = make_pipeline(SlidingWindow(4), clone(net))
        pipe.fit(columns[:300], y[:300])
        wrong = (pipe.predict(columns[300:]) - y[300:].to_numpy()) ** 2
        errors.append(wrong.mean(axis=0))
    assert (errors[0] < 0.1 * errors[1]).all()


def test_all_mixing_layers_see_static_features():
    """In a panel, the effect of the known column depends on the static one."""
    parts = []
    for series, effect in enumerate((-1.0, 0.0, 2.0)):
        known = RNG.normal(size=120)
        y = effect * known + 0.1 * RNG.normal(size=120)
        parts.append(
            pd.DataFrame({"shop": series, "y": y, "promo": known, "kind": effect})
        )
    data = pd.concat(parts).reset_index(names="t").set_index(["shop", "t"])
    X, y, _ = make_supervised(data, target="y", horizon=2, known_future="promo")
    net = TSMixerRegressor(
        num_blocks=1,
        ff_dim=16,
        static_features=["kind"],
        lr=2e-2,
        max_epochs=10,
        window_norm=None,
        random_state=0,
    )
    pipe = make_pipeline(SlidingWindow(4), net).fit(X, y)
    assert pipe.score(X, y) > 0.9
    assert pipe[-1].module_.module.features[0].known.dense[0].in_features == 2


def test_scores_of_classes():
    X = RNG.normal(size=(60, 5, 2))
    y = pd.DataFrame({"a": X[:, -1, 0], "b": np.where(X[:, -1, 1] > 0, "up", "down")})
    tasks = {"a": "regression", "b": "classification"}
    net = TSMixerRegressor(ff_dim=8, lr=2e-2, max_epochs=12, random_state=0)
    fitted = MultiTaskNet(net, tasks=tasks).fit(X, y)
    assert (fitted.predict(X)["b"] == y["b"]).mean() > 0.8


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"num_blocks": 0}, "'num_blocks' .* Got 0"),
        ({"ff_dim": 0}, "'ff_dim' .* Got 0"),
        ({"norm": None}, "'norm' .* Got None"),
        ({"norm": "instance"}, "'norm' .* Got 'instance'"),
        ({"dropout": 1.0}, "'dropout' .* Got 1.0"),
    ],
)
def test_bad_parameters_are_an_error(params, message):
    X = RNG.normal(size=(12, 9, 2))
    with pytest.raises(ValueError, match=message):
        TSMixerRegressor(**params).fit(X, X[:, 0, 0])
