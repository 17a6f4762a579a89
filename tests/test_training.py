"""The training loop: against a loop by hand, in micro-batches, and within memory."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback
from torch import nn

import sktsdl._training.skorch_net
import sktsdl._training.trainer
from sktsdl import (
    GRURegressor,
    LSTMRegressor,
    SlidingWindow,
    TCNRegressor,
    TransformerRegressor,
    WindowMLPRegressor,
)
from sktsdl._estimator import fitting, scaling
from sktsdl._estimator.module_spec import ModuleSpec
from tests.nets import NOISE, X, Y, lstm, net_fixture

net = net_fixture()

SPEC = ModuleSpec(n_channels=7, n_steps=96, n_outputs=1, n_targets=1)


@pytest.mark.parametrize("as_view", [True, False])
def test_training_equals_a_loop_by_hand(net, as_view):
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
        module = net()._build_module(replace(SPEC, n_channels=2))
        optimizer = torch.optim.Adam(module.parameters(), lr=1e-2, fused=False)
        losses = []
        for _ in range(3):
            total = 0.0
            for where in torch.split(torch.randperm(100), 24):
                optimizer.zero_grad()
                output = module.head(module.states(inputs[where])[:, -1])
                loss = nn.functional.mse_loss(output, targets[where])
                loss.backward()
                optimizer.step()
                total += loss.item() * len(where) / 100
            losses.append(total * Y.var())
        output = module.head(module.states(inputs)[:, -1]).detach().numpy()
    np.testing.assert_allclose(fitted.loss_curve_, losses, rtol=1e-5)
    expected = output[:, 0] * Y.std() + Y.mean()
    np.testing.assert_allclose(fitted.predict(windows), expected, atol=1e-5)


def test_micro_batches_take_the_same_step_as_the_batch(monkeypatch, net):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(80, 5, 2))
    whole = net(batch_size=40, weight_decay=0.1).fit(rows, NOISE[:80])
    monkeypatch.setattr("sktsdl._training.blocks.BUFFER_BYTES", 2000)
    sizes = []
    original = sktsdl._training.batches.Batch.loss

    def spy(self, criterion, output, *args):
        sizes.append(len(output))
        return original(self, criterion, output, *args)

    monkeypatch.setattr("sktsdl._training.batches.Batch.loss", spy)
    parts = net(batch_size=40, weight_decay=0.1).fit(rows, NOISE[:80])
    assert (max(sizes) < 20) == (not isinstance(parts, TCNRegressor))
    np.testing.assert_allclose(parts.predict(rows), whole.predict(rows), atol=1e-5)


def test_micro_batch_sizes_of_large_and_small_buffers():
    for net, parted in (
        (LSTMRegressor(), 64),
        (LSTMRegressor(layer_norm=True), 256),
        (GRURegressor(), 256),
        (TransformerRegressor(), 52),
    ):
        module = net._build_module(SPEC)
        assert sktsdl._training.blocks.micro_batch_size(module, 256, 96) == parted
        assert sktsdl._training.blocks.micro_batch_size(module, 32, 20) == 32


@pytest.mark.parametrize(
    ("cls", "params"),
    [
        (LSTMRegressor, {}),
        (LSTMRegressor, {"patch_size": 8}),
        (TransformerRegressor, {"channel_independent": True}),
        (TCNRegressor, {"loss": "quantile"}),
        (WindowMLPRegressor, {"dropout": 0.2}),
    ],
)
def test_one_row_is_predicted_in_a_small_block(cls, params):
    rows = np.random.default_rng(0).normal(size=(330, 2))
    windows = SlidingWindow(96).fit_transform(rows)
    fitted = cls(max_epochs=1, random_state=0, **params).fit(windows, rows[:, 0])
    sizes = []
    hook = fitted.module_.register_forward_hook(
        lambda module, args, output: sizes.append(len(args[0]))
    )
    alone, together = fitted.predict(windows[-1:]), fitted.predict(windows)
    hook.remove()
    assert alone == together[-1]
    assert len(set(sizes)) == 1
    assert sizes[0] == 256 or (cls is not WindowMLPRegressor and sizes[0] <= 128)
    if "dropout" in params:
        one, all_rows = (
            fitted.predict(X, return_std=True) for X in (windows[-1:], windows)
        )
        assert [part[-1] for part in one] == [part[-1] for part in all_rows]


def test_small_batches_are_trained_on_one_thread(monkeypatch):
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


def test_the_history_keeps_the_last_batch_of_each_epoch_only():
    class Counts(Callback):
        def on_batch_end(self, net, **kwargs):
            kept.append([len(epoch["batches"]) for epoch in net.history])

    kept = []
    history = lstm(callbacks=[Counts()]).fit(X, Y).net_.history
    assert kept == [[1] * i + [k] for i in range(3) for k in (1, 2, 3, 4)]
    assert [len(epoch["batches"]) for epoch in history] == [1, 1, 1]


def test_out_of_memory_names_batch_size(monkeypatch):
    def fail(*args, **kwargs):
        raise torch.cuda.OutOfMemoryError

    monkeypatch.setattr("sktsdl._training.skorch_net.Net.train_step", fail)
    with pytest.raises(MemoryError, match=r"batch_size=7 windows of 5 steps.*smaller"):
        lstm(batch_size=7).fit(X, Y)


def test_batch_norm_needs_two_windows_in_a_batch():
    for n, batch_size in ((1, 32), (20, 1)):
        with pytest.raises(ValueError, match="norm='batch' needs at least 2 windows"):
            WindowMLPRegressor(norm="batch", batch_size=batch_size).fit(X[:n], Y[:n])


class Enough(Exception):
    """Ends a fit where training begins."""


class Stop(Callback):
    def on_train_begin(self, *args, **kwargs):
        raise Enough


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("window_norm", ["auto", None])
def test_targets_of_a_long_horizon_are_copied_once(monkeypatch, window_norm, dtype):
    monkeypatch.setattr(scaling, "N_AT_ONCE", 2**16)
    monkeypatch.setattr(fitting, "N_ENCODED", 2**10)
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((20_047, 1)).astype(dtype)
    y = sliding_window_view(rows[:, 0], 48).copy()  # with the row itself
    windows = SlidingWindow(24).fit_transform(rows[:20_000])
    mlp = WindowMLPRegressor(
        window_norm=window_norm,
        target_channels=[0],
        max_epochs=1,
        callbacks=[Stop()],
    )
    with pytest.raises(Enough):
        mlp.fit(windows[:100], y[:100])  # what is imported late
    tracemalloc.start()
    try:
        with pytest.raises(Enough):
            mlp.fit(windows, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    encoded = y.size * np.dtype(np.float32).itemsize
    assert peak < 3 * encoded  # 4 and more with a copy of the targets in float64


@pytest.mark.parametrize("loss_steps", ["last", "all"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_fits_do_not_depend_on_how_targets_are_parted(monkeypatch, order, loss_steps):
    rng = np.random.default_rng(0)
    rows = rng.normal(3.0, 2.0, size=(104, 2))
    y = rng.normal(1e3, 1.0, size=(104, 7)).astype(np.float32, order=order)
    windows = SlidingWindow(5).fit_transform(rows)
    params = {"loss_steps": loss_steps, "window_norm": None}
    expected = lstm(**params).fit(windows, y.astype(np.float64))
    monkeypatch.setattr(scaling, "N_AT_ONCE", 1)
    monkeypatch.setattr(fitting, "N_ENCODED", 7)
    fitted = lstm(**params).fit(windows, y)
    np.testing.assert_array_equal(fitted.predict(windows), expected.predict(windows))
    assert fitted.loss_curve_ == expected.loss_curve_


@pytest.mark.parametrize("n_columns", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_statistics_by_columns_are_those_of_all(monkeypatch, n_columns, order, dtype):
    rng = np.random.default_rng(0)
    values = rng.normal(1e3, 1.0, size=(20_001, n_columns)).astype(dtype, order=order)
    idx = np.flatnonzero(rng.random(len(values)) < 0.7)
    monkeypatch.setattr(scaling, "N_AT_ONCE", 64)
    for rows in (None, idx):
        found = scaling.Scaling.fit(values, None, str, rows)
        of = values if rows is None else values[rows].astype(np.float64)
        expected = StandardScaler().fit(of)
        np.testing.assert_array_equal(found.mean, expected.mean_)
        np.testing.assert_array_equal(found.scale, expected.scale_)


def test_a_column_whose_squares_overflow_is_named_by_its_number(monkeypatch):
    monkeypatch.setattr(scaling, "N_AT_ONCE", 1)
    y = np.ones((50, 7))
    y[:, 5] = np.linspace(0, 1e200, 50)
    with pytest.raises(ValueError, match="Column 5 of y holds numbers whose squares"):
        WindowMLPRegressor(window_norm=None).fit(np.arange(200.0).reshape(50, 4, 1), y)
