"""The settings of a training."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any, Literal

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import nn

from sktsdl._layers.window_norm import LossScale

Decode = Callable[[np.ndarray], np.ndarray]
LRSchedule = Literal["plateau", "cosine", "one_cycle", "warmup"]
Precision = Literal["float32", "bf16", "fp16"]
OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}
MOMENTUM = 0.9
# Arguments of optimizers that are parameters of every net.
OWN_PARAMETERS = ("lr", "weight_decay")
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
    loss_factor : float
        The factor of the recorded losses.
    loss_scale : {"target", "window"}
        The unit of errors in the loss: the standard deviation of the target, or the
        scale of each window, which the module gives with its outputs.
    """

    decode: Decode
    decode_targets: Decode
    loss_factor: float
    loss_scale: LossScale = "target"


@dataclass(frozen=True)
class TrainingConfig:
    """The settings of a training; names as the parameters of all nets.

    Parameters
    ----------
    device : torch.device
        Where to train.
    name : str
        The name of the estimator, for progress and errors.

    Raises
    ------
    ValueError
        If the optimizer does not take `optimizer_params`.
    """

    name: str
    device: torch.device
    lr: float
    max_epochs: int
    batch_size: int
    optimizer: str | type[torch.optim.Optimizer]
    optimizer_params: Mapping[str, Any] | None
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

    def __post_init__(self) -> None:
        if self.optimizer_params is not None:
            self._check_optimizer(self.optimizer_params)

    @property
    def optimizer_class(self) -> type[torch.optim.Optimizer]:
        if isinstance(self.optimizer, str):
            return OPTIMIZERS[self.optimizer]
        return self.optimizer

    @property
    def optimizer_options(self) -> dict[str, Any]:
        """The arguments of the optimizer besides the learning rate."""
        options: dict[str, Any] = {}
        if self.optimizer == "sgd":
            options["momentum"] = MOMENTUM
        if self.weight_decay:
            options["weight_decay"] = self.weight_decay
        for name, value in (self.optimizer_params or {}).items():
            options[name] = value.item() if isinstance(value, np.generic) else value
        if "fused" not in options and self._has_fused_kernel(options):
            options["fused"] = True
        return options

    @property
    def cycles_momentum(self) -> bool:
        """Whether a schedule may change the momentum, as the user sets none."""
        names = {"momentum", "betas"}
        known = signature(self.optimizer_class).parameters.keys()
        return bool(names & known) and not names & (self.optimizer_params or {}).keys()

    @property
    def autocast_dtype(self) -> torch.dtype | None:
        return PRECISIONS[self.precision]

    @property
    def step_size(self) -> int:
        """The number of windows in a step of the optimizer."""
        return self.batch_size * self.accumulate_batches

    def _check_optimizer(self, given: Mapping[str, Any]) -> None:
        """Raise a ValueError that names what the optimizer does not take."""
        kind: Any = self.optimizer_class
        known = signature(kind).parameters
        names = [name for name in known if name not in ("params", *OWN_PARAMETERS)]
        for name in given:
            if name in OWN_PARAMETERS:
                raise ValueError(
                    f"optimizer_params has {name!r}, which is a parameter of the net: "
                    f"set {name}."
                )
            takes_any = any(p.kind is p.VAR_KEYWORD for p in known.values())
            if name not in names and not takes_any:
                raise ValueError(
                    f"optimizer_params has {name!r}, which {kind.__name__} does not "
                    f"take: use {', '.join(names) or 'none'}."
                )
        try:
            kind([nn.Parameter(torch.zeros(1, 1))], **self.optimizer_options)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(
                f"optimizer_params={dict(given)!r} cannot be used by {kind.__name__}: "
                f"{error}"
            ) from error

    def _has_fused_kernel(self, options: Mapping[str, Any]) -> bool:
        """Say whether the optimizer updates all weights by one kernel on the device."""
        if "fused" not in signature(self.optimizer_class).parameters:
            return False
        weight = nn.Parameter(torch.zeros(1, device=self.device))
        make: Any = self.optimizer_class
        try:
            make([weight], fused=True, **options)
        except RuntimeError:
            return False
        return True
