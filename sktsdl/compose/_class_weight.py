"""The classes in the rows that are trained on, and their weights."""

from collections.abc import Hashable, Mapping
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from sktsdl._sklearn.arrays import readable
from sktsdl._sklearn.validation import check_number
from sktsdl._sklearn.warnings import warn

LEFT_OUT = (
    "Windows that start with NaN, rows of weight 0 and validation rows are not trained "
    "on."
)
ClassWeight = Mapping[Hashable, float] | Literal["balanced"] | None


def row_weights(
    class_weight: ClassWeight, labels: pd.Series, sample_weight: ArrayLike | None
) -> ArrayLike | None:
    """Return the weight of each row, by its class and by `sample_weight`.

    Classes are balanced by `balance`, once it is known which rows are trained on.

    Raises
    ------
    ValueError, TypeError
        If `class_weight` is not known, or holds a weight that cannot be used.
    """
    if class_weight is None:
        return sample_weight
    if isinstance(class_weight, Mapping):
        for label, weight in class_weight.items():
            check_number(f"class_weight[{label!r}]", weight, min_val=0)
    elif class_weight != "balanced":
        raise ValueError(
            f"class_weight={class_weight!r} is not known: use a dict of "
            "{label: weight}, 'balanced' or None."
        )
    if sample_weight is not None:
        check_consistent_length(labels, sample_weight)
    if class_weight == "balanced":
        return sample_weight
    try:
        by_class: np.ndarray = compute_sample_weight(class_weight, labels.to_numpy())
    except ValueError as error:
        known = labels.unique().tolist()
        other = [label for label in class_weight if label not in known]
        raise ValueError(
            f"class_weight has {other}, which are not labels of y: it has {known}."
        ) from error
    if sample_weight is None:
        return by_class
    sample_weight = readable(sample_weight, "sample_weight")
    if isinstance(sample_weight, pd.Series):  # with its times
        return sample_weight * by_class
    return np.asarray(sample_weight) * by_class


def balance(
    class_weight: ClassWeight,
    labels: pd.Series,
    is_continued: bool,
    is_trained: np.ndarray,
) -> np.ndarray | None:
    """Return the factor of each row's weight that balances the classes, if asked.

    Only rows that are trained on are counted. A training that `is_continued` may have
    seen the other labels before, and gives no warning.
    """
    if not is_continued:
        warn_of_untrained(labels, is_trained, "y")
    if class_weight != "balanced":
        return None
    y = labels.to_numpy()[is_trained]
    classes = np.unique(y)
    factors = compute_class_weight("balanced", classes=classes, y=y)
    by_class = labels.map(dict(zip(classes, factors, strict=True)))
    filled: np.ndarray = by_class.astype(float).fillna(1.0).to_numpy()
    return filled


def warn_of_untrained(labels: pd.Series, is_trained: np.ndarray, what: str) -> None:
    """Warn of labels that are in no row that is trained on.

    `what` names the labels, such as ``"Column 'direction' of y"``.

    Raises
    ------
    ValueError
        If only one label is in rows that are trained on.
    """
    values = labels.to_numpy()
    trained = np.unique(values[is_trained])
    never = np.setdiff1d(values, trained)
    if len(never) and len(trained) == 1:
        raise ValueError(
            f"{what} has one class, {trained[0]!r}, in the rows that are trained on, "
            f"and there is nothing to tell apart: give rows of two or more. {LEFT_OUT}"
        )
    if len(never):
        warn(
            f"{what} has the labels {never.tolist()} in no row that is trained on, so "
            "their probabilities mean nothing: give more rows of them, or leave these "
            f"rows out. {LEFT_OUT}"
        )
