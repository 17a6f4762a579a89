"""The times of the steps after the latest rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from sktsdl._windows.calendar import times_after
from sktsdl._windows.panel import Panel, index_of_series
from sktsdl._windows.row_parts import times_in_rows
from sktsdl._windows.time_index import as_time_index, calendar, times_ahead
from sktsdl._windows.training_index import kind_of
from sktsdl.compose._inner import calendar_of


def index_of_steps(
    model: BaseEstimator, X: Any, panel: Panel | None, ahead: Sequence[int]
) -> pd.Index:
    """Return the times of the steps `ahead` of the end of `X`, of each series."""
    if panel is None:
        index = getattr(X, "index", None)
        if not isinstance(index, pd.Index) or kind_of(as_time_index(index))[0] is None:
            return pd.Index(ahead, name="step")
        times = as_time_index(index)
        like = calendar(times, calendar_of(model))
        found = times_ahead(like, ahead[-1], times[-1])
        return found[np.array(ahead) - 1].rename(index.name)
    of_series, stamps = times_after(panel, ahead[-1], calendar_of(model))
    at = (of_series[:, None] * ahead[-1] + np.array(ahead) - 1).ravel()
    keys = panel.keys.repeat(len(ahead))
    names = [*panel.keys.names, X.index.names[-1]]
    return index_of_series(keys, stamps[at], names)


def times_of_parts(rows: pd.Index, width: Any, n_parts: int) -> pd.Index:
    """Return the times in rows that hold `n_parts` times each.

    Parameters
    ----------
    rows : Index of shape (n,)
        The time of each row.
    width : Timedelta or number
        How long a row is.
    n_parts : int
        The number of times, evenly spread over the row.
    """
    if isinstance(rows, pd.MultiIndex):
        times = times_of_parts(rows.get_level_values(-1), width, n_parts)
        return index_of_series(rows.droplevel(-1).repeat(n_parts), times, rows.names)
    if rows.name == "step" and kind_of(rows) == ("number",):
        steps = (np.asarray(rows)[:, None] - 1) * n_parts + np.arange(n_parts) + 1
        return pd.Index(steps.ravel(), name="step")
    numbers = np.tile(np.arange(n_parts), len(rows))
    return times_in_rows(rows.repeat(n_parts), width, numbers, n_parts)
