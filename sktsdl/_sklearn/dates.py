"""Text and numbers that stand for dates."""

import re
import warnings
from contextlib import suppress
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

N_LABELS = 32
MONTH = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
# Text that may be a date; pandas takes "may", "12" and "1.2.3" for dates too.
DATE = re.compile(
    r"(?<!\d)(\d{4}([-/. ])\d\d?\2\d\d?|\d\d?([-/. ])\d\d?\3(\d\d|\d{4}))(?!\d)"
    r"|(?<!\d)(\d{4}[-/.]\d\d?|\d\d?[-/.]\d{4})(?!\d)"
    r"|^\d{8}(t\d{4,6})?$"
    r"|^\d{4}-?q[1-4]$"
    rf"|\b{MONTH}\b.*\d{{4}}|\d{{4}}.*\b{MONTH}\b|\d[- ]{MONTH}[- ]\d\d\b",
    re.IGNORECASE,
)
QUARTER = re.compile(r"\d{4}-?Q[1-4]", re.IGNORECASE)
# Ways to convert text, to be tried in this order.
ARGUMENTS: tuple[dict[str, Any], ...] = (
    {},
    {"dayfirst": True},
    {"utc": True},
    {"format": "mixed"},
    {"dayfirst": True, "format": "mixed"},
)


def conversion_of_text(index: pd.Index, given: str) -> str | None:
    """Return the code that converts text to dates, None if it holds no dates.

    `given` is the code that gives the text. Only a few labels are read.
    """
    at = np.unique(np.linspace(0, len(index) - 1, N_LABELS).astype(int))
    labels = list(index[at].dropna()) if len(index) else []
    if any(isinstance(label, date) for label in labels):
        return f"pd.to_datetime({given})"
    found = [label for label in labels if isinstance(label, str) and DATE.search(label)]
    if 2 * len(found) <= len(labels):
        return None
    if QUARTER.fullmatch(found[0]):
        return f"pd.PeriodIndex({given}, freq='Q')"
    is_day_first = re.match(r"\d\d?\.", found[0]) is not None
    for arguments in sorted(
        ARGUMENTS, key=lambda a: is_day_first and "dayfirst" not in a
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with suppress(ValueError, TypeError):
                pd.to_datetime(found, **arguments)
                if not caught:
                    code = "".join(f", {k}={v!r}" for k, v in arguments.items())
                    return f"pd.to_datetime({given}{code})"
    return None


def conversion_of_numbers(index: pd.Index, given: str) -> str | None:
    """Return the code that converts numbers such as 20240131, None if one is not.

    `given` is the code that gives the numbers.
    """
    if len(index) == 0 or not pd.api.types.is_any_real_numeric_dtype(index.dtype):
        return None
    if not (18000101 <= index[0] <= 22001231 and 18000101 <= index[-1] <= 22001231):
        return None
    numbers = index.to_numpy(dtype=float, na_value=np.nan)
    if not (np.isfinite(numbers).all() and (numbers % 1 == 0).all()):
        return None
    texts = pd.Index(numbers.astype(int)).astype(str)
    times = pd.to_datetime(texts, format="%Y%m%d", errors="coerce")
    if times.isna().any():
        return None
    whole = "" if pd.api.types.is_integer_dtype(index.dtype) else ".astype(int)"
    return f"pd.to_datetime({given}{whole}.astype(str), format='%Y%m%d')"
