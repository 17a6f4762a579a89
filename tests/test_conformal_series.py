"""Conformal half-widths of each series."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sktsdl import (
    ConformalRegressor,
    PanelTimeSeriesSplit,
    SlidingWindow,
    WindowMLPRegressor,
)
from sktsdl.inspection import ForecastDisplay
from sktsdl.persistence import trusted_types
from tests.test_panel import LAYOUTS, arrange, next_rail, panel, split

ZERO = DummyRegressor(strategy="constant", constant=0.0)
SPANS = [(0, 60), (10, 60), (0, 45), (5, 58)]


def by_series(regressor=ZERO, level=0.8, fraction=0.4, **params):
    return ConformalRegressor(
        regressor,
        confidence_level=level,
        calibration_fraction=fraction,
        by_series=True,
        **params,
    )


def pooled(model):
    return clone(model).set_params(by_series=False)


def noise(counts, horizon=1, layout="by series"):
    """Return rows without information on normal targets, whose spread is by series."""
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_tuples(
        [(f"s{i}", t) for i, n in enumerate(counts) for t in range(n)],
        names=["series", "day"],
    )
    X = pd.DataFrame({"x": rng.normal(size=len(index))}, index=index)
    spread = 10.0 ** index.codes[0].astype(float)
    y = pd.DataFrame(
        rng.normal(size=(len(index), horizon)) * spread[:, None],
        index=index,
        columns=[f"y+{step}" for step in range(1, horizon + 1)],
    )
    X = arrange(X, layout)
    y = y.loc[X.index]
    return X, y.squeeze(axis=1) if horizon == 1 else y


def last_rows(y, fraction):
    """Return the calibration rows of one series."""
    return y[len(y) - int(np.ceil(fraction * len(y))) :]


def half_width(residuals, alpha):
    """Return the half-width of each step for sorted residuals, by a plain loop."""
    n, found = len(residuals), []
    for column, of_step in zip(np.sort(residuals, axis=0).T, alpha, strict=True):
        rank = int(np.ceil((n + 1) * (1 - of_step) - 1e-9))
        found.append(np.inf if rank > n else column[rank - 1] if rank > 0 else 0.0)
    return np.array(found)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("horizon", [1, 3])
def test_half_widths_against_a_loop_over_series(horizon, layout):
    X, y = noise([40, 60, 25, 31], horizon, layout)
    zero = DummyRegressor(strategy="constant", constant=np.zeros((horizon, 1)))
    model = by_series(zero).fit(X, y)
    assert list(model.series_) == list(X.index.droplevel(1).unique().sort_values())
    shape = (4,) if horizon == 1 else (4, horizon)
    assert model.half_width_.shape == model.miscoverage_.shape == shape
    assert model.residuals_.shape == pooled(model).fit(X, y).residuals_.shape
    lower, upper = (
        pd.DataFrame(end, index=X.index) for end in model.predict_interval(X)
    )
    for name, width in zip(model.series_, model.half_width_, strict=True):
        residuals = np.abs(last_rows(y.xs(name).to_numpy(), 0.4)).reshape(-1, horizon)
        expected = half_width(residuals, [0.2] * horizon)
        np.testing.assert_array_equal(np.atleast_1d(width), expected)
        for end in (-lower.xs(name), upper.xs(name)):
            np.testing.assert_array_equal(end, np.tile(expected, (len(end), 1)))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("horizon", [1, 2])
@pytest.mark.parametrize("gamma", [0.0, 0.005, 0.3])
def test_update_is_that_of_each_series_alone(horizon, layout, gamma):
    X, y = noise([60, 80, 45, 50], horizon, layout)
    zero = DummyRegressor(strategy="constant", constant=np.zeros((horizon, 1)))
    day = X.index.get_level_values(1)
    names = X.index.get_level_values(0)
    is_train = day < 35
    is_new = ~is_train & (names != "s2")  # has no later rows
    model = by_series(zero).fit(X[is_train], y[is_train])
    model.update(X[is_new], y[is_new], gamma=gamma)
    for i, name in enumerate(model.series_):
        alone = pooled(model).fit(
            *(part[is_train].xs(name).sort_index() for part in (X, y))
        )
        if name != "s2":
            later = (part[is_new].xs(name).sort_index() for part in (X, y))
            alone.update(*later, gamma=gamma)
        np.testing.assert_array_equal(model.half_width_[i], alone.half_width_)
        np.testing.assert_array_equal(model.miscoverage_[i], alone.miscoverage_)
    if gamma == 0.3:
        assert np.ptp(model.miscoverage_) > 0.2
    together = pooled(model).fit(X[is_train], y[is_train])
    together.update(X[is_new], y[is_new], gamma=gamma)
    np.testing.assert_array_equal(model.pooled_half_width_, together.half_width_)


@pytest.mark.parametrize("horizon", [1, 2])
def test_a_miscoverage_outside_of_0_and_1(horizon):
    X, y = noise([50, 50], horizon)
    zero = DummyRegressor(strategy="constant", constant=np.zeros((horizon, 1)))
    day, names = X.index.get_level_values(1), X.index.get_level_values(0)
    train, new = day < 20, (day >= 20) & ((names == "s0") | (day < 22))
    model = by_series(zero).fit(X[train], y[train])
    later = y[new] * 0
    later.loc["s1"] = [1e9, 2e9] if horizon == 1 else [[1e9, 0], [2e9, 0]]
    model.update(X[new], later, gamma=0.5)
    for i, name in enumerate(model.series_):
        alone = pooled(model).fit(X[train].xs(name), y[train].xs(name))
        alone.update(X[new].xs(name), later.xs(name), gamma=0.5)
        np.testing.assert_array_equal(model.miscoverage_[i], alone.miscoverage_)
        np.testing.assert_array_equal(model.half_width_[i], alone.half_width_)
    widths, alpha = np.atleast_1d(model.half_width_[1]), model.miscoverage_
    assert widths[0] == np.inf
    assert (alpha[1] < 0).any()
    assert (alpha[0] > 1).all()
    assert (model.half_width_[0] == 0).all()
    lower, upper = model.predict_interval(X)
    assert np.isinf(upper[50:].reshape(50, -1)[:, 0]).all()
    assert (lower[:50] == upper[:50]).all()


def test_other_series_take_the_half_width_of_all():
    X, y = noise([40, 40])
    model = by_series().fit(X, y)
    width = pooled(model).fit(X, y).half_width_
    assert model.pooled_half_width_ == width
    other = X.rename({"s1": "new"})
    lower, upper = model.predict_interval(other)
    expected = np.repeat([model.half_width_[0], width], 40)
    np.testing.assert_array_equal(upper, expected)
    np.testing.assert_array_equal(lower, -expected)
    # A new series is in the half-width of all, and changes no other.
    later = X.rename({"s0": "new"})
    y_later = pd.Series(y.to_numpy(), index=later.index)
    model.update(later, y_later, gamma=0.05)
    alone = pooled(model).fit(X.xs("s0"), y.xs("s0"))
    together = pooled(model).fit(X, y).update(later, y_later, gamma=0.05)
    assert model.half_width_[0] == alone.half_width_
    assert model.miscoverage_[0] == alone.miscoverage_
    assert model.pooled_half_width_ == together.half_width_


def test_series_with_too_few_rows_take_the_half_width_of_all():
    counts = [40, 9, 12, 13, 9, 6, 1]  # a level of 0.8 needs 4 rows, of 12 but not 9
    counts[1] = 7
    X, y = noise(counts)
    model = by_series(fraction=0.33)
    message = (
        r"The series 's1', 's5', 's6' have fewer calibration rows than the 4 that "
        r"confidence_level=0\.8 needs, so their half-width is the one of all series"
    )
    short = [1, 4, 5, 6]
    message = message.replace("'s5', 's6'", "'s4', 's5' and 1 more")
    with pytest.warns(UserWarning, match=message) as caught:
        model.fit(X, y)
    assert len(caught) == 1
    together = pooled(model).fit(X, y)
    assert (model.half_width_[short] == together.half_width_).all()
    assert len(np.unique(model.half_width_)) == 4
    _, upper = model.predict_interval(X)
    names = X.index.codes[0]
    np.testing.assert_array_equal(upper, model.half_width_[names])
    model.update(X, y, gamma=0.05)
    together.update(X, y, gamma=0.05)
    assert (model.half_width_[short] == together.half_width_).all()
    assert (model.miscoverage_[short] == together.miscoverage_).all()
    alone = pooled(model).fit(X.xs("s2"), y.xs("s2")).update(X.xs("s2"), y.xs("s2"))
    assert np.isfinite(alone.half_width_)


def test_more_than_three_short_series_are_counted():
    X, y = noise([4] * 9)
    with pytest.warns(UserWarning, match="The series 's0', 's1', 's2' and 6 more have"):
        model = by_series().fit(X, y)
    assert (model.half_width_ == model.pooled_half_width_).all()


def test_too_few_rows_of_all_series():
    X, y = noise([4, 4])
    model = by_series(level=0.95).fit(X, y)  # without a warning
    with pytest.raises(ValueError, match="needs at least 19 calibration rows and th"):
        model.predict_interval(X)
    with pytest.raises(ValueError, match="needs at least 19 calibration rows and th"):
        model.update(X, y)


def test_another_level_has_other_short_series():
    X, y = noise([60, 20])
    model = by_series().fit(X, y)
    model.set_params(confidence_level=0.9)
    with pytest.warns(UserWarning, match="The series 's1' have fewer calibration rows"):
        upper = model.predict_interval(X)[1]
    with pytest.warns(UserWarning, match="The series 's1' have fewer"):
        expected = clone(model).fit(X, y)
    np.testing.assert_array_equal(upper, expected.predict_interval(X)[1])
    with pytest.warns(UserWarning, match="The series 's1' have fewer"):
        model.update(X, y)
    expected.update(X, y)  # has warned in fit
    np.testing.assert_array_equal(model.half_width_, expected.half_width_)
    np.testing.assert_array_equal(
        model.predict_interval(X), expected.predict_interval(X)
    )


def test_one_series_is_as_without_by_series():
    X, y = noise([60])
    models = [by_series(), pooled(by_series())]
    for model in models:
        model.fit(X[:40], y[:40]).update(X[40:], y[40:], gamma=0.05)
    each, together = models
    assert each.half_width_.shape == (1,)
    assert each.half_width_[0] == each.pooled_half_width_ == together.half_width_
    assert each.miscoverage_[0] == together.miscoverage_
    np.testing.assert_array_equal(
        each.predict_interval(X), together.predict_interval(X)
    )


def keys_of(kind):
    index = noise([30, 30])[0].index
    names, days = index.get_level_values(0), index.get_level_values(1)
    found = {
        "text": names,
        "numbers": index.codes[0] + 7,
        "category": pd.CategoricalIndex(names, categories=["s1", "s0", "no"]),
        "days": pd.Timestamp("2024-01-01") + pd.to_timedelta(index.codes[0], "D"),
        "zones": pd.Timestamp("2024-01-01", tz="Europe/Berlin")
        + pd.to_timedelta(index.codes[0], "D"),
        "months": pd.Period("2024-01", "M") + index.codes[0].astype(int),
        "pairs": [("a", int(i)) for i in index.codes[0]],
    }[kind]
    if kind == "pairs":
        parts = [*zip(*found, strict=True), days]
        return pd.MultiIndex.from_arrays(parts, names=["a", "b", "day"])
    return pd.MultiIndex.from_arrays([found, days], names=["key", "day"])


KINDS = ["text", "numbers", "category", "days", "zones", "months", "pairs"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("through", ["nothing", "pickle", "joblib", "skops"])
def test_names_of_series(kind, through, tmp_path):
    X, y = noise([30, 30])
    index = keys_of(kind)
    X, y = X.set_axis(index), y.set_axis(index)
    model = by_series().fit(X, y)
    assert len(model.series_) == 2
    if through == "pickle":
        model = pickle.loads(pickle.dumps(model))
    if through == "joblib":
        joblib.dump(model, tmp_path / "model")
        model = joblib.load(tmp_path / "model")
    if through == "skops":
        if kind in ("zones", "months"):
            pytest.skip("skops stores no times of pandas")
        content = skops.io.dumps(model)
        model = skops.io.loads(content, trusted=trusted_types(clone(model)))
    at = {
        name: i for i, name in enumerate(pd.Index(model.series_, tupleize_cols=False))
    }
    expected = [model.half_width_[at[key]] for key in index.droplevel(-1)]
    assert model.half_width_[0] != model.half_width_[1]
    np.testing.assert_array_equal(model.predict_interval(X)[1], expected)
    np.testing.assert_array_equal(model.predict_interval(X[31:33])[1], expected[31:33])


def test_parameters():
    model = by_series()
    assert model.get_params()["by_series"] is True
    assert ConformalRegressor(ZERO).get_params()["by_series"] is False
    X, y = noise([40, 40])
    assert not hasattr(clone(model.fit(X, y)), "series_")
    model.set_params(by_series=False).fit(X, y)
    assert not hasattr(model, "series_")
    assert not hasattr(model, "pooled_half_width_")
    assert model.half_width_.shape == ()
    # Without another fit, a model goes on as it was fitted.
    model.set_params(by_series=True)
    np.testing.assert_array_equal(
        model.predict_interval(X), pooled(model).fit(X, y).predict_interval(X)
    )


@pytest.mark.parametrize("value", ["yes", None, 2, ["s0"]])
def test_by_series_is_true_or_false(value):
    model = by_series().set_params(by_series=value)
    with pytest.raises(ValueError, match=r"by_series=.* use one of False"):
        model.fit(*noise([40, 40]))


def test_series_must_be_known_in_fit():
    X, y = noise([40, 40])
    model = by_series().fit(X, y)
    before = joblib.hash(vars(model))
    message = "by_series=True needs the series of each row, and neither X nor y has"
    for data in (
        (X.to_numpy(), y.to_numpy()),
        (X.droplevel(0), y.droplevel(0)),
        (X.reset_index(drop=True), y.to_numpy()),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(*data)
    assert joblib.hash(vars(model)) == before


@pytest.mark.parametrize("as_rows", [np.asarray, lambda X: X.droplevel(0)])
def test_series_must_be_known_in_predict(as_rows):
    X, y = noise([40, 40])
    model = by_series().fit(X.to_numpy(), y)
    np.testing.assert_array_equal(model.half_width_, by_series().fit(X, y).half_width_)
    before = joblib.hash(vars(model))
    message = "The half-widths are of each series, and the index of X does not say"
    with pytest.raises(ValueError, match=message):
        model.predict_interval(as_rows(X))
    with pytest.raises(ValueError, match=message):
        model.update(as_rows(X), y.to_numpy())
    assert joblib.hash(vars(model)) == before
    assert model.predict(X.to_numpy()).shape == (80,)
    expected = by_series().fit(X, y).update(X, y)
    model.update(X.to_numpy(), y)
    np.testing.assert_array_equal(model.half_width_, expected.half_width_)


def test_levels_of_series_are_those_of_fit():
    X, y = noise([40, 40])
    model = by_series().fit(X, y)
    more = pd.concat({"all": X}, names=["group"])
    message = r"has the levels \['group', 'series'\] before the time, and the training"
    with pytest.raises(ValueError, match=message):
        model.predict_interval(more)
    model.fit(more, pd.concat({"all": y}, names=["group"]))
    assert list(model.series_) == [("all", "s0"), ("all", "s1")]
    with pytest.raises(ValueError, match=r"reorder_levels"):
        model.predict_interval(more.swaplevel(0, 1))


def test_a_failed_fit_changes_nothing():
    X, y = noise([40, 40])
    model = by_series().fit(X, y)
    before = joblib.hash(vars(model))
    bad = y.copy()
    bad.iloc[3] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity in row 3"):
        model.fit(X, bad)
    with pytest.raises(ValueError, match="leave no row to fit"):
        model.set_params(calibration_fraction=0.99).fit(X, y)
    model.set_params(calibration_fraction=0.4)
    assert joblib.hash(vars(model)) == before


def test_calibration_rows_of_a_frozen_regressor():
    X, y = noise([40, 40])
    frozen = FrozenEstimator(Ridge().fit(X[:5], y[:5]))
    model = by_series(frozen).fit(X, y)
    residuals = (y - frozen.predict(X)).abs()
    expected = [
        half_width(residuals.xs(name).to_numpy()[:, None], [0.2])[0]
        for name in ("s0", "s1")
    ]
    np.testing.assert_allclose(model.half_width_, expected)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_after_windows_in_a_search_and_a_picture(layout):
    X = panel([(0, 60), (10, 60), (0, 60)], layout=layout)
    y = next_rail(X)
    train, test = split(X, 45)
    net = WindowMLPRegressor(hidden_sizes=(4,), max_epochs=2, random_state=0)
    inside = by_series(make_pipeline(SlidingWindow(4), net), level=0.7)
    outside = make_pipeline(SlidingWindow(4), by_series(net, level=0.7))
    for model in (inside, outside):
        model.fit(train, y[train.index])
    predicted = outside.predict(test)
    lower, upper = outside[-1].predict_interval(outside[0].transform(test))
    np.testing.assert_allclose((lower + upper) / 2, predicted, rtol=1e-6)
    assert outside[-1].half_width_.shape == (3,)
    assert (outside[-1].half_width_ < 10).all()  # in units of the window
    display = ForecastDisplay.from_estimator(outside, test, series="shop 1")
    names = test.index.get_level_values(0)
    np.testing.assert_allclose(display.upper, upper[names == "shop 1"])
    search = GridSearchCV(
        inside,
        {"regressor__slidingwindow__window": [3]},
        cv=PanelTimeSeriesSplit(2, test_size=5),
    )
    search.fit(train, y[train.index])
    assert search.best_estimator_.half_width_.shape == (3,)
    assert np.isfinite(search.best_estimator_.predict_interval(test)).all()


def test_series_of_other_spread_are_covered_alike():
    X, y = noise([600] * 4)
    day = X.index.get_level_values(1)
    is_train = day < 300
    covered = {}
    for model in (by_series(level=0.9), pooled(by_series(level=0.9))):
        model.fit(X[is_train], y[is_train])
        lower, upper = model.predict_interval(X[~is_train])
        inside = (lower <= y[~is_train]) & (y[~is_train] <= upper)
        covered[model.by_series] = inside.groupby(level=0).mean()
    assert covered[True].between(0.84, 0.96).all()
    assert covered[False].iloc[0] == 1
    assert covered[False].iloc[-1] < 0.7
