"""Files, registries, threads and services."""

import io
import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest

from sktsdl import load
from sktsdl.persistence import trusted_types
from tests.ecosystem.models import TEST, X, fitted, net, pipeline
from tests.pages import ROOT, needs_extras, python_blocks, read

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
        if needs_extras(block):
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


CLIENT = """
import json, sys
from fastapi.testclient import TestClient
from service import app
client = TestClient(app)
forecasts = [client.post("/rows", json=row).json() for row in json.load(sys.stdin)]
modules = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps([forecasts, modules]))
"""


@pytest.mark.filterwarnings("ignore")
def test_the_service_of_a_file_gives_the_forecasts_of_all_rows(tmp_path, monkeypatch):
    pytest.importorskip("fastapi.testclient")
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "examples"}
    for block in python_blocks(read(ROOT / "docs" / "deploy.md")):
        if "FastAPI" in block:
            (tmp_path / "service.py").write_text(block)
        else:
            exec(compile(block, "deploy.md", "exec"), names)
    X = names["X"][800:]
    expected = names["pipe"].predict(X)
    for name in ("from_file", "from_program"):
        np.testing.assert_allclose(names[name], expected, rtol=1e-5)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CLIENT],
        input=X[:30].to_json(orient="records", double_precision=15),
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    answers, modules = json.loads(done.stdout.splitlines()[-1])
    found = [answer["forecast"] for answer in answers]
    np.testing.assert_allclose(found, expected[:30], rtol=1e-5)
    assert not {"torch", "sktsdl", "sklearn", "pandas"} & set(modules)
