"""A target relative to the last known value."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sktsdl._sklearn.callbacks import fit_task, with_callbacks
from sktsdl._sklearn.docs import fill_docs
from sktsdl._sklearn.quantiles import predict_quantiles
from sktsdl._sklearn.scales import predict_with_scales, scale_kind
from sktsdl._sklearn.target_steps import COLUMN, OwnColumn, TargetSteps, own_columns
from sktsdl._sklearn.validation import (
    check_option,
    roll_back_on_error,
    validate_columns,
    validate_targets,
)
from sktsdl._windows.same_times import check_same_times
from sktsdl.compose._wrapper import (
    RegressorWrapper,
    has_quantiles,
    is_warm,
    next_regressor,
)


class RelativeTargetRegressor(RegressorWrapper):
    r"""Fit to a target relative to the last known value, and predict levels.

    .. math::

        \tilde y_t = \log(y_t / x_t) \quad\text{(ratio)}, \qquad
        \tilde y_t = y_t - x_t \quad\text{(difference)}

    with :math:`x_t` the value in row :math:`t` of `X` of the column whose future the
    target is. A regressor of :math:`\tilde y` follows a level that training has never
    seen. A regressor that predicts zero gives the naive forecast.

    Parameters
    ----------
    regressor : estimator
        A regressor or pipeline; it is given `X` as it is. With its ``warm_start=True``,
        another ``fit`` trains `regressor_` further.
    {column}
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
        column: OwnColumn = None,
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
        y : array-like of shape (n_rows,) or (n_rows, n_outputs)
            The next values of `column`, in its units. Columns that are named as by
            ``make_supervised`` say which target they are; without names, they are the
            steps of the horizon of one target.
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
        regressor = next_regressor(self.regressor, getattr(self, "regressor_", None))
        with fit_task(self, X, y, regressor), roll_back_on_error(self):
            check_option("relation", self.relation, ("ratio", "difference"))
            fit_params = dict(self._fit_params(fit_params))
            steps = TargetSteps.of(y)
            columns = own_columns(self.column, X, steps)
            self._check_warm_start(columns)
            self._columns, self._relation = columns, self.relation
            self._y_labels = steps.shared_by(self._columns).labels
            X, relative = self._relative(X, y, "y", reset=True)
            X_val, y_val = fit_params.get("X_val"), fit_params.get("y_val")
            if X_val is not None and y_val is not None:
                fit_params["X_val"], fit_params["y_val"] = self._relative(
                    X_val, y_val, "y_val", reset=False
                )
            self.regressor_ = regressor.fit(X, relative, **fit_params)
        return self

    def predict(
        self,
        X: ArrayLike,
        *,
        return_std: bool = False,
        return_quantiles: bool = False,
        **predict_params: Any,
    ) -> Any:
        """Predict levels.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            One row per time step, oldest first.
        return_std : bool, default=False
            Whether to return the standard deviation of the regressor too; only for
            differences, as the deviation of a log ratio is not one of levels.
        return_quantiles : bool, default=False
            Whether to return the quantiles of the regressor too, as levels.
        **predict_params : dict
            Passed to the regressor's ``predict``, such as `n_draws`.

        Returns
        -------
        y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
            In the units of `y`.
        std : ndarray of the shape of `y`
            In the units of `y`; with `return_std` only.
        quantiles : ndarray of shape (n_rows, n_quantiles) or \
(n_rows, n_outputs, n_quantiles)
            In the units of `y`; with `return_quantiles` only.

        Raises
        ------
        ValueError
            If a value, a column or the index of `X` cannot be used, or if `return_std`
            is asked for ratios.
        """
        check_is_fitted(self)
        if return_std and self._relation == "ratio":
            raise ValueError(
                "return_std=True needs relation='difference', as the standard "
                "deviation of a log ratio is not in the units of y: use "
                "return_quantiles=True with a regressor of quantiles, or "
                "ConformalRegressor."
            )
        asked = {"return_std": return_std, "return_quantiles": return_quantiles}
        predict_params |= {name: True for name, value in asked.items() if value}
        X, values = validate_columns(self, X, self._columns, reset=False)
        predicted = self.regressor_.predict(X, **predict_params)
        if return_quantiles:
            relative, quantiles = predicted
            return self._levels(values, relative), self._levels_of(values, quantiles)
        if return_std:
            return self._levels(values, predicted[0]), np.asarray(predicted[1])
        return self._levels(values, predicted)

    @available_if(has_quantiles)
    def predict_quantiles(self, X: ArrayLike) -> np.ndarray:
        """Predict quantiles of levels, if the regressor has quantiles.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            One row per time step, oldest first.

        Returns
        -------
        quantiles : ndarray of shape (n_rows, n_quantiles) or \
(n_rows, n_outputs, n_quantiles)
            In the units of `y`.

        Raises
        ------
        ValueError
            If a value, a column or the index of `X` cannot be used.
        """
        check_is_fitted(self)
        X, values = validate_columns(self, X, self._columns, reset=False)
        return self._levels_of(values, predict_quantiles(self.regressor_, X))

    @property
    def _scale_kind(self) -> str | None:
        return scale_kind(self.regressor_)

    def _predict_with_scales(self, X: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        X, values = validate_columns(self, X, self._columns, reset=False)
        relative, scales = predict_with_scales(self.regressor_, X)
        assert scales is not None
        levels = self._levels(values, relative)
        # A small error of a log ratio is that of the level, divided by the level.
        return levels, levels * scales if self._relation == "ratio" else scales

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags

    def _relative(
        self, X: ArrayLike, y: ArrayLike, name: str, *, reset: bool
    ) -> tuple[ArrayLike, ArrayLike]:
        """Return `X`, and `y` relative to the last known values."""
        X, values = validate_columns(self, X, self._columns, reset=reset)
        targets = validate_targets(self, y, len(values))
        check_same_times(X, y, name)
        last = self._last_known(values, targets.ndim)
        if self._relation == "ratio":
            _check_positive(targets, name, y)
            targets = np.log(targets / last)
        else:
            targets = targets - last
        if isinstance(y, pd.Series):  # whose names the regressor reads
            return X, pd.Series(targets, index=y.index, name=y.name)
        if isinstance(y, pd.DataFrame):
            return X, pd.DataFrame(targets, index=y.index, columns=y.columns)
        return X, targets

    def _check_warm_start(self, columns: list[Hashable]) -> None:
        """Raise a ValueError if a net would be trained further on another target."""
        target = {"column": columns, "relation": self.relation}
        before = {
            "column": getattr(self, "_columns", columns),
            "relation": getattr(self, "_relation", self.relation),
        }
        for name, value in target.items():
            if is_warm(self.regressor) and value != before[name]:
                raise ValueError(
                    f"{name}={value!r} cannot change in a regressor that is trained "
                    f"further, which has {before[name]!r}: set it back, or fit with "
                    "warm_start=False."
                )

    def _levels(self, values: ArrayLike, relative: np.ndarray) -> np.ndarray:
        """Return relative predictions as levels."""
        last = self._last_known(values, relative.ndim)
        return last * np.exp(relative) if self._relation == "ratio" else last + relative

    def _levels_of(self, values: ArrayLike, quantiles: np.ndarray) -> np.ndarray:
        """Return quantiles of relative predictions, the last axis, as levels."""
        parts = np.moveaxis(quantiles, -1, 0)
        return np.stack([self._levels(values, part) for part in parts], axis=-1)

    def _last_known(self, values: ArrayLike, ndim: int) -> np.ndarray:
        """Return the last known value of the target of each column of `y`."""
        last = np.asarray(values)
        if self._relation == "ratio":
            for column, known in zip(self._columns, last.T, strict=True):
                _check_positive(known, f"column {column!r} of X", values)
        steps = TargetSteps.of_labels(self._y_labels).shared_by(self._columns)
        return last[:, 0] if ndim == 1 else last[:, steps.targets]


def _check_positive(values: np.ndarray, name: str, labelled: Any) -> None:
    """Raise a ValueError that names the first row that is not positive."""
    bad = (values <= 0).reshape(len(values), -1).any(axis=1)
    if bad.any():
        row = int(bad.argmax())
        label = f" ({labelled.index[row]})" if hasattr(labelled, "iloc") else ""
        raise ValueError(
            f"{name} is not positive in row {row}{label}, as a ratio needs: use "
            "relation='difference', or shift the levels."
        )


fill_docs(RelativeTargetRegressor, {"column": COLUMN})
