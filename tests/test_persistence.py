"""`save` and `load`: files without code, whole and unchanged."""

import json
import os
import pickle
import re
import signal
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from skorch.callbacks import EpochTimer
from torch import nn

import sktsdl
from sktsdl import (
    LSTMRegressor,
    MultiTaskNet,
    SlidingWindow,
    TransformerRegressor,
    WindowMLPRegressor,
    make_supervised,
)
from sktsdl._estimator.files import NO_DIGEST, from_bytes, to_bytes
from tests.estimators import every_net, forbid_pickle
from tests.series import levels

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5, 3))
X[..., 2] = RNG.integers(0, 3, size=(60, 5))
Y = 100 + 5 * X[:, -1, 0]


def there_and_back(net, tmp_path, **params):
    path = tmp_path / "net.safetensors"
    assert net.save(path) is None
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    return sktsdl.load(path, **params)


@every_net
def test_every_net_predicts_the_same(cls, tmp_path):
    net = cls(max_epochs=2, random_state=0, early_stopping=True).fit(X, Y)
    again = there_and_back(net, tmp_path)
    assert type(again) is cls
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    assert again.get_params() == net.get_params()
    for name in (
        "loss_curve_",
        "validation_loss_curve_",
        "lr_curve_",
        "n_epochs_",
        "best_epoch_",
        "n_parameters_",
        "n_features_in_",
    ):
        assert getattr(again, name) == getattr(net, name)


@pytest.mark.parametrize(
    "params",
    [
        {"window_norm": "standard", "target_channels": [1]},
        {"window_norm": "mean", "target_channels": [1]},
        {"channel_independent": True, "patch_size": 2, "linear_skip": True},
        {"categorical_features": [2], "loss_steps": "last"},
        {"standardize": False, "optimizer": torch.optim.NAdam, "loss": nn.L1Loss},
        {
            "optimizer_params": {
                "amsgrad": np.True_,
                "betas": (0.8, 0.9),
                "foreach": None,
            }
        },
        {"loss": "quantile", "quantiles": np.array([0.1, 0.5])},
        {"lr": np.float64(1e-2), "hidden_sizes": [4, 4], "dropout": 0.2},
    ],
    ids=str,
)
def test_parameters_are_restored(params, tmp_path):
    sizes = {"hidden_sizes": (4,), "max_epochs": 2, "random_state": 0}
    net = LSTMRegressor(**sizes | params).fit(X, Y)
    again = there_and_back(net, tmp_path)
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    for name, value in net.get_params().items():
        np.testing.assert_array_equal(again.get_params()[name], value)
    if "optimizer_params" in params:
        assert type(again.optimizer_params["betas"]) is tuple
        groups = (part.net_.optimizer_.param_groups[0] for part in (net, again))
        assert len({group["amsgrad"] for group in groups}) == 1
    if "dropout" in params:
        drawn = (
            part.predict(X[:3], return_std=True, n_draws=5) for part in (net, again)
        )
        np.testing.assert_array_equal(*drawn)
    if "quantiles" in params:
        np.testing.assert_array_equal(
            again.predict_quantiles(X), net.predict_quantiles(X)
        )


def test_names_shapes_and_unknown_history_are_restored(tmp_path):
    rows, y = levels()
    net = TransformerRegressor(d_model=4, nhead=2, max_epochs=1, random_state=0)
    pipe = make_pipeline(SlidingWindow(4), net).fit(rows, np.column_stack([y, y]))
    again = there_and_back(net, tmp_path)
    windows = pipe[0].transform(rows)
    np.testing.assert_array_equal(again.predict(windows), pipe.predict(rows))
    assert again.feature_names_in_.tolist() == ["rail", "bus"]
    np.testing.assert_array_equal(
        again.attention_weights(windows), net.attention_weights(windows)
    )
    with pytest.raises(ValueError, match="windows of shape"):
        again.predict(windows[:, 1:])


def test_a_loaded_net_is_fitted_anew_but_not_trained_on(tmp_path):
    net = WindowMLPRegressor(max_epochs=1, random_state=0).fit(X, Y)
    again = pickle.loads(pickle.dumps(there_and_back(net, tmp_path)))
    for train_on in (
        again.partial_fit,
        again.set_params(warm_start=True, max_epochs=2).fit,
    ):
        with pytest.raises(
            ValueError, match="file of `save` cannot be trained further"
        ):
            train_on(X, Y)
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    again.set_params(warm_start=False, max_epochs=1).fit(X, Y)
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    again.partial_fit(X, Y)


def test_load_runs_no_pickle_and_leaves_the_generators(monkeypatch, tmp_path):
    net = WindowMLPRegressor(max_epochs=1).fit(X, Y)
    net.save(tmp_path / "net")

    forbid_pickle(monkeypatch)
    before = torch.get_rng_state()
    again = sktsdl.load(tmp_path / "net")
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(again.predict(X), net.predict(X))


CHANGED = "not as it was saved, by its SHA-256: take another copy"
NOT_OF_SAVE = "file of `save`, or only the start of one: save it again"


def test_any_changed_or_missing_byte_is_noticed(tmp_path):
    path = tmp_path / "net"
    WindowMLPRegressor(hidden_sizes=(2,), max_epochs=1).fit(X, Y).save(path)
    whole = path.read_bytes()
    changed_or_cut = f"{CHANGED}|{NOT_OF_SAVE}"
    for at in np.linspace(0, len(whole) - 1, 60).astype(int):
        changed = bytearray(whole)
        changed[at] ^= 1
        path.write_bytes(changed)
        with pytest.raises(ValueError, match=changed_or_cut):
            sktsdl.load(path)
        path.write_bytes(whole[:at])
        with pytest.raises(ValueError, match=changed_or_cut):
            sktsdl.load(path)
    path.write_bytes(whole + b"0")
    with pytest.raises(ValueError, match=CHANGED):
        sktsdl.load(path)
    for other in (b"", pickle.dumps(1), struct.pack("<Q", 2) + b"[]"):
        path.write_bytes(other)
        with pytest.raises(ValueError, match=NOT_OF_SAVE):
            sktsdl.load(path)
    safetensors.torch.save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match=NOT_OF_SAVE):
        sktsdl.load(path)


def rewritten(path, change):
    """Write a file again with another header and the digest that belongs to it."""
    tensors, header = from_bytes(path.read_bytes(), path)
    change(header)
    path.write_bytes(to_bytes(tensors, header))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda h: h.update({"class": "Ridge"}),
            "class 'Ridge', which is not in this package",
        ),
        (lambda h: h["params"].update(windw=3), r"names the parameters \['windw'\]"),
        (
            lambda h: h["params"].update(optimizer={"torch.optim": "lr_scheduler"}),
            "'lr_scheduler' of 'torch.optim', which is not allowed",
        ),
        (
            lambda h: h["params"].update(loss={"os": "system"}),
            "'system' of 'os', which is not allowed",
        ),
    ],
)
def test_a_file_with_unknown_names_is_refused(change, message, tmp_path):
    path = tmp_path / "net"
    WindowMLPRegressor(max_epochs=1).fit(X, Y).save(path)
    rewritten(path, change)
    with pytest.raises(ValueError, match=message):
        sktsdl.load(path)


def test_another_major_version_warns(tmp_path):
    path = tmp_path / "net"
    WindowMLPRegressor(max_epochs=1).fit(X, Y).save(path)
    rewritten(path, lambda header: header["versions"].update(sktsdl="0.9.9"))
    sktsdl.load(path)
    rewritten(path, lambda header: header["versions"].update(sktsdl="7.0.0"))
    with pytest.warns(UserWarning, match=r"written by sktsdl 7\.0\.0, and this is"):
        sktsdl.load(path)


class Third(WindowMLPRegressor):
    """A net of another package."""


def test_load_takes_classes_of_other_packages(tmp_path):
    net = Third(max_epochs=1).fit(X, Y)
    with pytest.raises(ValueError, match="give the class by `classes`"):
        there_and_back(net, tmp_path)
    again = there_and_back(net, tmp_path, classes=[Third])
    np.testing.assert_array_equal(again.predict(X), net.predict(X))


KILLED = """
import os, signal, sys, numpy as np, sktsdl, sktsdl._estimator.files
X = np.random.default_rng(1).normal(size=(60, 5, 3))
net = sktsdl.WindowMLPRegressor(max_epochs=1).fit(X, X[:, -1, 0])
setattr(os, sys.argv[2], lambda *args: os.kill(os.getpid(), signal.SIGKILL))
net.save(sys.argv[1])
"""


@pytest.mark.parametrize("at", ["fsync", "replace"])
def test_a_process_that_is_killed_while_saving_leaves_the_file(at, tmp_path):
    path = tmp_path / "net"
    net = WindowMLPRegressor(max_epochs=1, random_state=0).fit(X, Y)
    net.save(path)
    done = subprocess.run([sys.executable, "-c", KILLED, path, at], check=False)
    assert done.returncode == -signal.SIGKILL
    np.testing.assert_array_equal(sktsdl.load(path).predict(X), net.predict(X))
    assert all(
        name == "net" or name.startswith(".net.") for name in os.listdir(tmp_path)
    )


@pytest.mark.parametrize("at", ["os.fsync", "os.replace"])
def test_a_disk_that_fails_leaves_the_file_as_it_was(at, monkeypatch, tmp_path):
    path = tmp_path / "net"
    net = WindowMLPRegressor(max_epochs=1, random_state=0).fit(X, Y)
    net.save(path)
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(at, fail)
    with pytest.raises(OSError, match="No space left"):
        net.set_params(random_state=1).fit(X, Y).save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["net"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"callbacks": [EpochTimer()]}, "callbacks=.* cannot be saved without code"),
        ({"loss": nn.HuberLoss()}, "loss=HuberLoss.* cannot be saved"),
        ({"random_state": np.random.RandomState(0)}, "random_state=RandomState"),
    ],
)
def test_what_needs_code_is_not_saved(params, message, tmp_path):
    net = WindowMLPRegressor(max_epochs=1, **params).fit(X, Y)
    with pytest.raises(ValueError, match=message):
        net.save(tmp_path / "net")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "params", [{"standardize": False}, {"hidden_sizes": (8,)}, {"loss": "quantile"}]
)
def test_only_the_net_that_was_fitted_is_saved(params, tmp_path):
    net = WindowMLPRegressor(max_epochs=1).fit(X, Y).set_params(**params)
    with pytest.raises(ValueError, match=r"cannot change in a net that is saved"):
        net.save(tmp_path / "net")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        WindowMLPRegressor(max_epochs=1).fit(X, Y).save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path):
    net = WindowMLPRegressor(max_epochs=1).fit(X, Y)
    path = tmp_path / "missing" / "net.safetensors"
    message = re.escape(
        f"{path} is in a folder that does not exist: make {path.parent}"
    )
    with pytest.raises(FileNotFoundError, match=f"^{message}"):
        net.save(path)
    assert list(tmp_path.iterdir()) == []
    path.parent.touch()  # a file in place of the folder
    with pytest.raises(NotADirectoryError, match=f"'{re.escape(str(path))}'$"):
        net.save(path)


def test_parameters_as_numpy_numbers_are_saved(tmp_path):
    net = LSTMRegressor(
        hidden_sizes=np.array([4, 4]), lr=np.float32(0.01), max_epochs=np.int64(1)
    ).fit(X, Y)
    again = there_and_back(net, tmp_path)
    np.testing.assert_array_equal(again.predict(X), net.predict(X))


def test_only_fitted_nets_are_saved(tmp_path):
    with pytest.raises(NotFittedError):
        LSTMRegressor().save(tmp_path / "net")
    model = MultiTaskNet(WindowMLPRegressor(max_epochs=1)).fit(X, Y)
    with pytest.raises(ValueError, match="net of a MultiTaskNet"):
        model.net_.save(tmp_path / "net")
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_is_not_available(tmp_path):
    path = tmp_path / "net"
    WindowMLPRegressor(max_epochs=1).fit(X, Y).save(path)
    rewritten(path, lambda header: header["params"].update(device="cuda:9"))
    with pytest.raises(ValueError, match="device='cuda:9' is not on this machine"):
        sktsdl.load(path)
    assert len(sktsdl.load(path, device="cpu").predict(X)) == len(X)


def test_the_file_is_safetensors_with_its_digest(tmp_path):
    path = tmp_path / "net"
    net = WindowMLPRegressor(max_epochs=1).fit(X, Y)
    net.save(path)
    with safetensors.safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        held = {name for name in file.keys() if name.startswith("module.")}  # noqa: SIM118
    assert held == {f"module.{name}" for name in net.module_.state_dict()}
    assert metadata["sha256"] != NO_DIGEST
    assert json.loads(metadata["header"])["class"] == "WindowMLPRegressor"


def test_a_file_of_an_earlier_version_predicts_the_same():
    rows = np.sin(np.arange(120).reshape(40, 3))
    frame = pd.DataFrame(rows, columns=["rail", "bus", "day"])
    frame["day"] = np.arange(40) % 3
    X, _, _ = make_supervised(frame, target=["rail", "bus"], horizon=2)
    net = sktsdl.load(Path(__file__).parent / "data" / "saved_by_0.1.0.safetensors")
    predicted = net.predict(SlidingWindow(5).fit_transform(X)[-2:])
    expected = [
        [0.6114943338618317, 0.4071681775478342, 0.3840781463, 0.2501691329459518],
        [1.0622378040618232, -0.5668820222877227, 0.8287965112, -0.4269878072361762],
    ]
    np.testing.assert_allclose(predicted, expected, rtol=1e-5)
    assert (net.window_norm_, net.target_channels_) == ("standard", (0, 1))


def test_a_device_of_torch_is_saved_by_its_name(tmp_path):
    net = WindowMLPRegressor(max_epochs=1, device=torch.device("cpu")).fit(X, Y)
    again = there_and_back(net, tmp_path)
    assert again.device == "cpu"
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
