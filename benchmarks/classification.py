"""Classes of windows: the type of a day, the direction of a price, the half of a year.

The riders of Chicago and the S&P 500 are as in `ridership.py` and `sp500.py`.
`ItalyPowerDemand_TRAIN.ts` and `_TEST.ts` (UCR archive; Keogh et al. 2006) are from
https://github.com/aeon-toolkit/aeon (datasets), also in its wheel on PyPI; they lie in
SKTSDL_DATA.

    python benchmarks/classification.py [--row "S&P 500, LSTM"] [--quick]
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import sktsdl
from sktsdl import NetClassifier, SlidingWindow
from sktsdl.datasets import fetch_cta_ridership

from _models import data_file, read_samples, timed_fit  # isort: skip
from _study import Figures, Maker, Model, Study, main  # isort: skip

WEEK, MONTH = 7, 20  # days
N_TEST = 500  # days of trading


@dataclass(frozen=True)
class Case:
    """Windows, (n, time, channels), and their classes.

    Parameters
    ----------
    X, y : ndarray
        The training windows and their labels.
    X_test, y_test : ndarray
        The windows that are scored once, and their labels.
    folds : splitter
        How the training windows are split to choose parameters.
    epochs : list of int
        The epochs of nets to choose from.
    """

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    folds: Any
    epochs: list[int]


def day_types() -> Case:
    """The type of a day, from the riders of the week that ends with it."""
    days = fetch_cta_ridership().loc["2015":"2019"]
    windows = np.asarray(SlidingWindow(WEEK).fit_transform(days[["bus", "rail"]]))
    is_test = np.asarray(days.index >= "2019")
    labels, is_whole = days["day_type"].to_numpy(), np.arange(len(days)) >= WEEK - 1
    known = is_whole & ~is_test
    return Case(
        windows[known],
        labels[known],
        windows[is_test],
        labels[is_test],
        TimeSeriesSplit(3),
        [10, 40],
    )


def directions() -> Case:
    """Whether the S&P 500 closes higher on the next day, from 20 returns."""
    path = data_file("sp500_1950_2018_ohlcv.csv")
    close = pd.read_csv(path)["Close"].iloc[-2520:]
    returns = 100 * np.log(close).diff().to_numpy()[1:, None]
    windows = np.asarray(SlidingWindow(MONTH).fit_transform(returns))[MONTH - 1 : -1]
    labels = np.where(returns[MONTH:, 0] > 0, "up", "down")
    return Case(
        windows[:-N_TEST],
        labels[:-N_TEST],
        windows[-N_TEST:],
        labels[-N_TEST:],
        TimeSeriesSplit(3),
        [5, 20],
    )


def half_years() -> Case:
    """Whether a day of 24 values of power demand is in winter or in summer."""
    name = "ItalyPowerDemand_{}.ts".format
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    parts = *read_samples(name("TRAIN")), *read_samples(name("TEST"))
    return Case(*parts, folds, [40, 160])


CASES: dict[str, Callable[[], Case]] = {
    "day type": cache(day_types),
    "S&P 500": cache(directions),
    "Italy": cache(half_years),
}


def flat(classifier: Any) -> Any:
    """Put a classifier on all values of a window."""
    as_row = FunctionTransformer(lambda X: X.reshape(len(X), -1))
    return make_pipeline(as_row, StandardScaler(), classifier)


def shares(seed: int, epochs: list[int]) -> Any:
    return flat(DummyClassifier(strategy="prior")), {}


def logistic(seed: int, epochs: list[int]) -> Any:
    grid = {"logisticregression__C": np.logspace(-4, 2, 7).tolist()}
    return flat(LogisticRegression(max_iter=2000)), grid


def boosting(seed: int, epochs: list[int]) -> Any:
    grid = {"learning_rate": [0.01, 0.03, 0.1], "min_samples_leaf": [5, 20]}
    name = "histgradientboostingclassifier__"
    model = flat(HistGradientBoostingClassifier(random_state=seed))
    return model, {name + key: values for key, values in grid.items()}


def net(name: str, seed: int, epochs: list[int]) -> Any:
    trained = getattr(sktsdl, f"{name}Regressor")(
        optimizer="adamw", lr_schedule="cosine", random_state=seed
    )
    return NetClassifier(trained), {"regressor__max_epochs": epochs}


MAKERS: dict[str, tuple[Maker, int]] = {
    "shares of the classes": (shares, 1),
    "logistic regression": (logistic, 1),
    "gradient boosting": (boosting, 1),
    **{name: (partial(net, name), 3) for name in ("LSTM", "CNN", "WindowMLP")},
}


def measure(case: str, make: Maker, seed: int, quick: bool) -> Figures:
    """Choose by log loss on the training windows, and score the others once."""
    data = CASES[case]()
    model, grid = make(seed, [1] if quick else data.epochs)
    search = GridSearchCV(model, grid, cv=data.folds, scoring="neg_log_loss")
    search, seconds = timed_fit(search, data.X, data.y)
    found, chances = search.predict(data.X_test), search.predict_proba(data.X_test)
    return {
        "log loss": float(log_loss(data.y_test, chances, labels=search.classes_)),
        "accuracy": float(accuracy_score(data.y_test, found)),
        "balanced accuracy": float(balanced_accuracy_score(data.y_test, found)),
        "fit, s": seconds,
        "windows": [len(data.X), len(data.X_test)],
        "chosen": search.best_params_,
        "grid": grid,
    }


MODELS = {
    f"{case}, {name}": Model(partial(measure, case, make), n_seeds)
    for case in CASES
    for name, (make, n_seeds) in MAKERS.items()
}

STUDIES = [
    Study(
        "classification",
        "classification",
        "Classes of windows",
        "Log loss, accuracy and balanced accuracy, the mean over the classes of the "
        "share that is found. Day type: weekday, Saturday, or Sunday and holiday, from "
        "the riders of buses and trains on the seven days that end with the day; 2015 "
        "to 2018, scored on 2019. S&P 500: whether the next day closes higher, from 20 "
        "log returns; 2,000 windows, scored on the 500 days after, to 2018-12. Italy: "
        "October to March or April to September, from the 24 hours of a day; the split "
        "of the archive, 67 and 1,029 days. All models see the same windows. C of "
        "logistic regression, learning rate and leaf size of gradient boosting, and "
        "epochs of the nets (10 or 40; 5 or 20; 40 or 160) were chosen by the log loss "
        "of TimeSeriesSplit(3), or of 5 stratified folds for Italy, on the training "
        "windows; all else is by default, with AdamW and a cosine schedule. Medians of "
        "3 seeds; the range is of the log loss; processor seconds with the search.",
        MODELS,
        {
            "log loss": ".3f",
            "accuracy": ".3f",
            "balanced accuracy": ".3f",
            "fit, s": ".1f",
        },
    )
]

if __name__ == "__main__":
    main(STUDIES)
