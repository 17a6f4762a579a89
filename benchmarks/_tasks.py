"""Tasks of one series or of samples, on which defaults are measured.

16 series are forecast one step and one season ahead. In 12 other tasks, the target is
not the future of the first channel. GDP, CO2 and others come with statsmodels; the
files of the rest lie in the folder SKTSDL_DATA, as in the modules of these series.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes, make_regression
from sklearn.dummy import DummyRegressor
from sklearn.metrics import mean_absolute_error
from statsmodels.datasets import co2, elnino, macrodata, nile, sunspots

from sktsdl import SeasonalNaiveRegressor, make_supervised
from sktsdl.datasets import fetch_cta_ridership, load_air_passengers, make_sinusoid

from _models import data_file, read_samples  # isort: skip

N_ROWS = 300  # of a series, the last ones
TRAIN_SHARE = 0.8


@dataclass(frozen=True)
class Task:
    """Rows or samples, and their targets.

    Parameters
    ----------
    X, y : DataFrame, Series or ndarray
        The inputs of a net and its targets.
    known : DataFrame or None
        The target up to each row, for naive forecasts; None for samples.
    period : int
        The season of naive forecasts.
    share : float
        How much of the rows or samples, from the first on, is for training.
    """

    X: Any
    y: Any
    known: pd.DataFrame | None = None
    period: int = 1
    share: float = TRAIN_SHARE

    @property
    def n_ahead(self) -> int:
        return 1 if self.y.ndim == 1 else int(self.y.shape[1])

    def error(self, model: Any, X: Any) -> float:
        """Fit to the first rows, and score rows whose targets are all later."""
        end, purged = int(self.share * len(X)), self.n_ahead - 1
        model.fit(X[:end], self.y[:end])
        found, truth = model.predict(X[end:]), self.y[end:]
        return float(mean_absolute_error(truth[purged:], found[purged:]))

    def naive_error(self) -> float:
        """Return the lowest error of the mean, the last value and the last season."""
        errors = [self.error(DummyRegressor(), self.X)]
        if self.known is not None:
            for period in {1, self.period}:
                errors.append(self.error(SeasonalNaiveRegressor(period), self.known))
        return min(errors)


def of_rows(
    rows: pd.DataFrame, target: str, period: int, n_ahead: int = 1, is_seen: bool = True
) -> Task:
    """Forecast a column, which is itself an input or not."""
    rows = rows.iloc[-N_ROWS:].reset_index(drop=True)
    X, y, _ = make_supervised(rows, target=target, horizon=n_ahead)
    inputs = X if is_seen else X.drop(columns=target)
    return Task(inputs, y, X[[target]], period)


def prices() -> pd.Series:
    """Return the closing prices of the S&P 500."""
    return pd.read_csv(data_file("sp500_1950_2018_ohlcv.csv"))["Close"]


def returns() -> pd.Series:
    return prices().map(np.log).diff().dropna()


def etth1() -> pd.DataFrame:
    return pd.read_csv(data_file("ETTh1.csv")).drop(columns="date")


def half_hours(name: str) -> pd.DataFrame:
    """Return the hourly means of a file of half-hours."""
    rows = pd.read_csv(data_file(name)).select_dtypes("number")
    return rows.groupby(np.arange(len(rows)) // 2).mean()


def carbon_dioxide() -> pd.Series:
    """Return the monthly means of CO2, its gaps filled in line."""
    weeks: pd.Series = co2.load_pandas().data["co2"]
    return weeks.resample("MS").mean().interpolate()


def el_nino() -> pd.Series:
    """Return the monthly temperatures of the sea surface."""
    by_month = elnino.load_pandas().data.set_index("YEAR")
    return pd.Series(by_month.to_numpy().ravel())


def macro(name: str) -> pd.Series:
    quarters: pd.Series = macrodata.load_pandas().data[name]
    return quarters


# By name: the series, and the steps of a season, or of a usual horizon without one.
SERIES: dict[str, tuple[Callable[[], pd.Series], int]] = {
    "AirPassengers": (lambda: load_air_passengers()["passengers"], 12),
    "ETTh1 OT": (lambda: etth1()["OT"], 24),
    "S&P 500 level": (prices, 5),
    "CO2": (carbon_dioxide, 12),
    "GDP": (lambda: macro("realgdp"), 4),
    "unemployment": (lambda: macro("unemp"), 4),
    "Chicago rail": (lambda: fetch_cta_ridership()["rail"].loc[:"2019-05"], 7),
    "Taylor": (lambda: half_hours("taylor.csv")["Y"], 24),
    "Victoria": (lambda: half_hours("vic_elec.csv")["Demand"], 24),
    "sinusoid": (lambda: make_sinusoid(period=2.5, random_state=0)["value"], 25),
    "slow sinusoid": (lambda: make_sinusoid(period=10, random_state=0)["value"], 25),
    "sunspots": (lambda: sunspots.load_pandas().data["SUNACTIVITY"], 11),
    "Nile": (lambda: nile.load_pandas().data["volume"], 10),
    "El Niño": (el_nino, 12),
    "inflation": (lambda: macro("infl"), 4),
    "S&P 500 return": (returns, 5),
}


def future(name: str, n_ahead: int) -> Task:
    """Forecast a series from itself."""
    load, season = SERIES[name]
    rows = load().astype(float).to_frame("value")
    return of_rows(rows, "value", season, n_ahead)


def other(inputs: Any, target: Any, period: int = 1) -> Task:
    """Forecast a column from others, each up to the row before it."""
    rows = pd.DataFrame(inputs).rename(columns=str).assign(target=target)
    return of_rows(rows, "target", period, is_seen=False)


def sensors(memory: float, n_shared: int = 0) -> np.ndarray:
    """Make four sensors, each with a part of its own and perhaps a common part.

    `memory` is the share of a value that is left in the next row: 1 is a random walk.
    """
    parts = np.random.default_rng(0).normal(size=(N_ROWS, 4 + n_shared))
    for row, before in zip(parts[1:], parts[:-1], strict=True):
        row += memory * before
    values: np.ndarray = parts[:, :4] + 3 * parts[:, 4:].sum(axis=1, keepdims=True)
    return values


def delayed(values: np.ndarray) -> np.ndarray:
    """Add a little noise, and let each row appear in the next one."""
    noise = np.random.default_rng(1).normal(size=len(values))
    return np.roll(values + 0.1 * values.std() * noise, 1)


def several_channels() -> Task:
    """Sense a product and a sum of channels."""
    X = sensors(memory=0.9)
    return other(X, delayed(X[:, 1] * X[:, 2] + 2 * X[:, 3]))


def slow_level() -> Task:
    """Sense channels beside the first one, whose large level wanders and is noise."""
    X = sensors(memory=0.9)
    X[:, 0] = 1000 + 20 * sensors(memory=1.0)[:, 0]
    return other(X, delayed(X[:, 1] - X[:, 2]))


def same_units() -> Task:
    """Sense the mean of the channels, in their units."""
    X = sensors(memory=0.9, n_shared=1)
    return other(X, delayed(X.mean(axis=1)))


def momentum() -> Task:
    """Forecast the return of 20 days from daily returns."""
    daily = returns()
    monthly = daily.rolling(20).sum().dropna()
    return other(daily.loc[monthly.index], monthly)


def log_price() -> Task:
    """Forecast the next return from the logarithms of prices."""
    return other(prices().map(np.log).loc[returns().index], returns())


def fahrenheit(columns: list[str]) -> Task:
    """Forecast the temperature in °F, seen in °C."""
    rows = half_hours("vic_elec.csv")
    return other(rows[columns], 32 + 1.8 * rows["Temperature"], 24)


def covid() -> Task:
    """Predict death rates of the test samples of Covid3Month."""
    parts = [read_samples(f"Covid3Month_{part}.ts") for part in ("TRAIN", "TEST")]
    X, y = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Task(X, y.astype(float), share=len(parts[0][0]) / len(X))


FUTURES: dict[str, Callable[[], Task]] = {
    f"{name}, {n_ahead} ahead": partial(future, name, n_ahead)
    for name, (_, season) in SERIES.items()
    for n_ahead in (1, season)
}
OTHERS: dict[str, Callable[[], Task]] = {
    "soft sensor of several channels": several_channels,
    "soft sensor, slow level": slow_level,
    "soft sensor, same units": same_units,
    "return of a log price": log_price,
    "momentum": momentum,
    "°F of another channel": partial(fahrenheit, ["Demand", "Temperature"]),
    "°F of channel 0": partial(fahrenheit, ["Temperature"]),
    "OT where it is channel 6": lambda: of_rows(etth1(), "OT", 24),
    "price with a tax of 19 %": lambda: other(prices(), 1.19 * prices(), 5),
    "make_regression": lambda: Task(
        *make_regression(N_ROWS, 24, noise=1.0, random_state=0)
    ),
    "diabetes": lambda: Task(*load_diabetes(return_X_y=True)),
    "Covid3Month": covid,
}
