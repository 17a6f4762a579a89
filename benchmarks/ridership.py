"""Chicago rail ridership, the next day: nets beside Ridge and the naive forecast.

Everything is chosen on the development rows, the 184 targets of 2018-07 to 2018-12;
``--final`` prints the 95 targets from 2019-02-26 to 2019-05-31, on which nothing may be
chosen. Inputs are windows of 56 days of rail, bus and the next day's type; targets run
from 2016 on. Errors are in riders, and as a ratio to last week's value.

    SKTSDL_DATA=... python benchmarks/ridership.py [--final] [--parts] [--seeds 5]
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sktsdl import (
    GRURegressor,
    LSTMRegressor,
    SeasonalNaiveRegressor,
    SlidingWindow,
    make_supervised,
)
from sktsdl.datasets import fetch_cta_ridership

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
}


def net(regressor: Any, **params: Any) -> Callable[[int], Any]:
    """Return a maker of the pipeline, by the parameters chosen on development rows."""

    def make(seed: int) -> Any:
        trained = regressor(**RECIPE | params, random_state=seed)
        return make_pipeline(SlidingWindow(WINDOW), trained)

    return make


MODELS: dict[str, Callable[[int], Any]] = {
    "naive, 7 days before": lambda seed: SeasonalNaiveRegressor(7, column="rail"),
    "ridge on flattened windows": lambda seed: make_pipeline(
        SlidingWindow(WINDOW, flatten=True, pad="edge"),
        StandardScaler(),
        RidgeCV(np.logspace(-2, 4, 13)),
    ),
    "LSTM": net(LSTMRegressor),
    "GRU": net(GRURegressor),
}
PARTS: dict[str, Callable[[int], Any]] = {
    "LSTM": MODELS["LSTM"],
    "day type one-hot": net(LSTMRegressor, categorical_features=None),
    "`loss_steps='last'`": net(LSTMRegressor, loss_steps="last"),
    "`loss='squared_error'`": net(LSTMRegressor, loss="squared_error"),
    "`lr_schedule=None`": net(LSTMRegressor, lr_schedule=None),
    "`early_stopping=False`": net(LSTMRegressor, early_stopping=False),
    "`lr=1e-3`": net(LSTMRegressor, lr=1e-3),
}


def load(one_hot: bool = True) -> tuple[pd.DataFrame, pd.Series]:
    """Return rows from 2016 on, the next day's type one-hot or as a code, and `y`."""
    series = fetch_cta_ridership().loc["2016":"2019-05"]
    days = series[["day_type"]].apply(lambda column: column.map(DAY_TYPES.index))
    if one_hot:
        days = pd.get_dummies(series["day_type"], prefix="day", dtype=float)
    data = pd.concat([series[["rail", "bus"]], days], axis=1)
    X, y, _ = make_supervised(data, target="rail", known_future=list(days))
    return X.drop(columns=list(days)), y


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--final", action="store_true", help="score the final rows")
    parser.add_argument(
        "--parts",
        action="store_true",
        help="change one parameter of the LSTM at a time",
    )
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    split = "final" if arguments.final else "development"
    end_of_training, first, last = map(pd.Timestamp, SPLITS[split])

    tables = {one_hot: load(one_hot) for one_hot in (True, False)}
    X, y = tables[True]
    targets = pd.DatetimeIndex(X.index) + pd.Timedelta(days=1)
    learnt = targets <= end_of_training
    later = targets > end_of_training
    is_scored = (targets[later] >= first) & (targets[later] <= last)
    last_week = SeasonalNaiveRegressor(7, column="rail").fit(X[learnt], y[learnt])
    naive = mean_absolute_error(
        y[later][is_scored], last_week.predict(X[later])[is_scored]
    )

    print(f"{split}: {is_scored.sum()} targets, {first:%Y-%m-%d} to {last:%Y-%m-%d}\n")
    print("| model | median MAE | ratio to naive | range |")
    print("|---|---|---|---|")
    for name, make in (PARTS if arguments.parts else MODELS).items():
        step = make(0)[-1] if isinstance(make(0), Pipeline) else None
        is_net = isinstance(step, LSTMRegressor | GRURegressor)
        rows, _ = tables[getattr(step, "categorical_features", None) is None]
        errors = []
        for seed in range(arguments.seeds if is_net else 1):
            model = make(seed).fit(rows[learnt], y[learnt])
            predicted = model.predict(rows[later])
            error = mean_absolute_error(y[later][is_scored], predicted[is_scored])
            errors.append(float(error))
        median = float(np.median(errors))
        low, high = min(errors) / naive, max(errors) / naive
        print(
            f"| {name} | {median:,.0f} | {median / naive:.3f} | {low:.3f}-{high:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
