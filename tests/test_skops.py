"""Files of skops: whole pipelines without code."""

import copy

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import EpochTimer

from sktsdl import (
    LSTMRegressor,
    MultiTaskNet,
    PurgedRegressor,
    RatioLogScaler,
    RelativeTargetRegressor,
    SeasonalDifference,
    SlidingWindow,
    WindowMLPRegressor,
)
from sktsdl._windows.training_index import TrainingIndex
from sktsdl.persistence import trusted_types
from tests.estimators import (
    every_estimator,
    forbid_pickle,
    output,
    small,
    target_for,
)
from tests.series import INDEXES, N, levels, part, series, target

HOLIDAYS = pd.offsets.CustomBusinessDay(holidays=["2020-01-01", "2020-01-06"])
TIMED = [index for index in INDEXES.values() if hasattr(index, "freq")]


def there_and_back(estimator):
    """Write and read; trust the types of an unfitted estimator of the same kind."""
    content = skops.io.dumps(estimator)
    return skops.io.loads(content, trusted=trusted_types(clone(estimator)))


@every_estimator
@pytest.mark.parametrize("as_frame", [True, False])
def test_skops_round_trip_of_every_estimator(cls, as_frame, monkeypatch):
    X, y = levels()
    X = X[["rail"]]
    if not as_frame:
        X, y = X.to_numpy(), y.to_numpy()
    estimator = small(cls).fit(X[:40], target_for(cls, y[:40]))
    forbid_pickle(monkeypatch)
    again = there_and_back(estimator)
    for X_new in (X[:40], X[40:]):
        np.testing.assert_array_equal(output(again, X_new), output(estimator, X_new))


@pytest.mark.parametrize("index", INDEXES)
def test_a_pipeline_keeps_its_history(index):
    X = series(INDEXES[index])
    steps = [
        RatioLogScaler(),
        SeasonalDifference(2),
        StandardScaler(),
        SlidingWindow(4),
        PurgedRegressor(WindowMLPRegressor(max_epochs=1, random_state=0), purge=1),
    ]
    pipe = make_pipeline(*steps)
    pipe[:-2].set_output(transform="pandas" if hasattr(X, "columns") else "default")
    model = RelativeTargetRegressor(pipe).fit(part(X, 0, 300), target(X)[:300])
    again = there_and_back(model)
    for X_new in (part(X, 0, 300), part(X, 300, N), X):
        np.testing.assert_array_equal(again.predict(X_new), model.predict(X_new))


@pytest.mark.parametrize(
    "index",
    [
        *TIMED,
        pd.date_range("2020", periods=9, freq="D", unit="ns", tz="UTC"),
        pd.date_range("2020", periods=9, freq=HOLIDAYS),
        pd.date_range("2020", periods=9, freq=HOLIDAYS, tz="Europe/Berlin"),
        pd.date_range("2020", periods=30, freq="bh"),
        pd.date_range("2020", periods=9, freq=pd.DateOffset(months=1, days=1)),
    ],
    ids=lambda index: str(index.freq),
)
def test_a_training_index_is_restored(index):
    original = TrainingIndex.of(index)
    again = copy.deepcopy(original)
    assert joblib.hash(again) == joblib.hash(original)
    assert (again.kind, again.tz) == (original.kind, original.tz)
    assert again.offset == original.offset
    for name in ("first", "last"):
        before, after = getattr(original, name), getattr(again, name)
        assert after == before
        assert type(after) is type(before)
        assert getattr(after, "tz", None) == getattr(before, "tz", None)
        assert getattr(after, "unit", None) == getattr(before, "unit", None)


def test_a_step_knows_holidays_and_hours_after_skops():
    for freq in (HOLIDAYS, "bh"):
        X = series(pd.date_range("2019-12-01", periods=N, freq=freq))
        step = there_and_back(SlidingWindow(3).fit(X[:99]))
        assert np.isfinite(step.transform(X[99:])).all()
        with pytest.warns(UserWarning, match="after a gap"):
            step.transform(X[140:])


def test_skops_round_trip_of_a_search(air_passengers):
    X, y, _ = air_passengers
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=1, random_state=0)
    pipe = make_pipeline(SlidingWindow(4), net)
    search = GridSearchCV(pipe, {"lstmregressor__lr": [0.1]}, cv=TimeSeriesSplit(2))
    search.fit(X, y)
    again = there_and_back(search)
    np.testing.assert_array_equal(again.predict(X), search.predict(X))


def test_class_labels_are_restored():
    X, y = levels()
    rises = np.where(y > X["rail"], "up", "down")
    targets = pd.DataFrame({"level": y, "direction": rises}, index=X.index)
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=1, random_state=0)
    tasks = {"level": "regression", "direction": "classification"}
    model = MultiTaskNet(net, tasks=tasks, weights=[1.0, 0.5])
    pipe = make_pipeline(SlidingWindow(4), model).fit(X, targets)
    again = there_and_back(pipe)
    pd.testing.assert_frame_equal(again.predict(X), pipe.predict(X))
    np.testing.assert_array_equal(
        again.predict_proba(X)["direction"], pipe.predict_proba(X)["direction"]
    )


def test_what_needs_code_is_not_written():
    X, y = (part.to_numpy() for part in levels())
    net = WindowMLPRegressor(max_epochs=1, callbacks=[EpochTimer()]).fit(X, y)
    with pytest.raises(ValueError, match=r"callbacks=.* cannot be saved without code"):
        skops.io.dumps(net)


def test_a_device_that_is_not_available():
    X, y = (part.to_numpy() for part in levels())
    net = WindowMLPRegressor(max_epochs=1).fit(X, y).set_params(device="cuda:9")
    again = there_and_back(net)
    assert again.device == "cpu"
    np.testing.assert_array_equal(again.predict(X), net.predict(X))


def test_changed_bytes_are_noticed():
    X, y = (part.to_numpy() for part in levels())
    net = WindowMLPRegressor(max_epochs=1).fit(X, y)
    content = net.__getstate__()["content"]
    changed = content[:-1] + bytes([content[-1] ^ 1])
    with pytest.raises(ValueError, match="not as it was saved, by its SHA-256: take"):
        WindowMLPRegressor().__setstate__({"content": changed})


def test_a_restored_net_cannot_be_trained_further():
    X, y = (part.to_numpy() for part in levels())
    net = WindowMLPRegressor(max_epochs=1).fit(X, y)
    with pytest.raises(ValueError, match="cannot be trained further"):
        there_and_back(net).partial_fit(X, y)


def test_only_types_of_the_model_are_trusted():
    net = LSTMRegressor()
    assert trusted_types(net) == ["sktsdl.architectures.lstm.LSTMRegressor"]
    with pytest.raises(TypeError, match=r"model='model.skops' is not an estimator: "):
        trusted_types("model.skops")
    pipe = make_pipeline(StandardScaler(), SlidingWindow(4), net)
    assert trusted_types(GridSearchCV(pipe, {}, cv=TimeSeriesSplit(2))) == [
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.model_selection._split.TimeSeriesSplit",
        "sktsdl._windows.history.TrainingTail",
        "sktsdl._windows.panel_history.PanelTail",
        "sktsdl._windows.training_index.TrainingIndex",
        "sktsdl.architectures.lstm.LSTMRegressor",
        "sktsdl.preprocessing._sliding_window.SlidingWindow",
    ]
