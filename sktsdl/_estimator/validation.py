"""Checks of what a net is given; they return records and write nothing."""

import copy

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import _check_sample_weight

from sktsdl._estimator.samples import Samples
from sktsdl._estimator.specs import InputSpec, TargetSpec
from sktsdl._sklearn.arrays import readable
from sktsdl._sklearn.cells import raise_at_first, refuse_times
from sktsdl._sklearn.target_steps import TargetSteps, check_same_labels
from sktsdl._sklearn.validation import validate_rows, validate_targets
from sktsdl._windows.disk_rows import Rows, join_rows
from sktsdl._windows.given import (
    as_windows,
    check_channel_names,
    check_shape,
    refuse_missing,
)
from sktsdl._windows.missing import (
    fill_unknown,
    starts_unknown,
    why_incomplete,
)
from sktsdl._windows.panel import codes_of_series, panel_index
from sktsdl._windows.same_times import check_same_times
from sktsdl._windows.step_order import warn_of_axes, warn_of_columns
from sktsdl._windows.windows import Windows


def validate_windows(
    estimator: BaseEstimator, X: ArrayLike, expected: InputSpec | None
) -> tuple[Windows, InputSpec]:
    """Return `X` as windows of floats, and its form.

    Parameters
    ----------
    estimator : DeepNet
        For its name in errors, and for scikit-learn's validation.
    X : array-like of shape (n, window, channels) or (n, n_features)
        As for ``fit``.
    expected : InputSpec or None
        The form of the first `X`, None if this is the first.

    Raises
    ------
    ValueError
        If `X` has another form than expected, infinity, or NaN after a known value.
    """
    X = readable(X, "X")
    is_3d = (X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim) == 3
    if is_3d:
        refuse_times(X, "X")
        windows = as_windows(estimator, X)
        names = windows.names
        if expected is None and not isinstance(X, Windows):
            warn_of_axes(np.asarray(windows))
    else:
        if expected is not None and expected.is_3d and expected.shape != (1, 1):
            raise ValueError(
                f"X has rows, and {type(estimator).__name__} was fitted to windows: "
                "use the pipeline that makes the windows, or give windows of shape "
                f"(n, {expected.window}, {expected.n_channels})."
            )
        # scikit-learn's validation reads and writes attributes: here, of a copy.
        scratch = copy.copy(estimator)
        vars(scratch).pop("feature_names_in_", None)
        vars(scratch).update({} if expected is None else expected.attributes)
        rows = validate_rows(scratch, X, reset=expected is None)
        raise_at_first(~np.isfinite(rows), rows, X)
        if expected is None:
            warn_of_columns(X, rows)
        names = getattr(scratch, "feature_names_in_", None)
        index = X.index if isinstance(X, pd.DataFrame) else None
        windows = Windows.of(rows[:, :, None], index=index)
    spec = InputSpec(
        is_3d=is_3d,
        window=windows.window,
        n_channels=windows.shape[2],
        names=None if names is None else tuple(names),
    )
    if expected is not None:
        check_shape(estimator, spec.shape, expected.shape)
    if expected is not None and is_3d and spec.names is not None:
        check_channel_names(spec.names, expected.names)
    return windows, spec if expected is None else expected


def validate_samples(
    estimator: BaseEstimator,
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    expected: tuple[InputSpec, TargetSpec] | None,
) -> tuple[Samples, InputSpec, TargetSpec]:
    """Return the windows of `X` with their targets, and the form of both.

    `expected` is the form of the first `X` and `y`, None if these are the first.
    """
    inputs_before, outputs_before = expected or (None, None)
    windows, inputs = validate_windows(estimator, X, inputs_before)
    refuse_missing(windows, inputs.channel_names)
    targets = validate_targets(estimator, y, len(windows), keep_float32=True)
    check_same_times(X, y)
    steps = TargetSteps.of(y)
    outputs = TargetSpec(targets.ndim == 1, tuple(map(_as_label, steps.labels)))
    if outputs_before is not None and outputs.n_targets != outputs_before.n_targets:
        raise ValueError(
            f"y has {outputs.n_targets} columns, but {type(estimator).__name__} is "
            f"expecting {outputs_before.n_targets} as in fit."
        )
    if outputs_before is not None:
        check_same_labels(outputs_before.labels, y, "y")
    weights = None
    if sample_weight is not None:
        check_same_times(X, sample_weight, "sample_weight")
        weights = _check_sample_weight(
            readable(sample_weight, "sample_weight"),
            windows,
            dtype=np.float64,
            ensure_non_negative=True,
        )
    targets = targets.reshape(len(targets), -1)
    named = ((windows, "X"), (X, "X"), (y, "y"))
    found = (panel_index(part, name) for part, name in named)
    index = next((index for index in found if index is not None), None)
    series = None if index is None else codes_of_series(index)
    samples = Samples(windows, targets, weights, steps.horizon, series)
    return samples, inputs, outputs_before or outputs


def validate_validation_set(
    estimator: BaseEstimator,
    X_val: ArrayLike | None,
    y_val: ArrayLike | None,
    expected: tuple[InputSpec, TargetSpec],
) -> Samples | None:
    """Return the rows for the validation loss, or None if there are none."""
    if X_val is None and y_val is None:
        return None
    if X_val is None or y_val is None:
        missing = "X_val" if X_val is None else "y_val"
        raise ValueError(f"{missing} is missing: give X_val and y_val together.")
    try:
        samples, _, _ = validate_samples(estimator, X_val, y_val, None, expected)
    except ValueError as error:
        raise ValueError(
            f"X_val or y_val cannot be used (a Pipeline transforms X_val if it has "
            f"transform_input=['X_val']): {error}"
        ) from error
    if not samples.is_complete.any():
        names = expected[0].channel_names
        way_out = (
            "give the rows after the rows of X, transformed by the same look-back steps"
        )
        reason = why_incomplete(samples.windows, names, way_out)
        raise ValueError(f"No window in X_val is complete: {reason}.")
    return samples


def fill_rows_of(windows: Windows, mean: np.ndarray) -> tuple[Rows, np.ndarray]:
    """Return the rows of windows and where each starts, with unknown history filled."""
    rows, starts, unknown = windows.rows, windows.starts, starts_unknown(windows)
    if unknown.any():
        filled = fill_unknown(np.asarray(windows[unknown]), mean)
        n, window, n_channels = filled.shape
        starts[unknown] = len(rows) + np.arange(n) * window
        rows = join_rows(rows, filled.reshape(-1, n_channels))
    return rows, starts


def check_outputs(outputs: np.ndarray) -> np.ndarray:
    """Return the outputs of a module, (n, ...), if they are finite.

    Raises
    ------
    ValueError
        If they are not: the module computes in float32, in which they overflow.
    """
    is_finite = np.isfinite(outputs).reshape(len(outputs), -1).all(axis=1)
    if not is_finite.all():
        raise ValueError(
            f"The prediction for row {int(is_finite.argmin())} of X overflows, as its "
            "values are too far from the training rows: correct them, or leave the row "
            "out."
        )
    return outputs


def _as_label(name: object) -> str | tuple[str, ...] | None:
    """Return the name of a column of `y` if a file can hold it."""
    if isinstance(name, tuple) and all(isinstance(part, str) for part in name):
        return name
    return name if isinstance(name, str) else None
