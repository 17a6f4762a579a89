"""scikit-learn's pipelines and searches around a regressor, on real data."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline

from sktsdl import (
    LSTMRegressor,
    PurgedRegressor,
    RatioLogScaler,
    RelativeTargetRegressor,
    SeasonalDifference,
    SeasonalNaiveRegressor,
    SlidingWindow,
    make_supervised,
)
from sktsdl.datasets import load_air_passengers


def lstm_pipeline(window=12, **params):
    small = {"hidden_sizes": (4,), "max_epochs": 3, "random_state": 0}
    return make_pipeline(
        RatioLogScaler(), SlidingWindow(window), LSTMRegressor(**small | params)
    )


def test_grid_search_in_two_processes(air_passengers):
    X, y, _ = air_passengers
    grid = {
        "slidingwindow__window": [3, 12],
        "lstmregressor__lr": [1e-3, 1e-2],
        "lstmregressor__hidden_sizes": [(2,), (4,)],
    }
    searches = [
        GridSearchCV(
            lstm_pipeline(),
            grid,
            cv=TimeSeriesSplit(3),
            scoring="neg_mean_absolute_error",
            n_jobs=n_jobs,
        ).fit(X, y)
        for n_jobs in (1, 2)
    ]
    alone, together = (search.cv_results_["mean_test_score"] for search in searches)
    np.testing.assert_allclose(together, alone, rtol=1e-4)
    assert np.isfinite(alone).all()
    assert len(searches[0].predict(X[-1:].set_axis(X.index[-1:] + X.index.freq))) == 1


def test_cross_val_score_equals_forecasts_row_by_row(air_passengers):
    X, y, _ = air_passengers
    pipe = lstm_pipeline()
    scores = cross_val_score(
        pipe, X, y, cv=TimeSeriesSplit(3), scoring="neg_mean_absolute_error"
    )
    for (train, test), score in zip(TimeSeriesSplit(3).split(X), scores, strict=True):
        fitted = clone(pipe).fit(X.iloc[train], y.iloc[train])
        one_by_one = [
            fitted.predict(X.iloc[: t + 1])[-1] for t in test
        ]  # in-sample rows first, so every row has its history
        np.testing.assert_allclose(one_by_one, fitted.predict(X.iloc[test]), rtol=1e-6)
        error = mean_absolute_error(y.iloc[test], one_by_one)
        np.testing.assert_allclose(-score, error, rtol=1e-6)


def test_pickle_and_joblib_of_a_whole_pipeline(air_passengers, tmp_path):
    X, y, _ = air_passengers
    pipe = lstm_pipeline().fit(X[:100], y[:100])
    expected = pipe.predict(X[100:])
    joblib.dump(pipe, tmp_path / "pipe.joblib")
    for again in (
        pickle.loads(pickle.dumps(pipe)),
        joblib.load(tmp_path / "pipe.joblib"),
    ):
        np.testing.assert_array_equal(again.predict(X[100:]), expected)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_pickle_holds_no_training_rows(air_passengers, early_stopping):
    X, y, _ = air_passengers
    pipe = lstm_pipeline(early_stopping=early_stopping, batch_size=200)
    few, many = (len(pickle.dumps(pipe.fit(X[:n], y[:n])[-1])) for n in (70, 140))
    assert many < few + 100


@pytest.mark.parametrize("container", ["default", "pandas", "polars"])
def test_set_output_does_not_change_predictions(air_passengers, container):
    X, y, _ = air_passengers
    expected = lstm_pipeline().fit(X[:100], y[:100]).predict(X[100:])
    with sklearn.config_context(transform_output=container):
        seen = lstm_pipeline().fit(X[:100], y[:100]).predict(X[100:])
    np.testing.assert_array_equal(seen, expected)
    pipe = lstm_pipeline().set_output(transform=container)
    seen = pipe.fit(X[:100], y[:100]).predict(X[100:])
    np.testing.assert_array_equal(seen, expected)


def test_permutation_importance_of_lags(air_passengers):
    X, y, _ = air_passengers
    windows = SlidingWindow(12, flatten=True, pad="edge").set_output(transform="pandas")
    flat = windows.fit_transform(X)
    result = permutation_importance(Ridge().fit(flat, y), flat, y, random_state=0)
    lags = pd.Series(result.importances_mean, index=flat.columns)
    assert lags.idxmax() in ("passengers_lag0", "passengers_lag11")
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=3, random_state=0)
    net.fit(flat.reset_index(drop=True), y)
    result = permutation_importance(net, flat.reset_index(drop=True), y, n_repeats=2)
    assert result.importances.shape == (12, 2)


def test_a_forecast_of_twelve_months_at_once(air_passengers):
    X, y, X_latest = make_supervised(
        load_air_passengers(), target="passengers", horizon=12
    )
    pipe = RelativeTargetRegressor(
        make_pipeline(
            RatioLogScaler(),
            SeasonalDifference(12),
            SlidingWindow(6),
            PurgedRegressor(
                LSTMRegressor(hidden_sizes=(4,), max_epochs=3, random_state=0), 11
            ),
        )
    ).fit(X, y)
    forecast = pipe.predict(X_latest)[-1]
    assert forecast.shape == (12,)
    assert ((forecast > 200) & (forecast < 900)).all()


def test_a_column_transformer_keeps_the_index_for_the_next_step(air_passengers):
    X, y, _ = air_passengers
    X = X.assign(month=X.index.month)
    columns = make_column_transformer(
        (RatioLogScaler(), ["passengers"]), ("passthrough", ["month"])
    ).set_output(transform="pandas")
    pipe = make_pipeline(columns, SlidingWindow(6), lstm_pipeline()[-1])
    pipe.fit(X[:100], y[:100])
    windows = pipe[:-1].transform(X[100:])
    np.testing.assert_array_equal(windows[0, :, 1], X["month"][95:101])
    with pytest.warns(UserWarning, match="after a gap"):
        windows = pipe[:-1].transform(X[102:])
    assert np.isnan(windows[0, :5]).all()


def test_seasonal_naive_beats_naive_on_air_passengers():
    X, y, _ = make_supervised(load_air_passengers(), target="passengers", horizon=12)
    errors = {
        period: -cross_val_score(
            SeasonalNaiveRegressor(period),
            X,
            y,
            cv=TimeSeriesSplit(5),
            scoring="neg_mean_absolute_percentage_error",
        ).mean()
        for period in (1, 12)
    }
    assert errors[12] < errors[1]
