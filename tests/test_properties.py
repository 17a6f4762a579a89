"""What holds for every pipeline, whatever its steps, sizes, rows and index are."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktsdl import (
    RatioLogScaler,
    RelativeTargetRegressor,
    SeasonalDifference,
    SlidingWindow,
    WindowMLPRegressor,
    make_supervised,
)
from tests.series import INDEXES, TIMED, as_in_whole_series, part, series

N_TRAIN = 30  # more rows than all steps together look back
TOLERANCES = {
    "f8": {"rtol": 1e-9, "atol": 1e-9},
    "f4": {"rtol": 1e-2, "atol": 1e-3},
    "i8": {"rtol": 1e-9, "atol": 1e-9},
}


@st.composite
def inversible_steps(draw, most=3):
    """Draw up to `most` steps that look back, perhaps with a scaler between."""
    n_steps = draw(st.integers(1, most))
    periods = draw(st.lists(st.integers(1, 5), min_size=n_steps, max_size=n_steps))
    steps = [SeasonalDifference(period) for period in periods]
    if draw(st.booleans()):
        offset, epsilon = draw(st.sampled_from([(0.0, 1e-8), (2.0, 1e-3)]))
        steps[0] = RatioLogScaler(offset=offset, epsilon=epsilon)
    if draw(st.booleans()):
        steps.insert(draw(st.integers(1, n_steps)), StandardScaler())
    return steps


@st.composite
def chains(draw):
    """Draw a pipeline of up to three steps that look back, windows last."""
    steps = draw(inversible_steps(most=2)) if draw(st.booleans()) else []
    window = SlidingWindow(draw(st.integers(1, 7)), flatten=draw(st.booleans()))
    return make_pipeline(*steps, window)


@st.composite
def rows_of(draw, indexes=tuple(INDEXES)):
    """Draw positive rows of a dtype, with one of `indexes`."""
    index = draw(st.sampled_from(indexes))
    n = N_TRAIN + draw(st.integers(12, 40))
    X = series(INDEXES[index], seed=draw(st.integers(0, 99)), n=n)
    dtype = draw(st.sampled_from(list(TOLERANCES)))
    return (100 * X + 1).astype(dtype), TOLERANCES[dtype]


def whole(chain, X):
    """Return a fitted chain's output for the whole series."""
    rows = np.asarray(X)
    for _, step in chain.steps:
        rows = as_in_whole_series(step, rows)
    return rows


def flat(windows):
    return np.asarray(windows).reshape(len(windows), -1)


def many(n):
    return settings(max_examples=n, deadline=None)


@pytest.fixture(autouse=True)
def _names():
    # A StandardScaler that is given an array after a frame.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        yield


@given(chain=chains(), drawn=rows_of(), n_test=st.integers(1, 12))
@many(150)
def test_a_fold_is_transformed_as_in_the_whole_series(chain, drawn, n_test):
    X, tolerance = drawn
    chain.fit(part(X, 0, N_TRAIN))
    seen = chain.transform(part(X, N_TRAIN, N_TRAIN + n_test))
    expected = whole(chain, X)[N_TRAIN : N_TRAIN + n_test]
    assert not np.isnan(expected).any()
    np.testing.assert_allclose(flat(seen), expected, **tolerance)


@given(chain=chains(), drawn=rows_of(), n_new=st.integers(1, 42))
@many(100)
def test_training_rows_are_transformed_as_in_training(chain, drawn, n_new):
    X, tolerance = drawn
    in_sample = flat(chain.fit_transform(part(X, 0, N_TRAIN)))
    np.testing.assert_allclose(in_sample, whole(chain, X)[:N_TRAIN], **tolerance)
    seen = flat(chain.transform(part(X, 0, n_new)))
    assert len(seen) == n_new
    n = min(n_new, N_TRAIN)
    np.testing.assert_array_equal(seen[:n], in_sample[:n])
    np.testing.assert_allclose(seen, whole(chain, X)[:n_new], **tolerance)


GAPS = [index for index in TIMED if index != "business days"]  # holidays are no gaps


@given(chain=chains(), drawn=rows_of(GAPS), gap=st.integers(1, 3))
@many(100)
def test_no_history_is_taken_across_a_gap(chain, drawn, gap):
    X, tolerance = drawn
    chain.fit(part(X, 0, N_TRAIN))
    later = part(X, N_TRAIN + gap, len(X) - 3 + gap)
    expected = whole(chain, later)
    if np.isnan(expected).any():
        with pytest.warns(UserWarning, match="after a gap"):
            seen = chain.transform(later)
    else:
        seen = chain.transform(later)
    np.testing.assert_allclose(flat(seen), expected, **tolerance)


@given(
    chain=chains(), drawn=rows_of(), n_clean=st.integers(1, 41), in_sample=st.booleans()
)
@many(100)
def test_no_output_depends_on_later_rows(chain, drawn, n_clean, in_sample):
    X, _ = drawn
    chain.fit(part(X, 0, N_TRAIN))
    X_new = X if in_sample else part(X, N_TRAIN, len(X))
    n_clean = min(n_clean, len(X_new))
    later = np.arange(len(X_new)) >= n_clean
    poisoned = X_new.copy()
    poisoned[later] = 7 * poisoned[later]
    clean = flat(chain.transform(X_new))[:n_clean]
    np.testing.assert_array_equal(flat(chain.transform(poisoned))[:n_clean], clean)


@given(
    steps=inversible_steps(),
    drawn=rows_of(),
    start=st.sampled_from([0, N_TRAIN]),
    n_new=st.integers(1, 80),
)
@many(150)
def test_inverse_transform_gives_the_levels_back(steps, drawn, start, n_new):
    X, _ = drawn
    chain = make_pipeline(*steps).fit(part(X, 0, N_TRAIN))
    if start == 0:
        n_new = max(n_new, 16)  # fewer rows would all be differenced to NaN
    X_new = part(X, start, start + n_new)
    back = chain.inverse_transform(chain.transform(X_new))
    rtol = 1e-3 if np.asarray(X_new).dtype == "f4" else 1e-9
    np.testing.assert_allclose(back, X_new, rtol=rtol)
    # scikit-learn's scaler inverts to an array, and each step here keeps its input.
    scaled = any(isinstance(step, StandardScaler) for step in steps)
    is_frame = isinstance(X, pd.DataFrame) and not scaled
    assert isinstance(back, pd.DataFrame) == is_frame
    if is_frame:
        pd.testing.assert_index_equal(back.index, X_new.index)
        assert list(back.columns) == ["rail", "bus"]


@given(
    drawn=rows_of(),
    horizon=st.integers(1, 5),
    n_targets=st.integers(1, 2),
    known=st.booleans(),
)
@many(60)
def test_targets_are_the_next_rows(drawn, horizon, n_targets, known):
    rows, _ = drawn
    data = pd.DataFrame(np.asarray(rows)).set_axis(["rail", "bus"], axis=1)
    target = ["rail", "bus"][:n_targets]
    known_future = ["bus"] if known and n_targets == 1 else []
    X, y, latest = make_supervised(
        data, target=target, horizon=horizon, known_future=known_future
    )
    n = len(data) - horizon
    assert (len(X), len(y), len(latest)) == (n, n, horizon)
    for i, name in enumerate(target):
        for step in range(1, horizon + 1):
            found = y.iloc[:, i * horizon + step - 1]
            np.testing.assert_array_equal(found, data[name][step : step + n])
    for step in range(1, horizon + 1 if known_future else 1):
        ahead = pd.concat([X, latest])[f"bus+{step}"]
        np.testing.assert_array_equal(ahead[:-step], data["bus"][step:])


@given(
    chain=chains(),
    drawn=rows_of(),
    horizon=st.integers(1, 3),
    n_test=st.integers(1, 9),
    relation=st.sampled_from([None, "difference", "ratio"]),
)
@many(40)
def test_a_forecast_is_the_same_alone_and_behind_the_training_rows(
    chain, drawn, horizon, n_test, relation
):
    rows, _ = drawn
    names = None if isinstance(rows, np.ndarray) else list(rows.columns)
    target = 0 if names is None else names[0]
    X, y, _ = make_supervised(rows, target=target, horizon=horizon)
    net = WindowMLPRegressor(hidden_sizes=(2,), max_epochs=1, random_state=0)
    chain[-1].set_params(flatten=False)
    model = make_pipeline(*(step for _, step in chain.steps), net)
    if relation:
        model = RelativeTargetRegressor(model, relation=relation)
    model.fit(part(X, 0, N_TRAIN), part(y, 0, N_TRAIN))
    alone = model.predict(part(X, N_TRAIN, N_TRAIN + n_test))
    behind = model.predict(part(X, 0, N_TRAIN + n_test))
    assert alone.shape == ((n_test, horizon) if horizon > 1 else (n_test,))
    assert len(behind) == N_TRAIN + n_test
    assert np.isfinite(behind).all()
    np.testing.assert_allclose(behind[N_TRAIN:], alone, rtol=1e-4, atol=1e-4)
