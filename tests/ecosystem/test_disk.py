"""Rows in files of zarr and h5py, and of Dask, that are read in parts."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from sktsdl import LSTMRegressor, SlidingWindow
from sktsdl._windows import disk_rows, disk_source
from sktsdl._windows.disk_rows import DiskRows

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def as_zarr(rows, path):
    zarr = pytest.importorskip("zarr")
    array = zarr.create_array(
        str(path / "rows.zarr"), shape=rows.shape, chunks=(7, 2), dtype=rows.dtype
    )
    array[:] = rows
    return zarr.open_array(str(path / "rows.zarr"), mode="r")


def as_h5py(rows, path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path / "rows.h5", "w") as file:
        file.create_dataset("rows", data=rows, chunks=(7, 2), compression="gzip")
    return h5py.File(path / "rows.h5", "r")["rows"]


def as_h5py_without_chunks(rows, path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path / "rows.h5", "w") as file:
        file.create_dataset("rows", data=rows)
    return h5py.File(path / "rows.h5", "r")["rows"]


def as_dask(rows, path):
    dask_array = pytest.importorskip("dask.array")
    return dask_array.from_array(rows, chunks=(7, 2))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
@pytest.mark.parametrize("make", [as_zarr, as_h5py, as_h5py_without_chunks, as_dask])
def test_a_net_is_the_same_as_of_rows_in_memory(make, dtype, tmp_path, monkeypatch):
    monkeypatch.setattr(disk_source, "LEAST_BYTES", 0)
    monkeypatch.setattr(disk_rows, "N_READ", 60)
    rng = np.random.default_rng(0)
    X = (10 * rng.normal(size=(150, 3)).cumsum(axis=0)).astype(dtype)
    y = X[:, 0] + rng.normal(size=len(X))
    rows = make(X, tmp_path)
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=2, random_state=0)
    inside = make_pipeline(SlidingWindow(6), net).fit(X, y)
    expected = inside.predict(X)
    model = make_pipeline(SlidingWindow(6), net).fit(rows, y)
    assert isinstance(model[0].transform(rows).rows, DiskRows)
    np.testing.assert_allclose(model.predict(rows), expected, rtol=1e-6)
    np.testing.assert_allclose(model.predict(rows[140:]), model.predict(X[140:]))


@pytest.mark.parametrize("make", [as_zarr, as_h5py, as_dask])
def test_small_arrays_are_read_as_a_whole(make, tmp_path):
    rows = np.random.default_rng(0).normal(size=(40, 2))
    windows = SlidingWindow(6).fit_transform(make(rows, tmp_path))
    assert type(windows.rows) is np.ndarray


@pytest.mark.parametrize("make", [as_zarr, as_h5py, as_dask])
def test_a_bad_value_is_named(make, tmp_path, monkeypatch):
    monkeypatch.setattr(disk_source, "LEAST_BYTES", 0)
    monkeypatch.setattr(disk_rows, "N_READ", 60)
    rows = np.random.default_rng(0).normal(size=(90, 3))
    rows[71, 1] = np.inf
    with pytest.raises(ValueError, match="infinity in row 71, column 1"):
        SlidingWindow(6).fit(make(rows, tmp_path))
