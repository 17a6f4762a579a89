"""Constructor parameters, written once as annotated class fields."""

import dataclasses
import inspect
import typing
from typing import Any

from sklearn.base import BaseEstimator


@typing.dataclass_transform(kw_only_default=True, eq_default=False)
class FieldParams(BaseEstimator):
    """Root of estimators whose parameters are annotated class fields.

    scikit-learn reads an estimator's parameters from the signature of its
    ``__init__``, which may only store them. A family of nets shares some twenty
    training parameters, and an ``__init__`` in each class would repeat them all.
    Here a class writes ``hidden_sizes: tuple[int, ...] = (64,)`` as a field, and
    `__init_subclass__` has the standard library's ``dataclass`` write the explicit,
    keyword-only ``__init__`` from the fields of the class and its bases. So
    ``inspect.signature``, ``clone``, ``get_params``, editors and type checkers all
    see one ordinary constructor. Equality and representation stay scikit-learn's.
    A class that writes its own ``__init__`` keeps it, and so do its subclasses.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        inherited = {
            field.name
            for base in cls.__mro__[1:]
            if dataclasses.is_dataclass(base)
            for field in dataclasses.fields(base)
        }
        own = inspect.get_annotations(cls)
        for name in sorted(inherited & vars(cls).keys() - own.keys()):
            raise TypeError(
                f"{cls.__name__}.{name} overrides a parameter without an annotation "
                f"and would be ignored: write `{name}: <type> = ...`."
            )
        owner = next(base for base in cls.__mro__ if "__init__" in vars(base))
        generated = vars(owner).get("__dataclass_params__")
        written = owner is not object and not (generated and generated.init)
        dataclasses.dataclass(kw_only=True, eq=False, repr=False, init=not written)(cls)
        for field in dataclasses.fields(cls):
            if field.name.startswith("_") or field.name.endswith("_"):
                raise TypeError(
                    f"{cls.__name__}.{field.name} is no parameter name: "
                    "scikit-learn keeps underscores at either end for attributes."
                )
