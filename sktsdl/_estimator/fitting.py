"""A fit without the estimator: settings and samples in, a trained net out."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from sktsdl._estimator.cycle import CycleConfig, choose_cycle, with_lead
from sktsdl._estimator.known import (
    KnownConfig,
    categorical_with_known,
    choose_known,
    warn_of_static,
    with_known_codes,
)
from sktsdl._estimator.module import AdapterConfig, Architecture, build_module
from sktsdl._estimator.norm_choice import NormConfig, choose_norm
from sktsdl._estimator.prepared import prepare_rows
from sktsdl._estimator.samples import Samples
from sktsdl._estimator.scaling import ChannelScaling, Scaling
from sktsdl._estimator.specs import FittedSpec, InputSpec, NormSpec, TargetSpec
from sktsdl._estimator.split import Split, SplitConfig
from sktsdl._estimator.targets import Targets
from sktsdl._training.batches import WindowDataset, labelled_dataset
from sktsdl._training.callbacks import ScikitLearnCallbacks
from sktsdl._training.config import TrainingConfig
from sktsdl._training.device import explained_memory_errors, move_rows, seeded
from sktsdl._training.disk_windows import RowsToRead
from sktsdl._training.skorch_net import Net
from sktsdl._training.trainer import train

# Targets in float64 that are not kept: all of them may need more than the rows.
N_ENCODED = 2**16


@dataclass(frozen=True)
class FitConfig:
    """The settings of a fit; names as the parameters of all nets.

    Parameters
    ----------
    architecture : callable
        Builds the module of a `ModuleSpec`.
    adapters : AdapterConfig
        What stands around the module.
    norm : NormConfig
        What is asked of the window norm.
    known : KnownConfig
        Which channels are known ahead.
    cycle : CycleConfig
        Which cycles are learned.
    split : SplitConfig
        Which windows train and validate it.
    training : TrainingConfig
        How it is trained.
    """

    architecture: Architecture
    adapters: AdapterConfig
    norm: NormConfig
    known: KnownConfig
    cycle: CycleConfig
    split: SplitConfig
    training: TrainingConfig
    standardize: bool
    categorical_features: Sequence[int | str] | None
    random_state: int | np.random.RandomState | None


def fit_scaling(
    config: FitConfig,
    split: Split,
    inputs: InputSpec,
    outputs: TargetSpec,
    targets: Targets,
    structure: Mapping[str, Any],
    fitted: FittedSpec | None,
) -> FittedSpec:
    """Return what a fit knows before training: statistics, norm and known channels.

    All are of the training windows. A net that is trained further keeps its own, which
    are in `fitted`.
    """
    if fitted is not None:
        targets = targets.with_scaling(fitted.targets.scaling)
        return replace(fitted, targets=targets, structure=structure)
    samples, idx = split.samples, split.train_idx
    rows, row_weights = samples.training_rows(idx)
    known = choose_known(config.known, inputs, outputs, targets)
    warn_of_static(config.known, inputs, samples, idx)
    categorical = categorical_with_known(config.categorical_features or (), inputs)
    channels = ChannelScaling.fit(
        rows,
        row_weights,
        standardize=config.standardize,
        categorical=categorical,
        names=inputs.channel_names,
    )
    channels = with_known_codes(channels, known)
    scaling = Scaling.identity(samples.n_targets)
    if config.standardize:
        weights, describe = samples.weights_of(idx), "Column {} of y".format
        scaling = Scaling.fit(samples.targets, weights, describe, idx)
    targets = targets.with_scaling(scaling)
    cycle = choose_cycle(config.cycle, samples, idx, inputs, known)
    spec = FittedSpec(
        inputs,
        outputs,
        channels,
        targets,
        NormSpec(None, None),
        structure,
        known,
        cycle,
    )
    norm = choose_norm(
        config.norm, samples, idx, channels, outputs, targets, spec.taken
    )
    if norm.divides and samples.are_many(idx):
        channels = channels.from_zero()
        targets = targets.with_scaling(targets.scaling.from_zero())
    spec = replace(spec, channels=channels, targets=targets, norm=norm)
    return with_lead(spec, samples, idx)


def fit_net(
    config: FitConfig,
    split: Split,
    spec: FittedSpec,
    *,
    n_epochs: int,
    previous: Net | None,
    callbacks: ScikitLearnCallbacks | None,
) -> Net:
    """Train a new net, or continue the training of a `previous` net.

    Parameters
    ----------
    config : FitConfig
        The settings.
    split : Split
        The samples.
    spec : FittedSpec
        The form of the samples, and their statistics.
    n_epochs : int
        Passes over the training windows.
    previous : Net or None
        The net to continue.
    callbacks : ScikitLearnCallbacks or None
        The estimator's callbacks.

    Returns
    -------
    net : Net
        The trained net.

    Raises
    ------
    MemoryError
        If the accelerator has too little memory.
    """
    samples, valid, device = split.samples, split.valid, config.training.device
    window, targets = spec.inputs.window, spec.targets
    states = None if previous is None else previous.generators_
    n_at_once = min(len(split.train_idx), config.training.batch_size)
    if n_at_once == 1 and spec.structure.get("norm") == "batch":
        raise ValueError(
            "norm='batch' needs at least 2 windows in a batch: give more rows, a "
            "larger batch_size, or norm='layer'."
        )
    too_large = (
        f"{device} has too little memory for batch_size={config.training.batch_size} "
        f"windows of {window} steps: use a smaller batch_size (with more "
        "accumulate_batches), a smaller window, or precision='bf16'."
    )
    module: Any
    with (
        explained_memory_errors(too_large),
        seeded(config.random_state, device, states),
    ):
        if previous is None:
            module = build_module(
                config.architecture,
                config.adapters,
                spec,
                config.training.name,
            )
        else:
            module = copy.deepcopy(previous.module_)
        ends = module.step_ends(window) if config.split.loss_steps == "all" else None
        rows = move_rows(prepare_rows(spec, samples.windows), device)
        train_set = _dataset(samples, rows, targets, split.train_idx, ends).to(device)
        valid_set = None
        if valid is not None and split.valid_idx is not None:
            if valid is not samples:
                rows = prepare_rows(spec, valid.windows)
            valid_set = _dataset(valid, rows, targets, split.valid_idx).to(device)
        return train(
            module,
            config.training,
            train_set,
            valid_set,
            criterion=targets.criterion(),
            units=spec.units,
            n_epochs=n_epochs,
            previous=previous,
            extra_callbacks=[] if callbacks is None else [callbacks],
        )


def _dataset(
    samples: Samples,
    rows: torch.Tensor | RowsToRead,
    targets: Targets,
    idx: np.ndarray,
    ends: torch.Tensor | None = None,
) -> WindowDataset:
    """Return the windows `idx` of standardised `rows`, with their targets."""
    relevant = idx if ends is None else np.arange(len(samples.windows))
    weights = None if samples.weights_of(relevant) is None else samples.weights
    starts, window = samples.windows.starts, samples.window
    y = np.empty((len(relevant), samples.n_targets), np.float32)
    for start in range(0, len(relevant), N_ENCODED):
        block = slice(start, start + N_ENCODED)
        part = samples.targets[relevant[block]]
        y[block] = targets.encode(part.astype(np.float64, copy=False))
    if ends is not None:
        return labelled_dataset(rows, starts, window, y, weights, idx, ends)
    weights = None if weights is None else weights[idx]
    return labelled_dataset(rows, starts[idx], window, y, weights, slice(None))
