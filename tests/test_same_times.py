"""The times of `y` are those of `X`."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline

import sktsdl
from sktsdl import SlidingWindow, make_supervised
from sktsdl._windows.same_times import check_same_times
from tests.estimators import CLASSES, every_estimator, output, small, target_for
from tests.series import levels
from tests.test_time_index import DATES

X, Y = levels(40, start="2020-01-01")
MESSAGE = (
    r"^y has the label 2020-02-09 00:00:00 in row 0, and X has 2020-01-01 00:00:00: "
    r"sort X and y together \(`y = y\.loc\[X\.index\]`\)"
)
AS_WINDOWS = "ignore:X is a DataFrame with a time index"


@every_estimator
@pytest.mark.filterwarnings(AS_WINDOWS)
def test_every_fit_compares_the_times_of_y(cls):
    for y in (Y, Y.to_frame("rail+1")):
        newest_first = target_for(cls, y[::-1])
        with pytest.raises(ValueError, match=MESSAGE):
            small(cls).fit(X, newest_first)
        if hasattr(cls, "partial_fit"):
            with pytest.raises(ValueError, match=MESSAGE):
                small(cls).partial_fit(X, newest_first)
        if hasattr(cls, "fit_transform"):
            with pytest.raises(ValueError, match=MESSAGE):
                small(cls).fit_transform(X, newest_first)
    y = target_for(cls, Y)
    way_out = y[::-1].loc[X.index]
    found = output(small(cls).fit(X, way_out), X)
    np.testing.assert_array_equal(found, output(small(cls).fit(X, y), X))


@pytest.mark.parametrize("name", ["WindowMLPRegressor", "MultiTaskNet"])
def test_windows_have_the_times_of_their_rows(name):
    windows = SlidingWindow(4).fit_transform(X)
    with pytest.raises(ValueError, match=MESSAGE):
        small(vars(sktsdl)[name]).fit(windows, Y[::-1])
    with pytest.raises(ValueError, match=r"label 2020-01-01 .* row 0.*2020-01-11"):
        small(vars(sktsdl)[name]).fit(windows[10:], Y[:30])
    small(vars(sktsdl)[name]).fit(windows[10:], Y[10:])


@pytest.mark.parametrize("name", ["WindowMLPRegressor", "MultiTaskNet"])
def test_weights_have_the_times_of_their_rows(name):
    windows = SlidingWindow(4).fit_transform(X)
    weights = pd.Series(np.arange(1.0, 41.0), index=X.index)
    net = small(vars(sktsdl)[name])
    with pytest.raises(ValueError, match=r"^sample_weight has the label 2020-02-09"):
        net.fit(windows, Y, sample_weight=weights[::-1])
    net.fit(windows, Y, sample_weight=weights)


def test_labels_of_classes_are_compared():
    net = sktsdl.MultiTaskNet(
        sktsdl.WindowMLPRegressor(max_epochs=1), tasks={"to": "classification"}
    )
    rises = pd.DataFrame({"to": np.where(X["rail"] < Y, "up", "down")}, index=X.index)
    windows = SlidingWindow(4).fit_transform(X)
    with pytest.raises(ValueError, match=MESSAGE):
        net.fit(windows, rises[::-1])
    net.fit(windows, rises)


def test_validation_rows_are_compared():
    windows = SlidingWindow(4).fit_transform(X)
    net = sktsdl.WindowMLPRegressor(max_epochs=1, early_stopping=True, random_state=0)
    val = {"X_val": windows[30:], "y_val": Y[30:][::-1]}
    with pytest.raises(ValueError, match=r"^X_val or y_val.*label 2020-02-09 .* row 0"):
        net.fit(windows[:30], Y[:30], **val)
    net.fit(windows[:30], Y[:30], **val | {"y_val": Y[30:]})
    relative = sktsdl.RelativeTargetRegressor(
        make_pipeline(SlidingWindow(4), net), column="rail"
    )
    message = r"^y_val has the label .* and X_val has .*y_val\.loc\[X_val\.index\]"
    with config_context(enable_metadata_routing=True):
        net.set_fit_request(X_val=True, y_val=True)
        steps = [("window", SlidingWindow(4)), ("net", net)]
        pipe = Pipeline(steps, transform_input=["X_val"])
        relative.set_params(regressor=pipe)
        with pytest.raises(ValueError, match=message):
            relative.fit(X[:30], Y[:30], X_val=X[30:], y_val=Y[30:][::-1])
        relative.fit(X[:30], Y[:30], X_val=X[30:], y_val=Y[30:])


def test_targets_of_an_update_are_compared():
    model = sktsdl.ConformalRegressor(Ridge(), calibration_fraction=0.5)
    model.fit(X[:30], Y[:30])
    with pytest.raises(ValueError, match=r"^y has the label"):
        model.update(X[30:], Y[30:][::-1])
    model.update(X[30:], Y[30:])


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.filterwarnings(AS_WINDOWS)
def test_targets_of_make_supervised_pass(horizon):
    for data, params in ((X, {}), (X.rename_axis("d").reset_index(), {"time": "d"})):
        features, y, _ = make_supervised(data, target="rail", horizon=horizon, **params)
        for cls in CLASSES:
            small(cls).fit(features, target_for(cls, y))


@pytest.mark.parametrize("kind", DATES)
def test_times_of_all_types_are_compared(kind):
    index, times = DATES[kind]()
    frame = pd.DataFrame({"rail": range(40)}, index=index)
    for labels in (index, times):
        y = pd.Series(range(40), index=labels)
        check_same_times(frame, y)
        with pytest.raises(ValueError, match=r"in row 1, and X has .*sort X and y"):
            check_same_times(frame, y.iloc[[0, 2, 1, *range(3, 40)]])


DAYS = X.index
BERLIN = DAYS.tz_localize("Europe/Berlin")
NOT_COMPARED = {
    "periods and dates": (DAYS, DAYS[::-1].to_period("D")),
    "periods of two steps": (DAYS.to_period("D"), DAYS[::-1].to_period("W")),
    "with a zone and without": (BERLIN, DAYS[::-1]),
    "whole numbers": (pd.RangeIndex(40), pd.RangeIndex(100, 140)),
    "shuffled numbers": (pd.RangeIndex(40), pd.Index(range(40))[::-1]),
    "dates and a reset index": (DAYS, pd.RangeIndex(40)),
    "text": (DAYS.astype(str), DAYS[::-1].astype(str)),
    "another length": (DAYS, DAYS[1:]),
    "levels and dates": (pd.MultiIndex.from_arrays([DAYS, DAYS]), DAYS[::-1]),
    "two levels and three": (
        pd.MultiIndex.from_arrays([DAYS] * 2),
        pd.MultiIndex.from_arrays([DAYS] * 3),
    ),
    "equal instants of two zones": (BERLIN, BERLIN.tz_convert("UTC")),
    "equal times of two units": (DAYS.as_unit("ns"), DAYS.as_unit("s")),
    "missing in both": (DAYS.insert(0, pd.NaT), DAYS.insert(0, pd.NaT).as_unit("s")),
}


@pytest.mark.parametrize("kind", NOT_COMPARED)
def test_other_labels_pass(kind):
    of_X, of_y = NOT_COMPARED[kind]
    frame, y = pd.DataFrame(index=of_X), pd.Series(0.0, index=of_y)
    check_same_times(frame, y)
    check_same_times(frame.to_numpy(), y)
    check_same_times(frame, y.to_numpy())


COMPARED = {
    "instants of two zones": (BERLIN, BERLIN.tz_convert("UTC") - pd.Timedelta("1h"), 0),
    "a missing time": (DAYS, DAYS.where(np.arange(40) != 7), 7),
    "levels": (
        pd.MultiIndex.from_product([["a", "b"], DAYS[:20]]),
        pd.MultiIndex.from_product([["b", "a"], DAYS[:20]]),
        0,
    ),
    "one label of levels": (
        pd.MultiIndex.from_arrays([list("abc"), [1, 2, 3]]),
        pd.MultiIndex.from_arrays([list("abc"), [1, 2, 4]]),
        2,
    ),
    "categories of levels": (
        pd.MultiIndex.from_arrays([pd.Categorical(list("ab")), [1, 2]]),
        pd.MultiIndex.from_arrays([pd.Categorical(list("ac")), [1, 2]]),
        1,
    ),
}


@pytest.mark.parametrize("kind", COMPARED)
def test_the_first_other_label_is_named(kind):
    of_X, of_y, row = COMPARED[kind]
    message = re.escape(
        f"y has the label {of_y[row]} in row {row}, and X has {of_X[row]}"
    )
    with pytest.raises(ValueError, match=message):
        check_same_times(pd.DataFrame(index=of_X), pd.Series(0.0, index=of_y))
    check_same_times(pd.DataFrame(index=of_X), pd.Series(0.0, index=of_X.copy()))


def test_rows_out_of_order_are_to_be_sorted_together():
    with pytest.raises(
        ValueError, match=r"sort X and y by time together.*y\.sort_index"
    ):
        SlidingWindow(3).fit(X[::-1], Y[::-1])


def test_the_times_of_y_may_be_those_of_its_targets():
    series = X[["rail"]]
    rows, targets = series[:-1], series["rail"][1:]
    net = sktsdl.WindowMLPRegressor(max_epochs=1, random_state=0)
    model = make_pipeline(SlidingWindow(4), net)
    found = model.fit(rows, targets).predict(rows)
    expected = model.fit(rows, targets.set_axis(rows.index)).predict(rows)
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match=r"^y has the label"):
        model.fit(series[1:], series["rail"][:-1])
    with pytest.raises(ValueError, match=r"^y has the label"):
        model.fit(rows, targets.iloc[[*range(1, 39), 0]])


STEPS = {
    "days": pd.date_range("2020-01-01", periods=40),
    "months": pd.date_range("2020-01-01", periods=40, freq="MS"),
    "business days": pd.bdate_range("2020-01-01", periods=40),
    "periods": pd.period_range("2020-01-01", periods=40, freq="D"),
}


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("shift", [1, 2, 3, 10, 35])
@pytest.mark.parametrize("series", [1, 2])
def test_times_of_targets_are_within_the_horizon(kind, shift, series):
    index = STEPS[kind]
    before, after = index[:-shift], index[shift:]
    if series == 2:
        before, after = (
            pd.MultiIndex.from_product([["a", "b"], times]) for times in (before, after)
        )
    frame = pd.DataFrame(index=before)
    for horizon in (1, 2, 3):
        y = pd.DataFrame(np.zeros((len(after), horizon)), index=after)
        if shift <= horizon:
            check_same_times(frame, y)
        else:
            with pytest.raises(ValueError, match=r"^y has the label .* in row 0"):
                check_same_times(frame, y)
        named = y.set_axis([f"rail+{i + 1}" for i in range(horizon)], axis=1)
        with pytest.raises(ValueError, match=r"^y has the label .* in row 0"):
            check_same_times(frame, named)


@pytest.mark.parametrize("kind", STEPS)
def test_rows_with_the_times_of_their_targets_may_be_selected(kind):
    index = STEPS[kind]
    kept = np.array([0, 1, 2, 5, 6, 11, 12, 13, 30])
    frame = pd.DataFrame(index=index[kept])
    check_same_times(frame, pd.Series(0.0, index=index[kept + 1]))
    both = pd.DataFrame(0.0, index=index[kept + 2], columns=["a", "b"])
    if kind in ("days", "periods"):
        check_same_times(frame, both)
    changing = index[kept + np.arange(len(kept)) % 2 + 1]
    with pytest.raises(ValueError, match=r"^y has the label"):
        check_same_times(frame, both.set_axis(changing))


def test_later_times_are_refused_by_nets_and_pipelines():
    features, y, _ = make_supervised(X[["rail"]], target="rail")
    net = sktsdl.WindowMLPRegressor(max_epochs=1, random_state=0)
    multi = sktsdl.MultiTaskNet(net, tasks={"rail": "regression"})
    for model in (net, multi):
        pipe = make_pipeline(SlidingWindow(3), model)
        for target in (y, y.rename("rail")):
            with pytest.raises(ValueError, match=r"^y has the label 2020-01-06"):
                pipe.fit(features[:30], target[5:35])
        with pytest.raises(ValueError, match=r"^y has the label 2020-01-02"):
            pipe.fit(features[:30], y[1:31])
        pipe.fit(features[:30], y[1:31].rename("rail"))
