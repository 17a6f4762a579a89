"""Steps of a pipeline: look-back steps, lag tables as windows, features of windows.

Each of them keeps the rows' number, order and index.
"""

from sktsdl.preprocessing._forward_fill import ForwardFill
from sktsdl.preprocessing._lags_to_windows import LagsToWindows
from sktsdl.preprocessing._mini_rocket import MiniRocket
from sktsdl.preprocessing._ratio_log_scaler import RatioLogScaler
from sktsdl.preprocessing._seasonal_difference import SeasonalDifference
from sktsdl.preprocessing._sliding_window import SlidingWindow
from sktsdl.preprocessing._with_history import WithHistory

__all__ = [
    "ForwardFill",
    "LagsToWindows",
    "MiniRocket",
    "RatioLogScaler",
    "SeasonalDifference",
    "SlidingWindow",
    "WithHistory",
]
