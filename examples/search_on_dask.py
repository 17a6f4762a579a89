"""Search on a Dask cluster: halving by epochs, in two processes of this machine."""

from itertools import chain

import dask
import joblib
from distributed import Client, LocalCluster
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sktsdl import LSTMRegressor, SlidingWindow, make_supervised
from sktsdl.datasets import load_air_passengers

# Workers keep the memory of a batch for the next one.
KEEP_MEMORY = {"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None}


def main() -> None:
    X, y, _ = make_supervised(load_air_passengers(), target="passengers")
    net = LSTMRegressor(hidden_sizes=(8,), random_state=0)
    splits = list(TimeSeriesSplit(2).split(X))
    search = HalvingGridSearchCV(
        make_pipeline(SlidingWindow(12), net),
        {"slidingwindow__window": [6, 12], "lstmregressor__lr": [1e-3, 1e-2]},
        resource="lstmregressor__max_epochs",
        min_resources=2,
        max_resources=4,
        factor=2,
        cv=splits,
        scoring="neg_mean_absolute_error",
    )
    dask.config.set(KEEP_MEMORY)
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
    with cluster, Client(cluster) as client:
        client.amm.stop()  # keep a copy of the rows on every worker
        rows = [X, y, *chain.from_iterable(splits)]
        with joblib.parallel_config("dask", scatter=rows):
            search.fit(X, y)
    print(search.best_params_)


if __name__ == "__main__":  # each worker is a process that imports this file
    main()
