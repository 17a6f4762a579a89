"""Which windows train a net, and which validate it."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from sktsdl._estimator.samples import Samples
from sktsdl._estimator.specs import InputSpec
from sktsdl._layers.causal import LossSteps
from sktsdl._windows.last_rows import split_at_end
from sktsdl._windows.missing import why_incomplete
from sktsdl._windows.windows import Windows


@dataclass(frozen=True)
class SplitConfig:
    """What is asked of the split; names as the parameters of all nets."""

    loss_steps: LossSteps
    early_stopping: bool
    validation_fraction: float


@dataclass(frozen=True)
class Split:
    """Samples, and the indices of their windows for training and validation."""

    samples: Samples
    train_idx: np.ndarray
    valid: Samples | None
    valid_idx: np.ndarray | None

    def is_trained(self, every_step: bool) -> np.ndarray:
        """Mark each window whose target is trained on, shape (n,).

        With `every_step`, these are the windows that end at a row of a training window.
        """
        samples, idx = self.samples, self.train_idx
        trained = np.zeros(len(samples.windows), dtype=bool)
        trained[idx] = True
        if every_step:
            ends = np.asarray(samples.windows.ends)
            trained = (samples.n_windows_of_rows(idx)[ends] > 0) & (ends >= 0)
            if samples.weights is not None:
                trained &= samples.weights > 0
        return trained

    def weighed(self, factors: np.ndarray | None) -> Self:
        """Return a split with the weights of `samples` multiplied by `factors`."""
        if factors is None:
            return self
        weights = self.samples.weights
        weights = factors if weights is None else weights * factors
        samples = replace(self.samples, weights=weights)
        valid = samples if self.valid is self.samples else self.valid
        return replace(self, samples=samples, valid=valid)


def split_samples(
    config: SplitConfig,
    samples: Samples,
    valid: Samples | None,
    inputs: InputSpec,
) -> Split:
    """Choose the windows for training and validation.

    `valid` holds the rows that were given for validation, if any.
    """
    every_step = config.loss_steps == "all"
    train_idx = trainable_windows(samples, inputs.channel_names, every_step=every_step)
    if valid is not None:
        return Split(samples, train_idx, valid, np.flatnonzero(valid.is_complete))
    if not config.early_stopping:
        return Split(samples, train_idx, None, None)
    train_idx, valid_idx = split_validation(
        train_idx, samples.series, config.validation_fraction, samples.horizon
    )
    return Split(samples, train_idx, samples, valid_idx)


def trainable_windows(
    samples: Samples, names: tuple[str, ...] | None, *, every_step: bool
) -> np.ndarray:
    """Return the indices of the windows that can be trained on.

    With `every_step`, every step of a window must be a row with a target. `names` are
    those of the channels.

    Raises
    ------
    ValueError
        If there are none.
    """
    windows, window = samples.windows, samples.window
    n, is_complete = len(windows), samples.is_complete
    is_trainable = is_complete.copy()
    if every_step:
        if not windows.are_rows:
            raise ValueError(
                "loss_steps='all' needs windows of consecutive rows, as from "
                "`SlidingWindow`, and X holds independent samples: use "
                "loss_steps='last'."
            )
        is_trainable &= has_every_target(windows)
        if not is_trainable.any() and is_complete.any():
            raise ValueError(
                f"loss_steps='all' needs a target for each of the {window} steps of a "
                f"window, and X has {n} rows: give at least {window}, or use "
                "loss_steps='last'."
            )
    if not is_trainable.any():
        way_out = f"give at least {window} known rows, or a smaller `window`"
        reason = why_incomplete(windows, names, way_out)
        raise ValueError(
            f"None of the {n} windows of {window} rows in X is complete: {reason}."
        )
    if samples.weights is not None:
        is_trainable &= samples.weights > 0
    if not is_trainable.any():
        raise ValueError("sample_weight is 0 for every complete window of X.")
    return np.flatnonzero(is_trainable)


def has_every_target(windows: Windows) -> np.ndarray:
    """Mark each window whose steps are all rows at which windows end, shape (n,)."""
    ends, is_end = np.asarray(windows.ends), np.zeros(len(windows.rows), dtype=int)
    is_end[ends[ends >= 0]] = 1
    n_ends = np.concatenate([[0], is_end.cumsum()])
    starts = np.maximum(windows.starts, 0)
    found: np.ndarray = n_ends[ends + 1] - n_ends[starts] == windows.window
    return found & (windows.n_unknown == 0)


def split_validation(
    idx: np.ndarray, series: np.ndarray | None, fraction: float, horizon: int
) -> tuple[np.ndarray, np.ndarray]:
    """Split windows into training windows and, after them, validation windows.

    The ``horizon - 1`` windows between the two are dropped, so that no target occurs
    in both. Both are of each series: its last windows are validation windows, none of
    them if no training window would be left.
    """
    of = np.zeros(len(idx), dtype=int) if series is None else series[idx]
    is_before, is_last = split_at_end(of, fraction, horizon - 1)
    if not is_last.any():
        raise ValueError(
            f"early_stopping with validation_fraction={fraction} leaves none of the "
            f"{len(idx)} complete windows for training: give more rows, a smaller "
            "fraction, or early_stopping=False."
        )
    return idx[is_before], idx[is_last]
