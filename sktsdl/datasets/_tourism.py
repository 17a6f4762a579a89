"""Monthly series of tourism."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from sktsdl._sklearn.docs import fill_docs
from sktsdl.datasets._files import TEXTS, SourceFile

URL = (
    "https://github.com/ellisp/Tcomp-r-package/raw/"
    "33503f9c4bb71c33b8617db64f5ae11bc9cc7e0e/source-data"
)
TRAIN = SourceFile(
    "tourism/monthly_in.csv",
    f"{URL}/monthly_in.csv",
    "2bb465c20122468b882d827794754bbcddcf4e5047b33d7607e9c3c7f443b46d",
)
TEST = SourceFile(
    "tourism/monthly_oos.csv",
    f"{URL}/monthly_oos.csv",
    "de6684ab98a13e277195646848fb10c1c9a37d1598b9ef326ba29caddcf0ea4e",
)


def fetch_tourism(
    data_home: str | os.PathLike[str] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fetch the 366 monthly series of the tourism forecasting competition [1]_.

    The files are read from a local folder, and downloaded into it if they are not
    there. Their checksums are verified.

    Parameters
    ----------
    {data_home}

    Returns
    -------
    train : DataFrame of shape (100496, 1)
        The column ``value``, in units of each series. The index has the levels
        ``series`` (``"m1"`` to ``"m366"``) and ``month``, a period. The series have 67
        to 309 months, and end at different times.
    test : DataFrame of shape (8784, 1)
        The 24 months that follow training in each series.

    Raises
    ------
    OSError
        If a file is not in the folder and cannot be downloaded.
    ValueError
        If a file has another checksum than expected.

    References
    ----------
    .. [1] G. Athanasopoulos, R. J. Hyndman, H. Song and D. C. Wu (2011). The tourism
       forecasting competition. International Journal of Forecasting 27(3). Copy of P.
       Ellis, https://github.com/ellisp/Tcomp-r-package.

    Examples
    --------
    >>> from sktsdl.datasets import fetch_tourism
    >>> train, test = fetch_tourism()  # doctest: +SKIP
    >>> test.head(2)  # doctest: +SKIP
                        value
    series month
    m1     1992-08  6611.1150
           1992-09  4150.2395
    """
    train, test = (_series_in(file.in_folder(data_home)) for file in (TRAIN, TEST))
    return train, test


def _series_in(path: Path) -> pd.DataFrame:
    """Read a file with a series in each column, below its length and first month."""
    table = pd.read_csv(path)
    n_rows, year, month = table.iloc[:3].to_numpy(int)
    values = table.iloc[3:].to_numpy(float).T
    series, row = np.nonzero(np.arange(values.shape[1]) < n_rows[:, None])
    months = 12 * (year - 1970) + month - 1
    dates = pd.DatetimeIndex((months[series] + row).astype("datetime64[M]"))
    index = pd.MultiIndex.from_arrays(
        [table.columns[series], dates.to_period("M")], names=["series", "month"]
    )
    return pd.DataFrame({"value": values[series, row]}, index=index)


fill_docs(fetch_tourism, TEXTS)
