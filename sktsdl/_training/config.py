"""The settings of a training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Literal

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import nn

Decode = Callable[[np.ndarray], np.ndarray]
LRSchedule = Literal["plateau", "cosine", "one_cycle", "warmup"]
Precision = Literal["float32", "bf16", "fp16"]
OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}
MOMENTUM = 0.9
PRECISIONS = {"float32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Units:
    """From the standardised values of a training to the units of the target.

    Parameters
    ----------
    decode : callable
        From outputs of the module, (n, outputs), to predictions, (n, targets).
    decode_targets : callable
        From what the loss is given, (n, targets), to targets, (n, targets).
    loss_scale : float
        The factor of the recorded losses.
    """

    decode: Decode
    decode_targets: Decode
    loss_scale: float


@dataclass(frozen=True)
class TrainingConfig:
    """The settings of a training; names as the parameters of all nets.

    Parameters
    ----------
    device : torch.device
        Where to train.
    name : str
        The name of the estimator, for progress and errors.
    """

    name: str
    device: torch.device
    lr: float
    max_epochs: int
    batch_size: int
    optimizer: str | type[torch.optim.Optimizer]
    weight_decay: float
    lr_schedule: LRSchedule | None
    clip_grad_norm: float | None
    clip_grad_value: float | None
    accumulate_batches: int
    precision: Precision
    early_stopping: bool
    n_iter_no_change: int
    tol: float
    callbacks: Sequence[Callback] | None
    verbose: int

    @property
    def optimizer_class(self) -> type[torch.optim.Optimizer]:
        if isinstance(self.optimizer, str):
            return OPTIMIZERS[self.optimizer]
        return self.optimizer

    @property
    def optimizer_options(self) -> dict[str, float | bool]:
        """The arguments of the optimizer besides the learning rate."""
        options: dict[str, float | bool] = {}
        if self.optimizer == "sgd":
            options["momentum"] = MOMENTUM
        if self.weight_decay:
            options["weight_decay"] = self.weight_decay
        if self._has_fused_kernel():
            options["fused"] = True
        return options

    @property
    def autocast_dtype(self) -> torch.dtype | None:
        return PRECISIONS[self.precision]

    @property
    def step_size(self) -> int:
        """The number of windows in a step of the optimizer."""
        return self.batch_size * self.accumulate_batches

    def _has_fused_kernel(self) -> bool:
        """Say whether the optimizer updates all weights by one kernel on the device."""
        if "fused" not in signature(self.optimizer_class).parameters:
            return False
        weight = nn.Parameter(torch.zeros(1, device=self.device))
        try:
            self.optimizer_class([weight], fused=True)  # type: ignore[call-arg]
        except RuntimeError:
            return False
        return True
