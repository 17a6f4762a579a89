"""Optimizers and learning rate schedules, against their formulas."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from torch import nn

import sktsdl._training.skorch_net
from tests.nets import NOISE, X, Y, lstm, net_fixture

net = net_fixture()


def test_optimizers_losses_and_weight_decay_by_name_class_and_module():
    fitted = lstm(optimizer="sgd", weight_decay=0.1, loss="huber").fit(X, Y)
    group = fitted.net_.optimizer_.param_groups[0]
    assert isinstance(fitted.net_.optimizer_, torch.optim.SGD)
    assert (group["momentum"], group["weight_decay"]) == (0.9, 0.1)
    assert isinstance(fitted.net_.criterion_, nn.HuberLoss)
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    for name, kind in kinds.items():
        optimizer = lstm(optimizer=name).fit(X, Y).net_.optimizer_
        assert type(optimizer) is kind
        assert optimizer.param_groups[0]["fused"]
    other = lstm(optimizer=torch.optim.NAdam, loss=nn.SmoothL1Loss()).fit(X, Y)
    assert isinstance(other.net_.optimizer_, torch.optim.NAdam)
    assert isinstance(other.net_.criterion_, nn.SmoothL1Loss)
    assert isinstance(lstm(loss=nn.L1Loss).fit(X, Y).net_.criterion_, nn.L1Loss)


def group_of(**params):
    fitted = lstm(**params).fit(X, Y)
    return fitted.net_.optimizer_.param_groups[0]


def test_optimizer_params_are_arguments_of_the_optimizer():
    group = group_of(optimizer_params={"amsgrad": True, "betas": (0.8, 0.9)})
    assert (group["amsgrad"], group["betas"]) == (True, (0.8, 0.9))
    group = group_of(optimizer="sgd", optimizer_params={"nesterov": True})
    assert (group["nesterov"], group["momentum"]) == (True, 0.9)
    assert group_of(optimizer="sgd", optimizer_params={"momentum": 0})["momentum"] == 0
    group = group_of(optimizer=torch.optim.RMSprop, optimizer_params={"alpha": 0.5})
    assert group["alpha"] == 0.5
    assert not group_of(optimizer_params={"foreach": True})["fused"]
    group = group_of(weight_decay=0.1, optimizer_params={"eps": 1e-3})
    assert (group["weight_decay"], group["eps"]) == (0.1, 1e-3)


def test_amsgrad_divides_by_the_largest_second_moment():
    params = {"batch_size": 10, "clip_grad_norm": None}
    plain, fitted = (
        lstm(optimizer_params={"betas": (0.9, 0.5), "amsgrad": on}, **params)
        for on in (False, True)
    )
    assert plain.fit(X, NOISE).loss_curve_ != fitted.fit(X, NOISE).loss_curve_
    state = fitted.net_.optimizer_.state_dict()["state"][0]
    assert (state["max_exp_avg_sq"] > state["exp_avg_sq"]).any()


BAD_ARGUMENTS = {
    "another name": (
        {"optimizer_params": {"amsgrd": True}},
        "'amsgrd', which Adam does not take: use betas, eps, amsgrad,",
    ),
    "a name of another optimizer": (
        {"optimizer": "sgd", "optimizer_params": {"amsgrad": True}},
        "'amsgrad', which SGD does not take: use momentum, dampening, nesterov,",
    ),
    "lr": (
        {"optimizer_params": {"lr": 0.1}},
        "'lr', which is a parameter of the net: set lr",
    ),
    "weight decay": (
        {"optimizer_params": {"weight_decay": 0.1}},
        "'weight_decay', which is a parameter of the net: set weight_decay",
    ),
    "a bad value": (
        {"optimizer_params": {"betas": (2, 0.9)}},
        r"'betas': \(2, 0.9\)} cannot be used by Adam: Invalid beta parameter",
    ),
    "values that do not go together": (
        {"optimizer": "sgd", "optimizer_params": {"nesterov": True, "momentum": 0}},
        "cannot be used by SGD: Nesterov momentum requires",
    ),
    "of the wrong type": (
        {"optimizer_params": {"eps": "small"}},
        "'eps': 'small'} cannot be used by Adam",
    ),
}


@pytest.mark.parametrize("kind", BAD_ARGUMENTS)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_bad_optimizer_params_are_named_before_training(kind, method, monkeypatch):
    params, message = BAD_ARGUMENTS[kind]
    monkeypatch.setattr("sktsdl._training.skorch_net.Net.train_step", None)
    with pytest.raises(ValueError, match=f"^optimizer_params.*{message}"):
        getattr(lstm(**params), method)(X, Y)


class AnyArguments(torch.optim.SGD):
    def __init__(self, params, **options):
        super().__init__(params, **options)


def test_an_optimizer_of_the_user_may_take_any_name():
    params = {"optimizer": AnyArguments, "optimizer_params": {"momentum": 0.5}}
    assert group_of(**params)["momentum"] == 0.5


@pytest.mark.parametrize("changed", [{"amsgrad": True}, {"betas": (0.5, 0.9)}, None])
def test_a_warm_start_takes_other_optimizer_params(changed):
    given = {"betas": (0.8, 0.9)}
    net = lstm(optimizer_params=given, warm_start=True).fit(X, Y)
    net.set_params(optimizer_params=changed, max_epochs=5).fit(X, Y)
    group = net.net_.optimizer_.param_groups[0]
    assert group["betas"] == (changed or {}).get("betas", (0.9, 0.999))
    kept = lstm(optimizer_params=given, warm_start=True).fit(X, Y)
    kept.set_params(max_epochs=5).fit(X, Y)
    longer = lstm(optimizer_params=given, max_epochs=5).fit(X, Y)
    np.testing.assert_array_equal(kept.predict(X), longer.predict(X))


def test_optimizer_params_in_a_search_and_a_clone():
    grid = {"optimizer_params": [None, {"amsgrad": True}, {"eps": 1e-1}]}
    search = GridSearchCV(lstm(), grid, cv=2).fit(X, Y)
    assert search.cv_results_["rank_test_score"].tolist().count(1) == 1
    given = {"betas": [0.8, 0.9]}
    copied = clone(lstm(optimizer_params=given)).optimizer_params
    assert copied == given
    assert copied is not given


@pytest.mark.parametrize("given", [None, 0.5])
def test_one_cycle_keeps_a_momentum_that_is_set(given):
    params = {"optimizer_params": {"momentum": given}} if given else {}
    net = lstm(optimizer="sgd", lr_schedule="one_cycle", batch_size=100, **params)
    momentum = net.fit(X, Y).net_.optimizer_.param_groups[0]["momentum"]
    assert (momentum == given) if given else (momentum not in (0, 0.9))


class LineSearch(torch.optim.LBFGS):
    def __init__(self, params, lr):
        super().__init__(params, lr=lr, line_search_fn="strong_wolfe")


def test_lbfgs_evaluates_the_loss_more_than_once_a_step():
    fitted = lstm(optimizer=LineSearch, batch_size=len(X), max_epochs=5).fit(X, Y)
    assert fitted.loss_curve_[-1] < 0.5 * fitted.loss_curve_[0]


def used_rates(monkeypatch, net):
    """Return the learning rate at each step, as the optimizer had it."""
    used = []
    original = sktsdl._training.skorch_net.Net.train_step

    def spy(self, *args, **kwargs):
        used.append(self.optimizer_.param_groups[0]["lr"])
        return original(self, *args, **kwargs)

    monkeypatch.setattr("sktsdl._training.skorch_net.Net.train_step", spy)
    fitted = net.fit(X, Y)
    assert fitted.lr_curve_ == used
    return np.array(used)


def test_without_a_schedule_the_learning_rate_is_constant(monkeypatch, net):
    rates = used_rates(monkeypatch, net(lr=0.02, batch_size=25))
    np.testing.assert_array_equal(rates, np.full(3 * 4, 0.02))


@pytest.mark.parametrize(("batch_size", "n_batches"), [(22, 5), (33, 3), (25, 4)])
@pytest.mark.parametrize("optimizer", ["adam", "sgd", torch.optim.Adagrad])
def test_one_cycle_against_its_formula(monkeypatch, batch_size, n_batches, optimizer):
    one = lstm(
        lr=0.02,
        lr_schedule="one_cycle",
        max_epochs=5,
        batch_size=batch_size,
        optimizer=optimizer,
    )
    n = 5 * n_batches
    top = 0.3 * n - 1

    def cosine(start, end, share):
        return end + (start - end) / 2 * (1 + np.cos(np.pi * share))

    steps = np.arange(n)
    rise = cosine(0.02 / 25, 0.02, steps / top)
    fall = cosine(0.02, 0.02 / 25e4, (steps - top) / (n - 1 - top))
    expected = np.where(steps <= top, rise, fall)
    np.testing.assert_allclose(used_rates(monkeypatch, one), expected, rtol=1e-6)


def test_cosine_annealing_against_its_formula(monkeypatch, net):
    rates = used_rates(monkeypatch, net(lr=0.02, lr_schedule="cosine", max_epochs=5))
    n = 5 * 4
    expected = 0.01 * (1 + np.cos(np.pi * np.arange(n) / n))
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


def test_warm_up_against_its_formula(monkeypatch, net):
    rates = used_rates(monkeypatch, net(lr=0.02, lr_schedule="warmup", max_epochs=12))
    d_model, warmup = 512, 5 * 4
    t = np.arange(1, 12 * 4 + 1)
    shape = d_model**-0.5 * np.minimum(t**-0.5, t * warmup**-1.5)
    np.testing.assert_allclose(rates, 0.02 * shape / shape.max(), rtol=1e-6)
    assert rates[warmup - 1] == 0.02


@pytest.mark.parametrize("early_stopping", [True, False])
def test_plateau_halves_the_learning_rate_by_the_validation_loss(net, early_stopping):
    fitted = net(
        lr=0.02,
        lr_schedule="plateau",
        max_epochs=16,
        early_stopping=early_stopping,
        n_iter_no_change=7,
        tol=0.1,
    ).fit(X, NOISE)
    losses = fitted.validation_loss_curve_ if early_stopping else fitted.loss_curve_
    rate, best, misses, expected = 0.02, np.inf, 0, []
    for loss in losses:
        expected.append(rate)
        best, misses = (loss, 0) if loss < 0.9 * best else (best, misses + 1)
        if misses == 7 // 2:
            rate, misses = rate / 2, 0
    n_steps = len(fitted.lr_curve_) // fitted.n_epochs_
    np.testing.assert_allclose(fitted.lr_curve_[::n_steps], expected)
    assert expected[-1] < 0.02
