"""Callbacks of every training: stability, schedules, early stopping, progress."""

import copy
import math
import sys
from types import SimpleNamespace
from typing import Any

import torch
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from torch import nn
from tqdm.auto import tqdm

# What a schedule has come to, apart from what it is set to.
STATE = {
    "last_epoch",
    "_step_count",
    "_last_lr",
    "best",
    "num_bad_epochs",
    "cooldown_counter",
}


class FiniteLoss(Callback):
    """Ends training with an error once loss or weights are no numbers any more."""

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        loss = net.history[-1, "train_loss"]
        weights = [weight.isfinite().all() for weight in net.module_.parameters()]
        if not (math.isfinite(loss) and torch.stack(weights).all()):
            raise FloatingPointError(
                f"Training diverged in epoch {len(net.history)}, at a loss of {loss} "
                f"with lr={net.lr}: use a smaller `lr`, or a smaller `clip_grad_norm`."
            )


class LossUnits(Callback):
    """Records losses in the units of the target.

    Parameters
    ----------
    unit : float
        That of the loss.
    """

    def __init__(self, unit: float) -> None:
        self.unit = unit

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        for name in ("train_loss", "valid_loss"):
            if name in net.history[-1]:
                net.history.record(name, net.history[-1, name] * self.unit)


class GradientValueClipping(Callback):
    """Clips each element of the gradient.

    Parameters
    ----------
    clip_value : float
        The largest absolute value.
    """

    def __init__(self, clip_value: float) -> None:
        self.clip_value = clip_value

    def on_grad_computed(self, net: Any, named_parameters: Any, **kwargs: Any) -> None:
        weights = (weight for _, weight in named_parameters)
        nn.utils.clip_grad_value_(weights, self.clip_value)


class WarmUp:
    r"""The share of `lr` at each step of the Transformer's schedule.

    .. math:: \sqrt{w} \, \min(t^{-1/2}, t \, w^{-3/2})

    which is Vaswani et al. (2017), eq. (3), with a peak of 1 at :math:`t = w`.

    Parameters
    ----------
    n_steps : int
        The steps :math:`w` of the rise.
    """

    def __init__(self, n_steps: int) -> None:
        self.n_steps = n_steps

    def __call__(self, n_done: int) -> float:
        share = (n_done + 1) / self.n_steps
        return min(share**-0.5, share)


class Schedule(LRScheduler):
    """skorch's scheduler, which can go on from where another one ended."""

    lr_scheduler_: Any
    state_: dict[str, Any] | None = None

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        super().on_train_begin(net, **kwargs)
        if self.state_ is not None:
            kept = {name: self.state_[name] for name in STATE & self.state_.keys()}
            self.lr_scheduler_.load_state_dict(self.lr_scheduler_.state_dict() | kept)
            rates = self.lr_scheduler_.get_last_lr()
            for group, lr in zip(net.optimizer_.param_groups, rates, strict=True):
                group["lr"] = lr

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        self.state_ = self.lr_scheduler_.state_dict()
        self.lr_scheduler_ = None  # it would hold the optimizer a second time


class Stopper(EarlyStopping):
    """skorch's early stopping, which can go on from where another one ended.

    Beside the best weights, which the net has in the end, it keeps the last ones.
    """

    last_weights_: dict[str, Any] | None = None
    previous_: "Stopper | None" = None

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        super().on_train_begin(net, **kwargs)
        if self.previous_ is not None:
            for name in ("misses_", "dynamic_threshold_", "best_epoch_"):
                setattr(self, name, getattr(self.previous_, name))
            self.best_model_weights_ = copy.deepcopy(net.module_.state_dict())
            net.module_.load_state_dict(self.previous_.last_weights_)
            self.previous_ = None

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        # On the CPU, where a pickled net can be read whatever it was trained on.
        self.last_weights_ = {
            name: weight.detach().to("cpu", copy=True)
            for name, weight in net.module_.state_dict().items()
        }
        super().on_train_end(net, **kwargs)
        self.best_model_weights_ = None


class Progress(Callback):
    """One bar for a fit, or a line for each epoch where stderr is no terminal.

    Parameters
    ----------
    name : str
        What is fitted.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        self.end_ = len(net.history) + net.max_epochs
        self.bar_ = tqdm(
            desc=self.name,
            initial=len(net.history),
            total=self.end_,
            unit="epoch",
            disable=not sys.stderr.isatty(),
        )

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        last = net.history[-1]
        losses = {
            name: f"{last[name]:.4g}"
            for name in ("train_loss", "valid_loss")
            if name in last
        }
        if self.bar_.disable:
            told = ", ".join(f"{name} {loss}" for name, loss in losses.items())
            line = f"{self.name}: epoch {len(net.history)} of {self.end_}, {told}"
            tqdm.write(line, file=sys.stderr)
        self.bar_.set_postfix(losses, refresh=False)
        self.bar_.update()

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        self.bar_.close()


class ScikitLearnCallbacks(Callback):
    """Tells scikit-learn's callbacks of a regressor about each epoch of its net.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext
        That of the fit.
    task : dict
        What each of its tasks is given: `estimator`, `X`, `y` and `metadata`.
    """

    def __init__(self, context: Any, task: dict[str, Any]) -> None:
        self.context = context
        self.task = task

    @classmethod
    def of(
        cls, estimator: Any, n_epochs: int, X: Any, y: Any, sample_weight: Any
    ) -> list["ScikitLearnCallbacks"]:
        """Begin a fit of `n_epochs` epochs; the list is empty without callbacks."""
        if not getattr(estimator, "_skl_callbacks", ()):
            return []
        weights = {"sample_weight": sample_weight}
        metadata = None if sample_weight is None else weights
        task = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        context = estimator._init_callback_context(max_subtasks=n_epochs)
        context.call_on_fit_task_begin(**task)
        return [cls(context, task)]

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        self.epoch_ = self.context.subcontext(task_name="epoch")
        self.epoch_.call_on_fit_task_begin(**self.task)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        def as_if_ended() -> dict[str, Any]:
            return {"net_": SimpleNamespace(module_=copy.deepcopy(net.module_).eval())}

        net.is_stopped_ |= self.epoch_.call_on_fit_task_end(
            **self.task, reconstruction_attributes=as_if_ended
        )

    def end(self) -> None:
        """Tell that the fit has ended."""
        net = self.task["estimator"].net_
        self.context.call_on_fit_task_end(
            **self.task, reconstruction_attributes={"net_": net}
        )
