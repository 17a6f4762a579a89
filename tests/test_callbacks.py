"""Callbacks of skorch and of scikit-learn, and progress bars."""

import functools
import io
import pickle
import sys
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import Pipeline
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    LRScheduler,
    PassthroughScoring,
    PrintLog,
    ProgressBar,
    TrainEndCheckpoint,
)

from sktsdl import SlidingWindow
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


class Reads(Callback):
    """Reads a loss, as callbacks of other packages do."""

    def __init__(self, monitor):
        self.monitor = monitor

    def on_epoch_end(self, net, **kwargs):
        net.history[-1, self.monitor]


NO_FILES = dict.fromkeys(("f_params", "f_optimizer", "f_criterion", "f_history"))
NEED_VALIDATION = {
    "early stopping": ("valid_loss", lambda **monitor: EarlyStopping(**monitor)),
    "checkpoint": (
        "valid_loss_best",
        lambda **monitor: Checkpoint(**NO_FILES, **monitor),
    ),
    "plateau": (
        "valid_loss",
        lambda monitor="valid_loss": LRScheduler("ReduceLROnPlateau", monitor=monitor),
    ),
    "another package": ("valid_loss", lambda monitor="valid_loss": Reads(monitor)),
}


@pytest.mark.parametrize("kind", NEED_VALIDATION)
def test_a_callback_that_needs_validation_rows_says_so(kind):
    name, make = NEED_VALIDATION[kind]
    message = (
        f"^A callback reads '{name}'.*early_stopping=True, .*X_val and y_val.*, or set "
        "monitor='train_loss'"
    )
    net = lstm(callbacks=[make()])
    for fit in (net.fit, net.partial_fit):
        with pytest.raises(ValueError, match=message):
            fit(X, Y)
    assert not hasattr(net, "net_")
    lstm(callbacks=[make()], early_stopping=True).fit(X, Y)
    lstm(callbacks=[make()]).fit(X[:80], Y[:80], X_val=X[80:], y_val=Y[80:])
    monitor = "train_loss_best" if kind == "checkpoint" else "train_loss"
    lstm(callbacks=[make(monitor=monitor)]).fit(X, Y)


def test_other_errors_of_callbacks_stay():
    class Broken(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyError("rail")

    with pytest.raises(KeyError, match="rail"):
        lstm(callbacks=[Broken()]).fit(X, Y)
    callbacks = [EarlyStopping(monitor="other")]
    with pytest.raises(KeyError, match="'other' was not found"):
        lstm(callbacks=callbacks, early_stopping=True).fit(X, Y)


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


def mean_absolute_error(net, data, y):
    """Score as a scorer of scikit-learn does, by a function of the user."""
    return np.abs(net.predict(data) - y).mean()


SCORED = {
    "one target": ({}, Y),
    "weights": ({"sample_weight": np.arange(1, 101)}, Y),
    "a horizon": ({}, np.stack([Y, 2 * Y + 1, Y**2], axis=1)),
    "quantiles": ({"loss": "quantile"}, np.stack([Y, -Y], axis=1)),
    "not standardised": ({"standardize": False}, Y),
    "window norm": ({"window_norm": "last"}, Y),
}


@pytest.mark.parametrize("use_caching", [True, False])
@pytest.mark.parametrize("kind", SCORED)
def test_scoring_of_skorch_is_in_units_of_y(kind, use_caching):
    params, y = SCORED[kind]
    weights = params.get("sample_weight")
    y = 1000 + 50 * y
    options = {"use_caching": use_caching}
    fitted = lstm(
        **{name: value for name, value in params.items() if name != "sample_weight"},
        callbacks=[
            EpochScoring("neg_mean_absolute_error", name="valid", **options),
            EpochScoring("r2", name="train", on_train=True, **options),
            EpochScoring(mean_absolute_error, name="own", **options),
            EpochScoring(None, name="score", **options),
            BatchScoring(mean_absolute_error, name="batch", **options),
        ],
        early_stopping=True,
        max_epochs=1,
        lr=1e-12,  # scores of a training are of the weights before each step
    ).fit(X, y, sample_weight=weights)
    last = fitted.net_.history[-1]
    error = np.abs(fitted.predict(X[90:]) - y[90:]).mean()
    assert last["valid"] == pytest.approx(-error, rel=1e-5)
    assert last["own"] == pytest.approx(error, rel=1e-5)
    # skorch multiplies the score of the one batch by its size, and divides again.
    assert last["batch"] == np.average([last["own"]], weights=[len(X[90:])])
    n_train = 90 - (y.ndim == 2) * (np.atleast_2d(y).shape[1] - 1)
    found = fitted.score(X[:n_train], y[:n_train])
    assert last["train"] == pytest.approx(found, rel=1e-4, abs=1e-5)
    found = fitted.score(X[90:], y[90:])
    assert last["score"] == pytest.approx(found, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("use_caching", [True, False])
def test_scoring_of_skorch_with_a_loss_at_all_steps(use_caching):
    rows, y = levels()
    scoring = EpochScoring(
        mean_absolute_error, name="error", on_train=True, use_caching=use_caching
    )
    pipe = Pipeline(
        [
            ("window", SlidingWindow(4)),
            ("net", lstm(callbacks=[scoring], loss_steps="all", lr=1e-12)),
        ]
    ).fit(rows, 1000 * y)
    # A window is trained on if each of its steps is a row with a target.
    errors = np.abs(pipe.predict(rows) - 1000 * y)[3:]
    assert pipe["net"].net_.history[-1, "error"] == pytest.approx(errors.mean())


def test_scores_decide_in_units_of_y_after_a_pickle_and_a_warm_start():
    scoring = EpochScoring("neg_mean_absolute_error", name="valid")
    fitted = lstm(callbacks=[scoring], early_stopping=True, warm_start=True)
    fitted.fit(X, 1000 + Y)
    again = pickle.loads(pickle.dumps(fitted)).set_params(max_epochs=4)
    again.fit(X, 1000 + Y)
    scores = again.net_.history[:, "valid"]
    assert scores[:3] == fitted.net_.history[:, "valid"]
    if again.best_epoch_ == 4:
        error = np.abs(again.predict(X[90:]) - 1000 - Y[90:]).mean()
        assert scores[-1] == pytest.approx(-error, rel=1e-5)
    assert scoring.target_extractor is EpochScoring("r2").target_extractor


def test_passed_on_losses_are_in_units_of_y():
    passing = PassthroughScoring("train_loss", on_train=True)
    plain = lstm().fit(X, 50 * Y)
    assert lstm(callbacks=[passing]).fit(X, 50 * Y).loss_curve_ == plain.loss_curve_


class ReadsBatches(Callback):
    """Reads the batches of the last epoch, at its end and at the end of training."""

    def __init__(self, read):
        self.read = read

    def on_epoch_end(self, net, **kwargs):
        self.read.append(len(net.history[-1, "batches"]))

    on_train_end = on_epoch_end


def test_callbacks_can_read_the_batches_of_the_last_epoch():
    read = []
    lstm(callbacks=[ReadsBatches(read)], batch_size=30).fit(X, Y)
    assert read == [4, 4, 4, 4]


BATCH_READERS = {
    "every epoch": lambda folder: Checkpoint(monitor=None, dirname=folder),
    "pickles": lambda folder: Checkpoint(f_pickle="net.pkl", dirname=folder),
    "best": lambda folder: Checkpoint(load_best=True, dirname=folder),
    "at the end": lambda folder: TrainEndCheckpoint(dirname=folder),
    "named by the epoch": lambda folder: TrainEndCheckpoint(
        f_params="{last_epoch[train_batch_count]}.pt", dirname=folder
    ),
    "score of batches": lambda folder: BatchScoring("r2", name="batch_r2"),
    "passed on": lambda folder: PassthroughScoring("valid_loss"),
    "table": lambda folder: PrintLog(sink=str),
    "bar": lambda folder: ProgressBar(batches_per_epoch="count"),
}


@pytest.mark.parametrize("kind", BATCH_READERS)
@pytest.mark.parametrize("early_stopping", [True, False])
def test_callbacks_that_read_batches(kind, early_stopping, tmp_path):
    if not early_stopping and kind in ("pickles", "best"):
        pytest.skip("needs a validation loss")
    callback = BATCH_READERS[kind](str(tmp_path))
    params = {"early_stopping": early_stopping, "warm_start": True}
    fitted = lstm(callbacks=[callback], **params).fit(X, Y)
    expected = lstm(**params).fit(X, Y)
    np.testing.assert_array_equal(fitted.predict(X), expected.predict(X))
    again = fitted.set_params(max_epochs=5).fit(X, Y)
    assert np.isfinite(again.predict(X)).all()
    saved = list(tmp_path.iterdir())
    assert bool(saved) == ("Checkpoint" in type(callback).__name__)


def test_a_checkpoint_at_the_end_holds_the_fitted_weights(tmp_path):
    checkpoint = TrainEndCheckpoint(dirname=str(tmp_path))
    fitted = lstm(callbacks=[checkpoint]).fit(X, Y)
    saved = torch.load(tmp_path / "train_end_params.pt", weights_only=True)
    for name, weight in fitted.module_.state_dict().items():
        torch.testing.assert_close(saved[name], weight)
    # A checkpoint can be written of the fitted net as well.
    dict(fitted.net_.callbacks_)["TrainEndCheckpoint"].checkpoint_.save_model(
        fitted.net_
    )


class Interrupts(Callback):
    """The user interrupts the third epoch before its first batch."""

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 3:
            raise KeyboardInterrupt


def test_after_an_interrupt_callbacks_read_the_last_whole_epoch(tmp_path):
    checkpoint = TrainEndCheckpoint(dirname=str(tmp_path))
    net = lstm(callbacks=[Interrupts(), checkpoint])
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, Y)
    np.testing.assert_array_equal(
        net.predict(X), lstm(max_epochs=2).fit(X, Y).predict(X)
    )
    assert (tmp_path / "train_end_params.pt").exists()


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
    assert "3/3" in err
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
