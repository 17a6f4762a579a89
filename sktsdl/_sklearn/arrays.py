"""Data that numpy cannot read by itself: tensors, and objects with ``pd.NA``."""

from typing import Any

import numpy as np
import pandas as pd


def refuse_lazy(data: Any, name: str) -> None:
    """Raise a TypeError if `data` is a frame that is not computed yet."""
    if type(data).__name__ == "LazyFrame":
        raise TypeError(
            f"{name} is a LazyFrame, whose rows are not computed yet: give "
            f"`{name}.collect()`."
        )


def refuse_repeated_names(data: Any, name: str) -> None:
    """Raise a ValueError if two columns of a frame of pandas have one name."""
    if isinstance(data, pd.DataFrame) and not data.columns.is_unique:
        column = data.columns[data.columns.duplicated()][0]
        raise ValueError(
            f"{name} has two columns named {column!r}: rename or drop one."
        )


def readable(data: Any, name: str) -> Any:
    """Return `data` as numpy can read it, and as it is if numpy can.

    Tensors, and other arrays of the array API, become arrays; bfloat16 becomes float32.
    ``pd.NA`` among objects becomes NaN.

    Raises
    ------
    TypeError
        If a tensor has no values in memory, or is sparse, or if a frame is lazy.
    ValueError
        If two columns of a frame have one name.
    """
    refuse_lazy(data, name)
    refuse_repeated_names(data, name)
    if hasattr(data, "detach") and hasattr(data, "cpu"):  # a tensor of torch
        return _array_of(data, name)
    if hasattr(data, "__array_namespace__") and not isinstance(data, np.ndarray):
        return np.asarray(data)
    if isinstance(data, list | tuple):
        try:
            values = np.asarray(data)
        except ValueError:  # of rows of different lengths
            return data
        return _without_na(values) if values.dtype == object else data
    if isinstance(data, np.ndarray) and data.dtype == object:
        return _without_na(data)
    if isinstance(data, pd.Series) and data.dtype == object:
        values = _without_na(data.to_numpy())
        return pd.Series(values, data.index, dtype=object, name=data.name)
    if isinstance(data, pd.DataFrame) and object in data.dtypes.to_numpy():
        data = data.copy(deep=False)
        for column in np.flatnonzero(data.dtypes.to_numpy() == np.dtype(object)):
            values = _without_na(data.iloc[:, column].to_numpy())
            data.isetitem(column, pd.Series(values, data.index, dtype=object))
    return data


def _array_of(tensor: Any, name: str) -> np.ndarray:
    try:
        tensor = tensor.detach().cpu()
        is_known = str(tensor.dtype) != "torch.bfloat16"
        array: np.ndarray = (tensor if is_known else tensor.float()).numpy()
    except (TypeError, RuntimeError, NotImplementedError) as error:
        raise TypeError(
            f"{name} is a tensor without plain values ({tensor.dtype}, "
            f"{tensor.layout}, on {tensor.device}): pass a dense tensor of numbers."
        ) from error
    return array


def _without_na(values: np.ndarray) -> np.ndarray:
    """Return an array of objects with NaN in place of ``pd.NA``."""
    is_na = np.array(pd.isna(values))
    is_na[is_na] = [value is pd.NA for value in values[is_na]]
    if is_na.any():
        values = values.copy()
        values[is_na] = np.nan
    return values
