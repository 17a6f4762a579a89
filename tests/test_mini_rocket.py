"""MiniRocket: its equations, unknown history, channels, and what it refuses."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import RidgeClassifierCV, RidgeCV
from sklearn.pipeline import make_pipeline

from sktsdl import MiniRocket, SlidingWindow, make_supervised
from sktsdl.datasets import make_panel, make_sinusoid

KERNELS = list(combinations(range(9), 3))


def walks(n=12, window=40, n_channels=1, seed=0):
    steps = np.random.default_rng(seed).normal(size=(n, window, n_channels))
    return steps.cumsum(axis=1)


def rocket(**params):
    return MiniRocket(**{"n_kernels": 420, "random_state": 0} | params)


def convolved(window, kernel, dilation, channels):
    """The outputs of a kernel by `np.convolve`, (window,)."""
    weights = np.zeros(8 * dilation + 1)
    weights[::dilation] = -1
    weights[np.array(kernel) * dilation] = 2
    n_before = 4 * dilation
    full = sum(np.convolve(window[:, s], weights[::-1]) for s in channels)
    return full[n_before : n_before + len(window)]


def by_definition(step, windows, margin):
    """The features, one kernel and window after another, of biases plus a margin."""
    rows = []
    for window in windows:
        biases, row = list(step.biases_), []
        channels = iter(step._channels)
        for i, dilation in enumerate(step.dilations_):
            for k, kernel in enumerate(KERNELS):
                output = convolved(window, kernel, dilation, next(channels))
                if (i + k) % 2 and len(window) >= 9:
                    output = output[4 * dilation : len(window) - 4 * dilation]
                n = step._counts[i]
                row += [(output > bias + margin).mean() for bias in biases[:n]]
                del biases[:n]
        assert not biases
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize("n_channels", [1, 3, 12])
@pytest.mark.parametrize("window", [2, 8, 9, 40, 300])
def test_features_are_by_the_definition(window, n_channels):
    windows = walks(4, window, n_channels)
    step = rocket().fit(windows)
    found = step.transform(windows)
    assert found.shape == (4, 420)
    # Outputs that are equal but for a rounding error may be on either side of a bias.
    low, high = (by_definition(step, windows, margin) for margin in (1e-5, -1e-5))
    assert (low - 1e-6 <= found).all()
    assert (found <= high + 1e-6).all()
    assert window < 9 or (high - low).mean() < 0.01
    assert 0 < found.mean() < 1


def test_biases_are_quantiles_of_a_training_window():
    windows = walks(1, 30)
    step = rocket().fit(windows)
    levels = np.arange(1, 421) * (1 + 5**0.5) / 2 % 1
    outputs = [
        convolved(windows[0], kernel, dilation, [0])
        for dilation, count in zip(step.dilations_, step._counts, strict=True)
        for kernel in KERNELS
        for _ in range(count)
    ]
    pairs = zip(outputs, levels, strict=True)
    expected = [np.quantile(output, level) for output, level in pairs]
    np.testing.assert_allclose(step.biases_, expected, atol=1e-5)


def test_biases_come_from_many_windows():
    windows = np.arange(1.0, 21.0)[:, None, None] * walks(1, 30)
    step = rocket().fit(windows)
    one = rocket().fit(windows[:1])
    large = np.abs(one.biases_) > 0.1
    factors = np.unique((step.biases_ / one.biases_)[large].round(2))
    assert len(factors) > 15
    assert set(factors) <= set(range(1, 21))


def test_dilations_are_those_of_the_reference():
    """Of aeon 1.6, whose features with the same biases are the same."""
    step = MiniRocket(random_state=0).fit(walks(3, 56))
    assert step.dilations_.tolist() == [1, 2, 3, 4, 5, 6]
    assert step._counts.tolist() == [45, 23, 18, 11, 11, 11]
    assert step.transform(walks(1, 56)).shape == (1, 9996)
    few = rocket(max_dilations=3, n_kernels=840).fit(walks(3, 56))
    assert few.dilations_.tolist() == [1, 2, 6]
    assert few._counts.sum() == 10


def test_each_kernel_takes_some_channels():
    step = MiniRocket(random_state=0).fit(walks(3, 56, 20))
    numbers = [len(channels) for channels in step._channels]
    assert (min(numbers), max(numbers)) == (1, 9)
    assert all(len(set(channels)) == len(channels) for channels in step._channels)
    assert set(np.concatenate(step._channels)) == set(range(20))


def test_rows_in_a_pipeline():
    X, y, X_latest = make_supervised(make_sinusoid(300, random_state=0), target="value")
    pipe = make_pipeline(SlidingWindow(24), MiniRocket(random_state=0), RidgeCV())
    pipe.fit(X[:240], y[:240])
    assert len(pipe.predict(X)) == len(X)
    assert pipe.score(X[240:], y[240:]) > 0.95
    assert pipe.fit(X, y).predict(X_latest).shape == (1,)


def test_samples_of_classes():
    t = np.arange(50) / 5
    rng = np.random.default_rng(0)
    phases = rng.uniform(0, 6, size=(80, 1))
    waves = np.where(np.arange(80)[:, None] % 2, np.sin(t + phases), (t + phases) % 1)
    labels = np.where(np.arange(80) % 2, "sine", "saw")
    model = make_pipeline(rocket(), RidgeClassifierCV())
    model.fit(waves[:40] + rng.normal(0, 0.1, size=(40, 50)), labels[:40])
    assert model.score(waves[40:], labels[40:]) == 1.0


@pytest.mark.parametrize("n_channels", [1, 2])
def test_unknown_history_is_left_out_and_filled(n_channels):
    rows = walks(1, 60, n_channels)[0]
    step = SlidingWindow(20)
    windows = step.fit_transform(rows)
    found = rocket().fit_transform(windows)
    whole = rocket().fit(windows[19:])
    np.testing.assert_array_equal(rocket().fit(windows).biases_, whole.biases_)
    filled = SlidingWindow(20, pad="edge").fit_transform(rows)
    np.testing.assert_array_equal(found, whole.transform(np.asarray(filled)))


def test_a_window_without_a_known_value_takes_the_training_mean():
    windows = walks(5, 20, 2)
    step = rocket().fit(windows)
    unknown, filled = windows.copy(), windows.copy()
    unknown[2, :, 1], filled[2, :, 1] = np.nan, windows[:, :, 1].mean()
    np.testing.assert_allclose(step.mean_, windows.mean(axis=(0, 1)))
    np.testing.assert_array_equal(step.transform(unknown), step.transform(filled))


def test_a_panel_is_each_series_by_itself():
    X, y, X_latest = make_supervised(
        make_panel(random_state=0)[["units"]], target="units", horizon=7
    )
    pipe = make_pipeline(SlidingWindow(14), rocket(), RidgeCV()).fit(X, y)
    assert pipe.predict(X_latest).shape == (35, 7)
    together = pipe[:-1].transform(X_latest)
    for name, rows in X_latest.groupby(level=0):
        is_here = X_latest.index.get_level_values(0) == name
        np.testing.assert_array_equal(pipe[:-1].transform(rows), together[is_here])


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_window_has_the_same_features_alone(n_jobs):
    windows = walks(3000, 12)
    step = rocket(n_jobs=n_jobs, n_kernels=84).fit(windows)
    together = step.transform(windows)
    for i in (0, 1, 1500, 2999):
        np.testing.assert_array_equal(step.transform(windows[[i]])[0], together[i])
    later = step.transform(windows[7:])
    np.testing.assert_array_equal(later, together[7:])


def test_the_seed_decides():
    windows = walks(20, 30, 3)
    first, again, other = (rocket(random_state=seed).fit(windows) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.biases_, again.biases_)
    assert not np.array_equal(first.biases_, other.biases_)
    state = np.random.RandomState(0)
    shared = [rocket(random_state=state).fit(windows).biases_ for _ in range(2)]
    assert not np.array_equal(*shared)
    fresh = [rocket(random_state=None).fit(windows).biases_ for _ in range(2)]
    assert not np.array_equal(*fresh)


def test_float32_loses_nothing_to_the_level():
    windows = walks(6, 40)
    step = rocket().fit(windows)
    inner, start = [], 0  # features of the steps without padding
    for i, count in enumerate(step._counts):
        for k in range(84):
            inner += [*range(start, start + count)] * ((i + k) % 2)
            start += count
    high = step.transform(windows + 2.0**24)[:, inner]
    np.testing.assert_array_equal(high, step.transform(windows)[:, inner])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_names_and_index(dtype):
    index = pd.date_range("2024", periods=30)
    rows = pd.DataFrame(walks(1, 30)[0].astype(dtype), index=index, columns=["rail"])
    windows = SlidingWindow(10).fit_transform(rows)
    step = rocket().fit(windows)
    assert step.feature_names_in_.tolist() == ["rail"]
    names = [f"minirocket{i}" for i in range(420)]
    assert step.get_feature_names_out().tolist() == names
    plain = step.transform(windows)
    assert isinstance(plain, np.ndarray)
    assert plain.dtype == dtype
    frame = step.set_output(transform="pandas").transform(windows)
    assert frame.index.equals(index)
    assert frame.columns.tolist() == names
    np.testing.assert_array_equal(frame, plain)
    assert rocket().set_output(transform="polars").fit_transform(windows).height == 30


BAD_PARAMETERS = {
    "too few kernels": (
        {"n_kernels": 83},
        ValueError,
        "n_kernels == 83, must be >= 84",
    ),
    "half a kernel": ({"n_kernels": 84.5}, TypeError, "n_kernels must be an instance"),
    "no dilation": (
        {"max_dilations": 0},
        ValueError,
        "max_dilations == 0, must be >= ",
    ),
}


@pytest.mark.parametrize("kind", BAD_PARAMETERS)
def test_bad_parameters_are_refused(kind):
    params, error, message = BAD_PARAMETERS[kind]
    with pytest.raises(error, match=message):
        rocket(**params).fit(walks())


def test_bad_windows_are_refused():
    windows = walks(5, 20, 2)
    step = rocket().fit(windows)
    for other in (windows[:, 1:], windows[:, :, :1]):
        with pytest.raises(ValueError, match=r"expecting window=20, channels=2 as in"):
            step.transform(other)
    lost = windows.copy()
    lost[3, 5, 1] = np.nan
    for call in (step.transform, rocket().fit):
        with pytest.raises(
            ValueError, match=r"contains NaN in row 3, step 5 .*column 1"
        ):
            call(lost)
    rows = SlidingWindow(20).fit_transform(walks(1, 15)[0])
    with pytest.raises(
        ValueError, match=r"^No window in X is complete: all start with"
    ):
        rocket().fit(rows)
    with pytest.raises(ValueError, match=r"^Channel 1 of X holds 1e\+40, too far from"):
        step.transform(np.where(np.arange(2), 1e40, windows))


def test_channels_have_their_order():
    rows = pd.DataFrame(walks(1, 40, 2)[0], columns=["rail", "bus"])
    windows = SlidingWindow(10).fit_transform(rows)
    step = rocket().fit(windows)
    with pytest.raises(ValueError, match=r"channel 'bus' in place 0.*was 'rail'"):
        step.transform(windows[:, :, [1, 0]])


def test_warnings_of_axes_and_rows():
    with pytest.warns(UserWarning, match=r"is taken as \(n, time, channels\)"):
        rocket().fit(walks(5, 1, 20))
    frame = pd.DataFrame(walks(1, 30, 12)[0], index=pd.date_range("2024", periods=30))
    with pytest.warns(UserWarning, match="put `SlidingWindow` before this estimator"):
        rocket().fit(frame)
