"""The choice of `window_norm`: what "auto" takes, when it is kept, and warnings."""

import pickle

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

import sktsdl
from sktsdl import (
    LSTMRegressor,
    MultiTaskNet,
    NetClassifier,
    RatioLogScaler,
    RelativeTargetRegressor,
    Seq2SeqRegressor,
    SlidingWindow,
    WindowMLPRegressor,
    make_supervised,
)
from tests.estimators import every_net
from tests.nets import lstm

RNG = np.random.default_rng(0)
WALK = 50 + RNG.normal(size=(150, 3)).cumsum(axis=0)
NOISE = RNG.normal(size=(150, 3))
CODES = RNG.integers(0, 3, size=(150, 1)).astype(float)
SEASON = 5 * np.sin(2 * np.pi * np.arange(150.0) / 12)[:, None]
LEVELS = 3.0 * RNG.normal(size=(80, 1, 1)) + 0.3 * RNG.normal(size=(80, 6, 2))


def mlp(**params):
    """Construct a small net that is trained for one epoch."""
    params = {"hidden_sizes": (4,), "max_epochs": 1, "random_state": 0} | params
    return WindowMLPRegressor(**params)


def windows(rows, window=6):
    """Return the whole windows of rows."""
    return SlidingWindow(window).fit_transform(rows)[window - 1 :]


def future(rows, target=0, horizon=1):
    """Return windows, and the next values of channels."""
    X, y, _ = make_supervised(rows, target=target, horizon=horizon)
    return windows(X), y[5:]


def ahead(rows, n):
    """Return windows, and the value of channel 0 `n` rows later."""
    return windows(rows[:-n]), rows[n + 5 :, 0]


def chosen(net):
    return net.window_norm_, net.target_channels_


LAGS = np.asarray(future(WALK[:, :1])[0])[..., 0]
CASES = {
    "next value": (future(WALK), {}, ("last", (0,))),
    "horizon": (future(WALK, horizon=4), {}, ("last", (0,))),
    "another channel": (future(WALK, 2), {}, ("last", (2,))),
    "noise": (future(NOISE, 1), {}, ("last", (1,))),
    "two targets": (future(WALK, [2, 0]), {}, ("last", (2, 0))),
    "two horizons": (future(WALK, [1, 0], 3), {}, ("last", (1, 0))),
    "a season ahead": (future(np.c_[WALK, SEASON], 3, 12), {}, ("last", (3,))),
    "half a season later": (ahead(SEASON, 6), {}, ("last", (0,))),
    "integers": (future(np.floor(WALK), 1), {}, ("last", (1,))),
    "float32": (future(WALK.astype(np.float32), 1), {}, ("last", (1,))),
    "lag table": ((LAGS, future(WALK)[1]), {}, ("last", (0,))),
    "beside codes": (
        future(np.c_[CODES, WALK], 2),
        {"categorical_features": [0]},
        ("last", (2,)),
    ),
    "given": (future(WALK, 1), {"target_channels": 1}, ("last", (1,))),
    "given, not the future": (
        future(NOISE, 1),
        {"target_channels": 0},
        (None, (0,)),
    ),
    "each channel": (
        future(WALK, [1, 0], 2),
        {"target_channels": [1, 0], "channel_independent": True},
        ("last", (1, 0)),
    ),
    "each channel, noise": (
        (windows(NOISE), NOISE[5:, :2] * [2, 3] + 1),
        {"target_channels": [1, 0], "channel_independent": True},
        (None, (1, 0)),
    ),
    "near the last value": (
        (LEVELS, LEVELS[:, -1, 0] + LEVELS[:, -2, 1] - LEVELS[:, 0, 1]),
        {},
        ("last", (0,)),
    ),
    "near a given channel": (
        (LEVELS * [1, -2], -2 * LEVELS[:, -1, 1] + NOISE[:80, 0]),
        {"target_channels": 1},
        ("last", (1,)),
    ),
    "mean of the horizon": (
        (future(WALK, horizon=3)[0], future(WALK, horizon=3)[1].mean(axis=1)),
        {},
        ("last", (0,)),
    ),
    "change": (
        (future(WALK)[0], future(WALK)[1] - WALK[5:-1, 0]),
        {},
        (None, None),
    ),
    "other units": ((future(WALK)[0], 32 + 1.8 * future(WALK)[1]), {}, (None, None)),
    "logarithm": ((future(WALK)[0], np.log(future(WALK)[1])), {}, (None, None)),
    "sensor": ((windows(NOISE), NOISE[5:] @ [1.0, -2.0, 3.0]), {}, (None, None)),
    "newest first": (
        (LAGS[:, ::-1] * [1, 1, 1, 1, 1, 0], future(WALK)[1]),
        {},
        (None, None),
    ),
    "constant y": ((windows(WALK), np.full(145, 3.0)), {}, (None, None)),
    "constant X": ((np.ones((40, 6, 1)), NOISE[:40, 0]), {}, (None, None)),
    "codes only": (
        (LEVELS.round(), LEVELS[:, -1, 0].round()),
        {"categorical_features": [0]},
        (None, None),
    ),
    "one window": ((LEVELS[:1], LEVELS[:1, -1, 0]), {}, (None, None)),
}


@pytest.mark.parametrize(("data", "params", "expected"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.filterwarnings("ignore:The columns of X are lags with the newest first")
@pytest.mark.filterwarnings("ignore:y is the next rows of channel 0 in other units")
def test_auto_chooses_norm_and_channels(data, params, expected, standardize):
    fitted = mlp(standardize=standardize, **params).fit(*data)
    assert chosen(fitted) == expected


LEVEL = pd.DataFrame(WALK, columns=["rail", "bus", "day"])
SHOPS = pd.concat({name: scale * LEVEL for name, scale in (("a", 1), ("b", 100))})
AUTO = make_pipeline(SlidingWindow(6), mlp())
SCALED = make_pipeline(
    StandardScaler().set_output(transform="pandas"), SlidingWindow(6), mlp()
)


@pytest.mark.parametrize("rows", [LEVEL, SHOPS], ids=["one series", "many series"])
@pytest.mark.parametrize(
    "model", [SCALED, TransformedTargetRegressor(AUTO, transformer=StandardScaler())]
)
@pytest.mark.parametrize("horizon", [1, 3])
def test_a_scaler_that_hides_the_level_warns(model, rows, horizon):
    X, y, _ = make_supervised(rows, target="bus", horizon=horizon)
    with pytest.warns(UserWarning, match=r"channel ('bus'|1) in other units") as caught:
        model.fit(X, y)
    assert caught[0].filename == __file__


def test_no_scaler_warns_of_what_does_not_follow_a_level():
    X, y, _ = make_supervised(np.exp(LEVEL / 50), target="bus")
    steps = make_pipeline(RatioLogScaler(), SlidingWindow(6), mlp())
    RelativeTargetRegressor(steps, column="bus").fit(X, y)
    X, y, _ = make_supervised(pd.DataFrame(NOISE), target=0)
    clone(SCALED).fit(X.rename(columns=str), y)
    X, y, _ = make_supervised(LEVEL, target="bus")
    clone(SCALED).set_params(windowmlpregressor__window_norm=None).fit(X, y)


WEIGHTS = np.r_[np.zeros(40), np.ones(104)]


def test_auto_reads_the_windows_that_are_trained_on():
    X, y = future(WALK, 1)
    assert chosen(mlp().fit(X, np.where(WEIGHTS, y, NOISE[:144, 0]))) == (None, None)
    spoilt = np.where(WEIGHTS, y, NOISE[:144, 0])
    assert chosen(mlp().fit(X, spoilt, WEIGHTS)) == ("last", (1,))
    spoilt = np.where(WEIGHTS[::-1], y, NOISE[:144, 0])
    stopping = mlp(early_stopping=True, validation_fraction=0.3)
    assert chosen(stopping.fit(X, spoilt)) == ("last", (1,))


def test_auto_weights_the_windows():
    y = np.where(np.arange(80) % 2, LEVELS[:, -1, 0], 100 + 10 * NOISE[:80, 0])
    weights = np.where(np.arange(80) % 2, 1.0, 1e-4)
    assert mlp().fit(LEVELS, y).window_norm_ is None
    assert mlp().fit(LEVELS, y, weights).window_norm_ == "last"


class LogError(nn.Module):
    """A loss of logarithms."""

    def forward(self, output, target):
        return (output - target.abs().log1p()).square().mean()


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        (lstm(loss_steps="all"), None),
        (lstm(loss=nn.SmoothL1Loss), "last"),
        (lstm(loss=nn.L1Loss(reduction="sum")), "last"),
        (lstm(loss="quantile"), "last"),
        (lstm(linear_skip=True), "last"),
        (lstm(patch_size=2), "last"),
        (Seq2SeqRegressor(hidden_size=4, max_epochs=1), "last"),
    ],
    ids=str,
)
def test_auto_takes_only_what_the_net_can_have(net, expected):
    X, y = future(WALK + 100, horizon=2)
    assert net.fit(X, y).window_norm_ == expected


def test_auto_in_a_net_of_several_tasks():
    X, y = future(WALK, [0, 1])
    assert MultiTaskNet(lstm()).fit(X, y).net_.window_norm_ == "last"
    frame = pd.DataFrame(y, columns=["a", "b"])
    frame["b"] = np.where(frame["b"] > 50, "up", "down")
    tasks = {"a": "regression", "b": "classification"}
    assert MultiTaskNet(lstm(), tasks=tasks).fit(X, frame).net_.window_norm_ is None


@every_net
def test_auto_equals_the_norm_that_it_chooses(cls):
    X, y = future(WALK, 1)
    auto = cls(max_epochs=1, random_state=0).fit(X, y)
    assert chosen(auto) == ("last", (1,))
    given = cls(
        max_epochs=1, random_state=0, window_norm="last", target_channels=1
    ).fit(X, y)
    np.testing.assert_array_equal(auto.predict(X), given.predict(X))


@pytest.mark.parametrize("target", [0, 1])
def test_auto_does_not_depend_on_the_units_of_a_series(target):
    X, y = future(WALK, target)
    one = mlp().fit(X, y)
    other = mlp().fit(1e6 * X + 1e7, 1e6 * y + 1e7)
    assert chosen(other) == chosen(one) == ("last", (target,))
    np.testing.assert_allclose(
        other.predict(1e6 * X + 1e7), 1e6 * one.predict(X) + 1e7, rtol=1e-5
    )


@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_line_goes_on(target, sign):
    rows = np.c_[np.arange(400.0), 7 * np.arange(400.0)] * sign
    X, y, _ = make_supervised(rows, target=target)
    net = LSTMRegressor(hidden_sizes=(8,), max_epochs=20, random_state=0)
    pipe = make_pipeline(SlidingWindow(12), net).fit(X[:300], y[:300])
    step = abs(rows[1, target])
    np.testing.assert_allclose(pipe.predict(X[300:]), y[300:], atol=0.05 * step)


def test_a_season_on_a_moving_level_goes_on():
    rows = (np.arange(400.0) + 10 * np.sin(np.arange(400) * 2 * np.pi / 12))[:, None]
    X, y, _ = make_supervised(rows, target=0, horizon=3)
    net = LSTMRegressor(hidden_sizes=(8,), max_epochs=20, lr=1e-2, random_state=0)
    pipe = make_pipeline(SlidingWindow(12), net).fit(X[:300], y[:300])
    assert np.abs(pipe.predict(X[300:]) - y[300:]).mean() < 2


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_further_training_keeps_the_first_choice(method):
    X, y = future(WALK, 1)
    other = RNG.normal(size=len(y))
    assert chosen(mlp().fit(X, other)) == (None, None)
    net = mlp(warm_start=method == "fit").fit(X, y)
    getattr(net.set_params(max_epochs=2), method)(X, other)
    assert (chosen(net), net.n_epochs_) == (("last", (1,)), 2)
    assert not hasattr(clone(net), "window_norm_")
    assert chosen(clone(net).fit(X, other)) == (None, None)
    assert chosen(net.set_params(warm_start=False).fit(X, other)) == (None, None)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"window_norm": "last"}, None),
        ({"window_norm": "last", "target_channels": [np.int64(1)]}, None),
        ({"target_channels": 1}, None),
        ({"window_norm": None}, "window_norm=None cannot change.*'auto'"),
        ({"window_norm": "standard"}, "window_norm='standard' cannot change"),
        ({"target_channels": 0}, "target_channels=0 cannot change"),
    ],
)
def test_a_trained_net_may_name_what_it_has(changed, message):
    X, y = future(WALK, 1)
    net = mlp(warm_start=True).fit(X, y).set_params(max_epochs=2, **changed)
    if message is None:
        assert net.fit(X, y).n_epochs_ == 2
    else:
        with pytest.raises(ValueError, match=message):
            net.fit(X, y)


def test_a_trained_net_may_leave_its_norm_to_the_choice():
    X, y = future(WALK, 1)
    net = mlp(warm_start=True, window_norm="standard", target_channels=1).fit(X, y)
    net.set_params(max_epochs=2, window_norm="auto", target_channels=None).fit(X, y)
    assert (chosen(net), net.n_epochs_) == (("standard", (1,)), 2)


def by_file(net, path):
    net.save(path)
    return sktsdl.load(path)


def by_skops(net, path):
    return skops.io.loads(skops.io.dumps(net), trusted=[type(net)])


KEEPERS = [by_file, by_skops, lambda net, path: pickle.loads(pickle.dumps(net))]


@pytest.mark.parametrize("keep", KEEPERS, ids=["file", "skops", "pickle"])
@pytest.mark.parametrize("data", [future(WALK, [2, 0], 2), (windows(NOISE), CODES[5:])])
def test_a_saved_net_keeps_the_choice(keep, data, tmp_path):
    net = mlp().fit(*data)
    again = keep(net, tmp_path / "net")
    assert chosen(again) == chosen(net)
    assert again.get_params() == net.get_params()
    np.testing.assert_array_equal(again.predict(data[0]), net.predict(data[0]))


def in_frame(rows):
    return pd.DataFrame(rows, columns=["rail", "bus", "rain"])


WRONG = {
    "future of another channel": (
        future(WALK, 1),
        {"target_channels": 0},
        r"level of channel 0 to .*use target_channels=\[1\], as y holds later rows",
    ),
    "future of another name": (
        (windows(in_frame(WALK)), WALK[6:, 2]),
        {"target_channels": "bus"},
        r"level of channel 'bus' to .*use target_channels=\['rain'\]",
    ),
    "in another order": (
        future(WALK, [1, 0], 2),
        {"target_channels": [0, 1]},
        r"level of channel 0 to .*use target_channels=\[1, 0\]",
    ),
    "change of the level": (
        (windows(WALK)[:-1], np.diff(WALK[5:, 0])),
        {},
        "level of channel 0 to .* name the channel of y in target_channels",
    ),
    "another sample": (
        (LEVELS, NOISE[:80, 0]),
        {"target_channels": 1},
        "level of channel 1 to .* or use window_norm=None",
    ),
}


@pytest.mark.parametrize("kind", ["last", "standard"])
@pytest.mark.parametrize(("data", "params", "message"), WRONG.values(), ids=WRONG)
def test_a_norm_by_another_channel_warns(kind, data, params, message):
    X, y = data
    X = X[: len(y)]
    with pytest.warns(UserWarning, match=message) as caught:
        fitted = mlp(window_norm=kind, **params).fit(X, y)
    assert caught[0].filename == __file__
    assert fitted.window_norm_ == kind


HARMLESS = [*CASES.items()][:12] + [
    (name, CASES[name])
    for name in ("near the last value", "mean of the horizon", "other units", "sensor")
]


@pytest.mark.parametrize("kind", ["last", "standard"])
@pytest.mark.parametrize(
    ("data", "params"),
    [(data, params) for _, (data, params, _) in HARMLESS],
    ids=[name for name, _ in HARMLESS],
)
def test_a_norm_by_the_own_channel_does_not_warn(kind, data, params):
    X, y = data
    assert mlp(window_norm=kind, **params).fit(X, y).window_norm_ == kind


def test_a_norm_finds_the_channels_that_are_not_given():
    X, y = future(WALK, [2, 0], 3)
    found = mlp(window_norm="standard").fit(X, y)
    assert found.target_channels_ == (2, 0)
    given = mlp(window_norm="standard", target_channels=[2, 0]).fit(X, y)
    np.testing.assert_array_equal(found.predict(X), given.predict(X))


def test_channels_that_are_not_there_are_an_error_with_auto():
    X, y = future(WALK, [0, 1])
    for channels, message in ((7, "has 7"), ([0, 1, 2], "cannot share the 2 columns")):
        with pytest.raises(ValueError, match=message):
            mlp(target_channels=channels).fit(X, y)


def test_auto_says_that_it_does_not_know_the_outputs_of_a_loss():
    X, y = future(WALK + 100, 2)
    with pytest.warns(UserWarning, match="channel 2, and window_norm='auto' chose Non"):
        net = lstm(loss=LogError).fit(X, y)
    assert net.window_norm_ is None
    for norm in (None, "last"):
        assert lstm(loss=LogError, window_norm=norm).fit(X, y).window_norm_ == norm
    assert lstm(loss=LogError).fit(X, y[::-1]).window_norm_ is None


def test_auto_does_not_warn_of_classes():
    rows = (np.median(WALK, axis=0) < WALK).astype(float)
    NetClassifier(mlp()).fit(*future(rows, 2))
