"""The scale of each window that nets know, and intervals in units of it."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sktsdl import (
    ConformalRegressor,
    LSTMRegressor,
    MultiTaskNet,
    PurgedRegressor,
    RatioLogScaler,
    RelativeTargetRegressor,
    Seq2SeqRegressor,
    SlidingWindow,
    WindowMLPRegressor,
    make_supervised,
)
from sktsdl._sklearn.scales import predict_with_scales, scale_kind

STEPS = np.random.default_rng(0).normal(size=(120, 2)).cumsum(axis=0)
ROWS = pd.DataFrame(
    np.exp(0.05 * STEPS) * [50, 900],
    columns=["rail", "bus"],
    index=pd.date_range("2024-01-01", periods=120),
)


def mlp(**params):
    params = {"hidden_sizes": (8,), "max_epochs": 2, "random_state": 0} | params
    return WindowMLPRegressor(**{"window_norm": "standard"} | params)


def data(horizon=2, target=("rail", "bus")):
    """Return windows of known history, and the targets of both channels."""
    X, y, _ = make_supervised(ROWS, target=list(target), horizon=horizon)
    windows = SlidingWindow(6).fit_transform(X)[5:]
    return windows, y[5:]


def by_hand(windows, kind, horizon=2, train=slice(None)):
    """Return the scales of windows, some of which a net was fitted to."""
    values = np.asarray(windows)
    found = values.std(axis=1) if kind == "standard" else np.abs(values).mean(axis=1)
    found = np.maximum(found, np.quantile(found[train], 0.05, axis=0))
    return np.repeat(found, horizon, axis=1)


NETS = {
    "mlp": mlp(),
    "not standardised": mlp(standardize=False),
    "each channel": mlp(channel_independent=True, target_channels=[0, 1]),
    "lstm": LSTMRegressor(hidden_sizes=(4,), max_epochs=2, random_state=0),
    "seq2seq": Seq2SeqRegressor(hidden_size=4, max_epochs=2, random_state=0),
    "quantiles": mlp(loss="quantile", quantiles=(0.1, 0.5, 0.9)),
}


@pytest.mark.parametrize("kind", ["standard", "mean"])
@pytest.mark.parametrize("name", NETS)
def test_scales_are_those_of_the_channels_of_the_targets(name, kind):
    windows, y = data()
    net = clone(NETS[name]).set_params(window_norm=kind).fit(windows, y)
    predicted, scales = predict_with_scales(net, windows)
    np.testing.assert_array_equal(predicted, net.predict(windows))
    np.testing.assert_allclose(scales, by_hand(windows, kind), rtol=1e-3)
    assert scale_kind(net) == kind


def test_scales_of_one_target_are_1d():
    windows, y = data(1, ["rail"])
    net = mlp().fit(windows, y.squeeze())
    predicted, scales = predict_with_scales(net, windows)
    assert predicted.shape == (len(windows),)
    expected = by_hand(windows, "standard", 1)[:, 0]
    np.testing.assert_allclose(scales, expected, rtol=1e-3)


X, Y, _ = make_supervised(ROWS, target=["rail", "bus"], horizon=2)
PIPE = make_pipeline(SlidingWindow(6), mlp(target_channels=[0, 1]))
CV = TimeSeriesSplit(2)
TASKS = dict.fromkeys(Y.columns, "regression")
AROUND = {
    "pipeline": PIPE,
    "pipelines in pipelines": make_pipeline("passthrough", make_pipeline(PIPE)),
    "purged": make_pipeline(SlidingWindow(6), PurgedRegressor(mlp(), purge=1)),
    "search": GridSearchCV(PIPE, {"windowmlpregressor__lr": [0.01]}, cv=CV),
    "conformal": ConformalRegressor(PIPE),
    "tasks": make_pipeline(SlidingWindow(6), MultiTaskNet(mlp(), tasks=TASKS)),
    "array of tasks": make_pipeline(SlidingWindow(6), MultiTaskNet(mlp())),
    "difference": RelativeTargetRegressor(PIPE, relation="difference"),
    "difference in a search": GridSearchCV(
        PurgedRegressor(RelativeTargetRegressor(PIPE, relation="difference"), purge=0),
        {},
        cv=CV,
    ),
}


# A difference does not follow the level of its channel.
CHANNEL = "ignore:window_norm='standard' adds the level"


@pytest.mark.filterwarnings(CHANNEL)
@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("name", AROUND)
def test_scales_through_pipelines_and_wrappers(name, frozen):
    model = clone(AROUND[name]).fit(X, Y)
    model = FrozenEstimator(model) if frozen else model
    predicted, scales = predict_with_scales(model, X)
    assert scale_kind(model) == "standard"
    np.testing.assert_array_equal(predicted, model.predict(X))
    assert type(predicted) is type(model.predict(X))
    windows = SlidingWindow(6).fit_transform(X)[5:]
    n_train = len(X) - 5 - (name == "purged")
    expected = by_hand(windows, "standard", train=slice(n_train))
    np.testing.assert_allclose(scales[5:], expected, rtol=1e-3)


@pytest.mark.filterwarnings(CHANNEL)
def test_scales_of_a_ratio_are_relative_to_the_forecast():
    steps = make_pipeline(RatioLogScaler(), SlidingWindow(6), mlp())
    steps[:-1].set_output(transform="pandas")
    X, y, _ = make_supervised(ROWS, target="rail")
    model = RelativeTargetRegressor(steps, relation="ratio").fit(X, y)
    predicted, scales = predict_with_scales(model, X)
    _, of_ratios = predict_with_scales(model.regressor_, X)
    np.testing.assert_array_equal(predicted, model.predict(X))
    np.testing.assert_allclose(scales, of_ratios * predicted)
    logs = np.log(ROWS["rail"]).diff().rolling(6).std(ddof=0)
    logs = logs[6 : len(X)] / model.regressor_[0].scale_[0]
    logs = np.maximum(logs, np.quantile(logs, 0.05))
    np.testing.assert_allclose(of_ratios[6:], logs, rtol=1e-3)


@pytest.mark.parametrize(
    "regressor",
    [
        make_pipeline(SlidingWindow(6, flatten=True, pad="edge"), Ridge()),
        make_pipeline(SlidingWindow(6), mlp(window_norm="last")),
        make_pipeline(SlidingWindow(6), mlp(window_norm=None)),
        TransformedTargetRegressor(PIPE),
        GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=CV),
    ],
)
def test_no_scale(regressor):
    model = ConformalRegressor(regressor).fit(X, Y)
    assert scale_kind(model) is None
    predicted, scales = predict_with_scales(model, X)
    np.testing.assert_array_equal(predicted, model.predict(X))
    assert scales is None
    first = clone(regressor).fit(X[:93], Y[:93])  # of 118 rows, 24 and one before
    residuals = np.abs(Y - first.predict(X))[94:]
    np.testing.assert_allclose(model.residuals_, residuals)


@pytest.mark.parametrize("kind", ["standard", "mean"])
@pytest.mark.parametrize("horizon", [1, 2])
def test_intervals_in_units_of_the_window(kind, horizon):
    targets = ["rail", "bus"][:horizon]
    X, y, _ = make_supervised(ROWS, target=targets, horizon=horizon)
    y = y.squeeze(axis=1) if horizon == 1 else y
    regressor = make_pipeline(SlidingWindow(6), mlp(window_norm=kind))
    if horizon == 2:
        regressor[-1].set_params(target_channels=[0, 1])
    n_last = 18
    n_first = 90 - n_last - (horizon - 1)
    model = ConformalRegressor(regressor, confidence_level=0.8).fit(X[:90], y[:90])

    windows = SlidingWindow(6).fit_transform(X)
    of_first, sizes = (
        by_hand(windows, kind, horizon, slice(5, n))[:, : 1 if horizon == 1 else None]
        for n in (n_first, 90)
    )
    if horizon == 1:
        of_first, sizes = of_first[:, 0], sizes[:, 0]
    first = clone(regressor).fit(X[:n_first], y[:n_first])
    errors = np.abs(y - first.predict(X)).to_numpy() / of_first
    calibration = errors[90 - n_last : 90]
    half_width = np.sort(calibration, axis=0)[16 - 1]  # 16 = ceil(19 * 0.8)
    np.testing.assert_allclose(model.residuals_, calibration, rtol=1e-3)
    np.testing.assert_allclose(model.half_width_, half_width, rtol=1e-3)
    later = X[90:]
    predicted = model.predict(later)
    lower, upper = model.predict_interval(later)
    for half in (upper - predicted, predicted - lower):
        np.testing.assert_allclose(half, half_width * sizes[90:], rtol=1e-3)

    model.update(later, y[90:])
    known = np.abs(y[90:] - predicted).to_numpy() / sizes[90:]
    every = np.concatenate([calibration, known])
    alpha = np.full(calibration.shape[1:], 0.2)
    for i, new in enumerate([*known, None]):
        ranks = np.ceil(19 * (1 - alpha) - 1e-9).astype(int)
        ranked = np.sort(every[i : i + n_last], axis=0)
        width = np.take_along_axis(ranked, ranks[None] - 1, axis=0)[0]
        if new is not None:
            alpha = alpha + 0.005 * (0.2 - (new > width))
    np.testing.assert_allclose(model.half_width_, width, rtol=1e-3)
    np.testing.assert_allclose(model.miscoverage_, alpha)
    lower, upper = model.predict_interval(later)
    np.testing.assert_allclose(upper - lower, 2 * width * sizes[90:], rtol=1e-3)


@pytest.mark.parametrize(("kind", "level"), [("standard", 40.0), ("mean", 0.0)])
def test_windows_without_a_scale_have_a_low_one_of_training(kind, level):
    rows = ROWS[["rail"]].copy()
    rows[60:75] = level
    rows[100:] = level
    X, y, _ = make_supervised(rows, target="rail")
    regressor = make_pipeline(SlidingWindow(6), mlp(window_norm=kind))
    model = ConformalRegressor(regressor, confidence_level=0.8).fit(X, y)
    assert np.isfinite(model.residuals_).all()
    lower, upper = model.predict_interval(X[110:])
    windows = rows[: len(X)].rolling(6)
    scales = windows.std(ddof=0) if kind == "standard" else rows.abs().rolling(6).mean()
    scales = scales[: len(X)].dropna().to_numpy().round(9)
    width = 2 * model.half_width_ * np.quantile(scales[scales > 0], 0.05)
    assert width > 0
    np.testing.assert_allclose(upper - lower, width, rtol=1e-3)


def test_intervals_of_several_tasks_are_frames():
    tasks = make_pipeline(SlidingWindow(6), MultiTaskNet(PIPE[-1], tasks=TASKS))
    ends = ConformalRegressor(tasks).fit(X, Y).predict_interval(X)
    alone = ConformalRegressor(clone(PIPE)).fit(X, Y).predict_interval(X)
    for end, expected in zip(ends, alone, strict=True):
        assert list(end.columns) == list(Y.columns)
        assert end.index.equals(X.index)
        np.testing.assert_allclose(end, expected, rtol=1e-5)


class Chooser(RegressorMixin, BaseEstimator):
    """Has a scale of 2 if it was fitted to fewer rows than 50."""

    def fit(self, X, y):
        self._scale_kind = "standard" if len(X) < 50 else None
        return self

    def predict(self, X):
        return np.zeros(len(X))

    def _predict_with_scales(self, X):
        return np.zeros(len(X)), np.full(len(X), 2.0)


@pytest.mark.parametrize(("n", "scale"), [(60, 1), (40, 2), (100, 1)])
def test_units_are_those_of_y_if_one_of_the_fits_has_no_scale(n, scale):
    X, y = np.zeros((n, 1)), np.arange(n, dtype=float)
    model = ConformalRegressor(Chooser(), confidence_level=0.5).fit(X, y)
    np.testing.assert_array_equal(model.residuals_, y[-n // 5 :] / scale)
    lower, upper = model.predict_interval(X)
    np.testing.assert_array_equal(upper, np.full(n, model.half_width_ * scale))
    np.testing.assert_array_equal(lower, -upper)


def test_rows_are_transformed_once():
    train, later = X[:90], X[90:].set_axis(X.index[90:] + pd.Timedelta("99D"))
    model = ConformalRegressor(clone(PIPE)).fit(train, Y[:90])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.predict_interval(later)
    assert ["after a gap" in str(w.message) for w in caught] == [True]


@pytest.mark.parametrize("window_norm", ["standard", None])
def test_series_of_other_scales_are_covered_alike(window_norm):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(6, 1000))
    parts = {}
    for i, scale in enumerate(np.geomspace(1, 1000, 6)):
        values = np.zeros(1000)
        for t in range(1, 1000):
            values[t] = 0.7 * values[t - 1] + noise[i, t]
        parts[i] = pd.DataFrame({"units": scale * (5 + values)})
    X, y, _ = make_supervised(pd.concat(parts), target="units")
    is_train = X.index.get_level_values(1) < 300
    net = mlp(window_norm=window_norm, max_epochs=10, lr=1e-2)
    model = ConformalRegressor(make_pipeline(SlidingWindow(12), net))
    model.fit(X[is_train], y[is_train])
    lower, upper = model.predict_interval(X[~is_train])
    inside = (lower <= y[~is_train]) & (y[~is_train] <= upper)
    covered = inside.groupby(level=0).mean()
    if window_norm is None:
        assert covered[0] == 1
        assert covered[5] < 0.7
    else:
        assert covered.between(0.84, 0.96).all()
