"""What wrappers share that train one net on targets of their own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable

import numpy as np
from sklearn.utils.validation import check_is_fitted
from torch import nn

from sktsdl._estimator.exporting import ExportMixin, module_in_units
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl.compose._tasks import check_net
from sktsdl.compose._wrapper import Wrapper, next_regressor


class NetWrapper(ExportMixin, Wrapper):
    """A wrapper around one net, which cannot predict without the wrapper."""

    random_state: int | np.random.RandomState | None
    _columns: list[Hashable] | None = None

    @property
    @abstractmethod
    def _net(self) -> DeepRegressor:
        """The fitted net."""

    def _next_net(self, name: str, purpose: str) -> DeepRegressor:
        """Return the net to fit, which continues the fitted one by `warm_start`.

        `name` is the parameter that has the net, and `purpose` what it is for.
        """
        check_net(self._inner, name, purpose)
        net: DeepRegressor = next_regressor(self._inner, getattr(self, "_net", None))
        if self.random_state is not None:
            net.set_params(random_state=self.random_state)
        return net

    def to_module(self) -> nn.Module:
        """Return the fitted net as one module of torch, in the units of `X` and `y`.

        It holds all that is computed from a window, as ``to_module`` of the net.

        Returns
        -------
        module : torch.nn.Module
            A copy on the CPU, in evaluation mode. It takes windows as of the net. Of a
            `NetClassifier` it returns what ``predict_proba`` returns. Of a
            `MultiTaskNet` with `tasks` it returns a dict with a tensor for each task:
            numbers, (batch,), or the probabilities of classes, (batch, n_classes);
            without `tasks`, what ``predict`` returns.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            As of the net.

        Examples
        --------
        >>> import numpy as np
        >>> import torch
        >>> from sktsdl import LSTMRegressor, NetClassifier
        >>> windows = np.random.default_rng(0).normal(size=(40, 3, 1))
        >>> direction = np.where(windows[:, -1, 0] > 0, "up", "down")
        >>> net = LSTMRegressor(hidden_sizes=(4,), max_epochs=2)
        >>> module = NetClassifier(net).fit(windows, direction).to_module()
        >>> module(torch.tensor(windows)).shape
        torch.Size([40, 2])
        """
        check_is_fitted(self)
        return module_in_units(self._net._spec, self._net.module_, self._columns)

    @property
    def n_features_in_(self) -> int:
        return self._net.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        return self._net.feature_names_in_
