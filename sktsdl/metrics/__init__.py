"""Metrics of forecasts, of one series or as the mean over many."""

from sktsdl.metrics._percentage import owa, smape
from sktsdl.metrics._pinball import pinball_scorer
from sktsdl.metrics._scaled import mase, mase_weights, rmsse

__all__ = ["mase", "mase_weights", "owa", "pinball_scorer", "rmsse", "smape"]
