"""A search on Dask and Ray beside the same search in one process, and its overhead.

    python benchmarks/cluster.py [--only cluster cluster-overhead] [--quick]

The first table searches with an LSTM on 1, 2 and 4 worker processes of this machine.
The second one has 100 workers in one process, whose fits only sleep: the time above the
ideal one is that of scheduler, client and joblib.
"""

import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from typing import Any, Self
from unittest.mock import patch

import cloudpickle
import dask
import joblib
import numpy as np
import psutil
import ray
from _study import Figures, Model, Study, main
from distributed import Client, LocalCluster
from ray.util.joblib.ray_backend import RayBackend
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sktsdl import LSTMRegressor, SlidingWindow, make_supervised
from sktsdl.datasets import make_sinusoid

N_ROWS, WINDOW = 10_000, 48
N_SLEEPERS = 100
FITS_EACH = 4  # fits of each sleeping worker
# docs/scaling.md says why.
KEEP_MEMORY = {"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None}
# Each sleeping worker would watch the process that all of them share.
QUIET = {
    "distributed.admin.system-monitor.interval": "60s",
    "distributed.comm.timeouts.connect": "300s",
    "distributed.worker.profile.enabled": False,
}

Backend = Callable[[int], Any]  # a context in which joblib has this many workers


def search(quick: bool) -> tuple[GridSearchCV, Any, Any]:
    """Return a search of 32 candidates, and the rows and targets of a made series."""
    n_rows = 500 if quick else N_ROWS
    series = make_sinusoid(n_rows, random_state=0)
    X, y, _ = make_supervised(series, target="value")
    net = LSTMRegressor(hidden_sizes=(16,), batch_size=128, max_epochs=4)
    grid = {
        "lstmregressor__lr": np.geomspace(1e-4, 1e-1, 16).tolist(),
        "lstmregressor__weight_decay": [0.0, 1e-3],
    }
    pipe = make_pipeline(SlidingWindow(WINDOW), net.set_params(random_state=0))
    cv = TimeSeriesSplit(2)
    return GridSearchCV(pipe, grid, cv=cv, refit=False), X, y


@contextmanager
def serial(n_workers: int) -> Iterator[Callable[[], int]]:
    yield lambda: 0


@contextmanager
def on_dask(n_workers: int, settings: Any = KEEP_MEMORY) -> Iterator[Callable[[], int]]:
    """Workers of Dask, and the bytes that all processes have sent."""
    with (
        patch.dict(os.environ),  # Dask sets the variables of its workers here too
        dask.config.set(settings),
        LocalCluster(
            n_workers=n_workers, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
        joblib.parallel_config("dask"),
    ):
        client.run(import_package)
        yield lambda: psutil.net_io_counters().bytes_sent


class CountingRay(RayBackend):  # type: ignore[misc]
    """Ray, and the bytes of the tasks that it was given."""

    shipped = 0

    def submit(self, func: Any, callback: Any = None) -> Any:
        CountingRay.shipped += len(cloudpickle.dumps(func))
        return super().submit(func, callback)


@contextmanager
def on_ray(n_workers: int) -> Iterator[Callable[[], int]]:
    joblib.register_parallel_backend("counting_ray", CountingRay)
    ray.init(num_cpus=n_workers, include_dashboard=False, log_to_driver=False)
    try:
        with joblib.parallel_config("counting_ray", n_jobs=n_workers):
            yield lambda: CountingRay.shipped
    finally:
        ray.shutdown()


def import_package() -> None:
    import sktsdl  # noqa: F401


def measure_search(backend: Backend, n: int, seed: int, quick: bool) -> Figures:
    """Return the time of a search on `n` workers, and what was shipped."""
    model, X, y = search(quick)
    clone(model.estimator).fit(X[:100], y[:100])  # the first fit of a process is slow
    with backend(n) as shipped:
        before, start = shipped(), time.perf_counter()
        model.fit(X, y)
        taken = time.perf_counter() - start
        sent = shipped() - before
    return {"wall, s": taken, "shipped, MB": sent / 1e6}


class Sleeper(BaseEstimator):  # type: ignore[misc]
    """An estimator whose fit takes a known time."""

    def __init__(self, seconds: float = 0.0, place: int = 0) -> None:
        self.seconds = seconds
        self.place = place

    def fit(self, X: Any, y: Any = None) -> Self:
        time.sleep(self.seconds)
        return self

    def score(self, X: Any, y: Any = None) -> float:
        return 0.0


def by_search(client: Client, seconds: float, n_fits: int, **params: Any) -> None:
    """Fit all sleepers by a grid search."""
    rows = np.zeros((10, 1))
    grid = {"place": list(range(n_fits))}
    split = [(np.arange(5), np.arange(5, 10))]
    model = GridSearchCV(Sleeper(seconds), grid, cv=split, refit=False, **params)
    with joblib.parallel_config("dask", client=client):
        model.fit(rows)


def by_dask(client: Client, seconds: float, n_fits: int) -> None:
    """Sleep in tasks that are given to Dask at once, without joblib."""
    client.gather(client.map(time.sleep, [seconds] * n_fits, pure=False))


def measure_overhead(
    fit_all: Callable[..., None], seconds: float, seed: int, quick: bool
) -> Figures:
    """Return the time of fits that sleep, beside the ideal time."""
    n_workers = 4 if quick else N_SLEEPERS
    n_fits = FITS_EACH * n_workers
    ideal = math.ceil(n_fits / n_workers) * seconds
    with (
        dask.config.set(QUIET),
        LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=False,
            silence_logs=logging.CRITICAL,  # of workers that close
            memory_limit=0,  # each worker would count the memory of all as its own
            dashboard_address=":0",
        ) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(n_workers)
        fit_all(client, 0.05, 2 * n_workers)  # each worker opens a client at first
        before = n_tasks_of(cluster)
        start, cpu_start = time.perf_counter(), time.process_time()
        fit_all(client, seconds, n_fits)
        taken = time.perf_counter() - start
        cpu = time.process_time() - cpu_start
        n_tasks = n_tasks_of(cluster) - before
    return {
        "wall, s": taken,
        "ideal, s": ideal,
        "wall ÷ ideal": taken / ideal,
        "processor, ms a fit": 1000 * cpu / n_fits,
        "tasks": n_tasks,
    }


def n_tasks_of(cluster: LocalCluster) -> int:
    """Return how many tasks of fits the scheduler has seen to their end."""
    return sum(
        prefix.state_counts["memory"]
        for name, prefix in cluster.scheduler.task_prefixes.items()
        if name.startswith(("batch", "sleep"))
    )


SEARCHES: dict[str, tuple[Backend, int, int]] = {
    "no cluster": (serial, 1, 2),
    "Dask, 1 worker": (on_dask, 1, 2),
    "Dask, 2 workers": (on_dask, 2, 2),
    "Dask, 4 workers": (on_dask, 4, 2),
    "Dask, 2 workers, its settings of memory": (partial(on_dask, settings={}), 2, 2),
    "Ray, 2 workers": (on_ray, 2, 2),
    "Ray, 4 workers": (on_ray, 4, 2),
}
WAYS: dict[str, Callable[..., None]] = {
    "search": by_search,
    "search, pre_dispatch='all'": partial(by_search, pre_dispatch="all"),
    "tasks of Dask": by_dask,
}

VERSIONS = ", ".join(
    f"{name} {version(name)}" for name in ("joblib", "dask", "distributed", "ray")
)
STUDIES = [
    Study(
        "cluster",
        "cluster",
        "A search of 32 candidates on a cluster of one machine",
        f"{N_ROWS:,} rows of `make_sinusoid`, windows of {WINDOW}, an LSTM of 16 "
        "units, four epochs; 16 values of `lr` and 2 of `weight_decay`, "
        "`TimeSeriesSplit(2)`, no refit. Each worker has one thread. The clusters run "
        "when the clock starts, and workers of Dask have imported the package; Ray "
        "starts the processes of its pool, which import it, in each search. With one "
        "worker, joblib fits in the client. Shipped are the bytes that the network of "
        f"the machine carried (Dask) or the pickled tasks (Ray). {VERSIONS}.",
        {
            name: Model(partial(measure_search, backend, n), n_seeds)
            for name, (backend, n, n_seeds) in SEARCHES.items()
        },
        {"wall, s": ".1f", "shipped, MB": ".1f"},
        "no cluster",
        n_jobs=1,
    ),
    Study(
        "cluster-overhead",
        "cluster",
        f"Overhead of a search on {N_SLEEPERS} workers",
        f"{N_SLEEPERS} workers of Dask in one process, on the scheduler of Dask; "
        f"{FITS_EACH * N_SLEEPERS} fits that sleep. The ideal time is that of "
        f"{FITS_EACH} fits. All workers, the scheduler and the client share one "
        "interpreter; on a cluster of machines they do not, but their messages cross a "
        "network. Monitors and profiles of the workers are off, and each worker has "
        "run a fit before. The fits need no processor time, so all of it is overhead. "
        "Tasks are what the scheduler has seen; joblib may join short fits. "
        f"{VERSIONS}.",
        {
            f"{way}, {seconds:g} s a fit": Model(
                partial(measure_overhead, fit_all, seconds), 2
            )
            for seconds in (0.01, 0.1, 1.0)
            for way, fit_all in WAYS.items()
        },
        {
            "wall, s": ".2f",
            "ideal, s": ".2f",
            "wall ÷ ideal": ".2f",
            "processor, ms a fit": ".1f",
            "tasks": ".0f",
        },
        n_jobs=1,
    ),
]

if __name__ == "__main__":
    main(STUDIES)
