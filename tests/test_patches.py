"""Overlapping patches, and PatchTST as it was published."""

import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline
from torch import nn

import sktsdl
from sktsdl import (
    CNNRegressor,
    GRURegressor,
    LSTMRegressor,
    SlidingWindow,
    TCNRegressor,
    TransformerRegressor,
    WaveNetRegressor,
    make_supervised,
)
from sktsdl._estimator.files import from_bytes, to_bytes
from sktsdl._layers.encoder import StepBatchNorm
from sktsdl._layers.patches import Patches, n_patches
from sktsdl._training.blocks import micro_batch_size
from tests.encoders import attention, gelu, linear

RNG = np.random.default_rng(0)
WALK = 50 + RNG.normal(size=(120, 2)).cumsum(axis=0)
PATCH_TST = {
    "pooling": "flatten",
    "positions": "learned",
    "activation": "gelu",
    "norm": "batch",
    "norm_first": False,
    "channel_independent": True,
    "window_norm": "standard",
}


class Seen(nn.Module):
    def forward(self, x):
        self.patches = x
        return x[:, -1, -1:]


@pytest.mark.parametrize(
    ("window", "size", "stride", "n"),
    [
        (7, 3, 1, 6),
        (7, 3, 2, 4),
        (8, 3, 2, 4),
        (9, 4, 3, 3),
        (5, 5, 4, 2),
        (7, 3, 3, 3),
        # The published settings: 42 and 64 patches, and those for weekly illness.
        (336, 16, 8, 42),
        (512, 16, 8, 64),
        (104, 24, 2, 42),
    ],
)
def test_overlapping_patches_end_at_the_last_step(window, size, stride, n):
    x = torch.arange(4.0 * window).reshape(2, window, 2)
    inner = Seen()
    around = Patches(inner, size, stride)
    around(x)
    rows = x.numpy()
    expected = [
        [rows[:, max(step, 0)] for step in range(end - size + 1, end + 1)]
        for end in range(window - 1 - (n - 1) * stride, window, stride)
    ]
    expected = np.moveaxis(expected, 2, 0).reshape(2, n, 2 * size)
    np.testing.assert_array_equal(inner.patches, expected)
    assert n_patches(window, size, stride) == n
    assert around.input_size(window) == (1, n)
    # Each patch holds a step of the window, and every step is in a patch.
    assert set(inner.patches[0, :, ::2].ravel().tolist()) == set(rows[0, :, 0])


def test_a_stride_of_none_is_the_size_of_a_patch():
    windows = SlidingWindow(7).fit_transform(WALK)
    params = {"patch_size": 3, "max_epochs": 2, "random_state": 0}
    y = WALK[:, 0]
    whole, given, other = (
        LSTMRegressor(patch_stride=stride, **params).fit(windows, y)
        for stride in (None, 3, np.int64(2))
    )
    expected = whole.predict(windows)
    np.testing.assert_array_equal(given.predict(windows), expected)
    assert not np.array_equal(other.predict(windows), expected)
    assert other.n_parameters_ == whole.n_parameters_


@pytest.mark.parametrize("cls", [GRURegressor, TransformerRegressor])
def test_loss_steps_all_scores_the_end_of_each_overlapping_patch(cls):
    X, y = WALK[:-1], WALK[1:, 0]
    net = cls(
        loss_steps="all",
        patch_size=3,
        patch_stride=2,
        lr=1e-12,
        max_epochs=1,
        batch_size=999,
        random_state=0,
        **({"causal": True} if cls is TransformerRegressor else {}),
    ).fit(SlidingWindow(8).fit_transform(X), y)
    module = net.module_.train()
    assert module.step_ends(8).tolist() == [1, 3, 5, 7]
    rows = net._spec.channels.transform(X)
    scaled = (y - y[7:].mean()) / y[7:].std()
    errors = []
    for row in range(7, len(X)):
        window = torch.from_numpy(rows[None, row - 7 : row + 1])
        with torch.no_grad():
            outputs = module(window)[0, :, 0].numpy()
        errors.append(outputs - scaled[row - 7 : row + 1][[1, 3, 5, 7]])
    expected = np.mean(np.square(errors)) * y[7:].var()
    np.testing.assert_allclose(net.loss_curve_[0], expected, rtol=1e-3)


def test_states_of_overlapping_patches_see_no_later_step():
    X = RNG.normal(size=(20, 9, 1))
    net = GRURegressor(patch_size=4, patch_stride=3, max_epochs=1, window_norm=None)
    module = net.fit(X, X[:, 0, 0]).module_
    x = torch.randn(1, 9, 1, requires_grad=True)
    states = module.module.states(module.transform_input(x))
    for state, end in zip(states[0], module.step_ends(9).tolist(), strict=True):
        (gradient,) = torch.autograd.grad(state.sum(), x, retain_graph=True)
        assert (gradient[0, end + 1 :] == 0).all()
        assert (gradient[0, end] != 0).all()


@pytest.mark.parametrize(
    "net",
    [
        TCNRegressor(channels=(4, 4), convs_per_block=1),
        WaveNetRegressor(channels=4, dilations=(1, 2), repeats=1),
        CNNRegressor(channels=(4,), pooling="avg"),
    ],
    ids=lambda net: type(net).__name__,
)
@pytest.mark.parametrize(("size", "stride"), [(3, None), (4, 3)])
def test_receptive_fields_by_gradient(net, size, stride):
    net.set_params(patch_size=size, patch_stride=stride, max_epochs=1, window_norm=None)
    X = RNG.normal(size=(9, 40, 1))
    module = net.fit(X, X[:, 0, 0]).module_
    for weight in module.parameters():  # so that no ReLU hides a step
        nn.init.uniform_(weight, 0.01, 0.1)
    x = torch.rand(1, 40, 1, requires_grad=True)
    patches, inner = module.transform_input(x), module.module
    is_cnn = isinstance(net, CNNRegressor)
    last = inner.layers(patches.mT)[..., -1] if is_cnn else inner.states(patches)[:, -1]
    (gradient,) = torch.autograd.grad(last.sum(), x)
    seen = (gradient[0] != 0).any(dim=1)
    assert seen.sum() == net.receptive_field_
    assert seen[-net.receptive_field_ :].all()


def test_a_larger_stride_than_a_patch_is_an_error():
    windows = SlidingWindow(7).fit_transform(WALK)
    net = LSTMRegressor(patch_size=3, patch_stride=4)
    with pytest.raises(ValueError, match="patch_stride=4 is more than patch_size=3"):
        net.fit(windows, WALK[:, 0])


def test_a_warm_start_refuses_another_stride():
    windows = SlidingWindow(7).fit_transform(WALK)
    net = LSTMRegressor(patch_size=3, warm_start=True, max_epochs=1)
    net.fit(windows, WALK[:, 0]).set_params(patch_stride=2, max_epochs=2)
    with pytest.raises(ValueError, match="patch_stride=2 cannot change"):
        net.fit(windows, WALK[:, 0])


OPTIONS = ("head_dropout", "positions", "activation", "norm", "norm_first")


def test_files_without_the_parameters_are_read(tmp_path):
    X = RNG.normal(size=(40, 7, 2))
    net = TransformerRegressor(patch_size=3, max_epochs=1, random_state=0)
    net.fit(X, X[:, -1, 0]).save(tmp_path / "net")
    tensors, header = from_bytes((tmp_path / "net").read_bytes(), "net")
    for name in ("patch_stride", *OPTIONS):
        del header["params"][name]
    (tmp_path / "older").write_bytes(to_bytes(tensors, header))
    again = sktsdl.load(tmp_path / "older")
    np.testing.assert_array_equal(again.predict(X), net.predict(X))


def patch_tst(**params):
    """Fit a small PatchTST to two channels, and spread the statistics of its norms."""
    X, y, _ = make_supervised(WALK, target=[0, 1], horizon=3)
    net = TransformerRegressor(
        d_model=6,
        nhead=2,
        dim_feedforward=5,
        patch_size=4,
        patch_stride=2,
        target_channels=[0, 1],
        standardize=False,
        max_epochs=1,
        lr=1e-2,
        random_state=0,
        **PATCH_TST | params,
    )
    pipe = make_pipeline(SlidingWindow(11), net).fit(X, y)
    generator = torch.Generator().manual_seed(0)
    for norm in net.module_.modules():
        if isinstance(norm, StepBatchNorm):
            nn.init.uniform_(norm.running_var, 0.5, 2, generator=generator)
            for tensor in (norm.running_mean, norm.weight, norm.bias):
                nn.init.normal_(tensor, generator=generator)
    return net, np.array(pipe[0].transform(X))[10:]


def batch_norm(x, norm):
    mean, variance = norm.running_mean.numpy(), norm.running_var.numpy()
    scaled = (x - mean) / np.sqrt(variance + 1e-5)
    return scaled * norm.weight.detach().numpy() + norm.bias.detach().numpy()


def test_patch_tst_against_its_equations():
    net, windows = patch_tst()
    module = net.module_.double().eval()
    inner = module.module.module.module
    weights = net.module_.attention_weights(torch.from_numpy(windows[:4]))
    outputs = module(torch.from_numpy(windows[:4])).detach().numpy()
    for i, window in enumerate(windows[:4]):
        for channel in range(2):
            series = window[:, channel]
            mean, std = series.mean(), series.std()
            u = np.r_[series[0], (series - mean) / std]
            u[0] = u[1]
            patches = np.array([u[start : start + 4] for start in range(0, 9, 2)])
            h = linear(patches, inner.embed) + inner.positions.weight.detach().numpy()
            for j, layer in enumerate(inner.layers):
                attended, seen = attention(h, layer.self_attn, 2)
                np.testing.assert_allclose(
                    weights[i, channel, j].detach(), seen, rtol=1e-5
                )
                h = batch_norm(h + attended, layer.norm1)
                dense = linear(gelu(linear(h, layer.linear1)), layer.linear2)
                h = batch_norm(h + dense, layer.norm2)
            expected = mean + std * linear(h.ravel(), inner.head)
            seen = outputs[i, 3 * channel : 3 * channel + 3]
            np.testing.assert_allclose(seen, expected, rtol=1e-5)


def test_the_size_of_the_published_patch_tst():
    d, n_heads, n_layers, d_ff, n, horizon = 16, 4, 3, 128, 42, 96
    X = RNG.normal(size=(4, 336, 7))
    net = TransformerRegressor(
        d_model=d,
        nhead=n_heads,
        num_layers=n_layers,
        dim_feedforward=d_ff,
        dropout=0.3,
        patch_size=16,
        patch_stride=8,
        target_channels=list(range(7)),
        max_epochs=1,
        **PATCH_TST,
    ).fit(X, np.repeat(X[:, -1], horizon, axis=1))
    embedding = 16 * d + d + n * d
    layer = 4 * (d * d + d) + (d * d_ff + d_ff) + (d_ff * d + d) + 2 * 2 * d
    head = n * d * horizon + horizon
    assert net.n_parameters_ == embedding + n_layers * layer + head == 81_728
    assert net.predict(X).shape == (4, 672)


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_last_state_equals_the_last_of_all_states(norm, norm_first):
    X = RNG.normal(size=(12, 9, 2))
    net = TransformerRegressor(
        norm=norm, norm_first=norm_first, d_model=8, max_epochs=1, window_norm=None
    )
    module = net.fit(X, X[:, 0, 0]).module_.double()
    x = torch.from_numpy(X)
    for training in (True, False):
        module.train(training)
        torch.testing.assert_close(module.last_state(x), module.states(x)[:, -1])


@pytest.mark.parametrize("norm_first", [True, False])
def test_batch_norm_is_over_all_steps_of_all_windows(norm_first):
    layer = (
        patch_tst(norm_first=norm_first)[0]
        .module_.module.module.module.layers[0]
        .train()
    )
    seen = []
    for norm in (layer.norm1, layer.norm2):
        norm.register_forward_hook(lambda module, args, out: seen.append(out))
        nn.init.ones_(norm.weight), nn.init.zeros_(norm.bias)
    layer(torch.randn(7, 5, 6) * 3 + 2)
    for out in seen:
        flat = out.reshape(-1, 6)
        torch.testing.assert_close(flat.mean(dim=0), torch.zeros(6), atol=1e-5, rtol=0)
        variance = flat.var(dim=0, correction=0)
        torch.testing.assert_close(variance, torch.ones(6), atol=1e-3, rtol=0)


def test_batch_norm_keeps_a_batch_whole():
    X = RNG.normal(size=(9, 200, 1))
    whole, parts = (
        TransformerRegressor(norm=norm, max_epochs=1, batch_size=4096).fit(
            X, X[:, 0, 0]
        )
        for norm in ("batch", "layer")
    )
    assert micro_batch_size(whole.module_, 4096, 200) == 4096
    assert micro_batch_size(parts.module_, 4096, 200) < 4096
    with pytest.raises(ValueError, match="norm='batch' needs at least 2 windows"):
        TransformerRegressor(norm="batch").fit(X[:1], X[:1, 0, 0])


@pytest.mark.parametrize("pooling", ["last", "mean", "flatten"])
def test_head_dropout_acts_on_the_states_in_training_only(pooling):
    X = RNG.normal(size=(12, 9, 2))
    net = TransformerRegressor(
        head_dropout=0.5, pooling=pooling, d_model=8, max_epochs=1, window_norm=None
    )
    module = net.fit(X, X[:, 0, 0]).module_
    seen = []
    module.head.register_forward_hook(lambda layer, args, out: seen.append(args[0]))
    x = torch.from_numpy(X).float()
    with torch.no_grad():
        module(x), module.train()(x)
    whole, dropped = seen
    zero = dropped == 0
    assert 0.2 < zero.float().mean() < 0.8
    torch.testing.assert_close(dropped[~zero], 2 * whole[~zero])
    _, std = net.predict(X[:3], return_std=True, n_draws=10)
    assert (std > 0).all()


@pytest.mark.parametrize("params", [{}, {"norm": "layer"}, {"norm_first": True}])
def test_patch_tst_predicts_the_same_alone_and_among_others(params):
    net, windows = patch_tst(**params)
    together = net.predict(windows)
    for start, n in [(0, 1), (1, 1), (5, 3), (len(windows) - 17, 17)]:
        rows = slice(start, start + n)
        np.testing.assert_array_equal(net.predict(windows[rows]), together[rows])


def test_patch_tst_learns_and_is_saved(tmp_path):
    t = np.arange(300.0)
    data = np.column_stack([np.sin(t / 4), 3 + np.cos(t / 5)])
    X, y, _ = make_supervised(data, target=[0, 1], horizon=4)
    net = TransformerRegressor(
        d_model=8,
        nhead=2,
        patch_size=8,
        patch_stride=4,
        target_channels=[0, 1],
        head_dropout=0.1,
        lr=1e-2,
        max_epochs=10,
        random_state=0,
        **PATCH_TST,
    )
    pipe = make_pipeline(SlidingWindow(24), net).fit(X[:240], y[:240])
    assert pipe.score(X[240:], y[240:]) > 0.9
    net.save(tmp_path / "net")
    windows = pipe[0].transform(X[240:])
    again = sktsdl.load(tmp_path / "net")
    np.testing.assert_array_equal(again.predict(windows), net.predict(windows))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"positions": "none"}, "'positions' .* Got 'none'"),
        ({"norm": "group"}, "'norm' .* Got 'group'"),
        ({"activation": "tanh"}, "'activation' .* Got 'tanh'"),
        ({"head_dropout": 1.0}, "'head_dropout' .* Got 1.0"),
        (
            {"causal": True, "pooling": "flatten", "loss_steps": "all"},
            "loss_steps='all' needs a net",
        ),
    ],
)
def test_bad_options_are_an_error(params, message):
    windows = SlidingWindow(7).fit_transform(WALK)
    with pytest.raises(ValueError, match=message):
        TransformerRegressor(**params).fit(windows, WALK[:, 0])
