"""Rows of business days: holidays, weekends and nights are no gaps."""

import numpy as np
import pandas as pd
import pytest
from pandas.tseries.holiday import USFederalHolidayCalendar

from sktsdl import SlidingWindow
from sktsdl._windows.time_index import times_ahead
from tests.series import series

USA = pd.offsets.CustomBusinessDay(calendar=USFederalHolidayCalendar())
LUNCH = pd.offsets.CustomBusinessHour(
    calendar=USFederalHolidayCalendar(), start=["9:00", "13:00"], end=["12:00", "17:00"]
)
MONTHS = pd.offsets.CustomBusinessMonthEnd(calendar=USFederalHolidayCalendar())
CLOSED = pd.to_datetime(  # an exchange in 2018 and 2019
    [
        *("2018-03-30", "2018-04-02", "2018-12-24", "2018-12-25", "2018-12-26"),
        *("2018-12-31", "2019-01-01", "2019-04-19", "2019-04-22", "2019-12-25"),
    ]
)
# Closed on Wednesday, Thursday and Friday; the row after is of Monday.
CHRISTMAS = pd.to_datetime(["2025-12-24", "2025-12-25", "2025-12-26"])
WEEKDAYS = pd.bdate_range("2018-01-01", "2019-12-31")
TRADING = WEEKDAYS.difference(CLOSED)


def _hours(days):
    hours = pd.timedelta_range("9h", periods=8, freq="h")
    return pd.DatetimeIndex([day + hour for day in days for hour in hours])


TRADING_ROWS = {
    "freq B, then a holiday": (WEEKDAYS[:299], TRADING[WEEKDAYS[298] < TRADING]),
    "holidays on both sides": (TRADING[:299], TRADING[299:]),
    "a time zone": tuple(
        part.tz_localize("America/New_York") for part in (TRADING[:99], TRADING[99:])
    ),
    "no holiday, then Easter": (
        pd.bdate_range("2019-01-02", "2019-04-18"),
        TRADING[TRADING > "2019-04-18"],
    ),
    "Christmas": (
        pd.bdate_range("2025-06-02", "2025-12-23"),
        pd.bdate_range("2025-12-24", "2026-01-20").difference(CHRISTMAS),
    ),
    "at the close": (
        TRADING[:99] + pd.Timedelta("16h"),
        TRADING[99:] + pd.Timedelta("16h"),
    ),
    "periods": (TRADING[:99].to_period("D"), TRADING[99:].to_period("D")),
    "hours": (_hours(TRADING[:60]), _hours(TRADING[60:90])),
    "hours, cut inside a day": (_hours(TRADING[:90])[:601], _hours(TRADING[:90])[601:]),
    "holiday calendar": (
        pd.date_range("2018-01-01", periods=299, freq=USA),
        pd.date_range("2018-01-01", periods=400, freq=USA)[299:],
    ),
    "business hours": (
        pd.date_range("2018-01-01", periods=299, freq="bh"),
        pd.date_range("2018-01-01", periods=400, freq="bh")[299:],
    ),
    "business hours, lunch": (
        pd.date_range("2018-01-01", periods=299, freq=LUNCH),
        pd.date_range("2018-01-01", periods=400, freq=LUNCH)[299:],
    ),
    "third Fridays": (
        pd.date_range("2018-01-01", periods=40, freq="WOM-3FRI"),
        pd.date_range("2018-01-01", periods=60, freq="WOM-3FRI")[40:],
    ),
    "ends of business months": (
        pd.date_range("2018-01-01", periods=40, freq=MONTHS),
        pd.date_range("2018-01-01", periods=60, freq=MONTHS)[40:],
    ),
}


@pytest.mark.parametrize("kind", TRADING_ROWS)
def test_holidays_and_nights_are_no_gaps(kind):
    train, test = TRADING_ROWS[kind]
    n = len(train)
    rows = series(n=n + len(test))
    X = pd.DataFrame(rows, index=train.append(test), columns=["rail", "bus"])
    before = X[:n].set_axis(train)  # which keeps its frequency
    seen = SlidingWindow(3).fit(before).transform(X[n:].set_axis(test))
    np.testing.assert_array_equal(seen[0, :2], rows[n - 2 : n])


@pytest.mark.parametrize("kind", TRADING_ROWS)
def test_a_missing_week_of_business_days_is_a_gap(kind):
    train, test = TRADING_ROWS[kind]
    n_week = 40 if "hours" in kind else 5
    before, after = (series(index, n=len(index)) for index in (train, test))
    step = SlidingWindow(3).fit(before)
    with pytest.warns(UserWarning, match="after a gap"):
        seen = step.transform(after[n_week:])
    assert np.isnan(seen[0, :2]).all()
    with pytest.warns(UserWarning, match="longer than usual"):
        step.fit(pd.concat([before, after[n_week:]]))


@pytest.mark.parametrize("n_missing", [2, 3, 5])
def test_missing_hours_are_a_gap(n_missing):
    hours = _hours(TRADING[:30])
    for freq in (None, "bh"):
        train = pd.DatetimeIndex(hours[: 8 * 15], freq=None)
        if freq:
            train = pd.date_range("2018-01-01", periods=8 * 15, freq="bh")
        X = series(train.append(hours[hours > train[-1]]), n=8 * 20)
        step = SlidingWindow(3).fit(X[: 8 * 15].set_axis(train))
        assert np.isfinite(step.transform(X[8 * 15 :])).all()
        with pytest.warns(UserWarning, match="after a gap"):
            step.transform(X[8 * 15 + n_missing :])


def test_hours_of_sensors_that_run_at_night_are_no_trading_hours():
    hours = pd.date_range("2020-01-06", periods=100, freq="h").delete(30)
    X = series(hours, n=99)
    with pytest.warns(UserWarning, match="longer than usual"):
        step = SlidingWindow(3).fit(X[:60])
    with pytest.warns(UserWarning, match="after a gap"):
        step.transform(X[72:])


def test_the_time_after_a_friday_is_a_monday():
    ahead = times_ahead(TRADING[TRADING <= "2019-03-15"], 2)
    assert list(ahead) == [pd.Timestamp("2019-03-18"), pd.Timestamp("2019-03-19")]
