"""AirPassengers, 12 months ahead, under an expanding TimeSeriesSplit.

Three folds of 12 test rows each; a row's forecast is scored on all its 12 months. The
file comes with the package (G. E. P. Box and G. M. Jenkins, Time Series Analysis).

    python benchmarks/air_passengers.py [--row SARIMA] [--quick]
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sktsdl import (
    LSTMRegressor,
    NBEATSRegressor,
    PurgedRegressor,
    RelativeTargetRegressor,
    SeasonalDifference,
    SeasonalNaiveRegressor,
    SeedEnsemble,
    SlidingWindow,
    make_supervised,
)
from sktsdl.datasets import load_air_passengers

from _models import (  # isort: skip
    SARIMA,
    WholeWindows,
    boosting,
    epochs,
    forest,
    ridge,
    timed_fit,
)
from _study import Figures, Maker, Model, Study, main  # isort: skip
from demo import HORIZON, SEASON, dense, relative  # isort: skip

GRID = {
    "regressor__slidingwindow__window": [SEASON + 1, 2 * SEASON + 1],
    "regressor__purgedregressor__regressor__max_epochs": [50, 100, 200],
}


def flat(regressor: Any) -> Any:
    """Put a regressor on flattened windows, trained on whole ones."""
    window = SlidingWindow(SEASON + 1, flatten=True, pad="edge")
    return relative(window, WholeWindows(regressor, SEASON + 1))


def tuned(net: Any, quick: bool) -> Any:
    """Choose window and epochs on later training rows."""
    grid = dict(GRID)
    if quick:
        grid["regressor__purgedregressor__regressor__max_epochs"] = [1]
    return GridSearchCV(
        relative(SlidingWindow(), net),
        grid,
        cv=TimeSeriesSplit(3, test_size=HORIZON),
        scoring="neg_mean_absolute_error",
    )


def mlp(seed: int, quick: bool) -> Any:
    return tuned(dense(seed), quick)


def lstm(seed: int, quick: bool) -> Any:
    net = LSTMRegressor(
        hidden_sizes=(32,), lr=1e-2, window_norm=None, random_state=seed
    )
    return tuned(net.set_params(max_epochs=epochs(quick, 100)), quick)


def sarima(seed: int, quick: bool) -> Any:
    return SARIMA("passengers", (0, 1, 1), (0, 1, 1, SEASON), log=True)


def of_ratios(seed: int, quick: bool) -> Any:
    """Return nets of ratios to the last month."""
    net = dense(seed).set_params(max_epochs=epochs(quick, 100))
    return relative(SlidingWindow(SEASON + 1), five(net, seed))


def of_differences(seed: int, quick: bool) -> Any:
    """Return nets of differences to the year before."""
    net = dense(seed).set_params(max_epochs=epochs(quick, 200))
    purged = PurgedRegressor(five(net, seed), purge=HORIZON - 1)
    pipe = make_pipeline(SeasonalDifference(SEASON), SlidingWindow(1), purged)
    return RelativeTargetRegressor(
        pipe, column="passengers", relation="seasonal", period=SEASON
    )


def nbeats(seed: int, quick: bool) -> Any:
    """Return nets of trend and season."""
    net = NBEATSRegressor(
        stacks=("trend", "seasonality"),
        hidden_size=64,
        window_norm="last",
        lr_schedule="cosine",
        max_epochs=epochs(quick, 200),
    )
    purged = PurgedRegressor(five(net, seed), purge=HORIZON - 1)
    return make_pipeline(SlidingWindow(2 * SEASON), purged)


def five(net: Any, seed: int) -> Any:
    return SeedEnsemble(net, random_state=seed)


def measure(members: Sequence[tuple[bool, Maker]], seed: int, quick: bool) -> Figures:
    """Score the mean forecast of members, of logarithms or not, on the three folds."""
    air = load_air_passengers()
    rows = {
        is_log: make_supervised(
            air.transform(np.log) if is_log else air,
            target="passengers",
            horizon=HORIZON,
        )
        for is_log in (False, True)
    }
    known, truth, _ = rows[False]
    errors, seconds, chosen = [], 0.0, []
    for train, test in TimeSeriesSplit(3, test_size=HORIZON).split(known):
        forecasts = []
        for is_log, make in members:
            X, y, _ = rows[is_log]
            model, spent = timed_fit(
                clone(make(seed, quick)), X.iloc[train], y.iloc[train]
            )
            forecast = np.asarray(model.predict(X.iloc[test]))
            forecasts.append(np.exp(forecast) if is_log else forecast)
            seconds += spent
            if hasattr(model, "best_params_"):
                best = model.best_params_.items()
                chosen.append({key.split("__")[-1]: value for key, value in best})
        found = np.mean(forecasts, axis=0)
        errors.append(np.abs(truth.iloc[test].to_numpy() - found))
    figures: Figures = {
        "MAE": float(np.mean(errors)),
        "folds": [float(error.mean()) for error in errors],
        "by step": np.mean(errors, axis=(0, 1)).round(2).tolist(),
        "fit, s": seconds,
        "chosen": chosen,
        "grid": {key.split("__")[-1]: values for key, values in GRID.items()},
    }
    if seed == 0:
        figures["forecast"] = found[-1].round(1).tolist()
        figures["truth"] = truth.iloc[test[-1]].tolist()
        figures["start"] = str(known.index[test[-1]] + known.index.freq)
        figures["before"] = known["passengers"].iloc[-36:].tolist()
    return figures


MAKERS: dict[str, tuple[Maker, int]] = {
    "seasonal naive": (lambda seed, quick: SeasonalNaiveRegressor(SEASON), 1),
    "SARIMA (0,1,1)(0,1,1,12) of logs": (sarima, 1),
    "ridge": (lambda seed, quick: flat(ridge()), 1),
    "random forest": (lambda seed, quick: flat(forest(seed)), 5),
    "gradient boosting": (lambda seed, quick: flat(boosting(seed, HORIZON)), 1),
    "WindowMLP, tuned": (mlp, 5),
    "LSTM, tuned": (lstm, 5),
}
FIVE_SEEDS: dict[str, tuple[bool, Maker]] = {
    "WindowMLP": (False, of_ratios),
    "WindowMLP of seasonal differences": (True, of_differences),
    "NBEATS": (True, nbeats),
}
MODELS = {
    **{
        name: Model(partial(measure, [(False, make)]), n_seeds)
        for name, (make, n_seeds) in MAKERS.items()
    },
    **{
        f"five seeds of {name}": Model(partial(measure, [member]))
        for name, member in FIVE_SEEDS.items()
    },
    "fifteen nets": Model(partial(measure, list(FIVE_SEEDS.values()))),
}
STUDIES = [
    Study(
        "air_passengers",
        "air_passengers",
        "AirPassengers, 12 months ahead",
        "Mean absolute error in thousands of passengers over the 12 months of every "
        "row's forecast, three expanding folds of 12 rows; targets that reach into the "
        "test rows are purged from training; SARIMA is fitted once a fold. Ridge, "
        "trees and nets see 13 months of log ratios and predict ratios to the last "
        "month; nets choose the window (13, 25) and the epochs (50, 100, 200) by "
        "GridSearchCV on the training rows of each fold. What the nets are (one layer "
        "of 64 tanh units, cosine from 3e-3; LSTM of 32) was chosen on the training "
        "rows of the first fold. The last four rows of the table have fixed "
        "parameters: WindowMLP as in the search, of 13 months and 100 epochs; "
        "WindowMLP of the logarithm relative to a year before, of one row; NBEATS of "
        "trend and seasonality, of 24 logarithms; and the mean forecast of all "
        "fifteen nets, which had the lowest error of such means on the first 96 "
        "months. Medians of 5 seeds; processor seconds of all folds, with the search.",
        MODELS,
        {"MAE": ".2f", "fit, s": ".1f"},
        "seasonal naive",
    )
]

if __name__ == "__main__":
    main(STUDIES)
