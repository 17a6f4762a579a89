"""Rows that stay on disk, of which a part is read at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike
from sklearn.base import BaseEstimator

from sktsdl._sklearn.cells import raise_at_first
from sktsdl._sklearn.validation import validate_rows
from sktsdl._windows.disk_source import DiskSource

# Values that are read at once.
N_READ = 2**20


class DiskRows:
    """Rows of an array on disk, with rows in memory before and after them.

    Rows and columns are read by keys, as of an array of h5py: ``rows[10:20]``,
    ``rows[[3, 1]]``, ``rows[10:20, 4]``. ``np.asarray`` reads all rows.

    Parameters
    ----------
    source : DiskSource
        The array on disk.
    dtype : dtype
        The dtype that rows are given in.
    before, after : ndarray of shape (n_rows, n_features) or None, default=None
        The rows in memory.
    has_nan : ndarray of bool or None, default=None
        Whether a value of each of all rows is NaN; None reads them to know it.
    numbers : range or ndarray of int, or None, default=None
        Which of all rows these are; None is all.
    """

    ndim = 2

    def __init__(
        self,
        source: DiskSource,
        dtype: DTypeLike,
        *,
        before: np.ndarray | None = None,
        after: np.ndarray | None = None,
        has_nan: np.ndarray | None = None,
        numbers: range | np.ndarray | None = None,
    ) -> None:
        self.source = source
        self.dtype = np.dtype(dtype)
        none = np.empty((0, source.shape[1]), self.dtype)
        self.before = none if before is None else before.astype(self.dtype, copy=False)
        self.after = none if after is None else after.astype(self.dtype, copy=False)
        self.numbers = range(self._n_all) if numbers is None else numbers
        self._has_nan = has_nan
        self._last_column: tuple[int, np.ndarray] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.numbers), self.source.shape[1]

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def n_at_once(self) -> int:
        """How many rows are read at once: those of whole chunks of a file."""
        n_chunk = self.source.rows_per_chunk
        return -(-max(N_READ // self.shape[1], 1) // n_chunk) * n_chunk

    @property
    def has_nan(self) -> np.ndarray:
        """Whether a value of each row is NaN, shape (n_rows,)."""
        if self._has_nan is None:
            blocks = DiskRows(self.source, self.dtype, **self._ends).blocks()
            self._has_nan = np.concatenate([np.isnan(b).any(axis=1) for _, b in blocks])
        found: np.ndarray = self._has_nan[_as_key(self.numbers)]
        return found

    @property
    def _n_all(self) -> int:
        return len(self.before) + len(self.source) + len(self.after)

    @property
    def _ends(self) -> dict[str, Any]:
        return {"before": self.before, "after": self.after}

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("These rows are on disk: an array is a copy.")
        return np.array(self[:], dtype=dtype)

    def __getitem__(self, key: Any) -> np.ndarray:
        """Read rows, or their values in one column."""
        rows, column = key if isinstance(key, tuple) else (key, None)
        if isinstance(rows, slice):
            return self._read(self.numbers[rows], column)
        at = np.asarray(rows)
        if at.dtype.kind == "b":
            at = np.flatnonzero(at)
        at = np.where(at < 0, at + len(self), at)
        if column is not None and 2 * at.size > len(self):
            values: np.ndarray = self._read_column(column)[at]
            return values
        if isinstance(self.numbers, range):
            numbers: np.ndarray = at + self.numbers.start
        else:
            numbers = self.numbers[at]
        values = self._read(numbers.ravel(), column)
        return values.reshape(at.shape + values.shape[1:])

    def _read_column(self, column: int) -> np.ndarray:
        """Return a column of all rows, which is often read again right away."""
        if self._last_column is None or self._last_column[0] != column:
            self._last_column = column, self._read(self.numbers, column)
        return self._last_column[1]

    def select(self, rows: Any, columns: Any = slice(None)) -> Self:
        """Return some rows and columns without reading them.

        `rows` is a slice or a mask, `columns` is a slice or numbers.
        """
        numbers: range | np.ndarray
        if isinstance(rows, slice) or isinstance(self.numbers, np.ndarray):
            numbers = self.numbers[rows]
        else:
            numbers = np.flatnonzero(rows) + self.numbers.start
            if len(numbers) and numbers[-1] - numbers[0] == len(numbers) - 1:
                numbers = range(int(numbers[0]), int(numbers[-1]) + 1)
        known: dict[str, Any] = self._ends | {"has_nan": self._has_nan}
        source, every = self.source, np.arange(self.shape[1])
        if not np.array_equal(every[columns], every):
            source = source.with_columns(every[columns])
            known = {name: rows[:, columns] for name, rows in self._ends.items()}
        return type(self)(source, self.dtype, numbers=numbers, **known)

    def joined(
        self, before: np.ndarray | None = None, after: np.ndarray | None = None
    ) -> Self:
        """Return these rows with rows in memory before and after them."""
        none = self.before[:0]
        before, after = (none if rows is None else rows for rows in (before, after))
        n_before, n_all = len(before), self._n_all
        n_joined = n_before + n_all + len(after)
        numbers: range | np.ndarray = range(n_joined)
        if self.numbers != range(n_all):
            stop = n_before + n_all
            own = np.asarray(self.numbers) + n_before
            numbers = np.r_[:n_before, own, stop:n_joined]
        has_nan = self._has_nan
        if has_nan is not None:
            first, last = (np.isnan(rows).any(axis=1) for rows in (before, after))
            has_nan = np.concatenate([first, has_nan, last])
        return type(self)(
            self.source,
            self.dtype,
            before=np.concatenate([before, self.before]),
            after=np.concatenate([self.after, after]),
            has_nan=has_nan,
            numbers=numbers,
        )

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """Give all rows, some at a time, after the position of the first of them."""
        size, first = self.n_at_once, 0
        if isinstance(self.numbers, range):
            first = (len(self.before) - self.numbers.start) % size
        bounds = np.unique([0, *range(first, len(self), size), len(self)]).tolist()
        for start, stop in pairwise(bounds):
            yield start, self[start:stop]

    def _read(self, numbers: range | np.ndarray, column: int | None) -> np.ndarray:
        """Read some of all rows by number, or their values in one column."""
        if isinstance(numbers, range) and numbers.step != 1:
            numbers = np.asarray(numbers)
        shape = (len(numbers),) if column is not None else (len(numbers), self.shape[1])
        values: np.ndarray | None = None
        first = 0
        for part in (self.before, self.source, self.after):
            at, rows = _inside(numbers, first, first + len(part))
            first += len(part)
            if len(rows) == 0:
                continue
            if isinstance(part, DiskSource):
                found = part.read(rows, column).astype(self.dtype, copy=False)
            else:
                found = part[_as_key(rows), slice(None) if column is None else column]
            if len(rows) == len(numbers):
                return found
            values = np.empty(shape, self.dtype) if values is None else values
            values[at] = found
        return np.empty(shape, self.dtype) if values is None else values


Rows = np.ndarray | DiskRows


def select_rows(rows: Rows, which: Any, columns: Any = slice(None)) -> Rows:
    """Return some rows and columns, which stay on disk if they are there."""
    if isinstance(rows, DiskRows):
        return rows.select(which, columns)
    selected: np.ndarray = rows[which][:, columns]
    return selected


def join_rows(before: Rows, after: Rows) -> Rows:
    """Put rows before others; the rows on disk, of one of both, stay there."""
    if isinstance(before, DiskRows):
        return before.joined(after=np.asarray(after))
    if isinstance(after, DiskRows):
        return after.joined(before=before)
    joined = np.empty((len(before) + len(after), after.shape[1]), after.dtype)
    return np.concatenate([before, after], out=joined)


def in_blocks(rows: Rows) -> Iterator[tuple[int, np.ndarray]]:
    """Give rows in memory at once, and rows on disk some at a time."""
    return rows.blocks() if isinstance(rows, DiskRows) else iter([(0, rows)])


def has_nan(rows: Rows, which: Any = slice(None)) -> np.ndarray:
    """Say whether a value of each of some rows is NaN."""
    if isinstance(rows, DiskRows):
        return rows.has_nan[which]
    found: np.ndarray = np.isnan(rows[which]).any(axis=1)
    return found


def _as_key(rows: range | np.ndarray) -> Any:
    return slice(rows.start, rows.stop) if isinstance(rows, range) else rows


def _inside(
    numbers: range | np.ndarray, first: int, stop: int
) -> tuple[slice | np.ndarray, range | np.ndarray]:
    """Return where `numbers` are from `first` to before `stop`, counted from there."""
    if isinstance(numbers, range):
        start = max(numbers.start, first)
        end = max(min(numbers.stop, stop), start)
        where = slice(start - numbers.start, end - numbers.start)
        return where, range(start - first, end - first)
    inside = (numbers >= first) & (numbers < stop)
    if inside.all():
        return slice(None), numbers - first
    return inside, numbers[inside] - first


def validate_disk_rows(estimator: BaseEstimator, X: Any, *, reset: bool) -> DiskRows:
    """Return a table on disk as rows of floats; NaN may stand for unknown values.

    Parameters
    ----------
    estimator : estimator
        Its ``n_features_in_`` is set or checked.
    X : array-like of shape (n_rows, n_features)
        A table of numbers, as of `is_on_disk`.
    reset : bool
        Whether to set (in ``fit``) or to check the number of features.

    Raises
    ------
    ValueError
        If `X` holds infinity.
    """
    # scikit-learn checks the form, and chooses the dtype, by the first row.
    first = validate_rows(estimator, np.asarray(X[:1]), reset=reset)
    rows = DiskRows(DiskSource(X), first.dtype)
    blocks = []
    for start, block in rows.blocks():
        is_unknown = np.zeros(len(block), dtype=bool)
        if not np.isfinite(block).all():
            raise_at_first(np.isinf(block), block, first_row=start)
            is_unknown = np.isnan(block).any(axis=1)
        blocks.append(is_unknown)
    return DiskRows(rows.source, rows.dtype, has_nan=np.concatenate(blocks))
