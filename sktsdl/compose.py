"""Regressors around regressors: another target, or fewer training rows."""

from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils import Tags, check_scalar, get_tags, indexable
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _num_samples, check_is_fitted

from sktsdl._sklearn_callbacks import CallbackSupportMixin, fit_task, with_callbacks
from sktsdl._validation import (
    check_option,
    roll_back_on_error,
    validate_column,
    validate_targets,
)


class Wrapper(CallbackSupportMixin, MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """What all wrappers share: they take what the wrapped regressor takes."""

    regressor: Any

    def get_metadata_routing(self) -> MetadataRouter:
        """Say that the regressor's ``fit`` takes what it asks for."""
        methods = MethodMapping().add(caller="fit", callee="fit")
        return MetadataRouter(owner=self).add(
            regressor=self.regressor, method_mapping=methods
        )

    def _fit_params(self, fit_params: dict[str, Any]) -> dict[str, Any]:
        """Return what the regressor's ``fit`` takes of `fit_params`."""
        if not get_config()["enable_metadata_routing"]:
            return fit_params
        routed: dict[str, Any] = process_routing(self, "fit", **fit_params)
        return routed["regressor"]["fit"]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.regressor)
        tags.input_tags = inner.input_tags
        tags.target_tags = inner.target_tags
        tags.regressor_tags = inner.regressor_tags
        tags.non_deterministic = inner.non_deterministic
        return tags


def _has_quantiles(wrapper: Any) -> bool:
    regressor = getattr(wrapper, "regressor_", wrapper.regressor)
    return bool(regressor.predict_quantiles)  # or its AttributeError


class PlainWrapper(Wrapper):
    """A wrapper that asks the fitted regressor with `X` as it is."""

    regressor_: Any

    def predict(self, X: Any, **predict_params: Any) -> Any:
        """Predict with the fitted regressor.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows.
        **predict_params : dict
            Passed to the regressor's ``predict``, such as ``return_std=True``.

        Returns
        -------
        y : ndarray of shape (n_rows,) or (n_rows, horizon)
            In the units of `y`.
        """
        check_is_fitted(self)
        return self.regressor_.predict(X, **predict_params)

    @available_if(_has_quantiles)
    def predict_quantiles(self, X: Any) -> Any:
        """Predict quantiles with the fitted regressor, if it learned them.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows.

        Returns
        -------
        quantiles : ndarray of shape (n_rows, n_quantiles) or \
(n_rows, horizon, n_quantiles)
            In the units of `y`.
        """
        check_is_fitted(self)
        return self.regressor_.predict_quantiles(X)

    @property
    def n_features_in_(self) -> int:
        return self.regressor_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        return self.regressor_.feature_names_in_


class RelativeTargetRegressor(Wrapper):
    r"""Learn a target relative to the last known value, and predict levels.

    .. math::

        \tilde y_t = \log(y_t / x_t) \quad\text{(ratio)}, \qquad
        \tilde y_t = y_t - x_t \quad\text{(difference)}

    with :math:`x_t` the value of `column` in row :math:`t` of `X`. A regressor of
    :math:`\tilde y` follows a level that was never seen in training, and one that
    predicts zero is the naive forecast.

    Parameters
    ----------
    regressor : estimator
        Any regressor or pipeline; it is given `X` as it is.
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
        regressor: Any,
        *,
        column: int | str = 0,
        relation: Literal["ratio", "difference"] = "ratio",
    ) -> None:
        self.regressor = regressor
        self.column = column
        self.relation = relation

    @with_callbacks
    def fit(self, X: Any, y: Any, **fit_params: Any) -> Self:
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
            watched = fit_params.get("X_val"), fit_params.get("y_val")
            if all(part is not None for part in watched):
                fit_params["X_val"], fit_params["y_val"] = self._relative(
                    *watched, "y_val", reset=False
                )
            self.regressor_ = regressor.fit(X, relative, **fit_params)
        return self

    def predict(self, X: Any) -> np.ndarray:
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
        self, X: Any, y: Any, name: str, *, reset: bool
    ) -> tuple[Any, np.ndarray]:
        """Return `X`, and `y` relative to the last known values."""
        X, values = validate_column(self, X, self.column, reset=reset)
        targets = validate_targets(self, y, len(values))
        last = self._last_known(values, targets.ndim)
        if self.relation == "difference":
            return X, targets - last
        self._check_positive(targets, name)
        return X, np.log(targets / last)

    def _last_known(self, values: Any, ndim: int) -> np.ndarray:
        last = np.asarray(values)[:, 0]
        if self.relation == "ratio":
            self._check_positive(last, f"column {self.column!r} of X")
        return last if ndim == 1 else last[:, None]

    @staticmethod
    def _check_positive(values: np.ndarray, name: str) -> None:
        bad = (values <= 0).reshape(len(values), -1).any(axis=1)
        if bad.any():
            raise ValueError(
                f"{name} is not positive in row {int(bad.argmax())}, where a ratio "
                "needs it to be: use relation='difference', or shift the levels."
            )


def rows_between(rows: Any, start: int, stop: int | None) -> Any:
    """Return the rows from `start` to before `stop`, of a frame as a frame."""
    return getattr(rows, "iloc", rows)[start:stop]


class PurgedRegressor(PlainWrapper):
    """Leave the last training rows out of ``fit``, after the steps that look back.

    With targets `h` steps ahead, the last `h-1` training targets lie among the test
    rows. As the last step of a pipeline, ``PurgedRegressor(regressor, purge=h-1)``
    keeps them out of training, which [1]_ calls purging, while the steps before it
    have seen the rows and so keep the history whole; ``TimeSeriesSplit(gap=h-1)``
    would hide those rows from the history too.

    Parameters
    ----------
    regressor : estimator
        Any regressor.
    purge : int
        The number of rows to leave out, 0 for none.

    Attributes
    ----------
    regressor_ : estimator
        The fitted regressor.
    n_features_in_ : int
        As the fitted regressor's.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        As the fitted regressor's.

    References
    ----------
    .. [1] M. Lopez de Prado (2018). Advances in Financial Machine Learning, section
       7.4.1. Wiley.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyRegressor
    >>> from sktsdl import PurgedRegressor
    >>> X, y = np.zeros((4, 1)), np.array([1.0, 2.0, 3.0, 100.0])
    >>> PurgedRegressor(DummyRegressor(), purge=1).fit(X, y).predict(X[:1])
    array([2.])
    """

    def __init__(self, regressor: Any, purge: int) -> None:
        self.regressor = regressor
        self.purge = purge

    @with_callbacks
    def fit(self, X: Any, y: Any, **fit_params: Any) -> Self:
        """Fit the regressor to all rows but the last ones.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows, oldest first.
        y : array-like of shape (n_rows,) or (n_rows, horizon)
            The target.
        **fit_params : dict
            Passed to the regressor's ``fit``; the last rows of ``sample_weight`` are
            left out too.

        Returns
        -------
        self : object
            The fitted regressor.

        Raises
        ------
        ValueError
            If no row is left; the regressor then stays as it was.
        """
        regressor = clone(self.regressor)
        with fit_task(self, X, y, regressor), roll_back_on_error(self):
            fit_params = dict(self._fit_params(fit_params))
            check_scalar(self.purge, "purge", Integral, min_val=0)
            X, y, weights = indexable(X, y, fit_params.get("sample_weight"))
            n_rows = _num_samples(X)
            n_kept = n_rows - self.purge
            if n_kept < 1:
                raise ValueError(
                    f"purge={self.purge} leaves none of the n_samples={n_rows} rows to "
                    "fit: give more rows, or a smaller purge."
                )
            if weights is not None:
                fit_params["sample_weight"] = rows_between(weights, 0, n_kept)
            y_kept = None if y is None else rows_between(y, 0, n_kept)
            self.regressor_ = regressor.fit(
                rows_between(X, 0, n_kept), y_kept, **fit_params
            )
        return self
