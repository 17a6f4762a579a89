"""An estimator changes nothing of its process, and the seed alone decides."""

import multiprocessing
import os
import pickle
import random
import subprocess
import sys
import threading
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from sklearn.base import clone

import sktsdl
from sktsdl._training.device import seeded
from sktsdl.inspection import integrated_gradients
from tests.estimators import (
    every_estimator,
    every_net,
    make,
    output,
    small,
    target_for,
)
from tests.nets import lstm
from tests.series import levels

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 5, 2))
Y = X[:, -1, 0]


@pytest.fixture(scope="module", autouse=True)
def _first_step():
    # At the first step of any optimizer, torch imports its compiler, which leaves an
    # environment variable and a filter of warnings behind.
    weight = torch.nn.Parameter(torch.zeros(1))
    weight.grad = torch.zeros(1)
    torch.optim.Adam([weight]).step()


def picture():
    """Return the state of the process that an estimator could change."""
    return {
        "python": random.getstate(),
        "numpy": pickle.dumps(np.random.get_state()),  # noqa: NPY002
        "torch": torch.get_rng_state().tolist(),
        "dtype": torch.get_default_dtype(),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "gradients": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warnings": list(warnings.filters),
        "errors": np.geterr(),
        "folder": (os.getcwd(), sorted(os.listdir())),
        "environment": dict(os.environ),
    }


@pytest.mark.parametrize("fails", [False, True])
@every_estimator
def test_the_process_is_left_as_it_was(cls, fails, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    rows, y = levels()
    rows, y = rows[["rail"]], target_for(cls, y)
    before = picture()
    estimator = small(cls).fit(rows, y)
    output(estimator, rows)
    if fails:
        with pytest.raises(ValueError, match=r"^Input X contains infinity"):
            estimator.fit(rows * np.inf, y)
    assert picture() == before
    assert capfd.readouterr() == ("", "")


@every_net
def test_nets_write_no_file_and_print_nothing(cls, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    X, y = levels()
    make(cls, early_stopping=True).fit(X[["rail"]], y).predict(X[["rail"]])
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@every_net
def test_grad_mode_and_default_dtype_of_the_caller_do_not_matter(cls):
    expected = make(cls).fit(X, Y).predict(X)
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            under_no_grad = make(cls).fit(X, Y).predict(X)
        with torch.inference_mode():
            fitted = make(cls).fit(X, Y)
            under_inference_mode = fitted.predict(X)
        outside = fitted.predict(X)
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_array_equal(under_no_grad, expected)
    np.testing.assert_array_equal(under_inference_mode, expected)
    np.testing.assert_array_equal(outside, expected)


@contextmanager
def deterministic_algorithms():
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        assert torch.are_deterministic_algorithms_enabled()
        torch.use_deterministic_algorithms(False)


CALLER = {
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "default device": lambda: torch.device("meta"),
    "deterministic algorithms": deterministic_algorithms,
    "no gradients": torch.no_grad,
    "inference mode": torch.inference_mode,
}


@pytest.mark.parametrize(
    "name",
    ["LSTMRegressor", "TCNRegressor", "TransformerRegressor", "Seq2SeqRegressor"],
)
def test_the_state_of_torch_that_the_caller_has_set_does_not_matter(name):
    net = make(getattr(sktsdl, name), dropout=0.1, max_epochs=3)
    if name == "LSTMRegressor":
        net.set_params(variational_dropout=0.1, precision="bf16")

    def outputs(fitted):
        return (
            fitted.loss_curve_,
            fitted.predict(X),
            fitted.predict(X[:3], return_std=True, n_draws=4),
            integrated_gradients(fitted, X[:3], n_steps=200),
        )

    expected = outputs(clone(net).fit(X, Y))
    for state, entered in CALLER.items():
        with entered():
            found = outputs(clone(net).fit(X, Y))
        for ours, wanted in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours, wanted, err_msg=state)


def test_a_net_chooses_its_algorithms_itself():
    seen = set()

    class Loss(torch.nn.MSELoss):
        def forward(self, prediction, target):
            seen.add(torch.are_deterministic_algorithms_enabled())
            return super().forward(prediction, target)

    with deterministic_algorithms():
        lstm(loss=Loss).fit(X, Y)
    assert seen == {False}


@every_net
def test_nets_trained_in_threads_equal_nets_trained_alone(cls):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 6, 2)), rng.normal(size=40)
    nets = [make(cls, random_state=seed) for seed in (0, 1, 2)]
    expected = [clone(net).fit(X, y).predict(X) for net in nets]
    threads = [threading.Thread(target=net.fit, args=(X, y)) for net in nets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for net, alone in zip(nets, expected, strict=True):
        assert np.array_equal(net.predict(X), alone)


@every_estimator
def test_threads_predict_with_one_fitted_estimator(cls):
    rows, y = (part.to_numpy() for part in levels())
    estimator = small(cls).fit(rows[:40], target_for(cls, y[:40]))
    parts = [rows[40 + i : 50 + i] for i in range(4)]
    expected = [output(estimator, part) for part in parts]
    found = [None] * 4

    def predict(i):
        for _ in range(5):
            found[i] = output(estimator, parts[i])

    threads = [threading.Thread(target=predict, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def fit_in_child(queue):
    net = sktsdl.LSTMRegressor(hidden_sizes=(4,), max_epochs=2, random_state=0)
    queue.put(net.fit(X, Y).predict(X))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_trains_the_same():
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=fit_in_child, args=(queue,))
    child.start()
    found = queue.get(timeout=60)
    child.join(timeout=60)
    net = sktsdl.LSTMRegressor(hidden_sizes=(4,), max_epochs=2, random_state=0)
    np.testing.assert_array_equal(found, net.fit(X, Y).predict(X))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_process_forked_while_a_thread_trains_does_not_wait_for_it():
    has_begun, may_end = threading.Event(), threading.Event()

    def train():
        with seeded(0, torch.device("cpu")):
            has_begun.set()
            may_end.wait(timeout=60)

    thread = threading.Thread(target=train)
    thread.start()
    has_begun.wait(timeout=60)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=fit_in_child, args=(queue,))
    child.start()
    try:
        found = queue.get(timeout=60)
    finally:
        may_end.set()
        thread.join()
        child.kill()
    assert len(found) == len(X)


ELSEWHERE = """
import sys, numpy as np, torch, sktsdl
torch.set_num_threads(1)
torch.manual_seed(5), np.random.seed(5)
X = np.random.default_rng(0).normal(size=(40, 5, 2))
found = {}
for name in sys.argv[2:]:
    net = getattr(sktsdl, name)(max_epochs=2, random_state=0)
    found[name] = net.fit(X, X[:, -1, 0]).predict(X)
np.savez(sys.argv[1], **found)
"""


def test_another_process_trains_the_same(tmp_path):
    path = tmp_path / "found.npz"
    names = ["LSTMRegressor", "TCNRegressor", "Seq2SeqRegressor"]
    subprocess.run([sys.executable, "-c", ELSEWHERE, path, *names], check=True)
    for name, found in np.load(path).items():
        net = getattr(sktsdl, name)(max_epochs=2, random_state=0)
        np.testing.assert_array_equal(found, net.fit(X, Y).predict(X))


@every_net
def test_the_seed_alone_decides_and_global_generators_stay_as_they_were(cls):
    first = make(cls).fit(X, Y).predict(X)
    torch.rand(3), np.random.rand(3)  # noqa: NPY002
    np.testing.assert_array_equal(make(cls).fit(X, Y).predict(X), first)
    unseeded = make(cls, random_state=None)
    before = picture()
    one, other = (unseeded.fit(X, Y).predict(X) for _ in range(2))
    assert picture() == before
    assert not np.array_equal(one, other)


def test_each_seed_trains_another_net():
    predictions = {lstm(random_state=seed).fit(X, Y).predict(X)[0] for seed in range(5)}
    assert len(predictions) == 5


@every_net
def test_clones_pickles_and_frames_train_the_same(cls):
    rows, y = levels()
    rows = rows[["rail"]]
    expected = make(cls).fit(rows, y).predict(rows)
    fitted = make(cls).fit(rows.to_numpy(), y.to_numpy())
    np.testing.assert_array_equal(fitted.predict(rows.to_numpy()), expected)
    np.testing.assert_array_equal(clone(fitted).fit(rows, y).predict(rows), expected)
    begun = make(cls, max_epochs=1, warm_start=True).fit(rows, y)
    if cls is not sktsdl.Seq2SeqRegressor:  # its teacher forcing falls over all epochs
        gone_on = pickle.loads(pickle.dumps(begun)).set_params(max_epochs=2)
        np.testing.assert_array_equal(gone_on.fit(rows, y).predict(rows), expected)
