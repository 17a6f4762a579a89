"""The settings of published nets in docs/nets.md have their number of weights."""

import re

import numpy as np
import pandas as pd
import pytest

import sktsdl
from tests.pages import ROOT, read

CHANNELS, WINDOW, HORIZON, PERIOD = 7, 336, 96, 24
LINEAR = WINDOW * HORIZON + HORIZON
GATES = 6 * 512 * (512 + 1)  # of a GRU that is 512 wide
WEIGHTS = {
    "NLinear": LINEAR,
    "RLinear": LINEAR,
    "CycleNet/Linear": LINEAR + PERIOD * CHANNELS,
    "CycleNet/MLP": 513 * HORIZON + 337 * 512 + PERIOD * CHANNELS,
    # In the authors' code, without the scale of each channel of RevIN.
    "PatchTST": 81_728,
    # Patches to the width, the GRU, two positions, and the width to a patch.
    "SegRNN": 49 * 512 + GATES + 2 * 512 + 513 * 48,
    # Of one channel: four layers, forecasts, and backcasts but of the last block.
    "N-BEATS, generic": 30 * (337 * 512 + 3 * 513 * 512 + 513 * HORIZON)
    + 29 * 513 * WINDOW,
}


def settings():
    """The code of each net in the table."""
    section = read(ROOT / "docs" / "nets.md").split("## If you look for")[1]
    rows = re.findall(
        r"^\| ([^|(]+?) (?:\([^|]*\) )?\| `(\w+\(.*\))` \|$", section, re.M
    )
    return dict(rows)


@pytest.fixture(scope="module")
def samples():
    hours = pd.date_range("2020", periods=WINDOW + HORIZON + 8, freq="h")
    values = np.random.default_rng(0).normal(size=(len(hours), CHANNELS)).cumsum(axis=0)
    series = pd.DataFrame(values, index=hours).add_prefix("channel")
    X, y, _ = sktsdl.make_supervised(
        series, target=list(series.columns), horizon=HORIZON
    )
    return sktsdl.SlidingWindow(WINDOW).fit_transform(X), y


def test_every_setting_is_tested():
    assert settings().keys() == WEIGHTS.keys()


@pytest.mark.parametrize("name", WEIGHTS)
def test_the_number_of_weights(name, samples):
    X, y = samples
    net = eval(settings()[name], vars(sktsdl)).set_params(max_epochs=1, random_state=0)
    if not net.channel_independent:
        X, y = X[:, :, :1], y.iloc[:, :HORIZON]
    assert net.fit(X, y).n_parameters_ == WEIGHTS[name]
