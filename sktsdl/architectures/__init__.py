"""One file for each architecture: its module and its regressor, side by side."""

from sktsdl.architectures.attention_lstm import AttentionLSTMRegressor
from sktsdl.architectures.bilstm import BiLSTMRegressor
from sktsdl.architectures.cnn import CNNRegressor
from sktsdl.architectures.cnn_lstm import CNNLSTMRegressor
from sktsdl.architectures.gru import GRURegressor
from sktsdl.architectures.lstm import LSTMRegressor
from sktsdl.architectures.rnn import RNNRegressor
from sktsdl.architectures.seq2seq import Seq2SeqRegressor
from sktsdl.architectures.tcn import TCNRegressor
from sktsdl.architectures.transformer import TransformerRegressor
from sktsdl.architectures.wavenet import WaveNetRegressor
from sktsdl.architectures.window_mlp import WindowMLPRegressor

__all__ = [
    "AttentionLSTMRegressor",
    "BiLSTMRegressor",
    "CNNLSTMRegressor",
    "CNNRegressor",
    "GRURegressor",
    "LSTMRegressor",
    "RNNRegressor",
    "Seq2SeqRegressor",
    "TCNRegressor",
    "TransformerRegressor",
    "WaveNetRegressor",
    "WindowMLPRegressor",
]
