"""Real and synthetic series, as DataFrames with a time index."""

from sktsdl.datasets._air_passengers import load_air_passengers
from sktsdl.datasets._cta_ridership import fetch_cta_ridership
from sktsdl.datasets._m4 import fetch_m4
from sktsdl.datasets._panel import make_panel
from sktsdl.datasets._sinusoid import make_sinusoid
from sktsdl.datasets._tourism import fetch_tourism

__all__ = [
    "fetch_cta_ridership",
    "fetch_m4",
    "fetch_tourism",
    "load_air_passengers",
    "make_panel",
    "make_sinusoid",
]
