"""Adapters around a module: window_norm, channel_independent, linear_skip, patches."""

import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline
from torch import nn

from sktsdl import (
    AttentionLSTMRegressor,
    CNNLSTMRegressor,
    LSTMRegressor,
    Seq2SeqRegressor,
    SlidingWindow,
    make_supervised,
)
from sktsdl._layers.adapters import ChannelIndependent, LinearSkip
from sktsdl._layers.patches import Patches
from sktsdl._layers.window_norm import WindowNorm
from tests.nets import SMALL, net_fixture
from tests.series import levels

RNG = np.random.default_rng(0)
WALK = 50 + RNG.normal(size=(120, 2)).cumsum(axis=0)
X, Y, _ = make_supervised(WALK, target=0, horizon=2)
WINDOWS = SlidingWindow(6).fit_transform(X)

net = net_fixture(SMALL | {Seq2SeqRegressor: {"hidden_size": 4}}, max_epochs=2)


def relative(windows, window_norm):
    """Return the level and the spread of each window, and the window relative to it."""
    if window_norm == "last":
        return windows[:, -1:], np.ones_like(windows[:, -1:])
    if window_norm == "mean":
        return np.zeros_like(windows[:, -1:]), np.abs(windows).mean(1, keepdims=True)
    return windows.mean(axis=1, keepdims=True), windows.std(axis=1, keepdims=True)


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("window_norm", ["last", "standard", "mean"])
def test_window_norm_against_its_equations(net, window_norm, standardize):
    fitted = net(window_norm=window_norm, standardize=standardize).fit(WINDOWS, Y)
    complete = np.asarray(WINDOWS[5:])
    level, spread = relative(complete, window_norm)
    channel_scale = X.std(axis=0) if standardize else np.ones(2)
    target_scale = Y[5:].std(axis=0) if standardize else np.ones(2)
    inside = (complete - level) / (channel_scale if window_norm == "last" else spread)
    with torch.no_grad():
        output = fitted.module_.module(torch.from_numpy(inside).float()).numpy()
    scale = target_scale if window_norm == "last" else spread[:, 0, :1]
    np.testing.assert_allclose(
        fitted.predict(complete), level[:, 0, :1] + scale * output, rtol=1e-3
    )


def test_window_norm_follows_a_new_level(net):
    fitted = net(window_norm="last").fit(WINDOWS, Y)
    np.testing.assert_allclose(
        fitted.predict(WINDOWS + 1000), fitted.predict(WINDOWS) + 1000, rtol=1e-5
    )
    fitted = net(window_norm="standard").fit(WINDOWS, Y)
    np.testing.assert_allclose(
        fitted.predict(3 * WINDOWS + 1000),
        3 * fitted.predict(WINDOWS) + 1000,
        rtol=1e-3,
    )


def test_window_norm_by_the_mean_follows_a_new_scale(net):
    counts = np.round(np.abs(X) * 5)
    windows = SlidingWindow(6).fit_transform(counts)
    fitted = net(window_norm="mean").fit(windows, counts[:, 0])
    complete = np.asarray(windows[5:])
    found = fitted.predict(100 * complete)
    np.testing.assert_allclose(found, 100 * fitted.predict(complete), rtol=1e-3)
    assert np.isfinite(fitted.predict(0 * complete)).all()


@pytest.mark.parametrize("window_norm", ["last", "standard"])
def test_each_target_channel_moves_its_own_targets(window_norm):
    rows, y, _ = make_supervised(levels(80)[0], target=["rail", "bus"], horizon=3)
    pipe = make_pipeline(
        SlidingWindow(5),
        LSTMRegressor(
            hidden_sizes=(4,),
            max_epochs=1,
            window_norm=window_norm,
            target_channels=["rail", "bus"],
            random_state=0,
        ),
    ).fit(rows, y)
    assert pipe[-1].module_.origins.tolist() == [0, 0, 0, 1, 1, 1]
    windows = np.asarray(pipe[0].transform(rows))[4:]
    for channel, targets in ((0, slice(0, 3)), (1, slice(3, 6))):
        moved = windows.copy()
        moved[:, :, channel] += 7
        change = pipe[-1].predict(moved) - pipe[-1].predict(windows)
        expected = np.zeros(6)
        expected[targets] = 7
        expected = np.tile(expected, (len(windows), 1))
        np.testing.assert_allclose(change, expected, atol=1e-3)


def test_window_norm_leaves_categorical_channels_unchanged():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, size=(len(X), 1))
    windows = SlidingWindow(6).fit_transform(np.hstack([X, codes]))
    fitted = AttentionLSTMRegressor(
        max_epochs=1,
        window_norm="standard",
        categorical_features=[2],
        random_state=0,
    ).fit(windows, Y)
    other = np.asarray(windows[5:]).copy()
    other[:, :, 2] = (other[:, :, 2] + 1) % 3
    assert not np.allclose(fitted.predict(other), fitted.predict(windows[5:]))
    assert fitted.attention_weights(windows).shape == windows.shape[:2]


class Forced(nn.Module):
    """Gives its targets back."""

    takes_targets = True

    def forward(self, x, targets):
        return targets


@pytest.mark.parametrize("window_norm", ["last", "standard", "mean"])
def test_teacher_forcing_within_window_norm(window_norm):
    around = WindowNorm(
        Forced(),
        window_norm,
        unchanged=[],
        n_channels=2,
        n_values=1,
        origins=[0, 1],
        gain=torch.tensor([2.0, 3.0]),
        shift=torch.tensor([0.5, 1.0]),
        zero=torch.tensor([0.3, -0.2]),
        low=torch.tensor([0.5, 0.5]),
    )
    targets = torch.randn(7, 2)
    output = around(torch.randn(7, 5, 2), targets=targets)
    torch.testing.assert_close(output, targets)


TWO = make_supervised(WALK, target=[0, 1], horizon=3)
PAIRS = np.asarray(SlidingWindow(7).fit_transform(TWO[0]))[6:]
PAIRS_Y = TWO[1][6:]
EACH = {"target_channels": [0, 1], "channel_independent": True}


@pytest.mark.parametrize("window_norm", [None, "standard"])
def test_channel_independent_predicts_each_channel_from_itself(net, window_norm):
    rng = np.random.default_rng(0)
    fitted = net(window_norm=window_norm, standardize=False, patch_size=2, **EACH)
    fitted.fit(PAIRS, PAIRS_Y)
    output = fitted.predict(PAIRS)
    assert output.shape == (len(PAIRS), 6)
    swapped = fitted.predict(PAIRS[..., ::-1])
    np.testing.assert_allclose(swapped, output[:, [3, 4, 5, 0, 1, 2]], rtol=1e-5)
    moved = PAIRS.copy()
    moved[..., 1] = rng.normal(size=moved.shape[:2])
    np.testing.assert_allclose(fitted.predict(moved)[:, :3], output[:, :3], rtol=1e-6)
    assert not np.allclose(fitted.predict(moved)[:, 3:], output[:, 3:])


@pytest.mark.parametrize("params", [{}, {"categorical_features": [0]}])
def test_channel_independent_shares_the_channels_without_a_target(params):
    rng = np.random.default_rng(0)
    calendar = rng.integers(0, 3, size=(len(PAIRS), 7, 1))
    windows = np.concatenate([calendar, PAIRS], axis=2)
    fitted = LSTMRegressor(
        max_epochs=2,
        target_channels=[1, 2],
        channel_independent=True,
        random_state=0,
        **params,
    ).fit(windows, PAIRS_Y)
    for channel, changed in ((0, [0, 1, 2, 3, 4, 5]), (1, [0, 1, 2]), (2, [3, 4, 5])):
        other = windows.copy()
        other[..., channel] = (other[..., channel] + 1) % 3
        difference = np.abs(fitted.predict(other) - fitted.predict(windows))
        assert np.flatnonzero(difference.max(axis=0) > 1e-6).tolist() == changed


def test_channel_independent_with_one_target_equals_the_net(net):
    one = PAIRS[..., :1]
    alone = net().fit(one, PAIRS_Y[:, :3])
    as_each = net(channel_independent=True).fit(one, PAIRS_Y[:, :3])
    np.testing.assert_allclose(as_each.predict(one), alone.predict(one), rtol=1e-6)


def test_teacher_forcing_within_channel_independent():
    around = ChannelIndependent(Forced(), [1, 0], n_channels=3)
    targets = torch.randn(7, 6)
    output = around(torch.randn(7, 5, 3), targets=targets)
    torch.testing.assert_close(output, targets)


def test_channel_independent_quantiles():
    fitted = LSTMRegressor(loss="quantile", max_epochs=2, random_state=0, **EACH)
    fitted.set_params(standardize=False).fit(PAIRS, PAIRS_Y)
    output = fitted.predict_quantiles(PAIRS)
    swapped = fitted.predict_quantiles(PAIRS[..., ::-1])
    np.testing.assert_allclose(swapped, output[:, [3, 4, 5, 0, 1, 2]], rtol=1e-5)


def test_channel_independent_attention_weights(net):
    fitted = AttentionLSTMRegressor(max_epochs=1, patch_size=2, **EACH)
    weights = fitted.fit(PAIRS, PAIRS_Y).attention_weights(PAIRS)
    assert weights.shape == (len(PAIRS), 2, 4)
    np.testing.assert_allclose(weights.sum(axis=2), 1, rtol=1e-5)


@pytest.mark.parametrize("params", [{}, EACH, {"patch_size": 3}])
def test_linear_skip_against_its_equation(net, params):
    fitted = net(linear_skip=True, standardize=False, window_norm=None, **params).fit(
        PAIRS, PAIRS_Y
    )
    around = fitted.module_
    x = torch.tensor(PAIRS, dtype=torch.float32)
    with torch.no_grad():
        if params == EACH:
            x, around = around.transform_input(x), around.module
        beside = x.flatten(1) @ around.linear.weight.T
        expected = (around.module(x) + beside).reshape(len(PAIRS), 6)
    assert beside.abs().max() > 1e-3
    np.testing.assert_allclose(fitted.predict(PAIRS), expected, rtol=1e-4)


def test_linear_skip_extrapolates_a_linear_series():
    rng = np.random.default_rng(0)
    windows = rng.normal(size=(300, 6, 1))
    y = windows[:, 0, 0] + 3 * windows[:, 5, 0]
    small = {"hidden_sizes": (2,), "lr": 1e-2, "max_epochs": 40, "random_state": 0}
    far = 10 * windows
    bent = LSTMRegressor(**small).fit(windows, y).score(far, 10 * y)
    fitted = LSTMRegressor(linear_skip=True, **small).fit(windows, y)
    assert bent < 0.5 < 0.85 < fitted.score(far, 10 * y)


def test_teacher_forcing_within_linear_skip():
    around = LinearSkip(Forced(), n_inputs=10, n_targets=6, n_values=1)
    torch.nn.init.normal_(around.linear.weight)
    targets = torch.randn(7, 6)
    output = around(torch.randn(7, 5, 2), targets=targets)
    torch.testing.assert_close(output, targets)


def test_linear_skip_moves_all_quantiles_together():
    fitted = LSTMRegressor(
        loss="quantile", linear_skip=True, window_norm=None, max_epochs=1
    )
    fitted.set_params(standardize=False).fit(PAIRS, PAIRS_Y)
    before = fitted.predict_quantiles(PAIRS)
    with torch.no_grad():
        fitted.module_.linear.weight[0] += 1.0
    moved = fitted.predict_quantiles(PAIRS) - before
    expected = PAIRS.reshape(len(PAIRS), -1).sum(axis=1)[:, None]
    np.testing.assert_allclose(moved[:, 0], np.tile(expected, 3), rtol=1e-3)
    np.testing.assert_allclose(moved[:, 1:], 0, atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 9])
def test_patches_end_at_the_last_step(size):
    seen = []

    class Last(nn.Module):
        def forward(self, x):
            seen.append(x)
            return x[:, -1, -1:]

    x = torch.arange(28.0).reshape(2, 7, 2)
    output = Patches(Last(), size)(x)
    torch.testing.assert_close(output, x[:, -1, -1:])
    (patches,) = seen
    n = -(-7 // size)
    assert patches.shape == (2, n, 2 * size)
    steps = patches.reshape(2, n * size, 2)
    torch.testing.assert_close(steps[:, -7:], x)
    assert (steps[:, :-7] == x[:, :1]).all()


@pytest.mark.parametrize(
    ("net", "size", "ends"),
    [
        (LSTMRegressor(), 3, [0, 3, 6]),
        (LSTMRegressor(), 7, [6]),
        (CNNLSTMRegressor(stride=2), 2, [2, 6]),
    ],
    ids=str,
)
def test_loss_steps_all_scores_the_end_of_each_patch(net, size, ends):
    rows, y, _ = make_supervised(WALK, target=0)
    net.set_params(loss_steps="all", patch_size=size, max_epochs=1, random_state=0)
    pipe = make_pipeline(SlidingWindow(7), net).fit(rows, y)
    module = pipe[-1].module_
    assert module.step_ends(7).tolist() == ends
    windows = torch.from_numpy(pipe[-1]._spec.channels.transform(WALK))[None, :7]
    module.train()
    with torch.no_grad():
        assert module(windows).shape == (1, len(ends), 1)


def test_input_size_counts_channels_and_patches():
    around = ChannelIndependent(Patches(nn.Linear(1, 1), 4), [0, 1, 2], n_channels=3)
    assert around.input_size(10) == (3, 3)
    assert Patches(around, 5).input_size(40) == (3, 2)


def test_bad_patch_size_and_target_channels_are_an_error():
    windows, y = PAIRS, PAIRS_Y
    with pytest.raises(ValueError, match="patch_size=8 is more than the 7 steps"):
        LSTMRegressor(patch_size=8).fit(windows, y)
    twice = LSTMRegressor(channel_independent=True, target_channels=[1, 1])
    with pytest.raises(ValueError, match=r"\[1, 1\] names a channel twice"):
        twice.fit(windows, y)


def test_sizes_may_be_numpy_integers(net):
    sizes = {k: np.int64(v) for k, v in net().get_params().items() if type(v) is int}
    sizes |= {"patch_size": np.int64(2), "random_state": 0, "verbose": 0}
    fitted = net(**sizes).fit(PAIRS, PAIRS_Y)
    expected = net(patch_size=2).fit(PAIRS, PAIRS_Y).predict(PAIRS)
    np.testing.assert_array_equal(fitted.predict(PAIRS), expected)


@pytest.mark.parametrize("how", ["default", "he"])
def test_linear_skip_starts_at_zero(how):
    fitted = LSTMRegressor(
        linear_skip=True, window_norm=None, weight_init=how, lr=1e-12, max_epochs=1
    )
    assert fitted.fit(PAIRS, PAIRS_Y).module_.linear.weight.abs().max() < 1e-9


def test_window_norm_of_constant_windows():
    flat = np.full((40, 5, 1), 3.0)
    for window_norm in ("last", "standard"):
        fitted = LSTMRegressor(max_epochs=1, window_norm=window_norm)
        assert np.isfinite(fitted.fit(flat, np.arange(40.0)).predict(flat)).all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"target_channels": 2}, "target_channels has 2, which is not a channel of X"),
        ({"target_channels": "rail"}, "'rail', which is not a channel.*without names"),
        ({"target_channels": [0, 1, 0]}, r"\[0, 1, 0\] cannot share the 2 columns"),
        ({"target_channels": []}, r"\[\] cannot share"),
        (
            {"target_channels": 1, "categorical_features": [1]},
            "target_channels has 1, which is in categorical_features",
        ),
        ({"loss_steps": "all"}, "window_norm='last'.*use loss_steps='last'"),
    ],
)
def test_bad_target_channels_are_an_error(params, message):
    rows = X.round() if "categorical_features" in params else X
    windows = SlidingWindow(6).fit_transform(rows)
    with pytest.raises(ValueError, match=message):
        LSTMRegressor(max_epochs=1, window_norm="last", **params).fit(windows, Y)
