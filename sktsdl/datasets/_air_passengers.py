"""Monthly airline passengers."""

from importlib.resources import files

import pandas as pd


def load_air_passengers() -> pd.DataFrame:
    """Load the monthly totals of international airline passengers, 1949 to 1960.

    This is series G of Box and Jenkins [1]_. Its level and its seasonal swings grow.

    Returns
    -------
    series : DataFrame of shape (144, 1)
        The column ``passengers``, in thousands. The index is the first day of each
        month.

    References
    ----------
    .. [1] G. E. P. Box, G. M. Jenkins and G. C. Reinsel (1994). Time Series Analysis:
       Forecasting and Control, 3rd edition. Prentice-Hall.

    Examples
    --------
    >>> from sktsdl.datasets import load_air_passengers
    >>> load_air_passengers().tail(2)
                passengers
    month
    1960-11-01         390
    1960-12-01         432
    """
    path = files("sktsdl.datasets") / "air_passengers.csv"
    with path.open(encoding="utf-8") as file:
        return pd.read_csv(file, index_col="month", parse_dates=True).asfreq("MS")
