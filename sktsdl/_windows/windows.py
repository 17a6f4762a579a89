"""Windows of rows, each of which ends at one row."""

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from numpy.typing import DTypeLike

from sktsdl._windows.disk_rows import DiskRows, Rows, select_rows

N_COMPARED = 4096


class Windows(NDArrayOperatorsMixin):
    """An array-like of windows that stores every row once.

    ``np.asarray`` gives the 3-D array, without a copy if the windows are consecutive.
    Selections of rows, of channels in any order, or of a range of steps are windows
    again, whose names and index stay aligned; every other operation gives a plain
    array. A pickle holds the rows, and not each window.

    Parameters
    ----------
    rows : ndarray or DiskRows of shape (n_rows, channels)
        The rows, oldest first.
    window : int
        The number of rows in a window.
    ends : sequence of int or None, default=None
        The row at which each window ends, a negative number if none of its steps is
        known; None is every row that has a whole window.
    firsts : sequence of int or None, default=None
        The first row that each window may hold, such as that of its series. The steps
        of a window before it are NaN. None is the first row of all.
    names : sequence of str or None, default=None
        The names of the channels.
    index : pandas.Index or None, default=None
        The label of each window, such as the time of its last row.
    steps_per_row : int, default=1
        How many steps are from the label of a row to that of the next.

    Attributes
    ----------
    ends : range or ndarray of int
        A range if the windows are consecutive.
    """

    def __init__(
        self,
        rows: Rows,
        window: int,
        ends: Sequence[int] | np.ndarray | None = None,
        *,
        firsts: Sequence[int] | np.ndarray | None = None,
        names: Sequence[str] | np.ndarray | None = None,
        index: pd.Index | None = None,
        steps_per_row: int = 1,
    ) -> None:
        last = range(window - 1, len(rows)) if ends is None else ends
        first = None if firsts is None else np.asarray(firsts)
        if len(last):
            last = np.asarray(last)
            least = int(last.min()) - window + 1
            if first is not None:
                least = max(least, int(first.min()))
            rows = select_rows(rows, slice(least, max(int(last.max()), least) + 1))
            if least:
                last = last - least
                first = None if first is None else first - least
            if first is None and np.array_equal(last, np.arange(window - 1, len(rows))):
                last = range(window - 1, len(rows))
        self.rows = rows
        self.window = window
        self.ends = last
        self.firsts = first
        self.names = None if names is None else np.asarray(names, dtype=object)
        self.index = index
        self.steps_per_row = steps_per_row

    @classmethod
    def of(
        cls,
        X: np.ndarray,
        *,
        names: Sequence[str] | np.ndarray | None = None,
        index: pd.Index | None = None,
    ) -> Self:
        """Take an array of shape (n, window, channels) back to its rows."""
        rows, starts = recover_rows(X)
        ends = starts + X.shape[1] - 1
        return cls(rows, X.shape[1], ends, names=names, index=index)

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.ends), self.window, self.rows.shape[1]

    @property
    def ndim(self) -> int:
        return 3

    @property
    def dtype(self) -> np.dtype:
        return self.rows.dtype

    @property
    def device(self) -> str:
        """As of arrays; scikit-learn asks for it, and need not build an array."""
        return "cpu"

    def __len__(self) -> int:
        return len(self.ends)

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(np.asarray(self))

    @property
    def starts(self) -> np.ndarray:
        """The row at which each window starts, which may be before its first row."""
        return np.asarray(self.ends, dtype=int) - self.window + 1

    @property
    def n_unknown(self) -> np.ndarray:
        """The number of steps of each window that are before its first row."""
        if self.firsts is None:
            return np.zeros(len(self), dtype=int)
        return np.clip(self.firsts - self.starts, 0, self.window)

    @property
    def are_rows(self) -> bool:
        """Whether the windows overlap, as windows of rows do; samples do not."""
        if isinstance(self.ends, range):
            return len(self) > 1
        ends = np.asarray(self.ends)
        firsts = np.zeros_like(ends) if self.firsts is None else self.firsts
        order = np.lexsort((ends, firsts))
        steps, is_same = np.diff(ends[order]), np.diff(firsts[order]) == 0
        return bool((is_same & (steps < max(self.window, 2))).any())

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> np.ndarray:
        are_consecutive = bool(len(self)) and isinstance(self.ends, range)
        on_disk = isinstance(self.rows, DiskRows)
        if copy is False and (on_disk or not are_consecutive):
            raise ValueError(
                "These windows are not consecutive rows in memory: an array is a copy."
            )
        if are_consecutive:
            rows = np.asarray(self.rows)
            array = np.moveaxis(sliding_window_view(rows, self.window, 0), 2, 1)
        else:
            steps = np.arange(self.window)
            array = self.rows[np.maximum(self.starts[:, None] + steps, 0)]
            if self.firsts is not None:
                array[steps < self.n_unknown[:, None]] = np.nan
        return np.array(array, dtype=dtype) if copy else np.asarray(array, dtype=dtype)

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: object, **kwargs: Any
    ) -> Any:
        if any(isinstance(array, Windows) for array in kwargs.get("out", ())):
            raise TypeError("Windows cannot be changed in place: copy by np.array.")
        arrays = (np.asarray(x) if isinstance(x, Windows) else x for x in inputs)
        return getattr(ufunc, method)(*arrays, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"Windows has no attribute {name!r}.")
        return getattr(np.asarray(self), name)

    def __getitem__(self, key: Any) -> Any:
        parts = _parts(key)
        if isinstance(key, int | np.integer) and isinstance(self.rows, DiskRows):
            return np.asarray(self[[key]])[0]
        if parts is None:
            return np.asarray(self)[key]
        rows, steps, channels = parts
        start, stop, step = steps.indices(self.window)
        if step != 1 or stop <= start:
            return np.asarray(self)[key]
        ends = np.asarray(self.ends, dtype=int)[rows] - (self.window - stop)
        if self.firsts is not None:
            # The row before the first one is of another series.
            ends = np.where(ends < self.firsts[rows], -1, ends)
        return type(self)(
            select_rows(self.rows, slice(None), channels),
            stop - start,
            ends,
            firsts=None if self.firsts is None else self.firsts[rows],
            names=None if self.names is None else self.names[channels],
            index=None if self.index is None else self.index[rows],
            steps_per_row=self.steps_per_row,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        state = self.rows, self.window, self.ends, self.firsts, self.names, self.index
        return _rebuilt, (*state, self.steps_per_row)

    def __repr__(self) -> str:
        names = "" if self.names is None else f", names={list(self.names)}"
        return f"Windows(shape={self.shape}, dtype={self.dtype}{names})"


def _rebuilt(
    rows: Rows,
    window: int,
    ends: Sequence[int],
    firsts: np.ndarray | None,
    names: np.ndarray | None,
    index: pd.Index | None,
    steps_per_row: int = 1,  # not in older pickles
) -> Windows:
    return Windows(
        rows,
        window,
        ends,
        firsts=firsts,
        names=names,
        index=index,
        steps_per_row=steps_per_row,
    )


def _parts(key: Any) -> tuple[Any, slice, Any] | None:
    """Return the keys of rows, steps and channels if they select windows."""
    keys = list(key) if isinstance(key, tuple) else [key]
    for i, part in enumerate(keys):
        if part is Ellipsis:
            keys[i : i + 1] = [slice(None)] * (4 - len(keys))
            break
    keys += [slice(None)] * (3 - len(keys))
    listed = [i for i, part in enumerate(keys) if not isinstance(part, slice)]
    if len(keys) != 3 or len(listed) > 1 or listed == [1]:
        return None
    for i in listed:
        keys[i] = np.asarray(keys[i])
        if keys[i].ndim != 1 or keys[i].dtype.kind not in "iub":
            return None
    return keys[0], keys[1], keys[2]


def recover_rows(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that windows were cut from, and where each window starts.

    Parameters
    ----------
    X : ndarray of shape (n, window, channels)
        Windows of consecutive rows (a view, or a copy of one), or independent samples.

    Returns
    -------
    rows : ndarray of shape (n_rows, channels)
        ``n + window - 1`` rows if the windows overlap, else ``n * window``.
    starts : ndarray of shape (n,)
        ``rows[starts[i] : starts[i] + window]`` are the steps of window ``i``.
    """
    n, window, channels = X.shape
    if n > 1 and X.strides[0] == X.strides[1]:
        shape, strides = (n + window - 1, channels), X.strides[1:]
        return as_strided(X, shape, strides, writeable=False), np.arange(n)
    if n > 1 and _overlap(X):
        return np.concatenate([X[0], X[1:, -1]]), np.arange(n)
    return X.reshape(n * window, channels), np.arange(n) * window


def _overlap(X: np.ndarray) -> bool:
    """Say whether every window is the one before, moved on by one row."""
    for start in range(0, len(X) - 1, N_COMPARED):
        block = X[start : start + N_COMPARED + 1]
        if not np.array_equal(block[1:, :-1], block[:-1, 1:], equal_nan=True):
            return False
    return X.shape[1] > 1


def is_transposed(X: np.ndarray) -> bool:
    """Say whether windows of consecutive rows have their steps on the last axis."""
    turned = X.transpose(0, 2, 1)
    return len(X) > 2 and _overlap(turned[:3]) and _overlap(turned) and not _overlap(X)
