"""WithHistory gives any transformer the rows before."""

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    PolynomialFeatures,
    StandardScaler,
)

from sktsdl import LSTMRegressor, RatioLogScaler, SlidingWindow, WithHistory
from sktsdl.persistence import trusted_types
from tests.series import INDEXES, TIMED, N, part, rolling_mean, series, target


def rolling_days(X):
    return X.assign(mean=X["rail"].rolling("28D").mean())


def lags(X):
    return pd.concat([X.shift(i).add_suffix(f"_{i}") for i in (7, 1)], axis=1)


TRANSFORMERS = {
    "rolling mean": (FunctionTransformer(rolling_mean, kw_args={"window": 28}), 27),
    "rolling mean of days": (FunctionTransformer(rolling_days), 27),
    "short windows at the start": (
        FunctionTransformer(lambda X: X.rolling(9, min_periods=1).max()),
        8,
    ),
    "lags": (FunctionTransformer(lags), 7),
    "decaying mean": (FunctionTransformer(lambda X: X.ewm(span=2).mean()), 60),
    "scaled rolling mean": (
        make_pipeline(
            StandardScaler().set_output(transform="pandas"),
            FunctionTransformer(rolling_mean),
        ),
        4,
    ),
    "no history needed": (PolynomialFeatures(2), 0),
}


@pytest.mark.parametrize("name", TRANSFORMERS)
@pytest.mark.parametrize("n_new", [1, 60])
def test_new_rows_are_as_in_the_whole_series(name, n_new):
    transformer, n_rows = TRANSFORMERS[name]
    X = series(INDEXES["daily"])
    step = WithHistory(transformer, n_rows)
    in_sample = step.fit_transform(X[:300])
    whole = step.transformer_.transform(X)
    follows = step.transform(X[300 : 300 + n_new])
    if isinstance(whole, np.ndarray):
        names = step.transformer_.get_feature_names_out()
        whole = pd.DataFrame(whole, X.index, names)
    pd.testing.assert_frame_equal(follows, whole[300 : 300 + n_new])
    pd.testing.assert_frame_equal(in_sample[n_rows:], whole[n_rows:300])
    assert in_sample[:n_rows].isna().all(axis=None)
    assert list(step.get_feature_names_out()) == list(whole.columns)


def test_a_pipeline_predicts_from_the_features_of_the_whole_series():
    X = series(INDEXES["daily"])
    features = FunctionTransformer(rolling_days)
    net = LSTMRegressor(hidden_sizes=(2,), max_epochs=1, random_state=0)
    pipe = make_pipeline(WithHistory(features, 27), SlidingWindow(3), net)
    pipe.fit(X[:300], target(X)[:300])
    by_hand = SlidingWindow(3).fit_transform(features.transform(X))
    np.testing.assert_allclose(pipe.predict(X[300:]), net_of(pipe, by_hand)[300:])
    np.testing.assert_allclose(pipe.predict(X[300:301]), net_of(pipe, by_hand)[300:301])


def net_of(pipe, windows):
    return pipe[-1].predict(windows)


class Spy(FunctionTransformer):
    """Remember what it was given."""

    def transform(self, X):
        self.seen_ = X
        return X


@pytest.mark.parametrize("index", [*TIMED, "no frequency"])
def test_the_transformer_sees_a_time_index(index):
    X = series(INDEXES[index])
    X.index.name = "when"
    X = X.rename_axis(columns="line")
    step = WithHistory(Spy(), 5).fit(part(X, 0, 300))
    step.transform(part(X, 300, N))
    pd.testing.assert_frame_equal(
        step.transformer_.seen_, part(X, 295, N), check_freq=False
    )
    step.transform(part(X, 0, 50))
    pd.testing.assert_frame_equal(
        step.transformer_.seen_, part(X, 0, 50), check_freq=False
    )


def test_the_transformer_sees_the_time_zone_of_the_rows():
    X = series(INDEXES["daily, DST"])
    step = WithHistory(Spy(), 5).fit(X[:100])
    step.transform(X[100:].tz_convert("UTC"))
    expected = X[95:].tz_convert("UTC")
    pd.testing.assert_frame_equal(step.transformer_.seen_, expected, check_freq=False)


@pytest.mark.parametrize("index", ["range from 0", "strings"])
def test_rows_without_a_time_index_are_numbered(index):
    X = series(INDEXES[index])
    step = WithHistory(Spy(), 5).fit(X[:100])
    later = X[100:] if index == "strings" else X[100:].reset_index(drop=True)
    output = step.transform(later)
    assert list(step.transformer_.seen_.index) == list(range(-5, 300))
    pd.testing.assert_frame_equal(output, later)


def test_arrays_stay_arrays():
    X = series()
    step = WithHistory(Spy(), 5).fit(X[:100])
    assert isinstance(step.transform(X[100:]), np.ndarray)
    np.testing.assert_array_equal(step.transformer_.seen_, X[95:])


@pytest.mark.parametrize("index", [*TIMED, "array", "strings"])
def test_a_file_keeps_the_history(index, tmp_path):
    X = series(INDEXES[index])
    step = WithHistory(StandardScaler(), 5).fit(part(X, 0, 300))
    joblib.dump(step, tmp_path / "step")
    content = skops.io.dumps(step)
    trusted = trusted_types(WithHistory(StandardScaler(), 5))
    expected = np.asarray(step.transform(part(X, 300, N)))
    assert np.isfinite(expected).all()
    for again in (
        joblib.load(tmp_path / "step"),
        skops.io.loads(content, trusted=trusted),
    ):
        np.testing.assert_array_equal(again.transform(part(X, 300, N)), expected)


def test_unknown_history_is_nan():
    X = series(INDEXES["daily"])
    step = WithHistory(FunctionTransformer(lambda X: X.cummax()), 3)
    with pytest.warns(UserWarning, match="n_rows=3 before it"):
        step.fit(X[:100])
    with pytest.warns(UserWarning, match="after a gap"):
        gap = step.transform(X[110:120])
    for output in (step.transform(X[:100]), gap, step.transform(X[110:112] * np.nan)):
        assert output[:3].isna().all(axis=None)
        assert output[3:].notna().all(axis=None)
    switched_off = WithHistory(StandardScaler(), 3, history=None).fit(X[:100])
    assert switched_off.transform(X[100:])[:3].isna().all(axis=None)


def test_history_shorter_than_asked_for_is_not_complete():
    X = series(INDEXES["daily"])
    step = WithHistory(StandardScaler(), 5).fit(X[:3])
    assert (
        step.transform(X[3:9]).isna().all(axis=1).tolist() == [True] * 2 + [False] * 4
    )


def test_a_transformer_that_takes_no_nan_follows_a_step_that_looks_back():
    X = series(INDEXES["daily"])
    pipe = make_pipeline(RatioLogScaler(), WithHistory(PCA(1), 2)).fit(X[:100])
    output = pipe.transform(X[:100])
    assert output.isna().to_numpy().ravel().tolist() == [True] * 3 + [False] * 97
    assert list(output.columns) == ["pca0"]


def test_what_is_estimated_comes_from_the_training_rows():
    X = series(INDEXES["daily"])
    step = WithHistory(StandardScaler(), 2).fit(X[:100])
    step.transform(X[100:])
    np.testing.assert_allclose(step.transformer_.mean_, X[:100].mean())
    assert not hasattr(step.transformer, "mean_")


TOO_FAR = {
    "more rows than n_rows": lambda X: X.rolling(9, min_periods=1).mean(),
    "NaN for the rows before": lambda X: X.shift(8),
    "all rows before": lambda X: X.expanding().mean(),
    "later rows": lambda X: X.rolling(5, center=True, min_periods=1).mean(),
    "all rows": lambda X: X - X.mean(),
}


@pytest.mark.parametrize("kind", TOO_FAR)
@pytest.mark.parametrize("n", [40, 400])
def test_an_output_of_rows_out_of_reach_warns(kind, n):
    X = series(INDEXES["daily"], n=n)
    step = WithHistory(FunctionTransformer(TOO_FAR[kind]), 7)
    with pytest.warns(
        UserWarning, match=r"'rail' .*n_rows=7 before it.*raise `n_rows`"
    ):
        step.fit(X)


@pytest.mark.parametrize("n", [40, 50, 60, 70])
def test_unlimited_reach_warns_with_few_training_rows(n):
    X = series(INDEXES["daily"], n=n)
    step = WithHistory(FunctionTransformer(TOO_FAR["all rows before"]), 28)
    with pytest.warns(UserWarning, match="n_rows=28 before it"):
        step.fit(X)


@pytest.mark.parametrize("n", [1, 2, 5, 9, 30])
def test_few_rows_do_not_warn(n):
    X = series(INDEXES["daily"], n=n)
    WithHistory(FunctionTransformer(rolling_mean), 4).fit(X)


NAMES = {
    "a frame": (FunctionTransformer(lambda X: X[["bus"]]), ["bus"]),
    "its own": (PolynomialFeatures(1), ["1", "rail", "bus"]),
    "none": (
        FunctionTransformer(lambda X: X.to_numpy()),
        ["withhistory0", "withhistory1"],
    ),
    "none, in a pipeline": (
        make_pipeline(StandardScaler(), FunctionTransformer(lambda X: X[:, :1])),
        ["withhistory0"],
    ),
}


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("container", ["default", "pandas", "polars"])
def test_names_of_the_output(kind, container):
    transformer, names = NAMES[kind]
    X = series(INDEXES["daily"])
    step = WithHistory(transformer, 2).set_output(transform=container).fit(X[:100])
    output = step.transform(X[100:])
    assert list(output.columns) == list(step.get_feature_names_out()) == names
    assert type(output).__module__.startswith(
        "polars" if container == "polars" else "pandas"
    )


def test_names_of_a_polars_frame():
    X = pl.from_pandas(series(INDEXES["daily"]))
    step = WithHistory(StandardScaler(), 2).set_output(transform="polars").fit(X[:100])
    output = step.transform(X[100:])
    assert output.columns == ["rail", "bus"]
    assert np.isfinite(output.to_numpy()).all()


@pytest.mark.parametrize("kind", [rolling_mean, lambda X: np.asarray(X)])
def test_arrays_after_a_frame_and_a_frame_after_arrays(kind):
    X = series(INDEXES["daily"])
    step = WithHistory(FunctionTransformer(kind), 4)
    expected = step.fit(X[:100]).transform(X[100:])
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        np.testing.assert_array_equal(step.transform(X[100:].to_numpy()), expected)
    step.fit(X[:100].to_numpy())
    with pytest.warns(UserWarning, match="X has feature names"):
        np.testing.assert_array_equal(step.transform(X[100:]), expected)


def test_names_that_are_tuples():
    X = series(INDEXES["daily"])
    X.columns = pd.MultiIndex.from_tuples([("rail", "all"), ("bus", "all")])
    output = WithHistory(FunctionTransformer(rolling_mean), 4).fit(X).transform(X)
    pd.testing.assert_index_equal(output.columns, X.columns)


def test_a_search_over_the_parameters_of_the_transformer():
    X = series(INDEXES["daily"])
    step = WithHistory(FunctionTransformer(rolling_mean), 9)
    pipe = make_pipeline(step, SlidingWindow(1, flatten=True, pad="edge"), Ridge())
    grid = {
        "withhistory__transformer__kw_args": [{"window": 2}, {"window": 9}],
        "withhistory__n_rows": [9, 10],
    }
    search = GridSearchCV(pipe, grid, cv=TimeSeriesSplit(3), error_score="raise")
    search.fit(X, X["rail"].rolling(9, min_periods=1).mean())
    assert search.best_params_["withhistory__transformer__kw_args"] == {"window": 9}


BAD = {
    "rows dropped": (
        FunctionTransformer(lambda X: X.shift(1).dropna()),
        ValueError,
        "returned 59 rows for 60.*keeps every row",
    ),
    "a column": (
        FunctionTransformer(lambda X: X["rail"]),
        ValueError,
        "output of 1 dimensions, and not of 2",
    ),
    "text": (
        FunctionTransformer(lambda X: X.astype(str) + "%"),
        ValueError,
        "could not convert string",
    ),
    "a function": (rolling_mean, TypeError, r"FunctionTransformer\(function\)"),
    "a class": (StandardScaler, TypeError, "not a transformer with fit and transform"),
    "a regressor": (Ridge(), TypeError, "not a transformer with fit and transform"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_transformer_that_cannot_be_used_is_an_error(kind):
    transformer, error, message = BAD[kind]
    X = series(INDEXES["daily"], n=60)
    step = WithHistory(StandardScaler(), 2).fit(X)
    before = joblib.hash(vars(step))
    transformer, step.transformer = step.transformer, transformer
    with pytest.raises(error, match=message):
        step.fit(X)
    step.transformer = transformer
    assert joblib.hash(vars(step)) == before


@pytest.mark.parametrize(
    ("n_rows", "error"), [(-1, ValueError), (2.5, TypeError), ("28D", TypeError)]
)
def test_a_number_of_rows_that_cannot_be_used_is_an_error(n_rows, error):
    with pytest.raises(error, match=r"^n_rows"):
        WithHistory(StandardScaler(), n_rows).fit(series())


def test_columns_that_depend_on_the_rows_are_an_error():
    X = series(INDEXES["daily"]).round(1)
    step = WithHistory(FunctionTransformer(lambda X: pd.get_dummies(X["rail"])), 0)
    with pytest.raises(ValueError, match="must return the same columns for all rows"):
        step.fit(X)
    step.fit(X[:1])
    with pytest.raises(ValueError, match="must return the same columns for all rows"):
        step.transform(X)


def test_no_complete_row_is_an_error():
    X = series(INDEXES["daily"], n=20).assign(tram=np.nan)
    with pytest.raises(ValueError, match="No row of X is complete"):
        WithHistory(StandardScaler(), 2).fit(X)
