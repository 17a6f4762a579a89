"""Placement on devices, tested with torch's meta device, which holds no values."""

import io
import pickle
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

import sktsdl._training.callbacks
import sktsdl._training.skorch_net
import sktsdl._training.trainer
from sktsdl import LSTMRegressor, TransformerRegressor
from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._training.batches import Batches, WindowDataset
from sktsdl._training.config import Units
from sktsdl._training.device import move_rows
from tests.estimators import every_net

META = torch.device("meta")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5, 3))
X[..., 2] = RNG.integers(0, 3, size=(60, 5))
Y = X[:, -1, 0]


def dataset(**parts):
    rows = torch.zeros(12, 2)
    return WindowDataset(rows, torch.arange(8), 5, torch.zeros(8, 1), **parts)


@pytest.mark.parametrize("window_norm", [None, "last", "standard", "mean"])
@pytest.mark.parametrize("patch_size", [1, 2])
@every_net
def test_a_forward_pass_stays_on_its_device(cls, window_norm, patch_size):
    net = cls(
        max_epochs=1,
        window_norm=window_norm,
        channel_independent=patch_size > 1,
        patch_size=patch_size,
        linear_skip=patch_size > 1,
        categorical_features=[2],
        random_state=0,
    )
    module = net.fit(X, Y).module_.to(META)
    module.train()
    assert module(torch.zeros(4, 5, 3, device=META)).device == META
    if hasattr(net, "attention_weights"):
        weights = module.attention_weights(torch.zeros(4, 5, 3, device=META))
        assert weights.device == META


@pytest.mark.parametrize(
    "net",
    [
        LSTMRegressor(dropout=0.1, variational_dropout=0.1, layer_norm=True),
        LSTMRegressor(bptt_steps=2, bidirectional=True),
        TransformerRegressor(causal=True, pooling="mean", dropout=0.1),
    ],
    ids=str,
)
def test_forward_passes_with_options_stay_on_their_device(net):
    module = net.set_params(max_epochs=1).fit(X, Y).module_.to(META).train()
    assert module(torch.zeros(4, 5, 3, device=META)).device == META


def test_batches_are_gathered_where_the_rows_are():
    weighted = dataset(weights=torch.ones(8, 1)).to(META)
    assert weighted.rows.device == META
    for batch in Batches(weighted, 3, shuffle=True):
        parts = *batch, batch.weights
        assert [part.device for part in parts] == [META] * 3


class Counter(Callback):
    """Counts the batches and epochs that end."""

    def __init__(self):
        self.n_batches = self.n_epochs = 0

    def on_batch_end(self, net, **kwargs):
        self.n_batches += 1

    def on_epoch_end(self, net, **kwargs):
        self.n_epochs += 1


def test_losses_are_read_from_an_accelerator_once_an_epoch(monkeypatch):
    monkeypatch.setattr("sktsdl._training.trainer.generator_states", lambda device: {})
    net = LSTMRegressor(batch_size=2, optimizer=torch.optim.NAdam)
    spec = ModuleSpec(n_channels=2, n_steps=4, n_outputs=1, n_targets=1)
    counter = Counter()
    # Nothing can be read from this device, so that the first attempt is an error.
    with pytest.raises((NotImplementedError, RuntimeError), match="meta"):
        sktsdl._training.trainer.train(
            net._build_module(spec).to(META),
            replace(net._training_config(), device=META),
            dataset().to(META),
            None,
            criterion=nn.MSELoss(),
            units=Units(np.asarray, np.asarray, 1.0),
            n_epochs=2,
            extra_callbacks=[counter],
        )
    assert (counter.n_batches, counter.n_epochs) == (4, 0)


def test_losses_that_are_read_at_the_end_of_an_epoch_are_the_same(monkeypatch):
    net = LSTMRegressor(max_epochs=3, early_stopping=True, random_state=0)
    expected = net.fit(X, Y).loss_curve_, net.validation_loss_curve_
    seen = []

    class OnAccelerator(str):
        """The CPU under another name."""

        type = "accelerator"

    original = sktsdl._training.skorch_net.Net.run_single_epoch

    def late(self, *args, **kwargs):
        device, self.device = self.device, OnAccelerator("cpu")
        original(self, *args, **kwargs)
        self.device = device
        seen.extend(row[key] for row in self.history[-1, "batches"] for key in row)

    monkeypatch.setattr("sktsdl._training.skorch_net.Net.run_single_epoch", late)
    late_curves = net.fit(X, Y).loss_curve_, net.validation_loss_curve_
    assert late_curves == expected
    assert not any(isinstance(value, torch.Tensor) for value in seen)


@pytest.mark.parametrize(("free", "fits"), [(200, True), (191, False)])
def test_rows_that_would_fill_a_device_stay_and_batches_are_sent(
    monkeypatch, free, fits
):
    cuda = torch.device("cuda:0")
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (free, 0))
    moved = []
    monkeypatch.setattr(
        torch.Tensor, "to", lambda self, *a, **k: moved.append(a) or self
    )
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: self)
    rows = torch.zeros(12, 2)  # 96 bytes
    move_rows(rows, cuda)
    assert moved == ([(cuda,)] if fits else [])
    if not fits:
        held = dataset().to(cuda)
        assert (held.rows.device.type, held.device) == ("cpu", cuda)
        moved.clear()
        held[torch.tensor([0, 3])]
        assert moved == [(cuda,), (cuda,)]


def test_a_pickle_needs_no_device():
    """skorch moves module, criterion and optimizer; all else must be on the CPU."""
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.ones(1))
    net = LSTMRegressor(early_stopping=True, max_epochs=2, loss=loss, random_state=0)
    net.fit(X, (Y > 0).astype(float))
    held = []

    class Spy(pickle.Pickler):
        def persistent_id(self, obj):
            if isinstance(obj, torch.Tensor):
                held.append(obj)

    Spy(io.BytesIO()).dump(net)
    stopper = dict(net.net_.callbacks_)["early_stopping"]
    kept = [*stopper.last_weights_.values(), *net.net_.generators_.values()]
    kept += loss.buffers()  # as the user gave it
    assert {id(tensor) for tensor in held} == {id(tensor) for tensor in kept}


def test_the_last_weights_are_kept_off_the_device():
    class OnAccelerator(torch.Tensor):
        """A tensor that records where it is sent."""

        def to(self, *args, **kwargs):
            calls.append((args, kwargs))
            return torch.zeros(1)

    calls = []
    stopper = sktsdl._training.callbacks.ResumableEarlyStopping().initialize()
    module = SimpleNamespace(
        state_dict=lambda: {"weight": torch.zeros(1).as_subclass(OnAccelerator)}
    )
    stopper.on_train_end(SimpleNamespace(module_=module, verbose=0))
    assert calls == [(("cpu",), {"copy": True})]
