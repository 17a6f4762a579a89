"""Which index of `X` is a time index, and which text holds dates."""

import datetime as dt
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from sktsdl import (
    RatioLogScaler,
    RelativeTargetRegressor,
    SeasonalDifference,
    SeasonalNaiveRegressor,
    SlidingWindow,
    make_supervised,
)
from sktsdl._windows.time_index import as_time_index, time_index
from sktsdl.inspection import ForecastDisplay, ResidualDisplay
from tests.series import series, target

DAYS = pd.date_range("2020-02-27", periods=40, freq="D")
HOURS = pd.date_range("2020-10-24", periods=40, freq="h", tz="Europe/Berlin")


def objects(values):
    return pd.Index(list(values), dtype=object)


def arrow(index, kind, *args):
    pa = pytest.importorskip("pyarrow")
    return pd.Index(index, dtype=pd.ArrowDtype(getattr(pa, kind)(*args)))


def categories(index):
    return pd.CategoricalIndex(index)


INTERVALS = pd.interval_range(DAYS[0], periods=40, freq="D")
DATES = {
    "date": lambda: (objects(DAYS.date), DAYS),
    "datetime": lambda: (objects(DAYS.to_pydatetime()), DAYS),
    "datetime of a zone": lambda: (objects(HOURS.to_pydatetime()), HOURS),
    "datetime of several offsets": lambda: (
        objects(dt.datetime.fromisoformat(stamp.isoformat()) for stamp in HOURS),
        HOURS.tz_convert("UTC"),
    ),
    "Timestamp": lambda: (objects(DAYS), DAYS),
    "Period": lambda: (objects(DAYS.to_period("D")), DAYS.to_period("D")),
    "timedelta": lambda: (
        objects((DAYS - DAYS[0]).to_pytimedelta()),
        DAYS - DAYS[0],
    ),
    "Categorical": lambda: (categories(DAYS), DAYS),
    "Categorical of date": lambda: (categories(DAYS.date), DAYS),
    "Categorical of Period": lambda: (
        categories(DAYS.to_period("D")),
        DAYS.to_period("D"),
    ),
    "Interval": lambda: (INTERVALS, DAYS),
    "Categorical of Interval": lambda: (categories(INTERVALS), DAYS),
    "Interval of a zone": lambda: (
        pd.interval_range(HOURS[0], periods=40, freq="h"),
        HOURS,
    ),
    "Arrow": lambda: (arrow(DAYS, "timestamp", "us"), DAYS),
    "Arrow of a zone": lambda: (
        arrow(HOURS, "timestamp", "ns", "Europe/Berlin"),
        HOURS,
    ),
    "Arrow, date32": lambda: (arrow(DAYS.date, "date32"), DAYS),
    "Arrow, duration": lambda: (arrow(DAYS - DAYS[0], "duration", "s"), DAYS - DAYS[0]),
    "Categorical of Arrow": lambda: (
        categories(arrow(DAYS, "timestamp", "us")),
        DAYS,
    ),
}


@pytest.mark.parametrize("kind", DATES)
def test_dates_of_other_types_are_a_time_index(kind):
    index, times = DATES[kind]()
    found = as_time_index(index)
    assert type(found) is type(times)
    assert list(found) == list(times)
    X = series(index, n=40)
    step = SlidingWindow(3).fit(X[:20])
    np.testing.assert_array_equal(step.transform(X[20:])[0, :2], X[18:20])
    np.testing.assert_array_equal(
        step.transform(X[20:].set_axis(times[20:]))[0, :2], X[18:20]
    )
    with pytest.warns(UserWarning, match="after a gap"):
        seen = step.transform(X[25:])
    assert np.isnan(seen[0, :2]).all()
    for out_of_order in (X[::-1], pd.concat([X[:5], X[4:]])):
        with pytest.raises(ValueError, match="does not increase at row"):
            step.fit(out_of_order)
    with pytest.warns(UserWarning, match="longer than usual"):
        make_supervised(X.drop(X.index[[7, 8, 9]]), target="rail")


@pytest.mark.parametrize("kind", ["date", "Categorical of date", "Arrow, date32"])
def test_displays_take_dates_of_other_types(kind):
    index, times = DATES[kind]()
    X = series(index, n=40)
    y = pd.Series(np.asarray(X)[:, 0], index=index)
    model = make_pipeline(SlidingWindow(3, flatten=True, pad="edge"), Ridge())
    model.fit(X, y)
    display = ForecastDisplay.from_estimator(model, X, y, history=y[:9])
    assert list(display.index) == [*times[1:], times[-1] + pd.Timedelta("1D")]
    display = ResidualDisplay.from_predictions(y, 0 * y, index=index)
    assert list(display.index) == list(times)


def text(form):
    return lambda: DAYS.strftime(form)


TEXT = {
    "ISO": (text("%Y-%m-%d"), ""),
    "ISO with times": (
        lambda: pd.date_range("2020", periods=40, freq="h").astype(str),
        "",
    ),
    "UTC": (lambda: DAYS.strftime("%Y-%m-%dT%H:%M:%SZ"), ""),
    "offsets": (lambda: HOURS.astype(str), ", utc=True"),
    "compact": (text("%Y%m%d"), ""),
    "slashes": (text("%Y/%m/%d"), ""),
    "month first": (text("%m/%d/%Y"), ""),
    "day first": (text("%d/%m/%Y"), ", dayfirst=True"),
    "day first, points": (text("%d.%m.%Y"), ", dayfirst=True"),
    "points, 12 days": (
        lambda: DAYS[4:16].strftime("%d.%m.%y"),
        ", dayfirst=True, format='mixed'",
    ),
    "names of months": (text("%d-%b-%Y"), ""),
    "long": (text("%B %d, %Y"), ""),
    "two forms": (
        lambda: text("%Y-%m-%d")()[:20].append(text("%d %b %Y")()[20:]),
        ", format='mixed'",
    ),
    "months": (
        lambda: pd.period_range("2019-01", periods=40, freq="M").astype(str),
        "",
    ),
    "objects": (lambda: text("%Y-%m-%d")().astype(object), ""),
    "Categorical": (lambda: categories(text("%Y-%m-%d")()), ""),
    "a total": (lambda: text("%Y-%m-%d")()[:-1].append(pd.Index(["total"])), ""),
    "dates and a total": (lambda: objects([*DAYS.date[:-1], "total"]), ""),
    "Arrow": (lambda: arrow(text("%Y-%m-%d")(), "string"), ""),
}
NAMES = {
    "letters": [chr(97 + i) for i in range(26)],
    "shops": [f"shop {i}" for i in range(40)],
    "shops of a year": [f"shop-2019-{i}" for i in range(1, 13)],
    "years": [str(year) for year in range(1990, 2030)],
    "years with a letter": [f"Y{year}" for year in range(1990, 2030)],
    "padded": [f"{i:05}" for i in range(40)],
    "long numbers": [f"{i * 7919 + 10_000_000}" for i in range(40)],
    "months": ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug"],
    "weekdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
    "clock": [f"{i:02}:00" for i in range(24)],
    "sections": [f"{i}.{k}.{m}" for i in (1, 2) for k in (1, 2) for m in (1, 2)],
    "addresses": [f"10.0.0.{i}" for i in range(1, 12)],
    "telephone": [f"555-12-{i}" for i in range(3456, 3466)],
    "marts": [f"Mart 20{i}" for i in range(10, 20)],
    "letters and dates": ["a", "b", "c", "2020-01-01"],
    "empty": [""] * 5,
    "mixed": ["a", 3, None],
    "times": [dt.time(i) for i in range(12)],
    "truth": [True, False],
}


@pytest.mark.parametrize("kind", TEXT)
def test_dates_as_text_are_named_with_the_code_that_converts_them(kind):
    make_index, arguments = TEXT[kind]
    index = make_index()
    X = series(index, n=len(index))
    code = f"pd.to_datetime(X.index{arguments})"
    with pytest.warns(UserWarning, match="dates.*not a time index") as caught:
        assert time_index(X) is None
    (message,) = (str(warning.message) for warning in caught)
    assert message.endswith(f"convert it by `X.index = {code}`.")
    if "total" not in kind:
        X.index = eval(code, {"pd": pd, "X": X})
        assert time_index(X) is X.index


def test_quarters_as_text_are_periods():
    quarters = pd.period_range("2019Q1", periods=40, freq="Q")
    X = series(quarters.astype(str), n=40)
    with pytest.warns(UserWarning, match="pd.PeriodIndex") as caught:
        time_index(X)
    code = str(caught[0].message).split("`X.index = ")[1].removesuffix("`.")
    pd.testing.assert_index_equal(eval(code, {"pd": pd, "X": X}), quarters)


@pytest.mark.parametrize("n", [1, 2, 40])
@pytest.mark.parametrize("kind", NAMES)
def test_names_and_numbers_as_text_are_no_dates(kind, n):
    labels = NAMES[kind][:n]
    for index in (pd.Index(labels), objects(labels)):
        assert (
            time_index(pd.DataFrame({"rail": range(len(index))}, index=index)) is None
        )


def test_objects_that_are_whole_numbers_are_a_time_index():
    found = as_time_index(objects(range(1000, 1040)))
    pd.testing.assert_index_equal(found, pd.Index(range(1000, 1040)), exact="equiv")


LOOK_BACK = {
    "windows": lambda: SlidingWindow(3),
    "one row": lambda: SlidingWindow(1),
    "ratios": lambda: RatioLogScaler(),
    "differences": lambda: SeasonalDifference(2),
    "no history": lambda: SeasonalDifference(2, history=None),
    "naive": lambda: SeasonalNaiveRegressor(2),
    "relative": lambda: RelativeTargetRegressor(
        make_pipeline(SlidingWindow(3, flatten=True, pad="edge"), Ridge())
    ),
}


@pytest.mark.parametrize("kind", LOOK_BACK)
def test_every_way_in_warns_once_of_dates_as_text(kind):
    X = series(TEXT["ISO"][0](), n=40)
    y = target(X)
    estimator = LOOK_BACK[kind]()
    with pytest.warns(UserWarning, match="X.index = pd.to_datetime") as caught:
        estimator.fit(X[:30], y[:30])
    assert len(caught) == 1
    assert caught[0].filename == __file__
    method = "predict" if hasattr(estimator, "predict") else "transform"
    with pytest.warns(UserWarning, match="X.index = pd.to_datetime") as caught:
        getattr(estimator, method)(X[30:])
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_make_supervised_warns_once_of_dates_as_text():
    X = series(TEXT["ISO"][0](), n=40)
    for data, name in ((X, "rail"), (X["bus"], "bus")):
        with pytest.warns(UserWarning, match="X.index = pd.to_datetime") as caught:
            make_supervised(data, target=name)
        assert len(caught) == 1
        assert caught[0].filename == __file__


COMPACT = {
    "whole": lambda: pd.Index(DAYS.strftime("%Y%m%d").astype(int)),
    "floats": lambda: pd.Index(DAYS.strftime("%Y%m%d").astype(float)),
    "nullable": lambda: pd.Index(DAYS.strftime("%Y%m%d").astype(int), dtype="Int64"),
    "objects": lambda: objects(DAYS.strftime("%Y%m%d").astype(int)),
}


@pytest.mark.parametrize("kind", COMPACT)
def test_dates_as_whole_numbers_warn_once_with_the_code(kind):
    X = series(COMPACT[kind](), n=40)
    calls = (
        lambda: SlidingWindow(3).fit(X),
        lambda: SeasonalNaiveRegressor(2).fit(X, target(X)),
        lambda: make_supervised(X, target="rail"),
    )
    for call in calls:
        with pytest.warns(UserWarning, match="holds dates, but is not") as caught:
            call()
        (message,) = (str(warning.message) for warning in caught)
        code = message.split("`X.index = ")[1].removesuffix("`.")
        assert code.startswith("pd.to_datetime(X.index.astype(")
    assert list(eval(code, {"pd": pd, "X": X})) == list(DAYS)
    with pytest.raises(ValueError, match="does not increase at row 1"):
        SlidingWindow(3).fit(X.iloc[::-1])
    with pytest.warns(UserWarning, match="holds dates, but is not"):
        step = SlidingWindow(3).fit(X.iloc[:20])
    with pytest.warns(UserWarning, match="holds dates, but is not"):
        np.testing.assert_array_equal(step.transform(X.iloc[20:])[0, :2], X.iloc[18:20])


@pytest.mark.parametrize(
    "numbers",
    [
        range(20200101, 20200141),  # there is no 32nd of January
        range(17000101, 17000111),
        range(2000, 2040),
        np.linspace(20200101, 20200102, 40),
    ],
)
def test_other_numbers_are_no_dates(numbers):
    X = pd.DataFrame({"rail": 0.0}, index=pd.Index(numbers))
    assert time_index(X) is X.index


def test_only_a_few_labels_are_read(monkeypatch):
    read = []
    original = pd.to_datetime

    def spy(labels, **arguments):
        read.append(len(labels))
        return original(labels, **arguments)

    monkeypatch.setattr(pd, "to_datetime", spy)
    X = series(pd.date_range("2000", periods=5000).strftime("%Y-%m-%d"), n=5000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        time_index(X)
    assert max(read) <= 32
