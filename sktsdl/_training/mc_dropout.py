"""Monte Carlo dropout: how far the answers of a net spread under its dropout."""

import copy
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from sktsdl._layers.causal import CausalNet
from sktsdl._training.batches import WindowDataset, batch_sizes
from sktsdl._training.device import seeded, set_generator_states


def has_dropout(net: nn.Module) -> bool:
    """Say whether any layer of `net` draws what it leaves out."""
    return any(
        (isinstance(layer, nn.modules.dropout._DropoutNd) and layer.p > 0)
        or getattr(layer, "variational_dropout", 0) > 0
        for layer in net.modules()
    )


def drawing_copy(net: nn.Module) -> nn.Module:
    """Return a copy of `net` with dropout at work, and nothing else of training."""
    drawing = copy.deepcopy(net).train()
    for layer in drawing.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm | CausalNet):
            layer.training = False
    return drawing


def moments_of_draws(
    net: nn.Module,
    dataset: WindowDataset,
    points: Callable[[np.ndarray], np.ndarray],
    generators: dict[str, Tensor],
    n_draws: int,
    size: int,
    *,
    verbose: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the answers of `n_draws` passes.

    Parameters
    ----------
    net : nn.Module
        (batch, time, channels) -> (batch, outputs), with dropout.
    dataset : WindowDataset
        The windows.
    points : callable
        From answers, (draws, outputs), to what they say in units, (draws, targets).
    generators : dict of Tensor
        The states of the generators that the draws of each window start from.
    n_draws, size : int
        The number of draws, and how many are computed at once.
    verbose : bool, default=False
        Whether to show a progress bar in a terminal.

    Returns
    -------
    mean, deviation : ndarray of shape (n, targets)
    """
    drawing = drawing_copy(net)
    device = next(drawing.parameters()).device
    means, deviations = [], []
    with seeded(0, device), torch.inference_mode():
        shown = verbose and sys.stderr.isatty()
        for i in tqdm(range(len(dataset)), "draws", unit="window", disable=not shown):
            # The draws of one window at once, and the same for each: its answer then
            # depends on no other one.
            set_generator_states(generators, device)
            window = dataset[i : i + 1][0]
            origin: Any = None
            first = second = 0.0
            for k in batch_sizes(n_draws, size):
                answers = drawing(window.expand(k, -1, -1)).cpu().double().numpy()
                drawn = points(answers)
                origin = drawn[0] if origin is None else origin
                first += (drawn - origin).sum(axis=0)
                second += ((drawn - origin) ** 2).sum(axis=0)
            mean = first / n_draws
            means.append(origin + mean)
            deviations.append(np.sqrt(np.maximum(second / n_draws - mean**2, 0)))
    return np.stack(means), np.stack(deviations)
