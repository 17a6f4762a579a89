"""The quantile of residuals that split conformal prediction takes."""

import math
from typing import Any

import numpy as np

from sktsdl._sklearn.validation import check_share
from sktsdl._windows.row_order import ranges


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


def quantile_of_each(
    residuals: np.ndarray, series: np.ndarray, miscoverage: np.ndarray
) -> np.ndarray:
    """Return `conformal_quantile` of the residuals of each series.

    Parameters
    ----------
    residuals : ndarray of shape (n,) or (n, horizon)
        Absolute residuals.
    series : ndarray of int, shape (n,)
        The number of each residual's series.
    miscoverage : ndarray of shape (n_series,) or (n_series, horizon)
        The probability, for each series and each step of the horizon.

    Returns
    -------
    quantiles : ndarray of the shape of `miscoverage`
    """
    n_series = len(miscoverage)
    counts = np.bincount(series, minlength=n_series)
    starts, counts = (counts.cumsum() - counts)[:, None], counts[:, None]
    columns = residuals.reshape(len(residuals), -1)
    at = np.clip(rank(counts, miscoverage.reshape(n_series, -1)), 0, counts + 1)
    ranked = [column[np.lexsort((column, series))] for column in columns.T]
    places = np.clip(starts + at - 1, 0, len(columns) - 1)
    quantiles = np.take_along_axis(np.stack(ranked, axis=1), places, axis=0)
    quantiles = np.where(at > counts, np.inf, np.where(at == 0, 0.0, quantiles))
    return quantiles.reshape(miscoverage.shape)


def adapt_each(
    residuals: tuple[np.ndarray, np.ndarray],
    known: tuple[np.ndarray, np.ndarray],
    n_series: int,
    level: float,
    gamma: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Adapt the miscoverage of each series by itself, as `adapt` does for one series.

    Parameters
    ----------
    residuals : (ndarray of shape (n,) or (n, horizon), ndarray of int, shape (n,))
        Absolute residuals of the calibration rows, oldest first, and the number of
        the series of each.
    known : (ndarray of shape (n_known, ...), ndarray of int, shape (n_known,))
        Those of later rows, of series that have calibration rows.
    n_series : int
        The number of series.
    level : float
        The confidence level.
    gamma : float
        The size of a step, which is taken once for each row.

    Returns
    -------
    residuals : ndarray of shape (n,) or (n, horizon)
        The last residuals, series by series.
    series : ndarray of int, shape (n,)
        The number of the series of each.
    miscoverage : ndarray of shape (n_series,) or (n_series, horizon)
        As adapted to all of `known`.
    """
    every, series = (
        np.concatenate(parts) for parts in zip(residuals, known, strict=True)
    )
    every = every[np.argsort(series, kind="stable")]
    counts, n_known = (
        np.bincount(part[1], minlength=n_series) for part in (residuals, known)
    )
    stops = (counts + n_known).cumsum()
    starts = stops - counts - n_known
    steps = every.shape[1:]
    miscoverage = np.full((n_series, *steps), 1 - level)
    # The next row of each series in each round: series do not depend on each other.
    for i in range(n_known.max(initial=0)):
        at = np.flatnonzero(n_known > i)
        n, firsts = counts[at], starts[at] + i
        new = every[firsts + n]
        is_less = every[ranges(firsts, firsts + n)] < np.repeat(new, n, axis=0)
        n_less = np.add.reduceat(is_less, n.cumsum() - n, axis=0, dtype=int)
        ranks = rank(n.reshape(-1, *(1 for _ in steps)), miscoverage[at])
        # The target lies outside if the residual of this rank is less.
        outside = np.where(ranks > 0, n_less >= ranks, new > 0)
        miscoverage[at] += gamma * (1 - level - outside)
    last = every[ranges(stops - counts, stops)]
    return last, np.repeat(np.arange(n_series), counts), miscoverage


def rank(n: int | np.ndarray, miscoverage: np.ndarray) -> np.ndarray:
    """Return the rank, from 1, of this residual among `n`; above `n` if too few."""
    # A rounding error, as in 10 * 0.9, must not reach the next rank.
    at: np.ndarray = np.ceil((n + 1) * (1 - miscoverage) - 1e-9).astype(int)
    return at


def is_too_few(n: Any, level: float) -> Any:
    """Say whether `n` calibration rows are too few for a confidence level."""
    return rank(n, np.asarray(1 - level)) > n


def n_needed(level: float) -> int:
    """Return how many calibration rows a confidence level needs."""
    return math.ceil(level / (1 - level) - 1e-9)


def check_level(n: int, level: float) -> None:
    """Raise a ValueError if `n` calibration rows are too few for a confidence level."""
    check_share("confidence_level", level)
    if is_too_few(n, level):
        raise ValueError(
            f"confidence_level={level} needs at least {n_needed(level)} calibration "
            f"rows and there are {n}: fit to more rows, with a larger "
            "calibration_fraction, or with a lower confidence_level."
        )
