"""Missing values take the last known value, of training too."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline

from sktsdl import (
    ForwardFill,
    LSTMRegressor,
    RatioLogScaler,
    SlidingWindow,
    append_history,
)
from sktsdl.persistence import trusted_types
from tests.series import INDEXES, part, series, target
from tests.test_panel import LAYOUTS, panel


def holes(X, share, seed=0):
    """Leave out values at random."""
    rng = np.random.default_rng(seed)
    return X.mask(rng.random(X.shape) < share)


@given(
    layout=st.sampled_from(LAYOUTS),
    index=st.sampled_from(["daily", "periods", "range from 0"]),
    limit=st.sampled_from([None, 1, 2, 7]),
    share=st.sampled_from([0.1, 0.5, 0.95]),
    seed=st.integers(0, 9),
    n_train=st.integers(36, 55),
)
@settings(max_examples=60, deadline=None)
def test_series_are_filled_as_by_pandas(layout, index, limit, share, seed, n_train):
    X = holes(panel(index=index, layout=layout, seed=seed), share, seed)
    expected = X.groupby(level=0).ffill(limit=limit)
    is_train = X.index.get_level_values(1) < INDEXES[index][n_train]
    step = ForwardFill(limit=limit).fit(X[is_train])
    pd.testing.assert_frame_equal(step.transform(X[is_train]), expected[is_train])
    pd.testing.assert_frame_equal(step.transform(X[~is_train]), expected[~is_train])
    is_inside = X.index.get_level_values(1) >= INDEXES[index][n_train - 9]
    pd.testing.assert_frame_equal(step.transform(X[is_inside]), expected[is_inside])
    is_next = ~is_train & (X.index.get_level_values(1) < INDEXES[index][57])
    later = append_history(step, X[is_next])
    is_last = ~is_train & ~is_next
    pd.testing.assert_frame_equal(later.transform(X[is_last]), expected[is_last])


@pytest.mark.parametrize("index", ["array", "daily", "months", "strings", "numbers"])
@pytest.mark.parametrize("limit", [None, 1, 3])
@pytest.mark.parametrize("share", [0.2, 0.9])
def test_one_series_is_filled_as_by_pandas(index, limit, share):
    X = holes(pd.DataFrame(series()), share)
    expected = X.ffill(limit=limit).to_numpy()
    X = X.to_numpy() if index == "array" else X.set_axis(INDEXES[index])
    if index != "array":
        X.columns = ["rail", "bus"]
    later = step = ForwardFill(limit=limit).fit(part(X, 0, 300))
    np.testing.assert_array_equal(step.transform(part(X, 0, 300)), expected[:300])
    np.testing.assert_array_equal(step.transform(part(X, 300, 400)), expected[300:])
    for row in range(300, 350):
        later = append_history(later, part(X, row, row + 1))
    np.testing.assert_array_equal(later.transform(part(X, 350, 400)), expected[350:])
    content = skops.io.dumps(later)
    again = skops.io.loads(content, trusted=trusted_types(later))
    np.testing.assert_array_equal(again.transform(part(X, 350, 400)), expected[350:])


@pytest.mark.parametrize("position", [0, 1, 400, 1990, 2500, 2999])
def test_the_last_known_value_may_be_long_ago(position):
    days = pd.date_range("2000-01-01", periods=3001)
    X = pd.DataFrame({"rail": 1.0, "bus": np.nan}, index=days)
    X.iloc[position, 1] = 7.0
    step = ForwardFill().fit(X[:3000])
    assert step.transform(X[3000:]).to_numpy().tolist() == [[1.0, 7.0]]
    assert len(step._tail.kept) <= 1025  # however few rows are complete
    inside = step.transform(X[2600:])["bus"]
    assert inside.isna().sum() == max(position - 2600, 0)
    many = pd.concat({"a": X, "b": X.assign(bus=3.0)})
    rows = many.groupby(level=0).cumcount() < 3000
    step = ForwardFill().fit(many[rows])
    assert step.transform(many[~rows])["bus"].tolist() == [7.0, 3.0]


def test_a_value_without_a_known_one_before_stays_unknown():
    X = np.array([[np.nan, 1.0], [np.nan, np.nan], [3.0, np.nan]])
    filled = ForwardFill().fit_transform(X)
    np.testing.assert_array_equal(filled, [[np.nan, 1.0], [np.nan, 1.0], [3.0, 1.0]])
    step = ForwardFill(history=None).fit(X)
    assert np.isnan(step.transform([[np.nan, 2.0]])[0, 0])


def test_a_gap_cuts_the_history():
    X = holes(series(INDEXES["daily"]), 0.3)
    step = ForwardFill().fit(X[:200])
    rest = X[203:].copy()
    rest.iloc[0] = np.nan
    with pytest.warns(UserWarning, match="after a gap"):
        assert np.isnan(step.transform(rest).iloc[0]).all()


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, np.asarray])
def test_indicators_say_what_was_missing(make):
    rows = {"rail": np.array([1.0, np.nan, 3.0]), "bus": np.array([np.nan, 2.0, 2.0])}
    table = np.stack(list(rows.values()), axis=1)
    X = table if make is np.asarray else make(rows)
    step = ForwardFill(add_indicator=True).fit(X)
    output = np.asarray(step.transform(X))
    expected = [[1, np.nan, 0, 1], [1, 2, 1, 0], [3, 2, 0, 0]]
    np.testing.assert_array_equal(output, expected)
    names = list(step.get_feature_names_out(["rail", "bus"]))
    assert names == ["rail", "bus", "rail_missing", "bus_missing"]
    if make is pd.DataFrame:
        assert list(step.transform(X)) == names
    step.set_output(transform="pandas")
    assert len(step.transform(X).columns) == 4


def test_the_dtype_stays():
    X = series().astype(np.float32)
    X[5] = np.nan
    assert ForwardFill(add_indicator=True).fit_transform(X).dtype == np.float32


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"limit": 0}, ValueError),
        ({"limit": 1.5}, TypeError),
        ({"limit": "a"}, TypeError),
    ],
)
def test_a_limit_that_cannot_be_used(params, error):
    with pytest.raises(error, match="limit"):
        ForwardFill(**params).fit(series())


def test_infinity_is_an_error():
    X = series(INDEXES["daily"])
    step = ForwardFill().fit(X)
    X.iloc[3, 1] = np.inf
    for method in (step.fit, step.transform):
        with pytest.raises(ValueError, match=r"infinity in row 3 .*column 'bus'"):
            method(X)


def test_a_missing_value_that_becomes_known_is_an_error():
    X = holes(series(INDEXES["daily"]), 0.3)
    step = ForwardFill().fit(X[:300])
    append_history(step, X[290:310])
    corrected = X[290:310].fillna(1.0)
    with pytest.raises(ValueError, match="this row is known with nan"):
        append_history(step, corrected)


def test_the_message_of_a_net_names_the_way_out_and_it_works():
    X = holes(series(INDEXES["daily"]), 0.1)
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=1, random_state=0)
    model = make_pipeline(SlidingWindow(5), net)
    y = np.arange(400.0)
    with pytest.raises(ValueError, match=r"NaN in .*put `ForwardFill` first"):
        model.fit(X, y)
    filled = make_pipeline(ForwardFill(), *(step for _, step in model.steps))
    filled.fit(X[:300], y[:300])
    expected = model.fit(X.ffill()[:300], y[:300]).predict(X.ffill()[300:])
    np.testing.assert_array_equal(filled.predict(X[300:]), expected)
    later = append_history(filled, X[300:310])
    np.testing.assert_array_equal(later.predict(X[310:]), expected[10:])


def test_a_chain_of_rows_one_by_one():
    X = holes(series(INDEXES["hourly"]), 0.4)
    y = target(X.ffill().bfill())
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=1, random_state=0)
    for steps in ([ForwardFill(), RatioLogScaler()], [ForwardFill(add_indicator=True)]):
        model = make_pipeline(*steps, SlidingWindow(5), net)
        model.fit(X[:300], y[:300])
        expected, later = model.predict(X[300:]), model
        for row in range(300, 310):
            assert later.predict(X[row : row + 1])[0] == expected[row - 300]
            later = append_history(later, X[row : row + 1])
