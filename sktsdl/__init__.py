"""Deep nets for time series that behave like any scikit-learn regressor."""

from sktsdl import datasets
from sktsdl.architectures import (
    AttentionLSTMRegressor,
    BiLSTMRegressor,
    CNNLSTMRegressor,
    CNNRegressor,
    GRURegressor,
    LSTMRegressor,
    RNNRegressor,
    Seq2SeqRegressor,
    TCNRegressor,
    TransformerRegressor,
    WaveNetRegressor,
    WindowMLPRegressor,
)
from sktsdl.baseline import SeasonalNaiveRegressor
from sktsdl.compose import PurgedRegressor, RelativeTargetRegressor
from sktsdl.preprocessing import RatioLogScaler, SeasonalDifference, SlidingWindow
from sktsdl.supervised import make_supervised

__all__ = [
    "AttentionLSTMRegressor",
    "BiLSTMRegressor",
    "CNNLSTMRegressor",
    "CNNRegressor",
    "GRURegressor",
    "LSTMRegressor",
    "PurgedRegressor",
    "RNNRegressor",
    "RatioLogScaler",
    "RelativeTargetRegressor",
    "SeasonalDifference",
    "SeasonalNaiveRegressor",
    "Seq2SeqRegressor",
    "SlidingWindow",
    "TCNRegressor",
    "TransformerRegressor",
    "WaveNetRegressor",
    "WindowMLPRegressor",
    "datasets",
    "make_supervised",
]
