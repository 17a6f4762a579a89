"""Errors in units of the window's scale: `loss_scale`."""

import pickle

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.pipeline import make_pipeline
from torch import nn

import sktsdl
from sktsdl import (
    LSTMRegressor,
    Seq2SeqRegressor,
    SlidingWindow,
    WindowMLPRegressor,
    make_supervised,
)

RNG = np.random.default_rng(0)
N_ROWS = 80
STEPS = 0.3 * RNG.normal(size=(3, N_ROWS)).cumsum(axis=1)


def panel(scales=(1, 1, 1)):
    """Return rows of series that differ in their scales alone."""
    rows = {
        name: pd.DataFrame({"units": scale * (5 + values)})
        for name, scale, values in zip("abc", scales, STEPS, strict=True)
    }
    return pd.concat(rows, names=["shop", "day"])


def mlp(**params):
    params = {"hidden_sizes": (8,), "max_epochs": 3, "random_state": 0} | params
    return WindowMLPRegressor(**params)


def fitted(rows, net, horizon=2, window=6):
    """Return a fitted pipeline, its predictions, and its last step."""
    X, y, _ = make_supervised(rows, target="units", horizon=horizon)
    model = make_pipeline(SlidingWindow(window), net).fit(X, y)
    return model, model.predict(X), model[-1]


def scales_of(windows, window_norm, train):
    """Return the unit of errors of each window, of channel 0."""
    values = np.asarray(windows)[..., 0], np.asarray(train)[..., 0]
    if window_norm == "standard":
        scales, seen = (part.std(axis=1) for part in values)
    else:
        scales, seen = (np.abs(part).mean(axis=1) for part in values)
    return np.maximum(scales, np.quantile(seen, 0.05))[:, None]


LOSSES = {
    "absolute_error": np.abs,
    "squared_error": np.square,
    "huber": lambda e: np.where(np.abs(e) < 1, e**2 / 2, np.abs(e) - 0.5),
}


@pytest.mark.parametrize("window_norm", ["standard", "mean"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    "net", [mlp(), LSTMRegressor(hidden_sizes=(4,)), Seq2SeqRegressor(hidden_size=4)]
)
def test_loss_is_of_errors_in_units_of_the_window(net, loss, window_norm):
    X, y, _ = make_supervised(5 + STEPS[:1].T, target=0, horizon=2)
    windows = SlidingWindow(6).fit_transform(X)[5:]
    X, y, X_val, y_val = windows[:50], y[5:55], windows[50:], y[55:]
    net = net.set_params(
        loss=loss, window_norm=window_norm, loss_scale="window", max_epochs=2
    )
    net.fit(X, y, X_val=X_val, y_val=y_val)
    errors = (net.predict(X_val) - y_val) / scales_of(X_val, window_norm, X)
    expected = LOSSES[loss](errors).mean()
    assert net.validation_loss_curve_[-1] == pytest.approx(expected, rel=1e-3)


def test_pinball_loss_in_units_of_the_window():
    X, y, _ = make_supervised(5 + STEPS[:1].T, target=0, horizon=2)
    windows = SlidingWindow(6).fit_transform(X)[5:]
    quantiles = (0.2, 0.5, 0.9)
    net = mlp(
        loss="quantile",
        quantiles=quantiles,
        lr=1e-2,
        max_epochs=20,
        window_norm="standard",
        loss_scale="window",
    )
    net.fit(windows[:50], y[5:55], X_val=windows[50:], y_val=y[55:])
    errors = y[55:, :, None] - net.predict_quantiles(windows[50:])
    errors /= scales_of(windows[50:], "standard", windows[:50])[:, :, None]
    levels = np.array(quantiles)
    expected = np.maximum(levels * errors, (levels - 1) * errors).mean()
    assert net.validation_loss_curve_[-1] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
@pytest.mark.parametrize("window_norm", ["standard", "mean"])
def test_the_scale_of_a_series_changes_no_other_series(window_norm, loss):
    net = mlp(window_norm=window_norm, loss_scale="window", loss=loss)
    scales = (1e-2, 1, 1e4)
    _, plain, _ = fitted(panel(), net)
    _, scaled, _ = fitted(panel(scales), net)
    by_row = np.repeat(scales, len(plain) // 3)[:, None]
    np.testing.assert_allclose(scaled / by_row, plain, rtol=0.02)


def test_large_series_drown_small_ones_in_units_of_the_target():
    net = mlp(window_norm="standard", loss_scale="target", max_epochs=20, lr=1e-2)
    scales = (1e-2, 1, 1e4)
    _, plain, _ = fitted(panel(), net)
    _, scaled, _ = fitted(panel(scales), net)
    by_row = np.repeat(scales, len(plain) // 3)[:, None]
    assert not np.allclose(scaled / by_row, plain, rtol=0.02)


@pytest.mark.parametrize("ratio", [1, 1e3, 1e5])
def test_windows_of_small_series_are_normalised_as_those_of_large_ones(ratio):
    model, _, net = fitted(panel((1, ratio, ratio)), mlp(window_norm="standard"))
    windows = model[:-1].transform(panel((1, ratio, ratio)))[10 : N_ROWS - 5]
    seen = net.module_.transform_input(net._prepared_windows(windows)[:].windows)
    np.testing.assert_allclose(seen.std(dim=1, correction=0), 1, rtol=0.02)


@pytest.mark.parametrize("window_norm", ["standard", "mean"])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_windows_without_a_scale_leave_the_loss_of_the_others(window_norm, loss):
    rows = panel()
    rows.loc["b", "units"] = [*[0.0] * 60, *[5.0] * 20]  # constant, then a jump
    net = mlp(window_norm=window_norm, loss_scale="window", loss=loss)
    _, predicted, net = fitted(rows, net)
    assert net.loss_curve_[0] < 50
    if window_norm == "standard":
        zeros = predicted[N_ROWS : N_ROWS + 50]
        assert np.abs(zeros).max() < 1e-2


CASES = {
    "many series": (panel(), {}, ("standard", "window")),
    "one series": (panel().loc[["a"]], {}, ("last", "target")),
    "no level of series": (panel().loc["a"], {}, ("last", "target")),
    "asked for": (panel().loc["a"], {"loss_scale": "window"}, ("standard", "window")),
    "the target's": (panel(), {"loss_scale": "target"}, ("standard", "target")),
    "mean": (panel(), {"window_norm": "mean"}, ("mean", "window")),
    "last": (panel(), {"window_norm": "last"}, ("last", "target")),
    "None": (panel(), {"window_norm": None}, (None, "target")),
    "another loss": (
        panel(),
        {"loss": nn.PoissonNLLLoss(), "window_norm": None},
        (None, "target"),
    ),
    "quantiles": (panel(), {"loss": "quantile"}, ("standard", "window")),
}


@pytest.mark.parametrize(("rows", "params", "expected"), CASES.values(), ids=CASES)
def test_choice_of_auto(rows, params, expected):
    net = fitted(rows, mlp(max_epochs=1, **params))[-1]
    assert (net.window_norm_, net.loss_scale_) == expected


def test_early_stopping_of_one_series_of_a_panel_is_one_series():
    rows = panel()
    is_b = rows.index.get_level_values("shop") == "b"
    X, y, _ = make_supervised(rows, target="units", horizon=1)
    weights = (X.index.get_level_values("shop") == "a").astype(float)
    model = make_pipeline(SlidingWindow(6), mlp(max_epochs=1))
    model.fit(X, y, windowmlpregressor__sample_weight=weights)
    assert model[-1].window_norm_ == "last"
    assert is_b.any()


@pytest.mark.parametrize("window_norm", [None, "last"])
def test_windows_need_a_norm_that_divides(window_norm):
    net = mlp(window_norm=window_norm, loss_scale="window")
    with pytest.raises(ValueError, match="use 'standard' or 'mean'"):
        fitted(panel(), net)


def test_auto_without_a_norm_has_no_scale():
    rng = np.random.default_rng(0)
    windows, y = rng.normal(size=(40, 5, 1)), rng.normal(size=40)
    with pytest.raises(ValueError, match="window_norm='auto' chose None"):
        mlp(loss_scale="window").fit(windows, y)


def test_loss_must_be_of_errors():
    net = mlp(window_norm="standard", loss_scale="window", loss=nn.PoissonNLLLoss())
    with pytest.raises(ValueError, match="outputs of this loss may not be values of y"):
        fitted(panel(), net)


def test_the_unit_cannot_change_in_a_net_that_is_trained_further():
    model, _, net = fitted(panel(), mlp(warm_start=True))
    X, y, _ = make_supervised(panel(), target="units", horizon=2)
    model[-1].set_params(loss_scale="target", max_epochs=4)
    with pytest.raises(ValueError, match="loss_scale='target' cannot change"):
        model.fit(X, y)
    model[-1].set_params(loss_scale="window").fit(model[0].transform(X), y)
    assert len(net.loss_curve_) == 4


@pytest.mark.parametrize("way", ["save", "pickle", "skops"])
def test_there_and_back(way, tmp_path):
    rows = panel((1e-2, 1, 1e4))
    model, predicted, net = fitted(rows, mlp())
    if way == "save":
        net.save(tmp_path / "net")
        again = sktsdl.load(tmp_path / "net")
    elif way == "pickle":
        again = pickle.loads(pickle.dumps(net))
    else:
        content = skops.io.dumps(net)
        again = skops.io.loads(content, skops.io.get_untrusted_types(data=content))
    X, _, _ = make_supervised(rows, target="units", horizon=2)
    np.testing.assert_array_equal(again.predict(model[0].transform(X)), predicted)
    assert again.loss_scale_ == "window"


def test_zeros_far_from_the_mean_are_zeros_in_every_dtype():
    values = np.random.default_rng(5).normal(1000, 70, 200)
    values[100:106] = 0
    X, y, _ = make_supervised(values[:, None], target=0)
    windows = SlidingWindow(4).fit_transform(X)[3:]
    net = mlp(window_norm="mean", loss_scale="window")
    zeros = np.zeros((1, 4, 1))
    found = [
        net.fit(np.asarray(windows, dtype), y[3:]).predict(zeros.astype(dtype))
        for dtype in (np.float32, np.float64)
    ]
    assert abs(found[1]) > 1
    np.testing.assert_allclose(*found, rtol=0.01)
