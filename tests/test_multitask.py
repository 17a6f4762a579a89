"""MultiTaskNet: several targets of one net."""

import pickle
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from torch import nn

from sktsdl import (
    ConformalRegressor,
    LSTMRegressor,
    MultiTaskNet,
    PurgedRegressor,
    Seq2SeqRegressor,
    SlidingWindow,
    TCNRegressor,
    TransformerRegressor,
)
from sktsdl._layers.losses import ClassLoss, MultiLoss
from sktsdl.inspection import channel_importance, integrated_gradients
from tests.nets import lstm, net_fixture

TASKS = {"level": "regression", "direction": "classification"}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 5, 2))
MOVE = X[:, -1, 0] + 0.3 * X[:, -2, 1]
Y = pd.DataFrame(
    {
        "direction": np.select([MOVE > 0.5, MOVE < -0.5], ["up", "down"], "flat"),
        "level": 1000 + 50 * MOVE,
    }
)

SIZES = {
    LSTMRegressor: {"hidden_sizes": (8,)},
    TCNRegressor: {"channels": (8, 8)},
    TransformerRegressor: {"d_model": 8, "nhead": 2, "dim_feedforward": 8},
}
net = net_fixture(SIZES, max_epochs=40, lr=1e-2)


def test_numbers_and_labels_are_predicted(net):
    model = MultiTaskNet(net(), tasks=TASKS).fit(X, Y)
    predicted = model.predict(X)
    assert list(predicted.columns) == ["direction", "level"]
    assert predicted["level"].dtype == np.float64
    assert r2_score(Y["level"], predicted["level"]) > 0.8
    assert accuracy_score(Y["direction"], predicted["direction"]) > 0.8
    assert model.classes_["direction"].tolist() == ["down", "flat", "up"]
    probability = model.predict_proba(X)["direction"]
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    likeliest = model.classes_["direction"][probability.argmax(axis=1)]
    np.testing.assert_array_equal(likeliest, predicted["direction"])
    expected = np.mean(
        [
            accuracy_score(Y["direction"], predicted["direction"]),
            r2_score(Y["level"], predicted["level"]),
        ]
    )
    assert model.score(X, Y) == pytest.approx(expected)
    weights = np.r_[np.zeros(100), np.ones(100)]
    later = model.score(X[100:], Y[100:])
    assert model.score(X, Y, weights) == pytest.approx(later)


def test_tasks_share_all_but_the_head(net):
    model = MultiTaskNet(net(max_epochs=1), tasks=TASKS).fit(X, Y)
    alone = net(max_epochs=1).fit(X, Y["level"])
    n_head = sum(w.numel() for w in alone.module_.head.parameters())
    assert model.net_.n_parameters_ == alone.n_parameters_ + 3 * n_head


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_task_loss_against_its_equation(reduction):
    scores = torch.tensor([[0.5, 2.0, 0.0, -1.0], [1.0, 0.0, 0.0, 3.0]])
    targets = torch.tensor([[1.5, 0.0], [0.0, 2.0]])
    loss = MultiLoss([nn.MSELoss(), ClassLoss()], [1, 3], [1.0, 4.0], reduction)
    logs = [np.exp([2.0, 0, -1]), np.exp([0.0, 0, 3])]
    entropy = [-np.log(p[k] / p.sum()) for p, k in zip(logs, (0, 2), strict=True)]
    expected = np.column_stack([[1.0, 1.0], 4 * np.array(entropy)])
    if reduction == "mean":
        expected = expected.mean()
    np.testing.assert_allclose(loss(scores, targets), expected, rtol=1e-5)


def test_task_weights_decide_what_is_trained():
    rng = np.random.default_rng(0)
    noise = Y.assign(level=rng.normal(size=200))

    def accuracy(weights):
        net = lstm(max_epochs=25, lr=1e-2)
        model = MultiTaskNet(net, tasks=TASKS, weights=weights).fit(X, noise)
        return accuracy_score(noise["direction"], model.predict(X)["direction"])

    not_trained = accuracy({"level": 1.0, "direction": 0.0})
    by_name = accuracy({"level": 0.0, "direction": 1.0})
    by_order = accuracy([1.0, 0.0])  # direction comes first in y
    assert not_trained + 0.2 < by_name == by_order
    assert not_trained + 0.2 < accuracy(None)


def test_without_tasks_predictions_are_arrays():
    y = np.column_stack([Y["level"], -Y["level"]])
    model = MultiTaskNet(lstm()).fit(X, y)
    alone = lstm().fit(X, y)
    np.testing.assert_allclose(model.predict(X), alone.predict(X))
    assert model.score(X, y) == pytest.approx(alone.score(X, y))
    assert not hasattr(model, "predict_proba")
    one = MultiTaskNet(lstm()).fit(X, y[:, 0])
    np.testing.assert_allclose(one.predict(X), lstm().fit(X, y[:, 0]).predict(X))
    curve = MultiTaskNet(lstm(), weights=[2.0, 2.0]).fit(X, y).net_.loss_curve_
    assert curve[0] > 1.5 * alone.loss_curve_[0]


@pytest.mark.parametrize(
    "params",
    [
        {"early_stopping": True},
        {"loss_steps": "all"},
        {"loss": "huber", "standardize": False},
        {"accumulate_batches": 2, "batch_size": 9},
    ],
    ids=str,
)
def test_tasks_under_other_parameters(params):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(120, 2))
    y = pd.DataFrame({"level": rows[:, 0], "direction": rows[:, 0] > 0})
    windows = SlidingWindow(4).fit_transform(rows)
    net = lstm(max_epochs=60, lr=2e-2, **params)
    model = MultiTaskNet(net, tasks=TASKS)
    model.fit(windows, y, sample_weight=np.linspace(1, 2, 120))
    assert model.score(windows, y) > 0.8
    assert model.predict(windows)["direction"].dtype == bool


def test_labels_of_the_validation_set_are_encoded_alike():
    model = MultiTaskNet(lstm(), tasks=TASKS)
    model.fit(X[:150], Y[:150], X_val=X[150:], y_val=Y[150:])
    assert len(model.net_.validation_loss_curve_) == 3
    other = Y[150:].replace({"direction": {"up": "sideways"}})
    with pytest.raises(ValueError, match="'direction' of y_val holds 'sideways'"):
        model.fit(X[:150], Y[:150], X_val=X[150:], y_val=other)


def test_price_and_direction_in_a_search(air_passengers):
    rows, y, latest = air_passengers
    targets = y.to_frame("level")
    targets["direction"] = np.where(y > rows["passengers"], "up", "down")
    pipe = make_pipeline(SlidingWindow(12), MultiTaskNet(lstm(), tasks=TASKS))
    grid = {"multitasknet__net__lr": [1e-3, 1e-2]}
    search = GridSearchCV(pipe, grid, cv=TimeSeriesSplit(2), error_score="raise")
    search.fit(rows, targets)
    predicted = search.predict(rows)
    assert list(predicted.columns) == ["level", "direction"]
    assert len(search.predict(latest)) == 1
    t = 80
    later = rows.copy()
    later.iloc[t + 1 :] *= 3
    pd.testing.assert_frame_equal(search.predict(later)[: t + 1], predicted[: t + 1])
    windows = search.best_estimator_[:-1].transform(rows)
    again = pickle.loads(pickle.dumps(search.best_estimator_[-1]))
    proba = again.predict_proba(windows)["direction"]
    assert proba.shape == (len(rows), 2)


def test_the_last_rows_can_be_purged():
    model = PurgedRegressor(MultiTaskNet(lstm(), tasks=TASKS), purge=3).fit(X, Y)
    alone = MultiTaskNet(lstm(), tasks=TASKS).fit(X[:-3], Y[:-3])
    pd.testing.assert_frame_equal(model.predict(X), alone.predict(X))


WRAPPED = {
    "purged": lambda model: PurgedRegressor(model, purge=3),
    "pipeline": lambda model: PurgedRegressor(make_pipeline(model), purge=3),
    "frozen": lambda model: PurgedRegressor(
        FrozenEstimator(model.fit(X[:-3], Y[:-3])), purge=3
    ),
    "search": lambda model: GridSearchCV(
        PurgedRegressor(model, purge=3), {"purge": [3]}, cv=TimeSeriesSplit(2)
    ),
}
wrapped = pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)


@wrapped
def test_all_methods_are_reached_through_wrappers(wrap):
    wrapper = wrap(MultiTaskNet(lstm(), tasks=TASKS))
    assert hasattr(wrapper, "predict_proba")
    wrapper.fit(X, Y)
    alone = MultiTaskNet(lstm(), tasks=TASKS).fit(X[:-3], Y[:-3])
    np.testing.assert_array_equal(
        wrapper.predict_proba(X)["direction"], alone.predict_proba(X)["direction"]
    )
    assert wrapper.classes_["direction"].tolist() == ["down", "flat", "up"]
    assert wrapper.score(X, Y) == alone.score(X, Y)
    if not isinstance(wrapper, GridSearchCV):
        weights = np.r_[np.zeros(100), np.ones(100)]
        assert wrapper.score(X, Y, weights) == alone.score(X, Y, weights)


def test_wrappers_have_the_methods_of_their_regressor_only():
    wrapper = PurgedRegressor(MultiTaskNet(lstm()), purge=1)
    assert not hasattr(wrapper, "predict_proba")
    wrapper.set_params(regressor__tasks=TASKS)
    assert hasattr(wrapper, "predict_proba")
    y = Y["level"].to_numpy()
    for inside in (MultiTaskNet(lstm()), Ridge()):
        wrapper = PurgedRegressor(inside, purge=1).fit(X[:, :, 0], y)
        assert not hasattr(wrapper, "predict_proba")
        assert wrapper.score(X[:, :, 0], y) == r2_score(y, wrapper.predict(X[:, :, 0]))
    assert not hasattr(wrapper, "classes_")


def test_intervals_of_classes_are_an_error():
    model = MultiTaskNet(lstm(), tasks={"code": "classification"})
    with pytest.raises(ValueError, match="predicts classes, which have no residuals"):
        ConformalRegressor(make_pipeline(model)).fit(X, Y["level"] > 1000)


@wrapped
def test_importance_of_channels_for_all_tasks(wrap):
    model = wrap(MultiTaskNet(lstm(max_epochs=40, lr=1e-2), tasks=TASKS)).fit(X, Y)

    def likelihood(model, X, y):
        return -log_loss(y["direction"], model.predict_proba(X)["direction"])

    def score(model, X, y):
        predicted = model.predict(X)
        is_right = (predicted["direction"].to_numpy() == y["direction"]).mean()
        return (r2_score(y["level"], predicted["level"]) + is_right) / 2

    default, by_hand, other = (
        channel_importance(model, X, Y, scoring=scoring, random_state=0).importances
        for scoring in (None, score, likelihood)
    )
    np.testing.assert_allclose(default, by_hand)
    for importances in (default, other):
        assert importances[0].min() > 2 * importances[1].max()


@pytest.mark.parametrize("kind", ["classification", "regression"])
@pytest.mark.parametrize("form", ["series", "no name", "array", "list"])
def test_one_task_takes_one_dimension(kind, form):
    name = {"classification": "direction", "regression": "level"}[kind]
    forms = {
        "series": Y[name],
        "no name": Y[name].rename(None),
        "array": Y[name].to_numpy(),
        "list": Y[name].tolist(),
    }
    y, tasks = forms[form], {name: kind}
    model = MultiTaskNet(lstm(), tasks=tasks).fit(X, y, X_val=X[:9], y_val=y[:9])
    frame = MultiTaskNet(lstm(), tasks=tasks).fit(X, Y[[name]])
    predicted = model.predict(X)
    pd.testing.assert_series_equal(predicted, frame.predict(X)[name])
    assert model.score(X, y) == frame.score(X, Y[[name]])
    assert PurgedRegressor(model, purge=1).fit(X, y).predict(X).shape == (200,)


def test_a_series_of_another_name_is_an_error():
    model = MultiTaskNet(lstm(), tasks={"direction": "classification"})
    with pytest.raises(ValueError, match=r"y has the columns \['level'\] and tasks"):
        model.fit(X, Y["level"])
    with pytest.raises(ValueError, match="y is of type Series: give a DataFrame"):
        MultiTaskNet(lstm(), tasks=TASKS).fit(X, Y["level"])


@pytest.mark.parametrize("steps", [[], [SlidingWindow(4)]], ids=["rows", "windows"])
def test_predictions_keep_the_index(air_passengers, steps):
    rows, y, latest = air_passengers
    targets = pd.DataFrame({"level": y, "direction": y > 200})
    purged = PurgedRegressor(MultiTaskNet(lstm(), tasks=TASKS), purge=2)
    model = make_pipeline(*steps, purged).fit(rows, targets)
    pd.testing.assert_index_equal(model.predict(rows).index, rows.index)
    pd.testing.assert_index_equal(model.predict(latest).index, latest.index)


def test_rows_without_an_index_are_numbered():
    windows = SlidingWindow(4).fit_transform(X[:, 0])
    model = MultiTaskNet(lstm(), tasks=TASKS).fit(windows, Y)
    assert model.predict(windows[5:9]).index.tolist() == [0, 1, 2, 3]


def test_warm_start_trains_all_tasks_further():
    whole = MultiTaskNet(lstm(max_epochs=6), tasks=TASKS).fit(X, Y)
    net = lstm(max_epochs=3, warm_start=True)
    model = PurgedRegressor(MultiTaskNet(net, tasks=TASKS), purge=0).fit(X, Y)
    net.set_params(max_epochs=6)
    pd.testing.assert_frame_equal(model.fit(X, Y).predict(X), whole.predict(X))
    net.set_params(max_epochs=7)
    trained = model.fit(X[50:], Y[50:]).regressor_.net_.loss_curve_
    assert trained[:6] == whole.net_.loss_curve_


@pytest.mark.parametrize(
    ("y", "params", "message"),
    [
        (
            Y.replace({"direction": {"flat": "up"}}),
            {},
            r"The classes of y cannot change.*'flat'",
        ),
        (Y[["level", "direction"]], {}, "The columns of y cannot change"),
        (Y[["level"]], {"tasks": {"level": "regression"}}, "The columns of y cannot"),
    ],
)
def test_tasks_cannot_change_in_a_net_trained_further(y, params, message):
    model = MultiTaskNet(lstm(warm_start=True), tasks=TASKS).fit(X, Y)
    expected = model.predict(X)
    model.set_params(net__max_epochs=5, **params)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    pd.testing.assert_frame_equal(model.predict(X), expected)


@pytest.mark.parametrize(
    ("tasks", "y", "message"),
    [
        ({"level": "regression"}, Y, r"y has the columns .*both must name the same"),
        (TASKS, Y[["level"]], r"y has the columns \['level'\] and tasks names"),
        (TASKS, Y.to_numpy(), "y is of type ndarray: give a DataFrame"),
        (TASKS | {"direction": "classes"}, Y, r"tasks\['direction'\]='classes' is not"),
        ("level", Y, "tasks='level' must name the columns of y"),
        ({}, Y, "tasks={} must name"),
        (TASKS, Y.assign(direction="up"), "'direction' of y has one class, 'up'"),
        (
            TASKS,
            Y.assign(direction=Y["direction"].where(Y.index != 7)),
            r"'direction' of y has no label in row 7 \(7\)",
        ),
        (TASKS, Y.assign(level=Y["level"].where(Y.index != 7)), "y contains NaN"),
    ],
)
def test_bad_tasks_and_targets_are_an_error(tasks, y, message):
    model = MultiTaskNet(lstm(), tasks=TASKS).fit(X, Y)
    expected = model.predict(X)
    model.set_params(tasks=tasks)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    model.set_params(tasks=TASKS)
    pd.testing.assert_frame_equal(model.predict(X), expected)


@pytest.mark.parametrize(
    ("net", "error", "message"),
    [
        (Ridge(), TypeError, r"net=Ridge\(\) is not a net of this package"),
        (lstm(loss="quantile"), ValueError, "loss='quantile' of the net is not"),
        (
            lstm(window_norm="last"),
            ValueError,
            "window_norm='last' of the net .* leave it out",
        ),
        (
            lstm(channel_independent=True),
            ValueError,
            "channel_independent=True of the net .* leave it out",
        ),
        (
            lstm(linear_skip=True),
            ValueError,
            "linear_skip=True of the net .* leave it out",
        ),
        (
            Seq2SeqRegressor(max_epochs=1),
            ValueError,
            "use another net for targets of classes",
        ),
    ],
)
def test_nets_that_cannot_be_multitask_are_an_error(net, error, message):
    with pytest.raises(error, match=message):
        MultiTaskNet(net, tasks=TASKS).fit(X, Y)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], "weights has 1 values and y has 2 columns"),
        ({"level": 1.0}, r"weights names \['level'\] and the columns of y are"),
        ([1.0, -1.0], r"weights\['level'\] == -1.0, must be >= 0"),
    ],
)
def test_bad_task_weights_are_an_error(weights, message):
    with pytest.raises(ValueError, match=message):
        MultiTaskNet(lstm(), tasks=TASKS, weights=weights).fit(X, Y)


def test_a_loss_without_a_value_for_each_row_is_an_error():
    class MeanError(nn.Module):
        """A loss that gives the mean only."""

        def forward(self, predicted, target):
            return (predicted - target).abs().mean()

    with pytest.raises(ValueError, match="gives no value for each row"):
        MultiTaskNet(lstm(loss=MeanError()), tasks=TASKS).fit(X, Y)


def test_a_net_whose_default_is_not_for_classes():
    class Skipping(type(lstm())):
        linear_skip: bool = True

    with pytest.raises(
        ValueError, match=r"linear_skip=True of the net .* leave it out"
    ):
        MultiTaskNet(Skipping(max_epochs=1), tasks=TASKS).fit(X, Y)


def test_callbacks_of_the_net_inside_are_torn_down():
    class Monitor:
        """A callback of scikit-learn that counts."""

        calls: ClassVar[list[str]] = []

        def setup(self, estimator, context):
            self.calls.append("setup")

        def on_fit_task_begin(self, *args, **kwargs):
            pass

        def on_fit_task_end(self, *args, **kwargs):
            pass

        def teardown(self, estimator, context):
            self.calls.append("teardown")

    net = lstm()
    if not hasattr(net, "set_callbacks"):
        pytest.skip("this scikit-learn has no callbacks")
    model = MultiTaskNet(net.set_callbacks(Monitor()), tasks=TASKS).fit(X, Y)
    assert Monitor.calls == ["setup", "teardown"]
    assert not hasattr(model.net_, "_callback_fit_ctx")


def test_predict_of_the_net_inside_is_an_error():
    model = MultiTaskNet(lstm(), tasks=TASKS).fit(X, Y)
    with pytest.raises(ValueError, match="use the predict of the MultiTaskNet"):
        model.net_.predict(X)


def test_attributions_of_the_net_inside():
    model = MultiTaskNet(lstm(), tasks=TASKS).fit(X, Y)
    with pytest.raises(ValueError, match="target=0 is a target of classes"):
        integrated_gradients(model.net_, X[:2], target=0)
    found = integrated_gradients(model.net_, X[:2], target=1).sum(axis=(1, 2))
    mean = np.broadcast_to(X.mean(axis=(0, 1)), X[:1].shape)
    level = model.predict(np.concatenate([X[:2], mean]))["level"].to_numpy()
    np.testing.assert_allclose(found, level[:2] - level[2], rtol=1e-2)


def test_labels_of_mixed_types_and_bad_weights_are_an_error():
    mixed = Y.assign(direction=[3, *Y["direction"][1:]])
    with pytest.raises(ValueError, match="'direction' of y mixes labels"):
        MultiTaskNet(lstm(), tasks=TASKS).fit(X, mixed)
    for weights, message in (
        (2, "^weights=2 must hold one number for each column of y"),
        ({"level": float("nan"), "direction": 1.0}, r"^weights\['level'\]=nan"),
    ):
        with pytest.raises(ValueError, match=message):
            MultiTaskNet(lstm(), tasks=TASKS, weights=weights).fit(X, Y)
    with pytest.raises(TypeError, match="net=None is not a net"):
        MultiTaskNet(None).fit(X, Y["level"])


def test_random_state_of_the_net_or_of_multitasknet():
    def predicted(net_seed, seed=None):
        net = lstm(random_state=net_seed)
        return MultiTaskNet(net, random_state=seed).fit(X, Y["level"]).predict(X)

    np.testing.assert_array_equal(predicted(None, 3), predicted(3))
    np.testing.assert_array_equal(predicted(5, 3), predicted(3))
    assert not np.array_equal(predicted(None), predicted(None))


def test_a_clone_is_unfitted():
    model = MultiTaskNet(lstm(), tasks=TASKS).fit(X, Y)
    assert not hasattr(clone(model), "net_")
    assert not hasattr(model.net, "net_")
    ordinary = clone(model.net_).fit(X, Y["level"])
    np.testing.assert_array_equal(
        ordinary.predict(X), lstm().fit(X, Y["level"]).predict(X)
    )


def test_labels_that_are_never_trained_give_a_warning():
    y = Y.assign(direction=Y["direction"].mask(np.arange(200) < 10, "late"))
    weights = np.r_[np.zeros(10), np.ones(190)]
    message = r"^Column 'direction' of y has the labels \['late'\] in no row"
    with pytest.warns(UserWarning, match=message) as caught:
        MultiTaskNet(lstm(max_epochs=1), tasks=TASKS).fit(X, y, weights)
    assert len(caught) == 1
    MultiTaskNet(lstm(max_epochs=1), tasks=TASKS).fit(X, y)
