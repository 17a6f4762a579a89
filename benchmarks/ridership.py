"""Chicago rail ridership: nets beside classical models, the next day and 14 days ahead.

Everything is chosen on the development rows, the targets of 2018-07 to 2018-12; the
final rows, the targets of 2019-02-26 to 2019-05-31, are scored as what was chosen.
Inputs are windows of 56 days of rail, bus and the next day's type; targets run from
2016 on. The file is downloaded by `fetch_cta_ridership`, or lies in SKTSDL_DATA.

    python benchmarks/ridership.py [--only ridership ...] [--row LSTM] [--quick]
"""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import make_pipeline

import sktsdl
from sktsdl import SeasonalNaiveRegressor, SlidingWindow, make_supervised
from sktsdl.datasets import fetch_cta_ridership

from _models import (  # isort: skip
    SARIMA,
    boosting,
    epochs,
    forest,
    on_windows,
    ridge,
    timed_fit,
)
from _study import Figures, Maker, Model, Study, main  # isort: skip

WINDOW = 56
SPLITS = {
    "development": ("2018-06-30", "2018-07-01", "2018-12-31"),
    "final": ("2018-12-31", "2019-02-26", "2019-05-31"),
}
DAY_TYPES = ["W", "A", "U"]
RECIPE: dict[str, Any] = {
    "loss": "absolute_error",
    "loss_steps": "all",
    "lr": 5e-3,
    "lr_schedule": "cosine",
    "max_epochs": 100,
    "early_stopping": True,
    "n_iter_no_change": 30,
    "categorical_features": ["day_type+1"],
    "window_norm": None,
}
NETS: dict[str, dict[str, Any]] = {
    "Transformer": {"loss_steps": "last", "lr": 1e-3},
    "TCN": {"batch_size": 64},
    "WaveNet": {"kernel_size": 3, "repeats": 1, "dilations": (1, 2, 4, 8, 16)},
    "LSTM": {},
    "GRU": {},
    "BiLSTM": {"loss_steps": "last"},
}
PARTS: dict[str, dict[str, Any]] = {
    "as above": {},
    "day type one-hot, not embedded": {"categorical_features": None},
    "`loss_steps='last'`": {"loss_steps": "last"},
    "`loss='squared_error'`": {"loss": "squared_error"},
    "`lr_schedule=None`": {"lr_schedule": None},
    "`early_stopping=False`": {"early_stopping": False},
    "`lr=1e-3`": {"lr": 1e-3},
}


def load(one_hot: bool = True, horizon: int = 1) -> tuple[pd.DataFrame, Any]:
    """Return rows from 2016 on, with the types of the days ahead, and `y`."""
    series = fetch_cta_ridership().loc["2016":"2019-05"]
    days = series[["day_type"]].apply(lambda column: column.map(DAY_TYPES.index))
    if one_hot:
        days = pd.get_dummies(series["day_type"], prefix="day", dtype=float)
    data = pd.concat([series[["rail", "bus"]], days], axis=1)
    known = list(days)
    X, y, _ = make_supervised(data, target="rail", horizon=horizon, known_future=known)
    return X.drop(columns=known), y


def net(name: str, seed: int, quick: bool, **params: Any) -> Any:
    """Return a pipeline of a net, by the parameters chosen on development rows."""
    params = RECIPE | params
    params["max_epochs"] = epochs(quick, params["max_epochs"])
    trained = getattr(sktsdl, f"{name}Regressor")(**params, random_state=seed)
    return make_pipeline(SlidingWindow(WINDOW), trained)


def classical(n_targets: int) -> dict[str, Maker]:
    """Return the models without a net."""
    makers: dict[str, Maker] = {
        "naive, 7 days before": lambda seed, quick: SeasonalNaiveRegressor(
            7, column="rail"
        ),
        "SARIMA (1,0,0)(0,1,1,7)": lambda seed, quick: SARIMA(
            "rail", (1, 0, 0), (0, 1, 1, 7)
        ),
        "ridge": lambda seed, quick: on_windows(ridge(), WINDOW, n_targets - 1),
        "random forest": lambda seed, quick: on_windows(
            forest(seed), WINDOW, n_targets - 1
        ),
    }
    if n_targets == 1:  # not 14 models of 1,300 columns
        makers["gradient boosting"] = lambda seed, quick: on_windows(
            boosting(seed), WINDOW
        )
    return makers


def measure(
    split: str, n_ahead: int, is_coded: bool, make: Maker, seed: int, quick: bool
) -> Figures:
    """Fit to the rows before a split, and score its rows."""
    end, first, last = map(pd.Timestamp, SPLITS[split])
    X, y = load(not is_coded, n_ahead)
    one = pd.Timedelta(days=1)
    targets = pd.DatetimeIndex(X.index) + one
    learnt = targets + (n_ahead - 1) * one <= end
    later = targets > end
    scored = (targets[later] >= first) & (targets[later] + (n_ahead - 1) * one <= last)
    if is_coded and n_ahead > 1:
        codes = [name for name in X if str(name).startswith("day_type+")]
        make = partial(make, categorical_features=codes)
    # With a horizon, the rows between are known but no targets of training.
    n_learnt = int(learnt.sum())
    model, seconds = timed_fit(make(seed, quick), X[:n_learnt], y[:n_learnt])
    found = np.asarray(model.predict(X[n_learnt:]))[-int(later.sum()) :][scored]
    true = y[later][scored]
    figures: Figures = {
        "MAE": float(mean_absolute_error(true, found)),
        "fit, s": seconds,
        "targets": len(true),
    }
    if n_ahead > 1:
        figures["by step"] = np.abs(true - found).mean(axis=0).round(1).tolist()
    elif seed == 0:
        figures["forecast"] = found.round(0).tolist()
        figures["truth"] = np.asarray(true).tolist()
        figures["times"] = [str(day)[:10] for day in targets[later][scored]]
    if hasattr(model, "steps") and hasattr(model[-1], "loss_curve_") and seed == 0:
        figures["loss"] = model[-1].loss_curve_
        figures["validation loss"] = getattr(model[-1], "validation_loss_curve_", None)
    return figures


def models(split: str) -> dict[str, Model]:
    """Return the models of the next day."""
    rows = {
        name: Model(
            partial(measure, split, 1, False, make),
            5 if name == "random forest" else 1,
        )
        for name, make in classical(1).items()
    }
    for name, params in NETS.items():
        make = partial(net, name, **params)
        rows[name] = Model(partial(measure, split, 1, True, make), 5)
    return rows


def models_ahead(split: str) -> dict[str, Model]:
    """Return the models of 14 days at once."""
    rows = {
        name: Model(partial(measure, split, 14, False, make), 1)
        for name, make in classical(14).items()
    }
    for name in ("BiLSTM", "LSTM", "WindowMLP"):
        make = partial(net, name, loss_steps="last")
        rows[name] = Model(partial(measure, split, 14, True, make), 5)
    return rows


def parts() -> dict[str, Model]:
    """Return the LSTM with one parameter changed at a time."""
    return {
        name: Model(
            partial(
                measure,
                "development",
                1,
                params.get("categorical_features", "") is not None,
                partial(net, "LSTM", **params),
            ),
            5,
        )
        for name, params in PARTS.items()
    }


PROTOCOL = (
    "Trained on the targets from 2016 up to the day before, scored on those of {} to "
    "{}, without refitting. Windows of 56 days of rail, bus and the "
    "next day's type (SARIMA and naive: rail alone). {} Errors in riders, medians of "
    "five seeds (one, where there is nothing random); processor seconds."
)
CHOSEN = "Parameters were chosen on these rows."
SHOWN = (
    "Nothing was chosen on these rows. Published on the same 95 targets, one seed, the "
    "best epoch on these rows (A. Geron, Hands-On Machine Learning, notebook 15): "
    "naive 41,274 (recomputed), linear 37,726, SARIMA refitted daily 32,041 (on 92 of "
    "the days), recurrent nets of rail alone 29,015 to 30,659, of all columns 22,062."
)
AHEAD = (
    "All 14 days at once, with the types of all of them. {} Published for a recurrent "
    "net on the final rows, with the next day's type only: 32,951."
)
COLUMNS = {"MAE": ",.0f", "fit, s": ".1f"}
NAIVE = "naive, 7 days before"

STUDIES = [
    Study(
        "ridership",
        "ridership",
        "Chicago rail, the next day: development rows",
        PROTOCOL.format("2018-07-01", "2018-12-31", CHOSEN),
        models("development"),
        COLUMNS,
        NAIVE,
    ),
    Study(
        "ridership-final",
        "ridership",
        "Chicago rail, the next day: final rows",
        PROTOCOL.format("2019-02-26", "2019-05-31", SHOWN),
        models("final"),
        COLUMNS,
        NAIVE,
    ),
    Study(
        "ridership-14",
        "ridership",
        "Chicago rail, 14 days ahead: development rows",
        PROTOCOL.format("2018-07-01", "2018-12-31", AHEAD.format(CHOSEN)),
        models_ahead("development"),
        COLUMNS,
        NAIVE,
    ),
    Study(
        "ridership-14-final",
        "ridership",
        "Chicago rail, 14 days ahead: final rows",
        PROTOCOL.format(
            "2019-02-26", "2019-05-31", AHEAD.format("Nothing was chosen on them.")
        ),
        models_ahead("final"),
        COLUMNS,
        NAIVE,
    ),
    Study(
        "ridership-parts",
        "ridership",
        "Chicago rail, the next day: the LSTM with one parameter changed back",
        PROTOCOL.format("2018-07-01", "2018-12-31", CHOSEN),
        parts(),
        COLUMNS,
    ),
]

if __name__ == "__main__":
    main(STUDIES)
