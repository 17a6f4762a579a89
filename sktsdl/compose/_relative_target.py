"""A target relative to the last known value."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sktsdl._sklearn.callbacks import fit_task, with_callbacks
from sktsdl._sklearn.validation import (
    check_option,
    roll_back_on_error,
    validate_column,
    validate_targets,
)
from sktsdl.compose._wrapper import RegressorWrapper


class RelativeTargetRegressor(RegressorWrapper):
    r"""Fit to a target relative to the last known value, and predict levels.

    .. math::

        \tilde y_t = \log(y_t / x_t) \quad\text{(ratio)}, \qquad
        \tilde y_t = y_t - x_t \quad\text{(difference)}

    with :math:`x_t` the value of `column` in row :math:`t` of `X`. A regressor of
    :math:`\tilde y` follows a level that training has never seen. A regressor that
    predicts zero gives the naive forecast.

    Parameters
    ----------
    regressor : estimator
        A regressor or pipeline; it is given `X` as it is.
    column : int or str, default=0
        The column of `X` whose future `y` is, by position or by name.
    relation : {"ratio", "difference"}, default="ratio"
        ``"ratio"`` needs a positive column and target.

    Attributes
    ----------
    regressor_ : estimator
        The regressor fitted to the relative target.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of columns seen in ``fit``, if they are all strings.

    See Also
    --------
    RatioLogScaler : The same idea for the features.
    sklearn.compose.TransformedTargetRegressor : Targets that do not depend on `X`.

    Examples
    --------
    >>> from sklearn.dummy import DummyRegressor
    >>> from sktsdl import RelativeTargetRegressor, make_supervised
    >>> X, y, X_latest = make_supervised([1.0, 2, 4, 8], target=0)
    >>> growth = RelativeTargetRegressor(DummyRegressor()).fit(X, y)
    >>> growth.predict(X_latest).round(6)
    array([16.])
    """

    def __init__(
        self,
        regressor: BaseEstimator,
        *,
        column: int | str = 0,
        relation: Literal["ratio", "difference"] = "ratio",
    ) -> None:
        self.regressor = regressor
        self.column = column
        self.relation = relation

    @with_callbacks
    def fit(self, X: ArrayLike, y: ArrayLike, **fit_params: Any) -> Self:
        """Fit the regressor to the target relative to the last known value.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            One row per time step, oldest first.
        y : array-like of shape (n_rows,) or (n_rows, horizon)
            The next values of `column`, in its units.
        **fit_params : dict
            Passed to the regressor's ``fit``; `y_val` is taken relative to `X_val`.

        Returns
        -------
        self : object
            The fitted regressor.

        Raises
        ------
        ValueError
            If a parameter or a value cannot be used, such as zero for a ratio; the
            regressor then stays as it was.
        """
        regressor = clone(self.regressor)
        with fit_task(self, X, y, regressor), roll_back_on_error(self):
            check_option("relation", self.relation, ("ratio", "difference"))
            fit_params = dict(self._fit_params(fit_params))
            X, relative = self._relative(X, y, "y", reset=True)
            X_val, y_val = fit_params.get("X_val"), fit_params.get("y_val")
            if X_val is not None and y_val is not None:
                fit_params["X_val"], fit_params["y_val"] = self._relative(
                    X_val, y_val, "y_val", reset=False
                )
            self.regressor_ = regressor.fit(X, relative, **fit_params)
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict levels.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            One row per time step, oldest first.

        Returns
        -------
        y : ndarray of shape (n_rows,) or (n_rows, horizon)
            In the units of `y`.

        Raises
        ------
        ValueError
            If a value, a column or the index of `X` cannot be used.
        """
        check_is_fitted(self)
        X, values = validate_column(self, X, self.column, reset=False)
        relative = self.regressor_.predict(X)
        last = self._last_known(values, relative.ndim)
        return last * np.exp(relative) if self.relation == "ratio" else last + relative

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags

    def _relative(
        self, X: ArrayLike, y: ArrayLike, name: str, *, reset: bool
    ) -> tuple[ArrayLike, np.ndarray]:
        """Return `X`, and `y` relative to the last known values."""
        X, values = validate_column(self, X, self.column, reset=reset)
        targets = validate_targets(self, y, len(values))
        last = self._last_known(values, targets.ndim)
        if self.relation == "difference":
            return X, targets - last
        self._check_positive(targets, name)
        return X, np.log(targets / last)

    def _last_known(self, values: ArrayLike, ndim: int) -> np.ndarray:
        last = np.asarray(values)[:, 0]
        if self.relation == "ratio":
            self._check_positive(last, f"column {self.column!r} of X")
        return last if ndim == 1 else last[:, None]

    @staticmethod
    def _check_positive(values: np.ndarray, name: str) -> None:
        bad = (values <= 0).reshape(len(values), -1).any(axis=1)
        if bad.any():
            raise ValueError(
                f"{name} is not positive in row {int(bad.argmax())}, as a ratio needs: "
                "use relation='difference', or shift the levels."
            )
