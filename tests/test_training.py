"""The training loop: what is set is what is done, and time never leaks."""

import functools
import pickle

import joblib
import numpy as np
import pytest
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.metrics import mean_absolute_error, mean_squared_error
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, EarlyStopping, EpochScoring
from torch import nn

import sktsdl._layers.recurrent
import sktsdl._training.skorch_net
import sktsdl._training.trainer
from sktsdl import (
    GRURegressor,
    LSTMRegressor,
    Seq2SeqRegressor,
    SlidingWindow,
    TCNRegressor,
    TransformerRegressor,
    WindowMLPRegressor,
)
from tests.series import levels

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 5, 2))
Y = X[:, -1, 0] + 0.1 * RNG.normal(size=100)
NOISE = RNG.normal(size=100)

SMALL = {
    LSTMRegressor: {"hidden_sizes": (4,)},
    TCNRegressor: {"channels": (4, 4)},
    TransformerRegressor: {"d_model": 4, "nhead": 2, "dim_feedforward": 8},
}


@pytest.fixture(params=SMALL, ids=lambda cls: cls.__name__)
def net(request):
    """Construct a small net of each kind."""
    cls = request.param
    sizes = SMALL[cls] | {"max_epochs": 3, "random_state": 0}
    return lambda **params: cls(**sizes | params)


def lstm(**params):
    sizes = {"hidden_sizes": (4,), "max_epochs": 3, "random_state": 0}
    return LSTMRegressor(**sizes | params)


@pytest.fixture
def interrupt(monkeypatch):
    """Return a function that has step number `n` of a training interrupted."""

    def at(n):
        original = sktsdl._training.skorch_net.Net.train_step
        steps = iter(range(n))

        def step(self, *args, **kwargs):
            if next(steps, None) is None:
                raise KeyboardInterrupt
            return original(self, *args, **kwargs)

        monkeypatch.setattr("sktsdl._training.skorch_net.Net.train_step", step)

    return at


# Losses


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
        watched = net(loss=loss, early_stopping=True, **params).fit(X, y)
        expected = metric(y[-10:], watched.predict(X[-10:]))
        np.testing.assert_allclose(
            watched.validation_loss_curve_, [expected], rtol=1e-4
        )


@pytest.mark.parametrize("loss", ["huber", nn.HuberLoss, nn.HuberLoss()])
def test_losses_without_a_unit_are_of_the_standardised_target(loss):
    fitted = lstm(loss=loss, max_epochs=1, lr=1e-12).fit(X, 20 * Y)
    errors = (fitted.predict(X) - 20 * Y) / (20 * Y).std()
    size = np.abs(errors)
    expected = np.where(size < 1, errors**2 / 2, size - 0.5).mean()
    np.testing.assert_allclose(fitted.loss_curve_, [expected], rtol=1e-4)


def test_the_loss_of_two_targets_is_of_both_standardised():
    y = np.column_stack([Y, 100 * NOISE])
    fitted = lstm(max_epochs=1, lr=1e-12).fit(X, y)
    errors = (fitted.predict(X) - y) / y.std(axis=0)
    np.testing.assert_allclose(fitted.loss_curve_, [np.mean(errors**2)], rtol=1e-4)


def test_a_loss_of_the_user_is_left_as_it_is():
    loss = nn.SmoothL1Loss()
    fitted = lstm(loss=loss).fit(X, Y, sample_weight=np.arange(100))
    assert loss.training
    assert loss.reduction == "mean"
    assert fitted.net_.criterion_ is not loss


def test_a_loss_of_each_value_is_its_mean():
    each, mean = (lstm(loss=nn.MSELoss(reduction=how)) for how in ("none", "mean"))
    np.testing.assert_allclose(each.fit(X, Y).predict(X), mean.fit(X, Y).predict(X))


# Optimizers and schedules


def test_optimizers_losses_and_weight_decay_are_those_named():
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


class LineSearch(torch.optim.LBFGS):
    def __init__(self, params, lr):
        super().__init__(params, lr=lr, line_search_fn="strong_wolfe")


def test_an_optimizer_that_asks_for_the_loss_again():
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


def test_without_a_schedule_the_rate_stays(monkeypatch, net):
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
def test_the_plateau_halves_the_rate_by_the_watched_loss(net, early_stopping):
    fitted = net(
        lr=0.02,
        lr_schedule="plateau",
        max_epochs=16,
        early_stopping=early_stopping,
        n_iter_no_change=7,
        tol=0.1,
    ).fit(X, NOISE)
    watched = fitted.validation_loss_curve_ if early_stopping else fitted.loss_curve_
    rate, best, misses, expected = 0.02, np.inf, 0, []
    for loss in watched:
        expected.append(rate)
        best, misses = (loss, 0) if loss < 0.9 * best else (best, misses + 1)
        if misses == 7 // 2:
            rate, misses = rate / 2, 0
    n_steps = len(fitted.lr_curve_) // fitted.n_epochs_
    np.testing.assert_allclose(fitted.lr_curve_[::n_steps], expected)
    assert expected[-1] < 0.02


# Stability


def spied_gradients(monkeypatch, net):
    """Return the gradient at each step, in one vector."""
    seen = []
    original = torch.optim.SGD.step

    def spy(self, *args, **kwargs):
        loss = original(self, *args, **kwargs)
        gradients = [p.grad for g in self.param_groups for p in g["params"]]
        seen.append(torch.cat([g.ravel() for g in gradients]))
        return loss

    monkeypatch.setattr(torch.optim.SGD, "step", spy)
    net.fit(X, Y)
    return torch.stack(seen)


@pytest.mark.parametrize("limit", [0.01, None])
def test_gradients_are_clipped_by_their_norm(monkeypatch, net, limit):
    gradients = spied_gradients(monkeypatch, net(optimizer="sgd", clip_grad_norm=limit))
    assert (gradients.norm(dim=1).max() <= 0.0101) == (limit is not None)


@pytest.mark.parametrize("limit", [0.01, None])
def test_gradients_are_clipped_by_their_values(monkeypatch, net, limit):
    gradients = spied_gradients(
        monkeypatch, net(optimizer="sgd", clip_grad_norm=None, clip_grad_value=limit)
    )
    assert (gradients.abs().max() <= 0.01) == (limit is not None)


@pytest.mark.parametrize("loss", ["squared_error", nn.L1Loss(reduction="sum")])
def test_accumulated_batches_are_one_larger_batch(net, loss):
    rng = np.random.default_rng(0)
    weights = rng.uniform(1, 3, size=100)
    fit_params = {"sample_weight": weights} if loss == "squared_error" else {}
    large = net(batch_size=36, loss=loss).fit(X, Y, **fit_params)
    parts = net(batch_size=12, accumulate_batches=3, loss=loss).fit(X, Y, **fit_params)
    assert len(parts.lr_curve_) == len(large.lr_curve_) == 3 * 3
    np.testing.assert_allclose(parts.predict(X), large.predict(X), atol=1e-5)
    np.testing.assert_allclose(parts.loss_curve_, large.loss_curve_, rtol=1e-5)


@pytest.mark.parametrize("lr", [1e30, np.inf])
def test_a_loss_that_is_no_number_is_an_error(net, lr):
    fitted = net(optimizer="sgd", clip_grad_norm=None).fit(X, Y)
    expected = fitted.predict(X)
    fitted.set_params(lr=lr)
    with pytest.raises(FloatingPointError, match=r"epoch \d, at a loss.* lr=.*smaller"):
        fitted.fit(X, Y)
    np.testing.assert_array_equal(fitted.predict(X), expected)


@pytest.mark.parametrize("as_view", [True, False])
def test_training_is_the_loop_by_hand(net, as_view):
    """On copied windows, over all steps of each, with torch's plain Adam."""
    rng = np.random.default_rng(0)
    params = {"batch_size": 24, "clip_grad_norm": None, "lr": 1e-2}
    rows = rng.normal(size=(104, 2))
    windows = SlidingWindow(5).fit_transform(rows)[4:]
    fitted = net(**params).fit(windows if as_view else windows.copy(), Y)
    inputs, targets = (
        torch.from_numpy(StandardScaler().fit_transform(values)).float()
        for values in (rows, Y[:, None])
    )
    inputs = inputs.unfold(0, 5, 1).mT.contiguous()
    with torch.random.fork_rng():
        torch.manual_seed(np.random.RandomState(0).randint(np.iinfo(np.int32).max))
        module = net()._build_module(2, 1)
        optimizer = torch.optim.Adam(module.parameters(), lr=1e-2, fused=False)
        losses = []
        for _ in range(3):
            total = 0.0
            for where in torch.split(torch.randperm(100), 24):
                optimizer.zero_grad()
                answer = module.head(module.states(inputs[where])[:, -1])
                loss = nn.functional.mse_loss(answer, targets[where])
                loss.backward()
                optimizer.step()
                total += loss.item() * len(where) / 100
            losses.append(total * Y.var())
        answer = module.head(module.states(inputs)[:, -1]).detach().numpy()
    np.testing.assert_allclose(fitted.loss_curve_, losses, rtol=1e-5)
    expected = answer[:, 0] * Y.std() + Y.mean()
    np.testing.assert_allclose(fitted.predict(windows), expected, atol=1e-5)


def test_a_batch_in_parts_is_the_same_step(monkeypatch, net):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(80, 5, 2))
    whole = net(batch_size=40, weight_decay=0.1).fit(rows, NOISE[:80])
    monkeypatch.setattr("sktsdl._training.trainer.BUFFER_BYTES", 2000)
    sizes = []
    original = sktsdl._training.skorch_net.Net._loss

    def spy(self, answer, *args):
        sizes.append(len(answer))
        return original(self, answer, *args)

    monkeypatch.setattr("sktsdl._training.skorch_net.Net._loss", spy)
    parts = net(batch_size=40, weight_decay=0.1).fit(rows, NOISE[:80])
    assert (max(sizes) < 20) == (not isinstance(parts, TCNRegressor))
    np.testing.assert_allclose(parts.predict(rows), whole.predict(rows), atol=1e-5)


def test_only_large_buffers_are_parted():
    for net, parted in (
        (LSTMRegressor(), 64),
        (LSTMRegressor(layer_norm=True), 256),
        (GRURegressor(), 256),
        (TransformerRegressor(), 52),
    ):
        module = net._build_module(7, 1)
        assert sktsdl._training.trainer.part_size(module, 256, 96) == parted
        assert sktsdl._training.trainer.part_size(module, 32, 20) == 32


def test_little_work_is_done_on_one_thread(monkeypatch):
    used = []
    original = sktsdl._training.skorch_net.Net.train_step

    def spy(self, *args, **kwargs):
        used.append(torch.get_num_threads())
        return original(self, *args, **kwargs)

    monkeypatch.setattr("sktsdl._training.skorch_net.Net.train_step", spy)
    monkeypatch.setattr("sktsdl._training.device.LEAST_SHARED_WORK", 10_000)
    torch.set_num_threads(2)
    try:
        lstm(batch_size=2, max_epochs=1).fit(X, Y)
        lstm(batch_size=100, max_epochs=1).fit(X, Y)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert used == [1] * 50 + [2]


def test_a_fitted_net_holds_nothing_of_each_batch():
    history = lstm(early_stopping=True).fit(X, Y).net_.history
    assert [len(epoch["batches"]) for epoch in history] == [0, 0, 0]


def test_too_little_memory_says_what_to_change(monkeypatch):
    def fail(*args, **kwargs):
        raise torch.cuda.OutOfMemoryError

    monkeypatch.setattr("sktsdl._training.skorch_net.Net.train_step", fail)
    with pytest.raises(MemoryError, match=r"batch_size=7 windows of 5 steps.*smaller"):
        lstm(batch_size=7).fit(X, Y)


# Precision


def assert_low_precision_is_near(full):
    full.fit(X, Y)
    low = clone(full).set_params(precision="bf16").fit(X, Y)
    assert not np.array_equal(low.predict(X), full.predict(X))
    assert low.predict(X).dtype == np.float64
    with torch.no_grad():
        answers = low.module_(
            torch.from_numpy(
                low._standardizer.transform(X.reshape(-1, 2)).reshape(X.shape)
            )
        )
    expected = low._standardizer.inverse_transform(answers.double().numpy())
    np.testing.assert_allclose(low.predict(X), expected.ravel(), rtol=1e-4, atol=1e-6)
    distance = np.linalg.norm(low.predict(X) - full.predict(X))
    assert distance <= 1e-2 * np.linalg.norm(full.predict(X))


def test_bf16_is_near_to_full_precision(net):
    assert_low_precision_is_near(net())


@pytest.mark.parametrize("how", [{"bptt_steps": 2}, {"layer_norm": True}])
def test_bf16_in_every_kind_of_recurrent_layer(how):
    assert_low_precision_is_near(lstm(**how))


def test_the_first_bf16_net_of_a_process_is_as_the_next():
    first = lstm(precision="bf16")
    sktsdl._layers.recurrent._has_lstm_kernel.cache_clear()
    np.testing.assert_array_equal(
        first.fit(X, Y).predict(X), first.fit(X, Y).predict(X)
    )


def test_fp16_scales_the_loss_and_not_the_step(monkeypatch):
    full = lstm(optimizer="sgd").fit(X, Y)
    # On the CPU, where it is refused, the mechanism is the same as on CUDA.
    monkeypatch.setitem(sktsdl._training.trainer.PRECISIONS, "bf16", torch.float16)
    low = lstm(optimizer="sgd", precision="bf16").fit(X, Y)
    assert low.net_.scaler_.get_scale() > 1e4
    np.testing.assert_allclose(low.predict(X), full.predict(X), atol=1e-2)


# Early stopping


def test_the_validation_block_is_the_end_purged_by_the_horizon(monkeypatch):
    seen = {}

    def spy(module, params, train_set, valid_set, **kwargs):
        seen.update(train=train_set.targets[:, 0], valid=valid_set.targets[:, 0])
        raise InterruptedError

    monkeypatch.setattr("sktsdl._estimator.base.train", spy)
    y = np.arange(100.0)[:, None] + np.arange(4)
    with pytest.raises(InterruptedError):
        lstm(early_stopping=True, validation_fraction=0.2).fit(X, y)
    scale, mean = np.arange(77.0).std(), np.arange(77.0).mean()
    np.testing.assert_allclose(seen["train"] * scale + mean, np.arange(77), rtol=1e-4)
    np.testing.assert_allclose(seen["valid"] * scale + mean, np.arange(80, 100))


def test_early_stopping_keeps_the_best_weights(net):
    stopped = net(
        early_stopping=True, n_iter_no_change=4, max_epochs=200, lr=0.05, tol=0.0
    ).fit(X, NOISE)
    losses = stopped.validation_loss_curve_
    assert stopped.n_epochs_ == len(losses) == stopped.best_epoch_ + 4 < 200
    assert int(np.argmin(losses)) == stopped.best_epoch_ - 1
    error = mean_squared_error(NOISE[-10:], stopped.predict(X[-10:]))
    np.testing.assert_allclose(error, min(losses), rtol=1e-4)


def test_a_large_tolerance_stops_earlier(net):
    stopped = net(early_stopping=True, n_iter_no_change=2, max_epochs=30, tol=0.9)
    assert stopped.fit(X, Y).n_epochs_ == 3


def test_curves_do_not_outlive_another_fit():
    fitted = lstm(early_stopping=True).fit(X, Y)
    fitted.set_params(early_stopping=False).fit(X, Y)
    assert not hasattr(fitted, "validation_loss_curve_")


def test_batch_norm_needs_batches():
    for n, batch_size in ((1, 32), (20, 1)):
        with pytest.raises(ValueError, match="norm='batch' needs at least 2 windows"):
            WindowMLPRegressor(norm="batch", batch_size=batch_size).fit(X[:n], Y[:n])


def test_too_few_rows_to_hold_back():
    with pytest.raises(ValueError, match=r"leaves none of the 3 complete windows"):
        lstm(early_stopping=True).fit(X[:3], np.ones((3, 5)))


def test_rows_given_to_watch_are_as_those_held_out(net):
    params = {"early_stopping": True, "max_epochs": 8, "lr": 0.05}
    held_out = net(validation_fraction=0.2, **params).fit(X, NOISE)
    given = net(**params).fit(X[:80], NOISE[:80], X_val=X[80:], y_val=NOISE[80:])
    assert given.validation_loss_curve_ == held_out.validation_loss_curve_
    np.testing.assert_array_equal(given.predict(X), held_out.predict(X))
    watched = net().fit(X[:80], NOISE[:80], X_val=X[80:], y_val=NOISE[80:])
    np.testing.assert_array_equal(
        watched.predict(X), net().fit(X[:80], NOISE[:80]).predict(X)
    )
    assert len(watched.validation_loss_curve_) == 3


def test_no_step_of_a_pipeline_learns_from_the_rows_to_watch():
    rows, y = levels(80)
    later = rows[60:] * 100
    with config_context(enable_metadata_routing=True):
        net = lstm(early_stopping=True).set_fit_request(X_val=True, y_val=True)
        steps = [
            ("scale", StandardScaler().set_output(transform="pandas")),
            ("window", SlidingWindow(4)),
            ("net", net),
        ]
        pipe = Pipeline(steps, transform_input=["X_val"])
        pipe.fit(rows[:60], y[:60], X_val=later, y_val=y[60:])
    np.testing.assert_allclose(pipe["scale"].mean_, rows[:60].mean())
    best = pipe["net"].validation_loss_curve_[pipe["net"].best_epoch_ - 1]
    error = mean_squared_error(y[60:], pipe.predict(later))  # with their history
    np.testing.assert_allclose(best, error, rtol=1e-4)


@pytest.mark.parametrize(
    ("watched", "message"),
    [
        ({"X_val": X}, "y_val is missing"),
        ({"y_val": Y}, "X_val is missing"),
        ({"X_val": X[:, :3], "y_val": Y}, "X_val or y_val cannot.*window=5"),
        ({"X_val": X, "y_val": Y[:5]}, "X_val or y_val cannot.*100"),
        ({"X_val": np.full_like(X, np.nan), "y_val": Y}, "No window in X_val"),
    ],
)
def test_rows_to_watch_that_cannot_be(watched, message):
    fitted = lstm().fit(X, Y)
    before = joblib.hash(vars(fitted))
    with pytest.raises(ValueError, match=message):
        fitted.fit(X, Y, **watched)
    assert joblib.hash(vars(fitted)) == before


# Continuing

LONG = {"max_epochs": 9, "lr": 0.02, "n_iter_no_change": 4}


@pytest.mark.parametrize("through", ["memory", "pickle"])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("lr_schedule", [None, "plateau", "warmup"])
def test_training_on_is_one_longer_run(net, lr_schedule, early_stopping, through):
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


def test_dropout_goes_on_with_the_same_draws():
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


def test_statistics_are_those_of_the_first_rows(net):
    fitted = net().partial_fit(X, Y)
    mean = fitted._standardizer.mean.copy()
    fitted.partial_fit(X + 100, Y + 100)
    np.testing.assert_array_equal(fitted._standardizer.mean, mean)
    again = net(warm_start=True).fit(X, Y).set_params(max_epochs=4).fit(X + 1, Y)
    np.testing.assert_array_equal(again._standardizer.mean, mean)


def test_the_last_weights_go_on_and_not_the_best():
    stopped = lstm(warm_start=True, early_stopping=True, **LONG).fit(X, NOISE)
    assert stopped.best_epoch_ < stopped.n_epochs_
    stopped.set_params(early_stopping=False, max_epochs=stopped.n_epochs_ + 2)
    stopped.fit(X[:90], NOISE[:90])
    whole = lstm(max_epochs=stopped.n_epochs_, lr=0.02).fit(X[:90], NOISE[:90])
    np.testing.assert_array_equal(stopped.predict(X), whole.predict(X))


def test_a_training_that_has_stopped_stays_stopped():
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
def test_cycles_start_anew_and_say_so(lr_schedule):
    fitted = lstm(lr_schedule=lr_schedule, warm_start=True).fit(X, Y)
    fitted.set_params(max_epochs=6)
    with pytest.warns(UserWarning, match="starts a new cycle") as caught:
        fitted.fit(X, Y)
    assert caught[0].filename == __file__
    np.testing.assert_allclose(fitted.lr_curve_[:12], fitted.lr_curve_[12:])


def test_thresholds_of_another_loss_are_not_taken_over():
    params = LONG | {"early_stopping": True, "warm_start": True}
    fitted = lstm(loss="absolute_error", **params).fit(X, 100 * Y)
    fitted.set_params(loss="squared_error", max_epochs=20).fit(X, 100 * Y)
    assert fitted.n_epochs_ == fitted.best_epoch_ == 20


def test_another_patience_of_the_plateau_is_taken_on():
    params = {"lr_schedule": "plateau", "warm_start": True}
    fitted = lstm(n_iter_no_change=2, tol=0.9, **params).fit(X, Y)
    fitted.set_params(n_iter_no_change=100, tol=0.0, max_epochs=9).fit(X, Y)
    assert fitted.lr_curve_[4 * 4 :] == [fitted.lr_curve_[-1]] * 20


def test_equal_parameters_may_be_of_other_types():
    fitted = lstm(warm_start=True, target_channels=[0]).fit(X, Y)
    fitted.set_params(dropout=0, hidden_sizes=[np.int64(4)], target_channels=(0,))
    assert fitted.set_params(max_epochs=4).fit(X, Y).n_epochs_ == 4


def test_teacher_forcing_falls_over_partial_fits_too():
    targets = np.column_stack([Y, NOISE])
    parts = Seq2SeqRegressor(hidden_size=4, max_epochs=3, random_state=0)
    whole = clone(parts).fit(X, targets)
    for _ in range(3):
        parts.partial_fit(X, targets)
    np.testing.assert_array_equal(parts.predict(X), whole.predict(X))


def test_a_pickled_net_is_one_net():
    fitted = pickle.loads(pickle.dumps(lstm().fit(X, Y)))
    assert fitted.module_ is fitted.net_.module_ is fitted.net_.module


def test_another_learning_rate_is_taken_on():
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
def test_what_cannot_be_trained_on_stays_as_it_was(params, rows, message):
    fitted = lstm(warm_start=True).fit(X, Y)
    expected, before = fitted.predict(X), joblib.hash(fitted.net_)
    fitted.set_params(**{"max_epochs": 5} | params)
    with pytest.raises((ValueError, FloatingPointError), match=message):
        fitted.fit(rows, Y)
    assert joblib.hash(fitted.net_) == before
    np.testing.assert_array_equal(fitted.predict(X), expected)


def test_partial_fit_refuses_what_needs_a_whole_training():
    with pytest.raises(ValueError, match="early_stopping=False"):
        lstm(early_stopping=True).partial_fit(X, Y)
    with pytest.raises(ValueError, match=r"y has 2 columns.*expecting 1"):
        lstm().partial_fit(X, Y).partial_fit(X, np.column_stack([Y, Y]))


# Callbacks and progress


class Recorder(Callback):
    """Counts the epochs it is told of."""

    def __init__(self):
        self.epochs = 0

    def on_epoch_end(self, net, **kwargs):
        self.epochs += 1


def test_callbacks_are_copied():
    recorder = Recorder()
    fitted = lstm(callbacks=[recorder]).fit(X, Y)
    assert recorder.epochs == 0
    assert dict(fitted.net_.callbacks_)["Recorder"].epochs == 3


def test_a_stop_of_the_user_is_no_interruption():
    stopping = EarlyStopping(monitor="train_loss", patience=2, threshold=0.99)
    fitted = lstm(callbacks=[stopping], max_epochs=20).fit(X, Y)
    assert fitted.n_epochs_ == 3


def test_all_callbacks_are_told_of_the_last_epoch(capfd):
    stopping = EarlyStopping(monitor="train_loss", patience=2, threshold=0.99)
    recorder = Recorder()
    fitted = lstm(
        callbacks=[stopping, recorder],
        early_stopping=True,
        max_epochs=20,
        verbose=1,
    ).fit(X, Y)
    assert dict(fitted.net_.callbacks_)["Recorder"].epochs == fitted.n_epochs_ == 3
    assert fitted.best_epoch_ == np.argmin(fitted.validation_loss_curve_) + 1
    assert len(capfd.readouterr().err.splitlines()) == 3


@pytest.mark.parametrize("weights", [None, np.arange(100)])
def test_scores_of_skorch(weights):
    scoring = [
        EpochScoring("r2", on_train=True, name="train_r2"),
        EpochScoring("r2", name="valid_r2", lower_is_better=False),
    ]
    fitted = lstm(callbacks=scoring, early_stopping=True, max_epochs=1, lr=1e-12)
    fitted.fit(X, Y, sample_weight=weights)
    last = fitted.net_.history[-1]
    assert last["train_r2"] == pytest.approx(fitted.score(X[:90], Y[:90]), abs=1e-3)
    assert last["valid_r2"] == pytest.approx(fitted.score(X[90:], Y[90:]), abs=1e-3)


def test_silent_by_default_and_one_line_an_epoch_without_a_terminal(net, capfd):
    net().fit(X, Y)
    assert capfd.readouterr() == ("", "")
    fitted = net(verbose=1, early_stopping=True).fit(X, Y)
    out, err = capfd.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 3
    for i, line in enumerate(lines):
        assert f"{type(fitted).__name__}: epoch {i + 1} of 3" in line
        assert f"valid_loss {fitted.validation_loss_curve_[i]:.4g}" in line


def test_one_bar_in_a_terminal(monkeypatch, capfd):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    lstm(verbose=1).fit(X, Y)
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("3/3") == 1
    assert err.count("\n") == 1


def test_a_table_of_losses(capfd):
    fitted = lstm(verbose=2).fit(X, Y)
    out, err = capfd.readouterr()
    assert err == ""
    assert "train_loss" in out
    assert all(f"{loss:.4f}" in out for loss in fitted.loss_curve_)


def test_scikit_learn_monitors_each_epoch(net):
    callback = pytest.importorskip("sklearn.callback")
    monitor = callback.ScoringMonitor(scoring="r2")
    net = functools.partial(net, dropout=0.5)
    watched = net().set_callbacks(monitor)
    watched.fit(X, Y)
    scores = [
        row["r2"] for row in monitor.get_logs().data if row["task_name"] == "epoch"
    ]
    expected = [net(max_epochs=n).fit(X, Y).score(X, Y) for n in (1, 2, 3)]
    np.testing.assert_allclose(scores, expected, rtol=1e-6)
    np.testing.assert_array_equal(watched.predict(X), net().fit(X, Y).predict(X))
    assert pickle.loads(pickle.dumps(watched.net_)).history


def test_scikit_learn_monitors_inside_a_search():
    callback = pytest.importorskip("sklearn.callback")
    monitor = callback.ScoringMonitor(scoring="neg_mean_absolute_error")
    rows, y = levels()
    pipe = Pipeline([("window", SlidingWindow(4)), ("net", lstm())])
    pipe["net"].set_callbacks(monitor)
    grid = {"net__lr": [1e-3, 1e-2]}
    GridSearchCV(pipe, grid, cv=TimeSeriesSplit(2)).fit(rows, y)
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(epochs) == (2 * 2 + 1) * 3


def test_scikit_learn_shows_progress(capfd):
    callback = pytest.importorskip("sklearn.callback")
    pytest.importorskip("rich")
    rows, y = levels()
    pipe = Pipeline([("window", SlidingWindow(4)), ("net", lstm())])
    pipe.set_callbacks(callback.ProgressBar()).fit(rows, y)
    assert "LSTMRegressor" in capfd.readouterr().out
    search = GridSearchCV(
        pipe.set_callbacks(), {"net__lr": [1e-3]}, cv=TimeSeriesSplit(2)
    )
    everywhere = callback.ProgressBar(max_propagation_depth=None)
    search.set_callbacks(everywhere).fit(rows, y)
    assert "LSTMRegressor" in capfd.readouterr().out


# Interruption


def test_an_interrupt_in_the_first_epoch_changes_nothing(interrupt):
    fitted = lstm().fit(X, Y)
    before = joblib.hash(vars(fitted))
    interrupt(2)
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(X, Y)
    assert joblib.hash(vars(fitted)) == before
    unfitted = lstm()
    with pytest.raises(KeyboardInterrupt):
        unfitted.fit(X, Y)
    assert not hasattr(unfitted, "net_")


def test_a_later_interrupt_keeps_the_best_weights(interrupt, net):
    params = {"early_stopping": True, "max_epochs": 9, "lr": 0.2, "batch_size": 30}
    interrupted = net(**params)
    interrupt(3 * 7 + 1)
    with pytest.raises(KeyboardInterrupt):
        interrupted.fit(X, NOISE)
    losses = interrupted.validation_loss_curve_
    assert interrupted.n_epochs_ == len(interrupted.loss_curve_) == len(losses) == 7
    error = mean_squared_error(NOISE[-10:], interrupted.predict(X[-10:]))
    np.testing.assert_allclose(error, min(losses), rtol=1e-3)
    assert np.argmin(losses) < 6


def test_a_search_stops_when_it_is_interrupted(interrupt, monkeypatch):
    interrupt(4 * 2 + 1)
    fits = []
    original = LSTMRegressor._fit

    def count(self, *args, **kwargs):
        fits.append(1)
        original(self, *args, **kwargs)

    monkeypatch.setattr(LSTMRegressor, "_fit", count)
    search = GridSearchCV(lstm(), {"lr": [1e-3, 1e-2, 1e-1]}, cv=TimeSeriesSplit(2))
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, Y)
    assert len(fits) <= 2


# Weights


def test_a_weight_of_nothing_is_no_row(net):
    rng = np.random.default_rng(0)
    weights = rng.integers(0, 2, size=100)
    kept = weights > 0
    weighted = net().fit(X, Y, sample_weight=weights)
    alone = net().fit(X[kept], Y[kept])
    np.testing.assert_array_equal(weighted.predict(X), alone.predict(X))


def test_a_weight_of_two_is_the_row_twice_in_a_full_batch(net):
    rng = np.random.default_rng(0)
    weights = rng.integers(0, 4, size=100)
    full = net(batch_size=1000, max_epochs=5)
    weighted = clone(full).fit(X, Y, sample_weight=weights)
    repeated = clone(full).fit(np.repeat(X, weights, axis=0), np.repeat(Y, weights))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), atol=1e-6)
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-5)
    for part in ("channels", "outputs"):
        ours = getattr(weighted._standardizer, part)
        theirs = getattr(repeated._standardizer, part)
        np.testing.assert_allclose(ours.mean_, theirs.mean_, atol=1e-12)
        np.testing.assert_allclose(ours.scale_, theirs.scale_)


def test_only_the_rows_held_out_may_be_weighted():
    weights = np.r_[np.ones(90), np.arange(1, 11)]
    fitted = lstm(early_stopping=True, max_epochs=1, lr=1e-12)
    fitted.fit(X, Y, sample_weight=weights)
    error = mean_squared_error(
        Y[90:], fitted.predict(X[90:]), sample_weight=weights[90:]
    )
    np.testing.assert_allclose(fitted.validation_loss_curve_, [error], rtol=1e-4)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_weights_keep_what_a_loss_is_of_its_values(reduction):
    net = lstm(loss=nn.MSELoss(reduction=reduction), lr=1e-12, max_epochs=1)
    plain = clone(net).fit(X, Y).loss_curve_
    weights = np.r_[1.0001, np.ones(99)]
    weighted = clone(net).fit(X, Y, sample_weight=weights).loss_curve_
    np.testing.assert_allclose(weighted, plain, rtol=1e-3)


def test_equal_weights_are_none(net):
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


def test_rows_that_do_not_count_do_not_lower_the_loss_of_all_steps():
    rows, y = levels(200)
    windows = SlidingWindow(6).fit_transform(rows)
    weights = (np.arange(200) % 10 == 0).astype(float)
    curves = [
        lstm(loss_steps=steps, max_epochs=1, lr=1e-12)
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
    """A loss with nothing to weigh."""

    def forward(self, answer, target):
        return (answer - target).abs().mean()


class RowError(nn.Module):
    """A loss of each row, but not of each target."""

    reduction = "none"

    def forward(self, answer, target):
        return (answer - target).abs().mean(dim=1)


@pytest.mark.parametrize("loss", [MeanError, RowError()])
def test_a_loss_that_cannot_be_weighted(loss):
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


def test_every_seed_draws_another_net():
    answers = {lstm(random_state=seed).fit(X, Y).predict(X)[0] for seed in range(5)}
    assert len(answers) == 5
