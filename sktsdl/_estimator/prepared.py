"""Rows as a module needs them."""

import numpy as np
import torch
from torch import Tensor

from sktsdl._estimator.phases import phases_of
from sktsdl._estimator.specs import FittedSpec
from sktsdl._training.disk_windows import RowsToRead
from sktsdl._windows.disk_rows import DiskRows, Rows
from sktsdl._windows.windows import Windows


def prepare_rows(
    spec: FittedSpec,
    windows: Windows,
    rows: Rows | None = None,
    starts: np.ndarray | None = None,
) -> Tensor | RowsToRead:
    """Return the standardised rows, and the phase of each if there are cycles.

    Rows on disk are prepared when a batch of windows is read.

    Parameters
    ----------
    spec : FittedSpec
        The statistics and the cycles.
    windows : Windows
        The windows.
    rows, starts : ndarray, DiskRows or None, default=None
        The rows, and where each window starts; None is as in `windows`. Rows of filled
        windows come after the rows of `windows`.

    Raises
    ------
    ValueError
        If a value does not fit in float32, or if the phase of a row is not known.
    """
    rows = windows.rows if rows is None else rows
    phases = phases_of(spec.cycle, windows, rows, starts)
    if isinstance(rows, DiskRows):
        return RowsToRead(rows, spec.channels.transform, phases)
    x = spec.channels.transform(rows)
    if phases is not None:
        x = np.concatenate([x, phases[:, None]], axis=1)
    return torch.from_numpy(x)
