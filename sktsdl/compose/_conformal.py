"""Intervals around the forecasts of any regressor."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import indexable
from sklearn.utils.validation import _num_samples

from sktsdl._sklearn.bases import with_callbacks
from sktsdl._sklearn.callbacks import fit_task
from sktsdl._sklearn.scales import predict_with_scales, scale_kind
from sktsdl._sklearn.target_steps import TargetSteps, horizon_of
from sktsdl._sklearn.validation import (
    check_option,
    check_share,
    noted,
    roll_back_on_error,
    validate_targets,
)
from sktsdl._windows.last_rows import rows_by_time, take_rows
from sktsdl._windows.panel import Panel, panel_of
from sktsdl._windows.same_times import check_same_times
from sktsdl.compose._calibrated import CalibratedRegressor
from sktsdl.compose._calibration import scaled_residuals, split_rows
from sktsdl.compose._wrapper import (
    next_regressor,
    params_of_rows,
    refuse_classes,
)


class ConformalRegressor(CalibratedRegressor):
    r"""Prediction intervals for any regressor, by split conformal prediction.

    A first fit on the earlier rows predicts the later rows, which are the :math:`n`
    calibration rows. Let :math:`r_{(1)} \le \ldots \le r_{(n)}` be their sorted
    residuals :math:`|y_t - \hat y_t| / \sigma_t`, for each step of the horizon
    separately. The regressor is then fitted again, to all rows, and its interval [1]_
    [2]_ is

    .. math::

        \hat y_t \pm \sigma_t \, r_{(k)}, \qquad
        k = \lceil (n + 1) (1 - \alpha) \rceil

    with :math:`1 - \alpha` the `confidence_level`, and :math:`\sigma_t` the scale of
    the window [3]_. A net has one if its ``window_norm_`` is ``"standard"`` or
    ``"mean"``: the standard deviation or the mean absolute value of the window, in the
    units of the target, and at least the 5 % quantile of these in training, also for
    a constant window. The net may be inside of pipelines,
    searches, ``FrozenEstimator``, `PurgedRegressor`, `MultiTaskNet` and
    `RelativeTargetRegressor`, for whose ratios the scale is multiplied by the forecast.
    For all other regressors, :math:`\sigma_t = 1`, and also if one of the two fits has
    no scale.

    If the residuals are exchangeable, the interval holds the target with at least this
    probability, whatever the regressor. Residuals of a time series are not
    exchangeable: their level and spread drift, and they depend on each other, so the
    coverage can be higher or lower. Check it on later rows. `update` follows a drift
    [4]_. The guarantee is for the first fit; the second fit has more rows and is not
    calibrated itself.

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
    by_series : bool, default=False
        Whether each of many series has its own half-width, from its own calibration
        rows. Series with too few of them for the `confidence_level`, and series that
        ``fit`` did not have, take the half-width of all series together. False takes
        the half-width of all series together for each.

    Attributes
    ----------
    regressor_ : estimator
        The regressor fitted to all rows.
    residuals_ : ndarray of shape (n_calibration,) or (n_calibration, horizon)
        Absolute residuals of the calibration rows in units of :math:`\sigma_t`, which
        are the units of `y` if it is 1. Oldest first, of all series together.
    half_width_ : ndarray of shape () or (horizon,)
        The distance from the forecast to either end of the interval, in units of
        :math:`\sigma_t`, for the `confidence_level` of ``fit`` or of the last `update`.
        With ``by_series=True``, of shape (n_series,) or (n_series, horizon).
    miscoverage_ : ndarray of the shape of `half_width_`
        :math:`\alpha`, as adapted by `update`.
    series_ : ndarray of shape (n_series,)
        The name of the series of each row of `half_width_`, a tuple if several levels
        of the index name it; only with ``by_series=True``.
    pooled_half_width_ : ndarray of shape () or (horizon,)
        The half-width of all series together; only with ``by_series=True``.
    n_features_in_ : int
        The number of features of the fitted regressor.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        The names of features of the fitted regressor, if it has them.

    References
    ----------
    .. [1] H. Papadopoulos, K. Proedrou, V. Vovk and A. Gammerman (2002). Inductive
       Confidence Machines for Regression. ECML.
    .. [2] J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani and L. Wasserman (2018).
       Distribution-Free Predictive Inference for Regression. Journal of the American
       Statistical Association 113.
    .. [3] H. Papadopoulos, A. Gammerman and V. Vovk (2008). Normalized Nonconformity
       Measures for Regression Conformal Prediction. AIA.
    .. [4] I. Gibbs and E. Candes (2021). Adaptive Conformal Inference Under
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
        by_series: bool = False,
    ) -> None:
        self.regressor = regressor
        self.confidence_level = confidence_level
        self.calibration_fraction = calibration_fraction
        self.horizon = horizon
        self.by_series = by_series

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
            If a parameter or a target cannot be used, no row is left for the first
            fit, or ``by_series=True`` and neither `X` nor `y` has a MultiIndex of
            series and times; the regressor then stays as it was.

        Warns
        -----
        UserWarning
            If ``by_series=True`` and some series have too few calibration rows.
        """
        first = clone(self.regressor)
        regressor = next_regressor(self.regressor, getattr(self, "regressor_", None))
        with fit_task(self, X, y, first, regressor), roll_back_on_error(self):
            fit_params = dict(self._fit_params(fit_params))
            self._check_parameters(fit_params)
            X, y = indexable(X, y)
            targets = validate_targets(self, y, _num_samples(X))
            check_same_times(X, y)
            panel = panel_of(X, y)
            if self.by_series and panel is None:
                raise ValueError(
                    "by_series=True needs the series of each row, and neither X nor y "
                    "has a MultiIndex of series and times: give a DataFrame that has "
                    "one, or use by_series=False."
                )
            is_first, is_last = self._calibration_rows(panel, y)
            X_first, y_first = take_rows(X, is_first), take_rows(y, is_first)
            with noted(
                f"This was the first fit of ConformalRegressor, to {is_first.sum()} of "
                f"{len(is_first)} rows, before the calibration rows."
            ):
                first.fit(X_first, y_first, **params_of_rows(fit_params, is_first))
            rest = ~is_first
            predicted, scales = predict_with_scales(first, take_rows(X, rest))
            by_time = rows_by_time(*(take_rows(part, is_last) for part in (X, y)))[0]
            self.regressor_ = regressor.fit(X, y, **fit_params)
            # With window_norm="auto", the two fits may choose differently.
            self._uses_scales = scale_kind(first) == scale_kind(self.regressor_)
            residuals = scaled_residuals(
                predicted, targets[rest], scales if self._uses_scales else None
            )
            self._y_labels = TargetSteps.of(y).labels
            self._calibrate(
                residuals[is_last[rest]][by_time],  # other rows are only history
                panel if self.by_series else None,
                np.flatnonzero(is_last)[by_time],
            )
        return self

    def _check_parameters(self, fit_params: dict[str, Any]) -> None:
        refuse_classes(self.regressor, "residuals")
        for name in ("confidence_level", "calibration_fraction"):
            check_share(name, getattr(self, name))
        check_option("by_series", self.by_series, (False, True))
        if fit_params.get("X_val") is not None:
            raise ValueError(
                "X_val lies after all rows, and the first fit would take it for "
                "the rows right after its own: leave it out, or let the regressor "
                "use the last of its rows for validation (validation_fraction)."
            )

    def _calibration_rows(
        self, panel: Panel | None, y: ArrayLike
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mark the rows of the first fit, and the calibration rows."""
        n_rows = _num_samples(y)
        if isinstance(self.regressor, FrozenEstimator):
            return np.zeros(n_rows, dtype=bool), np.ones(n_rows, dtype=bool)
        n_ahead = horizon_of(y, self.horizon) - 1
        return split_rows(panel, n_rows, self.calibration_fraction, n_ahead)
