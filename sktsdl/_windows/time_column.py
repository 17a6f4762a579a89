"""The column of a frame that holds the time of each row."""

import re
import warnings
from collections.abc import Hashable
from contextlib import suppress
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from sktsdl._sklearn.dates import conversion_of_numbers
from sktsdl._windows.time_index import raise_at_missing

CLOCK = r"\s*t?(\d\d?(:\d\d){1,2}([.,]\d+)?\s*([ap]\.?m\.?)?|\d\d?\s*[ap]\.?m\.?)\s*"
STARTS_WITH_YEAR = re.compile(r"\s*\d{4}(?!\d\d\b)")
# Dates with points, or names of months, do not start with two digits of a year.
MAY_START_WITH_YEAR = re.compile(r"\s*\d\d([-/ ]?)\d\d?\1\d\d(?!\d)")


def times_of(column: pd.Series, name: Hashable) -> pd.Index:
    """Return the times in the column `name`; text is read if it has one meaning.

    Raises
    ------
    ValueError
        If a time is missing, or if text or numbers are not certain to be dates.
    """
    index = pd.Index(column, name=name)
    if isinstance(index, pd.CategoricalIndex):
        index = index.astype(index.categories.dtype)
    what = f"The column {name!r} of data"
    raise_at_missing(index, what)
    kind = pd.api.types.infer_dtype(index)
    if kind == "string":
        index = _dates_of(index)
        raise_at_missing(index, what)  # such as empty text
    elif kind == "time":
        _refuse(index, 0, "which has no date: put the date before it")
    elif call := conversion_of_numbers(index, f"data[{name!r}]"):
        raise ValueError(
            f"time={name!r} holds dates as whole numbers, such as {index[0]}: convert "
            f"the column by `{call}`."
        )
    return index


def _dates_of(texts: pd.Index) -> pd.Index:
    """Return texts as dates.

    Raises
    ------
    ValueError
        If they are not dates, or can be read in more than one way.
    """
    if len(texts) == 0:
        return pd.DatetimeIndex([], name=texts.name)
    is_clock = np.asarray(texts.str.fullmatch(CLOCK, flags=re.IGNORECASE)).astype(bool)
    if is_clock.any():
        _refuse(texts, int(is_clock.argmax()), "which has no date: put it before")
    arguments: list[dict[str, Any]] = [{}]
    if not STARTS_WITH_YEAR.match(texts[0]):
        arguments.append({"dayfirst": True})
    if MAY_START_WITH_YEAR.match(texts[0]):
        arguments.append({"yearfirst": True})
    found = []
    for options in arguments:
        with suppress(ValueError, TypeError):
            found.append((options, _read(texts, **options)))
    if not found:
        _refuse_text(texts)
    first = found[0][1]
    others = [(options, times) for options, times in found if not times.equals(first)]
    if others:
        row = int(np.asarray(others[0][1] != first).argmax())
        how = "day and month can be read both ways"
        if any("yearfirst" in options for options, _ in others):
            how = "year, month and day can be read in more than one way"
        way_out = "convert the column by `pd.to_datetime` with `format`"
        _refuse(texts, row, f"whose {how}: {way_out}")
    if (first.year == 1).any():  # of pandas, for text without a year
        row = int((first.year == 1).argmax())
        _refuse(texts, row, "which has no year: add it")
    return first


def _read(texts: pd.Index, **options: Any) -> pd.DatetimeIndex:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of text without a common format
        return pd.DatetimeIndex(pd.to_datetime(texts, **options))


def _is_utc(texts: pd.Index) -> bool:
    with suppress(ValueError, TypeError):
        _read(texts, utc=True)
        return True
    return False


def _refuse(index: pd.Index, row: int, why: str) -> NoReturn:
    raise ValueError(f"time={index.name!r} holds {index[row]!r} in row {row}, {why}.")


def _refuse_text(texts: pd.Index) -> NoReturn:
    """Raise a ValueError that says why texts cannot be read as dates."""
    way_out = "convert the column by `pd.to_datetime` with"
    if _is_utc(texts):
        raise ValueError(
            f"time={texts.name!r} holds text with several offsets from UTC: {way_out} "
            "`utc=True`."
        )
    row, form, or_else = 0, "", "name another column"
    with suppress(ValueError, TypeError):
        is_date = np.asarray(_read(texts, errors="coerce").notna())
        row = int(is_date.argmin())
        if is_date[0]:
            form = " in the form of row 0"
            or_else = "with `errors='coerce'` if it is a missing time, and drop the row"
    raise ValueError(
        f"time={texts.name!r} holds text that is not a date{form}, {texts[row]!r} in "
        f"row {row}: {way_out} `format`, or {or_else}."
    )
