"""What a net is given: windows that are checked, and taken back to their rows."""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_array
from sklearn.utils.validation import _check_sample_weight

from sktsdl._sklearn.validation import raise_at_first, validate_rows, validate_targets
from sktsdl._training.batches import recover_rows
from sktsdl._windows.history import unknown_after_known


@dataclass
class Samples:
    """Windows by the rows they are cut from, and what each is to learn.

    Parameters
    ----------
    rows, starts : ndarray
        As from `recover_rows`.
    window : int
        The number of rows in a window.
    targets : ndarray of shape (n, outputs)
        The target of each window.
    weights : ndarray of shape (n,) or None
        What each window counts.
    """

    rows: np.ndarray
    starts: np.ndarray
    window: int
    targets: np.ndarray
    weights: np.ndarray | None

    @property
    def is_complete(self) -> np.ndarray:
        """Whether the history of each window is known, shape (n,)."""
        known: np.ndarray = ~np.isnan(self.rows[self.starts]).any(axis=1)
        return known

    def weights_of(self, which: np.ndarray) -> np.ndarray | None:
        """Return the weights of some windows, None if they count the same."""
        if self.weights is None or np.ptp(self.weights[which]) == 0:
            return None
        return self.weights[which]

    def learnable(self, *, every_step: bool) -> np.ndarray:
        """Return which windows there is something to learn from, in order.

        With `every_step`, every step of a window is to be a row with a target.
        """
        n, starts = len(self.starts), self.starts
        is_learnable = self.is_complete
        if every_step:
            if n < 2 or starts[1] != 1:
                raise ValueError(
                    "loss_steps='all' needs windows of consecutive rows, as from "
                    "`SlidingWindow`, and X holds independent samples: use "
                    "loss_steps='last'."
                )
            is_learnable &= starts >= self.window - 1
            if not is_learnable.any() and self.is_complete.any():
                raise ValueError(
                    f"loss_steps='all' needs a target for each of the {self.window} "
                    f"steps of a window, and X has {n} rows: give at least "
                    f"{self.window}, or use loss_steps='last'."
                )
        if not is_learnable.any():
            raise ValueError(
                f"None of the {n} windows of {self.window} rows in X is complete: all "
                f"start with NaN, for unknown history; give at least {self.window} "
                "known rows, or a smaller `window`."
            )
        if self.weights is not None:
            is_learnable &= self.weights > 0
        if not is_learnable.any():
            raise ValueError("sample_weight is 0 for every complete window of X.")
        return np.flatnonzero(is_learnable)


def hold_out(
    learnable: np.ndarray, fraction: float, n_outputs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Part windows into those to learn from and, after them, those held out.

    Between the two, ``n_outputs - 1`` are left out, so that no target is in both.
    """
    n_held_out = math.ceil(fraction * len(learnable))
    n_learnt = len(learnable) - n_held_out - (n_outputs - 1)
    if n_learnt < 1:
        raise ValueError(
            f"early_stopping with validation_fraction={fraction} leaves none of the "
            f"{len(learnable)} complete windows to learn from: give more rows, a "
            "smaller fraction, or early_stopping=False."
        )
    return learnable[:n_learnt], learnable[-n_held_out:]


def validate_windows(
    net: Any, X: Any, *, reset: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return `X` as windows of floats, their rows, and where each starts.

    Parameters
    ----------
    net : DeepRegressor
        Whose attributes on the shape of `X` are set (`reset`) or checked.
    X : array-like of shape (n, window, channels) or (n, n_features)
        As for ``fit``.
    reset : bool
        Whether this is the first `X`.

    Raises
    ------
    ValueError
        If `X` has another shape than before, infinity, or NaN after a known value.
    """
    is_3d = (X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim) == 3
    if not is_3d:
        _warn_of_raw_rows(X)
        rows = validate_rows(net, X, reset=reset)
        raise_at_first(~np.isfinite(rows), rows, X)
        windows = rows[:, :, None]
    else:
        windows = check_array(
            X,
            dtype=(np.float64, np.float32),
            allow_nd=True,
            ensure_all_finite=False,
            estimator=net,
            input_name="X",
        )
        if 0 in windows.shape:
            raise ValueError(
                f"X has windows of shape {windows.shape[1:]}, but needs at least one "
                "step and one channel."
            )
        if reset:
            vars(net).pop("feature_names_in_", None)
            if getattr(X, "channel_names", None) is not None:
                net.feature_names_in_ = X.channel_names
            net.n_features_in_ = windows.shape[2]
    if reset:
        net._is_3d = is_3d
        net._window_shape = windows.shape[1:]
    elif windows.shape[1:] != net._window_shape:
        expected = "window={}, channels={}".format(*net._window_shape)
        raise ValueError(
            f"X has windows of shape {windows.shape[1:]}, but {type(net).__name__} is "
            f"expecting {expected} as in fit."
        )
    rows, starts = recover_rows(windows)
    names = net.feature_names_in_ if _has_channel_names(net) else None
    _raise_at_unknown(rows, starts, windows.shape, names)
    return windows, rows, starts


def validate_samples(
    net: Any, X: Any, y: Any, sample_weight: Any, *, reset: bool
) -> Samples:
    """Return what `net` is fitted to, and set (`reset`) or check its shape."""
    windows, rows, starts = validate_windows(net, X, reset=reset)
    targets = validate_targets(net, y, len(windows))
    is_1d = targets.ndim == 1
    targets = targets.reshape(len(targets), -1)
    if reset:
        net._y_is_1d, net._n_outputs = is_1d, targets.shape[1]
    elif targets.shape[1] != net._n_outputs:
        raise ValueError(
            f"y has {targets.shape[1]} columns, but {type(net).__name__} is expecting "
            f"{net._n_outputs} as in fit."
        )
    weights = None
    if sample_weight is not None:
        weights = _check_sample_weight(
            sample_weight, windows, dtype=np.float64, ensure_non_negative=True
        )
    return Samples(rows, starts, windows.shape[1], targets, weights)


def validate_watched(net: Any, X_val: Any, y_val: Any) -> Samples | None:
    """Return the rows whose loss is watched, if they are given."""
    if X_val is None and y_val is None:
        return None
    for name, value in (("X_val", X_val), ("y_val", y_val)):
        if value is None:
            raise ValueError(f"{name} is missing: give X_val and y_val together.")
    try:
        samples = validate_samples(net, X_val, y_val, None, reset=False)
    except ValueError as error:
        raise ValueError(
            f"X_val or y_val cannot be used (a Pipeline transforms X_val if it has "
            f"transform_input=['X_val']): {error}"
        ) from error
    if not samples.is_complete.any():
        raise ValueError(
            "No window in X_val is complete: give rows behind those of X, through the "
            "same look-back steps."
        )
    return samples


def _has_channel_names(net: Any) -> bool:
    return net._is_3d and hasattr(net, "feature_names_in_")


def _raise_at_unknown(
    rows: np.ndarray, starts: np.ndarray, shape: tuple[int, ...], names: Any
) -> None:
    """Raise a ValueError at infinity, and at NaN after a known value."""
    if np.isfinite(rows).all():
        return
    n, window, _ = shape
    consecutive = n == 1 or starts[1] == 1
    steps = rows if consecutive else rows.reshape(shape)
    bad = unknown_after_known(~np.isnan(steps)) | np.isinf(steps)
    bad = bad.reshape(rows.shape)
    if not bad.any():
        return
    at, channel = (int(i) for i in np.argwhere(bad)[0])
    row = max(at - window + 1, 0) if consecutive else at // window
    what = "infinity" if np.isinf(rows[at, channel]) else "NaN"
    column = channel if names is None else repr(names[channel])
    raise ValueError(
        f"Input X contains {what} in row {row}, step {at - starts[row]} of its window, "
        f"column {column}: fill it or drop the row before this step (NaN is taken only "
        "at the start of windows, for unknown history)."
    )


def _warn_of_raw_rows(X: Any) -> None:
    """Warn of a frame of rows where windows of rows are meant."""
    timed = (pd.DatetimeIndex, pd.TimedeltaIndex, pd.PeriodIndex)
    if isinstance(X, pd.DataFrame) and isinstance(X.index, timed) and X.shape[1] > 1:
        warnings.warn(
            "X is a DataFrame with a time index, whose columns are taken as the steps "
            "of one channel: put `SlidingWindow` before the net if they are channels.",
            UserWarning,
            stacklevel=5,
        )
