"""Rows in files: read in parts, with the results of the same rows in memory."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline

from sktsdl import (
    ITransformerRegressor,
    LSTMRegressor,
    SlidingWindow,
    TCNRegressor,
    WindowMLPRegressor,
)
from sktsdl._windows import disk_rows, disk_source
from sktsdl._windows.disk_rows import DiskRows

N, N_TRAIN, WINDOW = 260, 200, 6
N_AT_ONCE = 16  # rows

NETS = {
    "LSTM": LSTMRegressor(hidden_sizes=(4,)),
    "early stopping": LSTMRegressor(hidden_sizes=(4,), early_stopping=True),
    "loss at all steps": TCNRegressor(channels=(4,), loss_steps="all"),
    "window norm": WindowMLPRegressor(
        hidden_sizes=(4,), window_norm="standard", target_channels=0
    ),
    "in the units of X": WindowMLPRegressor(hidden_sizes=(4,), standardize=False),
    "categories": LSTMRegressor(hidden_sizes=(4,), categorical_features=[2]),
    "cycle": WindowMLPRegressor(hidden_sizes=(4,), cycle=4, cycle_channel=2),
    "by channel": ITransformerRegressor(d_model=8),
}


@pytest.fixture(autouse=True)
def _read_in_small_parts(monkeypatch):
    monkeypatch.setattr(disk_source, "LEAST_BYTES", 0)
    monkeypatch.setattr(disk_source, "MAPPED_BYTES", 2**12)
    monkeypatch.setattr(disk_rows, "N_READ", 3 * N_AT_ONCE)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 3)).cumsum(axis=0)
    X[:, 2] = np.arange(N) % 4
    return X, X[:, 0] + rng.normal(size=N)


@pytest.fixture
def on_disk(tmp_path):
    def write(X):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.npy"
        np.save(path, X)
        return np.load(path, mmap_mode="r")

    return write


def pipeline(net, **params):
    net = clone(net).set_params(max_epochs=2, random_state=0, **params)
    return make_pipeline(SlidingWindow(WINDOW), net)


def weights_of(model):
    return [w.detach().numpy() for w in model[-1].module_.parameters()]


@pytest.mark.parametrize("name", NETS)
def test_a_net_is_the_same_as_of_rows_in_memory(name, data, on_disk):
    X, y = data
    rows = on_disk(X)
    inside = pipeline(NETS[name]).fit(X[:N_TRAIN], y[:N_TRAIN])
    model = pipeline(NETS[name]).fit(rows[:N_TRAIN], y[:N_TRAIN])
    for found, expected in zip(weights_of(model), weights_of(inside), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    for start, stop in ((0, N_TRAIN), (N_TRAIN, N), (N_TRAIN - 20, N)):
        np.testing.assert_allclose(
            model.predict(rows[start:stop]), inside.predict(X[start:stop]), rtol=1e-6
        )


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", ">f4"])
def test_files_hold_any_numbers(dtype, data, on_disk):
    X, y = data
    X = (10 * X).astype(dtype)
    rows = on_disk(X)
    inside = pipeline(NETS["LSTM"]).fit(X, y)
    model = pipeline(NETS["LSTM"]).fit(rows, y)
    assert model[0].transform(rows).dtype == inside[0].transform(X).dtype
    np.testing.assert_allclose(model.predict(rows), inside.predict(X), rtol=1e-6)


def test_windows_are_those_in_memory(data, on_disk):
    X, _ = data
    X[30:40, 0] = np.nan
    rows = on_disk(X)
    inside, step = SlidingWindow(WINDOW).fit(X), SlidingWindow(WINDOW).fit(rows)
    windows, same = step.transform(rows), inside.transform(X)
    np.testing.assert_array_equal(windows, same)
    np.testing.assert_array_equal(windows[-3], same[-3])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(windows)), same)
    picked = [200, 3, 50]
    np.testing.assert_array_equal(windows[picked], same[picked])
    np.testing.assert_array_equal(windows[100:140, 2:], same[100:140, 2:])
    np.testing.assert_array_equal(windows[..., [2, 0]], same[..., [2, 0]])
    np.testing.assert_array_equal(step.transform(X[-5:]), inside.transform(X[-5:]))


@pytest.mark.parametrize(
    "key",
    [
        5,
        -1,
        slice(7, 90),
        slice(90, 3, -2),
        slice(-4, None),
        [0, 100, 51, -2],
        [[3, 4], [200, 2]],
        np.arange(N + 5) % 3 == 0,
        (slice(None), 1),
        (slice(100, 30, -1), 2),
        ([[3, 4], [200, -2]], 0),
        (np.arange(N), 1),
    ],
    ids=str,
)
def test_rows_are_read_by_the_keys_of_arrays(key, data, on_disk):
    X, _ = data
    rows = SlidingWindow(WINDOW).fit_transform(on_disk(X)).rows
    joined = np.concatenate([np.full((WINDOW - 1, 3), np.nan), X])
    np.testing.assert_array_equal(rows[key], joined[key])


def test_unknown_history_is_filled_as_in_memory(data, on_disk, monkeypatch):
    monkeypatch.setattr("sktsdl._estimator.evaluating.FILLED_ON_DISK", 3 * WINDOW * 4)
    X, y = data
    X[:30, 1] = np.nan  # a column that starts later
    rows = on_disk(X)
    inside = pipeline(NETS["LSTM"]).fit(X, y)
    model = pipeline(NETS["LSTM"]).fit(rows, y)
    np.testing.assert_array_equal(model.predict(rows), inside.predict(X))
    windows = model[0].transform(rows)[..., :2]
    same = inside[0].transform(X)[..., :2]
    net = clone(NETS["LSTM"]).set_params(max_epochs=1, random_state=0).fit(same, y)
    np.testing.assert_array_equal(net.predict(windows), net.predict(same))


def test_weights_leave_rows_out(data, on_disk):
    X, y = data
    weight = np.where(np.arange(N) % 50 < 20, 1.0, 0.0)
    weight[100:120] = 2.0
    models = [
        pipeline(NETS["LSTM"]).fit(rows, y, lstmregressor__sample_weight=weight)
        for rows in (X, on_disk(X))
    ]
    np.testing.assert_allclose(*(m.predict(X) for m in models), rtol=1e-6)


def test_a_later_file_has_the_training_history(data, on_disk):
    X, y = data
    model = pipeline(NETS["LSTM"]).fit(on_disk(X[:N_TRAIN]), y[:N_TRAIN])
    later = on_disk(X[N_TRAIN:])
    np.testing.assert_array_equal(model.predict(later), model.predict(X)[N_TRAIN:])
    windows = model[0].transform(later)[..., [2, 0]]
    np.testing.assert_array_equal(windows, model[0].transform(X)[N_TRAIN:][..., [2, 0]])


def test_repeated_rows_are_recognised_as_in_memory(data, on_disk):
    X, _ = data
    X[:80] = np.tile(X[:20], (4, 1))
    for rows in (X, on_disk(X)):
        tail = SlidingWindow(WINDOW).fit(rows)._tail
        assert tail.n_distinct == 61


class Counted:
    """An array that can only be read in parts, and counts the rows of each."""

    def __init__(self, array):
        self.array = array
        self.shape, self.dtype = array.shape, array.dtype
        self.counts = []

    def __getitem__(self, key):
        part = self.array[key]
        self.counts.append(len(part))
        return part


@pytest.mark.parametrize("name", ["LSTM", "window norm", "loss at all steps"])
def test_a_file_is_read_in_parts(name, data):
    X, y = data
    slope = np.linspace(0, 50, 10 * N)
    counted = Counted(np.tile(X, (10, 1)) + slope[:, None])
    model = pipeline(NETS[name]).fit(counted, np.tile(y, 10) + slope)
    model.predict(counted)
    *columns, most = sorted(set(counted.counts))
    assert most == len(counted.array)  # of one column
    # Most are the rows that the look-back step keeps.
    assert max(columns) <= 1100
    assert isinstance(model[0].transform(counted).rows, DiskRows)


def test_memory_is_that_of_a_part(on_disk, monkeypatch):
    monkeypatch.setattr(disk_rows, "N_READ", 2**15)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 100)).astype(np.float32)
    y = X[:, 0] + rng.normal(size=len(X))
    rows, weight = on_disk(X), (np.arange(len(X)) > 19_900).astype(float)
    del X
    model = pipeline(WindowMLPRegressor(hidden_sizes=(2,)))
    model.fit(rows[-500:], y[-500:])  # what is imported or made at first use
    tracemalloc.start()
    model.fit(rows, y, windowmlpregressor__sample_weight=weight)
    model.predict(rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < rows.nbytes / 2


def test_a_small_file_is_read_as_a_whole(data, on_disk, monkeypatch):
    monkeypatch.setattr(disk_source, "LEAST_BYTES", 2**20)
    windows = SlidingWindow(WINDOW).fit_transform(on_disk(data[0]))
    assert type(windows.rows) is np.ndarray


@pytest.mark.parametrize(
    "step", [SlidingWindow(WINDOW, flatten=True), SlidingWindow(WINDOW, pad="edge")]
)
def test_other_windows_are_made_in_memory(step, data, on_disk):
    X, _ = data
    same = clone(step).fit_transform(X)
    np.testing.assert_array_equal(step.fit_transform(on_disk(X)), same)


@pytest.mark.parametrize(("value", "what"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_a_bad_value_is_named(value, what, data, on_disk):
    X, y = data
    X[151, 1] = value
    with pytest.raises(ValueError, match=rf"contains {what} in row 151\b.*column 1"):
        pipeline(NETS["LSTM"]).fit(on_disk(X), y)
    model = pipeline(NETS["LSTM"]).fit(X[:100], y[:100])
    with pytest.raises(ValueError, match=rf"contains {what} in row 51\b.*column 1"):
        model.predict(on_disk(X[100:]))


def test_another_number_of_columns_is_refused(data, on_disk):
    X, y = data
    model = pipeline(NETS["LSTM"]).fit(on_disk(X), y)
    with pytest.raises(ValueError, match="X has 2 features, but SlidingWindow is"):
        model.predict(on_disk(X[:, :2]))


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_the_file_stays_as_it_was(mode, data, tmp_path):
    X, y = data
    np.save(tmp_path / "rows.npy", X)
    before = (tmp_path / "rows.npy").read_bytes()
    rows = np.load(tmp_path / "rows.npy", mmap_mode=mode)
    if mode == "c":  # what is written to it is only in memory, and must stay there
        rows[7] = 3.0
        X[7] = 3.0
    model = pipeline(NETS["LSTM"]).fit(rows, y)
    np.testing.assert_array_equal(model.predict(rows), model.predict(X))
    np.testing.assert_array_equal(rows, X)
    assert (tmp_path / "rows.npy").read_bytes() == before


def test_splits_of_windows_stay_on_disk(data, on_disk):
    X, y = data
    net = clone(NETS["LSTM"]).set_params(max_epochs=1, random_state=0)
    windows = SlidingWindow(WINDOW).fit_transform(on_disk(X))
    cv = TimeSeriesSplit(3)
    assert all(isinstance(windows[idx].rows, DiskRows) for idx, _ in cv.split(windows))
    scores = cross_val_score(net, windows, y, cv=cv)
    same = cross_val_score(net, SlidingWindow(WINDOW).fit_transform(X), y, cv=cv)
    np.testing.assert_allclose(scores, same, rtol=1e-6)


def test_a_pickle_holds_no_file(data, on_disk):
    X, y = data
    rows = on_disk(X)
    model = pipeline(NETS["LSTM"]).fit(rows, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(rows), model.predict(rows))
    assert not isinstance(again[0]._tail.kept, np.memmap)


def test_windows_of_a_file_travel_to_other_processes(data, on_disk):
    X, y = data
    windows = SlidingWindow(WINDOW).fit_transform(on_disk(X))
    expected = np.asarray(windows)
    for again in (pickle.loads(pickle.dumps(windows)), copy.deepcopy(windows)):
        np.testing.assert_array_equal(np.asarray(again), expected)
    net = WindowMLPRegressor(hidden_sizes=(4,), max_epochs=1, random_state=0)
    cv = TimeSeriesSplit(2)
    serial = cross_val_score(net, windows, y, cv=cv)
    np.testing.assert_array_equal(
        cross_val_score(net, windows, y, cv=cv, n_jobs=2), serial
    )


def test_a_copy_of_a_memory_map_is_in_memory(data, on_disk):
    mapped = on_disk(data[0])
    assert disk_source.is_on_disk(mapped[5:, :2])
    for array in (mapped.copy(), pickle.loads(pickle.dumps(mapped))):
        assert not disk_source.is_on_disk(array)


class OfUnknownSize:
    """An array whose number of rows is not known before it is read, as Dask's."""

    shape, dtype = (np.nan, 3), np.dtype(float)

    def __init__(self, values):
        self.values = values

    def __getitem__(self, key):
        return self.values[key]

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype=dtype)


def test_an_array_of_unknown_size_is_read_as_a_whole(data):
    X, _ = data
    step = SlidingWindow(WINDOW)
    found = step.fit_transform(OfUnknownSize(X))
    np.testing.assert_array_equal(np.asarray(found), np.asarray(step.fit_transform(X)))
