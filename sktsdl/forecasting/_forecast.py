"""Forecasts with their dates."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from sktsdl._sklearn.target_steps import TargetSteps, part, split_part
from sktsdl._sklearn.target_steps import ahead as ahead_of
from sktsdl._sklearn.warnings import warns_once
from sktsdl._windows.now import warn_of_unknown_ahead
from sktsdl._windows.panel import Panel
from sktsdl._windows.row_parts import width_of
from sktsdl.compose._inner import (
    check_levels,
    interval_at,
    refuse_levels_of_classes,
    target_steps,
)
from sktsdl.forecasting._blocks import later_blocks
from sktsdl.forecasting._index_ahead import index_of_steps, times_of_parts
from sktsdl.forecasting._latest import Latest, check_latest


@warns_once
def forecast(
    model: BaseEstimator,
    X_latest: ArrayLike,
    *,
    levels: Sequence[float] | None = None,
    steps: int | None = None,
    X_future: ArrayLike | None = None,
) -> pd.DataFrame:
    """Forecast from the last row of each series, with the dates of the forecasts.

    Parameters
    ----------
    model : estimator
        A fitted regressor that takes rows, such as a pipeline, a search or a wrapper.
    X_latest : DataFrame or array-like of shape (n_rows, n_features)
        The latest rows, as from ``make_supervised``. All rows are predicted, as they
        are the history of the last one. The forecast is that of the last row, of each
        series if the index is a MultiIndex of series and times.
    levels : sequence of float or None, default=None
        Confidence levels, such as 0.9, of intervals around the forecasts, whatever the
        `confidence_level` of the model is. They need a ``ConformalRegressor``, another
        regressor with ``predict_interval`` and a `confidence_level`, or
        ``loss="quantile"`` with the quantiles at both ends, such as 0.05 and 0.95.
    steps : int or None, default=None
        The number of steps of each series; None is all steps of the model. Fewer are
        the first of these. More are forecast block after block: the forecasts of a
        block are the values of the targets in the rows from which the next block is
        made. The model then needs the steps 1, 2, ... of each target (``lead=1``), and
        the column of each target in `X_latest`. There are no intervals of later blocks,
        as they would be too narrow. Rows that hold several times count as one step.
        Calendar columns of ``make_supervised`` follow from the times.
    X_future : DataFrame, array-like or None, default=None
        The rows after `X_latest`, of each series, for more `steps` than the model has.
        They have the columns of `X_latest`, but for two kinds. Columns of targets are
        not read. Columns that are known ahead, such as ``temp+1``, are made from the
        column ``temp``, of which as many more rows are needed. The index is that of
        the rows after `X_latest`; without times, the first row is the next one.

    Returns
    -------
    forecasts : DataFrame of shape (n_series * steps, n_targets)
        A row for each step ahead of each series, indexed by series and time, or by the
        time alone for one series. If the rows of `X_latest` hold several times
        (``make_supervised(..., row="D")``), it has a row for each of these times. A
        column for each target, in the units of `y`, and columns such as
        ``rail_lower_90`` and ``rail_upper_90`` for each level. Without a time index,
        the rows are numbered by the steps ahead.

    Raises
    ------
    ValueError
        If the index does not say which times follow, if the model has no interval for
        a level, if `X_latest` ends before the training rows, as far as the model knows
        them, or if `steps` needs rows that are not known.

    Warns
    -----
    UserWarning
        If series of the training rows have no row in `X_latest`, or if columns that
        are known ahead have no value at the steps ahead.

    See Also
    --------
    make_supervised : Makes `X_latest`.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import SlidingWindow, forecast, make_supervised
    >>> from sktsdl.datasets import load_air_passengers
    >>> X, y, X_latest = make_supervised(
    ...     load_air_passengers(), target="passengers", horizon=3
    ... )
    >>> window = SlidingWindow(12, flatten=True, pad="edge")
    >>> model = make_pipeline(window, Ridge()).fit(X, y)
    >>> forecast(model, X_latest).round(0)
           passengers
    month
    1961-01-01       466.0
    1961-02-01       432.0
    1961-03-01       458.0

    A year, in four blocks:

    >>> forecast(model, X_latest, steps=12).round(0).tail(2)
           passengers
    month
    1961-11-01       429.0
    1961-12-01       469.0
    """
    check_is_fitted(model)
    levels = check_levels(levels)
    refuse_levels_of_classes(model, levels)
    if steps is not None:
        check_scalar(steps, "steps", Integral, min_val=1)
    panel = Panel.of(X_latest, "X_latest")
    check_latest(model, X_latest, panel)
    try:
        predicted = model.predict(X_latest)
    except ValueError as error:
        if "feature names should match" in str(error):
            error.add_note(
                "make_supervised gives X_latest the columns of X: append the rows "
                "ahead to its data, with NaN as target."
            )
        raise
    warn_of_unknown_ahead(X_latest)
    n = len(predicted)
    outputs = np.asarray(predicted).reshape(n, -1)
    targets = target_steps(model, None, outputs.shape[1], X_latest)
    if not targets.is_known:
        targets = _of_rows(targets, X_latest)
    ahead = sorted(set(targets.steps))[:steps]
    later = [np.empty((1, 0))] * len(targets.names)
    index_ahead = partial(index_of_steps, model, X_latest, panel)
    if steps is not None and steps > len(ahead):
        if levels:
            raise ValueError(
                f"levels={levels} with steps={steps}, more than the {len(ahead)} "
                "steps of the model: intervals of later blocks would be too narrow, as "
                "forecasts take the place of known values; fit the model to all steps, "
                "or leave out `levels`."
            )
        latest = Latest.of(X_latest, panel)
        later = later_blocks(
            model, latest, outputs, targets, int(steps), X_future, index_ahead
        )
    last = np.array([n - 1]) if panel is None else panel.last_rows
    found: dict[tuple[Hashable, tuple[str, ...]], np.ndarray] = {}
    parts: dict[tuple[str, ...], np.ndarray] = {(): outputs}
    for level in levels:
        lower, upper = interval_at(model, X_latest, level)
        name = f"{100 * level:g}"
        parts["lower", name] = np.reshape(lower, (n, -1))
        parts["upper", name] = np.reshape(upper, (n, -1))
    for target, label in enumerate(targets.names):
        at = {targets.steps[column]: column for column in targets.columns_of(target)}
        for ends, values in parts.items():
            of_steps = [
                values[last, at[step]] if step in at else np.full(len(last), np.nan)
                for step in ahead
            ]
            of_steps += list(later[target].T)
            found["y" if label is None else label, ends] = np.stack(of_steps, axis=1)
    ahead += range(ahead[-1] + 1, ahead[-1] + 1 + later[0].shape[1])
    index = index_ahead(ahead)
    if targets.n_parts > 1:
        found = _join_parts(found)
        # Eight rows ahead reach over the weekend of business days.
        width = width_of(index_ahead(range(1, 9)).get_level_values(-1)[:8])
        index = times_of_parts(index, width, targets.n_parts)
    columns = {_named(label, *ends): v.ravel() for (label, ends), v in found.items()}
    forecasts = pd.DataFrame(columns, index=index).infer_objects()
    is_time = index.get_level_values(-1).notna()  # the clock skips other times
    return forecasts if is_time.all() else forecasts[is_time]


def _of_rows(targets: TargetSteps, X: Any) -> TargetSteps:
    """Return the steps of a model that keeps no names, for rows of several times.

    The columns of `X` then say how many times a row holds.
    """
    pairs = map(split_part, getattr(X, "columns", ()))
    n_parts = max((pair[1] + 1 for pair in pairs if pair is not None), default=1)
    n_rows, rest = divmod(len(targets.steps), n_parts)
    if n_parts == 1 or rest:
        return targets
    return TargetSteps.of_labels(
        [
            ahead_of(part("y", number, n_parts), row)
            for row in range(1, n_rows + 1)
            for number in range(n_parts)
        ]
    )


def _join_parts(
    found: Mapping[tuple[Hashable, tuple[str, ...]], np.ndarray],
) -> dict[tuple[Hashable, tuple[str, ...]], np.ndarray]:
    """Return the forecasts of rows that hold several times, time by time.

    The forecasts of ``price@00`` to ``price@23``, each of the shape (series, rows),
    become the forecasts of ``price``, (series, 24 times rows).
    """
    joined: dict[tuple[Hashable, tuple[str, ...]], list[np.ndarray]] = {}
    for (label, ends), values in found.items():
        column, _ = split_part(label) or (label, 0)
        joined.setdefault((column, ends), []).append(values)
    return {
        key: np.stack(values, axis=2).reshape(len(values[0]), -1)
        for key, values in joined.items()
    }


def _named(label: Hashable, *ends: str) -> Hashable:
    """Return the name of a column; of several levels, the last one is extended."""
    if not ends:
        return label
    if isinstance(label, tuple):
        return (*label[:-1], "_".join((str(label[-1]), *ends)))
    return "_".join((str(label), *ends))
