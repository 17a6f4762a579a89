"""Explanations of what a net learned, and pictures of its forecasts.

`integrated_gradients` needs ``pip install "sktsdl[explain]"``. The displays need
``pip install "sktsdl[plot]"``.
"""

from sktsdl.inspection._attention_display import AttentionDisplay
from sktsdl.inspection._attribution_display import AttributionDisplay
from sktsdl.inspection._attributions import integrated_gradients
from sktsdl.inspection._backtest_display import BacktestDisplay
from sktsdl.inspection._decomposition_display import DecompositionDisplay
from sktsdl.inspection._forecast_display import ForecastDisplay
from sktsdl.inspection._importance import channel_importance, lag_importance
from sktsdl.inspection._loss_curve_display import LossCurveDisplay
from sktsdl.inspection._residual_display import ResidualDisplay

__all__ = [
    "AttentionDisplay",
    "AttributionDisplay",
    "BacktestDisplay",
    "DecompositionDisplay",
    "ForecastDisplay",
    "LossCurveDisplay",
    "ResidualDisplay",
    "channel_importance",
    "integrated_gradients",
    "lag_importance",
]
