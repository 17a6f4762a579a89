"""decoder="parallel": SegRNN's decoder of the recurrent nets."""

import numpy as np
import pandas as pd
import pytest
import torch

from sktsdl import (
    GRURegressor,
    LSTMRegressor,
    MultiTaskNet,
    SlidingWindow,
    load,
    make_supervised,
)
from tests.test_architectures import reference_states, sigmoid

CELLS = {"gru": GRURegressor, "lstm": LSTMRegressor}
every_cell = pytest.mark.parametrize("cell", CELLS)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 12, 2))


def targets(names):
    noise = np.random.default_rng(len(names)).normal(size=(40, len(names)))
    return pd.DataFrame(noise, columns=names)


def net(cell, **params):
    defaults = {
        "hidden_sizes": (5,),
        "decoder": "parallel",
        "window_norm": None,
        "max_epochs": 1,
        "random_state": 0,
    }
    return CELLS[cell](**defaults | params)


def weights(module):
    return {name: p.detach().numpy() for name, p in module.named_parameters()}


def one_more_step(cell, layer, x, before):
    """The state of one layer after one step from the state `before`, (h, c)."""
    W, U, b_x, b_h = (p.detach().numpy() for p in layer.weights.parameters())
    h, c = before
    from_x, from_h = W @ x + b_x, U @ h + b_h
    if cell == "lstm":
        i, f, g, o = np.split(from_x + from_h, 4)
        return sigmoid(o) * np.tanh(sigmoid(f) * c + sigmoid(i) * np.tanh(g))
    (r_x, z_x, n_x), (r_h, z_h, n_h) = np.split(from_x, 3), np.split(from_h, 3)
    r, z = sigmoid(r_x + r_h), sigmoid(z_x + z_h)
    return (1 - z) * np.tanh(n_x + r * n_h) + z * h


def last_c(cell, layer, x):
    """The cell state of an LSTM after the steps `x`."""
    W, U, b_x, b_h = (p.detach().numpy() for p in layer.weights.parameters())
    h = c = np.zeros(U.shape[1])
    for x_t in x if cell == "lstm" else ():
        i, f, g, o = np.split(W @ x_t + b_x + U @ h + b_h, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    return c


def by_equations(cell, module, x, n_patches):
    """The values of all patches of the horizon for one window of patches."""
    w = weights(module)
    u = np.maximum(x @ w["project.weight"].T + w["project.bias"], 0)
    before = []
    for (layer,) in module.stack.layers:
        states = reference_states(cell, layer, u)
        before.append((states[-1], last_c(cell, layer, u)))
        u = states
    values = []
    for j in range(n_patches):
        h = w["positions.weight"][j]
        for (layer,), state in zip(module.stack.layers, before, strict=True):
            h = one_more_step(cell, layer, h, state)
        values.append(w["head.weight"] @ h + w["head.bias"])
    return np.array(values)


@every_cell
@pytest.mark.parametrize("hidden_sizes", [(5,), (5, 3)])
@pytest.mark.parametrize("patch_size", [1, 3])
def test_the_module_follows_its_equations(cell, hidden_sizes, patch_size):
    y = targets([f"rail+{step}" for step in range(1, 8)])
    fitted = net(cell, hidden_sizes=hidden_sizes, patch_size=patch_size).fit(X, y)
    whole = fitted.module_.double()
    x = RNG.normal(size=(3, 12, 2))
    module = whole.module if patch_size > 1 else whole
    n_patches = -(-7 // patch_size)
    with torch.no_grad():
        found = whole(torch.from_numpy(x)).numpy()
    for window, output in zip(x, found, strict=True):
        patches = window.reshape(12 // patch_size, 2 * patch_size)
        expected = by_equations(cell, module, patches, n_patches).ravel()[:7]
        np.testing.assert_allclose(output, expected, rtol=1e-9, atol=1e-12)


@every_cell
def test_outputs_of_several_targets_and_quantiles(cell):
    """One target after another in `y`, and all of a step together in a patch."""
    names = [f"{name}+{step}" for name in ("rail", "bus") for step in (1, 2, 3)]
    params = {"loss": "quantile", "quantiles": (0.1, 0.5, 0.9), "patch_size": 2}
    fitted = net(cell, **params).fit(X, targets(names))
    whole = fitted.module_.double()
    x = RNG.normal(size=(1, 12, 2))
    values = by_equations(cell, whole.module, x[0].reshape(6, 4), n_patches=2)
    values = values.reshape(4, 2, 3)  # steps, targets, quantiles
    with torch.no_grad():
        found = whole(torch.from_numpy(x))[0].numpy()
    expected = values[:3].transpose(1, 0, 2).ravel()
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@every_cell
@pytest.mark.parametrize("patch_size", [1, 4])
def test_the_number_of_parameters(cell, patch_size):
    y = targets([f"rail+{step}" for step in range(1, 10)])
    fitted = net(cell, hidden_sizes=(8,), patch_size=patch_size).fit(X, y)
    d, n_in, n_patches = 8, 2 * patch_size, -(-9 // patch_size)
    gates = {"gru": 3, "lstm": 4}[cell]
    n_cell = gates * (2 * d * d + 2 * d)
    expected = (n_in + 1) * d + n_cell + n_patches * d + (d + 1) * patch_size
    assert sum(p.numel() for p in fitted.module_.parameters()) == expected


def test_the_size_of_the_paper():
    """On ETTm2: a window of 720, patches of 48, 512 wide, one channel at a time."""
    steps = [f"rail+{step}" for step in range(1, 721)]
    windows, y = np.zeros((4, 720, 1)), pd.DataFrame(np.ones((4, 720)), columns=steps)
    params = {"hidden_sizes": (512,), "patch_size": 48, "dropout": 0.5}
    fitted = net("gru", **params).fit(windows, y)
    d, w, m = 512, 48, 15
    expected = (w + 1) * d + 6 * d * (d + 1) + m * d + (d + 1) * w
    assert sum(p.numel() for p in fitted.module_.parameters()) == expected


def test_steps_that_are_left_out_of_y_are_left_out_of_patches():
    fitted = net("gru", patch_size=3).fit(X, targets(["rail+8", "rail+9", "rail+12"]))
    whole = fitted.module_.double()
    assert whole.module.positions.num_embeddings == 1
    x = RNG.normal(size=(1, 12, 2))
    expected = by_equations("gru", whole.module, x[0].reshape(4, 6), n_patches=1)
    with torch.no_grad():
        found = whole(torch.from_numpy(x))[0].numpy()
    np.testing.assert_allclose(found, expected.ravel(), rtol=1e-9)


@every_cell
def test_dropout_acts_before_the_head(cell):
    y = targets(["rail+1", "rail+2"])
    module = net(cell, dropout=0.5).fit(X, y).module_
    x = torch.from_numpy(X).float()
    with torch.no_grad():
        assert not torch.equal(module.train()(x), module(x))
        assert torch.equal(module.eval()(x), module(x))


@every_cell
@pytest.mark.parametrize(
    "params",
    [
        {"variational_dropout": 0.3},
        {"layer_norm": True},
        {"bptt_steps": 5},
        {"channel_independent": True, "target_channels": [0, 1], "patch_size": 4},
        {"linear_skip": True, "patch_size": 5},
        {"window_norm": "last", "target_channels": [0, 1]},
    ],
    ids=lambda params: next(iter(params)),
)
def test_other_parameters_go_with_it(cell, params):
    y = targets([f"{name}+{step}" for name in ("rail", "bus") for step in (1, 2, 3)])
    y = 0.1 * y + X[:, -1].repeat(3, axis=1)
    fitted = net(cell, max_epochs=2, **params).fit(X, y)
    together = fitted.predict(X)
    assert together.shape == (40, 6)
    np.testing.assert_array_equal(fitted.predict(X[3:4])[0], together[3])


def test_it_learns_a_long_horizon():
    t = np.arange(400)
    series = pd.DataFrame({"level": np.sin(t / 4) + 0.2 * np.sin(t / 2)})
    rows, y, _ = make_supervised(series, target="level", horizon=24)
    windows = SlidingWindow(24).fit_transform(rows)
    params = {"hidden_sizes": (24,), "patch_size": 6, "max_epochs": 40, "lr": 1e-2}
    fitted = net("gru", **params).fit(windows[:250], y[:250])
    assert fitted.score(windows[280:], y[280:]) > 0.95


@every_cell
def test_known_values_are_joined_step_by_step(cell):
    rows = pd.DataFrame(RNG.normal(size=(120, 2)), columns=["price", "load"])
    rows["price"] = rows["load"]
    features, y, _ = make_supervised(
        rows, target="price", horizon=5, known_future="load"
    )
    windows = SlidingWindow(6).fit_transform(features)
    params = {"patch_size": 2, "max_epochs": 60, "lr": 2e-2}
    fitted = net(cell, **params).fit(windows, y)
    assert fitted.score(windows, y) > 0.9
    n_features = 12  # of each step: 64 // 5
    assert len(fitted.module_.module.module.module.outputs.places) == 5 * n_features


@every_cell
def test_warm_start_and_files(cell, tmp_path):
    y = targets([f"rail+{step}" for step in (1, 2, 3)])
    model = net(cell, max_epochs=2, warm_start=True).fit(X, y)
    longer = net(cell, max_epochs=4).fit(X, y)
    model.set_params(max_epochs=4).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), longer.predict(X))
    model.save(tmp_path / "net")
    np.testing.assert_array_equal(load(tmp_path / "net").predict(X), longer.predict(X))
    with pytest.raises(ValueError, match="decoder=None cannot change"):
        model.set_params(decoder=None, max_epochs=5).fit(X, y)


BAD = {
    "all steps": (
        {"loss_steps": "all"},
        r"^decoder='parallel' decodes the last state.*use loss_steps='last', or",
    ),
    "both directions": (
        {"bidirectional": True},
        r"^decoder='parallel' continues from the end.*use bidirectional=False, or",
    ),
    "another decoder": ({"decoder": "pmf"}, r"'decoder' parameter of LSTMRegressor"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_does_not_go_together_is_refused(kind):
    params, message = BAD[kind]
    with pytest.raises(ValueError, match=message):
        net("lstm", **params).fit(X, targets(["rail+1"]))


def test_classes_are_refused():
    y = targets(["level", "direction"])
    y["direction"] = np.where(y["direction"] > 0.5, "up", "down")
    y.loc[::5, "direction"] = "level"
    tasks = {"level": "regression", "direction": "classification"}
    with pytest.raises(ValueError, match=r"^decoder='parallel' of GRU.* decoder=None"):
        MultiTaskNet(net("gru"), tasks=tasks).fit(X, y)
    numbers = MultiTaskNet(net("gru")).fit(X, targets(["level", "direction"]))
    assert numbers.predict(X).shape == (40, 2)
