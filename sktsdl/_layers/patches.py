"""Several steps of a window as one step."""

import torch
from torch import Tensor, nn

from sktsdl._layers.adapters import Adapter


class Patches(Adapter):
    """Join several steps to one step with more channels.

    The last patch ends at the last step; the first patch is filled from the front with
    the first value of the window. Patches that overlap are one more than fit into the
    window, as in PatchTST [1]_. That net fills its last patch, with the last value, and
    its first patch begins with the window.

    **Shape**: (batch, time, channels) -> the output of `module`, whose input is
    (batch, patches, patch_size * channels)

    Parameters
    ----------
    module : nn.Module
        The module of patches.
    patch_size : int
        The number of steps in a patch.
    stride : int or None, default=None
        The number of steps from one patch to the next; None is `patch_size`.

    References
    ----------
    .. [1] Y. Nie et al. (2023). A Time Series is Worth 64 Words: Long-term Forecasting
       with Transformers. ICLR.
    """

    def __init__(
        self, module: nn.Module, patch_size: int, stride: int | None = None
    ) -> None:
        super().__init__(module)
        self.patch_size = patch_size
        self.stride = stride or patch_size

    def transform_input(self, x: Tensor) -> Tensor:
        n = self._n_patches(x.shape[1])
        n_filled = patches_span(n, self.patch_size, self.stride) - x.shape[1]
        x = torch.cat([x[:, :1].expand(-1, n_filled, -1), x], dim=1)
        patches = x.unfold(1, self.patch_size, self.stride)  # steps are the last axis
        return patches.transpose(2, 3).flatten(2)

    def step_ends(self, window: int) -> Tensor:
        n = self._n_patches(window)
        after = n - 1 - super().step_ends(n)
        return window - 1 - self.stride * after

    def input_size(self, window: int) -> tuple[int, int]:
        return super().input_size(self._n_patches(window))

    def _n_patches(self, window: int) -> int:
        return n_patches(window, self.patch_size, self.stride)


def n_patches(window: int, patch_size: int, stride: int | None = None) -> int:
    """Return the number of patches in a window, the first of which may be filled."""
    if stride is None or stride == patch_size:
        return -(-window // patch_size)
    return (window - patch_size) // stride + 2


def patches_span(n: int, patch_size: int, stride: int | None = None) -> int:
    """Return the number of steps from the first step of `n` patches to the last one."""
    return patch_size + (n - 1) * (stride or patch_size)
