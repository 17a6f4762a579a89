"""The quantile of residuals that split conformal prediction takes."""

import math

import numpy as np

from sktsdl._sklearn.validation import check_number


def conformal_quantile(residuals: np.ndarray, miscoverage: np.ndarray) -> np.ndarray:
    """Return the residual that a new residual exceeds with at most this probability.

    Parameters
    ----------
    residuals : ndarray of shape (n,) or (n, horizon)
        Absolute residuals.
    miscoverage : ndarray of shape () or (horizon,)
        The probability, for each step of the horizon.

    Returns
    -------
    quantile : ndarray of shape () or (horizon,)
        Infinite if `n` residuals are too few for it, 0 for a probability of 1.
    """
    n, ends = len(residuals), np.zeros((1, *residuals.shape[1:]))
    ranked = np.concatenate([ends, np.sort(residuals, axis=0), ends + np.inf])
    at = np.clip(rank(n, miscoverage), 0, n + 1)
    return np.take_along_axis(ranked, at[None], axis=0)[0]


def adapt(
    residuals: np.ndarray,
    known: np.ndarray,
    starts: np.ndarray,
    level: float,
    gamma: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Adapt the miscoverage to residuals that become known, time by time.

    Parameters
    ----------
    residuals : ndarray of shape (n,) or (n, horizon)
        Absolute residuals of the calibration rows, oldest first.
    known : ndarray of shape (n_known,) or (n_known, horizon)
        Those of later rows, oldest first.
    starts : ndarray of int
        The row of `known` at which each time starts.
    level : float
        The confidence level.
    gamma : float
        The size of a step, which is taken once for each time.

    Returns
    -------
    residuals : ndarray of shape (n,) or (n, horizon)
        The last residuals.
    miscoverage : ndarray of shape () or (horizon,)
        As adapted to all of `known`.
    """
    n = len(residuals)
    every = np.concatenate([residuals, known])
    miscoverage = np.full(residuals.shape[1:], 1 - level)
    for start, stop in zip(starts, [*starts[1:], len(known)], strict=True):
        width = conformal_quantile(every[start : start + n], miscoverage)
        outside = (known[start:stop] > width).mean(axis=0)
        miscoverage = miscoverage + gamma * (1 - level - outside)
    return every[-n:], miscoverage


def rank(n: int, miscoverage: np.ndarray) -> np.ndarray:
    """Return the rank, from 1, of this residual among `n`; above `n` if too few."""
    # A rounding error, as in 10 * 0.9, must not reach the next rank.
    at: np.ndarray = np.ceil((n + 1) * (1 - miscoverage) - 1e-9).astype(int)
    return at


def check_level(n: int, level: float) -> None:
    """Raise a ValueError if `n` calibration rows are too few for a confidence level."""
    check_number(
        "confidence_level", level, min_val=0, max_val=1, include_boundaries="neither"
    )
    if rank(n, np.asarray(1 - level)) > n:
        needed = math.ceil(level / (1 - level) - 1e-9)
        raise ValueError(
            f"confidence_level={level} needs at least {needed} calibration rows "
            f"and there are {n}: fit to more rows, with a larger "
            "calibration_fraction, or with a lower confidence_level."
        )
