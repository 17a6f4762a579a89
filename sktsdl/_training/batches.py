"""Batches of windows, gathered from rows."""

from collections.abc import Callable, Iterable, Iterator
from typing import Self

import numpy as np
import torch
from skorch.dataset import Dataset
from torch import Tensor

from sktsdl._training.device import move_rows
from sktsdl._training.disk_windows import RowsToRead, read_ahead


class Batch(tuple[Tensor, Tensor]):
    """Windows and targets, a pair as skorch unpacks it, with the targets' weights."""

    weights: Tensor | None

    def __new__(cls, pair: Iterable[Tensor], weights: Tensor | None = None) -> Self:
        batch = super().__new__(cls, pair)
        batch.weights = weights
        return batch

    @property
    def windows(self) -> Tensor:
        return self[0]

    @property
    def targets(self) -> Tensor:
        return self[1]

    def loss(
        self,
        criterion: Callable[[Tensor, Tensor], Tensor],
        output: Tensor,
        scales: Tensor | None,
        reduction: str,
    ) -> Tensor:
        """Return the loss of an output as one number.

        Parameters
        ----------
        criterion : callable
            From outputs and targets to one loss, or to a loss for each target.
        output : Tensor of shape (batch, ..., outputs)
            The output for the windows.
        scales : Tensor of shape (batch, targets) or None
            What errors are divided by; None is 1.
        reduction : {"mean", "sum"}
            How the losses of all targets become one number.

        Raises
        ------
        ValueError
            If there are weights, and not a loss for each target.
        """
        targets = self.targets
        if scales is not None:
            targets = targets / scales
            n_values = output.shape[1] // targets.shape[1]
            if n_values > 1:
                scales = scales.repeat_interleave(n_values, dim=1)
            output = output / scales
        loss = criterion(output, targets)
        if self.weights is not None:
            if loss.shape != targets.shape:
                raise ValueError(
                    f"loss={criterion!r} gives no value for each target, as "
                    "sample_weight needs: leave it out, or use another loss."
                )
            loss = loss * self.weights
        if loss.ndim:
            loss = loss.sum() if reduction == "sum" else loss.mean()
        return loss

    def split(self, size: int) -> list["Batch"]:
        """Return batches of about `size` windows, as sized by `batch_sizes`."""
        sizes = batch_sizes(len(self.windows), size)
        if len(sizes) == 1:
            return [self]
        windows = torch.split(self.windows, sizes)
        targets = torch.split(self.targets, sizes)
        weights: tuple[Tensor | None, ...] = (None,) * len(sizes)
        if self.weights is not None:
            weights = torch.split(self.weights, sizes)
        pairs = zip(windows, targets, strict=True)
        return [*map(Batch, pairs, weights)]


class WindowDataset(Dataset):
    """Windows that are gathered from rows in each access.

    Parameters
    ----------
    rows : Tensor of shape (n_rows, channels) or RowsToRead
        Every row once.
    starts : Tensor of shape (n,), int64
        Where each window starts.
    window : int
        The number of rows in a window.
    targets : Tensor of shape (n, outputs) or (n_rows, outputs), or None
        The target of each window, or with `ends` of each row.
    ends : Tensor of shape (steps,), int64, or None
        The steps of a window that have a target of their own.
    weights : Tensor of shape (n, 1) or (n_rows, 1), or None
        The weight of each target.
    device : torch.device or None
        Where the batches are needed; None is where the rows are.
    """

    def __init__(
        self,
        rows: Tensor | RowsToRead,
        starts: Tensor,
        window: int,
        targets: Tensor | None = None,
        ends: Tensor | None = None,
        weights: Tensor | None = None,
        device: torch.device | None = None,
    ) -> None:
        self.rows = rows.contiguous() if isinstance(rows, Tensor) else rows
        self.device = rows.device if device is None else device
        self.starts = starts
        self.targets = targets
        self.ends = ends
        self.weights = weights
        self.window = window
        if isinstance(self.rows, Tensor):
            n_rows, n_channels = self.rows.shape
            # Every window as one row of a view; each is then copied in one piece.
            self.windows = self.rows.as_strided(
                (n_rows - window + 1, window * n_channels), (n_channels, 1)
            )

    @property
    def X(self) -> Self:
        """What skorch's callbacks predict."""
        return self

    @property
    def y(self) -> Tensor | None:
        """What skorch's callbacks score it by, the target of each window."""
        if self.targets is None or self.ends is None:
            return self.targets
        return self.targets[self.starts + self.ends[-1]]

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, where: Tensor | slice) -> Batch:
        """Return windows of shape (batch, window, channels), and their targets.

        Targets are (batch, outputs), or (batch, steps, outputs) with `ends`. Without
        targets, the starts take their place. Weights have 1 in place of outputs.
        """
        starts = self.starts[where]
        if isinstance(self.rows, Tensor):
            windows = self.windows.index_select(0, starts)
            windows = windows.view(len(starts), self.window, self.rows.shape[1])
        else:
            windows = self.rows.windows(starts, self.window)
        which = where if self.ends is None else starts[:, None] + self.ends
        targets = starts if self.targets is None else self.targets[which]
        weights = None if self.weights is None else self.weights[which]
        if self.rows.device != self.device:
            windows, targets = self._send(windows), self._send(targets)
            weights = None if weights is None else self._send(weights)
        return Batch((windows, targets), weights)

    def to(self, device: torch.device) -> Self:
        """Give batches on `device`; the rows move there once if they fit."""
        rows = move_rows(self.rows, device)
        starts = self.starts.to(rows.device)
        targets, ends, weights = (
            None if tensor is None else tensor.to(rows.device)
            for tensor in (self.targets, self.ends, self.weights)
        )
        return type(self)(rows, starts, self.window, targets, ends, weights, device)

    def _send(self, tensor: Tensor) -> Tensor:
        """Copy a tensor of a batch to the device while the device computes."""
        if self.device.type != "cuda":
            return tensor.to(self.device)
        return tensor.pin_memory().to(self.device, non_blocking=True)


def labelled_dataset(
    rows: Tensor | RowsToRead,
    starts: np.ndarray,
    window: int,
    targets: np.ndarray,
    weights: np.ndarray | None,
    idx: np.ndarray | slice,
    ends: Tensor | None = None,
) -> WindowDataset:
    """Return the windows `idx` with their targets, or with the targets of their steps.

    Parameters
    ----------
    rows : Tensor of shape (n_rows, channels) or RowsToRead
        The rows of all windows.
    starts : ndarray of shape (n,)
        Where each window starts.
    window : int
        The number of rows in a window.
    targets : ndarray of shape (n, outputs)
        The target of each window.
    weights : ndarray of shape (n,) or None
        The weight of each window; their mean over the windows `idx` becomes 1.
    idx : ndarray of int or slice
        The windows of the dataset.
    ends : Tensor of shape (steps,) or None, default=None
        The steps of a window that have a target of their own: the target of a row is
        the target of the window that ends there.
    """
    starts, all_ends = starts[idx], starts + window - 1
    values = [targets] if weights is None else [targets, weights[:, None]]
    used: slice | np.ndarray = slice(None)
    if ends is None:
        values = [value[idx] for value in values]
    else:
        values = [_by_row(value, all_ends, len(rows)) for value in values]
        used = starts[:, None] + ends.numpy()
    y, *shares = map(torch.from_numpy, values)
    shares = [(share / share[used].mean()).float() for share in shares]
    return WindowDataset(
        rows, torch.from_numpy(starts), window, y, ends, shares[0] if shares else None
    )


def _by_row(values: np.ndarray, ends: np.ndarray, n_rows: int) -> np.ndarray:
    """Return the value of the window that ends at each row, 0 if none does."""
    by_row = np.zeros((n_rows, values.shape[1]), dtype=values.dtype)
    is_known = ends >= 0
    by_row[ends[is_known]] = values[is_known]
    return by_row


def batch_sizes(n: int, batch_size: int) -> list[int]:
    """Return the sizes of batches of `n` windows.

    The last batch may be smaller, or larger by one, as a batch of one window has no
    statistics for batch normalisation.
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
        The number of windows in a batch, except the last.
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
        parts, read = torch.split(order, self.sizes), self.dataset.__getitem__
        in_memory = isinstance(self.dataset.rows, Tensor)
        return map(read, parts) if in_memory else read_ahead(read, parts)
