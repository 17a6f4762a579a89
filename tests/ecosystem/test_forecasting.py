"""Forecasters of other packages that take a regressor, and their lag tables."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sktsdl import LagsToWindows, SlidingWindow
from tests.ecosystem.models import WINDOW, X, Y, net, pipeline

SERIES = X["rail"].asfreq("D")
DAYS = pd.date_range(SERIES.index[0], periods=130, freq="D")
EXOG = pd.DataFrame({"weekday": DAYS.dayofweek.astype(float)}, index=DAYS)
LAGS = [f"lag{i}" for i in range(1, WINDOW + 1)]
MAE = "neg_mean_absolute_error"

# The other packages warn of their own changes.
pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning",
    "ignore::DeprecationWarning",
    "ignore:.*numba.*",
    "ignore::ResourceWarning",
)


def as_windows(order="newest_first", lags=WINDOW):
    return make_pipeline(LagsToWindows(lags=lags, order=order), net())


def windows_of(series):
    return np.asarray(SlidingWindow(WINDOW).fit_transform(series.to_frame()))


def in_time_order(exog=None, horizon=1):
    """Forecast the values after the series, with windows that are made here."""
    windows = windows_of(SERIES)[WINDOW - 1 :]
    if exog is not None:
        known = exog.to_numpy()[WINDOW : len(SERIES) + 1]
        known = np.repeat(known[:, None], WINDOW, axis=1)
        windows = np.concatenate([windows, known], axis=2)
    n = len(windows) - horizon
    target = np.column_stack([SERIES[WINDOW + h :][:n] for h in range(horizon)])
    return net().fit(windows[:n], target).predict(windows[-1:]).ravel()


def left_out(n):
    """As `in_time_order`, without the last `n` rows whose later targets are unknown."""
    windows = windows_of(SERIES)[WINDOW - 1 :]
    model = net().fit(windows[: -1 - n], SERIES[WINDOW:-n])
    return model.predict(windows[-1:])


# skforecast


@pytest.mark.parametrize("exog", [None, EXOG], ids=["series", "exog"])
@pytest.mark.parametrize("strategy", ["recursive", "direct"])
def test_skforecast_has_the_newest_lag_first(strategy, exog):
    direct = pytest.importorskip("skforecast.direct")
    recursive = pytest.importorskip("skforecast.recursive")
    settings = {"estimator": as_windows(), "lags": WINDOW}
    if strategy == "recursive":
        model = recursive.ForecasterRecursive(**settings)
    else:
        model = direct.ForecasterDirect(**settings, steps=1)
    ahead = None if exog is None else exog[120:121]
    model.fit(y=SERIES, exog=None if exog is None else exog[:120])
    forecast = model.predict(1, exog=ahead)
    assert forecast.index.equals(DAYS[120:121])
    np.testing.assert_allclose(forecast, in_time_order(exog), rtol=1e-5)


def test_skforecast_of_many_series():
    recursive = pytest.importorskip("skforecast.recursive")
    model = recursive.ForecasterRecursiveMultiSeries(
        estimator=as_windows(lags=[f"lag_{i}" for i in range(1, WINDOW + 1)]),
        lags=WINDOW,
    )
    model.fit(series={name: column.asfreq("D") for name, column in X.items()})
    forecasts = model.predict(3)
    assert set(forecasts["level"]) == {"rail", "bus"}
    assert np.isfinite(forecasts["pred"]).all()


def test_skforecast_validates_and_searches():
    recursive = pytest.importorskip("skforecast.recursive")
    selection = pytest.importorskip("skforecast.model_selection")
    model = recursive.ForecasterRecursive(estimator=as_windows(), lags=WINDOW)
    cv = selection.TimeSeriesFold(steps=3, initial_train_size=110, refit=False)
    settings = {
        "forecaster": model,
        "y": SERIES,
        "cv": cv,
        "metric": "mean_absolute_error",
        "show_progress": False,
    }
    error, forecasts = selection.backtesting_forecaster(**settings)
    truth = SERIES[forecasts.index]
    by_hand = np.abs(forecasts["pred"] - truth).mean()
    assert error["mean_absolute_error"].iloc[0] == pytest.approx(by_hand)
    grid = {"windowmlpregressor__max_epochs": [1, 3]}
    found = selection.grid_search_forecaster(
        **settings, param_grid=grid, return_best=False, verbose=False
    )
    assert len(found) == 2


def test_skforecast_intervals_and_files(tmp_path):
    recursive = pytest.importorskip("skforecast.recursive")
    utils = pytest.importorskip("skforecast.utils")
    model = recursive.ForecasterRecursive(estimator=as_windows(), lags=WINDOW)
    model.fit(y=SERIES, store_in_sample_residuals=True)
    ends = model.predict_interval(3, n_boot=10, interval=[0.1, 0.9])
    assert (ends["lower_bound"] < ends["upper_bound"]).all()
    utils.save_forecaster(model, str(tmp_path / "model.joblib"), verbose=False)
    again = utils.load_forecaster(str(tmp_path / "model.joblib"), verbose=False)
    pd.testing.assert_series_equal(again.predict(3), model.predict(3))


def test_skforecast_weights_reach_a_net_without_a_pipeline():
    recursive = pytest.importorskip("skforecast.recursive")
    weights = np.linspace(0, 1, len(DAYS))
    model = recursive.ForecasterRecursive(
        estimator=net(),
        lags=WINDOW,
        weight_func=lambda index: weights[DAYS.get_indexer(index)],
    )
    with pytest.warns(UserWarning, match="LagsToWindows"):
        model.fit(y=SERIES)
    newest_first = np.flip(windows_of(SERIES)[WINDOW - 1 :], axis=1)
    alone = net().fit(
        newest_first[:-1], SERIES[WINDOW:], sample_weight=weights[WINDOW:120]
    )
    expected = alone.predict(newest_first[-1:])
    np.testing.assert_allclose(model.predict(1), expected, rtol=1e-5)


# sktime


EXPECTED = {
    "recursive": in_time_order,
    "multioutput": lambda: in_time_order(horizon=2)[:1],
    "direct": lambda: left_out(1),
    "dirrec": lambda: left_out(1),
}


@pytest.mark.parametrize("strategy", EXPECTED)
def test_sktime_reduction_has_the_oldest_lag_first(strategy):
    compose = pytest.importorskip("sktime.forecasting.compose")
    model = compose.make_reduction(net(), window_length=WINDOW, strategy=strategy)
    forecasts = model.fit(SERIES, fh=[1, 2]).predict()
    assert list(forecasts.index) == list(DAYS[120:122])
    np.testing.assert_allclose(forecasts[:1], EXPECTED[strategy](), rtol=1e-5)


def test_sktime_reduction_with_exogenous_columns():
    compose = pytest.importorskip("sktime.forecasting.compose")
    blocks = [range(WINDOW), range(WINDOW, 2 * WINDOW)]
    model = compose.make_reduction(
        as_windows("oldest_first", blocks), window_length=WINDOW, strategy="recursive"
    )
    forecasts = model.fit(SERIES, X=EXOG[:120], fh=[1]).predict(X=EXOG[120:121])
    both = np.column_stack([SERIES, EXOG[:120]])
    windows = np.asarray(SlidingWindow(WINDOW).fit_transform(both))[WINDOW - 1 :]
    expected = net().fit(windows[:-1], SERIES[WINDOW:]).predict(windows[-1:])
    assert forecasts.iloc[0] == pytest.approx(expected[0], rel=1e-5)


def test_sktime_windows_have_the_time_last():
    compose = pytest.importorskip("sktime.forecasting.compose")
    time_last = FunctionTransformer(lambda X: X.transpose(0, 2, 1))
    model = compose.make_reduction(
        make_pipeline(time_last, net()),
        window_length=WINDOW,
        strategy="recursive",
        scitype="time-series-regressor",
    )
    forecast = model.fit(SERIES, fh=[1]).predict()
    assert forecast.iloc[0] == pytest.approx(in_time_order(), rel=1e-5)


def test_sktime_windows_as_they_are_give_a_warning():
    compose = pytest.importorskip("sktime.forecasting.compose")
    model = compose.make_reduction(
        net(), window_length=WINDOW, scitype="time-series-regressor"
    )
    with pytest.warns(UserWarning, match=r"transpose\(0, 2, 1\)"):
        model.fit(SERIES, fh=[1])


@pytest.mark.filterwarnings("ignore:RecursiveReductionForecaster is experimental")
def test_sktime_forecaster_with_the_newest_lag_first():
    compose = pytest.importorskip("sktime.forecasting.compose")
    names = [f"lag_1__lag_{i}__rail" for i in range(WINDOW)]
    model = compose.RecursiveReductionForecaster(
        as_windows(lags=names), window_length=WINDOW, impute_method=None
    )
    forecast = model.fit(SERIES.to_frame(), fh=[1]).predict()
    assert forecast["rail"].iloc[0] == pytest.approx(in_time_order(), rel=1e-5)


def test_sktime_search_and_files():
    compose = pytest.importorskip("sktime.forecasting.compose")
    selection = pytest.importorskip("sktime.forecasting.model_selection")
    splitters = pytest.importorskip("sktime.split")
    base = pytest.importorskip("sktime.base")
    reduction = compose.make_reduction(net(), window_length=WINDOW)
    search = selection.ForecastingGridSearchCV(
        reduction,
        splitters.SlidingWindowSplitter([1, 2], window_length=60, step_length=50),
        {"window_length": [3, WINDOW], "estimator__max_epochs": [1, 2]},
        backend="None",
    ).fit(SERIES, fh=[1, 2])
    assert set(search.best_params_) == {"window_length", "estimator__max_epochs"}
    again = base.load(search.save())
    pd.testing.assert_series_equal(again.predict(), search.predict())


# mlforecast


def long_frame(*names):
    return pd.concat(
        pd.DataFrame({"unique_id": name, "ds": X.index, "y": X[name].to_numpy()})
        for name in names
    )


def mlforecast(model, **settings):
    package = pytest.importorskip("mlforecast")
    lags = range(1, WINDOW + 1)
    return package.MLForecast(models={"net": model}, freq="D", lags=lags, **settings)


def test_mlforecast():
    model = mlforecast(as_windows(lags=LAGS)).fit(long_frame("rail"))
    forecast = model.predict(3)["net"]
    assert forecast.iloc[0] == pytest.approx(in_time_order(), rel=1e-5)


def test_mlforecast_with_a_calendar():
    calendar = mlforecast(as_windows(lags=LAGS), date_features=["dayofweek"])
    forecast = calendar.fit(long_frame("rail")).predict(1)["net"]
    assert forecast.iloc[0] == pytest.approx(in_time_order(EXOG), rel=1e-5)


def test_mlforecast_of_many_series_and_direct():
    model = mlforecast(as_windows(lags=LAGS))
    frame = long_frame("rail", "bus")
    assert len(model.fit(frame).predict(3)) == 6
    direct = mlforecast(as_windows(lags=LAGS)).fit(frame, max_horizon=2).predict(2)
    assert np.isfinite(direct["net"]).all()


def test_mlforecast_validates_differences_and_gives_intervals():
    transforms = pytest.importorskip("mlforecast.target_transforms")
    utils = pytest.importorskip("mlforecast.utils")
    differences = transforms.Differences([7])
    model = mlforecast(as_windows(lags=LAGS), target_transforms=[differences])
    frame = long_frame("rail", "bus")
    folds = model.cross_validation(frame, n_windows=2, h=2)
    assert len(folds) == 8
    assert np.isfinite(folds["net"]).all()
    intervals = utils.PredictionIntervals(n_windows=2, h=2)
    model.fit(frame, prediction_intervals=intervals)
    ends = model.predict(2, level=[80])
    assert (ends["net-lo-80"] <= ends["net-hi-80"]).all()


def test_mlforecast_takes_polars_and_is_saved(tmp_path):
    package = pytest.importorskip("mlforecast")
    polars = pytest.importorskip("polars")
    frame = polars.from_pandas(long_frame("rail"))
    model = package.MLForecast(
        models={"net": as_windows(lags=LAGS)}, freq="1d", lags=range(1, WINDOW + 1)
    ).fit(frame)
    forecast = model.predict(1)["net"]
    assert forecast[0] == pytest.approx(in_time_order(), rel=1e-5)
    model.save(str(tmp_path / "model"))
    again = package.MLForecast.load(str(tmp_path / "model"))
    assert again.predict(1)["net"].to_list() == forecast.to_list()


# darts


def test_darts_has_the_oldest_lag_first():
    darts = pytest.importorskip("darts")
    models = pytest.importorskip("darts.models")
    series = darts.TimeSeries.from_series(SERIES)
    model = models.SKLearnModel(model=net(), lags=WINDOW)
    model.fit(series)
    forecast = model.predict(2).values()
    assert forecast[0, 0] == pytest.approx(in_time_order(), rel=1e-5)


def test_darts_covariates_chunks_and_history():
    darts = pytest.importorskip("darts")
    models = pytest.importorskip("darts.models")
    series = darts.TimeSeries.from_series(SERIES)
    exog = darts.TimeSeries.from_dataframe(EXOG)
    step = LagsToWindows(lags=WINDOW, order="oldest_first")
    model = models.SKLearnModel(
        model=make_pipeline(step, net()),
        lags=WINDOW,
        lags_future_covariates=[0],
        output_chunk_length=1,
    )
    model.fit(series, future_covariates=exog)
    forecast = model.predict(1, future_covariates=exog).values()
    assert forecast[0, 0] == pytest.approx(in_time_order(EXOG), rel=1e-5)
    chunk = models.SKLearnModel(model=net(), lags=WINDOW, output_chunk_length=2)
    past = chunk.fit(series).historical_forecasts(
        series, start=0.9, forecast_horizon=2, retrain=False, show_warnings=False
    )
    assert np.isfinite(past.values()).all()


def test_darts_of_several_series_alternates_their_lags():
    darts = pytest.importorskip("darts")
    models = pytest.importorskip("darts.models")
    both = darts.TimeSeries.from_dataframe(X.asfreq("D"))
    blocks = [range(0, 2 * WINDOW, 2), range(1, 2 * WINDOW, 2)]
    model = models.SKLearnModel(
        model=as_windows("oldest_first", blocks), lags=WINDOW, output_chunk_length=1
    )
    model.fit(both)
    windows = np.asarray(SlidingWindow(WINDOW).fit_transform(X))[WINDOW - 1 :]
    expected = net().fit(windows[:-1], X[WINDOW:]).predict(windows[-1:])
    np.testing.assert_allclose(model.predict(1).values(), expected, rtol=1e-5)


# Splitters and arrays


@pytest.mark.filterwarnings("ignore:X starts at:UserWarning")
def test_splitters_with_gaps():
    tscv = pytest.importorskip("tscv")
    cv = tscv.GapRollForward(
        min_train_size=60, gap_size=2, max_test_size=20, roll_size=20
    )
    with pytest.warns(UserWarning, match="gap"):
        scores = cross_val_score(pipeline(), X, Y, cv=cv, scoring=MAE)
    assert np.isfinite(scores).all()


def test_tslearn_arrays_have_the_time_in_the_middle():
    utils = pytest.importorskip("tslearn.utils")
    windows = windows_of(SERIES)[WINDOW - 1 : -1]
    dataset = utils.to_time_series_dataset(windows)
    expected = net().fit(windows, SERIES[WINDOW:]).predict(windows)
    forecasts = net().fit(dataset, SERIES[WINDOW:]).predict(dataset)
    np.testing.assert_array_equal(forecasts, expected)
