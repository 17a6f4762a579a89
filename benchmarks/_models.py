"""Rivals of the nets, and what all benchmarks share about models."""

import os
import time
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import TimeSeriesSplit
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktsdl import PurgedRegressor, SlidingWindow


def data_file(name: str) -> Path:
    """Return a file of the folder that SKTSDL_DATA names."""
    folder = os.environ.get("SKTSDL_DATA")
    path = Path(folder or ".") / name
    if folder is None or not path.exists():
        raise FileNotFoundError(
            f"{name} is not in the folder SKTSDL_DATA={folder!r}: get it from where "
            "the module that reads it says, and set SKTSDL_DATA to its folder."
        )
    return path


def read_samples(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return samples, (n, time, 1), and the texts of their targets, of a ts file."""
    lines = data_file(name).read_text().split("@data")[1].strip().splitlines()
    pairs = [line.rsplit(":", 1) for line in lines]
    X = np.array([values.split(",") for values, _ in pairs], dtype=float)
    return X[:, :, None], np.array([target.strip() for _, target in pairs])


class WholeWindows(RegressorMixin, BaseEstimator):
    """Leave rows whose window starts before the series out of training, as nets do.

    Parameters
    ----------
    regressor : estimator
        Of flattened windows.
    n_start : int
        How many rows those are.
    """

    def __init__(self, regressor: Any, n_start: int) -> None:
        self.regressor = regressor
        self.n_start = n_start

    def fit(self, X: Any, y: Any) -> Self:
        regressor = clone(self.regressor)
        self.regressor_ = regressor.fit(X[self.n_start :], y[self.n_start :])
        return self

    def predict(self, X: Any) -> Any:
        return self.regressor_.predict(X)


def on_windows(regressor: Any, window: int, purge: int = 0) -> Any:
    """Put a regressor on flattened windows, trained on whole ones."""
    whole = WholeWindows(regressor, window - 1)
    last = PurgedRegressor(whole, purge=purge) if purge else whole
    return make_pipeline(SlidingWindow(window, flatten=True, pad="edge"), last)


def ridge() -> Any:
    """Return Ridge, its penalty chosen on later training rows."""
    chosen = RidgeCV(np.logspace(-2, 5, 15), cv=TimeSeriesSplit(5))
    return make_pipeline(StandardScaler(), chosen)


def forest(seed: int) -> Any:
    """Return a random forest."""
    return RandomForestRegressor(min_samples_leaf=2, random_state=seed)


def boosting(seed: int, n_targets: int = 1) -> Any:
    """Return gradient boosting, of one model for each target."""
    one = HistGradientBoostingRegressor(random_state=seed)
    return one if n_targets == 1 else MultiOutputRegressor(one)


class SARIMA(RegressorMixin, BaseEstimator):
    """A seasonal ARIMA of the last known values, fitted once (statsmodels).

    Parameters
    ----------
    column : str
        The column of `X` that is the series.
    order, seasonal_order : tuple
        As in ``SARIMAX``.
    log : bool
        Whether it is one of logarithms.
    """

    def __init__(
        self, column: str, order: Any, seasonal_order: Any, log: bool = False
    ) -> None:
        self.column = column
        self.order = order
        self.seasonal_order = seasonal_order
        self.log = log

    def _series(self, X: pd.DataFrame) -> np.ndarray:
        values = X[self.column].to_numpy(float)
        return np.log(values) if self.log else values

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        from statsmodels.tsa.statespace.sarimax import SARIMAX

        model = SARIMAX(
            self._series(X), order=self.order, seasonal_order=self.seasonal_order
        )
        self.result_ = model.fit(disp=0)
        self.horizon_ = 1 if np.ndim(y) == 1 else np.shape(y)[1]
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Forecast from each row, the rows after training one by one."""
        forecasts, result = [], self.result_
        for value in self._series(X):
            result = result.append([value])
            forecasts.append(result.forecast(self.horizon_))
        levels = np.exp(forecasts) if self.log else np.array(forecasts)
        return levels[:, 0] if self.horizon_ == 1 else levels


def timed_fit(model: Any, X: Any, y: Any) -> tuple[Any, float]:
    """Fit, and return the model with its seconds of processor time."""
    start = time.process_time()
    model.fit(X, y)
    return model, time.process_time() - start


def epochs(quick: bool, n: int) -> int:
    """Return the epochs of a training."""
    return 1 if quick else n
