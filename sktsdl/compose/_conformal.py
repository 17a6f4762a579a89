"""Intervals around the forecasts of any regressor."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import indexable
from sklearn.utils.validation import _num_samples, check_is_fitted

from sktsdl._sklearn.callbacks import fit_task, with_callbacks
from sktsdl._sklearn.target_steps import TargetSteps, check_same_labels, horizon_of
from sktsdl._sklearn.validation import (
    check_number,
    roll_back_on_error,
    validate_targets,
)
from sktsdl._windows.last_rows import rows_by_time, series_of, split_at_end
from sktsdl._windows.same_times import check_same_times
from sktsdl.compose._conformal_quantile import adapt, check_level, conformal_quantile
from sktsdl.compose._wrapper import (
    DelegatingWrapper,
    next_regressor,
    params_of_rows,
    take_rows,
)


class ConformalRegressor(DelegatingWrapper):
    r"""Prediction intervals for any regressor, by split conformal prediction.

    A first fit on the earlier rows predicts the later rows, which are the :math:`n`
    calibration rows. Let :math:`r_{(1)} \le \ldots \le r_{(n)}` be their sorted
    absolute residuals, for each step of the horizon separately. The regressor is then
    fitted again, to all rows, and its interval [1]_ [2]_ is

    .. math::

        \hat y_t \pm r_{(k)}, \qquad k = \lceil (n + 1) (1 - \alpha) \rceil

    with :math:`1 - \alpha` the `confidence_level`. If the residuals are exchangeable,
    the interval holds the target with at least this probability, whatever the
    regressor. Residuals of a time series are not exchangeable: their level and spread
    drift, and they depend on each other, so the coverage can be higher or lower. Check
    it on later rows. `update` follows a drift [3]_. The guarantee is for the first fit;
    the second fit has more rows and is not calibrated itself.

    The calibration rows have their true history. With targets `h` steps ahead, the
    last `h-1` targets of the earlier rows lie among the calibration rows. The first fit
    leaves these rows out; several targets one step ahead leave no row out.

    Parameters
    ----------
    regressor : estimator
        A regressor or pipeline; it is given `X` as it is. With its ``warm_start=True``,
        another ``fit`` trains `regressor_` further; the first fit always starts anew.
        A fitted regressor in scikit-learn's ``FrozenEstimator`` is not fitted: all rows
        of ``fit`` are then calibration rows, and it must not have been trained on them.
    confidence_level : float, default=0.9
        The share of targets that should lie in their intervals, between 0 and 1.
    calibration_fraction : float, default=0.2
        The share of the training rows that are calibration rows, the last ones of
        each series. A level of 0.9 needs at least 9 calibration rows, 0.99 needs 99.
    horizon : int or None, default=None
        The number of rows that the furthest target lies ahead. None reads it from the
        names of ``make_supervised`` (``rail+14``), else from the number of columns.

    Attributes
    ----------
    regressor_ : estimator
        The regressor fitted to all rows.
    residuals_ : ndarray of shape (n_calibration,) or (n_calibration, horizon)
        Absolute residuals of the calibration rows in the units of `y`, oldest first,
        of all series together.
    half_width_ : ndarray of shape () or (horizon,)
        The distance from the forecast to either end of the interval, in the units of
        `y`, for the `confidence_level` of ``fit`` or of the last `update`.
    miscoverage_ : ndarray of shape () or (horizon,)
        :math:`\alpha`, as adapted by `update`.
    n_features_in_ : int
        The number of features of the fitted regressor.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of features of the fitted regressor, if it has them.

    References
    ----------
    .. [1] H. Papadopoulos, K. Proedrou, V. Vovk and A. Gammerman (2002). Inductive
       Confidence Machines for Regression. ECML.
    .. [2] J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani and L. Wasserman (2018).
       Distribution-Free Predictive Inference for Regression. Journal of the American
       Statistical Association 113.
    .. [3] I. Gibbs and E. Candes (2021). Adaptive Conformal Inference Under
       Distribution Shift. NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sktsdl import ConformalRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(4000, 1))
    >>> y = X[:, 0] + rng.uniform(-1, 1, size=4000)
    >>> model = ConformalRegressor(Ridge()).fit(X[:2000], y[:2000])
    >>> lower, upper = model.predict_interval(X[2000:])
    >>> round(float((upper - lower).mean()), 2)
    1.78
    >>> round(float(((lower <= y[2000:]) & (y[2000:] <= upper)).mean()), 2)
    0.89
    """

    def __init__(
        self,
        regressor: BaseEstimator,
        *,
        confidence_level: float = 0.9,
        calibration_fraction: float = 0.2,
        horizon: int | None = None,
    ) -> None:
        self.regressor = regressor
        self.confidence_level = confidence_level
        self.calibration_fraction = calibration_fraction
        self.horizon = horizon

    @with_callbacks
    def fit(self, X: ArrayLike, y: ArrayLike, **fit_params: Any) -> Self:
        """Fit to earlier rows, compute residuals on later rows, and fit to all rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows, oldest first.
        y : array-like of shape (n_rows,) or (n_rows, horizon)
            The target.
        **fit_params : dict
            Passed to both fits of the regressor. The first fit gets its own rows of
            ``sample_weight``, also of a step of a pipeline. ``X_val`` is refused.

        Returns
        -------
        self : object
            The fitted regressor.

        Raises
        ------
        ValueError
            If a parameter or a target cannot be used, or no row is left for the first
            fit; the regressor then stays as it was.
        """
        first = clone(self.regressor)
        regressor = next_regressor(self.regressor, getattr(self, "regressor_", None))
        with fit_task(self, X, y, first, regressor), roll_back_on_error(self):
            fit_params = dict(self._fit_params(fit_params))
            if hasattr(self.regressor, "predict_proba"):
                raise ValueError(
                    "The regressor predicts classes, which have no residuals: give a "
                    "regressor of numbers."
                )
            for name in ("confidence_level", "calibration_fraction"):
                value, ends = getattr(self, name), "neither"
                check_number(name, value, min_val=0, max_val=1, include_boundaries=ends)
            if fit_params.get("X_val") is not None:
                raise ValueError(
                    "X_val lies after all rows, and the first fit would take it for "
                    "the rows right after its own: leave it out, or let the regressor "
                    "use the last of its rows for validation (validation_fraction)."
                )
            X, y = indexable(X, y)
            n_rows = _num_samples(X)
            targets = validate_targets(self, y, n_rows)
            check_same_times(X, y)
            is_first, is_last = self._calibration_rows(X, y, n_rows)
            X_first, y_first = take_rows(X, is_first), take_rows(y, is_first)
            first.fit(X_first, y_first, **params_of_rows(fit_params, is_first))
            rest = ~is_first
            residuals = _residuals(first.predict(take_rows(X, rest)), targets[rest])
            by_time = rows_by_time(*(take_rows(part, is_last) for part in (X, y)))[0]
            residuals = residuals[is_last[rest]][by_time]  # others are only history
            self.regressor_ = regressor.fit(X, y, **fit_params)
            self._y_labels = TargetSteps.of(y).labels
            self.residuals_ = residuals
            self._set_half_width(
                residuals, np.full(residuals.shape[1:], 1 - self.confidence_level)
            )
        return self

    def predict_interval(self, X: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Predict the ends of the interval of each target.

        You may set another `confidence_level` without a new fit; it does not use what
        `update` adapted for the level before.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows, as for ``predict``.

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
            If there were too few calibration rows for the confidence level.
        """
        check_is_fitted(self)
        check_level(len(self.residuals_), self.confidence_level)
        predicted, half_width = self.predict(X), self.half_width_
        if self.confidence_level != self._level:
            miscoverage = np.full_like(half_width, 1 - self.confidence_level)
            half_width = conformal_quantile(self.residuals_, miscoverage)
        return predicted - half_width, predicted + half_width

    def update(self, X: ArrayLike, y: ArrayLike, *, gamma: float = 0.005) -> Self:
        r"""Adapt the half-widths to rows whose targets have become known.

        Adaptive conformal inference [3]_: for each time and each step of the horizon,

        .. math:: \alpha_{t+1} = \alpha_t + \gamma (\alpha - e_t)

        with :math:`e_t` equal to 1 if the target lay outside the interval of
        :math:`\alpha_t`, and 0 otherwise. Its residual then replaces the oldest one.
        Of many series, :math:`e_t` is the share of those with a row at this time whose
        target lay outside. The regressor stays as it is.

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
            If `gamma` is negative, a target cannot be used, or there were too few
            calibration rows for the confidence level; nothing then changes.
        """
        check_is_fitted(self)
        check_level(len(self.residuals_), self.confidence_level)
        check_number("gamma", gamma, min_val=0)
        predicted = np.asarray(self.predict(X))
        targets = validate_targets(self, y, len(predicted))
        check_same_times(X, y)
        check_same_labels(self._y_labels, y, "y")
        if targets.size != predicted.size:
            raise ValueError(
                f"y has shape {targets.shape}, and the forecasts for X have "
                f"{predicted.shape}: give the steps of the horizon of fit."
            )
        rows, starts = rows_by_time(X, y)
        known = _residuals(predicted, targets)[rows]
        self._set_half_width(
            *adapt(self.residuals_, known, starts, self.confidence_level, gamma)
        )
        return self

    def _calibration_rows(
        self, X: ArrayLike, y: ArrayLike, n_rows: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mark the rows of the first fit, and the calibration rows."""
        if isinstance(self.regressor, FrozenEstimator):
            return np.zeros(n_rows, dtype=bool), np.ones(n_rows, dtype=bool)
        n_ahead, fraction = horizon_of(y, self.horizon) - 1, self.calibration_fraction
        is_first, is_last = split_at_end(series_of(X, y), fraction, n_ahead)
        if not is_last.any():
            raise ValueError(
                f"calibration_fraction={fraction} of the n_samples={n_rows} rows, and "
                f"the {n_ahead} rows before them whose targets reach into them, leave "
                "no row to fit: give more rows, or a smaller calibration_fraction."
            )
        return is_first, is_last

    def _set_half_width(self, residuals: np.ndarray, miscoverage: np.ndarray) -> None:
        self._level = self.confidence_level
        self.miscoverage_ = miscoverage
        self.half_width_ = conformal_quantile(residuals, miscoverage)


def _residuals(predicted: ArrayLike, targets: np.ndarray) -> np.ndarray:
    predicted = np.asarray(predicted)
    return np.abs(targets.reshape(predicted.shape) - predicted)
