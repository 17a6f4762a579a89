"""Daily ridership of Chicago's buses and trains."""

import os

import pandas as pd

from sktsdl._sklearn.docs import fill_docs
from sktsdl.datasets._files import TEXTS, SourceFile

FILE_NAME = "CTA_-_Ridership_-_Daily_Boarding_Totals.csv"
FILE = SourceFile(
    FILE_NAME,
    f"https://github.com/ageron/data/raw/main/ridership/{FILE_NAME}",
    "34faaba085ca21434b7dd3e0abcbaf8cde5be3a4f170dda1c8caef72c5c4bd06",
)


def fetch_cta_ridership(
    data_home: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:
    """Fetch the daily ridership of the Chicago Transit Authority, 2001 to 2021.

    The file is read from a local folder. If it is not there, it is downloaded into
    this folder first. Its checksum is verified in both cases.

    Parameters
    ----------
    {data_home}

    Returns
    -------
    series : DataFrame of shape (7639, 3)
        One row for each day. The columns are ``day_type`` (``"W"`` for weekdays,
        ``"A"`` for Saturdays, ``"U"`` for Sundays and holidays), ``bus`` and ``rail``
        (boardings).

    Raises
    ------
    OSError
        If the file is not in the folder and cannot be downloaded.
    ValueError
        If the file has another checksum than expected.

    References
    ----------
    .. [1] Chicago Transit Authority. CTA - Ridership - Daily Boarding Totals. Chicago
       Data Portal, https://data.cityofchicago.org. Copy of A. Geron,
       https://github.com/ageron/data.

    Examples
    --------
    >>> from sktsdl.datasets import fetch_cta_ridership
    >>> fetch_cta_ridership().loc["2019-05-31"]  # doctest: +SKIP
    day_type         W
    bus         817633
    rail        738322
    Name: 2019-05-31 00:00:00, dtype: object
    """
    frame = pd.read_csv(FILE.in_folder(data_home)).drop_duplicates()
    frame["date"] = pd.to_datetime(frame["service_date"], format="%m/%d/%Y")
    frame = frame.rename(columns={"rail_boardings": "rail"}).set_index("date")
    return frame[["day_type", "bus", "rail"]].sort_index().asfreq("D")


fill_docs(fetch_cta_ridership, TEXTS)
