"""What the pictures share: colours, axes, and the times that values belong to."""

import re
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_array

from sktsdl._windows.history import Clock

# Okabe and Ito (2008), told apart with colour blindness and, by lightness, in print.
BLACK, GREY = "black", "0.45"
BLUE, SKY, ORANGE = "#0072B2", "#56B4E9", "#D55E00"
N_MARKED = 60


def new_axes(ax: Any, figsize: tuple[float, float] = (6.4, 3.6)) -> Any:
    """Return `ax`, or the axes of a figure of its own."""
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=figsize, layout="constrained")
    return ax


def tint(color: str, share: float) -> tuple[float, ...]:
    """Return `color` mixed with white, so that it looks the same over anything."""
    from matplotlib.colors import to_rgb

    return tuple(1 - share * (1 - part) for part in to_rgb(color))


def finite(values: Any, name: str, ndim: int = 1) -> np.ndarray:
    """Return `values` as finite floats, 1-D also from one column.

    Raises
    ------
    ValueError
        If they have another shape, or hold NaN or infinity.
    """
    array: np.ndarray = check_array(
        values, dtype=np.float64, ensure_2d=False, input_name=name
    )
    if ndim == 1 and array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != ndim:
        raise ValueError(
            f"{name} has shape {array.shape}, and {ndim} dimension(s) can be drawn: "
            "give one row, or one column, of it."
        )
    return array


def target_name(y: Any, column: int = 0) -> str | None:
    """Return the name of a target, without the steps ahead (``rail+1`` is rail)."""
    name = y.columns[column] if hasattr(y, "columns") else getattr(y, "name", None)
    return None if name is None else re.sub(r"\+\d+$", "", str(name))


def row_index(X: Any) -> pd.Index:
    """Return the index of the rows of `X`, their numbers where it has none."""
    index = getattr(X, "index", None)
    return index if isinstance(index, pd.Index) else pd.RangeIndex(len(X))


def times_ahead(index: pd.Index, n: int) -> pd.Index:
    """Return the `n` times that follow the end of `index`.

    Raises
    ------
    ValueError
        If a single time does not say its step.
    """
    if isinstance(index, pd.PeriodIndex):
        return pd.period_range(index[-1] + 1, periods=n, freq=index.freq)
    if isinstance(index, pd.DatetimeIndex):
        offset = Clock.of(index).offset
        if offset is not None:
            return pd.date_range(index[-1], periods=n + 1, freq=offset)[1:]
    elif not (
        isinstance(index, pd.TimedeltaIndex)
        or pd.api.types.is_any_real_numeric_dtype(index.dtype)
    ):
        return pd.RangeIndex(len(index), len(index) + n)
    if len(index) > 1:
        step = np.median(np.diff(index))
    elif isinstance(index, pd.RangeIndex):
        step = index.step
    else:
        raise ValueError(
            f"The one time in X, {index[0]}, does not say which one follows: give more "
            "rows, or an index with a `freq`."
        )
    return pd.Index([index[-1] + step * (i + 1) for i in range(n)])


def next_times(index: pd.Index) -> pd.Index:
    """Return the time after each of `index`."""
    ahead = times_ahead(index, 1)
    if len(ahead) and len(index) > 1 and type(ahead[0]) is not type(index[1]):
        index = pd.RangeIndex(len(index))
    return index[1:].append(ahead)


def positions(index: pd.Index) -> np.ndarray:
    """Return where the times of `index` lie on an axis."""
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex):
        return index.tz_localize(None).to_numpy()
    if isinstance(index, pd.TimedeltaIndex):
        return index.total_seconds().to_numpy()
    if pd.api.types.is_any_real_numeric_dtype(index.dtype):
        return index.to_numpy()
    return np.arange(len(index))


def label_times(ax: Any, index: pd.Index) -> None:
    """Give the axis of times its dates, and its name."""
    from matplotlib import dates

    name = index.name
    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
        locator = dates.AutoDateLocator()  # type: ignore[no-untyped-call]
        formatter = dates.ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(formatter)
        name = name or "time"
    elif isinstance(index, pd.TimedeltaIndex):
        name = f"{name or 'time'} (seconds)"
    ax.set_xlabel(str(name or "row"))


def without_frame(ax: Any) -> None:
    ax.spines[["top", "right"]].set_visible(False)
