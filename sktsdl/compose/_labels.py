"""Labels of classes as codes."""

from collections.abc import Hashable

import numpy as np
import pandas as pd


def find_classes(labels: pd.Series, name: Hashable) -> np.ndarray:
    """Return the sorted labels of a column of `y`.

    Raises
    ------
    ValueError
        If a label is missing, if labels are of several types, or if there is only one.
    """
    _check_labels(labels, name, "y")
    try:
        classes = np.unique(labels.to_numpy())
    except TypeError as error:
        raise ValueError(
            f"Column {name!r} of y mixes labels of several types: give one type, such "
            "as str."
        ) from error
    if len(classes) < 2:
        raise ValueError(
            f"Column {name!r} of y has one class, {classes[0]!r}, and there is nothing "
            "to tell apart: give rows of two or more."
        )
    return classes


def to_codes(
    labels: pd.Series, classes: np.ndarray, name: Hashable, argument: str
) -> pd.Series:
    """Return the position of each label among `classes`, as float.

    Raises
    ------
    ValueError
        If a label is missing, or is not one of the classes.
    """
    _check_labels(labels, name, argument)
    codes = pd.Index(classes).get_indexer(labels)
    if (codes < 0).any():
        label = labels.iloc[int((codes < 0).argmax())]
        raise ValueError(
            f"Column {name!r} of {argument} holds {label!r}, which is not one of the "
            f"classes in y, {classes.tolist()}."
        )
    return pd.Series(codes.astype(float), index=labels.index)


def _check_labels(labels: pd.Series, name: Hashable, argument: str) -> None:
    missing = labels.isna().to_numpy()
    if missing.any():
        row = int(missing.argmax())
        raise ValueError(
            f"Column {name!r} of {argument} has no label in row {row} "
            f"({labels.index[row]}): leave the row out of X and {argument}."
        )
