"""The picture of the parts of a forecast."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline

from sktsdl import (
    NBEATSRegressor,
    NHiTSRegressor,
    PurgedRegressor,
    RelativeTargetRegressor,
    SlidingWindow,
    make_supervised,
)
from sktsdl.datasets import load_air_passengers, make_panel
from sktsdl.inspection import DecompositionDisplay


def net():
    return NBEATSRegressor(hidden_size=4, max_epochs=2, random_state=0)


LABELS = ["trend", "seasonality", "rest"]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def yearly():
    series = load_air_passengers()
    series["ships"] = 3.0 * series["passengers"][::-1].to_numpy()
    X, y, _ = make_supervised(series, target=["passengers", "ships"], horizon=6)
    return make_pipeline(SlidingWindow(12), net()).fit(X[:100], y[:100]), X[100:]


def drawn(display):
    return {ax.get_ylabel(): ax.get_lines()[0] for ax in display.ax_}


@pytest.mark.parametrize("row", [-1, 3])
@pytest.mark.parametrize(("target", "at"), [("passengers", 0), ("ships", 1), (1, 1)])
def test_the_parts_of_a_horizon(yearly, row, target, at):
    pipe, X = yearly
    display = DecompositionDisplay.from_estimator(pipe, X, row=row, target=target)
    name = ["passengers", "ships"][at]
    lines = drawn(display)
    assert list(lines) == [name, *LABELS]
    columns = slice(6 * at, 6 * at + 6)
    expected = pipe[-1].decompose(pipe[:-1].transform(X))
    for label in LABELS:
        assert_allclose(lines[label].get_ydata(), expected[label][row, columns])
    assert_allclose(lines[name].get_ydata(), pipe.predict(X)[row, columns], rtol=1e-5)
    months = pd.date_range(X.index[row], periods=7, freq="MS")[1:]
    for line in lines.values():
        np.testing.assert_array_equal(line.get_xdata(), months)
    assert display.ax_[0].get_title() == f"window that ends at {X.index[row].date()}"
    assert display.ax_[-1].get_xlabel() == "month"
    assert display.figure_ is display.ax_[0].figure
    assert not display.ax_[2].spines["top"].get_visible()


def test_the_parts_of_the_next_steps_of_all_rows(air_passengers):
    X, y, _ = air_passengers
    pipe = make_pipeline(SlidingWindow(12), net()).fit(X[:100], y[:100])
    display = DecompositionDisplay.from_estimator(pipe, X[100:], name="thousands")
    lines = drawn(display)
    predicted = pipe.predict(X[100:])
    assert_allclose(lines["thousands"].get_ydata(), predicted, rtol=1e-5)
    months = pd.date_range(X.index[101], periods=len(predicted), freq="MS")
    np.testing.assert_array_equal(lines["rest"].get_xdata(), months)
    assert display.ax_[0].get_title() == ""
    purged = make_pipeline(SlidingWindow(12), PurgedRegressor(net(), purge=2))
    purged.fit(X[:102], y[:102])
    parts = DecompositionDisplay.from_estimator(purged, X[102:]).parts
    assert_allclose(sum(parts.values()), purged.predict(X[102:]), rtol=1e-5)


def test_the_parts_of_one_of_many_series():
    X, y, X_latest = make_supervised(
        make_panel(random_state=0), target="units", horizon=7
    )
    pipe = make_pipeline(SlidingWindow(14), net()).fit(X, y)
    display = DecompositionDisplay.from_estimator(pipe, X_latest, series="shop 2")
    rows = X_latest.index.get_level_values(0) == "shop 2"
    expected = pipe[-1].decompose(pipe[:-1].transform(X_latest))
    for label in LABELS:
        assert_allclose(display.parts[label], expected[label][rows][-1])
    assert display.title.startswith("window of shop 2 that ends at ")
    assert display.index[0] == X_latest.index[rows][-1][-1] + pd.Timedelta("1D")
    with pytest.raises(ValueError, match="series='shop 9' is not one"):
        DecompositionDisplay.from_estimator(pipe, X_latest, series="shop 9")


def test_axes_that_are_given(yearly):
    _, axes = plt.subplots(2, 2)
    display = DecompositionDisplay.from_estimator(*yearly, ax=axes)
    assert display.ax_.tolist() == axes.ravel().tolist()
    with pytest.raises(ValueError, match=r"ax holds 1 axes.*3 parts: give 4 axes"):
        display.plot(plt.gca())


def test_what_has_no_parts(yearly, air_passengers):
    X, y, _ = air_passengers
    other = NHiTSRegressor(hidden_size=4, max_epochs=1, random_state=0)
    pipe = make_pipeline(SlidingWindow(12), other).fit(X, y)
    with pytest.raises(TypeError, match="NHiTSRegressor does not decompose its"):
        DecompositionDisplay.from_estimator(pipe, X)
    relative = RelativeTargetRegressor(make_pipeline(SlidingWindow(12), net())).fit(
        X, y
    )
    with pytest.raises(TypeError, match="give its `regressor_`"):
        DecompositionDisplay.from_estimator(relative, X)
    with pytest.raises(ValueError, match="row=50 is not a row of X"):
        DecompositionDisplay.from_estimator(*yearly, row=50)
