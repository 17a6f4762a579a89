"""Nets of all kinds as ONNX files, and as modules that other compilers take."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from sktsdl import LSTMRegressor, MultiTaskNet
from tests.deployed import CASES, ONE, SMALL, TRAIN, assert_same, fitted, outputs_of

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

# torch's exporters warn of their own changes, and of torch's own layers.
pytestmark = pytest.mark.filterwarnings("ignore")


def session_of(model, path):
    model.save_onnx(path)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def run(session, x):
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"X": x}), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_files_predict_as_their_nets(name, tmp_path):
    model, x, expected = fitted(name)
    session = session_of(model, tmp_path / "net.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]
    outputs = run(session, x)
    assert_same(outputs, expected)
    for n in (1, 2, 7):
        for key, values in run(session, x[-n:]).items():
            atol = 1e-5 * expected[key].std()
            np.testing.assert_allclose(values, outputs[key][-n:], rtol=0, atol=atol)


def test_the_names_and_shapes_in_a_file(tmp_path):
    session = session_of(fitted("tasks")[0], tmp_path / "net.onnx")
    found = [
        (part.name, part.shape, part.type)
        for part in (*session.get_inputs(), *session.get_outputs())
    ]
    assert found == [
        ("X", ["batch", 6, 5], "tensor(double)"),
        ("y.level", ["batch"], "tensor(double)"),
        ("y.direction", ["batch", 2], "tensor(double)"),
    ]


def test_a_file_has_no_paths_of_this_machine(tmp_path):
    fitted("MLP")[0].save_onnx(tmp_path / "net.onnx")
    assert b".py" not in (tmp_path / "net.onnx").read_bytes()


@pytest.mark.parametrize("name", ["X", "y", "where", "linear"])
def test_a_task_may_have_the_name_of_anything_in_the_file(name, tmp_path):
    y = ONE[1].to_frame(name)
    model = MultiTaskNet(LSTMRegressor(**SMALL), tasks={name: "regression"})
    model.fit(ONE[0][TRAIN], y[TRAIN])
    outputs = run(session_of(model, tmp_path / "net.onnx"), np.array(ONE[0]))
    assert_same(outputs, {f"y.{name}": model.predict(ONE[0])[name].to_numpy()})


def test_windows_that_predict_refuses_give_nan(tmp_path):
    model, x, expected = fitted("cycle")
    broken = x[10:14].copy()
    broken[0, 3, 0] = np.inf
    broken[1, 3, 0] = np.nan  # after a known value
    broken[2, 3, 3] = 0.5  # a phase
    y = run(session_of(model, tmp_path / "net.onnx"), broken)["y"]
    assert np.isnan(y[:3]).all()
    np.testing.assert_allclose(y[3], expected["y"][13])


ALONE = """
import json, sys
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession("net.onnx")
(y,) = session.run(["y"], {"X": np.load("x.npy")})
np.save("y.npy", y)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_a_file_predicts_without_torch_and_without_this_package(tmp_path):
    model, x, expected = fitted("known ahead")
    model.save_onnx(tmp_path / "net.onnx")
    np.save(tmp_path / "x.npy", x)
    done = subprocess.run(
        [sys.executable, "-c", ALONE],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ,
        timeout=300,
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "onnxruntime" in loaded
    assert not loaded & {"torch", "sktsdl", "sklearn", "skorch", "pandas"}
    assert_same({"y": np.load(tmp_path / "y.npy")}, expected)


@pytest.mark.parametrize("name", CASES)
def test_programs_without_graph_breaks(name):
    """What ExecuTorch and AOTInductor start from."""
    model, x, expected = fitted(name)
    module, batch = model.to_module(), torch.export.Dim("batch")
    program = torch.export.export(
        module, (torch.from_numpy(x[:2]),), dynamic_shapes=({0: batch},), strict=True
    )
    assert_same(outputs_of(program.module(), x), expected)


@pytest.mark.parametrize("name", ["LSTM", "PatchTST", "Seq2Seq", "tasks"])
def test_compiled_modules(name):
    model, x, expected = fitted(name)
    compiled = torch.compile(model.to_module(), backend="eager")
    assert_same(outputs_of(compiled, x), expected)


def test_traced_modules():
    model, x, expected = fitted("PatchTST")
    traced = torch.jit.trace(model.to_module(), torch.from_numpy(x[:2]))
    assert_same(outputs_of(traced, x), expected)
