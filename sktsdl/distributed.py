"""One net on several processes or GPUs."""

import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from inspect import signature
from itertools import count
from typing import Any

import torch
from skorch.callbacks import BatchScoring, Callback, EpochScoring
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from sktsdl._training.batches import Batch, Batches, WindowDataset
from sktsdl._training.device import generator_states, manual_seed, set_generator_states
from sktsdl._training.processes import OneProcess, fingerprint
from sktsdl._training.skorch_net import Net

__all__ = ["DataParallel"]

LAUNCHED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
dist: Any = torch.distributed  # which exports most names at run time only
SYNCS_BUFFERS = next(  # the name since torch 2.13, and the name before
    name
    for name in ("forward_sync_buffers", "broadcast_buffers")
    if name in signature(DistributedDataParallel).parameters
)
RTOL = 1e-7  # of the fingerprints, as machines may round differently
_FITS = count()


class DataParallel(Callback):
    """Train one net on several processes or GPUs.

    A callback of a net, in a script that ``torchrun`` starts once for each rank. Every
    rank runs the same script on the same rows, and takes its share of the windows of
    each batch. The gradients of the ranks are averaged by torch's
    ``DistributedDataParallel``. `batch_size` stays the size of the whole batch, so that
    the net is the net of one process, up to rounding.

    Without ``torchrun``, and without a process group, the net is trained in one process
    as usual.

    Notes
    -----
    - Every rank ends with the same net, with the same losses and with the same
      `random_state` for a warm start. ``predict`` runs in each rank by itself. Let one
      rank save: ``if os.environ["RANK"] == "0"``.
    - The process group is the group of ``torch.distributed.init_process_group`` if the
      script has called it. Otherwise a fit makes its own group, and destroys it.
    - ``device="cuda"`` is the GPU of the local rank.
    - Each rank draws dropout masks of its own, and the steps with teacher forcing: a
      net with dropout or teacher forcing therefore differs from the net of one process.
      The order of the windows is the order of rank 0.
    - Each rank computes the loss of all validation windows; the loss of rank 0 is
      recorded. Training ends on all ranks as soon as it ends on one.
    - An error on one rank in training ends the fit on the other ranks with a
      ``RuntimeError``. With NCCL, they see it when the process of this rank ends, or
      after the timeout of the process group. An error before the training, such as
      missing values in the rows of one rank, has to end the script, as the others wait.
    - Several fits run one after the other on all ranks, also in a ``GridSearchCV`` with
      ``n_jobs=1``. The workers of joblib train without the other ranks.
    - Other callbacks run on every rank. A callback that writes files needs the rank in
      their names.

    Raises
    ------
    ValueError
        By ``fit``, if the ranks have different data or settings, if the net has batch
        normalisation, or if a callback scores the outputs of training batches.
    RuntimeError
        By ``fit``, if another rank has ended before. A net that was fitted before
        stays as it was.

    Examples
    --------
    >>> from sktsdl import LSTMRegressor, make_supervised
    >>> from sktsdl.distributed import DataParallel
    >>> X, y, X_latest = make_supervised([1.0, 2, 4, 3, 5, 6] * 4, target=0)
    >>> net = LSTMRegressor(
    ...     hidden_sizes=(4,), max_epochs=2, callbacks=[DataParallel()]
    ... )
    >>> net.fit(X, y).predict(X_latest).shape
    (1,)
    """

    def on_train_begin(self, net: Net, X: Any = None, **kwargs: object) -> None:
        if dist.is_available() and (dist.is_initialized() or _is_launched()):
            _check(net)
            net.contexts_.enter_context(_shared(net, X))


class _Ranks(OneProcess):
    """What the ranks of a process group share in a fit."""

    def __init__(self, group: Any, device: torch.device) -> None:
        self.group = group
        self.ddp: Any = None
        self.device = device
        self.rank = dist.get_rank(group)
        self.size = dist.get_world_size(group)
        self.is_going = True

    def begin(self, module: nn.Module) -> None:
        """Give all ranks the weights of rank 0, and each rank its own dropout masks."""
        options: Any = {SYNCS_BUFFERS: False}
        self.ddp = DistributedDataParallel(module, process_group=self.group, **options)
        with torch.random.fork_rng(devices=[]):
            seed = self.same(torch.randint(2**62, ()))
        if self.rank:
            manual_seed(int(seed) + self.rank, self.device)

    def end(self) -> None:
        self.all_go_on(False)
        for weight in self.ddp.module.parameters():
            weight.data.copy_(self.same(weight.detach()))
        states = generator_states(self.device)
        same = {kind: self.same(state).cpu() for kind, state in states.items()}
        set_generator_states(same, self.device)

    def close(self) -> None:
        """Destroy the group, which other ranks see by their lost connections."""
        if self.ddp is not None:
            vars(self.ddp).clear()  # frames of an error may still refer to it
        group, self.group = self.group, None
        dist.destroy_process_group(group)

    def evaluator(self, module: nn.Module, is_last: bool) -> Callable[..., Any]:
        return self.ddp if is_last else self._without_sync

    def _without_sync(self, *args: object, **kwargs: object) -> Any:
        with self.ddp.no_sync():
            return self.ddp(*args, **kwargs)

    def share(self, loss: Tensor, part: Batch, batch: Batch, reduction: str) -> Tensor:
        assert isinstance(batch, _Share)
        loss = super().share(loss, part, batch, reduction)
        own = batch.n_own / batch.n_all if reduction == "mean" else batch.n_own > 0
        return loss * (self.size * own)  # the mean over ranks becomes a sum

    def n_windows(self, batch: Batch) -> int:
        return batch.n_all if isinstance(batch, _Share) else super().n_windows(batch)

    def total(self, loss: Tensor) -> Tensor:
        dist.all_reduce(loss, group=self.group)
        return loss / self.size

    def same(self, values: Tensor) -> Tensor:
        values = values.to(self.device)
        dist.broadcast(values, 0, group=self.group)
        return values

    def all_go_on(self, goes_on: bool) -> bool:
        if self.is_going:  # else the other ranks know
            flag = torch.tensor(float(goes_on), device=self.device)
            self.is_going = bool(self.total(flag) == 1)
        return self.is_going

    def check_same(self, values: list[float]) -> None:
        """Raise a ValueError on all ranks if the values of the ranks differ."""
        own = torch.tensor(values, dtype=torch.float64, device=self.device)
        differs = ~torch.isclose(own, self.same(own.clone()), rtol=RTOL)
        if self.total(differs.any().float()):
            raise ValueError(
                "The ranks have different windows, targets or parameters: run the same "
                "script with all rows on every rank, as DataParallel splits each batch."
            )


class _Share(Batch):
    """The windows of a batch that a rank computes; at least one, if only with weight 0.

    ``n_own`` is their number, ``n_all`` the number in the batch of all ranks.
    """

    n_own: int
    n_all: int


class _Shares(Batches):
    """The share of a rank in each batch of all ranks, in the order of rank 0."""

    def __init__(
        self, dataset: WindowDataset, batch_size: int, shuffle: bool, *, ranks: _Ranks
    ) -> None:
        super().__init__(dataset, batch_size, shuffle)
        self.ranks = ranks

    def __iter__(self) -> Iterator[Batch]:
        n, rank, size = len(self.dataset), self.ranks.rank, self.ranks.size
        order = torch.randperm(n) if self.shuffle else torch.arange(n)
        order = self.ranks.same(order).to(self.dataset.rows.device)
        for where in torch.split(order, self.sizes):
            n_all = len(where)
            own = where[n_all * rank // size : n_all * (rank + 1) // size]
            # Each rank takes part in each step, if only with a gradient of 0.
            batch = self.dataset[own if len(own) else where[:1]]
            share = _Share(batch, batch.weights)
            share.n_own, share.n_all = len(own), n_all
            yield share


@contextmanager
def _shared(net: Net, dataset: WindowDataset) -> Iterator[None]:
    """Let `net` share the steps of its training with the other ranks."""
    ranks = _Ranks(_new_group(net.device), net.device)
    net.processes_ = ranks
    try:
        ranks.check_same(fingerprint(net, dataset))
        ranks.begin(net.module_)
        net.iterator_train = partial(_Shares, ranks=ranks)
        yield
    except RuntimeError as error:
        if not _is_lost_connection(error):
            raise
        traceback.clear_frames(error.__traceback__)  # they refer to the group
        raise RuntimeError(
            f"Rank {ranks.rank} of {ranks.size} cannot go on, as another rank has "
            "ended its training, by an error or with its process: see the output of "
            "that rank."
        ) from error
    finally:
        net.iterator_train = Batches
        del net.processes_
        ranks.close()


def _is_launched() -> bool:
    """Say whether torchrun, or a launcher like it, has started this process itself."""
    is_main = multiprocessing.parent_process() is None
    return is_main and all(name in os.environ for name in LAUNCHED)


def _new_group(device: torch.device) -> Any:
    """Return a process group of one fit, with all ranks.

    gloo tells the other ranks that one has failed as soon as the group of its fit is
    destroyed, and the next fit can begin with a group of its own.
    """
    on_cpu = device.type == "cpu"
    if dist.is_initialized():
        return dist.new_group(backend="gloo" if on_cpu else None)
    store, rank, size = _rendezvous()
    hook = sys.excepthook
    dist.init_process_group(
        "gloo" if on_cpu else "nccl",
        store=dist.PrefixStore(f"sktsdl/{next(_FITS)}", store),
        rank=rank,
        world_size=size,
    )
    sys.excepthook = hook  # torch adds a hook for each group
    return dist.group.WORLD


@cache
def _rendezvous() -> tuple[Any, int, int]:
    """Return the store of the launcher, the rank and the number of ranks."""
    store, rank, size = next(dist.rendezvous("env://"))
    return store, rank, size


def _check(net: Net) -> None:
    """Raise a ValueError if the ranks cannot train `net` together."""
    if net.device.type not in ("cpu", "cuda"):
        raise ValueError(
            f"DataParallel trains on 'cpu' and 'cuda', and device={str(net.device)!r}: "
            "set device='cpu', or leave the callback out."
        )
    if any(isinstance(layer, nn.BatchNorm1d) for layer in net.module_.modules()):
        raise ValueError(
            "DataParallel cannot train a net with norm='batch', whose statistics are "
            "of a whole batch: use norm='layer'."
        )
    for name, scoring in net.callbacks_:
        reads_batches = isinstance(scoring, BatchScoring) or (
            isinstance(scoring, EpochScoring) and scoring.use_caching
        )
        if reads_batches and scoring.on_train:
            raise ValueError(
                f"The callback {name!r} scores the outputs of training batches, and "
                "each rank has a share of them: use EpochScoring(..., on_train=True, "
                "use_caching=False)."
            )


def _is_lost_connection(error: RuntimeError) -> bool:
    return isinstance(error, dist.DistError) or "gloo" in str(error)
