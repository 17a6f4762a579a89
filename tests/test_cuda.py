"""Nets on CUDA beside the same nets on the CPU."""

import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback

import sktsdl
from sktsdl import GRURegressor, LSTMRegressor, NetClassifier, TransformerRegressor
from sktsdl.inspection import integrated_gradients
from tests.estimators import every_net, make
from tests.nets import lstm

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"),
    pytest.mark.filterwarnings("ignore:Please use the new API settings"),
]

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(1004, 3)).astype(np.float32)
X = np.stack([ROWS[i : i + 5] for i in range(1000)])
Y = np.column_stack([X[:, -1, 0] - X[:, -2, 1], X[:, 0, 2] + 0.1 * X[:, -1, 0]])


@pytest.fixture(autouse=True)
def full_float32():
    """Compute in float32, and not in TF32."""
    before = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    torch.backends.cudnn.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")
    yield
    torch.backends.cudnn.allow_tf32 = before[0]
    torch.set_float32_matmul_precision(before[1])


def device_of(net):
    return next(net.module_.parameters()).device


def without_draws(cls, **params):
    """Construct a net that draws nothing but its first weights and its batches."""
    net = make(cls, **{"max_epochs": 1, "device": "cuda"} | params)
    draws = {"dropout": 0.0, "teacher_forcing": 0.0}
    return net.set_params(**{k: v for k, v in draws.items() if k in net.get_params()})


@every_net
def test_fit_and_predict_as_on_the_cpu(cls):
    net = without_draws(cls).fit(X, Y)
    assert all(weight.is_cuda for weight in net.module_.parameters())
    alone = clone(net).set_params(device="cpu").fit(X, Y)
    np.testing.assert_allclose(net.loss_curve_, alone.loss_curve_, rtol=1e-3)
    np.testing.assert_allclose(net.predict(X), alone.predict(X), rtol=1e-3, atol=1e-3)


@every_net
def test_half_precision_is_near_full_precision(cls):
    expected = without_draws(cls).fit(X, Y).predict(X)
    for precision in ("bf16", "fp16"):
        net = without_draws(cls, precision=precision).fit(X, Y)
        assert net.net_.scaler_.is_enabled() == (precision == "fp16")
        # The first steps of fp16 are left out until the scale of the loss fits.
        distance = np.linalg.norm(net.predict(X) - expected)
        assert 0 < distance < 0.25 * np.linalg.norm(expected)


@every_net
def test_one_seed_gives_one_net(cls):
    net = make(cls, device="cuda")
    if "dropout" in net.get_params():
        net.set_params(dropout=0.1)
    first, second = (clone(net).fit(X, Y) for _ in range(2))
    for one, other in zip(
        first.module_.parameters(), second.module_.parameters(), strict=True
    ):
        assert torch.equal(one, other)
    np.testing.assert_array_equal(first.predict(X), second.predict(X))


@every_net
def test_a_row_alone_is_predicted_as_within_a_thousand(cls):
    net = make(cls, device="cuda").fit(X, Y)
    many = net.predict(X)
    for i in (0, 17, 999):
        one = net.predict(X[i : i + 1])
        np.testing.assert_allclose(one[0], many[i], rtol=1e-5, atol=1e-6)


class NoSynchronisation(Callback):
    """Lets torch raise an error if a step waits for the GPU."""

    def __init__(self, n_batches):
        self.n_batches = n_batches
        self.n_ended = 0

    def on_batch_begin(self, *args, **kwargs):
        torch.cuda.set_sync_debug_mode("error")

    def on_batch_end(self, *args, **kwargs):
        self.n_ended += 1
        if self.n_ended % self.n_batches == 0:  # the losses are read after it
            torch.cuda.set_sync_debug_mode("default")


@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
@pytest.mark.parametrize("params", [{}, {"precision": "fp16"}], ids=str)
@every_net
def test_no_step_waits_for_the_gpu(cls, params):
    guard = NoSynchronisation(10)
    net = make(cls, device="cuda", batch_size=100, callbacks=[guard], **params)
    net.set_params(clip_grad_value=1.0, lr_schedule="one_cycle")
    try:
        net.fit(X, Y)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    (copied,) = (c for _, c in net.net_.callbacks_ if isinstance(c, NoSynchronisation))
    assert copied.n_ended == 20


def test_auto_takes_cuda():
    net = lstm(device="auto").fit(X, Y)
    assert device_of(net) == torch.device("cuda", 0)


def test_random_generators_of_the_process_are_left_alone():
    torch.cuda.manual_seed(3)
    before = torch.cuda.get_rng_state()
    net = lstm(device="cuda", hidden_sizes=(4, 4), dropout=0.2).fit(X, Y)
    net.predict(X[:3], return_std=True)
    assert torch.equal(torch.cuda.get_rng_state(), before)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_the_second_gpu():
    before = torch.cuda.get_rng_state(0)
    net = lstm(hidden_sizes=(4, 4), dropout=0.2)
    found = [
        clone(net).set_params(device=f"cuda:{i}").fit(X, Y).predict(X) for i in (0, 1)
    ]
    np.testing.assert_array_equal(*found)
    assert torch.equal(torch.cuda.get_rng_state(0), before)


# Reads a net in all ways, without CUDA, and prints its predictions.
READ = """
import pickle, sys
import numpy as np
import sktsdl
folder = sys.argv[1]
X = np.load(f"{folder}/X.npy")
with open(f"{folder}/net.pickle", "rb") as file:
    pickled = pickle.load(file)
loaded = sktsdl.load(f"{folder}/net.safetensors", device="cpu")
for name, net in {"pickled": pickled, "loaded": loaded}.items():
    assert not next(net.module_.parameters()).is_cuda
    np.save(f"{folder}/{name}.npy", net.predict(X))
pickled.set_params(device="cpu", warm_start=True, max_epochs=3).fit(X, X[:, -1, :2])
assert pickled.n_epochs_ == 3
"""


@pytest.mark.parametrize("precision", ["float32", "fp16"])
def test_a_net_of_cuda_is_read_without_cuda(precision, tmp_path):
    net = lstm(device="cuda", early_stopping=True, precision=precision, max_epochs=2)
    net.fit(X, Y)
    np.save(tmp_path / "X.npy", X)
    net.save(tmp_path / "net.safetensors")
    net.set_params(precision="bf16")  # without CUDA, fp16 cannot be trained further
    (tmp_path / "net.pickle").write_bytes(pickle.dumps(net))
    command = [sys.executable, "-W", "error", "-c", READ, str(tmp_path)]
    subprocess.run(command, check=True, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""})
    for name in ("pickled", "loaded"):
        found = np.load(tmp_path / f"{name}.npy")
        np.testing.assert_allclose(found, net.predict(X), rtol=1e-3, atol=1e-4)


def test_a_net_of_the_cpu_goes_on_on_cuda(tmp_path):
    net = lstm(hidden_sizes=(4, 4), dropout=0.1).fit(X, Y)
    net.save(tmp_path / "net.safetensors")
    loaded = sktsdl.load(tmp_path / "net.safetensors", device="cuda")
    assert device_of(loaded).type == "cuda"
    np.testing.assert_allclose(loaded.predict(X), net.predict(X), rtol=1e-3, atol=1e-4)
    mean, std = loaded.predict(X[[5, 5]], return_std=True, n_draws=8)
    np.testing.assert_array_equal(mean[0], mean[1])
    np.testing.assert_array_equal(std[0], std[1])
    net.set_params(device="cuda", warm_start=True, max_epochs=5).fit(X, Y)
    assert net.n_epochs_ == 5
    assert device_of(net).type == "cuda"


@pytest.mark.parametrize("cls", [LSTMRegressor, TransformerRegressor])
def test_a_pickle_and_a_copy_predict_the_same_without_a_warning(cls):
    net = make(cls, device="cuda", early_stopping=True).fit(X, Y)
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    on_cpu = clone(net).set_params(device="cpu").fit(X, Y)
    assert len(pickle.dumps(net)) < 1.1 * len(pickle.dumps(on_cpu))


def test_attributions_as_on_the_cpu():
    net = without_draws(GRURegressor).fit(X, Y)
    alone = clone(net).set_params(device="cpu").fit(X, Y)
    found = [integrated_gradients(one, X[:5], n_steps=200) for one in (net, alone)]
    np.testing.assert_allclose(*found, rtol=1e-2, atol=1e-3)


def test_a_classifier():
    labels = np.where(Y[:, 0] > 0, "high", "low")
    nets = [
        NetClassifier(lstm(device=device), random_state=0).fit(X, labels)
        for device in ("cuda", "cpu")
    ]
    found = [net.predict_proba(X) for net in nets]
    np.testing.assert_allclose(*found, rtol=1e-3, atol=1e-3)


def test_rows_that_would_fill_the_gpu_stay_on_the_host(monkeypatch):
    net = lstm(device="cuda").fit(X, Y)
    wanted = net.predict(X), integrated_gradients(net, X[:3])
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (1000, 10**9))
    held = clone(net).fit(X, Y)
    assert held._prepared_windows(X).rows.device.type == "cpu"
    np.testing.assert_array_equal(held.predict(X), wanted[0])
    np.testing.assert_array_equal(integrated_gradients(held, X[:3]), wanted[1])


@pytest.fixture
def little_memory():
    """Allow 100 MB above what is in use."""
    torch.cuda.empty_cache()
    _, total = torch.cuda.mem_get_info()
    used = torch.cuda.memory_reserved()
    torch.cuda.set_per_process_memory_fraction((used + 100 * 2**20) / total)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def test_too_little_memory_is_a_clear_error(little_memory):
    net = lstm(device="cuda", batch_size=100).fit(X, Y)
    before, expected = dict(vars(net)), net.predict(X)
    with pytest.raises(MemoryError, match=r"^cuda:0 has too little .*smaller batch"):
        net.set_params(hidden_sizes=(4000,)).fit(X, Y)
    assert vars(net) == before | {"hidden_sizes": (4000,)}
    np.testing.assert_array_equal(net.predict(X), expected)


def test_too_little_memory_for_a_prediction(little_memory):
    net = lstm(device="cuda").fit(X[:, -1:], Y)
    many = RNG.standard_normal((12_000_000, 1, 3), dtype=np.float32)
    with pytest.raises(MemoryError, match="predict fewer rows at once"):
        net.predict(many)
    assert np.isfinite(net.predict(many[:1000])).all()


def test_two_threads():
    nets = [lstm(device="cuda", random_state=seed) for seed in (0, 1)]
    expected = [clone(net).fit(X, Y).predict(X) for net in nets]
    threads = [threading.Thread(target=net.fit, args=(X, Y)) for net in nets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for net, alone in zip(nets, expected, strict=True):
        np.testing.assert_array_equal(net.predict(X), alone)
