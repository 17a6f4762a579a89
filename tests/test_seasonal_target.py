"""RelativeTargetRegressor with the difference to the last season."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sktsdl import (
    ConformalRegressor,
    PurgedRegressor,
    RelativeTargetRegressor,
    SeasonalNaiveRegressor,
    SlidingWindow,
    WindowMLPRegressor,
    forecast,
    make_supervised,
)
from sktsdl.persistence import trusted_types

N, PERIOD = 60, 7
DAYS = pd.date_range("2024-01-01", periods=N, name="day")
rng = np.random.default_rng(0)
ROWS = pd.DataFrame(rng.normal(10, 1, size=(N, 2)), index=DAYS, columns=["rail", "bus"])


class Recorder(RegressorMixin, BaseEstimator):
    """Keeps the data that it is fitted to, and predicts zero."""

    def __init__(self, shape=()):
        self.shape = shape

    def fit(self, X, y, sample_weight=None):
        self.seen_ = X, y, sample_weight
        return self

    def predict(self, X):
        return np.zeros((len(X), *self.shape))


def seasonal(regressor, period=PERIOD, **params):
    return RelativeTargetRegressor(
        regressor, relation="seasonal", period=period, **params
    )


def before(values, row, step, period=PERIOD):
    """The value that a target is relative to, None if the series has none."""
    at = row + step - period
    while at > row:
        at -= period
    return values[at] if at >= 0 else None


def reference(values, n, steps, period=PERIOD):
    """The known value of every row and step, and the rows that have all of them."""
    found = [[before(values, row, step, period) for step in steps] for row in range(n)]
    is_known = np.array([None not in row for row in found])
    return np.array([row for row in found if None not in row]), is_known


@pytest.mark.parametrize("period", [1, 3, 7])
@pytest.mark.parametrize("horizon", [1, 5, 10])
@pytest.mark.parametrize("as_frame", [True, False])
def test_the_regressor_is_fitted_to_seasonal_differences(period, horizon, as_frame):
    data, column = (ROWS, "bus") if as_frame else (ROWS.to_numpy(), 1)
    X, y, _ = make_supervised(data, target=column, horizon=horizon)
    weights = np.arange(float(len(X)))
    model = seasonal(Recorder(), period, column=column)
    model.fit(X, y, sample_weight=weights)
    values = ROWS["bus"].to_numpy()
    expected, is_known = reference(values, len(X), range(1, horizon + 1), period)
    seen_X, seen_y, seen_weights = model.regressor_.seen_
    assert len(seen_X) == len(expected) == is_known.sum()
    targets = np.reshape(y, (len(X), -1))[is_known]
    np.testing.assert_array_equal(np.reshape(seen_y, targets.shape), targets - expected)
    np.testing.assert_array_equal(seen_X, np.asarray(X)[is_known])
    np.testing.assert_array_equal(seen_weights, weights[is_known])
    if as_frame:
        assert seen_y.index.equals(y.index[is_known])


@pytest.mark.parametrize("horizon", [1, 5, 10])
@pytest.mark.parametrize("as_frame", [True, False])
@pytest.mark.parametrize("n_new", [1, 2, 15])
def test_zero_is_the_seasonal_naive_forecast(horizon, as_frame, n_new):
    data, column = (ROWS, "bus") if as_frame else (ROWS.to_numpy(), 1)
    X, y, _ = make_supervised(data, target=column, horizon=horizon)
    shape = (horizon,) if horizon > 1 else ()
    model = seasonal(Recorder(shape), column=column).fit(X[:30], y[:30])
    naive = SeasonalNaiveRegressor(PERIOD, column=column).fit(X[:30], y[:30])
    for rows in (X[:30], X[30 : 30 + n_new], X):
        np.testing.assert_array_equal(model.predict(rows), naive.predict(rows))


def test_levels_are_given_back():
    X, y, _ = make_supervised(ROWS, target="rail", horizon=10)
    model = make_pipeline(SlidingWindow(4, flatten=True, pad="edge"), Ridge())
    model = seasonal(model).fit(X[:40], y[:40])
    relative = model.regressor_.predict(X[40:])
    found = model.predict(X[40:])
    values = ROWS["rail"].to_numpy()
    for row in range(40, len(X)):
        known = [before(values, row, step) for step in range(1, 11)]
        np.testing.assert_allclose(found[row - 40], relative[row - 40] + known)


@pytest.mark.parametrize("lead", [2, 9])
def test_the_steps_of_a_lead(lead):
    X, y, X_latest = make_supervised(ROWS, target="rail", horizon=3, lead=lead)
    model = seasonal(Recorder((3,))).fit(X, y)
    values = ROWS["rail"].to_numpy()
    expected = [before(values, N - 1, lead + step) for step in range(3)]
    assert model.predict(X_latest)[-1].tolist() == expected
    one = seasonal(Recorder()).fit(X, y[f"rail+{lead}"])
    assert one.predict(X_latest)[-1] == expected[0]


@pytest.mark.parametrize("column", [None, ["rail", "bus"], ["bus", "rail"]])
def test_each_target_has_its_own_season(column):
    X, y, X_latest = make_supervised(ROWS, target=["rail", "bus"], horizon=2)
    model = seasonal(Recorder((4,)), column=column).fit(X, y)
    expected = ROWS.iloc[N - PERIOD : N - PERIOD + 2].to_numpy().T.ravel()
    np.testing.assert_array_equal(model.predict(X_latest)[-1], expected)


ORDERS = {
    "by series": lambda data: data,
    "by time": lambda data: data.sort_index(level="day", kind="stable"),
    "mixed": lambda data: data.sample(frac=1, random_state=0).sort_index(
        level="day", kind="stable", sort_remaining=False
    ),
}


def three_series():
    """Series that start late, and one that is shorter than a season."""
    starts = {"b": 0, "a": 20, "c": N - 5}
    parts = {
        name: (ROWS + 100 * i).iloc[start:]
        for i, (name, start) in enumerate(starts.items())
    }
    return pd.concat(parts, names=["line", "day"])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("horizon", [1, 10])
def test_each_series_has_its_own_season(order, horizon):
    data = three_series()
    X, y, _ = make_supervised(data, target="rail", horizon=1)
    if horizon > 1:
        longer = data.drop("c")
        X, y, _ = make_supervised(longer, target="rail", horizon=horizon)
    X = ORDERS[order](X)
    y = y.loc[X.index]
    is_train = X.index.get_level_values("day") < DAYS[45]
    model = seasonal(Recorder((horizon,) if horizon > 1 else ()))
    model.fit(X[is_train], y[is_train])
    seen_X, seen_y, _ = model.regressor_.seen_
    steps, n_seen = range(1, horizon + 1), 0
    found = pd.DataFrame(
        np.reshape(model.predict(X[~is_train]), (-1, horizon)), index=X[~is_train].index
    )
    for name in ("a", "b"):
        values = data.loc[name, "rail"].to_numpy()
        part = is_train & (X.index.get_level_values("line") == name)
        known, is_known = reference(values, part.sum(), steps)
        rows = seen_X.index.get_level_values("line") == name
        expected = np.reshape(y[part][is_known], known.shape) - known
        np.testing.assert_array_equal(np.reshape(seen_y[rows], known.shape), expected)
        n_seen += len(known)
        for at, row in enumerate(found.loc[name].to_numpy(), start=part.sum()):
            assert row.tolist() == [before(values, at, step) for step in steps]
    assert len(seen_X) == n_seen


def test_a_series_that_training_did_not_have_gets_its_earliest_value():
    X, y, _ = make_supervised(three_series(), target="rail")
    model = seasonal(Recorder()).fit(X.drop("a"), y.drop("a"))
    found = model.predict(X.loc[["a"]])
    values = X.loc["a", "rail"].to_numpy()
    expected = [before(values, row, 1) or values[0] for row in range(len(values))]
    assert found.tolist() == expected


def window_of(n_rows, **params):
    return SlidingWindow(n_rows, flatten=True, pad="edge", **params)


@pytest.mark.parametrize(
    ("inner", "last"),
    [
        (make_pipeline(window_of(3), Recorder()), lambda model: model[-1]),
        (
            make_pipeline(StandardScaler(), make_pipeline(window_of(3), Recorder())),
            lambda model: model[-1][-1],
        ),
        (
            make_pipeline(window_of(3), PurgedRegressor(Recorder(), purge=0)),
            lambda model: model[-1].regressor_,
        ),
        (
            make_pipeline(window_of(3), make_pipeline(StandardScaler(), Recorder())),
            lambda model: model[-1][-1],
        ),
    ],
)
def test_look_back_steps_are_given_the_rows_without_a_season(inner, last):
    X, y, _ = make_supervised(ROWS[["rail"]], target="rail")
    model = seasonal(inner).fit(X, y)
    fitted = last(model.regressor_)
    assert len(fitted.seen_[0]) == len(X) - PERIOD + 1
    assert isinstance(fitted, Recorder)
    if isinstance(inner[-1], Recorder):
        windows = np.lib.stride_tricks.sliding_window_view(X["rail"], 3)
        np.testing.assert_array_equal(fitted.seen_[0], windows[PERIOD - 3 :])
    model.predict(X)  # whose first rows are the first training rows of all steps


def test_weights_of_a_step_are_left_out_with_their_rows():
    X, y, _ = make_supervised(ROWS[["rail"]], target="rail")
    weights = np.arange(float(len(X)))
    model = seasonal(make_pipeline(window_of(3), Recorder()))
    model.fit(X, y, recorder__sample_weight=weights)
    seen = model.regressor_[-1].seen_[2]
    np.testing.assert_array_equal(seen, weights[PERIOD - 1 :])


@pytest.mark.parametrize(
    "inner",
    [
        GridSearchCV(
            make_pipeline(window_of(3), Ridge()),
            {"ridge__alpha": [1.0]},
            cv=TimeSeriesSplit(2),
        ),
        PurgedRegressor(make_pipeline(window_of(3), LinearRegression()), purge=0),
    ],
)
def test_estimators_around_look_back_steps_are_fitted_to_all_rows(inner):
    X, y, _ = make_supervised(ROWS.to_numpy(), target=0)
    model = seasonal(inner).fit(X, y)
    fitted = getattr(model.regressor_, "best_estimator_", model.regressor_)
    fitted = getattr(fitted, "regressor_", fitted)
    assert fitted[0]._tail.n_rows == len(X)
    assert np.isfinite(model.predict(X)).all()


def test_a_net_is_fitted_as_by_hand():
    X, y, X_latest = make_supervised(ROWS[["rail"]], target="rail", horizon=2)
    net = WindowMLPRegressor(hidden_sizes=(4,), max_epochs=3, random_state=0)
    model = seasonal(make_pipeline(SlidingWindow(4), net)).fit(X, y)
    known, is_known = reference(X["rail"].to_numpy(), len(X), [1, 2])
    window = SlidingWindow(4).fit(X)
    alone = net.fit(window.transform(X)[is_known], y[is_known] - known)
    expected = alone.predict(window.transform(X_latest))
    expected += reference(ROWS["rail"].to_numpy(), N, [1, 2])[0][-2:]
    np.testing.assert_allclose(model.predict(X_latest), expected, rtol=1e-12)


def test_targets_of_the_validation_set_are_seasonal_differences():
    X, y, _ = make_supervised(ROWS[["rail"]], target="rail")
    net = WindowMLPRegressor(hidden_sizes=(4,), max_epochs=2, random_state=0)
    model = seasonal(net).fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    known, is_known = reference(X["rail"].to_numpy(), len(X), [1])
    relative = y[is_known] - known[:, 0]
    n = 40 - PERIOD + 1
    alone = net.fit(X[is_known][:n], relative[:n], X_val=X[40:], y_val=relative[n:])
    np.testing.assert_allclose(
        model.regressor_.validation_loss_curve_, alone.validation_loss_curve_
    )


def test_a_validation_set_reaches_the_last_step_of_a_pipeline():
    X, y, _ = make_supervised(ROWS[["rail"]], target="rail")
    net = WindowMLPRegressor(hidden_sizes=(4,), max_epochs=2, random_state=0)
    window = SlidingWindow(4).fit(X[:40])
    known, is_known = reference(X["rail"].to_numpy(), len(X), [1])
    relative, n = y[is_known] - known[:, 0], 40 - PERIOD + 1
    alone = clone(net).fit(
        window.transform(X[:40])[is_known[:40]],
        relative[:n],
        X_val=window.transform(X[40:]),
        y_val=relative[n:],
    )
    with config_context(enable_metadata_routing=True):
        net.set_fit_request(X_val=True, y_val=True)
        steps = [("window", SlidingWindow(4)), ("net", net)]
        model = seasonal(Pipeline(steps, transform_input=["X_val"]))
        model.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    curve = model.regressor_[-1].validation_loss_curve_
    assert curve == alone.validation_loss_curve_


def test_callbacks_reach_the_last_step_of_a_pipeline(capfd):
    callback = pytest.importorskip("sklearn.callback")
    pytest.importorskip("rich")
    X, y, _ = make_supervised(ROWS[["rail"]], target="rail")
    net = WindowMLPRegressor(hidden_sizes=(4,), max_epochs=2)
    model = seasonal(make_pipeline(SlidingWindow(4), net))
    model.set_callbacks(callback.ProgressBar(max_propagation_depth=None)).fit(X, y)
    assert "WindowMLPRegressor" in capfd.readouterr().out


@pytest.mark.parametrize("as_frame", [True, False])
def test_no_row_sees_later_rows(as_frame):
    data, column = (ROWS, "bus") if as_frame else (ROWS.to_numpy(), 1)
    X, y, _ = make_supervised(data, target=column, horizon=10)
    model = seasonal(make_pipeline(window_of(4), Ridge()), column=column)
    model.fit(X[:30], y[:30])
    for rows in (X, X[30:]):
        clean = model.predict(rows)
        for row in range(len(rows)):
            poisoned = rows.copy()
            poisoned[row + 1 :] = 1e9
            found = model.predict(poisoned)[: row + 1]
            np.testing.assert_allclose(found, clean[: row + 1], rtol=1e-12)


def test_quantiles_and_deviations_are_those_of_levels():
    X, y, X_latest = make_supervised(ROWS[["rail"]], target="rail", horizon=2)
    net = WindowMLPRegressor(
        hidden_sizes=(4,), dropout=0.2, max_epochs=2, random_state=0
    )
    known = ROWS["rail"].to_numpy()[-PERIOD : 2 - PERIOD]
    model = seasonal(make_pipeline(SlidingWindow(4), net)).fit(X, y)
    _, std = model.predict(X_latest, return_std=True)
    _, inner = model.regressor_.predict(X_latest, return_std=True)
    np.testing.assert_array_equal(std, inner)
    quantile = net.set_params(loss="quantile", dropout=0.0)
    model = seasonal(make_pipeline(SlidingWindow(4), quantile)).fit(X, y)
    found, quantiles = model.predict(X_latest, return_quantiles=True)
    np.testing.assert_array_equal(quantiles, model.predict_quantiles(X_latest))
    relative = model.regressor_[-1].predict_quantiles(
        model.regressor_[:-1].transform(X_latest)
    )
    np.testing.assert_allclose(quantiles[-1], relative[-1] + known[:, None])
    np.testing.assert_allclose(found, model.predict(X_latest))


def test_intervals_lie_around_the_levels():
    X, y, X_latest = make_supervised(ROWS, target="rail", horizon=2)
    inner = seasonal(make_pipeline(window_of(4), Ridge()))
    model = ConformalRegressor(inner, confidence_level=0.6).fit(X, y)
    lower, upper = model.predict_interval(X_latest)
    assert (lower < model.predict(X_latest)).all()
    assert (model.predict(X_latest) < upper).all()
    found = forecast(model, X_latest, levels=[0.6])
    assert found.index.tolist() == [DAYS[-1] + pd.Timedelta(days=i) for i in (1, 2)]


def test_a_warm_start_keeps_the_season():
    X, y, X_latest = make_supervised(ROWS[["rail"]], target="rail")
    net = WindowMLPRegressor(
        hidden_sizes=(4,), max_epochs=2, warm_start=True, random_state=0
    )
    pipe = make_pipeline(SlidingWindow(4), net)
    model = seasonal(pipe).fit(X, y)
    first = model.predict(X_latest)
    pipe[-1].set_params(max_epochs=4)
    model.fit(X, y)
    assert len(model.regressor_[-1].loss_curve_) == 4
    assert model.predict(X_latest) != first
    with pytest.raises(ValueError, match=r"period=3 cannot change.*which has 7"):
        model.set_params(period=3).fit(X, y)
    with pytest.raises(ValueError, match="relation='difference' cannot change"):
        model.set_params(relation="difference", period=None).fit(X, y)


def test_another_fit_forgets_the_season():
    X, y, X_latest = make_supervised(ROWS, target="rail")
    model = seasonal(Recorder()).fit(X, y)
    model.set_params(relation="difference", period=None).fit(X, y)
    assert not hasattr(model, "_season")
    assert model.predict(X_latest) == ROWS["rail"].iloc[-1]


def test_a_period_that_is_set_after_fit_changes_no_prediction():
    X, y, X_latest = make_supervised(ROWS, target="rail")
    model = seasonal(DummyRegressor()).fit(X, y)
    expected = model.predict(X_latest)
    model.set_params(period=3)
    np.testing.assert_array_equal(model.predict(X_latest), expected)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"relation": "seasonal"}, ValueError, "'seasonal' needs .* give `period`"),
        (
            {"relation": "difference", "period": 7},
            ValueError,
            "period=7 has no meaning for relation='difference'",
        ),
        (
            {"relation": "seasonal", "period": 0},
            ValueError,
            "period == 0, must be >= 1",
        ),
        ({"relation": "seasonal", "period": 1.5}, TypeError, "period must be an inst"),
        (
            {"relation": "seasonal", "period": 100},
            ValueError,
            r"X has 59 rows .* none of them has a season of period=100 rows",
        ),
    ],
)
def test_bad_periods(params, error, message):
    X, y, _ = make_supervised(ROWS, target="rail")
    with pytest.raises(error, match=message):
        RelativeTargetRegressor(Ridge(), **params).fit(X, y)


def test_rows_of_many_series_without_their_index():
    X, y, _ = make_supervised(three_series(), target="rail")
    with pytest.raises(ValueError, match="y has a MultiIndex of many series"):
        seasonal(Ridge(), column=0).fit(X.to_numpy(), y)


def test_a_gap_before_the_rows_is_named():
    X, y, _ = make_supervised(ROWS, target="rail")
    model = seasonal(Recorder()).fit(X[:30], y[:30])
    with pytest.warns(UserWarning, match="after a gap at the end"):
        found = model.predict(X[40:])
    assert found[0] == X["rail"].iloc[40]
    assert found[PERIOD] == X["rail"].iloc[40 + 1]


def test_only_a_season_needs_the_type_of_windows():
    window = "sktsdl.preprocessing._sliding_window.SlidingWindow"
    assert window in trusted_types(seasonal(Ridge()))
    assert window not in trusted_types(RelativeTargetRegressor(Ridge()))
