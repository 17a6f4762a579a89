"""RelativeTargetRegressor and PurgedRegressor."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline

from sktsdl import (
    LSTMRegressor,
    PurgedRegressor,
    RatioLogScaler,
    RelativeTargetRegressor,
    SlidingWindow,
    TCNRegressor,
    TransformerRegressor,
    make_supervised,
)
from tests.series import levels


class Recorder(RegressorMixin, BaseEstimator):
    """Keeps the data that it is fitted to."""

    def fit(self, X, y, sample_weight=None):
        self.seen_ = X, y, sample_weight
        return self

    def predict(self, X):
        return np.zeros(len(X))


def test_sample_weights_reach_the_regressor():
    X, y = levels()
    weights = np.arange(60.0)
    fitted = RelativeTargetRegressor(Recorder()).fit(X, y, sample_weight=weights)
    assert fitted.regressor_.seen_[2] is weights


@pytest.mark.parametrize("relation", ["ratio", "difference"])
@pytest.mark.parametrize("horizon", [1, 12])
def test_levels_are_predicted(relation, horizon):
    X, y, _ = make_supervised(levels(200)[0], target="rail", horizon=horizon)
    perfect = RelativeTargetRegressor(Recorder(), column="rail", relation=relation)
    perfect.fit(X, y)
    _, relative, _ = perfect.regressor_.seen_
    last = X["rail"].to_numpy()
    last = last if horizon == 1 else last[:, None]
    expected = np.log(y / last) if relation == "ratio" else y - last
    np.testing.assert_allclose(relative, expected)
    perfect.regressor_.predict = lambda X: relative
    np.testing.assert_allclose(perfect.predict(X), y, rtol=1e-12)


@pytest.mark.parametrize("horizon", [1, 12])
def test_a_growing_level_is_followed(horizon):
    steps = np.random.default_rng(0).normal(0.01, 0.002, size=(300, 1))
    X, y, _ = make_supervised(np.exp(steps.cumsum(axis=0)), target=0, horizon=horizon)
    inner = make_pipeline(
        RatioLogScaler(),
        SlidingWindow(4),
        LSTMRegressor(hidden_sizes=(4,), max_epochs=5, random_state=0),
    )
    pipe = RelativeTargetRegressor(inner).fit(X[:150], y[:150])
    assert X[150:].min() > X[:150].max()
    np.testing.assert_allclose(pipe.predict(X[150:]), y[150:], rtol=0.05)


def test_zero_relative_change_is_the_naive_forecast():
    X, y = levels()
    naive = RelativeTargetRegressor(
        DummyRegressor(strategy="constant", constant=0.0), column="bus"
    )
    np.testing.assert_allclose(naive.fit(X, y).predict(X), X["bus"])


def test_text_columns_reach_the_regressor():
    X, y = levels()
    X["day"] = X.index.day_name()
    regressor = RelativeTargetRegressor(Recorder(), column="rail").fit(X, y)
    assert list(regressor.regressor_.seen_[0].columns) == ["rail", "bus", "day"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"column": "tram"}, r"column='tram' is not a column of X: it has \['rail'"),
        ({"column": 2}, "column=2 is not a column of X"),
        ({"column": "bus"}, "column 'bus' of X is not positive in row 3"),
        ({"column": "rail"}, "y is not positive in row 7"),
        ({"relation": "product"}, "relation='product'.*'ratio', 'difference'"),
    ],
)
def test_relative_target_of_bad_input(params, message):
    X, y = levels()
    X.iloc[3, 1], y.iloc[7] = 0.0, -1.0
    with pytest.raises(ValueError, match=message):
        RelativeTargetRegressor(Ridge(), **params).fit(X, y)


@pytest.mark.parametrize("as_frame", [True, False])
def test_the_last_rows_are_purged(as_frame):
    X, y = levels()
    weights = np.arange(60.0)
    if not as_frame:
        X, y = X.to_numpy(), y.to_numpy()
    purged = PurgedRegressor(Recorder(), purge=4).fit(X, y, sample_weight=weights)
    seen_X, seen_y, seen_weights = purged.regressor_.seen_
    np.testing.assert_array_equal(seen_X, X[:56])
    np.testing.assert_array_equal(seen_y, y[:56])
    np.testing.assert_array_equal(seen_weights, weights[:56])


def test_purging_leaves_out_the_weights_of_a_step():
    X, y = levels()
    weights = np.arange(60.0)
    pipe = make_pipeline(SlidingWindow(4), Recorder())
    purged = PurgedRegressor(pipe, purge=4).fit(X, y, recorder__sample_weight=weights)
    seen = purged.regressor_[-1].seen_[2]
    np.testing.assert_array_equal(seen, weights[:56])


def test_purging_windows_keeps_the_view():
    X, y = levels()
    windows = SlidingWindow(5).fit_transform(X)
    purged = PurgedRegressor(Recorder(), purge=4).fit(windows, y)
    assert np.shares_memory(purged.regressor_.seen_[0], windows)


EMBARGOED = {
    "ridge": Ridge(),
    "lstm": LSTMRegressor(hidden_sizes=(4,), max_epochs=2, random_state=0),
    "tcn": TCNRegressor(channels=(4,), max_epochs=2, random_state=0),
    "transformer": TransformerRegressor(
        d_model=4, nhead=2, dim_feedforward=8, max_epochs=2, random_state=0
    ),
}


@pytest.mark.parametrize("name", EMBARGOED)
def test_purging_is_an_embargo_with_whole_history(name):
    horizon, window, regressor = 5, 4, EMBARGOED[name]
    flat = name == "ridge"
    X, y, _ = make_supervised(levels(120)[0].to_numpy(), target=0, horizon=horizon)
    pipe = make_pipeline(
        SlidingWindow(window, flatten=flat, pad="edge"),
        PurgedRegressor(regressor, purge=horizon - 1),
    )
    scores = cross_val_score(
        pipe, X, y, cv=TimeSeriesSplit(3), scoring="neg_mean_absolute_error"
    )
    padded = np.vstack([np.tile(X[0], (window - 1, 1)), X])
    windows = np.stack([padded[t : t + window] for t in range(len(X))])
    if flat:
        windows = windows.reshape(len(X), -1)
    for (train, test), score in zip(TimeSeriesSplit(3).split(X), scores, strict=True):
        kept = [t for t in train if t + horizon <= test[0]]
        assert len(kept) == len(train) - (horizon - 1)
        alone = clone(regressor).fit(windows[kept], y[kept])
        error = np.abs(alone.predict(windows[test]) - y[test]).mean()
        np.testing.assert_allclose(-score, error, rtol=1e-9)


def test_metadata_is_routed_to_the_regressor():
    X, y = levels()
    weights = np.arange(60.0)
    with config_context(enable_metadata_routing=True):
        inner = Recorder().set_fit_request(sample_weight=True)
        purged = PurgedRegressor(inner, purge=4)
        make_pipeline(SlidingWindow(4), purged).fit(X, y, sample_weight=weights)
        relative = RelativeTargetRegressor(inner).fit(X, y, sample_weight=weights)
        with pytest.raises(TypeError, match=r"fit got unexpected argument.*'tea'"):
            relative.fit(X, y, tea=weights)
    np.testing.assert_array_equal(purged.regressor_.seen_[2], weights[:56])
    np.testing.assert_array_equal(relative.regressor_.seen_[2], weights)


def test_targets_of_the_validation_set_are_relative_too():
    X, y = levels()
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=2, random_state=0)
    validation_set = {"X_val": X[["rail"]][40:], "y_val": y[40:]}
    fitted = RelativeTargetRegressor(net).fit(
        X[["rail"]][:40], y[:40], **validation_set
    )
    relative = np.log(y / X["rail"])
    expected = net.fit(
        X[["rail"]][:40],
        relative[:40],
        X_val=X[["rail"]][40:],
        y_val=relative[40:],
    )
    np.testing.assert_allclose(
        fitted.regressor_.validation_loss_curve_, expected.validation_loss_curve_
    )


def test_callbacks_of_scikit_learn_reach_the_regressor(capfd):
    callback = pytest.importorskip("sklearn.callback")
    pytest.importorskip("rich")
    X, y = levels()
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=2)
    pipe = make_pipeline(SlidingWindow(4), PurgedRegressor(net, purge=1))
    model = RelativeTargetRegressor(pipe)
    model.set_callbacks(callback.ProgressBar(max_propagation_depth=None)).fit(X, y)
    assert "LSTMRegressor" in capfd.readouterr().out


def test_purging_all_rows_is_an_error():
    X, y = levels()
    with pytest.raises(ValueError, match="purge=60 leaves none of the n_samples=60"):
        PurgedRegressor(Ridge(), purge=60).fit(X, y)
    with pytest.raises(ValueError, match="purge == -1, must be >= 0"):
        PurgedRegressor(Ridge(), purge=-1).fit(X, y)
