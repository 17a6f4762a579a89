"""Warnings that point at the user's line."""

import os
import sys
import warnings
from importlib.util import find_spec

# Frames of these packages stand between the user's line and the warning.
SKIPPED = tuple(
    os.path.dirname(spec.origin) + os.sep
    for spec in map(find_spec, ("sktsdl", "sklearn", "joblib"))
    if spec is not None and spec.origin is not None
)


def warn(message: str) -> None:
    """Issue a UserWarning at the line outside this package that led to it."""
    if sys.version_info >= (3, 12):
        warnings.warn(message, UserWarning, skip_file_prefixes=SKIPPED)
    else:
        level, frame = 2, sys._getframe(1)
        while frame.f_back and frame.f_code.co_filename.startswith(SKIPPED):
            level, frame = level + 1, frame.f_back
        warnings.warn(message, UserWarning, stacklevel=level)
