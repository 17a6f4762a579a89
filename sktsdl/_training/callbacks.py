"""Callbacks of every training: stability, schedules, early stopping, progress."""

import copy
import math
import sys
from collections.abc import Callable, Iterable
from functools import partial
from types import SimpleNamespace
from typing import Any, Self

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from skorch.callbacks.scoring import ScoringBase
from torch import Tensor, nn
from tqdm import tqdm

from sktsdl._training.config import Decode
from sktsdl._training.device import compact

# The state of a schedule, apart from its settings.
SCHEDULE_STATE = {
    "last_epoch",
    "_step_count",
    "_last_lr",
    "best",
    "num_bad_epochs",
    "cooldown_counter",
}


def is_terminal() -> bool:
    """Say whether stderr is a terminal, also if it is missing or replaced."""
    is_tty = getattr(sys.stderr, "isatty", None)
    return is_tty is not None and bool(is_tty())


def in_units(decode: Decode, values: Tensor) -> Tensor:
    """Return outputs or targets, those of the last step, as `decode` does for arrays.

    (batch, outputs) or (batch, steps, outputs) -> (batch, targets)
    """
    values = values[:, -1] if values.ndim == 3 else values
    return torch.from_numpy(decode(values.detach().cpu().double().numpy()))


def check_callbacks(callbacks: Any) -> None:
    """Raise a TypeError if the parameter `callbacks` holds anything else."""
    if isinstance(callbacks, Callback):
        raise TypeError("callbacks is one callback: put it in a list.")
    for callback in callbacks or ():
        if not isinstance(callback, Callback):
            raise TypeError(
                f"callbacks holds {callback!r}, which is not an instance of a skorch "
                "callback."
            )


def own_copy(callback: Callback, decode_targets: Decode) -> Callback:
    """Return a callback for one fit, which scores in the units of the target.

    The copy is shallow: it shares what the callback reports to, such as a trial or a
    writer.
    """
    copied = copy.copy(callback)
    if isinstance(copied, ScoringBase):
        copied.target_extractor = partial(
            _extract, decode_targets, copied.target_extractor
        )
    return copied


def overridden(
    name: str, callbacks: Iterable[tuple[str, Callback]]
) -> list[Callable[..., object]]:
    """Return the methods `name` of the callbacks that override it."""
    nothing = getattr(Callback, name)
    return [
        getattr(callback, name)
        for _, callback in callbacks
        if getattr(type(callback), name) is not nothing
    ]


def has_stopped(callback: Callback) -> bool:
    """Say whether a callback is an early stopping that has ended the training."""
    return isinstance(callback, EarlyStopping) and callback.misses_ >= callback.patience


def _extract(
    decode_targets: Decode, extract: Callable[[Tensor], Any], targets: Tensor
) -> Any:
    return extract(in_units(decode_targets, targets))


class FiniteLoss(Callback):
    """Ends training with an error as soon as a loss or weight is not finite."""

    def on_epoch_end(self, net: NeuralNet, **kwargs: object) -> None:
        loss = net.history[-1, "train_loss"]
        weights = [weight.detach().flatten() for weight in net.module_.parameters()]
        if not (math.isfinite(loss) and torch.cat(weights).isfinite().all()):
            raise FloatingPointError(
                f"Training diverged in epoch {len(net.history)}, at a loss of {loss} "
                f"with lr={net.lr}: use a smaller `lr`, or a smaller `clip_grad_norm`."
            )


class GradientValueClipping(Callback):
    """Clips each element of the gradient.

    Parameters
    ----------
    clip_value : float
        The largest absolute value.
    """

    def __init__(self, clip_value: float) -> None:
        self.clip_value = clip_value

    def on_grad_computed(
        self,
        net: NeuralNet,
        named_parameters: Iterable[tuple[str, Tensor]],
        **kwargs: object,
    ) -> None:
        weights = (weight for _, weight in named_parameters)
        nn.utils.clip_grad_value_(weights, self.clip_value)


class WarmUp:
    r"""The factor of `lr` at each step of the schedule of the Transformer.

    .. math:: \sqrt{w} \, \min(t^{-1/2}, t \, w^{-3/2})

    as in Vaswani et al. (2017), eq. (3), scaled to a peak of 1 at :math:`t = w`.

    Parameters
    ----------
    n_steps : int
        The number of steps :math:`w` until the peak.
    """

    def __init__(self, n_steps: int) -> None:
        self.n_steps = n_steps

    def __call__(self, n_done: int) -> float:
        share = (n_done + 1) / self.n_steps
        return min(share**-0.5, share)


class ResumableLRScheduler(LRScheduler):
    """skorch's scheduler, which can continue where another one ended."""

    lr_scheduler_: Any
    state_: dict[str, Any] | None = None

    def on_train_begin(self, net: NeuralNet, **kwargs: object) -> None:
        super().on_train_begin(net, **kwargs)
        if self.state_ is not None:
            done = {
                name: self.state_[name] for name in SCHEDULE_STATE & self.state_.keys()
            }
            self.lr_scheduler_.load_state_dict(self.lr_scheduler_.state_dict() | done)
            rates = self.lr_scheduler_.get_last_lr()
            for group, lr in zip(net.optimizer_.param_groups, rates, strict=True):
                group["lr"] = lr

    def on_train_end(self, net: NeuralNet, **kwargs: object) -> None:
        self.state_ = self.lr_scheduler_.state_dict()
        self.lr_scheduler_ = None  # it would hold the optimizer a second time


class ResumableEarlyStopping(EarlyStopping):
    """skorch's early stopping, which can continue where another one ended.

    The net ends with the best weights; the last weights are kept here.
    """

    last_weights_: dict[str, Tensor] | None = None
    previous_: "ResumableEarlyStopping | None" = None

    def on_train_begin(self, net: NeuralNet, **kwargs: object) -> None:
        super().on_train_begin(net, **kwargs)
        if self.previous_ is not None:
            for name in ("misses_", "dynamic_threshold_", "best_epoch_"):
                setattr(self, name, getattr(self.previous_, name))
            self.best_model_weights_ = copy.deepcopy(net.module_.state_dict())
            net.module_.load_state_dict(self.previous_.last_weights_)
            self.previous_ = None

    def on_train_end(self, net: NeuralNet, **kwargs: object) -> None:
        # On the CPU, so that a pickled net can be read without the training device.
        self.last_weights_ = {
            name: weight.detach().to("cpu", copy=True)
            for name, weight in net.module_.state_dict().items()
        }
        super().on_train_end(net, **kwargs)
        self.best_model_weights_ = None


class Progress(Callback):
    """A progress bar for a fit, or a line for each epoch if stderr is not a terminal.

    Parameters
    ----------
    name : str
        The name of the estimator.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def on_train_begin(self, net: NeuralNet, **kwargs: object) -> None:
        self.end_ = len(net.history) + net.max_epochs
        self.bar_ = tqdm(
            desc=self.name,
            initial=len(net.history),
            total=self.end_,
            unit="epoch",
            disable=not is_terminal(),
        )

    def on_epoch_end(self, net: NeuralNet, **kwargs: object) -> None:
        last = net.history[-1]
        losses = {
            name: f"{last[name]:.4g}"
            for name in ("train_loss", "valid_loss")
            if name in last
        }
        if self.bar_.disable:
            shown = ", ".join(f"{name} {loss}" for name, loss in losses.items())
            line = f"{self.name}: epoch {len(net.history)} of {self.end_}, {shown}"
            print(line, file=sys.stderr)  # noqa: T201
        self.bar_.set_postfix(losses, refresh=False)
        self.bar_.update()

    def on_train_end(self, net: NeuralNet, **kwargs: object) -> None:
        self.bar_.close()


class ScikitLearnCallbacks(Callback):
    """Calls the scikit-learn callbacks of an estimator in each epoch of its net.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext
        The context of the fit.
    task : dict
        The arguments of each call: `estimator`, `X`, `y` and `metadata`.

    Attributes
    ----------
    fitted_attributes : dict
        What an estimator needs besides ``net_`` to predict in the middle of its fit.
    """

    def __init__(self, context: Any, task: dict[str, Any]) -> None:
        self.context = context
        self.task = task
        self.fitted_attributes: dict[str, object] = {}

    @classmethod
    def begin(
        cls, estimator: Any, n_epochs: int, X: object, y: object, sample_weight: object
    ) -> Self | None:
        """Begin a fit of `n_epochs` epochs; None if the estimator has no callbacks."""
        if not getattr(estimator, "_skl_callbacks", ()):
            return None
        weights = {"sample_weight": sample_weight}
        metadata = None if sample_weight is None else weights
        task = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        context = estimator._init_callback_context(max_subtasks=n_epochs)
        context.call_on_fit_task_begin(**task)
        return cls(context, task)

    def on_epoch_begin(self, net: NeuralNet, **kwargs: object) -> None:
        self.epoch_ = self.context.subcontext(task_name="epoch")
        self.epoch_.call_on_fit_task_begin(**self.task)

    def on_epoch_end(self, net: NeuralNet, **kwargs: object) -> None:
        def as_if_ended() -> dict[str, object]:
            module = copy.deepcopy(net.module_).eval()
            compact(module)
            return self.fitted_attributes | {"net_": SimpleNamespace(module_=module)}

        net.is_stopped_ |= self.epoch_.call_on_fit_task_end(
            **self.task, reconstruction_attributes=as_if_ended
        )

    def end(self) -> None:
        """End the fit."""
        net = self.task["estimator"].net_
        self.context.call_on_fit_task_end(
            **self.task, reconstruction_attributes={"net_": net}
        )
