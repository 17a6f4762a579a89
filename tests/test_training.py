"""The training loop: what is set is what is done, and time never leaks."""

import joblib
import numpy as np
import pytest
import torch
from skorch import NeuralNet
from torch import nn

from sktsdl import LSTMRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 5, 1))
Y = X[:, -1, 0] + 0.1 * RNG.normal(size=100)


def net(**params):
    small = {"hidden_sizes": (4,), "max_epochs": 3, "random_state": 0}
    return LSTMRegressor(**small | params)


def test_the_validation_block_is_the_end_purged_by_the_horizon(monkeypatch):
    seen = {}

    def spy(module, params, train_set, valid_set):
        seen.update(train=train_set.targets[:, 0], valid=valid_set.targets[:, 0])
        raise InterruptedError

    monkeypatch.setattr("sktsdl._base.train", spy)
    y = np.arange(100.0)[:, None] + np.arange(4)
    with pytest.raises(InterruptedError):
        net(early_stopping=True, validation_fraction=0.2).fit(X, y)
    scale, mean = np.arange(77.0).std(), np.arange(77.0).mean()
    np.testing.assert_allclose(seen["train"] * scale + mean, np.arange(77), rtol=1e-4)
    np.testing.assert_allclose(seen["valid"] * scale + mean, np.arange(80, 100))


def test_early_stopping_keeps_the_best_weights():
    noise = RNG.normal(size=100)
    stopped = net(
        early_stopping=True, n_iter_no_change=4, max_epochs=100, lr=0.05, tol=0.0
    ).fit(X, noise)
    losses = stopped.validation_loss_curve_
    assert stopped.n_epochs_ == len(losses) == stopped.best_epoch_ + 4 < 100
    assert int(np.argmin(losses)) == stopped.best_epoch_ - 1
    held_out = (stopped.predict(X[-10:]) - noise[-10:]) / noise[:90].std()
    np.testing.assert_allclose(np.mean(held_out**2), min(losses), rtol=1e-4)


def test_a_large_tolerance_stops_earlier():
    stopped = net(early_stopping=True, n_iter_no_change=2, max_epochs=30, tol=0.9)
    assert stopped.fit(X, Y).n_epochs_ == 3


def test_curves_do_not_outlive_another_fit():
    fitted = net(early_stopping=True).fit(X, Y)
    fitted.set_params(early_stopping=False).fit(X, Y)
    assert not hasattr(fitted, "validation_loss_curve_")


def test_every_seed_draws_another_net():
    answers = {net(random_state=seed).fit(X, Y).predict(X)[0] for seed in range(5)}
    assert len(answers) == 5


def test_a_loss_of_the_user_is_left_as_it_is():
    loss = nn.SmoothL1Loss()
    fitted = net(loss=loss).fit(X, Y)
    assert loss.training
    assert fitted.net_.criterion_ is not loss


def test_too_few_rows_to_hold_back():
    with pytest.raises(ValueError, match=r"leaves none of the 3 complete windows"):
        net(early_stopping=True).fit(X[:3], np.ones((3, 5)))


def learning_rates(monkeypatch, **params):
    used = []
    original = NeuralNet.train_step

    def spy(self, *args, **kwargs):
        used.append(self.optimizer_.param_groups[0]["lr"])
        return original(self, *args, **kwargs)

    monkeypatch.setattr(NeuralNet, "train_step", spy)
    fitted = net(**params).fit(X, Y)
    return np.array(used), fitted


@pytest.mark.parametrize(("batch_size", "n_batches"), [(22, 5), (33, 3), (25, 4)])
def test_one_cycle_against_its_formula(monkeypatch, batch_size, n_batches):
    used, _ = learning_rates(
        monkeypatch,
        lr=0.02,
        lr_schedule="one_cycle",
        max_epochs=5,
        batch_size=batch_size,
    )
    n = 5 * n_batches
    top = 0.3 * n - 1

    def cosine(start, end, share):
        return end + (start - end) / 2 * (1 + np.cos(np.pi * share))

    steps = np.arange(n)
    rise = cosine(0.02 / 25, 0.02, steps / top)
    fall = cosine(0.02, 0.02 / 25e4, (steps - top) / (n - 1 - top))
    np.testing.assert_allclose(used, np.where(steps <= top, rise, fall), rtol=1e-6)


def test_without_a_schedule_the_rate_stays(monkeypatch):
    used, _ = learning_rates(monkeypatch, lr=0.02, max_epochs=2)
    np.testing.assert_array_equal(used, 0.02)


def test_optimizers_losses_and_weight_decay_are_those_named():
    fitted = net(optimizer="sgd", weight_decay=0.1, loss="huber").fit(X, Y)
    group = fitted.net_.optimizer_.param_groups[0]
    assert isinstance(fitted.net_.optimizer_, torch.optim.SGD)
    assert (group["momentum"], group["weight_decay"]) == (0.9, 0.1)
    assert isinstance(fitted.net_.criterion_, nn.HuberLoss)
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    for name, kind in kinds.items():
        assert type(net(optimizer=name).fit(X, Y).net_.optimizer_) is kind
    other = net(optimizer=torch.optim.NAdam, loss=nn.SmoothL1Loss()).fit(X, Y)
    assert isinstance(other.net_.optimizer_, torch.optim.NAdam)
    assert isinstance(other.net_.criterion_, nn.SmoothL1Loss)
    assert isinstance(net(loss=nn.L1Loss).fit(X, Y).net_.criterion_, nn.L1Loss)


@pytest.mark.parametrize("limit", [0.01, None])
def test_gradients_are_clipped_by_their_norm(monkeypatch, limit):
    norms = []
    original = torch.optim.SGD.step

    def spy(self, *args, **kwargs):
        loss = original(self, *args, **kwargs)
        gradients = [p.grad for g in self.param_groups for p in g["params"]]
        norms.append(torch.cat([g.ravel() for g in gradients]).norm().item())
        return loss

    monkeypatch.setattr(torch.optim.SGD, "step", spy)
    net(optimizer="sgd", clip_grad_norm=limit).fit(X, Y)
    assert (max(norms) <= 0.0101) == (limit is not None)


def test_the_loss_curve_is_the_mean_over_windows():
    fitted = net(max_epochs=1, lr=1e-12, batch_size=30).fit(X, Y)
    errors = (fitted.predict(X) - Y) / Y.std()
    np.testing.assert_allclose(fitted.loss_curve_, [np.mean(errors**2)], rtol=1e-4)


def test_an_interrupt_is_passed_on(monkeypatch):
    fitted = net().fit(X, Y)
    before = joblib.hash(vars(fitted))

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(NeuralNet, "train_step", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(X, Y)
    assert joblib.hash(vars(fitted)) == before


@pytest.mark.parametrize("lr", [1e30, np.inf])
def test_a_loss_that_is_no_number_is_an_error(lr):
    fitted = net(optimizer="sgd", clip_grad_norm=None).fit(X, Y)
    expected = fitted.predict(X)
    fitted.set_params(lr=lr)
    with pytest.raises(FloatingPointError, match=r"epoch \d, at a loss.* lr=.*smaller"):
        fitted.fit(X, Y)
    np.testing.assert_array_equal(fitted.predict(X), expected)
