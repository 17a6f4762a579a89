"""Day-ahead electricity prices: the 24 hours of tomorrow, of three markets.

`epf/NP.csv`, `epf/PJM.csv` and `epf/DE.csv` (Nord Pool, Pennsylvania-New
Jersey-Maryland and Germany; Lago et al. 2021) are from
https://github.com/thuml/TimeXer (dataset/EPF); they lie in SKTSDL_DATA.

    python benchmarks/prices.py [--row "NP, ridge"] [--quick]
"""

import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import sktsdl
from sktsdl import (
    PurgedRegressor,
    SeasonalNaiveRegressor,
    SlidingWindow,
    backtest,
    make_supervised,
)

from _models import data_file, epochs, on_windows, ridge, timed_fit  # isort: skip
from _study import Figures, Maker, Model, Study, main  # isort: skip

MARKETS = ("NP", "PJM", "DE")
N_TEST = 728  # days
DAYS = 7
# All settings were chosen on the two years before the test rows.
RECIPE: dict[str, Any] = {
    "loss": "absolute_error",
    "lr_schedule": "one_cycle",
    "max_epochs": 60,
    "categorical_features": ["dayofweek"],
}
MLP = RECIPE | {"hidden_sizes": (256, 192), "dropout": 0.4, "linear_skip": True}
MLP_DAYS = 3
N_EPOCHS = {"NP": 100, "PJM": 100, "DE": 60}  # of the dense net that is fitted once
# Where the series known ahead are asinh, and the time of year is known ahead too.
SKEWED = ("DE",)
DAYS_BETWEEN_FITS = 28
# Nets of asinh of the prices: 0 or 3 of five, the better of both on the two years
# before the test rows, with a fit every 91 days.
N_ASINH = {"NP": 0, "PJM": 3, "DE": 3}


@cache
def rows_of(
    market: str, row: str | None, is_asinh: bool
) -> tuple[pd.DataFrame, pd.DataFrame, Callable[[Any], np.ndarray]]:
    """Return days (or hours, without `row`), and the 24 prices after each.

    Prices, and the series that are known ahead, may be asinh of their distance to the
    median, in units of its deviation, both of the training days. The last result is
    the way back to prices.
    """
    data = pd.read_csv(
        data_file(f"epf/{market}.csv"), skipinitialspace=True, parse_dates=["date"]
    )
    data.columns = ["date", "first", "second", "price"]
    before = data[["first", "second", "price"]][: -24 * N_TEST]
    middle = before.median()
    spread = (before - middle).abs().median() / 0.6745
    known = ["first", "second"]
    changed = known if market in SKEWED else []
    changed = [*changed, "price"] if is_asinh else changed
    data[changed] = np.arcsinh((data[changed] - middle[changed]) / spread[changed])
    if market in SKEWED:
        angle = 2 * np.pi * data["date"].dt.day_of_year / 365.25
        data["sine"], data["cosine"] = np.sin(angle), np.cos(angle)
        known = [*known, "sine", "cosine"]
    X, y, _ = make_supervised(
        data,
        target="price",
        horizon=24 if row is None else 1,
        known_future=known,
        calendar=["dayofweek"],
        row=row,
        time="date",
    )

    def to_prices(found: Any) -> np.ndarray:
        if not is_asinh:
            return np.asarray(found)
        return np.asarray(np.sinh(found) * spread["price"] + middle["price"])

    return X, y, to_prices


def measure(
    market: str, row: str | None, is_asinh: bool, make: Maker, seed: int, quick: bool
) -> Figures:
    """Fit once to all days before the last 728, and score these."""
    X, y, to_prices = rows_of(market, row, is_asinh)
    n_test = N_TEST if row == "D" else 24 * N_TEST
    n_before = 60 * (1 if row == "D" else 24) if quick else len(X)
    model, seconds = timed_fit(
        make(seed, quick), X[:-n_test][-n_before:], y[:-n_test][-n_before:]
    )
    found, truth = to_prices(model.predict(X[-n_test:])), to_prices(y[-n_test:])
    if row is None:  # the forecasts of the last hour of a day
        last = pd.DatetimeIndex(X.index[-n_test:]).hour == 23
        found, truth = found[last], truth[last]
    figures: Figures = {"MAE": float(np.abs(truth - found).mean()), "fit, s": seconds}
    figures["by step"] = np.abs(truth - found).mean(axis=0).round(3).tolist()
    figures["days"] = len(found)
    if hasattr(model, "steps"):
        trained = getattr(model[-1], "regressor_", model[-1])
        if hasattr(trained, "n_parameters_"):
            figures["weights"] = trained.n_parameters_
    return figures


def naive(seed: int, quick: bool) -> Any:
    return SeasonalNaiveRegressor(DAYS)


def linear(seed: int, quick: bool) -> Any:
    """Return ridge, with a column for each day of the week."""
    coded = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["dayofweek", "dayofweek+1"]),
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    return make_pipeline(
        coded.set_output(transform="pandas"), on_windows(ridge(), DAYS)
    )


def net(name: str, params: Any, n_days: int, seed: int, quick: bool) -> Any:
    """Return a net of some days, hour by hour."""
    trained = getattr(sktsdl, f"{name}Regressor")(random_state=seed, **params)
    trained.set_params(max_epochs=epochs(quick, trained.max_epochs))
    return make_pipeline(SlidingWindow(n_days, steps_per_row=24), trained)


def of_hours(params: Any, known_future: str | None, seed: int, quick: bool) -> Any:
    """Return the dense net of a row for each hour, with as many updates."""
    trained = sktsdl.WindowMLPRegressor(
        random_state=seed, **params | {"known_future": known_future}
    )
    trained.set_params(max_epochs=epochs(quick, -(-trained.max_epochs // 24)))
    return make_pipeline(
        SlidingWindow(24 * MLP_DAYS), PurgedRegressor(trained, purge="auto")
    )


def makers(market: str) -> dict[str, tuple[str | None, bool, Maker, int]]:
    """Return whether rows are days and prices asinh, models and numbers of seeds."""
    params = MLP | {"max_epochs": N_EPOCHS[market]}
    mlp = partial(net, "WindowMLP", params, MLP_DAYS)
    hours = partial(of_hours, params)
    return {
        "the same day a week before": ("D", False, naive, 1),
        "ridge": ("D", False, linear, 1),
        "ridge of asinh": ("D", True, linear, 1),
        "WindowMLP": ("D", False, mlp, 5),
        "LSTM": ("D", False, partial(net, "LSTM", RECIPE, DAYS), 3),
        "WindowMLP, a row for each hour": (None, False, partial(hours, "auto"), 1),
        "the same, columns ahead in each step": (None, False, partial(hours, None), 1),
    }


def models() -> dict[str, Model]:
    """Return all models of all markets."""
    found: dict[str, Model] = {}
    for market in MARKETS:
        for name, (row, is_asinh, make, n_seeds) in makers(market).items():
            made: Callable[[int, bool], Figures] = partial(
                measure, market, row, is_asinh, make
            )
            found[f"{market}, {name}"] = Model(made, n_seeds)
    return found


def measure_refits(
    market: str, members: Sequence[tuple[bool, Maker]], seed: int, quick: bool
) -> Figures:
    """Fit again every four weeks, and score the mean forecast of some models."""
    n_test = 2 * DAYS_BETWEEN_FITS if quick else N_TEST
    cv = TimeSeriesSplit(n_test // DAYS_BETWEEN_FITS, test_size=DAYS_BETWEEN_FITS)
    found, start = [], time.process_time()
    for i, (is_asinh, make) in enumerate(members):
        X, y, to_prices = rows_of(market, "D", is_asinh)
        days = backtest(make(len(members) * seed + i, quick), X, y, cv=cv)
        found.append(to_prices(days["y_pred"]))
    truth = to_prices(days["y_true"])
    errors = [float(np.abs(truth - each).mean()) for each in found]
    return {
        "MAE": float(np.abs(truth - np.mean(found, axis=0)).mean()),
        "median of members": float(np.median(errors)),
        "errors": errors,
        "all fits, s": time.process_time() - start,
    }


def five(market: str) -> list[tuple[bool, Maker]]:
    """Return five dense nets, some of them of asinh of the prices."""
    raw: Maker = partial(net, "WindowMLP", MLP, MLP_DAYS)
    asinh: Maker = partial(net, "WindowMLP", MLP | {"window_norm": None}, MLP_DAYS)
    n_asinh = N_ASINH[market]
    return (5 - n_asinh) * [(False, raw)] + n_asinh * [(True, asinh)]


def models_of_refits() -> dict[str, Model]:
    """Return ridge and the mean of five nets, of all markets."""
    made: dict[str, Model] = {}
    for market in MARKETS:
        members = {"ridge of asinh": [(True, linear)], "five nets": five(market)}
        for name, each in members.items():
            made[f"{market}, {name}"] = Model(partial(measure_refits, market, each))
    return made


STUDIES = [
    Study(
        "prices",
        "prices",
        "Day-ahead prices, the 24 hours of tomorrow",
        "Mean absolute error over the last 728 days, in EUR/MWh (PJM in USD/MWh), as "
        "in Lago et al. (2021); every model is fitted once to all days before. All see "
        "the prices and both series known ahead of seven days (WindowMLP: three), the "
        "weekday, and both series of tomorrow; for DE, these two are asinh, and the "
        "time of year is known ahead too. This, and all parameters, such as 100 epochs "
        "of WindowMLP for NP and PJM and 60 for DE, were chosen on the two years "
        "before the test days. Medians of 5 seeds (WindowMLP) and 3 (LSTM); processor "
        "seconds.",
        models(),
        {"MAE": ".3f", "weights": ",.0f", "fit, s": ".1f"},
    ),
    Study(
        "prices-refits",
        "prices",
        "Day-ahead prices, with a fit every four weeks",
        "As in the [table of models that are fitted once](prices.md), but every model "
        "is fitted again every 28 days, to all days before. Five nets: the mean "
        "forecast of five WindowMLP of five seeds, each of 60 epochs; for PJM and DE, "
        "three are of asinh of the prices, without `window_norm`. This was chosen on "
        "the two years before the test days, with a fit every 91 days. Processor "
        "seconds of all 26 fits of all members. Published, fitted every day: 1.797, "
        "3.234 and 3.716 for one DNN, 1.738, 3.013 and 3.609 for an ensemble of LEAR, "
        "1.683, 2.862 and 3.413 for one of four DNN (NP, PJM, DE; Lago et al. 2021).",
        models_of_refits(),
        {"MAE": ".3f", "median of members": ".3f", "all fits, s": ".0f"},
    ),
]

if __name__ == "__main__":
    main(STUDIES)
