"""Warnings that point at the user's line."""

import os
import sys
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from importlib.util import find_spec
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Frames of these packages stand between the user's line and the warning.
SKIPPED = tuple(
    os.path.dirname(spec.origin) + os.sep
    for spec in map(find_spec, ("sktsdl", "sklearn", "joblib"))
    if spec is not None and spec.origin is not None
)

_given: ContextVar[set[str] | None] = ContextVar("given", default=None)


def warns_once(function: Callable[P, T]) -> Callable[P, T]:
    """Issue no warning of this package twice in a call of a function."""

    @wraps(function)
    def once(*args: P.args, **kwargs: P.kwargs) -> T:
        token = _given.set(set())
        try:
            return function(*args, **kwargs)
        finally:
            _given.reset(token)

    return once


def warn(message: str) -> None:
    """Issue a UserWarning at the line outside this package that led to it."""
    given = _given.get()
    if given is not None:
        if message in given:
            return
        given.add(message)
    if sys.version_info >= (3, 12):
        warnings.warn(message, UserWarning, skip_file_prefixes=SKIPPED)
    else:
        level, frame = 2, sys._getframe(1)
        while frame.f_back and frame.f_code.co_filename.startswith(SKIPPED):
            level, frame = level + 1, frame.f_back
        warnings.warn(message, UserWarning, stacklevel=level)
