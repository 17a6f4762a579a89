"""Training: the net, its optimizer, schedule and callbacks, from the parameters."""

import copy
import math
from collections.abc import Sequence
from inspect import signature
from typing import Any

import torch
from skorch.callbacks import Callback, GradientNormClipping
from skorch.helper import predefined_split
from torch import nn
from torch.optim import lr_scheduler

from sktsdl._layers.adapters import NetWrapper
from sktsdl._training.batches import Batches, WindowDataset
from sktsdl._training.callbacks import (
    FiniteLoss,
    GradientValueClipping,
    LossUnits,
    Progress,
    Schedule,
    Stopper,
    WarmUp,
)
from sktsdl._training.device import generator_states, resolve_device, threads_for
from sktsdl._training.skorch_net import Net

OPTIMIZERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}
OPTIMIZER_EXTRAS: dict[Any, dict[str, Any]] = {"sgd": {"momentum": 0.9}}
LR_SCHEDULES = (None, "plateau", "cosine", "one_cycle", "warmup")
CYCLES = ("cosine", "one_cycle")
WARMUP_EPOCHS = 5
BUFFER_BYTES = 2**24
PRECISIONS = {"float32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


def part_size(module: nn.Module, batch_size: int, window: int) -> int:
    """Return how many windows of a batch are best computed at once.

    Buffers of more than some megabytes are fetched from the system at every step, page
    by page, where smaller ones are used again. The gradient is the same.
    """
    n_samples, n_steps = _seen(module, window)
    layers: list[Any] = list(module.modules())
    sizes = [
        n_samples * layer.bytes_per_window(n_steps)
        for layer in layers
        if hasattr(layer, "bytes_per_window")
    ]
    n_parts = math.ceil(batch_size * max(sizes, default=0) / BUFFER_BYTES)
    return math.ceil(batch_size / max(n_parts, 1))


def _seen(module: nn.Module, window: int) -> tuple[int, int]:
    """Return how many samples a net sees of one window, and of how many steps."""
    return module.seen(window) if isinstance(module, NetWrapper) else (1, window)


def epochs_left(previous: Net, params: Any) -> int:
    """Return how many epochs a training may go on."""
    stopper = dict(previous.callbacks_).get("early_stopping")
    if params.early_stopping and stopper and stopper.misses_ >= params.n_iter_no_change:
        return 0
    return params.max_epochs - len(previous.history)


def train(
    module: nn.Module,
    params: Any,
    train_set: WindowDataset,
    valid_set: WindowDataset | None,
    *,
    criterion: Any,
    n_epochs: int,
    unit: float = 1.0,
    previous: Net | None = None,
    passing: Sequence[Callback] = (),
) -> Net:
    """Train `module` and return its net, in evaluation mode.

    Parameters
    ----------
    module : nn.Module
        (batch, time, channels) -> (batch, outputs).
    params : TrainingParameters
        The training parameters.
    train_set, valid_set : WindowDataset
        The latter is None without rows held out.
    criterion : nn.Module
        The loss.
    n_epochs : int
        Passes over `train_set`.
    unit : float, default=1.0
        That of the recorded losses.
    previous : Net or None, default=None
        The net that is trained on; `module` is then a copy of its own.
    passing : sequence of Callback
        Callbacks of this training, which the net does not keep.

    Returns
    -------
    net : Net
        Its ``module_`` holds the best weights, its ``history`` the losses. After a
        user's interrupt, it is in ``interrupt_``, and the last epoch is a whole one.

    Raises
    ------
    KeyboardInterrupt
        If the user interrupts the first epoch.
    MemoryError
        If the accelerator has too little memory.
    """
    device = resolve_device(params.device)
    n_steps = len(Batches(train_set, params.batch_size * params.accumulate_batches))
    window = train_set.window
    part = part_size(module, params.batch_size, window)
    if params.verbose == 1:
        passing = [*passing, Progress(type(params).__name__)]
    sets = [train_set] if valid_set is None else [train_set, valid_set]
    net = make_net(
        module,
        params,
        criterion,
        device,
        n_epochs=n_epochs,
        part=part,
        is_weighted=any(data.weights is not None for data in sets),
        train_split=None if valid_set is None else predefined_split(valid_set),
        callbacks=_callbacks(params, n_epochs, n_steps, unit, passing),
    )
    if previous is not None:
        _resume(net, previous, params)
    n_weights = sum(weight.numel() for weight in module.parameters())
    with threads_for(n_weights * part * math.prod(_seen(module, window))):
        try:
            net.partial_fit(train_set, None)
        except torch.cuda.OutOfMemoryError as error:
            raise MemoryError(
                f"{device} has too little memory for batch_size={params.batch_size} "
                f"windows of {window} steps: use a smaller batch_size (with more "
                "accumulate_batches), a smaller window, or precision='bf16'."
            ) from error
    if net.interrupt_ is not None:
        if net.history and "train_loss" not in net.history[-1]:
            del net.history[-1]
        if not net.history:
            raise net.interrupt_
    net.set_params(train_split=None)
    net.callbacks = [callback for callback in net.callbacks if callback not in passing]
    net.callbacks_ = [named for named in net.callbacks_ if named[1] not in passing]
    net.generators_ = generator_states(device)
    net.module_.eval()
    net.criterion_.eval()
    return net


def make_net(
    module: nn.Module,
    params: Any,
    criterion: Any,
    device: torch.device,
    *,
    n_epochs: int = 0,
    part: int = 1,
    is_weighted: bool = False,
    train_split: Any = None,
    callbacks: Sequence[Any] = (),
) -> Net:
    """Return the net of `module`, ready to be trained."""
    reduction = getattr(criterion, "reduction", "mean")
    if is_weighted or reduction == "none":
        criterion.reduction = "none"
    net: Net = Net(
        module,
        criterion=criterion,
        optimizer=_optimizer(params),
        lr=params.lr,
        max_epochs=n_epochs,
        batch_size=params.batch_size * params.accumulate_batches,
        part_size=part,
        n_planned=params.max_epochs,
        reduction="sum" if reduction == "sum" else "mean",
        autocast_dtype=PRECISIONS[params.precision],
        iterator_train=Batches,
        iterator_train__shuffle=True,
        iterator_valid=Batches,
        train_split=train_split,
        callbacks=list(callbacks),
        device=device,
        verbose=int(params.verbose > 1),
        **({} if params.verbose > 1 else {"callbacks__print_log": None}),
        **_optimizer_parameters(params, device),
    ).initialize()
    return net


def _optimizer(params: Any) -> Any:
    return OPTIMIZERS.get(params.optimizer, params.optimizer)


def _optimizer_parameters(params: Any, device: torch.device) -> dict[str, Any]:
    optimizer = _optimizer(params)
    extras = dict(OPTIMIZER_EXTRAS.get(params.optimizer, {}))
    if params.weight_decay:
        extras["weight_decay"] = params.weight_decay
    if _has_fused(optimizer, device):
        extras["fused"] = True
    return {f"optimizer__{name}": value for name, value in extras.items()}


def _has_fused(optimizer: Any, device: torch.device) -> bool:
    """Say whether `optimizer` has one kernel for all weights on `device`."""
    if "fused" not in signature(optimizer).parameters:
        return False
    try:
        optimizer([nn.Parameter(torch.zeros(1, device=device))], fused=True)
    except RuntimeError:
        return False
    return True


def _callbacks(
    params: Any,
    n_epochs: int,
    n_steps: int,
    unit: float,
    passing: Sequence[Callback],
) -> list[Any]:
    callbacks: list[Any] = [FiniteLoss()]
    if unit != 1:
        callbacks.append(LossUnits(unit))
    if params.clip_grad_value is not None:
        callbacks.append(GradientValueClipping(params.clip_grad_value))
    if params.clip_grad_norm is not None:
        callbacks.append(GradientNormClipping(params.clip_grad_norm))
    if params.lr_schedule is not None:
        callbacks.append(("lr_schedule", _schedule(params, n_epochs, n_steps)))
    if params.early_stopping:
        stopper = Stopper(
            patience=params.n_iter_no_change, threshold=params.tol, load_best=True
        )
        callbacks.append(("early_stopping", stopper))
    return [*callbacks, *copy.deepcopy(list(params.callbacks or ())), *passing]


def _schedule(params: Any, n_epochs: int, n_steps: int) -> Schedule:
    """Return the schedule of `n_epochs` epochs of `n_steps` steps each."""
    if params.lr_schedule == "plateau":
        return Schedule(
            lr_scheduler.ReduceLROnPlateau,
            monitor=_watched_loss,
            factor=0.5,
            patience=max(params.n_iter_no_change // 2 - 1, 0),
            threshold=params.tol,
        )
    names = signature(_optimizer(params)).parameters
    policies: dict[str, tuple[Any, dict[str, Any]]] = {
        "cosine": (lr_scheduler.CosineAnnealingLR, {"T_max": n_epochs * n_steps}),
        "one_cycle": (
            lr_scheduler.OneCycleLR,
            {
                "max_lr": params.lr,
                "total_steps": n_epochs * n_steps,
                "cycle_momentum": bool({"momentum", "betas"} & names.keys()),
            },
        ),
        "warmup": (
            lr_scheduler.LambdaLR,
            {"lr_lambda": WarmUp(WARMUP_EPOCHS * n_steps)},
        ),
    }
    policy, sizes = policies[params.lr_schedule]
    return Schedule(policy, step_every="batch", last_epoch=-1, **sizes)


def _watched_loss(net: Any) -> float:
    last = net.history[-1]
    loss: float = last["valid_loss" if "valid_loss" in last else "train_loss"]
    return loss


def _resume(net: Net, previous: Net, params: Any) -> None:
    """Let `net` go on where `previous` ended."""
    net.history = copy.deepcopy(previous.history)
    net.lr_curve_ = list(previous.lr_curve_)
    if previous.scaler_.is_enabled():
        net.scaler_.load_state_dict(previous.scaler_.state_dict())
    if type(net.optimizer_) is type(previous.optimizer_):
        state = copy.deepcopy(previous.optimizer_.state_dict())
        state["param_groups"] = net.optimizer_.state_dict()["param_groups"]
        net.optimizer_.load_state_dict(state)
    # Thresholds of another loss would be in other units.
    same_loss = repr(net.criterion_) == repr(previous.criterion_)
    ours, theirs = dict(net.callbacks_), dict(previous.callbacks_)
    schedule, last_schedule = ours.get("lr_schedule"), theirs.get("lr_schedule")
    if schedule and last_schedule and schedule.policy is last_schedule.policy:
        is_endless = params.lr_schedule not in CYCLES
        if is_endless and same_loss and net.lr == previous.lr:
            schedule.state_ = copy.deepcopy(last_schedule.state_)
    stopper, last_stopper = ours.get("early_stopping"), theirs.get("early_stopping")
    if stopper and last_stopper and same_loss:
        stopper.previous_ = last_stopper
    elif last_stopper:
        net.module_.load_state_dict(last_stopper.last_weights_)
