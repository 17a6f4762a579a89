"""Prediction intervals of MAPIE, and the package's own around a fitted model."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import KFold

from sktsdl import ConformalRegressor, SlidingWindow
from tests.ecosystem.models import TEST, TRAIN, X, Y, fitted, net, pipeline

LATER = slice(110, 120)
CALIBRATION = slice(90, 110)
LEVEL = 0.8


def half_width(model):
    """The conformal quantile of the calibration rows, by its definition."""
    residuals = np.sort(np.abs(model.predict(X[CALIBRATION]) - Y[CALIBRATION]))
    return residuals[int(np.ceil(21 * LEVEL)) - 1]


def test_the_intervals_of_a_fitted_model():
    model = fitted()
    frozen = ConformalRegressor(FrozenEstimator(model), confidence_level=LEVEL)
    frozen.fit(X[CALIBRATION], Y[CALIBRATION])
    lower, upper = frozen.predict_interval(X[TEST])
    np.testing.assert_allclose((lower + upper) / 2, model.predict(X[TEST]))
    np.testing.assert_allclose(upper - lower, 2 * half_width(model))


@pytest.fixture
def mapie():
    return pytest.importorskip("mapie.regression")


# MAPIE tries the model on an array of zeros.
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_split_conformal_of_a_fitted_pipeline_needs_it_frozen(mapie):
    model = fitted()
    split = mapie.SplitConformalRegressor(
        FrozenEstimator(model), confidence_level=LEVEL, prefit=True
    ).conformalize(X[CALIBRATION], Y[CALIBRATION])
    forecasts, ends = split.predict_interval(X[TEST])
    np.testing.assert_array_equal(forecasts, model.predict(X[TEST]))
    width = ends[:, 1, 0] - ends[:, 0, 0]
    np.testing.assert_allclose(width, 2 * half_width(model))
    split = mapie.SplitConformalRegressor(model, confidence_level=LEVEL, prefit=True)
    with pytest.raises(UserWarning, match="minimal prediction test"):
        split.conformalize(X[CALIBRATION], Y[CALIBRATION])


@pytest.mark.filterwarnings("ignore::UserWarning")  # folds leave gaps in the rows
@pytest.mark.parametrize("as_windows", [False, True])
def test_cross_conformal(mapie, as_windows):
    model, rows = pipeline(), X
    if as_windows:
        model, rows = net(), SlidingWindow(6, pad="edge").fit_transform(X)
    cross = mapie.CrossConformalRegressor(model, confidence_level=LEVEL, cv=KFold(3))
    cross.fit_conformalize(rows[TRAIN], Y[TRAIN])
    _, ends = cross.predict_interval(rows[TEST])
    assert (ends[:, 0] < ends[:, 1]).all()


def test_enbpi_after_the_windows(mapie):
    subsample = pytest.importorskip("mapie.subsample")
    enbpi = mapie.TimeSeriesRegressor(
        net(), cv=subsample.BlockBootstrap(5, n_blocks=9, random_state=0)
    )
    windows = SlidingWindow(6, pad="edge").fit(X[TRAIN])
    enbpi.fit(windows.transform(X[TRAIN]), Y[TRAIN])
    forecasts, ends = enbpi.predict(windows.transform(X[TEST]), confidence_level=LEVEL)
    assert forecasts.shape == (30,)
    assert (ends[:, 0] < ends[:, 1]).all()


def test_adaptive_intervals_of_arrays(mapie):
    model = pipeline().fit(X[TRAIN].to_numpy(), Y[TRAIN])
    adaptive = mapie.TimeSeriesRegressor(
        FrozenEstimator(model), method="aci", cv="prefit"
    ).fit(X[CALIBRATION].to_numpy(), Y[CALIBRATION].to_numpy())
    rows = X[TEST].to_numpy()
    forecasts, ends = adaptive.predict(rows, confidence_level=LEVEL)
    np.testing.assert_array_equal(forecasts, model.predict(rows))
    assert (ends[:, 0] < ends[:, 1]).all()


class Quantile(RegressorMixin, BaseEstimator):
    """One of the quantiles of a fitted net."""

    fitted_ = True  # MAPIE asks for it

    def __init__(self, model, position):
        self.model = model
        self.position = position

    def fit(self, X, y):
        return self

    def predict(self, X):
        _, quantiles = self.model.predict(X, return_quantiles=True)
        return quantiles[:, self.position]


def test_conformalized_quantiles_of_one_net(mapie):
    model = fitted(pipeline(net(loss="quantile", quantiles=(0.1, 0.5, 0.9))))
    lower_upper_median = [Quantile(model, position) for position in (0, 2, 1)]
    conformal = mapie.ConformalizedQuantileRegressor(
        lower_upper_median, confidence_level=LEVEL, prefit=True
    ).conformalize(X[CALIBRATION], Y[CALIBRATION])
    forecasts, ends = conformal.predict_interval(X[TEST])
    np.testing.assert_array_equal(forecasts, model.predict(X[TEST]))
    _, quantiles = model.predict(X[TEST], return_quantiles=True)
    shift = quantiles[:, 0] - ends[:, 0, 0]
    np.testing.assert_allclose(shift, shift[0])
