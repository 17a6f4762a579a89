"""The one template that all nets share: validate, standardise, train, predict."""

import dataclasses
import math
import textwrap
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import RegressorMixin
from sklearn.utils import Tags, check_array, check_scalar
from sklearn.utils.validation import check_is_fitted
from torch import nn

from sktsdl._batches import WindowDataset, fixed_size_blocks, recover_rows
from sktsdl._docstrings import TRAINING_ATTRIBUTES, TRAINING_PARAMETERS
from sktsdl._history import fill_unknown, unknown_after_known
from sktsdl._layers import WEIGHT_INITS, EmbedCategories, initialize
from sktsdl._params import FieldParams
from sktsdl._standardization import Standardizer
from sktsdl._training import (
    LOSSES,
    LR_SCHEDULES,
    OPTIMIZERS,
    resolve_device,
    seeded,
    train,
)
from sktsdl._validation import (
    check_option,
    raise_at_first,
    roll_back_on_error,
    validate_rows,
    validate_targets,
)

PREDICT_BLOCK = 256


class DeepRegressor(RegressorMixin, FieldParams, ABC):
    """Base of all nets: everything but the architecture.

    A subclass adds its own parameters as annotated fields, checks them in
    `_check_parameters`, and builds its module in `_build_module`. Its docstring says
    ``{training_parameters}`` and ``{training_attributes}`` where those of this class
    belong.
    """

    _docs: ClassVar[dict[str, str]] = {
        "training_parameters": TRAINING_PARAMETERS,
        "training_attributes": TRAINING_ATTRIBUTES,
    }

    lr: float = 1e-3
    max_epochs: int = 100
    batch_size: int = 32
    optimizer: str | type[torch.optim.Optimizer] = "adam"
    weight_decay: float = 0.0
    loss: str | nn.Module | type[nn.Module] = "squared_error"
    lr_schedule: Literal["one_cycle"] | None = None
    clip_grad_norm: float | None = 1.0
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    tol: float = 1e-4
    standardize: bool = True
    loss_steps: Literal["last", "all"] = "last"
    categorical_features: Sequence[int | str] | None = None
    weight_init: Literal["default", "xavier", "he", "orthogonal"] = "default"
    device: str = "cpu"
    random_state: int | np.random.RandomState | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, text in cls._docs.items():
            indented = textwrap.indent(text, "    ").lstrip()
            cls.__doc__ = (cls.__doc__ or "").replace(f"{{{name}}}", indented)

    def fit(self, X: Any, y: Any) -> Self:
        """Train a net on windows and the target of each window's last row.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            Windows, from ``SlidingWindow`` or of independent samples, oldest step
            first; 2-D `X` is one channel of ``n_features`` steps. Windows that start
            with NaN, which stands for unknown history, are left out.
        y : array-like of shape (n,) or (n, n_outputs)
            The target of each window, such as the next values, in its own units.

        Returns
        -------
        self : object
            The trained regressor.

        Raises
        ------
        ValueError
            If a parameter or a value cannot be used.
        FloatingPointError
            If the training loss is no number any more. After any error, a regressor
            that was fitted before stays as it was.
        """
        with roll_back_on_error(self):
            self._check_parameters()
            windows, targets = self._validate_fit(X, y)
            self._fit(windows, targets)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict the target of each window's last row.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As in ``fit``. A channel that starts with NaN is filled from its first
            known value in the window, and one without any by its training mean.

        Returns
        -------
        y : ndarray of shape (n,) or (n, n_outputs), float64
            In the units of `y`.

        Raises
        ------
        ValueError
            If `X` has other columns, channels or steps than in ``fit``, or NaN or
            infinity after a known value.
        """
        answer = self._evaluate(X, "forward")
        y = self._standardizer.inverse_transform(answer)
        return y.ravel() if self._y_is_1d else y

    @property
    def _window(self) -> int:
        """The number of steps of each window, known before the module is built."""
        return self._window_shape[0]

    @abstractmethod
    def _build_module(self, n_channels: int, n_outputs: int) -> Any:
        """Build the untrained module, (batch, time, channels) -> (batch, outputs)."""

    def _check_parameters(self) -> None:
        """Raise an error for a parameter that cannot work, before any training."""
        check_scalar(self.lr, "lr", Real, min_val=0, include_boundaries="neither")
        check_scalar(self.max_epochs, "max_epochs", Integral, min_val=1)
        check_scalar(self.batch_size, "batch_size", Integral, min_val=1)
        check_scalar(self.weight_decay, "weight_decay", Real, min_val=0)
        check_scalar(self.n_iter_no_change, "n_iter_no_change", Integral, min_val=1)
        check_scalar(self.tol, "tol", Real, min_val=0)
        check_scalar(
            self.validation_fraction,
            "validation_fraction",
            Real,
            min_val=0,
            max_val=1,
            include_boundaries="neither",
        )
        if self.clip_grad_norm is not None:
            check_scalar(
                self.clip_grad_norm,
                "clip_grad_norm",
                Real,
                min_val=0,
                include_boundaries="neither",
            )
        if not _is_kind(self.optimizer, torch.optim.Optimizer):
            check_option("optimizer", self.optimizer, tuple(OPTIMIZERS))
        if not (_is_kind(self.loss, nn.Module) or isinstance(self.loss, nn.Module)):
            check_option("loss", self.loss, tuple(LOSSES))
        check_option("lr_schedule", self.lr_schedule, LR_SCHEDULES)
        check_option("loss_steps", self.loss_steps, ("last", "all"))
        check_option("weight_init", self.weight_init, WEIGHT_INITS)
        resolve_device(self.device)

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
        self, name: str, include_boundaries: Literal["left", "both"] = "left"
    ) -> None:
        check_scalar(
            getattr(self, name),
            name,
            Real,
            min_val=0,
            max_val=1,
            include_boundaries=include_boundaries,
        )

    def _architecture_parameters(self) -> dict[str, Any]:
        """Return the parameters that are not training parameters."""
        training = {field.name for field in dataclasses.fields(DeepRegressor)}
        params = self.get_params(deep=False)
        return {
            name: value if not isinstance(value, list | np.ndarray) else tuple(value)
            for name, value in params.items()
            if name not in training
        }

    def _validate_X(self, X: Any, *, reset: bool) -> np.ndarray:
        """Return `X` as windows of floats, (n, window, channels)."""
        is_3d = (X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim) == 3
        if not is_3d:
            _warn_of_raw_rows(X)
            rows = validate_rows(self, X, reset=reset)
            raise_at_first(~np.isfinite(rows), rows, X)
            windows = rows[:, :, None]
        else:
            windows = check_array(
                X,
                dtype=(np.float64, np.float32),
                allow_nd=True,
                ensure_all_finite=False,
                estimator=self,
                input_name="X",
            )
            if 0 in windows.shape:
                raise ValueError(
                    f"X has windows of shape {windows.shape[1:]}, but needs at least "
                    "one step and one channel."
                )
            if reset:
                self.__dict__.pop("feature_names_in_", None)
                if getattr(X, "channel_names", None) is not None:
                    self.feature_names_in_ = X.channel_names
                self.n_features_in_ = windows.shape[2]
        if reset:
            self._is_3d = is_3d
            self._window_shape = windows.shape[1:]
        elif windows.shape[1:] != self._window_shape:
            expected = "window={}, channels={}".format(*self._window_shape)
            raise ValueError(
                f"X has windows of shape {windows.shape[1:]}, but "
                f"{type(self).__name__} is expecting {expected} as in fit."
            )
        return windows

    def _validate_fit(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return windows and targets, and note the shape of `y`."""
        windows = self._validate_X(X, reset=True)
        targets = validate_targets(self, y, len(windows))
        self._y_is_1d = targets.ndim == 1
        targets = targets.reshape(len(targets), -1)
        return windows, targets

    def _fit(self, windows: np.ndarray, targets: np.ndarray) -> None:
        n, window, n_channels = windows.shape
        rows, starts = recover_rows(windows)
        self._check_known(rows, starts, windows)
        is_learnable = ~np.isnan(rows[starts]).any(axis=1)
        if self.loss_steps == "all":
            self._check_consecutive(starts)
            is_learnable &= starts >= window - 1  # every step is a row of X
        learnable = np.flatnonzero(is_learnable)
        if len(learnable) == 0:
            raise ValueError(
                f"None of the {n} windows of {window} rows in X is complete: all start "
                f"with NaN, for unknown history; give at least {window} known rows, or "
                "a smaller `window`."
            )
        learnt, held_out = self._split(learnable, targets.shape[1])
        if len(learnt) == 1 and getattr(self, "norm", None) == "batch":
            raise ValueError(
                "norm='batch' needs at least 2 windows to learn from: give more rows, "
                "or norm='layer'."
            )
        categorical = self.categorical_features
        self._standardizer = Standardizer(
            self.standardize,
            () if categorical is None else categorical,
            getattr(self, "feature_names_in_", None) if self._is_3d else None,
        ).fit(rows, starts[learnt], window, targets[learnt])

        device = resolve_device(self.device)
        x = torch.from_numpy(self._standardizer.transform(rows))
        y = torch.from_numpy(self._standardizer.transform_targets(targets))

        def dataset(which: np.ndarray, ends: torch.Tensor | None) -> WindowDataset:
            where = torch.from_numpy(starts[which])
            if ends is None:
                data = WindowDataset(x, where, window, y[which])
            else:
                by_row = torch.nn.functional.pad(y, (0, 0, window - 1, 0))
                data = WindowDataset(x, where, window, by_row, ends)
            return data.to(device)

        with seeded(self.random_state, device):
            module = self._build(n_channels, targets.shape[1])
            ends = module.step_ends(window) if self.loss_steps == "all" else None
            self.net_ = train(
                module,
                self,
                dataset(learnt, ends),
                dataset(held_out, None) if self.early_stopping else None,
            )
        self._set_fitted_attributes()

    def _build(self, n_channels: int, n_outputs: int) -> Any:
        """Build the module with what all architectures share around it."""
        n_codes = [len(codes) + 1 for codes in self._standardizer.codes]
        n_embedded = sum(EmbedCategories.widths(n_codes))
        module = self._build_module(n_channels - len(n_codes) + n_embedded, n_outputs)
        if self.loss_steps == "all":
            if not getattr(module, "is_causal", False):
                raise ValueError(
                    f"loss_steps='all' needs a net whose steps see no later ones, and "
                    f"this {type(self).__name__} is none: use loss_steps='last'."
                )
            module.every_step = True
        if n_codes:
            module = EmbedCategories(module, self._standardizer.categories, n_codes)
        initialize(module, self.weight_init)
        return module.to(torch.float32)

    def _check_consecutive(self, starts: np.ndarray) -> None:
        if len(starts) < 2 or starts[1] != 1:
            raise ValueError(
                "loss_steps='all' needs windows of consecutive rows, as from "
                "`SlidingWindow`, and X holds independent samples: use "
                "loss_steps='last'."
            )

    def _split(
        self, complete: np.ndarray, n_outputs: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Part windows into those to learn from and, after them, those held out."""
        if not self.early_stopping:
            return complete, complete[:0]
        n_held_out = math.ceil(self.validation_fraction * len(complete))
        n_learnt = len(complete) - n_held_out - (n_outputs - 1)
        if n_learnt < 1:
            raise ValueError(
                f"early_stopping with validation_fraction={self.validation_fraction} "
                f"leaves none of the {len(complete)} complete windows to learn from: "
                "give more rows, a smaller fraction, or early_stopping=False."
            )
        return complete[:n_learnt], complete[-n_held_out:]

    def _check_known(
        self, rows: np.ndarray, starts: np.ndarray, windows: np.ndarray
    ) -> None:
        """Raise a ValueError for infinity, and for NaN after a known value."""
        if np.isfinite(rows).all():
            return
        n, window, channels = windows.shape
        consecutive = n == 1 or starts[1] == 1
        steps = rows if consecutive else rows.reshape(n, window, channels)
        bad = (unknown_after_known(~np.isnan(steps)) | np.isinf(steps)).reshape(
            rows.shape
        )
        if not bad.any():
            return
        at, channel = (int(i) for i in np.argwhere(bad)[0])
        row = max(at - window + 1, 0) if consecutive else at // window
        what = "infinity" if np.isinf(rows[at, channel]) else "NaN"
        named = self._is_3d and hasattr(self, "feature_names_in_")
        column = repr(self.feature_names_in_[channel]) if named else channel
        raise ValueError(
            f"Input X contains {what} in row {row}, step {at - starts[row]} of its "
            f"window, column {column}: fill it or drop the row before this step (NaN "
            "is taken only at the start of windows, for unknown history)."
        )

    def _evaluate(self, X: Any, method: str) -> np.ndarray:
        """Return what a method of the module answers for each window of `X`."""
        check_is_fitted(self)
        windows = self._validate_X(X, reset=False)
        rows, starts = recover_rows(windows)
        self._check_known(rows, starts, windows)
        unknown = np.isnan(rows[starts]).any(axis=1)
        if unknown.any():
            filled = fill_unknown(windows[unknown], self._standardizer.mean)
            n, window, n_channels = filled.shape
            starts = starts.copy()
            starts[unknown] = len(rows) + np.arange(n) * window
            rows = np.concatenate([rows, filled.reshape(-1, n_channels)])
        x = torch.from_numpy(self._standardizer.transform(rows))
        dataset = WindowDataset(x, torch.from_numpy(starts), self._window)
        dataset = dataset.to(resolve_device(self.device))
        answers = [
            self.net_.evaluate(block, method).cpu()
            for block in fixed_size_blocks(dataset, PREDICT_BLOCK)
        ]
        return torch.cat(answers)[: len(starts)].double().numpy()

    def _set_fitted_attributes(self) -> None:
        history = self.net_.history
        self.module_ = self.net_.module_
        self.loss_curve_ = history[:, "train_loss"]
        self.n_epochs_ = self.best_epoch_ = len(history)
        self.__dict__.pop("validation_loss_curve_", None)
        if self.early_stopping:
            self.validation_loss_curve_ = history[:, "valid_loss"]
            self.best_epoch_ = dict(self.net_.callbacks_)["early_stopping"].best_epoch_
        weights = (w for w in self.module_.parameters() if w.requires_grad)
        self.n_parameters_ = sum(w.numel() for w in weights)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.target_tags.multi_output = True
        return tags


def _is_kind(value: Any, kind: type) -> bool:
    return isinstance(value, type) and issubclass(value, kind)


def _warn_of_raw_rows(X: Any) -> None:
    """Warn of a frame of rows where windows of rows are meant."""
    timed = (pd.DatetimeIndex, pd.TimedeltaIndex, pd.PeriodIndex)
    if isinstance(X, pd.DataFrame) and isinstance(X.index, timed) and X.shape[1] > 1:
        warnings.warn(
            "X is a DataFrame with a time index, whose columns are taken as the steps "
            "of one channel: put `SlidingWindow` before the net if they are channels.",
            UserWarning,
            stacklevel=4,
        )
