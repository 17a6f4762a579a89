"""The weights of classes, as weights of rows."""

from collections.abc import Hashable, Mapping
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length
from sklearn.utils.class_weight import compute_sample_weight

from sktsdl._sklearn.arrays import readable
from sktsdl._sklearn.validation import check_number

ClassWeight = Mapping[Hashable, float] | Literal["balanced"] | None


def row_weights(
    class_weight: ClassWeight, labels: pd.Series, sample_weight: ArrayLike | None
) -> ArrayLike | None:
    """Return the weight of each row, by its class and by `sample_weight`.

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
    by_class: np.ndarray = compute_sample_weight(class_weight, labels.to_numpy())
    if sample_weight is None:
        return by_class
    check_consistent_length(labels, sample_weight)
    sample_weight = readable(sample_weight, "sample_weight")
    if isinstance(sample_weight, pd.Series):  # with its times
        return sample_weight * by_class
    return np.asarray(sample_weight) * by_class
