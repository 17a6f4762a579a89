"""The parameters of a net as records, one for each step of a fit."""

import dataclasses
from typing import Any, TypeVar, cast

import numpy as np

from sktsdl._estimator.cycle import CycleConfig
from sktsdl._estimator.fitting import FitConfig
from sktsdl._estimator.known import KnownConfig
from sktsdl._estimator.module import AdapterConfig, Architecture
from sktsdl._estimator.norm_choice import NormConfig
from sktsdl._estimator.parameters import SHARED, STRUCTURAL, NetParameters
from sktsdl._estimator.split import SplitConfig
from sktsdl._estimator.targets import PointTargets, QuantileTargets, Targets
from sktsdl._training.config import TrainingConfig
from sktsdl._training.device import resolve_device

Config = TypeVar("Config")


class NetSettings(NetParameters):
    """What the parameters say to each step of a fit."""

    def _make_targets(self) -> Targets:
        """Return the type of the targets, not fitted yet."""
        if self.loss == "quantile":
            return QuantileTargets(self.quantiles)
        return PointTargets(self.loss)

    def _config(self, kind: type[Config], **more: object) -> Config:
        """Return a record, a dataclass, of the parameters that it has as fields."""
        names = {field.name for field in dataclasses.fields(cast(Any, kind))}
        params = self.get_params(deep=False)
        values = {name: params[name] for name in names & params.keys()}
        return kind(**values | more)

    def _fit_config(self, architecture: Architecture) -> FitConfig:
        return self._config(
            FitConfig,
            architecture=architecture,
            adapters=self._config(AdapterConfig),
            norm=self._config(NormConfig),
            known=self._config(KnownConfig),
            cycle=self._config(CycleConfig),
            split=self._config(SplitConfig),
            training=self._training_config(),
        )

    def _training_config(self) -> TrainingConfig:
        return self._config(
            TrainingConfig, name=type(self).__name__, device=resolve_device(self.device)
        )

    def _architecture_parameters(self) -> dict[str, Any]:
        """Return the parameters of the subclass as plain values."""
        return {
            name: tuple(np.asarray(value).tolist())
            if isinstance(value, list | tuple | np.ndarray)
            else (value.item() if isinstance(value, np.generic) else value)
            for name, value in self.get_params(deep=False).items()
            if name not in SHARED
        }

    def _structure(self) -> dict[str, object]:
        """Return the parameters that decide how the module is built."""
        params = self._architecture_parameters()
        params |= {name: getattr(self, name) for name in STRUCTURAL}
        params["quantiles"] = getattr(self._make_targets(), "quantiles", None)
        return {
            name: tuple(value) if isinstance(value, list | np.ndarray) else value
            for name, value in params.items()
        }
