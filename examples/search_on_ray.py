"""Search on a Ray cluster, with two workers on this machine."""

import joblib
import ray
from ray.util.joblib import register_ray
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sktsdl import LSTMRegressor, SlidingWindow, make_supervised
from sktsdl.datasets import load_air_passengers


def main() -> None:
    X, y, _ = make_supervised(load_air_passengers(), target="passengers")
    net = LSTMRegressor(hidden_sizes=(8,), max_epochs=4, random_state=0)
    search = GridSearchCV(
        make_pipeline(SlidingWindow(12), net),
        {"slidingwindow__window": [6, 12], "lstmregressor__lr": [1e-3, 1e-2]},
        cv=TimeSeriesSplit(2),
        scoring="neg_mean_absolute_error",
    )
    ray.init(num_cpus=2, include_dashboard=False)
    register_ray()
    with joblib.parallel_config("ray", n_jobs=-1):
        search.fit(X, y)
    ray.shutdown()
    print(search.best_params_)


if __name__ == "__main__":
    main()
