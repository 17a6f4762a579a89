"""make_supervised: from a series to `X` and `y`."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from sktsdl import make_supervised

DAYS = pd.date_range("2019-05-01", periods=10, freq="D")
FRAME = pd.DataFrame(
    {"rail": range(10), "bus": range(100, 110), "day": list("WWAUWWWWWA")}, index=DAYS
)


def test_one_step_of_one_target_is_a_series():
    X, y, X_latest = make_supervised(FRAME, target="rail")
    pd.testing.assert_frame_equal(X, FRAME[:-1])
    pd.testing.assert_frame_equal(X_latest, FRAME[-1:])
    assert y.name == "rail+1"
    np.testing.assert_array_equal(y, range(1, 10))
    pd.testing.assert_index_equal(y.index, DAYS[:-1])


def test_several_steps_of_several_targets():
    X, y, X_latest = make_supervised(FRAME, target=["rail", "bus"], horizon=3)
    names = [f"{name}+{step}" for name in ("rail", "bus") for step in (1, 2, 3)]
    assert list(y.columns) == names
    assert y.iloc[6].tolist() == [7, 8, 9, 107, 108, 109]
    assert (len(X), len(y), len(X_latest)) == (7, 7, 3)
    assert set(y.dtypes) == {np.dtype("int64")}


def test_a_list_of_one_target_keeps_its_column():
    assert make_supervised(FRAME, target=["rail"])[1].shape == (9, 1)


def test_x_latest_ends_at_the_last_row_with_all_targets():
    data = FRAME[["rail", "bus"]].astype(float)
    data.iloc[-1, 1] = np.nan
    with pytest.warns(
        UserWarning, match=r"The last 1 rows of data.*2019-05-09"
    ) as caught:
        X, _, X_latest = make_supervised(data, target=["rail", "bus"])
    assert (len(X), X_latest.index[0]) == (8, DAYS[8])
    assert caught[0].filename == __file__


@pytest.mark.parametrize(("n_after", "is_warned"), [(2, False), (3, True)])
def test_rows_behind_the_last_target_are_the_horizon_of_known_columns(
    n_after, is_warned
):
    data = FRAME[["rail", "bus"]].astype(float)
    data.iloc[-n_after:, 0] = np.nan
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make_supervised(data, target="rail", horizon=2, known_future=["bus"])
    assert len(caught) == is_warned
    if is_warned:
        assert f"from row 6 ({DAYS[6]})" in str(caught[0].message)


def test_known_future_columns_are_carried_to_their_row():
    X, _, X_latest = make_supervised(
        FRAME, target="rail", horizon=2, known_future=["day"]
    )
    assert list(X.columns) == ["rail", "bus", "day", "day+1", "day+2"]
    assert X.iloc[1, 2:].tolist() == ["W", "A", "U"]
    assert X_latest["day+1"].isna().tolist() == [False, True]


def test_rows_after_the_last_known_target_give_known_future_values():
    ahead = pd.DataFrame(
        {"rail": np.nan, "bus": np.nan, "day": ["U", "W"]},
        index=pd.date_range("2019-05-11", periods=2, freq="D"),
    )
    data = pd.concat([FRAME.astype({"rail": float, "bus": float}), ahead])
    X, y, X_latest = make_supervised(
        data, target="rail", horizon=2, known_future=["day"]
    )
    assert (len(X), len(y)) == (8, 8)
    pd.testing.assert_index_equal(X_latest.index, DAYS[-2:])
    assert X_latest.iloc[-1].tolist() == [9, 109, "A", "U", "W"]


@pytest.mark.parametrize("horizon", [1, 3])
def test_arrays_and_frames_agree(horizon):
    numbers = FRAME[["rail", "bus"]]
    params = {"horizon": horizon, "known_future": [1]}
    arrays = make_supervised(numbers.to_numpy(float), target=0, **params)
    frames = make_supervised(
        numbers.astype(float), target="rail", horizon=horizon, known_future=["bus"]
    )
    for array, frame in zip(arrays, frames, strict=True):
        np.testing.assert_array_equal(array, frame)


def test_a_series_and_a_list():
    _, y, X_latest = make_supervised(FRAME["rail"], target="rail", horizon=2)
    assert (y.shape, X_latest.shape) == ((8, 2), (2, 1))
    assert make_supervised([1.0, 2.0, 4.0], target=0)[1].tolist() == [2.0, 4.0]


def test_the_last_row_is_the_forecast_from_now():
    X, y, X_latest = make_supervised(FRAME[["rail"]], target="rail", horizon=3)
    forecast = LinearRegression().fit(X, y).predict(X_latest)[-1]
    np.testing.assert_allclose(forecast, [10, 11, 12])


def test_a_missing_target_is_kept_as_nan():
    with_missing = FRAME["rail"].astype(float).where(FRAME["rail"] != 4).to_frame()
    _, y, _ = make_supervised(with_missing, target="rail")
    assert np.isnan(y.iloc[3])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"target": "tram"}, r"'tram' is not a column of data: it has \['rail'"),
        ({"target": "rail", "known_future": ["rain"]}, "'rain' is not a column"),
        ({"target": []}, "names no column"),
        ({"target": "rail", "known_future": "rail"}, "put the target into X"),
        ({"target": "rail", "horizon": 0}, "horizon == 0, must be >= 1"),
        ({"target": "rail", "horizon": 10}, "10 rows .* fewer than horizon"),
    ],
)
def test_bad_input(params, message):
    with pytest.raises(ValueError, match=message):
        make_supervised(FRAME, **params)


def test_no_known_target_is_an_error():
    with pytest.raises(ValueError, match="0 rows up to the last known target"):
        make_supervised(np.full((5, 1), np.nan), target=0)


def test_rows_out_of_order_are_an_error():
    for index, message in (
        (
            DAYS[::-1],
            r"does not increase at row 1 \(2019-05-09 .*sort the rows",
        ),
        (pd.MultiIndex.from_arrays([DAYS, DAYS]), r"X has a MultiIndex.*`X\.xs\("),
    ):
        with pytest.raises(ValueError, match=message):
            make_supervised(FRAME.set_axis(index), target="rail")


def test_a_missing_row_warns():
    with pytest.warns(UserWarning, match="longer than usual"):
        make_supervised(FRAME.drop(DAYS[4]), target="rail")
