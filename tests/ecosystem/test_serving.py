"""Files, registries, other runtimes and threads."""

import io
import pickle
from concurrent.futures import ThreadPoolExecutor

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
import torch

from sktsdl import LSTMRegressor, Seq2SeqRegressor, TCNRegressor, load
from sktsdl.persistence import trusted_types
from tests.ecosystem.models import TEST, X, fitted, net, pipeline
from tests.pages import ROOT, needs_fastapi, python_blocks, read

pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::DeprecationWarning"
)


# Files


def by_buffers(model):
    buffers = []
    data = pickle.dumps(model, protocol=5, buffer_callback=buffers.append)
    return pickle.loads(data, buffers=buffers)


def by_joblib(model, **params):
    file = io.BytesIO()
    joblib.dump(model, file, **params)
    file.seek(0)
    return joblib.load(file)


def by_skops(model):
    skops = pytest.importorskip("skops.io")
    return skops.loads(skops.dumps(model), trusted=trusted_types(model))


@pytest.mark.parametrize(
    "copied",
    [
        by_buffers,
        by_joblib,
        lambda model: by_joblib(model, compress=3),
        lambda model: cloudpickle.loads(cloudpickle.dumps(model)),
        by_skops,
    ],
    ids=["buffers", "joblib", "compressed", "cloudpickle", "skops"],
)
def test_files_of_a_pipeline(copied):
    model = fitted()
    np.testing.assert_array_equal(
        copied(model).predict(X[TEST]), model.predict(X[TEST])
    )


def test_a_file_that_is_mapped_into_memory(tmp_path):
    model = fitted()
    joblib.dump(model, tmp_path / "model")
    again = joblib.load(tmp_path / "model", mmap_mode="r")
    np.testing.assert_array_equal(again.predict(X[TEST]), model.predict(X[TEST]))


# mlflow


@pytest.fixture
def mlflow(tmp_path, monkeypatch, mlflow_uri):
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("mlflow.sklearn")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
    yield mlflow
    mlflow.sklearn.autolog(disable=True)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["cloudpickle", "skops"])
def test_models_in_mlflow(mlflow, form):
    model = fitted()
    trusted = trusted_types(model) if form == "skops" else None
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            serialization_format=form,
            skops_trusted_types=trusted,
            pip_requirements=[],
        )
    for package in (mlflow.sklearn, mlflow.pyfunc):
        again = package.load_model(logged.model_uri)
        np.testing.assert_array_equal(again.predict(X[TEST]), model.predict(X[TEST]))


@pytest.mark.filterwarnings("ignore")
def test_autolog_of_mlflow(mlflow):
    mlflow.sklearn.autolog(log_models=False, log_datasets=False)
    with mlflow.start_run() as run:
        fitted()
    params = mlflow.get_run(run.info.run_id).data.params
    assert params["windowmlpregressor__lr"] == "0.01"


# Other runtimes

SMALL = {"max_epochs": 2, "standardize": False, "random_state": 0}
NETS = {
    "MLP": net(standardize=False),
    "LSTM": LSTMRegressor(hidden_sizes=(4,), **SMALL),
    "TCN": TCNRegressor(channels=(4,), **SMALL),
    "Seq2Seq": Seq2SeqRegressor(hidden_size=4, **SMALL),
    "patches": LSTMRegressor(hidden_sizes=(4,), patch_size=4, **SMALL),
    "layer_norm": LSTMRegressor(hidden_sizes=(4,), layer_norm=True, **SMALL),
}

# torch's exporters warn of their own changes, and of torch's own layers.
exporters_warn = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", params=NETS)
def served(request):
    """A fitted net, its windows as a tensor, and its predictions."""
    model = fitted(pipeline(NETS[request.param]))
    x = torch.tensor(np.asarray(model[0].transform(X[TEST])), dtype=torch.float32)
    return model[1].module_.eval(), x, model.predict(X[TEST])


@exporters_warn
def test_onnx(served, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    module, x, expected = served
    path = str(tmp_path / "net.onnx")
    batch = torch.export.Dim("batch")
    torch.onnx.export(
        module, (x[:2],), path, dynamo=True, dynamic_shapes=({0: batch},), verbose=False
    )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    for n in (1, len(x)):
        (outputs,) = session.run(None, {name: x[:n].numpy()})
        np.testing.assert_allclose(outputs[:, 0], expected[:n], atol=1e-5)


@exporters_warn
def test_exported_programs(served):
    module, x, expected = served
    batch = torch.export.Dim("batch")
    program = torch.export.export(module, (x[:2],), dynamic_shapes=({0: batch},))
    outputs = program.module()(x).detach().numpy()
    np.testing.assert_allclose(outputs[:, 0], expected, atol=1e-5)


@exporters_warn
def test_traced_modules(served):
    module, x, expected = served
    with torch.no_grad():
        outputs = torch.jit.trace(module, x[:2])(x).numpy()
    np.testing.assert_allclose(outputs[:, 0], expected, atol=1e-5)


@exporters_warn
def test_compiled_modules(served):
    module, x, expected = served
    with torch.no_grad():
        outputs = torch.compile(module, backend="eager")(x).numpy()
    np.testing.assert_allclose(outputs[:, 0], expected, atol=1e-5)


@exporters_warn
def test_predict_uses_a_module_that_was_compiled_in_place():
    model = fitted()
    expected = model.predict(X[TEST])
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    model[1].module_.compile(backend=backend)
    np.testing.assert_array_equal(model.predict(X[TEST]), expected)
    assert graphs


# Threads


def test_eight_threads_predict_as_one():
    model = fitted(pipeline(net(dropout=0.2)))
    expected = model.predict(X[TEST])
    mean, std = model.predict(X[TEST], return_std=True, n_draws=5)
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(model.predict, X[TEST]) for _ in range(16)]
        draws = [
            pool.submit(model.predict, X[TEST], return_std=True, n_draws=5)
            for _ in range(8)
        ]
        fits = [pool.submit(fitted) for _ in range(2)]
    for call in calls:
        np.testing.assert_array_equal(call.result(), expected)
    for draw in draws:
        np.testing.assert_array_equal(draw.result(), (mean, std))
    for fit in fits:
        alone = fitted().predict(X[TEST])
        np.testing.assert_array_equal(fit.result().predict(X[TEST]), alone)


def test_a_file_of_a_net_serves_without_pickle(tmp_path):
    model = fitted()
    model[1].save(tmp_path / "net.safetensors")
    again = load(tmp_path / "net.safetensors")
    windows = model[0].transform(X[TEST])
    np.testing.assert_array_equal(again.predict(windows), model.predict(X[TEST]))


# FastAPI


def test_the_service_of_the_page_gives_the_forecasts_of_all_rows(tmp_path, monkeypatch):
    pytest.importorskip("fastapi")
    testclient = pytest.importorskip("fastapi.testclient")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "examples"}
    for block in python_blocks(read(ROOT / "docs" / "serving.md")):
        exec(compile(block, "serving.md", "exec"), names)
        if needs_fastapi(block):
            break
    client = testclient.TestClient(names["app"])
    rows, expected = names["X"][800:830], names["pipe"].predict(names["X"][800:830])
    assert rows["sensor"].isna().any()
    for at, (time, row) in enumerate(rows.iterrows()):
        hole = None if np.isnan(row["sensor"]) else row["sensor"]
        content = {"time": time.isoformat(), "load": row["load"], "sensor": hole}
        answer = client.post("/rows", json=content)
        assert answer.status_code == 200
        assert answer.json()["forecast"] == expected[at]
        assert answer.json()["time"] == (time + pd.Timedelta(hours=1)).isoformat()
