"""The one template that all nets share: validate, standardise, train, predict."""

import copy
import copyreg
import html
import textwrap
import warnings
from abc import ABC, abstractmethod
from numbers import Integral
from typing import Any, ClassVar, Literal, Self, overload

import numpy as np
import torch
from sklearn.base import RegressorMixin
from sklearn.utils import Tags, check_scalar
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sktsdl._estimator.parameters import (
    TRAINING_ATTRIBUTES,
    TRAINING_PARAMETERS,
    TrainingParameters,
)
from sktsdl._estimator.saving import packed, restored, state_of, unpacked, write_whole
from sktsdl._estimator.scaling import Standardizer
from sktsdl._estimator.targets import Points, Quantiles
from sktsdl._estimator.validation import (
    Samples,
    hold_out,
    validate_samples,
    validate_watched,
    validate_windows,
)
from sktsdl._layers.adapters import (
    ChannelIndependent,
    EmbedCategories,
    LinearSkip,
    Patches,
    WindowNorm,
    n_steps,
)
from sktsdl._layers.initialization import initialize
from sktsdl._sklearn.callbacks import CallbackSupportMixin, with_callbacks
from sktsdl._sklearn.validation import roll_back_on_error
from sktsdl._training.batches import WindowDataset, evaluate_in_blocks
from sktsdl._training.callbacks import ScikitLearnCallbacks
from sktsdl._training.device import is_there, place, resolve_device, seeded
from sktsdl._training.mc_dropout import has_dropout, moments_of_draws
from sktsdl._training.trainer import CYCLES, epochs_left, part_size, train
from sktsdl._windows.history import fill_unknown

PREDICT_BLOCK = 256


def _learns_quantiles(net: Any) -> bool:
    outputs = getattr(net, "_outputs", None)
    is_asked = outputs is None and isinstance(net.loss, str) and net.loss == "quantile"
    if is_asked or isinstance(outputs, Quantiles):
        return True
    raise AttributeError(
        f"predict_quantiles needs loss='quantile', not loss={net.loss!r}: fit with it."
    )


class DeepRegressor(CallbackSupportMixin, RegressorMixin, TrainingParameters, ABC):
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

    _tasks: ClassVar[Points | None] = None  # of a net inside `MultiTaskNet`

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, text in cls._docs.items():
            indented = textwrap.indent(text, "    ").lstrip()
            cls.__doc__ = (cls.__doc__ or "").replace(f"{{{name}}}", indented)

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Self:
        """Train a net on windows and the target of each window's last row.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            Windows, from ``SlidingWindow`` or of independent samples, oldest step
            first; 2-D `X` is one channel of ``n_features`` steps. Windows that start
            with NaN, which stands for unknown history, are left out.
        y : array-like of shape (n,) or (n, n_outputs)
            The target of each window, such as the next values, in its own units.
        sample_weight : array-like of shape (n,) or None, default=None
            What each row counts, in the loss and in the statistics it is standardised
            by; one that counts 0 is left out.
        X_val, y_val : array-like of shape (n_val, ...) or None, default=None
            Rows right behind `X` to watch the loss of, in place of its last
            `validation_fraction`. A ``Pipeline`` transforms them if it has
            ``transform_input=["X_val"]``. With a horizon, the last training targets
            lie among these rows: ``PurgedRegressor`` keeps them out of training.

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
        KeyboardInterrupt
            If training is interrupted; after the first epoch, the regressor is fitted
            with the best weights so far (without early stopping, with the last ones).
        """
        self._check_parameters()
        n_epochs = self.max_epochs
        previous = getattr(self, "net_", None) if self.warm_start else None
        if previous is not None:
            self._check_continues()
            n_epochs = epochs_left(previous, self)
            if n_epochs < 0:
                raise ValueError(
                    f"max_epochs={self.max_epochs} is less than the {self.n_epochs_} "
                    "epochs already trained: raise it, or set warm_start=False."
                )
            self._warn_of_going_on(n_epochs, stacklevel=4)  # fit is decorated
        told = ScikitLearnCallbacks.of(self, n_epochs, X, y, sample_weight)
        self._fit(X, y, sample_weight, (X_val, y_val), n_epochs, previous, told)
        for callbacks in told:
            callbacks.end()
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch, and on from where the last call ended.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As in ``fit``; the statistics of the first call are kept.
        y : array-like of shape (n,) or (n, n_outputs)
            The target of each window.
        sample_weight : array-like of shape (n,) or None, default=None
            What each row counts.

        Returns
        -------
        self : object
            The trained regressor.

        Raises
        ------
        ValueError
            As in ``fit``, and with early stopping, which needs whole training.
        """
        self._check_parameters()
        if self.early_stopping:
            raise ValueError(
                "partial_fit trains for one epoch and cannot stop early: set "
                "early_stopping=False, or use fit with warm_start=True."
            )
        previous = getattr(self, "net_", None)
        if previous is not None:
            self._check_continues()
            self._warn_of_going_on(1, stacklevel=3)
        self._fit(X, y, sample_weight, (None, None), 1, previous, [])
        return self

    @overload
    def predict(
        self, X: Any, return_std: Literal[False] = False, n_draws: int = 100
    ) -> np.ndarray: ...

    @overload
    def predict(
        self, X: Any, return_std: Literal[True], n_draws: int = 100
    ) -> tuple[np.ndarray, np.ndarray]: ...

    def predict(
        self, X: Any, return_std: bool = False, n_draws: int = 100
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        r"""Predict the target of each window's last row.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As in ``fit``. A channel that starts with NaN is filled from its first
            known value in the window, and one without any by its training mean.
        return_std : bool, default=False
            Whether to answer with the mean and the standard deviation of `n_draws`
            passes with dropout, which tell how sure the net is of its own weights:
            Monte Carlo dropout (Gal and Ghahramani 2016). The noise of `y` itself is
            not in it. The draws are the same for every window and in every call.
        n_draws : int, default=100
            The number of passes.

        Returns
        -------
        y : ndarray of shape (n,) or (n, n_outputs), float64
            In the units of `y`: the answer without dropout, or the mean
            :math:`\frac{1}{T} \sum_t \hat y_t` of those with it.
        std : ndarray of the shape of `y`, float64
            :math:`\sqrt{\frac{1}{T} \sum_t (\hat y_t - y)^2}`; with `return_std` only.

        Raises
        ------
        ValueError
            If `X` has other columns, channels or steps than in ``fit``, or NaN or
            infinity after a known value, or if `return_std` is asked of a net without
            dropout.
        """
        if return_std:
            mean, std = self._draw(X, n_draws)
            return self._shaped(mean), self._shaped(std)
        return self._shaped(self._points(self._evaluate(X, "forward")))

    @available_if(_learns_quantiles)
    def predict_quantiles(self, X: Any) -> np.ndarray:
        """Predict the quantiles of the target; only with ``loss="quantile"``.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As for ``predict``.

        Returns
        -------
        quantiles : ndarray of shape (n, n_quantiles) or (n, n_outputs, n_quantiles)
            In the units of `y`, in the order of `quantiles`, none below the one before.

        Raises
        ------
        ValueError
            As in ``predict``.
        """
        values = self._outputs.values(self._evaluate(X, "forward"))
        in_units = self._standardizer.inverse_transform
        levels = [in_units(part) for part in np.moveaxis(values, -1, 0)]
        quantiles = np.stack(levels, axis=-1)
        return quantiles[:, 0] if self._y_is_1d else quantiles

    def save(self, path: Any) -> None:
        """Write the fitted net to one file without code in it, for ``sktsdl.load``.

        It holds weights and statistics (safetensors), parameters, curves and versions
        (JSON), and a SHA-256 of all. What training would go on from is not in it.

        Parameters
        ----------
        path : path-like
            Where to. A file that is there is replaced when the other one is whole.

        Raises
        ------
        NotFittedError
            If the net is not fitted.
        ValueError
            If a parameter cannot be written without code, such as a callback.
        """
        check_is_fitted(self)
        if self._tasks is not None:
            raise ValueError(
                "The net of a MultiTaskNet is saved with its labels: keep the whole by "
                "pickle or joblib."
            )
        write_whole(path, self._packed())

    def _packed(self) -> bytes:
        self._check_as_built("saved")
        return packed(*state_of(self))

    def __reduce_ex__(self, protocol: Any) -> Any:
        # pickle keeps what a training goes on from; `__getstate__` is that of skops.
        make = copyreg.__newobj__  # type: ignore[attr-defined]
        return make, (type(self),), super().__getstate__()

    def __getstate__(self) -> dict[str, Any]:
        """Return the content of a file of ``save``, which no code is in."""
        if hasattr(self, "net_"):
            return {"content": self._packed()}
        state: dict[str, Any] = super().__getstate__()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "content" not in state:
            super().__setstate__(state)
            return
        tensors, header = unpacked(state["content"], "What was dumped")
        device = None if is_there(header["params"]["device"]) else "cpu"
        self.__dict__.update(vars(restored(type(self), tensors, header, device)))

    def _points(self, answers: np.ndarray) -> np.ndarray:
        """Return what `answers` of the module say of each target, in its units."""
        points = self._outputs.values(answers)[..., self._outputs.point]
        return self._standardizer.inverse_transform(points)

    def _shaped(self, y: np.ndarray) -> np.ndarray:
        return y.ravel() if self._y_is_1d else y

    @property
    def module_(self) -> torch.nn.Module:
        return self.net_.module_

    @property
    def _window(self) -> int:
        """The number of steps of each window, known before the module is built."""
        return self._window_shape[0]

    @property
    def _n_steps(self) -> int:
        """The number of steps that the architecture sees of a window."""
        return n_steps(self._window, self.patch_size)

    @abstractmethod
    def _build_module(self, n_channels: int, n_outputs: int) -> Any:
        """Build the untrained module, (batch, time, channels) -> (batch, outputs)."""

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        watched: tuple[Any, Any],
        n_epochs: int,
        previous: Any,
        passing: list[Any],
    ) -> None:
        """Train a new net, or the `previous` one on, for `n_epochs` epochs."""
        with roll_back_on_error(self):
            reset = previous is None
            samples = validate_samples(self, X, y, sample_weight, reset=reset)
            valid = validate_watched(self, *watched)
            if n_epochs:
                self._train(samples, valid, n_epochs, previous, passing)
        interrupt, self.net_.interrupt_ = self.net_.interrupt_, None
        if interrupt is not None:
            raise interrupt

    def _check_continues(self) -> None:
        """Raise an error for what cannot be trained on, or not so."""
        if self.net_.is_restored_:
            raise ValueError(
                "A net from a file of `save` cannot be trained on, as the state of its "
                "optimizer is not in it: fit with warm_start=False, or keep nets that "
                "go on by pickle."
            )
        self._check_as_built("trained on")

    def _check_as_built(self, purpose: str) -> None:
        """Raise an error for a parameter that is not that of the fitted net."""
        for name, value in self._building_parameters().items():
            before = self._built_by[name]
            if value != before:
                raise ValueError(
                    f"{name}={value!r} cannot change in a net that is {purpose}, "
                    f"which has {before!r}: set it back, or fit with warm_start=False."
                )

    def _warn_of_going_on(self, n_epochs: int, stacklevel: int) -> None:
        if n_epochs == 0:
            message = (
                f"Nothing is trained, as {self.n_epochs_} epochs were before: raise "
                "`max_epochs`, or `n_iter_no_change` if early stopping ended them."
            )
        elif self.lr_schedule in CYCLES:
            message = (
                f"lr_schedule={self.lr_schedule!r} starts a new cycle where training "
                "goes on; with None, 'plateau' or 'warmup' it is as one longer run."
            )
        else:
            return
        warnings.warn(message, UserWarning, stacklevel=stacklevel)

    def _building_parameters(self) -> dict[str, Any]:
        shared = (
            "standardize",
            "window_norm",
            "target_channels",
            "channel_independent",
            "patch_size",
            "linear_skip",
            "loss_steps",
            "categorical_features",
        )
        names = (*self._architecture_parameters(), *shared)
        values = {name: getattr(self, name) for name in names}
        values["quantiles"] = getattr(self._make_outputs(), "levels", None)
        return {
            name: tuple(value) if isinstance(value, list | np.ndarray) else value
            for name, value in values.items()
        }

    def _train(
        self,
        samples: Samples,
        valid: Samples | None,
        n_epochs: int,
        previous: Any,
        passing: list[Any],
    ) -> None:
        n_targets = samples.targets.shape[1]
        self._outputs = self._make_outputs()
        learnt = samples.learnable(every_step=self.loss_steps == "all")
        held_out = None
        if valid is not None:
            held_out = np.flatnonzero(valid.is_complete)
        elif self.early_stopping:
            valid = samples
            learnt, held_out = hold_out(learnt, self.validation_fraction, n_targets)
        if min(len(learnt), self.batch_size) == 1 and (
            getattr(self, "norm", None) == "batch"
        ):
            raise ValueError(
                "norm='batch' needs at least 2 windows in a batch: give more rows, a "
                "larger batch_size, or norm='layer'."
            )
        if previous is None:
            categorical = self.categorical_features
            self._standardizer = Standardizer(
                self.standardize,
                () if categorical is None else categorical,
                getattr(self, "feature_names_in_", None) if self._is_3d else None,
            ).fit(samples, learnt, self._outputs.coded)
        device = resolve_device(self.device)
        states = None if previous is None else previous.generators_
        with seeded(self.random_state, device, states):
            if previous is None:
                module = self._build(samples.rows.shape[1], n_targets)
            else:
                module = copy.deepcopy(previous.module_)
            ends = module.step_ends(self._window) if self.loss_steps == "all" else None
            x = place(self._as_seen(samples), device)
            train_set = self._dataset(samples, learnt, x, ends).to(device)
            valid_set = None
            if valid is not None and held_out is not None:
                watched = x if valid is samples else self._as_seen(valid)
                valid_set = self._dataset(valid, held_out, watched).to(device)
            self.net_ = train(
                module,
                self,
                train_set,
                valid_set,
                criterion=self._outputs.criterion(),
                n_epochs=n_epochs,
                unit=self._loss_unit(n_targets),
                previous=previous,
                passing=passing,
            )
        self._built_by = self._building_parameters()
        self._set_fitted_attributes()

    def _as_seen(self, samples: Samples) -> torch.Tensor:
        """Return the rows of `samples` as the net sees them."""
        return torch.from_numpy(self._standardizer.transform(samples.rows))

    def _dataset(
        self,
        samples: Samples,
        which: np.ndarray,
        rows: torch.Tensor,
        ends: torch.Tensor | None = None,
    ) -> WindowDataset:
        """Return the windows `which` of `rows`, and what is to be learnt of them."""
        starts = samples.starts[which]
        learns = [self._standardizer.transform_targets(samples.targets)]
        counted = which if ends is None else np.arange(len(samples.starts))
        if samples.weights_of(counted) is not None:
            learns.append(np.asarray(samples.weights)[:, None])
        if ends is None:
            learns = [values[which] for values in learns]
            used: Any = slice(None)
        else:
            front = ((samples.window - 1, 0), (0, 0))
            learns = [np.pad(values, front) for values in learns]  # by row
            used = starts[:, None] + ends.numpy()
        targets, *weights = map(torch.from_numpy, learns)
        shares = [(part / part[used].mean()).float() for part in weights]
        return WindowDataset(
            rows,
            torch.from_numpy(starts),
            samples.window,
            targets,
            ends,
            shares[0] if shares else None,
        )

    def _make_outputs(self) -> Points:
        """Return what the outputs of the module are to say of the targets."""
        if self._tasks is not None:
            return self._tasks
        if isinstance(self.loss, str) and self.loss == "quantile":
            return Quantiles(self.quantiles)
        return Points(self.loss)

    def _loss_unit(self, n_targets: int) -> float:
        """Return the unit of the loss, where there is one."""
        if n_targets > 1 or not self.standardize:
            return 1.0
        return self._outputs.unit(float(self._standardizer.outputs.scale_[0]))

    def _build(self, n_channels: int, n_targets: int) -> Any:
        """Build the module with what all architectures share around it."""
        n_outputs = self._outputs.n_outputs(n_targets)
        n_codes = [len(codes) + 1 for codes in self._standardizer.codes]
        n_embedded = sum(EmbedCategories.widths(n_codes))
        n_seen = n_channels - len(n_codes) + n_embedded
        module = self._build_inner(n_seen, n_outputs, n_targets)
        if n_codes:
            module = EmbedCategories(
                module, self._standardizer.categories, n_codes, n_channels=n_channels
            )
        if self.window_norm is not None:
            targets = self._target_positions(n_targets)
            share = n_targets // len(targets)
            origins = [at for at in targets for _ in range(share)]
            gain, shift = self._standardizer.carry(origins)
            module = WindowNorm(
                module,
                self.window_norm,
                unchanged=self._standardizer.categories,
                n_channels=n_channels,
                n_values=self._outputs.n_values,
                origins=origins,
                gain=torch.from_numpy(gain).float(),
                shift=torch.from_numpy(shift).float(),
            )
        return module.to(torch.float32)

    def _build_inner(self, n_channels: int, n_outputs: int, n_targets: int) -> Any:
        """Build the module of channels that are all numbers."""
        own: list[int] = []
        n_seen, patch_size = n_channels, int(self.patch_size)
        if patch_size > self._window:
            raise ValueError(
                f"patch_size={patch_size} is more than the {self._window} steps of a "
                "window: give at most as many, or a larger window."
            )
        if self.channel_independent:
            coded = self._standardizer.categories
            targets = self._target_positions(n_targets)
            if len(set(targets)) < len(targets):
                raise ValueError(
                    f"target_channels={self.target_channels!r} names a channel twice, "
                    "for which channel_independent=True has one answer: name each once."
                )
            own = [at - sum(code < at for code in coded) for at in targets]
            n_seen = 1 + n_channels - len(own)
            n_outputs //= len(own)
            n_targets //= len(own)
        module = self._build_module(n_seen * patch_size, n_outputs)
        initialize(module, self.weight_init)
        if self.loss_steps == "all":
            if not getattr(module, "is_causal", False):
                raise ValueError(
                    f"loss_steps='all' needs a net whose steps see no later ones, and "
                    f"this {type(self).__name__} is none: use loss_steps='last'."
                )
            module.every_step = True
        if patch_size > 1:
            module = Patches(module, patch_size)
        if self.linear_skip:
            module = LinearSkip(
                module,
                n_inputs=self._window * n_seen,
                n_targets=n_targets,
                n_values=self._outputs.n_values,
            )
        if own:
            module = ChannelIndependent(module, own, n_channels=n_channels)
        return module

    def _target_positions(self, n_targets: int) -> list[int]:
        return self._standardizer.target_positions(self.target_channels, n_targets)

    def _evaluate(self, X: Any, method: str) -> np.ndarray:
        """Return what a method of the module answers for each window of `X`."""
        dataset = self._windows_as_seen(X)
        evaluate = getattr(self.module_, method)
        size = part_size(self.module_, PREDICT_BLOCK, self._window)
        with torch.inference_mode():
            answers = evaluate_in_blocks(evaluate, dataset, size)
        return answers.cpu().double().numpy()

    def _draw(self, X: Any, n_draws: int) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and deviation of draws by dropout, each (n, targets)."""
        check_scalar(n_draws, "n_draws", Integral, min_val=1)
        dataset = self._windows_as_seen(X)
        if not has_dropout(self.module_):
            raise ValueError(
                f"return_std=True draws by dropout, and this {type(self).__name__} has "
                f"none at work: fit it with {self._dropout_advice}."
            )
        size = part_size(self.module_, PREDICT_BLOCK, self._window)
        return moments_of_draws(
            self.module_,
            dataset,
            self._points,
            self.net_.generators_,
            n_draws,
            size,
            verbose=self.verbose > 0,
        )

    @property
    def _dropout_advice(self) -> str:
        names = self.get_params(deep=False)
        if "variational_dropout" in names:
            return "variational_dropout=0.1, or dropout=0.1 between two or more layers"
        return "dropout=0.1"

    def _windows_as_seen(self, X: Any) -> WindowDataset:
        """Return the windows of `X` as the module sees them, on its device."""
        check_is_fitted(self)
        windows, rows, starts = validate_windows(self, X, reset=False)
        unknown = np.isnan(rows[starts]).any(axis=1)
        if unknown.any():
            filled = fill_unknown(windows[unknown], self._standardizer.mean)
            n, window, n_channels = filled.shape
            starts = starts.copy()
            starts[unknown] = len(rows) + np.arange(n) * window
            rows = np.concatenate([rows, filled.reshape(-1, n_channels)])
        x = torch.from_numpy(self._standardizer.transform(rows))
        dataset = WindowDataset(x, torch.from_numpy(starts), self._window)
        return dataset.to(next(self.module_.parameters()).device)

    def _set_fitted_attributes(self) -> None:
        history = self.net_.history
        self.loss_curve_ = [float(epoch["train_loss"]) for epoch in history]
        self.lr_curve_ = self.net_.lr_curve_
        self.n_epochs_ = self.best_epoch_ = len(history)
        watched = [float(row["valid_loss"]) for row in history if "valid_loss" in row]
        self.__dict__.pop("validation_loss_curve_", None)
        if watched:
            self.validation_loss_curve_ = watched
        if self.early_stopping:
            self.best_epoch_ = dict(self.net_.callbacks_)["early_stopping"].best_epoch_
        weights = (w for w in self.module_.parameters() if w.requires_grad)
        self.n_parameters_ = sum(w.numel() for w in weights)

    def _get_fitted_attr_html(self, *args: Any, **kwargs: Any) -> Any:
        """Add the layers to what scikit-learn's diagram shows of a fitted estimator."""
        attributes = super()._get_fitted_attr_html(*args, **kwargs)
        if hasattr(self, "net_"):
            shown = (
                f"{attributes._repr_html_inner()}"
                '<div class="estimator-table"><details>'
                f"<summary>Layers, {self.n_parameters_:,} parameters</summary>"
                f"<pre>{html.escape(str(self.module_))}</pre></details></div>"
            )
            attributes._repr_html_inner = lambda: shown
        return attributes

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.target_tags.multi_output = True
        return tags
