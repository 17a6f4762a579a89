"""Forecasts of more steps than the model has, and of fewer."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sktsdl import (
    ConformalRegressor,
    PurgedRegressor,
    RelativeTargetRegressor,
    SeasonalNaiveRegressor,
    SlidingWindow,
    forecast,
    make_supervised,
)
from tests.series import some_pairs
from tests.test_forecasting import INDEXES, LINE, N, linear, mlp, without_names

rng = np.random.default_rng(0)
WALK = rng.normal(size=N).cumsum()
FUTURE = 60  # rows after the series
DAYS = pd.date_range("2024-01-01", periods=N + FUTURE, name="day")
TABLE = pd.DataFrame(
    {
        "temp": rng.normal(size=N + FUTURE).cumsum(),
        "load": np.r_[WALK, np.full(FUTURE, np.nan)],
        "promo": rng.integers(0, 2, size=N + FUTURE),
    },
    index=DAYS,
)
PLAIN = TABLE[["load"]].iloc[:N]


def block_of(model, rows, n_targets=1):
    """The forecast from the last row: an array for each target."""
    return np.asarray(model.predict(rows))[-1].reshape(n_targets, -1)


def by_hand(model, rows, times, steps, *, known=None, target="load"):
    """Forecast block after block; `known` are the later rows of other columns."""
    found = []
    while len(found) < steps:
        values = block_of(model, rows)[0]
        at = times[len(found) : len(found) + len(values)]
        found += values.tolist()
        new = pd.DataFrame({target: values}, index=at)
        if known is not None:
            new = known.loc[at].assign(**{target: values})
        rows = pd.concat([rows, new[list(rows)]])
    return found[:steps]


@pytest.mark.parametrize(
    ("horizon", "steps"), [(1, 1), (1, 6), (3, 2), (3, 3), (3, 4), (3, 11)]
)
@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_it_is_a_loop_by_hand(index, horizon, steps):
    n = len(index) - 12
    data = pd.DataFrame({"load": WALK[:n]}, index=index[:n].rename("time"))
    X, y, X_latest = make_supervised(data, target="load", horizon=horizon)
    model = mlp().fit(X, y)
    found = forecast(model, X_latest, steps=steps)
    assert found.index.tolist() == index[n : n + steps].tolist()
    assert found.index.name == "time"
    expected = by_hand(model, X_latest, index[n:], steps)
    assert found["load"].tolist() == expected


MODELS = {
    "net": mlp(),
    "linear": linear(),
    "trees": make_pipeline(
        SlidingWindow(4, flatten=True, pad="edge"), HistGradientBoostingRegressor()
    ),
    "purged": make_pipeline(SlidingWindow(4), PurgedRegressor(mlp()[-1])),
    "difference": RelativeTargetRegressor(mlp(), relation="difference"),
    "seasonal": RelativeTargetRegressor(mlp(), relation="seasonal", period=7),
    "naive": SeasonalNaiveRegressor(5),
    "conformal": ConformalRegressor(mlp(), confidence_level=0.5),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("container", ["frame", "array"])
def test_every_model_goes_on(name, container):
    horizon = 1 if name == "trees" else 3
    data = PLAIN if container == "frame" else PLAIN.to_numpy()
    target = "load" if container == "frame" else 0
    X, y, X_latest = make_supervised(data, target=target, horizon=horizon)
    model = MODELS[name].fit(X, y)
    found = forecast(model, X_latest, steps=20).iloc[:, 0]
    if container == "frame":
        expected = by_hand(model, X_latest, DAYS[N:], 20)
        assert found.index.equals(DAYS[N : N + 20])
    else:
        rows, expected = X_latest, []
        while len(expected) < 20:
            values = block_of(model, rows)[0]
            rows, expected = np.vstack([rows, values[:, None]]), [*expected, *values]
        assert found.index.tolist() == list(range(1, 21))
    assert found.tolist() == expected[:20]


def test_the_naive_forecast_repeats_the_season():
    X, y, X_latest = make_supervised(PLAIN, target="load", horizon=5)
    model = SeasonalNaiveRegressor(7).fit(X, y)
    found = forecast(model, X_latest, steps=30)["load"]
    np.testing.assert_array_equal(found, np.resize(WALK[-7:], 30))


def test_a_line_goes_on():
    X, y, X_latest = make_supervised(LINE, target=["load", "price"], horizon=3)
    model = LinearRegression().fit(X, y)
    model = RelativeTargetRegressor(LinearRegression(), relation="difference")
    found = forecast(model.fit(X, y), X_latest, steps=10)
    np.testing.assert_allclose(found["load"], np.arange(60, 70))
    np.testing.assert_allclose(found["price"], -np.arange(60, 70))


@pytest.mark.parametrize("columns", [["load", "price"], ["price", "load"]])
def test_several_targets_go_on_together(columns):
    data = pd.DataFrame({"load": WALK, "price": -(WALK**2)}, index=DAYS[:N])
    X, y, X_latest = make_supervised(data, target=columns, horizon=2)
    model = mlp().fit(X, y)
    found = forecast(model, X_latest, steps=7)
    rows, expected = X_latest, []
    for block in range(4):
        values = block_of(model, rows, 2)
        times = DAYS[N + 2 * block : N + 2 * block + 2]
        new = pd.DataFrame(dict(zip(columns, values, strict=True)), index=times)
        rows, expected = pd.concat([rows, new[list(rows)]]), [*expected, values]
    assert list(found) == columns
    np.testing.assert_array_equal(found, np.hstack(expected)[:, :7].T)


def test_several_targets_of_arrays():
    data = np.column_stack([WALK, -(WALK**2), WALK / 2])
    X, y, X_latest = make_supervised(data, target=[2, 0], horizon=2)
    model = SeasonalNaiveRegressor(3, column=[2, 0]).fit(X, y)
    found = forecast(model, X_latest, steps=6, X_future=np.full((6, 3), 0.0))
    assert list(found) == [2, 0]
    np.testing.assert_array_equal(found, np.resize(data[-3:, [2, 0]], (6, 2)))
    assert forecast(model, X_latest).shape == (2, 2)


def known_ahead(horizon, known=("temp",)):
    """`X`, `y`, `X_latest`, and the later rows with all columns."""
    data = TABLE.iloc[: N + horizon] if known else TABLE.iloc[:N]
    parts = make_supervised(data, target="load", horizon=horizon, known_future=known)
    later = TABLE.copy()
    for name in known:
        for step in range(1, horizon + 1):
            later[f"{name}+{step}"] = TABLE[name].shift(-step)
    return *parts, later


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("steps", [4, 6, 10])
@pytest.mark.parametrize("known", [(), ("temp",), ("temp", "promo")])
def test_other_columns_are_those_of_the_future(horizon, steps, known):
    X, y, X_latest, later = known_ahead(horizon, known)
    model = mlp().fit(X, y)
    future = TABLE.drop(columns="load").iloc[N:]
    found = forecast(model, X_latest, steps=steps, X_future=future)
    expected = by_hand(model, X_latest, DAYS[N:], steps, known=later)
    assert found["load"].tolist() == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda future: future.iloc[:, ::-1],
        lambda future: future.sample(frac=1, random_state=0),
        lambda future: future.assign(load=1e9, other=0),
        lambda future: pd.concat([TABLE[["temp", "promo"]].iloc[:N], future]),
    ],
    ids=["columns", "rows", "more columns", "more rows"],
)
def test_rows_and_columns_are_found_by_their_labels(change):
    X, y, X_latest, _ = known_ahead(3)
    model = mlp().fit(X, y)
    future = TABLE[["temp", "promo"]].iloc[N:]
    found = forecast(model, X_latest, steps=7, X_future=change(future))
    assert found.equals(forecast(model, X_latest, steps=7, X_future=future))


def test_values_known_ahead_need_not_be_given_twice():
    X, y, X_latest, _ = known_ahead(3)
    model = mlp().fit(X, y)
    future = TABLE[["temp", "promo"]].iloc[N:].astype(float)
    expected = forecast(model, X_latest, steps=6, X_future=future)
    future.iloc[:3, 0] = np.nan
    found = forecast(model, X_latest, steps=6, X_future=future)
    assert found.equals(expected)


def test_a_column_that_is_only_known_ahead():
    X, y, X_latest, later = known_ahead(3)
    X, X_latest = X.drop(columns="temp"), X_latest.drop(columns="temp")
    model = mlp().fit(X, y)
    future = TABLE[["temp", "promo"]].iloc[N:]
    found = forecast(model, X_latest, steps=6, X_future=future)
    expected = by_hand(model, X_latest, DAYS[N:], 6, known=later)
    assert found["load"].tolist() == expected


def test_text_and_categories_reach_the_pipeline():
    kinds = np.where(np.arange(N + FUTURE) % 7 < 5, "work", "free")
    data = TABLE[["load"]].assign(kind=kinds, group=pd.Categorical(kinds))
    X, y, X_latest = make_supervised(data.iloc[:N], target="load", horizon=2)
    encoder = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["kind", "group"]),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    model = make_pipeline(encoder, *(step for _, step in mlp().steps)).fit(X, y)
    future = data[["kind", "group"]].iloc[N:]
    found = forecast(model, X_latest, steps=6, X_future=future)
    expected = by_hand(model, X_latest, DAYS[N:], 6, known=data)
    assert found["load"].tolist() == expected


def test_names_that_are_numbers():
    data = TABLE[["load", "temp"]].set_axis([0, 1], axis=1)
    X, y, X_latest = make_supervised(
        data.iloc[: N + 2], target=0, horizon=2, known_future=[1]
    )
    model = mlp().fit(X, y)
    assert list(X) == ["0", "1", "1+1", "1+2"]
    found = forecast(model, X_latest, steps=5, X_future=data[[1]].iloc[N:])
    named = data.set_axis(["0", "1"], axis=1)
    again = forecast(model, X_latest, steps=5, X_future=named.iloc[N:])
    assert found.equals(again)
    assert np.isfinite(found.to_numpy()).all()


def test_missing_values_where_the_model_takes_them():
    data = TABLE.iloc[:N].copy()
    data.iloc[[5, N - 1], 0] = np.nan
    X, y, X_latest = make_supervised(data, target="load")
    model = HistGradientBoostingRegressor().fit(X, y)
    future = TABLE[["temp", "promo"]].iloc[N:].copy()
    future.iloc[1, 0] = np.nan
    found = forecast(model, X_latest, steps=5, X_future=future)
    expected = by_hand(model, X_latest, DAYS[N:], 5, known=future.assign(load=0.0))
    assert found.iloc[:, 0].tolist() == expected


def plants(ends=(N, N - 7, N), index=DAYS):
    parts = {
        name: TABLE.assign(load=scale * TABLE["load"], temp=TABLE["temp"] + scale)
        .iloc[:end]
        .set_axis(index[:end])
        for name, scale, end in zip("bac", (1, 10, -5), ends, strict=True)
    }
    return pd.concat(parts, names=["plant", "day"])


ORDERS = {
    "by series": lambda data: data,
    "by time": lambda data: data.sort_index(level="day", kind="stable"),
    "mixed": lambda data: data.sample(frac=1, random_state=1).sort_index(
        level="day", kind="stable", sort_remaining=False
    ),
}


@pytest.mark.parametrize(("order", "horizon"), some_pairs(ORDERS, [1, 3], 1))
@pytest.mark.parametrize("index", ["days", "periods", "whole numbers", "months"])
def test_each_series_goes_on_from_its_own_end(order, horizon, index):
    times = {
        "days": DAYS,
        "periods": pd.period_range("2024-01", periods=N + FUTURE, freq="M"),
        "whole numbers": pd.RangeIndex(5, 5 + N + FUTURE),
        "months": pd.date_range("2024-01-31", periods=N + FUTURE, freq="ME"),
    }[index]
    data = ORDERS[order](plants(index=times)[["load"]])
    X, y, X_latest = make_supervised(data, target="load", horizon=horizon)
    model = mlp().fit(X, y)
    found = forecast(model, X_latest, steps=7)
    assert len(found) == 21
    for name, end in zip("bac", (N, N - 7, N), strict=True):
        part = X_latest[X_latest.index.get_level_values("plant") == name]
        rows, expected = part, []
        while len(expected) < 7:
            values = block_of(model, rows)[0]
            at = times[end + len(expected) :][: len(values)]
            expected += values.tolist()
            labels = pd.MultiIndex.from_product([[name], at], names=rows.index.names)
            rows = pd.concat([rows, pd.DataFrame({"load": values}, index=labels)])
        assert found.loc[name].index.tolist() == times[end : end + 7].tolist()
        assert found.loc[name, "load"].tolist() == expected[:7]


NO_ROW = "ignore:X_latest has no row of the series"


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.filterwarnings(NO_ROW)
def test_each_series_has_its_own_future(order):
    ends = (N + 3, N - 4, N + 3)
    data = plants(ends)
    data.loc["a", "load"] = np.r_[10 * WALK[: N - 7], [np.nan] * 3]
    X, y, X_latest = make_supervised(
        ORDERS[order](data), target="load", horizon=3, known_future="temp"
    )
    model = mlp().fit(X, y)
    future = ORDERS[order](plants([N + FUTURE] * 3).drop(columns="load"))
    found = forecast(model, X_latest, steps=8, X_future=future)
    for name in "abc":
        alone = X_latest[X_latest.index.get_level_values("plant") == name]
        part = forecast(model, alone, steps=8, X_future=future)
        assert found.loc[[name]].equals(part)
        whole = plants([N + FUTURE] * 3).loc[name]
        for step in (1, 2, 3):
            whole[f"temp+{step}"] = whole["temp"].shift(-step)
        whole.index = pd.MultiIndex.from_product([[name], whole.index])
        end = N - 7 if name == "a" else N
        times = whole.index[end:]
        alone = alone.rename_axis([None, None])
        assert by_hand_of(model, alone, times, 8, whole) == part["load"].tolist()


def by_hand_of(model, rows, times, steps, known):
    names = ["plant", "day"]
    rows, known = rows.rename_axis(names), known.rename_axis(names)
    return by_hand(model, rows, times.rename(names), steps, known=known)


def test_names_of_several_levels():
    columns = pd.MultiIndex.from_tuples([("north", "load"), ("north", "temp")])
    data = TABLE[["load", "temp"]].set_axis(columns, axis=1)
    X, y, X_latest = make_supervised(
        data.iloc[: N + 2],
        target=[("north", "load")],
        horizon=2,
        known_future=[("north", "temp")],
    )
    model = SeasonalNaiveRegressor(3).fit(X, y)
    future = data[[("north", "temp")]].iloc[N:]
    found = forecast(model, X_latest, steps=6, X_future=future)
    np.testing.assert_array_equal(found.iloc[:, 0], np.resize(WALK[-3:], 6))


@pytest.mark.parametrize("horizon", [1, 3])
def test_rows_without_times_follow_by_position(horizon):
    data = TABLE[["load", "temp"]].iloc[:N].to_numpy()
    X, y, X_latest = make_supervised(data, target=0, horizon=horizon)
    model = make_pipeline(
        SlidingWindow(4, flatten=True, pad="edge"), LinearRegression()
    )
    model.fit(X, y)
    future = TABLE[["load", "temp"]].iloc[N:].to_numpy()
    found = forecast(model, X_latest, steps=8, X_future=future)["y"]
    rows, expected = X_latest, []
    while len(expected) < 8:
        values = block_of(model, rows)[0]
        temp = future[len(expected) : len(expected) + horizon, 1]
        rows = np.vstack([rows, np.column_stack([values, temp])])
        expected += values.tolist()
    assert found.tolist() == expected[:8]
    text = pd.Index([f"row {i}" for i in range(len(X))], name="row")
    named = pd.DataFrame(X, columns=["load", "temp"], index=text)
    latest = pd.DataFrame(X_latest, columns=["load", "temp"]).set_axis(
        [f"later {i}" for i in range(horizon)]
    )
    frame = pd.DataFrame(future[:, 1:], columns=["temp"])
    model.fit(named, y)
    again = forecast(model, latest, steps=8, X_future=frame)["y"]
    np.testing.assert_allclose(again, found, rtol=1e-12)


def test_numbers_that_are_counted_anew():
    data = TABLE[["load", "temp"]].iloc[:N].reset_index(drop=True)
    X, y, X_latest = make_supervised(data, target="load", horizon=2)
    model = mlp().fit(X, y)
    future = TABLE[["temp"]].iloc[N : N + 6].reset_index(drop=True)
    labelled = future.set_axis(range(N, N + 6))
    found = forecast(model, X_latest, steps=6, X_future=future)
    assert found.equals(forecast(model, X_latest, steps=6, X_future=labelled))
    whole = TABLE[["temp"]].reset_index(drop=True)
    assert found.equals(forecast(model, X_latest, steps=6, X_future=whole))
    anew = X_latest.reset_index(drop=True)
    again = forecast(model, anew, steps=6, X_future=future.set_axis(range(2, 8)))
    assert again["load"].tolist() == found["load"].tolist()
    with pytest.raises(ValueError, match=r"both count from 0.*let it start at 2"):
        forecast(model, anew, steps=6, X_future=future)


def test_polars():
    polars = pytest.importorskip("polars")
    data = polars.DataFrame({"load": WALK, "temp": TABLE["temp"].to_numpy()[:N]})
    X, y, X_latest = make_supervised(data, target="load", horizon=2)
    model = mlp().fit(X, y)
    future = polars.DataFrame({"temp": TABLE["temp"].to_numpy()[N:]})
    found = forecast(model, X_latest, steps=5, X_future=future)
    pandas = pd.DataFrame({"temp": TABLE["temp"].to_numpy()[N:]})
    assert found.equals(forecast(model, X_latest, steps=5, X_future=pandas))


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_fewer_steps_are_the_first(steps):
    X, y, X_latest = make_supervised(plants()[["load"]], target="load", horizon=3)
    model = ConformalRegressor(mlp(), confidence_level=0.5).fit(X, y)
    whole = forecast(model, X_latest, levels=[0.5])
    found = forecast(model, X_latest, levels=[0.5], steps=steps)
    at = [row for row in range(9) if row % 3 < steps]
    assert found.equals(whole.iloc[at])


def test_fewer_steps_of_a_lead():
    X, y, X_latest = make_supervised(PLAIN, target="load", horizon=3, lead=4)
    model = mlp().fit(X, y)
    found = forecast(model, X_latest, steps=2)
    assert found.equals(forecast(model, X_latest).iloc[:2])
    assert found.index.equals(DAYS[N + 3 : N + 5])


def fitted(horizon=3):
    X, y, X_latest, _ = known_ahead(horizon)
    return mlp().fit(X, y), X_latest


def later(**params):
    return TABLE[["temp", "promo"]].iloc[N:].assign(**params)


@pytest.mark.parametrize(
    ("future", "message"),
    [
        (
            lambda: None,
            r"steps=10 is more than the 3 steps of the model.*'temp', 'promo'.*by "
            "`X_future`",
        ),
        (
            lambda: later().drop(columns="promo"),
            r"no value of 'promo' at 2024-03-01.*, as it has no column 'promo'",
        ),
        (
            lambda: later().drop(columns="temp"),
            r"no value of 'temp' at 2024-03-04.*, as it has no column 'temp'",
        ),
        (
            lambda: later().iloc[:8],
            r"no value of 'temp' at 2024-03-09 .*, and the last value that is needed "
            r"is at 2024-03-12",
        ),
        (
            lambda: later().iloc[:11],
            r"no value of 'temp' at 2024-03-12 .* is needed is at 2024-03-12",
        ),
        (lambda: later().drop(DAYS[N + 5]), r"no value of 'temp' at 2024-03-06"),
        (
            lambda: later(promo=[1, np.nan] * 30),
            r"no value of 'promo' at 2024-03-02",
        ),
        (
            lambda: later().set_axis(DAYS[:FUTURE]),
            r"X_future has the rows 2024-01-01.* to 2024-02-29.*, and not 2024-03-01",
        ),
        (
            lambda: later().reset_index(drop=True),
            "X_future has the rows 0 to 59, and not 2024-03-01.*kind of index",
        ),
        (lambda: later().tz_localize("UTC"), "and not 2024-03-01.*kind of index"),
        (lambda: later().iloc[:0], "X_future is empty, and not 2024-03-01"),
        (lambda: pd.concat([later()] * 2), "two rows of 2024-03-01"),
        (lambda: later().to_numpy(), "X_future has none: give a DataFrame"),
        (
            lambda: later().set_axis(["temp", "temp"], axis=1),
            "two columns named 'temp'",
        ),
    ],
)
def test_a_future_that_cannot_be_used(future, message):
    model, X_latest = fitted()
    with pytest.raises(ValueError, match=message):
        forecast(model, X_latest, steps=10, X_future=future())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda future: future.drop("a"),
            r"no value of 'temp' at \('a', .*2024-02-23",
        ),
        (
            lambda future: future.loc["a"],
            r"has many series, by the levels \['plant'\].*X_future does not have",
        ),
        (
            lambda future: future.rename_axis(["shop", "day"]),
            "X_future does not have these levels",
        ),
        (lambda future: future.loc[["b", "c"]].iloc[:0], "X_future is empty"),
        (
            lambda future: pd.concat([future, future]).sort_index(),
            r"index of X_future has row .* twice",
        ),
    ],
)
def test_a_future_of_series_that_cannot_be_used(change, message):
    X, y, X_latest = make_supervised(plants()[["load", "temp"]], target="load")
    model = mlp().fit(X, y)
    future = plants([N + FUTURE] * 3)[["temp"]]
    with pytest.raises(ValueError, match=message):
        forecast(model, X_latest, steps=3, X_future=change(future))


@pytest.mark.parametrize(
    ("y_columns", "lead", "message"),
    [
        (slice(None), 3, r"only the steps \[3, 4, 5\] of 'load'.*lead=1"),
        (["load+1", "load+3"], 1, r"only the steps \[1, 3\] of 'load'"),
    ],
)
def test_steps_with_holes_do_not_go_on(y_columns, lead, message):
    X, y, X_latest = make_supervised(PLAIN, target="load", horizon=3, lead=lead)
    model = mlp().fit(X, y.loc[:, y_columns])
    with pytest.raises(ValueError, match=message):
        forecast(model, X_latest, steps=10)


def test_targets_of_other_steps_do_not_go_on():
    X, y, X_latest = make_supervised(LINE, target=["load", "price"], horizon=2)
    model = mlp().fit(X, y[["load+1", "load+2", "price+1"]])
    with pytest.raises(ValueError, match=r"only the steps \[1\] of 'price'"):
        forecast(model, X_latest, steps=3)


def test_a_target_that_is_not_a_column_does_not_go_on():
    X, y, X_latest = make_supervised(TABLE.iloc[:N], target="load", horizon=2)
    model = mlp().fit(X[["temp", "promo"]], y)
    assert len(forecast(model, X_latest[["temp", "promo"]])) == 2
    with pytest.raises(ValueError, match="target 'load' is not a column of X_latest"):
        forecast(model, X_latest[["temp", "promo"]], steps=3, X_future=later())


def test_a_target_without_a_name_is_the_column_that_is_left_out():
    X, y, X_latest = make_supervised(TABLE.iloc[:N], target="load", horizon=2)
    model, X_latest = linear().fit(X, y), without_names(X_latest)
    found = forecast(model, X_latest, steps=7, X_future=later())
    expected = by_hand(model, X_latest, DAYS[N:], 7, known=TABLE)
    assert found["y"].tolist() == expected
    missing = TABLE.iloc[N:]  # with NaN in the column
    assert found.equals(forecast(model, X_latest, steps=7, X_future=missing))
    for future in (later(load=0.0), later()[["temp"]], None):
        with pytest.raises(ValueError, match="model keeps no name of its target"):
            forecast(model, X_latest, steps=7, X_future=future)


@pytest.mark.parametrize("columns", [["temp", "load", "promo"], ["load"]])
def test_columns_known_ahead_are_not_the_target(columns):
    X, y, X_latest, known = known_ahead(2)
    columns = [*columns, "temp+1", "temp+2"]
    model = linear().fit(X[columns], y)
    X_latest = X_latest[columns]
    expected = by_hand(model, X_latest, DAYS[N:], 7, known=known)
    found = forecast(model, X_latest, steps=7, X_future=later())
    assert found["load"].tolist() == expected
    nameless = without_names(X_latest)
    found = forecast(model, nameless, steps=7, X_future=later())
    assert found["y"].tolist() == expected


def test_arrays_of_other_columns():
    data = TABLE[["temp", "load"]].iloc[:N].to_numpy()
    X, y, X_latest = make_supervised(data, target=1, horizon=2)
    model = linear().fit(X, y)
    future = TABLE[["temp", "load"]].iloc[N:].to_numpy()
    found = forecast(model, X_latest, steps=7, X_future=future)
    assert np.isfinite(found.to_numpy()).all()
    with pytest.raises(ValueError, match="has 1 columns, and X_latest has 2: give the"):
        forecast(model, X_latest, steps=7, X_future=future[:, :1])
    with pytest.raises(ValueError, match=r"no value of 0 in row 3, .* row 5: give"):
        forecast(model, X_latest, steps=7, X_future=future[:3])
    with pytest.raises(ValueError, match="model keeps no name of its target"):
        forecast(model, X_latest, steps=7, X_future=np.zeros((9, 2)))


def test_later_blocks_have_no_intervals():
    X, y, X_latest = make_supervised(PLAIN, target="load", horizon=3)
    model = ConformalRegressor(mlp(), confidence_level=0.5).fit(X, y)
    with pytest.raises(
        ValueError, match=r"levels=\[0\.5\] with steps=4, more than the 3"
    ):
        forecast(model, X_latest, levels=[0.5], steps=4)


@pytest.mark.parametrize(
    ("steps", "error"), [(0, ValueError), (-1, ValueError), (2.5, TypeError)]
)
def test_bad_steps(steps, error):
    X, y, X_latest = make_supervised(PLAIN, target="load")
    with pytest.raises(error, match="steps"):
        forecast(mlp().fit(X, y), X_latest, steps=steps)


@pytest.mark.parametrize("n_missing", [1, 10])
@pytest.mark.parametrize("index", ["days", "periods"])
def test_rows_that_end_before_the_training_rows(n_missing, index):
    data = PLAIN.to_period() if index == "periods" else PLAIN
    X, y, X_latest = make_supervised(data, target="load", horizon=2)
    model = ConformalRegressor(mlp(), confidence_level=0.5).fit(X, y)
    early = X.iloc[: len(X) - n_missing]
    message = f"X_latest ends at {early.index[-1]}, before the end of the training rows"
    with pytest.raises(ValueError, match=message.replace("+", r"\+")):
        forecast(model, early)
    assert len(forecast(model, X)) == 2
    assert len(forecast(model, pd.concat([X, X_latest]))) == 2


def test_numbers_may_count_other_rows():
    X, y, X_latest = make_supervised(PLAIN.reset_index(drop=True), target="load")
    model = mlp().fit(X, y)
    found = forecast(model, X_latest.reset_index(drop=True))
    assert found["load"].tolist() == forecast(model, X_latest)["load"].tolist()


def test_series_that_end_before_their_training_rows():
    X, y, _ = make_supervised(plants()[["load"]], target="load", horizon=2)
    model = mlp().fit(X, y)
    plant = X.index.get_level_values("plant")
    day = X.index.get_level_values("day")
    early = X[~((plant == "c") & (day > DAYS[N - 6]))]
    with pytest.raises(
        ValueError, match=r"ends at 2024-02-24 .* for the series 'c', before the end"
    ):
        forecast(model, early)
    assert len(forecast(model, X)) == 6


def test_series_without_a_row_are_named():
    parts = {f"plant {i}": PLAIN + i for i in range(6)}
    data = pd.concat(parts, names=["plant", "day"])
    X, y, X_latest = make_supervised(data, target="load", horizon=2)
    model = mlp().fit(X, y)
    message = (
        "no row of the series 'plant 0', 'plant 1', 'plant 2' and 2 more of the "
        "training rows"
    )
    with pytest.warns(UserWarning, match=message):
        found = forecast(model, X_latest.loc[["plant 5"]], steps=5)
    assert len(found) == 5
    assert found.equals(forecast(model, X_latest, steps=5).loc[["plant 5"]])


def test_a_series_that_is_new_has_a_forecast():
    X, y, X_latest = make_supervised(plants()[["load"]], target="load", horizon=2)
    model = mlp().fit(X.drop("a"), y.drop("a"))
    found = forecast(model, X_latest, steps=5)
    assert found.loc["a"].index.tolist() == DAYS[N - 7 : N - 2].tolist()


def test_it_changes_nothing():
    model, X_latest = fitted()
    future = later()
    before = X_latest.copy(), future.copy()
    forecast(model, X_latest, steps=10, X_future=future)
    pd.testing.assert_frame_equal(X_latest, before[0])
    pd.testing.assert_frame_equal(future, before[1])


@pytest.mark.parametrize("is_panel", [False, True])
def test_calendar_columns_follow_from_the_times(is_panel):
    days = pd.date_range("2024-01-01", periods=60, name="day")
    one = pd.DataFrame({"v": np.arange(60.0) + 5 * (days.day_of_week > 4)}, index=days)
    data = pd.concat({"b": one, "a": 2 * one.iloc[:50]}, names=["shop"])
    data = data if is_panel else one
    fields = ["dayofweek", "month"]
    X, y, X_latest = make_supervised(data, target="v", horizon=2, calendar=fields)
    model = linear().fit(X, y)
    found = forecast(model, X_latest, steps=5)
    dates = pd.date_range("2024-02-01", periods=60, name="day")
    known = pd.DataFrame(index=dates)
    for step in (0, 1, 2):
        later = dates + pd.Timedelta(step, "D")
        name = f"+{step}" if step else ""
        known[f"dayofweek{name}"] = later.day_of_week
        known[f"month{name}"] = later.month
    given = known[["dayofweek", "month"]]
    if is_panel:
        given = pd.concat(dict.fromkeys("ab", given), names=["shop"])
    without = X_latest.copy()
    without.attrs["calendar"] = []
    assert found.equals(forecast(model, without, steps=5, X_future=given))
    assert len(found) == 5 * (1 + is_panel)
    if not is_panel:
        expected = by_hand(model, X_latest, dates[29:], 5, known=known, target="v")
        assert found["v"].tolist() == expected


def test_the_days_of_a_model_without_names():
    hours = pd.date_range("2024-01-01", periods=24 * 20, freq="h")
    data = pd.DataFrame({"price": np.arange(480.0)}, index=hours)
    X, y, X_latest = make_supervised(data, target="price", row="D", calendar=["month"])
    found = forecast(linear().fit(X, y), X_latest, steps=3)
    expected = pd.date_range("2024-01-21", periods=72, freq="h")
    assert found.index.tolist() == expected.tolist()
    np.testing.assert_allclose(found["price"], 480 + np.arange(72.0))
