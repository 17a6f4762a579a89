"""The Temporal Fusion Transformer against its equations, and what it shows."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.pipeline import make_pipeline

from sktsdl import (
    MultiTaskNet,
    SlidingWindow,
    TFTRegressor,
    load,
    make_supervised,
)
from sktsdl._layers.gated import GatedResidualNetwork, VariableSelection
from sktsdl._layers.known_ahead import StepOutputs
from sktsdl._layers.temporal_fusion import InterpretableAttention
from sktsdl.architectures.tft import TFT
from sktsdl.inspection import AttentionDisplay

RNG = np.random.default_rng(0)
H = 6


def weights_of(module):
    return {name: p.detach().numpy() for name, p in module.state_dict().items()}


def inside(w, name):
    return {k[len(name) + 1 :]: v for k, v in w.items() if k.startswith(f"{name}.")}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def gated_skip(w, x, skip):
    value, gate = np.split(x @ w["linear.weight"].T + w["linear.bias"], 2, axis=-1)
    total = skip + sigmoid(gate) * value
    centred = total - total.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    return scaled * w["norm.weight"] + w["norm.bias"]


def grn(w, a, c=None):
    h = a @ w["input.weight"].T + w["input.bias"]
    if c is not None:
        h = h + c @ w["context.weight"].T
    h = np.where(h > 0, h, np.exp(np.minimum(h, 0)) - 1)
    eta = h @ w["hidden.weight"].T + w["hidden.bias"]
    skip = a @ w["skip.weight"].T + w["skip.bias"] if "skip.weight" in w else a
    return gated_skip(inside(w, "gate"), eta, skip)


def select(w, columns, c=None):
    xi = [
        x @ w[f"inputs.{j}.weight"].T + w[f"inputs.{j}.bias"]
        for j, x in enumerate(columns)
    ]
    each = np.stack([grn(inside(w, f"variables.{j}"), x) for j, x in enumerate(xi)], -2)
    v = np.ones_like(xi[0][..., :1])
    if len(columns) > 1:
        v = softmax(grn(inside(w, "weights"), np.concatenate(xi, -1), c))
    return (v[..., None] * each).sum(axis=-2), v


def lstm(w, x, h, c):
    """One layer; x is (time, hidden)."""
    states = []
    for x_t in x:
        gates = w["weight_ih_l0"] @ x_t + w["bias_ih_l0"]
        gates = gates + w["weight_hh_l0"] @ h + w["bias_hh_l0"]
        i, f, g, o = np.split(gates, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.array(states), h, c


def attend(w, theta, n, nhead):
    """Rows of the mean attention matrix one by one, and their values."""
    d = theta.shape[1] // nhead
    q, k = theta @ w["query.weight"].T, theta @ w["key.weight"].T
    rows = np.zeros((n, len(theta)))
    for s in range(n):
        at = len(theta) - n + s
        for head in range(nhead):
            part = slice(head * d, (head + 1) * d)
            scores = k[: at + 1, part] @ q[at, part] / np.sqrt(d)
            rows[s, : at + 1] += softmax(scores) / nhead
    return rows @ (theta @ w["value.weight"].T) @ w["output.weight"].T, rows


def reference(w, columns, known, static, nhead):
    """States of the steps ahead and attention, for one window, from the paper."""
    fixed = [known[i][:1] for i in static]
    varying = [k for i, k in enumerate(known) if i not in static]
    c = dict.fromkeys(("selection", "enrichment"))
    c |= dict.fromkeys(("state", "cell"), np.zeros((1, H)))
    of_static = []
    if fixed:
        zeta, of_static = select(inside(w, "select.static"), fixed)
        names = {name.split(".")[0] for name in inside(w, "select.contexts")}
        c |= {name: grn(inside(w, f"select.contexts.{name}"), zeta) for name in names}
    past, v = select(inside(w, "select.past"), columns, c["selection"])
    selection = [v.mean(axis=0)]
    ahead = w.get("select.positions.weight")
    if varying:
        ahead, v = select(inside(w, "select.ahead"), varying, c["selection"])
        selection.append(v.mean(axis=0))
    w = inside(w, "fusion")
    phi, h, cell = lstm(inside(w, "encoder"), past, c["state"][0], c["cell"][0])
    phi = np.concatenate([phi, lstm(inside(w, "decoder"), ahead, h, cell)[0]])
    phi = gated_skip(inside(w, "recurrent_skip"), phi, np.concatenate([past, ahead]))
    theta = grn(inside(w, "enrich"), phi, c["enrichment"])
    n = len(ahead)
    beta, attention = attend(inside(w, "attention"), theta, n, nhead)
    delta = gated_skip(inside(w, "attention_skip"), beta, theta[-n:])
    psi = grn(inside(w, "feed_forward"), delta)
    psi = gated_skip(inside(w, "output_skip"), psi, phi[-n:])
    return psi, attention, np.concatenate([*selection, *of_static])


def perturbed(module):
    """Return a module in double precision whose weights are all random."""
    torch.manual_seed(0)
    for p in module.parameters():
        torch.nn.init.normal_(p, std=0.5)
    return module.double().eval()


def tft(n_outputs=3, steps=(0, 1, 2), targets=(0, 0, 0), n_values=1, **params):
    defaults = {
        "outputs": StepOutputs(n_outputs, steps, targets, n_values),
        "n_ahead": 3,
        "widths": (1,),
        "known_widths": (),
        "static": (),
        "patch_size": 1,
        "hidden_size": H,
        "nhead": 2,
        "num_layers": 1,
        "dropout": 0.0,
    }
    return perturbed(TFT(**defaults | params))


@pytest.mark.parametrize("n_out", [H, 4])
@pytest.mark.parametrize("has_context", [False, True])
def test_the_gated_residual_network(n_out, has_context):
    n_in = H
    net = perturbed(
        GatedResidualNetwork(n_in, H, n_out, dropout=0.5, has_context=has_context)
    )
    a, c = RNG.normal(size=(5, 3, n_in)), RNG.normal(size=(5, 1, H))
    c = c if has_context else None
    seen = net(torch.tensor(a), None if c is None else torch.tensor(c))
    expected = grn(weights_of(net), a, c)
    np.testing.assert_allclose(seen.detach().numpy(), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("widths", [(1,), (1, 3, 1)])
def test_the_selection_of_variables(widths):
    net = perturbed(VariableSelection(widths, H, dropout=0.5, has_context=True))
    columns = [RNG.normal(size=(5, 4, width)) for width in widths]
    c = RNG.normal(size=(5, 1, H))
    seen, v = net([torch.tensor(x) for x in columns], torch.tensor(c))
    expected, weights = select(weights_of(net), columns, c)
    np.testing.assert_allclose(seen.detach().numpy(), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(v.detach().numpy(), weights, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(weights.sum(axis=-1), 1)


def test_heads_of_the_attention_share_their_values():
    net = perturbed(InterpretableAttention(H, 3, dropout=0.0))
    theta = RNG.normal(size=(2, 7, H))
    seen, weights = net(torch.tensor(theta), 4)
    assert net.value.weight.shape == (H // 3, H)
    for i in range(2):
        expected, rows = attend(weights_of(net), theta[i], 4, 3)
        np.testing.assert_allclose(seen[i].detach(), expected, rtol=1e-9)
        np.testing.assert_allclose(weights[i].detach(), rows, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("known_widths", "static"),
    [((), ()), ((1, 1), ()), ((1,), (0,)), ((1, 1, 2, 3), (1, 3))],
)
@pytest.mark.parametrize("widths", [(1,), (1, 1, 2)])
def test_the_net_against_the_equations(widths, known_widths, static):
    """Two targets of three and two steps, with two quantiles each."""
    steps, targets = (0, 1, 2, 0, 2), (0, 0, 0, 1, 1)
    net = tft(
        n_outputs=10,
        n_values=2,
        widths=widths,
        known_widths=known_widths,
        static=static,
        steps=steps,
        targets=targets,
    )
    x = RNG.normal(size=(2, 5, sum(widths)))
    known = RNG.normal(size=(2, 3, sum(known_widths)))
    given = {"known": torch.tensor(known)} if known_widths else {}
    with torch.no_grad():
        seen = net(torch.tensor(x), **given).numpy()
        attention = net.attention_weights(torch.tensor(x), **given).numpy()
        selection = net.selection_weights(torch.tensor(x), **given).numpy()
    w = weights_of(net)
    for i in range(2):
        columns = np.split(x[i], np.cumsum(widths)[:-1], axis=-1)
        of_known = np.split(known[i], np.cumsum(known_widths)[:-1].astype(int), axis=-1)
        of_known = of_known if known_widths else []
        psi, rows, v = reference(w, columns, of_known, static, 2)
        y = psi @ w["head.weight"].T + w["head.bias"]
        expected = [
            y[s, 2 * t + q] for s, t in zip(steps, targets, strict=True) for q in (0, 1)
        ]
        np.testing.assert_allclose(seen[i], expected, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(attention[i], rows, rtol=1e-7, atol=1e-12)
        np.testing.assert_allclose(selection[i], np.ravel(v), rtol=1e-7)


def test_a_patch_holds_the_steps_of_a_column():
    """A column's values of a patch, which stand apart, are one variable."""
    net = tft(widths=(1, 2), patch_size=2)
    x = RNG.normal(size=(1, 4, 6))  # (step, column) in each patch
    w = weights_of(net)
    assert w["select.past.inputs.0.weight"].shape == (H, 2)
    columns = [x[0][:, [0, 3]], x[0][:, [1, 2, 4, 5]]]
    psi, *_ = reference(w, columns, [], (), 2)
    expected = (psi @ w["head.weight"].T + w["head.bias"])[:, 0]
    seen = net(torch.tensor(x)).detach().numpy()[0]
    np.testing.assert_allclose(seen, expected, rtol=1e-7)


def test_other_outputs_are_linear_in_the_last_state():
    net = tft(n_outputs=5)
    x = RNG.normal(size=(1, 4, 1))
    w = weights_of(net)
    psi, *_ = reference(w, [x[0]], [], (), 2)
    expected = w["head.weight"] @ psi[-1] + w["head.bias"]
    seen = net(torch.tensor(x)).detach().numpy()[0]
    np.testing.assert_allclose(seen, expected, rtol=1e-7)


def test_layers_of_the_lstm_start_at_the_same_state():
    net = tft(num_layers=2, known_widths=(1,), static=(0,), dropout=0.1)
    x, known = torch.randn(3, 4, 1).double(), torch.randn(3, 3, 1).double()
    one = net(x, known=known)
    state = net.select([x], [known])[2]["state"][:, 0]
    seen = []
    net.fusion.encoder.register_forward_pre_hook(lambda m, args: seen.append(args[1]))
    torch.testing.assert_close(net(x, known=known), one)
    h, _ = seen[0]
    assert h.shape == (2, 3, H)
    torch.testing.assert_close(h, state.expand(2, -1, -1))


def n_grn(n_in, d, n_out, has_context=False):
    n = (n_in + 1) * d + (d + 1) * d + 2 * (d + 1) * n_out + 2 * n_out
    return n + has_context * d * d + (n_in != n_out) * (n_in + 1) * n_out


def n_select(widths, d, has_context=False):
    n, m = sum((width + 1) * d for width in widths), len(widths)
    n += m * n_grn(d, d, d)
    return n + (m > 1) * n_grn(m * d, d, m, has_context)


def n_fusion(d, nhead, num_layers=1, has_context=False):
    skip = 2 * (d + 1) * d + 2 * d
    n = 2 * num_layers * (8 * d * d + 8 * d) + 3 * skip
    return (
        n
        + n_grn(d, d, d, has_context)
        + n_grn(d, d, d)
        + 2 * d * d
        + 2 * d * (d // nhead)
    )


@pytest.mark.parametrize(("d", "nhead", "num_layers"), [(32, 4, 1), (160, 4, 2)])
@pytest.mark.parametrize("static", [(), (2, 3)])
def test_the_number_of_parameters(d, nhead, num_layers, static):
    def count(net):
        return sum(p.numel() for p in net.parameters())

    sizes = {"hidden_size": d, "nhead": nhead, "num_layers": num_layers}
    net = tft(widths=(1, 1), known_widths=(1, 1, 1, 4), static=static, **sizes)
    s = bool(static)
    ahead = (1, 1) if s else (1, 1, 1, 4)
    expected = n_select((1, 1), d, s) + n_select(ahead, d, s)
    expected += s * (n_select((1, 4), d) + 4 * n_grn(d, d, d))
    expected += n_fusion(d, nhead, num_layers, s) + d + 1
    assert count(net) == expected


def test_the_number_of_default_parameters():
    X = RNG.normal(size=(12, 24, 1))
    net = TFTRegressor(max_epochs=1).fit(X, X[:, -1, 0])
    expected = n_select((1,), 32) + n_fusion(32, 4) + 32 + 32 + 1
    assert net.n_parameters_ == expected == 38_977


N = 240
DATA = pd.DataFrame(
    {
        "price": RNG.normal(size=N).cumsum(),
        "load": RNG.normal(size=N),
        "kind": RNG.integers(0, 3, size=N).astype(float),
    },
    index=pd.date_range("2020", periods=N, freq="h"),
)


def small(**params):
    defaults = {"hidden_size": 4, "nhead": 2, "max_epochs": 2, "random_state": 0}
    return TFTRegressor(**defaults | params)


def fitted(known=("load", "kind"), window=5, **params):
    X, y, _ = make_supervised(DATA, target="price", horizon=3, known_future=list(known))
    X = X.assign(size=2.0, shop=1.0)
    pipe = make_pipeline(SlidingWindow(window), small(**params)).fit(X, y)
    return pipe[-1], pipe[0].transform(X), X


def test_a_step_ahead_attends_to_no_later_step():
    net, windows, _ = fitted()
    weights = net.attention_weights(windows)
    assert weights.shape == (len(windows), 3, 5 + 3)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)
    assert (weights[:, 0, 6:] == 0).all()
    assert (weights[:, 1, 7:] == 0).all()
    assert (weights[:, 2] > 0).all()
    # No step uses what is known of later steps.
    net, windows, X = fitted(known=("load",), window_norm=None)
    changed = np.array(windows)
    changed[:, -1, list(X.columns).index("load+3")] += 1
    difference = net.predict(changed) - net.predict(windows)
    assert (difference[:, :2] == 0).all()
    assert (difference[:, 2] != 0).all()


def test_the_importance_has_a_row_for_each_column():
    net, windows, _ = fitted(
        categorical_features=["kind", "shop"], static_features=["size", "shop"]
    )
    importance = net.variable_importance(windows)
    rows = importance[["kind", "variable"]].to_numpy().tolist()
    assert rows == [
        ["past", "price"],
        ["past", "load"],
        ["past", "kind"],
        ["known", "load"],
        ["known", "kind"],
        ["static", "size"],
        ["static", "shop"],
    ]
    by_kind = importance.groupby("kind")["importance"].sum()
    np.testing.assert_allclose(by_kind, 1, rtol=1e-5)
    one = pd.concat(net.variable_importance(w[None]) for w in np.asarray(windows)[4:9])
    mean = one.groupby(["kind", "variable"], sort=False)["importance"].mean()
    some = net.variable_importance(np.asarray(windows)[4:9])["importance"]
    np.testing.assert_allclose(some, mean, rtol=1e-6)
    # An embedding is one variable, as wide as it is.
    of_kind, of_shop = net.module_.module.module, net.module_.module
    assert of_kind.embeddings[0].weight.shape == (4, 2)
    select = of_shop.module.module.select
    assert [layer.in_features for layer in select.past.inputs] == [1, 1, 2]
    assert [layer.in_features for layer in select.ahead.inputs] == [1, 2]
    assert [layer.in_features for layer in select.static.inputs] == [1, 1]


@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("categories", [None, ["kind"], ["hour", "kind"]])
def test_the_importance_leaves_the_channel_of_a_cycle_out(is_known, categories):
    data = DATA.assign(hour=np.arange(len(DATA)) % 4)[["hour", *DATA.columns]]
    known = ["load", "hour"] if is_known else []
    X, y, _ = make_supervised(data, target="price", horizon=2, known_future=known)
    X = X.assign(size=2.0)
    net = small(
        categorical_features=categories,
        static_features=["size"],
        cycle=4,
        cycle_channel="hour",
    )
    model = make_pipeline(SlidingWindow(5), net).fit(X, y)
    importance = net.variable_importance(model[:-1].transform(X))
    rows = list(zip(importance["kind"], importance["variable"], strict=True))
    expected = [("past", "price"), ("past", "load"), ("past", "kind")]
    expected += [("known", "load"), ("known", "hour")] if is_known else []
    assert rows == [*expected, ("static", "size")]
    by_kind = importance.groupby("kind")["importance"].sum()
    np.testing.assert_allclose(by_kind, 1, rtol=1e-5)


def test_the_importance_of_arrays_and_patches():
    X = RNG.normal(size=(30, 6, 2))
    net = small(patch_size=3).fit(X, X[:, -1, :1])
    importance = net.variable_importance(X)
    assert importance["variable"].tolist() == ["channel 0", "channel 1"]
    assert importance["importance"].sum() == pytest.approx(1)
    assert net.attention_weights(X).shape == (30, 1, 2 + 1)
    each = small(channel_independent=True, target_channels=[0]).fit(X, X[:, -1, 0])
    assert each.attention_weights(X).shape == (30, 1, 1, 6 + 1)
    with pytest.raises(ValueError, match="selects variables for each target"):
        each.variable_importance(X)


def test_the_importance_finds_the_channel_that_matters():
    X = RNG.normal(size=(400, 5, 3)).astype(np.float32)
    y = 2 * X[:, -1, 1]
    net = small(hidden_size=8, lr=2e-2, max_epochs=12, window_norm=None).fit(X, y)
    assert net.score(X, y) > 0.9
    importance = net.variable_importance(X)["importance"]
    assert importance.idxmax() == 1
    assert importance[1] > 0.5


def test_known_and_static_columns_are_used():
    n, group = 400, np.repeat([0.0, 1.0, 2.0, 3.0], 100)
    load_ = RNG.normal(size=n)
    data = pd.DataFrame({"y": 2 * load_ + 3 * (group % 2), "load": load_})
    X, y, _ = make_supervised(data, target="y", horizon=2, known_future="load")
    X = X.assign(group=group[: len(X)])
    inside = np.flatnonzero(np.arange(len(X)) % 100 > 4)
    windows = SlidingWindow(4).fit_transform(X)[inside]
    params = {"lr": 2e-2, "max_epochs": 15, "hidden_size": 8, "window_norm": None}
    net = small(
        static_features=["group"], categorical_features=["group"], **params
    ).fit(windows, y.iloc[inside])
    assert net.score(windows, y.iloc[inside]) > 0.9
    moved = np.array(windows)
    at = list(X.columns).index("group")
    moved[..., at] = 1
    zero = np.asarray(windows)[:, -1, at] == 0
    shift = (net.predict(moved) - net.predict(windows))[zero].mean(axis=0)
    np.testing.assert_allclose(shift, 3, atol=1)


def test_quantiles_share_the_states_of_a_step():
    net, windows, _ = fitted(loss="quantile", quantiles=(0.1, 0.5, 0.9))
    q = net.predict_quantiles(windows)
    assert q.shape == (len(windows), 3, 3)
    assert (np.diff(q, axis=-1) >= 0).all()
    inner = next(m for m in net.module_.modules() if isinstance(m, TFT))
    assert inner.head.out_features == 3


def test_files_keep_which_columns_are_static(tmp_path):
    net, windows, _ = fitted(
        categorical_features=["kind", "shop"], static_features=["size", "shop"]
    )
    net.save(tmp_path / "net")
    again = load(tmp_path / "net")
    np.testing.assert_array_equal(again.predict(windows), net.predict(windows))
    pd.testing.assert_frame_equal(
        again.variable_importance(windows), net.variable_importance(windows)
    )


def test_classes_are_linear_in_the_last_state():
    X = RNG.normal(size=(40, 4, 2)).astype(np.float32)
    y = pd.DataFrame(
        {"size": X[:, -1, 0], "sign": np.digitize(X[:, -1, 1], [-0.5, 0.5])}
    )
    net = MultiTaskNet(small(), tasks={"size": "regression", "sign": "classification"})
    assert net.fit(X, y).predict(X).shape == (40, 2)
    inner = next(m for m in net.net_.module_.modules() if isinstance(m, TFT))
    assert inner.head.out_features == 4


def test_a_prediction_with_all_kinds_of_columns_is_the_same_alone():
    net, windows, _ = fitted(
        hidden_size=32,
        categorical_features=["kind", "shop"],
        static_features=["size", "shop"],
    )
    for method in (net.predict, net.attention_weights):
        together = method(windows)
        for rows in (slice(9, 10), slice(30, 47)):
            np.testing.assert_array_equal(method(windows[rows]), together[rows])


def test_bad_parameters():
    X = np.zeros((10, 3))
    with pytest.raises(ValueError, match="nhead=3 does not divide hidden_size=32"):
        TFTRegressor(nhead=3).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="'num_layers' parameter of TFTRegressor"):
        TFTRegressor(num_layers=0).fit(X, X[:, 0])


@pytest.mark.parametrize("patch_size", [1, 2])
def test_the_attention_display_shows_steps_ahead(patch_size):
    net, windows, _ = fitted(window=6, patch_size=patch_size)
    display = AttentionDisplay.from_estimator(net, windows, row=20)
    n = 6 // patch_size
    expected = net.attention_weights(windows[20:21])[0]
    image = display.ax_.images[0]
    np.testing.assert_allclose(image.get_array(), expected)
    assert image.get_array().shape == (3, n + 3)
    assert image.get_extent() == [0.5 - n, 3.5, 3.5, 0.5]
    assert display.ax_.get_ylabel() == "attending step ahead"
    assert "the row itself, then steps ahead)" in display.ax_.get_xlabel()
    plt.close(display.figure_)
