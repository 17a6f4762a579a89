"""An error in a training changes neither the estimator nor the folder."""

import os
import signal

import joblib
import numpy as np
import pandas as pd
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from sktsdl import (
    ConformalRegressor,
    LSTMRegressor,
    MultiTaskNet,
    PurgedRegressor,
    RelativeTargetRegressor,
    SeedEnsemble,
    SlidingWindow,
    WindowMLPRegressor,
)
from tests.estimators import every_net, make
from tests.series import levels

HOOKS = [
    "on_train_begin",
    "on_epoch_begin",
    "on_batch_begin",
    "on_grad_computed",
    "on_batch_end",
    "on_epoch_end",
    "on_train_end",
]
FRAME, Y = levels()
ROWS = FRAME.to_numpy()
OTHERS = ROWS[10:, :1], np.column_stack([Y, Y])[10:]


class Broken(Callback):
    """Raises an error in one hook."""

    def __init__(self, hook):
        self.hook = hook


def raises_at(hook):
    def callback(self, net, *args, **kwargs):
        if self.hook == hook:
            raise RuntimeError("the disk of the callback is full")

    return callback


for hook in HOOKS:
    setattr(Broken, hook, raises_at(hook))


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("goes_on", [False, True])
def test_a_callback_that_raises_changes_nothing(hook, goes_on):
    net = make(LSTMRegressor, hidden_sizes=(4,), warm_start=goes_on)
    net.fit(ROWS, Y).set_params(max_epochs=3, callbacks=[Broken(hook)])
    expected, before = net.predict(ROWS), joblib.hash(vars(net))
    with pytest.raises(RuntimeError, match="disk of the callback"):
        net.fit(ROWS, Y)
    assert joblib.hash(vars(net)) == before
    np.testing.assert_array_equal(net.predict(ROWS), expected)


@every_net
def test_a_callback_that_raises_changes_no_net(cls):
    net = make(cls).fit(ROWS, Y).set_params(callbacks=[Broken("on_batch_end")])
    before = joblib.hash(vars(net))
    with pytest.raises(RuntimeError, match="disk of the callback"):
        net.fit(*OTHERS)
    assert joblib.hash(vars(net)) == before


AROUND = {
    "conformal": ConformalRegressor,
    "purged": lambda net: PurgedRegressor(net, purge=1),
    "relative": RelativeTargetRegressor,
    "seeds": lambda net: SeedEnsemble(net, n_estimators=2, random_state=0),
    "tasks": MultiTaskNet,
}


@pytest.mark.parametrize("around", AROUND)
def test_a_callback_that_raises_changes_no_wrapper(around):
    net = WindowMLPRegressor(max_epochs=1, random_state=0)
    model = AROUND[around](net).fit(ROWS, Y)
    net.set_params(callbacks=[Broken("on_batch_end")])
    before = joblib.hash(vars(model))
    with pytest.raises(RuntimeError, match="disk of the callback"):
        model.fit(*OTHERS)
    assert joblib.hash(vars(model)) == before


def test_a_callback_that_raises_changes_no_class_labels():
    net = WindowMLPRegressor(max_epochs=1, random_state=0)
    rises = pd.DataFrame({"to": np.where(FRAME["rail"] < Y, "up", "down")})
    model = MultiTaskNet(net, tasks={"to": "classification"}).fit(ROWS, rises)
    net.set_params(callbacks=[Broken("on_batch_end")])
    before = joblib.hash(vars(model))
    with pytest.raises(RuntimeError, match="disk of the callback"):
        model.fit(ROWS, rises.replace("up", "north"))
    assert joblib.hash(vars(model)) == before


class KillerNet(WindowMLPRegressor):
    """Kills the process that trains it, as a kernel without memory does."""

    def _build_module(self, spec):
        if self.dropout:
            os.kill(os.getpid(), signal.SIGKILL)
        return super()._build_module(spec)


def test_a_search_with_a_killed_worker_keeps_its_last_fit():
    net = KillerNet(max_epochs=1, random_state=0)
    search = GridSearchCV(
        make_pipeline(SlidingWindow(4), net),
        {"killernet__dropout": [0.0]},
        cv=TimeSeriesSplit(2),
    )
    search.fit(FRAME, Y)
    expected = search.predict(FRAME)
    search.set_params(param_grid={"killernet__dropout": [0.0, 0.5]}, n_jobs=2)
    with pytest.raises(TerminatedWorkerError):
        search.fit(FRAME, Y)
    np.testing.assert_array_equal(search.predict(FRAME), expected)
    search.set_params(param_grid={"killernet__dropout": [0.0]}).fit(FRAME, Y)
    np.testing.assert_array_equal(search.predict(FRAME), expected)
