"""skorch's net, and the behaviour of skorch that is replaced.

skorch gives the loop over epochs, the callback protocol, the history and the
checkpoints. These methods are replaced, in the order in which a training calls them:

- `initialize`: sets the attributes of this class.
- `partial_fit`: leaves the contexts that callbacks have entered, also after an error.
- `fit_loop`: keeps a user's interrupt apart from the stop of a callback, which skorch
  takes for the same.
- `on_train_begin`, `on_train_end`: forget which callbacks listen to batches, and end
  the training in all processes alike.
- `on_epoch_begin`: ends the training if a scikit-learn callback or another process has
  asked for it.
- `run_single_epoch`: does not wait for the loss of each batch, which an accelerator
  computes later; records losses in the units of the target.
- `notify`: calls only the callbacks that do something in a batch; calls all callbacks
  at the end of the last epoch, which an early stop would prevent; drops the history of
  batches when no callback needs it any more.
- `on_batch_begin`: records the learning rate of each step.
- `train_step_single`, `validation_step`: micro-batches, weights, errors in units of the
  window, teacher forcing and autocast.
- `processes_`: what the steps share with other processes, see `OneProcess`.
- `get_dataset`: takes a tensor of windows, which a scoring callback predicts.
- `_set_training`, `_zero_grad_optimizer`, `_step_optimizer`: without the costs that
  skorch and torch have in every batch; with a gradient scaler for fp16.
- `__getstate__`, `__setstate__`: a pickle holds each weight once, nothing of other
  processes, and is read where its device is not.
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any, Self

import torch
from skorch import NeuralNetRegressor
from torch import Tensor

from sktsdl._layers.window_norm import LossScale
from sktsdl._training.batches import Batch, Batches, WindowDataset
from sktsdl._training.callbacks import has_stopped, overridden
from sktsdl._training.device import compact, is_available, low_precision, own_buffers
from sktsdl._training.processes import OneProcess

PER_BATCH = ("on_batch_begin", "on_grad_computed", "on_batch_end")


class TrainingStopped(Exception):
    """A callback has asked for the end of training."""


class Net(NeuralNetRegressor):
    """skorch's net with micro-batches, weights, and a memory of interrupts.

    Parameters
    ----------
    micro_batch_size : int
        Windows that are computed at once; a larger batch is one step of the optimizer,
        with the sum of their gradients.
    n_planned_epochs : int
        Epochs over which the teacher forcing of a decoder falls to 0.
    reduction : {"mean", "sum"}
        How the losses of all targets become one number.
    autocast_dtype : torch.dtype or None
        The dtype of autocast.
    loss_factor : float
        Recorded losses are multiplied by it.
    loss_scale : {"target", "window"}
        Whether errors are divided by the scales that the module gives in
        ``forward(with_scales=True)``.
    **kwargs : dict
        Parameters of skorch's net.
    """

    processes_ = OneProcess()

    def __init__(
        self,
        *args: object,
        micro_batch_size: int,
        n_planned_epochs: int,
        reduction: str,
        autocast_dtype: torch.dtype | None,
        loss_factor: float,
        loss_scale: LossScale,
        **kwargs: object,
    ) -> None:
        self.micro_batch_size = micro_batch_size
        self.n_planned_epochs = n_planned_epochs
        self.reduction = reduction
        self.autocast_dtype = autocast_dtype
        self.loss_factor = loss_factor
        self.loss_scale = loss_scale
        super().__init__(*args, **kwargs)

    def initialize(self) -> Self:
        super().initialize()
        self.lr_curve_: list[float] = []
        self.is_stopped_ = False
        self.has_optimizer_state_ = True  # not after `load`
        self.interrupt_: KeyboardInterrupt | None = None
        self.scaler_ = self._new_scaler()
        return self

    def _new_scaler(self) -> torch.amp.GradScaler:
        is_scaled = self.autocast_dtype == torch.float16
        return torch.amp.GradScaler(self.device.type, enabled=is_scaled)

    def partial_fit(self, *args: object, **kwargs: object) -> Self:
        with ExitStack() as self.contexts_:
            super().partial_fit(*args, **kwargs)
        del self.contexts_
        return self

    def fit_loop(self, *args: object, **kwargs: object) -> Self:
        try:
            return super().fit_loop(*args, **kwargs)
        except TrainingStopped:
            return self
        except KeyboardInterrupt as interrupt:
            state, self.scaler_ = self.scaler_.state_dict(), self._new_scaler()
            self.scaler_.load_state_dict(state)  # without the interrupted step
            # skorch's early stopping, ours or a user's, raises one to stop.
            if not any(map(has_stopped, dict(self.callbacks_).values())):
                self.interrupt_ = interrupt
                # Callbacks at the end of training read the last whole epoch.
                if len(self.history) > 1 and "train_loss" not in self.history[-1]:
                    del self.history[-1]
            return self

    def on_train_begin(self, *args: object, **kwargs: object) -> None:
        super().on_train_begin(*args, **kwargs)
        self._batch_methods: dict[str, list[Callable[..., object]]] = {}

    def on_train_end(self, *args: object, **kwargs: object) -> None:
        super().on_train_end(*args, **kwargs)
        if self.interrupt_ is None:
            self.processes_.end()
        del self._batch_methods

    def on_epoch_begin(self, *args: object, **kwargs: object) -> None:
        if not self.processes_.all_go_on(not self.is_stopped_):
            raise TrainingStopped
        super().on_epoch_begin(*args, **kwargs)

    def run_single_epoch(
        self,
        iterator: Iterable[Batch] | None,
        training: bool,
        prefix: str,
        step_fn: Callable[..., dict[str, Tensor]],
        **params: object,
    ) -> None:
        """Pass over the batches once, as skorch does, and never wait for a loss."""
        if iterator is None:
            return
        name, is_delayed = f"{prefix}_loss", self.device.type != "cpu"
        n_batches = 0
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **params)
            loss = step["loss"].detach()
            self.history.record_batch(
                name, loss if is_delayed else loss.item() * self.loss_factor
            )
            n_windows = self.processes_.n_windows(batch)
            self.history.record_batch(f"{prefix}_batch_size", n_windows)
            self.notify("on_batch_end", batch=batch, training=training, **step)
            n_batches += 1
        self.history.record(f"{prefix}_batch_count", n_batches)
        if is_delayed:
            rows = [row for row in self.history[-1, "batches"] if name in row]
            losses = torch.stack([row[name] for row in rows]).tolist()
            for row, loss in zip(rows, losses, strict=True):
                row[name] = loss * self.loss_factor

    def notify(self, method_name: str, **kwargs: object) -> None:
        if method_name in PER_BATCH:
            getattr(self, method_name)(self, **kwargs)
            methods = self._batch_methods
            if method_name not in methods:
                methods[method_name] = overridden(method_name, self.callbacks_)
            for method in methods[method_name]:
                method(self, **kwargs)
            return
        if method_name != "on_epoch_end":
            super().notify(method_name, **kwargs)
            if method_name in ("on_epoch_begin", "on_train_end"):
                # Records of batches would outgrow the rows; checkpoints read the last.
                for epoch in self.history[-2:]:
                    if "train_loss" in epoch:
                        del epoch.get("batches", [])[:-1]
            return
        # skorch's early stopping raises, and all callbacks need the last epoch.
        stops = []
        for callback in (self, *dict(self.callbacks_).values()):
            try:
                callback.on_epoch_end(self, **kwargs)
            except KeyboardInterrupt as stop:
                stops.append(stop)
        if stops:
            raise stops[0]

    def on_batch_begin(self, *args: object, training: bool, **kwargs: object) -> None:
        super().on_batch_begin(*args, training=training, **kwargs)
        if training:
            self.lr_curve_.append(float(self.optimizer_.param_groups[0]["lr"]))

    def train_step_single(
        self, batch: Batch, **fit_params: object
    ) -> dict[str, Tensor]:
        self._set_training(True)
        parts = batch.split(self.micro_batch_size)
        losses, outputs = [], []
        for part in parts:
            evaluate = self.processes_.evaluator(self.module_, part is parts[-1])
            forcing = self._teacher_forcing(part.targets)
            with low_precision(self.device, self.autocast_dtype):
                output, scales = self._outputs(evaluate, part, **fit_params, **forcing)
            loss = part.loss(self.criterion_, output, scales, self.reduction)
            loss = self.processes_.share(loss, part, batch, self.reduction)
            scaled: Any = self.scaler_.scale(loss)
            scaled.backward()
            losses.append(loss.detach())
            outputs.append(output.detach())
        self.scaler_.unscale_(self.optimizer_)
        loss = losses[0] if len(losses) == 1 else torch.stack(losses).sum()
        output = outputs[0] if len(outputs) == 1 else torch.cat(outputs)
        return {"loss": self.processes_.total(loss), "y_pred": output}

    def validation_step(self, batch: Batch, **fit_params: object) -> dict[str, Tensor]:
        self._set_training(False)
        with torch.no_grad():
            output, scales = self._outputs(self.infer, batch, **fit_params)
            loss = batch.loss(self.criterion_, output, scales, self.reduction)
            return {"loss": self.processes_.same(loss), "y_pred": output}

    def get_dataset(self, X: Any, y: object = None) -> Any:
        if isinstance(X, Tensor):
            n, window, _ = X.shape
            starts = torch.arange(0, n * window, window, device=X.device)
            return WindowDataset(X.flatten(0, 1), starts, window)
        return super().get_dataset(X, y)

    def _teacher_forcing(self, targets: Tensor) -> dict[str, object]:
        """Return what a decoder needs to continue from the true targets."""
        if not getattr(self.module_, "takes_targets", False):
            return {}
        progress = min(1.0, (len(self.history) - 1) / self.n_planned_epochs)
        return {"targets": targets, "progress": progress}

    def _outputs(
        self, evaluate: Callable[..., Any], batch: Batch, **params: object
    ) -> tuple[Tensor, Tensor | None]:
        """Return outputs and the scale of each, None if it is 1."""
        if self.loss_scale == "target":
            return evaluate(batch.windows, **params).float(), None
        output, scales = evaluate(batch.windows, with_scales=True, **params)
        return output.float(), scales

    def _set_training(self, training: bool = True) -> None:
        if self.module_.training != training:  # skorch sets it in every batch
            super()._set_training(training)

    def _zero_grad_optimizer(self, set_to_none: bool | None = None) -> None:
        for group in self.optimizer_.param_groups:  # torch's way also informs profilers
            for weight in group["params"]:
                weight.grad = None

    def _step_optimizer(self, step_fn: Callable[[], object]) -> None:
        if self.scaler_.is_enabled():
            step_fn()
            self.scaler_.step(self.optimizer_)
            self.scaler_.update()
        else:
            super()._step_optimizer(step_fn)

    def __getstate__(self) -> dict[str, Any]:
        # skorch moves module_ and criterion_ to a device that is there when they are
        # read; what they were made from are the same objects and would stay behind.
        with own_buffers(self.module_):
            state: dict[str, Any] = super().__getstate__()
        if state.pop("processes_", None) is not None:  # a checkpoint in training
            state |= {"contexts_": None, "iterator_train": Batches}
        for name in ("module", "criterion"):
            if state[name] is vars(self).get(f"{name}_"):
                state[name] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if not is_available(state["device"]):
            state = state | {"device": torch.device("cpu")}
        super().__setstate__(state)
        compact(self.module_)
        for name in ("module", "criterion"):
            if getattr(self, name) is None:
                setattr(self, name, getattr(self, f"{name}_"))
