"""One net of many series by sktsdl, neuralforecast and darts: error and seconds.

Equal windows, widths, steps of Adam, batches, schedule, clipping and seeds. The others
come with the extra `bench`; without them their rows are left out.

    SKTSDL_DATA=... python benchmarks/rivals_panel.py [--only rivals-m4] [--quick]
"""

import json
import sys
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from _models import epochs  # isort: skip
from _panels import N_QUICK, Competition, Net, Panel, forecasts  # isort: skip
from _study import Figures, Model, Study, main  # isort: skip
from m4 import DAY, M4, WEEK  # isort: skip
from rivals import (  # isort: skip
    DARTS_TRAINER,
    N_SEEDS,
    PATCHES,
    SKIP,
    TRAINER,
    in_own_process,
    seconds_of,
    skips,
    start_alone,
)
from tourism import TOURISM, YEAR  # isort: skip

HIDDEN, BATCH = 64, 128
DENSE_LAYERS = 4  # of a block
STEP_SIZE, STEP_HIDDEN = 8, 32  # of TiDE's decoder of a step ahead
N_SERIES = 32  # of a batch of neuralforecast, its default
OURS: dict[str, tuple[str, dict[str, Any]]] = {
    "LSTM": ("LSTM", {"hidden_sizes": (HIDDEN,)}),
    "MLP": ("WindowMLP", {"hidden_sizes": (HIDDEN, HIDDEN)}),
    "NHITS": ("NHiTS", {"num_layers": DENSE_LAYERS, "hidden_size": HIDDEN}),
    "NBEATS": (
        "NBEATS",
        {
            "stacks": ("trend", "seasonality"),
            "num_layers": DENSE_LAYERS,
            "hidden_size": HIDDEN,
        },
    ),
    "TiDE": (
        "TiDE",
        {
            "hidden_size": HIDDEN,
            "decoder_output_dim": STEP_SIZE,
            "temporal_decoder_hidden": STEP_HIDDEN,
            "layer_norm": False,
        },
    ),
}
MLP_UNITS = (DENSE_LAYERS - 1) * [[HIDDEN, HIDDEN]]  # after a first layer
NEURALFORECAST: dict[str, dict[str, Any]] = {
    "LSTM": {
        "encoder_hidden_size": HIDDEN,
        "encoder_n_layers": 1,
        "decoder_layers": 1,
        "recurrent": False,
    },
    "MLP": {"hidden_size": HIDDEN, "num_layers": 2},
    "NHITS": {"mlp_units": MLP_UNITS},
    "NBEATS": {
        "stack_types": ["trend", "seasonality"],
        "n_blocks": [1, 1],
        "mlp_units": MLP_UNITS,
        "basis": "polynomial",
        "n_harmonics": 1,  # whole waves of the horizon
    },
    "TiDE": {
        "hidden_size": HIDDEN,
        "decoder_output_dim": STEP_SIZE,
        "temporal_decoder_dim": STEP_HIDDEN,
        "dropout": 0.0,
        "layernorm": False,
    },
}
DARTS: dict[str, dict[str, Any]] = {
    "NBEATS": {
        "generic_architecture": False,
        "num_layers": DENSE_LAYERS,
        "layer_widths": HIDDEN,
    },
    "TiDE": {
        "hidden_size": HIDDEN,
        "decoder_output_dim": STEP_SIZE,
        "temporal_decoder_hidden": STEP_HIDDEN,
        "dropout": 0.0,
    },
}
NETS = {
    "sktsdl": tuple(OURS),
    PATCHES: ("LSTM",),
    SKIP: ("LSTM",),
    "neuralforecast": tuple(NEURALFORECAST),
    "darts": tuple(DARTS),
}


@dataclass(frozen=True)
class Task:
    """A competition, and what its nets share.

    Parameters
    ----------
    competition : Competition
        The panel and its score.
    window : int
        How many rows a net sees.
    n_epochs : int
        The passes over all whole windows.
    lr : dict of {str: float}
        The learning rate of each net.
    n_rows : int or None
        How many of the last rows of each series a net learns from. None: all.
    """

    competition: Competition
    window: int
    n_epochs: int
    lr: dict[str, float]
    n_rows: int | None = None

    def known(self, panel: Panel) -> Panel:
        """Return the panel of the rows to learn from."""
        return panel if self.n_rows is None else panel.last(self.n_rows)

    def steps(self, panel: Panel, n_epochs: int) -> int:
        """Return the steps of so many passes."""
        lengths = panel.train.groupby(level=0).size()
        n_windows = (lengths - self.window - panel.horizon + 1).clip(lower=0).sum()
        return n_epochs * -(-int(n_windows) // BATCH)


TASKS = {
    "tourism": Task(
        TOURISM,
        window=4 * YEAR,
        n_epochs=3,
        lr=dict.fromkeys(OURS, 3e-3) | {"MLP": 1e-3, "NHITS": 1e-3},
    ),
    "m4": Task(
        M4,
        window=WEEK,
        n_epochs=2,
        lr=dict.fromkeys(OURS, 3e-3),
        n_rows=2 * WEEK + 2 * DAY,
    ),
}
Run = tuple[pd.DataFrame, Figures, int]  # forecasts, figures, steps


def n_trained(module: nn.Module) -> int:
    """Return how many weights are trained."""
    return sum(w.numel() for w in module.parameters() if w.requires_grad)


def in_units(panel: Panel, logs: Any) -> pd.DataFrame:
    """Return forecasts, whose logarithms are in the order of the true values."""
    return pd.DataFrame({"value": np.expm1(np.asarray(logs, float))}, panel.test.index)


def by_sktsdl(
    task: Task, panel: Panel, net: str, seed: int, n_epochs: int, **params: Any
) -> Run:
    """Fit to all series, and forecast them."""
    kind, own = OURS[net]
    shared = {"batch_size": BATCH, "max_epochs": n_epochs, "lr": task.lr[net]}
    pipe = Net(kind, task.window, True, own | shared | params).make(seed, quick=False)
    found, figures = forecasts(panel, pipe, is_log=True)
    return found, figures, len(pipe[-1].lr_curve_)


def by_neuralforecast(
    task: Task, panel: Panel, net: str, seed: int, n_epochs: int
) -> Run:
    """Do the same by neuralforecast."""
    from neuralforecast import NeuralForecast, models
    from neuralforecast.losses.pytorch import MAE

    n_steps = task.steps(panel, n_epochs)
    model = getattr(models, net)(
        h=panel.horizon,
        input_size=task.window,
        loss=MAE(),
        max_steps=n_steps,
        learning_rate=task.lr[net],
        lr_scheduler=CosineAnnealingLR,
        lr_scheduler_kwargs={"T_max": n_steps},
        batch_size=N_SERIES,
        windows_batch_size=BATCH,
        training_data_availability_threshold=1.0,  # whole windows only
        scaler_type="standard",
        random_seed=seed,
        val_check_steps=n_steps,
        **NEURALFORECAST[net],
        **TRAINER,
    )
    forecaster = NeuralForecast([model], freq=1)
    rows = panel.train.transform(np.log1p)

    def fit() -> None:
        series = rows.index.get_level_values(0)
        table = pd.DataFrame(
            {
                "unique_id": panel.test.index.unique(0).get_indexer(series),
                "ds": rows.groupby(level=0).cumcount().to_numpy(),
                "y": rows["value"].to_numpy(),
            }
        )
        forecaster.fit(table)

    figures = seconds_of(fit)
    found = forecaster.predict().sort_values(["unique_id", "ds"])[net]
    fitted: Any = forecaster.models[0]
    figures["weights"] = n_trained(fitted)
    return in_units(panel, found), figures, len(fitted.train_trajectories)


def by_darts(task: Task, panel: Panel, net: str, seed: int, n_epochs: int) -> Run:
    """Do the same by darts."""
    from darts import TimeSeries, models

    n_steps = task.steps(panel, n_epochs)
    model = getattr(models, f"{net}Model")(
        input_chunk_length=task.window,
        output_chunk_length=panel.horizon,
        n_epochs=n_epochs,
        batch_size=BATCH,
        loss_fn=nn.L1Loss(),
        optimizer_kwargs={"lr": task.lr[net]},
        lr_scheduler_cls=CosineAnnealingLR,
        lr_scheduler_kwargs={"T_max": n_steps, "interval": "step"},
        use_reversible_instance_norm={"affine": False},
        random_state=seed,
        pl_trainer_kwargs=DARTS_TRAINER | {"max_steps": n_steps},
        **DARTS[net],
    )
    unpinned = {"dataloader_kwargs": {"pin_memory": False}}
    rows = panel.train.transform(np.log1p).astype(np.float32)
    all_series: list[Any] = []
    steps: list[int] = []

    def fit() -> None:
        values = dict(iter(rows["value"].groupby(level=0)))
        for name in panel.test.index.unique(0):
            all_series.append(TimeSeries.from_values(values[name].to_numpy()))
        whole = task.window + panel.horizon
        long = [series for series in all_series if len(series) >= whole]
        model.fit(long, verbose=False, **unpinned)
        steps.append(model.trainer.global_step)

    figures = seconds_of(fit)
    found = model.predict(panel.horizon, all_series, verbose=False, **unpinned)
    figures["weights"] = n_trained(model.model)
    values = np.concatenate([series.values()[:, 0] for series in found])
    return in_units(panel, values), figures, steps[0]


def run(library: str, task: Task, panel: Panel, *args: Any) -> Run:
    """Fit and forecast by a library."""
    if library == "neuralforecast":
        return by_neuralforecast(task, panel, *args)
    if library == "darts":
        return by_darts(task, panel, *args)
    params: dict[str, Any] = {}
    if library != "sktsdl":
        params = {"patch_size": panel.period, "linear_skip": library == SKIP}
    return by_sktsdl(task, panel, *args, **params)


def figures_of(
    library: str, task: Task, panel: Panel, net: str, seed: int, n_epochs: int
) -> Figures:
    """Return the error of a net that saw the known rows, its seconds and weights."""
    known = task.known(panel)
    found, figures, n_steps = run(library, task, known, net, seed, n_epochs)
    if n_steps != task.steps(known, n_epochs):
        raise ValueError(f"{n_steps} steps")
    return {"MASE": task.competition.score(panel, found)["MASE"], **figures}


def worker(library: str, name: str, net: str, quick: bool) -> None:
    """Print the figures of each seed, a line of JSON each."""
    start_alone(library)
    task = TASKS[name]
    panel = task.competition.panel(is_final=True, quick=quick)
    # Imports and first calls do not count.
    figures_of(library, task, panel.first(N_QUICK), net, seed=0, n_epochs=1)
    n_epochs = epochs(quick, task.n_epochs)
    for seed in range(1 if quick else N_SEEDS):
        found = figures_of(library, task, panel, net, seed, n_epochs)
        print(json.dumps(found), flush=True)


@cache
def measured(library: str, name: str, net: str, quick: bool) -> list[Figures]:
    """Return the figures of each seed of a library's net."""
    return in_own_process(__file__, library, name, net, *["quick"] * quick)


def measure(library: str, name: str, net: str, seed: int, quick: bool) -> Figures:
    """Return the figures of one seed."""
    return measured(library, name, net, quick)[seed]


def naive(name: str, seed: int, quick: bool) -> Figures:
    """Return the error of the last season, repeated, and its seconds."""
    figures = TASKS[name].competition.naive(True, seed, quick)
    return {key: figures[key] for key in COLUMNS if key in figures}


COLUMNS = {"MASE": ".3f", "fit, s": ".1f", "weights": ",.0f"}
PROTOCOL = (
    "{} MASE: the absolute error in units of the seasonal naive error in training, "
    "mean over the series. Equal for all: log(1 + x), whole windows of {} relative to "
    "their mean and deviation, all steps ahead at once; one LSTM layer, or two dense "
    "layers (MLP), of 64 units; NHITS of three blocks, NBEATS of a block of trend and "
    "one of seasonality, each block with four dense layers of 64 units; TiDE of 64 "
    "units, with 8 and 32 for each step ahead, without layer norm; absolute error, "
    "Adam with cosine annealing from {}, batches of 128 windows, as many steps as {} "
    "over all windows, gradients clipped at norm 1, one thread, no dropout, no early "
    "stopping. Passes and learning rates, of which each net has one for all packages, "
    "were chosen on the last rows of training, by the mean error of the packages that "
    "were tried. Medians of three seeds; processor seconds from the table of "
    "logarithms to a fitted net, after a small first fit that does not count. Not "
    "equal: neuralforecast draws each batch from the windows of 32 series, its "
    "default; the first of the four layers of its blocks has no ReLU; its NHITS has a "
    "backcast of each step, ours at knots; its LSTM forecasts each step from the state "
    "of a whole horizon before it, ours all steps from the last state. Errors in "
    "training are in units of the deviation of the window, but in darts they are of "
    "the logarithms, as its loss does not see the window{}. Rows with "
    '"patches": `patch_size={}`, a {} at a step; with "linear skip": '
    "`linear_skip=True`."
)


def study(name: str, title: str, *texts: Any) -> Study:
    """Return the table of a panel."""
    rows = {
        f"{net}, {library}": Model(partial(measure, library, name, net), N_SEEDS)
        for net in OURS
        for library, nets in NETS.items()
        if net in nets
    }
    return Study(
        f"rivals-{name}",
        "rivals_panel",
        f"{title}, beside neuralforecast and darts",
        PROTOCOL.format(*texts),
        {"seasonal naive, sktsdl": Model(partial(naive, name)), **rows},
        COLUMNS,
        skips=skips,
        n_jobs=1,
    )


STUDIES = [
    study(
        "tourism",
        "Tourism, 366 monthly series, 24 months ahead",
        "The 366 monthly series of the tourism competition (Athanasopoulos et al. "
        "2011): one net learns from all months but the last 24 of each series, and "
        "forecasts these once.",
        "48 months",
        "3e-3 (MLP and NHITS: 1e-3)",
        "three passes",
        ", and it takes the windows of short series more often",
        YEAR,
        "year",
    ),
    study(
        "m4",
        "M4 hourly, 414 series, 48 hours ahead",
        "The 414 hourly series of the M4 competition (Makridakis et al. 2020): one net "
        "learns from the last 16 days of training of each series, and forecasts the 48 "
        "hours after them once.",
        "168 hours",
        "3e-3 (for LSTM, that of tourism)",
        "two passes",
        "",
        DAY,
        "day",
    ),
]

if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        library, name, net, *others = sys.argv[2:]
        worker(library, name, net, quick=others == ["quick"])
    else:
        main(STUDIES)
