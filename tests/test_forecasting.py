"""Dated forecasts of one series and of many."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sktsdl import (
    ConformalRegressor,
    MultiTaskNet,
    PanelTimeSeriesSplit,
    PurgedRegressor,
    RelativeTargetRegressor,
    SeasonalNaiveRegressor,
    SlidingWindow,
    WindowMLPRegressor,
    forecast,
    make_supervised,
)

N = 60
LINE = pd.DataFrame({"load": np.arange(N, dtype=float), "price": -np.arange(N)})


def linear():
    """Return a regressor that continues lines."""
    window = SlidingWindow(4, flatten=True, pad="edge")
    return make_pipeline(window, LinearRegression())


def mlp(**params):
    params = {"hidden_sizes": (4,), "max_epochs": 2, "random_state": 0} | params
    return make_pipeline(SlidingWindow(4), WindowMLPRegressor(**params))


INDEXES = {
    "days": pd.date_range("2024-01-01", periods=N + 3),
    "months": pd.date_range("2024-01-31", periods=N + 3, freq="ME"),
    "periods": pd.period_range("2024-01", periods=N + 3, freq="M"),
    "quarters": pd.period_range("2024Q1", periods=N + 3, freq="Q-JAN"),
    "business days": pd.bdate_range("2024-01-01", periods=N + 3),
    "hours over a change of the clock": pd.date_range(
        "2024-03-29", periods=N + 3, freq="h", tz="Europe/Berlin"
    ),
    "days over a change of the clock": pd.date_range(
        "2024-02-01", periods=N + 3, freq="D", tz="Europe/Berlin"
    ),
    "time differences": pd.timedelta_range("0s", periods=N + 3, freq="30s"),
    "whole numbers": pd.RangeIndex(5, 5 + N + 3),
    "every other number": pd.Index(range(0, 2 * (N + 3), 2)),
    "numbers": pd.Index(np.arange(N + 3) / 4),
}
# A freq is lost in a csv file.
INDEXES |= {
    f"{name} without freq": pd.DatetimeIndex(index.to_numpy()).tz_localize("UTC")
    if index.tz
    else pd.DatetimeIndex(index.to_numpy())
    for name, index in INDEXES.items()
    if isinstance(index, pd.DatetimeIndex) and "clock" not in name
}


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_times_follow_the_last_row(index, horizon):
    data = LINE[["load"]].set_axis(index[:N].rename("time"))
    X, y, X_latest = make_supervised(data, target="load", horizon=horizon)
    found = forecast(mlp().fit(X, y), X_latest)
    assert found.index.tolist() == index[N : N + horizon].tolist()
    assert found.index.name == "time"
    assert list(found) == ["load"]


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
@pytest.mark.parametrize("order", ["series", "time"])
def test_times_of_many_series_follow_the_last_row_of_each(index, horizon, order):
    ends = {"b": N, "a": N - 7, "c": N}
    parts = {name: LINE[["load"]][:n].set_axis(index[:n]) for name, n in ends.items()}
    data = pd.concat(parts, names=["plant", "time"])
    if order == "time":
        data = data.sort_index(level="time", kind="stable")
    X, y, X_latest = make_supervised(data, target="load", horizon=horizon)
    model = mlp().fit(X, y)
    found = forecast(model, X_latest)
    assert found.index.names == ["plant", "time"]
    assert len(found) == 3 * horizon
    predicted = np.reshape(model.predict(X_latest), (len(X_latest), -1))
    for name, n in ends.items():
        part = found.loc[name]
        assert part.index.tolist() == index[n : n + horizon].tolist()
        rows = X_latest.index.get_level_values("plant") == name
        assert part["load"].tolist() == predicted[rows][-1].tolist()


def test_it_is_the_last_row_of_predict():
    X, y, X_latest = make_supervised(LINE, target=["load", "price"], horizon=3)
    net = mlp().fit(X, y)
    found = forecast(net, X_latest)
    expected = net.predict(X_latest)[-1].reshape(2, 3).T
    np.testing.assert_array_equal(found, expected)
    assert list(found) == ["load", "price"]
    assert found.index.tolist() == [60, 61, 62]


def test_a_model_that_keeps_no_names_has_one_target():
    X, y, X_latest = make_supervised(LINE, target="load", horizon=3)
    model = linear().fit(X, y)
    found = forecast(model, without_names(X_latest))
    np.testing.assert_allclose(found["y"], [60, 61, 62])
    assert found.index.tolist() == [60, 61, 62]


def without_names(X):
    """Return rows that do not say how `y` was made with them."""
    return pd.DataFrame(X.to_dict("series"), index=X.index, columns=X.columns)


LEADS = [
    {"horizon": 2, "lead": 5},
    {"horizon": 1, "lead": 5},
    {"horizon": 2, "target": ["load", "temp"]},
    {"horizon": 3},
]


@pytest.mark.parametrize("params", LEADS)
def test_make_supervised_names_the_targets_of_any_model(params):
    rows = LINE.assign(temp=1000 - LINE["load"])
    X, y, X_latest = make_supervised(rows, **{"target": "load"} | params)
    found = forecast(linear().fit(X, y), X_latest)
    lead = params.get("lead", 1)
    steps = np.arange(lead, lead + params["horizon"])
    assert found.index.tolist() == (N - 1 + steps).tolist()
    np.testing.assert_allclose(found["load"], N - 1 + steps)
    if "target" in params:
        np.testing.assert_allclose(found["temp"], 1001 - N - steps)
    else:
        assert list(found) == ["load"]


def test_arrays_are_numbered_by_their_steps():
    X, y, X_latest = make_supervised(LINE["load"].to_numpy(), target=0, horizon=3)
    found = forecast(linear().fit(X, y), X_latest)
    assert found.index.tolist() == [1, 2, 3]
    assert found.index.name == "step"
    np.testing.assert_allclose(found["y"], [60, 61, 62])


def test_steps_that_start_later_keep_their_times():
    index = pd.period_range("2024-01-01", periods=N, freq="D")
    X, y, X_latest = make_supervised(LINE.set_axis(index), target="load", horizon=4)
    found = forecast(mlp().fit(X, y[["load+3", "load+4"]]), X_latest)
    assert found.index.tolist() == [index[-1] + 3, index[-1] + 4]


def test_targets_of_other_steps_are_missing_there():
    X, y, X_latest = make_supervised(LINE, target=["load", "price"], horizon=2)
    found = forecast(mlp().fit(X, y[["load+1", "load+2", "price+2"]]), X_latest)
    assert found["price"].isna().tolist() == [True, False]
    assert found["load"].notna().all()


MODELS = {
    "search": GridSearchCV(
        linear(), {"slidingwindow__window": [4, 5]}, cv=TimeSeriesSplit(3)
    ),
    "panel search": GridSearchCV(
        mlp(), {"slidingwindow__window": [4]}, cv=PanelTimeSeriesSplit(2)
    ),
    "purged": make_pipeline(SlidingWindow(4), PurgedRegressor(mlp()[-1])),
    "relative": RelativeTargetRegressor(mlp(), relation="difference", column="load"),
    "naive": SeasonalNaiveRegressor(5, column="load"),
    "transformed": TransformedTargetRegressor(mlp()),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_model_that_takes_rows(model):
    index = pd.date_range("2024-01-01", periods=N)
    X, y, X_latest = make_supervised(LINE.set_axis(index), target="load", horizon=2)
    model.fit(X, y)
    found = forecast(model, X_latest)
    assert found.index.tolist() == [index[-1] + pd.Timedelta(days=i) for i in (1, 2)]
    assert found.to_numpy().ravel().tolist() == model.predict(X_latest)[-1].tolist()


def test_labels_of_classes():
    data = LINE.assign(up=["yes", "no"] * 30)
    X, y, X_latest = make_supervised(data[["load"]], target="load")
    both = pd.DataFrame({"load": y, "up": data["up"][: len(y)]})
    tasks = {"load": "regression", "up": "classification"}
    net = mlp(window_norm=None)[-1]
    model = make_pipeline(SlidingWindow(4), MultiTaskNet(net, tasks=tasks))
    found = forecast(model.fit(X, both), X_latest)
    assert list(found) == ["load", "up"]
    assert found["load"].dtype == float
    assert found["up"].isin(["yes", "no"]).all()


@pytest.mark.parametrize(
    "model",
    [
        ConformalRegressor(mlp(), confidence_level=0.5),
        make_pipeline(SlidingWindow(4), ConformalRegressor(mlp()[-1])),
        mlp(loss="quantile", quantiles=(0.05, 0.1, 0.5, 0.9, 0.95)),
        RelativeTargetRegressor(
            mlp(loss="quantile", quantiles=(0.05, 0.1, 0.5, 0.9, 0.95)),
            relation="difference",
            column="load",
        ),
    ],
)
def test_intervals_of_levels(model):
    X, y, X_latest = make_supervised(LINE, target="load", horizon=2)
    model.fit(X, y)
    before = pickle.dumps(model)
    found = forecast(model, X_latest, levels=[0.8, 0.9])
    assert pickle.dumps(model) == before
    names = ["lower_80", "upper_80", "lower_90", "upper_90"]
    assert list(found) == ["load", *(f"load_{name}" for name in names)]
    if hasattr(model, "predict_interval"):
        lower, upper = model.set_params(confidence_level=0.9).predict_interval(X_latest)
        assert found["load_lower_90"].tolist() == lower[-1].tolist()
        assert found["load_upper_90"].tolist() == upper[-1].tolist()
    assert (found["load_lower_90"] <= found["load_lower_80"]).all()
    assert (found["load_lower_80"] <= found["load"]).all()
    assert (found["load_upper_80"] <= found["load_upper_90"]).all()


def test_intervals_of_many_series():
    parts = {name: scale * LINE for name, scale in (("a", 1), ("b", 1000))}
    data = pd.concat(parts, names=["plant", "hour"])
    X, y, X_latest = make_supervised(data, target="load", horizon=2)
    model = ConformalRegressor(mlp(), by_series=True).fit(X, y)
    found = forecast(model, X_latest, levels=[0.9])
    lower, upper = model.predict_interval(X_latest)
    assert found.loc["b", "load_lower_90"].tolist() == lower[3].tolist()
    assert found.loc["a", "load_upper_90"].tolist() == upper[1].tolist()


def test_names_of_several_levels():
    columns = pd.MultiIndex.from_tuples([("north", "load"), ("north", "price")])
    data = LINE.set_axis(columns, axis=1)
    X, y, X_latest = make_supervised(data, target=[("north", "load")], horizon=2)
    model = mlp(loss="quantile").fit(X.to_numpy(), y)
    found = forecast(model, X_latest.to_numpy(), levels=[0.8])
    assert ("north", "load_lower_80") in found.columns.tolist()


def test_models_without_intervals():
    X, y, X_latest = make_supervised(LINE, target="load", horizon=2)
    with pytest.raises(ValueError, match=r"levels=0\.9 needs intervals"):
        forecast(mlp().fit(X, y), X_latest, levels=[0.9])
    model = mlp(loss="quantile").fit(X, y)
    with pytest.raises(ValueError, match=r"needs the quantile 0\.05, and the model"):
        forecast(model, X_latest, levels=[0.9])
    with pytest.raises(ValueError, match=r"levels=90 is not .* such as 0\.9 for 90 %"):
        forecast(model, X_latest, levels=[90])
    with pytest.raises(TypeError, match=r"levels=0\.9 is not a list: give one"):
        forecast(model, X_latest, levels=0.9)


def test_one_time_does_not_say_which_follows():
    index = pd.DatetimeIndex(["2024-01-01", "2024-01-02"])
    model = LinearRegression().fit([[0.0], [1.0]], [1.0, 2.0])
    with pytest.raises(ValueError, match="give more rows, an index with a `freq`, or"):
        forecast(model, pd.DataFrame([[1.0]], index=index[:1]).set_axis([0], axis=1))


@pytest.mark.parametrize("kind", ["dates", "durations", "numbers"])
def test_times_at_steps_of_many_lengths_are_a_guess(kind):
    steps = np.random.default_rng(0).integers(1, 40, size=N).cumsum()
    index = pd.Index(steps)
    if kind != "numbers":
        index = pd.to_timedelta(index, unit="h")
    if kind == "dates":
        index = pd.Timestamp("2024") + index
    X = LINE.set_axis(index)
    model = LinearRegression().fit(X, X["load"])
    with pytest.warns(UserWarning, match="many lengths, so .* by the median step, "):
        forecast(model, X)
    jitter = index.to_series().diff().median() * np.arange(N) + index[0]
    forecast(model, LINE.set_axis(pd.Index(jitter)))


def test_rows_without_the_columns_ahead_name_make_supervised():
    X, y, _ = make_supervised(LINE, target="load", known_future="price", horizon=2)
    model = LinearRegression().fit(X, y)
    with pytest.raises(ValueError, match="feature names should match") as error:
        forecast(model, LINE)
    assert error.value.__notes__[0].startswith("make_supervised gives X_latest")


def test_a_model_that_is_not_fitted():
    with pytest.raises(ValueError, match="not fitted"):
        forecast(mlp(), LINE)


@pytest.mark.parametrize("kind", ["quantiles", "conformal"])
def test_a_gap_is_warned_of_once_in_a_forecast(kind):
    data = LINE.set_axis(INDEXES["days"][:N])
    X, y, _ = make_supervised(data, target="load", horizon=2)
    if kind == "quantiles":
        model = mlp(loss="quantile", quantiles=[0.1, 0.5, 0.9])
    else:
        model = ConformalRegressor(mlp())
    model.fit(X[:40], y[:40])
    with pytest.warns(UserWarning, match="not known") as caught:
        forecast(model, X[50:], levels=[0.8])
    texts = [str(warning.message) for warning in caught]
    assert len(texts) == len(set(texts)) > 0
    # Another call warns anew.
    with pytest.warns(UserWarning, match="not known") as again:
        forecast(model, X[50:], levels=[0.8])
    assert [str(warning.message) for warning in again] == texts
