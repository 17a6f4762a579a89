"""A fitted net as a module of torch, in the units of `X` and `y`."""

import copy
import pickle

import joblib
import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

from sktsdl import LSTMRegressor, MultiTaskNet, NetClassifier, WindowMLPRegressor
from sktsdl._estimator import exporting
from tests.deployed import (
    BY_HOUR,
    CASES,
    CODED,
    ONE,
    SMALL,
    STEPS,
    TRAIN,
    assert_same,
    fitted,
    outputs_of,
)


@pytest.mark.parametrize("name", CASES)
def test_a_module_predicts_as_its_net(name):
    model, x, expected = fitted(name)
    if name != "table":
        assert np.isnan(x[0]).any()  # unknown history
    module = model.to_module()
    assert_same(outputs_of(module, x), expected)
    alone = outputs_of(module, x[10:11])
    for key, values in expected.items():
        atol = 1e-5 * values.std()
        np.testing.assert_allclose(alone[key], values[10:11], rtol=0, atol=atol)


def mlp(**params):
    return WindowMLPRegressor(**SMALL | params).fit(STEPS[0][TRAIN], STEPS[1][TRAIN])


@pytest.mark.filterwarnings("ignore:The tensor attributes")  # of torch's LSTM
@pytest.mark.parametrize("name", ["LSTM", "tasks"])
def test_modules_can_be_exported_with_a_batch_of_any_size(name):
    model, x, expected = fitted(name)
    batch = torch.export.Dim("batch")
    program = torch.export.export(
        model.to_module(), (torch.from_numpy(x[:3]),), dynamic_shapes=({0: batch},)
    )
    assert_same(outputs_of(program.module(), x), expected)


def test_windows_that_predict_refuses_give_nan():
    net = mlp(**BY_HOUR, **CODED)
    module = net.to_module()
    x = np.array(STEPS[0][20:28])
    broken = x.copy()
    broken[1, 3, 1] = np.inf
    broken[2, 3, 1] = np.nan  # after a known value
    broken[3, 3, 2] = np.nan  # a code
    broken[4, 5, 3] = 0.5  # a phase
    broken[5, 2, 1] = 1e300  # more than float32 holds
    y = outputs_of(module, broken)["y"]
    for row in range(1, 6):
        with pytest.raises(ValueError, match=r".*"):
            net.predict(broken[row : row + 1])
        assert np.isnan(y[row]).all()
    for row in (0, 6, 7):
        np.testing.assert_array_equal(y[row], outputs_of(module, x)["y"][row])


def test_a_channel_without_a_known_value_takes_its_training_mean():
    net = mlp(window_norm=None, **CODED)
    x = np.array(STEPS[0][20:28])
    x[:, :, 1] = np.nan
    with pytest.warns(UserWarning, match="no known value in column 'load'"):
        expected = net.predict(pd_windows(x))
    assert_same(outputs_of(net.to_module(), x), {"y": expected})


def pd_windows(x):
    """Give an array the names of the channels of the windows of training."""
    windows = copy.copy(STEPS[0])
    return type(windows)(
        x.reshape(-1, x.shape[2]),
        x.shape[1],
        np.arange(1, len(x) + 1) * x.shape[1] - 1,
        names=windows.names,
    )


def test_windows_of_float32_and_of_whole_numbers():
    x = np.random.default_rng(0).normal(size=(40, 3, 1)).round(1) * 10
    net = WindowMLPRegressor(**SMALL).fit(x, x[:, -1, 0])
    module = net.to_module()
    expected = net.predict(x.astype(np.float32))
    assert_same(outputs_of(module, x.astype(np.float32)), {"y": expected})
    assert_same(outputs_of(module, x.astype(np.int64)), {"y": net.predict(x)})


def test_a_module_in_float32():
    x = np.random.default_rng(0).normal(size=(40, 3, 1))
    net = WindowMLPRegressor(**SMALL).fit(x, x[:, -1, 0])
    y = net.to_module().float()(torch.tensor(x, dtype=torch.float32))
    assert y.dtype == torch.float32
    np.testing.assert_allclose(y.numpy(), net.predict(x), atol=1e-5)


def test_a_module_is_a_copy_without_gradients():
    net = mlp(dropout=0.5)
    x = np.array(STEPS[0][20:])
    expected, module = net.predict(STEPS[0][20:]), net.to_module()
    assert not any(part.training for part in module.modules())
    assert not any(weight.requires_grad for weight in module.parameters())
    for tensor in (*module.parameters(), *module.buffers()):
        tensor.zero_()
    np.testing.assert_array_equal(net.predict(STEPS[0][20:]), expected)
    again = pickle.loads(pickle.dumps(net.to_module()))
    assert_same(outputs_of(again, x), {"y": expected})


def test_the_module_of_a_net_in_a_file_that_is_mapped_into_memory(tmp_path):
    net = mlp(**CODED)
    joblib.dump(net, tmp_path / "net")
    module = joblib.load(tmp_path / "net", mmap_mode="r").to_module()
    expected = net.predict(STEPS[0])
    assert_same(outputs_of(module, np.array(STEPS[0])), {"y": expected})


def test_a_module_does_not_depend_on_the_default_device():
    net = mlp()
    with torch.device("meta"):
        module = net.to_module()
    assert {tensor.device.type for tensor in module.state_dict().values()} == {"cpu"}


def test_windows_of_another_shape_are_refused():
    module = mlp().to_module()
    with pytest.raises(ValueError, match=r"takes windows of the shape \(batch, 6, 5\)"):
        module(torch.zeros(2, 7, 5))


def test_phases_of_a_time_index_are_refused():
    net = mlp(cycle=8)
    with pytest.raises(ValueError, match=r"cycle=8 takes .* in cycle_channel"):
        net.to_module()


@pytest.mark.parametrize("model", [LSTMRegressor(), NetClassifier(LSTMRegressor())])
def test_a_net_must_be_fitted(model):
    with pytest.raises(NotFittedError):
        model.to_module()


def test_the_net_of_a_classifier_has_the_module_of_the_classifier():
    model = MultiTaskNet(LSTMRegressor(**SMALL)).fit(ONE[0][TRAIN], ONE[1][TRAIN])
    with pytest.raises(ValueError, match="call to_module of the MultiTaskNet"):
        model.net_.to_module()


def test_onnx_needs_a_package(monkeypatch, tmp_path):
    monkeypatch.setattr(exporting, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'pip install "sktsdl\[onnx\]"'):
        mlp().save_onnx(tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []


def compiled_by(graphs):
    """Return a backend of torch.compile that only counts what it compiles."""

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    return backend


def test_predict_uses_a_module_that_was_compiled_in_place():
    net, first, second = mlp(), [], []
    expected = net.predict(STEPS[0])
    net.module_.compile(backend=compiled_by(first))
    np.testing.assert_array_equal(net.predict(STEPS[0]), expected)
    assert len(first) == 1
    again = pickle.loads(pickle.dumps(net))  # a pickle holds no compiled code
    np.testing.assert_array_equal(again.predict(STEPS[0]), expected)
    again.module_.compile(backend=compiled_by(second))
    np.testing.assert_array_equal(again.predict(STEPS[0]), expected)
    assert (len(first), len(second)) == (1, 1)
    assert_same(outputs_of(net.to_module(), np.array(STEPS[0])), {"y": expected})
