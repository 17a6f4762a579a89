"""The base classes and decorators of scikit-learn, with types.

scikit-learn has no type annotations. To mypy, its classes are ``Any``, and a class on
top of them would take any argument and have any attribute: mypy reads `mypy_bases`
instead. Pyright reads the source of scikit-learn, where the estimators of both packages
have the same base. A decorator without types would hide its method from both.
"""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

Method = TypeVar("Method", bound=Callable[..., Any])

MYPY = False  # True to mypy alone

if MYPY:
    from sktsdl._sklearn.mypy_bases import (
        BaseEstimator,
        CallbackSupportMixin,
        ClassifierMixin,
        ClassNamePrefixFeaturesOutMixin,
        MetaEstimatorMixin,
        OneToOneFeatureMixin,
        RegressorMixin,
        TransformerMixin,
    )
else:
    from sklearn.base import (
        BaseEstimator,
        ClassifierMixin,
        ClassNamePrefixFeaturesOutMixin,
        MetaEstimatorMixin,
        OneToOneFeatureMixin,
        RegressorMixin,
        TransformerMixin,
    )

    try:
        from sklearn.callback import CallbackSupportMixin
    except ImportError:  # before scikit-learn 1.9

        class CallbackSupportMixin:
            """Takes the place of scikit-learn's mixin in versions without it."""


if TYPE_CHECKING:

    def available_if(check: Callable[[Any], object]) -> Callable[[Method], Method]: ...
    def with_callbacks(method: Method) -> Method: ...

else:
    from sklearn.utils.metaestimators import available_if

    try:
        from sklearn.callback import with_callbacks
    except ImportError:

        def with_callbacks(method):
            @wraps(method)
            def managed(estimator, *args, **kwargs):
                return method(estimator, *args, **kwargs)

            return managed


__all__ = [
    "BaseEstimator",
    "CallbackSupportMixin",
    "ClassNamePrefixFeaturesOutMixin",
    "ClassifierMixin",
    "MetaEstimatorMixin",
    "OneToOneFeatureMixin",
    "RegressorMixin",
    "TransformerMixin",
    "available_if",
    "with_callbacks",
]
