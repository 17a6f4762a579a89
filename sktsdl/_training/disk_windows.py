"""Windows that are read from disk, a batch at a time."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

T = TypeVar("T")


class RowsToRead:
    """Rows on disk, of which windows are read as a module needs them.

    Parameters
    ----------
    rows : DiskRows of shape (n_rows, channels)
        The rows, in their units.
    transform : callable
        From rows to rows as the module needs them, float32.
    phases : ndarray of shape (n_rows,), float32, or None
        A last channel that is added to the transformed rows.
    """

    device = torch.device("cpu")

    def __init__(
        self,
        rows: Any,
        transform: Callable[[np.ndarray], np.ndarray],
        phases: np.ndarray | None,
    ) -> None:
        self.rows = rows
        self.transform = transform
        self.phases = phases

    def __len__(self) -> int:
        return len(self.rows)

    def windows(self, starts: Tensor, window: int) -> Tensor:
        """Return windows of shape (n, window, channels)."""
        at = (starts.numpy()[:, None] + np.arange(window)).ravel()
        x = self.transform(self.rows[at])
        if self.phases is not None:
            x = np.concatenate([x, self.phases[at, None]], axis=1)
        return torch.from_numpy(x).view(len(starts), window, -1)


def read_ahead(read: Callable[[Tensor], T], parts: Sequence[Tensor]) -> Iterator[T]:
    """Give what is read for each part, and read the next one in the meantime."""
    with ThreadPoolExecutor(1) as reader:
        ahead = reader.submit(read, parts[0])
        for part in parts[1:]:
            batch = ahead.result()
            ahead = reader.submit(read, part)
            yield batch
        yield ahead.result()
