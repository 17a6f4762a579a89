"""The skorch net inside every regressor."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from skorch import NeuralNetRegressor
from skorch.callbacks import Callback, EarlyStopping
from torch import Tensor

from sktsdl._training.batches import Batch, batch_sizes

PER_BATCH = ("on_batch_begin", "on_grad_computed", "on_batch_end")


class TrainingStopped(Exception):
    """A callback's stop: the end of training and no error."""


class Net(NeuralNetRegressor):
    """skorch's net, with steps in parts, weights, and interrupts that are not lost.

    Parameters
    ----------
    part_size : int
        Windows that are back-propagated at once; a batch of more is one step of the
        optimizer, by the sum of their gradients.
    n_planned : int
        Epochs over which a decoder's teacher forcing falls to 0.
    reduction : {"mean", "sum"}
        What the loss is of its values for each target.
    autocast_dtype : torch.dtype or None
        What autocast computes in.
    **kwargs : dict
        Those of skorch.
    """

    def __init__(
        self,
        *args: Any,
        part_size: int,
        n_planned: int,
        reduction: str,
        autocast_dtype: torch.dtype | None,
        **kwargs: Any,
    ) -> None:
        self.part_size = part_size
        self.n_planned = n_planned
        self.reduction = reduction
        self.autocast_dtype = autocast_dtype
        super().__init__(*args, **kwargs)

    def initialize(self) -> Any:
        super().initialize()
        self.lr_curve_: list[float] = []
        self.is_stopped_ = False
        self.is_restored_ = False  # from a file without the optimizer's state
        self.interrupt_: KeyboardInterrupt | None = None
        scaled = self.autocast_dtype == torch.float16
        self.scaler_ = torch.amp.GradScaler(self.device.type, enabled=scaled)
        return self

    def __getstate__(self) -> dict[str, Any]:
        # skorch takes module_ and criterion_ to a device that is there when they are
        # read; what they were made from is the same objects and would stay behind.
        state: dict[str, Any] = super().__getstate__()
        for name in ("module", "criterion"):
            if state[name] is vars(self).get(f"{name}_"):
                state[name] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for name in ("module", "criterion"):
            if getattr(self, name) is None:
                setattr(self, name, getattr(self, f"{name}_"))

    def on_epoch_begin(self, *args: Any, **kwargs: Any) -> None:
        if self.is_stopped_:
            raise TrainingStopped
        super().on_epoch_begin(*args, **kwargs)

    def on_batch_begin(self, *args: Any, training: bool, **kwargs: Any) -> None:
        super().on_batch_begin(*args, training=training, **kwargs)
        if training:
            self.lr_curve_.append(float(self.optimizer_.param_groups[0]["lr"]))

    def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
        super().on_train_begin(*args, **kwargs)
        self._told_of_batches: dict[str, list[Any]] = {}

    def on_train_end(self, *args: Any, **kwargs: Any) -> None:
        super().on_train_end(*args, **kwargs)
        del self._told_of_batches

    def _listeners(self, method_name: str) -> list[Any]:
        """Return the methods of the callbacks that do anything."""
        if method_name not in self._told_of_batches:
            nothing = getattr(Callback, method_name)
            self._told_of_batches[method_name] = [
                getattr(callback, method_name)
                for _, callback in self.callbacks_
                if getattr(type(callback), method_name) is not nothing
            ]
        return self._told_of_batches[method_name]

    def _zero_grad_optimizer(self, set_to_none: bool | None = None) -> None:
        for group in self.optimizer_.param_groups:  # torch's way tells profilers of it
            for weight in group["params"]:
                weight.grad = None

    def _set_training(self, training: bool = True) -> None:
        if self.module_.training != training:  # skorch asks at every batch
            super()._set_training(training)

    def notify(self, method_name: str, **kwargs: Any) -> None:
        if method_name in PER_BATCH:
            getattr(self, method_name)(self, **kwargs)
            for tell in self._listeners(method_name):
                tell(self, **kwargs)
            return
        if method_name != "on_epoch_end":
            super().notify(method_name, **kwargs)
            return
        # skorch's early stopping raises, and all are to be told of the last epoch.
        stops = []
        for told in (self, *dict(self.callbacks_).values()):
            try:
                told.on_epoch_end(self, **kwargs)
            except KeyboardInterrupt as stop:
                stops.append(stop)
        self.history[-1, "batches"].clear()  # they would outgrow the rows
        if stops:
            raise stops[0]

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **params: Any
    ) -> None:
        """Pass over the batches once, as skorch does, and never wait for a loss."""
        if iterator is None:
            return
        name, waits = f"{prefix}_loss", self.device.type != "cpu"
        n_batches = 0
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **params)
            loss = step["loss"].detach()
            self.history.record_batch(name, loss if waits else loss.item())
            self.history.record_batch(f"{prefix}_batch_size", len(batch[0]))
            self.notify("on_batch_end", batch=batch, training=training, **step)
            n_batches += 1
        self.history.record(f"{prefix}_batch_count", n_batches)
        if waits:
            rows = [row for row in self.history[-1, "batches"] if name in row]
            losses = torch.stack([row[name] for row in rows]).tolist()
            for row, loss in zip(rows, losses, strict=True):
                row[name] = loss

    def train_step_single(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        self._set_training(True)
        windows = batch[0]
        whole = [*batch] if batch.weights is None else [*batch, batch.weights]
        sizes = batch_sizes(len(windows), self.part_size)
        parts: Any = [whole]
        if len(sizes) > 1:
            parts = zip(*(torch.split(part, sizes) for part in whole), strict=True)
        losses, answers = [], []
        for x, y, *weights in parts:
            if getattr(self.module_, "takes_targets", False):
                done = min(1.0, (len(self.history) - 1) / self.n_planned)
                fit_params = {**fit_params, "targets": y, "progress": done}
            with self._precision():
                answer = self.module_(x, **fit_params).float()
            loss = self._loss(answer, y, *weights)
            if self.reduction == "mean" and len(sizes) > 1:
                loss = loss * (len(x) / len(windows))
            self.scaler_.scale(loss).backward()
            losses.append(loss.detach())
            answers.append(answer.detach())
        self.scaler_.unscale_(self.optimizer_)
        if len(sizes) == 1:
            return {"loss": losses[0], "y_pred": answers[0]}
        return {"loss": torch.stack(losses).sum(), "y_pred": torch.cat(answers)}

    def validation_step(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        self._set_training(False)
        windows, targets = batch
        weights = () if batch.weights is None else (batch.weights,)
        with torch.no_grad():
            answer = self.infer(windows, **fit_params)
            return {"loss": self._loss(answer, targets, *weights), "y_pred": answer}

    def _loss(self, answer: Tensor, targets: Tensor, *weights: Tensor) -> Any:
        loss = self.criterion_(answer, targets)
        if weights:
            if loss.shape != targets.shape:
                raise ValueError(
                    f"loss={self.criterion_!r} gives no value for each target, as "
                    "sample_weight needs: leave it out, or use another loss."
                )
            loss = loss * weights[0]
        if loss.ndim:
            loss = loss.sum() if self.reduction == "sum" else loss.mean()
        return loss

    def _precision(self) -> AbstractContextManager[Any]:
        if self.autocast_dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.autocast_dtype)

    def _step_optimizer(self, step_fn: Any) -> None:
        if self.scaler_.is_enabled():
            step_fn()
            self.scaler_.step(self.optimizer_)
            self.scaler_.update()
        else:
            super()._step_optimizer(step_fn)

    def fit_loop(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().fit_loop(*args, **kwargs)
        except TrainingStopped:
            return self
        except KeyboardInterrupt as interrupt:
            # skorch's early stopping, ours or a user's, stops by raising one.
            if not any(map(_has_stopped, dict(self.callbacks_).values())):
                self.interrupt_ = interrupt
            return self


def _has_stopped(callback: Any) -> bool:
    return isinstance(callback, EarlyStopping) and callback.misses_ >= callback.patience
