"""What the pictures show: data on their axes, labels, dates and legends."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.dates import ConciseDateFormatter
from scipy.stats import chi2
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from statsmodels.stats.diagnostic import acorr_ljungbox

from sktsdl import (
    AttentionLSTMRegressor,
    ConformalRegressor,
    LSTMRegressor,
    MultiTaskNet,
    PurgedRegressor,
    RelativeTargetRegressor,
    SlidingWindow,
    TCNRegressor,
    TransformerRegressor,
    make_supervised,
)
from sktsdl.datasets import load_air_passengers
from sktsdl.inspection import (
    AttentionDisplay,
    AttributionDisplay,
    DecompositionDisplay,
    ForecastDisplay,
    LossCurveDisplay,
    ResidualDisplay,
    integrated_gradients,
)
from sktsdl.inspection._residual_diagnostics import residual_diagnostics
from sktsdl.inspection._series import pick_row

WINDOW = 6
TRAINED = {"max_epochs": 2, "random_state": 0}
NETS = [
    LSTMRegressor(hidden_sizes=(4,), early_stopping=True, **TRAINED),
    TCNRegressor(channels=(4, 4), early_stopping=True, **TRAINED),
    TransformerRegressor(
        d_model=8, nhead=2, num_layers=1, early_stopping=True, **TRAINED
    ),
]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module", params=NETS, ids=lambda net: type(net).__name__)
def pipe(request, air_passengers):
    X, y, _ = air_passengers
    return make_pipeline(SlidingWindow(WINDOW), request.param).fit(X[:100], y[:100])


@pytest.fixture(scope="module")
def yearly():
    """A pipeline that forecasts four months, and the rows after its training rows."""
    X, y, _ = make_supervised(load_air_passengers(), target="passengers", horizon=4)
    regressor = LSTMRegressor(hidden_sizes=(4,), **TRAINED)
    pipe = make_pipeline(SlidingWindow(WINDOW), regressor).fit(X[:100], y[:100])
    return pipe, X[100:], y[100:]


def lines(ax):
    return {line.get_label(): line for line in ax.get_lines()}


def visible_spines(ax):
    return {side for side, spine in ax.spines.items() if spine.get_visible()}


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_forecast_of_the_next_month(pipe, air_passengers):
    X, y, X_latest = air_passengers
    asked = pd.concat([X[100:], X_latest])
    truth = [*y[100:], 0]
    display = ForecastDisplay.from_estimator(pipe, asked, truth, name="passengers")
    assert (display.figure_, display.ax_) == (display.ax_.figure, plt.gca())
    drawn = lines(display.ax_)
    months = pd.date_range(X.index[101], periods=len(asked), freq="MS")
    for name, values in (("truth", truth), ("forecast", pipe.predict(asked))):
        np.testing.assert_array_equal(drawn[name].get_xdata(), months)
        np.testing.assert_allclose(drawn[name].get_ydata(), values)
    assert display.ax_.get_xlabel() == "month"
    assert display.ax_.get_ylabel() == "passengers"
    assert legend(display.ax_) == ["truth", "forecast"]
    assert visible_spines(display.ax_) == {"left", "bottom"}
    display.figure_.canvas.draw()
    assert "1958" in [tick.get_text() for tick in display.ax_.get_xticklabels()]
    formatter = display.ax_.xaxis.get_major_formatter()
    assert isinstance(formatter, ConciseDateFormatter)


@pytest.mark.parametrize("row", [-1, 3])
def test_a_forecast_of_a_horizon(yearly, row):
    pipe, X, y = yearly
    history = load_air_passengers()["passengers"]
    display = ForecastDisplay.from_estimator(pipe, X, y, row=row, history=history[:50])
    drawn = lines(display.ax_)
    months = pd.date_range(X.index[row], periods=5, freq="MS")[1:]
    np.testing.assert_array_equal(drawn["truth"].get_xdata(), months)
    np.testing.assert_array_equal(drawn["truth"].get_ydata(), history[months])
    np.testing.assert_array_equal(drawn["forecast"].get_ydata(), pipe.predict(X)[row])
    np.testing.assert_array_equal(drawn["history"].get_ydata(), history[:50])
    assert display.ax_.get_ylabel() == "passengers"
    only = ForecastDisplay.from_estimator(pipe, X)
    assert legend(only.ax_) == ["forecast"]
    with pytest.raises(ValueError, match="row=41 is not a row of X, which has 40 rows"):
        ForecastDisplay.from_estimator(pipe, X, row=41)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ForecastDisplay.from_estimator(pipe, X, y[:-1], row=row)


class WithInterval(LinearRegression):
    def predict_interval(self, X):
        prediction = self.predict(X)
        return prediction - 1, prediction + 2


class WithQuantiles(LinearRegression):
    quantiles = (0.1, 0.5, 0.9)

    def predict_quantiles(self, X):
        return self.predict(X)[..., None] + np.array([-3, 0, 5])


def band(ax, which=0):
    return ax.collections[which].get_paths()[0].vertices


@pytest.mark.parametrize("horizon", [1, 4])
@pytest.mark.parametrize("in_pipeline", [False, True])
@pytest.mark.parametrize(
    ("cls", "low", "high", "label"),
    [(WithInterval, 1, 2, "interval"), (WithQuantiles, 3, 5, "quantiles 0.1 to 0.9")],
)
def test_bands_of_a_regressor(horizon, in_pipeline, cls, low, high, label):
    X, y, _ = make_supervised(
        load_air_passengers(), target="passengers", horizon=horizon
    )
    regressor = cls()
    if in_pipeline:
        window = SlidingWindow(2, flatten=True, pad="edge")
        regressor = make_pipeline(window, cls())
    regressor.fit(X[:100], y[:100])
    display = ForecastDisplay.from_estimator(regressor, X[100:], y[100:])
    predicted = np.atleast_2d(regressor.predict(X[100:]))[-1]
    edges = band(display.ax_)[:, 1]
    assert edges.min() == pytest.approx(predicted.min() - low)
    assert edges.max() == pytest.approx(predicted.max() + high)
    assert label in legend(display.ax_)


def test_bands_of_the_package(air_passengers):
    X, y, _ = air_passengers
    train, test = slice(0, 100), slice(100, None)
    window = SlidingWindow(WINDOW, flatten=True, pad="edge")
    model = ConformalRegressor(make_pipeline(window, LinearRegression()))
    display = ForecastDisplay.from_estimator(
        model.fit(X[train], y[train]), X[test], y[test]
    )
    ends = model.predict_interval(X[test])
    np.testing.assert_array_equal((display.lower, display.upper), ends)
    regressor = LSTMRegressor(hidden_sizes=(4,), loss="quantile", **TRAINED)
    pipe = make_pipeline(SlidingWindow(WINDOW), regressor).fit(X[train], y[train])
    display = ForecastDisplay.from_estimator(pipe, X[test], y[test])
    fan = regressor.predict_quantiles(pipe[:-1].transform(X[test]))
    np.testing.assert_array_equal(display.quantiles, fan)
    assert display.levels == (0.1, 0.5, 0.9)


WRAPS = {
    "pipeline": lambda model: make_pipeline(model),
    "purged": lambda model: PurgedRegressor(model, purge=0),
    "frozen": FrozenEstimator,
}


@pytest.mark.parametrize("relation", ["ratio", "difference"])
@pytest.mark.parametrize("wrap", WRAPS)
def test_bands_of_relative_targets(air_passengers, wrap, relation):
    X, y, _ = air_passengers
    train, test = slice(0, 100), slice(100, None)
    net = LSTMRegressor(hidden_sizes=(4,), loss="quantile", **TRAINED)
    pipe = make_pipeline(SlidingWindow(WINDOW), PurgedRegressor(net, purge=1))
    model = RelativeTargetRegressor(pipe, relation=relation)
    model = WRAPS[wrap](model.fit(X[train], y[train])).fit(X[train], y[train])
    display = ForecastDisplay.from_estimator(model, X[test], y[test])
    expected = model.predict(X[test], return_quantiles=True)[1]
    np.testing.assert_array_equal(display.quantiles, expected)
    assert display.levels == (0.1, 0.5, 0.9)
    assert "quantiles 0.1 to 0.9" in legend(display.ax_)


def test_the_net_of_several_targets_and_of_a_frozen_estimator(air_passengers):
    X, y, _ = air_passengers
    tasks = {"level": "regression", "is_high": "classification"}
    targets = pd.DataFrame({"level": y, "is_high": y > 200})
    net = MultiTaskNet(LSTMRegressor(hidden_sizes=(4,), **TRAINED), tasks=tasks)
    pipe = make_pipeline(SlidingWindow(WINDOW), PurgedRegressor(net, purge=1))
    fitted = FrozenEstimator(pipe.fit(X, targets))
    display = LossCurveDisplay.from_estimator(fitted)
    assert display.loss_curve == pipe[-1].regressor_.net_.loss_curve_
    shown = AttributionDisplay.from_estimator(fitted, X)
    assert shown.attributions.shape == (WINDOW, 1)


def test_a_fan_is_darker_inside():
    y = np.arange(5.0)
    fan = y[:, None] + [-2, -1, 0, 1, 2]
    display = ForecastDisplay.from_predictions(None, y, quantiles=fan)
    outer, inner = (part.get_facecolor()[0, :3] for part in display.ax_.collections)
    assert outer.sum() > inner.sum()
    assert legend(display.ax_) == ["quantiles", "forecast"]
    np.testing.assert_allclose(np.ptp(band(display.ax_)[:, 1]), 8)
    np.testing.assert_allclose(np.ptp(band(display.ax_, 1)[:, 1]), 6)


@pytest.mark.parametrize(
    ("index", "times", "label"),
    [
        (pd.RangeIndex(3), [0, 1, 2, 3], "row"),
        (pd.Index(["a", "b", "c"]), [0, 1, 2, 3], "row"),
        (pd.Index([1.5, 2.5, 3.5], name="t"), [1.5, 2.5, 3.5, 4.5], "t"),
        (
            pd.to_timedelta([1, 2, 3], unit="min"),
            [60, 120, 180, 240],
            "time (seconds)",
        ),
        (
            pd.period_range("2020-01", periods=3, freq="M"),
            pd.date_range("2020-01-01", periods=4, freq="MS"),
            "time",
        ),
        (
            pd.date_range("2020-01-01", periods=3, tz="America/Chicago", name="day"),
            pd.date_range("2020-01-01", periods=4),
            "day",
        ),
    ],
)
def test_every_index_has_its_axis(index, times, label):
    y = pd.Series([1.0, 2, 4], index=index, name="rail")
    display = ForecastDisplay.from_predictions(y, y + 1, history=y)
    truth = lines(display.ax_)["truth"]
    np.testing.assert_array_equal(truth.get_xdata(), times[:3])
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == (label, "rail")
    X = pd.DataFrame({"rail": y})
    display = ForecastDisplay.from_estimator(LinearRegression().fit(X, y), X, y)
    truth = lines(display.ax_)["truth"]
    np.testing.assert_array_equal(truth.get_xdata(), times[1:])


def test_few_rows_are_marked_by_shapes_that_differ_in_print():
    drawn = lines(ForecastDisplay.from_predictions(range(60), range(60)).ax_)
    assert (drawn["truth"].get_marker(), drawn["truth"].get_linestyle()) == ("o", "-")
    forecast = drawn["forecast"]
    assert (forecast.get_marker(), forecast.get_linestyle()) == ("s", "--")
    drawn = lines(ForecastDisplay.from_predictions(range(61), range(61)).ax_)
    assert {drawn[name].get_marker() for name in ("truth", "forecast")} == {"None"}


def test_history_without_times_lies_right_before(air_passengers):
    display = ForecastDisplay.from_predictions([4, 5], [5, 5], history=[1, 2, 3])
    np.testing.assert_array_equal(
        lines(display.ax_)["history"].get_xdata(), [-3, -2, -1]
    )
    assert display.ax_.get_ylabel() == "target"


def test_a_forecast_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="upper is missing"):
        ForecastDisplay.from_predictions([1, 2], [1, 2], lower=[0, 1])
    with pytest.raises(ValueError, match=r"y_pred has shape \(2, 2\).* not 1-D"):
        ForecastDisplay.from_predictions([1, 2], np.ones((2, 2)))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ForecastDisplay.from_predictions([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match=r"inconsistent numbers .* \[1, 2\]"):
        ForecastDisplay.from_predictions(
            None, [1, 2], quantiles=[[0, 1], [0, 1]], levels=[0.1]
        )
    with pytest.raises(ValueError, match="y_true contains NaN"):
        ForecastDisplay.from_predictions([1, np.nan], [1, 2])
    day = pd.DataFrame({"a": [1.0]}, index=pd.to_datetime(["2020-01-01"]))
    with pytest.raises(ValueError, match="does not say which one follows"):
        ForecastDisplay.from_estimator(LinearRegression().fit(day, [1.0]), day)


def test_the_curves_of_a_training(pipe):
    regressor = pipe[-1]
    display = LossCurveDisplay.from_estimator(pipe)
    drawn = lines(display.ax_)
    best = f"best epoch, {regressor.best_epoch_}"
    assert list(drawn) == ["training", "validation", best]
    for name, curve in (
        ("training", regressor.loss_curve_),
        ("validation", regressor.validation_loss_curve_),
    ):
        np.testing.assert_array_equal(drawn[name].get_xdata(), [1, 2])
        np.testing.assert_array_equal(drawn[name].get_ydata(), curve)
    assert drawn[best].get_xdata()[0] == regressor.best_epoch_
    rate = display.ax_lr_.get_lines()[0]
    np.testing.assert_array_equal(rate.get_ydata(), regressor.lr_curve_)
    assert rate.get_xdata()[-1] == 2
    assert legend(display.ax_) == [*drawn, "learning rate"]
    assert display.ax_.get_ylabel() == "loss (squared error)"
    display.figure_.canvas.draw()
    assert (display.ax_.get_xticks() % 1 == 0).all()
    styles = [drawn["training"].get_linestyle(), drawn["validation"].get_linestyle()]
    assert styles == ["-", "--"]


def test_curves_alone_and_on_given_axes(yearly):
    _, ax = plt.subplots()
    display = LossCurveDisplay.from_estimator(yearly[0], ax=ax)
    assert display.ax_ is ax
    assert list(lines(ax)) == ["training"]
    assert LossCurveDisplay(loss_curve=[100, 1]).plot().ax_.get_yscale() == "log"
    display = LossCurveDisplay(loss_curve=[3, 2]).plot()
    assert display.ax_.get_yscale() == "linear"
    assert display.ax_lr_ is None
    with pytest.raises(TypeError, match="LinearRegression is not a net"):
        LossCurveDisplay.from_estimator(LinearRegression().fit([[1]], [1]))


def test_attributions_of_a_row(pipe, air_passengers):
    X, _, _ = air_passengers
    display = AttributionDisplay.from_estimator(pipe, X[100:], row=3, n_steps=128)
    assert display.name == "passengers+1"
    window = pipe[:-1].transform(X[100:])[3:4]
    expected = integrated_gradients(pipe[-1], window, n_steps=128)[0]
    np.testing.assert_array_equal(display.attributions, expected)
    np.testing.assert_array_equal(display.image_.get_array(), expected.T)
    assert -display.image_.norm.vmin == display.image_.norm.vmax
    assert [tick.get_text() for tick in display.ax_.get_yticklabels()] == ["passengers"]
    assert display.ax_.get_title() == "window that ends at 1957-08-01"
    assert display.ax_.get_xlim() == (0.5 - WINDOW, 0.5)
    bar = display.image_.colorbar.ax
    assert bar.get_ylabel() == "attribution\n(passengers+1)"
    signs = {text.get_position()[0]: text.get_text() for text in display.ax_.texts}
    strong = np.flatnonzero(np.abs(expected[:, 0]) >= 0.1 * np.abs(expected).max())
    for step in strong:
        sign = "+" if expected[step, 0] > 0 else "\N{MINUS SIGN}"
        assert signs[step - WINDOW + 1] == sign
    assert len(signs) == len(strong)


def test_attributions_of_an_array(yearly):
    pipe, X, _ = yearly
    regressor = LSTMRegressor(hidden_sizes=(4,), **TRAINED)
    windows = np.asarray(pipe[:-1].transform(X))
    regressor.fit(windows, np.arange(len(X)))
    _, ax = plt.subplots()
    display = AttributionDisplay.from_estimator(regressor, windows, ax=ax)
    assert display.ax_ is ax
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["channel 0"]
    assert ax.get_title() == ""
    with pytest.raises(ValueError, match="row=-41 is not a row of X"):
        AttributionDisplay.from_estimator(regressor, windows, row=-41)
    relative = RelativeTargetRegressor(pipe).fit(X, np.ones(len(X)))
    with pytest.raises(TypeError, match="give its `regressor_`"):
        AttributionDisplay.from_estimator(relative, X)


def test_attention_of_steps_and_of_all_steps_to_all(air_passengers):
    X, y, _ = air_passengers
    lstm = AttentionLSTMRegressor(hidden_sizes=(4,), **TRAINED)
    pipe = make_pipeline(SlidingWindow(WINDOW), lstm).fit(X[:100], y[:100])
    display = AttentionDisplay.from_estimator(pipe, X[100:], row=0)
    assert display.figure_.get_size_inches().tolist() == [6.4, 2.6]
    heights = [bar.get_height() for bar in display.ax_.patches]
    weights = pipe[-1].attention_weights(pipe[:-1].transform(X[100:101]))[0]
    np.testing.assert_allclose(heights, weights, rtol=1e-6)
    assert display.ax_.patches[-1].get_x() + 0.4 == pytest.approx(0)
    regressor = TransformerRegressor(d_model=8, nhead=2, num_layers=2, **TRAINED)
    pipe = make_pipeline(SlidingWindow(WINDOW), regressor).fit(X[:100], y[:100])
    weights = pipe[-1].attention_weights(pipe[:-1].transform(X[100:]))[-1]
    for options, layer in (({"layer": 0}, 0), ({"layer": 1}, 1), ({}, 1)):
        display = AttentionDisplay.from_estimator(pipe, X[100:], **options)
        image = display.ax_.images[0]
        np.testing.assert_allclose(image.get_array(), weights[layer], rtol=1e-5)
    assert display.figure_.get_size_inches().tolist() == [4.8, 3.8]
    assert image.get_extent() == [0.5 - WINDOW, 0.5, 0.5, 0.5 - WINDOW]
    assert display.ax_.get_title() == "window that ends at 1960-11-01"
    with pytest.raises(ValueError, match=r"layer=2 is not a layer .* has 2 layers"):
        AttentionDisplay.from_estimator(pipe, X, layer=2)
    tcn = make_pipeline(SlidingWindow(WINDOW), NETS[1]).fit(X, y)
    with pytest.raises(TypeError, match="TCNRegressor has no attention_weights"):
        AttentionDisplay.from_estimator(tcn, X)


@pytest.mark.parametrize(
    ("X", "title"),
    [
        (np.zeros((2, 1)), None),
        (pd.DataFrame({"a": [0, 0]}), "window that ends at 1"),
        (
            pd.DataFrame({"a": 0}, index=pd.date_range("2020-01-01 22:30", periods=2)),
            "window that ends at 2020-01-02 22:30",
        ),
    ],
)
def test_a_title_is_the_label_of_the_row(X, title):
    assert pick_row(X, -1, None)[1] == title


def test_attention_of_patches(air_passengers):
    X, y, _ = air_passengers
    regressor = AttentionLSTMRegressor(hidden_sizes=(4,), patch_size=3, **TRAINED)
    pipe = make_pipeline(SlidingWindow(WINDOW), regressor).fit(X, y)
    display = AttentionDisplay.from_estimator(pipe, X)
    assert len(display.weights) == WINDOW // 3
    assert display.ax_.get_xlabel() == "patch of 3 steps (0 ends with the row itself)"
    regressor.set_params(channel_independent=True).fit(pipe[:-1].transform(X), y)
    with pytest.raises(ValueError, match="weights for each target"):
        AttentionDisplay.from_estimator(pipe, X)


def test_residuals(pipe, air_passengers):
    X, y, _ = air_passengers
    display = ResidualDisplay.from_estimator(pipe, X[100:], y[100:], n_lags=12)
    residuals = y[100:] - pipe.predict(X[100:])
    over_time, histogram, correlation = display.ax_
    drawn = over_time.get_lines()[1]
    np.testing.assert_allclose(drawn.get_ydata(), residuals)
    np.testing.assert_array_equal(drawn.get_xdata()[:-1], X.index[101:])
    assert drawn.get_xdata()[-1] == np.datetime64("1960-12-01")
    assert sum(bar.get_height() for bar in histogram.patches) == len(residuals)
    less = residuals - residuals.mean()
    expected = [(less[k:] * less[:-k].to_numpy()).sum() for k in range(1, 13)]
    acf = correlation.get_lines()[1].get_ydata()
    np.testing.assert_allclose(acf, expected / (less**2).sum())
    band = correlation.patches[0].get_extents()
    band = band.transformed(correlation.transData.inverted())
    assert band.y1 == pytest.approx(1.96 / np.sqrt(len(residuals)), rel=1e-3)
    test = acorr_ljungbox(residuals, lags=[12])
    assert display.p_value == test["lb_pvalue"].iloc[0]
    assert over_time.get_ylabel() == "truth \N{MINUS SIGN} forecast\n(passengers)"
    assert display.figure_ is over_time.figure
    for ax in display.ax_:
        assert visible_spines(ax) == {"left", "bottom"}


def test_the_p_value_tells_a_pattern_from_noise():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=400)
    wave = noise + 2 * np.sin(np.arange(400) * 2 * np.pi / 7)
    display = ResidualDisplay.from_predictions(noise, np.zeros(400))
    assert display.p_value > 0.05
    assert "p = 0." in display.ax_[2].get_title()
    _, axes = plt.subplots(3)
    display = ResidualDisplay.from_predictions(wave, np.zeros(400), ax=axes)
    assert display.ax_.tolist() == axes.tolist()
    assert display.acf.argmax() + 1 in (7, 14, 21)
    assert "p < 0.001" in display.ax_[2].get_title()


def test_diagnostics_of_residuals_against_their_formulas():
    residuals = np.random.default_rng(0).normal(size=50)
    acf, p_value = residual_diagnostics(residuals)
    assert len(acf) == 16  # int(10 * log10(50))
    assert len(residual_diagnostics(residuals[:10])[0]) == 5  # half of the rows
    less = residuals - residuals.mean()
    expected = [(less[k:] * less[:-k]).sum() for k in range(1, 17)]
    np.testing.assert_allclose(acf, expected / (less**2).sum())
    statistic = 50 * 52 * (acf**2 / (50 - np.arange(1, 17))).sum()
    assert p_value == pytest.approx(chi2.sf(statistic, df=16))


def test_residuals_of_a_step_of_the_horizon(yearly):
    pipe, X, y = yearly
    display = ResidualDisplay.from_estimator(pipe, X, y, target=2)
    expected = y.iloc[:, 2] - pipe.predict(X)[:, 2]
    np.testing.assert_array_equal(display.residuals, expected)
    pd.testing.assert_index_equal(display.index, X.index)
    with pytest.raises(ValueError, match="target == 4"):
        ResidualDisplay.from_estimator(pipe, X, y, target=4)


def test_residuals_that_cannot_be_drawn(monkeypatch):
    with pytest.raises(ValueError, match="3 residuals between 0 and 2"):
        ResidualDisplay.from_predictions([0, 1, 2], [0, 0, 0])
    with pytest.raises(ValueError, match="5 residuals between 1 and 1"):
        ResidualDisplay.from_predictions(np.ones(5), np.zeros(5))
    with pytest.raises(ValueError, match=r"ax holds 1 axes.* give 3 axes"):
        ResidualDisplay.from_predictions(range(5), np.zeros(5), ax=plt.gca())
    monkeypatch.setitem(sys.modules, "statsmodels.tsa.stattools", None)
    with pytest.raises(ImportError, match=r"sktsdl\[plot\]"):
        ResidualDisplay.from_predictions(range(5), np.zeros(5))


@pytest.mark.parametrize(
    ("draw", "n_arguments"),
    [
        (AttentionDisplay.from_estimator, 2),
        (AttributionDisplay.from_estimator, 2),
        (DecompositionDisplay.from_estimator, 2),
        (ForecastDisplay.from_estimator, 2),
        (ForecastDisplay.from_predictions, 2),
        (LossCurveDisplay.from_estimator, 1),
        (LossCurveDisplay(loss_curve=[2, 1]).plot, 0),
        (ResidualDisplay.from_estimator, 3),
        (ResidualDisplay.from_predictions, 2),
    ],
    ids=lambda item: getattr(item, "__qualname__", ""),
)
def test_without_matplotlib_the_error_names_it(draw, n_arguments, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.ticker", None)
    with pytest.raises(ImportError, match=rf"\.{draw.__name__} requires matplotlib"):
        draw(*[None] * n_arguments)


@pytest.mark.skipif(
    not hasattr(BaseEstimator, "_get_fitted_attr_html"),
    reason="this scikit-learn shows no fitted attributes",
)
def test_a_diagram_shows_the_layers_of_a_fitted_net(pipe, air_passengers):
    X, y, _ = air_passengers
    regressor = pipe[-1]
    shown = f"Layers, {regressor.n_parameters_:,} parameters"
    layer = str(regressor.module_).splitlines()[1].strip().split(")")[0].strip("(")
    for estimator in (regressor, pipe):
        for text in (
            estimator._repr_html_(),
            estimator._repr_mimebundle_()["text/html"],
        ):
            assert text.startswith("<style>")
            assert text.count(shown) == text.count(f"({layer})") == 1
            assert text.count("<details") == text.count("</details>")
    # A fitted wrapper shows the regressor it was given, which is not fitted.
    unfitted = clone(pipe)
    for estimator in (unfitted, RelativeTargetRegressor(unfitted).fit(X, y)):
        text = estimator._repr_html_()
        assert type(regressor).__name__ in text
        assert "Layers," not in text


def test_the_colours_are_those_of_okabe_and_ito(pipe):
    drawn = lines(LossCurveDisplay.from_estimator(pipe).ax_)
    assert to_hex(drawn["training"].get_color()) == "#0072b2"
    assert to_hex(drawn["validation"].get_color()) == "#d55e00"
