"""What mypy and pyright say of methods and functions; as in `constructors`."""

from typing import Any, assert_type

import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from sktsdl import (
    ConformalRegressor,
    GRURegressor,
    LSTMRegressor,
    NetClassifier,
    RelativeTargetRegressor,
    SeasonalNaiveRegressor,
    SlidingWindow,
    append_history,
    backtest,
    forecast,
    load,
    make_supervised,
    metrics,
)
from sktsdl.model_selection import PanelTimeSeriesSplit


def nets(X: np.ndarray, y: np.ndarray) -> None:
    net = LSTMRegressor(loss="quantile")
    assert_type(net.fit(X, y), LSTMRegressor)
    assert_type(net.fit(X, y, X_val=X, y_val=y), LSTMRegressor)
    assert_type(net.partial_fit(X, y), LSTMRegressor)
    assert_type(net.predict(X), np.ndarray)
    assert_type(net.predict(X, return_std=True), tuple[np.ndarray, np.ndarray])
    assert_type(net.predict(X, return_quantiles=True), tuple[np.ndarray, np.ndarray])
    assert_type(net.predict_quantiles(X), np.ndarray)
    assert_type(net.set_params(lr=1e-2), LSTMRegressor)
    assert_type(net.loss_curve_, list[float])
    assert_type(net.n_epochs_, int)
    assert_type(net.n_features_in_, int)
    net.fit(X)  # type: ignore[call-arg]
    net.fit(X, y, validation=X)  # type: ignore[call-arg]
    net.predict(X, n_draws="many")  # type: ignore[call-overload]
    assert net.loss_curve  # type: ignore[attr-defined]


def windows(X: pd.DataFrame, y: pd.Series) -> None:
    steps = SlidingWindow(3)
    assert_type(steps.fit(X), SlidingWindow)
    GRURegressor().fit(steps.transform(X), y)
    steps.transform(X, y)  # type: ignore[call-arg]


def wrappers(X: pd.DataFrame, y: pd.Series) -> None:
    pipe = make_pipeline(SlidingWindow(3), LSTMRegressor())
    relative = RelativeTargetRegressor(pipe, column="rail")
    assert_type(relative.fit(X, y), RelativeTargetRegressor)
    intervals = ConformalRegressor(relative).fit(X, y)
    assert_type(intervals, ConformalRegressor)
    assert_type(SeasonalNaiveRegressor(7).fit(X, y).predict(X), np.ndarray)
    classifier = NetClassifier(LSTMRegressor()).fit(X, y)
    assert_type(classifier.predict_proba(X), np.ndarray)
    relative.fit(X)  # type: ignore[call-arg]


def forecasts(X: pd.DataFrame, y: pd.Series, X_latest: pd.DataFrame) -> None:
    model = LSTMRegressor().fit(X, y)
    assert_type(append_history(model, X), LSTMRegressor)
    assert_type(forecast(model, X_latest, levels=[0.9]), pd.DataFrame)
    cv = PanelTimeSeriesSplit(3)
    assert_type(backtest(model, X, y, cv=cv), pd.DataFrame)
    past, _ = backtest(model, X, y, cv=cv, return_models=True)
    assert_type(past, pd.DataFrame)
    assert_type(metrics.mase(y, y, y_train=y), float)
    load("net.safetensors").predict(X)
    forecast(model, X_latest, level=0.9)  # type: ignore[call-arg]


def supervised(data: pd.DataFrame) -> None:
    made = make_supervised(data, target="rail", horizon=7, time="date")
    assert_type(made, tuple[Any, Any, Any])
    make_supervised(data)  # type: ignore[call-arg]
    make_supervised(data, target="rail", steps=7)  # type: ignore[call-arg]
    make_supervised(data, target="rail", horizon="7")  # type: ignore[arg-type]
