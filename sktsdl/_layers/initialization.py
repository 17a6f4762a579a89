"""The first weights of a module."""

from collections.abc import Callable
from typing import Any

from torch import nn

WEIGHT_INITS = ("default", "xavier", "he", "orthogonal")


def initialize(net: nn.Module, how: str) -> None:
    """Draw the weights of all matrices and kernels anew; biases stay as they are."""
    if how == "default":
        return
    draws: dict[str, Callable[..., Any]] = {
        "xavier": nn.init.xavier_uniform_,
        "he": nn.init.kaiming_uniform_,
        "orthogonal": nn.init.orthogonal_,
    }
    for module in net.modules():
        if isinstance(module, nn.Embedding):
            continue
        for name, weight in module.named_parameters(recurse=False):
            if weight.ndim < 2 or name == "gain":
                continue
            # The gates of a recurrent layer are matrices of their own.
            n_parts = 1
            if isinstance(module, nn.RNNBase | nn.RNNCellBase):
                n_parts = weight.shape[0] // module.hidden_size
            for part in weight.detach().chunk(n_parts):
                draws[how](part)
