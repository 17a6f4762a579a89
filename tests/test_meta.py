"""Training on torch's meta device: no value is read, and none comes from the CPU.

A value that a training step reads from a GPU, or copies to it, stops the program until
the GPU has computed all that was asked of it before.
"""

import numpy as np
import pandas as pd
import pytest
import torch
from skorch.callbacks import Callback
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sktsdl import (
    ITransformerRegressor,
    LSTMRegressor,
    MultiTaskNet,
    NetClassifier,
    Seq2SeqRegressor,
    SlidingWindow,
    TCNRegressor,
    TFTRegressor,
    TransformerRegressor,
    WindowMLPRegressor,
    make_supervised,
)
from tests.estimators import every_net, make

META = torch.device("meta")
RNG = np.random.default_rng(0)


class Steps(Callback):
    """Says whether a pass over the data is between its first batch and its last.

    A fit copies its callbacks, so the class holds what they see.
    """

    n_begun = n_ended = 0

    def on_batch_begin(self, *args, **kwargs):
        Steps.n_begun += 1

    def on_batch_end(self, *args, **kwargs):
        Steps.n_ended += 1

    @classmethod
    def are_inside(cls):
        return cls.n_begun > cls.n_ended or cls.n_ended % 3 > 0


class OneDevice(TorchDispatchMode):
    """Refuses to copy a value from one device to another while steps run."""

    n_calls = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **kwargs or {})
        if Steps.are_inside():
            parts = tree_leaves((args, kwargs, result))
            # A kernel is given numbers, tensors without dimensions, as arguments.
            tensors = [p for p in parts if isinstance(p, torch.Tensor) and p.ndim]
            assert len({tensor.device for tensor in tensors}) < 2, func
            self.n_calls += 1
        return result


class NoLists(TorchFunctionMode):
    """Refuses to send lists of Python to the device while steps run."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if Steps.are_inside():
            if func in (torch.tensor, torch.as_tensor):
                assert str((kwargs or {}).get("device")) in ("None", "cpu")
            if func is torch.Tensor.__getitem__:
                where = args[1] if isinstance(args[1], tuple) else args[1:]
                assert not any(isinstance(part, list) for part in where)
        return func(*args, **kwargs or {})


@pytest.fixture
def fit_on_meta(monkeypatch):
    """Train on the meta device; only the losses of an epoch are replaced, by 0."""

    def read(losses):
        assert not Steps.are_inside()
        return [0.0] * len(losses)

    monkeypatch.setattr(Steps, "n_begun", 0)
    monkeypatch.setattr(Steps, "n_ended", 0)
    monkeypatch.setattr(torch.Tensor, "tolist", read)
    for module in ("parameters", "settings"):
        name = f"sktsdl._estimator.{module}.resolve_device"
        monkeypatch.setattr(name, lambda name: META)
    name = "sktsdl._training.callbacks.FiniteLoss.on_epoch_end"
    monkeypatch.setattr(name, lambda *args, **kwargs: None)

    def fit(model, X, y, net=None, **params):
        net = model if net is None else net
        step = 20 // params.get("accumulate_batches", 1)
        net.set_params(callbacks=[Steps()], max_epochs=1, batch_size=step, **params)
        if net.optimizer == "adam":  # it has no kernel for this device
            net.set_params(optimizer_params={"fused": False})
        with OneDevice() as mode, NoLists():
            model.fit(X[-60:], y[-60:])
        assert Steps.n_ended == 3
        assert mode.n_calls > 50

    return fit


def windows_and_targets():
    X = RNG.normal(size=(60, 6, 3))
    X[..., 2] = RNG.integers(0, 3, size=(60, 6))
    return X, np.column_stack([X[:, -1, 0], X[:, -1, 1]])


def rows_of_two_series():
    """Return rows with columns that are known ahead, static and of codes."""
    hours = pd.date_range("2020-01-01", periods=45, freq="h")
    index = pd.MultiIndex.from_product([["a", "b"], hours], names=["shop", "time"])
    data = pd.DataFrame(RNG.normal(size=(90, 2)), index, ["load", "temp"])
    data["shift"] = RNG.integers(0, 3, size=90)
    data["size"] = np.repeat([1.0, 2.0], 45)
    X, y, _ = make_supervised(
        data, target="load", horizon=3, known_future=["temp", "shift"]
    )
    return SlidingWindow(6).fit_transform(X), y


@every_net
def test_no_value_is_read_or_copied_in_a_step(cls, fit_on_meta):
    fit_on_meta(make(cls), *windows_and_targets())


def test_batches_are_not_parted_for_the_cache_of_a_cpu(fit_on_meta, monkeypatch):
    monkeypatch.setattr("sktsdl._training.blocks.BUFFER_BYTES", 1)
    sizes = []

    class Loss(torch.nn.MSELoss):
        def forward(self, output, targets):
            sizes.append(len(output))
            return super().forward(output, targets)

    fit_on_meta(LSTMRegressor(hidden_sizes=(4,), loss=Loss), *windows_and_targets())
    assert sizes == [20] * 3


EVERYTHING = {
    "window_norm": "standard",
    "loss_scale": "window",
    "loss": "quantile",
    "cycle": (4, 12),
    "linear_skip": True,
    "categorical_features": ["shift"],
    "static_features": ["size"],
    "accumulate_batches": 2,
    "clip_grad_value": 0.1,
    "lr_schedule": "one_cycle",
}


@pytest.mark.parametrize(
    "cls",
    [
        ITransformerRegressor,
        LSTMRegressor,
        Seq2SeqRegressor,
        TFTRegressor,
        WindowMLPRegressor,
    ],
)
def test_nor_with_all_that_stands_around_a_module(cls, fit_on_meta):
    fit_on_meta(make(cls), *rows_of_two_series(), **EVERYTHING)


@pytest.mark.parametrize(
    "net",
    [
        LSTMRegressor(variational_dropout=0.1, layer_norm=True, window_norm="mean"),
        LSTMRegressor(bptt_steps=2, hidden_sizes=(4, 4), dropout=0.1),
        LSTMRegressor(decoder="parallel", patch_size=2),
        TCNRegressor(loss_steps="all", norm="batch", optimizer=torch.optim.NAdam),
        TransformerRegressor(
            channel_independent=True, patch_size=4, patch_stride=2, pooling="flatten"
        ),
        TransformerRegressor(causal=True, loss_steps="all", weight_decay=0.1),
    ],
    ids=str,
)
def test_nor_with_options_of_modules_and_optimizers(net, fit_on_meta):
    X, y = windows_and_targets()
    rows = SlidingWindow(6).fit_transform(X[:, -1])
    fit_on_meta(net, rows, y)


def test_nor_with_several_targets_and_classes(fit_on_meta):
    X, y = windows_and_targets()
    net = LSTMRegressor(hidden_sizes=(4,))
    y = pd.DataFrame({"a": y[:, 0], "b": np.where(y[:, 1] > 0, "high", "low")})
    both = MultiTaskNet(net, tasks={"a": "regression", "b": "classification"})
    fit_on_meta(both, X, y, net=net)


def test_nor_with_classes(fit_on_meta):
    X, y = windows_and_targets()
    labels = np.where(y[:, 0] > 0, "high", "low")
    net = LSTMRegressor(hidden_sizes=(4,))
    fit_on_meta(NetClassifier(net), X, labels, net=net)
