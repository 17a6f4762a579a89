"""Real and synthetic series, as DataFrames with a time index."""

from sktsdl.datasets._air_passengers import load_air_passengers
from sktsdl.datasets._cta_ridership import fetch_cta_ridership
from sktsdl.datasets._sinusoid import make_sinusoid

__all__ = ["fetch_cta_ridership", "load_air_passengers", "make_sinusoid"]
