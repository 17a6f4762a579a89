"""Checks of windows as a user gives them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_array

from sktsdl._sklearn.cells import way_out_of_missing
from sktsdl._windows.disk_rows import DiskRows
from sktsdl._windows.missing import find_missing
from sktsdl._windows.windows import Windows


def as_windows(estimator: BaseEstimator, X: Any) -> Windows:
    """Return 3-D `X` as windows of floats.

    Raises
    ------
    ValueError
        If `X` has no windows, or does not hold numbers.
    """
    are_windows = isinstance(X, Windows) and len(X) > 0
    if are_windows and isinstance(X.rows, DiskRows):
        return X  # checked as they were read
    values = check_array(
        X.rows if are_windows else np.asarray(X),
        dtype=(np.float64, np.float32),
        allow_nd=True,
        ensure_all_finite=False,
        ensure_min_features=0,
        estimator=estimator,
        input_name="X",
    )
    windows = Windows.of(values) if not are_windows and values.size else None
    shape = X.shape if windows is None else windows.shape
    if 0 in shape:
        raise ValueError(
            f"X has windows of shape {shape[1:]}, but needs at least one step and one "
            "channel."
        )
    if windows is None:
        windows = Windows(
            values,
            X.window,
            X.ends,
            firsts=X.firsts,
            names=X.names,
            index=X.index,
            steps_per_row=X.steps_per_row,
        )
    return windows


def check_shape(
    estimator: BaseEstimator, shape: tuple[int, int], expected: tuple[int, int]
) -> None:
    """Raise a ValueError if windows have not as many steps or channels as in fit."""
    if shape != expected:
        raise ValueError(
            f"X has windows of shape {shape}, but {type(estimator).__name__} is "
            f"expecting window={expected[0]}, channels={expected[1]} as in fit."
        )


def check_channel_names(
    names: tuple[str, ...], expected: tuple[str, ...] | None
) -> None:
    """Raise a ValueError if windows have other channels, or in another order."""
    if expected is None or names == expected:
        return
    at = next(i for i, name in enumerate(names) if name != expected[i])
    raise ValueError(
        f"X has the channel {names[at]!r} in place {at}, and in fit this was "
        f"{expected[at]!r}: give the channels {list(expected)} in this order."
    )


def refuse_missing(windows: Windows, names: Sequence[str] | np.ndarray | None) -> None:
    """Raise a ValueError at infinity, and at NaN after a known value."""
    rows = windows.rows
    if isinstance(rows, DiskRows):
        is_known = not rows.has_nan.any()  # infinity was refused as they were read
    else:
        is_known = bool(np.isfinite(rows).all())
    if is_known:
        return
    found = find_missing(windows)
    if found is None:
        return
    window, row, channel = found
    what = "infinity" if np.isinf(rows[row, channel]) else "NaN"
    name = None if names is None else names[channel]
    column = channel if name is None else repr(name)
    label = "" if windows.index is None else f" ({windows.index[window]})"
    raise ValueError(
        f"Input X contains {what} in row {window}{label}, step "
        f"{row - windows.starts[window]} of its window, column {column}: "
        f"{way_out_of_missing(name, what)} (NaN is taken only at the start of windows, "
        "for unknown history)."
    )
