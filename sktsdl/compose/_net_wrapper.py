"""What wrappers share that train one net on targets of their own."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from sktsdl._estimator.regressor import DeepRegressor
from sktsdl.compose._tasks import check_net
from sktsdl.compose._wrapper import Wrapper, next_regressor


class NetWrapper(Wrapper):
    """A wrapper around one net, which cannot predict without the wrapper."""

    random_state: int | np.random.RandomState | None

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

    @property
    def n_features_in_(self) -> int:
        return self._net.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        return self._net.feature_names_in_
