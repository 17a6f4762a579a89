"""A net with all its defaults beside naive forecasts, and with other `window_norm`.

The tasks, and where their files come from, are in `_tasks.py`.

    python benchmarks/defaults_single.py [--row "GDP, 4 ahead"] [--quick]
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.pipeline import make_pipeline

import sktsdl
from sktsdl import SlidingWindow

from _models import epochs  # isort: skip
from _study import Figures, Model, Study, main  # isort: skip
from _tasks import FUTURES, N_ROWS, OTHERS, Task  # isort: skip

N_SEEDS = 2
OPTIONS: dict[str, Any] = {
    "auto": "auto",
    "None": None,
    "last": "last",
    "standard": "standard",
}
NETS = ("LSTM", "WindowMLP")


def geometric_mean(values: Any) -> float:
    return float(np.exp(np.mean(np.log(list(values)))))


def fit(
    kind: str, task: Task, option: Any, seed: int, quick: bool
) -> tuple[float, str | None, list[str]]:
    """Return the error of a net, the norm that it has, and the warnings."""
    net = getattr(sktsdl, f"{kind}Regressor")(window_norm=option, random_state=seed)
    net.set_params(max_epochs=epochs(quick, net.max_epochs))
    model = net if task.known is None else make_pipeline(SlidingWindow(), net)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        error = task.error(model, task.X)
    return error, net.window_norm_, [str(warning.message) for warning in caught]


def measure(load: Callable[[], Task], seed: int, quick: bool) -> Figures:
    """Train nets with all options; the norm that "auto" chose is trained once."""
    task = load()
    naive = task.naive_error()
    by_net: dict[str, dict[str, float]] = {}
    warned: dict[str, list[str]] = {}
    for kind in NETS:
        auto, chosen, texts = fit(kind, task, "auto", seed, quick)
        by_net[kind], warned["auto"] = {"auto": auto / naive}, texts
        for name, option in OPTIONS.items():
            if option == chosen:
                by_net[kind][name] = auto / naive
            elif option != "auto":
                error, _, warned[name] = fit(kind, task, option, seed, quick)
                by_net[kind][name] = error / naive
    means = {
        name: geometric_mean(by_net[kind][name] for kind in NETS) for name in OPTIONS
    }
    figures = {"chosen": chosen, "naive": naive, "warnings": warned}
    return {**means, "by net": by_net, **figures}


def regrets(option: str, seed: int, quick: bool) -> Figures:
    """Compare an option with the best one of each task and net, as stored."""
    ratios: dict[str, list[float]] = {}
    regret: dict[str, list[float]] = {}
    for name, runs in TASKS.read(quick)["runs"].items():
        for kind in NETS:
            errors = {
                each: np.mean([run["by net"][kind][each] for run in runs.values()])
                for each in OPTIONS
            }
            ratios.setdefault(name, []).append(errors[option])
            regret.setdefault(name, []).append(errors[option] / min(errors.values()))
    means = {name: geometric_mean(values) for name, values in regret.items()}
    return {
        "all": geometric_mean(means.values()),
        "futures": geometric_mean(means[name] for name in FUTURES if name in means),
        "others": geometric_mean(means[name] for name in OTHERS if name in means),
        "worst": max(max(values) for values in regret.values()),
        "error ÷ naive": geometric_mean(map(geometric_mean, ratios.values())),
        "by task": means,
    }


TASKS = Study(
    "defaults-tasks",
    "defaults_single",
    "Single series: the error of each task as a ratio to naive forecasts",
    "Mean absolute error as a ratio to the lowest one of the last value, the last "
    "season and the mean of training, of the target itself. The first 80 % of the "
    "rows are for training, and targets of the rest are scored; of a long series, the "
    f"last {N_ROWS} rows are taken. Covid3Month has its own split. `SlidingWindow` and "
    "the nets have their defaults but for `window_norm`. Geometric means over LSTM "
    "and WindowMLP, medians of 2 seeds. Series without a season have a usual horizon "
    "in its place, and the slow sinusoid a quarter of its season of 100 rows. Soft "
    "sensors are made data; half-hours are joined to hours. With °F, the default warns "
    "of the units. The other norms warn of the level that they add in three tasks: the "
    "slow level, the log price, and °F of another channel.",
    {
        name: Model(partial(measure, load), N_SEEDS)
        for name, load in (FUTURES | OTHERS).items()
    },
    dict.fromkeys(OPTIONS, ".2f"),
)
STUDIES = [
    TASKS,
    Study(
        "defaults-single",
        "defaults_single",
        "Single series: `window_norm`",
        "The error of an option, divided by the lowest error of all options for the "
        "same task and net, of means over 2 seeds: geometric means over LSTM and "
        "WindowMLP and over tasks, and the worst of all nets and tasks. Last, the "
        "geometric mean of the error as a ratio to the best naive forecast. 32 tasks "
        "are 16 series, one step and one season ahead; in 12 others, the target is not "
        'the future of the first channel. The rule of "auto" was designed on these '
        "series earlier; nothing is chosen by these scores.",
        {name: Model(partial(regrets, name)) for name in OPTIONS},
        {
            "all": ".3f",
            "futures": ".3f",
            "others": ".3f",
            "worst": ",.2f",
            "error ÷ naive": ".3f",
        },
    ),
]

if __name__ == "__main__":
    main(STUDIES)
