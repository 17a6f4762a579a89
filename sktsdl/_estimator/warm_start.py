"""What may change between two fits of one net, and how many epochs are left."""

from collections.abc import Mapping
from typing import Any

from sktsdl._estimator.specs import FittedSpec
from sktsdl._estimator.targets import Targets
from sktsdl._sklearn.warnings import warn
from sktsdl._training.skorch_net import Net
from sktsdl._training.trainer import CYCLIC_SCHEDULES


def check_structure(
    structure: Mapping[str, Any], fitted: FittedSpec, purpose: str
) -> None:
    """Raise an error if a parameter differs from the parameter of the fitted net.

    The window norm, its channels and the unit of the loss may be given as they were
    chosen, or be left to the choice, which is not made again.
    """
    norm, n_targets = fitted.norm, fitted.outputs.n_targets
    for name, value in structure.items():
        before = fitted.structure[name]
        is_same = value == before
        if name == "window_norm":
            is_same = value in ("auto", norm.kind)
        elif name == "loss_scale":
            is_same = value in ("auto", norm.loss_scale)
        elif name == "target_channels" and value is None:
            is_same = True
        elif name == "target_channels" and norm.channels is not None:
            positions = fitted.channels.target_positions(value, n_targets)
            is_same = tuple(positions) == norm.channels
        if not is_same:
            raise ValueError(
                f"{name}={value!r} cannot change in a net that is {purpose}, "
                f"which has {before!r}: set it back, or fit with warm_start=False."
            )


def check_warm_start(
    net: Net,
    structure: Mapping[str, object],
    fitted: FittedSpec,
    targets: Targets | None = None,
) -> None:
    """Raise an error if the training of a fitted net cannot continue.

    `targets` are given by their owner, and None if the net is fitted by itself.
    """
    if not net.has_optimizer_state_:
        raise ValueError(
            "A net from a file of `save` cannot be trained further, as the file does "
            "not hold the state of its optimizer: fit with warm_start=False, or keep "
            "nets that you want to train further by pickle."
        )
    owner = fitted.targets.owner
    if owner is not None and targets is None:
        raise ValueError(
            f"The net of a {owner} cannot be trained further by itself: fit the "
            f"{owner}."
        )
    check_structure(structure, fitted, "trained further")


def epochs_left(net: Net, max_epochs: int, patience: int | None) -> int:
    """Return how many epochs a training may continue; `patience` of early stopping."""
    stopping = dict(net.callbacks_).get("early_stopping")
    if patience is not None and stopping and stopping.misses_ >= patience:
        return 0
    n_left: int = max_epochs - len(net.history)
    if n_left < 0:
        raise ValueError(
            f"max_epochs={max_epochs} is less than the {len(net.history)} epochs "
            "already trained: raise it, or set warm_start=False."
        )
    return n_left


def warn_warm_start(net: Net, n_epochs: int, lr_schedule: str | None) -> None:
    """Warn if nothing is trained, or if the training is not as one longer run."""
    if n_epochs == 0:
        warn(
            f"Nothing is trained, as {len(net.history)} epochs were trained before: "
            "raise `max_epochs`, or `n_iter_no_change` if early stopping ended them."
        )
    elif lr_schedule in CYCLIC_SCHEDULES:
        warn(
            f"lr_schedule={lr_schedule!r} starts a new cycle when training continues; "
            "with None, 'plateau' or 'warmup' it is as one longer run."
        )
