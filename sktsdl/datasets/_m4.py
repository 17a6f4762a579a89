"""Hourly series of the M4 competition."""

import os

import numpy as np
import pandas as pd

from sktsdl._sklearn.docs import fill_docs
from sktsdl.datasets._files import TEXTS, SourceFile

URL = (
    "https://github.com/Mcompetitions/M4-methods/raw/"
    "6c1067e5a57161249b17289a565178dc7a3fb3ca/Dataset"
)
TRAIN = SourceFile(
    "m4/Hourly-train.csv",
    f"{URL}/Train/Hourly-train.csv",
    "ea59b7783573c49077a835ab6465c7d66f1474783360f310988a9a737fbca62f",
)
TEST = SourceFile(
    "m4/Hourly-test.csv",
    f"{URL}/Test/Hourly-test.csv",
    "71a57fccb15e534d973626ada4fb87febf789e9317715b7cc6dd3b5f90db6f42",
)


def fetch_m4(
    data_home: str | os.PathLike[str] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fetch the 414 hourly series of the M4 competition [1]_.

    The files are read from a local folder, and downloaded into it if they are not
    there. Their checksums are verified.

    The series have no dates. Their hours are numbered so that training ends at the same
    number in all of them; the longest series starts at 0.

    Parameters
    ----------
    {data_home}

    Returns
    -------
    train : DataFrame of shape (353500, 1)
        The column ``value``. The index has the levels ``series`` (``"H1"`` to
        ``"H414"``) and ``hour``, a whole number. The series have 700 or 960 hours.
    test : DataFrame of shape (19872, 1)
        The 48 hours that follow training in each series.

    Raises
    ------
    OSError
        If a file is not in the folder and cannot be downloaded.
    ValueError
        If a file has another checksum than expected.

    References
    ----------
    .. [1] S. Makridakis, E. Spiliotis and V. Assimakopoulos (2020). The M4 Competition:
       100,000 time series and 61 forecasting methods. International Journal of
       Forecasting 36(1). Files of https://github.com/Mcompetitions/M4-methods.

    Examples
    --------
    >>> from sktsdl.datasets import fetch_m4
    >>> train, test = fetch_m4()  # doctest: +SKIP
    >>> test.head(2)  # doctest: +SKIP
                 value
    series hour
    H1     960   619.0
           961   565.0
    """
    tables = (
        pd.read_csv(file.in_folder(data_home), index_col=0) for file in (TRAIN, TEST)
    )
    train, test = tables
    end = train.shape[1]
    return _long(train, end - train.notna().sum(axis=1)), _long(test, end)


def _long(table: pd.DataFrame, first: pd.Series | int) -> pd.DataFrame:
    """Return a table with a series in each row, and its first hour, as a column."""
    values = table.to_numpy(float)
    series, row = np.nonzero(~np.isnan(values))
    hour = np.broadcast_to(first, len(table))[series] + row
    index = pd.MultiIndex.from_arrays(
        [table.index[series], hour], names=["series", "hour"]
    )
    return pd.DataFrame({"value": values[series, row]}, index=index)


fill_docs(fetch_m4, TEXTS)
