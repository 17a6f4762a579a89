"""Nets that predict numbers."""

from __future__ import annotations

from numbers import Integral
from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from sktsdl._estimator.base import DeepNet
from sktsdl._estimator.evaluating import TOO_LARGE
from sktsdl._estimator.targets import QuantileTargets
from sktsdl._estimator.validation import check_outputs
from sktsdl._sklearn.bases import RegressorMixin, available_if
from sktsdl._training.device import explained_memory_errors
from sktsdl._training.mc_dropout import has_dropout, mc_mean_and_std


def _has_quantiles(estimator: DeepRegressor) -> bool:
    if hasattr(estimator, "net_"):
        has_quantiles = isinstance(estimator._spec.targets, QuantileTargets)
    else:
        has_quantiles = estimator.loss == "quantile"
    if has_quantiles:
        return True
    raise AttributeError(
        "predict_quantiles needs loss='quantile', not "
        f"loss={estimator.loss!r}: fit with it."
    )


class DeepRegressor(RegressorMixin, DeepNet):
    """Base of all regressors: adds prediction in the units of the target.

    A subclass adds its own parameters as annotated fields and builds its module in
    `_build_module`. Its docstring says ``{training_parameters}`` and
    ``{training_attributes}`` where the shared documentation belongs.
    """

    @overload
    def predict(
        self,
        X: ArrayLike,
        return_std: Literal[False] = False,
        n_draws: int = 100,
        return_quantiles: Literal[False] = False,
    ) -> np.ndarray: ...

    @overload
    def predict(
        self,
        X: ArrayLike,
        return_std: Literal[True],
        n_draws: int = 100,
        return_quantiles: Literal[False] = False,
    ) -> tuple[np.ndarray, np.ndarray]: ...

    @overload
    def predict(
        self,
        X: ArrayLike,
        return_std: Literal[False] = False,
        n_draws: int = 100,
        *,
        return_quantiles: Literal[True],
    ) -> tuple[np.ndarray, np.ndarray]: ...

    def predict(
        self,
        X: ArrayLike,
        return_std: bool = False,
        n_draws: int = 100,
        return_quantiles: bool = False,
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        r"""Predict the target of each window's last row.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As in ``fit``. A channel that starts with NaN is filled from its first
            known value in the window, or by its training mean if there is none.
        return_std : bool, default=False
            Whether to return the mean and the standard deviation of `n_draws` passes
            with dropout: Monte Carlo dropout (Gal and Ghahramani 2016). They show how
            uncertain the net is about its own weights, without the noise of `y`. The
            draws are the same for every window and in every call.
        n_draws : int, default=100
            The number of passes.
        return_quantiles : bool, default=False
            Whether to return the quantiles too; only with ``loss="quantile"``. A
            ``Pipeline`` passes this argument on.

        Returns
        -------
        y : ndarray of shape (n,) or (n, n_outputs), float64
            In the units of `y`: the prediction without dropout or, with `return_std`,
            the mean :math:`\frac{1}{T} \sum_t \hat y_t` of the predictions with
            dropout.
        std : ndarray of the shape of `y`, float64
            :math:`\sqrt{\frac{1}{T} \sum_t (\hat y_t - y)^2}`; with `return_std` only.
        quantiles : ndarray of shape (n, n_quantiles) or (n, n_outputs, n_quantiles)
            As `predict_quantiles`; with `return_quantiles` only.

        Raises
        ------
        ValueError
            If `X` has other columns, channels or steps than in ``fit``, or NaN or
            infinity after a known value, if `return_std` is asked of a net without
            dropout, or `return_quantiles` of a net without quantiles.
        """
        if return_std and return_quantiles:
            raise ValueError(
                "return_std=True and return_quantiles=True cannot be given together: "
                "call predict once for each."
            )
        if return_std:
            mean, std = self._predict_with_dropout(X, n_draws)
            return self._shaped(mean), self._shaped(std)
        check_is_fitted(self)
        self._refuse_classes()
        if return_quantiles and not isinstance(self._spec.targets, QuantileTargets):
            raise ValueError(
                "return_quantiles=True needs quantiles, and this "
                f"{type(self).__name__} has none: fit it with loss='quantile'."
            )
        outputs = self._evaluate(X)
        y = self._shaped(self._spec.targets.decode(outputs))
        return (y, self._quantiles(outputs)) if return_quantiles else y

    @available_if(_has_quantiles)
    def predict_quantiles(self, X: ArrayLike) -> np.ndarray:
        """Predict the quantiles of the target; only with ``loss="quantile"``.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As for ``predict``.

        Returns
        -------
        quantiles : ndarray of shape (n, n_quantiles) or (n, n_outputs, n_quantiles)
            In the units of `y`, in the order of `quantiles`, which is increasing.

        Raises
        ------
        ValueError
            As in ``predict``.
        """
        return self._quantiles(self._evaluate(X))

    @property
    def _scale_kind(self) -> str | None:
        """The window norm, if it gives each window a scale."""
        norm = self._spec.norm
        return norm.kind if norm.divides else None

    def _predict_with_scales(self, X: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        self._refuse_classes()
        outputs, scales = self._evaluate_with_scales(X)
        predicted = self._spec.targets.decode(outputs)
        return self._shaped(predicted), self._shaped(scales)

    def _quantiles(self, outputs: np.ndarray) -> np.ndarray:
        """Return the quantiles of the outputs of the module, in the units of `y`."""
        targets = self._spec.targets
        assert isinstance(targets, QuantileTargets)
        quantiles = targets.decode_quantiles(outputs)
        return quantiles[:, 0] if self._spec.outputs.is_1d else quantiles

    def _shaped(self, y: np.ndarray) -> np.ndarray:
        return y.ravel() if self._spec.outputs.is_1d else y

    def _refuse_classes(self) -> None:
        targets = self._spec.targets
        if targets.class_columns:
            raise ValueError(
                "This net has scores of classes among its outputs: use the predict of "
                f"the {targets.owner} that it belongs to."
            )

    def _predict_with_dropout(
        self, X: ArrayLike, n_draws: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation of draws by dropout, each (n, targets)."""
        check_scalar(n_draws, "n_draws", Integral, min_val=1)
        check_is_fitted(self)
        self._refuse_classes()
        dataset = self._prepared_windows(X)
        if not has_dropout(self.module_):
            raise ValueError(
                f"return_std=True draws by dropout, and this {type(self).__name__} has "
                f"none: fit it with {self._dropout_advice}."
            )
        with explained_memory_errors(TOO_LARGE):
            mean, std = mc_mean_and_std(
                self.module_,
                dataset,
                self._spec.targets.decode,
                self.net_.generators_,
                n_draws,
                self._block_size,
                verbose=self.verbose > 0,
            )
        return check_outputs(mean), check_outputs(std)

    @property
    def _dropout_advice(self) -> str:
        """The parameters that give dropout."""
        return "dropout=0.1"
