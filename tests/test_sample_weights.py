"""Sample weights in the loss, in the statistics, and in scores."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import mean_squared_error
from torch import nn

from sktsdl import (
    SlidingWindow,
)
from tests.estimators import every_net, make
from tests.nets import X, Y, lstm, net_fixture
from tests.series import levels

net = net_fixture()


def test_a_weight_of_zero_leaves_the_row_out(net):
    rng = np.random.default_rng(0)
    weights = rng.integers(0, 2, size=100)
    kept = weights > 0
    weighted = net().fit(X, Y, sample_weight=weights)
    alone = net().fit(X[kept], Y[kept])
    np.testing.assert_array_equal(weighted.predict(X), alone.predict(X))


@every_net
def test_an_integer_weight_is_the_row_repeated_in_a_full_batch(cls):
    rng = np.random.default_rng(0)
    weights = rng.integers(0, 4, size=100)
    full = make(cls, batch_size=1000, max_epochs=5)
    weighted = clone(full).fit(X, Y, sample_weight=weights)
    repeated = clone(full).fit(np.repeat(X, weights, axis=0), np.repeat(Y, weights))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), atol=1e-6)
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-5)
    for part in ("channels", "targets"):
        ours = getattr(weighted._spec, part).scaling
        theirs = getattr(repeated._spec, part).scaling
        np.testing.assert_allclose(ours.mean, theirs.mean, atol=1e-12)
        np.testing.assert_allclose(ours.scale, theirs.scale)


def test_weights_in_the_validation_loss():
    weights = np.r_[np.ones(90), np.arange(1, 11)]
    fitted = lstm(early_stopping=True, max_epochs=1, lr=1e-12)
    fitted.fit(X, Y, sample_weight=weights)
    error = mean_squared_error(
        Y[90:], fitted.predict(X[90:]), sample_weight=weights[90:]
    )
    np.testing.assert_allclose(fitted.validation_loss_curve_, [error], rtol=1e-4)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_weights_keep_the_reduction_of_a_loss(reduction):
    net = lstm(loss=nn.MSELoss(reduction=reduction), lr=1e-12, max_epochs=1)
    plain = clone(net).fit(X, Y).loss_curve_
    weights = np.r_[1.0001, np.ones(99)]
    weighted = clone(net).fit(X, Y, sample_weight=weights).loss_curve_
    np.testing.assert_allclose(weighted, plain, rtol=1e-3)


def test_equal_weights_change_nothing(net):
    weighted = net().fit(X, Y, sample_weight=np.full(100, 7.0))
    np.testing.assert_array_equal(weighted.predict(X), net().fit(X, Y).predict(X))


def test_weights_reach_every_step_of_a_window():
    rows, _ = levels(80)
    windows = SlidingWindow(6).fit_transform(rows)
    y = rows["rail"].to_numpy()
    spoilt = y.copy()
    spoilt[30:40] = 1e3
    weights = np.ones(80)
    weights[30:40] = 0
    net = lstm(loss_steps="all")
    clean = clone(net).fit(windows, y, sample_weight=weights).predict(windows)
    fitted = clone(net).fit(windows, spoilt, sample_weight=weights)
    np.testing.assert_array_equal(fitted.predict(windows), clean)


def test_weights_of_zero_do_not_lower_the_loss_of_all_steps():
    rows, y = levels(200)
    windows = SlidingWindow(6).fit_transform(rows)
    weights = (np.arange(200) % 10 == 0).astype(float)
    curves = [
        lstm(loss_steps=steps, window_norm=None, max_epochs=1, lr=1e-12)
        .fit(windows, y, sample_weight=weights)
        .loss_curve_[0]
        for steps in ("last", "all")
    ]
    np.testing.assert_allclose(*curves, rtol=0.5)


def test_scores_are_weighted():
    fitted, weights = lstm().fit(X, Y), np.r_[np.zeros(50), np.ones(50)]
    expected = pytest.approx(fitted.score(X[50:], Y[50:]), rel=1e-9)
    assert fitted.score(X, Y, sample_weight=weights) == expected


class MeanError(nn.Module):
    """A loss that gives the mean only."""

    def forward(self, output, target):
        return (output - target).abs().mean()


class RowError(nn.Module):
    """A loss of each row, but not of each target."""

    reduction = "none"

    def forward(self, output, target):
        return (output - target).abs().mean(dim=1)


@pytest.mark.parametrize("loss", [MeanError, RowError()])
def test_a_loss_without_a_value_for_each_target_cannot_be_weighted(loss):
    with pytest.raises(ValueError, match="gives no value for each target"):
        lstm(loss=loss).fit(X, Y, sample_weight=np.arange(100))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (-np.ones(100), "^Negative values.*sample_weight"),
        (np.zeros(100), "eights must contain at least one non-zero number"),
        (np.ones(99), r"sample_weight.shape == \(99,\), expected \(100,\)"),
        (np.full(100, np.nan), "sample_weight contains NaN"),
    ],
)
def test_bad_weights_are_an_error(weights, message):
    with pytest.raises(ValueError, match=message):
        lstm().fit(X, Y, sample_weight=weights)
