"""SeedEnsemble, and scikit-learn's ensembles around pipelines."""

import inspect
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from joblib import parallel_config
from matplotlib import pyplot as plt
from sklearn import config_context
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.ensemble import BaggingRegressor, VotingRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from sktsdl import (
    ConformalRegressor,
    MiniRocket,
    MultiTaskNet,
    NBEATSRegressor,
    NetClassifier,
    PurgedRegressor,
    RelativeTargetRegressor,
    SeedEnsemble,
    SlidingWindow,
    WindowMLPRegressor,
    append_history,
    backtest,
    forecast,
    load,
    make_supervised,
)
from sktsdl._sklearn.scales import predict_with_scales, scale_kind
from sktsdl.datasets import load_air_passengers, make_panel
from sktsdl.inspection import (
    AttributionDisplay,
    DecompositionDisplay,
    ForecastDisplay,
    LossCurveDisplay,
    channel_importance,
    integrated_gradients,
)
from sktsdl.metrics import pinball_scorer
from sktsdl.persistence import trusted_types

SERIES = load_air_passengers()
SERIES["month"] = SERIES.index.month
X, Y, X_LATEST = make_supervised(SERIES, target="passengers")
_, AHEAD, LAST_ROWS = make_supervised(SERIES, target="passengers", horizon=3)
TRAIN, TEST = slice(0, 100), slice(100, None)
NAME = "windowmlpregressor__random_state"


def net(**params):
    sizes = {"hidden_sizes": (4,), "max_epochs": 2, "lr": 1e-2}
    return WindowMLPRegressor(**sizes | params)


def pipe(last=None):
    return make_pipeline(SlidingWindow(6), net() if last is None else last)


def seeds(estimator=None, n=3, **params):
    estimator = pipe() if estimator is None else estimator
    return SeedEnsemble(estimator, n, **{"random_state": 0} | params)


def by_hand(estimator, names=(NAME,), n=3):
    """Return copies with the seeds that ``random_state=0`` draws, not fitted."""
    draws = np.random.RandomState(0)
    copies = [clone(estimator) for _ in range(n)]
    for each in copies:
        drawn = {name: draws.randint(2**31 - 1) for name in sorted(names)}
        each.set_params(**drawn)
    return copies


def fitted_by_hand(estimator, X=X[TRAIN], y=Y[TRAIN], **params):
    return [each.fit(X, y) for each in by_hand(estimator, **params)]


@pytest.fixture(autouse=True)
def _joblib():
    # All rows are then shared with the processes as a memory map.
    with parallel_config(backend="loky", n_jobs=1, max_nbytes=1):
        yield
    plt.close("all")


# The mean and its spread


@pytest.mark.parametrize("y", [Y, AHEAD], ids=["one", "horizon"])
def test_it_is_the_mean_of_a_loop_over_seeds(y):
    X_of_y = X[: len(y)]
    members = fitted_by_hand(pipe(), X_of_y[TRAIN], y[TRAIN])
    parts = [each.predict(X_of_y[TEST]) for each in members]
    model = seeds().fit(X_of_y[TRAIN], y[TRAIN])
    mean, spread = model.predict(X_of_y[TEST], return_std=True)
    np.testing.assert_allclose(mean, np.mean(parts, axis=0), rtol=1e-14)
    np.testing.assert_allclose(spread, np.std(parts, axis=0), rtol=1e-9)
    np.testing.assert_array_equal(model.predict(X_of_y[TEST]), mean)
    assert mean.shape == y[TEST].shape
    assert (spread > 0).all()
    for member, alone in zip(model.estimators_, members, strict=True):
        assert member.get_params()[NAME] == alone.get_params()[NAME]
    score = model.score(X_of_y[TEST], y[TEST])
    assert score == pytest.approx(r2_score(y[TEST], mean))
    assert is_regressor(model)


def test_steps_may_be_inside_or_before():
    inside = seeds().fit(X[TRAIN], Y[TRAIN])
    before = pipe(seeds(net())).fit(X[TRAIN], Y[TRAIN])
    for rows in (X[:8], X[TEST]):
        found = before.predict(rows, return_std=True)
        np.testing.assert_array_equal(found, inside.predict(rows, return_std=True))
    assert inside.feature_names_in_.tolist() == ["passengers", "month"]
    assert before[-1].n_features_in_ == 2


def test_every_random_state_is_drawn():
    model = make_pipeline(SlidingWindow(6), MiniRocket(n_kernels=84), pipe()[-1])
    model.set_params(minirocket__random_state=7, **{NAME: 7})
    names = ("minirocket__random_state", NAME)
    members = seeds(model, n=2).fit(X[TRAIN], Y[TRAIN]).estimators_
    for member, alone in zip(members, by_hand(model, names, n=2), strict=True):
        for name in names:
            assert member.get_params()[name] == alone.get_params()[name]
    assert model.get_params()[NAME] == 7


def test_the_first_members_do_not_depend_on_their_number():
    few = seeds(n=2).fit(X[TRAIN], Y[TRAIN])
    more = seeds(n=3).fit(X[TRAIN], Y[TRAIN])
    for i in range(2):
        np.testing.assert_array_equal(
            few.estimators_[i].predict(X), more.estimators_[i].predict(X)
        )


def test_none_is_other_seeds_in_every_fit():
    state = pickle.dumps(np.random.get_state())  # noqa: NPY002
    model = seeds(n=2, random_state=None)
    first = model.fit(X[TRAIN], Y[TRAIN]).predict(X)
    assert not np.array_equal(first, model.fit(X[TRAIN], Y[TRAIN]).predict(X))
    assert pickle.dumps(np.random.get_state()) == state  # noqa: NPY002


def test_a_row_alone_is_predicted_to_the_last_bit():
    model = pipe(seeds(net(), n=9)).fit(X[TRAIN], Y[TRAIN])
    windows = model[0].transform(X[TEST])
    together = model[1].predict(windows, return_std=True)
    for i in range(len(windows)):
        alone = model[1].predict(windows[i : i + 1], return_std=True)
        np.testing.assert_array_equal(np.ravel(alone), np.stack(together)[:, i])


@pytest.mark.parametrize("place", ["inside", "before"])
@pytest.mark.parametrize("kind", ["frame", "array", "panel"])
def test_the_result_does_not_depend_on_n_jobs(place, kind):
    rows, y = X[TRAIN], Y[TRAIN]
    if kind == "array":
        rows, y = rows.to_numpy(), y.to_numpy()
    if kind == "panel":
        rows, y, _ = make_supervised(make_panel(random_state=0), target="units")
    expected, found = [], []
    for n_jobs, results in ((None, expected), (2, found)):
        inside = seeds(n_jobs=n_jobs)
        model = inside if place == "inside" else pipe(seeds(net(), n_jobs=n_jobs))
        model.fit(rows, y)
        results += [model.predict(rows), joblib.hash(model.predict(rows[-9:]))]
    np.testing.assert_array_equal(found[0], expected[0])
    assert found[1] == expected[1]


def test_threads_give_the_same():
    expected = seeds().fit(X[TRAIN], Y[TRAIN]).predict(X)
    with parallel_config(backend="threading", n_jobs=2):
        found = seeds().fit(X[TRAIN], Y[TRAIN]).predict(X)
    np.testing.assert_array_equal(found, expected)


class Seen(WindowMLPRegressor):
    """Keeps what it was fitted to."""

    def fit(self, X, y, **params):
        self.seen_ = X, y, params
        self.is_shared_ = isinstance(X.rows, np.memmap)
        return super().fit(X, y, **params)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_names_index_and_weights_reach_the_members(n_jobs):
    weights = np.linspace(0.1, 1, 100)
    model = seeds(Seen(max_epochs=1), n=2, n_jobs=n_jobs)
    windows = SlidingWindow(6).fit_transform(X[TRAIN])
    model.fit(windows, Y[TRAIN], sample_weight=weights)
    for member in model.estimators_:
        assert member.is_shared_ == (n_jobs == 2)
        rows, y, params = member.seen_
        assert rows.names.tolist() == ["passengers", "month"]
        assert rows.index.equals(X.index[TRAIN])
        assert rows.rows.shape == (100 + 5, 2)  # not each window
        pd.testing.assert_series_equal(y, Y[TRAIN])
        np.testing.assert_array_equal(params["sample_weight"], weights)


def test_metadata_is_routed_to_the_members():
    weights = np.linspace(0.1, 1, 100)
    val = {"X_val": X[TEST], "y_val": Y[TEST]}
    expected = seeds(net(early_stopping=True)).fit(
        X[TRAIN][["month"]],
        Y[TRAIN],
        sample_weight=weights,
        X_val=X[TEST][["month"]],
        y_val=Y[TEST],
    )
    with config_context(enable_metadata_routing=True):
        asking = net(early_stopping=True).set_fit_request(
            sample_weight=True, X_val=True, y_val=True
        )
        val["X_val"] = val["X_val"][["month"]]
        rows = X[TRAIN][["month"]]
        model = make_pipeline(seeds(asking))
        model.fit(rows, Y[TRAIN], sample_weight=weights, **val)
        with pytest.raises(TypeError, match=r"fit got unexpected argument.*'tea'"):
            seeds(asking).fit(rows, Y[TRAIN], tea=weights)
    found = [each.validation_loss_curve_ for each in model[-1].estimators_]
    assert found == [each.validation_loss_curve_ for each in expected.estimators_]


# Quantiles, scales, classes


QUANTILES = {"loss": "quantile", "quantiles": (0.05, 0.5, 0.95)}
AROUND_QUANTILES = {
    "inside": lambda: seeds(pipe(net(**QUANTILES))),
    "before": lambda: pipe(seeds(net(**QUANTILES))),
    "ratio inside": lambda: seeds(
        RelativeTargetRegressor(pipe(net(**QUANTILES)), column="passengers")
    ),
    "ratio outside": lambda: RelativeTargetRegressor(
        seeds(pipe(net(**QUANTILES))), column="passengers"
    ),
}


@pytest.mark.parametrize("place", AROUND_QUANTILES)
def test_quantiles_are_means(place):
    model = AROUND_QUANTILES[place]().fit(X[TRAIN], Y[TRAIN])
    rows = X[TEST]
    mean, quantiles = model.predict(rows, return_quantiles=True)
    np.testing.assert_array_equal(mean, model.predict(rows))
    assert quantiles.shape == (len(rows), 3)
    assert (np.diff(quantiles) >= 0).all()
    if place in ("inside", "before"):
        members = fitted_by_hand(pipe(net(**QUANTILES)))
        each = [m[-1].predict_quantiles(m[:-1].transform(rows)) for m in members]
        np.testing.assert_allclose(quantiles, np.mean(each, axis=0))
    table = forecast(model, rows, levels=[0.9])
    assert list(table)[1:] == ["passengers_lower_90", "passengers_upper_90"]
    ends = quantiles[-1, [0, 2]]
    np.testing.assert_allclose(table.iloc[0, 1:], ends)
    assert pinball_scorer(model, rows, Y[TEST]) < 0
    display = ForecastDisplay.from_estimator(model, rows)
    np.testing.assert_allclose(display.quantiles, quantiles)
    assert tuple(display.levels) == (0.05, 0.5, 0.95)


def test_what_members_do_not_have_is_refused():
    model = seeds().fit(X[TRAIN], Y[TRAIN])
    assert not hasattr(model, "predict_quantiles")
    assert not hasattr(model, "predict_proba")
    assert not hasattr(model, "classes_")
    with pytest.raises(ValueError, match="members of this SeedEnsemble have none: fit"):
        model.predict(X, return_quantiles=True)
    with pytest.raises(ValueError, match="call predict once for each"):
        model.predict(X, return_std=True, return_quantiles=True)
    with pytest.raises(ValueError, match=r"SeedEnsemble has none: put it into a Conf"):
        forecast(model, X[TEST], levels=[0.9])


def test_scales_of_windows_reach_conformal_intervals():
    model = pipe(seeds(net(window_norm="standard"))).fit(X[TRAIN], Y[TRAIN])
    alone = pipe(net(window_norm="standard", random_state=0)).fit(X[TRAIN], Y[TRAIN])
    assert scale_kind(model) == "standard"
    predicted, scales = predict_with_scales(model, X[TEST])
    np.testing.assert_array_equal(predicted, model.predict(X[TEST]))
    np.testing.assert_allclose(scales, predict_with_scales(alone, X[TEST])[1])
    assert scale_kind(pipe(seeds(net(window_norm=None))).fit(X, Y)) is None


@pytest.mark.parametrize("norm", [None, "standard"])
def test_conformal_intervals_around_it(norm):
    model = ConformalRegressor(seeds(pipe(net(window_norm=norm)))).fit(X, Y)
    lower, upper = model.predict_interval(X_LATEST)
    mean, _ = model.predict(X_LATEST, return_std=True)
    expected = seeds(pipe(net(window_norm=norm))).fit(X, Y).predict(X_LATEST)
    np.testing.assert_array_equal(mean, expected)
    np.testing.assert_allclose((lower + upper) / 2, expected)
    assert (upper > lower).all()
    half_widths = model.predict_interval(X)[1] - model.predict(X)
    assert (np.ptp(half_widths) > 1e-6) == (norm is not None)


LABELS = pd.Series(np.where(X["passengers"] < Y, "up", "down"), X.index)


@pytest.mark.parametrize("place", ["inside", "before"])
def test_classes_have_the_mean_of_probabilities(place):
    alone = pipe(NetClassifier(net()))
    names = ("netclassifier__random_state", "netclassifier__regressor__random_state")
    members = fitted_by_hand(alone, y=LABELS[TRAIN], names=names)
    mean = np.mean([each.predict_proba(X[TEST]) for each in members], axis=0)
    model = seeds(alone) if place == "inside" else pipe(seeds(NetClassifier(net())))
    assert is_classifier(model)
    model.fit(X[TRAIN], LABELS[TRAIN])
    np.testing.assert_allclose(model.predict_proba(X[TEST]), mean)
    labels = np.array(["down", "up"])[mean.argmax(axis=1)]
    assert model.predict(X[TEST]).tolist() == labels.tolist()
    assert model.classes_.tolist() == ["down", "up"]
    score = accuracy_score(LABELS[TEST], labels)
    assert model.score(X[TEST], LABELS[TEST]) == score
    with pytest.raises(ValueError, match="needs members that predict numbers"):
        model.predict(X[TEST], return_std=True)
    with pytest.raises(TypeError, match="give one of its `estimators_`"):
        integrated_gradients(model, X[TEST])


TASKS = {"level": "regression", "direction": "classification"}
BOTH = pd.DataFrame({"level": Y, "direction": LABELS})
SEEDS_OF_TASKS = ("multitasknet__random_state", "multitasknet__net__random_state")


@pytest.mark.parametrize("place", ["inside", "before"])
def test_tasks_of_both_kinds(place):
    alone = pipe(MultiTaskNet(net(), tasks=TASKS))
    members = fitted_by_hand(alone, y=BOTH[TRAIN], names=SEEDS_OF_TASKS)
    model = seeds(alone) if place == "inside" else pipe(seeds(alone[-1]))
    model.fit(X[TRAIN], BOTH[TRAIN])
    found = model.predict(X[TEST])
    assert list(found) == ["level", "direction"]
    assert found.index.equals(X.index[TEST])
    levels = [each.predict(X[TEST])["level"] for each in members]
    np.testing.assert_allclose(found["level"], np.mean(levels, axis=0))
    each = [m.predict_proba(X[TEST])["direction"] for m in members]
    chances = model.predict_proba(X[TEST])["direction"]
    np.testing.assert_allclose(chances, np.mean(each, axis=0))
    labels = model.classes_["direction"][chances.argmax(axis=1)]
    assert found["direction"].tolist() == labels.tolist()
    parts = [
        r2_score(BOTH["level"][TEST], found["level"]),
        accuracy_score(BOTH["direction"][TEST], found["direction"]),
    ]
    score = model.score(X[TEST], BOTH[TEST][["direction", "level"]])
    assert score == pytest.approx(np.mean(parts))


def test_one_task_and_tasks_of_numbers():
    one = MultiTaskNet(net(), tasks={"direction": "classification"})
    found = pipe(seeds(one)).fit(X[TRAIN], LABELS[TRAIN]).predict(X[TEST])
    assert isinstance(found, pd.Series)
    assert found.name == "direction"
    numbers = pd.DataFrame({"level": Y, "double": 2 * Y})
    tasks = dict.fromkeys(numbers, "regression")
    model = pipe(seeds(MultiTaskNet(net(), tasks=tasks))).fit(X[TRAIN], numbers[TRAIN])
    mean, spread = model.predict(X[TEST], return_std=True)
    parts = [each.predict(model[0].transform(X[TEST])) for each in model[1].estimators_]
    np.testing.assert_allclose(mean, np.mean(parts, axis=0))
    np.testing.assert_allclose(spread, np.std(parts, axis=0))
    assert list(spread) == ["level", "double"]
    array = pipe(seeds(MultiTaskNet(net()))).fit(X[TRAIN], numbers[TRAIN].to_numpy())
    assert array.predict(X[TEST]).shape == (len(X[TEST]), 2)
    assert not hasattr(array, "predict_proba")


# Forecasts, backtests, history


PLACES = {
    "inside": lambda: seeds(pipe(), n=2),
    "before": lambda: pipe(seeds(net(), n=2)),
    "relative inside": lambda: seeds(
        RelativeTargetRegressor(pipe(), column="passengers"), n=2
    ),
    "relative outside": lambda: RelativeTargetRegressor(
        seeds(pipe(), n=2), column="passengers"
    ),
    "season inside": lambda: seeds(
        RelativeTargetRegressor(
            pipe(), column="passengers", relation="seasonal", period=12
        ),
        n=2,
    ),
    "purged inside": lambda: seeds(pipe(PurgedRegressor(net(), purge=2)), n=2),
    "purged outside": lambda: pipe(PurgedRegressor(seeds(net(), n=2), purge=2)),
    "conformal": lambda: ConformalRegressor(seeds(pipe(), n=2)),
    "search inside": lambda: seeds(
        GridSearchCV(pipe(), {"slidingwindow__window": [4]}, cv=TimeSeriesSplit(2)), n=2
    ),
    "search outside": lambda: GridSearchCV(
        seeds(pipe(), n=2), {"n_estimators": [2]}, cv=TimeSeriesSplit(2)
    ),
}
every_place = pytest.mark.parametrize("place", PLACES)
MONTHS = pd.DataFrame(
    {"month": range(1, 8)}, index=pd.date_range("1961-01-01", periods=7, freq="MS")
).assign(passengers=0)


@every_place
def test_forecasts_have_dates(place):
    model = PLACES[place]().fit(X[: len(AHEAD)], AHEAD)
    table = forecast(model, LAST_ROWS)
    months = pd.date_range("1961-01-01", periods=3, freq="MS")
    assert table.index.tolist() == months.tolist()
    assert list(table) == ["passengers"]
    np.testing.assert_allclose(table["passengers"], model.predict(LAST_ROWS)[-1])
    year = forecast(model, LAST_ROWS, steps=7, X_future=MONTHS)
    assert len(year) == 7
    np.testing.assert_array_equal(year[:3], table)


@pytest.mark.parametrize("place", ["inside", "before", "relative inside", "conformal"])
def test_the_training_rows_are_known(place):
    model = PLACES[place]().fit(X, Y)
    one_row = X_LATEST.set_axis(pd.DatetimeIndex(["1960-12-01"]))
    assert forecast(model, one_row).index.tolist() == [pd.Timestamp("1961-01-01")]
    with pytest.raises(ValueError, match="before the end of the training rows"):
        forecast(model, X[:50])


@every_place
def test_later_rows_become_history(place):
    model = PLACES[place]().fit(X[TRAIN], Y[TRAIN])
    stored = pickle.dumps(model)
    expected = model.predict(X[TEST])
    later = append_history(model, X[100:110])
    np.testing.assert_array_equal(later.predict(X[110:]), expected[10:])
    assert pickle.dumps(model) == stored


@pytest.mark.parametrize("refit", [True, "warm"])
@pytest.mark.parametrize("place", ["inside", "before", "relative inside"])
def test_backtests(place, refit):
    cv = TimeSeriesSplit(2, test_size=4)
    rows = X[: len(AHEAD)]
    past, models = backtest(
        PLACES[place](), rows, AHEAD, cv=cv, refit=refit, return_models=True
    )
    parts = [
        models[i].predict(rows[: test[-1] + 1])[test]
        for i, (_, test) in enumerate(cv.split(rows))
    ]
    np.testing.assert_allclose(past["y_pred"], np.concatenate(parts).ravel())
    if place == "inside":
        epochs = {len(member[-1].loss_curve_) for member in models[1].estimators_}
        assert epochs == {4 if refit == "warm" else 2}


def test_a_backtest_does_not_leave_rows_out_twice():
    cv = TimeSeriesSplit(2, test_size=4)
    rows = X[: len(AHEAD)]
    purged = seeds(pipe(PurgedRegressor(net())), n=2)
    found = backtest(purged, rows, AHEAD, cv=cv)
    expected = backtest(seeds(pipe(), n=2), rows, AHEAD, cv=cv)
    np.testing.assert_array_equal(found["y_pred"], expected["y_pred"])


def test_each_of_many_series_is_forecast():
    rows, y, latest = make_supervised(
        make_panel(random_state=0), target="units", horizon=7
    )
    expected = pipe(seeds(net(), n=2)).fit(rows, y).predict(latest)
    model = seeds(n=2).fit(rows, y)
    np.testing.assert_array_equal(model.predict(latest), expected)
    table = forecast(model, latest)
    assert table.shape == (35, 1)
    assert table.index.names == ["shop", "date"]
    later = append_history(model, latest)
    assert len(later.predict(latest)) == len(latest)


# Explanations


def test_attributions_are_those_of_the_mean():
    pytest.importorskip("captum")
    model, rows = seeds().fit(X[TRAIN], Y[TRAIN]), X[TEST]
    found = integrated_gradients(model, rows, n_steps=200)
    each = [integrated_gradients(m, rows, n_steps=200) for m in model.estimators_]
    np.testing.assert_allclose(found, np.mean(each, axis=0))
    baseline = np.tile(X[TRAIN].mean().to_numpy(), (6, 1))[None]
    start = np.mean([m[-1].predict(baseline) for m in model.estimators_])
    rises = model.predict(rows) - start
    np.testing.assert_allclose(found.sum(axis=(1, 2)), rises, rtol=1e-2, atol=0.1)
    before = pipe(seeds(net())).fit(X[TRAIN], Y[TRAIN])
    np.testing.assert_array_equal(
        integrated_gradients(before, rows, n_steps=200), found
    )
    for either in (model, before):
        display = AttributionDisplay.from_estimator(either, rows, row=2, n_steps=200)
        np.testing.assert_allclose(display.attributions, found[2], rtol=1e-5)
        assert display.channels == ["passengers", "month"]


def test_importances_are_of_the_mean():
    model = pipe(seeds(net(max_epochs=20), n=2)).fit(X[TRAIN], Y[TRAIN])
    result = channel_importance(model, X[TRAIN], Y[TRAIN], random_state=0)
    windows = np.asarray(model[0].transform(X[TRAIN])[5:])
    shuffled = windows[:, :, 0][np.random.RandomState(0).permutation(len(windows))]
    assert result.importances.shape == (2, 5)
    assert result.importances_mean[0] > result.importances_mean[1]
    changed = windows.copy()
    changed[:, :, 0] = shuffled
    assert model[1].score(windows, Y[5:100]) > model[1].score(changed, Y[5:100])
    of_times = pipe(seeds(net(cycle=12), n=2)).fit(X[TRAIN], Y[TRAIN])
    channel_importance(of_times, X[TRAIN], Y[TRAIN], n_repeats=1)
    tasks = pipe(seeds(MultiTaskNet(net(), tasks=TASKS), n=2))
    tasks.fit(X[TRAIN], BOTH[TRAIN])
    channel_importance(tasks, X[TRAIN], BOTH[TRAIN], n_repeats=1)
    with pytest.raises(ValueError, match=r"steps of its pipeline before SeedEnsemble"):
        channel_importance(seeds(n=2).fit(X[TRAIN], Y[TRAIN]), X[TRAIN], Y[TRAIN])


def test_parts_of_the_mean():
    rows = X[: len(AHEAD)][["passengers"]]
    nbeats = NBEATSRegressor(hidden_size=4, max_epochs=2)
    model = pipe(seeds(nbeats, n=2)).fit(rows[TRAIN], AHEAD[TRAIN])
    display = DecompositionDisplay.from_estimator(model, rows[TEST])
    total = sum(display.parts.values())
    np.testing.assert_allclose(total, model.predict(rows[TEST])[-1], rtol=1e-5)
    with pytest.raises(TypeError, match=r"SeedEnsemble is not a net .* `estimators_`"):
        LossCurveDisplay.from_estimator(model)
    LossCurveDisplay.from_estimator(model[-1].estimators_[0])


# Files, warm starts, errors


@pytest.mark.parametrize("place", ["inside", "before", "relative inside"])
def test_files(place, tmp_path):
    model = PLACES[place]().fit(X[TRAIN], Y[TRAIN])
    expected = model.predict(X[TEST])
    content = skops.io.dumps(model)
    again = skops.io.loads(content, trusted=trusted_types(PLACES[place]()))
    np.testing.assert_array_equal(again.predict(X[TEST]), expected)
    joblib.dump(model, tmp_path / "seeds.joblib")
    again = joblib.load(tmp_path / "seeds.joblib")
    np.testing.assert_array_equal(again.predict(X[TEST]), expected)


def test_a_member_has_a_file_of_its_own(tmp_path):
    model = pipe(seeds(net())).fit(X[TRAIN], Y[TRAIN])
    member, windows = model[-1].estimators_[0], model[0].transform(X[TEST])
    member.save(tmp_path / "net.safetensors")
    again = load(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(again.predict(windows), member.predict(windows))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_members_are_trained_further(n_jobs):
    last = net(warm_start=True)
    model = seeds(pipe(last), n=2, n_jobs=n_jobs).fit(X[TRAIN], Y[TRAIN])
    before, curve = model.estimators_[0], model.estimators_[0][-1].loss_curve_
    model.set_params(estimator__windowmlpregressor__max_epochs=4, n_estimators=3)
    model.fit(X[TRAIN], Y[TRAIN])
    expected = seeds(pipe(net(max_epochs=4))).fit(X[TRAIN], Y[TRAIN])
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))
    assert len(before[-1].loss_curve_) == len(curve) == 2
    trained = [list(member[-1].loss_curve_) for member in model.estimators_]
    model.set_params(estimator__windowmlpregressor__max_epochs=6)
    for member, losses in zip(
        model.fit(X[:90], Y[:90]).estimators_, trained, strict=True
    ):
        assert member[-1].loss_curve_[:4] == losses
    assert not hasattr(last, "net_")


class Visits:
    """Leaves a file for each estimator that begins a task, in any process."""

    max_propagation_depth = None

    def __init__(self, folder):
        self.folder = folder

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        seed = estimator.get_params().get("random_state")
        (self.folder / f"{type(estimator).__name__} {seed}").touch()

    def on_fit_task_end(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_callbacks_of_scikit_learn_reach_the_members(n_jobs, tmp_path):
    pytest.importorskip("sklearn.callback")
    model = seeds(n=2, n_jobs=n_jobs).set_callbacks(Visits(tmp_path))
    model.fit(X[TRAIN], Y[TRAIN])
    seen = {path.name for path in tmp_path.iterdir()}
    names = [member.get_params()[NAME] for member in model.estimators_]
    assert {f"WindowMLPRegressor {name}" for name in names} <= seen
    for member in model.estimators_:
        assert not any("callback" in name for name in vars(member))


class Fails(WindowMLPRegressor):
    """Fails if a seed is odd and `dropout` is set."""

    def _build_module(self, spec):
        if self.dropout and self.random_state % 2:
            raise RuntimeError("no memory for this member")
        return super()._build_module(spec)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_failed_member_leaves_the_old_ensemble(n_jobs):
    model = seeds(Fails(max_epochs=1), n=4, n_jobs=n_jobs)
    rows = X[TRAIN][["passengers"]]
    model.fit(rows, Y[TRAIN])
    odd = [member.random_state % 2 for member in model.estimators_]
    assert 0 < sum(odd) < 4
    model.set_params(estimator__dropout=0.1)
    before = joblib.hash(vars(model))
    with pytest.raises(RuntimeError, match="no memory for this member"):
        model.fit(rows, Y[TRAIN])
    assert joblib.hash(vars(model)) == before


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (SeedEnsemble(Ridge(solver="svd").fit, 2), TypeError, "Cannot clone object"),
        (SeedEnsemble(net(), 0), ValueError, "n_estimators == 0, must be >= 1"),
        (SeedEnsemble(net(), 2.0), TypeError, "n_estimators must be an instance of"),
        (SeedEnsemble(net(), random_state="a"), ValueError, "'a' cannot be used to"),
        (
            SeedEnsemble(make_pipeline(SlidingWindow(3, flatten=True, pad="edge"))),
            ValueError,
            "has no parameter random_state, so all members would be equal: give a net",
        ),
    ],
)
def test_bad_parameters(model, error, message):
    with pytest.raises(error, match=message):
        model.fit(X[["passengers"]], Y)
    assert not hasattr(model, "estimators_")


# scikit-learn's ensembles


def bagged(estimator=None):
    return BaggingRegressor(
        pipe() if estimator is None else estimator,
        n_estimators=2,
        bootstrap=False,
        random_state=0,
    )


@pytest.mark.parametrize("y", [Y, AHEAD], ids=["one", "horizon"])
def test_bagging_is_an_ensemble_of_seeds_of_arrays(y):
    rows = X[: len(y)]
    model = bagged().fit(rows[TRAIN], y[TRAIN])
    again = [
        pipe().set_params(**{NAME: each.get_params()[NAME]}).fit(rows[TRAIN], y[TRAIN])
        for each in model.estimators_
    ]
    mean = np.mean([each.predict(rows[TEST]) for each in again], axis=0)
    np.testing.assert_allclose(model.predict(rows[TEST]), mean)
    assert not hasattr(model.estimators_[0], "feature_names_in_")


def test_bagging_loses_names_and_times():
    model, frames = bagged().fit(X[TRAIN], Y[TRAIN]), seeds().fit(X[TRAIN], Y[TRAIN])
    after_a_gap = X[110:]
    with pytest.warns(UserWarning, match="X starts at .* after a gap"):
        frames.predict(after_a_gap)
    as_if_next = [
        each.predict(after_a_gap.to_numpy()) for each in model.estimators_
    ]  # whose history is the end of training
    np.testing.assert_allclose(model.predict(after_a_gap), np.mean(as_if_next, axis=0))
    with pytest.raises(ValueError, match="column='passengers' is not a column of X"):
        bagged(RelativeTargetRegressor(pipe(), column="passengers")).fit(X, Y)
    RelativeTargetRegressor(bagged(), column="passengers").fit(X, Y)
    with pytest.raises(TypeError, match="BaggingRegressor has a look-back step inside"):
        append_history(model, X[TEST])


def test_bagging_mixes_many_series():
    rows, y, _ = make_supervised(make_panel(random_state=0), target="units")
    model = bagged().fit(rows, y)
    step = model.estimators_[0][0]
    (second,) = np.flatnonzero(~rows.droplevel("date").index.duplicated())[1:2]
    windows = step.transform(rows.to_numpy())
    np.testing.assert_array_equal(windows[second], rows[second - 5 : second + 1])
    assert np.isnan(SlidingWindow(6).fit_transform(rows)[second][:5]).all()


def test_times_of_the_target_are_compared_by_seeds_only():
    with pytest.raises(ValueError, match="sort X and y together"):
        seeds().fit(X, Y[::-1])
    for model in (voting(), bagged()):
        model.fit(X, Y[::-1])


def test_bagging_takes_no_windows():
    with pytest.raises(ValueError, match="dim 3"):
        pipe(bagged(net())).fit(X, Y)


def voting():
    return VotingRegressor(
        [(f"seed{i}", each) for i, each in enumerate(by_hand(pipe()))]
    )


def test_voting_keeps_frames():
    model, expected = voting().fit(X[TRAIN], Y[TRAIN]), seeds().fit(X[TRAIN], Y[TRAIN])
    np.testing.assert_allclose(model.predict(X[TEST]), expected.predict(X[TEST]))
    assert model.estimators_[0].feature_names_in_.tolist() == ["passengers", "month"]
    with pytest.warns(UserWarning, match="X starts at .* after a gap"):
        model.predict(X[110:])
    later = append_history(model, X[100:110])
    np.testing.assert_allclose(later.predict(X[110:]), model.predict(X[TEST])[10:])
    rows, y, latest = make_supervised(make_panel(random_state=0), target="units")
    found = voting().fit(rows, y).predict(latest)
    np.testing.assert_allclose(found, seeds().fit(rows, y).predict(latest))


def test_voting_has_one_target_and_no_quantiles():
    with pytest.raises(ValueError, match="y should be a 1d array"):
        voting().fit(X[: len(AHEAD)], AHEAD)
    last = net(**QUANTILES, random_state=0)
    model = VotingRegressor([("seed0", pipe(last))]).fit(X[TRAIN], Y[TRAIN])
    assert "return_std" not in inspect.signature(model.predict).parameters
    with pytest.raises(ValueError, match="VotingRegressor has none: put it into a"):
        forecast(model, X[TEST], levels=[0.9])
