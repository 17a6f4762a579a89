"""S&P 500, the next day's log return: what there is to learn, which is little.

`sp500_1950_2018_ohlcv.csv` is from https://github.com/vincentarelbundock/Rdatasets
(openintro, sp500_1950_2018), in SKTSDL_DATA. The last ten years, under TimeSeriesSplit.

    python benchmarks/sp500.py [--row LSTM] [--quick]
"""

from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import make_pipeline

import sktsdl
from sktsdl import (
    RatioLogScaler,
    RelativeTargetRegressor,
    SlidingWindow,
    make_supervised,
)

from _models import (  # isort: skip
    WholeWindows,
    boosting,
    data_file,
    epochs,
    forest,
    ridge,
    timed_fit,
)
from _study import Figures, Maker, Study, main, measured_by  # isort: skip

WINDOW = 20


@cache
def load() -> tuple[pd.DataFrame, pd.Series]:
    """Return ten years of closing prices, and the next day's."""
    path = data_file("sp500_1950_2018_ohlcv.csv")
    prices = pd.read_csv(path, index_col="Date", parse_dates=True)
    X, y, _ = make_supervised(prices[["Close"]].iloc[-2520:], target="Close")
    return X, y


def flat(regressor: Any) -> Any:
    """Predict ratios to the last price from flattened log ratios."""
    window = SlidingWindow(WINDOW, flatten=True, pad="edge")
    whole = WholeWindows(regressor, WINDOW)
    return RelativeTargetRegressor(make_pipeline(RatioLogScaler(), window, whole))


def net(name: str, seed: int, quick: bool) -> Any:
    """Predict ratios to the last price from windows of log ratios."""
    trained = getattr(sktsdl, f"{name}Regressor")(
        max_epochs=epochs(quick, 20),
        early_stopping=True,
        lr_schedule="cosine",
        weight_decay=0.01,
        optimizer="adamw",
        window_norm=None,
        random_state=seed,
    )
    pipe = make_pipeline(RatioLogScaler(), SlidingWindow(WINDOW), trained)
    return RelativeTargetRegressor(pipe)


MAKERS: dict[str, tuple[Maker, int]] = {
    "zero return": (
        lambda seed, quick: RelativeTargetRegressor(
            DummyRegressor(strategy="constant", constant=0.0)
        ),
        1,
    ),
    "mean return": (lambda seed, quick: RelativeTargetRegressor(DummyRegressor()), 1),
    "ridge": (lambda seed, quick: flat(ridge()), 1),
    "random forest": (lambda seed, quick: flat(forest(seed)), 5),
    "gradient boosting": (lambda seed, quick: flat(boosting(seed)), 1),
    "LSTM": (partial(net, "LSTM"), 5),
    "TCN": (partial(net, "TCN"), 5),
    "WindowMLP": (partial(net, "WindowMLP"), 5),
}


def measure(make: Maker, seed: int, quick: bool) -> Figures:
    """Score log returns in five folds of a year each."""
    X, y = load()
    errors, right, seconds = [], [], 0.0
    for learnt, scored in TimeSeriesSplit(5, test_size=250).split(X):
        model, spent = timed_fit(
            clone(make(seed, quick)), X.iloc[learnt], y.iloc[learnt]
        )
        last = X["Close"].iloc[scored]
        found = np.log(model.predict(X.iloc[scored]) / last)
        true = np.log(y.iloc[scored] / last)
        errors.append(np.abs(found - true))
        right.append(np.sign(found) == np.sign(true))
        seconds += spent
    return {
        "MAE": 1e4 * float(np.mean(errors)),
        "sign right": float(np.mean(right)),
        "folds": [1e4 * float(np.mean(error)) for error in errors],
        "fit, s": seconds,
    }


STUDIES = [
    Study(
        "sp500",
        "sp500",
        "S&P 500, the next day",
        "Mean absolute error of the log return in basis points, and the share of days "
        "whose sign is right; five expanding folds of 250 days, 2013-12 to 2018-12. "
        "All but the first two see 20 log ratios. Daily prices are close to a random "
        "walk: a return of zero is hard to beat, and the mean return of the years "
        "before is most of what is to be had. Nothing was tuned. Medians of 5 seeds; "
        "processor seconds of all folds.",
        measured_by(measure, MAKERS),
        {"MAE": ".2f", "sign right": ".3f", "fit, s": ".1f"},
        "zero return",
    )
]

if __name__ == "__main__":
    main(STUDIES)
