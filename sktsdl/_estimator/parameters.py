"""What every net is trained by: the parameters, their documentation, their checks."""

import dataclasses
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any, Literal

import numpy as np
import torch
from sklearn.utils import check_scalar
from skorch.callbacks import Callback
from torch import nn

from sktsdl._estimator.targets import LOSSES
from sktsdl._layers.adapters import WINDOW_NORMS
from sktsdl._layers.initialization import WEIGHT_INITS
from sktsdl._sklearn.fields import FieldParams
from sktsdl._sklearn.validation import check_number, check_option
from sktsdl._training.device import resolve_device
from sktsdl._training.trainer import LR_SCHEDULES, OPTIMIZERS, PRECISIONS

TRAINING_PARAMETERS = """\
lr : float, default=1e-3
    The learning rate; the highest one of a schedule.
max_epochs : int, default=100
    Passes over the training windows.
batch_size : int, default=32
    Windows that are computed at once.
optimizer : {"adam", "adamw", "sgd"} or torch optimizer class, default="adam"
    ``"sgd"`` has momentum 0.9.
weight_decay : float, default=0.0
    The optimizer's weight decay.
loss : {"squared_error", "absolute_error", "huber", "quantile"} or torch loss, \
default="squared_error"
    Of the standardised target. ``"quantile"`` is the pinball loss of all `quantiles`
    (Koenker and Bassett 1978): ``predict`` then answers the median, and
    ``predict_quantiles`` all.
quantiles : sequence of float, default=(0.1, 0.5, 0.9)
    The levels that ``loss="quantile"`` learns, in increasing order, 0.5 among them.
lr_schedule : {None, "plateau", "cosine", "one_cycle", "warmup"}, default=None
    None keeps `lr`. ``"plateau"`` halves it after every ``n_iter_no_change // 2``
    epochs without a better validation loss (training loss, if no rows are held out).
    ``"cosine"`` anneals it to zero within `max_epochs`. ``"one_cycle"`` (Smith and
    Topin 2019) warms up to `lr`, anneals to zero, and moves the momentum the other way.
    ``"warmup"`` rises to `lr` within 5 epochs and falls with the square root of the
    steps (Vaswani et al. 2017).
clip_grad_norm : float or None, default=1.0
    The largest norm of the gradient of all weights.
clip_grad_value : float or None, default=None
    The largest absolute value of each element of the gradient, clipped before the norm.
accumulate_batches : int, default=1
    Batches whose gradients are summed up to one step of the optimizer: the step of a
    batch as many times as large, in the memory of one.
precision : {"float32", "bf16", "fp16"}, default="float32"
    The precision of matrix products in training, by torch's autocast; ``"fp16"``, with
    scaled gradients, needs CUDA. ``predict`` always computes in float32.
early_stopping : bool, default=False
    Whether to hold the last `validation_fraction` of the rows out, to stop when
    their loss no longer falls, and to keep the best weights. As many training rows
    before them as keep the targets apart (the outputs less one) are left out. With
    `X_val` in ``fit``, those rows are watched instead and none are held out.
validation_fraction : float, default=0.1
    The share of rows held out for early stopping.
n_iter_no_change : int, default=10
    Epochs without a better validation loss after which training stops.
tol : float, default=1e-4
    The relative fall of the validation loss that counts as better.
standardize : bool, default=True
    Whether to standardise channels and target inside, by the training rows.
window_norm : {None, "last", "standard"}, default=None
    What each window is taken relative to, for series whose level moves: ``"last"`` to
    its last value, ``"standard"`` to its own mean and deviation (Kim et al. 2022), all
    channels but `categorical_features`. The answer is carried back through
    `target_channels`: ``x_last + s_y * net(...)`` with the deviation ``s_y`` of `y`, or
    ``mean_window + std_window * net(...)``.
target_channels : int, str or sequence of them, default=0
    For `window_norm` and `channel_independent`: the channels whose future `y` is, in
    the units of `y`. Several share the columns of `y` evenly and in order, each with
    its whole horizon, as ``make_supervised`` lays them.
channel_independent : bool, default=False
    Whether one net answers for each of the `target_channels`, all of which are to be
    named, as a sample of its own (Nie et al. 2023): it sees that channel and those that
    are no target's, and a batch has as many times the samples.
patch_size : int, default=1
    How many steps of the window the net sees as one step, of as many times the
    channels (Nie et al. 2023); a season or a part of it shortens long windows. The last
    patch ends at the last step, and the first one is filled from the front. For a
    `WindowMLPRegressor`, which sees all steps at once, it changes nothing.
linear_skip : bool, default=False
    Whether a linear map of the whole window is added to the answer (Lai et al. 2018),
    for series that a linear model already forecasts well.
loss_steps : {"last", "all"}, default="last"
    Whether the loss is that of the forecast at the last step of each window, or of the
    forecasts at all its steps; the latter needs a causal net, and windows of
    consecutive rows. ``predict`` answers at the last step either way.
categorical_features : sequence of int or str, or None, default=None
    Channels that hold integer codes, by position or, if ``SlidingWindow`` was given a
    DataFrame, by name; each is replaced by an embedding that is learned inside the net.
    Codes not seen in training share one of their own.
weight_init : {"default", "xavier", "he", "orthogonal"}, default="default"
    How the first weights are drawn: as torch's layers do, or all matrices and kernels
    by Glorot and Bengio (2010), He et al. (2015), both uniform, or Saxe et al. (2014).
warm_start : bool, default=False
    Whether ``fit`` trains a fitted net on to a raised `max_epochs`, with the statistics
    it was first fitted with. That is the same as one longer run, unless the schedule is
    ``"cosine"`` or ``"one_cycle"``, which start a new cycle.
callbacks : sequence of skorch callbacks or None, default=None
    Instances, copied in every ``fit``, where they begin anew; the copies are in
    ``net_.callbacks_``. skorch's ``EarlyStopping`` ends training. ``"valid_loss"`` is
    there with `early_stopping` or `X_val`.
device : {"cpu", "cuda", "cuda:1", "mps", "auto", ...}, default="cpu"
    Where the net is trained, and then predicts; ``"auto"`` takes the accelerator if
    there is one.
random_state : int, RandomState instance or None, default=None
    Decides the first weights, the order of the batches and dropout.
verbose : {0, 1, 2}, default=0
    1 shows a progress bar, or a line for each epoch where the output is no terminal;
    2 a table of the losses."""

TRAINING_ATTRIBUTES = """\
net_ : skorch.NeuralNetRegressor
    The trained net.
module_ : torch.nn.Module
    Its module.
loss_curve_ : list of float
    The training loss of each epoch: for one target in its units (squared for the
    squared error), else, and with any other loss than the squared and absolute error,
    of the standardised target.
validation_loss_curve_ : list of float
    The validation loss of each epoch; only with rows held out.
lr_curve_ : list of float
    The learning rate of each step of the optimizer.
n_epochs_ : int
    Epochs trained.
best_epoch_ : int
    The epoch, counted from 1, whose weights were kept.
n_parameters_ : int
    The number of trainable parameters, biases included.
n_features_in_ : int
    Channels of 3-D `X`, columns of 2-D `X`, seen in ``fit``.
feature_names_in_ : ndarray of shape (n_features_in_,)
    Names of columns seen in ``fit``, for a 2-D DataFrame or windows of one."""


class TrainingParameters(FieldParams):
    """The parameters that all nets share, and what cannot work among them."""

    lr: float = 1e-3
    max_epochs: int = 100
    batch_size: int = 32
    optimizer: str | type[torch.optim.Optimizer] = "adam"
    weight_decay: float = 0.0
    loss: str | nn.Module | type[nn.Module] = "squared_error"
    quantiles: Sequence[float] = (0.1, 0.5, 0.9)
    lr_schedule: Literal["plateau", "cosine", "one_cycle", "warmup"] | None = None
    clip_grad_norm: float | None = 1.0
    clip_grad_value: float | None = None
    accumulate_batches: int = 1
    precision: Literal["float32", "bf16", "fp16"] = "float32"
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    tol: float = 1e-4
    standardize: bool = True
    window_norm: Literal["last", "standard"] | None = None
    target_channels: int | str | Sequence[int | str] = 0
    channel_independent: bool = False
    patch_size: int = 1
    linear_skip: bool = False
    loss_steps: Literal["last", "all"] = "last"
    categorical_features: Sequence[int | str] | None = None
    weight_init: Literal["default", "xavier", "he", "orthogonal"] = "default"
    warm_start: bool = False
    callbacks: Sequence[Callback] | None = None
    device: str = "cpu"
    random_state: int | np.random.RandomState | None = None
    verbose: int = 0

    def _check_parameters(self) -> None:
        """Raise an error for a parameter that cannot work, before any training."""
        self._check_number("lr", min_val=0, include_boundaries="neither")
        for name in ("max_epochs", "batch_size", "accumulate_batches", "patch_size"):
            check_scalar(getattr(self, name), name, Integral, min_val=1)
        check_scalar(self.n_iter_no_change, "n_iter_no_change", Integral, min_val=1)
        for name in ("weight_decay", "tol"):
            self._check_number(name, min_val=0)
        for name in (
            "early_stopping",
            "standardize",
            "channel_independent",
            "linear_skip",
            "warm_start",
        ):
            check_scalar(getattr(self, name), name, (bool, np.bool_))
        check_scalar(self.verbose, "verbose", Integral, min_val=0)
        self._check_probability("validation_fraction", "neither")
        for name in ("clip_grad_norm", "clip_grad_value"):
            if getattr(self, name) is not None:
                self._check_number(name, min_val=0, include_boundaries="neither")
        if not _is_kind(self.optimizer, torch.optim.Optimizer):
            check_option("optimizer", self.optimizer, tuple(OPTIMIZERS))
        if not (_is_kind(self.loss, nn.Module) or isinstance(self.loss, nn.Module)):
            check_option("loss", self.loss, (*LOSSES, "quantile"))
        if isinstance(self.loss, str) and self.loss == "quantile":
            self._check_quantiles()
        check_option("lr_schedule", self.lr_schedule, LR_SCHEDULES)
        check_option("precision", self.precision, tuple(PRECISIONS))
        check_option("window_norm", self.window_norm, WINDOW_NORMS)
        check_option("loss_steps", self.loss_steps, ("last", "all"))
        check_option("weight_init", self.weight_init, WEIGHT_INITS)
        if self.window_norm is not None and self.loss_steps == "all":
            raise ValueError(
                f"window_norm={self.window_norm!r} shows each step its whole window, "
                "which loss_steps='all' must not: use loss_steps='last'."
            )
        if self.linear_skip and self.loss_steps == "all":
            raise ValueError(
                "linear_skip=True maps the whole window, which no step of "
                "loss_steps='all' but the last may see: use loss_steps='last'."
            )
        device = resolve_device(self.device)
        if self.precision == "fp16" and device.type != "cuda":
            raise ValueError(
                f"precision='fp16' needs CUDA, and device={self.device!r} is "
                f"{device.type}: use 'bf16' or 'float32'."
            )
        if isinstance(self.callbacks, Callback):
            raise TypeError("callbacks is one callback: put it in a list.")
        for callback in self.callbacks or ():
            if not isinstance(callback, Callback):
                raise TypeError(
                    f"callbacks holds {callback!r}, which is no instance of a skorch "
                    "callback."
                )

    def _check_number(self, name: str, **bounds: Any) -> None:
        check_number(name, getattr(self, name), **bounds)

    def _check_quantiles(self) -> None:
        try:
            levels = np.asarray(self.quantiles, dtype=float)
        except (TypeError, ValueError):
            levels = np.array([])
        inside = levels.ndim == 1 and ((levels > 0) & (levels < 1)).all()
        if not inside or (np.diff(levels) <= 0).any() or 0.5 not in levels:
            raise ValueError(
                f"quantiles={self.quantiles!r} must increase between 0 and 1 and hold "
                "0.5, the median: give such as (0.1, 0.5, 0.9)."
            )

    def _check_sizes(self, *names: str) -> None:
        """Check parameters that are a positive integer, or a tuple of them."""
        for name in names:
            value = getattr(self, name)
            is_tuple = isinstance(getattr(type(self), name), tuple)
            if is_tuple and not isinstance(value, Iterable):
                raise TypeError(
                    f"{name}={value!r} must be a tuple of integers, such as (64,)."
                )
            if is_tuple:
                sizes = tuple(value)
                if not sizes:
                    raise ValueError(f"{name}=() has no layer: give at least one size.")
                for size in sizes:
                    check_scalar(size, f"each of {name}", Integral, min_val=1)
            else:
                check_scalar(value, name, Integral, min_val=1)

    def _check_probability(
        self, name: str, include_boundaries: Literal["left", "both", "neither"] = "left"
    ) -> None:
        self._check_number(
            name, min_val=0, max_val=1, include_boundaries=include_boundaries
        )

    def _architecture_parameters(self) -> dict[str, Any]:
        """Return the parameters that are not training parameters."""
        training = {field.name for field in dataclasses.fields(TrainingParameters)}
        params = self.get_params(deep=False)
        return {
            name: tuple(np.asarray(value).tolist())
            if isinstance(value, list | tuple | np.ndarray)
            else (value.item() if isinstance(value, np.generic) else value)
            for name, value in params.items()
            if name not in training
        }


def _is_kind(value: Any, kind: type) -> bool:
    return isinstance(value, type) and issubclass(value, kind)
