"""The skorch net inside every regressor, and the seed it is trained under."""

import copy
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state
from skorch import NeuralNetRegressor
from skorch.callbacks import Callback, EarlyStopping, GradientNormClipping, LRScheduler
from skorch.helper import predefined_split
from torch import nn

from sktsdl._batches import Batches, WindowDataset

OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}
OPTIMIZER_EXTRAS: dict[Any, dict[str, Any]] = {"sgd": {"momentum": 0.9}}
LOSSES = {
    "squared_error": nn.MSELoss,
    "absolute_error": nn.L1Loss,
    "huber": nn.HuberLoss,
}
LR_SCHEDULES = (None, "one_cycle")

_GENERATOR_LOCK = threading.RLock()


class TrainingStopped(Exception):
    """Early stopping: the end of training and no error."""


class Stopper(EarlyStopping):
    """skorch's early stopping, told apart from a user's interrupt."""

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        try:
            super().on_epoch_end(net, **kwargs)
        except KeyboardInterrupt:
            raise TrainingStopped from None


class FiniteLoss(Callback):
    """Ends training with an error once loss or weights are no numbers any more."""

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        loss = net.history[-1, "train_loss"]
        finite = all(weight.isfinite().all() for weight in net.module_.parameters())
        if not (math.isfinite(loss) and finite):
            raise FloatingPointError(
                f"Training diverged in epoch {len(net.history)}, at a loss of {loss} "
                f"with lr={net.lr}: use a smaller `lr`, or a smaller `clip_grad_norm`."
            )


class Net(NeuralNetRegressor):
    """skorch's net; a user's interrupt is kept instead of swallowed."""

    def train_step_single(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        if getattr(self.module_, "takes_targets", False):
            done = (len(self.history) - 1) / self.max_epochs
            fit_params = {**fit_params, "targets": batch[1], "progress": done}
        step: dict[str, Any] = super().train_step_single(batch, **fit_params)
        return step

    def evaluate(self, windows: torch.Tensor, method: str) -> torch.Tensor:
        """Return what `method` of the module answers, without gradients."""
        with torch.inference_mode():
            answer: torch.Tensor = getattr(self.module_, method)(windows)
        return answer

    def fit_loop(self, *args: Any, **kwargs: Any) -> Any:
        self.interrupt_: KeyboardInterrupt | None = None
        try:
            return super().fit_loop(*args, **kwargs)
        except TrainingStopped:
            return self
        except KeyboardInterrupt as interrupt:
            self.interrupt_ = interrupt
            return self


def train(
    module: nn.Module,
    params: Any,
    train_set: WindowDataset,
    valid_set: WindowDataset | None,
) -> Net:
    """Train `module` and return its net, in evaluation mode.

    Parameters
    ----------
    module : nn.Module
        (batch, time, channels) -> (batch, outputs).
    params : DeepRegressor
        The training parameters.
    train_set, valid_set : WindowDataset
        The latter is None without early stopping.

    Returns
    -------
    net : Net
        Its ``module_`` holds the best weights, its ``history`` the losses.
    """
    n_batches = len(Batches(train_set, params.batch_size))
    net = Net(
        module,
        criterion=LOSSES.get(params.loss) or copy.deepcopy(params.loss),
        optimizer=OPTIMIZERS.get(params.optimizer, params.optimizer),
        lr=params.lr,
        max_epochs=params.max_epochs,
        batch_size=params.batch_size,
        iterator_train=Batches,
        iterator_train__shuffle=True,
        iterator_valid=Batches,
        train_split=None if valid_set is None else predefined_split(valid_set),
        callbacks=_callbacks(params, n_batches),
        callbacks__print_log=None,
        device=resolve_device(params.device),
        verbose=0,
        **_optimizer_parameters(params),
    )
    net.fit(train_set, None)
    if net.interrupt_ is not None:
        raise net.interrupt_
    net.set_params(train_split=None)
    net.module_.eval()
    net.criterion_.eval()
    return net


def _optimizer_parameters(params: Any) -> dict[str, Any]:
    extras = dict(OPTIMIZER_EXTRAS.get(params.optimizer, {}))
    if params.weight_decay:
        extras["weight_decay"] = params.weight_decay
    return {f"optimizer__{name}": value for name, value in extras.items()}


def _callbacks(params: Any, n_batches: int) -> list[tuple[str, Callback]]:
    callbacks: list[tuple[str, Callback]] = [("finite_loss", FiniteLoss())]
    if params.clip_grad_norm is not None:
        clipping = GradientNormClipping(params.clip_grad_norm)
        callbacks.append(("clip_grad_norm", clipping))
    if params.lr_schedule == "one_cycle":
        schedule = LRScheduler(
            torch.optim.lr_scheduler.OneCycleLR,
            max_lr=params.lr,
            total_steps=params.max_epochs * n_batches,
            step_every="batch",
        )
        callbacks.append(("lr_schedule", schedule))
    if params.early_stopping:
        stopper = Stopper(
            patience=params.n_iter_no_change, threshold=params.tol, load_best=True
        )
        callbacks.append(("early_stopping", stopper))
    return callbacks


def resolve_device(name: str) -> torch.device:
    """Return the device called `name`, "auto" for the accelerator if there is one."""
    on_mps = torch.backends.mps.is_available()
    available = {"cuda": torch.cuda.device_count(), "mps": int(on_mps), "cpu": 1}
    if name == "auto":
        return torch.device(next(kind for kind, count in available.items() if count))
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"device={name!r} is not known: use 'cpu', 'cuda', 'cuda:1', 'mps' or "
            "'auto'."
        ) from error
    if (device.index or 0) >= available.get(device.type, 0):
        raise ValueError(
            f"device={name!r} is not on this machine: use 'cpu', or 'auto' for the "
            "accelerator if there is one."
        )
    return device


@contextmanager
def seeded(random_state: Any, device: torch.device) -> Iterator[None]:
    """Run the block under its own seed, and leave the global generators as found.

    torch's layers draw from the process's one generator, so blocks in other threads
    wait for their turn.
    """
    if random_state is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    else:
        seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    on_cpu = device.type == "cpu"
    fork = torch.random.fork_rng(
        devices=[] if on_cpu else [device.index or 0],
        device_type="cuda" if on_cpu else device.type,
    )
    with _GENERATOR_LOCK, fork, torch.inference_mode(False), torch.enable_grad():
        dtype = torch.get_default_dtype()
        torch.set_default_dtype(torch.float32)
        torch.default_generator.manual_seed(seed)
        if not on_cpu:
            getattr(torch, device.type).manual_seed(seed)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
