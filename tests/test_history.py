"""The history rule: test rows get the history that they have in the whole series."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    HalvingGridSearchCV,
    KFold,
    TimeSeriesSplit,
    cross_val_predict,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sktsdl import (
    ForwardFill,
    LSTMRegressor,
    RatioLogScaler,
    SeasonalDifference,
    SlidingWindow,
    WithHistory,
    make_supervised,
)
from sktsdl._windows import same_rows
from sktsdl._windows.same_rows import distinct_start
from sktsdl.preprocessing._base import LookBackTransformer
from tests.estimators import CLASSES
from tests.series import (
    INDEXES,
    TIMED,
    N,
    as_in_whole_series,
    part,
    rolling_mean,
    series,
    take,
    target,
    with_holes,
)

CHAINS = {
    "ratios": lambda: [RatioLogScaler()],
    "differences": lambda: [SeasonalDifference(5)],
    "three look back": lambda: [RatioLogScaler(), SeasonalDifference(3)],
    "rolling means": lambda: [WithHistory(FunctionTransformer(rolling_mean), 4)],
    "rolling means of ratios": lambda: [
        RatioLogScaler(),
        WithHistory(FunctionTransformer(rolling_mean), 4),
    ],
    "filled": lambda: [
        FunctionTransformer(with_holes),
        ForwardFill(add_indicator=True),
        SeasonalDifference(2),
    ],
    "filled a few rows": lambda: [
        FunctionTransformer(with_holes),
        ForwardFill(limit=6),
    ],
    "scaler between": lambda: [RatioLogScaler(), StandardScaler()],
    "scaler before": lambda: [StandardScaler(), SeasonalDifference(2)],
    "column transformer between": lambda: [
        RatioLogScaler(),
        make_column_transformer((StandardScaler(), [1]), remainder="passthrough"),
    ],
    "column transformer before": lambda: [
        make_column_transformer((StandardScaler(), [0]), remainder="passthrough"),
        SeasonalDifference(4),
    ],
}


def assert_as_in_whole_series(pipe, X, train, *tests):
    """Compare a fold's windows and predictions with those cut from all rows."""
    y = target(X)
    skip = 20  # the pipeline's first rows have no history to train on
    steps, ridge = clone(pipe[:-1]), clone(pipe[-1])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        windows = steps.fit_transform(take(X, train))
        ridge.fit(np.asarray(windows)[skip:], y[train][skip:])
        rows = np.asarray(X)
        for _, step in steps.steps:
            rows = as_in_whole_series(step, rows)
        for test in tests:
            seen = np.asarray(steps.transform(take(X, test)))
            np.testing.assert_allclose(seen, rows[test], rtol=1e-12, atol=1e-12)
            expected = ridge.predict(rows[test])
            np.testing.assert_allclose(
                ridge.predict(seen), expected, rtol=1e-12, atol=1e-12
            )


def test_every_step_that_looks_back_is_in_a_chain():
    look_back = {cls for cls in CLASSES if issubclass(cls, LookBackTransformer)}
    in_chains = {type(step) for chain in CHAINS.values() for step in chain()}
    assert look_back <= in_chains | {SlidingWindow}


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("index", INDEXES)
def test_folds_equal_windows_cut_from_the_whole_series(index, chain):
    X = series(INDEXES[index])
    pipe = make_pipeline(*CHAINS[chain](), SlidingWindow(7, flatten=True), Ridge())
    for train, test in TimeSeriesSplit(2).split(X):
        assert_as_in_whole_series(pipe, X, train, test, test[:1], test[:2])


@pytest.mark.parametrize("container", ["pandas", "polars"])
@pytest.mark.parametrize("index", ["array", "daily", "strings"])
def test_folds_are_the_same_with_set_output(index, container):
    X = series(INDEXES[index])
    pipe = make_pipeline(
        RatioLogScaler(), StandardScaler(), SlidingWindow(7, flatten=True), Ridge()
    )
    pipe.set_output(transform=container)
    for train, test in TimeSeriesSplit(3).split(X):
        assert_as_in_whole_series(pipe, X, train, test)


@pytest.mark.parametrize("index", TIMED)
def test_a_gap_before_the_rows_warns_and_drops_the_history(index):
    X = series(INDEXES[index])
    gap = 5 if index == "business days" else 3  # fewer may be holidays
    for train, test in TimeSeriesSplit(5, gap=gap).split(X):
        window = SlidingWindow(4).fit(take(X, train))
        with pytest.warns(UserWarning, match="after a gap.*time index"):
            seen = window.transform(take(X, test))
        assert np.isnan(seen[0, :3]).all()


@pytest.mark.parametrize("index", ["daily", "periods", "range not from 0"])
def test_every_step_of_a_chain_drops_the_history_behind_a_gap(index):
    X = series(INDEXES[index])
    chain = make_pipeline(RatioLogScaler(), SeasonalDifference(2), SlidingWindow(4))
    chain.fit(X[:200])
    with pytest.warns(UserWarning, match="after a gap") as caught:
        seen = chain.transform(X[203:220])
    assert len(caught) == 1
    cut = as_in_whole_series(
        chain[1], as_in_whole_series(chain[0], X[203:220].to_numpy())
    )
    np.testing.assert_allclose(seen[:, -1], cut, rtol=1e-12)


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("index", INDEXES)
def test_rows_inside_training_have_their_true_history(index, chain):
    X = series(INDEXES[index])
    steps = make_pipeline(*CHAINS[chain](), SlidingWindow(7, flatten=True))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        steps.set_output(transform="pandas" if index != "array" else "default")
        in_sample = np.asarray(steps.fit_transform(part(X, 0, 300)))
        for start, stop in [
            (1, 3),
            (5, 40),
            (260, 300),
            (297, 305),
            (298, 300),
        ]:
            if index in ("array", "strings") and min(stop, 300) - start < 4:
                continue  # too few rows to be recognised
            seen = np.asarray(steps.transform(part(X, start, stop)))
            known = seen[: 300 - start]
            np.testing.assert_allclose(
                known, in_sample[start : min(stop, 300)], rtol=1e-12
            )
            assert np.isfinite(seen[20:]).all()
        if index not in ("array", "strings"):  # a single row has no other place
            seen = np.asarray(steps.transform(part(X, 299, 300)))
            np.testing.assert_allclose(seen, in_sample[299:], rtol=1e-12)


@pytest.mark.parametrize("as_frame", [True, False])
@pytest.mark.parametrize("n_last", [1, 5, 8])
def test_predictions_for_the_last_training_rows_are_those_in_training(n_last, as_frame):
    X = series(INDEXES["daily"] if as_frame else None)
    pipe = make_pipeline(
        RatioLogScaler(),
        SlidingWindow(8),
        LSTMRegressor(max_epochs=1, hidden_sizes=(2,), random_state=0),
    )
    pipe.fit(X, target(X))
    in_sample = pipe.predict(X)
    if n_last == 1 and not as_frame:
        with pytest.warns(
            UserWarning, match="equals the last row.*history of its first"
        ):
            assert np.isfinite(pipe.predict(X[-1:])).all()
    else:
        np.testing.assert_array_equal(pipe.predict(X[-n_last:]), in_sample[-n_last:])


@pytest.mark.parametrize("start", [0, 5])
def test_rows_before_training_warn(start):
    X = series(INDEXES["daily"])
    window = SlidingWindow(3).fit(X[10:100])
    with pytest.warns(UserWarning, match="before the training rows.*first 2 rows"):
        window.transform(X[start:50])


@pytest.mark.parametrize("window", [2, 60, 700])
@pytest.mark.parametrize("kind", ["hours", "numbers", "array"])
def test_only_rows_that_are_not_kept_lose_their_history(kind, window):
    n = 3000
    index = {
        "hours": pd.date_range("2020", periods=n, freq="h", tz="Europe/Berlin"),
        "numbers": pd.RangeIndex(n),
        "array": None,
    }[kind]
    X = series(index, n=n)
    step = SlidingWindow(window)
    in_sample = np.asarray(step.fit_transform(X))
    for start in (1, 508 if kind == "array" else 511, n - 512, n - 511, n - 4):
        seen = step.transform(X[start : start + 900])
        expected = in_sample[start : start + 900]
        np.testing.assert_array_equal(seen[: len(expected)], expected)
    if kind != "array":
        for start in (513, 1500, n - 513):
            with pytest.warns(
                UserWarning, match="inside the training.*last 512 are kept"
            ):
                seen = step.transform(X[start : start + 900])
            np.testing.assert_array_equal(
                seen[window - 1 :], in_sample[start + window - 1 : start + 900]
            )
            assert np.isnan(seen[0, :-1]).all()


@pytest.mark.parametrize(
    "index", ["daily", "numbers", "no frequency", "periods", "array"]
)
@pytest.mark.parametrize("step", [RatioLogScaler(), SeasonalDifference(7)])
@pytest.mark.parametrize("start", [3, 7, 50, 290])
def test_levels_inside_training_come_back(index, step, start):
    X = series(INDEXES[index])
    step = clone(step).fit(part(X, 0, 300))
    inside = part(X, start, start + 30)
    output = step.transform(inside)
    if index in ("numbers", "array"):  # an output does not say where it starts
        return
    np.testing.assert_allclose(step.inverse_transform(output), inside, rtol=1e-9)


def test_counts_are_not_recognised_by_chance():
    counts = np.random.default_rng(0).poisson(1.0, size=(400, 1)).astype(float)
    for start in range(200, 390):
        step = SlidingWindow(5).fit(counts[:start])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "X equals the last")
            seen = step.transform(counts[start : start + 3])
        if np.isfinite(seen[0]).all():
            np.testing.assert_array_equal(
                seen[0, :, 0], counts[start - 4 : start + 1, 0]
            )


def test_a_value_that_stays_is_not_taken_for_the_row_before():
    X = np.random.default_rng(0).normal(size=(100, 1))
    later = np.r_[X[-1:], X[-1:], [[2.0], [1.0]]]
    seen = SlidingWindow(3).fit(X).transform(later)
    np.testing.assert_array_equal(seen[0, :, 0], [X[-2, 0], X[-1, 0], X[-1, 0]])


@pytest.mark.parametrize(
    "index", ["range from 0", "range not from 0", "daily", "numbers"]
)
def test_folds_in_the_middle_have_the_rows_before_as_history(index):
    X = series(INDEXES[index])
    for fold, (train, test) in enumerate(KFold(5).split(X)):
        step = SlidingWindow(4)
        if fold in (0, 4):
            step.fit(take(X, train))
        else:
            with pytest.warns(UserWarning, match="longer than usual"):
                step.fit(take(X, train))
        if fold == 0:
            with pytest.warns(UserWarning, match="before the training rows"):
                seen = step.transform(take(X, test))
            assert np.isnan(seen[0, :3]).all()
        else:
            seen = step.transform(take(X, test))
            np.testing.assert_array_equal(seen[0], X.iloc[test[0] - 3 : test[0] + 1])


@pytest.mark.parametrize("index", INDEXES)
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_training_rows_are_recognised(index, dtype):
    X = series(INDEXES[index]).astype(dtype)
    window = SlidingWindow(4)
    in_sample = window.fit_transform(part(X, 0, 200))
    for X_new in (part(X, 0, 200), part(X, 0, 50), part(X, 0, 1), X):
        seen = window.transform(X_new)
        n = min(len(X_new), 200)
        np.testing.assert_array_equal(seen[:n], in_sample[:n])


@pytest.mark.parametrize("level", [0, 1, 10, 100])
def test_a_float32_copy_is_recognised(level):
    X = level + np.random.default_rng(0).normal(size=(200, 2))
    for steps in ([SlidingWindow(4)], [StandardScaler(), SlidingWindow(4)]):
        pipe = make_pipeline(*steps).fit(X)
        assert np.isnan(pipe.transform(X.astype("f4"))[0, :3]).all()


def test_a_window_longer_than_what_is_kept_to_recognise_training():
    X = np.random.default_rng(0).normal(size=(900, 1))
    seen = SlidingWindow(700).fit(X[:800]).transform(X[800:])
    np.testing.assert_array_equal(seen[0, :, 0], X[101:801, 0])


def test_one_training_row_without_a_frequency():
    X = series(pd.DatetimeIndex(INDEXES["daily"].to_numpy()))
    window = SlidingWindow(2).fit(X[:1])
    with pytest.warns(UserWarning, match="after a gap"):
        window.transform(X[1:2])


@pytest.mark.parametrize(
    "step", [SlidingWindow(4, flatten=True), SeasonalDifference(3)]
)
def test_parameters_set_after_fit_wait_for_the_next_fit(step):
    X = series()
    expected = step.fit(X[:50]).transform(X[50:])
    name = "window" if isinstance(step, SlidingWindow) else "period"
    step.set_params(**{name: 2})
    np.testing.assert_array_equal(step.transform(X[50:]), expected)


@pytest.mark.parametrize(
    ("level", "variation"), [(101_325, 0.2), (293.15, 5e-4), (52.52, 5e-6), (1.7e9, 60)]
)
def test_a_high_level_does_not_hide_a_small_variation(level, variation):
    X = level + variation * np.random.default_rng(0).normal(size=(400, 1))
    for n_train, n_test in [(100, 50), (200, 200), (200, 1)]:
        window = SlidingWindow(3).fit(X[:n_train])
        seen = window.transform(X[n_train : n_train + n_test])
        np.testing.assert_array_equal(seen[0, :2], X[n_train - 2 : n_train])
        assert np.isnan(window.transform(X[:n_train])[0, :2]).all()


def test_repeating_values_keep_their_history():
    counts = np.random.default_rng(0).poisson(1.0, size=(200, 1)).astype(float)
    lost = 0
    for start in range(100, 190):
        window = SlidingWindow(5).fit(counts[:start])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            seen = window.transform(counts[start : start + 10])
        if caught:
            lost += 1
        else:
            np.testing.assert_array_equal(
                seen[0, :, 0], counts[start - 4 : start + 1, 0]
            )
    assert lost == 0


def test_constant_training_rows_are_recognised_by_their_count():
    X = np.ones((50, 1))
    window = SlidingWindow(3).fit(X)
    assert np.isnan(window.transform(X)[0, :2]).all()
    with pytest.warns(UserWarning, match="equals the last 10 rows"):
        window.transform(X[:10])


def test_history_can_be_turned_off():
    X = series(INDEXES["daily"])
    window = SlidingWindow(3, history=None).fit(X[:100])
    assert np.isnan(window.transform(X[100:])[0, :2]).all()


@pytest.mark.parametrize("n_train", [1, 2, 3])
def test_history_shorter_than_the_window(n_train):
    X = series()
    seen = SlidingWindow(5).fit(X[:n_train]).transform(X[n_train : n_train + 2])
    assert np.isnan(seen[0, : 4 - n_train]).all()
    np.testing.assert_array_equal(seen[0, 4 - n_train :], X[: n_train + 1])


def test_another_kind_of_index_is_ignored():
    X = series()
    window = SlidingWindow(3).fit(series(INDEXES["daily"])[:100])
    for index in (None, INDEXES["strings"], INDEXES["range from 0"]):
        later = X[100:110]
        if index is not None:
            later = pd.DataFrame(later, index=index[:10], columns=["rail", "bus"])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            seen = window.transform(later)
        np.testing.assert_array_equal(seen[0, :2], X[98:100])


@pytest.mark.parametrize(
    ("trained", "new", "message"),
    [
        ("daily", "periods", "periods of M, the index of the training rows datetimes"),
        ("daily", "timedeltas", "timedeltas, the index of .* datetimes"),
        ("periods", "every third period", "periods of .*D, .* periods of M"),
        ("timedeltas", "daily, DST", "datetimes, .* timedeltas"),
        ("daily", "range from 0", "numbers, the index of .* datetimes"),
        ("daily, DST", "range not from 0", "numbers, .* datetimes"),
        ("periods", "numbers", "numbers, .* periods of M"),
        ("timedeltas", "range not from 0", "numbers, .* timedeltas"),
        ("range from 0", "daily", "datetimes, .* numbers"),
        ("range not from 0", "periods", "periods of M, .* numbers"),
        ("numbers", "timedeltas", "timedeltas, .* numbers"),
    ],
)
def test_times_of_another_kind_give_no_history(trained, new, message):
    X, other = series(INDEXES[trained]), series(INDEXES[new])
    with pytest.warns(UserWarning, match=f"The index of X holds {message}"):
        seen = SlidingWindow(3).fit(part(X, 0, 100)).transform(part(other, 100, 110))
    assert np.isnan(seen[0, :2]).all()
    step = SeasonalDifference(2).fit(part(X, 0, 100))
    with pytest.raises(ValueError, match="level before the first row"):
        step.inverse_transform(part(other, 100, 110))


NUMBERED_ANEW = {
    "range": lambda n: pd.RangeIndex(n),
    "numbers": lambda n: pd.Index(np.arange(n)),
    "floats": lambda n: pd.Index(np.arange(float(n))),
    "nullable": lambda n: pd.Index(range(n), dtype="Int64"),
    "objects": lambda n: pd.Index(range(n), dtype=object),
}


@pytest.mark.parametrize("kind", NUMBERED_ANEW)
@pytest.mark.parametrize("trained", ["daily", "periods", "timedeltas"])
def test_dates_and_then_rows_numbered_anew_are_compared_by_values(trained, kind):
    X = series(INDEXES[trained])
    step = SlidingWindow(3).fit(X[:100])
    index = NUMBERED_ANEW[kind]
    later = X[100:110].set_axis(index(10))
    np.testing.assert_array_equal(step.transform(later)[0, :2], X[98:100])
    assert np.isnan(step.transform(X[:50].set_axis(index(50)))[0, :2]).all()
    holes = later.iloc[[0, 1, 3, 4, 5, 6, 7, 8, 9]]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert np.isnan(step.transform(holes)[0, :2]).all()
    assert any("X holds numbers" in str(warning.message) for warning in caught)


@pytest.mark.parametrize("n_new", range(2, 8))
def test_rounded_rows_are_not_recognised_by_chance(n_new):
    for seed in range(100):
        steps = np.random.default_rng(seed).normal(0, 3, size=(70, 1))
        X = steps.cumsum(axis=0).round()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            seen = SlidingWindow(4).fit(X[:60]).transform(X[60 : 60 + n_new])
        before = np.full(3, np.nan) if caught else X[57:60, 0]
        if X[60] != X[0]:  # else it may be the start of training
            np.testing.assert_array_equal(seen[0, :3, 0], before)


@pytest.mark.parametrize(
    ("start", "stop", "message"),
    [
        (1499, 1510, "starts with the last row of training, so .* first 3 rows"),
        (1498, 1510, "starts with the last 2 rows of training"),
        (1497, 1499, "may start at training row 1497, so .* first 2 rows"),
        (1, 4, "may start at training row 1,"),
    ],
)
def test_few_rows_of_training_at_the_start_warn(start, stop, message):
    X = series(n=1600)
    step = SlidingWindow(4).fit(X[:1500])
    with pytest.warns(UserWarning, match=f"X {message}"):
        seen = step.transform(X[start:stop])
    assert np.isnan(seen[0, :3]).all()
    X[1400] = X[1499]  # the last training row occurs twice
    seen = SlidingWindow(4).fit(X[:1500]).transform(X[1499:1510])
    np.testing.assert_array_equal(seen[0, :3], X[1497:1500])


def test_a_frame_numbered_from_0_is_recognised_by_its_values():
    X = series(INDEXES["range from 0"])
    window = SlidingWindow(3).fit(X[:100])
    later = X[100:110].reset_index(drop=True)
    np.testing.assert_array_equal(window.transform(later)[0, :2], X[98:100])


def test_rows_in_another_time_zone_get_the_history():
    X = series(INDEXES["daily, DST"])
    window = SlidingWindow(3).fit(X[:100])
    seen = window.transform(X[100:].tz_convert("UTC"))
    np.testing.assert_array_equal(seen[0, :2], X[98:100])


def test_rows_that_start_within_one_step_after_training_get_the_history():
    X = series(INDEXES["daily"])
    early = X[100:110].set_axis(X.index[100:110] - pd.Timedelta(hours=6))
    seen = SlidingWindow(3).fit(X[:100]).transform(early)
    np.testing.assert_array_equal(seen[0, :2], X[98:100])


@pytest.mark.parametrize(
    "index", ["daily", "daily, DST", "hourly, autumn", "months", "business days"]
)
def test_a_long_step_inside_warns_once(index):
    X = series(INDEXES[index])
    window = SlidingWindow(3).fit(X[:100])
    with_gaps = X.drop(X.index[[*range(120, 125), 140]])
    with pytest.warns(UserWarning, match="longer than usual") as caught:
        window.transform(with_gaps[100:])
    assert len(caught) == 1
    assert str(X.index[119]) in str(caught[0].message)


def test_a_missing_row_in_training_warns_and_weekends_do_not():
    X = series(INDEXES["daily"])
    with pytest.warns(UserWarning, match="2019-02-19.*2019-02-21.*longer than usual"):
        SlidingWindow(3).fit(X.drop(X.index[50]))
    trading = series(INDEXES["business days"])
    SlidingWindow(3).fit(trading.drop(trading.index[[33, 80]]))


@pytest.mark.parametrize("zone", ["Asia/Beirut", "America/Sao_Paulo"])
def test_days_whose_midnight_falls_to_a_dst_change(zone):
    midnights = pd.date_range("2017-01-01", periods=N, freq="D")
    X = series(midnights.tz_localize(zone, nonexistent="shift_forward"))
    SlidingWindow(3).fit(X)
    for n in range(50, 390):
        window = SlidingWindow(3).fit(X[:n])
        np.testing.assert_array_equal(window.transform(X[n:])[0, :2], X[n - 2 : n])


def test_hours_with_missing_rows_across_a_dst_change():
    X = series(INDEXES["hourly, spring"])
    X = X.drop(X.index[10:14])
    with pytest.warns(UserWarning, match="longer than usual"):
        window = SlidingWindow(3).fit(X[:100])
    np.testing.assert_array_equal(window.transform(X[100:])[0, :2], X[98:100])


def test_rounded_times_are_no_gaps():
    stamps = pd.Index(1.7e9 + 0.01 * np.arange(N))
    for index in (stamps, (stamps - 1.7e9).astype("f4") + np.float32(1)):
        X = series(index)
        window = SlidingWindow(3).fit(part(X, 0, 100))
        seen = window.transform(part(X, 100, N))
        np.testing.assert_array_equal(seen[0, :2], part(X, 98, 100))
        with pytest.warns(UserWarning, match="after a gap"):
            window.transform(part(X, 102, N))


@pytest.mark.parametrize("index", ["months", "business days", "numbers"])
def test_missing_training_rows_do_not_hide_a_later_gap(index):
    X = series(INDEXES[index])
    X = X.drop(X.index[100:140])
    with pytest.warns(UserWarning, match="longer than usual"):
        window = SlidingWindow(3).fit(part(X, 0, 200))
    with pytest.warns(UserWarning, match="after a gap"):
        window.transform(part(X, 220, N))


@pytest.mark.parametrize("index", ["periods", "range not from 0", "daily"])
def test_one_training_row_with_a_frequency(index):
    X = series(INDEXES[index])
    X = X.asfreq("D") if index == "daily" else X
    seen = SlidingWindow(2).fit(X[:1]).transform(X[1:3])
    np.testing.assert_array_equal(seen[0, 0], X.iloc[0])


BAD_INDEXES = {
    "decreasing": (lambda i: i[::-1], "does not increase at row 1"),
    "duplicated": (lambda i: i[:9].append(i[8:-1]), "does not increase at row 9"),
    "NaT": (lambda i: i[:9].insert(9, pd.NaT).append(i[10:]), "missing time in row 9"),
    "NaT first": (lambda i: i[1:].insert(0, pd.NaT), "missing time in row 0"),
    "None among objects": (
        lambda i: pd.Index([*i[:9], None, *i[10:]], dtype=object),
        "missing time in row 9",
    ),
}


@pytest.mark.parametrize("kind", BAD_INDEXES)
@pytest.mark.parametrize("index", ["daily", "periods", "timedeltas"])
def test_an_index_out_of_order_is_an_error(index, kind):
    change, message = BAD_INDEXES[kind]
    X = series(INDEXES[index])
    window = SlidingWindow(3).fit(X)
    bad = X.set_axis(change(X.index))
    for method in (window.transform, clone(window).fit):
        with pytest.raises(ValueError, match=message):
            method(bad)
    assert np.isfinite(window.transform(X)[2:]).all()


def test_naive_against_aware_stamps_is_an_error():
    X = series(INDEXES["daily"])
    window = SlidingWindow(3).fit(X[:100])
    with pytest.raises(ValueError, match=r"tz-aware.*naive.*tz_localize"):
        window.transform(X[100:].tz_localize("UTC"))


NUMBERED = series(INDEXES["range from 0"])
OUT_OF_ORDER = {
    "train_test_split": lambda: train_test_split(NUMBERED, random_state=0)[0],
    "KFold": lambda: NUMBERED.iloc[
        next(KFold(3, shuffle=True, random_state=0).split(NUMBERED))[1][::-1]
    ],
    "sample": lambda: NUMBERED.sample(frac=0.5, random_state=0),
    "newest first": lambda: NUMBERED[::-1],
    "permuted labels": lambda: NUMBERED.set_axis(
        np.random.default_rng(0).permutation(N)
    ),
    "two frames": lambda: pd.concat([NUMBERED[:50], NUMBERED[:50]]),
    "a row twice": lambda: NUMBERED.iloc[[0, 1, 1, 2]],
    "floats": lambda: NUMBERED.set_axis(0.5 * np.arange(N))[::-1],
    "nullable": lambda: NUMBERED.set_axis(pd.Index(range(N), dtype="Int64"))[::-1],
    "objects": lambda: NUMBERED.set_axis(pd.Index(range(N), dtype=object))[::-1],
}


@pytest.mark.parametrize("kind", OUT_OF_ORDER)
def test_numbers_out_of_order_are_an_error(kind):
    X = OUT_OF_ORDER[kind]()
    message = r"does not increase at row .*`shuffle=False`.*reset_index\(drop=True\)"
    step = SlidingWindow(3).fit(NUMBERED)
    for call in (step.transform, clone(step).fit, SeasonalDifference().fit):
        with pytest.raises(ValueError, match=message):
            call(X)
    with pytest.raises(ValueError, match=message):
        make_supervised(X, target="rail")
    step.fit_transform(X.reset_index(drop=True))


@pytest.mark.parametrize("dtype", ["float", "Int64", object])
def test_a_missing_number_is_named(dtype):
    X = NUMBERED.set_axis(pd.Index([*range(N - 1), None], dtype=dtype))
    message = rf"missing time in row {N - 1}: fill it.*reset_index\(drop=True\)"
    with pytest.raises(ValueError, match=message):
        SlidingWindow(3).fit(X)


def test_a_search_over_shuffled_rows_is_an_error_and_over_shuffled_folds_warns():
    pipe = make_pipeline(SlidingWindow(3, flatten=True, pad="edge"), Ridge())
    y = target(NUMBERED)
    halving = HalvingGridSearchCV(
        pipe,
        {"ridge__alpha": [1, 2]},
        cv=TimeSeriesSplit(2),
        random_state=0,
        error_score="raise",
    )
    with pytest.raises(ValueError, match="does not increase"):
        halving.fit(NUMBERED, y)
    folds = KFold(3, shuffle=True, random_state=0)  # each of them is sorted
    with pytest.warns(UserWarning, match="longer than usual"):
        cross_val_predict(pipe, NUMBERED, y, cv=folds)


MASK = np.random.default_rng(0).random(N) < 0.7
HOLES = {
    "a row": np.delete(np.arange(N), 50),
    "two parts": np.r_[0:100, 200:N],
    "a mask": np.flatnonzero(MASK),
    "a mask without row 0": np.flatnonzero(MASK)[5:],
}


@pytest.mark.parametrize("fitted_on", ["frame", "array", "days"])
@pytest.mark.parametrize("kind", HOLES)
def test_numbers_with_holes_warn(kind, fitted_on):
    X = NUMBERED.iloc[HOLES[kind]]
    with pytest.warns(
        UserWarning, match="The step in X from.*longer than usual"
    ) as caught:
        SlidingWindow(3).fit(X)
    assert len(caught) == 1
    train = {
        "frame": NUMBERED,
        "array": NUMBERED.to_numpy(),
        "days": series(INDEXES["daily"]),
    }
    step = SlidingWindow(3).fit(train[fitted_on])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        step.transform(X)
    assert any("longer than usual" in str(w.message) for w in caught)


def test_numbers_without_holes_do_not_warn():
    step = SlidingWindow(3)
    for X in (NUMBERED[::3], NUMBERED[5:], NUMBERED.iloc[np.arange(100)], NUMBERED[:1]):
        step.fit_transform(X)
    days = np.flatnonzero(np.arange(N) % 7 < 5)
    with pytest.warns(UserWarning, match="from 4 to 7 is longer than usual"):
        step.fit(NUMBERED.iloc[days[:100]])
    seen = step.transform(NUMBERED.iloc[days[100:104]])  # a usual step after training
    np.testing.assert_array_equal(seen[0, :2], NUMBERED.iloc[days[98:100]])


def test_numbers_of_other_rows_give_no_history():
    step = SlidingWindow(3).fit(NUMBERED[:300])
    for start in (5, 299):
        other = NUMBERED[350:360].set_axis(range(start, start + 10))
        with pytest.warns(UserWarning, match="inside the training rows, but.*differs"):
            seen = step.transform(other)
        assert np.isnan(seen[0, :2]).all()


@pytest.mark.parametrize("first", [0, 80])
def test_rows_numbered_anew_are_recognised_by_their_values(first):
    X = NUMBERED[first:300]
    step = SlidingWindow(3).fit(X)
    for start in (300, 296, 290, 200):
        anew = NUMBERED[start : start + 12].reset_index(drop=True)
        seen = step.transform(anew)
        np.testing.assert_array_equal(seen[0], NUMBERED[start - 2 : start + 1])


@pytest.mark.parametrize("chain", ["ratios", "three look back", "scaler between"])
def test_a_missing_value_right_after_training_is_an_error(chain):
    X = series(INDEXES["daily"])
    net = LSTMRegressor(max_epochs=1, hidden_sizes=(2,), random_state=0)
    pipe = make_pipeline(*CHAINS[chain](), SlidingWindow(4), net)
    pipe[:-2].set_output(transform="pandas")
    pipe.fit(X[:100], target(X)[:100])
    for missing in (slice(100, 101), slice(100, N)):
        later = X[100:].copy()
        later.loc[X.index[missing], "bus"] = np.nan
        with pytest.raises(ValueError, match=r"NaN in row 0.*column 'bus'"):
            pipe.predict(later)


def _spike(rows, at):
    rows[at] = -9.0
    return rows


REPEATING = {
    "constant": (lambda n: np.ones(n), 512),
    "constant for a long part": (
        lambda n: np.r_[np.ones(n // 2), np.arange(n / 2)],
        512,
    ),
    "constant but for one row": (lambda n: _spike(np.ones(n), 300), 301),
    "constant but for a late row": (lambda n: _spike(np.ones(n), n - 9), 512),
    "period 7": (lambda n: np.resize(np.arange(7.0), n), 512),
    "period 5000": (lambda n: np.resize(np.arange(5000.0), n), 512),
    "two values": (lambda n: np.resize([0.0, 1.0], n), 512),
    "two values but for one row": (
        lambda n: _spike(np.resize([0.0, 1.0], n), 505),
        506,
    ),
    "days off": (lambda n: 1.0 * (np.arange(n) % 365 == 200), 512),
    "days off but for one": (
        lambda n: _spike(1.0 * (np.arange(n) % 365 == 200), 500),
        501,
    ),
}


@pytest.mark.parametrize("kind", REPEATING)
def test_rows_that_repeat_themselves_are_compared_in_few_passes(kind, monkeypatch):
    calls = []
    original = same_rows.close

    def spy(a, b, spread):
        calls.append(a.size)
        return original(a, b, spread)

    make_rows, n_distinct = REPEATING[kind]
    rows = make_rows(20_000)[:, None]
    step = SlidingWindow(3)
    monkeypatch.setattr(same_rows, "close", spy)
    step.fit(rows)
    assert step._tail.n_distinct == n_distinct
    assert sum(calls) < 12 * len(rows) + 512 * 512
    del calls[:]
    days = pd.date_range("2000", periods=len(rows), freq="h")
    step.fit(pd.DataFrame(rows, index=days))
    assert sum(calls) < 25 * 512 + 512 * 512


@pytest.mark.parametrize("kind", REPEATING)
def test_rows_that_repeat_themselves_are_recognised_from_their_start(kind):
    rows = REPEATING[kind][0](3000)[:, None]
    step = SlidingWindow(4)
    in_sample = step.fit_transform(rows)
    np.testing.assert_array_equal(step.transform(rows), in_sample)
    np.testing.assert_array_equal(step.transform(rows[:600]), in_sample[:600])


@given(
    pattern=st.lists(st.integers(0, 1), min_size=1, max_size=6),
    n=st.integers(1, 80),
    changes=st.dictionaries(st.integers(0, 79), st.integers(0, 2), max_size=4),
)
@settings(max_examples=300, deadline=None)
def test_the_start_that_occurs_once_is_the_shortest(pattern, n, changes):
    rows = np.resize(np.array(pattern, dtype=float), n)
    for at, value in changes.items():
        rows[at % n] = value
    lengths = range(1, n + 1)
    once = (
        k
        for k in lengths
        if (sliding_window_view(rows, k) == rows[:k]).all(1).sum() == 1
    )
    assert distinct_start(rows[:, None]) == next(once)
