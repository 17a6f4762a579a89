"""scikit-learn's own estimators, searches, displays and callbacks."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from sklearn import config_context
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_transformer,
)
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingRegressor,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFE, SelectFromModel, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import (
    PartialDependenceDisplay,
    partial_dependence,
    permutation_importance,
)
from sklearn.linear_model import Ridge
from sklearn.metrics import PredictionErrorDisplay, get_scorer, mean_absolute_error
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    LearningCurveDisplay,
    RandomizedSearchCV,
    TimeSeriesSplit,
    ValidationCurveDisplay,
    cross_val_predict,
    cross_validate,
    learning_curve,
    permutation_test_score,
    train_test_split,
    validation_curve,
)
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    StandardScaler,
)

from sktsdl import (
    LagsToWindows,
    LSTMRegressor,
    PurgedRegressor,
    SeasonalNaiveRegressor,
    SlidingWindow,
    TCNRegressor,
    WithHistory,
)
from tests.ecosystem.models import (
    TEST,
    TRAIN,
    WINDOW,
    X,
    Y,
    fitted,
    flat,
    net,
    pipeline,
)

MAE = "neg_mean_absolute_error"
CV = TimeSeriesSplit(2)
EPOCHS = "windowmlpregressor__max_epochs"
# Folds of KFold leave gaps in the rows, and each step says so.
GAPS = "ignore::UserWarning"
TARGETS = np.column_stack([Y, Y**2])


@pytest.fixture(autouse=True)
def no_figures():
    yield
    plt.close("all")


# Searches and cross-validation


def test_grid_search_over_whole_steps():
    nets = [
        LSTMRegressor(hidden_sizes=(4,), max_epochs=2, random_state=0),
        TCNRegressor(channels=(4,), max_epochs=2, random_state=0),
    ]
    model = make_pipeline(SlidingWindow(WINDOW), net())
    name = model.steps[-1][0]
    grid = [
        {name: nets, "slidingwindow__window": [3, 6]},
        {name: [Ridge()], "slidingwindow": [flat()]},
    ]
    searches = [
        GridSearchCV(model, grid, cv=CV, scoring=MAE, n_jobs=n_jobs).fit(X, Y)
        for n_jobs in (1, 2)
    ]
    alone, together = (search.cv_results_["mean_test_score"] for search in searches)
    np.testing.assert_array_equal(alone, together)
    assert len(set(alone)) == 5


def test_randomized_search():
    search = RandomizedSearchCV(
        pipeline(), {EPOCHS: [1, 2, 3]}, n_iter=2, cv=CV, random_state=0
    ).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_halving_over_epochs():
    search = HalvingGridSearchCV(
        pipeline(),
        {"windowmlpregressor__lr": [1e-3, 1e-2, 1e-1]},
        resource=EPOCHS,
        min_resources=1,
        max_resources=3,
        cv=CV,
    ).fit(X, Y)
    assert search.n_resources_ == [1, 3]


@pytest.mark.filterwarnings("ignore:.*fits failed")
@pytest.mark.filterwarnings("ignore:.*non-finite:UserWarning")
def test_halving_over_rows_is_refused_as_it_shuffles():
    grid = {"windowmlpregressor__lr": [1e-3, 1e-2, 1e-1]}
    search = HalvingGridSearchCV(pipeline(), grid, cv=CV)
    with pytest.raises(ValueError, match=r"(?s)fits failed.*index of X"):
        search.fit(X, Y)


def test_cross_validate_with_all_that_it_returns():
    scores = cross_validate(
        pipeline(),
        X,
        Y,
        cv=CV,
        return_train_score=True,
        return_estimator=True,
        return_indices=True,
        scoring=MAE,
    )
    for model, test, score in zip(
        scores["estimator"],
        scores["indices"]["test"],
        scores["test_score"],
        strict=True,
    ):
        forecasts = model.predict(X.iloc[test])
        assert score == -mean_absolute_error(Y.iloc[test], forecasts)
    assert np.isfinite(scores["train_score"]).all()


@pytest.mark.filterwarnings(GAPS)
def test_cross_val_predict():
    forecasts = cross_val_predict(pipeline(), X, Y, cv=KFold(4))
    np.testing.assert_array_equal(forecasts[TEST], fitted().predict(X[TEST]))
    with pytest.raises(ValueError, match="only works for partitions"):
        cross_val_predict(pipeline(), X, Y, cv=CV)


@pytest.mark.parametrize("indexed", [True, False])
def test_shuffled_rows_are_refused(indexed):
    rows, target = (X, Y) if indexed else (X.reset_index(drop=True), Y)
    shuffled, _, target, _ = train_test_split(rows, target, random_state=0)
    with pytest.raises(ValueError, match="index of X"):
        pipeline().fit(shuffled, target)


def test_shuffled_windows_are_samples():
    windows = SlidingWindow(WINDOW).fit_transform(X)
    parts = train_test_split(windows, Y, random_state=0)
    assert np.isfinite(net().fit(parts[0], parts[2]).predict(parts[1])).all()


def test_a_learning_curve_warns_of_the_gap():
    with pytest.warns(UserWarning, match="gap"):
        sizes, _, scores = learning_curve(
            pipeline(), X, Y, cv=CV, train_sizes=[0.5, 1.0], scoring=MAE
        )
    assert sizes.tolist() == [20, 40]
    assert np.isfinite(scores).all()


@pytest.mark.filterwarnings(GAPS)
def test_curves_and_their_displays():
    settings = {"param_name": EPOCHS, "param_range": [1, 3]}
    _, scores = validation_curve(pipeline(), X, Y, cv=CV, scoring=MAE, **settings)
    assert scores.shape == (2, 2)
    ValidationCurveDisplay.from_estimator(pipeline(), X, Y, cv=CV, **settings)
    LearningCurveDisplay.from_estimator(pipeline(), X, Y, cv=CV, train_sizes=[0.5, 1])


def test_permutation_test_score():
    # It shuffles y with its index, whose times are then those of other rows.
    with pytest.raises(ValueError, match="y has the label"):
        permutation_test_score(pipeline(), X, Y, cv=CV, scoring=MAE)
    score, permuted, chance = permutation_test_score(
        pipeline(),
        X,
        np.asarray(Y),
        cv=CV,
        n_permutations=3,
        random_state=0,
        scoring=MAE,
    )
    assert np.isfinite([score, *permuted]).all()
    assert 0 < chance <= 1


# Inspection


def test_permutation_importance():
    model = fitted()
    importances = [
        permutation_importance(
            model, X[TEST], Y[TEST], n_repeats=2, random_state=0, n_jobs=n_jobs
        ).importances
        for n_jobs in (1, 2)
    ]
    np.testing.assert_array_equal(*importances)


@pytest.mark.parametrize("windows", [SlidingWindow(WINDOW), flat()])
def test_partial_dependence(windows):
    model = fitted(make_pipeline(windows, net()))
    by_name = partial_dependence(model, X[TEST], ["rail"], grid_resolution=3)
    values = by_name["grid_values"][0]
    for value, average in zip(values, by_name["average"][0], strict=True):
        expected = model.predict(X[TEST].assign(rail=value)).mean()
        assert average == pytest.approx(expected)
    PartialDependenceDisplay.from_estimator(model, X[TEST], ["rail"], grid_resolution=3)


def test_a_prediction_error_display():
    display = PredictionErrorDisplay.from_estimator(fitted(), X[TEST], Y[TEST])
    np.testing.assert_array_equal(display.y_pred, fitted().predict(X[TEST]))


# Ensembles


def seeds():
    return [(f"seed{i}", net(random_state=i)) for i in range(2)]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_voting_around_pipelines_equals_voting_after_windows(n_jobs):
    each = [(name, pipeline(last)) for name, last in seeds()]
    around = fitted(VotingRegressor(each, n_jobs=n_jobs)).predict(X[TEST])
    after = fitted(pipeline(VotingRegressor(seeds()))).predict(X[TEST])
    np.testing.assert_array_equal(around, after)
    alone = [fitted(model).predict(X[TEST]) for _, model in each]
    np.testing.assert_allclose(around, np.mean(alone, axis=0))


def test_voting_passes_sample_weights():
    weights = np.linspace(0, 1, 90)
    voting = pipeline(VotingRegressor(seeds()[:1]))
    voting.fit(X[TRAIN], Y[TRAIN], votingregressor__sample_weight=weights)
    alone = pipeline()
    alone.fit(X[TRAIN], Y[TRAIN], windowmlpregressor__sample_weight=weights)
    np.testing.assert_allclose(voting.predict(X[TEST]), alone.predict(X[TEST]))


def test_voting_is_for_one_target():
    with pytest.raises(ValueError, match="1d array"):
        pipeline(VotingRegressor(seeds())).fit(X, TARGETS)


@pytest.mark.parametrize("target", [Y, TARGETS], ids=["one", "two"])
def test_bagging_of_pipelines_without_bootstrap_is_an_ensemble_of_seeds(target):
    bagging = BaggingRegressor(
        pipeline(net(random_state=None)),
        n_estimators=2,
        bootstrap=False,
        random_state=0,
    ).fit(X[TRAIN], target[TRAIN])
    forecasts = bagging.predict(X[TEST])
    models = bagging.estimators_
    alone = [model.predict(X[TEST].to_numpy()) for model in models]
    np.testing.assert_allclose(forecasts, np.mean(alone, axis=0))
    assert not np.array_equal(*alone)


def test_bagging_takes_windows_only_flattened():
    bagging = BaggingRegressor(net(), n_estimators=2, random_state=0)
    with pytest.raises(ValueError, match="dim 3"):
        fitted(pipeline(bagging))
    model = fitted(make_pipeline(flat(), bagging))
    assert np.isfinite(model.predict(X[TEST])).all()


def test_stacking_on_later_rows():
    model = fitted()
    calibration, rest = slice(90, 105), slice(105, 120)
    stacking = StackingRegressor(
        [("net", FrozenEstimator(model))], Ridge(alpha=0), cv="prefit"
    ).fit(X[calibration], Y[calibration])
    forecasts = model.predict(X[calibration])
    ridge = Ridge(alpha=0).fit(forecasts[:, None], Y[calibration])
    both = model.predict(X[TEST])[15:]
    expected = ridge.predict(both[:, None])
    with pytest.warns(UserWarning, match="gap"):
        predicted = stacking.predict(X[rest])
    np.testing.assert_allclose(predicted[WINDOW - 1 :], expected[WINDOW - 1 :])


@pytest.mark.filterwarnings(GAPS)
def test_stacking_by_folds():
    model = StackingRegressor([("net", pipeline())], Ridge(), cv=3)
    assert np.isfinite(fitted(model).predict(X[TEST])).all()
    after = pipeline(StackingRegressor(seeds(), Ridge(), cv=3))
    assert np.isfinite(fitted(after).predict(X[TEST])).all()


@pytest.mark.parametrize(
    "selector",
    [
        AdaBoostRegressor(net(), n_estimators=2, random_state=0),
        make_pipeline(
            RFE(Ridge(), n_features_to_select=4).set_output(transform="default"), net()
        ),
        make_pipeline(SelectFromModel(Ridge(), max_features=4), net()),
        make_pipeline(
            SequentialFeatureSelector(net(max_epochs=1), n_features_to_select=1, cv=2),
            net(),
        ),
    ],
    ids=["AdaBoost", "RFE", "SelectFromModel", "SequentialFeatureSelector"],
)
def test_selection_and_boosting_of_flat_windows(selector):
    windows = SlidingWindow(2, flatten=True, pad="edge")
    model = fitted(make_pipeline(windows, selector))
    assert np.isfinite(model.predict(X[TEST])).all()


# Targets


@pytest.mark.parametrize("around", [True, False])
def test_a_net_for_each_target(around):
    model = MultiOutputRegressor(pipeline() if around else net())
    model = model if around else pipeline(model)
    forecasts = model.fit(X[TRAIN], TARGETS[TRAIN]).predict(X[TEST])
    np.testing.assert_array_equal(forecasts[:, 0], fitted().predict(X[TEST]))


@pytest.mark.parametrize("around", [True, False])
def test_a_chain_of_targets(around):
    chain = RegressorChain(pipeline() if around else net())
    model = chain if around else make_pipeline(flat(), chain)
    forecasts = model.fit(X[TRAIN], TARGETS[TRAIN]).predict(X[TEST])
    assert forecasts.shape == (30, 2)
    assert np.isfinite(forecasts).all()


def test_transformed_targets():
    model = TransformedTargetRegressor(pipeline(), func=np.log, inverse_func=np.exp)
    logs = pipeline().fit(X[TRAIN], np.log(Y[TRAIN]))
    expected = np.exp(logs.predict(X[TEST]))
    np.testing.assert_allclose(fitted(model).predict(X[TEST]), expected)
    scaled = TransformedTargetRegressor(pipeline(), transformer=StandardScaler())
    with pytest.warns(UserWarning, match="in other units"):
        scaled.fit(X, TARGETS)
    assert scaled.predict(X).shape == (120, 2)


# Steps before the windows


def days(rows):
    return rows.assign(weekday=rows.index.dayofweek)


def test_columns_before_the_windows():
    columns = make_column_transformer(
        (StandardScaler(), ["rail", "bus"]),
        (OneHotEncoder(sparse_output=False, handle_unknown="ignore"), ["weekday"]),
    )
    calendar = FunctionTransformer(days)
    model = make_pipeline(calendar, columns, pipeline()).set_output(transform="pandas")
    with pytest.warns(UserWarning, match="in other units"):
        fitted(model)
    assert model[:-1].transform(X[TEST]).index.equals(X[TEST].index)
    together = model.predict(X[TEST])
    one_by_one = model.predict(X[TEST][:1])
    np.testing.assert_array_equal(together[:1], one_by_one)


def test_sparse_columns_are_refused():
    codes = X.assign(weekday=X.index.dayofweek)
    sparse = ColumnTransformer([("day", OneHotEncoder(), ["weekday"])])
    with pytest.raises(TypeError, match="dense"):
        make_pipeline(sparse, pipeline()).fit(codes, Y)


def test_windows_of_some_columns():
    lags = make_column_transformer((flat(), ["rail"]), ("passthrough", ["bus"]))
    step = LagsToWindows(lags=WINDOW, order="oldest_first")
    model = fitted(make_pipeline(lags, step, net()))
    windows = np.asarray(model[:-1].transform(X[TEST]))
    np.testing.assert_array_equal(windows[0, :, 0], X["rail"][91 - WINDOW : 91])
    np.testing.assert_array_equal(windows[0, :, 1], X["bus"].iloc[90])
    assert np.isfinite(model.predict(X[TEST])).all()


def test_windows_beside_rows():
    model = fitted(make_pipeline(make_union(flat(), FunctionTransformer()), Ridge()))
    assert model[-1].n_features_in_ == 2 * WINDOW + 2
    assert np.isfinite(model.predict(X[TEST])).all()


def test_a_scaler_before_the_windows_changes_nothing_much():
    scaler = StandardScaler().set_output(transform="pandas")
    scaled = fitted(make_pipeline(scaler, pipeline(net(window_norm=None))))
    plain = fitted(pipeline(net(window_norm=None)))
    np.testing.assert_allclose(
        scaled.predict(X[TEST]), plain.predict(X[TEST]), rtol=1e-4
    )


def test_rolling_features_need_their_history():
    def rolling(rows):
        return rows.assign(mean=rows["rail"].rolling(7).mean())

    step = WithHistory(FunctionTransformer(rolling), n_rows=6)
    model = make_pipeline(step, pipeline())
    fitted(model)
    expected = X["rail"].rolling(7).mean()[TEST]
    np.testing.assert_allclose(model[0].transform(X[TEST])["mean"], expected)
    assert np.isfinite(model.predict(X[TEST])).all()


def test_a_frozen_pipeline_is_a_step():
    model = fitted()
    windows = FrozenEstimator(model[0])
    again = make_pipeline(windows, FrozenEstimator(model[1])).fit(X[TEST], Y[TEST])
    np.testing.assert_array_equal(again.predict(X[TEST]), model.predict(X[TEST]))


# The whole


def test_html_and_containers():
    model = fitted()
    assert "SlidingWindow" in model._repr_html_()
    expected = model.predict(X[TEST])
    for container in ("pandas", "polars"):
        with config_context(transform_output=container):
            np.testing.assert_array_equal(model.predict(X[TEST]), expected)
    frame = fitted(make_pipeline(flat(), net())).set_output(transform="pandas")
    assert frame[0].transform(X[TEST]).columns[-1] == "bus_lag0"


def test_metadata_is_routed_through_a_search():
    weights = np.linspace(0, 1, 120)
    with config_context(enable_metadata_routing=True):
        last = PurgedRegressor(net().set_fit_request(sample_weight=True), purge=1)
        scorer = get_scorer(MAE).set_score_request(sample_weight=True)
        grid = {"purgedregressor__purge": [1]}
        search = GridSearchCV(pipeline(last), grid, cv=CV, scoring=scorer)
        search.fit(X, Y, sample_weight=weights)
        alone = clone(pipeline(last)).fit(X, Y, sample_weight=weights)
    np.testing.assert_array_equal(search.predict(X), alone.predict(X))


def test_a_pipeline_with_a_cache(tmp_path):
    model = make_pipeline(SlidingWindow(WINDOW), net(), memory=str(tmp_path))
    for _ in range(2):
        np.testing.assert_array_equal(
            fitted(clone(model)).predict(X[TEST]), fitted().predict(X[TEST])
        )
    stored = sum(path.stat().st_size for path in tmp_path.rglob("*.pkl"))
    assert stored < 10 * X[TRAIN].to_numpy().nbytes


def test_callbacks_of_a_search_and_of_its_net(capfd):
    monitor = ScoringMonitor(scoring=MAE)
    model = pipeline(net().set_callbacks(monitor))
    search = GridSearchCV(model, {"windowmlpregressor__lr": [1e-3, 1e-2]}, cv=CV)
    search.set_callbacks(ProgressBar()).fit(X, Y)
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(epochs) == (2 * 2 + 1) * 3
    assert "GridSearchCV" in capfd.readouterr().out


@pytest.mark.parametrize("baseline", [DummyRegressor(), SeasonalNaiveRegressor(7)])
def test_baselines_give_plain_arrays(baseline):
    forecasts = baseline.fit(X[TRAIN], Y[TRAIN]).predict(X[TEST])
    assert type(forecasts) is np.ndarray
    if isinstance(baseline, SeasonalNaiveRegressor):
        np.testing.assert_array_equal(forecasts, X["rail"][84:114])
