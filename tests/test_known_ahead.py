"""What is known of the steps ahead, beside the window."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from torch import nn

from sktsdl import (
    ForwardFill,
    LSTMRegressor,
    MultiTaskNet,
    Seq2SeqRegressor,
    SlidingWindow,
    WindowMLPRegressor,
    forecast,
    load,
    make_supervised,
)
from sktsdl._layers.known_ahead import SplitKnown, StepDecoder, StepOutputs
from sktsdl.datasets import make_panel
from tests.estimators import every_net, make

N = 120
RNG = np.random.default_rng(0)
DATA = pd.DataFrame(
    {
        "price": RNG.normal(size=N).cumsum(),
        "load": RNG.normal(size=N),
        "kind": RNG.integers(0, 3, size=N).astype(float),
    },
    index=pd.date_range("2020", periods=N, freq="h"),
)


def supervised(horizon=3, known=("load",), target="price", **params):
    return make_supervised(
        DATA, target=target, horizon=horizon, known_future=list(known), **params
    )


def mlp(**params):
    defaults = {"hidden_sizes": (4,), "max_epochs": 2, "random_state": 0}
    return WindowMLPRegressor(**defaults | params)


def known_of(net, windows):
    """The block that the module inside of `SplitKnown` is given."""
    split = next(m for m in net.module_.modules() if isinstance(m, SplitKnown))
    seen = {}

    def keep(module, args, kwargs):
        seen["known"] = kwargs["known"]

    handle = split.module.register_forward_pre_hook(keep, with_kwargs=True)
    net.predict(windows)
    handle.remove()
    return seen["known"].numpy()


@pytest.mark.parametrize("lead", [1, 2])
def test_the_block_has_the_value_of_each_step_ahead(lead):
    X, y, _ = supervised(lead=lead)
    net = mlp(standardize=False, window_norm=None)
    pipe = make_pipeline(SlidingWindow(5), net).fit(X, y)
    windows = pipe[0].transform(X.iloc[:50])
    known = known_of(pipe[-1], windows[20:21])
    load_ = DATA["load"].to_numpy()
    np.testing.assert_allclose(known[0, :, 0], load_[20 + lead : 23 + lead], rtol=1e-6)


def test_the_block_of_rows_that_hold_several_times():
    X, y, _ = make_supervised(
        DATA, target="price", known_future="load", row="D", calendar=["dayofweek"]
    )
    net = mlp(standardize=False, window_norm=None)
    pipe = make_pipeline(SlidingWindow(2, steps_per_row=24), net).fit(X, y)
    assert pipe[-1].module_.past.tolist() == [0, 1, 2, 3]
    known = known_of(pipe[-1], pipe[0].transform(X)[1:2])
    np.testing.assert_allclose(
        known[0, :, 0], DATA["load"].to_numpy()[48:72], rtol=1e-6
    )
    assert (known[0, :, 1] == DATA.index[48].day_of_week).all()


def test_the_window_holds_no_value_ahead():
    X, y, _ = supervised()
    pipe = make_pipeline(SlidingWindow(5), mlp()).fit(X, y)
    n_inputs = 5 * 3 + 3 * 1  # price, load and kind; three values of load
    assert pipe[-1].n_parameters_ == (n_inputs + 1) * 4 + (4 + 1) * 3
    windows = np.asarray(pipe[0].transform(X))[4:]
    changed = windows.copy()
    changed[:, :-1, 3:] = 1e3
    expected = pipe[-1].predict(windows)
    np.testing.assert_array_equal(pipe[-1].predict(changed), expected)
    changed[:, -1, 3:] += 1
    assert not np.allclose(pipe[-1].predict(changed), expected)


def test_none_leaves_the_values_ahead_in_the_window():
    X, y, _ = supervised()
    pipe = make_pipeline(SlidingWindow(5), mlp(known_future=None)).fit(X, y)
    assert pipe[-1].n_parameters_ == (5 * 6 + 1) * 4 + (4 + 1) * 3


def test_columns_without_their_value_of_now_stay_channels():
    X, y, _ = supervised()
    pipe = make_pipeline(SlidingWindow(5), mlp()).fit(X.drop(columns="load"), y)
    assert pipe[-1]._spec.known is None


def test_only_columns_with_a_value_for_each_step_are_taken():
    X, y, _ = supervised()
    pipe = make_pipeline(SlidingWindow(5), mlp()).fit(X.drop(columns="load+3"), y)
    assert pipe[-1]._spec.known is None
    # The value 3 steps ahead was in the window 1 and 2 steps before.
    pipe = make_pipeline(SlidingWindow(5), mlp())
    pipe.fit(X.drop(columns=["load+1", "load+2"]), y)
    assert pipe[-1]._spec.known.lags == ((2,), (1,), (0,))
    assert pipe[-1]._spec.known.channels == ((3,), (3,), (3,))


@pytest.mark.parametrize("window_norm", ["last", "standard", "mean"])
def test_known_values_are_not_normalised_by_the_window(window_norm):
    X, y, _ = supervised()
    net = mlp(window_norm=window_norm)
    pipe = make_pipeline(SlidingWindow(5), net).fit(X, y)
    known = known_of(pipe[-1], pipe[0].transform(X)[20:21])[0, :, 0]
    ahead = X.to_numpy()[20, 3:]
    scaling = pipe[-1]._spec.channels.scaling
    expected = (ahead - scaling.mean[3:]) / scaling.scale[3:]
    np.testing.assert_allclose(known, expected, rtol=1e-5)


@every_net
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"loss": "quantile"},
        {"patch_size": 2, "linear_skip": True},
        {"channel_independent": True, "target_channels": ["price", "load"]},
        {"categorical_features": ["kind"], "static_features": ["series"]},
    ],
    ids=lambda params: "-".join(params) or "default",
)
def test_every_net_takes_what_is_known(cls, params):
    is_each = "channel_independent" in params
    target = ["price", "load"] if is_each else "price"
    X, y, _ = supervised(known=["kind"] if is_each else ["load", "kind"], target=target)
    X = X.assign(series=3.0)
    if "d_model" in cls().get_params():
        params = params | {"d_model": 4, "nhead": 2, "dim_feedforward": 8}
    pipe = make_pipeline(SlidingWindow(6), make(cls, **params)).fit(X, y)
    predicted = pipe.predict(X.iloc[:60])
    assert predicted.shape == (60, y.shape[1])
    ahead = [f"kind+{step}" for step in (1, 2, 3)]
    moved = X.assign(**{name: (X[name] + 1) % 3 for name in ahead})
    changed = ~np.isclose(pipe.predict(moved.iloc[:60]), predicted, rtol=1e-9)
    assert changed.any(axis=0).all()
    # One row has the same prediction by itself.
    windows = pipe[0].transform(X.iloc[:60])
    np.testing.assert_array_equal(pipe[-1].predict(windows[30:31])[0], predicted[30])


def test_a_net_uses_the_value_of_the_step():
    load_ = RNG.normal(size=(400, 1))
    data = pd.DataFrame({"y": np.r_[0, 2 * load_[:-1, 0]], "load": load_[:, 0]})
    data["y"] = 2 * data["load"]
    X, y, _ = make_supervised(data, target="y", horizon=3, known_future="load")
    net = LSTMRegressor(
        hidden_sizes=(4,), lr=1e-2, max_epochs=30, window_norm=None, random_state=0
    )
    pipe = make_pipeline(SlidingWindow(4), net).fit(X.iloc[:300], y.iloc[:300])
    assert pipe.score(X.iloc[300:], y.iloc[300:]) > 0.98


def test_categories_ahead_share_their_codes():
    X, y, _ = supervised(known=["kind"])
    X["kind+3"] = X["kind+3"].replace(2.0, 5.0)
    net = mlp(categorical_features=["kind"])
    fitted = make_pipeline(SlidingWindow(4), net).fit(X, y)[-1]
    codes = fitted._spec.channels.codes
    for channel in (3, 4, 5):
        assert codes[channel].tolist() == [0.0, 1.0, 2.0, 5.0]
    assert codes[2].tolist() == [0.0, 1.0, 2.0]
    split = fitted.module_.module
    assert [tuple(e.weight.shape) for e in split.embeddings] == [(5, 3)]


def test_static_channels_are_seen_once():
    X, y, _ = supervised(known=())
    X = X.assign(size=4.0)
    net = mlp(static_features=["size"])
    pipe = make_pipeline(SlidingWindow(5), net).fit(X, y)
    assert pipe[-1].n_parameters_ == (5 * 3 + 3 + 1) * 4 + (4 + 1) * 3


def test_a_static_channel_that_changes_is_a_warning():
    X, y, _ = supervised(known=())
    net = mlp(static_features=["load"])
    with pytest.warns(UserWarning, match="static_features has 'load', whose values"):
        make_pipeline(SlidingWindow(5), net).fit(X, y)


def test_arrays_by_position_are_as_frames_by_name():
    X, y, _ = supervised()
    named = make_pipeline(SlidingWindow(5), mlp()).fit(X, y)
    net = mlp(known_future=[3, 4, 5])
    placed = make_pipeline(SlidingWindow(5), net).fit(X.to_numpy(), y.to_numpy())
    np.testing.assert_array_equal(placed.predict(X.to_numpy()), named.predict(X))
    some = mlp(known_future=["load"])
    listed = make_pipeline(SlidingWindow(5), some).fit(X, y)
    np.testing.assert_array_equal(listed.predict(X), named.predict(X))


def test_series_of_a_panel():
    data = make_panel(random_state=0)
    X, y, _ = make_supervised(
        data, target="units", horizon=7, known_future="promo", calendar=["dayofweek"]
    )
    pipe = make_pipeline(SlidingWindow(14), mlp(max_epochs=1)).fit(X, y)
    assert np.shape(pipe[-1]._spec.known.channels) == (7, 2)
    assert pipe.predict(X).shape == y.shape


@pytest.mark.parametrize("cls", [LSTMRegressor, WindowMLPRegressor, Seq2SeqRegressor])
def test_files_keep_what_is_known(cls, tmp_path):
    X, y, _ = supervised(known=["load", "kind"])
    net = make(cls, categorical_features=["kind"], warm_start=True)
    windows = SlidingWindow(5).fit_transform(X)
    expected = net.fit(windows, y).predict(windows[:30])
    net.save(tmp_path / "net")
    for copied in (load(tmp_path / "net"), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(copied.predict(windows[:30]), expected)
    longer = clone(net).set_params(max_epochs=4).fit(windows, y)
    net.set_params(max_epochs=4).fit(windows, y)
    if cls is not Seq2SeqRegressor:  # teacher forcing depends on max_epochs
        np.testing.assert_array_equal(net.predict(windows), longer.predict(windows))
    with pytest.raises(ValueError, match="known_future=None cannot change"):
        net.set_params(known_future=None, max_epochs=5).fit(windows, y)


def test_outputs_without_steps_are_those_of_one():
    of_steps = StepOutputs(4, [1, 0], [0, 1], n_values=2)
    assert (of_steps.n_steps, of_steps.n_each) == (2, 4)
    assert of_steps(torch.arange(8.0).reshape(1, 2, 4)).tolist() == [[4, 5, 2, 3]]
    for steps in ([0, 1], []):
        scores = StepOutputs(5, steps, [0] * len(steps), n_values=1)
        assert (scores.n_steps, scores.n_each) == (1, 5)
        assert scores(torch.arange(5.0).reshape(1, 1, 5)).tolist() == [[0, 1, 2, 3, 4]]


def test_the_decoder_follows_its_equation():
    torch.manual_seed(0)
    inner = nn.Flatten()
    n_steps, n_known, n_values = 2, 3, 2
    width = StepDecoder.n_features(n_steps)
    # Two targets, one after the other, each with both steps.
    decoder = StepDecoder(
        inner,
        n_known=n_known,
        steps=[0, 1, 0, 1],
        targets=[0, 0, 1, 1],
        n_values=n_values,
    )
    g = torch.randn(5, n_steps * width, 1)
    k = torch.randn(5, n_steps, n_known)
    output = decoder(g, known=k).detach().numpy()
    assert output.shape == (5, 8)
    w = {name: p.detach().numpy() for name, p in decoder.named_parameters()}
    for step in range(n_steps):
        part = g[:, step * width : (step + 1) * width, 0].numpy()
        joined = np.concatenate([part, k[:, step].numpy()], axis=1)
        hidden = np.maximum(joined @ w["hidden.weight"].T + w["hidden.bias"], 0)
        y = joined @ w["linear.weight"].T + w["linear.bias"]
        y += hidden @ w["output.weight"].T
        for target in range(2):
            columns = [(2 * target + step) * n_values + v for v in range(n_values)]
            np.testing.assert_allclose(
                output[:, columns], y[:, target * n_values :][:, :n_values], rtol=1e-4
            )


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"known_future": ["lod"]}, "known_future has 'lod', and X has no channels"),
        ({"known_future": ["price"]}, "'price\\+1' to 'price\\+3' beside it"),
        ({"known_future": [3, 4]}, "2 channels, which is not a multiple of the 3"),
        ({"known_future": [9]}, "known_future has 9, which is not a channel"),
        (
            {"static_features": ["size"]},
            "has 'size', which is not.*; of a level of the index, make a column",
        ),
        ({"static_features": ["load+1"]}, "has channels that are known ahead, \\[3\\]"),
        (
            {"target_channels": ["load+1"], "window_norm": "last"},
            "target_channels has 'load\\+1', which is known ahead",
        ),
        (
            {"static_features": ["price", "load", "kind"]},
            "no window is left: add the column whose future y is",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:static_features has")
def test_bad_channels(params, message):
    X, y, _ = supervised()
    with pytest.raises(ValueError, match=message):
        make_pipeline(SlidingWindow(5), mlp(**params)).fit(X, y)


def test_known_channels_need_steps():
    X, y, _ = supervised()
    windows = SlidingWindow(5).fit_transform(X)
    net = LSTMRegressor(hidden_sizes=(4,), max_epochs=1, loss_steps="all")
    assert net.fit(windows, y)._spec.known is None
    with pytest.raises(ValueError, match=r"known_future=.*loss_steps='all' forecasts"):
        net.set_params(known_future=["load"]).fit(windows, y)
    named = y.set_axis(["a", "b", "c"], axis=1)
    with pytest.raises(ValueError, match="do not say which step ahead"):
        mlp(known_future=["load"]).fit(windows, named)
    with pytest.raises(ValueError, match="X has no channels"):
        mlp(known_future=["load"]).fit(X.to_numpy(), y)
    uneven = y.set_axis(["price+1", "price+2", "kind+1"], axis=1).assign(
        **{"kind+3": y["price+3"]}
    )
    each = {"channel_independent": True, "target_channels": ["price", "kind"]}
    with pytest.raises(ValueError, match="same steps ahead of each target"):
        mlp(**each).fit(windows, uneven)


def test_classes_have_no_steps_ahead():
    X, y, _ = supervised()
    windows = SlidingWindow(5).fit_transform(X)
    labels = pd.DataFrame({"up": np.where(y["price+1"] > 0, "yes", "no")})
    tasks = {"up": "classification"}
    net = MultiTaskNet(mlp(), tasks=tasks).fit(windows, labels)
    assert net.net_._spec.known is None


@pytest.mark.parametrize("steps", [[ForwardFill()], []])
@pytest.mark.parametrize("many", [False, True])
def test_a_forecast_without_the_values_ahead_warns(steps, many):
    days = pd.date_range("2024-01-01", periods=40)
    data = pd.DataFrame({"load": np.arange(40) % 7, "holiday": np.arange(40) % 5}, days)
    later = data[-3:].set_index(days[-3:] + pd.Timedelta(days=3)).assign(load=np.nan)
    known = pd.concat([data, later])
    if many:
        data = pd.concat({"a": known, "b": data}, names=["town"])
        known = pd.concat({"a": known, "b": known}, names=["town"])
    given = {"target": "load", "horizon": 3, "known_future": "holiday"}
    X, y, X_latest = make_supervised(data, **given)
    model = make_pipeline(*steps, HistGradientBoostingRegressor(max_iter=2))
    model = MultiOutputRegressor(model).fit(X, y)
    message = r"last row of X, .*2024-02-09.* no value of 'holiday\+3', .*append rows"
    with pytest.warns(UserWarning, match=message) as caught:
        forecast(model, X_latest)
    assert len(caught) == 1
    assert ("('b', " in str(caught[0].message)) == many
    with pytest.warns(UserWarning, match=message):
        ForwardFill().fit(X).transform(X_latest)
    forecast(model, make_supervised(known, **given)[2])


def test_a_hole_in_the_values_ahead_is_filled_without_a_warning():
    X = pd.DataFrame({"temp": [1.0, 2, 3], "temp+1": [2.0, 3, 4], "temp+2": [3, 4, 5]})
    X.iloc[1, 2] = X.iloc[2, 1] = np.nan
    filled = ForwardFill().fit(X).transform(X)
    assert filled["temp+1"].tolist() == [2, 3, 3]
    assert filled["temp+2"].tolist() == [3, 3, 5]
