"""Containers and types of rows, and indexes, of other packages."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from sktsdl import SlidingWindow, make_supervised
from tests.ecosystem.models import TEST, TRAIN, X, Y, fitted, net, pipeline
from tests.pages import ROOT

ROWS = X.to_numpy(copy=True)
ARROW = "ignore::DeprecationWarning"


def as_polars(rows):
    polars = pytest.importorskip("polars")
    return polars.DataFrame({"rail": rows[:, 0], "bus": rows[:, 1]})


def as_narwhals(rows):
    narwhals = pytest.importorskip("narwhals")
    return narwhals.from_native(as_polars(rows))


def as_arrow(rows):
    arrow = pytest.importorskip("pyarrow")
    return arrow.table({"rail": rows[:, 0], "bus": rows[:, 1]})


def as_pandas(rows, dtype=None):
    return pd.DataFrame(rows, columns=["rail", "bus"], dtype=dtype)


def as_arrow_backed(rows):
    pytest.importorskip("pyarrow")
    return as_pandas(rows).convert_dtypes(dtype_backend="pyarrow")


def as_memmap(rows, path):
    mapped = np.memmap(path / f"{len(rows)}", dtype=float, mode="w+", shape=rows.shape)
    mapped[:] = rows
    return mapped


def as_zarr(rows, path):
    return pytest.importorskip("zarr").array(rows)


def as_h5py(rows, path):
    h5py = pytest.importorskip("h5py")
    file = h5py.File(path / f"{len(rows)}.h5", "w")
    return file.create_dataset("rows", data=rows)


def as_xarray(rows):
    xarray = pytest.importorskip("xarray")
    return xarray.DataArray(rows, dims=("time", "channel"))


CONTAINERS = {
    "polars": as_polars,
    "narwhals": as_narwhals,
    "pyarrow": as_arrow,
    "nullable": lambda rows: as_pandas(rows, "Float64"),
    "arrow-backed": as_arrow_backed,
    "object": lambda rows: as_pandas(rows, object),
    "list": lambda rows: rows.tolist(),
    "tensor": torch.tensor,
    "xarray": as_xarray,
}
FILES = {"memmap": as_memmap, "zarr": as_zarr, "h5py": as_h5py}


def check_as_array(train, test, rtol=0.0):
    model = pipeline().fit(train, Y[TRAIN].to_numpy())
    expected = pipeline().fit(ROWS[TRAIN], Y[TRAIN].to_numpy()).predict(ROWS[TEST])
    np.testing.assert_allclose(model.predict(test), expected, rtol=rtol)


@pytest.mark.filterwarnings(ARROW)
@pytest.mark.parametrize("container", CONTAINERS)
def test_containers_are_as_arrays(container):
    convert = CONTAINERS[container]
    check_as_array(convert(ROWS[TRAIN]), convert(ROWS[TEST]))


@pytest.mark.parametrize("container", FILES)
def test_files_are_as_arrays(container, tmp_path):
    convert = FILES[container]
    check_as_array(convert(ROWS[TRAIN], tmp_path), convert(ROWS[TEST], tmp_path))


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-4), ("float16", 5e-3)])
def test_short_floats(dtype, rtol):
    rows = ROWS.astype(dtype)
    check_as_array(rows[TRAIN], rows[TEST], rtol)


@pytest.mark.parametrize("dtype", [int, bool, "Int64", "boolean"])
def test_whole_numbers(dtype):
    whole = as_pandas((ROWS > 1).astype(int))
    model = pipeline().fit(whole.astype(dtype)[TRAIN], Y[TRAIN].to_numpy())
    expected = pipeline().fit(whole.astype(float)[TRAIN], Y[TRAIN].to_numpy())
    np.testing.assert_array_equal(
        model.predict(whole.astype(dtype)[TEST]), expected.predict(whole[TEST])
    )


TENSORS = """
import numpy as np
import torch
from sklearn import config_context
from tests.ecosystem.models import TEST, TRAIN, X, Y, pipeline

rows, target = X.to_numpy(), Y.to_numpy()
expected = pipeline().fit(rows[TRAIN], target[TRAIN]).predict(rows[TEST])
rows, target = torch.tensor(rows), torch.tensor(target)
with config_context(array_api_dispatch=True):
    forecasts = pipeline().fit(rows[TRAIN], target[TRAIN]).predict(rows[TEST])
np.testing.assert_array_equal(np.asarray(forecasts), expected)
"""


def test_tensors_under_the_array_interface():
    # SciPy reads its setting when it is imported.
    root = {"SCIPY_ARRAY_API": "1", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", TENSORS], check=True, env=os.environ | root)


def test_missing_values_of_pandas():
    rows = as_pandas(ROWS, object)
    rows.iloc[0] = pd.NA
    expected = as_pandas(ROWS.copy())
    expected.iloc[0] = np.nan
    np.testing.assert_array_equal(
        pipeline().fit(rows[TRAIN], Y[TRAIN].to_numpy()).predict(rows[TEST]),
        pipeline().fit(expected[TRAIN], Y[TRAIN].to_numpy()).predict(expected[TEST]),
    )


# Columns of dates and of text


def test_supervised_rows_of_a_polars_frame():
    polars = pytest.importorskip("polars")
    series = X.rename_axis("date").reset_index()
    frame = polars.DataFrame({name: series[name].to_numpy() for name in series})
    parts = make_supervised(frame, target="rail", horizon=2, time="date")
    expected = make_supervised(X, target="rail", horizon=2)
    for part, of_pandas in zip(parts, expected, strict=True):
        pd.testing.assert_frame_equal(
            part, of_pandas, check_names=False, check_freq=False, check_index_type=False
        )
    rows, y, latest = parts
    assert pipeline().fit(rows, y).predict(latest).shape == (2, 2)


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_a_column_of_dates_is_refused_by_name(package):
    dated = X.assign(date=X.index).reset_index(drop=True)
    if package == "polars":
        polars = pytest.importorskip("polars")
        dated = polars.DataFrame({name: dated[name].to_numpy() for name in dated})
    with pytest.raises((TypeError, ValueError), match="'date'"):
        pipeline().fit(dated, Y.to_numpy())


@pytest.mark.parametrize("dtype", [object, "category"])
def test_a_column_of_text_needs_an_encoder(dtype):
    days = X.index.day_name()
    rows = X.assign(day=pd.Series(days, index=X.index, dtype=dtype))
    with pytest.raises(ValueError, match="day"):
        pipeline().fit(rows, Y)
    encoder = OrdinalEncoder(dtype=int).set_output(transform="pandas")
    coded = rows.assign(day=encoder.fit_transform(rows[["day"]]))
    model = pipeline(net(categorical_features=["day"])).fit(coded, Y)
    category = coded.astype({"day": "category"})
    again = pipeline(net(categorical_features=["day"])).fit(category, Y)
    np.testing.assert_array_equal(again.predict(category), model.predict(coded))


# Indexes


@pytest.mark.filterwarnings(ARROW)
def test_arrow_timestamps_are_a_time_index():
    arrow = pytest.importorskip("pyarrow")
    stamps = X.index.astype(pd.ArrowDtype(arrow.timestamp("ns")))
    rows = X.set_axis(stamps)
    model = pipeline().fit(rows[TRAIN], Y[TRAIN])
    np.testing.assert_array_equal(model.predict(rows[TEST]), fitted().predict(X[TEST]))
    with pytest.warns(UserWarning, match="gap"):
        model.predict(rows[100:])


def test_dates_as_text_give_a_warning():
    rows = X.set_axis(X.index.strftime("%Y-%m-%d"))
    with pytest.warns(UserWarning, match="to_datetime"):
        pipeline().fit(rows, Y)


def test_daylight_saving_is_no_gap():
    hours = pd.date_range("2019-03-29", periods=120, freq="h", tz="Europe/Berlin")
    model = pipeline().fit(X[TRAIN].set_axis(hours[TRAIN]), Y[TRAIN])
    np.testing.assert_array_equal(
        model.predict(X[TEST].set_axis(hours[TEST])), fitted().predict(X[TEST])
    )


def test_a_target_is_taken_by_position():
    shifted = Y[TRAIN].set_axis(X.index[10:100])
    model = pipeline().fit(X[TRAIN], shifted)
    np.testing.assert_array_equal(model.predict(X[TEST]), fitted().predict(X[TEST]))


def test_a_wide_panel_has_columns_of_two_levels():
    wide = pd.concat({"north": X, "south": 2 * X}, axis=1)
    model = pipeline().fit(wide[TRAIN], Y[TRAIN])
    expected = pipeline().fit(wide[TRAIN].to_numpy(), Y[TRAIN])
    np.testing.assert_array_equal(
        model.predict(wide[TEST]), expected.predict(wide[TEST].to_numpy())
    )


def test_rows_of_several_series():
    panel = pd.concat({"north": X, "south": X})
    model = pipeline().fit(panel, np.tile(Y, 2))
    north, south = np.split(model.predict(panel), 2)
    np.testing.assert_array_equal(north, south)


# What is refused


@pytest.mark.filterwarnings("ignore:Determining the .* of a LazyFrame")
def test_containers_that_are_no_table():
    polars = pytest.importorskip("polars")
    xarray = pytest.importorskip("xarray")
    lazy = as_polars(ROWS).lazy()
    dataset = xarray.Dataset({"rail": ("time", ROWS[:, 0])})
    assert isinstance(lazy, polars.LazyFrame)
    for rows in (lazy, dataset, X["rail"]):
        with pytest.raises((TypeError, ValueError)):
            make_pipeline(SlidingWindow(3), net()).fit(rows, Y)
