"""Arrays on disk: which they are, and how rows are read from them."""

from __future__ import annotations

import mmap
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np

# Arrays of fewer bytes are read as a whole.
LEAST_BYTES = 2**26
# The system counts the pages of a mapped file as memory of the process once they are
# read, and maps such an area at once.
MAPPED_BYTES = 2**26
AREA = 2**16


def is_on_disk(X: Any) -> bool:
    """Say whether `X` is a large table of numbers that is not in memory.

    It is a memory map, or an array of another package than numpy that reads parts of
    itself, such as zarr, h5py and Dask.
    """
    if isinstance(X, np.ndarray):
        is_read = _memory_map(X) is not None
    else:
        # Frames, arrays of the array API, tensors and sparse arrays are in memory.
        others = ("iloc", "isel", "__array_namespace__", "detach", "tocsr")
        in_memory = any(hasattr(X, name) for name in others)
        is_read = not in_memory and hasattr(X, "__getitem__")
    shape: Any = getattr(X, "shape", ())
    dtype: Any = getattr(X, "dtype", None)
    # Dask does not know some sizes, which are then NaN.
    is_table = len(shape) == 2 and all(isinstance(size, Integral) for size in shape)
    if not is_read or not is_table or getattr(dtype, "kind", "O") not in "buif":
        return False
    return bool(int(shape[0]) * int(shape[1]) * np.dtype(dtype).itemsize > LEAST_BYTES)


class DiskSource:
    """An array on disk, of which rows are read.

    Parameters
    ----------
    array : array-like of shape (n_rows, n_features)
        A memory map, or an array of another package.
    columns : ndarray of int or None, default=None
        Which columns are read, None for all.
    """

    def __init__(self, array: Any, columns: np.ndarray | None = None) -> None:
        found = _memory_map(array)
        self.is_mapped = found is not None
        self.array = np.asarray(array) if self.is_mapped else array
        self.columns = columns
        self._n_touched = 0
        self._mapping: Any = None
        # What was written to a copy on write ("c") is only in its pages.
        if found is not None and found.mode != "c" and hasattr(mmap, "MADV_DONTNEED"):
            self._mapping = found.base

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping cannot be pickled; joblib sends the name of its file instead.
        return DiskSource, (self.array, self.columns)

    def __len__(self) -> int:
        return int(self.array.shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        columns = self.columns
        n_columns = int(self.array.shape[1]) if columns is None else len(columns)
        return len(self), n_columns

    @property
    def rows_per_chunk(self) -> int:
        """The number of rows that are stored together, 1 if each is by itself."""
        chunks = getattr(self.array, "chunks", None)
        return 1 if chunks is None else int(np.max(chunks[0]))

    def with_columns(self, columns: np.ndarray) -> DiskSource:
        """Return the same array, of which only some of its columns are read."""
        before = self.columns
        return DiskSource(self.array, columns if before is None else before[columns])

    def read(self, rows: range | np.ndarray, column: int | None = None) -> np.ndarray:
        """Return some rows, or their values in one column.

        `rows` are consecutive numbers, whose rows may be a view of the file, or an
        array of numbers in any order.
        """
        if column is None and isinstance(rows, range):
            self._touch(self._n_bytes(rows))
            return self._selected(np.asarray(self.array[rows.start : rows.stop]))
        if column is not None and self.columns is not None:
            column = int(self.columns[column])
        key: Any = slice(None) if column is None else column
        numbers = np.asarray(rows)
        n_bytes = self._n_bytes(numbers)
        values = []
        for part in np.array_split(numbers, -(-n_bytes // MAPPED_BYTES) or 1):
            self._touch(MAPPED_BYTES)
            values.append(self._take(part, key))
        found = values[0] if len(values) == 1 else np.concatenate(values)
        return self._selected(found) if column is None else found

    def _selected(self, rows: np.ndarray) -> np.ndarray:
        return rows if self.columns is None else rows[:, self.columns]

    def _take(self, numbers: np.ndarray, key: Any) -> np.ndarray:
        if self.is_mapped:
            taken: np.ndarray = self.array[numbers, key]
            return taken
        # Other arrays read runs of rows best, and some of them increasing rows only.
        distinct, places = np.unique(numbers, return_inverse=True)
        bounds = [0, *(np.flatnonzero(np.diff(distinct) != 1) + 1), len(distinct)]
        runs = [
            np.asarray(self.array[int(distinct[a]) : int(distinct[b - 1]) + 1, key])
            for a, b in pairwise(bounds)
            if a < b
        ]
        values = np.concatenate(runs) if runs else np.asarray(self.array[:0, key])
        return values[places]

    def _n_bytes(self, rows: range | np.ndarray) -> int:
        """Return about how many bytes of a mapped file are mapped to read rows."""
        if not self.is_mapped or not len(rows):
            return 0
        n_bytes = abs(int(self.array.strides[0]))
        if isinstance(rows, range):
            return len(rows) * n_bytes
        areas = rows * n_bytes // AREA
        n_areas = 1 + int(np.count_nonzero(np.diff(areas)))
        return n_areas * max(AREA, n_bytes)

    def _touch(self, n_bytes: int) -> None:
        """Give back the pages that were mapped, if there are many, before more are."""
        self._n_touched += n_bytes
        if self._mapping is not None and self._n_touched > MAPPED_BYTES:
            self._mapping.madvise(mmap.MADV_DONTNEED)
            self._n_touched = n_bytes


def _memory_map(array: Any) -> np.memmap | None:
    """Return the memory map that an array is or is a view of, None without one."""
    found = None
    while isinstance(array, np.ndarray):
        base: Any = array.base
        if isinstance(array, np.memmap) and isinstance(base, mmap.mmap):
            found = array  # copies and pickles have the type too, without a file
        array = base
    return found
