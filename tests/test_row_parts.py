"""Rows that hold several times, and calendar columns."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sktsdl import (
    LSTMRegressor,
    SlidingWindow,
    WindowMLPRegressor,
    backtest,
    forecast,
    make_supervised,
)
from sktsdl._sklearn.target_steps import TargetSteps

N_DAYS = 12
HOURS = pd.date_range("2021-03-01", periods=24 * N_DAYS, freq="h", name="hour")
PRICE = np.arange(24.0 * N_DAYS)
DATA = pd.DataFrame({"price": PRICE, "load": -PRICE}, index=HOURS)
BY_DAY = PRICE.reshape(N_DAYS, 24)


def names(column, ahead=""):
    return [f"{column}@{hour:02}{ahead}" for hour in range(24)]


def test_a_row_for_each_day():
    X, y, X_latest = make_supervised(DATA, target="price", row="D")
    assert list(X.columns) == names("price") + names("load")
    assert list(y.columns) == names("price", "+1")
    np.testing.assert_array_equal(X[names("price")], BY_DAY[:-1])
    np.testing.assert_array_equal(y, BY_DAY[1:])
    np.testing.assert_array_equal(X_latest[names("load")], -BY_DAY[-1:])
    days = pd.date_range("2021-03-01", periods=N_DAYS, name="hour")
    assert X.index.equals(days[:-1])
    assert X.index.name == "hour"
    assert X_latest.index[0] == days[-1]


def test_days_ahead_and_what_is_known_of_them():
    X, y, X_latest = make_supervised(
        DATA.assign(price=DATA["price"].where(DATA["price"] < 10 * 24)),
        target="price",
        known_future="load",
        horizon=2,
        row="D",
    )
    assert list(y.columns) == names("price", "+1") + names("price", "+2")
    assert len(X) == 8
    np.testing.assert_array_equal(y, np.hstack([BY_DAY[1:9], BY_DAY[2:10]]))
    known = names("load", "+1") + names("load", "+2")
    assert list(X.columns[48:]) == known
    np.testing.assert_array_equal(X_latest[known].iloc[-1], -BY_DAY[10:12].ravel())


def test_targets_of_rows_are_steps_of_one_series():
    _, y, _ = make_supervised(DATA, target=["price", "load"], horizon=2, row="D")
    steps = TargetSteps.of(y)
    assert steps.horizon == 2  # rows
    parts = steps.in_parts
    assert parts.names == ("price", "load")
    assert parts.steps == 2 * tuple(range(1, 49))
    assert parts.is_in_blocks
    plain = TargetSteps.of(y[["price@00+1"]].rename(columns={"price@00+1": "a+1"}))
    assert plain.in_parts is plain


@pytest.mark.parametrize("row", ["D", pd.offsets.Day(), 24])
def test_kinds_of_rows(row):
    expected = make_supervised(DATA, target="price", row="D")
    found = make_supervised(DATA, target="price", row=row)
    for a, b in zip(expected, found, strict=True):
        pd.testing.assert_frame_equal(a, b, check_freq=False)


@pytest.mark.parametrize(
    "index",
    [HOURS.to_period("h"), HOURS.tz_localize("UTC"), HOURS.tz_localize("Asia/Tokyo")],
    ids=["periods", "UTC", "Tokyo"],
)
def test_kinds_of_times(index):
    X, _, _ = make_supervised(DATA.set_axis(index), target="price", row="D")
    np.testing.assert_array_equal(X[names("price")], BY_DAY[:-1])
    assert getattr(X.index, "tz", None) == getattr(index, "tz", None)


def test_arrays_become_frames_whose_names_say_the_parts():
    arrays = make_supervised(DATA.to_numpy(), target=0, known_future=1, row=24)
    frames = make_supervised(DATA, target="price", known_future="load", row="D")
    for array, frame in zip(arrays, frames, strict=True):
        np.testing.assert_array_equal(array, frame)
    assert list(arrays[1].columns[:2]) == ["0@00+1", "0@01+1"]
    windows = SlidingWindow(3, steps_per_row=24)
    of_array = windows.fit_transform(arrays[0])
    of_frame = windows.fit_transform(frames[0])
    np.testing.assert_array_equal(np.asarray(of_array), np.asarray(of_frame))


def test_series_by_themselves():
    panel = pd.concat({"b": DATA.iloc[:-48], "a": 2 * DATA}, names=["market"])
    X, y, X_latest = make_supervised(panel, target="price", row="D")
    for market, n, factor in (("b", 9, 1), ("a", 11, 2)):
        np.testing.assert_array_equal(
            X.loc[market][names("price")], factor * BY_DAY[:n]
        )
        np.testing.assert_array_equal(y.loc[market], factor * BY_DAY[1 : n + 1])
    assert X.index.names == ["market", "hour"]
    assert len(X_latest) == 2
    steps = make_pipeline(
        SlidingWindow(3, steps_per_row=24),
        WindowMLPRegressor(hidden_sizes=(4,), max_epochs=1, random_state=0),
    ).fit(X, y)
    alone = steps.predict(X_latest.loc[["a"]])
    np.testing.assert_array_equal(steps.predict(X_latest)[-1], alone[0])


def test_an_incomplete_first_day_is_left_out_and_the_last_is_not_now():
    X, _, X_latest = make_supervised(DATA.iloc[5:], target="price", row="D")
    assert X.index[0] == HOURS[24]
    begun = r"The period 2021-03-12 .*has 19 of 24 values of \['price'\]"
    for params in ({}, {"known_future": "load"}):
        data = DATA.assign(price=DATA["price"].where(DATA["price"] < 283))
        data = data if params else data.iloc[:-5]
        with pytest.warns(UserWarning, match=begun) as caught:
            _, _, X_latest = make_supervised(data, target="price", row="D", **params)
        assert len(caught) == 1
        assert X_latest.index[-1] == HOURS[-48]
    panel = pd.concat({"a": DATA.iloc[:-5], "b": DATA}, names=["market"])
    with pytest.warns(UserWarning, match=r"The period \('a', .*has 19 of 24 values"):
        make_supervised(panel, target="price", row="D")


def test_windows_unfold_rows_into_steps():
    X, y, _ = make_supervised(
        DATA, target="price", known_future="load", row="D", calendar=["dayofweek"]
    )
    step = SlidingWindow(3, steps_per_row=24).fit(X.iloc[:8])
    windows = step.transform(X.iloc[8:])
    assert windows.names.tolist() == [
        "price",
        "load",
        "dayofweek",
        "load+24",
        "dayofweek+24",
    ]
    assert windows.shape == (3, 72, 5)
    first = np.asarray(windows)[0]
    np.testing.assert_array_equal(first[:, 0], PRICE[6 * 24 : 9 * 24])
    np.testing.assert_array_equal(first[:, 3], -PRICE[7 * 24 : 10 * 24])
    days = HOURS[6 * 24 : 9 * 24].day_of_week
    np.testing.assert_array_equal(first[:, 2], days)
    training = np.asarray(step.transform(X.iloc[:8]))
    assert np.isnan(training[1, :24]).all()
    assert not np.isnan(training[2]).any()
    assert list(y.columns[:2]) == ["price@00+1", "price@01+1"]


def test_one_row_for_each_forecast_in_every_splitter():
    X, y, _ = make_supervised(DATA, target="price", known_future="load", row="D")
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=1, random_state=0)
    pipe = make_pipeline(SlidingWindow(2, steps_per_row=24), net)
    assert pipe.fit(X, y).predict(X).shape == y.shape
    assert pipe[-1].target_channels_ == (0,)
    scores = [
        pipe.fit(X.iloc[a], y.iloc[a]).predict(X.iloc[b]).shape
        for a, b in TimeSeriesSplit(2, test_size=3).split(X)
    ]
    assert scores == [(3, 24), (3, 24)]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"row": 1}, "row=1 joins no rows: give at least 2"),
        ({"row": "h"}, "row='h' joins no rows, as each has one row of data"),
        ({"row": "fortnight"}, "row='fortnight' is not a period of pandas"),
        ({"row": "D", "horizon": 20}, "data has 12 rows up to the last known target"),
    ],
)
def test_bad_rows(params, message):
    with pytest.raises(ValueError, match=message):
        make_supervised(DATA, target="price", **params)


def test_rows_by_dates_need_dates():
    with pytest.raises(ValueError, match=r"row='D' needs dates.* give `time`"):
        make_supervised(PRICE, target=0, row="D")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X.to_numpy()[:, :23], "steps_per_row=24 does not divide the 23"),
        (
            lambda X: X.drop(columns="price@05"),
            "needs the columns 'price@00' to 'price@23', and X has 23",
        ),
    ],
)
def test_windows_refuse_other_parts(change, message):
    X = make_supervised(DATA[["price"]], target="price", row="D")[0]
    with pytest.raises(ValueError, match=message):
        SlidingWindow(2, steps_per_row=24).fit(change(X))
    with pytest.raises(ValueError, match="steps_per_row == 0"):
        SlidingWindow(2, steps_per_row=0).fit(X)


def test_flattened_windows_hold_known_columns_once():
    X, y, _ = make_supervised(
        DATA.iloc[:60], target="price", known_future="load", horizon=2
    )
    step = SlidingWindow(3, flatten=True, pad="edge").set_output(transform="pandas")
    rows = step.fit_transform(X)
    assert list(rows.columns) == [
        "price_lag2",
        "load_lag2",
        "price_lag1",
        "load_lag1",
        "price_lag0",
        "load_lag0",
        "load+1",
        "load+2",
    ]
    np.testing.assert_array_equal(rows["load+2"], X["load+2"])
    np.testing.assert_array_equal(rows["price_lag2"].iloc[2:], X["price"].iloc[:-2])
    model = make_pipeline(
        SlidingWindow(3, flatten=True, pad="edge"), LinearRegression()
    )
    assert model.fit(X, y).score(X, y) > 0.999


# Calendar columns


def test_calendar_columns_need_no_appended_rows():
    X, _, X_latest = make_supervised(
        DATA, target="price", horizon=3, calendar=["hour", "dayofweek", "is_month_end"]
    )
    assert list(X.columns[:5]) == ["price", "load", "hour", "dayofweek", "is_month_end"]
    index = pd.date_range(HOURS[0], periods=len(HOURS) + 3, freq="h")
    both = pd.concat([X, X_latest])
    for step in range(4):
        name = f"hour+{step}" if step else "hour"
        np.testing.assert_array_equal(both[name], index[step:][: len(HOURS)].hour)
    assert X["hour"].dtype.kind == "i"
    assert X["price"].dtype == DATA["price"].dtype


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2021-01-31", periods=30, freq="ME"),
        pd.period_range("2021-01", periods=30, freq="M"),
        pd.bdate_range("2021-01-04", periods=30),
        pd.date_range("2021-03-27 20:00", periods=30, freq="h", tz="Europe/Berlin"),
    ],
    ids=["month ends", "periods", "business days", "clock change"],
)
def test_calendar_columns_of_every_index(index):
    data = pd.DataFrame({"a": np.arange(20.0)}, index=index[:20])
    fields = ["year", "quarter", "month", "week", "day", "dayofyear", "hour", "minute"]
    _, _, X_latest = make_supervised(data, target="a", horizon=4, calendar=fields)
    ahead = index[20:24]
    for field in fields:
        own = ahead if not isinstance(ahead, pd.PeriodIndex) else ahead.to_timestamp()
        if field == "week":
            last = index[20:24] if own is ahead else ahead.to_timestamp(how="end")
            expected = last.isocalendar().week
        else:
            name = "day_of_year" if field == "dayofyear" else field
            expected = getattr(ahead, name)
        found = X_latest[[f"{field}+{step}" for step in (1, 2, 3, 4)]].iloc[-1]
        np.testing.assert_array_equal(found, expected)


def test_calendar_columns_of_series_with_different_ends():
    panel = pd.concat({"b": DATA.iloc[:50], "a": DATA.iloc[:40]}, names=["market"])
    panel = panel.sort_index(level=1, sort_remaining=False)
    X, _, X_latest = make_supervised(
        panel, target="price", horizon=2, calendar=["hour"]
    )
    both = pd.concat([X, X_latest])
    hours = both.index.get_level_values("hour")
    for step in (1, 2):
        expected = (hours + pd.Timedelta(step, "h")).hour
        np.testing.assert_array_equal(both[f"hour+{step}"], expected)


@pytest.mark.parametrize(
    ("data", "calendar", "message"),
    [
        (DATA, ["hours"], r"calendar has 'hours', which is not one of \['year'"),
        (DATA, "hour", r"calendar='hour' is text: give a list, \['hour'\]"),
        (DATA.rename(columns={"load": "hour"}), ["hour"], "is a column of data too"),
        (DATA.reset_index(drop=True), ["hour"], "needs dates, and the times of data"),
    ],
)
def test_bad_calendars(data, calendar, message):
    with pytest.raises(ValueError, match=message):
        make_supervised(data, target="price", calendar=calendar)


# Forecasts


@pytest.mark.parametrize("kind", ["dates", "periods", "UTC", "numbers", "array"])
def test_the_forecast_of_a_row_is_of_its_times(kind):
    data = {
        "dates": DATA,
        "periods": DATA.set_axis(HOURS.to_period("h")),
        "UTC": DATA.tz_localize("UTC"),
        "numbers": DATA.reset_index(drop=True),
        "array": DATA.to_numpy(),
    }[kind]
    is_dated = kind in ("dates", "periods", "UTC")
    target = 0 if kind == "array" else "price"
    row = "D" if is_dated else 24
    X, y, X_latest = make_supervised(data, target=target, horizon=2, row=row)
    model = LinearRegression().fit(X, y)
    frame = forecast(model, X_latest)
    predicted = model.predict(X_latest)[-1]
    assert list(frame) == ["0" if kind == "array" else "price"]
    nameless = pd.DataFrame(X_latest.to_dict("series"))
    assert forecast(model, nameless).set_axis(list(frame), axis=1).equals(frame)
    if kind in ("array", "numbers"):
        assert frame.index.tolist() == list(range(288, 336))
    else:
        expected = pd.date_range("2021-03-13", periods=48, freq="h", name="hour")
        expected = expected.tz_localize("UTC") if kind == "UTC" else expected
        assert frame.index.equals(expected)
        assert frame.index.name == "hour"
    np.testing.assert_array_equal(frame.iloc[:, 0], predicted)


def test_the_forecast_of_rows_of_series():
    panel = pd.concat({"b": DATA.iloc[:-48], "a": 2 * DATA}, names=["market"])
    X, y, X_latest = make_supervised(panel, target=["price", "load"], row="D")
    net = WindowMLPRegressor(
        hidden_sizes=(4,),
        max_epochs=1,
        loss="quantile",
        quantiles=(0.05, 0.5, 0.95),
        random_state=0,
    )
    model = make_pipeline(SlidingWindow(2, steps_per_row=24), net).fit(X, y)
    frame = forecast(model, X_latest, levels=[0.9])
    assert list(frame.columns) == [
        "price",
        "price_lower_90",
        "price_upper_90",
        "load",
        "load_lower_90",
        "load_upper_90",
    ]
    predicted = model.predict(X_latest)
    for at, market in enumerate("ba"):
        of_market = frame.loc[market]
        assert of_market.index[0] == pd.Timestamp(
            "2021-03-11" if at == 0 else "2021-03-13"
        )
        np.testing.assert_array_equal(of_market["price"], predicted[at, :24])
        np.testing.assert_array_equal(of_market["load"], predicted[at, 24:])


def test_a_backtest_of_rows_is_of_their_times():
    X, y, _ = make_supervised(DATA, target="price", horizon=2, row="D")
    past = backtest(LinearRegression(), X, y, cv=TimeSeriesSplit(2, test_size=2))
    assert past["target"].unique().tolist() == ["price"]
    assert past["step"].tolist() == 4 * list(range(1, 49))
    assert past["cutoff"].unique().tolist() == X.index[-4:].tolist()
    first = past.iloc[:48]
    hours = pd.date_range(X.index[-4] + pd.Timedelta("1D"), periods=48, freq="h")
    assert first["time"].tolist() == hours.tolist()
    np.testing.assert_array_equal(first["y_true"], DATA.loc[hours, "price"])
    last = past.iloc[-48:]["time"]
    assert last.iloc[-1] == HOURS[-1]
