"""Continued training, by `warm_start` and `partial_fit`."""

import pickle

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.ensemble import (
    BaggingRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import Lasso, SGDRegressor
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktsdl import (
    ConformalRegressor,
    MultiTaskNet,
    PurgedRegressor,
    RelativeTargetRegressor,
    Seq2SeqRegressor,
    TCNRegressor,
)
from tests.nets import NOISE, X, Y, lstm, net_fixture

net = net_fixture()


LONG = {"max_epochs": 9, "lr": 0.02, "n_iter_no_change": 4}


@pytest.mark.parametrize("through", ["memory", "pickle"])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("lr_schedule", [None, "plateau", "warmup"])
def test_warm_start_equals_one_longer_run(net, lr_schedule, early_stopping, through):
    params = LONG | {"lr_schedule": lr_schedule, "early_stopping": early_stopping}
    if not isinstance(net(), TCNRegressor):
        params["dropout"] = 0.0
    whole = net(**params).fit(X, NOISE)
    parts = net(**params | {"max_epochs": 2, "warm_start": True}).fit(X, NOISE)
    for max_epochs in (4, 9):
        if through == "pickle":
            parts = pickle.loads(pickle.dumps(parts))
        parts.set_params(max_epochs=max_epochs).fit(X, NOISE)
    np.testing.assert_array_equal(parts.predict(X), whole.predict(X))
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.lr_curve_ == whole.lr_curve_
    assert parts.best_epoch_ == whole.best_epoch_


def test_warm_start_continues_the_draws_of_dropout():
    params = {"hidden_sizes": (4, 4), "dropout": 0.5}
    whole = lstm(max_epochs=4, **params).fit(X, Y)
    parts = lstm(max_epochs=2, warm_start=True, **params).fit(X, Y)
    torch.rand(3)
    parts.set_params(max_epochs=4).fit(X, Y)
    np.testing.assert_array_equal(parts.predict(X), whole.predict(X))


def test_partial_fits_are_epochs(net):
    parts = net()
    for _ in range(3):
        parts.partial_fit(X, Y)
    np.testing.assert_array_equal(parts.predict(X), net().fit(X, Y).predict(X))
    assert parts.n_epochs_ == 3


def test_warm_start_keeps_the_statistics_of_the_first_rows(net):
    fitted = net().partial_fit(X, Y)
    mean = fitted._spec.channels.mean.copy()
    fitted.partial_fit(X + 100, Y + 100)
    np.testing.assert_array_equal(fitted._spec.channels.mean, mean)
    again = net(warm_start=True).fit(X, Y).set_params(max_epochs=4).fit(X + 1, Y)
    np.testing.assert_array_equal(again._spec.channels.mean, mean)


def test_warm_start_continues_from_the_last_weights_not_the_best():
    stopped = lstm(warm_start=True, early_stopping=True, **LONG).fit(X, NOISE)
    assert stopped.best_epoch_ < stopped.n_epochs_
    stopped.set_params(early_stopping=False, max_epochs=stopped.n_epochs_ + 2)
    stopped.fit(X[:90], NOISE[:90])
    whole = lstm(max_epochs=stopped.n_epochs_, lr=0.02).fit(X[:90], NOISE[:90])
    np.testing.assert_array_equal(stopped.predict(X), whole.predict(X))


def test_warm_start_after_early_stopping_trains_nothing_and_warns():
    params = LONG | {"max_epochs": 100, "warm_start": True, "early_stopping": True}
    stopped = lstm(**params).fit(X, NOISE)
    n_epochs, expected = stopped.n_epochs_, stopped.predict(X)
    assert n_epochs < 100
    with pytest.warns(UserWarning, match="Nothing is trained") as caught:
        stopped.fit(X, NOISE)
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(stopped.predict(X), expected)
    stopped.set_params(n_iter_no_change=6).fit(X, NOISE)
    assert stopped.n_epochs_ > n_epochs


@pytest.mark.parametrize("lr_schedule", ["cosine", "one_cycle"])
def test_warm_start_starts_a_new_cycle_and_warns(lr_schedule):
    fitted = lstm(lr_schedule=lr_schedule, warm_start=True).fit(X, Y)
    fitted.set_params(max_epochs=6)
    with pytest.warns(UserWarning, match="starts a new cycle") as caught:
        fitted.fit(X, Y)
    assert caught[0].filename == __file__
    np.testing.assert_allclose(fitted.lr_curve_[:12], fitted.lr_curve_[12:])


def test_warm_start_with_another_loss_resets_early_stopping():
    params = LONG | {"early_stopping": True, "warm_start": True}
    fitted = lstm(loss="absolute_error", **params).fit(X, 100 * Y)
    fitted.set_params(loss="squared_error", max_epochs=20).fit(X, 100 * Y)
    assert fitted.n_epochs_ == fitted.best_epoch_ == 20


def test_warm_start_takes_another_patience_of_the_plateau():
    params = {"lr_schedule": "plateau", "warm_start": True}
    fitted = lstm(n_iter_no_change=2, tol=0.9, **params).fit(X, Y)
    fitted.set_params(n_iter_no_change=100, tol=0.0, max_epochs=9).fit(X, Y)
    assert fitted.lr_curve_[4 * 4 :] == [fitted.lr_curve_[-1]] * 20


def test_warm_start_with_equal_parameters_of_other_types():
    fitted = lstm(warm_start=True, target_channels=[0]).fit(X, Y)
    fitted.set_params(dropout=0, hidden_sizes=[np.int64(4)], target_channels=(0,))
    assert fitted.set_params(max_epochs=4).fit(X, Y).n_epochs_ == 4


def test_teacher_forcing_falls_over_partial_fits():
    targets = np.column_stack([Y, NOISE])
    parts = Seq2SeqRegressor(hidden_size=4, max_epochs=3, random_state=0)
    whole = clone(parts).fit(X, targets)
    for _ in range(3):
        parts.partial_fit(X, targets)
    np.testing.assert_array_equal(parts.predict(X), whole.predict(X))


def test_a_pickled_net_holds_one_module():
    fitted = pickle.loads(pickle.dumps(lstm().fit(X, Y)))
    assert fitted.module_ is fitted.net_.module_ is fitted.net_.module


def test_warm_start_takes_another_learning_rate():
    fitted = lstm(warm_start=True, lr_schedule="warmup").fit(X, Y)
    fitted.set_params(max_epochs=6, lr=1e-5).fit(X, Y)
    assert max(fitted.lr_curve_[12:]) <= 1e-5


@pytest.mark.parametrize(
    ("params", "rows", "message"),
    [
        ({"max_epochs": 2}, X, "max_epochs=2 is less than the 3 epochs"),
        ({"hidden_sizes": (5,)}, X, r"hidden_sizes=\(5,\) cannot change"),
        ({"standardize": False}, X, "standardize=False cannot change"),
        ({}, X[:, 1:], "window=5, channels=2"),
        ({"optimizer": "sgd", "clip_grad_norm": None, "lr": 1e30}, X, "diverged"),
    ],
)
def test_a_failed_warm_start_changes_nothing(params, rows, message):
    fitted = lstm(warm_start=True).fit(X, Y)
    expected, before = fitted.predict(X), joblib.hash(fitted.net_)
    fitted.set_params(**{"max_epochs": 5} | params)
    with pytest.raises((ValueError, FloatingPointError), match=message):
        fitted.fit(rows, Y)
    assert joblib.hash(fitted.net_) == before
    np.testing.assert_array_equal(fitted.predict(X), expected)


def test_partial_fit_refuses_early_stopping_and_other_targets():
    with pytest.raises(ValueError, match="early_stopping=False"):
        lstm(early_stopping=True).partial_fit(X, Y)
    with pytest.raises(ValueError, match=r"y has 2 columns.*expecting 1"):
        lstm().partial_fit(X, Y).partial_fit(X, np.column_stack([Y, Y]))


# Wrappers

ROWS = X[:, :, 0]
WRAPPERS = {
    "purged": lambda net: PurgedRegressor(net, purge=2),
    "conformal": ConformalRegressor,
    "relative": lambda net: RelativeTargetRegressor(net, relation="difference"),
    "several targets": MultiTaskNet,
    "pipeline": lambda net: PurgedRegressor(
        make_pipeline(StandardScaler(), net), purge=2
    ),
    "in a pipeline": lambda net: make_pipeline(
        StandardScaler(), PurgedRegressor(net, purge=2)
    ),
    "nested": lambda net: ConformalRegressor(
        make_pipeline(StandardScaler(), PurgedRegressor(MultiTaskNet(net), purge=1))
    ),
}
wrapped = pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)


def net_inside(model):
    """Return the fitted net of a wrapper."""
    if hasattr(model, "module_"):
        return model
    if hasattr(model, "steps"):
        return net_inside(model[-1])
    return net_inside(vars(model).get("regressor_") or model.net_)


@wrapped
@pytest.mark.parametrize("through", ["memory", "pickle"])
def test_a_wrapper_trains_its_regressor_further(wrap, through):
    expected = wrap(lstm(max_epochs=4)).fit(ROWS, Y)
    model = wrap(lstm(max_epochs=2, warm_start=True)).fit(ROWS, Y)
    before = net_inside(model)
    curve = list(before.loss_curve_)
    if through == "pickle":
        model = pickle.loads(pickle.dumps(model))
    (name,) = (k for k in model.get_params() if k.endswith("max_epochs"))
    model.set_params(**{name: 4}).fit(ROWS, Y)
    assert net_inside(model).loss_curve_ == net_inside(expected).loss_curve_
    np.testing.assert_array_equal(model.predict(ROWS), expected.predict(ROWS))
    if isinstance(model, ConformalRegressor):
        np.testing.assert_array_equal(model.residuals_, expected.residuals_)
    model.set_params(**{name: 6}).fit(ROWS[10:], Y[10:])
    trained = net_inside(model).loss_curve_
    assert trained[:4] == net_inside(expected).loss_curve_
    assert len(trained) == 6
    assert before.loss_curve_ == curve


@wrapped
def test_a_wrapper_does_not_change_the_regressor_of_the_user(wrap):
    net = lstm(warm_start=True)
    model = wrap(net).fit(ROWS, Y)
    net.set_params(max_epochs=4)
    model.fit(ROWS[:90], Y[:90])
    assert not hasattr(net, "net_")


@wrapped
def test_a_clone_of_a_wrapper_starts_anew(wrap):
    model = wrap(lstm(warm_start=True)).fit(ROWS, Y)
    again = clone(model).fit(ROWS, Y)
    assert net_inside(again).n_epochs_ == 3
    search = GridSearchCV(model, {}, cv=TimeSeriesSplit(2)).fit(ROWS, Y)
    search.fit(ROWS, Y)
    assert net_inside(search.best_estimator_).n_epochs_ == 3


@wrapped
def test_without_warm_start_a_wrapper_starts_anew(wrap):
    model = wrap(lstm(warm_start=True)).fit(ROWS, Y)
    (name,) = (k for k in model.get_params() if k.endswith("warm_start"))
    model.set_params(**{name: False}).fit(ROWS, Y)
    expected = wrap(lstm()).fit(ROWS, Y)
    assert net_inside(model).loss_curve_ == net_inside(expected).loss_curve_


@wrapped
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"hidden_sizes": (5,)}, r"hidden_sizes=\(5,\) cannot change"),
        (
            {"max_epochs": 5, "optimizer": "sgd", "clip_grad_norm": None, "lr": 1e30},
            "diverged",
        ),
    ],
    ids=["sizes", "diverged"],
)
def test_a_failed_second_fit_leaves_a_wrapper_as_it_was(wrap, params, message):
    net = lstm(warm_start=True)
    model = wrap(net).fit(ROWS, Y)
    before, expected = net_inside(model), model.predict(ROWS)
    states = {k: v.clone() for k, v in before.module_.state_dict().items()}
    net.set_params(**params)
    with pytest.raises((ValueError, FloatingPointError), match=message):
        model.fit(ROWS, Y)
    assert net_inside(model) is before
    assert before.n_epochs_ == 3
    assert all(map(torch.equal, before.module_.state_dict().values(), states.values()))
    np.testing.assert_array_equal(model.predict(ROWS), expected)


def test_calibration_rows_are_new_to_the_first_fit():
    model = ConformalRegressor(lstm(warm_start=True, max_epochs=2)).fit(ROWS, Y)
    model.set_params(regressor__max_epochs=4).fit(ROWS[:60], Y[:60])
    expected = ConformalRegressor(lstm(max_epochs=4)).fit(ROWS[:60], Y[:60])
    np.testing.assert_array_equal(model.residuals_, expected.residuals_)
    assert model.regressor_.n_epochs_ == 4


OTHERS = {
    "forest": (RandomForestRegressor(2, random_state=0), {"n_estimators": 5}),
    "bagging": (BaggingRegressor(n_estimators=2, random_state=0), {"n_estimators": 5}),
    "boosting": (
        GradientBoostingRegressor(n_estimators=3, random_state=0),
        {"n_estimators": 6},
    ),
    "histograms": (HistGradientBoostingRegressor(max_iter=3), {"max_iter": 6}),
    "sgd": (SGDRegressor(random_state=0, tol=None, max_iter=3), {"eta0": 0.02}),
    "mlp": (MLPRegressor(max_iter=3, random_state=0), {"alpha": 0.1}),
    "lasso": (Lasso(0.1), {"alpha": 0.01}),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("regressor", "changed"), OTHERS.values(), ids=OTHERS)
def test_wrappers_of_other_estimators_with_warm_start(regressor, changed):
    regressor = clone(regressor).set_params(warm_start=True)
    alone = clone(regressor).fit(ROWS, Y)
    first = alone.predict(ROWS)
    expected = alone.set_params(**changed).fit(ROWS[:60], Y[:60]).predict(ROWS)
    model = PurgedRegressor(regressor, purge=0).fit(ROWS, Y)
    before = model.regressor_
    model.regressor.set_params(**changed)
    model.fit(ROWS[:60], Y[:60])
    np.testing.assert_array_equal(model.predict(ROWS), expected)
    np.testing.assert_array_equal(before.predict(ROWS), first)


def test_another_class_of_regressor_starts_anew():
    model = PurgedRegressor(lstm(warm_start=True), purge=0).fit(ROWS, Y)
    other = TCNRegressor(channels=(4,), max_epochs=2, warm_start=True, random_state=0)
    model.set_params(regressor=other).fit(ROWS, Y)
    assert model.regressor_.n_epochs_ == 2


def test_a_target_trained_further_cannot_change():
    rows = np.exp(ROWS)
    model = RelativeTargetRegressor(lstm(warm_start=True)).fit(rows, np.exp(Y))
    expected = model.predict(rows)
    for changed in ({"relation": "difference"}, {"column": 1}):
        with pytest.raises(ValueError, match="cannot change in a regressor that is"):
            model.set_params(**changed).fit(rows, np.exp(Y))
        model.set_params(relation="ratio", column=0)
    np.testing.assert_array_equal(model.predict(rows), expected)


def test_another_window_is_an_error():
    fitted = lstm(warm_start=True).fit(X, Y).set_params(max_epochs=4)
    message = rf"windows of shape \({X.shape[1] - 1}, .* expecting window={X.shape[1]}"
    with pytest.raises(ValueError, match=message):
        fitted.fit(X[:, 1:], Y)
    fitted.set_params(warm_start=False).fit(X[:, 1:], Y)
