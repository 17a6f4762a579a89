"""What all nets share: windows, parameters, and errors for bad input."""

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from skorch.callbacks import EarlyStopping

from sktsdl import LSTMRegressor, RatioLogScaler, SlidingWindow, WindowMLPRegressor
from tests.nets import lstm
from tests.series import levels


def pipeline(window=8, **params):
    return make_pipeline(RatioLogScaler(), SlidingWindow(window), lstm(**params))


BAD_PARAMETERS = {
    "lr": [(0.0, ValueError), ("fast", TypeError)],
    "max_epochs": [(0, ValueError)],
    "batch_size": [(0, ValueError)],
    "optimizer": [("adan", ValueError), (3, ValueError)],
    "optimizer_params": [
        ("amsgrad", ValueError),
        ({"lr": 0.1}, ValueError),
        ({"nesterov": True}, ValueError),
        ({"betas": (2.0, 0.9)}, ValueError),
    ],
    "weight_decay": [(-1.0, ValueError)],
    "loss": [("l2", ValueError), (None, ValueError)],
    "lr_schedule": [("steps", ValueError)],
    "clip_grad_norm": [(-1.0, ValueError), (np.nan, ValueError)],
    "clip_grad_value": [(0.0, ValueError)],
    "accumulate_batches": [(0, ValueError), (1.5, TypeError)],
    "precision": [("half", ValueError), ("fp16", ValueError)],
    "window_norm": [("first", ValueError)],
    "cycle": [(1, ValueError), ("day", ValueError), ((), ValueError)],
    "cycle_channel": [("step", ValueError)],
    "loss_scale": [("series", ValueError)],
    "callbacks": [
        ([EarlyStopping], TypeError),
        (["stop"], TypeError),
        (EarlyStopping(), TypeError),
    ],
    "early_stopping": [("no", TypeError)],
    "channel_independent": [("no", TypeError)],
    "linear_skip": [(1, TypeError)],
    "patch_size": [(0, ValueError), (2.5, TypeError)],
    "patch_stride": [(0, ValueError), (2, ValueError), ("half", ValueError)],
    "standardize": [("yes", TypeError)],
    "warm_start": [(1, TypeError)],
    "verbose": [(-1, ValueError)],
    "validation_fraction": [(1.0, ValueError)],
    "n_iter_no_change": [(0, ValueError)],
    "tol": [(-1.0, ValueError), (np.nan, ValueError)],
    "device": [("gpu", ValueError), ("meta", ValueError)],
    "hidden_sizes": [((), ValueError), ((4, 0), ValueError), (64, TypeError)],
    "dropout": [(1.0, ValueError)],
}


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [(name, *case) for name, cases in BAD_PARAMETERS.items() for case in cases],
)
def test_a_bad_parameter_is_an_error_before_training(name, value, error):
    X, y = levels()
    fitted = lstm().fit(X[["rail"]], y)
    before = joblib.hash(fitted.__dict__)
    fitted.set_params(**{name: value})
    message = rf"^{name}\b|^The '{name}' parameter of LSTMRegressor must be .* Got "
    with pytest.raises(error, match=message):
        fitted.fit(X[["rail"]], y)
    fitted.set_params(**{name: getattr(lstm(), name)})
    assert joblib.hash(fitted.__dict__) == before


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_device_cuda_without_cuda_is_an_error():
    X, y = levels()
    with pytest.raises(ValueError, match=r"device='cuda' is not on this machine.*cpu"):
        lstm(device="cuda").fit(X[["rail"]], y)


def test_device_auto_takes_an_available_device():
    X, y = levels()
    assert np.isfinite(
        lstm(device="auto").fit(X[["rail"]], y).predict(X[["rail"]])
    ).all()


def test_fewer_rows_than_the_window_are_an_error():
    X, y = levels()
    with pytest.raises(ValueError, match=r"None of the 8 windows of 8 rows.*smaller"):
        pipeline(8).fit(X[:8], y[:8])
    pipeline(8).fit(X[:9], y[:9])


def test_loss_steps_all_needs_a_target_for_each_step():
    X, y = levels()
    windows = SlidingWindow(8).fit(X[:20]).transform(X[20:27])  # each is complete
    with pytest.raises(ValueError, match=r"target for each of the 8 steps.*7 rows"):
        lstm(loss_steps="all").fit(windows, y[20:27])


def test_windows_without_steps_or_channels_are_an_error():
    for shape in [(9, 0, 2), (9, 4, 0)]:
        with pytest.raises(ValueError, match="at least one step and one channel"):
            lstm().fit(np.ones(shape), np.arange(9))


def test_sample_weights_of_incomplete_windows_only_are_an_error():
    X, y = levels()
    weights = np.arange(len(X)) < 3
    with pytest.raises(ValueError, match="0 for every complete window"):
        pipeline(8).fit(X, y, lstmregressor__sample_weight=weights)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_missing_value_in_a_row_is_named(value):
    X, y = levels()
    pipe = pipeline().fit(X, y)
    before = joblib.hash(pipe)
    X.iloc[30, 1] = value
    for method in (pipe.predict, lambda X: pipe[-1].fit(pipe[:-1].transform(X), y)):
        with pytest.raises(ValueError, match=r"row 30.*column 'bus'"):
            method(X)
    assert joblib.hash(pipe) == before


def test_a_missing_value_in_independent_samples_is_named():
    X = np.zeros((9, 4, 2))
    X[5, :2, 1] = np.nan
    lstm().fit(X, np.arange(9))
    X[5, 1, 1], X[5, 3, 1] = 0.0, np.nan
    with pytest.raises(
        ValueError, match=r"NaN in row 5, step 3 of its window, column 1"
    ):
        lstm().fit(X, np.arange(9))


def test_other_windows_at_prediction_are_an_error():
    X = np.zeros((9, 4, 2))
    fitted = lstm().fit(X, np.arange(9))
    for other in (X[:, :3], X[:, :, :1]):
        with pytest.raises(ValueError, match="window=4, channels=2"):
            fitted.predict(other)


@pytest.mark.parametrize(
    ("shape", "message"),
    [((9,), "^Expected 2D array, got 1D"), ((9, 4, 2, 1), "^Found array with dim 4")],
)
def test_x_of_another_dimension_is_an_error(shape, message):
    with pytest.raises(ValueError, match=message):
        lstm().fit(np.zeros(shape), np.arange(9))


def test_rows_with_a_time_index_but_without_windows_warn():
    X, y = levels()
    with pytest.warns(UserWarning, match="put `SlidingWindow` before this est"):
        lstm().fit(X, y)
    with pytest.warns(UserWarning, match="each window has one step: put `SlidingW"):
        lstm().fit(X[["rail"]], y)


def test_two_dimensions_are_one_channel():
    X = np.random.default_rng(0).normal(size=(40, 6))
    y = X[:, -1]
    flat, deep = lstm().fit(X, y), lstm().fit(X[:, :, None], y)
    np.testing.assert_array_equal(flat.predict(X), deep.predict(X[:, :, None]))
    assert (flat.n_features_in_, deep.n_features_in_) == (6, 1)


def test_feature_names_do_not_outlive_another_fit():
    X, y = levels()
    fitted = lstm().fit(X[["rail"]], y)
    assert list(fitted.feature_names_in_) == ["rail"]
    fitted.fit(X.to_numpy()[:, :, None], y)
    assert not hasattr(fitted, "feature_names_in_")


def test_windows_carry_the_names_of_their_channels():
    X, y = levels()
    pipe = pipeline().fit(X, y)
    assert list(pipe[-1].feature_names_in_) == ["rail", "bus"]


def test_views_and_copies_of_windows_train_the_same():
    X, y = levels()
    view = SlidingWindow(6).fit_transform(X)
    expected = lstm().fit(view, y).predict(view)
    np.testing.assert_array_equal(lstm().fit(view.copy(), y).predict(view), expected)


def test_statistics_come_from_training_windows_only():
    X = np.random.default_rng(0).normal(5, 2, size=(100, 1))
    windows = SlidingWindow(4).fit_transform(X)
    fitted = lstm().fit(windows[:60], X[:60, 0])
    np.testing.assert_allclose(fitted._spec.channels.mean, X[:60].mean())
    np.testing.assert_allclose(fitted._spec.targets.scaling.scale, X[3:60].std())
    held_out = lstm(early_stopping=True, validation_fraction=0.5).fit(
        windows[:60], X[:60, 0]
    )
    n_rows = 3 + 57 - 29
    np.testing.assert_allclose(held_out._spec.channels.mean, X[:n_rows].mean())


def test_without_standardisation_values_reach_the_net_as_they_are():
    X = np.full((20, 4, 1), 7.0)
    fitted = lstm(standardize=False).fit(X, np.arange(20.0))
    with torch.no_grad():
        expected = fitted.module_(torch.full((1, 4, 1), 7.0)).item()
    np.testing.assert_allclose(fitted.predict(X[:1]), expected, rtol=1e-6)


def test_constant_columns_and_target():
    X = np.ones((30, 5, 2))
    np.testing.assert_allclose(
        lstm().fit(X, np.full(30, 4.0)).predict(X), 4.0, rtol=0.2
    )


def test_default_parameters_fit_air_passengers(air_passengers):
    X, y, _ = air_passengers
    pipe = make_pipeline(SlidingWindow(12), LSTMRegressor(random_state=0)).fit(X, y)
    assert pipe.score(X, y) > 0.5


def test_training_scores_are_those_of_training_windows(air_passengers):
    X, y, _ = air_passengers
    search = GridSearchCV(
        pipeline(),
        {"slidingwindow__window": [4, 6]},
        cv=TimeSeriesSplit(2),
        return_train_score=True,
    ).fit(X, y)
    for i, (train, _) in enumerate(TimeSeriesSplit(2).split(X)):
        pipe = pipeline(4)
        windows = pipe[:-1].fit_transform(X.iloc[train])
        pipe[-1].fit(windows, y.iloc[train])
        expected = pipe[-1].score(windows, y.iloc[train])
        assert search.cv_results_[f"split{i}_train_score"][0] == expected


def test_frames_and_arrays_train_the_same():
    X, y = levels()
    frame = pipeline().fit(X[:50], y[:50]).predict(X[50:])
    array = pipeline().fit(X.to_numpy()[:50], y[:50].to_numpy())
    np.testing.assert_array_equal(array.predict(X.to_numpy()[50:]), frame)


def test_integer_rows_and_extension_dtypes():
    X, y = levels()
    counts = (X * 100).round().astype(int)
    expected = pipeline().fit(counts[:50], y[:50]).predict(counts[50:])
    for dtype in ("Int64", "float64", "Float64"):
        other = counts.astype(dtype)
        seen = pipeline().fit(other[:50], y[:50]).predict(other[50:])
        np.testing.assert_array_equal(seen, expected)
    missing = counts.astype("Int64")
    missing.iloc[30, 0] = pd.NA
    with pytest.raises(ValueError, match="NaN in row 30"):
        pipeline().fit(missing, y)


def test_validation_rows_are_checked_against_the_new_columns():
    X, y = levels()
    fitted = lstm().fit(X[["rail"]], y)
    array = X[["rail"]].to_numpy()
    fitted.fit(array[:50], y[:50], X_val=array[50:], y_val=y[50:])
    other = X[["rail"]].set_axis(["bus"], axis=1)
    fitted.fit(other[:50], y[:50], X_val=other[50:], y_val=y[50:])
    assert list(fitted.feature_names_in_) == ["bus"]


@pytest.mark.parametrize("method", ["predict", "predict_quantiles", "return_std"])
def test_a_prediction_that_overflows_is_an_error(method):
    X = np.random.default_rng(0).normal(size=(40, 4, 1))
    net = WindowMLPRegressor(hidden_sizes=(4,), loss="quantile", dropout=0.5)
    net.set_params(max_epochs=1, window_norm=None, random_state=0)
    fitted = net.fit(X, X[:, -1, 0])
    with torch.no_grad():
        fitted.module_.layers[0].weight.fill_(2.0)
    X[3] = 3e38
    options = {"return_std": True} if method == "return_std" else {}
    predict = getattr(fitted, method, fitted.predict)
    with pytest.raises(ValueError, match="prediction for row 3 of X overflows"):
        predict(X, **options)
