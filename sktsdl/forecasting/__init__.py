"""What is done every day with a regressor: forecasts, backtests, and later rows."""

from sktsdl.forecasting._append_history import append_history
from sktsdl.forecasting._backtest import backtest
from sktsdl.forecasting._forecast import forecast

__all__ = ["append_history", "backtest", "forecast"]
