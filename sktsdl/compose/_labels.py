"""Labels of classes as codes."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from sktsdl._sklearn.arrays import readable

MIXED = "{} mixes labels of several types: give one type, such as str."
AS_OBJECTS = {"integer": "int", "boolean": "bool"}


def find_classes(labels: pd.Series, what: str) -> np.ndarray:
    """Return the sorted labels of `y`, or of a column of it.

    `what` names it in errors, such as ``"Column 'direction' of y"``.

    Raises
    ------
    ValueError
        If a label is missing, if labels are of several types, or if there is only one.
    """
    _check_labels(labels, what, "y")
    try:
        classes = np.unique(labels.to_numpy())
    except TypeError as error:
        raise ValueError(MIXED.format(what)) from error
    if len(labels) and len(classes) < 2:
        raise ValueError(
            f"{what} has one class, {classes[0]!r}, and there is nothing to tell "
            "apart: give rows of two or more."
        )
    return classes


def to_codes(
    labels: pd.Series, classes: np.ndarray, what: str, argument: str
) -> pd.Series:
    """Return the position of each label among `classes`, as float.

    Raises
    ------
    ValueError
        If a label is missing, or is not one of the classes.
    """
    _check_labels(labels, what, argument)
    codes = pd.Index(classes).get_indexer(labels)
    if (codes < 0).any():
        label = labels.iloc[int((codes < 0).argmax())]
        raise ValueError(
            f"{what} holds {label!r}, which is not one of the classes in y, "
            f"{classes.tolist()}."
        )
    return pd.Series(codes.astype(float), index=labels.index, name=labels.name)


def _check_labels(labels: pd.Series, what: str, argument: str) -> None:
    is_float = getattr(labels.dtype, "kind", "") == "f"
    missing = ~np.isfinite(labels) if is_float else labels.isna()
    if missing.any():
        row = int(missing.to_numpy().argmax())
        raise ValueError(
            f"{what} has no label in row {row} ({labels.index[row]}), but "
            f"{labels.iloc[row]!r}: leave the row out of X and {argument}."
        )


def as_labels(estimator: BaseEstimator, y: Any, argument: str) -> pd.Series:
    """Return 1-D `y` as a Series, with its index and name if it has them.

    Raises
    ------
    ValueError
        If it is None, is not 1-D, or holds values that are not labels.

    Warns
    -----
    DataConversionWarning
        If it is a column of shape (n, 1).
    """
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires {argument} to be passed, but the "
            f"target {argument} is None."
        )
    y = readable(y, argument)
    is_pandas = isinstance(y, pd.Series | pd.DataFrame)
    is_series = isinstance(y, pd.Series)
    labels = pd.Series(
        y.to_numpy() if is_series else column_or_1d(y, warn=True),
        index=y.index if is_pandas else None,
        name=y.name if is_series else None,
    )
    _check_labels(labels, argument, argument)
    _check_type(labels.to_numpy(), argument)
    return labels


def _check_type(labels: np.ndarray, argument: str) -> None:
    """Raise a ValueError if scikit-learn does not take `labels` as classes."""
    try:
        check_classification_targets(labels)
    except (TypeError, ValueError) as error:
        kind = pd.api.types.infer_dtype(labels, skipna=False)
        if labels.dtype.kind not in "OS" or kind in ("floating", "mixed-integer-float"):
            raise
        dtype = AS_OBJECTS.get(kind, "str")
        if dtype == "str" and len({type(label) for label in labels}) > 1:
            raise ValueError(MIXED.format(argument)) from error
        raise ValueError(
            f"Unknown label type: {argument} has labels such as {labels[0]!r}, which "
            f"are objects of type {type(labels[0]).__name__}: give "
            f"`{argument}.astype({dtype})`."
        ) from error


def as_dtype_of(y: Any, classes: np.ndarray) -> np.ndarray:
    """Return texts, which pandas keeps as objects, as numpy has them in `y`."""
    is_plain = isinstance(y, list | tuple | np.ndarray)
    dtype = np.asarray(y).dtype if is_plain else classes.dtype
    return classes.astype(dtype) if dtype.kind == "U" else classes


def like(y: Any, codes: pd.Series) -> pd.Series | np.ndarray:
    """Return `codes` with the index of `y`, if it has one."""
    return codes if hasattr(y, "iloc") else codes.to_numpy()
