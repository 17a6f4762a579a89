"""make_supervised: from a series to `X` and `y`."""

import datetime as dt
import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

import sktsdl
from sktsdl import (
    RatioLogScaler,
    SlidingWindow,
    WindowMLPRegressor,
    make_supervised,
)

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


@pytest.mark.parametrize(
    ("n_after", "n_known", "is_warned"), [(2, 2, False), (3, 3, False), (3, 2, True)]
)
def test_rows_behind_the_last_target_are_the_horizon_of_known_columns(
    n_after, n_known, is_warned
):
    data = FRAME[["rail", "bus"]].astype(float)
    data.iloc[-n_after:, 0] = np.nan
    data.iloc[len(data) - n_after + n_known :, 1] = np.nan
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
            r"index of data does not increase at row 1 \(2019-05-09 .*"
            r"sort the rows by time \(`data\.sort_index\(\)`\)",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            make_supervised(FRAME.set_axis(index), target="rail")


def test_a_column_of_times_out_of_order_is_to_be_sorted_by():
    newest_first = FRAME[::-1].rename_axis("date").reset_index()
    message = r"^The column 'date' of data does not.* 1.*`data\.sort_values\('date'\)`"
    with pytest.raises(ValueError, match=message):
        make_supervised(newest_first, target="rail", time="date")
    text = newest_first.assign(date=newest_first["date"].dt.strftime("%d %b %Y"))
    with pytest.raises(ValueError, match=r"`data\.sort_values\('date', key=pd\.to_d"):
        make_supervised(text, target="rail", time="date")
    in_order = newest_first.sort_values("date")
    assert make_supervised(in_order, target="rail", time="date")[1].iloc[0] == 1


def test_a_missing_row_warns():
    with pytest.warns(UserWarning, match="longer than usual"):
        make_supervised(FRAME.drop(DAYS[4]), target="rail")


def as_columns(frame):
    """The index as a first column, `date`."""
    return frame.rename_axis("date").reset_index()


def as_polars(frame):
    return pl.DataFrame({name: frame[name].to_numpy() for name in frame.columns})


FRAMES = {
    "a column of dates": as_columns,
    "text": lambda frame: as_columns(frame).astype({"date": str}),
    "polars": lambda frame: as_polars(as_columns(frame)),
    "dates of polars": lambda frame: as_polars(as_columns(frame)).with_columns(
        pl.col("date").cast(pl.Date)
    ),
    "text of polars": lambda frame: as_polars(as_columns(frame)).with_columns(
        pl.col("date").dt.to_string("%Y-%m-%d")
    ),
}


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("horizon", [1, 2])
def test_a_column_of_times_becomes_the_index(kind, horizon):
    params = {"target": "rail", "horizon": horizon, "known_future": ["bus"]}
    numbers = FRAME[["rail", "bus"]]
    parts = make_supervised(FRAMES[kind](numbers), time="date", **params)
    expected = make_supervised(numbers.rename_axis("date"), **params)
    for part, right in zip(parts, expected, strict=True):
        assert list(part.index) == list(right.index)
        assert part.index.name == "date"
        np.testing.assert_array_equal(part, right)
        assert np.all(part.dtypes == right.dtypes)


def test_a_polars_frame_keeps_time_zones_numbers_and_missing_values():
    zone = "Europe/Paris"
    hours = pd.date_range("2024-03-30 20:00", periods=12, freq="h", tz=zone)
    stamps = pl.Series(hours.tz_convert("UTC").tz_localize(None).to_numpy())
    when = stamps.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    frame = pl.DataFrame({"when": when, "rail": range(12), "bus": [None] * 12})
    X, _, X_latest = make_supervised(frame, target="rail", time="when")
    assert list(X.index.append(X_latest.index)) == list(hours)
    assert X["rail"].dtype == np.int64
    assert X["bus"].isna().all()


def test_a_polars_frame_without_times_is_numbered():
    frame = as_polars(FRAME[["rail", "bus"]])
    X, y, _ = make_supervised(frame, target=["rail", "bus"])
    pd.testing.assert_index_equal(X.index, pd.RangeIndex(9))
    assert y.iloc[0].tolist() == [1, 101]


@pytest.mark.parametrize("text", ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y"])
def test_text_that_can_be_read_both_ways_is_an_error(text):
    data = as_columns(FRAME[["rail"]])  # the first ten days of May
    dates = data["date"].dt.strftime(text)
    with pytest.raises(ValueError, match=r"'0[15].*both ways: convert"):
        make_supervised(data.assign(date=dates), target="rail", time="date")
    later = data["date"] + pd.Timedelta(days=15)
    X, _, _ = make_supervised(
        data.assign(date=later.dt.strftime(text)), target="rail", time="date"
    )
    assert list(X.index) == list(later[:9])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"time": "dat"}, "'dat' is not a column of data: it has \\['date'"),
        ({"time": ["date"]}, "is a list: name one column"),
        ({"time": "kind"}, "time='kind' holds text that is not a date"),
        ({"target": "date", "time": "date"}, "^'date' is both target and time"),
        ({"target": ["date"], "time": "date"}, "^'date' is both target and time"),
        (
            {"known_future": ["date"], "time": "date"},
            "^'date' is both known_future and time: .* name another column as known",
        ),
        (
            {"known_future": np.array(["rail", "date"]), "time": "date"},
            "^'date' is both known_future and time",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["a column of dates", "polars"])
def test_a_bad_column_of_times(params, message, kind):
    data = FRAMES[kind](FRAME[["rail"]].assign(kind="tram"))
    with pytest.raises(ValueError, match=message):
        make_supervised(data, **{"target": "rail"} | params)


UNCERTAIN = {
    "two digits, the year first": (
        ["20-01-13", "20-01-14", "20-01-15"],
        r"'20-01-13' in row 0, whose year, month and day can be read in more than one "
        r"way: convert the column by `pd.to_datetime` with `format`",
    ),
    "two digits, the year last": (
        ["13/05/20", "14/05/20", "15/05/20"],
        r"'13/05/20' in row 0, whose year, month and day",
    ),
    "two digits in a row": (
        ["200113", "200114", "200115"],
        r"'200113' in row 0, whose year, month and day",
    ),
    "both ways": (
        ["30/12/2019", "31/12/2019", "01/01/2020"],
        None,  # the first says that days come first
    ),
    "both ways, but not the first": (
        ["11/11/2019", "12/11/2019", "01/12/2019"],
        r"'12/11/2019' in row 1, whose day and month can be read both ways",
    ),
    "clock": (["10:00", "11:00", "12:00"], r"'10:00' in row 0, which has no date"),
    "seconds": (["9:00:00", "9:00:01", "9:00:02"], r"'9:00:00' .* has no date"),
    "afternoon": (["1:00 pm", "2:00 PM", "3pm"], r"'1:00 pm' .* has no date"),
    "one clock": (["2019-05-01", "10:00", "11:00"], r"'10:00' in row 1, .* no date"),
    "times": ([dt.time(1), dt.time(2), dt.time(3)], r"in row 0, which has no date"),
    "no year": (["5 Jan", "6 Jan", "7 Jan"], r"'5 Jan' in row 0, which has no year"),
    "no date": (["2019-05-01", "x", "y"], r"form of row 0, 'x' in .*errors='coerce'"),
    "two forms": (["2019-05-01", "2 May 2019", "3 May 2019"], r"form of row 0, '2 May"),
    "offsets": (
        ["2019-03-31T01:00+01:00", "2019-03-31T03:00+02:00", "2019-03-31T04:00+02:00"],
        r"several offsets from UTC: convert .* `utc=True`",
    ),
    "whole numbers": (
        [20190530, 20190531, 20190601],
        r"whole numbers, such as 20190530: convert the column by "
        r"`pd.to_datetime\(data\['date'\]\.astype\(str\), format='%Y%m%d'\)`",
    ),
    "floats": (
        [20190530.0, 20190531.0, 20190601.0],
        r"to_datetime\(data\['date'\]\.astype\(int\)\.astype",
    ),
}


@pytest.mark.parametrize("as_category", [False, True])
@pytest.mark.parametrize("kind", UNCERTAIN)
def test_times_that_may_be_others_are_an_error(kind, as_category):
    times, message = UNCERTAIN[kind]
    data = pd.DataFrame({"date": times, "rail": range(3)})
    if as_category:
        data["date"] = data["date"].astype("category")
    if message is None:
        X, _, _ = make_supervised(data, target="rail", time="date")
        assert list(X.index) == [pd.Timestamp("2019-12-30"), pd.Timestamp("2019-12-31")]
        return
    with pytest.raises(ValueError, match=f"^time='date' holds .*{message}") as caught:
        make_supervised(data, target="rail", time="date")
    assert len(str(caught.value).splitlines()) == 1


CERTAIN = {
    "names of months": ["05-May-19", "06-May-19", "07-May-19"],
    "points": ["25.05.19", "26.05.19", "27.05.19"],
    "month first": ["05/25/19", "05/26/19", "05/27/19"],
    "compact": ["20190505", "20190506", "20190507"],
    "day and clock": ["2019-05-05 10:00", "2019-05-06 10:00", "2019-05-07 10:00"],
    "years": ["2017", "2018", "2019"],
    "months": ["2019-05", "2019-06", "2019-07"],
}


@pytest.mark.parametrize("kind", CERTAIN)
def test_text_with_one_meaning_is_read(kind):
    data = pd.DataFrame({"date": CERTAIN[kind], "rail": range(3)})
    X, _, X_latest = make_supervised(data, target="rail", time="date")
    steps = np.diff(X.index.append(X_latest.index)) / np.timedelta64(1, "D")
    is_days = kind not in ("years", "months")
    assert set(steps) <= ({1} if is_days else {30, 31, 365})
    assert X.index[0].year == (2017 if kind == "years" else 2019)


def test_numbers_that_are_no_dates_stay_numbers():
    for numbers in ([1, 2, 3], [2017, 2018, 2019], [20191301, 20191302, 20191303]):
        data = pd.DataFrame({"date": numbers, "rail": range(3)})
        X, _, _ = make_supervised(data, target="rail", time="date")
        assert list(X.index) == numbers[:2]


def test_no_rows_are_too_few():
    for dtype in (str, object, "datetime64[ns]", int):
        data = pd.DataFrame({"date": pd.Series(dtype=dtype), "rail": pd.Series()})
        with pytest.raises(ValueError, match="data has 0 rows up to the last"):
            make_supervised(data, target="rail", time="date")


def test_a_lazy_frame_is_to_be_collected():
    lazy = FRAMES["polars"](FRAME[["rail"]]).lazy()
    with pytest.raises(TypeError, match=r"^data is a LazyFrame.*`data\.collect\(\)`"):
        make_supervised(lazy, target="rail", time="date")
    for step in (SlidingWindow(2), WindowMLPRegressor()):
        with pytest.raises(TypeError, match=r"^X is a LazyFrame.*`X\.collect\(\)`"):
            step.fit(lazy, range(10))


@pytest.mark.parametrize("kind", ["a column of dates", "text", "polars", "numbers"])
def test_a_missing_time_is_named(kind):
    numbers = FRAME[["rail"]].set_axis(np.arange(10.0))
    data = as_columns(numbers) if kind == "numbers" else FRAMES[kind](FRAME[["rail"]])
    message = (
        "^The column 'date' of data has a missing time in row {}: fill it, or drop"
    )
    for row in (0, 4):
        if kind == "polars":
            is_row = pl.int_range(pl.len()) == row
            bad = data.with_columns(date=pl.when(~is_row).then("date"))
        else:
            bad = data.copy()
            bad.loc[row, "date"] = None
        with pytest.raises(ValueError, match=message.format(row)):
            make_supervised(bad, target="rail", time="date")
    if kind == "text":
        data.loc[3, "date"] = ""
        with pytest.raises(ValueError, match=message.format(3)):
            make_supervised(data, target="rail", time="date")


def two_levels():
    names = [("Close", "TSLA"), ("Close", "AAPL"), ("Volume", "TSLA")]
    values = np.arange(30.0).reshape(10, 3)
    columns = pd.MultiIndex.from_tuples(names)
    return pd.DataFrame(values, index=DAYS, columns=columns)


@pytest.mark.parametrize("target", [("Close", "TSLA"), [("Close", "TSLA")]])
def test_a_column_of_several_levels(target):
    X, y, _ = make_supervised(
        two_levels(), target=target, horizon=2, known_future=[("Volume", "TSLA")]
    )
    ahead = [("Volume", "TSLA+1"), ("Volume", "TSLA+2")]
    assert list(X.columns) == [*two_levels().columns, *ahead]
    assert list(y.columns) == [("Close", "TSLA+1"), ("Close", "TSLA+2")]
    np.testing.assert_array_equal(y.iloc[0], [3, 6])


def test_the_first_level_names_a_column_if_it_is_the_only_one():
    _, y, _ = make_supervised(two_levels(), target="Volume")
    assert (y.name, y.iloc[0]) == (("Volume", "TSLA+1"), 5)
    with pytest.raises(ValueError, match=r"names 2 columns .*\('Close', 'TSLA'\)"):
        make_supervised(two_levels(), target="Close")


def test_names_that_are_numbers_are_of_one_kind():
    data = pd.DataFrame(np.arange(40.0).reshape(20, 2))
    X, y, X_latest = make_supervised(data, target=0, known_future=[1])
    assert (list(X.columns), y.name) == (["0", "1", "1+1"], "0+1")
    assert LinearRegression().fit(X, y).predict(X[-1:]) == pytest.approx(38)
    assert list(X_latest.columns) == list(X.columns)
    plain, _, _ = make_supervised(data, target=0)
    assert list(plain.columns) == [0, 1]


@pytest.mark.parametrize("steps", [[SlidingWindow(2)], [RatioLogScaler()], []])
def test_a_missing_value_that_is_known_ahead_says_where_it_belongs(steps):
    net = WindowMLPRegressor(hidden_sizes=(2,), max_epochs=1)
    data = (FRAME[["rail", "bus"]] + 1.0).reset_index(drop=True)
    if steps and isinstance(steps[0], RatioLogScaler):
        steps = [*steps, SlidingWindow(2)]
    X, y, X_latest = make_supervised(
        data, target="rail", horizon=2, known_future=["bus"]
    )
    model = make_pipeline(*steps, net).fit(X, y)
    message = r"'bus\+(\d)': this is 'bus' \1 rows? later, so append rows .* data of"
    with pytest.raises(ValueError, match=message):
        model.predict(X_latest)
    later = pd.DataFrame({"rail": np.nan, "bus": [111.0, 112.0]})
    full = pd.concat([data, later], ignore_index=True)
    X_latest = make_supervised(full, target="rail", horizon=2, known_future="bus")[2]
    assert model.predict(X_latest).shape == (2, 2)


def test_a_forgotten_name_of_series_is_named_in_the_error():
    days = pd.date_range("2024-01-01", periods=3).tolist()
    table = pd.DataFrame(
        {
            "city": ["x", "x", "x", "x", "x", "x"],
            "shop": ["a", "a", "a", "b", "b", "b"],
            "day": 2 * days,
            "units": range(6),
        }
    )
    with pytest.raises(ValueError, match=r"name the columns of many series in `series"):
        make_supervised(table, target="units", time="day")
    with pytest.raises(ValueError, match=r"twice: .* name the series by more levels"):
        make_supervised(
            table.iloc[[0, 3, 1, 4]], target="units", time="day", series="city"
        )
    with pytest.raises(ValueError, match="goes back in time at row 1") as caught:
        make_supervised(
            table[::-1], target="units", time="day", series=["city", "shop"]
        )
    call = re.findall("`(.*?)`", str(caught.value))[0]
    good = eval(call, {"data": table[::-1]})
    make_supervised(good, target="units", time="day", series=["city", "shop"])


HOURS = pd.DataFrame(
    {"price": np.arange(48.0), "load": 100 + np.arange(48.0)},
    index=pd.date_range("2024-03-01", periods=48, freq="h", name="hour"),
)


def test_a_lead_leaves_out_the_next_rows():
    X, y, X_latest = make_supervised(HOURS, target="price", horizon=3, lead=5)
    assert list(y) == ["price+5", "price+6", "price+7"]
    assert len(X) == 48 - 7
    assert y.iloc[0].tolist() == [5, 6, 7]
    assert y.iloc[-1].tolist() == [45, 46, 47]
    assert X_latest.index.equals(HOURS.index[-7:])
    one, two = (make_supervised(HOURS, target="price", lead=n)[1] for n in (1, 2))
    assert (one.name, two.name) == ("price+1", "price+2")
    assert two.tolist() == list(range(2, 48))


def test_what_is_known_ahead_has_the_steps_of_the_lead():
    later = HOURS[["load"]].shift(6, freq="h").assign(load=-1.0).iloc[-6:]
    data = pd.concat([HOURS, later])
    X, _, X_latest = make_supervised(
        data, target="price", horizon=2, lead=5, known_future="load"
    )
    assert list(X) == ["price", "load", "load+5", "load+6"]
    assert X["load+5"].iloc[0] == 105
    assert X_latest.iloc[-1].tolist() == [47, 147, -1, -1]
    assert len(X_latest) == 6


def test_a_lead_of_many_series():
    data = pd.concat({"a": HOURS, "b": HOURS[:6] + 1000}, names=["zone"])
    with pytest.warns(UserWarning, match=r"'b' are left .* fewer than lead \+ horizon"):
        X, y, X_latest = make_supervised(data, target="price", horizon=2, lead=5)
    assert set(X.index.get_level_values("zone")) == {"a"}
    assert y.iloc[-1].tolist() == [46, 47]
    assert len(X_latest) == 6


@pytest.mark.parametrize(("lead", "error"), [(0, ValueError), (1.5, TypeError)])
def test_a_lead_is_a_whole_number_from_1(lead, error):
    with pytest.raises(error, match="lead"):
        make_supervised(HOURS, target="price", lead=lead)
    with pytest.raises(ValueError, match=r"48 rows .* fewer than lead \+ horizon = 50"):
        make_supervised(HOURS, target="price", lead=49)


def test_estimators_read_the_lead_from_the_names():
    X, y, X_latest = make_supervised(HOURS, target="price", horizon=2, lead=3)
    naive = sktsdl.SeasonalNaiveRegressor(4).fit(X, y)
    assert naive.predict(X_latest)[-1].tolist() == [46, 47]
    net = sktsdl.WindowMLPRegressor(hidden_sizes=(4,), max_epochs=2, random_state=0)
    purged = sktsdl.PurgedRegressor(net)
    model = make_pipeline(sktsdl.SlidingWindow(4), purged).fit(X, y)
    assert purged.purge == "auto"
    assert model[-1].regressor_.window_norm_ == "last"
    found = sktsdl.forecast(model, X_latest)
    assert found.index.tolist() == [
        pd.Timestamp("2024-03-03 02:00"),
        pd.Timestamp("2024-03-03 03:00"),
    ]
    relative = sktsdl.RelativeTargetRegressor(
        make_pipeline(sktsdl.SlidingWindow(4), net), relation="difference"
    )
    assert relative.fit(X, y).predict(X_latest).shape == (4, 2)


def test_none_stands_for_no_column():
    data = pd.DataFrame({"rail": range(9)}, pd.date_range("2020", periods=9))
    given = make_supervised(data, target="rail", known_future=None, calendar=None)
    for found, expected in zip(
        given, make_supervised(data, target="rail"), strict=True
    ):
        assert found.equals(expected)
    assert given[0].attrs == make_supervised(data, target="rail")[0].attrs
