"""How many windows are computed at once."""

import math
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from sktsdl._layers.adapters import Adapter
from sktsdl._layers.causal import n_weights
from sktsdl._training.batches import WindowDataset

BUFFER_BYTES = 2**24
# On a CPU, and on an accelerator, which computes many windows side by side.
LARGEST_BLOCK, LARGEST_ON_ACCELERATOR = 256, 1024
# In blocks of other sizes, but 1, the last digits depend on the place in the block, as
# kernels compute 16 numbers at once and the rest one by one.
UNIT = 16
# A block of 16 windows takes at most 11 times as long as a window from this c / w on.
LEAST_RATIO = 0.5
# A call of a kernel takes about as long as so many multiplications: on an accelerator,
# 5 microseconds at 10^13 a second.
CALL, CALL_ON_ACCELERATOR = 500_000, 50_000_000
# The sizes of blocks by window, as counting takes longer than a small module.
_SIZES: WeakKeyDictionary[nn.Module, dict[tuple[int, bool], int]] = WeakKeyDictionary()
# Whether places in a block agree, by the shape of the block.
_AGREE: WeakKeyDictionary[nn.Module, dict[tuple[Any, ...], bool]] = WeakKeyDictionary()


def micro_batch_size(module: nn.Module, batch_size: int, window: int) -> int:
    """Return how many windows of a batch are best computed at once.

    The system allocates buffers of more than some megabytes anew in every step, page by
    page; smaller buffers are used again. The gradient is the same.
    """
    n_samples, n_steps = input_size(module, window)
    layers: list[Any] = list(module.modules())
    sizes = [
        n_samples * layer.buffer_bytes_per_window(n_steps)
        for layer in layers
        if hasattr(layer, "buffer_bytes_per_window")
    ]
    n_micro_batches = math.ceil(batch_size * max(sizes, default=0) / BUFFER_BYTES)
    return math.ceil(batch_size / max(n_micro_batches, 1))


def block_size(module: nn.Module, window: int) -> int:
    """Return how many windows a prediction computes at once.

    It follows from the module, the window and the kind of device alone: blocks of
    another size would round differently. A block of b windows takes about c + b w, with
    the time c of all calls of kernels and the time w of the multiplications for one
    window. With b = 3 + 5 c / w, it takes at most 6 times as long as one window by
    itself, c + w, and many windows take at most 1.2 times as long as in one large
    block. Where calls take little of the time, windows are computed one by one.
    """
    sizes = _SIZES.setdefault(module, {})
    on_cpu = next(module.parameters()).device.type == "cpu"
    if (window, on_cpu) not in sizes:
        call = CALL if on_cpu else CALL_ON_ACCELERATOR
        largest = LARGEST_BLOCK if on_cpu else LARGEST_ON_ACCELERATOR
        ratio = call * _calls(module, window) / multiplications(module, window)
        size = UNIT * max(round((3 + 5 * ratio) / UNIT), 1)
        sizes[window, on_cpu] = min(size, largest) if ratio > LEAST_RATIO else 1
    return sizes[window, on_cpu]


def exact_block_size(module: nn.Module, window: int, n_channels: int) -> int:
    """Return the block size, or 1 where places in a block round differently.

    Some kernels, such as kernels without AVX-512, round by the address of a window,
    which its place in the block decides.
    """
    size = block_size(module, window)
    return size if _places_agree(module, (size, window, n_channels)) else 1


def _places_agree(module: nn.Module, shape: tuple[int, int, int]) -> bool:
    """Say whether windows have the same output at the next place of a block."""
    agree = _AGREE.setdefault(module, {})
    device = next(module.parameters()).device
    key = (*shape, device.type)
    if key not in agree:
        # Valid for channels of codes and phases too, which are 0 as integers.
        generator = torch.Generator().manual_seed(0)
        windows = torch.rand(shape, generator=generator, dtype=torch.float32).to(device)
        moved = module(windows.roll(1, 0)).roll(-1, 0)
        agree[key] = torch.equal(module(windows), moved)
    return agree[key]


def input_size(module: nn.Module, window: int) -> tuple[int, int]:
    """Return how many samples the inner module gets of a window, and their steps."""
    return module.input_size(window) if isinstance(module, Adapter) else (1, window)


def multiplications(module: nn.Module, window: int) -> int:
    """Return about how many multiplications the output for one window takes."""
    inner: Any = module
    while isinstance(inner, Adapter):
        inner = inner.module
    n_samples, n_steps = input_size(module, window)
    if hasattr(inner, "multiplications"):
        of_sample = inner.multiplications(n_steps)
    else:
        n_head = n_weights(getattr(inner, "head", None))
        of_sample = n_steps * (n_weights(inner) - n_head) + n_head
    return n_samples * of_sample + n_weights(module) - n_weights(inner) + 1


def _calls(module: nn.Module, window: int) -> float:
    """Return about how many kernels are called for a block."""
    _, n_steps = input_size(module, window)
    layers: list[Any] = list(module.modules())
    return sum(
        layer.calls(n_steps) if hasattr(layer, "calls") else 1
        for layer in layers
        if hasattr(layer, "calls") or not any(True for _ in layer.children())
    )


def evaluate_in_blocks(
    evaluate: Callable[[Tensor], Tensor], dataset: WindowDataset, size: int
) -> Tensor:
    """Return the output of `evaluate` for all windows, computed `size` at a time.

    The kernels of matrix products depend on the shape of a batch, and so do the last
    digits of their results. All blocks have one size, and the last block is filled by
    repetition, so that the output for a window does not depend on the other windows.
    """
    n, starts = len(dataset), range(0, len(dataset), size)
    order = torch.arange(len(starts) * size, device=dataset.rows.device).clamp(
        max=n - 1
    )
    outputs: Tensor | None = None
    for start, where in zip(starts, torch.split(order, size), strict=True):
        output = evaluate(dataset[where].windows)
        if outputs is None:
            # Preallocated: many small tensors would fragment the memory.
            outputs = output.new_empty((n, *output.shape[1:]))
        outputs[start : start + size] = output[: n - start]
    assert outputs is not None
    return outputs
