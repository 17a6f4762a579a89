"""The same nets by sktsdl, darts and neuralforecast: error and seconds.

Equal inputs, widths, steps of Adam, batches, clipping and seeds. The others come with
the extra `bench`; without them their rows are left out.

    python benchmarks/rivals.py [--only rivals-ridership] [--quick]
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.pipeline import make_pipeline

import sktsdl
from sktsdl import SlidingWindow, make_supervised
from sktsdl.datasets import fetch_cta_ridership, load_air_passengers

from _study import Figures, Model, Study, main  # isort: skip

HIDDEN, BATCH, KERNEL, LR = 32, 32, 3, 1e-3
N_SEEDS = 3
NETS = ("LSTM", "GRU", "TCN")
PATCHES = "sktsdl, patches"
SKIP = "sktsdl, patches, linear skip"
LIBRARIES = ("sktsdl", PATCHES, SKIP, "darts", "neuralforecast")
# What lightning would write, draw and validate takes time.
DARTS_TRAINER = {
    "accelerator": "cpu",
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "logger": False,
    "gradient_clip_val": 1.0,
}
TRAINER = DARTS_TRAINER | {  # of neuralforecast
    "devices": 1,
    "enable_checkpointing": False,
    "limit_val_batches": 0,
    "num_sanity_val_steps": 0,
}


@dataclass(frozen=True)
class Task:
    """A series whose last `n_test` values are forecast from every row before them.

    Parameters
    ----------
    series : Series
        With a regular time index.
    n_test, window, horizon : int
        Of the protocol.
    n_blocks : int
        Of the TCN, for a receptive field of the window.
    is_log, is_normed : bool
        Whether logarithms are taken, and windows relative to mean and deviation.
    patch_size : int
        Of the rows that show patches.
    """

    series: pd.Series
    n_test: int
    window: int
    horizon: int
    n_blocks: int
    is_log: bool
    is_normed: bool
    patch_size: int

    @property
    def n_train(self) -> int:
        return len(self.series) - self.n_test

    @property
    def n_windows(self) -> int:
        return self.n_train - self.window - self.horizon + 1

    def steps(self, n_epochs: int) -> int:
        return n_epochs * -(-self.n_windows // BATCH)

    def standardised(self) -> tuple[np.ndarray, float, float]:
        """Return the values as the nets see them, with mean and deviation."""
        values = self.series.to_numpy(float)
        levels = np.log(values) if self.is_log else values
        known = levels[: self.n_train]
        mean, std = float(known.mean()), float(known.std())
        return ((levels - mean) / std).astype(np.float32), mean, std

    def error(self, found: np.ndarray) -> float:
        """Return the MAE of forecasts, (origins, horizon), in the series' unit."""
        _, mean, std = self.standardised()
        levels = found * std + mean
        values = np.exp(levels) if self.is_log else levels
        truth = self.series.to_numpy(float)[self.n_train :]
        windows = np.lib.stride_tricks.sliding_window_view(truth, self.horizon)
        if values.shape != windows.shape:
            raise ValueError(f"forecasts of {values.shape}, not {windows.shape}")
        return float(np.abs(values - windows).mean())


@cache
def task_of(name: str) -> Task:
    """Return a small series whose training windows fill whole batches."""
    if name == "air_passengers":
        air = load_air_passengers()["passengers"].astype(float)
        return Task(air.iloc[9:], 36, 24, 12, 3, True, True, 12)
    rail = fetch_cta_ridership()["rail"].loc[:"2018-12-31"].astype(float)
    return Task(rail.iloc[-1168:], 184, 56, 1, 4, False, False, 7)


Parts = tuple[Callable[[], Any], Callable[[], np.ndarray], Callable[[], int]]


def by_sktsdl(task: Task, net: str, seed: int, n_epochs: int, **params: Any) -> Parts:
    """Return how to fit, forecast from every origin, and count steps and weights."""
    values, _, _ = task.standardised()
    frame = pd.DataFrame({"value": values}, index=task.series.index)
    X, y, _ = make_supervised(frame, target="value", horizon=task.horizon)
    n = task.n_train - task.horizon
    size: dict[str, Any] = {"hidden_sizes": (HIDDEN,)}
    if net == "TCN":
        size = {"channels": (HIDDEN,) * task.n_blocks, "kernel_size": KERNEL}
    trained = getattr(sktsdl, f"{net}Regressor")(
        **size,
        max_epochs=n_epochs,
        batch_size=BATCH,
        lr=LR,
        standardize=False,
        window_norm="standard" if task.is_normed else None,
        random_state=seed,
        **params,
    )
    pipe = make_pipeline(SlidingWindow(task.window), trained)

    def forecast() -> np.ndarray:
        found: np.ndarray = pipe.predict(X)[task.n_train - 1 :]
        return found.reshape(len(found), task.horizon)

    def count() -> int:
        if len(trained.lr_curve_) != task.steps(n_epochs):
            raise ValueError(f"{len(trained.lr_curve_)} steps")
        return int(trained.n_parameters_)

    return lambda: pipe.fit(X[:n], y[:n]), forecast, count


def by_darts(task: Task, net: str, seed: int, n_epochs: int) -> Parts:
    """Return the same of darts."""
    from darts import TimeSeries
    from darts.models import BlockRNNModel, TCNModel

    values, _, _ = task.standardised()
    # Numbered rows, as darts 0.48 cannot divide by the days of pandas 3.
    series = TimeSeries.from_times_and_values(pd.RangeIndex(len(values)), values)
    shared = {
        "input_chunk_length": task.window,
        "output_chunk_length": task.horizon,
        "n_epochs": n_epochs,
        "batch_size": BATCH,
        "optimizer_kwargs": {"lr": LR},
        "use_reversible_instance_norm": task.is_normed,
        "random_state": seed,
        "pl_trainer_kwargs": DARTS_TRAINER,
    }
    if net == "TCN":
        model = TCNModel(
            **shared,
            kernel_size=KERNEL,
            num_filters=HIDDEN,
            num_layers=task.n_blocks,
            weight_norm=True,
            dropout=0.0,
        )
    else:
        model = BlockRNNModel(**shared, model=net, hidden_dim=HIDDEN, n_rnn_layers=1)
    unpinned = {"dataloader_kwargs": {"pin_memory": False}}
    steps: list[int] = []

    def fit() -> None:
        model.fit(series[: task.n_train], verbose=False, **unpinned)
        steps.append(model.trainer.global_step)

    def forecast() -> np.ndarray:
        found = model.historical_forecasts(
            series,
            start=task.n_train,
            forecast_horizon=task.horizon,
            retrain=False,
            last_points_only=False,
            verbose=False,
            predict_kwargs=unpinned,
        )
        return np.stack([part.values()[:, 0] for part in found])

    def count() -> int:
        if steps != [task.steps(n_epochs)]:
            raise ValueError(f"{steps} steps")
        return sum(weight.numel() for weight in model.model.parameters())

    return fit, forecast, count


def by_neuralforecast(task: Task, net: str, seed: int, n_epochs: int) -> Parts:
    """Return the same of neuralforecast."""
    from neuralforecast import NeuralForecast, models
    from neuralforecast.losses.pytorch import MSE

    values, _, _ = task.standardised()
    frame = pd.DataFrame({"unique_id": "a", "ds": task.series.index, "y": values})
    n_steps = task.steps(n_epochs)
    shared = {
        "h": task.horizon,
        "input_size": task.window,
        "loss": MSE(),
        "max_steps": n_steps,
        "learning_rate": LR,
        "batch_size": 1,
        "windows_batch_size": BATCH,
        "training_data_availability_threshold": 1.0,
        "scaler_type": "standard" if task.is_normed else "identity",
        "decoder_layers": 1,
        "random_seed": seed,
        "val_check_steps": n_steps,
        "encoder_hidden_size": HIDDEN,
        **TRAINER,
    }
    if net == "TCN":
        dilations = [2**level for level in range(task.n_blocks) for _ in range(2)]
        model = models.TCN(**shared, kernel_size=KERNEL, dilations=dilations)
    else:
        model = getattr(models, net)(**shared, encoder_n_layers=1, recurrent=False)
    forecaster = NeuralForecast(
        [model], freq=pd.infer_freq(pd.DatetimeIndex(task.series.index))
    )

    def forecast() -> np.ndarray:
        found = forecaster.cross_validation(
            frame,
            n_windows=task.n_test - task.horizon + 1,
            refit=False,
            use_fitted=True,
        )
        ordered = found.sort_values(["cutoff", "ds"])[net].to_numpy()
        return np.asarray(ordered.reshape(-1, task.horizon))

    def count() -> int:
        fitted = forecaster.models[0]
        if len(fitted.train_trajectories) != n_steps:
            raise ValueError(f"{len(fitted.train_trajectories)} steps")
        return sum(weight.numel() for weight in fitted.parameters())

    return lambda: forecaster.fit(frame.iloc[: task.n_train]), forecast, count


def parts(library: str, task: Task, net: str, seed: int, n_epochs: int) -> Parts:
    """Return the parts of a library's net."""
    if library == "darts":
        return by_darts(task, net, seed, n_epochs)
    if library == "neuralforecast":
        return by_neuralforecast(task, net, seed, n_epochs)
    params = {"patch_size": 1 if library == "sktsdl" else task.patch_size}
    return by_sktsdl(task, net, seed, n_epochs, linear_skip=library == SKIP, **params)


def start_alone(library: str) -> None:
    """Prepare a process in which a library is measured."""
    torch.set_num_threads(1)
    if not library.startswith("sktsdl"):
        import pytorch_lightning  # noqa: F401  sets the level of its messages

        for speaker in ("pytorch_lightning", "lightning_fabric", "lightning.pytorch"):
            logging.getLogger(speaker).setLevel(logging.ERROR)
        warnings.simplefilter("ignore")  # of each other's versions


def seconds_of(fit: Callable[[], Any]) -> Figures:
    """Fit, and return the seconds of the processor and of the clock."""
    start, used = time.perf_counter(), time.process_time()
    fit()
    used, wall = time.process_time() - used, time.perf_counter() - start
    return {"fit, s": used, "fit, wall s": wall}


def worker(library: str, name: str, n_epochs: int, n_seeds: int) -> None:
    """Print the figures of all nets and seeds of a library, a line of JSON each."""
    start_alone(library)
    task = task_of(name)
    for net in NETS:
        fit, forecast, _ = parts(library, task, net, 0, 2)
        fit(), forecast()  # imports and first calls do not count
    for seed in range(n_seeds):
        for net in NETS:
            fit, forecast, count = parts(library, task, net, seed, n_epochs)
            figures = {
                "net": net,
                "seed": seed,
                **seconds_of(fit),
                "MAE": task.error(forecast()),
                "parameters": count(),
            }
            print(json.dumps(figures), flush=True)


def in_own_process(script: str, *arguments: str) -> list[Figures]:
    """Return what a worker prints, as libraries change what others see."""
    command = [sys.executable, script, "--worker", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True
        )
    if done.returncode:
        raise RuntimeError(f"{arguments}: {done.stderr[-2000:]}")
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return list(map(json.loads, lines))


@cache
def measured(library: str, name: str, quick: bool) -> dict[tuple[str, int], Figures]:
    """Return the figures of all nets and seeds of a library."""
    sizes = ["1", "1"] if quick else ["100", str(N_SEEDS)]
    rows = in_own_process(__file__, library, name, *sizes)
    return {(row.pop("net"), row.pop("seed")): row for row in rows}


def measure(library: str, name: str, net: str, seed: int, quick: bool) -> Figures:
    """Return the figures of one net."""
    return measured(library, name, quick)[net, seed]


def skips(model: str) -> str | None:
    """Say which package is missing."""
    library = model.split(", ", 1)[1]
    if library.startswith("sktsdl") or find_spec(library):
        return None
    return f"{library} is not installed: `make bench` installs it."


PROTOCOL = (
    "{} Equal for all: standardised by the training rows, one layer of 32 units (TCN: "
    "{} blocks of two convolutions of width 3, 32 kernels), 100 passes in batches of "
    "32 by Adam at 1e-3, squared error, gradients clipped at norm 1, one thread, no "
    "early stopping; neuralforecast draws its batches. The TCNs are three different "
    "nets of one receptive field. Medians of three seeds; processor seconds of `fit`, "
    "after a first one that does not count. "
)


def study(name: str, title: str, text: str) -> Study:
    """Return the table of a series."""
    rows = {
        f"{net}, {library}": Model(partial(measure, library, name, net), N_SEEDS)
        for net in NETS
        for library in LIBRARIES
    }
    columns = {"MAE": ",.1f", "fit, s": ".2f", "parameters": ",.0f"}
    return Study(
        f"rivals-{name}",
        "rivals",
        title,
        text,
        rows,
        columns,
        skips=skips,
        n_jobs=1,
    )


STUDIES = [
    study(
        "ridership",
        "Chicago rail, the next day, beside darts and neuralforecast",
        PROTOCOL.format(
            "Rail alone, 984 days up to 2018-06-30 to learn from, the next 184 to "
            "forecast, windows of 56; at a horizon of 1 the recurrent nets are the "
            "same ones.",
            4,
        )
        + 'Rows with "patches": `patch_size=7`; with "linear skip": '
        "`linear_skip=True`.",
    ),
    study(
        "air_passengers",
        "AirPassengers, 12 months ahead, beside darts and neuralforecast",
        PROTOCOL.format(
            "Logarithms, 99 months to learn from, forecasts of 12 months from each of "
            "25 months after, windows of 24, each relative to its mean and deviation.",
            3,
        )
        + "The recurrent nets of the others forecast month k from the state 12 months "
        "before it, ours from the last state. "
        'Rows with "patches": `patch_size=12`, a year at a step; with "linear skip": '
        "`linear_skip=True`.",
    ),
]

if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        library, name, n_epochs, n_seeds = sys.argv[2:]
        worker(library, name, int(n_epochs), int(n_seeds))
    else:
        main(STUDIES)
