"""What the processes that train one net share: the seam of `Net`."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from sktsdl._training.batches import Batch


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
