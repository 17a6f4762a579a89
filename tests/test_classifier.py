"""NetClassifier: any net as a classifier of windows."""

import pickle
import re
from typing import ClassVar

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib import pyplot as plt
from sklearn import config_context
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.class_weight import compute_sample_weight
from skorch.callbacks import Callback

from sktsdl import (
    ConformalRegressor,
    LSTMRegressor,
    MultiTaskNet,
    NetClassifier,
    PurgedRegressor,
    RelativeTargetRegressor,
    Seq2SeqRegressor,
    SlidingWindow,
    TCNRegressor,
    TransformerRegressor,
    WindowMLPRegressor,
    append_history,
    backtest,
    forecast,
    load,
    make_supervised,
)
from sktsdl._estimator import base
from sktsdl.compose import _classifier
from sktsdl.inspection import (
    AttributionDisplay,
    ForecastDisplay,
    LossCurveDisplay,
    ResidualDisplay,
    channel_importance,
    integrated_gradients,
    lag_importance,
)
from tests.estimators import every_net, forbid_pickle, small
from tests.nets import lstm, net_fixture

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 5, 2))
MOVE = X[:, -1, 0] + 0.3 * X[:, -2, 1]
THREE = np.select([MOVE > 0.5, MOVE < -0.5], ["up", "down"], "flat")
TWO = np.where(MOVE > 0, "up", "down")
TARGETS = {"binary": TWO, "multi-class": THREE}
both = pytest.mark.parametrize("y", TARGETS.values(), ids=TARGETS)

SIZES = {
    LSTMRegressor: {"hidden_sizes": (8,)},
    TCNRegressor: {"channels": (8, 8)},
    TransformerRegressor: {"d_model": 8, "nhead": 2, "dim_feedforward": 8},
}
net = net_fixture(SIZES, max_epochs=20, lr=2e-2)


def mlp(**params):
    return WindowMLPRegressor(
        **{"hidden_sizes": (16,), "max_epochs": 20, "lr": 1e-2, "random_state": 0}
        | params
    )


def daily(n=120):
    """Rows with a daily index, and whether the first column rises."""
    index = pd.date_range("2024-01-01", periods=n)
    rows = pd.DataFrame(RNG.normal(size=(n, 2)), index, ["rail", "bus"])
    labels = np.where(rows["rail"] + 0.3 * rows["bus"].shift(1, fill_value=0) > 0, 1, 0)
    return rows, pd.Series(labels, index, name="rise+1")


# Predictions


@both
def test_labels_and_probabilities(net, y):
    model = NetClassifier(net()).fit(X, y)
    assert model.classes_.tolist() == sorted(set(y))
    assert model.classes_.dtype == y.dtype
    predicted = model.predict(X)
    assert accuracy_score(y, predicted) == model.score(X, y) > 0.85
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(model.classes_[probabilities.argmax(1)], predicted)
    scores = model.decision_function(X)
    if len(model.classes_) == 2:
        assert scores.shape == (200,)
        odds = np.log(probabilities[:, 1] / probabilities[:, 0])
        np.testing.assert_allclose(scores, odds, rtol=1e-6)
    else:
        assert scores.shape == (200, 3)
        exponentials = np.exp(scores)
        expected = exponentials / exponentials.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(probabilities, expected, rtol=1e-6)


def test_the_recorded_loss_is_the_cross_entropy():
    model = NetClassifier(mlp()).fit(X, THREE, X_val=X, y_val=THREE)
    last = model.regressor_.validation_loss_curve_[-1]
    assert last == pytest.approx(log_loss(THREE, model.predict_proba(X)), rel=1e-5)


@both
def test_one_class_task_of_a_multitasknet_trains_the_same(y):
    model = NetClassifier(lstm()).fit(X, y)
    tasks = MultiTaskNet(lstm(), tasks={"y": "classification"}).fit(X, y)
    expected = tasks.predict_proba(X)["y"]
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-5)


@every_net
def test_every_net_is_a_classifier(cls, tmp_path):
    model = NetClassifier(small(cls))
    if cls is Seq2SeqRegressor:
        with pytest.raises(ValueError, match="use another net for targets of classes"):
            model.fit(X[:40], THREE[:40])
        return
    model.fit(X[:40], THREE[:40])
    assert model.predict_proba(X).shape == (200, 3)
    model.save(tmp_path / "file")
    expected = model.predict_proba(X)
    np.testing.assert_array_equal(load(tmp_path / "file").predict_proba(X), expected)


@pytest.mark.parametrize(
    ("y", "labels"),
    [
        (MOVE > 0, [False, True]),
        (np.where(MOVE > 0, 7, -1), [-1, 7]),
        (np.where(MOVE > 0, 2.0, 1.0), [1.0, 2.0]),
        (TWO.tolist(), ["down", "up"]),
        (pd.Series(TWO), ["down", "up"]),
        (pd.Series(TWO, dtype="category"), ["down", "up"]),
        (pd.Series(TWO, dtype="string"), ["down", "up"]),
        (pd.Series(MOVE > 0, dtype="boolean"), [False, True]),
        (pd.Series(MOVE > 0, dtype="Int64"), [0, 1]),
        (torch.tensor(MOVE > 0), [False, True]),
    ],
    ids=str,
)
def test_labels_of_every_type(y, labels):
    model = NetClassifier(lstm()).fit(X, y, X_val=X, y_val=y)
    assert model.classes_.tolist() == labels
    assert set(model.predict(X)) <= set(labels)
    expected = NetClassifier(lstm()).fit(X, TWO, X_val=X, y_val=TWO)
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


def test_a_column_is_taken_with_the_warning_of_scikit_learn():
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        model = NetClassifier(lstm()).fit(X, TWO[:, None])
    assert model.predict(X).shape == (200,)


@pytest.mark.parametrize(
    "params",
    [
        {"early_stopping": True},
        {"loss_steps": "all"},
        {"loss": "absolute_error", "standardize": False},
        {"accumulate_batches": 2, "batch_size": 9},
    ],
    ids=str,
)
def test_classes_under_other_parameters(params):
    rows = RNG.normal(size=(150, 2))
    windows = SlidingWindow(4).fit_transform(rows)
    y = np.where(rows[:, 0] > 0, "up", "down")
    model = NetClassifier(lstm(max_epochs=40, lr=2e-2, **params)).fit(windows, y)
    assert model.score(windows, y) > 0.85


def test_the_loss_of_the_net_has_no_effect():
    expected = NetClassifier(lstm()).fit(X, TWO).predict_proba(X)
    found = NetClassifier(lstm(loss="huber")).fit(X, TWO).predict_proba(X)
    np.testing.assert_array_equal(found, expected)


def test_panels_and_known_history():
    index = pd.MultiIndex.from_product(
        [["a", "b", "c"], pd.date_range("2024", periods=40)], names=["shop", "day"]
    )
    rows = pd.DataFrame(RNG.normal(size=(120, 2)), index, ["rail", "bus"])
    y = pd.Series(np.where(rows["rail"] > 0, "up", "down"), index)
    is_train = index.get_level_values(1) < "2024-02-01"
    pipe = make_pipeline(SlidingWindow(4), NetClassifier(mlp(max_epochs=40)))
    pipe.fit(rows[is_train], y[is_train])
    assert pipe.score(rows[~is_train], y[~is_train]) > 0.8
    whole, later = pipe.predict_proba(rows), pipe.predict_proba(rows[~is_train])
    np.testing.assert_allclose(later, whole[~is_train], rtol=1e-12)
    alone = pipe.predict_proba(rows.loc[["b"]])
    np.testing.assert_allclose(alone, whole[index.get_level_values(0) == "b"])
    assert pipe[-1].n_features_in_ == 2


def test_features_of_the_net():
    frame = pd.DataFrame(X[:, :, 0], columns=list("abcde"))
    model = NetClassifier(lstm())
    assert not hasattr(model, "n_features_in_")
    model.fit(frame, TWO)
    assert (model.n_features_in_, list(model.feature_names_in_)) == (5, list("abcde"))
    assert not hasattr(NetClassifier(lstm()).fit(X, TWO), "feature_names_in_")


# Weights


def test_class_weights_multiply_the_weights_of_rows():
    weights = RNG.uniform(1, 2, size=200)
    for class_weight in ("balanced", {"up": 3.0, "flat": 1.0, "down": 0.5}):
        model = NetClassifier(lstm(), class_weight=class_weight)
        by_class = compute_sample_weight(class_weight, THREE)
        for given, expected in ((None, by_class), (weights, weights * by_class)):
            plain = NetClassifier(lstm()).fit(X, THREE, sample_weight=expected)
            np.testing.assert_array_equal(
                model.fit(X, THREE, sample_weight=given).predict_proba(X),
                plain.predict_proba(X),
            )
    partly = NetClassifier(lstm(), class_weight={"up": 3.0}).fit(X, THREE)
    plain = NetClassifier(lstm()).fit(X, THREE, np.where(THREE == "up", 3.0, 1.0))
    np.testing.assert_array_equal(partly.predict_proba(X), plain.predict_proba(X))


def test_balanced_weights_find_a_rare_class():
    y = np.where(MOVE > 1.2, "rare", "usual")
    shares = []
    for class_weight in (None, "balanced"):
        model = NetClassifier(mlp(max_epochs=8), class_weight=class_weight).fit(X, y)
        shares.append((model.predict(X) == "rare").mean())
    assert shares[0] + 0.05 < shares[1]


def labels_at_start(n=90, window=31):
    """Windows, the first 30 of which start with NaN and are all of one class."""
    rows = pd.DataFrame({"a": RNG.normal(size=n)}, pd.date_range("2024", periods=n))
    rare = (np.arange(n) < window - 1) | (np.arange(n) % 6 == 0)
    y = pd.Series(np.where(rare, "rare", "usual"), rows.index)
    return SlidingWindow(window).fit_transform(rows), y


def test_balanced_weights_count_only_rows_that_are_trained_on():
    windows, y = labels_at_start()
    model = NetClassifier(mlp(max_epochs=2), class_weight="balanced")
    found = model.fit(windows, y).predict_proba(windows[30:])
    complete = model.fit(windows[30:], y[30:]).predict_proba(windows[30:])
    np.testing.assert_allclose(found, complete, rtol=1e-4)
    weights = np.r_[np.ones(60), np.zeros(30)]
    found = model.fit(windows, y, weights).predict_proba(windows[30:60])
    expected = model.fit(windows[30:60], y[30:60]).predict_proba(windows[30:60])
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"X_val": True}])
def test_balanced_weights_leave_out_validation_rows(params, monkeypatch):
    y = np.where(np.arange(200) < 160, TWO, "up")
    fit_net, seen = base.fit_net, []

    def spy(config, split, *args, **kwargs):
        seen.append((split.samples.weights[split.train_idx], split.train_idx))
        return fit_net(config, split, *args, **kwargs)

    monkeypatch.setattr(base, "fit_net", spy)
    given = {"X_val": X, "y_val": y} if params.get("X_val") else {}
    stopping = bool(params)
    net = mlp(max_epochs=1, early_stopping=stopping, validation_fraction=0.2)
    NetClassifier(net, class_weight="balanced").fit(X, y, **given)
    ((weights, idx),) = seen
    assert len(idx) == (160 if "early_stopping" in params else 200)
    of_up = weights[y[idx] == "up"].sum()
    np.testing.assert_allclose(of_up, weights[y[idx] == "down"].sum())
    np.testing.assert_allclose(weights.mean(), 1)


def test_balanced_weights_count_the_steps_of_all_windows(monkeypatch):
    windows, y = labels_at_start(window=11)
    seen = []

    def count(class_weight, labels, is_continued, is_trained):
        seen.append(is_trained)
        return np.ones(len(labels))

    monkeypatch.setattr(_classifier, "balance", count)
    weights = np.where(np.arange(90) == 50, 0, 1)
    NetClassifier(lstm(loss_steps="all", max_epochs=1)).fit(windows, y, weights)
    # The first whole window ends at row 10, and all of its steps have labels.
    assert np.flatnonzero(~seen[0]).tolist() == [50]


LEFT_OUT = r"has the labels \['late'\] in no row that is trained on"


def test_labels_that_are_never_trained_give_a_warning():
    windows, y = labels_at_start()
    y = y.mask(np.arange(90) < 20, "late")
    with pytest.warns(UserWarning, match="^y " + LEFT_OUT) as caught:
        NetClassifier(mlp(max_epochs=1)).fit(windows, y)
    assert len(caught) == 1
    weights = np.ones(200)
    weights[:10] = 0
    labels = np.where(np.arange(200) < 10, "late", TWO)
    with pytest.warns(UserWarning, match="^y " + LEFT_OUT):
        NetClassifier(mlp(max_epochs=1)).fit(X, labels, weights)
    with pytest.raises(ValueError, match=r"^y has one class, 'down', in the rows that"):
        NetClassifier(mlp(max_epochs=1)).fit(X, TWO, np.where(TWO == "up", 0, 1))
    net = mlp(max_epochs=1, warm_start=True)
    model = NetClassifier(net).fit(X, labels)
    model.set_params(regressor__max_epochs=2).fit(X, labels, weights)


def test_times_of_weights_are_compared():
    rows, y = daily()
    windows = SlidingWindow(4).fit_transform(rows)
    weights = pd.Series(np.arange(1.0, 121.0), index=rows.index)
    model = NetClassifier(lstm(), class_weight="balanced")
    with pytest.raises(ValueError, match=r"^sample_weight has the label 2024-04-29"):
        model.fit(windows, y, sample_weight=weights[::-1])
    model.fit(windows, y, sample_weight=weights)
    with pytest.raises(ValueError, match=r"^y has the label 2024-04-29"):
        model.fit(windows, y[::-1])
    with pytest.raises(ValueError, match=r"y_val has the label|y has the label"):
        model.fit(windows, y, X_val=windows, y_val=y[::-1])
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples"):
        model.fit(windows, y, sample_weight=[1.0])


@pytest.mark.parametrize(
    ("class_weight", "error", "message"),
    [
        ("even", ValueError, "class_weight='even' is not known: use a dict"),
        ({"up": -1.0}, ValueError, r"class_weight\['up'\] == -1.0, must be >= 0"),
        ({"up": "2"}, TypeError, r"class_weight\['up'\] must be an instance"),
        (
            {"sideways": 2.0, "up": 1.0},
            ValueError,
            r"has \['sideways'\], which are not labels of y",
        ),
    ],
)
def test_bad_class_weights_are_an_error(class_weight, error, message):
    with pytest.raises(error, match=message):
        NetClassifier(lstm(), class_weight=class_weight).fit(X, TWO)


# Validation, continued training


def test_early_stopping_leaves_a_gap_by_the_name_of_y(monkeypatch):
    seen = {}

    def spy(module, params, train_set, valid_set, **kwargs):
        seen.update(train=len(train_set.targets), valid=len(valid_set.targets))
        raise InterruptedError

    monkeypatch.setattr("sktsdl._estimator.fitting.train", spy)
    net = lstm(early_stopping=True, validation_fraction=0.2)
    for name, n_train in ((None, 160), ("direction", 160), ("direction+4", 157)):
        with pytest.raises(InterruptedError):
            NetClassifier(net).fit(X, pd.Series(TWO, name=name))
        assert seen == {"train": n_train, "valid": 40}


def test_labels_of_the_validation_set_are_those_of_y():
    model = NetClassifier(lstm())
    model.fit(X[:150], THREE[:150], X_val=X[150:], y_val=THREE[150:])
    assert len(model.regressor_.validation_loss_curve_) == 3
    other = np.where(THREE == "up", "sideways", THREE)
    with pytest.raises(ValueError, match=r"^y_val holds 'sideways', which is not one"):
        model.fit(X[:150], THREE[:150], X_val=X[150:], y_val=other[150:])


def test_warm_start_trains_the_net_further():
    whole = NetClassifier(lstm(max_epochs=6)).fit(X, THREE)
    net = lstm(max_epochs=3, warm_start=True)
    model = NetClassifier(net).fit(X, THREE)
    net.set_params(max_epochs=6)
    before = model.regressor_
    model.fit(X, THREE)
    np.testing.assert_array_equal(model.predict_proba(X), whole.predict_proba(X))
    assert len(before.loss_curve_) == 3
    net.set_params(max_epochs=7)  # rows that lack a class are trained on
    known = THREE != "flat"
    model.fit(X[known], THREE[known])
    assert model.classes_.tolist() == ["down", "flat", "up"]
    assert model.regressor_.loss_curve_[:6] == whole.regressor_.loss_curve_


def test_unseen_labels_in_a_net_trained_further_are_an_error():
    model = NetClassifier(lstm(warm_start=True)).fit(X, TWO)
    model.set_params(regressor__max_epochs=5)
    before = joblib.hash(vars(model))
    with pytest.raises(ValueError, match=r"^y holds 'flat', which is not one of"):
        model.fit(X, THREE)
    assert joblib.hash(vars(model)) == before
    with pytest.raises(ValueError, match="NetClassifier cannot be trained further"):
        model.regressor_.fit(X, MOVE)


# scikit-learn


def test_tags():
    tags = get_tags(NetClassifier(lstm()))
    assert is_classifier(NetClassifier(lstm()))
    assert tags.regressor_tags is None
    assert (tags.classifier_tags.multi_class, tags.classifier_tags.multi_label) == (
        True,
        False,
    )
    assert not tags.target_tags.multi_output
    assert tags.input_tags.three_d_array
    assert is_regressor(MultiTaskNet(lstm()))
    assert is_regressor(PurgedRegressor(lstm()))


def test_scorers_and_splits_of_classifiers():
    model = NetClassifier(mlp())
    scoring = ["roc_auc", "neg_log_loss", "balanced_accuracy", "average_precision"]
    y = TWO == "up"
    found = cross_validate(model, X, y, scoring=scoring, cv=2, error_score="raise")
    assert all(found[f"test_{name}"].min() > 0.8 for name in scoring if name[0] != "n")
    several = cross_val_score(model, X, THREE, scoring="roc_auc_ovr", cv=2)
    assert several.min() > 0.9
    found = cross_val_predict(
        model, X, THREE, method="predict_proba", cv=StratifiedKFold(3)
    )
    assert log_loss(THREE, found) < 0.6


def test_a_search_over_a_pipeline():
    rows, y = daily()
    pipe = make_pipeline(SlidingWindow(4), NetClassifier(mlp()))
    grid = {
        "netclassifier__class_weight": [None, "balanced"],
        "netclassifier__regressor__lr": [1e-4, 1e-2],
    }
    search = GridSearchCV(
        pipe, grid, scoring="roc_auc", cv=TimeSeriesSplit(2), error_score="raise"
    ).fit(rows, y)
    assert search.best_params_["netclassifier__regressor__lr"] == 1e-2
    assert search.classes_.tolist() == [0, 1]
    later = rows.copy()
    later.iloc[81:] *= 3
    found, expected = search.predict_proba(later), search.predict_proba(rows)
    np.testing.assert_allclose(found[:81], expected[:81], rtol=1e-12)


def test_calibration_and_votes():
    rows, y = daily()
    calibrated = CalibratedClassifierCV(
        NetClassifier(mlp()), cv=TimeSeriesSplit(2), ensemble=True
    )
    pipe = make_pipeline(SlidingWindow(4), calibrated).fit(rows, y)
    assert log_loss(y, pipe.predict_proba(rows)) < 0.6
    folds = CalibratedClassifierCV(NetClassifier(mlp()), cv=2).fit(X, THREE)
    np.testing.assert_allclose(folds.predict_proba(X).sum(axis=1), 1)
    flat = make_pipeline(
        SlidingWindow(4, flatten=True, pad="edge"), LogisticRegression()
    )
    windows = make_pipeline(SlidingWindow(4), NetClassifier(mlp()))
    votes = VotingClassifier([("flat", flat), ("net", windows)], voting="soft")
    assert votes.fit(rows, y).score(rows, y) > 0.8


def test_metadata_is_routed():
    with config_context(enable_metadata_routing=True):
        model = NetClassifier(lstm()).set_fit_request(sample_weight=True)
        purged = PurgedRegressor(model, purge=3)
        weights = RNG.uniform(1, 2, size=200)
        found = purged.fit(X, TWO, sample_weight=weights).predict_proba(X)
    alone = NetClassifier(lstm()).fit(X[:-3], TWO[:-3], sample_weight=weights[:-3])
    np.testing.assert_array_equal(found, alone.predict_proba(X))


def test_callbacks_of_the_net_inside_are_torn_down():
    class Monitor:
        """A callback of scikit-learn that counts."""

        calls: ClassVar[list[str]] = []

        def setup(self, estimator, context):
            self.calls.append("setup")

        def on_fit_task_begin(self, *args, **kwargs):
            self.calls.append("begin")

        def on_fit_task_end(self, *args, **kwargs):
            pass

        def teardown(self, estimator, context):
            self.calls.append("teardown")

    if not hasattr(lstm(), "set_callbacks"):
        pytest.skip("this scikit-learn has no callbacks")
    net = lstm().set_callbacks(Monitor())
    model = NetClassifier(net).fit(X, TWO)
    assert (Monitor.calls[0], Monitor.calls[-1]) == ("setup", "teardown")
    assert not hasattr(model.regressor_, "_callback_fit_ctx")


def test_random_state_of_the_net_or_of_the_classifier():
    def predicted(net_seed, seed=None):
        model = NetClassifier(lstm(random_state=net_seed), random_state=seed)
        return model.fit(X, TWO).predict_proba(X)

    np.testing.assert_array_equal(predicted(None, 3), predicted(3))
    np.testing.assert_array_equal(predicted(5, 3), predicted(3))
    assert not np.array_equal(predicted(None), predicted(None))


# Wrappers and look-back steps

WRAPPED = {
    "purged": lambda model: PurgedRegressor(model, purge=3),
    "pipeline": lambda model: PurgedRegressor(make_pipeline(model), purge=3),
    "frozen": lambda model: PurgedRegressor(
        FrozenEstimator(model.fit(X[:-3], TWO[:-3])), purge=3
    ),
    "search": lambda model: GridSearchCV(
        PurgedRegressor(model, purge=3),
        {"purge": [3]},
        cv=TimeSeriesSplit(2),
        scoring="roc_auc",
    ),
}
wrapped = pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)


@wrapped
def test_all_methods_are_reached_through_wrappers(wrap):
    wrapper = wrap(NetClassifier(lstm())).fit(X, TWO)
    assert is_classifier(wrapper)
    alone = NetClassifier(lstm()).fit(X[:-3], TWO[:-3])
    for method in ("predict", "predict_proba", "decision_function"):
        found, expected = (getattr(each, method)(X) for each in (wrapper, alone))
        np.testing.assert_array_equal(found, expected)
    assert wrapper.classes_.tolist() == ["down", "up"]
    if not isinstance(wrapper, GridSearchCV):
        assert wrapper.score(X, TWO) == alone.score(X, TWO)
        assert not hasattr(PurgedRegressor(lstm(), purge=1), "decision_function")


def test_a_purged_label_further_ahead():
    y = pd.Series(TWO, name="direction+4")
    model = PurgedRegressor(NetClassifier(lstm())).fit(X, y)
    alone = NetClassifier(lstm()).fit(X[:-3], y[:-3])
    np.testing.assert_array_equal(model.predict_proba(X), alone.predict_proba(X))


def test_intervals_of_classes_are_an_error():
    with pytest.raises(ValueError, match="predicts classes, which have no residuals"):
        ConformalRegressor(make_pipeline(NetClassifier(lstm()))).fit(X, TWO)


def later_rows_models():
    windows = make_pipeline(SlidingWindow(4), NetClassifier(mlp(max_epochs=2)))
    step = (np.arange(30), np.arange(30))
    return {
        "pipeline": windows,
        "purged": make_pipeline(
            SlidingWindow(4), PurgedRegressor(NetClassifier(mlp(max_epochs=2)), purge=2)
        ),
        "voting": VotingClassifier([("a", windows), ("b", windows)], voting="soft"),
        "calibrated": CalibratedClassifierCV(FrozenEstimator(windows), cv=[step]),
        "calibrated folds": CalibratedClassifierCV(windows, cv=TimeSeriesSplit(2)),
        "calibrated inside": make_pipeline(
            SlidingWindow(4),
            CalibratedClassifierCV(NetClassifier(mlp(max_epochs=2)), cv=2),
        ),
    }


@pytest.mark.parametrize("name", later_rows_models())
@pytest.mark.filterwarnings("ignore:X starts at")  # of the earlier folds
def test_later_rows_as_history(name):
    rows, y = daily()
    model = later_rows_models()[name]
    start = 80
    if name == "calibrated":
        model.estimator.estimator.fit(rows[:50], y[:50])
        model.fit(rows[50:80], y[50:80])
        start = 50
    else:
        model.fit(rows[:80], y[:80])
    expected = model.predict_proba(rows[start:])
    before = pickle.dumps(model)
    later = append_history(model, rows[start:90])
    found = later.predict_proba(rows[90:])
    if name == "calibrated folds":  # each fold knows the rows up to its own end
        assert not np.allclose(found[:3], model.predict_proba(rows[90:])[:3])
    np.testing.assert_allclose(found, expected[90 - start :], rtol=1e-12)
    assert pickle.dumps(model) == before


def test_the_label_ahead_is_forecast_with_its_time():
    rows, y = daily()
    pipe = make_pipeline(SlidingWindow(4), NetClassifier(mlp())).fit(rows[:-1], y[:-1])
    found = forecast(pipe, rows)
    assert list(found) == ["rise"]
    assert found["rise"].tolist() == pipe.predict(rows)[-1:].tolist()
    assert found.index.tolist() == [rows.index[-1] + pd.Timedelta(days=1)]


def test_labels_without_a_name_are_not_those_of_a_column():
    rows, _ = daily()
    X, y, X_latest = make_supervised(rows, target=rows.columns[0])
    is_up = (y > y.mean()).to_numpy()
    pipe = make_pipeline(SlidingWindow(4), NetClassifier(mlp())).fit(X, is_up)
    assert list(forecast(pipe, X_latest)) == ["y"]


# Explanations and displays


@both
def test_attributions_sum_to_the_log_odds(y):
    model = NetClassifier(mlp()).fit(X, y)
    mean = np.broadcast_to(model.regressor_._spec.channels.mean, X[:1].shape)
    probabilities = model.predict_proba(np.concatenate([X[:3], mean]))
    odds = np.log(probabilities / (1 - probabilities))
    for k in range(len(model.classes_)):
        found = integrated_gradients(model, X[:3], target=k, n_steps=200)
        assert found.shape == (3, 5, 2)
        gap = odds[:3, k] - odds[3, k]
        np.testing.assert_allclose(found.sum(axis=(1, 2)), gap, rtol=1e-2, atol=1e-3)
    if len(model.classes_) == 2:
        scores = model.decision_function(X)
        np.testing.assert_allclose(odds[:3, 1], scores[:3], rtol=1e-6)
    with pytest.raises(ValueError, match=f"target == {k + 1}, must be <= {k}"):
        integrated_gradients(model, X[:3], target=k + 1)


@wrapped
def test_importances_by_accuracy_and_by_scorers(wrap):
    model = wrap(NetClassifier(mlp())).fit(X, TWO)
    found = channel_importance(model, X, TWO, random_state=0).importances
    accuracy = channel_importance(
        model, X, TWO, random_state=0, scoring="accuracy"
    ).importances
    np.testing.assert_array_equal(found, accuracy)
    assert found[0].min() > 2 * found[1].max()
    for scoring in ("roc_auc", "neg_log_loss"):
        lags = lag_importance(model, X, TWO, random_state=0, scoring=scoring)
        assert lags.importances_mean.argmax() == 4


def test_displays_look_through_it():
    rows, y = daily()
    pipe = make_pipeline(
        SlidingWindow(4), PurgedRegressor(NetClassifier(mlp(max_epochs=2)), purge=1)
    ).fit(rows, y)
    net = pipe[-1].regressor_.regressor_
    assert LossCurveDisplay.from_estimator(pipe).loss_curve == net.loss_curve_
    shown = AttributionDisplay.from_estimator(pipe, rows, target=1, name="log-odds")
    expected = integrated_gradients(pipe, rows, target=1)[-1]
    np.testing.assert_allclose(shown.attributions, expected, rtol=1e-6)
    plt.close("all")


@pytest.mark.parametrize("display", [ForecastDisplay, ResidualDisplay])
def test_displays_of_numbers_refuse_classes(display):
    rows, y = daily()
    pipe = make_pipeline(SlidingWindow(4), NetClassifier(mlp(max_epochs=2)))
    with pytest.raises(TypeError, match="predicts classes, and this display draws num"):
        display.from_estimator(pipe.fit(rows, y), rows, y)


# Files


@pytest.mark.parametrize(
    "y",
    [TWO, THREE.astype(object), MOVE > 0, np.where(MOVE > 0, 7, -1)],
    ids=["texts", "objects", "booleans", "numbers"],
)
@pytest.mark.parametrize("class_weight", [None, "balanced", "dict"])
def test_a_file_without_code(y, class_weight, tmp_path, monkeypatch):
    if class_weight == "dict":
        class_weight = dict.fromkeys(np.unique(y).tolist(), 2.0)
    model = NetClassifier(lstm(), class_weight=class_weight, random_state=3).fit(X, y)
    model.save(tmp_path / "file")
    forbid_pickle(monkeypatch)
    again = load(tmp_path / "file", device="cpu")
    assert type(again) is NetClassifier
    assert again.get_params(deep=False).keys() == model.get_params(deep=False).keys()
    assert (again.class_weight, again.random_state) == (class_weight, 3)
    assert again.classes_.dtype == model.classes_.dtype
    for method in ("predict", "predict_proba", "decision_function"):
        np.testing.assert_array_equal(
            getattr(again, method)(X), getattr(model, method)(X)
        )
    refitted = clone(again).fit(X, y)
    np.testing.assert_array_equal(refitted.predict_proba(X), model.predict_proba(X))


def test_what_a_file_cannot_hold(tmp_path):
    with pytest.raises(NotFittedError):
        NetClassifier(lstm()).save(tmp_path / "file")
    model = NetClassifier(lstm(), random_state=np.random.RandomState(0)).fit(X, TWO)
    with pytest.raises(ValueError, match=r"random_state=.* cannot be saved without"):
        model.save(tmp_path / "file")
    with pytest.raises(ValueError, match="a NetClassifier is saved with its lab"):
        model.regressor_.save(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_file_cannot_be_trained_further(tmp_path):
    NetClassifier(lstm(warm_start=True)).fit(X, TWO).save(tmp_path / "file")
    again = load(tmp_path / "file").set_params(regressor__max_epochs=5)
    with pytest.raises(ValueError, match="from a file of `save` cannot be trained"):
        again.fit(X, TWO)


# Errors


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.full(200, "up"), "^y has one class, 'up', and there is nothing to tell"),
        (pd.Series(TWO).where(np.arange(200) != 7), r"^y has no label in row 7 \(7\)"),
        (np.where(np.arange(200) == 7, None, TWO), r"^y has no label in row 7 \(7\)"),
        (np.where(np.arange(200) == 7, np.nan, 1.0), r"^y has no label in row 7"),
        (np.where(np.arange(200) == 7, np.inf, 1.0), r"^y has no label in row 7"),
        (np.array([3, *TWO[1:]], dtype=object), "Unknown label type|^y mixes labels"),
        (np.array([*TWO[1:], 3], dtype=object), "^y mixes labels of several types"),
        (MOVE, "^Unknown label type: continuous"),
        (np.column_stack([TWO, TWO]), "^y should be a 1d array"),
        (None, "^NetClassifier requires y to be passed"),
        (TWO[:-1], "^y has 199 rows and X has 200"),
        (TWO[:0], r"^Found array with 0 sample\(s\)"),
    ],
)
def test_bad_labels_are_an_error_and_change_nothing(y, message):
    model = NetClassifier(lstm()).fit(X, THREE)
    before = joblib.hash(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert joblib.hash(vars(model)) == before


@pytest.mark.parametrize(
    ("net", "error", "message"),
    [
        (Ridge(), TypeError, r"^regressor=Ridge\(\) is not a net of this package"),
        (
            make_pipeline(lstm()),
            TypeError,
            r"(?s)^regressor=Pipeline\(.* is not a net of this package",
        ),
        (lstm(loss="quantile"), ValueError, "loss='quantile' of the net is not for cl"),
        (
            lstm(window_norm="last"),
            ValueError,
            "window_norm='last' of the net",
        ),
        (lstm(linear_skip=True), ValueError, "linear_skip=True of the net .* leave it"),
        (lstm(channel_independent=True), ValueError, "channel_independent=True of the"),
    ],
)
def test_nets_that_cannot_classify_are_an_error(net, error, message):
    with pytest.raises(error, match=message):
        NetClassifier(net).fit(X, TWO)


def test_predict_of_the_net_inside_is_an_error():
    model = NetClassifier(lstm()).fit(X, TWO)
    with pytest.raises(ValueError, match="use the predict of the NetClassifier"):
        model.regressor_.predict(X)
    with pytest.raises(NotFittedError):
        NetClassifier(lstm()).predict(X)
    assert not hasattr(model.regressor, "net_")
    assert not hasattr(clone(model), "classes_")


class Broken(Callback):
    """A callback whose disk is full."""

    def on_batch_end(self, net, **kwargs):
        raise RuntimeError("disk of the callback")


def test_a_failed_callback_changes_nothing():
    model = NetClassifier(lstm()).fit(X, THREE)
    model.regressor.set_params(callbacks=[Broken()])
    before = joblib.hash(vars(model))
    with pytest.raises(RuntimeError, match="disk of the callback"):
        model.fit(X, TWO)
    assert joblib.hash(vars(model)) == before


NOT_FOR_CLASSES = [
    {"cycle": 24},
    {"known_future": ["rail"]},
    {"static_features": ["rail"]},
    {"decoder": "parallel"},
    {"loss_scale": "window"},
]


@pytest.mark.parametrize("params", NOT_FOR_CLASSES, ids=str)
def test_parameters_for_numbers_are_refused(params):
    rows, y = daily()
    y = pd.DataFrame({"rise": y, "level": rows["rail"]})
    tasks = {"rise": "classification", "level": "regression"}
    windows = SlidingWindow(4).fit_transform(rows)
    ((name, value),) = params.items()
    message = re.escape(f"{name}={value!r}")
    with pytest.raises(ValueError, match=message):
        NetClassifier(lstm(**params)).fit(windows, y["rise"])
    with pytest.raises(ValueError, match=message):
        MultiTaskNet(lstm(**params), tasks=tasks).fit(windows, y)


def test_wrappers_of_numbers_name_the_mistake():
    rows, y = daily()
    pipe = make_pipeline(SlidingWindow(4), NetClassifier(lstm()))
    labels = y.map({0: "down", 1: "up"})
    message = (
        "The regressor predicts classes, which have no differences or ratios: give"
    )
    with pytest.raises(ValueError, match=message):
        RelativeTargetRegressor(pipe, column="rail").fit(rows, labels)


def test_classes_have_no_intervals():
    rows, y = daily()
    pipe = make_pipeline(SlidingWindow(4), NetClassifier(lstm(max_epochs=1)))
    message = (
        r"levels=\[0\.8\] .*classes have none: leave out `levels`, or use predict_pr"
    )
    with pytest.raises(ValueError, match=message):
        backtest(pipe, rows, y, cv=TimeSeriesSplit(2), levels=[0.8])
    with pytest.raises(ValueError, match=message):
        forecast(pipe.fit(rows, y), rows, levels=[0.8])


OBJECTS = {
    "bytes": (TWO.astype("S"), "str"),
    "bytes as objects": (TWO.astype("S").astype(object), "str"),
    "intervals": (pd.Series(pd.cut(MOVE, 3)), "str"),
    "periods": (pd.Series(pd.period_range("2020", periods=2)[[0, 1] * 100]), "str"),
    "whole numbers": ((MOVE > 0).astype(int).astype(object), "int"),
    "truth values": ((MOVE > 0).astype(object), "bool"),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_labels_that_are_objects_have_a_way_out(kind):
    y, dtype = OBJECTS[kind]
    message = rf"^Unknown label type: y has labels such as .*`y\.astype\({dtype}\)`"
    model = NetClassifier(lstm(max_epochs=1))
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert len(model.fit(X, y.astype(dtype)).classes_) in (2, 3)
