"""Deep nets for time series that behave like any scikit-learn regressor."""

from sktsdl import datasets
from sktsdl.architectures import LSTMRegressor
from sktsdl.baseline import SeasonalNaiveRegressor
from sktsdl.compose import PurgedRegressor, RelativeTargetRegressor
from sktsdl.preprocessing import RatioLogScaler, SeasonalDifference, SlidingWindow
from sktsdl.supervised import make_supervised

__all__ = [
    "LSTMRegressor",
    "PurgedRegressor",
    "RatioLogScaler",
    "RelativeTargetRegressor",
    "SeasonalDifference",
    "SeasonalNaiveRegressor",
    "SlidingWindow",
    "datasets",
    "make_supervised",
]
