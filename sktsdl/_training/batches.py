"""From window views back to rows, and batches of windows gathered from rows."""

from collections.abc import Callable, Iterator
from typing import Self

import numpy as np
import torch
from numpy.lib.stride_tricks import as_strided
from torch import Tensor
from torch.utils.data import Dataset

from sktsdl._training.device import place

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


class Batch(tuple[Tensor, Tensor]):
    """Windows and targets, in the form of skorch, and what each target counts."""

    weights: Tensor | None = None


class WindowDataset(Dataset[Batch]):
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
    weights : Tensor of shape (n, 1) or (n_rows, 1), or None
        What each target counts.
    device : torch.device or None
        Where batches are asked for, None where the rows are.
    """

    def __init__(
        self,
        rows: Tensor,
        starts: Tensor,
        window: int,
        targets: Tensor | None = None,
        ends: Tensor | None = None,
        weights: Tensor | None = None,
        device: torch.device | None = None,
    ) -> None:
        self.rows = rows.contiguous()
        self.device = rows.device if device is None else device
        self.starts = starts
        self.targets = targets
        self.ends = ends
        self.weights = weights
        self.window = window
        n_rows, n_channels = rows.shape
        # Every window as one row of a view; each is then copied in one piece.
        self.windows = self.rows.as_strided(
            (n_rows - window + 1, window * n_channels), (n_channels, 1)
        )

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, where: Tensor | slice) -> Batch:
        """Return windows of shape (batch, window, channels), and their targets.

        Targets are (batch, outputs), with `ends` (batch, steps, outputs), and without
        any the starts. Weights have 1 in place of outputs.
        """
        starts = self.starts[where]
        windows = self.windows.index_select(0, starts)
        windows = windows.view(len(starts), self.window, self.rows.shape[1])
        which = where if self.ends is None else starts[:, None] + self.ends
        targets = starts if self.targets is None else self.targets[which]
        weights = None if self.weights is None else self.weights[which]
        if self.rows.device != self.device:
            windows, targets = self._send(windows), self._send(targets)
            weights = None if weights is None else self._send(weights)
        batch = Batch((windows, targets))
        batch.weights = weights
        return batch

    def to(self, device: torch.device) -> Self:
        """Have batches on `device`, and the rows, once for all, if they fit there."""
        rows = place(self.rows, device)
        starts = self.starts.to(rows.device)
        targets, ends, weights = (
            None if part is None else part.to(rows.device)
            for part in (self.targets, self.ends, self.weights)
        )
        return type(self)(rows, starts, self.window, targets, ends, weights, device)

    def _send(self, part: Tensor) -> Tensor:
        """Copy a part of a batch to the device while it still computes."""
        return part.pin_memory().to(self.device, non_blocking=True)


def batch_sizes(n: int, batch_size: int) -> list[int]:
    """Part `n` windows into batches; the last one may be smaller, or larger by one.

    A batch of one window has no statistics to normalise by.
    """
    n_full, rest = divmod(n, batch_size)
    sizes = [batch_size] * n_full
    if rest == 1 and n_full:
        sizes[-1] += 1
    elif rest:
        sizes.append(rest)
    return sizes


class Batches:
    """Batches of windows, in the form of skorch's iterators.

    Parameters
    ----------
    dataset : WindowDataset
        The windows.
    batch_size : int
        Windows in a batch, but for the last one.
    shuffle : bool, default=False
        Whether each pass draws a new order from torch's generator.
    """

    def __init__(
        self, dataset: WindowDataset, batch_size: int, shuffle: bool = False
    ) -> None:
        self.dataset = dataset
        self.shuffle = shuffle
        self.sizes = batch_sizes(len(dataset), batch_size)

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[Batch]:
        n = len(self.dataset)
        order = torch.randperm(n) if self.shuffle else torch.arange(n)
        order = order.to(self.dataset.rows.device)
        for where in torch.split(order, self.sizes):
            yield self.dataset[where]


def evaluate_in_blocks(
    evaluate: Callable[[Tensor], Tensor], dataset: WindowDataset, size: int
) -> Tensor:
    """Return what `evaluate` answers for all windows, asked for `size` at a time.

    The kernels of matrix products depend on the shape of a batch, and so do the last
    digits of their results: in blocks of one size, the last one filled by repetition,
    the answer for a window does not depend on how many others are asked for with it.
    """
    n, device = len(dataset), dataset.rows.device
    answers: Tensor | None = None
    for start in range(0, n, size):
        where = torch.arange(start, start + size, device=device).clamp(max=n - 1)
        answer = evaluate(dataset[where][0])
        if answers is None:
            # Small answers, each kept, would hold the memory freed between them.
            answers = answer.new_empty((n, *answer.shape[1:]))
        answers[start : start + size] = answer[: n - start]
    assert answers is not None
    return answers
