"""Quantiles, and Monte Carlo dropout by `return_std`."""

import pickle

import numpy as np
import pytest
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import d2_pinball_score, mean_pinball_loss
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from torch import nn

import sktsdl
from sktsdl import (
    ConformalRegressor,
    LSTMRegressor,
    PurgedRegressor,
    RelativeTargetRegressor,
    SlidingWindow,
    TCNRegressor,
    TransformerRegressor,
    WindowMLPRegressor,
)
from sktsdl._layers.losses import PinballLoss
from tests.estimators import every_net
from tests.nets import net_fixture
from tests.series import levels

LEVELS = (0.05, 0.25, 0.5, 0.9)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 6, 2))
SPREAD = np.exp(X[:, -1, 1] / 2)
Y = 50 + 20 * (X[:, -1, 0] + SPREAD * RNG.normal(size=200))

WITH_DROPOUT = {
    LSTMRegressor: {"hidden_sizes": (8,), "variational_dropout": 0.2},
    TCNRegressor: {"channels": (8, 8), "dropout": 0.2},
    TransformerRegressor: {"d_model": 8, "nhead": 2, "dropout": 0.2},
}
net = net_fixture(WITH_DROPOUT, max_epochs=5, lr=1e-2)


def quantiles(cls, **params):
    return cls(
        loss="quantile",
        quantiles=LEVELS,
        **{"max_epochs": 2, "random_state": 0} | params,
    )


# Quantiles


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_pinball_loss_equals_that_of_scikit_learn(reduction):
    rng = np.random.default_rng(0)
    predicted, target = rng.normal(size=(9, 3, 4)), rng.normal(size=(9, 3))
    loss = PinballLoss(LEVELS, reduction)(
        torch.from_numpy(predicted).flatten(1), torch.from_numpy(target)
    )
    expected = np.mean(
        [
            [
                mean_pinball_loss(target[i], predicted[i, :, j], alpha=q)
                for i in range(9)
            ]
            for j, q in enumerate(LEVELS)
        ]
    )
    np.testing.assert_allclose(loss.mean(), expected, rtol=1e-5)
    assert loss.shape == ((9, 3) if reduction == "none" else ())


@pytest.mark.parametrize("horizon", [None, 1, 3])
@every_net
def test_quantiles_of_every_net(cls, horizon):
    y = Y if horizon is None else np.column_stack([Y * (h + 1) for h in range(horizon)])
    fitted = quantiles(cls).fit(X, y)
    predicted = fitted.predict_quantiles(X)
    assert predicted.shape == (*y.shape, 4)
    assert (np.diff(predicted, axis=-1) >= 0).all()
    np.testing.assert_array_equal(fitted.predict(X), predicted[..., 2])
    assert abs(np.median(predicted[..., 2]) - np.median(y)) < 3 * y.std()
    np.testing.assert_allclose(
        fitted.predict_quantiles(X[:3]), predicted[:3], rtol=1e-12
    )


def test_quantiles_are_calibrated_on_the_training_rows(net):
    fitted = net(loss="quantile", quantiles=LEVELS, max_epochs=60).fit(X, Y)
    predicted = fitted.predict_quantiles(X)
    np.testing.assert_allclose((Y[:, None] <= predicted).mean(axis=0), LEVELS, atol=0.1)
    assert d2_pinball_score(Y, predicted[:, 3], alpha=0.9) > 0.2
    width = predicted[:, 3] - predicted[:, 0]
    assert np.corrcoef(width, SPREAD)[0, 1] > 0.5


def test_the_loss_curve_is_the_pinball_loss_in_units_of_the_target(net):
    params = {"early_stopping": True, "validation_fraction": 0.2}
    fitted = net(loss="quantile", quantiles=[0.5], max_epochs=1, lr=1e-12, **params)
    predicted = fitted.fit(X, Y).predict(X[-40:])
    expected = mean_pinball_loss(Y[-40:], predicted, alpha=0.5)
    np.testing.assert_allclose(fitted.validation_loss_curve_, [expected], rtol=1e-5)


@pytest.mark.parametrize("params", [{"window_norm": "standard"}, {"loss_steps": "all"}])
def test_quantiles_under_other_parameters(params):
    rows, y = levels(80)
    pipe = make_pipeline(
        SlidingWindow(5),
        quantiles(LSTMRegressor, hidden_sizes=(4,), max_epochs=20, **params),
    ).fit(rows, y, lstmregressor__sample_weight=np.linspace(1, 2, 80))
    predicted = pipe[-1].predict_quantiles(pipe[0].transform(rows))
    assert (np.diff(predicted[4:], axis=-1) >= 0).all()
    assert predicted[4:].std() < 2 * np.std(y) + 1


@pytest.mark.parametrize("window_norm", ["last", "standard"])
def test_all_quantiles_of_a_target_start_from_its_own_channel(window_norm):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(80, 2)).cumsum(axis=0) * [1, 30] + [0, 5000]
    windows = SlidingWindow(5).fit_transform(rows)[4:]
    y = windows[:, -1]
    net = quantiles(
        LSTMRegressor, window_norm=window_norm, target_channels=[0, 1], lr=1e-12
    ).fit(windows, y)
    start = y if window_norm == "last" else windows.mean(axis=1)
    moved = net.predict_quantiles(windows) - start[..., None]
    assert (np.abs(moved) < rows.std(axis=0)[:, None]).all()


def test_warm_start_keeps_the_quantiles():
    fitted = quantiles(WindowMLPRegressor, warm_start=True).fit(X, Y)
    expected = clone(fitted).set_params(max_epochs=4).fit(X, Y).predict_quantiles(X)
    fitted = pickle.loads(pickle.dumps(fitted))
    predicted = fitted.set_params(max_epochs=4).fit(X, Y).predict_quantiles(X)
    np.testing.assert_array_equal(predicted, expected)
    for params in ({"quantiles": (0.5,)}, {"loss": "squared_error"}):
        with pytest.raises(ValueError, match=r"quantiles=.* cannot change"):
            clone(fitted).fit(X, Y).set_params(max_epochs=6, **params).fit(X, Y)


@pytest.mark.parametrize(
    "given",
    ["abc", (), (0.1, 0.9), (0.5, 0.1), (0.0, 0.5), (0.5, 0.5), 0.5, (0.5, 1.5)],
)
def test_bad_quantiles_are_an_error(given):
    with pytest.raises(ValueError, match=r"quantiles=.* must increase.*such as"):
        LSTMRegressor(loss="quantile", quantiles=given).fit(X, Y)


def test_the_fitted_loss_decides_on_predict_quantiles():
    fitted = LSTMRegressor(max_epochs=1).fit(X, Y).set_params(loss="quantile")
    assert not hasattr(fitted, "predict_quantiles")
    assert hasattr(LSTMRegressor(loss="quantile", quantiles="abc"), "predict_quantiles")
    fitted = quantiles(LSTMRegressor).fit(X, Y).set_params(loss="squared_error")
    assert fitted.predict_quantiles(X).shape == (200, 4)


def test_purged_regressor_delegates_quantiles_and_return_std():
    net = quantiles(WindowMLPRegressor, dropout=0.2)
    purged = PurgedRegressor(net, purge=2).fit(X, Y)
    inside = purged.regressor_
    np.testing.assert_array_equal(
        purged.predict_quantiles(X), inside.predict_quantiles(X)
    )
    np.testing.assert_array_equal(
        purged.predict(X[:3], return_std=True, n_draws=3),
        inside.predict(X[:3], return_std=True, n_draws=3),
    )
    assert not hasattr(PurgedRegressor(LSTMRegressor(), 1), "predict_quantiles")


def test_predict_quantiles_needs_the_quantile_loss():
    fitted = LSTMRegressor(max_epochs=1, quantiles="not used").fit(X, Y)
    assert not hasattr(fitted, "predict_quantiles")
    with pytest.raises(AttributeError):
        fitted.predict_quantiles(X)


def test_quantiles_in_a_search_on_real_rows(air_passengers):
    rows, y, _ = air_passengers
    pipe = make_pipeline(SlidingWindow(12), quantiles(LSTMRegressor, hidden_sizes=(4,)))
    grid = {"lstmregressor__quantiles": [(0.5,), (0.1, 0.5, 0.9)]}
    search = GridSearchCV(pipe, grid, cv=TimeSeriesSplit(2), error_score="raise")
    best = search.fit(rows, y).best_estimator_
    windows = best[:-1].transform(rows)
    predicted = best[-1].predict_quantiles(windows)
    t = 80
    later = rows.copy()
    later.iloc[t + 1 :] *= 3
    poisoned = best[-1].predict_quantiles(best[:-1].transform(later))
    np.testing.assert_array_equal(predicted[: t + 1], poisoned[: t + 1])


# Quantiles beyond the net

ROWS, NEXT = levels(80)
HORIZON = np.column_stack([NEXT, 2 * NEXT])
QUANTILE_PIPE = make_pipeline(
    SlidingWindow(5), quantiles(WindowMLPRegressor, hidden_sizes=(8,))
)
AROUND = {
    "pipeline": lambda pipe: pipe,
    "purged": lambda pipe: PurgedRegressor(pipe, purge=0),
    "conformal": ConformalRegressor,
    "purged in a pipeline": lambda pipe: make_pipeline(
        pipe[0], PurgedRegressor(pipe[1], purge=0)
    ),
    "frozen": lambda pipe: PurgedRegressor(FrozenEstimator(pipe), purge=0),
    "search": lambda pipe: GridSearchCV(pipe, {}, cv=TimeSeriesSplit(2)),
}


@pytest.mark.parametrize("y", [NEXT.to_numpy(), HORIZON], ids=["one", "horizon"])
@pytest.mark.parametrize("wrap", AROUND.values(), ids=AROUND)
def test_predict_returns_quantiles_through_pipelines_and_wrappers(wrap, y):
    pipe = clone(QUANTILE_PIPE).fit(ROWS, y)
    windows = pipe[0].transform(ROWS)
    expected = pipe[1].predict(windows), pipe[1].predict_quantiles(windows)
    model = wrap(pipe).fit(ROWS, y)
    model = getattr(model, "best_estimator_", model)
    found = model.predict(ROWS, return_quantiles=True)
    for values, others in zip(found, expected, strict=True):
        np.testing.assert_array_equal(values, others)
    assert found[1].shape == (*y.shape, 4)
    if hasattr(model, "regressor"):
        np.testing.assert_array_equal(model.predict_quantiles(ROWS), found[1])


@pytest.mark.parametrize("y", [NEXT.to_numpy(), HORIZON], ids=["one", "horizon"])
@pytest.mark.parametrize("relation", ["ratio", "difference"])
@pytest.mark.parametrize("inside", ["pipeline", "purged", "conformal", "frozen"])
def test_relative_targets_carry_quantiles(inside, relation, y):
    column = ROWS["rail"].to_numpy().reshape(-1, *[1] * (y.ndim - 1))
    relative = np.log(y / column) if relation == "ratio" else y - column
    pipe = clone(QUANTILE_PIPE).fit(ROWS, relative)
    expected = pipe.predict(ROWS, return_quantiles=True)[1]
    column = column[..., None]
    expected = column * np.exp(expected) if relation == "ratio" else column + expected
    model = RelativeTargetRegressor(AROUND[inside](pipe), relation=relation)
    median, found = model.fit(ROWS, y).predict(ROWS, return_quantiles=True)
    np.testing.assert_allclose(found, expected)
    assert (np.diff(found, axis=-1) >= 0).all()
    np.testing.assert_allclose(median, found[..., 2])
    np.testing.assert_array_equal(median, model.predict(ROWS))
    np.testing.assert_array_equal(model.predict_quantiles(ROWS), found)


@pytest.mark.parametrize("outside", ["pipeline", "purged", "conformal", "search"])
def test_quantiles_of_relative_targets_pass_through(outside):
    relative = RelativeTargetRegressor(QUANTILE_PIPE)
    expected = clone(relative).fit(ROWS, NEXT).predict(ROWS, return_quantiles=True)
    model = AROUND[outside](make_pipeline(relative)).fit(ROWS, NEXT)
    model = getattr(model, "best_estimator_", model)
    found = model.predict(ROWS, return_quantiles=True)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.parametrize("wrap", [ConformalRegressor, RelativeTargetRegressor])
def test_wrappers_have_quantiles_if_their_regressor_has(wrap):
    other = make_pipeline(SlidingWindow(5), WindowMLPRegressor(max_epochs=1))
    for model in (wrap(other), wrap(other).fit(ROWS, NEXT), wrap(Ridge())):
        assert not hasattr(model, "predict_quantiles")
    assert hasattr(wrap(QUANTILE_PIPE), "predict_quantiles")
    assert hasattr(wrap(quantiles(LSTMRegressor)), "predict_quantiles")
    with pytest.raises(ValueError, match="has none: fit it with loss='quantile'"):
        wrap(other).fit(ROWS, NEXT).predict(ROWS, return_quantiles=True)


def test_quantiles_of_a_regressor_that_has_them_by_its_method_only():
    class Own(Ridge):
        def predict_quantiles(self, X):
            return self.predict(X)[:, None] + [-1, 0, 1]

    model = RelativeTargetRegressor(Own(), relation="difference").fit(ROWS, NEXT)
    expected = model.predict(ROWS)[:, None] + [-1, 0, 1]
    np.testing.assert_allclose(model.predict_quantiles(ROWS), expected)


def test_return_quantiles_and_return_std_together_are_an_error():
    fitted = quantiles(WindowMLPRegressor, dropout=0.2).fit(X, Y)
    for model in (fitted, make_pipeline(PurgedRegressor(fitted, 1)).fit(X, Y)):
        with pytest.raises(ValueError, match="call predict once for each"):
            model.predict(X, return_std=True, return_quantiles=True)


@pytest.mark.parametrize(
    "regressor",
    [
        make_pipeline(SlidingWindow(5), WindowMLPRegressor(dropout=0.2, max_epochs=1)),
        GaussianProcessRegressor(optimizer=None, alpha=1.0),
    ],
    ids=["net", "gaussian process"],
)
def test_the_deviation_of_a_difference_is_that_of_the_level(regressor):
    model = RelativeTargetRegressor(regressor, relation="difference").fit(ROWS, NEXT)
    mean, std = model.predict(ROWS, return_std=True)
    inside, expected = model.regressor_.predict(ROWS, return_std=True)
    np.testing.assert_allclose(mean, ROWS["rail"] + inside)
    np.testing.assert_array_equal(std, expected)


def test_the_deviation_of_a_ratio_is_an_error():
    net = make_pipeline(SlidingWindow(5), WindowMLPRegressor(dropout=0.2, max_epochs=1))
    model = make_pipeline(RelativeTargetRegressor(net)).fit(ROWS, NEXT)
    with pytest.raises(ValueError, match="return_std=True needs relation='difference'"):
        model.predict(ROWS, return_std=True, n_draws=3)


def test_quantiles_are_requested_by_metadata_routing():
    with config_context(enable_metadata_routing=True):
        net = quantiles(WindowMLPRegressor).set_predict_request(return_quantiles=True)
        for last in (net, PurgedRegressor(net, purge=0)):
            pipe = make_pipeline(SlidingWindow(5), last).fit(ROWS, NEXT)
            assert pipe.predict(ROWS, return_quantiles=True)[1].shape == (80, 4)


# Monte Carlo dropout


def test_return_std_gives_mean_and_deviation_of_draws(net):
    fitted = net().fit(X, Y)
    point = fitted.predict(X)
    mean, std = fitted.predict(X[:20], return_std=True, n_draws=50)
    assert mean.shape == std.shape == (20,)
    assert (std > 0).all()
    assert np.abs(mean - point[:20]).max() < 4 * std.max()
    again = fitted.predict(X[:20], return_std=True, n_draws=50)
    np.testing.assert_array_equal(again, (mean, std))
    np.testing.assert_array_equal(fitted.predict(X), point)
    alone = fitted.predict(X[3:5], return_std=True, n_draws=50)
    np.testing.assert_array_equal(alone, (mean[3:5], std[3:5]))
    other = net(random_state=1).fit(X, Y).predict(X[:20], return_std=True, n_draws=50)
    assert not np.array_equal(other[1], std)


def test_return_std_against_forward_passes_by_hand():
    net = WindowMLPRegressor(dropout=0.3, norm="batch", max_epochs=3, random_state=0)
    y = np.column_stack([Y, -3 * Y])
    fitted = net.fit(X, y)
    mean, std = fitted.predict(X[:2], return_std=True, n_draws=4000)
    rows = torch.from_numpy(fitted._spec.channels.transform(X[:2].reshape(-1, 2)))
    module = pickle.loads(pickle.dumps(fitted.module_)).eval()
    for layer in module.modules():
        if isinstance(layer, nn.Dropout):
            layer.train()
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(1)
        draws = torch.stack([module(rows.reshape(2, 6, 2)) for _ in range(4000)])
    draws = draws.double().numpy() * y.std(axis=0) + y.mean(axis=0)
    np.testing.assert_allclose((mean - draws.mean(axis=0)) / std, 0, atol=0.08)
    np.testing.assert_allclose(std, draws.std(axis=0), rtol=0.06)


def test_draws_are_evaluated_in_blocks(monkeypatch):
    sizes = []
    fitted = WindowMLPRegressor(dropout=0.3, max_epochs=1, random_state=0).fit(X, Y)
    original = type(fitted.module_).forward

    def spy(self, x):
        sizes.append(len(x))
        return original(self, x)

    monkeypatch.setattr(type(fitted.module_), "forward", spy)
    whole = fitted.predict(X[:2], return_std=True, n_draws=1000)
    assert max(sizes) <= 257
    assert sum(sizes) == 2 * 1000
    assert np.isfinite(whole).all()


def test_verbose_shows_a_progress_bar_of_draws(monkeypatch, capfd):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    net = WindowMLPRegressor(dropout=0.3, max_epochs=1, random_state=0).fit(X, Y)
    net.predict(X[:2], return_std=True, n_draws=2)
    assert capfd.readouterr().err == ""
    net.set_params(verbose=1).predict(X[:2], return_std=True, n_draws=2)
    assert "2/2" in capfd.readouterr().err


def test_return_std_of_other_nets():
    for cls, params in {
        "CNNLSTMRegressor": {"dropout": 0.2},
        "CNNRegressor": {"dropout": 0.2},
        "WaveNetRegressor": {"dropout": 0.2},
        "Seq2SeqRegressor": {"dropout": 0.2},
        "GRURegressor": {"dropout": 0.2, "hidden_sizes": (8, 8)},
        "BiLSTMRegressor": {"variational_dropout": 0.2},
        "AttentionLSTMRegressor": {"variational_dropout": 0.2},
    }.items():
        net = getattr(sktsdl, cls)(max_epochs=1, random_state=0, **params).fit(X, Y)
        assert (net.predict(X[:2], return_std=True, n_draws=5)[1] > 0).all()


def test_return_std_of_the_median():
    fitted = quantiles(WindowMLPRegressor, dropout=0.2).fit(X, Y)
    mean, std = fitted.predict(X[:5], return_std=True)
    assert np.abs(mean - fitted.predict(X[:5])).max() < 3 * std.max()


@every_net
def test_return_std_without_dropout_says_what_to_set(cls):
    fitted = cls(max_epochs=1, random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match=r"has none: fit it with .*dropout=0\.1"):
        fitted.predict(X, return_std=True)


def test_return_std_with_dropout_in_one_layer_says_what_to_set():
    fitted = LSTMRegressor(dropout=0.5, max_epochs=1, random_state=0).fit(X, Y)
    with pytest.raises(
        ValueError, match=r"variational_dropout=0\.1, or dropout=0\.1 b"
    ):
        fitted.predict(X, return_std=True)


@pytest.mark.parametrize(
    ("n_draws", "error", "message"),
    [
        (0, ValueError, "^n_draws == 0, must be >= 1"),
        (1.5, TypeError, "^n_draws must be an instance of int, not float"),
        ("many", TypeError, "^n_draws must be an instance of int, not str"),
    ],
)
def test_bad_n_draws_is_an_error(n_draws, error, message):
    fitted = WindowMLPRegressor(dropout=0.5, max_epochs=1).fit(X, Y)
    with pytest.raises(error, match=message):
        fitted.predict(X, return_std=True, n_draws=n_draws)


def test_return_std_through_a_pipeline(air_passengers):
    rows, y, _ = air_passengers
    net = WindowMLPRegressor(dropout=0.2, max_epochs=2, random_state=0)
    pipe = make_pipeline(SlidingWindow(12), net).fit(rows, y)
    mean, std = pipe.predict(rows, return_std=True, n_draws=3)
    assert mean.shape == std.shape == y.shape
    later = rows.copy()
    later.iloc[81:] *= 3
    poisoned = pipe.predict(later, return_std=True, n_draws=3)
    np.testing.assert_array_equal((mean[:81], std[:81]), np.array(poisoned)[:, :81])
