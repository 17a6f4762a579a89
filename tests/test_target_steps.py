"""The names of `y` say which columns are targets, and which are steps of a horizon."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline

import sktsdl
from sktsdl import (
    ConformalRegressor,
    MultiTaskNet,
    PurgedRegressor,
    RelativeTargetRegressor,
    SeasonalNaiveRegressor,
    SlidingWindow,
    WindowMLPRegressor,
    make_supervised,
)
from sktsdl._sklearn.target_steps import TargetSteps

DAYS = pd.date_range("2024-01-01", periods=40, freq="D", name="day")
RATES = pd.DataFrame({"euro": np.arange(40) + 1.0, "yen": 150.0}, index=DAYS)
RATES["yen"] += np.arange(40) % 7


def two_targets(horizon=1, **params):
    return make_supervised(RATES, target=["euro", "yen"], horizon=horizon, **params)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["rail+1", "rail+2", "bus+1", "bus+2"], ("rail bus", (0, 0, 1, 1), 2)),
        (["bus+3", "rail+1"], ("bus rail", (0, 1), 3)),
        (["a+b+1", "a+b+12"], ("a+b", (0, 0), 12)),
        (["rail+5"], ("rail", (0,), 5)),
    ],
)
def test_names_say_target_and_step(labels, expected):
    steps = TargetSteps.of(pd.DataFrame(np.zeros((1, len(labels))), columns=labels))
    assert (" ".join(steps.names), steps.targets, steps.horizon) == expected
    assert steps.is_known


@pytest.mark.parametrize(
    "y",
    [
        np.zeros((5, 3)),
        np.zeros((5, 3)).tolist(),
        pd.DataFrame(np.zeros((5, 3))),
        pd.DataFrame(np.zeros((5, 3)), columns=["t+0", "t+1", "t+2"]),
        pd.DataFrame(np.zeros((5, 3)), columns=["one", "two", "three"]),
    ],
)
def test_other_names_are_one_horizon(y):
    steps = TargetSteps.of(y)
    assert (steps.targets, steps.steps, steps.is_known) == (
        (0, 0, 0),
        (1, 2, 3),
        False,
    )


def test_names_of_several_levels_are_kept():
    steps = TargetSteps.of_labels([("Close", "TSLA+1"), ("Close", "TSLA+2")])
    assert (steps.names, steps.steps) == ((("Close", "TSLA"),), (1, 2))


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("column", [None, ["euro", "yen"], [0, 1]])
def test_the_naive_forecast_of_several_targets(horizon, column):
    X, y, X_latest = two_targets(horizon)
    naive = SeasonalNaiveRegressor(7, column=column).fit(X, y)
    predicted = naive.predict(X_latest)[-1]
    expected = [RATES[name].iloc[-7 : 40 - 7 + horizon] for name in RATES]
    np.testing.assert_array_equal(predicted, np.concatenate(expected))


def test_the_naive_forecast_of_one_step_of_a_horizon():
    X, y, X_latest = make_supervised(RATES, target="yen", horizon=5)
    naive = SeasonalNaiveRegressor(7).fit(X, y["yen+5"])
    assert naive.predict(X_latest)[-1] == RATES["yen"].iloc[-3]


def test_the_order_of_the_targets_does_not_matter():
    X, y, X_latest = two_targets(2)
    y = y[["yen+2", "euro+1", "yen+1", "euro+2"]]
    predicted = SeasonalNaiveRegressor().fit(X, y).predict(X_latest)
    yen, euro = RATES["yen"].iloc[-1], RATES["euro"].iloc[-1]
    assert predicted[-1].tolist() == [yen, euro, yen, euro]


@pytest.mark.parametrize("relation", ["difference", "ratio"])
@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("column", [None, ["euro", "yen"]])
def test_each_target_is_relative_to_its_own_column(relation, horizon, column):
    X, y, X_latest = two_targets(horizon)
    zero = DummyRegressor(strategy="constant", constant=np.zeros(y.shape[1]))
    relative = RelativeTargetRegressor(zero, column=column, relation=relation)
    predicted = relative.fit(X, y).predict(X_latest)[-1]
    last = RATES.iloc[-1].to_numpy().repeat(horizon)
    np.testing.assert_allclose(predicted, last)


def test_arrays_of_several_targets_need_a_list_of_columns():
    X, y, X_latest = (np.asarray(part) for part in two_targets(2))
    naive = SeasonalNaiveRegressor(column=[0, 1]).fit(X, y)
    euro, yen = RATES.iloc[-1]
    assert naive.predict(X_latest)[-1].tolist() == [euro, euro, yen, yen]
    one = SeasonalNaiveRegressor().fit(X, y)
    assert one.predict(X_latest)[-1].tolist() == [euro] * 4


def test_columns_of_several_levels():
    columns = pd.MultiIndex.from_tuples([("Volume", "TSLA"), ("Close", "TSLA")])
    data = RATES.set_axis(columns, axis=1)
    X, y, X_latest = make_supervised(data, target=("Close", "TSLA"))
    for column in (None, ("Close", "TSLA")):
        naive = SeasonalNaiveRegressor(column=column).fit(X, y)
        assert naive.predict(X_latest) == RATES["yen"].iloc[-1]
        zero = DummyRegressor(strategy="constant", constant=0.0)
        relative = RelativeTargetRegressor(zero, column=column).fit(X, y)
        assert relative.predict(X_latest) == pytest.approx(RATES["yen"].iloc[-1])


def test_columns_that_are_numbers():
    X, y, X_latest = make_supervised(RATES.set_axis([5, 1], axis=1), target=1)
    naive = SeasonalNaiveRegressor().fit(X, y)
    assert naive.predict(X_latest) == RATES["yen"].iloc[-1]


@pytest.mark.parametrize(
    "cls",
    [
        SeasonalNaiveRegressor,
        lambda column=None: RelativeTargetRegressor(LinearRegression(), column=column),
    ],
)
@pytest.mark.parametrize(
    ("column", "change", "message"),
    [
        ("euro", lambda X, y: (X, y), r"lists \['euro'\], and the targets.*'yen'"),
        (["euro", "yen", "euro"], lambda X, y: (X, y), "names a column twice"),
        ([0, 1, -1], lambda X, y: (X, y), r"\[0, 1, -1\].*targets of y"),
        (["euro", "yen"], lambda X, y: (X, y.to_numpy()[:, :1]), "cannot share the 1"),
        (None, lambda X, y: (X.to_numpy(), y), r"yen\+1.*give `column`"),
        (None, lambda X, y: (X, y.set_axis(["euro", "yen"], axis=1)), "give `column`"),
        (None, lambda X, y: (X, y["yen+1"].rename("x+1")), r"'x\+1'.*give `column`"),
    ],
)
def test_targets_without_a_column_of_their_own_are_an_error(
    cls, column, change, message
):
    X, y, _ = two_targets()
    with pytest.raises(ValueError, match=message):
        cls(column=column).fit(*change(X, y))


def calibration_rows(y, **params):
    X = np.random.default_rng(0).normal(size=(len(y), 1))
    model = ConformalRegressor(LinearRegression(), **params).fit(X, y)
    return len(model.residuals_)


class Counter(LinearRegression):
    """Remembers how many rows it was fitted to."""

    fits = ()

    def fit(self, X, y, sample_weight=None):
        type(self).fits = (*type(self).fits, len(X))
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize(
    ("labels", "horizon", "n_first"),
    [
        ([f"shop {i}+1" for i in range(60)], None, 160),
        ([f"rail+{i}" for i in range(1, 61)], None, 101),
        (["rail+1", "rail+2", "bus+1", "bus+2"], None, 159),
        (["rail+14"], None, 147),
        (None, None, 101),
        (None, 1, 160),
        (["euro", "yen"], 1, 160),
    ],
)
def test_conformal_leaves_out_the_rows_of_the_horizon(labels, horizon, n_first):
    n_columns = 60 if labels is None else len(labels)
    y = np.random.default_rng(0).normal(size=(200, n_columns))
    y = y if labels is None else pd.DataFrame(y, columns=labels)
    Counter.fits = ()
    model = ConformalRegressor(Counter(), horizon=horizon)
    model.fit(np.arange(200.0)[:, None], y)
    assert Counter.fits == (n_first, 200)
    assert len(model.residuals_) == 40


def test_intervals_of_many_targets_are_not_too_wide():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(70, 1))
    labels = [f"shop {i}+1" for i in range(60)]
    y = pd.DataFrame(rng.normal(size=(70, 60)), columns=labels)
    model = ConformalRegressor(LinearRegression()).fit(X, y)
    assert 1.5 < model.half_width_.mean() < 2.1  # 1.64 of a normal distribution


def test_conformal_says_how_it_takes_other_names():
    y = pd.DataFrame(np.random.default_rng(0).normal(size=(70, 2)))
    y = y.set_axis(["euro", "yen"], axis=1)
    with pytest.warns(UserWarning, match=r"'euro', 'yen'.*horizon of 2 rows: give"):
        calibration_rows(y)
    with pytest.raises(ValueError, match="horizon == 0, must be >= 1"):
        calibration_rows(y, horizon=0)


@pytest.mark.parametrize(
    ("labels", "purge"),
    [(["euro+1", "yen+1"], 0), (["rail+1", "rail+2"], 1), (["rail+14"], 13)],
)
def test_purging_leaves_out_the_rows_of_the_horizon(labels, purge):
    X = np.arange(50.0)[:, None]
    y = pd.DataFrame(np.ones((50, len(labels))), columns=labels)
    Counter.fits = ()
    PurgedRegressor(Counter()).fit(X, y)
    PurgedRegressor(Counter()).fit(X, y.to_numpy())
    PurgedRegressor(Counter()).fit(X, y.iloc[:, 0].to_numpy())
    assert Counter.fits == (50 - purge, 51 - len(labels), 50)


@pytest.mark.parametrize(
    ("labels", "n_train"),
    [
        ([f"shop {i}+1" for i in range(20)], 80),
        ([f"rail+{i}" for i in range(1, 21)], 61),
        (["rail+14"], 67),
        (None, 61),
    ],
)
def test_early_stopping_leaves_out_the_rows_of_the_horizon(
    labels, n_train, monkeypatch
):
    seen = []

    def spy(module, params, train_set, valid_set, **kwargs):
        seen.append((len(train_set), len(valid_set)))
        raise InterruptedError

    monkeypatch.setattr("sktsdl._estimator.fitting.train", spy)
    n_columns = 20 if labels is None else len(labels)
    y = np.random.default_rng(0).normal(size=(100, n_columns))
    y = y if labels is None else pd.DataFrame(y, columns=labels)
    net = WindowMLPRegressor(early_stopping=True, validation_fraction=0.2)
    X = np.random.default_rng(1).normal(size=(100, 3))
    with pytest.raises(InterruptedError):
        net.fit(X, y)
    assert seen == [(n_train, 20)]
    if labels is None or labels[0] != "shop 0+1":
        return
    plain = y.rename(columns=lambda label: label.removesuffix("+1"))
    tasks = dict.fromkeys(plain.columns, "regression")
    with pytest.raises(InterruptedError):
        MultiTaskNet(net, tasks=tasks).fit(X, plain)
    assert seen[1] == (n_train, 20)


def test_a_file_keeps_the_names_of_the_targets(tmp_path):
    X, y, _ = two_targets(2)
    net = WindowMLPRegressor(hidden_sizes=(2,), max_epochs=1)
    fitted = net.fit(SlidingWindow(3).fit_transform(X), y)
    fitted.save(tmp_path / "net")
    loaded = sktsdl.load(tmp_path / "net")
    assert loaded._y_labels == tuple(y.columns)
    columns = pd.MultiIndex.from_tuples([("Close", "A+1"), ("Close", "A+2")])
    fitted.fit(
        SlidingWindow(3).fit_transform(X), y.iloc[:, :2].set_axis(columns, axis=1)
    )
    fitted.save(tmp_path / "net")
    assert sktsdl.load(tmp_path / "net")._y_labels == tuple(columns)


@pytest.mark.parametrize(
    "container", [np.asarray, lambda X: X.rename(columns=str.upper)]
)
def test_a_named_target_is_not_taken_for_the_first_column(container):
    X, y, _ = make_supervised(RATES, target="yen")
    with pytest.raises(ValueError, match=r"'yen\+1'.*give `column`"):
        SeasonalNaiveRegressor().fit(container(X), y)
    with pytest.raises(ValueError, match=r"'yen\+1'.*give `column`"):
        RelativeTargetRegressor(LinearRegression()).fit(container(X), y)


@pytest.mark.parametrize(
    ("name", "column"), [("target", "euro"), (None, "euro"), ("yen", "yen")]
)
def test_a_target_of_another_name_is_the_future_of_the_first_column(name, column):
    X, y, X_latest = make_supervised(RATES, target=column)
    y = y.rename(name)
    naive = SeasonalNaiveRegressor().fit(X, y)
    assert naive.predict(X_latest).tolist() == X_latest[column].tolist()
    model = RelativeTargetRegressor(DummyRegressor(), relation="difference").fit(X, y)
    expected = X_latest[column] + (y - X[column]).mean()
    np.testing.assert_allclose(model.predict(X_latest), expected)


@pytest.mark.parametrize("as_list", [list, np.array, pd.Index])
def test_listed_columns_go_to_the_targets_of_their_names(as_list):
    X, y, X_latest = two_targets(2)
    naive = SeasonalNaiveRegressor(column=as_list(["yen", "euro"])).fit(X, y)
    euro, yen = RATES.iloc[-1]
    assert naive.predict(X_latest)[-1].tolist() == [euro, euro, yen, yen]
    with pytest.raises(ValueError, match="names a column twice"):
        SeasonalNaiveRegressor(column=as_list(["yen", "yen"])).fit(X, y)


def test_a_relation_that_is_set_after_fit_changes_no_prediction():
    X, y, X_latest = make_supervised(RATES, target="yen")
    model = RelativeTargetRegressor(LinearRegression()).fit(X, y)
    before = model.predict(X_latest)
    model.set_params(relation="difference")
    np.testing.assert_array_equal(model.predict(X_latest), before)


SWAPPED = {
    "X_val": lambda net, X, y: net.fit(X, y, X_val=X, y_val=y.iloc[:, ::-1]),
    "partial_fit": lambda net, X, y: net.partial_fit(X, y).partial_fit(
        X, y.iloc[:, ::-1]
    ),
    "warm start": lambda net, X, y: (
        net.set_params(warm_start=True)
        .fit(X, y)
        .set_params(max_epochs=2)
        .fit(X, y.iloc[:, ::-1])
    ),
    "update": lambda net, X, y: (
        ConformalRegressor(net, confidence_level=0.8)
        .fit(X, y)
        .update(X, y.iloc[:, ::-1])
    ),
}


@pytest.mark.parametrize("kind", SWAPPED)
def test_targets_in_another_order_are_an_error(kind):
    X, y, _ = two_targets()
    net = WindowMLPRegressor(hidden_sizes=(2,), max_epochs=1)
    with pytest.raises(ValueError, match=r"'yen\+1', 'euro\+1'.*in this order"):
        SWAPPED[kind](net, SlidingWindow(2).fit_transform(X), y)


def test_a_wrapper_does_not_train_on_with_another_target():
    X, y, _ = two_targets()
    net = WindowMLPRegressor(hidden_sizes=(2,), max_epochs=1, warm_start=True)
    pipe = Pipeline([("window", SlidingWindow(2)), ("net", net)])
    model = RelativeTargetRegressor(pipe).fit(X, y["euro+1"])
    with pytest.raises(ValueError, match=r"column=.*'yen'.*cannot change"):
        model.fit(X, y["yen+1"])


@pytest.mark.parametrize(
    "params", [{}, {"window_norm": "last"}, {"channel_independent": True}]
)
def test_targets_that_alternate_are_an_error_where_channels_share_them(params):
    X, y, _ = two_targets(2)
    y = y[["euro+1", "yen+1", "euro+2", "yen+2"]]
    net = WindowMLPRegressor(hidden_sizes=(2,), max_epochs=1)
    windows = SlidingWindow(2).fit_transform(X)
    with pytest.raises(ValueError, match=r"one target after the other.*order them"):
        net.set_params(**params).fit(windows, y)
    net.set_params(window_norm=None, channel_independent=False).fit(windows, y)


def test_purging_says_how_it_takes_other_names():
    X, y, _ = two_targets()
    with pytest.warns(UserWarning, match="'euro', 'yen'.*give `purge`"):
        PurgedRegressor(LinearRegression()).fit(X, y.set_axis(["euro", "yen"], axis=1))


@pytest.mark.parametrize(
    ("labels", "params"),
    [
        ([0, "0"], {"target": [0, "0"]}),
        (["rail", "bus"], {"target": ["rail", "rail"]}),
        (["rail", "bus+1"], {"target": "rail", "known_future": ["bus+1"]}),
        (["bus", "bus+1"], {"target": "bus"}),
    ],
)
def test_two_columns_of_one_name_are_an_error(labels, params):
    data = RATES.set_axis(labels, axis=1)
    if labels[1] == "bus+1" and "known_future" in params:
        data["bus+1+1"] = 0.0
    with pytest.raises(ValueError, match="would name two columns"):
        make_supervised(data, **params)


@pytest.mark.parametrize("level", [-1, 0, 1, 1.5, np.nan])
def test_a_confidence_level_that_is_set_after_fit_is_checked(level):
    X, y, X_latest = make_supervised(RATES, target="yen")
    model = ConformalRegressor(LinearRegression(), confidence_level=0.8).fit(X, y)
    model.set_params(confidence_level=level)
    with pytest.raises(ValueError, match="confidence_level"):
        model.predict_interval(X_latest)


def test_validation_targets_may_have_another_plain_name():
    X, y, _ = make_supervised(RATES, target="yen")
    windows = SlidingWindow(2).fit_transform(X)
    net = WindowMLPRegressor(hidden_sizes=(2,), max_epochs=1)
    net.fit(windows, y.rename("y"), X_val=windows, y_val=y.rename("y_val"))
    assert np.isfinite(net.validation_loss_curve_).all()
