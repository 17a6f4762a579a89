"""What all wrappers share."""

from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin
from sklearn.utils import Tags, get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sktsdl._sklearn.callbacks import CallbackSupportMixin


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


def rows_between(rows: Any, start: int, stop: int | None) -> Any:
    """Return the rows from `start` to before `stop`, of a frame as a frame."""
    return getattr(rows, "iloc", rows)[start:stop]
