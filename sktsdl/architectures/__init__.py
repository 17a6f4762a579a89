"""One file for each architecture: its module and its regressor, side by side."""

from sktsdl.architectures.lstm import LSTMRegressor

__all__ = ["LSTMRegressor"]
