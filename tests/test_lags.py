"""Lag tables and turned arrays: LagsToWindows, and what a net warns of."""

import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.ensemble import AdaBoostRegressor
from sklearn.feature_selection import RFE
from sklearn.inspection import partial_dependence
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline

from sktsdl import LagsToWindows, SlidingWindow, WindowMLPRegressor
from sktsdl._windows.lags import lag_of
from sktsdl._windows.windows import Windows
from tests.nets import lstm
from tests.series import levels

N, W = 60, 4
X, Y = levels(N)
RAIL, BUS = X["rail"], X["bus"]
DAYS = X.index[W:]
Y = Y.loc[DAYS]
DAY = pd.Series(X.index.day_of_week.astype(float), X.index, name="day")


def lags(series=RAIL, name="lag{}", first=1, newest_first=True):
    """The W lags of a series as a frame, from lag `first` on."""
    steps = range(first, first + W)
    steps = steps if newest_first else reversed(steps)
    return pd.DataFrame({name.format(i): series.shift(i) for i in steps}).loc[DAYS]


def windows_of(*series):
    """The windows of the W rows before each of DAYS."""
    rows = pd.concat(series, axis=1).to_numpy()
    return sliding_window_view(rows, W, axis=0)[:-1].transpose(0, 2, 1)


def constant(series=DAY):
    return np.repeat(series.loc[DAYS].to_numpy()[:, None, None], W, axis=1)


NEWEST = [f"lag{i}" for i in range(1, W + 1)]
TABLES = {
    "mlforecast": (
        lags().join(DAY),
        {"lags": NEWEST},
        [windows_of(RAIL), constant()],
        ["y", "day"],
    ),
    "mlforecast, other columns": (
        pd.concat([BUS.loc[DAYS], lags(), DAY.loc[DAYS]], axis=1),
        {"lags": NEWEST},
        [windows_of(RAIL), constant(BUS), constant()],
        ["y", "bus", "day"],
    ),
    "skforecast": (
        lags().join(DAY).to_numpy(),
        {"lags": W},
        [windows_of(RAIL), constant()],
        None,
    ),
    "skforecast, several series": (
        np.hstack([lags(), lags(BUS)]),
        {"lags": [range(W), range(W, 2 * W)]},
        [windows_of(RAIL), windows_of(BUS)],
        None,
    ),
    "sktime": (
        lags(newest_first=False).to_numpy(),
        {"order": "oldest_first"},
        [windows_of(RAIL)],
        None,
    ),
    "sktime, other series": (
        np.hstack([lags(newest_first=False), lags(BUS, newest_first=False)]),
        {"lags": [list(range(W)), list(range(W, 2 * W))], "order": "oldest_first"},
        [windows_of(RAIL), windows_of(BUS)],
        None,
    ),
    "sktime, names": (
        DAY.loc[DAYS].to_frame().join(lags(name="lag_1__lag_{}__rail")),
        {"lags": [f"lag_1__lag_{i}__rail" for i in range(1, W + 1)]},
        [windows_of(RAIL), constant()],
        ["rail", "day"],
    ),
    "other names": (
        lags(name="before {}"),
        {},
        [windows_of(RAIL)],
        ["before 1"],
    ),
    "several series by name": (
        lags(BUS, "bus_lag{}").join(lags(RAIL, "rail_lag{}")),
        {"lags": [[f"{s}_lag{i}" for i in range(1, W + 1)] for s in ("rail", "bus")]},
        [windows_of(RAIL), windows_of(BUS)],
        ["rail", "bus"],
    ),
    "lags that are not consecutive": (
        pd.DataFrame({f"lag{i}": RAIL.shift(i) for i in (1, 3)}).loc[DAYS],
        {"lags": 2},
        [windows_of(RAIL)[:, [1, 3]]],
        ["y"],
    ),
}


@pytest.mark.parametrize("kind", TABLES)
def test_windows_of_a_table(kind):
    table, params, channels, names = TABLES[kind]
    step = LagsToWindows(**params).fit(table)
    windows = step.transform(table)
    np.testing.assert_array_equal(windows, np.concatenate(channels, axis=2))
    np.testing.assert_array_equal(step.transform(table[:1]), np.asarray(windows[:1]))
    assert names == (None if windows.names is None else list(windows.names))
    if names is not None:
        pd.testing.assert_index_equal(windows.index, DAYS)


def test_lags_of_one_series_are_the_windows_of_its_rows():
    step = SlidingWindow(W, flatten=True)
    flat = step.fit_transform(X[["rail"]])
    windows = LagsToWindows(order="oldest_first").fit_transform(flat)
    np.testing.assert_array_equal(windows, SlidingWindow(W).fit_transform(X[["rail"]]))
    assert list(windows.names) == ["rail"]
    assert len(windows.rows) == N + W - 1  # each row once


def test_a_net_takes_other_columns_by_name():
    table, params, channels, _ = TABLES["mlforecast"]
    net = lstm(categorical_features=["day"])
    pipe = make_pipeline(LagsToWindows(**params), net).fit(table, Y)
    by_hand = lstm(categorical_features=[1])
    by_hand.fit(np.concatenate(channels, axis=2), Y)
    expected = by_hand.predict(np.concatenate(channels, axis=2))
    np.testing.assert_array_equal(pipe.predict(table), expected)
    scores = cross_val_score(pipe, table, Y, cv=TimeSeriesSplit(2))
    inside = pipe[0].fit_transform(table)
    assert list(inside[3:9].names) == ["y", "day"]
    np.testing.assert_array_equal(
        scores, cross_val_score(net, inside, Y, cv=TimeSeriesSplit(2))
    )


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output_leaves_windows_alone(container):
    pipe = make_pipeline(LagsToWindows()).set_output(transform=container)
    assert isinstance(pipe.fit_transform(lags()), Windows)


def test_unknown_lags_stay_nan_and_other_columns_must_be_known():
    table = lags().join(DAY)
    table.iloc[0, 3] = np.nan
    step = LagsToWindows(W).fit(table)
    assert np.isnan(step.transform(table)[0, 0, 0])
    table.iloc[7, 4] = np.nan
    with pytest.raises(
        ValueError, match=r"NaN in row 7 \(.*column 'day': put .ForwardFill."
    ):
        step.transform(table)


BAD = {
    "no lag": ({"lags": 0}, ValueError, "lags=0 must be from 1 to 5"),
    "too many": ({"lags": 6}, ValueError, "lags=6 must be from 1 to 5"),
    "a fraction": ({"lags": 2.5}, TypeError, "lags=2.5 must be a number of columns"),
    "one name": ({"lags": "lag1"}, TypeError, "lags='lag1' must be a number"),
    "no column": ({"lags": ["lag1", "lag9"]}, ValueError, "'lag9' in lags is not a"),
    "twice": ({"lags": ["day", "day"]}, ValueError, "names a column twice"),
    "empty": ({"lags": []}, ValueError, "at least one"),
    "unequal": ({"lags": [["lag1", "lag2"], ["day"]]}, ValueError, r"of \[2, 1\]"),
    "another order": ({"order": "oldest"}, ValueError, "order='oldest' is not known"),
    "all columns": (
        {"lags": None},
        ValueError,
        "not the lags of one series.*by their names",
    ),
    "other columns first": (
        {"lags": ["day", "lag1"]},
        ValueError,
        "not the lags of one series.*by their names",
    ),
    "the order of names": (
        {"lags": W, "order": "oldest_first"},
        ValueError,
        "not the lags of one series in the order 'oldest_first'.*the other `order`",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_lags_that_cannot_be_used_are_an_error(kind):
    params, error, message = BAD[kind]
    step = LagsToWindows(W).fit(lags().join(DAY))
    before = joblib.hash(vars(step))
    given = step.get_params()
    step.set_params(**params)
    with pytest.raises(error, match=message):
        step.fit(lags().join(DAY))
    step.set_params(**given)
    assert joblib.hash(vars(step)) == before


@pytest.mark.parametrize("newest_first", [True, False])
def test_values_in_the_other_order_warn(newest_first):
    table = lags(newest_first=newest_first).to_numpy()
    orders = ["oldest_first", "newest_first"]
    with pytest.warns(UserWarning, match=f"set `order='{orders[newest_first]}'`"):
        LagsToWindows(order=orders[not newest_first]).fit(table)
    LagsToWindows(order=orders[newest_first]).fit(table)
    LagsToWindows().fit(np.resize([0.0, 1.0], (40, 4)))  # alike in both orders


NAMED = {
    "lag1": ("", 1),
    "lag_12": ("", 12),
    "rail_lag3": ("rail", 3),
    "Rail Lag 3": ("Rail", 3),
    "rail_target_lag-3": ("rail_target", 3),
    "lag_1__lag_2__rail": ("rail", 3),
    "flag1": None,
    "rail": None,
    "lag": None,
    3: None,
}


@pytest.mark.parametrize("name", NAMED)
def test_the_lag_that_a_name_says(name):
    assert lag_of(name) == NAMED[name]


FIRST = r"lags with the newest first, .*`LagsToWindows\(lags=4, order='newest_first'\)`"
BESIDE = r"newest first beside other columns.*lags={}, order='newest_first'"
BY_SERIES = r"one series after another.*lags={}, order='oldest_first'"
FLAT = SlidingWindow(W, flatten=True, pad="edge").fit_transform(X)[W:]
PANEL = pd.concat([lags(), lags(BUS)], ignore_index=True)
RANGES = r"\[range\(0, 4\), range\(4, 8\)\]"
COLUMNS = {
    "rows": (X, "DataFrame with a time index.*`SlidingWindow`"),
    "rows without names": (
        X.set_axis([0, 1], axis=1),
        "DataFrame with a time index.*`SlidingWindow`",
    ),
    "rows of one lag": (
        X.add_suffix("_lag7"),
        "DataFrame with a time index.*`SlidingWindow`",
    ),
    "one column": (X[["rail"]], "one column, so .* put `SlidingWindow` before"),
    "rows as an array": (X.to_numpy(), None),
    "flattened windows": (FLAT, None),
    "flattened windows as an array": (FLAT.to_numpy(), None),
    "some columns of them": (FLAT.iloc[:, [0, 3, 5, 6]], None),
    "some rows of them": (FLAT.iloc[[5, 3, 3, 8, 9, 20]], None),
    "windows of one series": (lags(newest_first=False), None),
    "windows of one series, other names": (
        lags(name="before {}", newest_first=False),
        None,
    ),
    "windows of one series as an array": (lags(newest_first=False).to_numpy(), None),
    "newest first by name": (lags(), FIRST),
    "newest first by name, shuffled": (lags().sample(frac=1, random_state=0), FIRST),
    "newest first by value": (lags(name="before {}"), FIRST),
    "newest first as an array": (lags().to_numpy(), FIRST),
    "newest first of many series": (PANEL.to_numpy(), FIRST),
    "no order": (
        lags()[["lag3", "lag1", "lag4"]],
        r"in no order of time, .*lags=\['lag1', ..., 'lag4'\], order='newest_first'",
    ),
    "other columns after": (lags().join(DAY), BESIDE.format(4)),
    "other columns before": (
        DAY.loc[DAYS].to_frame().join(lags()),
        BESIDE.format(r"\['lag1', ..., 'lag4'\]"),
    ),
    "other columns in an array": (lags().join(DAY).to_numpy(), BESIDE.format(4)),
    "oldest first, other columns": (
        lags(newest_first=False).join(DAY),
        "lags beside other columns.*lags=4, order='oldest_first'",
    ),
    "one series after another": (
        lags(RAIL, "rail_lag{}", newest_first=False).join(
            lags(BUS, "bus_lag{}", newest_first=False)
        ),
        BY_SERIES.format(r"\[\['rail_lag4', ..., 'rail_lag1'\], ...\]"),
    ),
    "one series after another in an array": (
        np.hstack([lags(newest_first=False), lags(BUS, newest_first=False)]),
        BY_SERIES.format(RANGES),
    ),
    "newest first of several series in an array": (
        np.hstack([lags(), lags(BUS)]),
        f"newest first, .*lags={RANGES}",
    ),
    "rare flags": (np.eye(60), None),
    "constant columns": (np.ones((60, 5)), None),
    "independent samples": (np.random.default_rng(0).normal(size=(60, 5)), None),
    "counts": (np.random.default_rng(0).poisson(0.5, size=(60, 5)), None),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_net_warns_once_of_columns_that_it_does_not_read_as_meant(kind):
    table, message = COLUMNS[kind]
    y = np.arange(len(table))
    net = WindowMLPRegressor(hidden_sizes=(2,), max_epochs=1, random_state=0)
    expected = 0 if message is None else 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net.fit(table, y, X_val=table[-9:], y_val=y[-9:])
        net.predict(table)
        net.partial_fit(table, y)
    assert len(caught) == expected
    if message is not None:
        with pytest.warns(UserWarning, match=message):
            net.fit(table, y)


def test_flattened_windows_in_the_tools_of_scikit_learn_do_not_warn():
    net = WindowMLPRegressor(hidden_sizes=(2,), max_epochs=1, random_state=0)
    importance = {"importance_getter": lambda net: np.arange(net.n_features_in_)}
    AdaBoostRegressor(net, n_estimators=3, random_state=0).fit(FLAT, Y)
    RFE(net, n_features_to_select=5, **importance).fit(FLAT, Y)
    partial_dependence(net.fit(FLAT, Y), FLAT, [0], kind="average", grid_resolution=3)


STEPS = np.random.default_rng(0).normal(size=(60, 4, 3))
CONSECUTIVE = np.ascontiguousarray(windows_of(RAIL, BUS))
TURN = r"X.transpose\(0, 2, 1\)"
ARRAYS = {
    "one step": (
        STEPS.reshape(60, 1, 12),
        rf"windows of one step and 12 channels.*{TURN}",
    ),
    "one step, few channels": (STEPS[:, :1], None),
    "time is last": (
        CONSECUTIVE.transpose(0, 2, 1),
        rf"overlap along its last axis.*{TURN}",
    ),
    "time is last, one channel": (
        windows_of(RAIL).transpose(0, 2, 1),
        rf"overlap along its last axis.*{TURN}",
    ),
    "one step, one channel": (STEPS[:, :1, :1], None),
    "one channel": (STEPS[:, :, :1], None),
    "independent samples": (STEPS, None),
    "windows": (CONSECUTIVE, None),
    "constant windows": (np.ones((60, 4, 3)), None),
    "lags of one series as channels": (
        sliding_window_view(sliding_window_view(RAIL, 3), 4, axis=0)
        .transpose(0, 2, 1)
        .copy(),
        None,
    ),
    "windows of one row": (SlidingWindow(1).fit_transform(X), None),
    "windows of one lag": (LagsToWindows(1).fit_transform(lags()[["lag1"]]), None),
    "windows of lags": (LagsToWindows(W).fit_transform(lags().join(DAY)), None),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_a_net_warns_once_of_an_array_that_seems_to_be_turned(kind):
    windows, message = ARRAYS[kind]
    y = np.arange(len(windows))
    net = WindowMLPRegressor(hidden_sizes=(2,), max_epochs=1, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net.fit(windows, y)
        net.predict(windows)
        net.partial_fit(windows, y)
    assert len(caught) == (message is not None)
    if message is not None:
        with pytest.warns(UserWarning, match=message):
            net.fit(windows, y)
