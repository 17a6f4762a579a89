"""Constructor parameters from annotated fields."""

import inspect
from typing import ClassVar

import pytest
from sklearn.base import clone

from sktsdl._sklearn.fields import FieldParams


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
