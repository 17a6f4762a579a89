"""Searches on the schedulers and worker processes of Dask, Ray and Optuna."""

import os
import pickle
import subprocess
import sys
import warnings
from collections import Counter
from itertools import chain

import joblib
import numpy as np
import pytest
import torch
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    TimeSeriesSplit,
)
from sklearn.pipeline import make_pipeline

from sktsdl import SlidingWindow
from tests.distributed.steps import DieOnce, n_threads
from tests.ecosystem.models import fitted, net, pipeline
from tests.pages import ROOT
from tests.series import levels

cloudpickle = pytest.importorskip("cloudpickle")
distributed = pytest.importorskip("distributed")
optuna = pytest.importorskip("optuna")
pytest.importorskip("ray")

N_ROWS, WINDOW, N_SPLITS = 1000, 24, 2
X, Y = levels(n=N_ROWS)
CV = TimeSeriesSplit(N_SPLITS)
SPLITS = list(CV.split(X))
LR = "windowmlpregressor__lr"
EPOCHS = "windowmlpregressor__max_epochs"
PIPE = make_pipeline(SlidingWindow(WINDOW), net(max_epochs=1))
SIZE_OF_WINDOWS = N_ROWS * WINDOW * X.shape[1] * 8
LIMIT = 600  # seconds, for a process that would wait for ever

# A busy machine is slow to create the folders of the workers.
SLOW_DISK = "ignore:Creating scratch directories:UserWarning"

# Sockets of third packages are closed by the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*<socket.socket:ResourceWarning",
    "ignore:.*<socket.socket:pytest.PytestUnraisableExceptionWarning",
    SLOW_DISK,
)


def grid_search():
    return GridSearchCV(PIPE, {LR: [1e-5, 1e-3, 1e-2, 3e-2]}, cv=CV)


def halving():
    return HalvingGridSearchCV(
        PIPE,
        {LR: [1e-5, 1e-4, 1e-3, 1e-2]},
        resource=EPOCHS,
        min_resources=1,
        max_resources=4,
        factor=2,
        cv=SPLITS,
    )


def check_same(search, alone):
    """Compare all that a search found, to the last bit."""
    assert search.best_params_ == alone.best_params_
    for column, values in alone.cv_results_.items():
        if not column.endswith("_time"):
            np.testing.assert_array_equal(search.cv_results_[column], values, column)
    np.testing.assert_array_equal(search.predict(X), alone.predict(X))


@pytest.fixture(scope="module")
def alone():
    """The searches in this process."""
    return {"grid": grid_search().fit(X, Y), "halving": halving().fit(X, Y)}


# Dask


def cluster(n_workers):
    return distributed.LocalCluster(
        n_workers=n_workers, threads_per_worker=1, dashboard_address=":0"
    )


@pytest.fixture(scope="module")
def client():
    with cluster(2) as workers, distributed.Client(workers) as client:
        client.amm.stop()  # else it drops copies of the rows after some seconds
        yield client


def test_a_search_on_dask(client, alone):
    with joblib.parallel_config("dask"):
        search = grid_search().fit(X, Y)
    check_same(search, alone["grid"])


def test_halving_by_epochs_on_dask(client, alone):
    with joblib.parallel_config("dask", scatter=[X, Y, *chain(*SPLITS)]):
        search = halving().fit(X, Y)
    assert search.n_resources_ == [1, 2, 4]
    check_same(search, alone["halving"])


def received(dask_worker):
    """Return how many times a worker got each frame and each series from another."""
    keys = chain.from_iterable(log["keys"] for log in dask_worker.transfer_incoming_log)
    return Counter(key for key in keys if key.startswith(("DataFrame", "Series")))


def test_rows_go_once_to_each_worker_of_dask(client, monkeypatch):
    scattered, sizes = [], []
    scatter, submit = distributed.Client.scatter, distributed.Client.submit

    def seen_scatter(self, data, **kwargs):
        scattered.append(data)
        return scatter(self, data, **kwargs)

    def seen_submit(self, function, *args, **kwargs):
        sizes.append(len(cloudpickle.dumps(kwargs["tasks"])) / len(kwargs["tasks"]))
        return submit(self, function, *args, **kwargs)

    monkeypatch.setattr(distributed.Client, "scatter", seen_scatter)
    monkeypatch.setattr(distributed.Client, "submit", seen_submit)
    before = client.run(received)
    with joblib.parallel_config("dask"):
        grid_search().fit(X, Y)
    rows, targets, *indices = sorted(
        scattered, key=lambda data: isinstance(data, np.ndarray)
    )
    assert rows is X
    assert targets is Y
    assert {data.dtype.kind for data in indices} == {"i"}
    assert len(indices) == 2 * N_SPLITS
    shipped = sum(len(pickle.dumps(data)) for data in scattered)
    assert shipped < SIZE_OF_WINDOWS / 4
    # A task holds references to the rows.
    assert max(sizes) < len(pickle.dumps(X)) / 2
    for worker, counts in client.run(received).items():
        assert set((counts - before[worker]).values()) <= {1}


def test_a_worker_of_dask_dies(client, tmp_path):
    marker = tmp_path / "died"
    grid = [{LR: [1e-3, 1e-2]}, {LR: [2e-2], "dieonce__path": [str(marker)]}]
    grid += [{LR: [3e-2, 4e-2]}]
    pipe = make_pipeline(DieOnce(), *PIPE)
    marker.touch()
    alone = GridSearchCV(pipe, grid, cv=SPLITS).fit(X, Y)
    marker.unlink()
    client.wait_for_workers(2, timeout=LIMIT)
    workers = set(client.scheduler_info()["workers"])
    with joblib.parallel_config("dask", scatter=[X, Y, *chain(*SPLITS)]):
        search = GridSearchCV(pipe, grid, cv=SPLITS).fit(X, Y)
    assert marker.exists()
    check_same(search, alone)
    client.wait_for_workers(2, timeout=LIMIT)
    assert len(workers - set(client.scheduler_info()["workers"])) == 1


def scores_and_warnings(search):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        scores = search.fit(X, Y).cv_results_["mean_test_score"]
    return scores, [(warning.category, str(warning.message)) for warning in seen]


def test_a_candidate_that_fails_on_dask(client):
    search = GridSearchCV(PIPE, {LR: [1e-3, -1.0]}, cv=CV)
    alone, said_alone = scores_and_warnings(search)
    with joblib.parallel_config("dask"):
        together, said_together = scores_and_warnings(search)
        with pytest.raises(ValueError, match="The 'lr' parameter of WindowMLP"):
            search.set_params(error_score="raise").fit(X, Y)
    assert np.isnan(together).tolist() == [False, True]
    np.testing.assert_array_equal(together, alone)
    assert said_together == said_alone
    assert said_alone[0][0] is FitFailedWarning


def threads_of_fits():
    search = GridSearchCV(PIPE, {LR: [1e-3]}, cv=CV, scoring=n_threads, refit=False)
    return search.fit(X, Y).cv_results_["mean_test_score"].tolist()


def test_threads_of_a_worker_of_dask(client, monkeypatch):
    with joblib.parallel_config("dask"):
        assert threads_of_fits() == [1]
    for library in ("OMP", "MKL"):  # torch with MKL reads the second one
        monkeypatch.setenv(f"{library}_NUM_THREADS", "2")
    with (
        cluster(1) as workers,
        distributed.Client(workers, set_as_default=False) as other,
    ):
        assert other.submit(torch.get_num_threads).result(timeout=LIMIT) == 2


# Ray


@pytest.fixture(scope="module")
def ray():
    import ray
    from ray.util.joblib import register_ray

    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        configure_logging=False,
        runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}},
    )
    register_ray()
    yield ray
    ray.shutdown()


def test_searches_on_ray(ray, alone):
    with joblib.parallel_config("ray", n_jobs=-1):
        check_same(grid_search().fit(X, Y), alone["grid"])
        check_same(halving().fit(X, Y), alone["halving"])
        assert threads_of_fits() == [1]


def test_tasks_of_ray_hold_rows(ray):
    from ray.util.joblib.ray_backend import RayBackend

    sizes = []

    class Seen(RayBackend):
        def submit(self, func, callback=None):
            sizes.append(len(cloudpickle.dumps(func)))
            return super().submit(func, callback)

    joblib.register_parallel_backend("seen", Seen)
    with joblib.parallel_config("seen", n_jobs=2):
        grid_search().fit(X, Y)
    assert min(sizes) > len(pickle.dumps(X))
    assert max(sizes) < SIZE_OF_WINDOWS / 4


# Optuna


def run(*command):
    """Start Python, with warnings as errors."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-W", SLOW_DISK, *map(str, command)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def outputs(*processes):
    """Wait for processes, and return what they printed."""
    try:
        texts = [process.communicate(timeout=LIMIT)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0] * len(processes)
    return texts


def test_two_processes_share_a_study(tmp_path):
    from tests.distributed.study import objective, open_study

    path = tmp_path / "study.log"
    study = open_study(str(path))
    study.enqueue_trial({"lr": 1e-2})
    study.optimize(objective, n_trials=1)
    for lr in (1e-6, 2e-6, 3e-6, 4e-6):
        study.enqueue_trial({"lr": lr})
    command = ("-m", "tests.distributed.study", path)
    outputs(run(*command), run(*command))
    good, *bad = open_study(str(path)).trials
    assert good.state.name == "COMPLETE"
    assert good.value == fitted(pipeline(net(lr=1e-2)))[-1].loss_curve_[-1]
    assert [trial.params["lr"] for trial in bad] == [1e-6, 2e-6, 3e-6, 4e-6]
    assert {trial.state.name for trial in bad} == {"PRUNED"}
    assert [len(trial.intermediate_values) for trial in bad] == [1] * 4
    by_process = Counter(trial.user_attrs["process"] for trial in bad)
    assert sorted(by_process.values()) == [2, 2]


# Examples


@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_the_example_of_a_cluster_runs(engine):
    (text,) = outputs(run(ROOT / "examples" / f"search_on_{engine}.py"))
    assert "'lstmregressor__lr': 0.01" in text


def test_the_example_of_optuna_runs_in_two_processes(tmp_path):
    path = tmp_path / "study.log"
    script = ROOT / "examples" / "search_with_optuna.py"
    outputs(run(script, path), run(script, path))
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(path))
    )
    study = optuna.load_study(study_name="passengers", storage=storage)
    states = Counter(trial.state.name for trial in study.trials)
    assert states["COMPLETE"] >= 2
    assert states.total() == states["COMPLETE"] + states["PRUNED"] == 8
