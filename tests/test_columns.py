"""The steps, targets and channels of the columns of `y`, as a module gets them."""

import numpy as np
import pandas as pd
import pytest

from sktsdl import SlidingWindow, WindowMLPRegressor
from tests.series import levels


class Recorded(WindowMLPRegressor):
    def _build_module(self, spec):
        Recorded.spec = spec
        return super()._build_module(spec)


def spec_of(y, columns=("rail", "bus", "day"), **params):
    """Fit to windows of 4 rows, and return the last ModuleSpec."""
    X = levels()[0][:40]
    X["day"] = np.arange(40) % 3
    window = SlidingWindow(4).fit_transform(X[list(columns)])
    params = {"max_epochs": 1, "hidden_sizes": (2,), "random_state": 0} | params
    Recorded(**params).fit(window, y)
    return Recorded.spec


def targets(*names):
    X = levels()[0][:46]
    parts = [name.split("+") for name in names]
    rows = {n: X[of].shift(-int(k)) for n, (of, k) in zip(names, parts, strict=True)}
    return pd.DataFrame(rows)[:40]


@pytest.mark.parametrize(
    ("params", "channels"),
    [
        ({}, (1, 1, 0, 0)),
        ({"window_norm": None}, (1, 1, 0, 0)),
        ({"patch_size": 2}, (4, 4, 3, 3)),
        ({"categorical_features": ["day"]}, (1, 1, 0, 0)),
    ],
)
def test_names_tell_steps_targets_and_channels(params, channels):
    spec = spec_of(targets("bus+1", "bus+3", "rail+1", "rail+3"), **params)
    assert spec.target_steps == (0, 1, 0, 1)
    assert spec.targets == (0, 0, 1, 1)
    assert spec.target_channels == channels


def test_channels_are_counted_without_categories():
    spec = spec_of(targets("rail+1"), ["day", "rail"], categorical_features=["day"])
    assert spec.target_channels == (0,)


def test_each_channel_of_independent_channels_is_the_first():
    spec = spec_of(
        targets("bus+1", "bus+2", "rail+1", "rail+2"),
        channel_independent=True,
        target_channels=["bus", "rail"],
    )
    assert (spec.target_steps, spec.targets) == ((0, 1), (0, 0))
    assert (spec.target_channels, spec.n_outputs) == ((0, 0), 2)


def test_independent_channels_are_found_by_the_names_of_y():
    y = targets("bus+1", "bus+2", "rail+1", "rail+2")
    spec = spec_of(y, channel_independent=True, window_norm=None)
    assert (spec.n_channels, spec.n_outputs) == (2, 2)  # each with the day
    one = spec_of(targets("bus+1", "bus+2"), channel_independent=True)
    assert (one.target_channels, one.n_channels) == ((0, 0), 3)
    X = SlidingWindow(4).fit_transform(levels()[0][["rail", "bus"]][:40])
    params = {"max_epochs": 1, "channel_independent": True}
    net = WindowMLPRegressor(**params).fit(X, targets("bus+1"))
    assert net.target_channels_ == (1,)


def test_arrays_share_the_columns_evenly():
    y = targets("bus+1", "bus+2", "rail+1", "rail+2").to_numpy()
    spec = spec_of(y, window_norm="last", target_channels=["bus", "rail"])
    assert (spec.target_steps, spec.targets) == ((0, 1, 0, 1), (0, 0, 1, 1))
    assert spec.target_channels == (1, 1, 0, 0)


def test_unknown_columns_are_steps_of_one_target():
    y = np.random.default_rng(0).normal(size=(40, 3))
    spec = spec_of(y)
    assert (spec.target_steps, spec.targets) == ((0, 1, 2), (0, 0, 0))
    assert spec.target_channels is None
