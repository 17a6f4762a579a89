"""The rows of one series or of many: their series, their places and their times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import _num_samples

from sktsdl._windows.calendar import times_after
from sktsdl._windows.panel import Panel, panel_of
from sktsdl._windows.row_parts import width_of
from sktsdl._windows.time_index import (
    as_time_index,
    time_index,
)
from sktsdl._windows.training_index import kind_of


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of `X`, of one series or of many.

    The place of a row is the number of rows of its series before it.

    Parameters
    ----------
    panel : Panel
        The series; one series without a name is a panel of one.
    is_panel : bool
        Whether the series have names.
    places : ndarray of int, shape (n_rows,)
        The place of each row.
    """

    panel: Panel
    is_panel: bool
    places: np.ndarray

    @classmethod
    def of(cls, X: Any, y: Any) -> Self:
        """Read the index of `X` or, if it does not name the series, of `y`."""
        named = panel_of(X, y)
        panel = _one_series(X) if named is None else named
        return cls(panel, named is not None, panel.place - panel.bounds[panel.series])

    def __len__(self) -> int:
        return len(self.places)

    def first_places(self, rows: np.ndarray) -> np.ndarray:
        """Return the first place of each series in `rows`, a large one without any."""
        first = np.full(self.panel.n_series, len(self))
        np.minimum.at(first, self.panel.series[rows], self.places[rows])
        return first

    def last_places(self, rows: np.ndarray) -> np.ndarray:
        """Return the last place of each series in `rows`, -1 without any."""
        last = np.full(self.panel.n_series, -1)
        np.maximum.at(last, self.panel.series[rows], self.places[rows])
        return last

    def row_at(self, series: int, place: int) -> int:
        """Return the row at a place of a series."""
        at, order = int(self.panel.bounds[series]) + place, self.panel.order
        return at if order is None else int(order[at])

    def number_at(self, series: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Return the numbers of the times at places of series."""
        return self.panel.times[self.panel.bounds[series] + places]

    def numbers_of(self, rows: np.ndarray) -> np.ndarray:
        """Return the numbers of the times of `rows`."""
        return self.number_at(self.panel.series[rows], self.places[rows])

    def n_before(self, number: int) -> np.ndarray:
        """Return how many rows of each series are before the time of a number."""
        is_before = self.panel.times < number
        sums = np.concatenate([[0], is_before.cumsum()])
        return np.diff(sums[self.panel.bounds])

    def label(self, row: int) -> str:
        """Name a row, with its series and its time."""
        time = self.panel.stamps[self.numbers_of(np.array([row]))[0]]
        if self.is_panel:
            return f"row {row} ({self.panel.keys[self.panel.series[row]]!r}, {time})"
        return f"row {row}" if str(time) == str(row) else f"row {row} ({time})"

    def keys_of(self, rows: np.ndarray) -> dict[Any, pd.Index]:
        """Return the names of the series of `rows`, by the levels of the index."""
        if not self.is_panel:
            return {}
        keys = self.panel.keys[self.panel.series[rows]]
        names = [
            (f"level_{i}" if keys.nlevels > 1 else "series") if name is None else name
            for i, name in enumerate(keys.names)
        ]
        return {name: keys.get_level_values(i) for i, name in enumerate(names)}

    @property
    def width(self) -> Any:
        """How long a row is by the clock, the shortest step of a series."""
        return width_of(self.panel.times_of_longest())

    def times_of(self, rows: np.ndarray, steps: np.ndarray) -> pd.Index:
        """Return the times that are so many steps after `rows`, one for each of both.

        A time is that of a row of the series if there is one. Later times continue the
        steps of the index.
        """
        panel, horizon = self.panel, int(steps.max(initial=0))
        series, places = panel.series[rows], self.places[rows] + steps
        n_over = places - panel.counts[series] + 1
        inside = self.number_at(series, np.minimum(places, panel.counts[series] - 1))
        if (n_over <= 0).all():
            return panel.stamps[inside]
        of_series, later = times_after(panel, horizon)
        stamps = panel.stamps.append(later)
        ahead = len(panel.stamps) + of_series[series] * horizon + n_over - 1
        return stamps[np.where(n_over > 0, ahead, inside)]


def _one_series(X: Any) -> Panel:
    """Return one series without a name, its rows numbered if they have no times."""
    n = _num_samples(X)
    index = getattr(X, "index", None)
    times: pd.Index | None = None
    if isinstance(X, pd.DataFrame):
        times = time_index(X)
    elif isinstance(index, pd.Index) and kind_of(as_time_index(index))[0] is not None:
        times = as_time_index(index)
    return Panel(
        keys=pd.RangeIndex(1),
        series=np.zeros(n, dtype=int),
        order=None,
        bounds=np.array([0, n]),
        stamps=pd.RangeIndex(n) if times is None else times.rename(None),
        times=np.arange(n),
    )
