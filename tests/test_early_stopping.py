"""Early stopping, and the validation set."""

import joblib
import numpy as np
import pytest
from sklearn import config_context
from sklearn.metrics import mean_squared_error
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sktsdl import (
    SlidingWindow,
)
from tests.nets import NOISE, X, Y, lstm, net_fixture
from tests.series import levels

net = net_fixture()


def test_the_validation_set_is_the_last_rows_purged_by_the_horizon(monkeypatch):
    seen = {}

    def spy(module, params, train_set, valid_set, **kwargs):
        seen.update(train=train_set.targets[:, 0], valid=valid_set.targets[:, 0])
        raise InterruptedError

    monkeypatch.setattr("sktsdl._estimator.fitting.train", spy)
    y = np.arange(100.0)[:, None] + np.arange(4)
    with pytest.raises(InterruptedError):
        lstm(early_stopping=True, validation_fraction=0.2).fit(X, y)
    scale, mean = np.arange(77.0).std(), np.arange(77.0).mean()
    np.testing.assert_allclose(seen["train"] * scale + mean, np.arange(77), rtol=1e-4)
    np.testing.assert_allclose(seen["valid"] * scale + mean, np.arange(80, 100))


def test_early_stopping_keeps_the_best_weights(net):
    stopped = net(
        early_stopping=True, n_iter_no_change=4, max_epochs=200, lr=0.05, tol=0.0
    ).fit(X, NOISE)
    losses = stopped.validation_loss_curve_
    assert stopped.n_epochs_ == len(losses) == stopped.best_epoch_ + 4 < 200
    assert int(np.argmin(losses)) == stopped.best_epoch_ - 1
    error = mean_squared_error(NOISE[-10:], stopped.predict(X[-10:]))
    np.testing.assert_allclose(error, min(losses), rtol=1e-4)


def test_a_large_tol_stops_earlier(net):
    stopped = net(early_stopping=True, n_iter_no_change=2, max_epochs=30, tol=0.9)
    assert stopped.fit(X, Y).n_epochs_ == 3


def test_the_validation_curve_does_not_outlive_another_fit():
    fitted = lstm(early_stopping=True).fit(X, Y)
    fitted.set_params(early_stopping=False).fit(X, Y)
    assert not hasattr(fitted, "validation_loss_curve_")


def test_too_few_rows_for_a_validation_set_are_an_error():
    with pytest.raises(ValueError, match=r"leaves none of the 3 complete windows"):
        lstm(early_stopping=True).fit(X[:3], np.ones((3, 5)))


def test_x_val_and_y_val_act_as_the_held_out_rows(net):
    params = {"early_stopping": True, "max_epochs": 8, "lr": 0.05}
    held_out = net(validation_fraction=0.2, **params).fit(X, NOISE)
    given = net(**params).fit(X[:80], NOISE[:80], X_val=X[80:], y_val=NOISE[80:])
    assert given.validation_loss_curve_ == held_out.validation_loss_curve_
    np.testing.assert_array_equal(given.predict(X), held_out.predict(X))
    validated = net().fit(X[:80], NOISE[:80], X_val=X[80:], y_val=NOISE[80:])
    np.testing.assert_array_equal(
        validated.predict(X), net().fit(X[:80], NOISE[:80]).predict(X)
    )
    assert len(validated.validation_loss_curve_) == 3


def test_no_step_of_a_pipeline_is_fitted_to_the_validation_set():
    rows, y = levels(80)
    later = rows[60:] * 100
    with config_context(enable_metadata_routing=True):
        net = lstm(early_stopping=True, window_norm=None)
        net.set_fit_request(X_val=True, y_val=True)
        steps = [
            ("scale", StandardScaler().set_output(transform="pandas")),
            ("window", SlidingWindow(4)),
            ("net", net),
        ]
        pipe = Pipeline(steps, transform_input=["X_val"])
        pipe.fit(rows[:60], y[:60], X_val=later, y_val=y[60:])
    np.testing.assert_allclose(pipe["scale"].mean_, rows[:60].mean())
    best = pipe["net"].validation_loss_curve_[pipe["net"].best_epoch_ - 1]
    error = mean_squared_error(y[60:], pipe.predict(later))  # with their history
    np.testing.assert_allclose(best, error, rtol=1e-4)


@pytest.mark.parametrize(
    ("validation_set", "message"),
    [
        ({"X_val": X}, "y_val is missing"),
        ({"y_val": Y}, "X_val is missing"),
        ({"X_val": X[:, :3], "y_val": Y}, "X_val or y_val cannot.*window=5"),
        ({"X_val": X, "y_val": Y[:5]}, "X_val or y_val cannot.*100"),
        ({"X_val": np.full_like(X, np.nan), "y_val": Y}, "No window in X_val"),
    ],
)
def test_a_bad_validation_set_is_an_error(validation_set, message):
    fitted = lstm().fit(X, Y)
    before = joblib.hash(vars(fitted))
    with pytest.raises(ValueError, match=message):
        fitted.fit(X, Y, **validation_set)
    assert joblib.hash(vars(fitted)) == before
