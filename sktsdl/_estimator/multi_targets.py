"""Several targets, each of its own type."""

from collections.abc import Hashable, Sequence
from typing import Self

import numpy as np
from torch import Tensor, nn

from sktsdl._estimator.scaling import Scaling
from sktsdl._estimator.targets import Targets
from sktsdl._layers.in_units import ByName
from sktsdl._layers.losses import MultiLoss


class MultiTargets(Targets):
    """Several targets, each of its own type.

    Parameters
    ----------
    columns : sequence of Targets
        The type of each target.
    weights : sequence of float
        The weight of each target in the loss.
    """

    owner = "MultiTaskNet"

    def __init__(self, columns: Sequence[Targets], weights: Sequence[float]) -> None:
        self.columns = list(columns)
        self.weights = list(weights)
        self.class_columns = tuple(
            i for i, column in enumerate(columns) if column.class_columns
        )
        self.are_levels = all(column.are_levels for column in columns)

    def with_scaling(self, scaling: Scaling) -> Self:
        fitted = super().with_scaling(scaling)
        fitted.columns = [
            column.with_scaling(Scaling(scaling.mean[[i]], scaling.scale[[i]]))
            for i, column in enumerate(self.columns)
        ]
        return fitted

    @property
    def sizes(self) -> list[int]:
        """The number of outputs for each target."""
        return [column.n_outputs(1) for column in self.columns]

    def n_outputs(self, n_targets: int) -> int:
        return sum(self.sizes)

    def criterion(self) -> nn.Module:
        losses = [column.criterion() for column in self.columns]
        return MultiLoss(losses, self.sizes, self.weights)

    def split(self, outputs: np.ndarray) -> list[np.ndarray]:
        """Return the outputs of each target, each (n, outputs of the target)."""
        return np.split(outputs, np.cumsum(self.sizes)[:-1], axis=1)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        parts = zip(self.columns, self.split(outputs), strict=True)
        return np.concatenate([column.decode(part) for column, part in parts], axis=1)

    def decoder(
        self, is_1d: bool, names: Sequence[Hashable] | None = None
    ) -> nn.Module:
        if names is None:
            return super().decoder(is_1d)
        decoders = [column.decoder(is_1d=True) for column in self.columns]
        return ByName(names, decoders, self.sizes)

    def target_output(self, outputs: Tensor, target: int) -> Tensor:
        start, column = sum(self.sizes[:target]), self.columns[target]
        if column.class_columns:
            raise ValueError(
                f"target={target} is a target of classes, beside others: explain a "
                "target of numbers, or a NetClassifier."
            )
        return column.target_output(outputs[:, start : start + column.n_outputs(1)], 0)
