"""Deep nets for time series that behave like any scikit-learn regressor."""

import torch  # noqa: F401  # first: loading it after pandas and scikit-learn is slower

from sktsdl import datasets, distributed, inspection, metrics
from sktsdl.architectures.attention_lstm import AttentionLSTMRegressor
from sktsdl.architectures.bilstm import BiLSTMRegressor
from sktsdl.architectures.cnn import CNNRegressor
from sktsdl.architectures.cnn_lstm import CNNLSTMRegressor
from sktsdl.architectures.gru import GRURegressor
from sktsdl.architectures.itransformer import ITransformerRegressor
from sktsdl.architectures.lstm import LSTMRegressor
from sktsdl.architectures.nbeats import NBEATSRegressor
from sktsdl.architectures.nhits import NHiTSRegressor
from sktsdl.architectures.rnn import RNNRegressor
from sktsdl.architectures.seq2seq import Seq2SeqRegressor
from sktsdl.architectures.tcn import TCNRegressor
from sktsdl.architectures.tft import TFTRegressor
from sktsdl.architectures.tide import TiDERegressor
from sktsdl.architectures.transformer import TransformerRegressor
from sktsdl.architectures.tsmixer import TSMixerRegressor
from sktsdl.architectures.wavenet import WaveNetRegressor
from sktsdl.architectures.window_mlp import WindowMLPRegressor
from sktsdl.baseline import SeasonalNaiveRegressor
from sktsdl.compose import (
    ConformalRegressor,
    MultiTaskNet,
    NetClassifier,
    PurgedRegressor,
    RelativeTargetRegressor,
    SeedEnsemble,
)
from sktsdl.forecasting import append_history, backtest, forecast
from sktsdl.model_selection import PanelTimeSeriesSplit
from sktsdl.persistence import load
from sktsdl.preprocessing import (
    ForwardFill,
    LagsToWindows,
    MiniRocket,
    RatioLogScaler,
    SeasonalDifference,
    SlidingWindow,
    WithHistory,
)
from sktsdl.supervised import make_supervised

__version__ = "0.1.0"

__all__ = [
    "AttentionLSTMRegressor",
    "BiLSTMRegressor",
    "CNNLSTMRegressor",
    "CNNRegressor",
    "ConformalRegressor",
    "ForwardFill",
    "GRURegressor",
    "ITransformerRegressor",
    "LSTMRegressor",
    "LagsToWindows",
    "MiniRocket",
    "MultiTaskNet",
    "NBEATSRegressor",
    "NHiTSRegressor",
    "NetClassifier",
    "PanelTimeSeriesSplit",
    "PurgedRegressor",
    "RNNRegressor",
    "RatioLogScaler",
    "RelativeTargetRegressor",
    "SeasonalDifference",
    "SeasonalNaiveRegressor",
    "SeedEnsemble",
    "Seq2SeqRegressor",
    "SlidingWindow",
    "TCNRegressor",
    "TFTRegressor",
    "TSMixerRegressor",
    "TiDERegressor",
    "TransformerRegressor",
    "WaveNetRegressor",
    "WindowMLPRegressor",
    "WithHistory",
    "append_history",
    "backtest",
    "datasets",
    "distributed",
    "forecast",
    "inspection",
    "load",
    "make_supervised",
    "metrics",
]
