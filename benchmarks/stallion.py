"""Stallion: beer demand of 350 series, the last 6 months, with prices known ahead.

`stallion/stallion.csv.gz` is the file of sktime's pytorch-forecasting
(https://github.com/sktime/pytorch-forecasting, examples/data/stallion.parquet) as csv;
it lies in SKTSDL_DATA.

    python benchmarks/stallion.py [--only stallion-development stallion] [--quick]
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline

from sktsdl import SeasonalNaiveRegressor, SlidingWindow

from _models import data_file  # isort: skip
from _panels import Competition, Forecaster, Net, Panel, is_before_last  # isort: skip
from _study import Figures, Study, main  # isort: skip

HORIZON, YEAR = 6, 12
PRICES = ("price_regular", "price_actual", "discount", "discount_in_percent")
EVENTS = (
    "easter_day",
    "good_friday",
    "new_year",
    "christmas",
    "labor_day",
    "independence_day",
    "revolution_day_memorial",
    "regional_games",
    "fifa_u_17_world_cup",
    "football_gold_cup",
    "beer_capital",
    "music_fest",
)
KNOWN = (*PRICES, *EVENTS, "month")
STATIC = ("sku",)
MORE_STATIC = ("agency", "avg_population_2017", "avg_yearly_household_income_2017")


def stallion(static: Sequence[str] = STATIC) -> Panel:
    """Return volumes, what is known ahead, and what does not change in a series."""
    table = pd.read_csv(data_file("stallion/stallion.csv.gz"), parse_dates=["date"])
    table["series"] = table["agency"] + " " + table["sku"]
    for name in ("agency", "sku"):
        table[name] = pd.factorize(table[name], sort=True)[0]
    table["month"] = table["date"].dt.month
    rows = table.set_index(["series", "date"]).sort_index()
    rows = rows[["volume", *KNOWN, *static]]
    is_train = is_before_last(rows, HORIZON)
    return Panel(rows[is_train], rows[~is_train], YEAR, KNOWN)


def score(panel: Panel, found: pd.DataFrame) -> Figures:
    """Return the mean absolute error, also in percent of the mean volume."""
    truth = panel.test["volume"]
    errors = (truth - found["volume"]).abs()
    by_step = errors.to_numpy().reshape(-1, panel.horizon).mean(axis=0)
    return {
        "MAE": float(errors.mean()),
        "MAE, %": float(100 * errors.mean() / truth.mean()),
        "by step": by_step.round(1).tolist(),
    }


STALLION = Competition(stallion, score)
WITH_AGENCY = Competition(partial(stallion, STATIC + MORE_STATIC), score)


class MeanOfWindow(RegressorMixin, BaseEstimator):
    """Predict the mean of the first channel of a window at every step."""

    def fit(self, X: Any, y: pd.DataFrame) -> Self:
        self.n_steps_ = y.shape[1]
        return self

    def predict(self, X: Any) -> np.ndarray:
        means = np.asarray(X)[:, :, 0].mean(axis=1)
        return np.repeat(means[:, None], self.n_steps_, axis=1)


class ByStep(RegressorMixin, BaseEstimator):
    """A regressor of each step ahead, with the columns that are known of this step.

    Lags and targets are differences from the mean of the lags of their row.

    Parameters
    ----------
    regressor : estimator
        Of rows with the columns ahead of one step.
    is_joint : bool
        Whether one regressor learns the rows of all steps.
    """

    def __init__(self, regressor: Any, is_joint: bool = False) -> None:
        self.regressor = regressor
        self.is_joint = is_joint

    def fit(self, X: pd.DataFrame, y: pd.DataFrame) -> Self:
        rows, level = self._relative(X)
        self.n_steps_ = y.shape[1]
        parts = [
            (self._of_step(rows, step), values - level)
            for step, values in enumerate(y.to_numpy().T, start=1)
        ]
        if self.is_joint:
            of_steps, values = zip(*parts, strict=True)
            parts = [(pd.concat(of_steps), np.concatenate(values))]
        self.regressors_ = [clone(self.regressor).fit(*part) for part in parts]
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        rows, level = self._relative(X)
        regressors = self.regressors_ * (self.n_steps_ if self.is_joint else 1)
        found = [
            level + regressor.predict(self._of_step(rows, step))
            for step, regressor in enumerate(regressors, start=1)
        ]
        return np.stack(found, axis=1)

    def _relative(self, X: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
        """Return the columns, and the mean of the lags of each row."""
        lags = X.filter(regex="^volume_lag")
        level = lags.mean(axis=1)
        return X.assign(level=level, **lags.sub(level, axis=0)), level.to_numpy()

    def _of_step(self, rows: pd.DataFrame, step: int) -> pd.DataFrame:
        """Return the columns of now and of one step ahead, named alike for all."""
        ahead = {f"{name}+{step}": f"{name} ahead" for name in KNOWN}
        others = [name for name in rows if "+" in str(name) and name not in ahead]
        return rows.drop(columns=others).rename(columns=ahead).assign(step=step)


@dataclass(frozen=True)
class Rival:
    """A model that is not a net.

    Parameters
    ----------
    of_seed : callable
        Returns the model of a seed.
    is_log : bool
        Whether it sees log(1 + x), and forecasts it.
    """

    of_seed: Callable[[int], Any]
    is_log: bool = False

    def make(self, seed: int, quick: bool) -> Any:
        """Return the model."""
        return self.of_seed(seed)


def boosting(seed: int, codes: Sequence[str] = ("sku",), is_joint: bool = False) -> Any:
    """Return boosting of the last year of volumes, and the other columns of now."""
    columns = make_column_transformer(
        (SlidingWindow(YEAR, flatten=True), ["volume"]),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    regressor = HistGradientBoostingRegressor(
        loss="absolute_error", categorical_features=list(codes), random_state=seed
    )
    return make_pipeline(columns, ByStep(regressor, is_joint))


# Errors of all series count in hectolitres, as in the table.
SHARED: dict[str, Any] = {
    "loss_scale": "target",
    "static_features": list(STATIC),
    "categorical_features": ["sku", "month"],
}
LSTM = SHARED | {"dropout": 0.2, "batch_size": 128, "max_epochs": 8}
MLP = SHARED | {"hidden_sizes": (64,), "max_epochs": 5}
TIDE = SHARED | {"hidden_size": 32, "layer_norm": False, "max_epochs": 5}
NETS: dict[str, Forecaster] = {
    "LSTM": Net("LSTM", YEAR, False, LSTM),
    "TCN": Net("TCN", YEAR, False, SHARED | {"dropout": 0.2, "max_epochs": 10}),
    "WindowMLP": Net("WindowMLP", YEAR, False, MLP),
    "TiDE": Net("TiDE", YEAR, False, TIDE),
}
RIVALS: dict[str, Forecaster] = {
    "last value": Rival(lambda seed: SeasonalNaiveRegressor()),
    "mean of 6 months": Rival(
        lambda seed: make_pipeline(SlidingWindow(HORIZON), MeanOfWindow())
    ),
}
BOOSTING: dict[str, Forecaster] = {"gradient boosting": Rival(boosting, is_log=True)}
MEANS: dict[str, list[Forecaster]] = {
    "five seeds of gradient boosting": 5 * list(BOOSTING.values()),
    "five seeds of LSTM": 5 * [NETS["LSTM"]],
    "four nets": list(NETS.values()),
    "two seeds of LSTM and TCN": 2 * [NETS["LSTM"], NETS["TCN"]],
}
TRIED: dict[str, Forecaster] = {
    "gradient boosting, one model for all steps": Rival(
        partial(boosting, is_joint=True), is_log=True
    ),
    "gradient boosting, no logarithms": Rival(boosting),
    "LSTM, logarithms": Net("LSTM", YEAR, True, LSTM),
    "LSTM, errors in units of the window": Net(
        "LSTM", YEAR, False, LSTM | {"loss_scale": "window"}
    ),
}
WITH_AGENCY_TRIED: dict[str, Forecaster] = {
    "gradient boosting, with the agency": Rival(
        partial(boosting, codes=("sku", "agency")), is_log=True
    ),
    "LSTM, with the agency": Net(
        "LSTM",
        YEAR,
        False,
        LSTM
        | {
            "static_features": [*STATIC, *MORE_STATIC],
            "categorical_features": ["sku", "month", "agency"],
        },
    ),
}

PROTOCOL = (
    "350 monthly series of beer volumes, 2013 to 2017, of 58 agencies and 25 products "
    "(the Stallion competition). Six months of each are forecast once. Known ahead: "
    "the month, four columns of prices and discounts, and 12 of holidays and events; "
    "the product is a static category. MAE in hectolitres, also in percent of the mean "
    "volume. One net of all series, on windows of 12 months relative to their own mean "
    "and deviation; absolute error, cosine annealing. Gradient boosting "
    "(HistGradientBoostingRegressor): a model for each step, of logarithms relative to "
    "their mean over 12 months, with the columns ahead of its step. "
    '"Four nets" is the mean of the four. '
)
COLUMNS = {"MAE": ".1f", "MAE, %": ".2f", "weights": ",.0f", "fit, s": ".1f"}
STUDIES = [
    Study(
        "stallion-development",
        "stallion",
        "Stallion, the 6 months before the last 6",
        PROTOCOL + "Here the 6 months before the last 6 are forecast from the months "
        "before them. All settings of nets and boosting were chosen on them: columns, "
        "windows, loss, sizes, dropout, batches and epochs. One seed; processor "
        "seconds.",
        {
            **STALLION.models(RIVALS, {}, is_final=False, n_seeds=1),
            **STALLION.models(BOOSTING | NETS, MEANS, is_final=False, n_seeds=1),
            **STALLION.models(TRIED, {}, is_final=False, n_seeds=1),
            **WITH_AGENCY.models(WITH_AGENCY_TRIED, {}, is_final=False, n_seeds=1),
        },
        COLUMNS,
        n_jobs=1,
    ),
    Study(
        "stallion",
        "stallion",
        "Stallion, beer demand of 350 series, the last 6 months",
        PROTOCOL + "Settings were chosen on the [6 months before](stallion-"
        "development.md). Medians of 3 seeds (the means: 1); processor seconds.",
        {
            **STALLION.models(RIVALS, {}, is_final=True, n_seeds=1),
            **STALLION.models(BOOSTING | NETS, MEANS, is_final=True, n_seeds=3),
        },
        COLUMNS,
        n_jobs=1,
    ),
]

if __name__ == "__main__":
    main(STUDIES)
