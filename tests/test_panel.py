"""Many series in one frame: each is treated as if it were alone."""

import copy
import os
import pickle
import tracemalloc
from functools import cache

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sktsdl import (
    CNNRegressor,
    ConformalRegressor,
    ForwardFill,
    LSTMRegressor,
    MultiTaskNet,
    PanelTimeSeriesSplit,
    PurgedRegressor,
    RatioLogScaler,
    RelativeTargetRegressor,
    SeasonalDifference,
    SeasonalNaiveRegressor,
    SlidingWindow,
    TCNRegressor,
    WindowMLPRegressor,
    WithHistory,
    make_supervised,
)
from sktsdl._estimator import evaluating
from sktsdl._windows.missing import starts_unknown
from sktsdl._windows.row_order import after_unknown, order_by
from sktsdl.persistence import trusted_types
from tests.estimators import (
    PASS_X_ON,
    TAKE_WINDOWS,
    every_estimator,
    every_net,
    output,
    small,
    target_for,
)
from tests.series import INDEXES, TIMED

N_TRAIN = 30
# Of each estimator; `make test-panel` tries more.
N_EXAMPLES = int(os.environ.get("SKTSDL_PANEL_EXAMPLES", "20"))
LAYOUTS = ["by series", "by time", "mixed"]


def arrange(X, layout, seed=0):
    """Return the rows in another order, in which each series stays in time order."""
    if layout == "by series":
        return X
    rng = np.random.default_rng(seed)
    codes = X.index.codes[0]
    if layout == "by time":
        order = np.argsort(X.index.codes[-1], kind="stable")
    else:
        order = np.empty(len(X), dtype=int)
        order[np.argsort(rng.permutation(codes), kind="stable")] = np.argsort(
            codes, kind="stable"
        )
    return X.iloc[order]


def panel(
    spans=((0, 60), (5, 60), (12, 50), (35, 60)), index="daily", layout="mixed", seed=0
):
    """Positive rows of some series, each from a start to an end of one calendar."""
    rng = np.random.default_rng(seed)
    times, parts = INDEXES[index], {}
    for i, (start, stop) in enumerate(spans):
        rows = np.exp(rng.normal(0, 0.1, size=(stop - start, 2)).cumsum(axis=0))
        parts[f"shop {i}"] = pd.DataFrame(
            rows, index=times[start:stop], columns=["rail", "bus"]
        )
    X = pd.concat(parts, names=["shop", "time"])
    return arrange(X, layout, seed)


def split(X, n_train=N_TRAIN, index="daily"):
    """Part the rows before a time of the calendar from later rows."""
    is_train = X.index.get_level_values(-1) < INDEXES[index][n_train]
    return X[is_train], X[~is_train]


def next_rail(X):
    """The next value of rail of each series, as a target."""
    later = X.groupby(level=0)["rail"].shift(-1)
    return later.fillna(X["rail"]).rename("rail+1")


def by_itself(step, train, X):
    """Return the output of a fitted `step` for `X`, each series fitted alone."""
    names = X.index.get_level_values(0)
    output = None
    for name in names.unique():
        alone = clone(step)
        if name in train.index.get_level_values(0):
            alone.fit(train.xs(name))
        else:
            alone.set_params(history=None).fit(train.xs(train.index[0][0]))
        for attribute in ("mean_", "scale_"):
            if hasattr(step, attribute):
                setattr(alone, attribute, getattr(step, attribute))
        part = np.asarray(alone.transform(X.xs(name)))
        if output is None:
            output = np.full((len(X), *part.shape[1:]), -1.0)
        output[names == name] = part
    return output


def rolling_mean(X):
    return X.rolling(3).mean()


STEPS = {
    "windows": SlidingWindow(4),
    "windows of one row": SlidingWindow(1),
    "windows with edges": SlidingWindow(4, pad="edge"),
    "flattened": SlidingWindow(4, flatten=True),
    "flattened with edges": SlidingWindow(4, flatten=True, pad="edge"),
    "ratios": RatioLogScaler(),
    "seasons": SeasonalDifference(3),
    "filled": ForwardFill(add_indicator=True),
    "filled a few rows": ForwardFill(limit=2),
    "rolling mean": WithHistory(FunctionTransformer(rolling_mean), 2),
}


@st.composite
def panels(draw):
    """Draw a panel, and the name of its calendar."""
    index = draw(st.sampled_from(TIMED))
    spans = draw(
        st.lists(
            st.one_of(
                st.tuples(st.integers(0, 20), st.integers(32, 60)),
                st.tuples(st.integers(0, 15), st.just(N_TRAIN - 3)),
                st.tuples(st.just(N_TRAIN + 2), st.integers(45, 60)),
            ),
            max_size=4,
        )
    )
    spans = [(0, 60), *spans]
    layout = draw(st.sampled_from(LAYOUTS))
    return panel(spans, index, layout, draw(st.integers(0, 9))), index


@given(drawn=panels(), kind=st.sampled_from(list(STEPS)), n_test=st.integers(1, 20))
@settings(max_examples=5 * N_EXAMPLES, deadline=None)
def test_a_step_treats_each_series_as_if_it_were_alone(drawn, kind, n_test):
    X, index = drawn
    train, test = split(X, index=index)
    test = split(test, N_TRAIN + n_test, index)[0]
    step = clone(STEPS[kind]).fit(train)
    expected = by_itself(step, train, train)
    for seen in (step.fit_transform(train), step.transform(train)):
        np.testing.assert_allclose(seen, expected, rtol=1e-12)
    seen = step.transform(test)
    np.testing.assert_allclose(seen, by_itself(step, train, test), rtol=1e-12)
    if hasattr(seen, "index"):
        assert seen.index.equals(test.index)


def model_of(cls):
    """Construct a model of `cls` that takes the rows of a panel."""
    if issubclass(cls, TAKE_WINDOWS):
        return make_pipeline(SlidingWindow(4), small(cls))
    if issubclass(cls, (*PASS_X_ON, RelativeTargetRegressor)):
        windows = SlidingWindow(4, flatten=True, pad="edge")
        return small(cls).set_params(regressor=make_pipeline(windows, Ridge()))
    return small(cls)


@cache
def fitted(cls):
    """Fit a model once to series of different starts and ends."""
    X = panel([(0, 30), (5, 30), (12, 26), (20, 30)], layout="by time")
    return model_of(cls).fit(X, target_for(cls, next_rail(X)))


@st.composite
def later_rows(draw):
    """Draw rows of `fitted`'s series, in training or after it, and of new series."""
    parts, ends = {}, {"shop 0": 30, "shop 1": 30, "shop 2": 26, "new": 30}
    starts = {"shop 0": 0, "shop 1": 5, "shop 2": 12, "new": 30}
    whole = panel([(0, 60), (5, 60), (12, 60), (30, 60)], layout="by series")
    for i, name in enumerate(draw(st.permutations(list(ends)))):
        if i and draw(st.booleans()):
            continue
        at = draw(st.sampled_from([starts[name], ends[name]]))
        n = draw(st.integers(2, 15))
        series = f"shop {list(ends).index(name)}"
        rows = whole.xs(series)
        parts[name] = rows[rows.index >= INDEXES["daily"][at]][:n]
    X = pd.concat(parts, names=["shop", "time"])
    return arrange(X, draw(st.sampled_from(LAYOUTS)), draw(st.integers(0, 9)))


@every_estimator
@given(X=later_rows())
@settings(max_examples=N_EXAMPLES, deadline=None)
def test_an_estimator_treats_each_series_as_if_it_were_alone(cls, X):
    model = fitted(cls)
    together, names = output(model, X), X.index.get_level_values(0)
    for name in names.unique():
        alone = output(model, X.loc[[name]])
        # The products of Ridge round by the number of rows.
        np.testing.assert_allclose(together[names == name], alone, rtol=1e-12)


@given(drawn=panels(), period=st.integers(1, 5))
@settings(max_examples=2 * N_EXAMPLES, deadline=None)
def test_levels_come_back(drawn, period):
    X, index = drawn
    train, test = split(X, index=index)
    known = test.index.droplevel(-1).isin(train.index.droplevel(-1))
    for step in (SeasonalDifference(period), RatioLogScaler()):
        step.fit(train)
        for part in (train, test[known]):
            if len(part):
                levels = step.inverse_transform(step.transform(part))
                pd.testing.assert_frame_equal(levels, part)


def nets(cls):
    return cls(max_epochs=2, random_state=0)


@every_net
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_net_predicts_the_windows_of_each_series(cls, layout):
    X = panel(layout=layout)
    train, test = split(X)
    windows = SlidingWindow(5)
    model = make_pipeline(windows, nets(cls)).fit(train, next_rail(train))
    for part in (train, test, split(test, N_TRAIN + 1)[0]):
        expected = model[-1].predict(by_itself(windows, train, part))
        np.testing.assert_array_equal(model.predict(part), expected)


def test_a_net_trains_on_the_windows_of_each_series():
    """The same windows in the same order, as an array of samples."""
    X = panel(layout="by time")
    y = next_rail(X)
    params = {"window_norm": None, "standardize": False, "random_state": 0}
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=3, **params)
    windows = SlidingWindow(5)
    model = make_pipeline(windows, net).fit(X, y)
    alone = clone(net).fit(by_itself(windows, X, X), y)
    np.testing.assert_allclose(
        model.predict(X), alone.predict(by_itself(windows, X, X)), rtol=1e-5
    )


OPTIONS = {
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "every step": {"loss_steps": "all"},
    "window norm": {"window_norm": "mean", "target_channels": [0]},
    "quantiles": {"loss": "quantile"},
    "plain": {},
}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("cls", [LSTMRegressor, TCNRegressor])
@pytest.mark.parametrize("index", ["daily", "periods", "hourly, autumn"])
def test_one_series_gives_the_same_bits_as_without_its_level(cls, options, index):
    X = panel([(0, 60)], index)
    y = next_rail(X)
    steps = [SlidingWindow(5)]
    if options != "window norm":
        steps.insert(0, RatioLogScaler())
    predictions = []
    for part in (X, X.droplevel(0)):
        model = make_pipeline(*steps, nets(cls).set_params(**OPTIONS[options]))
        target = y.set_axis(part.index)
        model.fit(part[:40], target[:40])
        predictions.append([model.predict(part[:40]), model.predict(part[40:])])
    for one, other in zip(*predictions, strict=True):
        np.testing.assert_array_equal(one, other)


def models():
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=2, random_state=0)
    windows = make_pipeline(SlidingWindow(4), net)
    return {
        "net": windows,
        "flattened": make_pipeline(SlidingWindow(4, flatten=True, pad="edge"), Ridge()),
        "two steps": make_pipeline(RatioLogScaler(), SlidingWindow(4), net),
        "naive": SeasonalNaiveRegressor(3),
        "relative": RelativeTargetRegressor(windows, relation="ratio"),
        "conformal": ConformalRegressor(windows),
        "purged": make_pipeline(SlidingWindow(4), PurgedRegressor(net, purge=2)),
        "tasks": make_pipeline(SlidingWindow(4), MultiTaskNet(net)),
    }


@pytest.mark.parametrize("name", models())
@pytest.mark.parametrize("layout", LAYOUTS)
def test_other_series_and_later_rows_change_no_prediction(name, layout):
    X = panel(layout=layout)
    train, test = split(X)
    model = models()[name].fit(train, next_rail(train))
    before = model.predict(test)
    shops = test.index.get_level_values(0)
    for shop in shops.unique():
        poisoned = test.mul(np.where(shops == shop, 1, 1e3), axis=0)
        after = model.predict(poisoned)
        np.testing.assert_array_equal(after[shops == shop], before[shops == shop])
    earlier = test.index.get_level_values(1) < INDEXES["daily"][N_TRAIN + 5]
    poisoned = test.mul(np.where(earlier, 1, 1e3), axis=0)
    np.testing.assert_array_equal(model.predict(poisoned)[earlier], before[earlier])


@pytest.mark.parametrize("name", models())
def test_models_are_stored(name, tmp_path):
    X = panel()
    train, test = split(X)
    model = models()[name].fit(train, next_rail(train))
    joblib.dump(model, tmp_path / "model")
    again = joblib.load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(test), model.predict(test))
    content = skops.io.dumps(model)
    again = skops.io.loads(content, trusted=trusted_types(models()[name]))
    np.testing.assert_array_equal(again.predict(test), model.predict(test))


def test_the_naive_forecast_is_of_each_series():
    X = panel()
    train, test = split(X)
    naive = SeasonalNaiveRegressor(3).fit(train, next_rail(train))
    shops = test.index.get_level_values(0)
    known = shops != "shop 3"
    expected = X.groupby(level=0)["rail"].shift(2)[test.index]
    np.testing.assert_array_equal(naive.predict(test)[known], expected[known])


FOLDS = [
    ({"n_splits": 3}, TimeSeriesSplit(3)),
    ({"n_splits": 3, "test_size": 5, "gap": 2}, TimeSeriesSplit(3, test_size=5, gap=2)),
    ({"n_splits": 2, "max_train_size": 9}, TimeSeriesSplit(2, max_train_size=9)),
]


@pytest.mark.parametrize(("params", "cv"), FOLDS, ids=lambda value: str(value))
@pytest.mark.parametrize("align", ["time", "end"])
def test_one_series_has_the_folds_of_scikit_learn(params, cv, align):
    X = panel([(0, 60)])
    splitter = PanelTimeSeriesSplit(**params, align=align)
    for rows in (X, X.droplevel(0), X.to_numpy()):
        found = list(splitter.split(rows))
        assert len(found) == splitter.get_n_splits() == cv.get_n_splits()
        for parts in zip(found, cv.split(rows), strict=True):
            for one, other in zip(*parts, strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_folds_of_the_calendar(layout):
    X = panel(layout=layout)
    times = X.index.get_level_values(1)
    days = INDEXES["daily"]
    cv = PanelTimeSeriesSplit(3, test_size=8, gap=1)
    for i, (train, test) in enumerate(cv.split(X)):
        first = 60 - 8 * (3 - i)
        assert set(test) == set(np.flatnonzero(times.isin(days[first : first + 8])))
        assert set(train) == set(np.flatnonzero(times < days[first - 1]))
    y = next_rail(X)
    for one, other in zip(cv.split(X), cv.split(X.to_numpy(), y), strict=True):
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_folds_at_the_end_of_each_series(layout):
    X = panel(layout=layout)
    folds = list(PanelTimeSeriesSplit(2, test_size=4, align="end").split(X))
    for i, (train, test) in enumerate(folds):
        for shop, rows in X.groupby(level=0):
            n = len(rows) - 4 * (1 - i)
            for part, own in ((train, rows[: n - 4]), (test, rows[n - 4 : n])):
                found = X.index[part]
                assert found[found.isin(rows.index)].equals(own.index), shop


def test_a_search_through_a_pipeline():
    X = panel()
    y = next_rail(X)
    scaler = StandardScaler().set_output(transform="pandas")
    net = LSTMRegressor(
        hidden_sizes=(4,), max_epochs=2, window_norm=None, random_state=0
    )
    model = make_pipeline(scaler, SlidingWindow(4), PurgedRegressor(net))
    search = GridSearchCV(
        model,
        {"slidingwindow__window": [3, 5]},
        cv=PanelTimeSeriesSplit(2, test_size=6),
        error_score="raise",
    ).fit(X, y)
    assert search.predict(X).shape == (len(X),)
    scores = cross_val_score(model, X, y, cv=PanelTimeSeriesSplit(2))
    assert np.isfinite(scores).all()


def test_a_step_that_drops_the_index_is_an_error():
    X = panel()
    model = make_pipeline(StandardScaler(), SlidingWindow(4), DummyRegressor())
    with pytest.raises(ValueError, match=r"y has a MultiIndex.*set_output"):
        model.fit(X, next_rail(X))


def test_the_last_rows_are_those_of_each_series():
    X = panel()
    y = next_rail(X)
    n_after = X.groupby(level=0).cumcount(ascending=False).to_numpy()

    class Recorder(DummyRegressor):
        def fit(self, X, y, sample_weight=None):
            self.rows_ = X.index
            return super().fit(X, y, sample_weight)

    purged = PurgedRegressor(Recorder(), purge=3).fit(X, y)
    assert purged.regressor_.rows_.equals(X.index[n_after >= 3])
    conformal = ConformalRegressor(DummyRegressor(), calibration_fraction=0.25).fit(
        X, y
    )
    counts = X.groupby(level=0)["rail"].transform("size").to_numpy()
    is_last = n_after < np.ceil(0.25 * counts)
    mean = y[~is_last].mean()
    by_time = np.abs(y - mean)[is_last].sort_index(level=["time", "shop"])
    np.testing.assert_allclose(conformal.residuals_, by_time)


def test_validation_rows_are_the_last_of_each_series():
    X = panel([(0, 60), (0, 30), (20, 24)], layout="by time")
    y = next_rail(X)
    # The last targets of the two long series are far off; four rows are too few.
    n_after = X.groupby(level=0).cumcount(ascending=False)
    y = y + 1e3 * (n_after < 4)
    windows = SlidingWindow(4).fit_transform(X)
    net = CNNRegressor(
        max_epochs=1, early_stopping=True, validation_fraction=0.1, random_state=0
    )
    samples = net.fit(windows, y)
    is_short = X.index.get_level_values(0) == "shop 2"
    n_complete = X.groupby(level=0).cumcount() >= 3
    counts = n_complete.groupby(level=0).transform("sum")
    is_valid = n_after < np.ceil(0.1 * counts)
    trained = y[n_complete & ~(is_valid & ~is_short)]
    np.testing.assert_allclose(samples._spec.targets.scaling.mean, trained.mean())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_validation_rows_of_a_table_are_the_last_of_each_series(layout):
    X = panel(layout=layout)
    y = next_rail(X)
    table = SlidingWindow(4, flatten=True, pad="edge").fit_transform(X)
    n_after = X.groupby(level=0).cumcount(ascending=False)
    counts = X.groupby(level=0)["rail"].transform("size")
    is_valid = n_after < np.ceil(0.1 * counts)
    net = WindowMLPRegressor(max_epochs=1, early_stopping=True, random_state=0)
    net.fit(table, y)
    np.testing.assert_allclose(net._spec.targets.scaling.mean, y[~is_valid].mean())
    # Without validation rows, the order of the rows of a table says nothing.
    net.set_params(early_stopping=False).fit(table[::-1], y[::-1])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("index", ["daily", "periods"])
def test_a_net_of_rows_without_windows_warns(layout, index):
    X = panel(index=index, layout=layout)
    net = WindowMLPRegressor(max_epochs=1)
    with pytest.warns(UserWarning, match="put `SlidingWindow` before this est"):
        net.fit(X, next_rail(X))
    numbered = X.set_axis(X.index.set_levels(range(60), level=1))
    net.fit(numbered, next_rail(numbered))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_table_of_lags_with_the_newest_first_is_told_by_its_values(layout):
    X = panel(layout=layout)[["rail"]]
    table = SlidingWindow(6, flatten=True, pad="edge").fit_transform(X)
    turned = table.iloc[:, ::-1].set_axis(list("abcdef"), axis=1)
    net = WindowMLPRegressor(max_epochs=1)
    with pytest.warns(UserWarning, match="lags with the newest first"):
        net.fit(turned, next_rail(X))
    net.fit(table.set_axis(list("abcdef"), axis=1), next_rail(X))


def frame_index(frame):
    return pd.MultiIndex.from_frame(frame)


BAD = {
    "a time twice": (
        lambda f: frame_index(
            f.assign(time=f["time"].where(f.index != 5, f["time"][4]))
        ),
        r"has row 5, \('shop 0', .*\), twice",
    ),
    "back in time": (
        lambda f: frame_index(f.iloc[::-1]),
        "goes back in time at row 1, .*sort_index",
    ),
    "no time": (
        lambda f: frame_index(f.assign(time=f["time"].where(f.index != 7))),
        "missing label in row 7",
    ),
    "no series": (
        lambda f: frame_index(f.assign(shop=f["shop"].where(f.index != 7))),
        "missing label in row 7",
    ),
    "time first": (
        lambda f: frame_index(f[["time", "shop"]]),
        "last level .* no times.* put the level 'time' last",
    ),
    "text": (
        lambda f: frame_index(f.assign(time=f["time"].astype(str))),
        "last level .* no times.*to_datetime",
    ),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("cls", [SlidingWindow, SeasonalDifference, RatioLogScaler])
def test_an_index_that_cannot_be_used(kind, cls):
    change, message = BAD[kind]
    X = panel([(0, 20), (3, 20)], layout="by series")
    bad = X.set_axis(change(X.index.to_frame(index=False)))
    step = cls().fit(X)
    for method in (clone(step).fit, step.transform):
        with pytest.raises(ValueError, match=message):
            method(bad)


def test_the_way_out_of_text_as_times_can_be_run():
    X = panel([(0, 20), (3, 20)], layout="by series")
    as_text = X.index.set_levels(X.index.levels[1].astype(str), level=1)
    bad = X.set_axis(as_text)
    with pytest.raises(ValueError, match="no times") as caught:
        SlidingWindow().fit(bad)
    call = str(caught.value).split("`")[1]
    good = bad.set_axis(eval(call, {"pd": pd, "X": bad}))
    assert good.index.equals(X.index)
    SlidingWindow().fit(good)


def test_errors_name_the_series_of_a_row():
    X = panel([(0, 20), (3, 20)], layout="by series")
    y = next_rail(X)
    bad = X.copy()
    bad.iloc[30, 1] = np.nan
    windows = SlidingWindow(3).fit_transform(X)
    net = WindowMLPRegressor(hidden_sizes=(4,), max_epochs=1)
    with pytest.raises(
        ValueError, match=r"row 30 \(\('shop 1', Timestamp\('2019-01-14"
    ):
        net.fit(SlidingWindow(3).fit_transform(bad), y)
    bad.iloc[30] = -1.0
    relative = RelativeTargetRegressor(DummyRegressor(), column="rail")
    with pytest.raises(ValueError, match=r"not positive in row 30 \(\('shop 1', Tim"):
        relative.fit(bad, y)
    relative.fit(X, y)
    net.fit(windows, y)


def test_names_of_another_type_warn():
    X = panel([(0, 20), (3, 20)], layout="by series")
    numbered = X.set_axis(X.index.set_levels([1, 2], level=0))
    step = SlidingWindow(3).fit(
        numbered[numbered.index.get_level_values(1) < INDEXES["daily"][15]]
    )
    later = numbered[numbered.index.get_level_values(1) >= INDEXES["daily"][15]]
    text = later.set_axis(later.index.set_levels(["1", "2"], level=0))
    with pytest.warns(UserWarning, match="such as '1', are of type string, and the na"):
        windows = step.transform(text)
    assert np.isnan(windows[0, 0]).all()
    assert np.isfinite(step.transform(later)).all()
    step.transform(later.set_axis(later.index.set_levels([7, 8], level=0)))


GOOD = {
    "numbers": lambda f: f.assign(shop=f["shop"].str[-1].astype(int)),
    "tuples": lambda f: f.assign(shop=[("a", name) for name in f["shop"]]),
    "two levels": lambda f: f.assign(city="x" + f["shop"].str[-1])[
        ["city", "shop", "time"]
    ],
    "unused categories": lambda f: f.assign(
        shop=pd.Categorical(f["shop"], categories=["other", "shop 1", "shop 0"])
    ),
    "text of other pandas types": lambda f: f.assign(shop=f["shop"].astype("string")),
    "date objects": lambda f: f.assign(time=[stamp.date() for stamp in f["time"]]),
    "whole numbers from 0": lambda f: f.assign(time=f.groupby("shop").cumcount()),
    "a time zone": lambda f: f.assign(time=f["time"].dt.tz_localize("Europe/Berlin")),
    "periods": lambda f: f.assign(time=f["time"].dt.to_period("D")),
}


@pytest.mark.parametrize("kind", GOOD)
def test_names_and_times_of_every_kind(kind):
    X = panel([(0, 20), (3, 20)], layout="by series")
    is_train = X.groupby(level=0).cumcount().to_numpy() < 12
    named = X.set_axis(frame_index(GOOD[kind](X.index.to_frame(index=False))))
    expected = SlidingWindow(4).fit(X[is_train]).transform(X[~is_train])
    step = SlidingWindow(4).fit(named[is_train])
    content = skops.io.dumps(step)
    for again in (step, skops.io.loads(content, trusted=trusted_types(step))):
        np.testing.assert_array_equal(again.transform(named[~is_train]), expected)


def test_levels_that_are_not_sorted():
    X = panel([(0, 20), (3, 20)])
    shuffled = X.set_axis(
        X.index.set_levels(X.index.levels[1][::-1], level=1).set_codes(
            len(X.index.levels[1]) - 1 - X.index.codes[1], level=1
        )
    )
    np.testing.assert_array_equal(
        SlidingWindow(4).fit_transform(shuffled), SlidingWindow(4).fit_transform(X)
    )


def test_series_that_do_not_follow_are_named():
    X = panel([(0, 60)] * 6)
    train, test = split(X)
    late = split(test, N_TRAIN + 5)[1]
    step = SlidingWindow(4).fit(train)
    message = "'shop 0', 'shop 1', 'shop 2' and 3 more, so the history"
    with pytest.warns(UserWarning, match=message):
        windows = np.asarray(step.transform(late))
    first = late.groupby(level=0).cumcount() == 0
    assert np.isnan(windows[first][:, :-1]).all()
    shops = test.index.get_level_values(0)
    mixed = pd.concat(
        [test[shops != "shop 1"], late[late.index.get_level_values(0) == "shop 1"]]
    )
    with pytest.warns(UserWarning, match="for the series 'shop 1', so"):
        windows = np.asarray(step.transform(mixed))
    expected = step.transform(test[shops != "shop 1"])
    np.testing.assert_array_equal(windows[: len(expected)], expected)


def test_a_gap_inside_a_series_is_named():
    X = panel([(0, 60), (0, 60)], layout="by series")
    hole = X.drop(X.index[80:85])
    with pytest.warns(UserWarning, match="in the series 'shop 1', such as from"):
        SlidingWindow(4).fit(hole)


def test_a_gap_of_all_series_is_named():
    X = panel([(0, 60), (0, 60)], layout="by time")
    hole = X.drop(X.index.levels[1][40:45], level=1)
    with pytest.warns(UserWarning, match="in the series 'shop 0', 'shop 1', such as"):
        SlidingWindow(4).fit(hole)


def test_rows_inside_training_have_their_history():
    X = panel()
    step = SlidingWindow(4).fit(X)
    inside = split(X, 40)[1]
    expected = by_itself(step, X, X)[X.index.isin(inside.index)]
    np.testing.assert_array_equal(step.transform(inside), expected)


def test_a_panel_after_one_series_and_the_reverse():
    X = panel([(0, 60), (0, 60)])
    train, test = split(X)
    step = SlidingWindow(4).fit(train)
    with pytest.raises(ValueError, match=r"rows were many series.*MultiIndex"):
        step.transform(test.xs("shop 0"))
    one = SlidingWindow(4).fit(train.xs("shop 0"))
    with pytest.raises(ValueError, match=r"X has a MultiIndex.*X\.xs"):
        one.transform(test)
    np.testing.assert_array_equal(
        step.transform(test.loc[["shop 0"]]), one.transform(test.xs("shop 0"))
    )


def test_unknown_history_takes_no_memory():
    n_series, window = 2000, 336
    index = pd.MultiIndex.from_product(
        [range(n_series), pd.date_range("2020-01-01", periods=10)]
    )
    X = pd.DataFrame(np.ones((len(index), 2)), index=index)
    windows = SlidingWindow(window).fit_transform(X)
    assert len(windows.rows) == len(X)
    assert windows.shape == (len(X), window, 2)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_rows_that_are_all_kept_are_copied_once(layout):
    n_series, n_rows = 20_000, 10
    index = pd.MultiIndex.from_product([range(n_series), range(n_rows)])
    X = arrange(pd.DataFrame(np.ones((len(index), 7)), index=index), layout)
    step = SlidingWindow(336)
    tracemalloc.start()
    try:
        windows = step.fit_transform(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.shares_memory(windows.rows, step._tail.kept)
    assert peak < 2 * windows.rows.nbytes


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_fitted_step_keeps_its_rows_whatever_is_changed(layout):
    X = panel([(0, 60), (0, 60), (5, 55)], layout=layout)
    train, test = split(X)
    step = SlidingWindow(40)
    expected = np.array(clone(step).fit(train).transform(test))
    rows = train.to_numpy(copy=True)
    train = pd.DataFrame(rows, index=train.index, columns=train.columns, copy=False)
    windows = step.fit_transform(train)
    of_training = np.array(windows)
    rows[:] = -1.0
    np.asarray(windows)[:] = -1.0
    windows[:2][0, 0][:] = -1.0
    with pytest.raises(ValueError, match="read-only"):
        windows.rows[0] = -1.0
    np.testing.assert_array_equal(windows, of_training)
    np.testing.assert_array_equal(step.transform(test), expected)
    for again in (pickle.loads(pickle.dumps(step)), copy.deepcopy(step)):
        np.testing.assert_array_equal(again.transform(test), expected)


@pytest.mark.parametrize("n_rows", [1, 5, 20_000])
@pytest.mark.parametrize("arranged", ["by time", "turned", "uneven", "mixed"])
def test_the_order_by_series_is_a_stable_sort(arranged, n_rows):
    rng, n_series = np.random.default_rng(0), 7
    series = np.tile(rng.permutation(n_series), n_rows)
    if arranged == "turned":  # another order at the last time
        series[-n_series:] = series[-n_series:][::-1]
    elif arranged == "uneven":
        series = np.r_[series, series[:3]]
    elif arranged == "mixed":
        rng.shuffle(series)
    order = order_by(series.astype(np.int16), n_series)
    np.testing.assert_array_equal(order, np.argsort(series, kind="stable"))
    assert order_by(np.sort(series), n_series) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("how", ["C", "F", "strided"])
def test_rows_in_an_order_come_after_nan(how, dtype):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((20_000, 6)).astype(
        dtype, order="F" if how == "F" else "C"
    )
    rows = rows[:, ::2] if how == "strided" else rows
    for order in (None, rng.permutation(len(rows)), np.array([5, 3])):
        joined = after_unknown(4, rows, order)
        assert joined.dtype == dtype
        assert not np.shares_memory(joined, rows)
        assert np.isnan(joined[:4]).all()
        expected = rows if order is None else rows[order]
        np.testing.assert_array_equal(joined[4:], expected)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "params",
    [
        {"target": "rail"},
        {"target": ["rail"], "horizon": 3},
        {"target": ["rail", "bus"], "horizon": 2},
        {"target": "rail", "horizon": 2, "known_future": "holiday"},
    ],
    ids=str,
)
def test_targets_are_later_rows_of_the_same_series(params, layout):
    X = panel(layout=layout)
    X["holiday"] = np.arange(len(X)) % 2
    if "known_future" in params:  # the last two rows say only what is known ahead
        n_after = X.groupby(level=0).cumcount(ascending=False)
        X.loc[n_after < 2, ["rail", "bus"]] = np.nan
    parts = make_supervised(X, **params)
    for shop in X.index.levels[0]:
        alone = make_supervised(X.xs(shop), **params)
        for part, expected in zip(parts, alone, strict=True):
            found = part.xs(shop)
            assert found.equals(expected.set_axis(found.index)), shop
            assert list(found.index) == list(expected.index)
    for part in parts:
        assert part.index.equals(X.index[X.index.isin(part.index)])


def test_a_series_that_is_too_short_is_left_out():
    X = panel([(0, 60), (50, 53), (10, 60)])
    X.loc["shop 2", "rail"] = X.loc["shop 2", "rail"].where(np.arange(50) < 2).values
    message = (
        "series 'shop 1', 'shop 2' are left out, as they have fewer than .*= 4 rows"
    )
    with pytest.warns(UserWarning, match=message):
        parts = make_supervised(X, target="rail", horizon=3)
    for part in parts:
        assert set(part.index.get_level_values(0)) == {"shop 0"}
    with pytest.raises(ValueError, match=r"data has 60 rows .* horizon \+ 1 = 61"):
        make_supervised(X, target="rail", horizon=60)


def test_each_series_has_its_own_now():
    X = panel([(0, 60), (0, 50)], layout="by series")
    X.loc[("shop 0", slice("2019-02-20", None)), "rail"] = np.nan
    with pytest.warns(UserWarning, match="last rows of the series 'shop 0' have no"):
        _, _, latest = make_supervised(X, target="rail", horizon=2)
    times = latest.index.get_level_values(1)
    days = ["2019-02-18", "2019-02-19", "2019-02-18", "2019-02-19"]
    assert list(times) == list(pd.to_datetime(days))


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_series_and_time_may_be_columns(make):
    X = panel([(0, 20), (3, 20)], layout="by time")
    table = X.reset_index()
    expected = make_supervised(X, target="rail", horizon=2)
    data = make({name: table[name].to_numpy() for name in table})
    found = make_supervised(data, target="rail", horizon=2, series="shop", time="time")
    for part, other in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(part, other, check_index_type=False)
    with pytest.raises(ValueError, match="series='shop' names the series, and time is"):
        make_supervised(data, target="rail", series="shop")
    with pytest.raises(ValueError, match="'shop' is both target and series"):
        make_supervised(data, target="shop", series="shop", time="time")
    with pytest.raises(ValueError, match="'store' is not a column of data"):
        make_supervised(data, target="rail", series=["store"], time="time")


def test_windows_of_unknown_history_are_filled_in_parts(monkeypatch):
    X = panel([(0, 6), (3, 9), (5, 40)])
    model = make_pipeline(SlidingWindow(8), nets(LSTMRegressor))
    model.fit(X, next_rail(X))
    new = panel([(45, 50), (46, 60)]).rename(index=lambda name: f"new {name}", level=0)
    expected = model.predict(new)
    monkeypatch.setattr(evaluating, "FILLED_AT_ONCE", 3 * 8 * 2)
    parts, n_filled = [], []
    fill = evaluating.fill_rows_of
    monkeypatch.setattr(
        evaluating,
        "fill_rows_of",
        lambda w, *args: (
            parts.append(len(w))
            or n_filled.append(starts_unknown(w).sum())
            or fill(w, *args)
        ),
    )
    np.testing.assert_array_equal(model.predict(new), expected)
    assert max(n_filled) == 3
    assert sum(parts) == len(new)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_series_of_an_array_are_those_of_its_targets(layout):
    X = panel(layout=layout)
    y = next_rail(X)
    for wrapper in (PurgedRegressor(Ridge(), purge=3), ConformalRegressor(Ridge())):
        parts = (X, X.to_numpy())
        one, other = (clone(wrapper).fit(part, y).predict(part) for part in parts)
        np.testing.assert_allclose(one, other, rtol=1e-12)
    half_widths = [
        ConformalRegressor(Ridge()).fit(part, y).update(part, y).half_width_
        for part in (X, X.to_numpy())
    ]
    np.testing.assert_allclose(*half_widths, rtol=1e-9)
    windows = SlidingWindow(4).fit_transform(X)
    net = nets(CNNRegressor).set_params(early_stopping=True, window_norm=None)
    losses = [
        clone(net).fit(part, y).validation_loss_curve_
        for part in (windows, np.asarray(windows))
    ]
    np.testing.assert_allclose(*losses, rtol=0.1)


def test_levels_in_another_order_are_an_error():
    X = pd.concat({"north": panel()}, names=["region"])
    train, test = X[: len(X) // 2], X
    step = SlidingWindow(3).fit(train)
    for other in (test.reorder_levels(["shop", "region", "time"]), test.droplevel(0)):
        with pytest.raises(ValueError, match=r"has the levels .* and the train"):
            step.transform(other)


def test_numbers_that_are_counted_anew_give_no_history():
    X = panel([(0, 40), (0, 40)], "range from 0", layout="by series")
    train, test = X.groupby(level=0).head(30), X.groupby(level=0).tail(10)
    step = SlidingWindow(3).fit(train)
    for start in (0, 5):
        numbers = test.groupby(level=0).cumcount() + start
        shops = test.index.get_level_values(0)
        again = test.set_axis(pd.MultiIndex.from_arrays([shops, numbers]))
        with pytest.warns(UserWarning, match="for the series 'shop 0', 'shop 1', so"):
            windows = np.asarray(step.transform(again))
        first = test.groupby(level=0).cumcount() == 0
        assert np.isnan(windows[first][:, :-1]).all()
    np.testing.assert_array_equal(step.transform(train), step.fit_transform(train))


def test_windows_cut_by_steps_keep_their_targets():
    X = panel([(20, 40), (0, 20)], layout="by series")
    y = X["rail"]
    losses = []
    for layout in LAYOUTS[:2]:
        rows = arrange(X, layout)
        windows = SlidingWindow(6).fit_transform(rows)[:, :4]
        net = LSTMRegressor(
            hidden_sizes=(3,),
            max_epochs=1,
            loss_steps="all",
            batch_size=1000,
            random_state=0,
        ).fit(windows, y.loc[rows.index])
        losses.append(net.loss_curve_)
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_dates_as_whole_numbers_are_an_error():
    X = panel([(0, 20), (3, 20)])
    times = X.index.levels[1]
    numbers = [int(f"{time:%Y%m%d}") for time in times]
    bad = X.set_axis(X.index.set_levels(numbers, level=1))
    with pytest.raises(ValueError, match=r"dates as whole numbers.*set_levels\(pd\."):
        SlidingWindow(3).fit(bad)


def test_a_multiindex_of_one_level_is_an_error():
    X = panel([(0, 20)]).droplevel(0)
    bad = X.set_axis(pd.MultiIndex.from_arrays([X.index]))
    with pytest.raises(ValueError, match="MultiIndex of one level"):
        SlidingWindow(3).fit(bad)


def test_shuffled_windows_train_a_net():
    X = panel()
    y = next_rail(X)
    windows = SlidingWindow(4).fit_transform(X)
    order = np.random.default_rng(0).permutation(len(X))
    net = nets(WindowMLPRegressor).set_params(window_norm=None)
    assert np.isfinite(net.fit(windows[order], y.iloc[order]).predict(windows)).all()


def test_windows_without_a_shared_row_are_samples():
    for X in (panel([(0, 60)]), panel([(0, 60)]).droplevel(0)):
        windows = SlidingWindow(5).fit_transform(X)
        assert windows.are_rows
        assert windows[[7, 9]].are_rows
        assert not windows[9::5].are_rows
        assert SlidingWindow(1).fit_transform(X).are_rows


def test_the_times_of_y_may_be_those_of_its_targets():
    X = panel(layout="by series")
    is_last = X.groupby(level=0).cumcount(ascending=False) == 0
    is_first = X.groupby(level=0).cumcount() == 0
    rows, targets = X[~is_last], X["rail"][~is_first]
    model = make_pipeline(SlidingWindow(4), nets(WindowMLPRegressor))
    found = model.fit(rows, targets).predict(rows)
    expected = model.fit(rows, targets.set_axis(rows.index)).predict(rows)
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match=r"^y has the label"):
        model.fit(X[~is_first], X["rail"][~is_last])


def test_a_series_that_is_left_out_is_named_once():
    X = panel([(0, 60), (0, 60)])
    X.loc["shop 1", "rail"] = np.nan
    with pytest.warns(UserWarning, match="'shop 1' are left out") as caught:
        make_supervised(X, target="rail")
    assert len(caught) == 1
