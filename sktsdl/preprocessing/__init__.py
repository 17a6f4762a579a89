"""Steps that look back: they keep the rows' number, order and index."""

from sktsdl.preprocessing._ratio_log_scaler import RatioLogScaler
from sktsdl.preprocessing._seasonal_difference import SeasonalDifference
from sktsdl.preprocessing._sliding_window import SlidingWindow
from sktsdl.preprocessing._with_history import WithHistory

__all__ = [
    "RatioLogScaler",
    "SeasonalDifference",
    "SlidingWindow",
    "WithHistory",
]
