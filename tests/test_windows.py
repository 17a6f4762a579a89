"""Windows as an array-like, and from windows back to their rows."""

import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import basic_indices
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.model_selection import GridSearchCV, KFold, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import _safe_indexing

from sktsdl import LSTMRegressor, SlidingWindow, WindowMLPRegressor
from sktsdl._windows.windows import Windows, recover_rows
from tests.nets import lstm
from tests.series import levels

ROWS = np.random.default_rng(0).normal(size=(30, 2))
ROWS[:3, 1] = np.nan
VIEW = np.moveaxis(sliding_window_view(ROWS, 5, axis=0), 2, 1)
INPUTS = {
    "view": (VIEW, 30),
    "part of a view": (VIEW[3:-2], 25),
    "copy": (VIEW.copy(), 30),
    "fancy index": (VIEW[np.arange(4, 20)], 20),
    "rows left out": (VIEW[np.r_[0:5, 9:20]], 16 * 5),
    "shuffled": (VIEW[np.random.default_rng(1).permutation(26)], 26 * 5),
    "every second": (VIEW[::2], 13 * 5),
    "independent": (np.random.default_rng(2).normal(size=(26, 5, 2)), 26 * 5),
    "Fortran order": (np.asfortranarray(VIEW), 30),
    "one window": (VIEW[:1], 5),
    "one step": (ROWS[:, None, :], 30),
}


@pytest.mark.parametrize("kind", INPUTS)
def test_rows_are_recovered_from_windows(kind):
    X, n_rows = INPUTS[kind]
    rows, starts = recover_rows(X)
    assert len(rows) == n_rows
    for window, start in zip(X, starts, strict=True):
        np.testing.assert_array_equal(rows[start : start + X.shape[1]], window)


def test_rows_of_a_view_are_not_copied():
    assert np.shares_memory(recover_rows(VIEW)[0], ROWS)


@pytest.mark.parametrize("at", [4095, 4096, 4097])
def test_a_missing_window_in_a_long_copy_is_found(at):
    rows = np.random.default_rng(0).normal(size=(5000, 1))
    X = sliding_window_view(rows[:, 0], 3)[:, :, None]
    broken = np.delete(X, at, axis=0)
    recovered, starts = recover_rows(broken)
    for i in (at - 1, at, at + 1):
        np.testing.assert_array_equal(recovered[starts[i] : starts[i] + 3], broken[i])


NAMES = ["rail", "bus", "tram"]


def windows_and_array(n=12, window=4):
    rows = np.random.default_rng(0).normal(size=(n + window - 1, 3))
    index = pd.date_range("2020", periods=n, freq="D")
    windows = Windows(rows, window, names=NAMES, index=index)
    view = sliding_window_view(rows, window, axis=0)
    return windows, np.moveaxis(view, 2, 1)


def test_windows_are_an_array_like():
    windows, array = windows_and_array()
    assert (windows.shape, windows.ndim, windows.dtype) == ((12, 4, 3), 3, array.dtype)
    assert len(windows) == 12
    np.testing.assert_array_equal(windows, array)
    np.testing.assert_array_equal(list(windows), list(array))
    assert np.asarray(windows, dtype=np.float32).dtype == np.float32
    assert np.array(windows, copy=True).flags.writeable
    assert "Windows(shape=(12, 4, 3)" in repr(windows)


def test_consecutive_windows_are_a_view_of_the_rows():
    windows, _ = windows_and_array()
    assert isinstance(windows.ends, range)
    assert np.shares_memory(np.asarray(windows), windows.rows)
    part = windows[2:9]
    assert isinstance(part.ends, range)
    assert np.shares_memory(np.asarray(part), windows.rows)
    assert len(part.rows) == 7 + 4 - 1


def test_windows_that_are_not_consecutive_are_copied():
    windows, array = windows_and_array()
    chosen = windows[[0, 5, 2]]
    np.testing.assert_array_equal(chosen, array[[0, 5, 2]])
    with pytest.raises(ValueError, match="not consecutive"):
        np.asarray(chosen, copy=False)


SELECTIONS = {
    "slice of rows": np.s_[2:9],
    "every third row": np.s_[::3],
    "rows backwards": np.s_[::-1],
    "list of rows": np.s_[[3, 1, 1, 7]],
    "array of rows": np.s_[np.array([0, 1, 2])],
    "mask of rows": np.s_[np.arange(12) % 2 == 0],
    "no row": np.s_[4:4],
    "rows and ...": np.s_[np.array([4, 2]), ...],
    "channels": np.s_[:, :, 1:],
    "channels backwards": np.s_[..., ::-1],
    "list of channels": np.s_[:, :, [2, 0]],
    "mask of channels": np.s_[..., [True, False, True]],
    "rows and channels": np.s_[3:6, :, [1, 0]],
    "last steps": np.s_[:, -2:],
    "first steps": np.s_[:, :3],
    "steps between": np.s_[2:, 1:3, 1:],
}


@pytest.mark.parametrize("key", SELECTIONS.values(), ids=SELECTIONS)
def test_selections_keep_names_and_index_aligned(key):
    windows, array = windows_and_array()
    chosen = windows[key]
    assert isinstance(chosen, Windows)
    np.testing.assert_array_equal(chosen, array[key])
    by_name = np.broadcast_to(np.arange(3), array.shape)[key]
    by_row = np.broadcast_to(np.arange(12)[:, None, None], array.shape)[key]
    assert list(chosen.index) == list(windows.index[by_row[:, 0, 0]])
    if len(chosen):
        assert list(chosen.names) == [NAMES[i] for i in by_name[0, 0]]


OTHER_KEYS = {
    "a row": np.s_[3],
    "a channel": np.s_[:, :, 1],
    "a step": np.s_[:, -1],
    "every second step": np.s_[:, ::2],
    "a new axis": np.s_[None],
    "pairs": np.s_[[0, 1], [2, 3]],
    "a mask of values": np.s_[np.arange(144).reshape(12, 4, 3) % 5 == 0],
}


@pytest.mark.parametrize("key", OTHER_KEYS.values(), ids=OTHER_KEYS)
def test_other_keys_give_plain_arrays(key):
    windows, array = windows_and_array()
    assert not isinstance(windows[key], Windows)
    np.testing.assert_array_equal(windows[key], array[key])


@given(st.data())
def test_every_basic_key_selects_as_of_an_array(data):
    windows, array = windows_and_array()
    key = data.draw(basic_indices(array.shape, allow_newaxis=True))
    np.testing.assert_array_equal(np.asarray(windows[key]), array[key])


def test_operations_give_plain_arrays():
    windows, array = windows_and_array()
    for result, expected in (
        (windows + 1, array + 1),
        (2 * windows, 2 * array),
        (np.log1p(np.abs(windows)), np.log1p(np.abs(array))),
        (windows == windows, array == array),
        (np.add.reduce(windows, axis=1), array.sum(axis=1)),
        (windows.mean(axis=1), array.mean(axis=1)),
        (windows.reshape(12, -1), array.reshape(12, -1)),
        (np.concatenate([windows, windows]), np.concatenate([array, array])),
        (np.delete(windows, 0, axis=2), np.delete(array, 0, axis=2)),
    ):
        assert type(result) is np.ndarray
        np.testing.assert_array_equal(result, expected)
    with pytest.raises(AttributeError, match="Windows has no attribute 'iloc'"):
        windows.iloc  # noqa: B018
    with pytest.raises(TypeError, match="item assignment"):
        windows[0] = 1
    with pytest.raises(
        TypeError, match=r"cannot be changed in place: copy by np\.array"
    ):
        windows -= 1.0


def out_of_band(windows):
    """Rebuild windows as Dask and Ray do: buffers beside the pickle, read-only."""
    buffers = []
    content = pickle.dumps(windows, protocol=5, buffer_callback=buffers.append)
    return pickle.loads(content, buffers=[bytes(buffer) for buffer in buffers])


@pytest.mark.parametrize(
    "rebuild",
    [
        lambda windows: pickle.loads(pickle.dumps(windows)),
        out_of_band,
        copy.copy,
        copy.deepcopy,
    ],
    ids=["pickle", "buffers", "copy", "deepcopy"],
)
@pytest.mark.parametrize("key", [np.s_[:], np.s_[4:, :, ::-1], np.s_[[5, 0]]])
def test_windows_survive_a_rebuild(rebuild, key):
    windows = windows_and_array()[0][key]
    again = rebuild(windows)
    np.testing.assert_array_equal(again, windows)
    assert list(again.names) == list(windows.names)
    pd.testing.assert_index_equal(again.index, windows.index)


def test_a_pickle_holds_the_rows_and_not_each_window():
    index = pd.date_range("2020", periods=10_000, freq="h")
    rows = np.random.default_rng(0).normal(size=(10_000, 7))
    X = pd.DataFrame(rows, index=index, columns=list("abcdefg"))
    windows = SlidingWindow(96).fit_transform(X)
    assert len(pickle.dumps(windows)) < 1.25 * rows.nbytes
    assert len(pickle.dumps(windows[5000:])) < 0.65 * rows.nbytes


def test_a_worker_maps_the_rows_from_a_file(tmp_path):
    windows, array = windows_and_array(n=100)
    joblib.dump(windows, tmp_path / "windows")
    again = joblib.load(tmp_path / "windows", mmap_mode="r")
    assert isinstance(again.rows, np.memmap)
    np.testing.assert_array_equal(again, array)


@pytest.mark.parametrize(
    "key", [np.arange(3, 9), [0, 4, 1], np.arange(12) < 5, slice(2, 6)]
)
def test_scikit_learn_takes_rows(key):
    windows, array = windows_and_array()
    taken = _safe_indexing(windows, key)
    np.testing.assert_array_equal(taken, array[key])
    assert list(taken.names) == NAMES


def test_a_search_scores_windows_as_arrays():
    X, y = levels()
    cv = TimeSeriesSplit(2)
    windows = SlidingWindow(5).fit_transform(X)
    scores = [
        GridSearchCV(lstm(), {"lr": [1e-3, 1e-2]}, cv=cv)
        .fit(part, y)
        .cv_results_["mean_test_score"]
        for part in (windows, np.array(windows))
    ]
    np.testing.assert_array_equal(*scores)


def test_windows_around_a_hole_count_each_row_once():
    X, y = levels()
    windows = SlidingWindow(5).fit_transform(X)
    train, _ = list(KFold(3).split(windows))[1]
    net = lstm().fit(windows[train], y.iloc[train])
    used = np.unique(train[train >= 4][:, None] + np.arange(-4, 1))
    np.testing.assert_allclose(net._spec.channels.mean, X.iloc[used].mean())


def test_names_reach_a_net_through_a_step_that_drops_a_channel():
    X, _ = levels()
    X["tram"] = X["rail"] + X["bus"]
    y = X["bus"].shift(-1, fill_value=1.0)

    def fitted(drop, **params):
        net = LSTMRegressor(
            hidden_sizes=(4,), max_epochs=2, window_norm="last", random_state=0
        ).set_params(**params)
        pipe = make_pipeline(SlidingWindow(5), FunctionTransformer(drop), net)
        return pipe.fit(X, y)

    pipe = fitted(lambda windows: windows[:, :, 1:], target_channels="bus")
    assert list(pipe[-1].feature_names_in_) == ["bus", "tram"]
    expected = fitted(lambda windows: windows[:, :, 1:], target_channels=0)
    np.testing.assert_array_equal(pipe.predict(X), expected.predict(X))
    swapped = fitted(lambda windows: windows[..., [2, 1]], target_channels="bus")
    expected = fitted(lambda windows: windows[..., [2, 1]], target_channels=1)
    np.testing.assert_array_equal(swapped.predict(X), expected.predict(X))


def test_channels_in_another_order_are_an_error():
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=[*"ab"])
    windows = SlidingWindow(3).fit_transform(rows)
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=1, random_state=0)
    net.fit(windows, rows["a"])
    expected = net.predict(windows[5:])
    np.testing.assert_array_equal(net.predict(np.asarray(windows[5:])), expected)
    for other in (rows[["b", "a"]], rows.set_axis([*"ac"], axis=1)):
        with pytest.raises(ValueError, match=r"give the channels \['a', 'b'\] in this"):
            net.predict(SlidingWindow(3).fit_transform(other)[5:])


@pytest.mark.parametrize(
    "drop",
    [
        lambda windows: np.delete(windows, 0, axis=2),
        lambda windows: np.array(windows)[:, :, 1:],
        lambda windows: windows[:, :, 1:] * 1.0,
    ],
)
def test_a_step_that_loses_the_names_is_an_error_for_names(drop):
    X, y = levels()
    net = WindowMLPRegressor(window_norm="last", target_channels="bus")
    pipe = make_pipeline(SlidingWindow(5), FunctionTransformer(drop), net)
    with pytest.raises(
        ValueError, match=r"'bus', which is not a channel of X.*without"
    ):
        pipe.fit(X, y)


def test_rows_for_a_net_of_windows_name_the_pipeline():
    X, y = levels()
    net = WindowMLPRegressor(hidden_sizes=(2,), max_epochs=1, random_state=0)
    net.fit(SlidingWindow(5).fit_transform(X), y)
    message = r"X has rows, .* fitted to windows: .* shape \(n, 5, 2\)\.$"
    for rows in (X, X.to_numpy(), np.zeros((3, 5))):
        with pytest.raises(ValueError, match=message):
            net.predict(rows)
