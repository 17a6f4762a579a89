"""Intervals from the residuals of calibration rows."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sktsdl._sklearn.scales import predict_with_scales
from sktsdl._sklearn.target_steps import check_same_labels
from sktsdl._sklearn.validation import check_number, validate_targets
from sktsdl._windows.last_rows import rows_by_time
from sktsdl._windows.panel import Panel
from sktsdl._windows.same_times import check_same_times
from sktsdl.compose._calibration import Calibration, SeriesOfRows, scaled_residuals
from sktsdl.compose._conformal_quantile import check_level
from sktsdl.compose._wrapper import DelegatingWrapper


class CalibratedRegressor(DelegatingWrapper):
    """A fitted regressor with the residuals of its calibration rows."""

    residuals_: np.ndarray
    half_width_: np.ndarray
    confidence_level: float
    _level: float
    _uses_scales: bool
    _y_labels: tuple[Any, ...]

    def predict_interval(self, X: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Predict the ends of the interval of each target.

        You may set another `confidence_level` without a new fit; it does not use what
        `update` adapted for the level before.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows, as for ``predict``. With ``by_series=True``, its index
            names the series of each row.

        Returns
        -------
        lower : ndarray of shape (n_rows,) or (n_rows, horizon)
            In the units of `y`. It is infinite, as is `upper`, if `update` found the
            largest residual too small.
        upper : ndarray of shape (n_rows,) or (n_rows, horizon)
            In the units of `y`.

        Raises
        ------
        ValueError
            If there were too few calibration rows for the confidence level, or if the
            half-widths are of each series, and `X` does not say which its rows are of.

        Warns
        -----
        UserWarning
            If the level is another one than in ``fit``, for which some series have too
            few calibration rows.
        """
        check_is_fitted(self)
        check_level(len(self.residuals_), self.confidence_level)
        calibration, found = self._calibration, self.__dict__
        if self.confidence_level != self._level:
            found = calibration.at_level(self.confidence_level)
        half_width = found["half_width_"]
        if calibration.series is not None:
            numbers = calibration.series.numbers_in(X)
            pooled = found["pooled_half_width_"][None]
            half_width = np.concatenate([half_width, pooled])[numbers]
        predicted, scales = self._predict(X)
        if scales is not None:
            half_width = half_width * scales
        return predicted - half_width, predicted + half_width

    def update(self, X: ArrayLike, y: ArrayLike, *, gamma: float = 0.005) -> Self:
        r"""Adapt the half-widths to rows whose targets have become known.

        Adaptive conformal inference: for each time and each step of the horizon,

        .. math:: \alpha_{t+1} = \alpha_t + \gamma (\alpha - e_t)

        with :math:`e_t` equal to 1 if the target lay outside the interval of
        :math:`\alpha_t`, and 0 otherwise. Its residual then replaces the oldest one.
        Of many series, :math:`e_t` is the share of those with a row at this time whose
        target lay outside; with ``by_series=True``, each series with its own half-width
        is adapted by itself. The regressor stays as it is.

        Every call starts from the calibration rows again, so give all rows since
        training in each call.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            The rows right after the training rows, oldest first.
        y : array-like of shape (n_rows,) or (n_rows, horizon)
            Their targets, as in ``fit``.
        gamma : float, default=0.005
            The step size :math:`\gamma`, at least 0. A larger step size follows a
            drift sooner, and the half-widths vary more.

        Returns
        -------
        self : object
            The regressor with adapted half-widths.

        Raises
        ------
        ValueError
            If `gamma` is negative, a target cannot be used, there were too few
            calibration rows for the confidence level, or if the series of rows are
            needed and not known; nothing then changes.
        """
        check_is_fitted(self)
        check_level(len(self.residuals_), self.confidence_level)
        check_number("gamma", gamma, min_val=0)
        predicted, scales = self._predict(X)
        predicted = np.asarray(predicted)
        targets = validate_targets(self, y, len(predicted))
        check_same_times(X, y)
        check_same_labels(self._y_labels, y, "y")
        if targets.size != predicted.size:
            raise ValueError(
                f"y has shape {targets.shape}, and the forecasts for X have "
                f"{predicted.shape}: give the steps of the horizon of fit."
            )
        rows, starts = rows_by_time(X, y)
        known = scaled_residuals(predicted, targets, scales)[rows]
        calibration, level = self._calibration, self.confidence_level
        numbers = None
        if calibration.series is not None:
            numbers = calibration.series.numbers_in(X, y)[rows]
            if level != self._level:
                calibration.series.warn_of_short(level)
        self.__dict__.update(calibration.adapted(known, starts, numbers, level, gamma))
        return self

    def _predict(self, X: ArrayLike) -> tuple[Any, np.ndarray | None]:
        """Return predictions, and scales if the residuals are in units of them."""
        if self._uses_scales:
            return predict_with_scales(self.regressor_, X)
        return self.predict(X), None

    def _calibrate(
        self, residuals: np.ndarray, panel: Panel | None, rows: np.ndarray
    ) -> None:
        """Set the half-widths that follow from the residuals of calibration rows.

        They are by series if there is a `panel`; the residuals are of its `rows`.
        """
        for name in ("series_", "pooled_half_width_"):
            self.__dict__.pop(name, None)
        self.residuals_ = residuals
        if panel is not None:
            self.series_ = panel.keys.to_numpy()
            self._levels = list(panel.keys.names)
            self._series_of_rows = panel.series[rows]
        self.__dict__.update(self._calibration.at_level(self.confidence_level))

    @property
    def _calibration(self) -> Calibration:
        if not hasattr(self, "series_"):
            return Calibration(self.residuals_)
        # Arrays alone are kept, as skops stores nothing of pandas.
        keys = pd.Index(self.series_, tupleize_cols=len(self._levels) > 1)
        series = SeriesOfRows(keys, self._levels, self._series_of_rows)
        return Calibration(self.residuals_, series)
