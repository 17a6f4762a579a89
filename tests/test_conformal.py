"""Conformal intervals: half-widths, coverage, the order of time, and drift."""

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sktsdl import (
    ConformalRegressor,
    LSTMRegressor,
    PurgedRegressor,
    RelativeTargetRegressor,
    SlidingWindow,
    make_supervised,
)
from tests.series import levels
from tests.test_panel import LAYOUTS, next_rail, panel, split

CALLS = []


class Spy(RegressorMixin, BaseEstimator):
    """Records the data that it gets, and predicts zeros."""

    def fit(self, X, y, sample_weight=None, **fit_params):
        CALLS.append(("fit", X, y, sample_weight, fit_params))
        self.shape_ = np.shape(y)[1:]
        return self

    def predict(self, X):
        CALLS.append(("predict", X))
        return np.zeros((len(X), *self.shape_))


@pytest.fixture
def calls():
    CALLS.clear()
    return CALLS


def noise(n, horizon, seed=0):
    """Rows without information on normal targets, whose deviation grows by step."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(n, horizon)) * np.arange(1, horizon + 1)
    return rng.normal(size=(n, 1)), y[:, 0] if horizon == 1 else y


def coverage(model, X, y):
    lower, upper = model.predict_interval(X)
    return ((lower <= y) & (y <= upper)).mean(axis=0)


def windowed(**params):
    """Ridge on windows that look back over the end of the training rows."""
    pipe = make_pipeline(SlidingWindow(5, flatten=True, pad="edge"), Ridge())
    return ConformalRegressor(pipe, **params)


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("as_frame", [True, False])
def test_half_widths_against_their_formula(horizon, as_frame):
    X, y, X_latest = make_supervised(levels(205)[0], target="rail", horizon=horizon)
    if not as_frame:
        X, y, X_latest = X.to_numpy(), y.to_numpy(), X_latest.to_numpy()
    model = windowed(confidence_level=0.8).fit(X, y)

    n, n_calibration = len(X), 41
    n_first = n - n_calibration - (horizon - 1)
    rows = np.asarray(X)
    padded = np.vstack([np.tile(rows[0], (4, 1)), rows])
    windows = np.stack([padded[t : t + 5].ravel() for t in range(n)])
    target = np.asarray(y)
    by_hand = Ridge().fit(windows[:n_first], target[:n_first])
    residuals = np.abs(target - by_hand.predict(windows))[n - n_calibration :]
    expected = np.sort(residuals, axis=0)[34 - 1]  # 34 = ceil(42 * 0.8)

    np.testing.assert_allclose(model.residuals_, residuals)
    np.testing.assert_allclose(model.half_width_, expected)
    lower, upper = model.predict_interval(X_latest)
    predicted = model.predict(X_latest)
    assert lower.shape == upper.shape == predicted.shape
    for half in (predicted - lower, upper - predicted):
        np.testing.assert_allclose(half, np.broadcast_to(expected, predicted.shape))


@pytest.mark.parametrize(
    ("n", "level", "rank"),
    [(9, 0.9, 9), (19, 0.95, 19), (19, 0.8, 16), (20, 0.9, 19), (99, 0.55, 55)],
)
def test_ranks_of_the_quantile_are_exact(n, level, rank):
    X, y = np.zeros((100, 1)), np.arange(100.0)
    zero = DummyRegressor(strategy="constant", constant=0.0)
    model = ConformalRegressor(
        zero, confidence_level=level, calibration_fraction=n / 100
    )
    assert model.fit(X, y).half_width_ == (100 - n) + rank - 1


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_coverage_is_nominal_where_rows_are_exchangeable(horizon, level):
    X, y = noise(20_000, horizon)
    model = ConformalRegressor(DummyRegressor(), confidence_level=level)
    model.fit(X[:10_000], y[:10_000])
    np.testing.assert_allclose(
        coverage(model, X[10_000:], y[10_000:]), level, atol=0.02
    )
    widths = model.half_width_ * np.ones(horizon)
    np.testing.assert_allclose(widths, widths[0] * np.arange(1, horizon + 1), rtol=0.1)


def test_coverage_of_few_calibration_rows_is_at_least_nominal():
    # Nine residuals of ten and one more: the largest of nine holds it with 0.9.
    X, y = noise(40_000, 1)
    hits = []
    for start in range(0, 40_000, 20):
        at = slice(start, start + 19)
        model = ConformalRegressor(
            DummyRegressor(strategy="constant", constant=0.0), calibration_fraction=0.45
        ).fit(X[at], y[at])
        hits.append(coverage(model, X[start + 19 : start + 20], y[start + 19]))
    assert np.mean(hits) == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("as_frame", [True, False])
def test_the_first_fit_sees_no_calibration_target(calls, horizon, as_frame):
    X, y, _ = make_supervised(levels(99 + horizon)[0], target="rail", horizon=horizon)
    if not as_frame:
        X, y = X.to_numpy(), y.to_numpy()
    n_first = 79 if horizon == 1 else 77
    weights = np.arange(99.0)
    model = ConformalRegressor(Spy()).fit(X, y, sample_weight=weights, other=3)

    (_, X_1, y_1, w_1, other), (_, X_new), (_, X_2, y_2, w_2, again) = calls
    for part, whole in [(X_1, X), (y_1, y), (w_1, weights)]:
        np.testing.assert_array_equal(part, whole[:n_first])
    for part, whole in [(X_new, X[n_first:]), (X_2, X), (y_2, y), (w_2, weights)]:
        np.testing.assert_array_equal(part, whole)
    assert other == again == {"other": 3}
    np.testing.assert_array_equal(model.residuals_, np.abs(y)[79:])
    if as_frame:
        assert isinstance(X_1, pd.DataFrame)
        assert X_new.index[0] == X.index[n_first]
    # The last value that the first fit learns is known before the first scored target.
    assert n_first + horizon <= 79 + 1


def test_the_regressor_is_fitted_to_all_rows():
    X, y = levels()
    alone = clone(windowed().regressor).fit(X, y)
    np.testing.assert_array_equal(windowed().fit(X, y).predict(X), alone.predict(X))


def test_windows_of_three_dimensions():
    X, y = (part.to_numpy() for part in levels(80))
    windows = SlidingWindow(4).fit_transform(X)
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=2, random_state=0)
    model = ConformalRegressor(net).fit(windows, y)
    first = clone(net).fit(windows[:64], y[:64])
    np.testing.assert_allclose(
        model.residuals_, np.abs(y[64:] - first.predict(windows[64:])), rtol=1e-6
    )
    lower, upper = model.predict_interval(windows[-5:])
    assert lower.shape == upper.shape == (5,)


def test_a_column_of_targets_stays_a_column():
    X, y = levels()
    model = ConformalRegressor(LinearRegression()).fit(X, y.to_numpy()[:, None])
    flat = ConformalRegressor(LinearRegression()).fit(X, y)
    assert model.predict_interval(X)[0].shape == (60, 1)
    np.testing.assert_allclose(model.half_width_, [flat.half_width_])


def test_predictions_in_1d_for_targets_in_one_column():
    class Flat(Spy):
        def predict(self, X):
            return np.zeros(len(X))

    X, y = (part.to_numpy() for part in levels())
    model = ConformalRegressor(Flat()).fit(X, y[:, None])
    np.testing.assert_array_equal(model.residuals_, y[48:])


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("as_frame", [True, False])
@pytest.mark.parametrize("where", ["in-sample", "out"])
def test_no_interval_sees_later_rows(horizon, as_frame, where):
    X, y, _ = make_supervised(levels(120)[0], target="rail", horizon=horizon)
    if not as_frame:
        X, y = X.to_numpy(), y.to_numpy()
    model = windowed().fit(X[:90], y[:90]).update(X[90:100], y[90:100])
    X_new = X if where == "in-sample" else X[90:]
    clean = model.predict_interval(X_new)
    for t in range(len(X_new)):
        poisoned = X_new.copy()
        poisoned[t + 1 :] = 1e9
        for seen, end in zip(model.predict_interval(poisoned), clean, strict=True):
            np.testing.assert_allclose(seen[: t + 1], end[: t + 1], rtol=1e-12)


def test_too_few_calibration_rows():
    X, y = levels(40)
    model = ConformalRegressor(Ridge(), confidence_level=0.9).fit(X, y)
    message = (
        r"confidence_level=0\.9 needs at least 9 calibration rows and there are 8: "
        "fit to more rows, with a larger calibration_fraction"
    )
    before = joblib.hash(vars(model))
    with pytest.raises(ValueError, match=message):
        model.predict_interval(X)
    with pytest.raises(ValueError, match=message):
        model.update(X, y)
    assert joblib.hash(vars(model)) == before
    assert model.predict(X).shape == (40,)
    X, y = levels(45)
    assert np.isfinite(model.fit(X, y).predict_interval(X)).all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"confidence_level": 95}, "confidence_level=95 is not .* 0.95 for 95 %"),
        ({"confidence_level": 1.0}, "confidence_level=1.0 is not between"),
        ({"confidence_level": 0.0}, "confidence_level=0.0 is not between"),
        ({"calibration_fraction": 0.0}, "calibration_fraction=0.0 is not"),
        ({"calibration_fraction": 1}, "calibration_fraction=1 is not"),
        (
            {"calibration_fraction": 0.99},
            "0.99 of the n_samples=58 rows, and the 2 rows before",
        ),
    ],
)
def test_parameters_out_of_range(params, message):
    X, y, _ = make_supervised(levels(61)[0], target="rail", horizon=3)
    model = ConformalRegressor(Ridge()).fit(X, y).set_params(**params)
    before = joblib.hash(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert joblib.hash(vars(model)) == before


def test_confidence_level_as_text_is_a_type_error():
    with pytest.raises(TypeError, match="confidence_level"):
        ConformalRegressor(Ridge(), confidence_level="90%").fit(*levels())


def test_a_validation_set_is_refused():
    X, y = levels()
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=2)
    with pytest.raises(ValueError, match=r"X_val lies after all rows.*leave it out"):
        ConformalRegressor(net).fit(
            X[["rail"]][:50], y[:50], X_val=X[["rail"]][50:], y_val=y[50:]
        )


def test_sample_weights_of_a_pipeline_step_are_split_too():
    X, y = levels()
    weights = np.ones(60)
    weights[48:] = 1e6  # the calibration rows
    pipe = make_pipeline(SlidingWindow(3, flatten=True, pad="edge"), Ridge())
    model = ConformalRegressor(pipe).fit(X, y, ridge__sample_weight=weights)
    np.testing.assert_allclose(
        model.residuals_, ConformalRegressor(pipe).fit(X, y).residuals_
    )


def test_metadata_is_routed_to_both_fits(calls):
    X, y = levels()
    with config_context(enable_metadata_routing=True):
        inner = Spy().set_fit_request(sample_weight=True)
        ConformalRegressor(inner).fit(X, y, sample_weight=np.arange(60.0))
    np.testing.assert_array_equal(calls[0][3], np.arange(48.0))
    np.testing.assert_array_equal(calls[2][3], np.arange(60.0))


def test_in_a_search_and_around_other_wrappers():
    X, y = levels(200)
    relative = RelativeTargetRegressor(windowed().regressor)
    search = GridSearchCV(
        ConformalRegressor(relative),
        {"regressor__regressor__ridge__alpha": [0.1, 1.0]},
        cv=TimeSeriesSplit(3),
        error_score="raise",
    ).fit(X[:150], y[:150])
    lower, upper = search.best_estimator_.predict_interval(X[150:])
    predicted = search.predict(X[150:])
    assert (lower < predicted).all()
    assert (predicted < upper).all()
    assert clone(search.best_estimator_).get_params()["calibration_fraction"] == 0.2


def test_callbacks_reach_both_fits(capfd):
    callback = pytest.importorskip("sklearn.callback")
    pytest.importorskip("rich")
    X, y = levels()
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=2)
    model = ConformalRegressor(make_pipeline(SlidingWindow(4), net))
    model.set_callbacks(callback.ProgressBar(max_propagation_depth=None)).fit(X, y)
    assert capfd.readouterr().out.count("LSTMRegressor") >= 2


def test_update_by_hand():
    X, y = noise(60, 3)
    zero = DummyRegressor(strategy="constant", constant=np.zeros((3, 1)))
    model = ConformalRegressor(zero, confidence_level=0.8).fit(X[:50], y[:50])
    start = model.half_width_
    model.update(X[50:], y[50:], gamma=0.05)
    for step in range(3):
        scores, alpha = list(np.abs(y[40:50, step])), 0.2
        for score in [*np.abs(y[50:, step]), None]:
            rank = int(np.ceil(np.round(11 * (1 - alpha), 9)))
            width = np.inf if rank > 10 else sorted(scores)[rank - 1]
            if score is not None:
                alpha += 0.05 * (0.2 - (score > width))
                scores = [*scores[1:], score]
        assert model.half_width_[step] == width
        assert model.miscoverage_[step] == pytest.approx(alpha)
    assert not np.array_equal(start, model.half_width_)
    again = model.half_width_
    np.testing.assert_array_equal(
        model.update(X[50:], y[50:], gamma=0.05).half_width_, again
    )


@pytest.mark.parametrize("spread", [3.0, 0.3])
def test_update_follows_a_drift_of_spread(spread):
    X, y = noise(2000, 1)
    y[1000:] *= spread
    model = ConformalRegressor(DummyRegressor()).fit(X[:1000], y[:1000])
    off = abs(coverage(model, X[1500:], y[1500:]) - 0.9)
    adapted = coverage(model.update(X[1000:1500], y[1000:1500]), X[1500:], y[1500:])
    assert off > 0.08
    assert abs(adapted - 0.9) < 0.04


def test_update_predicts_with_the_training_rows_as_history():
    X, y = levels(100)
    model = windowed().fit(X[:80], y[:80])
    whole = clone(model.regressor).fit(X[:80], y[:80])
    model.update(X[80:], y[80:])
    residuals = np.abs(y[80:] - whole.predict(X[80:]))
    np.testing.assert_allclose(
        model.residuals_, windowed().fit(X[:80], y[:80]).residuals_
    )
    assert (
        model.half_width_ in residuals.to_numpy()
    )  # 20 new scores, of which 16 are kept


def test_a_failed_update_changes_nothing():
    X, y = levels(100)
    model = windowed().fit(X[:80], y[:80]).update(X[80:90], y[80:90])
    before = joblib.hash(vars(model))
    with pytest.raises(ValueError, match="gamma == -1, must be >= 0"):
        model.update(X[80:], y[80:], gamma=-1)
    with pytest.raises(ValueError, match="y has 19 rows and X has 20"):
        model.update(X[80:], y[81:])
    bad = y[80:].copy()
    bad.iloc[3] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity in row 3"):
        model.update(X[80:], bad)
    assert joblib.hash(vars(model)) == before


@pytest.mark.parametrize("name", ["confidence_level", "calibration_fraction"])
def test_nan_parameters_are_an_error(name):
    X = np.arange(60.0)[:, None]
    with pytest.raises(ValueError, match=f"{name}=nan is not a number"):
        ConformalRegressor(Ridge(), **{name: np.nan}).fit(X, X[:, 0])
    model = ConformalRegressor(Ridge()).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="gamma=nan is not a number"):
        model.update(X, X[:, 0], gamma=np.nan)


def test_update_needs_targets_of_the_fitted_horizon():
    X = np.arange(60.0)[:, None]
    model = ConformalRegressor(Ridge()).fit(X, X[:, 0])
    with pytest.raises(ValueError, match=r"y has shape \(60, 2\).*horizon of fit"):
        model.update(X, np.column_stack([X, X]))


def test_another_confidence_level_needs_no_new_fit():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 1))
    y = X[:, 0] + rng.normal(size=300)
    model = ConformalRegressor(Ridge()).fit(X, y)
    for level in (0.5, 0.95):
        expected = ConformalRegressor(Ridge(), confidence_level=level).fit(X, y)
        model.set_params(confidence_level=level)
        np.testing.assert_array_equal(
            model.predict_interval(X), expected.predict_interval(X)
        )
    model.set_params(confidence_level=0.999)
    with pytest.raises(ValueError, match="needs at least 999 calibration rows"):
        model.predict_interval(X)


# Fitted regressors

FITTED = {
    "ridge": Ridge(),
    "net": make_pipeline(
        SlidingWindow(4), LSTMRegressor(hidden_sizes=(4,), max_epochs=2, random_state=0)
    ),
    "purged": make_pipeline(
        SlidingWindow(4, flatten=True, pad="edge"), PurgedRegressor(Ridge(), purge=2)
    ),
    "relative": RelativeTargetRegressor(windowed().regressor),
}


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("name", FITTED)
def test_all_rows_calibrate_a_frozen_regressor(name, horizon):
    X, y, _ = make_supervised(levels(122)[0], target="rail", horizon=horizon)
    fitted = clone(FITTED[name]).fit(X[:80], y[:80])
    before = joblib.hash(fitted)
    model = ConformalRegressor(FrozenEstimator(fitted), confidence_level=0.8)
    model.fit(X[80:110], y[80:110], sample_weight=np.ones(30))
    assert model.regressor_.estimator is fitted
    residuals = np.abs(y - fitted.predict(X))[80:110].to_numpy()
    np.testing.assert_allclose(model.residuals_, residuals)
    expected = np.sort(residuals, axis=0)[25 - 1]  # 25 = ceil(31 * 0.8)
    np.testing.assert_allclose(model.half_width_, expected)
    lower, upper = model.update(X[80:], y[80:]).predict_interval(X[80:])
    np.testing.assert_allclose((lower + upper) / 2, fitted.predict(X)[80:])
    assert joblib.hash(fitted) == before


def test_a_frozen_step_of_a_pipeline():
    X, y = levels(100)
    pipe = clone(FITTED["net"]).fit(X, y)
    frozen = make_pipeline(SlidingWindow(4), FrozenEstimator(pipe[-1]))
    residuals = ConformalRegressor(frozen).fit(X, y).residuals_
    np.testing.assert_allclose(residuals, np.abs(y - pipe.predict(X))[80:])


def test_few_rows_calibrate_a_frozen_regressor():
    X, y = levels(3)
    model = ConformalRegressor(FrozenEstimator(Ridge().fit(X, y))).fit(X[:1], y[:1])
    assert model.residuals_.shape == (1,)


@pytest.mark.parametrize(
    "wrap",
    [
        ConformalRegressor,
        lambda frozen: PurgedRegressor(frozen, purge=2),
        RelativeTargetRegressor,
    ],
)
@pytest.mark.parametrize("name", ["ridge", "net"])
def test_a_frozen_regressor_must_be_fitted(wrap, name):
    model = wrap(FrozenEstimator(clone(FITTED[name])))
    with pytest.raises(NotFittedError, match="instance is not fitted yet"):
        model.fit(*levels())


@pytest.mark.parametrize(
    "wrap",
    [lambda frozen: PurgedRegressor(frozen, purge=2), RelativeTargetRegressor],
)
@pytest.mark.parametrize("name", ["ridge", "net", "purged"])
def test_other_wrappers_do_not_fit_a_frozen_regressor(wrap, name):
    X, y = levels(100)
    fitted = clone(FITTED[name]).fit(X[:80], y[:80])
    model = wrap(FrozenEstimator(fitted)).fit(X[80:], y[80:])
    expected = fitted.predict(X[80:])
    if isinstance(model, RelativeTargetRegressor):
        expected = X["rail"][80:] * np.exp(expected)
    np.testing.assert_allclose(model.predict(X[80:]), expected)


def test_a_search_over_frozen_regressors():
    X, y = levels(100)
    fitted = Ridge().fit(X[:40], y[:40])
    model = ConformalRegressor(FrozenEstimator(fitted))
    grid = {"confidence_level": [0.5, 0.8]}
    search = GridSearchCV(model, grid, cv=TimeSeriesSplit(2), error_score="raise")
    best = search.fit(X[40:], y[40:]).best_estimator_
    assert best.residuals_.shape == (60,)
    assert clone(best).regressor.estimator is fitted


@pytest.mark.parametrize("name", FITTED)
def test_callbacks_leave_a_frozen_regressor_alone(name):
    callback = pytest.importorskip("sklearn.callback")
    pytest.importorskip("rich")
    X, y = levels(100)
    fitted = clone(FITTED[name]).fit(X[:60], y[:60])
    before = joblib.hash(fitted)
    everywhere = callback.ProgressBar(max_propagation_depth=None)
    for wrapper in (ConformalRegressor, lambda frozen: PurgedRegressor(frozen, 1)):
        wrapper(FrozenEstimator(fitted)).set_callbacks(everywhere).fit(X[60:], y[60:])
    assert joblib.hash(fitted) == before


@pytest.mark.parametrize("layout", LAYOUTS)
def test_many_series_are_adapted_to_in_time_order(layout):
    X = panel([(0, 60), (10, 60), (0, 45), (5, 58)], layout=layout)
    y = next_rail(X)
    train, test = split(X, 40)
    zero = DummyRegressor(strategy="constant", constant=0.0)
    model = ConformalRegressor(zero, confidence_level=0.8).fit(train, y[train.index])
    by_time = ["time", "shop"]
    n_after = train.groupby(level=0).cumcount(ascending=False)
    counts = train.groupby(level=0)["rail"].transform("size")
    is_last = n_after < np.ceil(0.2 * counts)
    scores = list(y[train.index][is_last].sort_index(level=by_time))
    np.testing.assert_array_equal(model.residuals_, scores)
    model.update(test, y[test.index], gamma=0.05)
    alpha, n = 0.2, len(scores)
    for _, known in y[test.index].sort_index(level=by_time).groupby(level="time"):
        rank = int(np.ceil(np.round((n + 1) * (1 - alpha), 9)))
        width = np.inf if rank > n else sorted(scores)[rank - 1]
        alpha += 0.05 * (0.2 - (known > width).mean())
        scores = [*scores, *known][-n:]
    rank = int(np.ceil(np.round((n + 1) * (1 - alpha), 9)))
    assert model.miscoverage_ == pytest.approx(alpha)
    assert model.half_width_ == (np.inf if rank > n else sorted(scores)[rank - 1])


def test_one_series_is_adapted_to_as_without_its_level():
    X = panel([(0, 60)])
    y = next_rail(X)
    models = [
        ConformalRegressor(DummyRegressor(), confidence_level=0.8)
        .fit(rows[:40], target[:40])
        .update(rows[40:], target[40:])
        for rows, target in ((X, y), (X.droplevel(0), y.droplevel(0)))
    ]
    for name in ("half_width_", "miscoverage_", "residuals_"):
        np.testing.assert_array_equal(*(getattr(model, name) for model in models))


def test_a_drift_that_all_series_share_is_followed():
    X = panel([(0, 60)] * 30, layout="by series")
    rng = np.random.default_rng(0)
    y = pd.Series(rng.normal(size=len(X)), index=X.index)
    train, test = split(X, 20)
    y[test.index] *= 3
    new, last = split(test, 50)
    model = ConformalRegressor(DummyRegressor()).fit(train, y[train.index])
    off = coverage(model, last, y[last.index].to_numpy())
    model.update(new, y[new.index], gamma=0.05)
    adapted = coverage(model, last, y[last.index].to_numpy())
    assert off < 0.6
    assert abs(adapted - 0.9) < 0.06


def test_an_error_of_the_first_fit_says_so():
    X, y = levels()
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=1)
    model = ConformalRegressor(make_pipeline(SlidingWindow(50), net))
    with pytest.raises(ValueError, match="None of the 48 windows") as error:
        model.fit(X, y)
    assert (
        "the first fit of ConformalRegressor, to 48 of 60" in error.value.__notes__[0]
    )
