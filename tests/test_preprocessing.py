"""RatioLogScaler, SeasonalDifference and SlidingWindow."""

import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from sktsdl import RatioLogScaler, SeasonalDifference, SlidingWindow
from sktsdl._windows.windows import Windows
from tests.series import levels

INVERTIBLE = [
    RatioLogScaler(),
    RatioLogScaler(offset=5.0, epsilon=1e-3),
    SeasonalDifference(),
    SeasonalDifference(7),
]


def test_ratio_log_scaler_against_the_formula():
    X = levels()[0].to_numpy()
    scaler = RatioLogScaler(offset=0.5, epsilon=1e-3).fit(X)
    logs = np.log((X[1:] + 0.5) / (X[:-1] + 0.5) + 1e-3)
    np.testing.assert_allclose(scaler.mean_, logs.mean(axis=0))
    np.testing.assert_allclose(scaler.scale_, logs.std(axis=0))
    expected = (logs - logs.mean(axis=0)) / logs.std(axis=0)
    np.testing.assert_allclose(scaler.transform(X)[1:], expected)


def test_ratio_log_scaler_of_constant_growth():
    X = 1.1 ** np.arange(10.0)[:, None]
    scaler = RatioLogScaler().fit(X)
    np.testing.assert_allclose(scaler.scale_, 1.0)
    np.testing.assert_allclose(scaler.transform(X)[1:], 0.0, atol=1e-12)


@pytest.mark.parametrize(("value", "message"), [(0.0, "Zero"), (-2.0, "Negative")])
def test_ratio_log_scaler_takes_positive_levels_only(value, message):
    X, _ = levels()
    X.iloc[7, 1] = value
    with pytest.raises(ValueError, match=rf"{message}.*row 7 \(.*column 'bus'.*offset"):
        RatioLogScaler().fit(X)
    RatioLogScaler(offset=3.0).fit(X)


def test_ratio_log_scaler_needs_two_rows():
    with pytest.raises(ValueError, match="no two consecutive known rows in column 1"):
        RatioLogScaler().fit([[1.0, np.nan], [2.0, np.nan]])
    with pytest.raises(ValueError, match=r"1 sample.*minimum of 2"):
        RatioLogScaler().fit([[1.0]])


@pytest.mark.parametrize("step", INVERTIBLE, ids=str)
@pytest.mark.parametrize("as_frame", [True, False])
def test_inverse_transform_of_unknown_rows_is_an_error(step, as_frame):
    X, _ = levels(100)
    X = X if as_frame else X.to_numpy()
    output = step.fit(X[:60]).transform(X)
    unknown = output[70:].copy()
    unknown[:1] = np.nan
    for part in (output[70:], unknown) if as_frame else (unknown,):
        with pytest.raises(ValueError, match=r"level before the first row.*time index"):
            step.inverse_transform(part)


@pytest.mark.parametrize("step", INVERTIBLE, ids=str)
def test_inverse_transform_of_nan_only_is_an_error(step):
    X = levels(100)[0].to_numpy()
    step.fit(X[:60])
    with pytest.raises(ValueError, match="level before the first row"):
        step.inverse_transform(np.full((1, 2), np.nan))


@pytest.mark.parametrize("period", [5, 6, 100])
def test_too_few_rows_for_a_difference_are_an_error(period):
    step = SeasonalDifference(period)
    for n in (1, 5):
        message = rf"X has {n} rows .* period={period} .* at least {period + 1} rows"
        with pytest.raises(ValueError, match=message):
            step.fit(np.ones((n, 1)))
        with pytest.raises(ValueError, match=message):
            step.fit_transform(np.ones((n, 1)))
    found = step.fit_transform(np.arange(period + 1.0)[:, None])
    np.testing.assert_array_equal(found[-1], [period])


def test_inverse_transform_of_arrays_after_a_fit_to_a_frame():
    X, _ = levels(100)
    step = RatioLogScaler().fit(X[:60])
    output = step.transform(X[60:])
    np.testing.assert_allclose(step.inverse_transform(output.to_numpy()), X[60:])
    with pytest.raises(ValueError, match=r"1 features.*expecting 2"):
        step.inverse_transform(output[["rail"]])


def test_inverse_transform_of_a_missing_value_is_an_error():
    X, _ = levels()
    step = SeasonalDifference().fit(X)
    output = step.transform(X)
    output.iloc[4, 1] = np.nan
    with pytest.raises(ValueError, match=r"NaN in row 4.*column 'bus'"):
        step.inverse_transform(output)


def test_inverse_transform_of_predicted_differences():
    step = SeasonalDifference(2).fit([[1.0], [5.0], [2.0], [7.0]])
    np.testing.assert_array_equal(
        step.inverse_transform(np.ones((5, 1)))[:, 0], [3, 8, 4, 9, 5]
    )


@pytest.mark.parametrize("step", [*INVERTIBLE, SlidingWindow(3)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "float16"])
def test_float32_stays_float32(step, dtype):
    X = np.arange(1, 41).reshape(20, 2).astype(dtype)
    expected = "float32" if dtype == "float32" else "float64"
    assert step.fit_transform(X).dtype == expected
    assert step.transform(X).dtype == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_windows_take_the_memory_of_their_rows(dtype):
    X = np.ones((1000, 3), dtype=dtype)
    windows = SlidingWindow(50).fit_transform(X)
    base = windows
    while base.base is not None:
        base = base.base
    assert windows.shape == (1000, 50, 3)
    assert base.nbytes == (1000 + 49) * 3 * X.itemsize
    assert not np.shares_memory(windows, X)


def test_flattened_windows_and_their_names():
    X, _ = levels()
    step = SlidingWindow(3, flatten=True)
    flat = step.fit_transform(X)
    assert list(flat.columns) == [
        f"{name}_lag{lag}" for lag in (2, 1, 0) for name in ("rail", "bus")
    ]
    pd.testing.assert_index_equal(flat.index, X.index)
    np.testing.assert_array_equal(flat["rail_lag2"][2:], X["rail"][:-2])
    np.testing.assert_array_equal(flat["bus_lag0"], X["bus"])
    assert not hasattr(SlidingWindow(3), "get_feature_names_out")


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output_leaves_3d_windows_alone(container):
    X, _ = levels()
    windows = SlidingWindow(3).set_output(transform=container).fit_transform(X)
    assert isinstance(windows, Windows)
    with sklearn.config_context(transform_output=container):
        assert isinstance(SlidingWindow(3).fit_transform(X), Windows)
        flat = SlidingWindow(3, flatten=True).fit_transform(X)
    assert "rail_lag2" in flat.columns
    assert container in type(flat).__module__


def test_pad_edge_fills_from_no_later_row():
    X = np.array([[1.0, np.nan], [2.0, np.nan], [3.0, 7.0], [4.0, 8.0], [5.0, 9.0]])
    windows = SlidingWindow(3, pad="edge").fit(X)
    np.testing.assert_array_equal(windows.mean_, [3.0, 8.0])
    seen = windows.transform(X)
    np.testing.assert_array_equal(seen[0], [[1, 8], [1, 8], [1, 8]])
    np.testing.assert_array_equal(seen[2], [[1, 7], [2, 7], [3, 7]])
    np.testing.assert_array_equal(seen[4], X[2:])
    with pytest.raises(ValueError, match=r"3 known rows.*n_samples=3.*window=4"):
        SlidingWindow(4, pad="edge").fit(X)
    assert not hasattr(windows.set_params(pad="nan").fit(X), "mean_")


def test_ridge_takes_windows_with_pad_edge():
    X, y = levels()
    pipe = make_pipeline(SlidingWindow(5, flatten=True, pad="edge"), Ridge())
    assert np.isfinite(pipe.fit(X, y).predict(X)).all()


@pytest.mark.parametrize(
    ("step", "error", "message"),
    [
        (SlidingWindow(0), ValueError, "window == 0, must be >= 1"),
        (SlidingWindow(2.5), TypeError, "window must be an instance of"),
        (SlidingWindow(pad="zero"), ValueError, "pad='zero'.*'nan', 'edge'"),
        (SlidingWindow(history="all"), ValueError, "history='all'.*'tail', None"),
        (SeasonalDifference(0), ValueError, "period == 0, must be >= 1"),
        (RatioLogScaler(epsilon=-1.0), ValueError, "epsilon == -1.0, must be >= 0"),
        (RatioLogScaler(offset=np.inf), ValueError, "offset=inf must be finite"),
    ],
    ids=str,
)
def test_a_parameter_out_of_range_is_an_error(step, error, message):
    with pytest.raises(error, match=message):
        step.fit(levels()[0])


@pytest.mark.parametrize("how", ["pickle", "joblib", "copy"])
def test_windows_keep_the_names_of_their_channels(how, tmp_path):
    X, _ = levels()
    windows = SlidingWindow(5).fit_transform(X)
    if how == "pickle":
        again = pickle.loads(pickle.dumps(windows))
    elif how == "joblib":
        joblib.dump(windows, tmp_path / "windows")
        again = joblib.load(tmp_path / "windows")
    else:
        again = copy.deepcopy(windows)
    np.testing.assert_array_equal(again, windows)
    assert list(again.names) == ["rail", "bus"]
