"""Calibration rows: which they are, and what follows from their residuals."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from sktsdl._sklearn.warnings import warn
from sktsdl._windows.last_rows import split_at_end
from sktsdl._windows.panel import Panel, check_levels, panel_index, some_of
from sktsdl.compose._conformal_quantile import (
    adapt,
    adapt_each,
    conformal_quantile,
    is_too_few,
    n_needed,
    quantile_of_each,
)


def split_rows(
    panel: Panel | None, n_rows: int, fraction: float, n_ahead: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mark the rows of the first fit, and the calibration rows.

    Raises
    ------
    ValueError
        If none is left for the first fit.
    """
    series = np.zeros(n_rows, dtype=int) if panel is None else panel.series
    is_first, is_last = split_at_end(series, fraction, n_ahead)
    if not is_last.any():
        raise ValueError(
            f"calibration_fraction={fraction} of the n_samples={n_rows} rows, and "
            f"the {n_ahead} rows before them whose targets reach into them, leave "
            "no row to fit: give more rows, or a smaller calibration_fraction."
        )
    return is_first, is_last


def scaled_residuals(
    predicted: ArrayLike, targets: np.ndarray, scales: np.ndarray | None
) -> np.ndarray:
    """Return absolute residuals, in units of scales if there are some."""
    predicted = np.asarray(predicted)
    residuals = np.abs(targets.reshape(predicted.shape) - predicted)
    return residuals if scales is None else residuals / scales


@dataclass(frozen=True, eq=False)
class Calibration:
    """The residuals of calibration rows, and what half-widths follow from them.

    Its results are attributes of `ConformalRegressor`.

    Parameters
    ----------
    residuals : ndarray of shape (n,) or (n, horizon)
        Absolute residuals, oldest first.
    series : SeriesOfRows or None, default=None
        The series of each of them, None if all series share one half-width.
    """

    residuals: np.ndarray
    series: SeriesOfRows | None = None

    def at_level(self, level: float) -> dict[str, Any]:
        """Return the half-widths for a confidence level.

        Warn of series that have too few calibration rows for it.
        """
        steps = self.residuals.shape[1:]
        pooled = self.residuals, np.full(steps, 1 - level)
        if self.series is None:
            return self._attributes(level, *pooled)
        self.series.warn_of_short(level)
        miscoverage = np.full((len(self.series.keys), *steps), 1 - level)
        each = self.residuals, self.series.numbers, miscoverage
        return self._attributes(level, *pooled, each)

    def adapted(
        self,
        known: np.ndarray,
        starts: np.ndarray,
        numbers: np.ndarray | None,
        level: float,
        gamma: float,
    ) -> dict[str, Any]:
        """Return the half-widths, adapted to the residuals of later rows.

        Parameters
        ----------
        known : ndarray of shape (n_known,) or (n_known, horizon)
            The residuals of later rows, oldest first.
        starts : ndarray of int
            The row of `known` at which each time starts.
        numbers : ndarray of int, shape (n_known,), or None
            The number of each row's series, -1 for other series.
        level, gamma : float
            As in `adapt`.
        """
        pooled = adapt(self.residuals, known, starts, level, gamma)
        if self.series is None or numbers is None:
            return self._attributes(level, *pooled)
        has_enough = ~self.series.are_short(level)
        is_own = (numbers >= 0) & has_enough[numbers]
        each = adapt_each(
            (self.residuals, self.series.numbers),
            (known[is_own], numbers[is_own]),
            len(has_enough),
            level,
            gamma,
        )
        return self._attributes(level, *pooled, each)

    def _attributes(
        self,
        level: float,
        residuals: np.ndarray,
        miscoverage: np.ndarray,
        each: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
    ) -> dict[str, Any]:
        half_width = conformal_quantile(residuals, miscoverage)
        pooled = {"half_width_": half_width, "miscoverage_": miscoverage}
        if each is None or self.series is None:
            return {"_level": level, **pooled}
        of_each = {"half_width_": quantile_of_each(*each), "miscoverage_": each[-1]}
        are_short = self.series.are_short(level)
        for name, values in of_each.items():
            values[are_short] = pooled[name]
        return {"_level": level, "pooled_half_width_": half_width, **of_each}


@dataclass(frozen=True, eq=False)
class SeriesOfRows:
    """The series of calibration rows.

    Parameters
    ----------
    keys : pandas.Index
        The name of each series.
    levels : list of hashable
        The names of the levels of the index that name a series.
    numbers : ndarray of int, shape (n,)
        The number of each calibration row's series.
    """

    keys: pd.Index
    levels: list[Hashable]
    numbers: np.ndarray

    def numbers_in(self, *data: Any) -> np.ndarray:
        """Return the number of the series of each row, -1 for other series.

        Parameters
        ----------
        *data : array-like
            `X`, and perhaps `y`, whose index is read if `X` has none of series.

        Raises
        ------
        ValueError
            If the index of none of them says it.
        """
        named = zip(data, ("X", "y"), strict=False)
        found = (panel_index(part, name) for part, name in named)
        index = next((index for index in found if index is not None), None)
        if index is None:
            raise ValueError(
                "The half-widths are of each series, and the index of X does not say "
                "which series its rows are of: give a DataFrame whose MultiIndex has "
                "the series and, as last level, the time, or fit with by_series=False."
            )
        check_levels(list(index.names[:-1]), self.levels)
        return self.keys.get_indexer(index.droplevel(-1))

    def are_short(self, level: float) -> np.ndarray:
        """Mark the series that have too few calibration rows for a level."""
        counts = np.bincount(self.numbers, minlength=len(self.keys))
        are_short: np.ndarray = is_too_few(counts, level)
        return are_short

    def warn_of_short(self, level: float) -> None:
        """Warn of the series that have too few calibration rows for a level."""
        short = np.flatnonzero(self.are_short(level))
        if len(short) and not is_too_few(len(self.numbers), level):
            warn(
                f"The series {some_of(self.keys, short)} have fewer calibration rows "
                f"than the {n_needed(level)} that confidence_level={level} needs, so "
                "their half-width is the one of all series together: fit to more rows "
                "of them, with a larger calibration_fraction, or with a lower "
                "confidence_level."
            )
