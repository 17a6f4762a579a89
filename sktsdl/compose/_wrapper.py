"""What all estimators around estimators share."""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn import get_config
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags, get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.validation import check_is_fitted

from sktsdl._estimator.base import DeepNet
from sktsdl._sklearn.bases import (
    BaseEstimator,
    CallbackSupportMixin,
    MetaEstimatorMixin,
    RegressorMixin,
    available_if,
)
from sktsdl._sklearn.nested import last_step
from sktsdl._sklearn.quantiles import predict_quantiles
from sktsdl._sklearn.scales import predict_with_scales, scale_kind
from sktsdl._windows.last_rows import take_rows

# Attributes that `clone` takes from the estimator of the user.
CLONED = ("_metadata_request", "_skl_callbacks", "_sklearn_output_config")


class Wrapper(CallbackSupportMixin, MetaEstimatorMixin, BaseEstimator):
    """An estimator around a regressor; it takes what the regressor takes."""

    @property
    @abstractmethod
    def _inner(self) -> BaseEstimator:
        """The regressor that was given."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._inner)
        tags.input_tags = inner.input_tags
        tags.target_tags = inner.target_tags
        tags.non_deterministic = inner.non_deterministic
        return tags


class RegressorWrapper(RegressorMixin, Wrapper):
    """A wrapper whose ``fit`` passes metadata to the ``fit`` of its `regressor`."""

    regressor: Any
    _parameter: ClassVar[str] = "regressor"  # the name of the parameter

    @property
    def _inner(self) -> BaseEstimator:
        inner: BaseEstimator = getattr(self, self._parameter)
        return inner

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._inner)
        tags.regressor_tags = inner.regressor_tags
        if inner.estimator_type == "classifier":
            tags.estimator_type = inner.estimator_type
            tags.classifier_tags = inner.classifier_tags
        return tags

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the routing: the regressor takes what its methods request."""
        methods = MethodMapping().add(caller="fit", callee="fit")
        methods.add(caller="predict", callee="predict")
        return MetadataRouter(owner=self).add(
            method_mapping=methods, **{self._parameter: self._inner}
        )

    def _fit_params(self, fit_params: dict[str, Any]) -> dict[str, Any]:
        """Return the `fit_params` that the regressor's ``fit`` takes."""
        if not get_config()["enable_metadata_routing"]:
            return fit_params
        routed: dict[str, Any] = process_routing(self, "fit", **fit_params)
        return routed[self._parameter]["fit"]


def refuse_classes(regressor: BaseEstimator, what: str) -> None:
    """Raise a ValueError if `regressor` predicts classes, which have no `what`."""
    if hasattr(regressor, "predict_proba"):
        raise ValueError(
            f"The regressor predicts classes, which have no {what}: give a regressor "
            "of numbers."
        )


def has_quantiles(wrapper: RegressorWrapper) -> bool:
    """Say whether the regressor, or the last step of a pipeline, has quantiles."""
    regressor = last_step(getattr(wrapper, "regressor_", wrapper.regressor))
    return bool(regressor.predict_quantiles)  # or its AttributeError


def _has_probabilities(wrapper: DelegatingWrapper) -> bool:
    regressor = getattr(wrapper, "regressor_", wrapper.regressor)
    return bool(regressor.predict_proba)  # or its AttributeError


def _has_scores(wrapper: DelegatingWrapper) -> bool:
    regressor = getattr(wrapper, "regressor_", wrapper.regressor)
    return bool(regressor.decision_function)  # or its AttributeError


class DelegatingWrapper(RegressorWrapper):
    """A wrapper whose fitted regressor predicts for `X` as it is."""

    regressor_: Any

    def predict(self, X: ArrayLike, **predict_params: Any) -> Any:
        """Predict with the fitted regressor.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows.
        **predict_params : dict
            Passed to the regressor's ``predict``, such as ``return_std=True`` or
            ``return_quantiles=True``.

        Returns
        -------
        y : ndarray of shape (n_rows,) or (n_rows, horizon)
            In the units of `y`, as the regressor returns it.
        """
        check_is_fitted(self)
        return self.regressor_.predict(X, **predict_params)

    @property
    def _scale_kind(self) -> str | None:
        return scale_kind(self.regressor_)

    def _predict_with_scales(self, X: ArrayLike) -> tuple[Any, np.ndarray | None]:
        return predict_with_scales(self.regressor_, X)

    @available_if(has_quantiles)
    def predict_quantiles(self, X: ArrayLike) -> np.ndarray:
        """Predict quantiles with the fitted regressor, if it has them.

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
        return predict_quantiles(self.regressor_, X)

    @available_if(_has_probabilities)
    def predict_proba(self, X: ArrayLike) -> Any:
        """Predict probabilities of classes with the fitted regressor, if it has them.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows.

        Returns
        -------
        probabilities : ndarray of shape (n_rows, n_classes) or dict of {str: ndarray}
            As `NetClassifier` or `MultiTaskNet` returns them.
        """
        check_is_fitted(self)
        return self.regressor_.predict_proba(X)

    @available_if(_has_scores)
    def decision_function(self, X: ArrayLike) -> Any:
        """Compute scores of classes with the fitted regressor, if it has them.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows.

        Returns
        -------
        scores : ndarray of shape (n_rows,) or (n_rows, n_classes)
            As `NetClassifier` returns them.
        """
        check_is_fitted(self)
        return self.regressor_.decision_function(X)

    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the score of the fitted regressor, R² for most.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows.
        y : array-like of shape (n_rows,) or (n_rows, horizon)
            The true target.
        sample_weight : array-like of shape (n_rows,) or None, default=None
            The weight of each row.

        Returns
        -------
        score : float
            As of the regressor's ``score``; R² if it has none.
        """
        check_is_fitted(self)
        if not hasattr(self.regressor_, "score"):
            return float(super().score(X, y, sample_weight))
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        return float(self.regressor_.score(X, y, **weights))

    @property
    def classes_(self) -> Any:
        return self.regressor_.classes_

    @property
    def n_features_in_(self) -> int:
        return self.regressor_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        return self.regressor_.feature_names_in_


def params_of_rows(fit_params: dict[str, Any], where: np.ndarray) -> dict[str, Any]:
    """Return parameters of ``fit`` for some rows: their weights alone."""
    return {
        name: take_rows(value, where)
        if name.endswith("sample_weight") and value is not None
        else value
        for name, value in fit_params.items()
    }


def next_regressor(regressor: BaseEstimator, fitted: object) -> Any:
    """Return a copy of `regressor` to fit, which continues `fitted` by ``warm_start``.

    Parameters
    ----------
    regressor : estimator
        The estimator of the user. The copy has its parameters.
    fitted : estimator or None
        What the last ``fit`` of the wrapper made of it. A fit of the copy does not
        change it.

    Returns
    -------
    regressor : estimator
        A clone. If its `warm_start` is True, or that of the estimator inside of
        pipelines and wrappers, the clone also has the fitted attributes of `fitted`.
    """
    copied = clone(regressor)
    if is_warm(copied):
        _take_over(fitted, copied)
    return copied


def is_warm(estimator: Any) -> bool:
    """Say whether `warm_start` is True, also inside of pipelines and wrappers."""
    if isinstance(estimator, Pipeline):
        return is_warm(estimator.steps[-1][1])
    if isinstance(estimator, Wrapper):
        return is_warm(estimator._inner)
    has_params = hasattr(estimator, "get_params")
    return has_params and bool(estimator.get_params(deep=False).get("warm_start"))


def _take_over(fitted: Any, copied: Any) -> None:
    """Give fitted attributes to a clone that is trained further."""
    if type(fitted) is not type(copied):
        return
    if isinstance(copied, Pipeline):
        _take_over(fitted.steps[-1][1], copied.steps[-1][1])
        return
    not_fitted = (*copied.get_params(deep=False), *CLONED)
    state = {k: v for k, v in vars(fitted).items() if k not in not_fitted}
    # The package's own estimators train a copy; others change what they have fitted.
    if not isinstance(copied, Wrapper | DeepNet):
        state = copy.deepcopy(state)
    vars(copied).update(state)
