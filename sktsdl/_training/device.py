"""The device of a net, its threads and its random generators."""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from sklearn.utils import check_random_state
from torch import Tensor

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
    """Return the device `name`; ``"auto"`` is the accelerator if there is one."""
    on_mps = torch.backends.mps.is_available()
    available = {"cuda": torch.cuda.device_count(), "mps": int(on_mps), "cpu": 1}
    if name == "auto":
        return torch.device(next(kind for kind, count in available.items() if count))
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
    return device


def is_available(name: str) -> bool:
    """Say whether this machine has the device `name`."""
    try:
        resolve_device(name)
    except ValueError:
        return False
    return True


def move_rows(rows: Tensor, device: torch.device) -> Tensor:
    """Move `rows` to `device`, unless they need more than half of its free memory."""
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
    on_cpu = device.type == "cpu"
    fork = torch.random.fork_rng(
        devices=[] if on_cpu else [device.index or 0],
        device_type="cuda" if on_cpu else device.type,
    )
    with _GENERATOR_LOCK, fork, own_torch_state(device):
        dtype = torch.get_default_dtype()
        is_deterministic = torch.are_deterministic_algorithms_enabled()
        warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
        torch.set_default_dtype(torch.float32)
        if is_deterministic:
            torch.use_deterministic_algorithms(False)
        torch.default_generator.manual_seed(seed)
        if not on_cpu:
            getattr(torch, device.type).manual_seed(seed)
        set_generator_states({} if states is None else states, device)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            if is_deterministic:
                torch.use_deterministic_algorithms(True, warn_only=warn_only)


def generator_states(device: torch.device) -> dict[str, Tensor]:
    """Return the states of the generators that a training uses."""
    states = {"cpu": torch.get_rng_state()}
    if device.type != "cpu":
        states[device.type] = getattr(torch, device.type).get_rng_state()
    return states


def set_generator_states(states: dict[str, Tensor], device: torch.device) -> None:
    """Set the generators of the CPU and of `device` to their `states`, if given."""
    for kind, state in states.items():
        if kind in ("cpu", device.type):
            (torch if kind == "cpu" else getattr(torch, kind)).set_rng_state(state)
