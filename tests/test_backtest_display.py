"""What pictures of the frames of `forecast` and `backtest` show."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sktsdl import (
    ConformalRegressor,
    PanelTimeSeriesSplit,
    SeasonalNaiveRegressor,
    SlidingWindow,
    backtest,
    forecast,
    make_supervised,
)
from sktsdl.inspection import BacktestDisplay, ForecastDisplay

N = 60
RNG = np.random.default_rng(0)
DATA = pd.DataFrame(
    {"load": 20 + RNG.normal(size=N), "price": 50 + RNG.normal(size=N)},
    index=pd.date_range("2024-01-01", periods=N, name="day"),
)
PANEL = pd.concat({"north": DATA, "south": 3 * DATA[:-5]}, names=["plant", "day"])
LEVELS = [0.5, 0.8]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def conformal():
    window = SlidingWindow(4, flatten=True, pad="edge")
    return ConformalRegressor(make_pipeline(window, Ridge()))


def naive_forecast(data, target, horizon=3, levels=None):
    X, y, X_latest = make_supervised(data, target=target, horizon=horizon)
    return forecast(conformal().fit(X, y), X_latest, levels=levels)


def past(data, target="load", horizon=3, levels=None, **cv):
    X, y, _ = make_supervised(data, target=target, horizon=horizon)
    cv = PanelTimeSeriesSplit(3, test_size=6, **cv)
    return backtest(conformal(), X, y, cv=cv, levels=levels)


def lines(ax):
    return [line for line in ax.get_lines() if line.get_label() != "truth"]


def truth(ax):
    (line,) = (line for line in ax.get_lines() if line.get_label() == "truth")
    return line


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# A frame of forecast


@pytest.mark.parametrize("target", ["price", 1, -1])
def test_a_forecast_in_a_frame(target):
    frame = naive_forecast(DATA, ["load", "price"], levels=LEVELS)
    display = ForecastDisplay.from_forecast(frame, target=target, history=DATA["price"])
    np.testing.assert_array_equal(display.y_pred, frame["price"])
    assert display.index.equals(frame.index)
    assert (display.name, display.title) == ("price", None)
    for level, name in ((0.5, "50"), (0.8, "80")):
        lower, upper = display.intervals[level]
        np.testing.assert_array_equal(lower, frame[f"price_lower_{name}"])
        np.testing.assert_array_equal(upper, frame[f"price_upper_{name}"])
    names = ["history", "80 % interval", "50 % interval", "forecast"]
    assert legend(display.ax_) == names
    assert display.ax_.get_ylabel() == "price"


def test_a_forecast_of_one_of_many_series():
    frame = naive_forecast(PANEL, "load", levels=[0.5])
    display = ForecastDisplay.from_forecast(
        frame, series="south", history=PANEL["load"], name="MW"
    )
    np.testing.assert_array_equal(display.y_pred, frame.loc["south", "load"])
    assert display.index.tolist() == DATA.index[-5:-2].tolist()
    assert display.history.tolist() == PANEL.loc["south", "load"].tolist()
    assert (display.name, display.title) == ("MW", "south")
    with pytest.raises(ValueError, match="the forecast has 2 series"):
        ForecastDisplay.from_forecast(frame)
    with pytest.raises(ValueError, match="series='west' is not one of the 2 series"):
        ForecastDisplay.from_forecast(frame, series="west")


def test_a_forecast_without_times_or_names():
    frame = naive_forecast(DATA["load"].to_numpy(), 0)
    display = ForecastDisplay.from_forecast(frame, history=DATA["load"].to_numpy()[-5:])
    assert display.index.tolist() == [1, 2, 3]
    assert display.history.index.tolist() == [-4, -3, -2, -1, 0]
    assert display.ax_.get_ylabel() == "target"
    assert legend(display.ax_) == ["history", "forecast"]


def test_a_forecast_of_one_step_shows_its_interval():
    frame = naive_forecast(DATA, "load", horizon=1, levels=[0.5])
    display = ForecastDisplay.from_forecast(frame)
    (band,) = display.ax_.collections
    (ends,) = band.get_segments()
    assert ends[:, 1].tolist() == frame.iloc[0, 1:].tolist()


def test_names_that_look_like_those_of_bounds():
    frame = pd.DataFrame(
        {"a": [1.0, 2], "a_lower_90": [0.0, 1], "b_upper_90": [3.0, 4]}
    )
    display = ForecastDisplay.from_forecast(frame, target="b_upper_90")
    assert (display.y_pred.tolist(), display.intervals) == ([3, 4], {})
    assert ForecastDisplay.from_forecast(frame).intervals == {}
    with pytest.raises(ValueError, match=r"target='a_lower_90' is not one of the 2"):
        ForecastDisplay.from_forecast(frame, target="a_lower_90")


def test_targets_of_other_steps_and_of_several_levels():
    frame = pd.DataFrame(
        {("x", "a"): [1.0, np.nan], ("x", "a_lower_80"): [0.0, np.nan]}
        | {("x", "a_upper_80"): [3.0, np.nan], ("x", "b"): [5.0, 6.0]},
        index=DATA.index[:2],
    )
    display = ForecastDisplay.from_forecast(frame, target=("x", "a"))
    assert display.y_pred.tolist() == [1.0]
    assert display.index.tolist() == [DATA.index[0]]
    assert [end.tolist() for end in display.intervals[0.8]] == [[0.0], [3.0]]
    assert display.name == "x a"


# A frame of backtest


@pytest.mark.parametrize("kind", ["days", "periods", "numbers", "array"])
def test_a_line_for_each_cutoff(kind):
    data = {
        "days": DATA,
        "periods": DATA.to_period("D"),
        "numbers": DATA.reset_index(drop=True),
        "array": DATA["load"].to_numpy(),
    }[kind]
    frame = past(data, 0 if kind == "array" else "load", levels=LEVELS)
    display = BacktestDisplay.from_frame(frame)
    drawn, ax = lines(display.ax_), display.ax_
    assert len(drawn) == 18
    np.testing.assert_array_equal(drawn[1].get_ydata(), frame["y_pred"][3:6])
    np.testing.assert_array_equal(truth(ax).get_ydata(), DATA["load"][40:60])
    dates = kind in ("days", "periods")
    times = DATA.index.to_numpy() if dates else np.arange(N)
    np.testing.assert_array_equal(truth(ax).get_xdata(), times[40:60])
    np.testing.assert_array_equal(drawn[1].get_xdata(), times[41:44])
    assert legend(ax) == ["80 % interval", "50 % interval", "truth", "forecasts"]
    assert len(ax.collections) == 36
    assert ax.get_ylabel() == ("target" if kind == "array" else "load")
    assert ax.get_xlabel() == ("time" if dates else "row")


def test_one_step_ahead_is_one_line():
    frame = past(DATA, horizon=1)
    display = BacktestDisplay.from_frame(frame)
    (line,) = lines(display.ax_)
    np.testing.assert_array_equal(line.get_ydata(), frame["y_pred"])
    assert legend(display.ax_) == ["truth", "forecast"]


def test_one_target_of_one_series():
    frame = past(PANEL, ["load", "price"], align="end")
    display = BacktestDisplay.from_frame(frame, target="price", series="south")
    part = frame.query("plant == 'south' and target == 'price'")
    pd.testing.assert_frame_equal(display.forecasts, part.reset_index(drop=True))
    assert (display.name, display.title) == ("price", "south")
    assert display.ax_.get_title() == "south"
    with pytest.raises(ValueError, match="forecasts has 2 series, 'north', 'south'"):
        BacktestDisplay.from_frame(frame)
    with pytest.raises(ValueError, match="series='west' is not one of the 2 series"):
        BacktestDisplay.from_frame(frame, series="west")
    with pytest.raises(ValueError, match="target='x' is not one of the 2 targets"):
        BacktestDisplay.from_frame(frame, series="south", target="x")


@pytest.mark.parametrize("series", [None, "south"])
def test_errors_by_step(series):
    frame = past(PANEL, ["load", "price"])
    display = BacktestDisplay.from_frame(
        frame, kind="error_by_step", target="price", series=series
    )
    part = frame[frame["target"] == "price"]
    part = part if series is None else part[part["plant"] == series]
    errors = np.abs(part["y_true"] - part["y_pred"]).groupby(part["step"])
    (mean,) = display.ax_.get_lines()
    assert mean.get_xdata().tolist() == [1, 2, 3]
    np.testing.assert_allclose(mean.get_ydata(), errors.mean())
    for band, ends in zip(
        display.ax_.collections, ((0.05, 0.95), (0.25, 0.75)), strict=True
    ):
        drawn = band.get_paths()[0].vertices
        for end in ends:
            assert np.isin(np.round(errors.quantile(end), 9), np.round(drawn, 9)).all()
    assert legend(display.ax_) == ["90 % of cut-offs", "50 % of cut-offs", "mean"]
    assert display.ax_.get_ylabel() == "absolute error\n(price)"
    assert display.title == series


def test_errors_of_one_step():
    frame = past(DATA, horizon=1)
    display = BacktestDisplay.from_frame(frame, kind="error_by_step", name="MW")
    assert display.ax_.get_xticks().tolist() == [1]
    assert display.ax_.get_ylabel() == "absolute error\n(MW)"


def test_frames_that_cannot_be_drawn():
    X, y, _ = make_supervised(DATA, target="load")
    frame = backtest(SeasonalNaiveRegressor(3), X, y, cv=TimeSeriesSplit(2))
    with pytest.raises(ValueError, match="forecasts has no column 'cutoff': give the"):
        BacktestDisplay.from_frame(frame.drop(columns="cutoff"))
    with pytest.raises(ValueError, match="series='a' names a series, but forecasts"):
        BacktestDisplay.from_frame(frame, series="a")
    with pytest.raises(ValueError, match="kind='errors'"):
        BacktestDisplay.from_frame(frame, kind="errors")
    with pytest.raises(ValueError, match="forecasts has no row"):
        BacktestDisplay.from_frame(frame[:0])


def test_a_frame_of_the_other_kind_is_an_error():
    frame = pd.DataFrame({"cutoff": [1], "y_pred": [1.0]})
    with pytest.raises(ValueError, match=r"draw it by BacktestDisplay\.from_frame"):
        ForecastDisplay.from_forecast(frame)
