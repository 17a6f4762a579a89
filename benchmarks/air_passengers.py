"""AirPassengers, 12 months ahead, under an expanding TimeSeriesSplit.

Three folds of 12 test rows each; a row's forecast is scored on all its 12 months. The
file comes with the package (G. E. P. Box and G. M. Jenkins, Time Series Analysis).

    python benchmarks/air_passengers.py [--row SARIMA] [--quick]
"""

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from sktsdl import (
    LSTMRegressor,
    SeasonalNaiveRegressor,
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
from _study import Figures, Maker, Study, main, measured_by  # isort: skip
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


MAKERS: dict[str, tuple[Maker, int]] = {
    "seasonal naive": (lambda seed, quick: SeasonalNaiveRegressor(SEASON), 1),
    "SARIMA (0,1,1)(0,1,1,12) of logs": (sarima, 1),
    "ridge": (lambda seed, quick: flat(ridge()), 1),
    "random forest": (lambda seed, quick: flat(forest(seed)), 5),
    "gradient boosting": (lambda seed, quick: flat(boosting(seed, HORIZON)), 1),
    "WindowMLP, tuned": (mlp, 5),
    "LSTM, tuned": (lstm, 5),
}


def measure(make: Maker, seed: int, quick: bool) -> Figures:
    """Score the three folds."""
    X, y, _ = make_supervised(
        load_air_passengers(), target="passengers", horizon=HORIZON
    )
    errors, seconds, chosen = [], 0.0, []
    for learnt, scored in TimeSeriesSplit(3, test_size=HORIZON).split(X):
        model, spent = timed_fit(
            clone(make(seed, quick)), X.iloc[learnt], y.iloc[learnt]
        )
        found = np.asarray(model.predict(X.iloc[scored]))
        errors.append(np.abs(y.iloc[scored].to_numpy() - found))
        seconds += spent
        if hasattr(model, "best_params_"):
            best = model.best_params_.items()
            chosen.append({key.split("__")[-1]: value for key, value in best})
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
        figures["truth"] = y.iloc[scored[-1]].tolist()
        figures["start"] = str(X.index[scored[-1]] + X.index.freq)
        figures["before"] = X["passengers"].iloc[-36:].tolist()
    return figures


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
        "rows of the first fold. Medians of 5 seeds; processor seconds of all folds, "
        "with the search.",
        measured_by(measure, MAKERS),
        {"MAE": ".2f", "fit, s": ".1f"},
        "seasonal naive",
    )
]

if __name__ == "__main__":
    main(STUDIES)
