"""From a series to `X` and `y`."""

from collections.abc import Hashable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_scalar

from sktsdl._sklearn.validation import check_columns
from sktsdl._sklearn.warnings import warn
from sktsdl._windows.time_index import TrainingIndex, time_index

Column = Hashable


def make_supervised(
    data: Any,
    *,
    target: Any,
    horizon: int = 1,
    known_future: str | Sequence[Column] = (),
) -> tuple[Any, Any, Any]:
    r"""Make `X` and `y`, the next values of a target, from a series.

    .. math:: y_t = (x_{t+1}, \ldots, x_{t+h})

    with :math:`x` the target column and :math:`h` the `horizon`. No other step shifts
    the target.

    Parameters
    ----------
    data : DataFrame, Series or array of shape (n_rows, n_columns) or (n_rows,)
        One row per time step, oldest first. "Now" is the last row in which all target
        columns have a value; later rows only give values of `known_future`.
    target : column name, or position for an array, or a list of them
        The column to predict.
    horizon : int, default=1
        The number of next values to predict.
    known_future : sequence of column names or positions, default=()
        Columns that are known ahead, such as a calendar. Their values at the steps
        `t+1` to `t+horizon` become columns of row `t`. For the forecast from now,
        append `horizon` rows to `data` with these values, and NaN as target.

    Returns
    -------
    X : DataFrame or ndarray of shape (n, n_features)
        All columns of `data`, and those known ahead (``day_type+1``, ...), for the
        rows whose target is known: the last of them is `horizon` rows before now.
    y : Series or ndarray of shape (n,), or DataFrame or ndarray of shape (n, n_targets)
        The next values, in the units of `data`: ``rail+1``, ..., ``rail+14``, one
        target after the other. 1-D for one target that is not in a list and
        ``horizon=1``.
    X_latest : DataFrame or ndarray of shape (horizon, n_features)
        The rows up to now whose target is not known yet. The last row of
        ``predict(X_latest)`` is the forecast from now.

    Raises
    ------
    ValueError
        If a column is not in `data` or is a target known ahead, if `data` has too few
        rows, or if its index is a MultiIndex, decreases or repeats itself.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktsdl import make_supervised
    >>> days = pd.period_range("2019-05-27", periods=5, freq="D")
    >>> rail = pd.DataFrame({"rail": [1, 2, 3, 4, 5]}, index=days)
    >>> X, y, X_latest = make_supervised(rail, target="rail", horizon=2)
    >>> y
                rail+1  rail+2
    2019-05-27       2       3
    2019-05-28       3       4
    2019-05-29       4       5
    >>> X_latest
                rail
    2019-05-30     4
    2019-05-31     5
    """
    check_scalar(horizon, "horizon", Integral, min_val=1)
    is_pandas = isinstance(data, pd.DataFrame | pd.Series)
    if isinstance(data, pd.Series):
        data = data.to_frame()
    frame = data if is_pandas else pd.DataFrame(np.asarray(data))
    check_columns(frame)
    index = time_index(frame)
    if index is not None and len(index):
        TrainingIndex.of(index).warn_of_gaps(index)
    targets = list(target) if isinstance(target, list | tuple) else [target]
    if isinstance(known_future, str):
        known_future = [known_future]
    if not targets:
        raise ValueError("target=[] names no column: give at least one.")
    for column in set(targets) & set(known_future):
        raise ValueError(
            f"{column!r} is both target and known_future, which would put the target "
            "into X: take it out of known_future."
        )
    for column in [*targets, *known_future]:
        if column not in frame.columns:
            raise ValueError(
                f"{column!r} is not a column of data: it has {list(frame.columns)}."
            )

    known = frame[targets].notna().all(axis=1).to_numpy()
    n_known = len(known) - int(known[::-1].argmax()) if known.any() else 0
    if n_known <= horizon:
        raise ValueError(
            f"data has {n_known} rows up to the last known target, fewer than "
            f"horizon + 1 = {horizon + 1}: give more rows, or a smaller horizon."
        )
    n_after = len(frame) - n_known
    if n_after > (horizon if known_future else 0):
        warn(
            f"The last {n_after} rows of data have no value of {targets}, so the "
            f"forecast is made from row {n_known - 1} ({frame.index[n_known - 1]}): "
            "fill or drop these rows, or name the columns that are known ahead in "
            "known_future."
        )
    n = n_known - horizon
    y = _ahead(frame, targets, horizon, slice(0, n))
    X, X_latest = (
        pd.concat(
            [frame.iloc[rows], _ahead(frame, known_future, horizon, rows)], axis=1
        )
        for rows in (slice(0, n), slice(n, n_known))
    )
    is_1d = horizon == 1 and not isinstance(target, list | tuple)
    parts = X, y.iloc[:, 0] if is_1d else y, X_latest
    if is_pandas:
        return parts
    return tuple(part.to_numpy() for part in parts)  # type: ignore[return-value]


def _ahead(
    frame: pd.DataFrame, columns: Sequence[Column], horizon: int, rows: slice
) -> pd.DataFrame:
    """Return the values of `columns` 1 to `horizon` rows after each of `rows`."""
    ahead = {}
    for column in columns:
        for step in range(1, horizon + 1):
            values = frame[column].shift(-step).iloc[rows]
            if rows.stop + step <= len(frame):
                values = values.astype(frame[column].dtype)  # no NaN came in
            ahead[f"{column}+{step}"] = values
    return pd.DataFrame(ahead, index=frame.index[rows])
