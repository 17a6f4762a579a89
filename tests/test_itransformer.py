"""The inverted Transformer: tokens are channels."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from torch import nn

from sktsdl import ITransformerRegressor, MultiTaskNet, SlidingWindow, make_supervised
from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._training.blocks import block_size, multiplications
from sktsdl.inspection import AttentionDisplay
from tests.encoders import attention, gelu, linear

RNG = np.random.default_rng(0)
WALK = pd.DataFrame(
    50 + RNG.normal(size=(90, 3)).cumsum(axis=0), columns=["rail", "bus", "tram"]
)
SMALL = {"d_model": 6, "nhead": 2, "dim_feedforward": 5, "max_epochs": 1}


def spread_norms(module):
    generator = torch.Generator().manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, nn.LayerNorm):
            for weight in (layer.weight, layer.bias):
                nn.init.normal_(weight, generator=generator)


def fitted(data=WALK, target=("rail", "tram"), horizon=3, known=(), **params):
    """Fit to windows of 7 rows, and return the net and the complete windows."""
    X, y, _ = make_supervised(
        data, target=list(target), horizon=horizon, known_future=list(known)
    )
    net = ITransformerRegressor(random_state=0, **SMALL | params)
    pipe = make_pipeline(SlidingWindow(7), net).fit(X, y)
    spread_norms(net.module_)
    return net, pipe[0].transform(X)[6:]


def inner_of(net):
    module = net.module_
    while hasattr(module, "module"):
        module = module.module
    return module


def layer_norm(x, norm):
    centred = x - x.mean(axis=1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    return scaled * norm.weight.detach().numpy() + norm.bias.detach().numpy()


def reference(module, tokens):
    """Return the states of one window's tokens, and the weights of each layer."""
    h, weights = tokens, []
    for layer in module.layers:
        attended, seen = attention(h, layer.self_attn, 2)
        weights.append(seen)
        h = layer_norm(h + attended, layer.norm1)
        dense = linear(gelu(linear(h, layer.linear1)), layer.linear2)
        h = layer_norm(h + dense, layer.norm2)
    return layer_norm(h, module.norm), np.array(weights)


def module_of(n_outputs, **more):
    """Return a module of two steps of two targets, in double precision."""
    spec = {
        "n_channels": 4,
        "n_steps": 9,
        "n_outputs": n_outputs,
        "n_targets": 4,
        "target_steps": (0, 1, 0, 1),
        "targets": (0, 0, 1, 1),
        "target_channels": (2, 2, 0, 0),
    } | more
    net = ITransformerRegressor(**SMALL)
    torch.manual_seed(0)
    module = net._build_module(ModuleSpec(**spec)).double().eval()
    spread_norms(module)
    return module


@pytest.mark.parametrize("n_known", [0, 2])
@pytest.mark.parametrize("n_values", [1, 3])
def test_the_module_against_its_equations(n_values, n_known):
    module = module_of(4 * n_values, n_values=n_values, n_known=n_known)
    x, known = RNG.normal(size=(5, 9, 4)), RNG.normal(size=(5, 2, 2))
    more = {"known": torch.from_numpy(known)} if n_known else {}
    outputs = module(torch.from_numpy(x), **more).detach().numpy()
    weights = module.attention_weights(torch.from_numpy(x), **more).detach().numpy()
    assert weights.shape == (5, 2, 4 + n_known, 4 + n_known)
    for i in range(5):
        tokens = linear(x[i].T, module.embed)
        if n_known:
            tokens = np.vstack([tokens, linear(known[i].T, module.embed_known)])
        h, seen = reference(module, tokens)
        ahead = linear(h, module.head)
        np.testing.assert_allclose(outputs[i], np.r_[ahead[2], ahead[0]], rtol=1e-6)
        np.testing.assert_allclose(weights[i], seen, rtol=1e-6)


FALLBACKS = {
    "unknown channels": {"n_outputs": 4, "target_channels": None},
    "one channel of two targets": {"n_outputs": 4, "target_channels": (1, 1, 1, 1)},
    "scores of classes": {"n_outputs": 7},
}


@pytest.mark.parametrize("kind", FALLBACKS)
def test_the_head_on_all_tokens(kind):
    module = module_of(**FALLBACKS[kind])
    x = RNG.normal(size=(5, 9, 4))
    outputs = module(torch.from_numpy(x)).detach().numpy()
    for i in range(5):
        h, _ = reference(module, linear(x[i].T, module.embed))
        np.testing.assert_allclose(
            outputs[i], linear(h.ravel(), module.head), rtol=1e-6
        )


def test_columns_in_any_order_find_their_step_and_channel():
    net, _ = fitted()
    assert inner_of(net).is_by_channel
    module = module_of(4)
    other = module_of(4, target_steps=(1, 0, 0, 1), target_channels=(0, 2, 0, 2))
    x = torch.from_numpy(RNG.normal(size=(5, 9, 4)))
    torch.testing.assert_close(other(x), module(x)[:, [3, 0, 2, 1]])


@pytest.mark.parametrize("params", [{}, {"patch_size": 3}, {"loss": "quantile"}])
def test_channels_without_a_target_may_change_places(params):
    """A token does not know its place: only a target's channel counts."""
    net, windows = fitted(
        target=["rail"], window_norm=None, standardize=False, **params
    )
    windows = np.array(windows)
    swapped = net.predict(windows[..., [0, 2, 1]])
    np.testing.assert_allclose(swapped, net.predict(windows), atol=1e-5)
    assert not np.allclose(net.predict(windows[..., [1, 0, 2]]), net.predict(windows))


@pytest.mark.parametrize("params", [{}, {"patch_stride": 2}])
def test_patches_are_the_steps_of_a_channel_again(params):
    """Patches of 7 steps are the window itself, or begin with its first value."""
    whole, windows = fitted(window_norm=None)
    joined, _ = fitted(window_norm=None, patch_size=7, **params)
    if not params:
        np.testing.assert_array_equal(joined.predict(windows), whole.predict(windows))
    n_steps = 14 if params else 7
    assert inner_of(joined).embed.in_features == n_steps
    assert joined.attention_weights(windows).shape == (len(windows), 2, 3, 3)


def test_unknown_targets_use_all_channels():
    X = RNG.normal(size=(40, 7, 3))
    net = ITransformerRegressor(window_norm=None, random_state=0, **SMALL)
    net.fit(X, RNG.normal(size=(40, 2)))
    assert not inner_of(net).is_by_channel
    for channel in range(3):
        other = X.copy()
        other[..., channel] += 1
        assert (np.abs(net.predict(other) - net.predict(X)) > 1e-6).all()


def test_the_number_of_weights():
    d, n_layers, d_ff, look_back, horizon = 256, 2, 256, 96, 96
    X = RNG.normal(size=(4, look_back, 7))
    net = ITransformerRegressor(
        d_model=d,
        nhead=8,
        num_layers=n_layers,
        dim_feedforward=d_ff,
        window_norm="standard",
        target_channels=list(range(7)),
        max_epochs=1,
    ).fit(X, np.repeat(X[:, -1], horizon, axis=1))
    layer = 4 * (d * d + d) + (d * d_ff + d_ff) + (d_ff * d + d) + 2 * 2 * d
    ends = (look_back * d + d) + 2 * d + (d * horizon + horizon)
    assert net.n_parameters_ == n_layers * layer + ends == 841_568
    plain = clone(net).set_params(window_norm=None).fit(X, np.repeat(X[:, -1], 96, 1))
    assert plain.n_parameters_ == 841_568
    default = ITransformerRegressor(max_epochs=1).fit(X[:, :24, :1], X[:, 23, 0])
    assert default.n_parameters_ == 68_737  # as docs/tuning.md says


def test_channels_known_ahead_are_tokens():
    data = WALK.assign(load=RNG.normal(size=len(WALK)), kind=np.arange(len(WALK)) % 3)
    params = {"categorical_features": ["kind"], "window_norm": None}
    net, windows = fitted(data, known=["load", "kind"], **params)
    module = inner_of(net)
    assert module.embed_known.in_features == 3
    n_tokens = 3 + 2 * (1 + 2)  # the past and the future; codes have two parts
    weights = net.attention_weights(windows)
    assert weights.shape == (len(windows), 2, n_tokens, n_tokens)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)
    moved = windows.copy()
    moved[:, -1, list(net.feature_names_in_).index("load+2")] += 1
    assert (np.abs(net.predict(moved) - net.predict(windows)) > 1e-7).all()
    assert not np.allclose(net.attention_weights(moved), weights)
    each, _ = fitted(
        data,
        known=["load", "kind"],
        channel_independent=True,
        target_channels=["rail", "tram"],
        linear_skip=True,
        patch_size=2,
        **params,
    )
    assert each.attention_weights(windows).shape == (len(windows), 2, 2, 8, 8)


def test_known_values_ahead_are_learned():
    load = RNG.normal(size=400)
    data = pd.DataFrame({"y": 2 * load, "load": load})
    X, y, _ = make_supervised(data, target="y", horizon=3, known_future="load")
    net = ITransformerRegressor(
        d_model=16, lr=1e-2, max_epochs=20, window_norm=None, random_state=0
    )
    pipe = make_pipeline(SlidingWindow(4), net).fit(X[:300], y[:300])
    assert pipe.score(X[300:], y[300:]) > 0.9


def test_a_channel_that_follows_another_one_is_learned():
    noise = RNG.normal(size=401)
    data = pd.DataFrame({"follower": noise[:-1], "leader": noise[1:]})
    X, y, _ = make_supervised(data, target="follower")
    net = ITransformerRegressor(
        d_model=16, lr=1e-2, max_epochs=20, window_norm=None, random_state=0
    )
    pipe = make_pipeline(SlidingWindow(3), net).fit(X[:300], y[:300])
    assert inner_of(net).is_by_channel
    assert pipe.score(X[300:], y[300:]) > 0.9


def test_targets_of_classes():
    X = RNG.normal(size=(40, 7, 2))
    y = pd.DataFrame({"level": X[:, -1, 0], "sign": np.sign(X[:, -1, 1]).astype(int)})
    tasks = {"level": "regression", "sign": "classification"}
    net = MultiTaskNet(ITransformerRegressor(**SMALL), tasks=tasks).fit(X, y)
    assert set(net.predict(X)["sign"]) <= {-1, 1}


@pytest.mark.parametrize("n_known", [0, 2])
def test_predictions_and_weights_are_the_same_alone_and_among_others(n_known):
    data = WALK.assign(load=RNG.normal(size=len(WALK)), kind=RNG.normal(size=len(WALK)))
    net, windows = fitted(data, known=["load", "kind"][:n_known], d_model=64, nhead=4)
    for evaluate in (net.predict, net.attention_weights):
        together = evaluate(windows)
        for start, n in [(0, 1), (1, 1), (5, 3), (len(windows) - 17, 17)]:
            rows = slice(start, start + n)
            np.testing.assert_array_equal(evaluate(windows[rows]), together[rows])


def test_the_multiplications_of_a_window():
    module = module_of(12, n_values=3, n_known=2)
    embed, ahead, head = 10 * 6, 3 * 6, 7 * 6
    layer = 4 * 7 * 6 + 7 * 5 + 6 * 6 + 4 * 6
    attention = 2 * 2 * 6**2 * 6
    of_tokens = 6 * (embed + 2 * layer + 12) + 2 * ahead
    assert multiplications(module, 9) == of_tokens + attention + 2 * head + 1
    wide = module_of(4, n_channels=400, target_channels=(2, 2, 0, 0))
    assert wide.buffer_bytes_per_window(9) == 100 * module_of(
        4
    ).buffer_bytes_per_window(9)
    assert block_size(wide, 9) < block_size(module, 9)


def test_the_picture_of_attention_is_of_steps():
    X, y, _ = make_supervised(WALK, target="rail")
    pipe = make_pipeline(SlidingWindow(7), ITransformerRegressor(**SMALL)).fit(X, y)
    with pytest.raises(TypeError, match="ITransformerRegressor attends to channels"):
        AttentionDisplay.from_estimator(pipe, X)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"nhead": 4}, "nhead=4 does not divide d_model=6"),
        ({"num_layers": 0}, "'num_layers' .* Got 0"),
        ({"dropout": 1.0}, "'dropout' .* Got 1.0"),
        ({"loss_steps": "all"}, "this ITransformerRegressor is not one"),
    ],
)
def test_bad_parameters_are_an_error(params, message):
    with pytest.raises(ValueError, match=message):
        fitted(**params)
