"""The training loop: against a loop by hand, in micro-batches, and within memory."""

from dataclasses import replace

import numpy as np
import pytest
import torch
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
from sktsdl._estimator.specs import ModuleSpec
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
    original = sktsdl._training.skorch_net.Net._loss

    def spy(self, output, *args):
        sizes.append(len(output))
        return original(self, output, *args)

    monkeypatch.setattr("sktsdl._training.skorch_net.Net._loss", spy)
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
