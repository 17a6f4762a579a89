"""Continued training, by `warm_start` and `partial_fit`."""

import pickle

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone

from sktsdl import (
    Seq2SeqRegressor,
    TCNRegressor,
)
from tests.nets import NOISE, X, Y, lstm, net_fixture

net = net_fixture()


LONG = {"max_epochs": 9, "lr": 0.02, "n_iter_no_change": 4}


@pytest.mark.parametrize("through", ["memory", "pickle"])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("lr_schedule", [None, "plateau", "warmup"])
def test_warm_start_equals_one_longer_run(net, lr_schedule, early_stopping, through):
    params = LONG | {"lr_schedule": lr_schedule, "early_stopping": early_stopping}
    if not isinstance(net(), TCNRegressor):
        params["dropout"] = 0.0
    whole = net(**params).fit(X, NOISE)
    parts = net(**params | {"max_epochs": 2, "warm_start": True}).fit(X, NOISE)
    for max_epochs in (4, 9):
        if through == "pickle":
            parts = pickle.loads(pickle.dumps(parts))
        parts.set_params(max_epochs=max_epochs).fit(X, NOISE)
    np.testing.assert_array_equal(parts.predict(X), whole.predict(X))
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.lr_curve_ == whole.lr_curve_
    assert parts.best_epoch_ == whole.best_epoch_


def test_warm_start_continues_the_draws_of_dropout():
    params = {"hidden_sizes": (4, 4), "dropout": 0.5}
    whole = lstm(max_epochs=4, **params).fit(X, Y)
    parts = lstm(max_epochs=2, warm_start=True, **params).fit(X, Y)
    torch.rand(3)
    parts.set_params(max_epochs=4).fit(X, Y)
    np.testing.assert_array_equal(parts.predict(X), whole.predict(X))


def test_partial_fits_are_epochs(net):
    parts = net()
    for _ in range(3):
        parts.partial_fit(X, Y)
    np.testing.assert_array_equal(parts.predict(X), net().fit(X, Y).predict(X))
    assert parts.n_epochs_ == 3


def test_warm_start_keeps_the_statistics_of_the_first_rows(net):
    fitted = net().partial_fit(X, Y)
    mean = fitted._spec.channels.mean.copy()
    fitted.partial_fit(X + 100, Y + 100)
    np.testing.assert_array_equal(fitted._spec.channels.mean, mean)
    again = net(warm_start=True).fit(X, Y).set_params(max_epochs=4).fit(X + 1, Y)
    np.testing.assert_array_equal(again._spec.channels.mean, mean)


def test_warm_start_continues_from_the_last_weights_not_the_best():
    stopped = lstm(warm_start=True, early_stopping=True, **LONG).fit(X, NOISE)
    assert stopped.best_epoch_ < stopped.n_epochs_
    stopped.set_params(early_stopping=False, max_epochs=stopped.n_epochs_ + 2)
    stopped.fit(X[:90], NOISE[:90])
    whole = lstm(max_epochs=stopped.n_epochs_, lr=0.02).fit(X[:90], NOISE[:90])
    np.testing.assert_array_equal(stopped.predict(X), whole.predict(X))


def test_warm_start_after_early_stopping_trains_nothing_and_warns():
    params = LONG | {"max_epochs": 100, "warm_start": True, "early_stopping": True}
    stopped = lstm(**params).fit(X, NOISE)
    n_epochs, expected = stopped.n_epochs_, stopped.predict(X)
    assert n_epochs < 100
    with pytest.warns(UserWarning, match="Nothing is trained") as caught:
        stopped.fit(X, NOISE)
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(stopped.predict(X), expected)
    stopped.set_params(n_iter_no_change=6).fit(X, NOISE)
    assert stopped.n_epochs_ > n_epochs


@pytest.mark.parametrize("lr_schedule", ["cosine", "one_cycle"])
def test_warm_start_starts_a_new_cycle_and_warns(lr_schedule):
    fitted = lstm(lr_schedule=lr_schedule, warm_start=True).fit(X, Y)
    fitted.set_params(max_epochs=6)
    with pytest.warns(UserWarning, match="starts a new cycle") as caught:
        fitted.fit(X, Y)
    assert caught[0].filename == __file__
    np.testing.assert_allclose(fitted.lr_curve_[:12], fitted.lr_curve_[12:])


def test_warm_start_with_another_loss_resets_early_stopping():
    params = LONG | {"early_stopping": True, "warm_start": True}
    fitted = lstm(loss="absolute_error", **params).fit(X, 100 * Y)
    fitted.set_params(loss="squared_error", max_epochs=20).fit(X, 100 * Y)
    assert fitted.n_epochs_ == fitted.best_epoch_ == 20


def test_warm_start_takes_another_patience_of_the_plateau():
    params = {"lr_schedule": "plateau", "warm_start": True}
    fitted = lstm(n_iter_no_change=2, tol=0.9, **params).fit(X, Y)
    fitted.set_params(n_iter_no_change=100, tol=0.0, max_epochs=9).fit(X, Y)
    assert fitted.lr_curve_[4 * 4 :] == [fitted.lr_curve_[-1]] * 20


def test_warm_start_with_equal_parameters_of_other_types():
    fitted = lstm(warm_start=True, target_channels=[0]).fit(X, Y)
    fitted.set_params(dropout=0, hidden_sizes=[np.int64(4)], target_channels=(0,))
    assert fitted.set_params(max_epochs=4).fit(X, Y).n_epochs_ == 4


def test_teacher_forcing_falls_over_partial_fits():
    targets = np.column_stack([Y, NOISE])
    parts = Seq2SeqRegressor(hidden_size=4, max_epochs=3, random_state=0)
    whole = clone(parts).fit(X, targets)
    for _ in range(3):
        parts.partial_fit(X, targets)
    np.testing.assert_array_equal(parts.predict(X), whole.predict(X))


def test_a_pickled_net_holds_one_module():
    fitted = pickle.loads(pickle.dumps(lstm().fit(X, Y)))
    assert fitted.module_ is fitted.net_.module_ is fitted.net_.module


def test_warm_start_takes_another_learning_rate():
    fitted = lstm(warm_start=True, lr_schedule="warmup").fit(X, Y)
    fitted.set_params(max_epochs=6, lr=1e-5).fit(X, Y)
    assert max(fitted.lr_curve_[12:]) <= 1e-5


@pytest.mark.parametrize(
    ("params", "rows", "message"),
    [
        ({"max_epochs": 2}, X, "max_epochs=2 is less than the 3 epochs"),
        ({"hidden_sizes": (5,)}, X, r"hidden_sizes=\(5,\) cannot change"),
        ({"standardize": False}, X, "standardize=False cannot change"),
        ({}, X[:, 1:], "window=5, channels=2"),
        ({"optimizer": "sgd", "clip_grad_norm": None, "lr": 1e30}, X, "diverged"),
    ],
)
def test_a_failed_warm_start_changes_nothing(params, rows, message):
    fitted = lstm(warm_start=True).fit(X, Y)
    expected, before = fitted.predict(X), joblib.hash(fitted.net_)
    fitted.set_params(**{"max_epochs": 5} | params)
    with pytest.raises((ValueError, FloatingPointError), match=message):
        fitted.fit(rows, Y)
    assert joblib.hash(fitted.net_) == before
    np.testing.assert_array_equal(fitted.predict(X), expected)


def test_partial_fit_refuses_early_stopping_and_other_targets():
    with pytest.raises(ValueError, match="early_stopping=False"):
        lstm(early_stopping=True).partial_fit(X, Y)
    with pytest.raises(ValueError, match=r"y has 2 columns.*expecting 1"):
        lstm().partial_fit(X, Y).partial_fit(X, np.column_stack([Y, Y]))
