"""The device of a net, its threads and its random generators."""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state
from torch import Tensor, nn

# With fewer multiplications, threads wait for each other longer than they compute.
LEAST_SHARED_WORK = 10_000_000

_GENERATOR_LOCK = threading.RLock()


def _new_lock() -> None:
    global _GENERATOR_LOCK
    _GENERATOR_LOCK = threading.RLock()


if hasattr(os, "register_at_fork"):
    # A lock that another thread holds while the process forks would stay held.
    os.register_at_fork(after_in_child=_new_lock)


def resolve_device(name: str) -> torch.device:
    """Return the device `name`; ``"auto"`` is the accelerator if there is one.

    An accelerator has its index, as the device of each tensor has: "cuda" and "cuda:0"
    are not equal. ``"cuda"`` is the GPU of this process if several processes share a
    machine, as torchrun says by ``LOCAL_RANK``.
    """
    on_mps = torch.backends.mps.is_available()
    available = {"cuda": torch.cuda.device_count(), "mps": int(on_mps), "cpu": 1}
    if name == "auto":
        name = next(kind for kind, count in available.items() if count)
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"device={name!r} is not known: use 'cpu', 'cuda', 'cuda:1', 'mps' or "
            "'auto'."
        ) from error
    if (device.index or 0) >= available.get(device.type, 0):
        raise ValueError(
            f"device={name!r} is not on this machine: use 'cpu', or 'auto' for the "
            "accelerator if there is one."
        )
    if device.type == "cpu":
        return torch.device("cpu")
    if device == torch.device(device.type):
        device = torch.device(device.type, _own_index(device.type))
    return device


def _own_index(kind: str) -> int:
    """Return the index of the accelerator of this process."""
    if kind != "cuda":
        return 0
    if "LOCAL_RANK" in os.environ:
        # Some launchers show each process only its own GPU, which is then the first.
        return int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count()
    return torch.cuda.current_device()


def is_available(name: str | torch.device) -> bool:
    """Say whether this machine has the device `name`."""
    try:
        resolve_device(str(name))
    except ValueError:
        return False
    return True


def move_rows(rows: Any, device: torch.device) -> Any:
    """Move rows to a device, unless they need more than half of its free memory.

    Rows on disk stay there.
    """
    if not isinstance(rows, Tensor):
        return rows
    if device.type == "cuda" and rows.device != device:
        free, _ = torch.cuda.mem_get_info(device)
        if rows.nbytes > free / 2:
            return rows
    return rows.to(device)


@contextmanager
def threads_for(work: int) -> Iterator[None]:
    """Run the block on one thread if there is too little work for several.

    Parameters
    ----------
    work : int
        The number of multiplications in a step.
    """
    given = torch.get_num_threads()
    torch.set_num_threads(given if work >= LEAST_SHARED_WORK else 1)
    try:
        yield
    finally:
        torch.set_num_threads(given)


@contextmanager
def own_torch_state(device: torch.device) -> Iterator[None]:
    """Run the block without the caller's autocast, grad mode and default device.

    They are of this thread only. What is of the whole process, `seeded` sets and
    restores under its lock.
    """
    with ExitStack() as stack:
        for kind in {"cpu", device.type} & {"cpu", "cuda"}:
            stack.enter_context(torch.autocast(kind, enabled=False))
        if device.type == "cuda":
            stack.enter_context(torch.cuda.device(device))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":
            # A default device is a mode of torch; another mode on top of it would
            # keep torch from its fused kernels.
            stack.enter_context(torch._C.DisableTorchFunction())
        yield


@contextmanager
def seeded(
    random_state: int | np.random.RandomState | None,
    device: torch.device,
    states: dict[str, Tensor] | None = None,
) -> Iterator[None]:
    """Run the block with its own seed, and leave the global state as it was.

    With `states`, from `generator_states`, the block continues from these states.
    torch's layers draw from one generator for the whole process, so blocks in other
    threads wait for their turn.
    """
    if random_state is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    else:
        seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    with _GENERATOR_LOCK, _own_process_settings(device), own_torch_state(device):
        before = generator_states(device)
        try:
            manual_seed(seed, device)
            set_generator_states({} if states is None else states, device)
            yield
        finally:
            set_generator_states(before, device)


@contextmanager
def _own_process_settings(device: torch.device) -> Iterator[None]:
    """Run the block in float32, and by algorithms that do not depend on the caller.

    On an accelerator, the caller's deterministic algorithms are kept.
    """
    dtype, cudnn = torch.get_default_dtype(), torch.backends.cudnn
    is_changed = device.type == "cpu" and torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    algorithms = cudnn.deterministic, cudnn.benchmark
    torch.set_default_dtype(torch.float32)
    if is_changed:
        torch.use_deterministic_algorithms(False)
    if device.type == "cuda":
        # Else cuDNN may choose kernels by their speed, which add in no fixed order.
        cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.set_default_dtype(dtype)
        if is_changed:
            torch.use_deterministic_algorithms(True, warn_only=warn_only)
        if device.type == "cuda":
            cudnn.deterministic, cudnn.benchmark = algorithms


def _generators(device: torch.device) -> dict[str, torch.Generator]:
    """Return torch's generators of the CPU and of `device`, which may have another."""
    generators = {"cpu": torch.default_generator}
    if device.type == "cuda":
        torch.cuda.init()  # type: ignore[no-untyped-call]  # else there are none
        generators["cuda"] = torch.cuda.default_generators[device.index or 0]
    elif device.type == "mps":
        generators["mps"] = torch.mps._get_default_mps_generator()
    return generators


def manual_seed(seed: int, device: torch.device) -> None:
    """Seed the generators of the CPU and of `device`."""
    for generator in _generators(device).values():
        generator.manual_seed(seed)


def generator_states(device: torch.device) -> dict[str, Tensor]:
    """Return the states of the generators that a training uses, on the CPU."""
    return {kind: one.get_state() for kind, one in _generators(device).items()}


def set_generator_states(states: dict[str, Tensor], device: torch.device) -> None:
    """Set the generators of the CPU and of `device` to their `states`, if given."""
    for kind, generator in _generators(device).items():
        if kind in states:
            generator.set_state(states[kind])


@contextmanager
def low_precision(device: torch.device, dtype: torch.dtype | None) -> Iterator[None]:
    """Run the block with matrix products in `dtype`; None changes nothing."""
    if dtype is None:
        yield
        return
    with torch.autocast(device.type, dtype=dtype):
        yield
    # Inside of a caller's autocast, weights of this step would stay in the cache.
    torch.clear_autocast_cache()


@contextmanager
def explained_memory_errors(message: str) -> Iterator[None]:
    """Raise a MemoryError with `message` if an accelerator has too little memory."""
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise MemoryError(message) from error


def compact(module: nn.Module) -> None:
    """Put the weights of each recurrent layer on CUDA into one buffer, as cuDNN asks.

    A copied or pickled layer has lost it, and cuDNN would copy the weights in each call
    and warn.
    """
    for layer in module.modules():
        if isinstance(layer, nn.RNNBase):
            layer.flatten_parameters()


@contextmanager
def own_buffers(module: nn.Module) -> Iterator[None]:
    """Run the block with a buffer for each weight.

    A pickle would hold a shared buffer once for each of its weights.
    """
    with torch.inference_mode(False):
        for weight in module.parameters():
            if weight.untyped_storage().nbytes() > weight.nbytes:
                weight.data = weight.data.clone()
    try:
        yield
    finally:
        compact(module)
