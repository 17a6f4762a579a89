"""Training: a module and windows in, a trained net out."""

import copy
import math
import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from skorch.callbacks import Callback, GradientNormClipping
from skorch.dataset import ValidSplit
from skorch.exceptions import SkorchException
from skorch.helper import predefined_split
from torch import nn
from torch.optim import lr_scheduler

from sktsdl._training.batches import Batches, WindowDataset
from sktsdl._training.blocks import input_size, micro_batch_size
from sktsdl._training.callbacks import (
    FiniteLoss,
    GradientValueClipping,
    Progress,
    ResumableEarlyStopping,
    ResumableLRScheduler,
    WarmUp,
    in_units,
    own_copy,
)
from sktsdl._training.config import OWN_PARAMETERS, TrainingConfig, Units
from sktsdl._training.device import generator_states, threads_for
from sktsdl._training.skorch_net import Net

CYCLIC_SCHEDULES = ("cosine", "one_cycle")
WARMUP_EPOCHS = 5


def train(
    module: nn.Module,
    config: TrainingConfig,
    train_set: WindowDataset,
    valid_set: WindowDataset | None,
    *,
    criterion: nn.Module,
    units: Units,
    n_epochs: int,
    previous: Net | None = None,
    extra_callbacks: Sequence[Callback] = (),
) -> Net:
    """Train `module` and return its net, in evaluation mode.

    Parameters
    ----------
    module : nn.Module
        (batch, time, channels) -> (batch, outputs).
    config : TrainingConfig
        The settings.
    train_set, valid_set : WindowDataset
        `valid_set` is None without validation.
    criterion : nn.Module
        The loss.
    units : Units
        What callbacks and records need to be in the units of the target.
    n_epochs : int
        Passes over `train_set`.
    previous : Net or None, default=None
        The net whose training continues; `module` is then a copy of its module.
    extra_callbacks : sequence of Callback
        Callbacks of this training that the net does not keep.

    Returns
    -------
    net : Net
        Its ``module_`` holds the best weights, its ``history`` the losses. After a
        user's interrupt, it is in ``interrupt_``, and the last epoch is a whole one.

    Raises
    ------
    KeyboardInterrupt
        If the user interrupts the first epoch.
    ValueError
        If a callback needs validation rows, and there are none.
    """
    n_steps = len(Batches(train_set, config.step_size))
    window = train_set.window
    n_at_once = config.batch_size
    if config.device.type == "cpu":
        n_at_once = micro_batch_size(module, config.batch_size, window)
    if config.verbose == 1:
        extra_callbacks = [*extra_callbacks, Progress(config.name)]
    sets = [train_set] if valid_set is None else [train_set, valid_set]
    net = make_net(
        module,
        config,
        criterion,
        units,
        n_epochs=n_epochs,
        micro_batch_size=n_at_once,
        is_weighted=any(dataset.weights is not None for dataset in sets),
        train_split=None if valid_set is None else predefined_split(valid_set),
        callbacks=[
            *_callbacks(config, n_epochs, n_steps),
            *(
                own_copy(given, units.decode_targets)
                for given in config.callbacks or ()
            ),
            *extra_callbacks,
        ],
    )
    if previous is not None:
        _resume(net, previous, config)
    n_weights = sum(weight.numel() for weight in module.parameters())
    with threads_for(n_weights * n_at_once * math.prod(input_size(module, window))):
        try:
            net.partial_fit(train_set, None)
        except (KeyError, ValueError, SkorchException) as error:
            if valid_set is None:
                _raise_at_unrecorded(error)
            raise
    if net.interrupt_ is not None:
        if net.history and "train_loss" not in net.history[-1]:
            del net.history[-1]
        if not net.history:
            raise net.interrupt_
    net.set_params(train_split=None)
    net.callbacks = [kept for kept in net.callbacks if kept not in extra_callbacks]
    net.callbacks_ = [kept for kept in net.callbacks_ if kept[1] not in extra_callbacks]
    net.generators_ = generator_states(config.device)
    net.module_.eval()
    net.criterion_.eval()
    return net


def make_net(
    module: nn.Module,
    config: TrainingConfig,
    criterion: nn.Module,
    units: Units,
    *,
    n_epochs: int = 0,
    micro_batch_size: int = 1,
    is_weighted: bool = False,
    train_split: ValidSplit | None = None,
    callbacks: Sequence[Callback | tuple[str, Callback]] = (),
) -> Net:
    """Return the net of `module`, ready to be trained."""
    reduction = getattr(criterion, "reduction", "mean")
    if is_weighted or reduction == "none":
        criterion.reduction = "none"  # type: ignore[assignment]
    options = {f"optimizer__{k}": v for k, v in config.optimizer_options.items()}
    is_silent = config.verbose <= 1
    net: Net = Net(
        module,
        criterion=criterion,
        optimizer=config.optimizer_class,
        lr=config.lr,
        max_epochs=n_epochs,
        batch_size=config.step_size,
        micro_batch_size=micro_batch_size,
        n_planned_epochs=config.max_epochs,
        reduction="sum" if reduction == "sum" else "mean",
        autocast_dtype=config.autocast_dtype,
        loss_factor=units.loss_factor,
        loss_scale=units.loss_scale,
        predict_nonlinearity=partial(in_units, units.decode),
        iterator_train=Batches,
        iterator_train__shuffle=True,
        iterator_valid=Batches,
        train_split=train_split,
        callbacks=list(callbacks),
        device=config.device,
        verbose=int(not is_silent),
        **({"callbacks__print_log": None} if is_silent else {}),
        **options,
    ).initialize()
    return net


def _raise_at_unrecorded(error: Exception) -> None:
    """Raise a ValueError if a callback has read what only validation records."""
    found = re.search(r"'(\w+)' was not found in history", str(error))
    if found:
        raise ValueError(
            f"A callback reads {found[1]!r}, which is not recorded in a fit without "
            "validation rows: set early_stopping=True, give X_val and y_val to fit, or "
            "set monitor='train_loss' in the callback."
        ) from error


def _callbacks(
    config: TrainingConfig, n_epochs: int, n_steps: int
) -> list[Callback | tuple[str, Callback]]:
    """Return the callbacks of `n_epochs` epochs of `n_steps` steps each."""
    callbacks: list[Callback | tuple[str, Callback]] = [FiniteLoss()]
    if config.clip_grad_value is not None:
        callbacks.append(GradientValueClipping(config.clip_grad_value))
    if config.clip_grad_norm is not None:
        callbacks.append(GradientNormClipping(config.clip_grad_norm))
    if config.lr_schedule is not None:
        callbacks.append(("lr_schedule", _schedule(config, n_epochs, n_steps)))
    if config.early_stopping:
        stopping = ResumableEarlyStopping(
            patience=config.n_iter_no_change, threshold=config.tol, load_best=True
        )
        callbacks.append(("early_stopping", stopping))
    return callbacks


def _schedule(
    config: TrainingConfig, n_epochs: int, n_steps: int
) -> ResumableLRScheduler:
    """Return the schedule of `n_epochs` epochs of `n_steps` steps each."""
    match config.lr_schedule:
        case "plateau":
            return ResumableLRScheduler(
                lr_scheduler.ReduceLROnPlateau,
                monitor=_monitored_loss,
                factor=0.5,
                patience=max(config.n_iter_no_change // 2 - 1, 0),
                threshold=config.tol,
            )
        case "cosine":
            policy: Any = lr_scheduler.CosineAnnealingLR
            options: dict[str, Any] = {"T_max": n_epochs * n_steps}
        case "one_cycle":
            policy = lr_scheduler.OneCycleLR
            options = {
                "max_lr": config.lr,
                "total_steps": n_epochs * n_steps,
                "cycle_momentum": config.cycles_momentum,
            }
        case _:
            policy = lr_scheduler.LambdaLR
            options = {"lr_lambda": WarmUp(WARMUP_EPOCHS * n_steps)}
    return ResumableLRScheduler(policy, step_every="batch", last_epoch=-1, **options)


def _monitored_loss(net: Net) -> float:
    last = net.history[-1]
    loss: float = last["valid_loss" if "valid_loss" in last else "train_loss"]
    return loss


def _optimizer_options(net: Net) -> dict[str, Any]:
    """Return the options that decide which state the optimizer has."""
    options = net.get_params_for("optimizer")
    return {name: options[name] for name in options.keys() - {*OWN_PARAMETERS, "fused"}}


def _resume(net: Net, previous: Net, config: TrainingConfig) -> None:
    """Let `net` continue where `previous` ended."""
    net.history = copy.deepcopy(previous.history)
    net.lr_curve_ = list(previous.lr_curve_)
    if previous.scaler_.is_enabled():
        net.scaler_.load_state_dict(previous.scaler_.state_dict())
    is_same = type(net.optimizer_) is type(previous.optimizer_)
    if is_same and _optimizer_options(net) == _optimizer_options(previous):
        state = copy.deepcopy(previous.optimizer_.state_dict())
        state["param_groups"] = net.optimizer_.state_dict()["param_groups"]
        net.optimizer_.load_state_dict(state)
    # Thresholds of another loss would be in other units.
    same_loss = repr(net.criterion_) == repr(previous.criterion_)
    callbacks, last_callbacks = dict(net.callbacks_), dict(previous.callbacks_)
    schedule = callbacks.get("lr_schedule")
    last_schedule = last_callbacks.get("lr_schedule")
    if schedule and last_schedule and schedule.policy is last_schedule.policy:
        is_endless = config.lr_schedule not in CYCLIC_SCHEDULES
        if is_endless and same_loss and net.lr == previous.lr:
            schedule.state_ = copy.deepcopy(last_schedule.state_)
    stopping = callbacks.get("early_stopping")
    last_stopping = last_callbacks.get("early_stopping")
    if stopping and last_stopping and same_loss:
        stopping.previous_ = last_stopping
    elif last_stopping:
        net.module_.load_state_dict(last_stopping.last_weights_)
