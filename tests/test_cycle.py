"""Learned cycles: the tables, the phases of rows, and what has no phase."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from sktsdl import (
    LSTMRegressor,
    MultiTaskNet,
    Seq2SeqRegressor,
    SlidingWindow,
    TransformerRegressor,
    WindowMLPRegressor,
    append_history,
    backtest,
    forecast,
    load,
    make_supervised,
)
from sktsdl._layers.cycle import Cycle
from sktsdl._windows.time_steps import TimeSteps
from sktsdl.inspection import (
    AttentionDisplay,
    channel_importance,
    integrated_gradients,
    lag_importance,
)
from sktsdl.persistence import trusted_types
from tests.series import BERLIN, INDEXES, TIMED

RNG = np.random.default_rng(0)
SEASON = np.array([0.0, 3, 5, 4, 1, -2, -4, -1])
N = 160
HOURS = pd.date_range("2024-03-01 05:00", periods=N, freq="h")


def data(index=HOURS, seed=0):
    """A cycle of 8 steps, a channel of noise, and the step of the cycle."""
    rng, steps = np.random.default_rng(seed), np.arange(len(index))
    return pd.DataFrame(
        {
            "v": 10 + SEASON[steps % 8] + rng.normal(0, 0.2, len(index)),
            "w": rng.normal(size=len(index)),
            "step": steps % 8,
        },
        index=index,
    )


def mlp(**params):
    defaults = {"hidden_sizes": (3,), "max_epochs": 2, "random_state": 0, "cycle": 8}
    return WindowMLPRegressor(**defaults | params)


def pipe(window=6, **params):
    return make_pipeline(SlidingWindow(window), mlp(**params))


def fitted(X, y, window=6, seed=0, **params):
    """Fit, and draw the tables at random."""
    model = pipe(window, **params).fit(X, y)
    draw(model[-1], seed)
    return model


def draw(net, seed=0):
    rng = np.random.default_rng(seed)
    for table in cycle_of(net).tables:
        values = torch.from_numpy(rng.normal(size=table.weight.shape))
        with torch.no_grad():
            table.weight.copy_(values)


def cycle_of(net):
    return next(m for m in net.module_.modules() if isinstance(m, Cycle))


def tables_of(net):
    return [table.weight.detach().double().numpy() for table in cycle_of(net).tables]


class Mixed(nn.Module):
    """A linear map of the window, with the outputs of two targets of two values."""

    takes_targets = True

    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def forward(self, x, targets=None):
        self.targets = targets
        return x.flatten(1) @ self.weight


@pytest.mark.parametrize("is_counted", [True, False])
def test_the_adapter_computes_the_equation(is_counted):
    n, time, channels, changed = 5, 4, 3, [0, 2]
    weight = torch.from_numpy(RNG.normal(size=(time * channels, 4)))
    gain = np.array([2.0, 0.5])
    module = Cycle(
        Mixed(weight),
        (3, 7),
        n_channels=channels,
        changed=changed,
        is_counted=is_counted,
        steps=[1, 9],
        origins=[2, 0],
        gain=torch.from_numpy(gain),
        n_values=2,
    ).double()
    assert sum(w.abs().sum() for w in module.parameters()) == 0
    tables = [RNG.normal(size=(period, 2)) for period in (3, 7)]
    for layer, table in zip(module.tables, tables, strict=True):
        layer.weight.data = torch.from_numpy(table)
    x = RNG.normal(size=(n, time, channels))
    phases = RNG.integers(0, 21, size=(n, time))
    targets = RNG.normal(size=(n, 2))
    given = torch.from_numpy(np.concatenate([x, phases[..., None]], axis=-1))
    output = module(given, targets=torch.from_numpy(targets)).detach()
    for i in range(n):
        window, added = x[i].copy(), np.zeros(2)
        for k in range(time):
            phase = phases[i, -1] - (time - 1 - k) if is_counted else phases[i, k]
            for j, channel in enumerate(changed):
                window[k, channel] -= sum(t[phase % len(t), j] for t in tables)
        for column, (step, j) in enumerate([(1, 1), (9, 0)]):
            ahead = phases[i, -1] + step
            added[column] = gain[column] * sum(t[ahead % len(t), j] for t in tables)
        expected = window.ravel() @ weight.numpy() + np.repeat(added, 2)
        assert_allclose(output[i], expected, rtol=1e-12)
        assert_allclose(module.module.targets[i].detach(), targets[i] - added)


@pytest.mark.parametrize("kind", [None, "last", "standard"])
@pytest.mark.parametrize("cycle", [8, (4, 8)])
def test_a_prediction_is_that_of_the_equations(kind, cycle):
    X, y, _ = make_supervised(data()[["w", "v"]], target=["v", "w"], horizon=2, lead=3)
    window, start = 6, 100
    model = fitted(X, y, window, window_norm=kind, cycle=cycle)
    net = model[-1]
    inner = cycle_of(net).module
    inner = inner.module if kind == "last" else inner
    tables, predicted = tables_of(net), model.predict(X)
    of_x, of_y = net._spec.channels.scaling, net._spec.targets.scaling
    low = np.array(net._spec.norm.low)
    rows = (X.to_numpy() - of_x.mean) / of_x.scale

    def cycles(steps):
        return sum(table[steps % len(table)] for table in tables)

    for row in range(start, start + 20):
        steps = np.arange(row - window + 1, row + 1)
        x, level, scale = rows[steps], np.zeros(2), np.ones(2)
        if kind == "standard":  # normalised first, as in the paper
            level, scale = x.mean(axis=0), np.sqrt(x.var(axis=0) + 1e-5 * low**2)
            x = (x - level) / scale - cycles(steps)
        else:
            x = x - cycles(steps)
            if kind == "last":
                level = x[-1]
                x = x - level
        with torch.inference_mode():
            output = inner(torch.from_numpy(x)[None].float()).double().numpy()[0]
        for column, (channel, step) in enumerate([(1, 3), (1, 4), (0, 3), (0, 4)]):
            ahead = cycles(row + step)[channel]
            unit, mean = of_x.scale[channel], of_x.mean[channel]
            if kind is None:
                expected = of_y.mean[column] + of_y.scale[column] * output[column]
                expected += unit * ahead
            elif kind == "last":
                expected = mean + unit * (level[channel] + ahead)
                expected += of_y.scale[column] * output[column]
            else:
                value = level[channel] + scale[channel] * (output[column] + ahead)
                expected = mean + unit * value
            assert predicted[row, column] == pytest.approx(expected, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(("kind", "window"), [(None, 1), ("last", 3)])
def test_an_lstm_learns_the_seasonal_means(kind, window):
    X, y, _ = make_supervised(data()[["v"]], target="v")
    net = LSTMRegressor(
        hidden_sizes=(2,),
        max_epochs=80,
        lr=0.03,
        lr_schedule="cosine",
        random_state=0,
        cycle=8,
        window_norm=kind,
    )
    make_pipeline(SlidingWindow(window), net).fit(X, y)
    table = tables_of(net)[0][:, 0] * net._spec.channels.scaling.scale[0]
    means = np.array([data()["v"].to_numpy()[k::8].mean() for k in range(8)])
    assert_allclose(table - table.mean(), means - means.mean(), atol=0.1)


@pytest.mark.parametrize("name", TIMED)
def test_times_are_counted_in_steps_of_the_training_rows(name):
    index = INDEXES[name]
    expected = np.arange(len(index))
    kept = np.delete(expected, np.r_[50:57, 90, 200:211])
    for training in (index, index.take(expected), index.take(kept)):
        steps = TimeSteps.of(training)
        assert_array_equal(steps.numbers(index), expected)
        assert_array_equal(steps.numbers(index[-3:]), expected[-3:])
        assert_array_equal(TimeSteps.of(training[5:]).numbers(index), expected - 5)


def test_days_are_of_the_clock_and_hours_are_not():
    days = pd.date_range("2024-03-25", periods=14, freq="D", tz=BERLIN)
    assert_array_equal(TimeSteps.of(days).numbers(days), np.arange(14))
    elsewhere = days.tz_convert("America/New_York")
    assert_array_equal(TimeSteps.of(days).numbers(elsewhere), np.arange(14))
    hours = pd.date_range("2024-03-30 22:00", periods=9, freq="h", tz=BERLIN)
    assert_array_equal(TimeSteps.of(hours).numbers(hours), np.arange(9))


def both(X, y, **params):
    """Models by the index and by the channel, with the same tables."""
    return [
        fitted(X[names], y, **params | {"cycle_channel": channel})
        for names, channel in ((["v"], None), (["v", "step"], "step"))
    ]


def test_index_and_channel_give_equal_predictions():
    X, y, _ = make_supervised(data(), target="v", horizon=3)
    one, other = both(X[:120], y[:120], window_norm=None)
    for rows in (X, X[120:]):
        pair = one.predict(rows[["v"]]), other.predict(rows[["v", "step"]])
        assert_allclose(*pair, rtol=1e-4)


def test_every_second_window_may_train_a_cycle():
    X, y, _ = make_supervised(data(), target="v", horizon=3)
    windows = SlidingWindow(6).fit_transform(X[["v", "step"]])
    net = mlp(cycle_channel="step", max_epochs=1)
    by_weight = net.fit(windows, y, sample_weight=np.arange(len(X)) % 2)
    expected = by_weight.predict(windows)
    by_rows = net.fit(windows[1::2], y[1::2])
    assert_allclose(by_rows.predict(windows), expected, rtol=1e-6)


def test_phases_are_right_after_gaps():
    whole = make_supervised(data(), target="v", horizon=3)[:2]
    kept = np.delete(np.arange(len(whole[0])), np.r_[40:53, 130:145])
    X, y = (part.iloc[kept] for part in whole)
    training, later = slice(0, 90), slice(90, None)
    with pytest.warns(UserWarning, match="longer than usual"):
        one, other = both(X[training], y[training], window_norm=None)
    with pytest.warns(UserWarning, match="longer than usual"):
        by_index = one.predict(X[later][["v"]])
    with pytest.warns(UserWarning, match="longer than usual"):
        by_channel = other.predict(X[later][["v", "step"]])
    gap = np.flatnonzero(np.diff(kept[later]) > 1)[0]
    is_over_gap = np.isin(np.arange(len(by_index)), np.arange(gap + 1, gap + 6))
    assert_allclose(by_index[~is_over_gap], by_channel[~is_over_gap], rtol=1e-4)
    # Its steps before the last are taken as neighbours, and only these.
    assert not np.allclose(by_index[is_over_gap], by_channel[is_over_gap], atol=1e-2)


def panel(late=11):
    """Two series on one clock, the second of which starts late."""
    whole = data()
    parts = {"a": whole[:150], "b": whole[late:]}
    return pd.concat(parts, names=["series", "time"])


def test_all_series_have_one_clock():
    X, y, X_latest = make_supervised(panel(), target="v", horizon=2)
    one, other = both(X, y, window_norm="standard")
    for rows in (X, X_latest, X.xs("b", drop_level=False)):
        pair = one.predict(rows[["v"]]), other.predict(rows[["v", "step"]])
        assert_allclose(*pair, rtol=1e-4)
    new = pd.concat({"c": data().iloc[33:60]}, names=["series", "time"])
    pair = one.predict(new[["v"]]), other.predict(new[["v", "step"]])
    assert_allclose(*pair, rtol=1e-4)


def test_times_of_other_rows_are_not_counted():
    first = panel().rename(index={HOURS[0]: HOURS[0] - pd.Timedelta("7min")}, level=1)
    steps = TimeSteps.of(first.index[1:])
    assert_array_equal(steps.numbers(first.index[1:4]), [0, 1, 2])
    with pytest.raises(
        ValueError, match=r"04:53:00'?\)\) in row 0, which is not a whole"
    ):
        steps.numbers(first.index)


ADAPTERS = {
    "plain": {},
    "last": {"window_norm": "last"},
    "mean": {"window_norm": "mean"},
    "window scale": {"window_norm": "standard", "loss_scale": "window"},
    "patches": {"patch_size": 4},
    "skip": {"linear_skip": True},
    "target by target": {"channel_independent": True, "target_channels": ["v", "w"]},
    "quantiles": {"loss": "quantile"},
    "categories": {"categorical_features": ["step"]},
    "static": {"static_features": ["fixed"], "window_norm": None},
    "channel": {"cycle_channel": "step", "window_norm": "standard"},
    "channel and known": {"cycle_channel": "step", "categorical_features": ["step"]},
    "several": {"cycle": (4, 8, 24), "standardize": False},
}


@pytest.mark.parametrize("name", ADAPTERS)
@pytest.mark.parametrize("cls", [WindowMLPRegressor, Seq2SeqRegressor, LSTMRegressor])
def test_cycles_with_other_adapters(cls, name, tmp_path):
    params = {"max_epochs": 1, "random_state": 0, "cycle": 8} | ADAPTERS[name]
    frame = data()
    if name == "static":
        frame["fixed"] = 3.0
    known = ["step"] if name == "channel and known" else []
    X, y, _ = make_supervised(frame, target=["v", "w"], horizon=2, known_future=known)
    size = {"hidden_size": 4} if cls is Seq2SeqRegressor else {"hidden_sizes": (4,)}
    net = cls(**size, **params)
    model = make_pipeline(SlidingWindow(6), net).fit(X, y)
    assert any(table.any() for table in tables_of(net))  # they learn
    draw(net)
    windows = model[:-1].transform(X)
    together = net.predict(windows)
    for rows in ([3], [40], [157 - 6], np.arange(20, 37)):
        assert_array_equal(net.predict(windows[rows]), together[rows])
    net.save(tmp_path / "net")
    for copy in (load(tmp_path / "net"), pickle.loads(pickle.dumps(net))):
        assert_array_equal(copy.predict(windows), together)
    n_numeric = 2 if "step" in str(ADAPTERS[name]) else 3
    periods = cycle_of(net).periods
    assert [table.shape for table in tables_of(net)] == [
        (period, n_numeric) for period in periods
    ]


def test_skops_keeps_the_clock():
    X, y, X_latest = make_supervised(data()[["v"]], target="v")
    model = fitted(X, y)
    content = skops.io.dumps(model)
    copy = skops.io.loads(content, trusted=trusted_types(model))
    assert_array_equal(copy.predict(X_latest), model.predict(X_latest))


@pytest.mark.parametrize("index", ["business days", "daily, DST", "periods", "months"])
def test_a_file_keeps_any_clock(index, tmp_path):
    X, y, _ = make_supervised(data(INDEXES[index][:N])[["v"]], target="v")
    model = fitted(X[:120], y[:120], 3)
    windows = model[:-1].transform(X[120:])
    model[-1].save(tmp_path / "net")
    copy = load(tmp_path / "net")
    assert copy._spec.cycle == model[-1]._spec.cycle
    assert_array_equal(copy.predict(windows), model[-1].predict(windows))


def test_a_warm_start_keeps_the_clock():
    X, y, _ = make_supervised(data()[["v"]], target="v")
    windows = SlidingWindow(6).fit_transform(X)
    net = mlp(warm_start=True).fit(windows[:100], y[:100])
    before = net._spec.cycle
    net.set_params(max_epochs=3).fit(windows[50:], y[50:])
    net.partial_fit(windows[50:], y[50:])
    assert net._spec.cycle == before
    with pytest.raises(ValueError, match="cycle=4 cannot change"):
        net.set_params(cycle=4).fit(windows, y)
    once = mlp(max_epochs=3).fit(windows[:100], y[:100])
    twice = mlp(warm_start=True).fit(windows[:100], y[:100])
    twice.set_params(max_epochs=3).fit(windows[:100], y[:100])
    assert_array_equal(once.predict(windows), twice.predict(windows))


def test_forecasts_and_backtests_and_later_rows():
    X, y, X_latest = make_supervised(data()[["v"]], target="v", horizon=4)
    model = fitted(X, y, window_norm="last")
    expected = model.predict(X_latest)[-1]
    assert_allclose(forecast(model, X_latest)["v"], expected)
    assert len(forecast(model, X_latest, steps=9)) == 9
    later = append_history(model, X_latest)
    new = pd.DataFrame({"v": [11.0]}, index=[HOURS[-1] + pd.Timedelta("1h")])
    row = later.predict(new)
    both_rows = model.predict(pd.concat([X_latest, new]))
    assert_array_equal(row[0], both_rows[-1])
    past = backtest(clone(model), X, y, cv=TimeSeriesSplit(2))
    assert np.isfinite(past["y_pred"]).all()


def test_a_day_of_hours_in_a_row():
    hours = pd.date_range("2024-03-01", periods=24 * 30, freq="h")
    frame = data(hours)[["v"]]
    X, y, X_latest = make_supervised(frame, target="v", row="D")
    plain = mlp(standardize=False)
    model = make_pipeline(SlidingWindow(2, steps_per_row=24), plain).fit(X, y)
    net = model[-1]
    draw(net)
    assert cycle_of(net).steps.tolist() == list(range(1, 25))
    X_h, y_h, _ = make_supervised(frame, target="v", horizon=24)
    hourly = SlidingWindow(48).fit_transform(X_h)
    again = mlp(standardize=False).fit(hourly, y_h)
    again.module_.load_state_dict(net.module_.state_dict())
    last = np.flatnonzero(X_h.index.hour == 23)[1:]
    # The last step of each day has phase 0 there, and 23 here.
    table = cycle_of(again).tables[0].weight
    with torch.no_grad():
        table.copy_(table.roll(23 % 8, 0))
    assert_allclose(
        again.predict(hourly[last]), model.predict(X)[1 : len(last) + 1], atol=1e-4
    )
    assert model.predict(X_latest).shape == (1, 24)
    days = make_pipeline(SlidingWindow(3), mlp(cycle=7)).fit(X, y)
    assert cycle_of(days[-1]).steps.tolist() == [1] * 24
    assert cycle_of(days[-1]).columns.tolist() == list(range(24))


def test_a_total_of_the_next_day_is_a_day_of_steps_ahead():
    hours = pd.date_range("2024-03-01", periods=24 * 30, freq="h")
    X, y, _ = make_supervised(data(hours)[["v"]], target="v", row="D")
    total = y.sum(axis=1).rename("total+1")
    model = make_pipeline(SlidingWindow(2, steps_per_row=24), mlp(window_norm=None))
    model.fit(X, total)
    assert cycle_of(model[-1]).steps.tolist() == [24]
    assert not cycle_of(model[-1]).adds


@pytest.mark.parametrize("norm", [None, "auto"])
def test_y_without_names_is_found_by_its_values(norm):
    X, y, _ = make_supervised(data(), target="v", horizon=2, lead=12)
    windows = SlidingWindow(6).fit_transform(X)
    net = mlp(window_norm=norm, cycle_channel="step").fit(windows, y.to_numpy())
    assert net.target_channels_ == (0,)
    assert cycle_of(net).steps.tolist() == [12, 13]
    arrays = mlp(window_norm=norm, cycle_channel=2).fit(np.asarray(windows), y)
    assert cycle_of(arrays).steps.tolist() == [12, 13]


def test_nothing_is_added_to_a_target_of_no_channel():
    X = data()
    windows = SlidingWindow(6).fit_transform(X[["v"]])
    y = RNG.normal(size=N)
    net = mlp(window_norm=None).fit(windows, y)
    assert not cycle_of(net).adds
    named = mlp(window_norm=None, target_channels="v").fit(windows, y)
    assert cycle_of(named).adds
    # The outputs of another loss may not be values of y.
    loss = nn.PoissonNLLLoss(reduction="none")
    other = mlp(window_norm=None, loss=loss, target_channels="v").fit(windows, abs(y))
    assert not cycle_of(other).adds


def test_teacher_forcing_sees_targets_without_their_cycle():
    X, y, _ = make_supervised(data()[["v"]], target="v", horizon=2)
    net = make_pipeline(
        SlidingWindow(6),
        Seq2SeqRegressor(
            hidden_size=3, max_epochs=1, cycle=8, window_norm=None, random_state=0
        ),
    ).fit(X, y)[-1]
    draw(net)
    adapter, seen = cycle_of(net), {}
    adapter.module.register_forward_pre_hook(
        lambda module, args, kwargs: seen.update(kwargs), with_kwargs=True
    )
    x = torch.zeros(3, 6, 2)
    x[:, -1, 1] = torch.tensor([0.0, 5.0, 7.0])
    targets = torch.ones(3, 2)
    net.module_.train()(x, targets=targets, progress=0.0)
    table, gain = tables_of(net)[0][:, 0], adapter.gain.numpy()
    phases = np.array([[1, 2], [6, 7], [0, 1]])
    assert_allclose(seen["targets"].detach(), 1 - gain * table[phases], rtol=1e-5)


def test_explanations_of_a_net_with_cycles():
    X, y, _ = make_supervised(data()[["v", "w"]], target="v")
    model = fitted(X, y, window_norm=None, cycle=(4, 8))
    parts = integrated_gradients(model, X[100:103])
    mean = model[-1]._spec.channels.mean
    windows = model[:-1].transform(X)[100:103]
    flat = model[:-1].transform(X)[100:103]
    flat.rows = np.broadcast_to(mean, flat.rows.shape).copy()
    gap = model[-1].predict(windows) - model[-1].predict(flat)
    assert parts.shape == (3, 6, 2)
    assert_allclose(parts.sum(axis=(1, 2)), gap, atol=1e-2)
    for importance, n in ((channel_importance, 2), (lag_importance, 6)):
        result = importance(model, X, y, n_repeats=2, random_state=0)
        assert result.importances.shape == (n, 2)
        assert result.importances_mean.shape == (n,)
        several = importance(
            model, X, y, n_repeats=1, random_state=0, scoring=["r2", "neg_max_error"]
        )
        assert several["r2"].importances.shape == (n, 1)
    permuted = channel_importance(model, X, y, n_repeats=1, random_state=0)
    assert permuted.importances[0, 0] > 0
    net = TransformerRegressor(
        d_model=4, nhead=2, dim_feedforward=8, max_epochs=1, cycle=8, random_state=0
    )
    attention = make_pipeline(SlidingWindow(6), net).fit(X, y)
    assert AttentionDisplay.from_estimator(attention, X, row=-1).weights.shape[-1] == 6


@pytest.mark.parametrize("baseline", [None, [[12.0, -1.0, 3.0]]])
@pytest.mark.parametrize("channel", [None, "step"])
@pytest.mark.parametrize("norm", [None, "last"])
def test_attributions_are_at_the_step_of_the_row(norm, channel, baseline):
    X, y, _ = make_supervised(data(), target="v", horizon=2)
    params = {"window_norm": norm, "cycle": (4, 8), "cycle_channel": channel}
    model = fitted(X, y, activation="tanh", **params)  # smooth, but no line
    windows = model[:-1].transform(X)[100:108]
    seen = integrated_gradients(model[-1], windows, baseline=baseline, target=1)
    values = model[-1]._spec.channels.mean if baseline is None else baseline
    base = model[:-1].transform(X)[100:108]
    base.rows = np.broadcast_to(values, base.rows.shape).copy()
    if channel is not None:
        base.rows[:, 2] = windows.rows[:, 2]
        assert (seen[:, :, 2] == 0).all()
    of_base = model[-1].predict(base)[:, 1]
    gap = model[-1].predict(windows)[:, 1] - of_base
    assert_allclose(seen.sum(axis=(1, 2)), gap, rtol=1e-3, atol=1e-4)
    assert np.ptp(of_base) > 0.1  # the step of the row decides it


def test_columns_of_steps_with_a_time_index():
    X, y, _ = make_supervised(data()[["v"]], target="v")
    rows = SlidingWindow(6, flatten=True, pad="edge").fit_transform(X)
    net = mlp(window_norm=None).fit(rows, y)
    phases = net._prepared_windows(rows)[-5:].windows[:, -1, -1]
    assert_array_equal(phases, np.arange(154, 159) % 8)


@pytest.mark.parametrize("cycle", [8, (8,), (4, 8)])
def test_errors_show_the_parameter_as_it_was_given(cycle, tmp_path):
    X, y, _ = make_supervised(data()[["v"]], target="v")
    window = SlidingWindow(6)
    net = mlp(cycle=cycle).fit(window.fit_transform(X), y)
    net.save(tmp_path / "net")
    windows = np.asarray(window.transform(X))
    message = re.escape(f"cycle={cycle} needs the time of each row, and X has no time")
    for fitted_net in (net, load(tmp_path / "net")):
        with pytest.raises(ValueError, match=f"^{message} index, as it had in fit"):
            fitted_net.predict(windows)
    with pytest.raises(ValueError, match=f"^{message} index"):
        mlp(cycle=cycle).fit(windows, y)
    codes = SlidingWindow(6).fit_transform(X.round())
    coded = mlp(cycle=cycle, categorical_features=["v"], window_norm=None)
    with pytest.raises(ValueError, match=re.escape(f"cycle={cycle} is learned of")):
        coded.fit(codes, y)


FRAME = make_supervised(data(), target="v")[:2]
EITHER = "frame with a time index.*or name a channel.*`cycle_channel`"
BAD_FITS = {
    "array": ({}, lambda X: X.to_numpy(), f"cycle=8 needs.*no time index.*{EITHER}"),
    "text": (
        {},
        lambda X: X.set_axis([f"row {i}" for i in range(len(X))]),
        f"its index has no times.*{EITHER}",
    ),
    "scaled array": (
        {},
        lambda X: StandardScaler().fit_transform(X),
        "set_output",
    ),
    "uneven": (
        {},
        lambda X: X.set_axis(X.index + pd.to_timedelta(np.arange(len(X)) % 2, "min")),
        r"has 2024-03-01 07:00:00 in row 2, which is not a whole.*cycle_channel",
    ),
    "trading hours": (
        {},
        lambda X: X.set_axis(pd.date_range("2024", periods=len(X), freq="bh")),
        "cycle.*cycle_channel",
    ),
    "half months": (
        {},
        lambda X: X.set_axis(pd.date_range("2000", periods=len(X), freq="SMS")),
        "'SMS-15', the frequency of X, has steps that it cannot count",
    ),
    "no channel": ({"cycle_channel": "hour"}, None, "cycle_channel has 'hour'"),
    "fractions": ({"cycle_channel": "w"}, None, "not a whole number"),
    "not a count": (
        {"cycle_channel": "step"},
        lambda X: X.assign(step=5 * X["step"]),
        "must grow by 1 from row to row, and mostly grows by 5",
    ),
    "part of a cycle": (
        {"cycle_channel": "step", "cycle": (8, 56)},
        None,
        r"has 8 values of the 56 steps of cycle=\(8, 56\)",
    ),
    "static": (
        {"cycle_channel": "step", "static_features": ["step"]},
        lambda X: X.assign(step=1),
        "cycle_channel='step' is known ahead or static",
    ),
    "only the channel": (
        {"cycle_channel": "step"},
        lambda X: X[["step"]],
        "The only channel of X is the cycle_channel, so no window is left: add the",
    ),
    "the channel and a static one": (
        {"cycle_channel": "step", "static_features": ["s"]},
        lambda X: X[["step"]].assign(s=1.0),
        "All channels of X are known ahead, static or the cycle_channel, so no",
    ),
    "target": (
        {"cycle_channel": "step", "target_channels": "step"},
        None,
        "target_channels has 'step', which is known ahead, static or the",
    ),
    "all steps": ({"loss_steps": "all", "window_norm": None}, None, "loss_steps='all'"),
    "categories": (
        {"categorical_features": ["v", "w", "step"], "window_norm": None},
        lambda X: X.round(),
        "the window has none",
    ),
    "channel alone": (
        {"cycle": None, "cycle_channel": "step"},
        None,
        "cycle_channel='step'.*give `cycle` too",
    ),
    "long": ({"cycle": (4099, 4111)}, None, "16850989 steps, more than 16777216"),
    "one": ({"cycle": 1}, None, "'cycle' parameter"),
    "none": ({"cycle": ()}, None, "'cycle' parameter"),
    "text period": ({"cycle": "day"}, None, "'cycle' parameter"),
}


@pytest.mark.parametrize("name", BAD_FITS)
def test_a_fit_without_phases_is_refused(name):
    params, change, message = BAD_FITS[name]
    X, y = FRAME
    X = X if change is None else change(X)
    y = y.set_axis(X.index) if hasattr(X, "index") else y
    with pytest.raises((ValueError, TypeError), match=message):
        pipe(**params).fit(X, y)


def test_classes_have_no_cycles():
    X, y = FRAME
    net = MultiTaskNet(mlp(), tasks={"up": "classification"})
    labels = pd.DataFrame({"up": np.where(y > 10, "yes", "no")}, index=y.index)
    with pytest.raises(ValueError, match=r"cycle=8 of the net.*classes"):
        make_pipeline(SlidingWindow(6), net).fit(X, labels)
    numbers = pd.DataFrame({"v": y, "w": X["w"]})
    net = MultiTaskNet(mlp(), tasks=dict.fromkeys(numbers, "regression"))
    model = make_pipeline(SlidingWindow(6), net).fit(X, numbers)
    assert np.isfinite(model.predict(X)).all(axis=None)


FEW = "repeats itself after {} steps, and the training rows cover {}, fewer than two"


@pytest.mark.parametrize("channel", [None, "count"])
@pytest.mark.parametrize(
    ("cycle", "longest", "rows"),
    [(8, 8, 15), (8, 8, 7), (200, 200, 159), ((8, 80), 80, 159), (8, 8, 16)],
)
def test_fewer_than_two_cycles_of_training_rows_warn(cycle, longest, rows, channel):
    X, y = (part[:rows] for part in FRAME)
    X = X.assign(count=np.arange(rows))
    message = re.escape(f"cycle={cycle} ") + FEW.format(longest, rows)
    model = pipe(cycle=cycle, cycle_channel=channel)
    if rows >= 2 * longest:
        model.fit(X, y)  # warnings are errors
        return
    with pytest.warns(
        UserWarning, match=f"{message}.* at least {2 * longest} "
    ) as all_:
        model.fit(X, y)
    assert len(all_) == 1
    assert all_[0].filename.endswith(__file__)


def test_the_steps_of_training_are_of_the_windows_that_train():
    X, y = FRAME
    hold_out = {"early_stopping": True, "validation_fraction": 0.5}
    with pytest.warns(UserWarning, match=FEW.format(48, r"[78]\d")):
        pipe(cycle=48, **hold_out).fit(X, y)
    hours = pd.date_range("2024-03-01", periods=24 * 12, freq="h")
    of_days = make_supervised(data(hours)[["v"]], target="v", row="D")[:2]
    of_hours = SlidingWindow(2, steps_per_row=24)
    with pytest.warns(UserWarning, match=FEW.format(24 * 7, 24 * 11)):
        make_pipeline(of_hours, mlp(cycle=24 * 7)).fit(*of_days)
    make_pipeline(of_hours, mlp(cycle=24 * 5)).fit(*of_days)
    many = pd.concat(dict.fromkeys("abc", X), names=["series", "time"])
    of_many = pd.concat(dict.fromkeys("abc", y), names=["series", "time"])
    with pytest.warns(UserWarning, match=FEW.format(80, len(X))):
        pipe(cycle=80).fit(many, of_many)
    pipe(cycle=79).fit(many, of_many)


BAD_TIMES = {
    "off the grid": (
        lambda index: index + pd.Timedelta("7min"),
        r"03-05 05:07:00 in row 0, which is not a whole number of steps of .*1:00:00",
    ),
    "periods": (
        lambda index: index.to_period("h"),
        "holds periods of h, and cycle counts from the dates without a time zone",
    ),
    "numbers": (lambda index: np.arange(50.0, 50 + len(index)), "holds numbers"),
    "time zone": (lambda index: index.tz_localize("UTC"), "dates with a time zone"),
    "text": (lambda index: index.strftime("row %Y%j%H"), "holds no times"),
}


@pytest.mark.parametrize("name", BAD_TIMES)
def test_other_times_in_predict_are_refused(name):
    change, message = BAD_TIMES[name]
    X, y = FRAME
    window = SlidingWindow(6)
    net = mlp().fit(window.fit_transform(X), y)
    windows = window.transform(X)[96:]
    windows.index = pd.Index(change(windows.index))
    with pytest.raises(ValueError, match=message):
        net.predict(windows)


RENUMBERED = {
    "anew": lambda labels: np.arange(len(labels)),
    "anew, a later part": lambda labels: 5 + np.arange(len(labels)),
    "anew, in another unit": lambda labels: np.arange(len(labels)) / 2,
    "anew, as objects": lambda labels: pd.Index(range(len(labels)), dtype=object),
}


@pytest.mark.filterwarnings("ignore")  # of gaps, and of other rows
@pytest.mark.parametrize("name", RENUMBERED)
@pytest.mark.parametrize("start", [30, -5])
@pytest.mark.parametrize(
    "step", [SlidingWindow(6), SlidingWindow(1), SlidingWindow(6, history=None)]
)
def test_rows_that_are_numbered_anew_are_refused(step, start, name):
    if start < 0 and "later" in name:
        return  # they have the labels of training rows
    X, y = (part.set_axis(np.arange(start, start + len(part))) for part in FRAME)
    model = make_pipeline(step, mlp()).fit(X[:120], y[:120])
    new = X[120:]
    assert model.predict(new).shape == (39,)
    label = 5 if "later" in name else 0
    message = (
        f"Row 0 of X has the label {label}.*, and the training rows start at {start},"
        ".*before it was split.*cycle_channel"
    )
    new = new.set_axis(RENUMBERED[name](new.index))
    with pytest.raises(ValueError, match=message):
        model.predict(new)


def test_numbers_of_the_training_rows_count_them():
    dated = pipe().fit(*(part[:120] for part in FRAME))
    X, y = (part.set_axis(np.arange(30, 30 + len(part))) for part in FRAME)
    model = pipe().fit(X[:120], y[:120])
    assert_array_equal(model.predict(X), dated.predict(FRAME[0]))
    assert_array_equal(model.predict(X[120:]), dated.predict(FRAME[0][120:]))


def counted_panel(start):
    X, y = (part.set_axis(np.arange(start, start + len(part))) for part in FRAME)
    return [pd.concat({"a": p, "b": p[7:]}, names=["series", "n"]) for p in (X, y)]


def test_counted_times_of_a_panel():
    X, y = counted_panel(30)
    is_new = X.index.get_level_values("n") >= 150
    model = pipe().fit(X[~is_new], y[~is_new])
    assert_allclose(model.predict(X[is_new]), model.predict(X)[is_new])
    for series in (["a", "b"], ["b"]):
        new = X[is_new].loc[series].rename(index=lambda n: n - 150, level="n")
        with (
            pytest.warns(UserWarning, match="before the training rows"),
            pytest.raises(ValueError, match="Row 0 of X has the label 0, and the"),
        ):
            model.predict(new)


FROM_ZERO = {
    "counted": lambda X, y: (X.reset_index(drop=True), y.reset_index(drop=True)),
    "counted in pairs": lambda X, y: (
        X.set_axis(np.arange(0, 2 * len(X), 2)),
        y.set_axis(np.arange(0, 2 * len(X), 2)),
    ),
    "fractions": lambda X, y: (
        X.set_axis(np.arange(len(X)) / 4),
        y.set_axis(np.arange(len(X)) / 4),
    ),
    "panel": lambda X, y: counted_panel(0),
}


@pytest.mark.parametrize("name", FROM_ZERO)
def test_numbers_from_0_do_not_say_the_time(name):
    X, y = FROM_ZERO[name](*FRAME)
    message = f"cycle=8 needs.*an index that starts at 0 may count any rows.*{EITHER}"
    with pytest.raises(ValueError, match=message):
        pipe().fit(X, y)
    model = pipe(cycle_channel="step").fit(X, y)
    assert np.isfinite(model.predict(X)).all()
