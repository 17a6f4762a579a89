"""Ctrl-C while a net trains."""

import joblib
import numpy as np
import pytest
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

import sktsdl._training.skorch_net
from sktsdl import (
    LSTMRegressor,
)
from tests.nets import NOISE, X, Y, lstm, net_fixture

net = net_fixture()


@pytest.fixture
def interrupt(monkeypatch):
    """Return a function that lets a training run `n` steps and then interrupts it."""

    def at(n):
        original = sktsdl._training.skorch_net.Net.train_step
        steps = iter(range(n))

        def step(self, *args, **kwargs):
            if next(steps, None) is None:
                raise KeyboardInterrupt
            return original(self, *args, **kwargs)

        monkeypatch.setattr("sktsdl._training.skorch_net.Net.train_step", step)

    return at


def test_an_interrupt_in_the_first_epoch_changes_nothing(interrupt):
    fitted = lstm().fit(X, Y)
    before = joblib.hash(vars(fitted))
    interrupt(2)
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(X, Y)
    assert joblib.hash(vars(fitted)) == before
    unfitted = lstm()
    with pytest.raises(KeyboardInterrupt):
        unfitted.fit(X, Y)
    assert not hasattr(unfitted, "net_")


def test_a_later_interrupt_keeps_the_best_weights(interrupt, net):
    params = {"early_stopping": True, "max_epochs": 9, "lr": 0.2, "batch_size": 30}
    interrupted = net(**params)
    interrupt(3 * 7 + 1)
    with pytest.raises(KeyboardInterrupt):
        interrupted.fit(X, NOISE)
    losses = interrupted.validation_loss_curve_
    assert interrupted.n_epochs_ == len(interrupted.loss_curve_) == len(losses) == 7
    error = mean_squared_error(NOISE[-10:], interrupted.predict(X[-10:]))
    np.testing.assert_allclose(error, min(losses), rtol=1e-3)
    assert np.argmin(losses) < 6


def test_a_search_stops_when_it_is_interrupted(interrupt, monkeypatch):
    interrupt(4 * 2 + 1)
    fits = []
    original = LSTMRegressor._fit

    def count(self, *args, **kwargs):
        fits.append(1)
        original(self, *args, **kwargs)

    monkeypatch.setattr(LSTMRegressor, "_fit", count)
    search = GridSearchCV(lstm(), {"lr": [1e-3, 1e-2, 1e-1]}, cv=TimeSeriesSplit(2))
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, Y)
    assert len(fits) <= 2
