"""Explanations and pictures of one of many series in a frame."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.pipeline import make_pipeline

from sktsdl import (
    AttentionLSTMRegressor,
    ConformalRegressor,
    LSTMRegressor,
    MultiTaskNet,
    RatioLogScaler,
    RelativeTargetRegressor,
    SlidingWindow,
    load,
    make_supervised,
)
from sktsdl.inspection import (
    AttentionDisplay,
    AttributionDisplay,
    ForecastDisplay,
    LossCurveDisplay,
    ResidualDisplay,
    channel_importance,
    integrated_gradients,
    lag_importance,
)
from sktsdl.inspection._residual_diagnostics import residual_diagnostics
from sktsdl.inspection._series import pick_row, pick_series
from tests.series import INDEXES
from tests.test_panel import LAYOUTS, by_itself, frame_index, next_rail, panel, split

SHOPS = ["shop 0", "shop 1", "shop 2", "shop 3"]
NAMED = r"X has 4 series, 'shop 0', 'shop 1', 'shop 2' and 1 more.*`series`"
UNKNOWN = r"series='shop 9' is not one of the 4 series in X, 'shop 0', .* 1 more"


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def net(**params):
    return AttentionLSTMRegressor(
        hidden_sizes=(4,), max_epochs=2, random_state=0, **params
    )


@pytest.fixture(scope="module")
def models():
    """Models of the next value, with what each was fitted to."""
    X = split(panel())[0]
    y = next_rail(X)
    windows = SlidingWindow(4)
    found = {
        "windows": make_pipeline(windows, net()),
        "two steps": make_pipeline(RatioLogScaler(), windows, net()),
        "conformal": ConformalRegressor(make_pipeline(windows, net())),
        "quantiles": make_pipeline(windows, net(loss="quantile")),
        "relative": RelativeTargetRegressor(make_pipeline(windows, net())),
    }
    return {name: model.fit(X, y) for name, model in found.items()}


def ahead_of(X, shop, n=1):
    """The times right after those of the rows of a series."""
    times = X.xs(shop).index
    return times[1:].append(pd.date_range(times[-1] + pd.Timedelta("1D"), periods=n))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "name", ["windows", "two steps", "conformal", "quantiles", "relative"]
)
def test_a_forecast_is_that_of_one_series(models, name, layout):
    model, (_, X) = models[name], split(panel(layout=layout))
    y = next_rail(X)
    predicted = pd.Series(model.predict(X), index=X.index)
    history = split(panel(layout=layout))[0]["rail"]
    for shop in SHOPS[:3]:
        display = ForecastDisplay.from_estimator(
            model, X, y, series=shop, history=history
        )
        np.testing.assert_array_equal(display.y_pred, predicted.xs(shop))
        np.testing.assert_array_equal(display.y_true, y.xs(shop))
        assert list(display.index) == list(ahead_of(X, shop))
        assert display.history.equals(history.xs(shop))
        forecast = display.ax_.get_lines()[-1]
        np.testing.assert_array_equal(forecast.get_ydata(), predicted.xs(shop))
        assert display.ax_.get_title() == display.title == shop
        assert display.ax_.get_xlabel() == "time"
        if name == "conformal":
            for part, ends in zip(
                (display.lower, display.upper), model.predict_interval(X), strict=True
            ):
                ends = pd.Series(ends, index=X.index)
                np.testing.assert_array_equal(part, ends.xs(shop))
        if name == "quantiles":
            quantiles = pd.DataFrame(
                model[-1].predict_quantiles(model[0].transform(X)), index=X.index
            )
            np.testing.assert_array_equal(display.quantiles, quantiles.xs(shop))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("row", [-1, 0, 4])
def test_a_forecast_of_a_horizon_counts_the_rows_of_the_series(layout, row):
    X, y, _ = make_supervised(panel(layout=layout), target=["rail", "bus"], horizon=3)
    model = make_pipeline(SlidingWindow(4), net()).fit(X, y)
    values = panel(layout=layout).xs("shop 1")["bus"]
    display = ForecastDisplay.from_estimator(
        model, X, y, series="shop 1", row=row, target="bus"
    )
    predicted = pd.DataFrame(model.predict(X), index=X.index).xs("shop 1")
    np.testing.assert_array_equal(display.y_pred, predicted.iloc[row, 3:])
    at = row % len(predicted)
    np.testing.assert_array_equal(display.y_true, values.iloc[at + 1 : at + 4])
    assert list(display.index) == list(values.index[at + 1 : at + 4])
    # The truth of this row alone, with the names of the series or without.
    full = panel(layout=layout)["bus"]
    is_drawn = full.index.isin([("shop 1", time) for time in display.index])
    for truth in (full[is_drawn], full[is_drawn].droplevel(0)):
        again = ForecastDisplay.from_estimator(
            model, X, truth, series="shop 1", row=row, target="bus"
        )
        np.testing.assert_array_equal(again.y_true, display.y_true)
    with pytest.raises(ValueError, match=r"row=99 .* series 'shop 1', which has 52"):
        ForecastDisplay.from_estimator(model, X, series="shop 1", row=99)


@pytest.mark.parametrize(
    "index",
    ["daily", "hourly, spring", "business days", "months", "periods"],
)
def test_one_row_of_each_series_is_followed_by_the_time_of_the_calendar(index):
    X, y, X_latest = make_supervised(
        panel([(0, 60), (5, 60)], index), target="rail", horizon=1
    )
    model = DummyRegressor().fit(X, y)
    display = ForecastDisplay.from_estimator(model, X_latest, series="shop 1")
    alone = panel([(0, 60)], index).xs("shop 0")
    alone.index = INDEXES[index][:60]
    _, _, latest = make_supervised(alone, target="rail")
    expected = ForecastDisplay.from_estimator(model, latest)
    assert list(display.index) == list(expected.index)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_residuals_are_those_of_one_series(models, layout):
    model, X = models["windows"], split(panel(layout=layout))[1]
    y = next_rail(X)
    residuals = y - model.predict(X)
    for shop in SHOPS[:3]:
        display = ResidualDisplay.from_estimator(model, X, y, series=shop, n_lags=5)
        own = residuals.xs(shop).to_numpy()
        np.testing.assert_array_equal(display.residuals, own)
        over_time = display.ax_[0]
        np.testing.assert_array_equal(over_time.get_lines()[1].get_ydata(), own)
        assert list(display.index) == list(ahead_of(X, shop))
        assert over_time.get_title() == shop
        acf, p_value = residual_diagnostics(own, 5)
        np.testing.assert_array_equal(display.acf, acf)
        assert display.p_value == p_value
        again = ResidualDisplay.from_predictions(
            y, model.predict(X), series=shop, n_lags=5
        )
        np.testing.assert_array_equal(again.residuals, own)
        assert list(again.index) == list(X.xs(shop).index)


def test_residuals_of_a_horizon_stand_at_their_rows():
    X, y, _ = make_supervised(panel(), target="rail", horizon=2)
    model = make_pipeline(SlidingWindow(4), net()).fit(X, y)
    display = ResidualDisplay.from_estimator(model, X, y, series="shop 2", target=1)
    expected = (y - model.predict(X)).xs("shop 2")
    np.testing.assert_array_equal(display.residuals, expected["rail+2"])
    assert list(display.index) == list(expected.index)


def test_a_given_forecast_of_many_series():
    y = panel()["rail"]
    bounds = {"lower": y - 1, "upper": y + 2}
    quantiles = np.column_stack([y - 1, y, y + 1])
    display = ForecastDisplay.from_predictions(
        y, y + 0.5, **bounds, quantiles=quantiles, series="shop 3", history=y
    )
    own = y.xs("shop 3")
    np.testing.assert_array_equal(display.y_true, own)
    np.testing.assert_array_equal(display.y_pred, own + 0.5)
    np.testing.assert_array_equal(display.lower, own - 1)
    np.testing.assert_array_equal(display.upper, own + 2)
    np.testing.assert_array_equal(display.quantiles[:, 2], own + 1)
    assert display.history.equals(own)
    assert (display.name, display.title) == ("rail", "shop 3")
    again = ForecastDisplay.from_predictions(
        y.to_numpy(), y, index=y.index, series="shop 3"
    )
    assert again.index.equals(display.index)
    for cls in (ForecastDisplay, ResidualDisplay):
        with pytest.raises(
            ValueError, match=r"forecast has 4 series, 'shop 0'.*`series`"
        ):
            cls.from_predictions(y, y + 0.5)


@pytest.mark.parametrize("cls", [ForecastDisplay, ResidualDisplay])
def test_a_series_must_be_named_if_there_are_many(models, cls):
    model, X = models["windows"], split(panel())[1]
    y = next_rail(X)
    with pytest.raises(ValueError, match=NAMED):
        cls.from_estimator(model, X, y)
    with pytest.raises(ValueError, match=UNKNOWN):
        cls.from_estimator(model, X, y, series="shop 9")
    with pytest.raises(ValueError, match=r"series=\['shop 1'\] is not one of"):
        cls.from_estimator(model, X, y, series=["shop 1"])
    with pytest.raises(ValueError, match="rows of X are one series without a name"):
        cls.from_estimator(
            DummyRegressor().fit(X, y),
            X.xs("shop 1"),
            series="shop 1",
            y=y.xs("shop 1"),
        )
    one = X.loc[["shop 1"]]
    display = cls.from_estimator(model, one, y.loc[["shop 1"]])
    named = cls.from_estimator(model, X, y, series="shop 1")
    assert display.title == named.title == "shop 1"
    for name in ("y_pred", "residuals"):
        if hasattr(display, name):
            np.testing.assert_array_equal(getattr(display, name), getattr(named, name))


@pytest.mark.parametrize("cls", [AttentionDisplay, AttributionDisplay])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_window_of_a_row_of_a_series(models, cls, layout):
    model, X = models["windows"], split(panel(layout=layout))[1]
    what = "weights" if cls is AttentionDisplay else "attributions"
    if cls is AttentionDisplay:
        values = model[-1].attention_weights(model[:-1].transform(X))
    else:
        values = integrated_gradients(model, X)
    rows = np.arange(len(X))
    is_shop = X.index.get_level_values(0) == "shop 2"
    for row in (-1, 0, 3):
        display = cls.from_estimator(model, X, row=row)
        np.testing.assert_allclose(getattr(display, what), values[row], rtol=1e-6)
        shop, time = X.index[row]
        assert display.title == f"window of {shop} that ends at {time:%Y-%m-%d}"
        display = cls.from_estimator(model, X, row=row, series="shop 2")
        at = rows[is_shop][row]
        np.testing.assert_allclose(getattr(display, what), values[at], rtol=1e-6)
        expected = f"window of shop 2 that ends at {X.index[at][1]:%Y-%m-%d}"
        assert display.ax_.get_title() == expected
    with pytest.raises(ValueError, match=UNKNOWN):
        cls.from_estimator(model, X, series="shop 9")
    with pytest.raises(
        ValueError, match=r"row=20 is not .* series 'shop 2', which has 20"
    ):
        cls.from_estimator(model, X, series="shop 2", row=20)
    # The windows themselves have the labels too.
    again = cls.from_estimator(model[-1], model[0].transform(X), series="shop 2")
    last = cls.from_estimator(model, X, series="shop 2")
    np.testing.assert_array_equal(getattr(again, what), getattr(last, what))
    assert again.title == last.title


def test_the_curves_of_a_training_on_many_series(models):
    display = LossCurveDisplay.from_estimator(models["windows"])
    assert list(display.loss_curve) == models["windows"][-1].loss_curve_


NAMES = {
    "numbers": (lambda f: f.assign(shop=f["shop"].str[-1].astype(int)), 1, "shop 1"),
    "tuples": (
        lambda f: f.assign(shop=[("a", name) for name in f["shop"]]),
        ("a", "shop 1"),
        "a shop 1",
    ),
    "two levels": (
        lambda f: f.assign(city="x" + f["shop"].str[-1])[["city", "shop", "time"]],
        ("x1", "shop 1"),
        "x1, shop 1",
    ),
    "text and number": (
        lambda f: f.assign(city="Bonn", shop=f["shop"].str[-1].astype(int))[
            ["city", "shop", "time"]
        ],
        ("Bonn", 1),
        "Bonn, shop 1",
    ),
    "dates": (
        lambda f: f.assign(
            shop=pd.to_datetime(
                "2020-01-0" + (f["shop"].str[-1].astype(int) + 1).astype(str)
            )
        ),
        pd.Timestamp("2020-01-02"),
        "shop 2020-01-02",
    ),
    "categories": (
        lambda f: f.assign(
            shop=pd.Categorical(f["shop"], categories=["other", "shop 1", "shop 0"])
        ),
        "shop 1",
        "shop 1",
    ),
    "no names of levels": (
        lambda f: f.rename(columns={"shop": None}).rename(columns={"time": None}),
        "shop 1",
        "shop 1",
    ),
}


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_names_of_every_kind(kind, layout):
    change, name, title = NAMES[kind]
    X = panel([(0, 20), (3, 20)], layout=layout)
    index = frame_index(change(X.index.to_frame(index=False)))
    picked = pick_series(index, name)
    assert picked.title == title
    assert X.iloc[picked.rows].index.equals(X.loc[["shop 1"]].index)
    assert list(picked.times) == list(X.loc["shop 1"].index)
    row, of_window = pick_row(X.set_axis(index), -1, name)
    assert row == picked.rows[-1]
    assert of_window == f"window of {title} that ends at {picked.times[-1]:%Y-%m-%d}"
    own = picked.own(X["rail"].set_axis(index), "history")
    assert own.equals(X["rail"].xs("shop 1"))


def test_a_history_of_other_series():
    X = split(panel())[1]
    y = next_rail(X)
    model = DummyRegressor().fit(X, y)
    kwargs = {"series": "shop 1"}
    with pytest.raises(ValueError, match=r"'shop 1' is not one of the 3 .* in history"):
        ForecastDisplay.from_estimator(
            model, X, y, history=X["rail"].drop("shop 1", level=0), **kwargs
        )
    with pytest.raises(ValueError, match=r"index of history cannot.* goes back"):
        ForecastDisplay.from_estimator(model, X, y, history=X["rail"][::-1], **kwargs)
    alone = X["rail"].xs("shop 1")
    display = ForecastDisplay.from_estimator(model, X, y, history=alone, **kwargs)
    assert display.history.equals(alone)


def array_model(X):
    """A net of windows, and the windows of each series as plain samples."""
    model = make_pipeline(SlidingWindow(5), LSTMRegressor(max_epochs=3, random_state=0))
    model.fit(X, next_rail(X))
    return model, by_itself(model[0], X, X)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("importance", [channel_importance, lag_importance])
def test_importances_are_those_of_the_windows_of_each_series(importance, layout):
    X = panel(layout=layout)
    y = next_rail(X)
    model, windows = array_model(X)
    found = importance(model, X, y, random_state=0)
    expected = importance(model[-1], windows, y.to_numpy(), random_state=0)
    np.testing.assert_array_equal(found.importances, expected.importances)
    # Windows with unknown steps are left out.
    is_whole = X.groupby(level=0).cumcount().to_numpy() >= 4
    whole = importance(model[-1], windows[is_whole], y[is_whole], random_state=0)
    np.testing.assert_array_equal(found.importances, whole.importances)


def test_importances_of_short_series_only():
    X = panel()
    model, _ = array_model(X)
    short = X.groupby(level=0).head(3).rename(index=lambda name: f"{name} new", level=0)
    with pytest.raises(ValueError, match="None of the 12 windows of X is complete"):
        channel_importance(model, short, next_rail(short))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gradients_of_windows_with_unknown_history(layout):
    X = panel([(0, 14), (3, 9)], layout=layout)
    model, windows = array_model(X)
    found = integrated_gradients(model, X, n_steps=200)
    np.testing.assert_array_equal(
        found, integrated_gradients(model[-1], windows, n_steps=200)
    )
    mean = np.broadcast_to(model[-1]._spec.channels.mean, windows.shape[1:])
    gap = model.predict(X) - model[-1].predict(mean[None])
    np.testing.assert_allclose(found.sum(axis=(1, 2)), gap, atol=1e-5)


def test_the_net_of_several_tasks():
    X = panel()
    rail = next_rail(X)
    y = pd.DataFrame({"level": rail, "up": np.where(rail > X["rail"], "yes", "no")})
    tasks = {"level": "regression", "up": "classification"}
    model = make_pipeline(SlidingWindow(4), MultiTaskNet(net(), tasks=tasks)).fit(X, y)
    windows = model[0].transform(X)
    for predicted in (model.predict(X), model[-1].predict(windows)):
        assert predicted.index.equals(X.index)
    numbered = model[-1].predict(np.asarray(windows))
    assert numbered.index.equals(pd.RangeIndex(len(X)))
    assert model[-1].predict(windows[5:9]).index.equals(X.index[5:9])
    attributions = AttributionDisplay.from_estimator(model, X, series="shop 0")
    expected = integrated_gradients(model, X.loc[["shop 0"]])[-1]
    np.testing.assert_allclose(attributions.attributions, expected, rtol=1e-6)
    assert channel_importance(model, X, y, random_state=0).importances.shape == (2, 5)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_intervals_and_quantiles_of_a_series_do_not_depend_on_the_others(layout):
    X, y, _ = make_supervised(panel(layout=layout), target=["rail", "bus"], horizon=2)
    is_train = X.index.get_level_values(1) < INDEXES["daily"][40]
    train, test = X[is_train], X[~is_train]
    is_shop = test.index.get_level_values(0) == "shop 1"
    quantiles = make_pipeline(SlidingWindow(4), net(loss="quantile"))
    for model in (
        ConformalRegressor(quantiles, confidence_level=0.8),
        RelativeTargetRegressor(quantiles),
    ):
        model.fit(train, y[is_train])
        methods = ["predict", "predict_quantiles"]
        if isinstance(model, ConformalRegressor):
            model.update(test, y[~is_train])
            methods.append("predict_interval")
        for method in methods:
            predict = getattr(model, method)
            found = np.moveaxis(predict(test), -1, 0)
            alone = np.moveaxis(predict(test[is_shop]), -1, 0)
            axis = found.shape.index(len(test))
            np.testing.assert_array_equal(np.compress(is_shop, found, axis), alone)


@pytest.mark.parametrize("relation", ["ratio", "difference"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_several_targets_relative_to_each_row(relation, layout):
    X, y, _ = make_supervised(panel(layout=layout), target=["rail", "bus"], horizon=2)
    model = RelativeTargetRegressor(DummyRegressor(), relation=relation).fit(X, y)
    last = X[["rail", "rail", "bus", "bus"]].to_numpy()
    if relation == "ratio":
        expected = last * np.exp(np.log(y / last).mean().to_numpy())
    else:
        expected = last + (y - last).mean().to_numpy()
    np.testing.assert_allclose(model.predict(X), expected)


def test_a_net_of_many_series_is_saved(tmp_path):
    X = panel()
    windows = SlidingWindow(4).fit_transform(X)
    fitted = net().fit(windows, next_rail(X))
    fitted.save(tmp_path / "net")
    again = load(tmp_path / "net")
    np.testing.assert_array_equal(again.predict(windows), fitted.predict(windows))
