"""From an architecture to the whole module: adapters around it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from sktsdl._estimator.scaling import ChannelScaling
from sktsdl._estimator.specs import ModuleSpec, NormSpec
from sktsdl._estimator.targets import Targets
from sktsdl._layers.adapters import (
    ChannelIndependent,
    EmbedCategories,
    LinearSkip,
    Patches,
    n_patches,
)
from sktsdl._layers.causal import LossSteps
from sktsdl._layers.initialization import WeightInit, initialize
from sktsdl._layers.window_norm import WindowNorm

Architecture = Callable[[ModuleSpec], nn.Module]


@dataclass(frozen=True)
class AdapterConfig:
    """Which adapters stand around a module; names as the parameters of all nets."""

    channel_independent: bool
    patch_size: int
    linear_skip: bool
    loss_steps: LossSteps
    weight_init: WeightInit


def build_module(
    architecture: Architecture,
    config: AdapterConfig,
    *,
    window: int,
    channels: ChannelScaling,
    targets: Targets,
    norm: NormSpec,
    name: str,
) -> nn.Module:
    """Build the module that maps standardised rows to outputs, with its adapters.

    From the rows inwards these are: window norm, embeddings, one sample for each
    target, linear skip, patches, and the architecture.

    Parameters
    ----------
    architecture : callable
        Builds the innermost module.
    config : AdapterConfig
        The adapters.
    window : int
        The number of steps.
    channels : ChannelScaling
        The channels of the rows.
    targets : Targets
        The targets, fitted.
    norm : NormSpec
        The window norm, and the channels of the targets.
    name : str
        The name of the estimator, for errors.

    Raises
    ------
    ValueError
        If the adapters, the channels and the targets do not fit each other.
    """
    n_channels = channels.n_channels
    n_targets = len(targets.scaling.mean)
    categorical, n_codes = channels.categorical, channels.n_codes
    n_embedded = sum(EmbedCategories.widths(n_codes))
    module = _build_inner(
        architecture,
        config,
        window=window,
        n_channels=n_channels - len(categorical) + n_embedded,
        n_targets=n_targets,
        channels=channels,
        targets=targets,
        target_channels=norm.channels if config.channel_independent else None,
        name=name,
    )
    if categorical:
        module = EmbedCategories(module, categorical, n_codes, n_channels=n_channels)
    if norm.kind is not None and norm.channels is not None:
        horizon = n_targets // len(norm.channels)
        origins = [at for at in norm.channels for _ in range(horizon)]
        gain, shift = channels.to_target_units(origins, targets.scaling)
        module = WindowNorm(
            module,
            norm.kind,
            unchanged=categorical,
            n_channels=n_channels,
            n_values=targets.n_values,
            origins=origins,
            gain=torch.from_numpy(gain).float(),
            shift=torch.from_numpy(shift).float(),
            zero=torch.from_numpy(channels.zero).float(),
            low=torch.tensor(norm.low or [1.0] * n_channels),
        )
    return module.to(torch.float32)


def _build_inner(
    architecture: Architecture,
    config: AdapterConfig,
    *,
    window: int,
    n_channels: int,
    n_targets: int,
    channels: ChannelScaling,
    targets: Targets,
    target_channels: tuple[int, ...] | None,
    name: str,
) -> nn.Module:
    """Build the module of channels that are all numbers."""
    patch_size = int(config.patch_size)
    if patch_size > window:
        raise ValueError(
            f"patch_size={patch_size} is more than the {window} steps of a window: "
            "give a smaller patch_size, or a larger window."
        )
    each: list[int] = []
    n_inner, n_inner_targets = n_channels, n_targets
    n_outputs = targets.n_outputs(n_targets)
    if target_channels is not None:
        each = [
            at - sum(code < at for code in channels.categorical)
            for at in target_channels
        ]
        n_inner = 1 + n_channels - len(each)
        n_outputs //= len(each)
        n_inner_targets //= len(each)
    spec = ModuleSpec(
        n_channels=n_inner * patch_size,
        n_steps=n_patches(window, patch_size),
        n_outputs=n_outputs,
        n_targets=n_inner_targets,
        n_values=targets.n_values,
        median_index=targets.median_index,
        patch_size=patch_size,
    )
    module: Any = architecture(spec)
    if targets.class_columns and getattr(module, "takes_targets", False):
        raise ValueError(
            f"{name} computes each output from the number before it, and the scores of "
            "classes are not numbers of y: use another net for targets of classes."
        )
    initialize(module, config.weight_init)
    if config.loss_steps == "all":
        if not getattr(module, "is_causal", False):
            raise ValueError(
                "loss_steps='all' needs a net whose steps see no later steps, and this "
                f"{name} is not one: use loss_steps='last'."
            )
        module.every_step = True
    if patch_size > 1:
        module = Patches(module, patch_size)
    if config.linear_skip:
        module = LinearSkip(
            module,
            n_inputs=window * n_inner,
            n_targets=n_inner_targets,
            n_values=targets.n_values,
        )
    if each:
        module = ChannelIndependent(module, each, n_channels=n_channels)
    return module
