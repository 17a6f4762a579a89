"""Shallow copies."""

import copy
from typing import Any, TypeVar

T = TypeVar("T")


def changed(value: T, **attributes: Any) -> T:
    """Return a copy of an object with other attributes, which shares all the rest.

    Lists and dicts are copied, as methods such as ``set_output`` change them. ``copy``
    would go through the state for a file, which takes time.
    """
    copied = object.__new__(type(value))
    state = {
        name: copy.copy(part) if type(part) in (list, dict) else part
        for name, part in vars(value).items()
    }
    vars(copied).update(state | attributes)
    return copied
