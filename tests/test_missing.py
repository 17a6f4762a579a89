"""Columns without a known value, or with too few, are named."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from sktsdl import (
    LSTMRegressor,
    MultiTaskNet,
    PurgedRegressor,
    RatioLogScaler,
    SeasonalDifference,
    SlidingWindow,
    WindowMLPRegressor,
)
from sktsdl.inspection import channel_importance, lag_importance
from tests.series import levels

NET = WindowMLPRegressor(hidden_sizes=(2,), max_epochs=1, random_state=0)
FLAT = SlidingWindow(5, flatten=True, pad="edge")
MODELS = {
    "net": lambda: make_pipeline(SlidingWindow(5), NET),
    "every step": lambda: make_pipeline(
        SlidingWindow(5), LSTMRegressor(max_epochs=1, loss_steps="all")
    ),
    "differences": lambda: make_pipeline(SeasonalDifference(2), SlidingWindow(5), NET),
    "ratios": lambda: make_pipeline(RatioLogScaler(), SlidingWindow(5), NET),
    "purged": lambda: make_pipeline(SlidingWindow(5), PurgedRegressor(NET, purge=1)),
    "tasks": lambda: make_pipeline(SlidingWindow(5), MultiTaskNet(NET)),
    "edge": lambda: make_pipeline(FLAT, Ridge()),
}


def with_nan(X, n, as_frame):
    """Return `X` with NaN in the first `n` rows of its second column."""
    X = X.copy()
    X.iloc[:n, 1] = np.nan
    return X if as_frame else X.to_numpy()


@pytest.mark.parametrize("as_frame", [True, False])
@pytest.mark.parametrize("n", [60, 58])
@pytest.mark.parametrize("kind", MODELS)
def test_a_column_without_enough_known_values_is_named(kind, n, as_frame):
    X, y = levels()
    name = "column 'bus'" if as_frame else "column 1"
    y = y.to_frame() if kind == "tasks" else y
    with pytest.raises(ValueError, match=name):
        MODELS[kind]().fit(with_nan(X, n, as_frame), y)


@pytest.mark.parametrize("method", ["partial_fit", "X_val", "independent"])
def test_every_way_into_a_net_names_the_column(method):
    X, y = levels()
    windows = SlidingWindow(5).fit_transform(X)
    empty = SlidingWindow(5).fit_transform(with_nan(X, 60, True))
    if method == "X_val":
        with pytest.raises(
            ValueError, match=r"No window in X_val.*column 'bus' is NaN"
        ):
            NET.fit(windows, y, X_val=empty, y_val=y)
    elif method == "partial_fit":
        with pytest.raises(ValueError, match=r"60 windows.*column 'bus' is NaN in all"):
            NET.partial_fit(empty, y)
    else:
        samples = np.ones((60, 5, 2))
        samples[:, :2, 1] = np.nan
        with pytest.raises(ValueError, match="column 1 is NaN at the start of each"):
            NET.fit(samples, y)


def test_short_rows_name_no_column():
    X, y = levels()
    with pytest.raises(ValueError, match="all start with NaN, for unknown history"):
        make_pipeline(SlidingWindow(5), NET).fit(X[:4], y[:4])
    with pytest.raises(ValueError, match=r"n_samples=4\), fewer than window=5"):
        FLAT.fit(X[:4])


@pytest.mark.parametrize("importance", [channel_importance, lag_importance])
def test_importances_name_the_column(importance):
    X, y = levels()
    model = MODELS["net"]().fit(X, y)
    windows = SlidingWindow(5).fit_transform(with_nan(X, 60, True))
    with pytest.raises(ValueError, match="60 windows of X is complete: column 'bus'"):
        importance(model[-1], windows, y)


@pytest.mark.parametrize("as_frame", [True, False])
@pytest.mark.parametrize("kind", ["net", "purged", "edge"])
def test_a_column_without_a_known_value_at_prediction_warns(kind, as_frame):
    X, y = levels()
    model = MODELS[kind]().fit(X if as_frame else X.to_numpy(), y)
    name = "column 'bus'" if as_frame else "column 1"
    with pytest.warns(UserWarning, match=f"no known value in {name}.*mean") as caught:
        model.predict(with_nan(X, 60, as_frame))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    model.predict(with_nan(X, 50, as_frame))  # of unknown history


@pytest.mark.parametrize("kind", ["net", "differences", "ratios", "purged", "tasks"])
@pytest.mark.parametrize("row", [30, 50, 59, 60])
@pytest.mark.parametrize("many", [False, True])
def test_a_missing_row_of_a_known_time_is_an_error(kind, row, many):
    X, y = levels(61)
    if many:
        X, y = (pd.concat({"a": part, "b": part}) for part in (X, y))
    at = X.index.get_level_values(-1)
    is_train = at < at[60]
    y = y.to_frame() if kind == "tasks" else y
    model = MODELS[kind]().fit(X[is_train], y[is_train])
    missing = X[at == at[row]].astype(float)
    missing.iloc[-1] = np.nan
    with pytest.raises(ValueError, match=r"contains NaN in row .*put `ForwardFill`"):
        model.predict(missing)
