"""Callbacks of skorch and of scikit-learn, and progress bars."""

import functools
import io
import pickle
import sys
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import Pipeline
from skorch.callbacks import Callback, EarlyStopping, EpochScoring

from sktsdl import (
    SlidingWindow,
)
from tests.nets import X, Y, lstm, net_fixture
from tests.series import levels

net = net_fixture()


class Recorder(Callback):
    """Counts the epochs that end."""

    def __init__(self):
        self.epochs = 0

    def on_epoch_end(self, net, **kwargs):
        self.epochs += 1


def test_callbacks_are_copied():
    recorder = Recorder()
    fitted = lstm(callbacks=[recorder]).fit(X, Y)
    assert recorder.epochs == 0
    assert dict(fitted.net_.callbacks_)["Recorder"].epochs == 3


class Reporter(Callback):
    """A callback that reports to an object which cannot be copied."""

    def __init__(self, report):
        self.report = report

    def on_epoch_end(self, net, **kwargs):
        self.report.losses.append(net.history[-1, "train_loss"])


def test_callbacks_report_to_the_object_of_the_user():
    class Report:
        losses: ClassVar[list[float]] = []

        def __deepcopy__(self, memo):
            raise TypeError("cannot be copied")

    fitted = lstm(callbacks=[Reporter(Report())]).fit(X, Y)
    assert len(Report.losses) == fitted.n_epochs_


@pytest.mark.parametrize("stream", [None, io.StringIO(), SimpleNamespace(write=str)])
def test_verbose_without_a_terminal(stream, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    fitted = lstm(verbose=1, variational_dropout=0.1).fit(X, Y)
    fitted.predict(X[:2], return_std=True, n_draws=2)


def test_early_stopping_of_skorch_ends_the_training():
    stopping = EarlyStopping(monitor="train_loss", patience=2, threshold=0.99)
    fitted = lstm(callbacks=[stopping], max_epochs=20).fit(X, Y)
    assert fitted.n_epochs_ == 3


def test_all_callbacks_are_called_in_the_last_epoch(capfd):
    stopping = EarlyStopping(monitor="train_loss", patience=2, threshold=0.99)
    recorder = Recorder()
    fitted = lstm(
        callbacks=[stopping, recorder],
        early_stopping=True,
        max_epochs=20,
        verbose=1,
    ).fit(X, Y)
    assert dict(fitted.net_.callbacks_)["Recorder"].epochs == fitted.n_epochs_ == 3
    assert fitted.best_epoch_ == np.argmin(fitted.validation_loss_curve_) + 1
    assert len(capfd.readouterr().err.splitlines()) == 3


@pytest.mark.parametrize("weights", [None, np.arange(1, 101)])
def test_epoch_scoring_of_skorch(weights):
    scoring = [
        EpochScoring("r2", on_train=True, name="train_r2"),
        EpochScoring("r2", name="valid_r2", lower_is_better=False),
    ]
    fitted = lstm(callbacks=scoring, early_stopping=True, max_epochs=1, lr=1e-12)
    fitted.fit(X, Y, sample_weight=weights)
    last = fitted.net_.history[-1]
    assert last["train_r2"] == pytest.approx(fitted.score(X[:90], Y[:90]), abs=1e-3)
    assert last["valid_r2"] == pytest.approx(fitted.score(X[90:], Y[90:]), abs=1e-3)


def test_verbose_prints_a_line_for_each_epoch_without_a_terminal(net, capfd):
    net().fit(X, Y)
    assert capfd.readouterr() == ("", "")
    fitted = net(verbose=1, early_stopping=True).fit(X, Y)
    out, err = capfd.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 3
    for i, line in enumerate(lines):
        assert f"{type(fitted).__name__}: epoch {i + 1} of 3" in line
        assert f"valid_loss {fitted.validation_loss_curve_[i]:.4g}" in line


def test_verbose_shows_one_progress_bar_in_a_terminal(monkeypatch, capfd):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    lstm(verbose=1).fit(X, Y)
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("3/3") == 1
    assert err.count("\n") == 1


def test_verbose_2_prints_a_table_of_losses(capfd):
    fitted = lstm(verbose=2).fit(X, Y)
    out, err = capfd.readouterr()
    assert err == ""
    assert "train_loss" in out
    assert all(f"{loss:.4f}" in out for loss in fitted.loss_curve_)


def test_scoring_monitor_of_scikit_learn_scores_each_epoch(net):
    callback = pytest.importorskip("sklearn.callback")
    monitor = callback.ScoringMonitor(scoring="r2")
    net = functools.partial(net, dropout=0.5)
    monitored = net().set_callbacks(monitor)
    monitored.fit(X, Y)
    scores = [
        row["r2"] for row in monitor.get_logs().data if row["task_name"] == "epoch"
    ]
    expected = [net(max_epochs=n).fit(X, Y).score(X, Y) for n in (1, 2, 3)]
    np.testing.assert_allclose(scores, expected, rtol=1e-6)
    np.testing.assert_array_equal(monitored.predict(X), net().fit(X, Y).predict(X))
    assert pickle.loads(pickle.dumps(monitored.net_)).history


def test_scoring_monitor_of_scikit_learn_inside_a_search():
    callback = pytest.importorskip("sklearn.callback")
    monitor = callback.ScoringMonitor(scoring="neg_mean_absolute_error")
    rows, y = levels()
    pipe = Pipeline([("window", SlidingWindow(4)), ("net", lstm())])
    pipe["net"].set_callbacks(monitor)
    grid = {"net__lr": [1e-3, 1e-2]}
    GridSearchCV(pipe, grid, cv=TimeSeriesSplit(2)).fit(rows, y)
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(epochs) == (2 * 2 + 1) * 3


def test_progress_bar_of_scikit_learn(capfd):
    callback = pytest.importorskip("sklearn.callback")
    pytest.importorskip("rich")
    rows, y = levels()
    pipe = Pipeline([("window", SlidingWindow(4)), ("net", lstm())])
    pipe.set_callbacks(callback.ProgressBar()).fit(rows, y)
    assert "LSTMRegressor" in capfd.readouterr().out
    search = GridSearchCV(
        pipe.set_callbacks(), {"net__lr": [1e-3]}, cv=TimeSeriesSplit(2)
    )
    everywhere = callback.ProgressBar(max_propagation_depth=None)
    search.set_callbacks(everywhere).fit(rows, y)
    assert "LSTMRegressor" in capfd.readouterr().out
