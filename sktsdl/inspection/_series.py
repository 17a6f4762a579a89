"""One of many series in a frame, and what a picture calls it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from sktsdl._windows.panel import Panel, some_of
from sktsdl._windows.time_index import (
    MIN_TIMES,
    as_time_index,
    calendar,
    times_ahead,
)
from sktsdl._windows.training_index import kind_of

SERIES = """\
series : name, tuple of names, or None, default=None
    The series that is drawn, by its name: its label in the first level of the index,
    or a tuple of its labels in all levels but the last. Rows of many series need it."""
WINDOW_SERIES = """\
series : name, tuple of names, or None, default=None
    The series that `row` counts the rows of, by its name: its label in the first level
    of the index of `X`, or a tuple of its labels in all levels but the last."""


@dataclass(frozen=True)
class Picked:
    """The rows of one series.

    Parameters
    ----------
    rows : slice or ndarray of int
        Its rows in the frame of all series.
    times : pandas.Index
        The times of these rows.
    calendar : pandas.Index
        Times that end with the last of these, perhaps of other series too.
    key : Hashable
        The name of the series, None if there are no names.
    title : str or None
        The name as text.
    """

    rows: slice | np.ndarray
    times: pd.Index
    calendar: pd.Index
    key: Hashable = None
    title: str | None = None

    def with_times_ahead(self, n: int, of_training: pd.Index | None = None) -> pd.Index:
        """Return the times, and the `n` times that follow them.

        Times `of_training` may tell how long a step is. Rows without a time are
        numbered.
        """
        times = self.times
        if kind_of(times)[0] is None:
            times = pd.RangeIndex(len(times))
        is_short = self.key is not None and len(times) < MIN_TIMES
        like = calendar(self.calendar if is_short else times, of_training)
        followed = times.append(times_ahead(like, n, times[-1]))
        return followed.rename(self.times.name)

    def own(self, values: Any, name: str) -> Any:
        """Return the rows of this series, with their times, of a Series of many."""
        index = getattr(values, "index", None)
        if not isinstance(index, pd.MultiIndex):
            return values
        picked = pick_series(index, self.key, name)
        return values.iloc[picked.rows].set_axis(picked.times)


def row_labels(X: Any, index: Any = None) -> pd.Index:
    """Return `index`, or else that of `X`, or else the numbers of its rows."""
    if index is None:
        index = getattr(X, "index", None)
        return index if isinstance(index, pd.Index) else pd.RangeIndex(np.shape(X)[0])
    return index if isinstance(index, pd.Index) else pd.Index(index)


def pick_series(labels: pd.Index, series: Hashable, name: str = "X") -> Picked:
    """Return the rows of the series that is named, of the only one by default.

    Parameters
    ----------
    labels : pandas.Index
        The labels of the rows: times, or a MultiIndex whose last level is the time.
    series : Hashable
        The parameter `series` of a display.
    name : str, default="X"
        What has these rows, for errors.

    Raises
    ------
    ValueError
        If there is no such series, if `series` is None and there are many, or if the
        labels are no names and times.
    """
    panel = _panel_of(labels, name)
    if panel is None:
        if series is not None:
            raise ValueError(
                f"series={series!r} names a series, but the rows of {name} are one "
                "series without a name: leave `series` out, or give a frame with a "
                "MultiIndex of series and times."
            )
        times = as_time_index(labels)
        return Picked(slice(None), times, times)
    at = _number_of(panel, series, name)
    where = np.arange(panel.bounds[at], panel.bounds[at + 1])
    stamps = panel.stamps.rename(labels.names[-1])
    numbers = panel.times[where]
    rows = where if panel.order is None else panel.order[where]
    title = _title_of(labels[rows[0]][:-1], labels.names[:-1])
    calendar = stamps[: numbers[-1] + 1]
    return Picked(rows, stamps[numbers], calendar, panel.keys[at], title)


def check_row(row: int, n_rows: int, name: str = "X") -> None:
    """Raise a ValueError if there is no `row`, counted from either end."""
    if not -n_rows <= row < n_rows:
        raise ValueError(
            f"row={row} is not a row of {name}, which has {n_rows} rows: give a number "
            f"from {-n_rows} to {n_rows - 1}."
        )


def pick_row(X: Any, row: int, series: Hashable) -> tuple[int, str | None]:
    """Return the row of `X` that is drawn, and a title with its labels.

    Parameters
    ----------
    X : array-like
        What the estimator is given.
    row : int
        The row, of all rows if `series` is None, else of those of the series.
    series : Hashable
        The parameter `series` of a display.

    Returns
    -------
    row : int
        The number of the row in `X`.
    title : str or None
        None if `X` has no labels.
    """
    labels = row_labels(X)
    if series is not None:
        rows = pick_series(labels, series).rows
        assert isinstance(rows, np.ndarray)
        check_row(row, len(rows), f"the series {series!r}")
        row = int(rows[row])
    check_row(row, len(labels))
    if not isinstance(getattr(X, "index", None), pd.Index):
        return row, None
    if not isinstance(labels, pd.MultiIndex):
        return row, f"window that ends at {_text_of(labels[row])}"
    *names, time = labels[row]
    title = _title_of(names, labels.names[:-1])
    of_series = "" if title is None else f"of {title} "
    return row, f"window {of_series}that ends at {_text_of(time)}"


def _panel_of(labels: pd.Index, name: str) -> Panel | None:
    try:
        return Panel.of(SimpleNamespace(index=labels))
    except ValueError as error:
        if name == "X":
            raise
        raise ValueError(f"The index of {name} cannot be used: {error}") from error


def _number_of(panel: Panel, series: Hashable, name: str) -> int:
    """Return the number of the series that is named, 0 if there is one only."""
    n = panel.n_series
    some = some_of(panel.keys, np.arange(n))
    if series is None:
        if n == 1:
            return 0
        raise ValueError(
            f"{name} has {n} series, {some}, and the picture shows one: name it by "
            "`series`, which is None."
        )
    numbers = {key: at for at, key in enumerate(panel.keys)}
    if isinstance(series, Hashable) and series in numbers:
        return numbers[series]
    raise ValueError(
        f"series={series!r} is not one of the {n} series in {name}, {some}: give the "
        "name of one."
    )


def _title_of(parts: Any, levels: Any) -> str | None:
    """Return the name of a series as text; numbers stand behind their level's name."""
    texts = []
    for part, level in zip(parts, levels, strict=True):
        text = _text_of(part)
        is_text = isinstance(part, str | tuple)
        texts.append(text if is_text or level is None else f"{level} {text}")
    return ", ".join(texts) or None


def _text_of(label: Any) -> str:
    if isinstance(label, tuple):
        return " ".join(map(str, label))
    if hasattr(label, "strftime"):
        is_day = getattr(label, "hour", 0) == getattr(label, "minute", 0) == 0
        return str(label.strftime("%Y-%m-%d" if is_day else "%Y-%m-%d %H:%M"))
    return str(label)
