"""Intervals around the forecasts of any regressor."""

import math
from typing import Any, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils import indexable
from sklearn.utils.validation import _num_samples, check_is_fitted

from sktsdl._sklearn.callbacks import fit_task, with_callbacks
from sktsdl._sklearn.validation import (
    check_number,
    roll_back_on_error,
    validate_targets,
)
from sktsdl.compose._wrapper import PlainWrapper, rows_between


class ConformalRegressor(PlainWrapper):
    r"""Intervals that hold the target with a given confidence, by split conformal.

    A first fit on the earlier rows predicts the later ones, the calibration rows. With
    :math:`n` of these and their sorted absolute residuals
    :math:`r_{(1)} \le \ldots \le r_{(n)}`, for each step of the horizon by itself, the
    interval [1]_ [2]_ of the regressor fitted again to all rows is

    .. math::

        \hat y_t \pm r_{(k)}, \qquad k = \lceil (n + 1) (1 - \alpha) \rceil

    with :math:`1 - \alpha` the `confidence_level`. Where residuals are exchangeable, it
    holds the target with at least this probability, whatever the regressor. Residuals
    of a time series are not: their level and spread drift, and they follow each other,
    so that coverage comes out above or below; check it on rows that come after.
    `update` follows a drift [3]_. Nor does the guarantee reach over the second fit,
    which has more rows than the one that was calibrated.

    The calibration rows have their true history. With targets `h` steps ahead, the
    last `h-1` targets of the earlier rows lie among the calibration rows; the first fit
    goes without these rows.

    Parameters
    ----------
    regressor : estimator
        Any regressor or pipeline; it is given `X` as it is.
    confidence_level : float, default=0.9
        The share of targets to lie in their intervals, between 0 and 1.
    calibration_fraction : float, default=0.2
        The share of the training rows, the last ones, to take residuals from. A level
        of 0.9 needs at least 9 such rows, 0.99 needs 99.

    Attributes
    ----------
    regressor_ : estimator
        The regressor fitted to all rows.
    residuals_ : ndarray of shape (n_calibration,) or (n_calibration, horizon)
        Absolute residuals of the calibration rows in the units of `y`, oldest first.
    half_width_ : ndarray of shape () or (horizon,)
        What lies between the forecast and either end, in the units of `y`, for the
        `confidence_level` of ``fit`` or of the last `update`.
    miscoverage_ : ndarray of shape () or (horizon,)
        :math:`\alpha`, as far as `update` has changed it.
    n_features_in_ : int
        As the fitted regressor's.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        As the fitted regressor's.

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
        regressor: Any,
        *,
        confidence_level: float = 0.9,
        calibration_fraction: float = 0.2,
    ) -> None:
        self.regressor = regressor
        self.confidence_level = confidence_level
        self.calibration_fraction = calibration_fraction

    @with_callbacks
    def fit(self, X: Any, y: Any, **fit_params: Any) -> Self:
        """Fit to the earlier rows, take residuals on the later ones, fit to all.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows, oldest first.
        y : array-like of shape (n_rows,) or (n_rows, horizon)
            The target.
        **fit_params : dict
            Passed to both fits of the regressor; of ``sample_weight`` (of a step, too)
            the first one gets its own rows. ``X_val`` is refused.

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
        first, regressor = clone(self.regressor), clone(self.regressor)
        with fit_task(self, X, y, first, regressor), roll_back_on_error(self):
            fit_params = dict(self._fit_params(fit_params))
            for name in ("confidence_level", "calibration_fraction"):
                check_number(
                    name,
                    getattr(self, name),
                    min_val=0,
                    max_val=1,
                    include_boundaries="neither",
                )
            if fit_params.get("X_val") is not None:
                raise ValueError(
                    "X_val lies behind all rows, and the first fit would take it for "
                    "the rows behind its own: leave it out, or let the regressor hold "
                    "out rows of its own (validation_fraction)."
                )
            X, y = indexable(X, y)
            n_rows = _num_samples(X)
            targets = validate_targets(self, y, n_rows)
            n_ahead = int(np.prod(targets.shape[1:])) - 1
            n_calibration = math.ceil(self.calibration_fraction * n_rows)
            n_first = n_rows - n_calibration - n_ahead
            if n_first < 1:
                raise ValueError(
                    f"calibration_fraction={self.calibration_fraction} of the "
                    f"n_samples={n_rows} rows, and {n_ahead} before them whose targets "
                    "reach into them, leave none to fit: give more rows, or a smaller "
                    "calibration_fraction."
                )
            first.fit(
                rows_between(X, 0, n_first),
                rows_between(y, 0, n_first),
                **{
                    name: rows_between(value, 0, n_first)
                    if name.endswith("sample_weight") and value is not None
                    else value
                    for name, value in fit_params.items()
                },
            )
            # The rows that are not scored still are the history of those that are.
            residuals = _residuals(
                first.predict(rows_between(X, n_first, None)), targets[n_first:]
            )[n_ahead:]
            self.regressor_ = regressor.fit(X, y, **fit_params)
            self.residuals_ = residuals
            self._set_half_width(
                residuals, np.full(residuals.shape[1:], 1 - self.confidence_level)
            )
        return self

    def predict_interval(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Predict the ends of the interval of each target.

        Another `confidence_level` may be set without a new fit; what `update` adapted
        was for the one before.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows, as for ``predict``.

        Returns
        -------
        lower : ndarray of shape (n_rows,) or (n_rows, horizon)
            In the units of `y`; with `upper`, infinite where `update` found the largest
            residual too small.
        upper : ndarray of shape (n_rows,) or (n_rows, horizon)
            In the units of `y`.

        Raises
        ------
        ValueError
            If there were too few calibration rows for the confidence level.
        """
        check_is_fitted(self)
        self._check_calibration()
        predicted, half_width = self.predict(X), self.half_width_
        if self.confidence_level != self._level:
            miscoverage = np.full_like(half_width, 1 - self.confidence_level)
            half_width = conformal_quantile(self.residuals_, miscoverage)
        return predicted - half_width, predicted + half_width

    def update(self, X: Any, y: Any, *, gamma: float = 0.005) -> Self:
        r"""Adapt the half-widths to rows whose targets have become known.

        Adaptive conformal inference [3]_: for each row and each step of the horizon,

        .. math:: \alpha_{t+1} = \alpha_t + \gamma (\alpha - e_t)

        with :math:`e_t` 1 where the target lay outside the interval of :math:`\alpha_t`
        and 0 else. Its residual then takes the place of the oldest one. The regressor
        stays as it is.

        Every call starts from the calibration rows again, so give all rows since
        training, and the same again with what has been added the next time.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            The rows right after the training rows, oldest first.
        y : array-like of shape (n_rows,) or (n_rows, horizon)
            Their targets, as in ``fit``.
        gamma : float, default=0.005
            The step size :math:`\gamma`, at least 0; a larger one follows a drift
            sooner and lets the half-widths vary more.

        Returns
        -------
        self : object
            The regressor with other half-widths.

        Raises
        ------
        ValueError
            If `gamma` is negative, a target cannot be used, or there were too few
            calibration rows for the confidence level; nothing then changes.
        """
        check_is_fitted(self)
        self._check_calibration()
        check_number("gamma", gamma, min_val=0)
        predicted = np.asarray(self.predict(X))
        targets = validate_targets(self, y, len(predicted))
        if targets.size != predicted.size:
            raise ValueError(
                f"y has shape {targets.shape}, and the forecasts for X have "
                f"{predicted.shape}: give as many steps of the horizon as in fit."
            )
        known = _residuals(predicted, targets)
        n = len(self.residuals_)
        residuals = np.concatenate([self.residuals_, known])
        target = 1 - self.confidence_level
        miscoverage = np.full(residuals.shape[1:], target)
        for t, residual in enumerate(known):
            outside = residual > conformal_quantile(residuals[t : t + n], miscoverage)
            miscoverage = miscoverage + gamma * (target - outside)
        self._set_half_width(residuals[-n:], miscoverage)
        return self

    def _set_half_width(self, residuals: np.ndarray, miscoverage: np.ndarray) -> None:
        self._level = self.confidence_level
        self.miscoverage_ = miscoverage
        self.half_width_ = conformal_quantile(residuals, miscoverage)

    def _check_calibration(self) -> None:
        n, level = len(self.residuals_), self.confidence_level
        if _rank(n, np.asarray(1 - level)) > n:
            needed = math.ceil(level / (1 - level) - 1e-9)
            raise ValueError(
                f"confidence_level={level} needs at least {needed} calibration rows "
                f"and there are {n}: fit to more rows, with a larger "
                "calibration_fraction, or with a lower confidence_level."
            )


def conformal_quantile(residuals: np.ndarray, miscoverage: np.ndarray) -> np.ndarray:
    """Return the residual that another one exceeds with at most this probability.

    Parameters
    ----------
    residuals : ndarray of shape (n,) or (n, horizon)
        Absolute residuals.
    miscoverage : ndarray of shape () or (horizon,)
        The probability, for each step of the horizon.

    Returns
    -------
    quantile : ndarray of shape () or (horizon,)
        Infinite where `n` residuals are too few for it, 0 for a probability of 1.
    """
    n, ends = len(residuals), np.zeros((1, *residuals.shape[1:]))
    ranked = np.concatenate([ends, np.sort(residuals, axis=0), ends + np.inf])
    rank = np.clip(_rank(n, miscoverage), 0, n + 1)
    return np.take_along_axis(ranked, rank[None], axis=0)[0]


def _rank(n: int, miscoverage: np.ndarray) -> Any:
    # Rounding, as of 10 * 0.9, must not reach the next rank.
    return np.ceil((n + 1) * (1 - miscoverage) - 1e-9).astype(int)


def _residuals(predicted: Any, targets: np.ndarray) -> np.ndarray:
    predicted = np.asarray(predicted)
    return np.abs(targets.reshape(predicted.shape) - predicted)
