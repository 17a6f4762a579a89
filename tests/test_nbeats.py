"""N-BEATS against its equations, and the parts of its forecasts."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from torch import nn

from sktsdl import (
    MultiTaskNet,
    NBEATSRegressor,
    SlidingWindow,
    load,
    make_supervised,
)
from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._estimator.scaling import Scaling
from sktsdl._estimator.targets import QuantileTargets
from sktsdl._layers.cycle import Cycle
from sktsdl.architectures.nbeats import PARTS, harmonics, polynomials

KINDS = ("trend", "seasonality", "generic")
RNG = np.random.default_rng(0)


def nbeats(**params):
    return NBEATSRegressor(
        **{"hidden_size": 8, "max_epochs": 2, "random_state": 0} | params
    )


@pytest.mark.parametrize("n_steps", [1, 2, 3, 4, 7, 24])
def test_polynomials_against_their_formula(n_steps):
    found = polynomials(n_steps, degree=3).numpy()
    assert found.shape == (min(4, n_steps), n_steps)
    for power, row in enumerate(found):
        assert_allclose(row, [(t / n_steps) ** power for t in range(n_steps)], 1e-6)
    assert np.linalg.matrix_rank(found) == len(found)


@pytest.mark.parametrize("n_harmonics", [None, 2])
@pytest.mark.parametrize("n_steps", [1, 2, 3, 4, 7, 24])
def test_harmonics_against_their_formula(n_steps, n_harmonics):
    found = harmonics(n_steps, n_harmonics=n_harmonics).numpy()
    n = max(int(np.floor(n_steps / 2 - 1)), 0)
    n = n if n_harmonics is None else min(n, n_harmonics)
    t = np.arange(n_steps) / n_steps
    expected = [np.cos(2 * np.pi * i * t) for i in range(n + 1)]
    expected += [np.sin(2 * np.pi * i * t) for i in range(1, n + 1)]
    assert_allclose(found, expected, atol=1e-6)


def basis(kind, n_steps, degree=2):
    """The basis of a kind, (coefficients, steps), from the paper."""
    t = np.arange(n_steps) / n_steps
    if kind == "trend":
        return np.array([t**power for power in range(min(degree + 1, n_steps))])
    if kind == "generic":
        return np.eye(n_steps)
    waves = 2 * np.pi * np.arange(1, max(n_steps // 2, 1))[:, None] * t
    return np.concatenate([np.ones((1, n_steps)), np.cos(waves), np.sin(waves)])


def dense(linear, h):
    return linear.weight.detach().numpy() @ h + linear.bias.detach().numpy()


def reference(module, kinds, n_blocks, x, known, columns, n_values):
    """The forecast of each block for one window, (time, channels), from the paper."""
    n_ahead, n_targets = (max(part) + 1 for part in zip(*columns, strict=True))
    x = x.T  # (channels, time)
    forecasts = []
    for kind, stack in zip(kinds, module.stacks, strict=True):
        blocks = list(stack)
        for block in blocks * (n_blocks // len(blocks)):
            h = np.concatenate([x.ravel(), known.ravel()])
            for layer in block.layers:
                if isinstance(layer, nn.Linear):
                    h = np.maximum(dense(layer, h), 0)
            theta = dense(block.forecast.linear, h).reshape(n_targets * n_values, -1)
            ahead = theta @ basis(kind, n_ahead)
            forecasts.append(
                [
                    ahead[target * n_values + value, step]
                    for step, target in columns
                    for value in range(n_values)
                ]
            )
            if block.backcast is not None:
                theta = dense(block.backcast.linear, h).reshape(len(x), -1)
                x = x - theta @ basis(kind, x.shape[1])
    return np.array(forecasts)


@pytest.mark.parametrize("n_values", [1, 3])
@pytest.mark.parametrize("share_weights", [False, True])
@pytest.mark.parametrize("n_known", [0, 2])
@pytest.mark.parametrize("kinds", [KINDS, ("generic", "trend"), ("seasonality",)])
def test_a_net_against_its_equations(kinds, n_known, share_weights, n_values):
    # Two targets, one after the other or step by step: each column says what it is.
    columns = [(0, 0), (1, 0), (0, 1), (1, 1), (2, 1), (4, 0), (5, 0), (2, 0)]
    spec = ModuleSpec(
        n_channels=3,
        n_steps=7,
        n_outputs=len(columns) * n_values,
        n_targets=len(columns),
        n_values=n_values,
        n_known=n_known,
        target_steps=tuple(step for step, _ in columns),
        targets=tuple(target for _, target in columns),
    )
    net = nbeats(stacks=kinds, n_blocks=2, num_layers=2, share_weights=share_weights)
    module = net._build_module(spec).double()
    x = torch.randn(4, 7, 3, dtype=torch.float64)
    known = torch.randn(4, 6, n_known, dtype=torch.float64)
    with torch.no_grad():
        found = module(x, known if n_known else None)
        parts = module.parts(x, known if n_known else None)
    of_block = np.repeat(kinds, 2)
    for row in range(4):
        expected = reference(
            module, kinds, 2, x[row].numpy(), known[row].numpy(), columns, n_values
        )
        assert_allclose(found[row], expected.sum(axis=0), rtol=1e-5, atol=1e-6)
        for at, kind in enumerate(PARTS):
            of_kind = expected[of_block == kind].sum(axis=0)
            assert_allclose(parts[row, at], of_kind, rtol=1e-5, atol=1e-6)


def n_block(n_in, n_back, n_ahead, width, n_layers):
    hidden = (n_in + 1) * width + (n_layers - 1) * (width + 1) * width
    return hidden + (width + 1) * (n_back + n_ahead)


T, C, H = 20, 10, 6
COUNTS = {
    "trend": (
        {"stacks": ("trend",), "n_blocks": 3},
        n_block(T * C, 3 * C, 3, 64, 4),
    ),
    "not shared": (
        {"stacks": ("trend",), "n_blocks": 3, "share_weights": False, "degree": 3},
        3 * n_block(T * C, 4 * C, 4, 64, 4) - 65 * 4 * C,
    ),
    "seasonality": (
        {"stacks": ("seasonality",), "n_blocks": 2},
        n_block(T * C, (1 + 2 * 9) * C, 1 + 2 * 2, 64, 4),
    ),
    "some harmonics": (
        {"stacks": ("seasonality",), "n_blocks": 2, "n_harmonics": 1},
        n_block(T * C, 3 * C, 3, 64, 4),
    ),
    "the generic configuration": (
        {"stacks": ("generic",) * 30, "hidden_size": 512},
        30 * n_block(T * C, T * C, H, 512, 4) - 513 * T * C,
    ),
    "default": (
        {},
        n_block(T * C, 3 * C, 3, 64, 4)
        + n_block(T * C, 19 * C, 5, 64, 4)
        + n_block(T * C, 0, H, 64, 4),
    ),
}


@pytest.mark.parametrize("name", COUNTS)
def test_the_number_of_weights(name):
    params, expected = COUNTS[name]
    spec = ModuleSpec(
        n_channels=C,
        n_steps=T,
        n_outputs=H,
        n_targets=H,
        target_steps=tuple(range(H)),
        targets=(0,) * H,
    )
    module = NBEATSRegressor(**params)._build_module(spec)
    assert sum(w.numel() for w in module.parameters()) == expected


def test_every_weight_is_trained():
    net = nbeats(n_blocks=2, share_weights=False)
    x = torch.randn(30, 9, 2)
    net.fit(x.numpy(), x[:, -6:, 0].numpy())
    net.module_(x).square().sum().backward()
    assert all(w.grad is not None for w in net.module_.parameters())


N = 80
DATA = pd.DataFrame(
    {
        "price": 50 + np.arange(N) / 4 + 5 * np.sin(np.arange(N)),
        "load": 30 + RNG.normal(size=N).cumsum(),
        "kind": RNG.integers(0, 3, size=N).astype(float),
    },
    index=pd.date_range("2020", periods=N, freq="h"),
)
TWO = ["price", "load"]
CASES = {
    "default": {},
    "no norm": {"window_norm": None},
    "standard": {"window_norm": "standard"},
    "mean": {"window_norm": "mean"},
    "skip": {"linear_skip": True, "window_norm": "standard"},
    "quantiles": {"loss": "quantile", "linear_skip": True},
    "patches": {"patch_size": 3},
    "categories": {"categorical_features": ["kind"]},
    "one by one": {"channel_independent": True, "target_channels": TWO},
    "each with a scale": {
        "channel_independent": True,
        "target_channels": TWO,
        "window_norm": "standard",
        "linear_skip": True,
        "loss": "quantile",
    },
    "shared": {"n_blocks": 2, "dropout": 0.2},
}


def fitted(params, horizon=12, target=TWO, known=(), **more):
    X, y, _ = make_supervised(
        DATA, target=target, horizon=horizon, known_future=list(known)
    )
    windows = SlidingWindow(10).fit_transform(X)
    return nbeats(**params, **more).fit(windows, y), windows


@pytest.mark.parametrize("known", [(), ("kind",)], ids=["past", "known"])
@pytest.mark.parametrize("case", CASES)
def test_the_parts_sum_to_the_prediction(case, known):
    net, windows = fitted(CASES[case], known=known)
    parts, predicted = net.decompose(windows), net.predict(windows)
    assert list(parts) == ["trend", "seasonality", "rest"]
    assert predicted.shape[1] == 24
    for part in parts.values():
        assert (part.shape, part.dtype) == (predicted.shape, np.float64)
    assert_allclose(sum(parts.values()), predicted, rtol=2e-6, atol=2e-5)


def test_parts_of_one_target_are_shaped_as_its_prediction():
    net, windows = fitted({}, horizon=1, target="price")
    parts = net.decompose(windows)
    assert all(part.shape == (len(windows),) for part in parts.values())
    frame = pd.DataFrame(parts)
    assert_allclose(frame.sum(axis=1), net.predict(windows), rtol=2e-6)


def check_kinds(trend, seasonality, n_harmonics):
    """The trend has degree 2, and the seasonality the first harmonics."""
    for columns in (slice(12), slice(12, 24)):
        slope = np.abs(np.diff(trend[:, columns])).max()
        assert slope > 1e-3
        assert_allclose(np.diff(trend[:, columns], 3), 0, atol=1e-3 * slope)
        waves = np.abs(np.fft.rfft(seasonality[:, columns]))
        assert (waves[:, 1 : n_harmonics + 1].max(axis=0) > 1e-3).all()
        assert_allclose(waves[:, n_harmonics + 1 :], 0, atol=1e-4)


@pytest.mark.parametrize("n_harmonics", [2, None])
def test_each_part_is_of_its_kind(n_harmonics):
    n = 5 if n_harmonics is None else n_harmonics
    params = {"n_harmonics": n_harmonics}
    net, windows = fitted(params | {"window_norm": "standard"})
    parts = net.decompose(windows)
    check_kinds(parts["trend"], parts["seasonality"], n)
    # Without the scale of a window, each column of y has its own unit.
    net, windows = fitted(params | {"window_norm": None})
    trend, seasonality, _ = np.moveaxis(net._evaluate(windows, "parts"), 1, 0)
    check_kinds(trend, seasonality, n)


def test_a_part_without_a_stack_is_zero():
    net, windows = fitted({"stacks": ("trend", "seasonality")})
    assert (net.decompose(windows)["rest"] == 0).all()
    net, windows = fitted({"stacks": ("generic",), "window_norm": None})
    parts = net.decompose(windows)
    assert (parts["seasonality"] == 0).all()
    mean = np.tile(net._spec.targets.scaling.mean, (len(windows), 1))
    np.testing.assert_array_equal(parts["trend"], mean)


def test_a_linear_skip_is_in_the_rest():
    net, windows = fitted({"linear_skip": True, "stacks": ("trend",)})
    before = net.decompose(windows)
    skip = next(m for m in net.module_.modules() if hasattr(m, "linear"))
    nn.init.normal_(skip.linear.weight)
    after = net.decompose(windows)
    np.testing.assert_array_equal(after["trend"], before["trend"])
    assert not np.allclose(after["rest"], before["rest"])


@pytest.mark.parametrize("window_norm", [None, "last", "standard"])
def test_a_cycle_is_in_the_seasonality(window_norm):
    net, windows = fitted({"cycle": 4, "window_norm": window_norm, "max_epochs": 5})
    parts, before = net.decompose(windows), net.predict(windows)
    assert_allclose(sum(parts.values()), before, rtol=2e-6, atol=2e-5)
    cycle = next(m for m in net.module_.modules() if isinstance(m, Cycle))
    cycle.adds = False
    without = net.decompose(windows)
    assert not np.allclose(without["seasonality"], parts["seasonality"], atol=1e-3)
    for part in ("trend", "rest"):
        np.testing.assert_array_equal(without[part], parts[part])


@pytest.mark.parametrize("window_norm", ["last", "standard"])
def test_the_level_of_a_window_is_in_the_trend(window_norm):
    net, windows = fitted({"window_norm": window_norm})
    before = net.decompose(windows)
    moved = np.array(windows)
    moved[..., 0] += 100
    after = net.decompose(moved)
    rise = after["trend"] - before["trend"]
    assert_allclose(rise, np.tile(np.repeat([100, 0], 12), (len(moved), 1)), atol=1e-3)
    for part in ("seasonality", "rest"):
        assert_allclose(after[part], before[part], atol=1e-3)


def test_parts_of_the_median_where_quantiles_cross():
    net, windows = fitted({"loss": "quantile", "window_norm": None})
    for weight in net.module_.parameters():
        nn.init.normal_(weight)
    outputs = net._evaluate(windows).reshape(len(windows), -1, 3)
    is_median = np.sort(outputs)[..., 1] == outputs[..., 1]
    assert 0.1 < is_median.mean() < 0.9
    sums = sum(net.decompose(windows).values())
    assert_allclose(sums, net.predict(windows), rtol=1e-4)


def test_the_parts_of_targets_against_their_formula():
    targets = QuantileTargets((0.1, 0.5, 0.9)).with_scaling(
        Scaling(np.array([1.0, 2.0]), np.array([10.0, 3.0]))
    )
    parts = np.array([[[1, 2, 3, 9, 1, 0]], [[0, 0, 0, 0, 0, 5]]]).swapaxes(0, 1)
    # Of the second target, the sums are 9, 1 and 5.
    expected = [[[2 * 10 + 1, 0 * 3 + 2], [0, 5 * 3]]]
    np.testing.assert_array_equal(targets.decode_parts(parts), expected)


def test_patches_are_steps_again():
    X = RNG.normal(size=(40, 12, 2))
    y = X[:, -4:, 0]
    plain, patched = (
        nbeats(patch_size=size, window_norm=None).fit(X, y) for size in (1, 4)
    )
    assert patched.n_parameters_ == plain.n_parameters_
    assert_allclose(patched.predict(X), plain.predict(X), rtol=1e-5)


def test_classes_have_no_parts():
    X = RNG.normal(size=(40, 6, 2))
    y = pd.DataFrame({"up": X[:, -1, 0] > 0, "level": X[:, -1, 0]})
    tasks = {"up": "classification", "level": "regression"}
    model = MultiTaskNet(nbeats(n_blocks=2), tasks=tasks).fit(X, y)
    assert model.predict_proba(X)["up"].shape == (40, 2)
    with pytest.raises(ValueError, match="scores of classes"):
        model.net_.decompose(X)
    numbers = MultiTaskNet(nbeats(), tasks={"level": "regression"}).fit(X, y[["level"]])
    parts = numbers.net_.decompose(X)
    assert_allclose(sum(parts.values()).ravel(), numbers.predict(X)["level"], rtol=2e-6)


def test_a_net_learns_a_trend_and_a_season():
    t = np.arange(400.0)
    data = pd.DataFrame({"y": 0.5 * t + 10 * np.sin(2 * np.pi * t / 12)})
    X, y, _ = make_supervised(data, target="y", horizon=12)
    net = NBEATSRegressor(
        stacks=("trend", "seasonality"), lr=5e-3, max_epochs=25, random_state=0
    )
    pipe = make_pipeline(SlidingWindow(24), net).fit(X[:300], y[:300])
    assert pipe.score(X[300:], y[300:]) > 0.95


def test_files_keep_the_parts(tmp_path):
    net, windows = fitted({"linear_skip": True, "n_harmonics": 2}, known=("kind",))
    net.save(tmp_path / "net")
    again = load(tmp_path / "net")
    assert again.stacks == KINDS
    for name, part in net.decompose(windows).items():
        np.testing.assert_array_equal(again.decompose(windows)[name], part)


def test_parts_are_the_same_alone_and_among_others():
    net, windows = fitted({})
    together = net.decompose(windows)
    for row in (0, 17, len(windows) - 1):
        for name, part in net.decompose(windows[row : row + 1]).items():
            np.testing.assert_array_equal(part[0], together[name][row])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"stacks": ()}, r"'stacks' .* non-empty tuple .* Got \(\)"),
        ({"stacks": ("trend", "level")}, r"'stacks' .*'generic'.* Got \('trend', 'le"),
        ({"stacks": "trend"}, r"'stacks' .* Got 'trend'"),
        ({"n_blocks": 0}, "'n_blocks' .* Got 0"),
        ({"degree": 0}, "'degree' .* Got 0"),
        ({"n_harmonics": 0}, "'n_harmonics' .* or None. Got 0"),
        ({"share_weights": 3}, "'share_weights' .* Got 3"),
        ({"dropout": 1.0}, "'dropout' .* Got 1.0"),
    ],
    ids=str,
)
def test_bad_parameters_are_an_error(params, message):
    X = RNG.normal(size=(20, 6, 2))
    with pytest.raises(ValueError, match=message):
        nbeats(**params).fit(X, X[:, 0, 0])


def test_an_unfitted_net_has_no_parts():
    with pytest.raises(NotFittedError):
        nbeats().decompose(RNG.normal(size=(3, 6, 1)))
