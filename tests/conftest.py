"""What all tests share: one thread, no plot windows, and a real series."""

import matplotlib as mpl
import pandas as pd
import pytest
import torch

from sktsdl import make_supervised
from sktsdl.datasets import load_air_passengers

torch.set_num_threads(1)
mpl.use("Agg")


@pytest.fixture(scope="session")
def air_passengers() -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """AirPassengers: `X`, the next month as `y`, and the last month."""
    return make_supervised(load_air_passengers(), target="passengers")
