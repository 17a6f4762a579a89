"""Monte Carlo dropout: the spread of a module's outputs under its dropout."""

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from sktsdl._layers.causal import CausalNet
from sktsdl._training.batches import WindowDataset, batch_sizes
from sktsdl._training.callbacks import is_terminal
from sktsdl._training.device import (
    compact,
    generator_states,
    seeded,
    set_generator_states,
)


def has_dropout(module: nn.Module) -> bool:
    """Say whether any layer of `module` has dropout with a positive probability."""
    return any(
        (isinstance(layer, nn.modules.dropout._DropoutNd) and layer.p > 0)
        or getattr(layer, "variational_dropout", 0) > 0
        for layer in module.modules()
    )


def with_active_dropout(module: nn.Module) -> nn.Module:
    """Return a copy of `module` with dropout as in training, and all else as in use."""
    active = copy.deepcopy(module).train()
    for layer in active.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm | CausalNet):
            layer.training = False
    compact(active)
    return active


def mc_mean_and_std(
    module: nn.Module,
    dataset: WindowDataset,
    decode: Callable[[np.ndarray], np.ndarray],
    generators: dict[str, Tensor],
    n_draws: int,
    size: int,
    *,
    verbose: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the predictions of `n_draws` passes.

    Parameters
    ----------
    module : nn.Module
        (batch, time, channels) -> (batch, outputs), with dropout.
    dataset : WindowDataset
        The windows.
    decode : callable
        From outputs, (draws, outputs), to predictions, (draws, targets).
    generators : dict of Tensor
        The states of the generators from which the draws of each window start.
    n_draws, size : int
        The number of draws, and how many are computed at once.
    verbose : bool, default=False
        Whether to show a progress bar in a terminal.

    Returns
    -------
    mean, std : ndarray of shape (n, targets)
    """
    active = with_active_dropout(module)
    device = next(active.parameters()).device
    means, stds = [], []
    with seeded(0, device), torch.inference_mode():
        # The net may have been trained on another device.
        generators = generator_states(device) | generators
        shown = verbose and is_terminal()
        for i in tqdm(range(len(dataset)), "draws", unit="window", disable=not shown):
            # The same draws for each window, and no other window in the batch: its
            # prediction depends on itself alone.
            set_generator_states(generators, device)
            window = dataset[i : i + 1].windows
            origin: np.ndarray | None = None
            total = total_squares = np.zeros(1)
            for k in batch_sizes(n_draws, size):
                outputs = active(window.expand(k, -1, -1)).cpu().double().numpy()
                predictions = decode(outputs)
                origin = predictions[0] if origin is None else origin
                total = total + (predictions - origin).sum(axis=0)
                total_squares = total_squares + ((predictions - origin) ** 2).sum(
                    axis=0
                )
            assert origin is not None
            mean = total / n_draws
            means.append(origin + mean)
            variance = total_squares / n_draws - mean**2
            stds.append(np.sqrt(np.maximum(variance, 0)))
    return np.stack(means), np.stack(stds)
