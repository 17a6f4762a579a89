"""Constructor parameters, written once as annotated class fields."""

import dataclasses
import inspect
import types
import typing
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Annotated, Any, Literal

from sklearn.utils._param_validation import Interval, Options, StrOptions

from sktsdl._sklearn.bases import BaseEstimator


# scikit-learn takes no constraints but its own, and subclasses of them.
class SubclassOf(Options):
    """A subclass of a class, such as of torch's optimizers."""

    def __init__(self, base: type) -> None:
        super().__init__(type, set())
        self.base = base

    def is_satisfied_by(self, val: object) -> bool:
        return isinstance(val, type) and issubclass(val, self.base)

    def __str__(self) -> str:
        return f"a subclass of {self.base.__module__}.{self.base.__qualname__}"


class TupleOf(Options):
    """A tuple, or any sequence, of values that each satisfy a constraint."""

    def __init__(self, constraint: Interval, may_be_empty: bool = False) -> None:
        super().__init__(tuple, set())
        self.constraint = constraint
        self.may_be_empty = may_be_empty

    def is_satisfied_by(self, val: object) -> bool:
        if isinstance(val, str | Mapping) or not hasattr(val, "__iter__"):
            return False
        values = list(val)
        is_long_enough = bool(values) or self.may_be_empty
        return is_long_enough and all(map(self.constraint.is_satisfied_by, values))

    def __str__(self) -> str:
        kind = "tuple" if self.may_be_empty else "non-empty tuple"
        return f"a {kind} whose values are each {self.constraint}"


PositiveInt = Annotated[int, Interval(Integral, 1, None, closed="left")]
Positive = Annotated[float, Interval(Real, 0, None, closed="neither")]
NonNegative = Annotated[float, Interval(Real, 0, None, closed="left")]
Probability = Annotated[float, Interval(Real, 0, 1, closed="left")]
OpenShare = Annotated[float, Interval(Real, 0, 1, closed="neither")]
ClosedShare = Annotated[float, Interval(Real, 0, 1, closed="both")]
MaybeEmptySizes = Annotated[
    tuple[int, ...],
    TupleOf(Interval(Integral, 1, None, closed="left"), may_be_empty=True),
]


@dataclasses.dataclass(frozen=True)
class Doc:
    """The documentation of a parameter, in an annotation."""

    text: str


class Structural:
    """In an annotation: the parameter decides how the module is built.

    All parameters of an architecture do; only a shared parameter needs the mark.
    """


@typing.dataclass_transform(kw_only_default=True, eq_default=False)
class FieldParams(BaseEstimator):
    """Root of estimators whose parameters are annotated class fields.

    scikit-learn reads an estimator's parameters from the signature of its
    ``__init__``, which may only store them. A family of nets shares some thirty
    training parameters, and an ``__init__`` in each class would repeat them all.
    Here a class writes ``hidden_sizes: tuple[PositiveInt, ...] = (64,)`` as a field,
    and `__init_subclass__` has the standard library's ``dataclass`` write the explicit,
    keyword-only ``__init__`` from the fields of the class and its bases. So
    ``inspect.signature``, ``clone``, ``get_params``, editors and type checkers all
    see one ordinary constructor. Equality and representation stay scikit-learn's.
    A class that writes its own ``__init__`` keeps it, and so do its subclasses.

    The annotation is also the constraint that ``_validate_params`` of scikit-learn
    checks: ``bool``, ``Literal``, ``None``, a class, ``type[Class]``, and the numbers
    of this module, such as `PositiveInt`. A field of any other type is checked as in
    the base class, if that has the field.
    """

    __dataclass_fields__: typing.ClassVar[dict[str, dataclasses.Field[Any]]]

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
                    f"{cls.__name__}.{field.name} is not a parameter name: "
                    "scikit-learn keeps underscores at either end for attributes."
                )
        inherited_constraints = getattr(cls, "_parameter_constraints", {})
        cls._parameter_constraints = {
            name: _constraints(annotation)
            or inherited_constraints.get(name, "no_validation")
            for name, annotation in annotations(cls).items()
        }


def annotations(cls: type[FieldParams]) -> dict[str, Any]:
    """Return the annotation of each parameter, in the order of the signature."""
    fields = dataclasses.fields(cls)
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except NameError:  # of an import for type checkers only
        hints = {field.name: field.type for field in fields}
    return {field.name: hints[field.name] for field in fields}


def is_structural(annotation: object) -> bool:
    """Say whether an annotation holds `Structural`."""
    return Structural in _split(annotation)[1]


def parameter_docs(cls: type[FieldParams]) -> str:
    """Return the numpydoc text of the parameters that have a `Doc`."""
    defaults = {field.name: field.default for field in dataclasses.fields(cls)}
    lines = []
    for name, annotation in annotations(cls).items():
        for part in _split(annotation)[1]:
            if isinstance(part, Doc):
                default = defaults[name]
                shown = f'"{default}"' if isinstance(default, str) else repr(default)
                lines.append(f"{name} : {_describe(annotation)}, default={shown}")
                text = inspect.cleandoc(part.text).splitlines()
                lines += [f"    {line}".rstrip() for line in text]
    return "\n".join(lines)


def _split(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return an annotation without its metadata, and the metadata."""
    if typing.get_origin(annotation) is Annotated:
        return annotation.__origin__, annotation.__metadata__
    return annotation, ()


def _members(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        return typing.get_args(annotation)
    return (annotation,)


def _constraints(annotation: Any) -> list[Any]:
    """Return scikit-learn's constraints for an annotation, [] for no check."""
    plain, metadata = _split(annotation)
    given = [part for part in metadata if isinstance(part, Interval | Options | str)]
    if given:
        return given
    if len(members := _members(plain)) > 1:
        parts = [_constraints(member) for member in members]
        return [c for part in parts for c in part] if all(parts) else []
    origin, arguments = typing.get_origin(plain), typing.get_args(plain)
    if origin is Literal:
        if all(isinstance(option, str) for option in arguments):
            return [StrOptions(dict.fromkeys(arguments).keys())]  # in their order
        return [Options(object, set(arguments))]
    if origin is type:
        return [SubclassOf(arguments[0])]
    if origin is tuple:
        inner = _constraints(arguments[0]) if arguments[-1:] == (...,) else []
        return [TupleOf(c) for c in inner if isinstance(c, Interval | Options)]
    if plain is bool:
        return ["boolean"]
    if plain is type(None):
        return [None]
    is_class = isinstance(plain, type) and origin is None and plain is not Any
    return [plain] if is_class and plain not in (int, float, str, object) else []


def _describe(annotation: Any) -> str:
    """Return the type of a parameter as numpydoc writes it."""
    names = []
    for member in _members(_split(annotation)[0]):
        plain = _split(member)[0]
        origin, arguments = typing.get_origin(plain), typing.get_args(plain)
        if origin is Literal:
            options = ", ".join(f'"{option}"' for option in arguments)
            names.append(f"{{{options}}}")
        elif origin is type:
            names.append(f"{_class_name(arguments[0])} class")
        elif origin is not None:
            kind = "tuple" if origin is tuple else "sequence"
            names.append(f"{kind} of {_describe(arguments[0])}")
        else:
            names.append("None" if plain is type(None) else _class_name(plain))
    return " or ".join([", ".join(names[:-1]), names[-1]] if names[:-1] else names)


def _class_name(cls: type) -> str:
    package = cls.__module__.partition(".")[0]
    return cls.__name__ if package == "builtins" else f"{package} {cls.__name__}"
