"""Placement on devices, tested with torch's meta device, which holds no values."""

import copy
import io
import pickle
from contextlib import nullcontext
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
from sktsdl import LSTMRegressor, TFTRegressor, TransformerRegressor
from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._training.batches import Batches, WindowDataset
from sktsdl._training.blocks import block_size
from sktsdl._training.config import Units
from sktsdl._training.device import move_rows, resolve_device, seeded
from sktsdl._training.mc_dropout import mc_mean_and_std
from sktsdl.inspection import integrated_gradients
from tests.estimators import every_net
from tests.nets import lstm

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


def test_an_accelerator_has_its_index(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.cuda.current_device", lambda: 1)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    found = [resolve_device(name) for name in ("cuda", "auto", "cuda:0", "cpu:0")]
    assert found == [
        torch.device("cuda", 1),
        torch.device("cuda", 1),
        torch.device("cuda", 0),
        torch.device("cpu"),
    ]


def test_rows_on_the_device_of_the_batches_are_not_sent():
    expected = lstm().fit(X, Y).predict(X)
    # As "cuda" and "cuda:0" are one device, and not equal.
    np.testing.assert_array_equal(lstm(device="cpu:0").fit(X, Y).predict(X), expected)


@pytest.fixture
def two_gpus(monkeypatch):
    """The generators of two GPUs, of which the first one is the current device."""
    generators = torch.Generator(), torch.Generator()
    for seed, generator in enumerate(generators):
        generator.manual_seed(seed)
    monkeypatch.setattr("torch.cuda.init", lambda: None)
    monkeypatch.setattr("torch.cuda.device", nullcontext)
    monkeypatch.setattr("torch.cuda.default_generators", generators)
    return generators


@pytest.mark.filterwarnings("ignore:.*CUDA is not available")
def test_the_generator_of_the_device_is_seeded_and_no_other(two_gpus, monkeypatch):
    cudnn = torch.backends.cudnn
    monkeypatch.setattr(cudnn, "benchmark", True)
    before = [generator.get_state() for generator in two_gpus]
    drawn = []
    for _ in range(2):
        with seeded(0, torch.device("cuda:1")):
            assert (cudnn.deterministic, cudnn.benchmark) == (True, False)
            drawn.append(torch.rand(3, generator=two_gpus[1]))
            assert torch.equal(two_gpus[0].get_state(), before[0])
            states = sktsdl._training.device.generator_states(torch.device("cuda:1"))
            after = torch.rand(3, generator=two_gpus[1])
        assert torch.equal(two_gpus[1].get_state(), before[1])
    assert torch.equal(*drawn)
    with seeded(5, torch.device("cuda:0"), states):
        assert torch.equal(torch.rand(3, generator=two_gpus[0]), after)
    assert (cudnn.deterministic, cudnn.benchmark) == (False, True)


def test_blocks_are_larger_on_an_accelerator():
    for net in (LSTMRegressor(), TransformerRegressor(d_model=256)):
        module = net.set_params(max_epochs=1).fit(X, Y).module_
        sizes = block_size(module, 720), block_size(module.to(META), 720)
        assert sizes[0] < sizes[1] <= 1024
        assert sizes[1] % 16 == 0


def test_dropout_draws_the_same_for_each_window_without_states_of_the_device():
    net = TFTRegressor(dropout=0.2, max_epochs=1, random_state=0).fit(X, Y)
    twice = net._prepared_windows(X[[3, 3]])
    decode = net._spec.targets.decode
    mean, std = mc_mean_and_std(net.module_, twice, decode, {}, 5, 16)
    np.testing.assert_array_equal(mean[0], mean[1])
    np.testing.assert_array_equal(std[0], std[1])


def flatten(module):
    """Put the weights of each recurrent layer into one buffer, as CUDA does."""
    for layer in module.modules():
        if isinstance(layer, nn.RNNBase):
            weights = list(layer.parameters())
            sizes = [weight.numel() for weight in weights]
            joined = torch.cat([weight.detach().flatten() for weight in weights])
            for weight, part in zip(weights, torch.split(joined, sizes), strict=True):
                weight.data = part.view_as(weight)


def test_a_pickle_holds_each_weight_once_also_if_weights_share_a_buffer():
    net = LSTMRegressor(max_epochs=1, random_state=0).fit(X, Y)
    size, expected = len(pickle.dumps(net)), net.predict(X)
    flatten(net.module_)
    content = pickle.dumps(net)
    assert len(content) < 1.05 * size
    for one in (net, pickle.loads(content), copy.deepcopy(net)):
        np.testing.assert_array_equal(one.predict(X), expected)
        optimized = one.net_.optimizer_.param_groups[0]["params"]
        assert {*map(id, optimized)} == {*map(id, one.module_.parameters())}


def test_copies_of_recurrent_layers_are_made_compact(monkeypatch):
    compacted = []
    net = lstm(hidden_sizes=(4, 4), dropout=0.1).fit(X, Y)
    content = pickle.dumps(net)
    name = "torch.nn.RNNBase.flatten_parameters"
    monkeypatch.setattr(name, lambda layer: compacted.append(layer))
    again = pickle.loads(content)
    layers = [m for m in again.module_.modules() if isinstance(m, nn.RNNBase)]
    assert compacted == layers
    compacted.clear()
    net.predict(X[:2], return_std=True, n_draws=2)
    assert len(compacted) == 2


def test_a_pickle_of_a_device_that_is_not_here_is_read_to_the_cpu():
    net = lstm(early_stopping=True).fit(X, Y)
    expected = net.predict(X)
    for name in ("cuda:9", "mps"):
        net.net_.device = torch.device(name)
        again = pickle.loads(pickle.dumps(net))
        assert again.net_.device == torch.device("cpu")
        np.testing.assert_array_equal(again.predict(X), expected)


def out_of_memory(*args, **kwargs):
    raise torch.cuda.OutOfMemoryError


def test_too_little_memory_for_the_rows_of_a_fit(monkeypatch):
    net = lstm().fit(X, Y)
    before, expected = dict(vars(net)), net.predict(X)
    with monkeypatch.context() as patch:
        patch.setattr("sktsdl._training.batches.WindowDataset.to", out_of_memory)
        with pytest.raises(MemoryError, match=r"^cpu has too little .*smaller window"):
            net.fit(X[:20], Y[:20])
    assert vars(net) == before
    np.testing.assert_array_equal(net.predict(X), expected)


@pytest.mark.parametrize("where", ["batches.WindowDataset.to", "batches.Tensor.view"])
@pytest.mark.parametrize(
    "use",
    [
        lambda net: net.predict(X),
        lambda net: net.predict(X, return_std=True, n_draws=2),
        lambda net: integrated_gradients(net, X[:3]),
    ],
    ids=["predict", "dropout", "gradients"],
)
def test_too_little_memory_for_a_prediction(monkeypatch, where, use):
    net = lstm(hidden_sizes=(4, 4), dropout=0.1).fit(X, Y)
    monkeypatch.setattr(f"sktsdl._training.{where}", out_of_memory)
    with pytest.raises(MemoryError, match=r"to predict: predict fewer rows.*device='c"):
        use(net)
