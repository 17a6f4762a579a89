"""Rows that follow training become history, as if all rows were given together."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone
from sklearn.compose import (
    TransformedTargetRegressor,
    make_column_transformer,
)
from sklearn.ensemble import (
    BaggingRegressor,
    HistGradientBoostingRegressor,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sktsdl import (
    ConformalRegressor,
    LSTMRegressor,
    MultiTaskNet,
    PurgedRegressor,
    RatioLogScaler,
    RelativeTargetRegressor,
    SeasonalDifference,
    SeasonalNaiveRegressor,
    SlidingWindow,
    WithHistory,
    append_history,
    forecast,
)
from sktsdl.persistence import trusted_types
from sktsdl.preprocessing._base import LookBackTransformer
from tests.estimators import CLASSES, every_net
from tests.series import INDEXES, TIMED, part, rolling_mean, series, some_pairs, target
from tests.test_history import CHAINS
from tests.test_panel import LAYOUTS, N_TRAIN, STEPS, by_itself, next_rail, panel, split

START = 300


def one_by_one(model, X, start, stop, method="predict"):
    """Return the output for each row alone, after the rows before were appended."""
    outputs = []
    for row in range(start, stop):
        alone = part(X, row, row + 1)
        outputs.append(np.asarray(getattr(model, method)(alone)))
        model = append_history(model, alone)
    return model, np.concatenate(outputs or [[]])


def assert_same(seen, expected, name):
    """Compare to the last bit; rolling means of pandas round by where they start."""
    rtol = 1e-12 if "rolling" in name else 0
    np.testing.assert_allclose(seen, np.asarray(expected), rtol=rtol)


def chain_of(name):
    return make_pipeline(*CHAINS[name](), SlidingWindow(7, flatten=True))


@pytest.mark.parametrize(("index", "chain"), some_pairs(INDEXES, CHAINS, 3))
def test_rows_one_by_one_are_as_rows_together(index, chain):
    X = series(INDEXES[index])
    steps = chain_of(chain)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        steps.set_output(transform="pandas" if index != "array" else "default")
        in_sample = np.asarray(steps.fit_transform(part(X, 0, START)))
        expected = np.asarray(steps.transform(part(X, START, START + 30)))
        n_alone = 6
        if index in ("array", "strings") and "filled" in chain:
            n_alone = 0  # a filled row can equal the last row of training
        later, seen = one_by_one(steps, X, START, START + n_alone, "transform")
        if n_alone:
            assert_same(seen, expected[:n_alone], chain)
        later = append_history(later, part(X, START + n_alone, START + 30))
        for stop in (START + 9,):
            again = (
                append_history(steps, part(X, START, stop)) if stop > START else steps
            )
            again = append_history(again, part(X, stop, START + 30))
            for model in (later, again):
                following = np.asarray(model.transform(part(X, START + 30, 400)))
                together = np.asarray(steps.transform(part(X, START, 400)))[30:]
                assert_same(following, together, chain)
        np.testing.assert_array_equal(later.transform(part(X, 0, START)), in_sample)
        inside = np.asarray(later.transform(part(X, START + 5, START + 30)))
        np.testing.assert_allclose(inside, expected[5:], rtol=1e-12)


def test_every_step_that_looks_back_is_tested():
    look_back = {cls for cls in CLASSES if issubclass(cls, LookBackTransformer)}
    of_panels = {type(step) for step in STEPS.values()}
    in_chains = {type(step) for chain in CHAINS.values() for step in chain()}
    assert look_back == in_chains & of_panels | {SlidingWindow}


@every_net
@pytest.mark.parametrize("as_frame", [True, False])
def test_a_net_predicts_a_row_alone_to_the_last_bit(cls, as_frame):
    X = series(INDEXES["hourly"] if as_frame else None)
    net = cls(max_epochs=1, random_state=0)
    model = make_pipeline(RatioLogScaler(), SlidingWindow(8), net)
    model.fit(X[:START], target(X)[:START])
    expected = model.predict(X[START : START + 4])
    later, seen = one_by_one(model, X, START, START + 4)
    np.testing.assert_array_equal(seen, expected)
    np.testing.assert_array_equal(later.predict(X[:START]), model.predict(X[:START]))


@pytest.mark.parametrize(
    "index", ["daily", "periods", "range from 0", "hourly, autumn"]
)
@pytest.mark.parametrize(("kind", "layout"), some_pairs(STEPS, LAYOUTS, 1))
def test_rows_of_each_series_one_by_one(kind, layout, index):
    X = panel(index=index, layout=layout)
    train, test = split(X, index=index)
    step = clone(STEPS[kind]).fit(train)
    known = test[test.index.get_level_values(0) != "shop 3"]
    expected = np.asarray(step.transform(known))
    times = known.index.get_level_values(-1)
    later = step
    for time in INDEXES[index][N_TRAIN : N_TRAIN + 8]:
        now = times == time
        seen = np.asarray(later.transform(known[now]))
        assert_same(seen, expected[now], kind)
        later = append_history(later, known[now])
    later = append_history(later, known[times >= INDEXES[index][N_TRAIN + 8]])
    in_sample = np.asarray(step.transform(train))
    assert_same(later.transform(train), in_sample, kind)
    some = np.flatnonzero(times >= INDEXES[index][N_TRAIN + 5])
    assert_same(later.transform(known.iloc[some]), expected[some], kind)


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_new_series_become_known(kind, layout):
    X = panel([(0, 60), (5, 50), (35, 60), (12, 60)], layout=layout)
    train, test = split(X)
    step = clone(STEPS[kind]).fit(train)
    first, rest = split(test, 45)
    later = append_history(step, first)
    expected = by_itself(step, train, test)[test.index.isin(rest.index)]
    assert_same(later.transform(rest), expected, kind)
    assert_same(later.transform(first), step.transform(first), kind)
    again = pickle.loads(pickle.dumps(later))
    if kind != "rolling mean":  # which holds a function of the tests
        content = skops.io.dumps(later)
        again = skops.io.loads(content, trusted=trusted_types(later))
    assert_same(again.transform(rest), expected, kind)


def models():
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=2, random_state=0)
    flat = make_pipeline(SlidingWindow(4, flatten=True, pad="edge"), Ridge())
    windows = make_pipeline(RatioLogScaler(), SlidingWindow(4), net)
    scaler = StandardScaler().set_output(transform="pandas")
    means = WithHistory(FunctionTransformer(rolling_mean), 4)
    sides = make_union(SeasonalDifference(2), means, FunctionTransformer())
    columns = make_column_transformer(
        (make_pipeline(RatioLogScaler(), SeasonalDifference(2)), ["bus"]),
        (means, ["rail", "bus"]),
        remainder="passthrough",
    )
    return {
        "pipeline": windows,
        "scaler first": make_pipeline(scaler, SlidingWindow(4), net),
        "nested": make_pipeline(make_pipeline(RatioLogScaler()), windows[1:]),
        "union": make_pipeline(sides.set_output(transform="pandas"), windows[1:]),
        "columns": make_pipeline(columns.set_output(transform="pandas"), windows[1:]),
        "naive": SeasonalNaiveRegressor(7, column="rail"),
        "relative": RelativeTargetRegressor(windows, column="rail"),
        "season": RelativeTargetRegressor(
            windows, column="rail", relation="seasonal", period=5
        ),
        "season alone": RelativeTargetRegressor(
            Ridge(), column="rail", relation="seasonal", period=5
        ),
        "conformal": ConformalRegressor(windows),
        "purged": make_pipeline(SlidingWindow(4), PurgedRegressor(net, purge=2)),
        "tasks": make_pipeline(SlidingWindow(4), MultiTaskNet(net)),
        "search": GridSearchCV(
            windows, {"slidingwindow__window": [3]}, cv=TimeSeriesSplit(2)
        ),
        "voting": VotingRegressor([("flat", flat), ("windows", windows)]),
        "transformed": TransformedTargetRegressor(flat, transformer=StandardScaler()),
        "outputs": MultiOutputRegressor(flat),
        "passthrough": make_pipeline("passthrough", SlidingWindow(4), net),
    }


@pytest.mark.parametrize("name", models())
@pytest.mark.parametrize("index", ["daily", "periods"])
def test_models_of_every_kind(name, index):
    X = series(INDEXES[index])
    y = target(X)[:, None] if name == "outputs" else target(X)
    model = models()[name].fit(X[:START], y[:START])
    stored = pickle.dumps(model)
    expected = model.predict(X[START : START + 8])
    _, seen = one_by_one(model, X, START, START + 3)
    # The products of Ridge round by the number of rows.
    np.testing.assert_allclose(seen, expected[:3], rtol=1e-12)
    assert pickle.dumps(model) == stored
    overlap = append_history(model, X[START - 20 : START + 5])
    seen = overlap.predict(X[START + 5 : START + 8])
    np.testing.assert_allclose(seen, expected[5:], rtol=1e-12)
    again = append_history(model, X[START - 9 : START])
    np.testing.assert_allclose(again.predict(X[START:])[:8], expected, rtol=1e-12)


def test_a_frozen_model():
    X = series(INDEXES["daily"])
    model = models()["pipeline"].fit(X[:200], target(X)[:200])
    frozen = ConformalRegressor(FrozenEstimator(model)).fit(
        X[200:START], target(X)[200:START]
    )
    expected = model.predict(X[200:])
    later = append_history(append_history(frozen, X[200:START]), X[START : START + 5])
    np.testing.assert_array_equal(later.predict(X[START + 5 :]), expected[105:])


def test_a_copy_shares_no_parameter():
    X = series(INDEXES["daily"])
    for name in ("pipeline", "conformal", "purged", "search", "columns"):
        model = models()[name].fit(X[:START], target(X)[:START])
        stored = pickle.dumps(model)
        later = append_history(model, X[START : START + 5])
        changes = {k: 1 for k in later.get_params() if k.endswith("max_epochs")}
        later.set_params(**changes)
        later.set_output(transform="polars") if name == "columns" else None
        assert pickle.dumps(model) == stored


def test_nothing_is_estimated_anew():
    X = series(INDEXES["daily"])
    step = RatioLogScaler().fit(X[:START])
    later = append_history(step, 5 * X[START:])
    np.testing.assert_array_equal(later.mean_, step.mean_)
    np.testing.assert_array_equal(later.scale_, step.scale_)
    edges = SlidingWindow(3, pad="edge").fit(X[:START])
    np.testing.assert_array_equal(append_history(edges, X[START:]).mean_, edges.mean_)


@pytest.mark.parametrize("name", ["SlidingWindow", "SeasonalNaiveRegressor"])
def test_a_step_extends_itself(name):
    X = series(INDEXES["daily"])
    step = {
        "SlidingWindow": SlidingWindow(3, flatten=True).fit(X[:START]),
        "SeasonalNaiveRegressor": SeasonalNaiveRegressor(3, column="rail").fit(
            X[:START], target(X)[:START]
        ),
    }[name]
    apply = getattr(step, "transform", None) or step.predict
    expected = np.asarray(apply(X[START:]))
    assert step.extend_history(X[START : START + 9]) is step
    np.testing.assert_array_equal(apply(X[START + 9 :]), expected[9:])


@pytest.mark.parametrize("kind", ["hours", "numbers", "array", "panel"])
def test_what_is_kept_does_not_grow(kind):
    n, window = 2500, 9
    rows = np.exp(np.random.default_rng(0).normal(0, 0.1, size=(n, 2)).cumsum(axis=0))
    names = ["rail", "bus"]
    X = {
        "hours": lambda: pd.DataFrame(
            rows, pd.date_range("2020", periods=n, freq="h"), names
        ),
        "numbers": lambda: pd.DataFrame(rows, columns=names),
        "array": lambda: rows,
        "panel": lambda: pd.DataFrame(
            rows,
            pd.MultiIndex.from_product(
                [pd.date_range("2020", periods=n // 2, freq="h"), ["a", "b"]]
            ).swaplevel(),
            names,
        ),
    }[kind]()
    model = make_pipeline(RatioLogScaler(), SlidingWindow(window)).fit(X[:2200])
    later, sizes = model, []
    for start in range(2200, n - 200, 2):
        later = append_history(later, X[start : start + 2])
        sizes.append(len(pickle.dumps(later)))
    assert max(sizes) <= 1.01 * sizes[0] <= 1.2 * len(pickle.dumps(model))
    np.testing.assert_array_equal(
        later.transform(X[n - 200 :]), np.asarray(model.transform(X[2200:]))[-200:]
    )
    tail = later[1]._tail
    assert len(tail.kept) == len(tail.states) == len(tail.numbers) == len(tail.since)


@pytest.mark.parametrize("n_train", [3, 40, 600, 1100])
@pytest.mark.parametrize("index", ["hours", "numbers", "array"])
def test_the_kept_rows_are_those_of_a_fit_to_all_rows(index, n_train):
    n = 1500
    X = series(
        {
            "hours": pd.date_range("2020", periods=n, freq="h"),
            "numbers": pd.RangeIndex(n),
            "array": None,
        }[index],
        n=n,
    )
    step = later = SlidingWindow(6).fit(X[:n_train])
    for start in range(n_train, n, 130):
        later = append_history(later, X[start : start + 130])
    whole = clone(step).fit(X)._tail
    for name in ("kept", "numbers", "since", "states", "n_rows", "n_start", "n_head"):
        np.testing.assert_array_equal(getattr(later._tail, name), getattr(whole, name))
    if index != "array":
        assert later._tail.training_index.times.equals(whole.training_index.times)
        assert later._tail.calendar.equals(whole.calendar)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_kept_rows_of_each_series_are_those_of_a_fit_to_all_rows(layout):
    X = panel([(0, 60), (5, 50), (35, 60), (12, 60), (2, 28)], layout=layout)
    later = SlidingWindow(6).fit(split(X)[0])
    for start in range(N_TRAIN, 60, 7):
        rows = split(split(X, start)[1], start + 7)[0]
        later = append_history(later, rows)
    whole, tail = SlidingWindow(6).fit(X)._tail, later._tail
    for name, at in zip(whole.keys, tail.keys.get_indexer(whole.keys), strict=True):
        parts = tail.kept_of(at), whole.kept_of(whole.keys.get_loc(name))
        for attribute in ("kept", "numbers", "n_rows", "n_start", "n_head", "since"):
            np.testing.assert_array_equal(*(getattr(p, attribute) for p in parts))
    np.testing.assert_array_equal(tail.n_starts[tail.keys.get_indexer(whole.keys)], 5)


@pytest.mark.parametrize("index", TIMED)
def test_a_gap_cuts_the_history(index):
    X = series(INDEXES[index])
    steps = make_pipeline(SeasonalDifference(2), SlidingWindow(4)).fit(X[:START])
    gap = 6 if index == "business days" else 3
    rest = X[START + gap : START + gap + 20]
    with pytest.warns(UserWarning, match="after a gap.*of its first 2 rows") as caught:
        expected = np.asarray(steps.transform(rest))
    assert len(caught) == 1
    with pytest.warns(UserWarning, match="after a gap") as caught:
        later = append_history(steps, rest[:1])
    assert len(caught) == 1
    later, seen = one_by_one(later, rest, 1, 6, "transform")
    np.testing.assert_array_equal(seen, expected[1:6])
    later = append_history(later, rest[6:])
    np.testing.assert_array_equal(later.transform(rest), expected)
    np.testing.assert_array_equal(later.transform(rest[5:]), expected[5:])
    np.testing.assert_array_equal(
        later.transform(X[START - 9 : START]), steps.transform(X[START - 9 : START])
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_gap_of_a_series_cuts_its_history(layout):
    X = panel([(0, 60), (0, 60)], layout=layout)
    train, test = split(X)
    shops = test.index.get_level_values(0)
    days = test.index.get_level_values(1)
    rest = test[(shops == "shop 0") | (days >= INDEXES["daily"][N_TRAIN + 5])]
    step = SlidingWindow(4).fit(train)
    with pytest.warns(UserWarning, match="for the series 'shop 1', so"):
        expected = np.asarray(step.transform(rest))
    first, last = split(rest, N_TRAIN + 7)
    with pytest.warns(UserWarning, match="for the series 'shop 1', so") as caught:
        later = append_history(step, first)
    assert len(caught) == 1
    is_last = rest.index.isin(last.index)
    np.testing.assert_array_equal(later.transform(last), expected[is_last])
    np.testing.assert_array_equal(later.transform(rest), expected)


def test_the_months_after_a_gap():
    X = series(INDEXES["months"])
    model = make_pipeline(SlidingWindow(4, flatten=True, pad="edge"), Ridge()).fit(
        X[:START], target(X)[:START]
    )
    with pytest.warns(UserWarning, match="after a gap"):
        later = append_history(model, X[START + 3 : START + 5])
    found = forecast(later, X[START + 5 : START + 6])
    assert found.index[0] == X.index[START + 6]


def test_a_known_row_cannot_change():
    X = series(INDEXES["daily"])
    step = SlidingWindow(3).fit(X[:START])
    other = X[START - 5 : START + 5].copy()
    other.iloc[2, 1] += 0.1
    message = r"^X has .* at 2019-10-25.*, column 'bus', and this row is known with"
    with pytest.raises(ValueError, match=message):
        append_history(step, other)
    many = pd.concat({"a": X, "b": X})
    step = SlidingWindow(3).fit(many.groupby(level=0).head(START))
    other = pd.concat({"b": other})
    message = r"^X has .* at \('b', Timestamp\('2019-10-25.*'bus', and this row"
    with pytest.raises(ValueError, match=message):
        append_history(step, other)


@pytest.mark.parametrize("kind", ["window", "ratios", "purged", "search", "panel"])
def test_a_missing_value_of_a_net_is_an_error(kind):
    X = series(INDEXES["daily"])
    y = target(X)
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=1, random_state=0)
    model = make_pipeline(SlidingWindow(5), net)
    if kind == "ratios":
        model = make_pipeline(RatioLogScaler(), SlidingWindow(5), net)
    elif kind == "purged":
        model = make_pipeline(SlidingWindow(5), PurgedRegressor(net))
    elif kind == "search":
        model = GridSearchCV(model, {}, cv=TimeSeriesSplit(2))
    new = X[START : START + 3].copy()
    new.iloc[1, 1] = np.nan
    X, y = X[:START], pd.Series(y[:START], X.index[:START])
    if kind == "panel":
        X, y, new = (pd.concat({"a": part}) for part in (X, y, new))
    model.fit(X, y)
    with pytest.raises(ValueError, match=r"NaN in row 1 \(.*'bus': put `ForwardFill`"):
        append_history(model, new)


@pytest.mark.filterwarnings("ignore:X starts after a gap")
@pytest.mark.filterwarnings("ignore:X starts at")
def test_unknown_history_of_a_net_is_appended():
    X = series(INDEXES["daily"])
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=1, random_state=0)
    model = make_pipeline(RatioLogScaler(), SlidingWindow(5), net)
    model.fit(X[:START], target(X)[:START])
    later = append_history(model, X[START + 3 : START + 9])
    expected = model.predict(X[START + 3 : START + 10])[-1:]
    np.testing.assert_array_equal(later.predict(X[START + 9 : START + 10]), expected)


def test_boosting_takes_missing_values():
    X = series(INDEXES["daily"])
    window = SlidingWindow(5, flatten=True, pad="edge")
    model = make_pipeline(window, HistGradientBoostingRegressor(max_iter=2))
    model.fit(X[:START], target(X)[:START])
    new = X[START : START + 3].copy()
    new.iloc[1, 1] = np.nan
    assert append_history(model, new).predict(X[START + 3 : START + 4]).shape == (1,)


def test_a_late_row_is_an_error():
    X = series(INDEXES["daily"])
    with pytest.warns(UserWarning, match="longer than usual"):
        step = SlidingWindow(3).fit(X.drop(X.index[290])[:START])
    message = "row at 2019-10-18.*, which is not known and lies before the last known"
    with pytest.raises(ValueError, match=message):
        append_history(step, X[280 : START + 5])
    with pytest.raises(ValueError, match=r"row at 2019-01-01.*not known and lies"):
        append_history(SlidingWindow(3).fit(X[5:START]), X[:START])
    many = pd.concat({"a": X, "b": X})
    is_known = many.index.get_level_values(1) < X.index[START]
    is_late = many.index.get_level_values(1) == X.index[290]
    with pytest.warns(UserWarning, match="longer than usual"):
        step = SlidingWindow(3).fit(many[is_known & ~is_late])
    message = r"row at \('a', Timestamp\('2019-10-18 .*, which is not known"
    with pytest.raises(ValueError, match=message):
        append_history(step, many[many.index.get_level_values(1) >= X.index[280]])


@pytest.mark.parametrize("index", ["daily", "periods", "timedeltas"])
@pytest.mark.parametrize("kind", ["array", "strings", "numbers"])
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_rows_without_the_times_of_training_are_an_error(index, kind):
    X = series(INDEXES[index])
    step = SlidingWindow(3).fit(X[:START])
    rows = X[START : START + 2]
    later = {
        "array": rows.to_numpy,
        "strings": lambda: rows.set_axis(["a", "b"]),
        "numbers": lambda: rows.reset_index(drop=True),
    }[kind]()
    with pytest.raises(ValueError, match=r"not known when the rows of X are"):
        append_history(step, later)


def test_other_rows_than_of_the_series_of_training_are_an_error():
    X = panel([(0, 60), (0, 60)])
    train, test = split(X)
    step = SlidingWindow(3).fit(train)
    numbered = test.set_axis(test.index.set_levels(range(60), level=1))
    with pytest.raises(
        ValueError, match=r"not of the kind of training, so.*when the rows"
    ):
        append_history(step, numbered)
    with pytest.raises(ValueError, match="rows were many series"):
        append_history(step, test.xs("shop 0"))
    with pytest.raises(ValueError, match="X has a MultiIndex"):
        append_history(SlidingWindow(3).fit(train.xs("shop 0")), test)


@pytest.mark.parametrize("as_frame", [True, False])
def test_rows_that_are_numbered_anew_follow(as_frame):
    X = series(INDEXES["range from 0"])
    step = later = SlidingWindow(4).fit(X[:START])
    expected = np.asarray(step.transform(X[START:]))
    for row in range(START, START + 5):
        alone = X[row : row + 1].reset_index(drop=True)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            later = append_history(later, alone if as_frame else alone.to_numpy())
    np.testing.assert_array_equal(later.transform(X[START + 5 :]), expected[5:])


@pytest.mark.parametrize("chain", ["ratios", "differences", "three look back"])
def test_a_value_that_stays_follows_itself(chain):
    """Rows of an array that equal known rows are still the next rows."""
    rows = np.r_[np.random.default_rng(0).uniform(1, 2, (50, 1)), np.full((20, 1), 3.0)]
    steps = chain_of(chain).fit(rows[:52])
    later = steps
    for row in range(52, 60):
        later = append_history(later, rows[row : row + 1])
    expected = np.asarray(chain_of(chain).fit_transform(rows))[61]
    after = append_history(later, [[3.0]]).transform([[3.0], [4.0]])[0]
    np.testing.assert_allclose(after, expected, atol=0.7)  # other means in training
    assert np.isfinite(after).all()


def test_an_array_that_begins_with_known_rows():
    X = series()
    step = SlidingWindow(4).fit(X[:START])
    expected = np.asarray(step.transform(X[START:]))
    for start in (0, START - 4, START):
        later = append_history(step, X[start : START + 5])
        np.testing.assert_array_equal(later.transform(X[START + 5 :]), expected[5:])


def test_a_row_in_another_time_zone():
    X = series(INDEXES["daily, DST"])
    step = SlidingWindow(4).fit(X[:100])
    later = append_history(step, X[100:105].tz_convert("UTC"))
    np.testing.assert_array_equal(
        later.transform(X[105:]), np.asarray(step.transform(X[100:]))[5:]
    )
    assert str(later._tail.training_index.times.tz) == "Europe/Berlin"
    with pytest.raises(ValueError, match="tz_localize"):
        append_history(step, X[100:105].tz_localize(None))


def test_levels_come_back_after_appended_rows():
    X = series(INDEXES["daily"])
    for step in (RatioLogScaler(), SeasonalDifference(3)):
        step.fit(X[:START])
        later = append_history(step, X[START : START + 9])
        output = later.transform(X[START + 9 :])
        levels = later.inverse_transform(output)
        np.testing.assert_allclose(levels, X[START + 9 :], rtol=1e-12)
        np.testing.assert_allclose(
            later.inverse_transform(later.transform(X[:START])), X[:START], rtol=1e-12
        )


def test_a_model_that_does_not_look_back_stays_as_it_is():
    X = series(INDEXES["daily"])
    ridge = Ridge().fit(X, target(X))
    again = append_history(ridge, X)
    assert again is not ridge
    np.testing.assert_array_equal(again.predict(X), ridge.predict(X))


def test_a_step_that_is_hidden_is_an_error():
    X = series(INDEXES["daily"])
    flat = make_pipeline(SlidingWindow(4, flatten=True, pad="edge"), Ridge())
    bagging = BaggingRegressor(flat, n_estimators=2, bootstrap=False)
    bagging.fit(X[:START], target(X)[:START])
    with pytest.raises(TypeError, match=r"^BaggingRegressor has a look-back step"):
        append_history(bagging, X[START:])
    inner = WithHistory(SeasonalDifference(1), 3).fit(X[:START])
    with pytest.raises(TypeError, match=r"^WithHistory has a look-back step inside"):
        append_history(inner, X[START:])


def test_a_model_that_was_not_fitted_is_an_error():
    with pytest.raises(AttributeError, match="not fitted"):
        append_history(SlidingWindow(3), series())


@pytest.mark.parametrize("name", ["pipeline", "conformal", "naive"])
def test_a_copy_is_stored(name):
    X = series(INDEXES["daily"])
    model = models()[name].fit(X[:START], target(X)[:START])
    later = append_history(model, X[START : START + 5])
    content = skops.io.dumps(later)
    for again in (
        skops.io.loads(content, trusted=trusted_types(later)),
        pickle.loads(pickle.dumps(later)),
    ):
        after = append_history(again, X[START + 5 : START + 7])
        np.testing.assert_array_equal(
            after.predict(X[START + 7 :]), model.predict(X[START:])[7:]
        )


def test_a_panel_predicts_rows_alone_to_the_last_bit():
    X = panel(layout="by time")
    train, test = split(X)
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=2, random_state=0)
    model = make_pipeline(SlidingWindow(4), net).fit(train, next_rail(train))
    expected = model.predict(test)
    _, seen = one_by_one(model, test, 0, 20)
    np.testing.assert_array_equal(seen, expected[:20])
