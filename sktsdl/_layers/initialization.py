"""The initial weights of a module."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

from torch import Tensor, nn

WeightInit = Literal["default", "xavier", "he", "orthogonal"]
INITIALIZERS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "xavier": nn.init.xavier_uniform_,
        "he": nn.init.kaiming_uniform_,
        "orthogonal": nn.init.orthogonal_,
    }
)


def initialize(module: nn.Module, weight_init: WeightInit) -> None:
    """Draw all matrices and kernels anew, but not embeddings; biases stay as they are.

    ``"default"`` keeps the weights that torch's layers have drawn.
    """
    if weight_init == "default":
        return
    for layer in module.modules():
        if isinstance(layer, nn.Embedding):
            continue
        for name, weight in layer.named_parameters(recurse=False):
            if weight.ndim < 2 or name == "gain":
                continue
            # The gates of a recurrent layer are matrices of their own.
            n_gates = 1
            if isinstance(layer, nn.RNNBase | nn.RNNCellBase):
                n_gates = weight.shape[0] // layer.hidden_size
            for matrix in weight.detach().chunk(n_gates):
                INITIALIZERS[weight_init](matrix)
