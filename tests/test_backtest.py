"""Backtests: equal to a loop by hand, without a leak, with the true history."""

import pickle
from itertools import pairwise

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sktsdl import (
    ConformalRegressor,
    MultiTaskNet,
    PanelTimeSeriesSplit,
    PurgedRegressor,
    RatioLogScaler,
    RelativeTargetRegressor,
    SeasonalNaiveRegressor,
    SlidingWindow,
    WindowMLPRegressor,
    backtest,
    make_supervised,
)
from tests.test_forecasting import INDEXES

N = 60
RNG = np.random.default_rng(0)
DATA = pd.DataFrame(
    {"load": 20 + RNG.normal(size=N), "price": 50 + RNG.normal(size=N)},
    index=pd.date_range("2024-01-01", periods=N, name="day"),
)
COLUMNS = ["split", "cutoff", "time", "step", "target", "y_true", "y_pred"]
CV = TimeSeriesSplit(4, test_size=5)


def ridge():
    return make_pipeline(SlidingWindow(4, flatten=True, pad="edge"), Ridge())


def mlp(**params):
    params = {"hidden_sizes": (3,), "max_epochs": 2, "random_state": 0} | params
    return make_pipeline(SlidingWindow(4), WindowMLPRegressor(**params))


def naive(**params):
    return SeasonalNaiveRegressor(**({"period": 3} | params))


def panel(order="series", index=DATA.index, ends=(N, N - 8, N - 1)):
    """Return three series that start together, in one of two orders."""
    parts = {
        name: DATA[:end].set_axis(index[:end]) * (at + 1)
        for at, (name, end) in enumerate(zip("bac", ends, strict=True))
    }
    data = pd.concat(parts, names=["plant", "time"])
    return data if order == "series" else data.sort_index(level=1, kind="stable")


def pick(rows, at):
    return rows.iloc[at] if hasattr(rows, "iloc") else rows[at]


def by_hand(model, X, y, cv, horizon, every=1):
    """Fit and predict in a loop, series by series and row by row."""
    is_panel = isinstance(X, pd.DataFrame) and X.index.nlevels > 1
    names = X.index.get_level_values(0).to_numpy() if is_panel else np.zeros(len(X))
    own = [np.flatnonzero(names == name) for name in dict.fromkeys(names)]
    splits, found = list(cv.split(X, y)), []
    for at, (train, test) in enumerate(splits):
        if at % every == 0:
            fitted = []
            for rows in own:
                tested = np.flatnonzero(np.isin(rows, test))
                if len(tested):
                    trained = np.isin(rows, train)
                    trained[max(tested[0] - horizon + 1, 0) :] = False
                else:
                    trained = np.isin(rows, train)
                    trained[len(rows) - horizon + 1 :] = False
                fitted += rows[trained].tolist()
            fitted = sorted(fitted)
            model = clone(model).fit(pick(X, fitted), pick(y, fitted))
        asked = []
        for rows in own:
            seen, tested = np.isin(rows, fitted), np.isin(rows, test)
            start = np.flatnonzero(seen)[-1] + 1 if seen.any() else 0
            stop = np.flatnonzero(tested)[-1] + 1 if tested.any() else 0
            asked += rows[start:stop].tolist()
        asked = sorted(asked)
        predicted = model.predict(pick(X, asked))
        found.append(predicted[np.searchsorted(asked, test)])
    return np.concatenate([each.ravel() for each in found]), splits


LEFT_OUT = ("days without freq", "quarters", "days over a change of the clock")
KINDS = {name: INDEXES[name][:N] for name in INDEXES if name not in LEFT_OUT}


of_steps = pytest.mark.parametrize(
    ("horizon", "refit"), [(3, True), (1, 2), (3, False)]
)


@of_steps
@pytest.mark.parametrize("kind", KINDS)
def test_it_equals_a_loop_by_hand(kind, horizon, refit):
    data = DATA.set_axis(KINDS[kind])
    X, y, _ = make_supervised(data, target="load", horizon=horizon)
    found = backtest(ridge(), X, y, cv=CV, refit=refit)
    every = {True: 1, False: 100}.get(refit, refit)
    expected, splits = by_hand(ridge(), X, y, CV, horizon, every)
    test = np.concatenate([test for _, test in splits])
    assert found["y_pred"].tolist() == expected.tolist()
    assert found["y_true"].tolist() == np.ravel(y.iloc[test]).tolist()
    assert list(found) == COLUMNS
    assert found["split"].tolist() == np.repeat([0, 1, 2, 3], 5 * horizon).tolist()
    rows, steps = np.repeat(test, horizon), np.tile(range(1, horizon + 1), len(test))
    assert found["cutoff"].tolist() == data.index[rows].tolist()
    assert found["step"].tolist() == steps.tolist()
    assert found["time"].tolist() == data.index[rows + steps].tolist()
    assert set(found["target"]) == {"load"}


@of_steps
@pytest.mark.parametrize("kind", ["days", "periods", "whole numbers"])
@pytest.mark.parametrize("order", ["series", "time"])
@pytest.mark.parametrize("align", ["time", "end"])
def test_it_equals_a_loop_by_hand_for_many_series(kind, order, align, horizon, refit):
    data = panel(order, KINDS[kind])
    X, y, _ = make_supervised(data, target="load", horizon=horizon)
    cv = PanelTimeSeriesSplit(4, test_size=5, align=align)
    found = backtest(ridge(), X, y, cv=cv, refit=refit)
    every = {True: 1, False: 100}.get(refit, refit)
    expected, splits = by_hand(ridge(), X, y, cv, horizon, every)
    test = np.concatenate([test for _, test in splits])
    assert found["y_pred"].tolist() == expected.tolist()
    assert list(found) == ["plant", *COLUMNS]
    truth = data["load"].sort_index()
    for row in found.itertuples():
        times = KINDS[kind][KINDS[kind].get_loc(row.cutoff) :]
        assert row.time == times[row.step]
        assert row.y_true == truth[row.plant, row.time]
    assert len(found) == len(test) * horizon


@pytest.mark.parametrize("refit", [True, 2, False])
@pytest.mark.parametrize("kind", [np.asarray, list, pl.DataFrame], ids=str)
def test_rows_without_an_index(kind, refit):
    X, y, _ = make_supervised(DATA.to_numpy(), target=0, horizon=3)
    given = kind(X.tolist() if kind is list else X), y.tolist() if kind is list else y
    found = backtest(ridge(), *given, cv=CV, refit=refit)
    every = {True: 1, False: 100}.get(refit, refit)
    expected, _ = by_hand(ridge(), X, y, CV, 3, every)
    assert found["y_pred"].tolist() == expected.tolist()
    assert found["cutoff"].tolist() == np.repeat(range(37, 57), 3).tolist()
    assert found["time"].tolist() == (found["cutoff"] + found["step"]).tolist()
    assert set(found["target"]) == {"y"}


@pytest.mark.parametrize("refit", [True, 2, False])
@pytest.mark.parametrize("horizon", [1, 2])
def test_many_targets_and_a_net(horizon, refit):
    X, y, _ = make_supervised(DATA, target=["load", "price"], horizon=horizon)
    found = backtest(mlp(), X, y, cv=CV, refit=refit)
    every = {True: 1, False: 100}.get(refit, refit)
    expected, _ = by_hand(mlp(), X, y, CV, horizon, every)
    assert found["y_pred"].tolist() == expected.tolist()
    for row in found.itertuples():
        assert row.time == row.cutoff + pd.Timedelta(days=row.step)
        assert row.y_true == DATA.loc[row.time, row.target]
    assert found["target"].value_counts().to_dict() == dict.fromkeys(DATA, 20 * horizon)


@pytest.mark.parametrize("refit", [True, 2, False])
def test_targets_that_start_later(refit):
    X, y, _ = make_supervised(DATA, target="load", horizon=2, lead=4)
    found = backtest(ridge(), X, y, cv=CV, refit=refit)
    every = {True: 1, False: 100}.get(refit, refit)
    assert found["y_pred"].tolist() == by_hand(ridge(), X, y, CV, 5, every)[0].tolist()
    assert set(found["step"]) == {4, 5}
    assert found["y_true"].tolist() == DATA.loc[found["time"], "load"].tolist()


def test_times_after_the_last_row():
    data = panel("time", pd.date_range("2024-01-31", periods=N, freq="ME"))
    X, y, _ = make_supervised(data, target="load", horizon=5)
    found = backtest(naive(), X, y, cv=PanelTimeSeriesSplit(2, test_size=9))
    truth = data["load"].sort_index()
    keys = zip(found["plant"], found["time"], strict=True)
    assert found["y_true"].tolist() == [truth[key] for key in keys]
    assert found.groupby("plant")["time"].max().to_dict() == {
        name: data.xs(name).index[-1] for name in "bac"
    }


# Without a leak


def with_unknown(X, y, first, value=1e3):
    """Replace targets later than the time of a row, of all series."""
    times, y = X.index.get_level_values(-1), pd.DataFrame(y).copy()
    stamps = pd.date_range(DATA.index[0], periods=N + 20)
    number = stamps.get_indexer(times)
    for at, column in enumerate(y):
        is_late = number + int(column.split("+")[1]) > stamps.get_loc(first)
        y.iloc[is_late, at] = value
    return y


MODELS = {
    "ridge": ridge(),
    "purged": make_pipeline(
        SlidingWindow(4, flatten=True, pad="edge"), PurgedRegressor(Ridge())
    ),
    "purged too little": make_pipeline(
        SlidingWindow(4, flatten=True, pad="edge"), PurgedRegressor(Ridge(), purge=1)
    ),
    "relative": RelativeTargetRegressor(ridge(), column="load"),
    "transformed": TransformedTargetRegressor(
        ridge(), func=np.log, inverse_func=np.exp
    ),
    "conformal": ConformalRegressor(ridge(), confidence_level=0.5),
    "conformal inside": make_pipeline(
        SlidingWindow(4, flatten=True, pad="edge"),
        ConformalRegressor(PurgedRegressor(Ridge()), confidence_level=0.5),
    ),
    "search": GridSearchCV(ridge(), {"ridge__alpha": [0.1, 1e3]}, cv=CV),
    "net": mlp(early_stopping=True, validation_fraction=0.3),
}


@pytest.mark.parametrize(
    ("is_panel", "refit"), [(False, 2), (False, False), (True, True)]
)
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_targets_after_the_cutoff_are_not_known(model, is_panel, refit):
    X, y, _ = make_supervised(panel() if is_panel else DATA, target="load", horizon=3)
    if is_panel and isinstance(model, GridSearchCV):
        model = clone(model).set_params(cv=PanelTimeSeriesSplit(2))
    levels = [0.5] if "Conformal" in str(model) else None
    cv = list(PanelTimeSeriesSplit(2, test_size=8).split(X))
    given = {"refit": refit, "levels": levels}
    found = backtest(model, X, y, cv=cv, **given)
    for number, (_, test) in enumerate(cv):
        # With few fits, the later forecasts know no more than the first ones.
        first = X.index.get_level_values(-1)[test if refit is True else cv[0][1]].min()
        again = backtest(model, X, with_unknown(X, y, first), cv=cv, **given)
        parts = [each[each["split"] == number] for each in (found, again)]
        parts = [each.drop(columns="y_true") for each in parts]
        pd.testing.assert_frame_equal(*parts, rtol=0, atol=0)


@pytest.mark.parametrize("gap", [0, 1, 2, 5])
@pytest.mark.parametrize("purged", [False, True])
def test_rows_left_out_and_rows_of_history(gap, purged):
    """The gap of a splitter counts among the rows that are left out."""
    X, y, _ = make_supervised(DATA, target="load", horizon=3)
    seen = []

    class Spy(RegressorMixin, BaseEstimator):
        def fit(self, X, y):
            seen.append(len(X))
            self.fitted_ = True
            return self

        def predict(self, X):
            return np.asarray(X)[:, :3]

    last = PurgedRegressor(Spy()) if purged else Spy()
    model = make_pipeline(SlidingWindow(4, flatten=True), last)
    cv = TimeSeriesSplit(3, test_size=5, gap=gap)
    found = backtest(model, X, y, cv=cv)
    n_left = gap + 2 if purged else max(gap, 2)
    assert seen == [start - n_left for start in (42, 47, 52)]
    # The oldest step of each window is the row three rows before.
    expected = [DATA.to_numpy()[row - 3 : row - 1].ravel()[:3] for row in range(42, 57)]
    np.testing.assert_array_equal(found["y_pred"], np.ravel(expected))


@pytest.mark.parametrize("refit", [True, 2, False])
@pytest.mark.parametrize("gap", [0, 7])
@pytest.mark.parametrize("kind", ["array", "days", "panel"])
def test_test_rows_have_their_true_history(kind, gap, refit):
    data = {"array": DATA.to_numpy(), "days": DATA, "panel": panel("time")}[kind]
    target = 0 if kind == "array" else "load"
    X, y, _ = make_supervised(data, target=target, horizon=2)
    cv = PanelTimeSeriesSplit(4, test_size=5, gap=gap)
    found = backtest(naive(period=7), X, y, cv=cv, refit=refit)
    truth = data["load"] if kind == "panel" else DATA["load"].to_numpy()
    for row in found.itertuples():
        if kind == "panel":
            past = (row.plant, row.time - pd.Timedelta(days=7))
        else:
            past = row.time - 7 if kind == "array" else DATA.index.get_loc(row.time) - 7
        assert row.y_pred == truth[past]


def test_a_purged_pipeline_equals_its_own_loop():
    X, y, _ = make_supervised(DATA, target="load", horizon=3)
    model = make_pipeline(
        RatioLogScaler(),
        SlidingWindow(4, flatten=True, pad="edge"),
        FunctionTransformer(np.nan_to_num),
        PurgedRegressor(Ridge()),
    )
    found = backtest(model, X, y, cv=CV)
    expected = [
        clone(model).fit(X.iloc[a], y.iloc[a]).predict(X.iloc[b])
        for a, b in CV.split(X)
    ]
    assert found["y_pred"].tolist() == np.ravel(expected).tolist()
    windows = ridge(), make_pipeline(ridge()[0], PurgedRegressor(Ridge()))
    first, second = (backtest(each, X, y, cv=CV) for each in windows)
    pd.testing.assert_frame_equal(first, second, rtol=0, atol=0)


def test_cutoffs_may_be_any_rows():
    X, y, _ = make_supervised(DATA, target="load", horizon=2)
    mask = np.arange(len(X)) < 40
    cv = [(mask, [55, 42, 48]), (range(3, 50), [-1])]
    found = backtest(naive(period=7), X, y, cv=cv)
    cutoffs = DATA.index[[55, 42, 48, 57]]
    assert found["cutoff"].tolist() == np.repeat(cutoffs, 2).tolist()
    past = found["time"] - pd.Timedelta(days=7)
    assert found["y_pred"].tolist() == DATA.loc[past, "load"].tolist()
    assert found["split"].tolist() == [0] * 6 + [1] * 2


def test_a_series_without_training_rows_is_predicted():
    data = pd.concat({"old": DATA, "new": DATA[40:]}, names=["plant", "day"])
    X, y, _ = make_supervised(data, target="load", horizon=2)
    cv = PanelTimeSeriesSplit(2, test_size=10)
    found = backtest(naive(), X, y, cv=cv)
    first = found[(found["plant"] == "new") & (found["split"] == 0)]
    assert first["cutoff"].unique().tolist() == DATA.index[40:48].tolist()
    assert np.isfinite(first["y_pred"]).all()


# Warm start


def multi_task():
    net = MultiTaskNet(mlp(window_norm=None)[-1], tasks={"load+1": "regression"})
    return make_pipeline(SlidingWindow(4), net)


@pytest.mark.parametrize(
    ("model", "horizon"),
    [
        (mlp(), 1),
        (mlp(), 3),
        (make_pipeline(SlidingWindow(4), PurgedRegressor(mlp()[-1])), 3),
        (RelativeTargetRegressor(mlp(), column="load"), 3),
        (multi_task(), 1),
    ],
)
def test_warm_start_trains_further(model, horizon):
    X, y, _ = make_supervised(DATA, target=["load"], horizon=horizon)
    path = next(k for k in model.get_params() if k.endswith("max_epochs"))
    warm = path.replace("max_epochs", "warm_start")
    found, models = backtest(model, X, y, cv=CV, refit="warm", return_models=True)
    by_loop, expected = clone(model).set_params(**{warm: True}), []
    left_out = 0 if "Purged" in str(model) else horizon - 1
    for at, (train, test) in enumerate(CV.split(X)):
        train = train[: len(train) - left_out]
        by_loop.set_params(**{path: 2 * (at + 1)}).fit(X.iloc[train], y.iloc[train])
        predicted = by_loop.predict(X.iloc[train[-1] + 1 : test[-1] + 1])
        expected.append(np.ravel(np.asarray(predicted)[-len(test) :]))
    assert found["y_pred"].tolist() == np.concatenate(expected).tolist()
    assert model.get_params()[path] == 2
    assert not model.get_params()[warm]
    values = [np.asarray(each.predict(X))[-1].tolist() for each in models]
    assert all(one != other for one, other in pairwise(values))


@pytest.mark.parametrize(
    "model", [ridge(), GridSearchCV(mlp(), {}), TransformedTargetRegressor(mlp())]
)
def test_a_model_without_warm_start(model):
    X, y, _ = make_supervised(DATA, target="load")
    with pytest.raises(ValueError, match=r"has no such parameter: .* use refit=True"):
        backtest(model, X, y, cv=CV, refit="warm")


def test_early_stopping_ends_a_training_that_should_go_on():
    X, y, _ = make_supervised(DATA, target="load")
    model = clone(mlp()).set_params(windowmlpregressor__early_stopping=True)
    with pytest.raises(ValueError, match="set early_stopping=False, or use refit=True"):
        backtest(model, X, y, cv=CV, refit="warm")


# Levels, processes, models


@pytest.mark.parametrize(
    "model",
    [
        ConformalRegressor(ridge(), confidence_level=0.5),
        mlp(loss="quantile", quantiles=(0.05, 0.1, 0.5, 0.9, 0.95)),
    ],
    ids=["conformal", "quantiles"],
)
@pytest.mark.parametrize("refit", [True, False])
def test_intervals_of_levels(model, refit):
    X, y, _ = make_supervised(DATA, target=["load", "price"], horizon=2)
    cv = TimeSeriesSplit(2, test_size=4)
    found = backtest(model, X, y, cv=cv, refit=refit, levels=[0.8, 0.9])
    assert list(found)[7:] == ["lower_80", "upper_80", "lower_90", "upper_90"]
    end = 53 if refit else 49
    last = clone(model).fit(X[:end], y[:end])
    if hasattr(last, "predict_interval"):
        last.set_params(confidence_level=0.9)
        ends = last.predict_interval(X[end:])
    else:
        quantiles = last[-1].predict_quantiles(last[:-1].transform(X[end:]))
        ends = quantiles[..., 0], quantiles[..., -1]
    for name, end in zip(("lower_90", "upper_90"), ends, strict=True):
        assert found[name][-16:].tolist() == np.ravel(end[-4:]).tolist()
    assert (found["lower_90"] <= found["lower_80"]).all()


@pytest.mark.parametrize("refit", [True, 2])
def test_parallel_fits_change_nothing(refit):
    data = panel(index=pd.RangeIndex(N))  # of dates, pandas sets filters of warnings
    X, y, _ = make_supervised(data, target="load", horizon=2)
    given = {"cv": PanelTimeSeriesSplit(3, test_size=5), "refit": refit}
    one = backtest(mlp(), X, y, **given, return_models=True)
    with joblib.parallel_config("threading"):  # which starts at once
        two = backtest(mlp(), X, y, **given, return_models=True, n_jobs=2)
    pd.testing.assert_frame_equal(one[0], two[0], rtol=0, atol=0)
    for models in (one[1], two[1]):
        assert len(models) == 3
        assert (models[0] is models[1]) == (refit == 2)
        assert models[1] is not models[2]
    assert models[0].predict(X).tolist() == one[1][0].predict(X).tolist()


@pytest.mark.parametrize("refit", [True, False, 2, "warm"])
def test_nothing_that_is_given_changes(refit):
    X, y, _ = make_supervised(DATA, target="load", horizon=2)
    model = mlp().fit(X, y)
    before, predicted = pickle.loads(pickle.dumps((model, X, y))), model.predict(X)
    weights = {
        name: part.clone() for name, part in model[-1].module_.state_dict().items()
    }
    backtest(model, X, y, cv=CV, refit=refit)
    assert str(model.get_params()) == str(before[0].get_params())
    pd.testing.assert_frame_equal(X, before[1])
    pd.testing.assert_frame_equal(y, before[2])
    np.testing.assert_array_equal(model.predict(X), predicted)
    for name, part in model[-1].module_.state_dict().items():
        assert part.equal(weights[name])


def test_labels_of_classes():
    X, y, _ = make_supervised(DATA[["load"]], target="load")
    up = np.where(DATA["load"].diff()[1:] > 0, "yes", "no")
    both = pd.DataFrame({"load+1": y, "up+1": up}, index=X.index)
    tasks = {"load+1": "regression", "up+1": "classification"}
    net = MultiTaskNet(mlp(window_norm=None)[-1], tasks=tasks)
    found = backtest(make_pipeline(SlidingWindow(4), net), X, both, cv=CV)
    labels = found[found["target"] == "up"]
    assert labels["y_pred"].isin(["yes", "no"]).all()
    assert labels["y_true"].tolist() == up[-20:].tolist()


def test_metrics_are_one_groupby_away():
    X, y, _ = make_supervised(panel(), target=["load", "price"], horizon=2)
    found = backtest(naive(), X, y, cv=PanelTimeSeriesSplit(2, test_size=5))
    error = (found["y_true"] - found["y_pred"]).abs()
    table = error.groupby([found["plant"], found["target"], found["step"]]).mean()
    assert table.shape == (12,)
    part = found.query("plant == 'c' and target == 'price' and step == 2")
    expected = np.abs(part["y_true"] - part["y_pred"]).mean()
    assert table["c", "price", 2] == pytest.approx(expected)


def test_series_that_several_levels_name():
    data = pd.concat({"north": panel(), "south": panel()}, names=["region"])
    X, y, _ = make_supervised(data, target="load")
    found = backtest(naive(), X, y, cv=PanelTimeSeriesSplit(2, test_size=5))
    assert list(found) == ["region", "plant", *COLUMNS]
    plain = data.rename_axis([None, None, None])
    X, y, _ = make_supervised(plain, target="load")
    found = backtest(naive(), X, y, cv=PanelTimeSeriesSplit(2, test_size=5))
    assert list(found)[:2] == ["level_0", "level_1"]
    X, y, _ = make_supervised(plain.xs("north"), target="load")
    found = backtest(naive(), X, y, cv=PanelTimeSeriesSplit(2, test_size=5))
    assert next(iter(found)) == "series"


# Bad input


X1, Y1, _ = make_supervised(DATA, target="load", horizon=3)
XP, YP, _ = make_supervised(panel(), target="load", horizon=3)
BAD = {
    "shuffled": (
        {"cv": KFold(3, shuffle=True, random_state=0)},
        r"test rows of split 0 do not follow its training rows: row \d+ \(2024-",
    ),
    "kfold": ({"cv": KFold(3)}, "split 0 do not follow its training rows: row 0"),
    "number": ({"cv": 3}, r"do not follow its .*, such as TimeSeriesSplit\(5\)\.$"),
    "no test row": ({"cv": [(range(9), [])]}, "Split 0 has no test row"),
    "no training row": (
        {"cv": [(range(9), [12]), ([], [5])]},
        "Split 1 has no training row",
    ),
    "no split": ({"cv": []}, "cv gives no split"),
    "no such row": (
        {"cv": [(range(9), [70])]},
        "test rows of split 0 are no rows of X, which has 57 rows",
    ),
    "order of splits": (
        {"cv": [(range(30), [40]), (range(20), [25])], "refit": False},
        "split 1 do not follow the training rows of the splits before: row 25 .*row 29",
    ),
    "order of warm splits": (
        {"cv": [(range(30), [40]), (range(20), [25])], "refit": "warm", "model": mlp()},
        "split 1 do not follow the training rows of the splits before",
    ),
    "all rows left out": (
        {"cv": [(range(9), [11]), ([0, 1], [2])]},
        "No training row of split 1 is left, as targets of all 2 lie among test rows",
    ),
    "length": ({"y": Y1[:-1]}, "y has 56 rows and X has 57"),
    "times": ({"y": Y1[::-1]}, "y has the label"),
    "refit 0": ({"refit": 0}, "refit=0 is not True, False, 'warm'"),
    "refit text": ({"refit": "cold"}, "refit='cold' is not True"),
    "refit fraction": ({"refit": 1.5}, r"refit=1\.5 is not True"),
    "level": ({"levels": [90]}, "levels=90 is not between 0 and 1"),
    "no intervals": ({"levels": [0.9]}, "needs intervals, and Ridge has none"),
    "series by series": (
        {"X": XP, "y": YP, "cv": TimeSeriesSplit(3)},
        r"split 1 do not follow its training rows: row .*'b', .* PanelTimeS",
    ),
    "name of a level": (
        {
            "X": XP.rename_axis(["target", "day"]),
            "y": YP.rename_axis(["target", "day"]),
            "cv": PanelTimeSeriesSplit(2),
        },
        "names its series by a level 'target'",
    ),
}


@pytest.mark.parametrize(("given", "message"), BAD.values(), ids=BAD)
def test_bad_input(given, message):
    given = {"model": ridge(), "X": X1, "y": Y1, "cv": CV} | given
    with pytest.raises(ValueError, match=message):
        backtest(**given)


def test_levels_are_a_list():
    with pytest.raises(TypeError, match=r"levels=0\.9 is not a list"):
        backtest(ridge(), X1, Y1, cv=CV, levels=0.9)


def test_names_that_do_not_say_the_steps():
    with pytest.warns(UserWarning, match=r"horizon of 2 rows: name them as make_"):
        found = backtest(
            ridge(), X1, Y1.set_axis(["a", "b", "c"], axis=1)[["a", "b"]], cv=CV
        )
    assert set(found["step"]) == {1, 2}


def test_an_error_of_a_fit_names_the_split():
    net = WindowMLPRegressor(hidden_sizes=(2,), max_epochs=1)
    model = make_pipeline(SlidingWindow(len(X1) // 2), net)
    with pytest.raises(ValueError, match=r"windows of .* is complete") as error:
        backtest(model, X1, Y1, cv=TimeSeriesSplit(3))
    assert error.value.__notes__[0].startswith("This was the fit of split 0, to ")
