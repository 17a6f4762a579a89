"""A target relative to a known value."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sktsdl._sklearn.bases import available_if, with_callbacks
from sktsdl._sklearn.callbacks import fit_task
from sktsdl._sklearn.docs import fill_docs
from sktsdl._sklearn.quantiles import predict_quantiles
from sktsdl._sklearn.scales import predict_with_scales, scale_kind
from sktsdl._sklearn.target_steps import COLUMN, OwnColumn, TargetSteps, own_columns
from sktsdl._sklearn.validation import (
    roll_back_on_error,
    validate_columns,
    validate_targets,
)
from sktsdl._windows.same_times import check_same_times
from sktsdl.compose._fit_rows import fit_after_steps
from sktsdl.compose._reference import (
    Reference,
    Relation,
    check_known,
    check_relation,
    check_unchanged,
    labelled_like,
)
from sktsdl.compose._wrapper import (
    RegressorWrapper,
    has_quantiles,
    is_warm,
    next_regressor,
    refuse_classes,
)
from sktsdl.preprocessing import SlidingWindow


class RelativeTargetRegressor(RegressorWrapper):
    r"""Fit to a target relative to a known value, and predict levels.

    .. math::

        \tilde y_{t,h} = \log(x_{t+h} / x_t) \quad\text{(ratio)}, \qquad
        \tilde y_{t,h} = x_{t+h} - x_t \quad\text{(difference)}, \qquad
        \tilde y_{t,h} = x_{t+h} - x_{t+h-p\lceil h/p\rceil} \quad\text{(seasonal)}

    with :math:`x` the column of `X` whose future the target is, :math:`h` the step
    ahead and :math:`p` the `period`. A regressor of :math:`\tilde y` follows a level
    that training has never seen. A regressor that predicts zero gives the naive
    forecast, or the seasonal naive forecast.

    The first training rows have no season before them, and are left out of training.
    The look-back steps of a pipeline are still given them. A search or a wrapper around
    such a pipeline is fitted to all rows. Where a season is not known, its earliest
    known value takes its place.

    With a season, an array `X` is either the training rows from their start, or the
    rows right after them, which have the last training rows as history. For anything
    else (gaps, ``KFold``, ``learning_curve``), give a DataFrame with a time index. With
    a MultiIndex of series and times, each series has its own season.

    Parameters
    ----------
    regressor : estimator
        A regressor or pipeline; it is given `X` as it is. With its ``warm_start=True``,
        another ``fit`` trains `regressor_` further.
    {column}
    relation : {"ratio", "difference", "seasonal"}, default="ratio"
        ``"ratio"`` needs a positive column and target. ``"seasonal"`` is the difference
        to the value one period before the predicted step, or as many whole periods as
        it takes to be known.
    period : int or None, default=None
        The number of rows in a season, for ``relation="seasonal"`` only.

    Attributes
    ----------
    regressor_ : estimator
        The regressor fitted to the relative target.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of columns seen in ``fit``, if they are all strings.

    See Also
    --------
    RatioLogScaler : The same idea for the features.
    SeasonalNaiveRegressor : The last season, repeated over the horizon.
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
        relation: Relation = "ratio",
        period: int | None = None,
    ) -> None:
        self.regressor = regressor
        self.column = column
        self.relation = relation
        self.period = period

    @with_callbacks
    def fit(self, X: ArrayLike, y: ArrayLike, **fit_params: Any) -> Self:
        """Fit the regressor to the target relative to a known value.

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
            refuse_classes(self.regressor, "differences or ratios")
            check_relation(self.relation, self.period)
            params = dict(self._fit_params(fit_params))
            columns = own_columns(self.column, X, TargetSteps.of(y))
            target: dict[str, Any] = {"column": columns, "relation": self.relation}
            target["period"] = self.period
            if is_warm(self.regressor):
                check_unchanged(target, getattr(self, "_target", target))
            self._target, self._columns = target, columns
            self._y_labels = TargetSteps.of(y).shared_by(columns).labels
            X, relative, is_known = self._relative(X, y, "y", reset=True)
            check_known(is_known, self.period)
            X_val, y_val = params.get("X_val"), params.get("y_val")
            if X_val is not None and y_val is not None:
                X_val, y_val, _ = self._relative(X_val, y_val, "y_val", reset=False)
                params |= {"X_val": X_val, "y_val": y_val}
            self.regressor_ = fit_after_steps(regressor, X, relative, is_known, params)
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
            Whether to return the standard deviation of the regressor too; not for
            ratios, as the deviation of a log ratio is not one of levels.
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
        if return_std and self._target["relation"] == "ratio":
            raise ValueError(
                "return_std=True needs relation='difference', as the standard "
                "deviation of a log ratio is not in the units of y: use "
                "return_quantiles=True with a regressor of quantiles, or "
                "ConformalRegressor."
            )
        asked = {"return_std": return_std, "return_quantiles": return_quantiles}
        predict_params |= {name: True for name, value in asked.items() if value}
        X, known = self._known(X)
        predicted = self.regressor_.predict(X, **predict_params)
        if return_quantiles:
            relative, quantiles = predicted
            return known.to_levels(relative), known.to_level_quantiles(quantiles)
        if return_std:
            return known.to_levels(predicted[0]), np.asarray(predicted[1])
        return known.to_levels(predicted)

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
        X, known = self._known(X)
        return known.to_level_quantiles(predict_quantiles(self.regressor_, X))

    @property
    def _scale_kind(self) -> str | None:
        return scale_kind(self.regressor_)

    def _predict_with_scales(self, X: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        X, known = self._known(X)
        relative, scales = predict_with_scales(self.regressor_, X)
        assert scales is not None
        levels = known.to_levels(relative)
        # A small error of a log ratio is that of the level, divided by the level.
        is_ratio = self._target["relation"] == "ratio"
        return levels, levels * scales if is_ratio else scales

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        if self.relation == "seasonal":  # of rows that are no series
            tags.regressor_tags.poor_score = True
        return tags

    def _relative(
        self, X: ArrayLike, y: ArrayLike, name: str, *, reset: bool
    ) -> tuple[ArrayLike, ArrayLike, np.ndarray]:
        """Return `X`, `y` relative to known values, and which rows have these."""
        X, values = validate_columns(self, X, self._columns, reset=reset)
        targets = validate_targets(self, y, len(values))
        check_same_times(X, y, name)
        known = self._reference(values, y if reset else None)
        relative = known.to_relative(targets, y, name)
        return X, labelled_like(y, relative), known.is_known

    def _known(self, X: ArrayLike) -> tuple[Any, Reference]:
        """Return `X`, and the known values that predictions are relative to."""
        X, values = validate_columns(self, X, self._columns, reset=False)
        return X, self._reference(values)

    def _reference(self, values: Any, y: Any = None) -> Reference:
        """Return the known values, by the columns of the targets.

        With `y`, these are the training rows, whose last season is remembered.
        """
        relation = self._target["relation"]
        season: Any = None
        if y is not None:
            self.__dict__.pop("_season", None)
        if relation == "seasonal" and y is not None:
            self._season = SlidingWindow(int(self._target["period"]))
            season = self._season.fit_transform(values, y)
        elif relation == "seasonal":
            season = self._season.transform(values)
        ahead = TargetSteps.of_labels(self._y_labels).shared_by(self._columns)
        return Reference.of(relation, values, season, ahead, self._columns)


fill_docs(RelativeTargetRegressor, {"column": COLUMN})
