"""From window views back to rows, and batches of windows gathered from rows."""

from collections.abc import Iterator
from typing import Self

import numpy as np
import torch
from numpy.lib.stride_tricks import as_strided
from torch import Tensor
from torch.utils.data import Dataset

N_COMPARED = 4096


def recover_rows(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that windows were cut from, and where each window starts.

    Parameters
    ----------
    X : ndarray of shape (n, window, channels)
        Windows of consecutive rows (a view, or a copy of one), or independent samples.

    Returns
    -------
    rows : ndarray of shape (n_rows, channels)
        ``n + window - 1`` rows where the windows overlap, else ``n * window``.
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


class WindowDataset(Dataset[tuple[Tensor, Tensor]]):
    """Windows that are gathered from rows when they are asked for.

    Parameters
    ----------
    rows : Tensor of shape (n_rows, channels)
        Every row once.
    starts : Tensor of shape (n,), int64
        Where each window starts.
    window : int
        The number of rows in a window.
    targets : Tensor of shape (n, outputs) or (n_rows, outputs), or None
        What the net learns: for each window, or with `ends` for each row.
    ends : Tensor of shape (steps,), int64, or None
        The steps of a window that have a target of their own.
    """

    def __init__(
        self,
        rows: Tensor,
        starts: Tensor,
        window: int,
        targets: Tensor | None = None,
        ends: Tensor | None = None,
    ) -> None:
        self.rows = rows
        self.starts = starts
        self.targets = targets
        self.ends = ends
        self.steps = torch.arange(window, device=rows.device)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, where: Tensor | slice) -> tuple[Tensor, Tensor]:
        """Return windows of shape (batch, window, channels), and their targets.

        Targets are (batch, outputs), with `ends` (batch, steps, outputs), and without
        any the starts.
        """
        starts = self.starts[where]
        positions = (starts[:, None] + self.steps).reshape(-1)
        windows = self.rows.index_select(0, positions)
        windows = windows.view(len(starts), len(self.steps), self.rows.shape[1])
        if self.targets is None:
            return windows, starts
        if self.ends is None:
            return windows, self.targets[where]
        return windows, self.targets[starts[:, None] + self.ends]

    def to(self, device: torch.device) -> Self:
        """Move the rows, once for all batches."""
        targets, ends = (
            None if tensor is None else tensor.to(device)
            for tensor in (self.targets, self.ends)
        )
        rows, starts = self.rows.to(device), self.starts.to(device)
        return type(self)(rows, starts, len(self.steps), targets, ends)


class Batches:
    """Batches of windows, in the form of skorch's iterators.

    Parameters
    ----------
    dataset : WindowDataset
        The windows.
    batch_size : int
        Windows in a batch; the last one may be smaller, or larger by one, as a batch
        of one window has no statistics to normalise by.
    shuffle : bool, default=False
        Whether each pass draws a new order from torch's generator.
    """

    def __init__(
        self, dataset: WindowDataset, batch_size: int, shuffle: bool = False
    ) -> None:
        self.dataset = dataset
        self.shuffle = shuffle
        n_full, rest = divmod(len(dataset), batch_size)
        self.sizes = [batch_size] * n_full
        if rest == 1 and n_full:
            self.sizes[-1] += 1
        elif rest:
            self.sizes.append(rest)

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        n = len(self.dataset)
        order = torch.randperm(n) if self.shuffle else torch.arange(n)
        order = order.to(self.dataset.rows.device)
        for where in torch.split(order, self.sizes):
            yield self.dataset[where]


def fixed_size_blocks(dataset: WindowDataset, size: int) -> Iterator[Tensor]:
    """Yield all windows in blocks of `size`, the last one filled by repetition.

    The kernels of matrix products depend on the shape of a batch, and so do the last
    digits of their results: in blocks of one size, the answer for a window does not
    depend on how many others are asked for with it.
    """
    n = len(dataset)
    for start in range(0, n, size):
        where = torch.arange(start, start + size).clamp(max=n - 1)
        yield dataset[where.to(dataset.rows.device)][0]
