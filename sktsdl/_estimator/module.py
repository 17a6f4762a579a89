"""From an architecture to the whole module: adapters around it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from sktsdl._estimator.columns import Columns, columns_of, shared_evenly
from sktsdl._estimator.cycle import with_cycle
from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._estimator.specs import FittedSpec
from sktsdl._estimator.targets import Targets
from sktsdl._layers.adapters import (
    ChannelIndependent,
    EmbedCategories,
    LinearSkip,
    SelectChannels,
)
from sktsdl._layers.causal import LossSteps
from sktsdl._layers.initialization import WeightInit, initialize
from sktsdl._layers.known_ahead import SplitKnown, StepDecoder
from sktsdl._layers.patches import Patches, n_patches
from sktsdl._layers.window_norm import WindowNorm

Architecture = Callable[[ModuleSpec], nn.Module]


@dataclass(frozen=True)
class AdapterConfig:
    """Which adapters stand around a module; names as the parameters of all nets."""

    channel_independent: bool
    patch_size: int
    patch_stride: int | None
    linear_skip: bool
    loss_steps: LossSteps
    weight_init: WeightInit


def build_module(
    architecture: Architecture, config: AdapterConfig, fitted: FittedSpec, name: str
) -> nn.Module:
    """Build the module that maps standardised rows to outputs, with its adapters.

    From the rows inwards these are: window norm, cycles, known channels, embeddings,
    one sample for each target, linear skip, patches, the decoder of steps ahead, and
    the architecture. Cycles are outside of a window norm that only subtracts, so that
    it subtracts a level without its cycle.

    Parameters
    ----------
    architecture : callable
        Builds the innermost module.
    config : AdapterConfig
        The adapters.
    fitted : FittedSpec
        The form of the samples, and their statistics.
    name : str
        The name of the estimator, for errors.

    Raises
    ------
    ValueError
        If the adapters, the channels and the targets do not fit each other.
    """
    channels, targets = fitted.channels, fitted.targets
    norm, known = fitted.norm, fitted.known
    n_channels, codes = channels.n_channels, channels.codes
    taken, cycle = fitted.taken, fitted.cycle
    past = [i for i in range(n_channels) if i not in taken]
    if not past:
        what = "All channels of X are known ahead or static"
        if cycle is not None and cycle.taken:
            what = "The only channel of X is the cycle_channel"
        if cycle is not None and cycle.taken and known is not None:
            what = "All channels of X are known ahead, static or the cycle_channel"
        raise ValueError(
            f"{what}, so no window is left: add the column whose future y is."
        )
    categorical = [i for i, channel in enumerate(past) if channel in codes]
    n_codes = [channels.n_codes(past[i]) for i in categorical]
    ahead = () if known is None else known.channels[0]
    of_known = [channels.n_codes(channel) for channel in ahead]
    known_numeric, known_coded = SplitKnown.kinds(of_known)
    known_embedded = EmbedCategories.widths([of_known[i] for i in known_coded])
    is_static = [] if known is None else known.is_static
    order = known_numeric + known_coded
    numeric = [channel for channel in past if channel not in codes]
    module = _build_inner(
        architecture,
        config,
        window=fitted.inputs.window,
        n_numeric=len(numeric),
        embedded=EmbedCategories.widths(n_codes),
        columns=columns_of(fitted, numeric),
        targets=targets,
        has_known=known is not None,
        n_known=len(known_numeric) + sum(known_embedded),
        known_embedded=known_embedded,
        static=[at for at, column in enumerate(order) if is_static[column]],
        name=name,
    )
    if categorical:
        module = EmbedCategories(module, categorical, n_codes, n_channels=len(past))
    if known is not None:
        module = SplitKnown(
            module,
            past=past,
            channels=known.channels,
            lags=known.lags,
            n_codes=of_known,
        )
    elif len(past) < n_channels:
        module = SelectChannels(module, past)
    n_phases = 0
    if cycle is not None and norm.divides:
        module, n_phases = with_cycle(module, fitted, numeric), 1
    if norm.kind is not None and norm.channels is not None:
        origins = shared_evenly(norm.channels, fitted.outputs.n_targets)
        gain, shift = channels.to_target_units(origins, targets.scaling)
        module = WindowNorm(
            module,
            norm.kind,
            unchanged=sorted(taken | codes.keys()) + [n_channels] * n_phases,
            n_channels=n_channels + n_phases,
            n_values=targets.n_values,
            origins=origins,
            gain=torch.from_numpy(gain).float(),
            shift=torch.from_numpy(shift).float(),
            zero=F.pad(torch.from_numpy(channels.zero).float(), (0, n_phases)),
            low=F.pad(torch.tensor(norm.low or [1.0] * n_channels), (0, n_phases)),
        )
    if cycle is not None and not norm.divides:
        module = with_cycle(module, fitted, numeric)
    return module.to(torch.float32)


def _build_inner(
    architecture: Architecture,
    config: AdapterConfig,
    *,
    window: int,
    n_numeric: int,
    embedded: list[int],
    columns: Columns,
    targets: Targets,
    has_known: bool,
    n_known: int,
    known_embedded: list[int],
    static: list[int],
    name: str,
) -> nn.Module:
    """Build the module of channels that are all numbers."""
    patch_size = int(config.patch_size)
    patch_stride = int(config.patch_stride or patch_size)
    if patch_size > window:
        raise ValueError(
            f"patch_size={patch_size} is more than the {window} steps of a window: "
            "give a smaller patch_size, or a larger window."
        )
    each: list[int] = []
    n_inner = n_channels = n_numeric + sum(embedded)
    n_outputs = targets.n_outputs(len(columns.steps))
    if config.channel_independent and columns.channels is not None:
        by_channel = columns.by_channel
        each = list(by_channel)
        columns = by_channel[each[0]]
        if has_known and any(of != columns for of in by_channel.values()):
            raise ValueError(
                "channel_independent=True needs the same steps ahead of each target, "
                "and known_future has a value for each step: give them, or "
                "known_future=None."
            )
        n_inner = 1 + n_channels - len(each)
        n_outputs //= len(each)
    of_targets = columns.channels
    if of_targets is not None:  # in the last step of a patch
        of_targets = tuple(n_inner * (patch_size - 1) + at for at in of_targets)
    spec = ModuleSpec(
        n_channels=n_inner * patch_size,
        n_steps=n_patches(window, patch_size, patch_stride),
        n_outputs=n_outputs,
        n_targets=len(columns.steps),
        n_values=targets.n_values,
        median_index=targets.median_index,
        patch_size=patch_size,
        n_known=n_known,
        target_steps=columns.steps,
        targets=columns.targets,
        target_channels=of_targets,
        embedded=tuple(embedded),
        known_embedded=tuple(known_embedded),
        static=tuple(static),
    )
    module: Any = architecture(spec)
    if has_known and not getattr(module, "takes_known", False):
        # Only the module says whether it takes them, so it is built once more.
        module = StepDecoder(
            architecture(_with_features(spec)),
            n_known=n_known,
            steps=spec.target_steps,
            targets=spec.targets,
            n_values=spec.n_values,
        )
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
        module = Patches(module, patch_size, patch_stride)
    if config.linear_skip:
        module = LinearSkip(
            module,
            n_inputs=window * n_inner + n_known * spec.n_ahead,
            n_targets=spec.n_targets,
            n_values=targets.n_values,
        )
    if each:
        module = ChannelIndependent(module, each, n_channels=n_channels)
    return module


def _with_features(spec: ModuleSpec) -> ModuleSpec:
    """Return the spec of a module that computes features of each step ahead."""
    n_features = StepDecoder.n_features(spec.n_ahead)
    return replace(
        spec,
        n_outputs=n_features * spec.n_ahead,
        n_targets=spec.n_ahead,
        n_values=n_features,
        median_index=0,
        target_steps=tuple(range(spec.n_ahead)),
        targets=(0,) * spec.n_ahead,
        target_channels=None,
    )
