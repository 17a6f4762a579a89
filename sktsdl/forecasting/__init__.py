"""What is done every day with a regressor: dated forecasts, and those of the past."""

from sktsdl.forecasting._backtest import backtest
from sktsdl.forecasting._forecast import forecast

__all__ = ["backtest", "forecast"]
