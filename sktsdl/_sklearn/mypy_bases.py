"""What mypy takes for the base classes of scikit-learn; nothing imports it at run time.

The methods are those that a user may call, and those that this package overrides.
"""

# mypy: disable-error-code="empty-body"

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike


class BaseEstimator:
    _parameter_constraints: dict[str, Any]

    def get_params(self, deep: bool = True) -> dict[str, Any]: ...
    def set_params(self, **params: Any) -> Self: ...
    def get_metadata_routing(self) -> Any: ...
    def set_fit_request(self, **requests: bool | str | None) -> Self: ...
    def set_partial_fit_request(self, **requests: bool | str | None) -> Self: ...
    def set_predict_request(self, **requests: bool | str | None) -> Self: ...
    def set_score_request(self, **requests: bool | str | None) -> Self: ...
    def _validate_params(self) -> None: ...
    def _get_fitted_attr_html(self, *args: Any, **kwargs: Any) -> Any: ...
    def __sklearn_clone__(self) -> Self: ...
    def __sklearn_tags__(self) -> Any: ...
    def __getstate__(self) -> dict[str, Any]: ...
    def __setstate__(self, state: dict[str, Any]) -> None: ...


class CallbackSupportMixin:
    def set_callbacks(self, *callbacks: Any) -> Self: ...


class MetaEstimatorMixin: ...


class RegressorMixin:
    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float: ...


class ClassifierMixin:
    classes_: Any

    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float: ...


class TransformerMixin:
    def fit_transform(
        self, X: ArrayLike, y: ArrayLike | None = None, **fit_params: Any
    ) -> Any: ...
    def set_output(
        self, *, transform: Literal["default", "pandas", "polars"] | None = None
    ) -> Self: ...


class OneToOneFeatureMixin:
    def get_feature_names_out(
        self, input_features: ArrayLike | None = None
    ) -> np.ndarray: ...


class ClassNamePrefixFeaturesOutMixin:
    def get_feature_names_out(
        self, input_features: ArrayLike | None = None
    ) -> np.ndarray: ...
