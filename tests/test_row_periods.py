"""Which periods can be a row, and the times in them."""

import datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import TimeSeriesSplit

from sktsdl import backtest, forecast, make_supervised

BERLIN = "Europe/Berlin"
HOURS = pd.date_range("2021-03-01", periods=24 * 12, freq="h")


def frame(index):
    return pd.DataFrame({"price": np.arange(float(len(index)))}, index=index)


def supervised(index, row, **params):
    return make_supervised(frame(index), target="price", row=row, **params)


def fitted_times(index, row):
    """The times of a forecast of two rows, and the forecasts of the past."""
    X, y, X_latest = supervised(index, row, horizon=2)
    model = LinearRegression().fit(X, y)
    past = backtest(model, X, y, cv=TimeSeriesSplit(2, test_size=2))
    return forecast(model, X_latest).index, past


@pytest.mark.parametrize(
    ("index", "row"),
    [
        (HOURS, "D"),
        (HOURS, 24),
        (HOURS, 12),
        (HOURS, "12h"),
        (HOURS, pd.offsets.Hour(6)),
        (pd.date_range("2021-03-01", periods=480, freq="30min"), "D"),
        (pd.date_range("2021-03-01 00:30", periods=240, freq="h"), "D"),
        (pd.date_range("2021-03-01 06:00", periods=20, freq="12h"), "D"),
        (pd.date_range("2021-03-01", periods=70, freq="D"), "W"),
        (pd.date_range("2021-03-01", periods=70, freq="D"), 7),
        (pd.date_range("2021-03-03", periods=70, freq="D"), "W-TUE"),
        (pd.date_range("2021-03-01", periods=140, freq="12h").tz_localize(BERLIN), "W"),
        (HOURS.to_period("h"), "D"),
        (HOURS.to_period("h"), 24),
        (pd.period_range("2021-03-01", periods=70, freq="D"), "W"),
        (pd.timedelta_range("0h", periods=240, freq="h"), 24),
        (pd.Index(np.arange(240) * 0.5), 24),
        (pd.RangeIndex(240), 24),
    ],
    ids=str,
)
def test_forecasts_have_the_times_that_follow(index, row):
    n = len(index)
    found, past = fitted_times(index, row)
    times = index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
    last, step = times[-1], times[1] - times[0]
    assert found[0] == last + step
    assert found[-1] == last + len(found) * step
    assert found.is_unique
    own = pd.Series(np.arange(float(n)), index=times)
    np.testing.assert_array_equal(own[past["time"]], past["y_true"])


@pytest.mark.filterwarnings("ignore:The step in X")
def test_hours_of_business_days_have_true_times():
    days = pd.bdate_range("2021-03-01", periods=30)  # ends on a Friday
    index = days.repeat(24) + pd.to_timedelta(np.tile(np.arange(24), 30), unit="h")
    found, past = fitted_times(index, "D")
    monday = days[-1] + pd.Timedelta("3D")
    assert found.equals(pd.date_range(monday, periods=48, freq="h"))
    own = frame(index)["price"]
    np.testing.assert_array_equal(own[past["time"]], past["y_true"])


def test_a_missing_day_changes_no_other_times():
    index = HOURS[~HOURS.day.isin([8])]
    with pytest.warns(UserWarning, match="longer than usual"):
        X, y, _ = supervised(index, "D")
    past = backtest(LinearRegression(), X, y, cv=TimeSeriesSplit(2, test_size=4))
    own = frame(index)["price"]
    np.testing.assert_array_equal(own[past["time"]], past["y_true"])


@pytest.mark.parametrize(
    "row",
    ["24h", pd.Timedelta("1D"), datetime.timedelta(days=1), np.timedelta64(24, "h")],
)
def test_kinds_of_a_day(row):
    expected = supervised(HOURS, "D")
    for a, b in zip(expected, supervised(HOURS, row), strict=True):
        pd.testing.assert_frame_equal(a, b, check_freq=False)


def test_rows_of_half_days():
    X, _, X_latest = supervised(HOURS, "12h")
    assert list(X) == [f"price@{i:02}" for i in range(12)]
    assert X_latest.index[0] == pd.Timestamp("2021-03-12 12:00")
    np.testing.assert_array_equal(X_latest, [np.arange(276, 288)])


MONTHS = pd.date_range("2018-01", periods=48, freq="MS")
BUSINESS = pd.bdate_range("2021-03-01", periods=40)
EXCHANGE = HOURS[(HOURS.hour >= 9) & (HOURS.hour < 17)]


@pytest.mark.filterwarnings("ignore:The step in X")
@pytest.mark.parametrize(
    ("index", "row", "message"),
    [
        (
            BUSINESS,
            "W",
            r"row='W' needs .* after row 4 \(2021-03-05.*3 days .* not 1 d",
        ),
        (
            EXCHANGE,
            "D",
            r"row='D' needs .* after row 7 \(2021-03-01 16.*17:00:00 later",
        ),
        (HOURS[HOURS.hour != 3], "D", r"after row 2 .* 0 days 02:00:00 later, not 0"),
        (HOURS.append(pd.DatetimeIndex(["2021-03-13 00:30"])), "D", "row 288 .*00:30"),
        (BUSINESS, 5, r"row=5 needs equal steps.* row 4 \(2021-03-05.*is 3 days"),
        (MONTHS, 12, r"row=12 needs equal steps.* is 28 days .*leave out `row`"),
        (MONTHS.to_period("M"), 12, r"row=12 needs equal steps"),
        (HOURS.delete(30), 24, r"from row 29 \(2021-03-02 05.* is 0 days 02:00:00"),
        (pd.Index([0, 1, 2, 4]), 2, r"is 2 by the clock, not 1.*reset_index"),
        (MONTHS, "Y", "row='Y' gives periods that are not equally long"),
        (MONTHS, "YS", "row='YS' gives periods that are not equally long"),
        (HOURS, "M", "row='M' gives periods that are not equally long"),
        (HOURS, "MS", "row='MS' gives periods that are not equally long"),
        (HOURS, "QS", "row='QS' gives periods that are not equally long"),
        (HOURS, "B", "row='B' gives business days.*row='D'"),
        (HOURS, "7h", "row='7h' is not a day, a week or an even part of a day"),
        (HOURS, "2D", "row='2D' is not a day, a week or an even part of a day"),
        (HOURS, "2W", "row='2W' gives|row='2W' is not a day"),
    ],
    ids=str,
)
def test_periods_that_are_not_filled_evenly(index, row, message):
    with pytest.raises(ValueError, match=message) as error:
        supervised(index, row)
    assert "tz_convert" not in str(error.value)


@pytest.mark.parametrize("row", ["D", 24])
@pytest.mark.parametrize("field", ["hour", "minute"])
def test_calendar_columns_that_are_the_same_in_all_rows(row, field):
    with pytest.raises(ValueError, match=f"calendar has '{field}', which is the same"):
        supervised(HOURS, row, calendar=["month", field])


def test_calendar_columns_of_parts_of_days_and_of_weeks():
    X, _, _ = supervised(HOURS, "12h", calendar=["hour"])
    assert X["hour"].tolist()[:3] == [0, 12, 0]
    days = pd.date_range("2021-03-01", periods=70)
    with pytest.raises(ValueError, match="'dayofweek', which is the same"):
        supervised(days, "W", calendar=["dayofweek"])


# Clock changes


def local_hours(first, n_days, tz=BERLIN, freq="h"):
    ends = pd.DatetimeIndex([first, pd.Timestamp(first) + pd.Timedelta(n_days, "D")])
    first, last = ends.tz_localize(tz).tz_convert("UTC")
    return pd.date_range(first, last, freq=freq, inclusive="left").tz_convert(tz)


def test_hours_are_those_of_the_clock_in_spring():
    index = local_hours("2021-03-24", 10)
    data = frame(index).assign(
        hour=index.hour, name=[f"h{hour}" for hour in index.hour], is_day=index.hour > 2
    )
    with pytest.warns(UserWarning, match="changes on 2021-03-28 of data") as caught:
        X, y, _ = make_supervised(data, target="price", row="D")
    assert len(caught) == 1
    day = X.loc[pd.Timestamp("2021-03-28", tz=BERLIN)]
    own = data.loc["2021-03-28", "price"]
    for hour in [*range(2), *range(3, 24)]:
        assert day[f"price@{hour:02}"] == own[own.index.hour == hour].item()
        assert day[f"hour@{hour:02}"] == hour
    assert day["price@02"] == (day["price@01"] + day["price@03"]) / 2
    assert day["hour@02"] == 2
    assert (day["name@02"], day["is_day@02"]) == ("h1", False)
    assert not y.isna().any(axis=None)
    assert X["hour@03"].dtype == data["hour"].dtype


def test_hours_are_those_of_the_clock_in_autumn():
    index = local_hours("2021-10-25", 10)
    data = frame(index).assign(number=np.arange(len(index), dtype="uint8"))
    data["name"] = [f"n{i}" for i in range(len(index))]
    with pytest.warns(UserWarning, match="The clock changes on 2021-10-31"):
        X, y, _ = make_supervised(data, target="price", row="D")
    day = X.loc[pd.Timestamp("2021-10-31", tz=BERLIN)]
    assert day["price@01"] == 145
    assert day["price@02"] == day["number@02"] == 146.5
    assert day["name@02"] == "n146"
    assert day["price@03"] == 148
    assert day["price@23"] == 168
    assert X.index.equals(pd.date_range("2021-10-25", periods=9, tz=BERLIN))
    assert not y.isna().any(axis=None)


def test_quarters_series_and_years_of_clock_changes():
    quarters = local_hours("2021-03-24", 10, freq="15min")
    with pytest.warns(UserWarning, match="The clock changes"):
        X, _, _ = supervised(quarters, "D")
    day = X.loc[pd.Timestamp("2021-03-28", tz=BERLIN)]
    expected = day["price@07"] + np.arange(6) / 5
    np.testing.assert_allclose(day[[f"price@{i:02}" for i in range(7, 13)]], expected)
    hours = frame(local_hours("2020-10-01", 400))
    panel = pd.concat({"a": hours, "b": -hours}, names=["market", "hour"])
    with pytest.warns(UserWarning, match=r"on 2020-10-25 and 2 more days of data"):
        X, y, _ = make_supervised(panel, target="price", row="D")
    np.testing.assert_array_equal(X.loc["a"], -X.loc["b"])
    assert not y.isna().any(axis=None)


def test_an_appended_spring_day_has_a_known_hour():
    index = local_hours("2021-03-10", 19)
    data = frame(index).assign(load=1.0)
    data.loc["2021-03-28":, "price"] = np.nan
    with pytest.warns(UserWarning, match="The clock changes on 2021-03-28"):
        _, _, X_latest = make_supervised(
            data, target="price", known_future="load", row="D"
        )
    assert X_latest.index[-1] == pd.Timestamp("2021-03-27", tz=BERLIN)
    assert (X_latest.filter(like="load") == 1).all(axis=None)


@pytest.mark.parametrize("tz", [BERLIN, "America/Sao_Paulo", "Africa/Cairo"])
def test_midnights_and_their_changes(tz):
    first = {BERLIN: "2021-03-20", "Africa/Cairo": "2024-04-20"}.get(tz, "2017-10-08")
    index = local_hours(first, 14, tz=tz)
    with pytest.warns(UserWarning, match="The clock changes"):
        X, y, _ = supervised(index, "D")
    past = backtest(LinearRegression(), X, y, cv=TimeSeriesSplit(2, test_size=6))
    own = frame(index)["price"]
    np.testing.assert_array_equal(own[past["time"]], past["y_true"])
    assert len(past) == 12 * 24 - 1  # without the hour that is skipped


def test_forecasts_of_a_day_whose_clock_changes():
    index = local_hours("2021-03-10", 18)
    X, y, X_latest = supervised(index, "D", horizon=2)
    found = forecast(LinearRegression().fit(X, y), X_latest)
    assert found.index.equals(local_hours("2021-03-28", 2))
    index = local_hours("2021-10-11", 20)
    X, y, X_latest = supervised(index, "D", horizon=2)
    found = forecast(LinearRegression().fit(X, y), X_latest)
    expected = local_hours("2021-10-31", 2)
    assert found.index.equals(expected.delete(3))  # the second 2 o'clock


def test_the_backtest_of_autumn_has_the_first_of_two_hours():
    index = local_hours("2021-10-20", 14)
    with pytest.warns(UserWarning, match="The clock changes"):
        X, y, _ = supervised(index, "D")
    past = backtest(LinearRegression(), X, y, cv=TimeSeriesSplit(2, test_size=6))
    assert past["time"].is_unique
    own = frame(index)["price"]
    twice = pd.Timestamp("2021-10-31 02:00", tz="Etc/GMT-2").tz_convert(BERLIN)
    of_clock = own[past["time"]].reset_index(drop=True)
    of_clock[past["time"] == twice] += 0.5
    np.testing.assert_array_equal(of_clock, past["y_true"])


@pytest.mark.parametrize(
    ("first", "row", "message"),
    [
        (
            "2021-03-24",
            24,
            r"is 0 days 02:00:00 by the clock.*row='D', or .*tz_convert",
        ),
        (
            "2021-10-24",
            12,
            r"is 0 days 00:00:00 by the clock, not .*: give times in UTC",
        ),
        (
            "2021-06-01",
            "12h",
            r"row='12h' joins 0 days 12.*clock of Europe/Berlin chan",
        ),
        ("2021-06-01", 12, r"row=12 joins .*as by 2021-10-31.*row='D'"),
    ],
)
def test_rows_that_a_clock_change_makes_unequal(first, row, message):
    with pytest.raises(ValueError, match=message):
        supervised(local_hours(first, 10), row)


@pytest.mark.parametrize("tz", ["UTC", "Asia/Tokyo", "Etc/GMT-1"])
def test_zones_without_clock_changes(tz):
    X, _, _ = supervised(HOURS.tz_localize(tz), "12h")
    assert X.index.equals(pd.date_range("2021-03-01", periods=23, freq="12h", tz=tz))
