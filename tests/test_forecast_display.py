"""Which target, which row and which times a picture of a forecast shows."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from sktsdl import (
    ConformalRegressor,
    PurgedRegressor,
    RelativeTargetRegressor,
    SeasonalNaiveRegressor,
    SlidingWindow,
    WindowMLPRegressor,
    make_supervised,
)
from sktsdl.inspection import ForecastDisplay, ResidualDisplay
from tests.test_target_steps import DAYS, RATES, two_targets


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def net():
    return WindowMLPRegressor(hidden_sizes=(2,), max_epochs=1, random_state=0)


WITH_NAMES = {
    "net": lambda: make_pipeline(SlidingWindow(3), net()),
    "naive": lambda: SeasonalNaiveRegressor(7),
    "purged": lambda: make_pipeline(SlidingWindow(3), PurgedRegressor(net())),
    "conformal": lambda: ConformalRegressor(
        SeasonalNaiveRegressor(7), confidence_level=0.8
    ),
    "relative": lambda: RelativeTargetRegressor(LinearRegression()),
}


@pytest.mark.parametrize("kind", WITH_NAMES)
@pytest.mark.parametrize("target", ["yen", 1])
def test_a_picture_shows_one_target(kind, target):
    X, y, X_latest = two_targets(3)
    model = WITH_NAMES[kind]().fit(X, y)
    display = ForecastDisplay.from_estimator(model, X_latest, target=target)
    np.testing.assert_array_equal(display.y_pred, model.predict(X_latest)[-1, 3:])
    ahead = pd.date_range("2024-02-10", periods=3)
    assert (display.name, list(display.index)) == ("yen", list(ahead))
    first = ForecastDisplay.from_estimator(model, X, y, row=0)
    np.testing.assert_array_equal(first.y_pred, model.predict(X)[0, :3])
    np.testing.assert_array_equal(first.y_true, RATES["euro"].iloc[1:4])
    assert (first.name, list(first.index)) == ("euro", list(DAYS[1:4]))
    with pytest.raises(ValueError, match=r"target='pound'.*\['euro', 'yen'\]"):
        ForecastDisplay.from_estimator(model, X, target="pound")


def test_a_picture_shows_one_of_several_targets_one_step_ahead():
    X, y, _ = two_targets()
    model = LinearRegression().fit(X, y)
    display = ForecastDisplay.from_estimator(model, X, y, target="yen")
    np.testing.assert_array_equal(display.y_true, RATES["yen"].iloc[1:])
    assert (display.name, list(display.index)) == ("yen", list(DAYS[1:]))
    noisy = y + np.random.default_rng(0).normal(size=y.shape)
    residuals = ResidualDisplay.from_estimator(model, X, noisy, target=1)
    assert (residuals.name, list(residuals.index)) == ("yen", list(DAYS[1:]))


def test_a_picture_of_one_step_of_a_horizon_stands_at_its_time():
    X, y, _ = make_supervised(RATES, target="yen", horizon=5)
    model = LinearRegression().fit(X, y["yen+5"])
    display = ForecastDisplay.from_estimator(model, X, y["yen+5"])
    assert list(display.index) == list(DAYS[5:])
    np.testing.assert_array_equal(display.y_true, RATES["yen"].iloc[5:])


@pytest.mark.parametrize("as_series", [True, False])
def test_the_truth_of_one_forecast(as_series):
    X, y, X_latest = make_supervised(RATES[:35], target="yen", horizon=5)
    model = SeasonalNaiveRegressor(7).fit(X, y)
    truth = RATES["yen"].iloc[35:]
    given = truth if as_series else truth.to_numpy()
    display = ForecastDisplay.from_estimator(model, X_latest, given)
    np.testing.assert_array_equal(display.y_true, truth)
    assert list(display.index) == list(DAYS[35:])
    with pytest.raises(ValueError, match="y has 4 values and the horizon has 5 steps"):
        ForecastDisplay.from_estimator(model, X_latest, given[:-1])
    if as_series:
        with pytest.raises(
            ValueError, match=r"2024-01-31.*the forecast has 2024-02-05"
        ):
            ForecastDisplay.from_estimator(model, X_latest, RATES["yen"].iloc[30:35])


@pytest.mark.parametrize(
    "index",
    [pd.RangeIndex(40), pd.RangeIndex(100, 140), pd.Index(range(0, 80, 2)), DAYS],
)
@pytest.mark.parametrize("row", [0, 5, -1])
def test_a_row_with_any_index(index, row):
    X, y, _ = make_supervised(RATES.set_axis(index), target="yen", horizon=3)
    model = SeasonalNaiveRegressor(7).fit(X, y)
    display = ForecastDisplay.from_estimator(model, X, y, row=row)
    at = row % len(X) + 1
    assert list(display.index) == list(index[at : at + 3])


def test_a_single_row_that_is_numbered():
    X, y, X_latest = make_supervised(RATES.reset_index(drop=True), target="yen")
    model = LinearRegression().fit(X, y)
    assert list(ForecastDisplay.from_estimator(model, X_latest).index) == [40]
