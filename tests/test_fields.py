"""Constructor parameters from annotated fields."""

import inspect
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pytest
from sklearn.base import clone

from sktsdl._sklearn.fields import (
    Doc,
    FieldParams,
    MaybeEmptySizes,
    OpenShare,
    PositiveInt,
    Structural,
    annotations,
    is_structural,
    parameter_docs,
)


class Base(FieldParams):
    lr: float = 0.1
    kind: ClassVar[str] = "base"


class Child(Base):
    hidden: tuple[int, ...] = (8,)
    lr: float = 0.2


class Written(Base):
    def __init__(self, *, size: int = 3):
        self.size = size


class WrittenChild(Written):
    pass


def test_fields_are_keyword_only_parameters():
    signature = inspect.signature(Child)
    assert {name: p.default for name, p in signature.parameters.items()} == {
        "lr": 0.2,
        "hidden": (8,),
    }
    assert all(p.kind is p.KEYWORD_ONLY for p in signature.parameters.values())
    with pytest.raises(TypeError):
        Child((8,))


def test_scikit_learn_sees_an_ordinary_estimator():
    child = Child(hidden=(4,))
    assert child.get_params() == {"lr": 0.2, "hidden": (4,)}
    assert repr(clone(child)) == "Child(hidden=(4,))"
    assert child != clone(child)
    assert hash(child) != hash(clone(child))


def test_an_explicit_init_is_kept():
    assert Written(size=5).get_params() == {"size": 5}
    assert WrittenChild(size=5).get_params() == {"size": 5}


def test_an_override_without_annotation_is_refused():
    with pytest.raises(TypeError, match=r"Careless\.lr overrides.*`lr: <type> = "):

        class Careless(Base):
            lr = 0.3


@pytest.mark.parametrize("name", ["weights_", "_weights"])
def test_underscores_at_either_end_are_refused(name):
    with pytest.raises(TypeError, match=f"{name} is not a parameter name"):
        type("Careless", (Base,), {"__annotations__": {name: int}, name: 1})


def test_class_arguments_reach_the_other_bases():
    class Mixin:
        def __init_subclass__(cls, *, kind="", **kwargs):
            super().__init_subclass__(**kwargs)
            cls.kind = kind

    class Mixed(Base, Mixin, kind="mixed"):
        size: int = 1

    assert Mixed(size=2).kind == "mixed"


class Constrained(FieldParams):
    """An estimator with a field of each kind."""

    share: Annotated[OpenShare, Doc("A share.")] = 0.5
    sizes: Annotated[
        tuple[PositiveInt, ...],
        Structural,
        Doc("""
            The width
            of each layer.
            """),
    ] = (8,)
    optional_sizes: MaybeEmptySizes = ()
    kind: Annotated[Literal["a", "b"] | None, Doc("A kind.")] = None
    cls: Annotated[Literal["int"] | type[Base] | Base, Doc("A class.")] = "int"
    flag: bool = False
    seed: Annotated[int | None, "random_state"] = None
    unchecked: Sequence[float] = ()
    anything: Any = None
    mixed: Literal["auto", 1, None] = "auto"
    flags: tuple[bool, ...] = ()


GOOD = {
    "share": [0.1, np.float32(0.9)],
    "sizes": [(1, 2), [3], np.array([4])],
    "optional_sizes": [(), (2,)],
    "kind": ["a", "b", None],
    "cls": ["int", Child, Base()],
    "flag": [True, np.False_],
    "seed": [3, None, np.random.RandomState(0)],
    "unchecked": ["anything", 3],
    "anything": ["anything", 3],
    "mixed": ["auto", 1, None],
    "flags": [(True, False)],
}
BAD = {
    "share": ([0, 1, np.nan, "0.5"], r"a float in the range \(0.0, 1.0\)"),
    "sizes": ([(), (0,), 3, "3", (2.5,)], "a non-empty tuple whose values are each"),
    "optional_sizes": ([(0,), None], "a tuple whose values are each an int in"),
    "kind": (["c", 1], "a str among {'a', 'b'} or None"),
    "cls": (["float", int, 3], "a subclass of tests.test_fields.Base"),
    "flag": ([1, "yes"], "bool"),
    "seed": (["0", -1], "an int in the range"),
    "mixed": (["never", 2], "among {"),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in GOOD for value in GOOD[name]]
)
def test_values_within_their_constraints(name, value):
    Constrained(**{name: value})._validate_params()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [(name, value, BAD[name][1]) for name in BAD for value in BAD[name][0]],
)
def test_values_outside_of_their_constraints(name, value, message):
    start = f"^The '{name}' parameter of Constrained must be .*"
    with pytest.raises((TypeError, ValueError), match=f"{start}{message}.* Got "):
        Constrained(**{name: value})._validate_params()


def test_documentation_is_written_in_the_field():
    assert parameter_docs(Constrained).splitlines() == [
        "share : float, default=0.5",
        "    A share.",
        "sizes : tuple of int, default=(8,)",
        "    The width",
        "    of each layer.",
        'kind : {"a", "b"} or None, default=None',
        "    A kind.",
        'cls : {"int"}, tests Base class or tests Base, default="int"',
        "    A class.",
    ]


def test_structural_fields_are_marked():
    marked = {name: is_structural(a) for name, a in annotations(Constrained).items()}
    assert [name for name in marked if marked[name]] == ["sizes"]


class Looser(Constrained):
    """An estimator that changes a default, with a plain annotation."""

    share: float = 0.25


def test_another_default_keeps_the_constraint():
    assert Looser().share == 0.25
    with pytest.raises(ValueError, match="'share' parameter of Looser must be a float"):
        Looser(share=2.0)._validate_params()


def test_annotations_that_cannot_be_resolved_are_not_checked():
    fields = {"__annotations__": {"share": "Missing", "size": "int"}, "size": 3}
    later = type("Later", (Constrained,), fields | {"share": 0.5})
    later(size="large")._validate_params()
    with pytest.raises(ValueError, match="'share' parameter of Later must be a float"):
        later(share=2.0)._validate_params()
