"""Losses: their values, their units, and losses given as modules."""

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_squared_error
from torch import nn

from tests.nets import NOISE, X, Y, lstm, net_fixture

net = net_fixture()


def test_losses_are_in_the_units_of_the_target(net):
    params = {"max_epochs": 1, "lr": 1e-12, "batch_size": 30}
    y = 50 + 20 * Y
    for loss, metric in {
        "squared_error": mean_squared_error,
        "absolute_error": mean_absolute_error,
    }.items():
        fitted = net(loss=loss, **params).fit(X, y)
        expected = metric(y, fitted.predict(X))
        np.testing.assert_allclose(fitted.loss_curve_, [expected], rtol=1e-4)
        stopped = net(loss=loss, early_stopping=True, **params).fit(X, y)
        expected = metric(y[-10:], stopped.predict(X[-10:]))
        np.testing.assert_allclose(
            stopped.validation_loss_curve_, [expected], rtol=1e-4
        )


@pytest.mark.parametrize("loss", ["huber", nn.HuberLoss, nn.HuberLoss()])
def test_other_losses_are_of_the_standardised_target(loss):
    fitted = lstm(loss=loss, max_epochs=1, lr=1e-12).fit(X, 20 * Y)
    errors = (fitted.predict(X) - 20 * Y) / (20 * Y).std()
    size = np.abs(errors)
    expected = np.where(size < 1, errors**2 / 2, size - 0.5).mean()
    np.testing.assert_allclose(fitted.loss_curve_, [expected], rtol=1e-4)


def test_the_loss_of_two_targets_is_of_the_standardised_targets():
    y = np.column_stack([Y, 100 * NOISE])
    fitted = lstm(max_epochs=1, lr=1e-12).fit(X, y)
    errors = (fitted.predict(X) - y) / y.std(axis=0)
    np.testing.assert_allclose(fitted.loss_curve_, [np.mean(errors**2)], rtol=1e-4)


def test_a_loss_module_of_the_user_is_not_changed():
    loss = nn.SmoothL1Loss()
    fitted = lstm(loss=loss).fit(X, Y, sample_weight=np.arange(100))
    assert loss.training
    assert loss.reduction == "mean"
    assert fitted.net_.criterion_ is not loss


def test_a_loss_with_reduction_none_is_averaged():
    each, mean = (lstm(loss=nn.MSELoss(reduction=how)) for how in ("none", "mean"))
    np.testing.assert_allclose(each.fit(X, Y).predict(X), mean.fit(X, Y).predict(X))


@pytest.mark.parametrize(
    ("loss", "needed"),
    [(nn.GaussianNLLLoss(), "'var'"), (nn.TripletMarginLoss, "'negative'")],
)
def test_a_loss_of_more_than_two_arguments_is_an_error(loss, needed):
    with pytest.raises(
        ValueError, match=rf"^loss=.* needs \[.*{needed}\].*another loss"
    ):
        lstm(loss=loss).fit(X, Y)
