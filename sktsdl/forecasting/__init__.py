"""What is done every day with a regressor: dated forecasts."""

from sktsdl.forecasting._forecast import forecast

__all__ = ["forecast"]
