"""TiDE against the equations of its paper, and what it makes of known values."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from torch import nn

from sktsdl import MultiTaskNet, SlidingWindow, TiDERegressor, make_supervised
from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._training.mc_dropout import has_dropout
from sktsdl.architectures.tide import ResidualBlock

RNG = np.random.default_rng(0)
# Two targets, one after the other, the second at the first and the last step only.
STEPS, TARGETS = (0, 1, 2, 0, 2), (0, 0, 0, 1, 1)


def small(**params):
    defaults = {
        "hidden_size": 6,
        "num_encoder_layers": 2,
        "num_decoder_layers": 3,
        "decoder_output_dim": 4,
        "temporal_decoder_hidden": 5,
        "temporal_width": 3,
    }
    return TiDERegressor(**defaults | params)


def module_of(net, *, n_known=0, n_values=1, n_channels=2, n_steps=7, **spec):
    """Build the module in double precision, with random norms."""
    torch.manual_seed(0)
    spec = {"target_steps": STEPS, "targets": TARGETS} | spec
    n_targets = len(spec["target_steps"])
    module = net._build_module(
        ModuleSpec(
            n_channels=n_channels,
            n_steps=n_steps,
            n_outputs=n_targets * n_values,
            n_targets=n_targets,
            n_values=n_values,
            n_known=n_known,
            **spec,
        )
    )
    for layer in module.modules():
        if isinstance(layer, nn.LayerNorm):
            nn.init.normal_(layer.weight), nn.init.normal_(layer.bias)
    return module.double().eval()


def linear(layer, u):
    return u @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()


def reference_block(block, u, with_norm=True):
    """Equation (1), for one vector."""
    first, _, second, _ = block.dense
    out = linear(second, np.maximum(linear(first, u), 0)) + linear(block.skip, u)
    if with_norm:
        out = (out - out.mean()) / np.sqrt(out.var() + 1e-5)
        out = out * block.norm.weight.detach().numpy()
        out = out + block.norm.bias.detach().numpy()
    return out


def reference(module, x, known, *, n_ahead, layer_norm):
    """The outputs of each step for one window, (steps ahead, outputs of a step)."""
    projected = [
        reference_block(module.project, values, layer_norm) for values in known
    ]
    e = np.concatenate([x.ravel(), *projected])
    for block in (*module.encoder, *module.decoder):
        e = reference_block(block, e, layer_norm)
    decoded = e.reshape(n_ahead, -1)
    joined = [np.concatenate(pair) for pair in zip(decoded, projected, strict=False)]
    steps = joined or decoded
    last = module.temporal_decoder
    return np.array([reference_block(last, step, with_norm=False) for step in steps])


@pytest.mark.parametrize("layer_norm", [True, False])
def test_the_residual_block_against_its_equation(layer_norm):
    torch.manual_seed(0)
    block = ResidualBlock(3, 5, 4, dropout=0.0, layer_norm=layer_norm).double()
    u = RNG.normal(size=3)
    expected = reference_block(block, u, layer_norm)
    seen = block(torch.from_numpy(u)).detach().numpy()
    np.testing.assert_allclose(seen, expected, rtol=1e-10)


@pytest.mark.parametrize("n_values", [1, 3])
@pytest.mark.parametrize("layer_norm", [True, False])
@pytest.mark.parametrize("n_known", [0, 2])
def test_the_module_against_its_equations(n_known, layer_norm, n_values):
    net = small(layer_norm=layer_norm)
    module = module_of(net, n_known=n_known, n_values=n_values)
    x, known = RNG.normal(size=(2, 7, 2)), RNG.normal(size=(2, 3, n_known))
    given = {"known": torch.from_numpy(known)} if n_known else {}
    seen = module(torch.from_numpy(x), **given).detach().numpy()
    for row in range(2):
        of_row = known[row] if n_known else ()
        steps = reference(module, x[row], of_row, n_ahead=3, layer_norm=layer_norm)
        steps = steps.reshape(3, 2, n_values)
        expected = steps[list(STEPS), list(TARGETS)].ravel()
        expected = expected + linear(module.residual, x[row].ravel())
        np.testing.assert_allclose(seen[row], expected, rtol=1e-8)


def n_block(n_in, n_hidden, n_out, layer_norm=True):
    dense = (n_in + 1) * n_hidden + (n_hidden + 1) * n_out
    return dense + (n_in + 1) * n_out + 2 * n_out * layer_norm


@pytest.mark.parametrize("layer_norm", [True, False])
@pytest.mark.parametrize("n_known", [0, 5])
def test_the_number_of_weights(n_known, layer_norm):
    # The sizes of the paper for ETTh1, a window of 720 and 96 steps ahead.
    net = TiDERegressor(
        hidden_size=256,
        num_encoder_layers=2,
        num_decoder_layers=2,
        decoder_output_dim=8,
        temporal_decoder_hidden=128,
        layer_norm=layer_norm,
    )
    steps = {"target_steps": tuple(range(96)), "targets": (0,) * 96}
    module = module_of(net, n_known=n_known, n_channels=1, n_steps=720, **steps)
    width = 4 if n_known else 0
    expected = (
        n_block(720 + 96 * width, 256, 256, layer_norm)
        + 2 * n_block(256, 256, 256, layer_norm)
        + n_block(256, 256, 96 * 8, layer_norm)
        + n_block(8 + width, 128, 1, layer_norm=False)
        + 721 * 96
    )
    if n_known:
        expected += n_block(n_known, 256, 4, layer_norm)
    assert sum(p.numel() for p in module.parameters()) == expected


def test_the_number_of_weights_by_default():
    net = TiDERegressor(max_epochs=1).fit(RNG.normal(size=(9, 24, 1)), np.arange(9))
    assert net.n_parameters_ == (
        n_block(24, 128, 128) + n_block(128, 128, 8) + n_block(8, 32, 1, False) + 25
    )


@pytest.mark.parametrize("n_known", [0, 2])
def test_the_multiplications_of_a_window(n_known):
    module = module_of(small(), n_known=n_known)
    counted = []

    def count(layer, args, output):
        counted.append(output.numel() * (layer.in_features + 1))

    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            layer.register_forward_hook(count)
    known = {"known": torch.zeros(1, 3, n_known).double()} if n_known else {}
    module(torch.zeros(1, 7, 2).double(), **known)
    n_norms = sum(p.numel() for p in module.modules() for p in norm_weights(p))
    if n_known:
        n_norms += 2 * sum(p.numel() for p in module.project.norm.parameters())
    assert module.multiplications(7) == sum(counted) + n_norms


def norm_weights(layer):
    return layer.parameters() if isinstance(layer, nn.LayerNorm) else []


def changes(module, x, known):
    """Return which outputs change with the known values of each step ahead."""
    slopes = torch.autograd.functional.jacobian(lambda k: module(x, known=k)[0], known)
    return (slopes[:, 0].abs().sum(dim=-1) > 1e-12).numpy()


def test_a_known_value_reaches_its_step_past_the_encoder():
    module = module_of(small(), n_known=2)
    x, known = torch.randn(1, 7, 2).double(), torch.randn(1, 3, 2).double()
    # The encoder sees the known values of all steps, and so does each step.
    assert changes(module, x, known).all()
    with torch.no_grad():
        for layer in (module.encoder[0].dense[0], module.encoder[0].skip):
            layer.weight[:, 14:] = 0
    own = np.equal.outer(STEPS, range(3))
    np.testing.assert_array_equal(changes(module, x, known), own)


def test_the_window_reaches_each_output_by_a_linear_map():
    module = module_of(small(), n_known=2)
    nn.init.zeros_(module.temporal_decoder.dense[2].weight)
    nn.init.zeros_(module.temporal_decoder.skip.weight)
    x = torch.randn(1, 7, 2).double()
    slopes = torch.autograd.functional.jacobian(
        lambda x: module(x, known=torch.ones(1, 3, 2).double())[0], x
    )
    torch.testing.assert_close(slopes[:, 0].flatten(1), module.residual.weight.data)


def test_dropout_is_in_all_blocks_and_in_training_only():
    module = module_of(small(dropout=0.5), n_known=2)
    blocks = [m for m in module.modules() if isinstance(m, ResidualBlock)]
    assert len(blocks) == 1 + 2 + 3 + 1
    assert {block.dense[3].p for block in blocks} == {0.5}
    assert has_dropout(module)
    x, known = torch.randn(1, 7, 2).double(), torch.randn(1, 3, 2).double()
    assert torch.equal(module(x, known=known), module(x, known=known))
    module.train()
    assert not torch.equal(module(x, known=known), module(x, known=known))


def series_with_known():
    """A series that the known column moves, and its own past hardly."""
    known = RNG.normal(size=400)
    return pd.DataFrame({"y": 2 * known + 0.1 * RNG.normal(size=400), "load": known})


@pytest.mark.parametrize("layer_norm", [True, False])
def test_the_net_learns_from_known_columns(layer_norm):
    X, y, _ = make_supervised(
        series_with_known(), target="y", horizon=3, known_future="load"
    )
    net = small(
        hidden_size=16,
        layer_norm=layer_norm,
        num_decoder_layers=1,
        lr=2e-2,
        max_epochs=8,
        window_norm=None,
        random_state=0,
    )
    errors = []
    for columns in (X, X[["y", "load"]]):
        pipe = make_pipeline(SlidingWindow(4), clone(net))
        pipe.fit(columns[:300], y[:300])
        wrong = (pipe.predict(columns[300:]) - y[300:].to_numpy()) ** 2
        errors.append(wrong.mean(axis=0))
    assert (errors[0] < 0.1 * errors[1]).all()


def test_scores_of_classes_are_the_outputs_of_one_step():
    X = RNG.normal(size=(60, 5, 2))
    y = pd.DataFrame({"a": X[:, -1, 0], "b": np.where(X[:, -1, 1] > 0, "up", "down")})
    tasks = {"a": "regression", "b": "classification"}
    net = small(lr=2e-2, max_epochs=12, random_state=0, num_decoder_layers=1)
    fitted = MultiTaskNet(net, tasks=tasks).fit(X, y)
    assert fitted.net_.module_.outputs.n_steps == 1
    assert (fitted.predict(X)["b"] == y["b"]).mean() > 0.8


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"hidden_size": 0}, "'hidden_size' .* Got 0"),
        ({"num_encoder_layers": 0}, "'num_encoder_layers' .* Got 0"),
        ({"num_decoder_layers": 1.5}, "'num_decoder_layers' .* Got 1.5"),
        ({"decoder_output_dim": -1}, "'decoder_output_dim' .* Got -1"),
        ({"temporal_decoder_hidden": 0}, "'temporal_decoder_hidden' .* Got 0"),
        ({"temporal_width": 0}, "'temporal_width' .* Got 0"),
        ({"dropout": 1.0}, "'dropout' .* Got 1.0"),
        ({"layer_norm": "yes"}, "'layer_norm' .* Got 'yes'"),
    ],
)
def test_bad_parameters_are_an_error(params, message):
    X = RNG.normal(size=(12, 9, 2))
    with pytest.raises(ValueError, match=message):
        TiDERegressor(**params).fit(X, X[:, 0, 0])
