"""The parameters that all nets share, their documentation and their constraints."""

import dataclasses
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Annotated, Literal

import numpy as np
import torch
from sklearn.utils._param_validation import Interval
from skorch.callbacks import Callback
from torch import nn

from sktsdl._estimator.cycle import check_cycle
from sktsdl._layers.causal import LossSteps
from sktsdl._layers.initialization import WeightInit
from sktsdl._layers.window_norm import LossScale, WindowNormKind
from sktsdl._sklearn.fields import (
    Doc,
    FieldParams,
    NonNegative,
    OpenShare,
    Positive,
    PositiveInt,
    Structural,
    annotations,
    is_structural,
)
from sktsdl._training.callbacks import check_callbacks
from sktsdl._training.config import LRSchedule, Precision
from sktsdl._training.device import resolve_device

Period = Annotated[int, Interval(Integral, 2, None, closed="left")]
Clip = Annotated[float, Interval(Real, 0, None, closed="right")]


class NetParameters(FieldParams):
    """The parameters that all nets share, and the combinations that cannot work."""

    lr: Annotated[
        Positive, Doc("The learning rate; the highest one of a schedule.")
    ] = 1e-3
    max_epochs: Annotated[PositiveInt, Doc("Passes over the training windows.")] = 100
    batch_size: Annotated[PositiveInt, Doc("The number of windows in a batch.")] = 32
    optimizer: Annotated[
        Literal["adam", "adamw", "sgd"] | type[torch.optim.Optimizer],
        Doc('The optimizer, or a class of torch. ``"sgd"`` has momentum 0.9.'),
    ] = "adam"
    optimizer_params: Annotated[
        dict | None,
        Doc('Further arguments of `optimizer`, such as ``{"amsgrad": True}``.'),
    ] = None
    weight_decay: Annotated[NonNegative, Doc("The optimizer's weight decay.")] = 0.0
    loss: Annotated[
        Literal["squared_error", "absolute_error", "huber", "quantile"]
        | nn.Module
        | type[nn.Module],
        Doc("""
            The loss on the standardised target: a name, or a loss of torch.
            ``"quantile"`` is the pinball loss of all `quantiles` (Koenker and Bassett
            1978): ``predict`` then returns the median, and ``predict_quantiles`` all of
            them.
            """),
    ] = "squared_error"
    quantiles: Annotated[
        Sequence[float],
        Doc("""
            The quantiles that ``loss="quantile"`` predicts, as probabilities in
            increasing order, 0.5 among them.
            """),
    ] = (0.1, 0.5, 0.9)
    lr_schedule: Annotated[
        LRSchedule | None,
        Doc("""
            None keeps `lr`. ``"plateau"`` halves it after every
            ``n_iter_no_change // 2`` epochs without a better validation loss (training
            loss, if there is no validation). ``"cosine"`` anneals it to zero within
            `max_epochs`. ``"one_cycle"`` (Smith and Topin 2019) warms up to `lr`,
            anneals to zero, and changes the momentum in the opposite direction, unless
            `optimizer_params` sets it.
            ``"warmup"`` rises to `lr` within 5 epochs and falls with the square root of
            the steps (Vaswani et al. 2017).
            """),
    ] = None
    clip_grad_norm: Annotated[
        Clip | None, Doc("The largest norm of the gradient of all weights.")
    ] = 1.0
    clip_grad_value: Annotated[
        Clip | None,
        Doc("""
            The largest absolute value of each element of the gradient. Values are
            clipped before the norm.
            """),
    ] = None
    accumulate_batches: Annotated[
        PositiveInt,
        Doc("""
            The number of batches whose gradients are summed for one step of the
            optimizer. The result equals one step on a larger batch, with the memory of
            one batch.
            """),
    ] = 1
    precision: Annotated[
        Precision,
        Doc("""
            The precision of matrix products in training, by torch's autocast.
            ``"fp16"``, with scaled gradients, needs CUDA. ``predict`` always computes
            in float32.
            """),
    ] = "float32"
    early_stopping: Annotated[
        bool,
        Doc("""
            Whether to stop when the loss on the validation rows no longer falls, and to
            keep the best weights. The validation rows are the last
            `validation_fraction` of the rows of each series. The rows before them whose
            targets lie among them are dropped: ``h - 1`` rows for targets up to `h`
            steps ahead, by the names of ``make_supervised``. With `X_val` in ``fit``,
            these rows are the validation rows, and all rows of `X` are trained on.
            """),
    ] = False
    validation_fraction: Annotated[
        OpenShare, Doc("The share of rows for validation in early stopping.")
    ] = 0.1
    n_iter_no_change: Annotated[
        PositiveInt,
        Doc("Epochs without a better validation loss after which training stops."),
    ] = 10
    tol: Annotated[
        NonNegative,
        Doc("The relative fall of the validation loss that counts as better."),
    ] = 1e-4
    standardize: Annotated[
        bool,
        Structural,
        Doc("Whether to standardise channels and target, by the training rows."),
    ] = True
    window_norm: Annotated[
        Literal["auto"] | WindowNormKind | None,
        Structural,
        Doc("""
            How to normalise each window by its own values, for series whose level
            moves. ``"last"`` subtracts its last value, ``"standard"`` subtracts its
            mean and divides by its standard deviation (Kim et al. 2022), ``"mean"``
            divides by the mean of its absolute values, in all channels but
            `categorical_features`. The output is transformed back by the
            `target_channels`: ``x_last + s_y * net(...)`` with the standard deviation
            ``s_y`` of `y`, or ``mean_window + std_window * net(...)``, or ``mean_window
            * net(...)``. ``"auto"`` normalises if `y` is later rows of channels of `X`,
            or if the last value of the channel explains at least half of the variance
            of `y` with a slope near 1: one series by ``"last"``, many series by
            ``"standard"``. Else it is None, as for ``loss_steps="all"``, classes, and a
            `loss` other than those named here and torch's squared, absolute and Huber
            losses.
            """),
    ] = "auto"
    loss_scale: Annotated[
        Literal["auto"] | LossScale,
        Structural,
        Doc("""
            The unit of errors in the loss. ``"target"`` is the standard deviation of
            `y`. ``"window"`` is the scale by which `window_norm` divides the window, so
            that series of large numbers do not drown series of small ones; it is never
            less than the 5 % quantile of the scales in training. It needs
            ``window_norm="standard"`` or ``"mean"``. ``"auto"`` is ``"window"`` for
            many series with one of these, else ``"target"``.
            """),
    ] = "auto"
    target_channels: Annotated[
        int | str | Sequence[int | str] | None,
        Structural,
        Doc("""
            The channels whose future `y` is, in the units of `y`, for `window_norm`,
            `cycle`, `channel_independent`, and the nets that forecast each channel from
            its own state, ITransformer and TSMixer. Several channels share the columns
            of `y` evenly and in order, each with its whole horizon, as
            ``make_supervised`` orders them. With None, the channels are found of which
            `y` holds later rows. If there are none, `window_norm` takes channel 0, and
            `cycle` the channels that `y` is named after; `channel_independent` takes
            channel 0.
            """),
    ] = None
    channel_independent: Annotated[
        bool,
        Structural,
        Doc("""
            Whether the same net forecasts every target channel separately (Nie et al.
            2023). It sees that channel and all channels that are not targets; a batch
            grows by the number of targets. The channels are `target_channels`.
            """),
    ] = False
    patch_size: Annotated[
        PositiveInt,
        Structural,
        Doc("""
            The number of steps that are joined to one step with more channels (Nie et
            al. 2023); a season or a part of it shortens long windows. The last patch
            ends at the last step, and the first patch is filled from the front. Nets
            that see all steps at once, WindowMLP and ITransformer, need none.
            """),
    ] = 1
    patch_stride: Annotated[
        PositiveInt | None,
        Structural,
        Doc("""
            The number of steps from one patch to the next, at most `patch_size`, which
            None stands for. If it is less, patches overlap, and the first one holds
            `patch_stride` or fewer steps that are filled.
            """),
    ] = None
    linear_skip: Annotated[
        bool,
        Structural,
        Doc("""
            Whether to add a linear map of the whole window to the output (Lai et al.
            2018), for series that a linear model already forecasts well.
            """),
    ] = False
    cycle: Annotated[
        Period | tuple[Period, ...] | None,
        Structural,
        Doc("""
            The number of steps after which series repeat themselves, such as 24 for
            hours, or a tuple of several. For each step of a cycle and each channel of
            numbers, the net learns a value that is subtracted from the window, and
            added to the output at the steps ahead (Lin et al. 2024). Nothing is added
            if the channels that `y` continues are not known (`target_channels`). The
            step of the last row of a window is its time, by the index of `X`, since the
            first training row; the other steps are counted from it, row by row.
            """),
    ] = None
    cycle_channel: Annotated[
        int | str | None,
        Structural,
        Doc("""
            The channel that holds the step of each row in `cycle`, by position or name,
            such as the hour: whole numbers that grow by 1 from row to row. It leaves
            the window. None takes the time index, not of numbers from 0.
            """),
    ] = None
    loss_steps: Annotated[
        LossSteps,
        Structural,
        Doc("""
            ``"last"`` trains on the forecast at the last step of each window, ``"all"``
            on the forecasts at all steps. ``"all"`` needs a causal net and windows of
            consecutive rows. ``predict`` forecasts at the last step either way.
            """),
    ] = "last"
    categorical_features: Annotated[
        Sequence[int | str] | None,
        Structural,
        Doc("""
            Channels of integer codes, by position or, if ``SlidingWindow`` was given a
            DataFrame, by name; their values ahead go with them. An embedding that is
            trained with the net replaces each of them. Codes that training has not seen
            share one code.
            """),
    ] = None
    known_future: Annotated[
        Literal["auto"] | Sequence[int | str] | None,
        Structural,
        Doc("""
            The channels that are known ahead. They leave the window, and the net gets
            their values at the steps ahead once, beside the horizon: as inputs of nets
            such as WindowMLP, Seq2Seq and TFT, or joined with the output of the others
            step by step (Das et al. 2023). ``"auto"`` takes the columns that
            ``make_supervised`` names, ``temp+1`` to ``temp+24`` beside ``temp``; a list
            names some of them by ``temp``, or their positions in an array. None leaves
            them in the window, as ``"auto"`` does with ``loss_steps="all"``.
            """),
    ] = "auto"
    static_features: Annotated[
        Sequence[int | str] | None,
        Structural,
        Doc("""
            Channels that do not change within a series, by position or name. They leave
            the window, and their last value is beside each step of the horizon.
            """),
    ] = None
    weight_init: Annotated[
        WeightInit,
        Doc("""
            How the initial weights are drawn: as torch's layers do, or all matrices and
            kernels by Glorot and Bengio (2010), He et al. (2015), both uniform, or Saxe
            et al. (2014).
            """),
    ] = "default"
    warm_start: Annotated[
        bool,
        Doc("""
            Whether ``fit`` continues the training of a fitted net up to a larger
            `max_epochs`, with the statistics of the first fit. This is the same as one
            longer run, unless the schedule is ``"cosine"`` or ``"one_cycle"``, which
            start a new cycle, or the net has teacher forcing.
            """),
    ] = False
    callbacks: Annotated[
        Sequence[Callback] | None,
        Doc("""
            Instances of skorch callbacks. Every ``fit`` takes shallow copies, which
            begin anew and are in ``net_.callbacks_``. skorch's ``EarlyStopping`` ends
            training. ``"valid_loss"`` is there with `early_stopping` or `X_val`.
            """),
    ] = None
    device: Annotated[
        str,
        Doc("""
            Where the net is trained and then predicts: ``"cpu"``, ``"cuda"``,
            ``"cuda:1"``, ``"mps"``, or ``"auto"`` for the accelerator if there is one.
            """),
    ] = "cpu"
    random_state: Annotated[
        int | np.random.RandomState | None,
        "random_state",
        Doc("""
            Decides the initial weights, the order of the batches and dropout. None is
            another seed in every ``fit``, and does not use numpy's global state.
            """),
    ] = None
    verbose: Annotated[
        int,
        "verbose",
        Doc("""
            1 shows a progress bar, or a line for each epoch if the output is not a
            terminal; 2 shows a table of the losses.
            """),
    ] = 0

    def _check_parameters(self) -> None:
        """Raise an error for a parameter that cannot work, before any training."""
        self._validate_params()
        if self.loss_steps == "all" and self.window_norm not in (None, "auto"):
            raise ValueError(
                f"window_norm={self.window_norm!r} shows each step its whole window, "
                "which loss_steps='all' must not: use loss_steps='last'."
            )
        if self.loss_scale == "window" and self.window_norm in (None, "last"):
            raise ValueError(
                f"loss_scale='window' needs a window norm that divides, and "
                f"window_norm={self.window_norm!r} does not: use 'standard' or 'mean'."
            )
        if self.loss_steps == "all" and self.linear_skip:
            raise ValueError(
                "linear_skip=True maps the whole window, which no step of "
                "loss_steps='all' but the last may see: use loss_steps='last'."
            )
        if self.patch_stride is not None and self.patch_stride > self.patch_size:
            raise ValueError(
                f"patch_stride={self.patch_stride} is more than patch_size="
                f"{self.patch_size} and would leave steps out: lower it."
            )
        check_cycle(self.cycle, self.cycle_channel, self.loss_steps)
        device = resolve_device(self.device)
        if self.precision == "fp16" and device.type != "cuda":
            raise ValueError(
                f"precision='fp16' needs CUDA, and device={self.device!r} is "
                f"{device.type}: use 'bf16' or 'float32'."
            )
        check_callbacks(self.callbacks)


SHARED = {field.name for field in dataclasses.fields(NetParameters)}
STRUCTURAL = [
    name
    for name, annotation in annotations(NetParameters).items()
    if is_structural(annotation)
]
