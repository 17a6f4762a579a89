"""The skorch net inside every regressor."""

from typing import Any

import torch
from skorch import NeuralNetRegressor
from skorch.callbacks import EarlyStopping
from torch import Tensor

from sktsdl._batches import batch_sizes


class TrainingStopped(Exception):
    """A callback's stop: the end of training and no error."""


class Net(NeuralNetRegressor):
    """skorch's net, with steps in parts, weights, and interrupts that are not lost.

    Parameters
    ----------
    part_size : int
        Windows that are back-propagated at once; a batch of more is one step of the
        optimizer, by the sum of their gradients.
    autocast_dtype : torch.dtype or None
        What autocast computes in.
    **kwargs : dict
        Those of skorch.
    """

    def __init__(
        self,
        *args: Any,
        part_size: int,
        autocast_dtype: torch.dtype | None,
        **kwargs: Any,
    ) -> None:
        self.part_size = part_size
        self.autocast_dtype = autocast_dtype
        super().__init__(*args, **kwargs)

    def initialize(self) -> Any:
        super().initialize()
        self.lr_curve_: list[float] = []
        self.is_stopped_ = False
        self.interrupt_: KeyboardInterrupt | None = None
        scaled = self.autocast_dtype == torch.float16
        self.scaler_ = torch.amp.GradScaler(self.device.type, enabled=scaled)
        return self

    def on_epoch_begin(self, *args: Any, **kwargs: Any) -> None:
        if self.is_stopped_:
            raise TrainingStopped
        super().on_epoch_begin(*args, **kwargs)

    def on_batch_begin(self, *args: Any, training: bool, **kwargs: Any) -> None:
        super().on_batch_begin(*args, training=training, **kwargs)
        if training:
            self.lr_curve_.append(self.optimizer_.param_groups[0]["lr"])

    def train_step_single(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        self._set_training(True)
        windows, targets = batch
        sizes = batch_sizes(len(windows), self.part_size)
        is_mean = getattr(self.criterion_, "reduction", "mean") != "sum"
        total: Any = 0.0
        answers = []
        for x, *y in zip(
            windows.split(sizes), *(part.split(sizes) for part in targets), strict=True
        ):
            if getattr(self.module_, "takes_targets", False):
                done = (len(self.history) - 1) / self.end_epoch_
                fit_params = {**fit_params, "targets": y[0], "progress": done}
            with torch.autocast(
                self.device.type,
                dtype=self.autocast_dtype,
                enabled=self.autocast_dtype is not None,
            ):
                answer = self.infer(x, **fit_params).float()
            loss = self.get_loss(answer, y, X=x, training=True)
            if is_mean and len(sizes) > 1:
                loss = loss * (len(x) / len(windows))
            self.scaler_.scale(loss).backward()
            total += loss.detach()
            answers.append(answer)
        self.scaler_.unscale_(self.optimizer_)
        return {"loss": total, "y_pred": torch.cat(answers)}

    def get_loss(self, y_pred: Tensor, y_true: Any, *args: Any, **kwargs: Any) -> Any:
        targets, *weights = y_true
        loss = super().get_loss(y_pred, targets, *args, **kwargs)
        if weights:
            if loss.shape != targets.shape:
                raise ValueError(
                    f"loss={self.criterion_!r} gives no value for each target, as "
                    "sample_weight needs: leave it out, or use another loss."
                )
            loss = loss * weights[0]
        return loss.mean() if loss.ndim else loss

    def _step_optimizer(self, step_fn: Any) -> None:
        if self.scaler_.is_enabled():
            step_fn()
            self.scaler_.step(self.optimizer_)
            self.scaler_.update()
        else:
            super()._step_optimizer(step_fn)

    def fit_loop(self, *args: Any, **kwargs: Any) -> Any:
        self.end_epoch_ = len(self.history) + self.max_epochs
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
