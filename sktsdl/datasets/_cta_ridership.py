"""Daily ridership of Chicago's buses and trains."""

import hashlib
import os
from pathlib import Path
from urllib.request import urlopen

import pandas as pd

FILE_NAME = "CTA_-_Ridership_-_Daily_Boarding_Totals.csv"
URL = f"https://github.com/ageron/data/raw/main/ridership/{FILE_NAME}"
SHA256 = "34faaba085ca21434b7dd3e0abcbaf8cde5be3a4f170dda1c8caef72c5c4bd06"


def fetch_cta_ridership(
    data_home: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:
    """Fetch the daily ridership of the Chicago Transit Authority, 2001 to 2021.

    The file is read from a local folder. If it is not there, it is downloaded into
    this folder first. Its checksum is verified in both cases.

    Parameters
    ----------
    data_home : path or None, default=None
        The local folder. None takes the environment variable ``SKTSDL_DATA`` or, if
        it is not set, scikit-learn's data folder (`sklearn.datasets.get_data_home`).

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
    if data_home is None:
        from sklearn.datasets import get_data_home  # slow, and needed here only

        data_home = os.environ.get("SKTSDL_DATA") or get_data_home()
    path = Path(data_home).expanduser() / FILE_NAME
    if not path.exists():
        _download(path)
    _check(path.read_bytes(), path)
    frame = pd.read_csv(path).drop_duplicates()
    frame["date"] = pd.to_datetime(frame["service_date"], format="%m/%d/%Y")
    frame = frame.rename(columns={"rail_boardings": "rail"}).set_index("date")
    return frame[["day_type", "bus", "rail"]].sort_index().asfreq("D")


def _download(path: Path) -> None:
    try:
        with urlopen(URL, timeout=60) as response:
            content = response.read()
    except OSError as error:
        raise OSError(
            f"{FILE_NAME} is not in {path.parent} and cannot be downloaded ({error}): "
            f"download {URL} on a machine with a network, and give its folder as "
            "`data_home` or in the environment variable SKTSDL_DATA."
        ) from error
    _check(content, URL)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def _check(content: bytes, source: str | os.PathLike[str]) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise ValueError(
            f"{source} is not the file expected (SHA-256 {found}, not {SHA256}): "
            f"remove it to download {URL} again."
        )
