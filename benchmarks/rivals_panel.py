"""One net of many series by sktsdl and neuralforecast: error and seconds.

Equal windows, widths, steps of Adam, batches, schedule, clipping and seeds.
neuralforecast comes with the extra `bench`; without it its rows are left out.

    SKTSDL_DATA=... python benchmarks/rivals_panel.py [--quick]
"""

import json
import sys
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.pipeline import make_pipeline

import sktsdl
from sktsdl import SlidingWindow, make_supervised
from sktsdl.datasets import fetch_tourism
from sktsdl.metrics import mase

from _study import Figures, Model, Study, main  # isort: skip
from rivals import (  # isort: skip
    N_SEEDS,
    TRAINER,
    Parts,
    in_own_process,
    seconds_of,
    skips,
    start_alone,
)

YEAR = 12
WINDOW, HORIZON = 4 * YEAR, 2 * YEAR
HIDDEN, BATCH = 64, 128
# Chosen on the last 24 months of training.
N_EPOCHS = 3
LR = {"LSTM": 3e-3, "MLP": 1e-3, "NHITS": 1e-3}
N_SERIES = 32  # of a batch of neuralforecast, its default
PATCHES = "sktsdl, patches"
SKIP = "sktsdl, patches, linear skip"
NETS = {
    "sktsdl": ("LSTM", "MLP"),
    PATCHES: ("LSTM",),
    SKIP: ("LSTM",),
    "neuralforecast": ("LSTM", "MLP", "NHITS"),
}


@dataclass(frozen=True)
class Task:
    """Many series, whose next months are forecast once.

    Parameters
    ----------
    train, test : DataFrame
        The column `value`, in the units of each series; test has the next `HORIZON`
        months of each.
    """

    train: pd.DataFrame
    test: pd.DataFrame

    @property
    def logs(self) -> pd.DataFrame:
        """The months to learn from, as the nets see them."""
        return self.train.transform(np.log1p)

    def steps(self, n_epochs: int) -> int:
        """Return the steps of so many passes over all whole windows."""
        lengths = self.train.groupby(level="series").size()
        n_windows = (lengths - WINDOW - HORIZON + 1).clip(lower=0).sum()
        return n_epochs * -(-int(n_windows) // BATCH)

    def in_order(self, series: Any, months: Any, values: Any) -> np.ndarray:
        """Return forecasts in the order of the true values."""
        index = pd.MultiIndex.from_arrays([series, months])
        return np.asarray(pd.Series(values, index).reindex(self.test.index))

    def error(self, found: np.ndarray) -> float:
        """Return the MASE of forecasts, which are logarithms as in `logs`."""
        true, known = self.test["value"], self.train["value"]
        return mase(true, np.expm1(found), y_train=known, period=YEAR)


@cache
def tourism() -> Task:
    """Return the series of the competition."""
    return Task(*fetch_tourism())


def by_sktsdl(task: Task, net: str, seed: int, n_epochs: int, **params: Any) -> Parts:
    """Return how to fit, forecast the next months, and count steps and weights."""
    kind: Any = sktsdl.LSTMRegressor if net == "LSTM" else sktsdl.WindowMLPRegressor
    trained = kind(
        hidden_sizes=(HIDDEN,) if net == "LSTM" else (HIDDEN, HIDDEN),
        max_epochs=n_epochs,
        batch_size=BATCH,
        lr=LR[net],
        lr_schedule="cosine",
        loss="absolute_error",
        window_norm="standard",
        loss_scale="window",  # as neuralforecast's
        random_state=seed,
        **params,
    )
    pipe = make_pipeline(SlidingWindow(WINDOW), trained)
    latest: list[pd.DataFrame] = []

    def fit() -> None:
        X, y, X_latest = make_supervised(task.logs, target="value", horizon=HORIZON)
        pipe.fit(X, y)
        latest.append(X_latest)

    def forecast() -> np.ndarray:
        (X_latest,) = latest
        series, now = map(X_latest.index.get_level_values, ("series", "month"))
        is_last = ~series.duplicated(keep="last")
        found = pipe.predict(X_latest)[is_last]
        months = now[is_last].repeat(HORIZON)
        months += np.tile(np.arange(1, HORIZON + 1), len(found))
        return task.in_order(series[is_last].repeat(HORIZON), months, found.ravel())

    def count() -> int:
        if len(trained.lr_curve_) != task.steps(n_epochs):
            raise ValueError(f"{len(trained.lr_curve_)} steps")
        return int(trained.n_parameters_)

    return fit, forecast, count


def by_neuralforecast(task: Task, net: str, seed: int, n_epochs: int) -> Parts:
    """Return the same of neuralforecast."""
    from neuralforecast import NeuralForecast, models
    from neuralforecast.losses.pytorch import MAE

    n_steps = task.steps(n_epochs)
    shared = {
        "h": HORIZON,
        "input_size": WINDOW,
        "loss": MAE(),
        "max_steps": n_steps,
        "learning_rate": LR[net],
        "lr_scheduler": torch.optim.lr_scheduler.CosineAnnealingLR,
        "lr_scheduler_kwargs": {"T_max": n_steps},
        "batch_size": N_SERIES,
        "windows_batch_size": BATCH,
        "training_data_availability_threshold": 1.0,  # whole windows only
        "scaler_type": "standard",
        "random_seed": seed,
        "val_check_steps": n_steps,
        **TRAINER,
    }
    own: dict[str, dict[str, Any]] = {
        "LSTM": {
            "encoder_hidden_size": HIDDEN,
            "encoder_n_layers": 1,
            "decoder_layers": 1,
            "recurrent": False,
        },
        "MLP": {"hidden_size": HIDDEN, "num_layers": 2},
        "NHITS": {"mlp_units": 3 * [[HIDDEN, HIDDEN]]},
    }
    forecaster = NeuralForecast([getattr(models, net)(**shared, **own[net])], freq="MS")

    def fit() -> None:
        rows = task.logs.reset_index()
        table = pd.DataFrame(
            {
                "unique_id": rows["series"],
                "ds": rows["month"].dt.to_timestamp(),
                "y": rows["value"],
            }
        )
        forecaster.fit(table)

    def forecast() -> np.ndarray:
        found = forecaster.predict()
        months = found["ds"].dt.to_period("M")
        return task.in_order(found["unique_id"], months, found[net].to_numpy(float))

    def count() -> int:
        fitted = forecaster.models[0]
        if len(fitted.train_trajectories) != n_steps:
            raise ValueError(f"{len(fitted.train_trajectories)} steps")
        return sum(weight.numel() for weight in fitted.parameters())

    return fit, forecast, count


def parts(library: str, task: Task, net: str, seed: int, n_epochs: int) -> Parts:
    """Return the parts of a library's net."""
    if library == "neuralforecast":
        return by_neuralforecast(task, net, seed, n_epochs)
    params: dict[str, Any] = {}
    if library != "sktsdl":
        params = {"patch_size": YEAR, "linear_skip": library == SKIP}
    return by_sktsdl(task, net, seed, n_epochs, **params)


def figures(library: str, task: Task, net: str, seed: int, n_epochs: int) -> Figures:
    """Fit a net, and return its error and seconds."""
    fit, forecast, count = parts(library, task, net, seed, n_epochs)
    seconds = seconds_of(fit)
    return {"MASE": task.error(forecast()), **seconds, "parameters": count()}


def worker(library: str, net: str, n_epochs: int, n_seeds: int) -> None:
    """Print the figures of each seed, a line of JSON each."""
    start_alone(library)
    task = tourism()
    fit, forecast, _ = parts(library, task, net, 0, 1)
    fit(), forecast()  # imports and first calls do not count
    for seed in range(n_seeds):
        print(json.dumps(figures(library, task, net, seed, n_epochs)), flush=True)


@cache
def measured(library: str, net: str, quick: bool) -> list[Figures]:
    """Return the figures of each seed of a library's net."""
    sizes = ["1", "1"] if quick else [str(N_EPOCHS), str(N_SEEDS)]
    return in_own_process(__file__, library, net, *sizes)


def measure(library: str, net: str, seed: int, quick: bool) -> Figures:
    """Return the figures of one seed."""
    return measured(library, net, quick)[seed]


def naive(seed: int, quick: bool) -> Figures:
    """Return the error of the last year, repeated."""
    task = tourism()
    last = task.logs.groupby(level="series").tail(YEAR)
    series, months = map(last.index.get_level_values, ("series", "month"))
    both = series.append(series), (months + YEAR).append(months + 2 * YEAR)
    return {"MASE": task.error(task.in_order(*both, np.tile(last["value"], 2)))}


PROTOCOL = (
    "The 366 monthly series of the tourism competition (Athanasopoulos et al. 2011): "
    "one net learns from all months but the last 24 of each series, and forecasts "
    "these once. MASE: the absolute error in units of the seasonal naive error in "
    "training, mean over the series. Equal for all: log(1 + x), whole windows of 48 "
    "months relative to their mean and deviation, the next 24 at once, one LSTM "
    "layer or two dense layers of 64 units (NHITS: three blocks of two), absolute "
    "error in units of that deviation, Adam with cosine annealing from 3e-3 (LSTM) or "
    "1e-3, batches of 128 windows, as many steps as three passes over all windows, "
    "gradients clipped at norm 1, one thread, no early stopping. neuralforecast draws "
    "each batch from the windows of 32 series, its default. Passes and learning rates "
    "were chosen on the last 24 months of training. Medians of three seeds; processor "
    "seconds from the table of all months to a fitted net, after a first fit that does "
    "not count. The LSTM of neuralforecast forecasts month k from its state 24 months "
    'before it, ours from the last state. Rows with "patches": `patch_size=12`, a year '
    'at a step; with "linear skip": `linear_skip=True`.'
)
ROWS = {
    f"{net}, {library}": Model(partial(measure, library, net), N_SEEDS)
    for net in LR
    for library, nets in NETS.items()
    if net in nets
}
STUDIES = [
    Study(
        "rivals-tourism",
        "rivals_panel",
        "Tourism, 366 monthly series, 24 months ahead, beside neuralforecast",
        PROTOCOL,
        {"seasonal naive, sktsdl": Model(naive), **ROWS},
        {"MASE": ".3f", "fit, s": ".1f", "parameters": ",.0f"},
        skips=skips,
        n_jobs=1,
    )
]

if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        library, net, n_epochs, n_seeds = sys.argv[2:]
        worker(library, net, int(n_epochs), int(n_seeds))
    else:
        main(STUDIES)
