"""Series that several test files use."""

import numpy as np
import pandas as pd


def levels(n=60, start="2020-02-01", seed=0):
    """Positive rows with a daily index, and the next value of the first column."""
    rng = np.random.default_rng(seed)
    rows = np.exp(rng.normal(0, 0.1, size=(n + 1, 2)).cumsum(axis=0))
    index = pd.date_range(start, periods=n, freq="D")
    X = pd.DataFrame(rows[:-1].copy(), index=index, columns=["rail", "bus"])
    return X, pd.Series(rows[1:, 0], index=index)
