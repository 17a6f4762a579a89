"""The template that all nets share: validate, standardise, train, evaluate."""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils import Tags

from sktsdl._estimator.attributes import NET_ATTRIBUTES
from sktsdl._estimator.evaluating import EvaluateMixin
from sktsdl._estimator.exporting import ExportMixin
from sktsdl._estimator.fitting import fit_net, fit_scaling
from sktsdl._estimator.module_spec import ModuleSpec
from sktsdl._estimator.norm_choice import check_order
from sktsdl._estimator.parameters import NetParameters
from sktsdl._estimator.saving import SaveMixin
from sktsdl._estimator.settings import NetSettings
from sktsdl._estimator.specs import FittedSpec
from sktsdl._estimator.split import split_samples
from sktsdl._estimator.targets import Targets
from sktsdl._estimator.validation import (
    validate_samples,
    validate_validation_set,
)
from sktsdl._estimator.warm_start import check_warm_start, epochs_left, warn_warm_start
from sktsdl._sklearn.bases import CallbackSupportMixin, with_callbacks
from sktsdl._sklearn.docs import fill_docs
from sktsdl._sklearn.fields import parameter_docs
from sktsdl._sklearn.validation import roll_back_on_error
from sktsdl._training.callbacks import ScikitLearnCallbacks
from sktsdl._training.skorch_net import Net

LAYERS_HTML = (
    '<div class="estimator-table"><details><summary>Layers, {:,} parameters</summary>'
    "<pre>{}</pre></details></div>"
)


class DeepNet(
    CallbackSupportMixin, SaveMixin, ExportMixin, EvaluateMixin, NetSettings, ABC
):
    """Base of all nets: everything but the architecture and the kind of prediction.

    A subclass adds its own parameters as annotated fields and builds its module in
    `_build_module`. Its docstring says ``{training_parameters}`` and
    ``{training_attributes}`` where the shared documentation belongs.
    """

    _docs: ClassVar[dict[str, str]] = {
        "training_parameters": parameter_docs(NetParameters),
        "training_attributes": NET_ATTRIBUTES,
    }

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        fill_docs(cls, cls._docs)

    @abstractmethod
    def _build_module(self, spec: ModuleSpec) -> torch.nn.Module:
        """Build the untrained module, (batch, time, channels) -> (batch, outputs)."""

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
    ) -> Self:
        """Train a net on windows and the target of each window's last row.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            Windows, from ``SlidingWindow`` or of independent samples, oldest step
            first; 2-D `X` is one channel of ``n_features`` steps. Windows that start
            with NaN, for unknown history, are left out.
        y : array-like of shape (n,) or (n, n_outputs)
            The target of each window, such as the next values, in its own units.
        sample_weight : array-like of shape (n,) or None, default=None
            The weight of each row, in the loss and in the statistics of the
            standardisation. A row of weight 0 is left out.
        X_val, y_val : array-like of shape (n_val, ...) or None, default=None
            Rows right after `X` for the validation loss, in place of the last
            `validation_fraction` of `X`. A ``Pipeline`` transforms them if it has
            ``transform_input=["X_val"]``. With a horizon, the last training targets
            lie among these rows: ``PurgedRegressor`` keeps them out of training.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or a value cannot be used.
        FloatingPointError
            If the training loss is not finite. After any error, an estimator that was
            fitted before stays as it was.
        KeyboardInterrupt
            If training is interrupted; after the first epoch, the estimator is fitted
            with the best weights so far (without early stopping, with the last).
        """
        return self._fit(X, y, sample_weight, X_val, y_val)

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch, and continue where the last call ended.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As in ``fit``; the statistics of the first call are kept.
        y : array-like of shape (n,) or (n, n_outputs)
            The target of each window.
        sample_weight : array-like of shape (n,) or None, default=None
            The weight of each row.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            As in ``fit``, or if `early_stopping` is True, as one call trains one epoch.
        """
        self._check_parameters()
        if self.early_stopping:
            raise ValueError(
                "partial_fit trains for one epoch and cannot stop early: set "
                "early_stopping=False, or use fit with warm_start=True."
            )
        previous = self._previous()
        if previous is not None:
            warn_warm_start(previous, 1, self.lr_schedule)
        self._train(
            X, y, sample_weight, (None, None), self._make_targets(), 1, previous
        )
        return self

    @property
    def module_(self) -> torch.nn.Module:
        return self.net_.module_

    @property
    def _y_labels(self) -> tuple[Hashable, ...]:
        return self._spec.outputs.labels

    @with_callbacks
    def _fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        X_val: ArrayLike | None,
        y_val: ArrayLike | None,
        targets: Targets | None = None,
        factors: Callable[[np.ndarray], np.ndarray | None] | None = None,
    ) -> Self:
        """Fit to targets of a given type; to the type of the parameters by default.

        `factors` is given a mask of the windows that are trained on, and may return
        factors of the weights of all windows.
        """
        self._check_parameters()
        n_epochs = self.max_epochs
        previous = self._previous(targets) if self.warm_start else None
        if previous is not None:
            patience = self.n_iter_no_change if self.early_stopping else None
            n_epochs = epochs_left(previous, self.max_epochs, patience)
            warn_warm_start(previous, n_epochs, self.lr_schedule)
        targets = targets or self._make_targets()
        callbacks = ScikitLearnCallbacks.begin(self, n_epochs, X, y, sample_weight)
        given = X, y, sample_weight, (X_val, y_val), targets
        self._train(*given, n_epochs, previous, callbacks, factors)
        if callbacks is not None:
            callbacks.end()
        return self

    def _previous(self, targets: Targets | None = None) -> Net | None:
        """Return the net whose training can continue, None if there is none."""
        if not hasattr(self, "net_"):
            return None
        check_warm_start(self.net_, self._structure(), self._spec, targets)
        return self.net_

    def _train(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        validation: tuple[ArrayLike | None, ArrayLike | None],
        targets: Targets,
        n_epochs: int,
        previous: Net | None,
        callbacks: ScikitLearnCallbacks | None = None,
        factors: Callable[[np.ndarray], np.ndarray | None] | None = None,
    ) -> None:
        """Train a new net, or continue `previous`, and set all fitted attributes."""
        with roll_back_on_error(self):
            fitted = None if previous is None else self._spec
            form = None if fitted is None else (fitted.inputs, fitted.outputs)
            samples, inputs, outputs = validate_samples(self, X, y, sample_weight, form)
            valid = validate_validation_set(self, *validation, (inputs, outputs))
            needs_order = self.channel_independent or self.cycle is not None
            if needs_order or self.window_norm is not None:
                check_order(outputs, targets)
            if n_epochs:
                config = self._fit_config(self._build_module)
                split = split_samples(config.split, samples, valid, inputs)
                if factors is not None:
                    every_step = self.loss_steps == "all"
                    split = split.weighed(factors(split.is_trained(every_step)))
                structure = self._structure()
                spec = fit_scaling(
                    config, split, inputs, outputs, targets, structure, fitted
                )
                if callbacks is not None:
                    callbacks.fitted_attributes = spec.attributes
                self._set_fitted(
                    fit_net(
                        config,
                        split,
                        spec,
                        n_epochs=n_epochs,
                        previous=previous,
                        callbacks=callbacks,
                    ),
                    spec,
                )
        interrupt, self.net_.interrupt_ = self.net_.interrupt_, None
        if interrupt is not None:
            raise interrupt

    def _set_fitted(
        self, net: Net, spec: FittedSpec, best_epoch: int | None = None
    ) -> None:
        """Set the attributes of a fitted net; nothing else sets any.

        Without `best_epoch`, it is the last epoch or that of early stopping.
        """
        self.__dict__.pop("feature_names_in_", None)
        self.__dict__.update(spec.attributes)
        self.net_ = net
        history = net.history
        self.loss_curve_ = [float(epoch["train_loss"]) for epoch in history]
        self.lr_curve_ = net.lr_curve_
        self.n_epochs_ = len(history)
        losses = [float(row["valid_loss"]) for row in history if "valid_loss" in row]
        self.__dict__.pop("validation_loss_curve_", None)
        if losses:
            self.validation_loss_curve_ = losses
        stopping = dict(net.callbacks_).get("early_stopping")
        if best_epoch is None and stopping is not None:
            best_epoch = stopping.best_epoch_
        self.best_epoch_ = best_epoch or self.n_epochs_
        weights = (w for w in net.module_.parameters() if w.requires_grad)
        self.n_parameters_ = sum(w.numel() for w in weights)

    def _get_fitted_attr_html(self, *args: Any, **kwargs: Any) -> Any:
        """Add the layers to scikit-learn's diagram of a fitted estimator."""
        attributes = super()._get_fitted_attr_html(*args, **kwargs)
        if hasattr(self, "net_"):
            shown = attributes._repr_html_inner() + LAYERS_HTML.format(
                self.n_parameters_, html.escape(str(self.module_))
            )
            attributes._repr_html_inner = lambda: shown
        return attributes

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.target_tags.multi_output = True
        return tags
