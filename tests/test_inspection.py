"""Attributions and importances, on nets that read a window in different ways."""

import copy
import inspect
import re
import sys

import numpy as np
import pytest
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sktsdl import (
    LSTMRegressor,
    PurgedRegressor,
    RelativeTargetRegressor,
    SlidingWindow,
    TCNRegressor,
    TransformerRegressor,
    WindowMLPRegressor,
    inspection,
    make_supervised,
)
from sktsdl.datasets import load_air_passengers
from sktsdl.inspection import channel_importance, integrated_gradients, lag_importance
from tests.series import levels

WINDOW = 6
TRAINED = {"lr": 3e-2, "max_epochs": 3, "random_state": 0}
NETS = {
    "lstm": LSTMRegressor(hidden_sizes=(4,), **TRAINED),
    "tcn": TCNRegressor(channels=(4, 4), **TRAINED),
    "transformer": TransformerRegressor(
        d_model=8, nhead=2, num_layers=1, dropout=0.5, **TRAINED
    ),
}


@pytest.fixture(scope="module")
def monthly():
    """Passengers and the month, and the next two months."""
    series = load_air_passengers()
    series["month"] = series.index.month
    return make_supervised(series, target="passengers", horizon=2)


@pytest.fixture(scope="module", params=NETS)
def pipe(request, monthly):
    X, y, _ = monthly
    return make_pipeline(SlidingWindow(WINDOW), NETS[request.param]).fit(
        X[:100], y[:100]
    )


def test_attributions_sum_to_the_difference_of_predictions(pipe, monthly):
    X, _, _ = monthly
    regressor, windows = pipe[-1], pipe[:-1].transform(X)[:120:8]
    baseline = np.broadcast_to(X[:100].mean().to_numpy(), windows[:1].shape)
    assert np.isnan(windows[0]).any()
    for target in (0, 1):
        seen = integrated_gradients(regressor, windows, n_steps=256, target=target)
        assert seen.shape == windows.shape
        assert seen.dtype == np.float64
        expected = (regressor.predict(windows) - regressor.predict(baseline))[:, target]
        assert np.ptp(expected) > 10
        error = np.abs(seen.sum(axis=(1, 2)) - expected)
        assert error.max() < 1e-2 * np.abs(expected).max()


def test_attributions_against_a_direct_sum(pipe, monthly):
    X, _, _ = monthly
    net, windows = pipe[-1], pipe[:-1].transform(X[100:104])
    baseline = windows[0] + [20.0, -1.0]
    seen = integrated_gradients(
        net, windows[1:], baseline=baseline, n_steps=256, target=1
    )
    n, step = 256, 1e-3
    expected = np.zeros_like(seen)
    path = (np.arange(n) + 0.5) / n
    points = baseline + path[:, None, None, None] * (windows[1:] - baseline)
    double = net.module_.double()
    channels, targets = net._spec.channels, net._spec.targets
    try:
        for at in np.ndindex(WINDOW, 2):
            moved = []
            for sign in (1, -1):
                shifted = points.copy()
                shifted[(..., *at)] += sign * step
                rows = channels.scaling.transform(shifted.reshape(-1, 2))
                rows = torch.from_numpy(rows.reshape(-1, WINDOW, 2))
                with torch.no_grad():
                    answer = double(rows)[:, 1].numpy() * targets.scaling.scale[1]
                moved.append(answer.reshape(n, -1))
            slope = (moved[0] - moved[1]).mean(axis=0) / (2 * step)
            expected[(slice(None), *at)] = slope * (windows[1:] - baseline)[:, *at]
    finally:
        net.module_.float()
    np.testing.assert_allclose(seen, expected, atol=1e-2 * np.abs(expected).max())


def test_later_rows_do_not_change_an_attribution(pipe, monthly):
    X, _, _ = monthly
    expected = integrated_gradients(pipe, X[100:112], n_steps=128)
    poisoned = X[100:112].copy()
    poisoned.iloc[6:] += 300
    seen = integrated_gradients(pipe, poisoned, n_steps=128)
    np.testing.assert_array_equal(seen[:6], expected[:6])
    assert (seen[6] != expected[6]).any()
    few = integrated_gradients(pipe, X[100:103], n_steps=128)
    np.testing.assert_array_equal(few, expected[:3])


def test_attributions_leave_the_net_as_it_was(pipe, monthly):
    X, _, _ = monthly
    module = pipe[-1].module_
    before = pipe.predict(X[100:104])
    gradients = [copy.deepcopy(weight.grad) for weight in module.parameters()]
    with torch.no_grad():
        integrated_gradients(pipe, X[100:104], n_steps=128)
    assert not module.training
    for weight, gradient in zip(module.parameters(), gradients, strict=True):
        assert weight.requires_grad
        assert torch.equal(weight.grad, gradient)
    np.testing.assert_array_equal(pipe.predict(X[100:104]), before)


def test_the_default_baseline_is_the_mean_of_training(lstm, monthly):
    X, _, _ = monthly
    expected = integrated_gradients(lstm, X[100:104])
    seen = integrated_gradients(lstm, X[100:104], baseline=X[:100].mean())
    np.testing.assert_allclose(seen, expected, rtol=1e-5)
    other = integrated_gradients(lstm, X[100:104], baseline=0.0)
    assert (other != expected).any()
    window = lstm[:-1].transform(X[100:101])
    assert (integrated_gradients(lstm[-1], window, baseline=window[0]) == 0).all()


@pytest.fixture(scope="module")
def lstm(monthly):
    X, y, _ = monthly
    return make_pipeline(SlidingWindow(WINDOW), NETS["lstm"]).fit(X[:100], y[:100])


def test_the_median_of_learned_quantiles_is_explained(monthly):
    X, y, _ = monthly
    y = y.iloc[:, 0]
    net = LSTMRegressor(
        hidden_sizes=(4,), loss="quantile", max_epochs=20, lr=1e-2, random_state=0
    )
    pipe = make_pipeline(SlidingWindow(WINDOW), net).fit(X, y)
    windows = pipe[:-1].transform(X)[WINDOW:]
    found = integrated_gradients(net, windows).sum(axis=(1, 2))
    mean = np.broadcast_to(net._spec.channels.mean, windows.shape[1:])
    expected = net.predict(windows) - net.predict(mean[None])
    np.testing.assert_allclose(found, expected, atol=1e-2 * np.abs(expected).max())


def test_quantiles_that_cross_are_explained_in_their_order():
    windows = np.random.default_rng(0).normal(size=(60, 5, 2))
    net = WindowMLPRegressor(loss="quantile", max_epochs=1, lr=1e-6, random_state=0)
    net.fit(windows, windows[:, -1, 0])
    with torch.no_grad():
        raw = net.module_(net._prepared_windows(windows)[:][0]).numpy()
    crossing = (np.sort(raw, axis=1) != raw).any(axis=1)
    assert crossing.any()
    explained = windows[crossing][:15]
    seen = integrated_gradients(net, explained, n_steps=512)
    baseline = np.broadcast_to(windows.mean(axis=(0, 1)), (1, 5, 2))
    expected = net.predict(explained) - net.predict(baseline)
    np.testing.assert_allclose(seen.sum(axis=(1, 2)), expected, atol=0.02)


def test_a_search_and_a_purge_are_looked_into(monthly):
    X, y, _ = monthly
    pipe = make_pipeline(SlidingWindow(WINDOW), PurgedRegressor(NETS["lstm"], 1))
    search = GridSearchCV(
        pipe, {"slidingwindow__window": [3]}, cv=TimeSeriesSplit(2)
    ).fit(X[:100], y[:100])
    seen = integrated_gradients(search, X[100:104])
    assert seen.shape == (4, 3, 2)
    best = search.best_estimator_
    regressor, windows = best[-1].regressor_, best[:-1].transform(X[100:104])
    np.testing.assert_array_equal(seen, integrated_gradients(regressor, windows))


def test_a_frozen_estimator_is_looked_into(lstm, monthly):
    X, y, _ = monthly
    frozen = FrozenEstimator(lstm)
    np.testing.assert_array_equal(
        integrated_gradients(frozen, X[100:104]), integrated_gradients(lstm, X[100:104])
    )
    seen, expected = (
        channel_importance(model, X, y, random_state=0).importances
        for model in (frozen, lstm)
    )
    np.testing.assert_array_equal(seen, expected)


def test_rows_of_one_channel_and_units_of_their_own(monthly):
    X, y, _ = monthly
    flat = SlidingWindow(4, flatten=True).fit_transform(
        X[["passengers"]].to_numpy() / 100
    )
    regressor = LSTMRegressor(hidden_sizes=(4,), standardize=False, **TRAINED)
    regressor.fit(flat[3:], y[3:] / 100)
    seen = integrated_gradients(regressor, flat[-4:], baseline=3)
    assert seen.shape == (4, 4, 1)
    expected = regressor.predict(flat[-4:]) - regressor.predict(np.full((1, 4), 3.0))
    np.testing.assert_allclose(seen.sum(axis=(1, 2)), expected[:, 0], rtol=1e-2)


def test_what_cannot_be_explained_says_the_way_out(lstm, monthly):
    X, y, _ = monthly
    explain = {"X": X[100:104]}
    relative = RelativeTargetRegressor(lstm).fit(X[:100], y[:100])
    with pytest.raises(TypeError, match=r"Relative.* is not a net .* its `regressor_`"):
        integrated_gradients(relative, **explain)
    assert integrated_gradients(relative.regressor_, **explain).any()
    with pytest.raises(TypeError, match=r"LinearRegression is not a net .*: give one,"):
        integrated_gradients(LinearRegression().fit(X, y), X)
    with pytest.raises(ValueError, match="target == 2"):
        integrated_gradients(lstm, **explain, target=2)
    with pytest.raises(ValueError, match="n_steps == 0"):
        integrated_gradients(lstm, **explain, n_steps=0)
    with pytest.raises(ValueError, match=r"baseline has shape \(3,\).*= \(6, 2\)"):
        integrated_gradients(lstm, **explain, baseline=[1, 2, 3])
    with pytest.raises(ValueError, match="baseline contains NaN"):
        integrated_gradients(lstm, **explain, baseline=np.nan)
    coded = LSTMRegressor(hidden_sizes=(4,), categorical_features=["month"], **TRAINED)
    coded = make_pipeline(SlidingWindow(WINDOW), coded).fit(X[:100], y[:100])
    with pytest.raises(ValueError, match="Channel 1 is in categorical_features"):
        integrated_gradients(coded, **explain)


def test_too_few_steps_warn(monthly):
    X, y, _ = monthly
    pipe = make_pipeline(SlidingWindow(WINDOW), NETS["tcn"]).fit(X[:100], y[:100])
    with pytest.warns(UserWarning, match="miss the difference .* n_steps=1"):
        integrated_gradients(pipe, X[100:], n_steps=1)


def test_a_missing_package_names_the_extra(lstm, monthly, monkeypatch):
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(ImportError, match=r"sktsdl\[explain\]"):
        integrated_gradients(lstm, monthly[0])


class ReadsOneValue(LinearRegression):
    """Predicts the last value but one of the first channel."""

    def fit(self, X, y):
        self.coef_ = 1.0
        return self

    def predict(self, X):
        return X[:, -2, 0]


def test_importance_of_what_a_regressor_reads():
    X, _ = levels(40)
    y = X["rail"].shift(1)
    pipe = make_pipeline(SlidingWindow(4), ReadsOneValue()).fit(X, y)
    channels = channel_importance(pipe, X, y, random_state=0)
    assert channels.importances.shape == (2, 5)
    assert channels.importances_mean[0] > 0.5
    assert channels.importances_mean[1] == 0
    lags = lag_importance(pipe, X, y, n_repeats=3, random_state=0)
    assert lags.importances.shape == (4, 3)
    assert (lags.importances_mean > 0).tolist() == [False, False, True, False]


def test_importances_are_those_of_scikit_learn_on_columns(pipe, monthly):
    X, y, _ = monthly
    regressor, windows = pipe[-1], pipe[:-1].transform(X[100:])
    options = {"scoring": "neg_mean_absolute_error", "random_state": 3, "n_repeats": 2}

    class Flat(LinearRegression):
        coef_ = 1.0

        def predict(self, X):
            return regressor.predict(np.repeat(X[:, None], WINDOW, axis=1))

    still = np.repeat(np.asarray(windows)[:, -1:], WINDOW, axis=1)
    seen = channel_importance(regressor, still, y[100:], **options)
    expected = permutation_importance(Flat(), still[:, 0], y[100:], **options)
    np.testing.assert_allclose(seen.importances, expected.importances, rtol=1e-6)


def test_lags_are_those_of_scikit_learn_on_flattened_windows(monthly):
    X, y, _ = monthly
    flat = SlidingWindow(5, flatten=True).fit_transform(X[["passengers"]].to_numpy())
    flat, y = flat[4:], y.to_numpy()[4:]
    weights = np.linspace(1, 2, len(y))
    regressor = LSTMRegressor(hidden_sizes=(4,), **TRAINED).fit(flat[:, :, None], y)
    rows = LSTMRegressor(hidden_sizes=(4,), **TRAINED).fit(flat, y)
    options = {"sample_weight": weights, "random_state": 0, "max_samples": 0.5}
    seen = lag_importance(regressor, flat[:, :, None], y, **options)
    expected = permutation_importance(rows, flat, y, **options)
    np.testing.assert_allclose(seen.importances, expected.importances, rtol=1e-6)


def test_rows_of_unknown_history_are_left_out(lstm, monthly):
    X, y, _ = monthly
    weights = np.arange(1.0, len(X) + 1)
    seen = lag_importance(lstm, X, y, random_state=0, sample_weight=weights)
    known = slice(WINDOW - 1, None)
    expected = lag_importance(
        lstm[-1],
        lstm[:-1].transform(X)[known],
        y[known],
        random_state=0,
        sample_weight=weights[known],
    )
    np.testing.assert_array_equal(seen.importances, expected.importances)
    with pytest.raises(ValueError, match="None of the 3 windows of X is complete"):
        channel_importance(lstm, X[:3], y[:3])


def test_importance_by_several_scores_and_processes(lstm, monthly):
    X, y, _ = monthly
    asked = {"X": X[100:], "y": y[100:], "random_state": 0}
    both = channel_importance(lstm, **asked, scoring=["r2"])
    alone = channel_importance(lstm, **asked, n_jobs=2)
    np.testing.assert_allclose(both["r2"].importances, alone.importances, rtol=1e-5)


def documented():
    """The public functions, classes and methods of the folder, by name."""
    items = {name: getattr(inspection, name) for name in inspection.__all__}
    for name, cls in list(items.items()):
        for method, function in inspect.getmembers(cls, inspect.isroutine):
            if inspect.isclass(cls) and not method.startswith("_"):
                items[f"{name}.{method}"] = function
    return items


@pytest.mark.parametrize("name", documented())
def test_docstring_and_signature_agree(name):
    item = documented()[name]
    doc = inspect.getdoc(item)
    assert not re.search(r"^ *\{\w+\}$", doc, flags=re.MULTILINE)
    section = doc.split("Parameters\n----------\n")[1].split("\n\n")[0]
    lines = re.findall(r"^\S.*$", section, flags=re.MULTILINE)
    names = [name for line in lines for name in line.split(" : ")[0].split(", ")]
    expected = inspect.signature(item).parameters.keys() - {"self"}
    assert sorted(names) == sorted(expected)
    titles = ("Attributes", "Examples") if inspect.isclass(item) else ("Returns",)
    for title in titles:
        assert f"{title}\n{'-' * len(title)}\n" in doc


def test_importance_needs_windows(lstm, monthly):
    X, y, _ = monthly
    with pytest.raises(ValueError, match=r"given X of shape \(142, 2\), not windows"):
        lag_importance(LinearRegression().fit(X, y), X, y)
    relative = RelativeTargetRegressor(lstm).fit(X[:100], y[:100])
    with pytest.raises(ValueError, match="give its `regressor_`, and the target"):
        channel_importance(relative, X, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        channel_importance(lstm, X, y[:-1])
