"""Warnings that point at the user's line."""

import sys
import warnings
from pathlib import Path

import sklearn

PACKAGES = Path(sklearn.__file__).parents[1]
# Frames of these packages stand between the user's line and the warning.
SKIPPED = (
    str(Path(__file__).parents[1]),
    str(PACKAGES / "sklearn"),
    str(PACKAGES / "joblib"),
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
