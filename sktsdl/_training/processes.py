"""What the processes that train one net share: the seam of `Net`."""

from collections.abc import Callable
from typing import Any
from zlib import crc32

import torch
from torch import Tensor, nn

from sktsdl._training.batches import Batch, WindowDataset

# Windows by which the rows of two processes are compared, as they may be on disk.
N_COMPARED = 256


class OneProcess:
    """A training in one process, which shares nothing.

    `sktsdl.distributed` puts another object in its place while a net is trained.
    """

    def evaluator(self, module: nn.Module, is_last: bool) -> Callable[..., Any]:
        """Return what evaluates a micro-batch, the last one of its batch or not."""
        return module

    def share(self, loss: Tensor, part: Batch, batch: Batch, reduction: str) -> Tensor:
        """Return the share of a micro-batch, `part`, in the loss of its batch."""
        share = len(part.windows) / len(batch.windows)
        return loss * share if reduction == "mean" and share < 1 else loss

    def n_windows(self, batch: Batch) -> int:
        """Return the number of windows of a batch in all processes."""
        return len(batch.windows)

    def total(self, loss: Tensor) -> Tensor:
        """Return the training loss of a batch in all processes."""
        return loss

    def same(self, values: Tensor) -> Tensor:
        """Return the values of the first process."""
        return values

    def all_go_on(self, goes_on: bool) -> bool:
        """Say whether all processes begin another epoch."""
        return goes_on

    def end(self) -> None:
        """End the training in all processes alike."""


def fingerprint(net: Any, dataset: WindowDataset) -> list[float]:
    """Return numbers that differ if two processes have other data or settings."""
    n = len(dataset)
    batch = dataset[torch.linspace(0, n - 1, min(n, N_COMPARED)).long()]
    values = [batch.windows, batch.targets, dataset.targets, dataset.weights]
    optimizer = net.get_params_for("optimizer")
    callbacks = [(name, type(callback)) for name, callback in net.callbacks_]
    settings = (
        (net.module_, net.criterion_, net.optimizer, sorted(optimizer.items())),
        (net.batch_size, net.max_epochs, net.lr, net.reduction, net.loss_scale),
        (net.autocast_dtype, dataset.window, callbacks),
    )
    return [n, crc32(repr(settings).encode()), *map(_size, values)]


def _size(values: Tensor | None) -> float:
    """Return a number that depends on all values and on their order."""
    if values is None:
        return 0.0
    flat = values.detach().double().flatten()
    ramp = torch.linspace(1, 2, len(flat), dtype=flat.dtype, device=flat.device)
    return float(((flat + 1) * ramp).abs().sum())
