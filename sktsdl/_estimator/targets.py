"""Target types: how module outputs map to targets, and their losses."""

import copy
from collections.abc import Hashable, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.extmath import softmax
from torch import Tensor, nn

from sktsdl._estimator.scaling import Scaling
from sktsdl._layers.losses import ClassLoss, MultiLoss, PinballLoss

LOSSES = {
    "squared_error": nn.MSELoss,
    "absolute_error": nn.L1Loss,
    "huber": nn.HuberLoss,
}


class PointTargets:
    """Numbers, with one output for each.

    Parameters
    ----------
    loss : str, loss class or loss
        As the parameter of all nets.

    Attributes
    ----------
    scaling : Scaling
        The statistics of the targets, after ``fit``.
    n_values : int
        The number of outputs for each target.
    median_index : int
        Which of these is the prediction.
    class_columns : tuple of int
        The targets that are classes, whose values are their codes.
    """

    n_values = 1
    median_index = 0
    class_columns: tuple[int, ...] = ()
    scaling: Scaling

    def __init__(self, loss: Any) -> None:
        self.loss = loss

    def fit(
        self, y: np.ndarray, weights: np.ndarray | None, *, standardize: bool
    ) -> Self:
        """Return these targets with the statistics of `y`, (n, targets)."""
        scaling = Scaling.identity(y.shape[1])
        if standardize:
            scaling = Scaling.fit(y, weights, lambda column: f"Column {column} of y")
        return self.with_scaling(scaling)

    def with_scaling(self, scaling: Scaling) -> Self:
        """Return these targets with given statistics; classes keep their codes."""
        columns = list(self.class_columns)
        mean, scale = scaling.mean.copy(), scaling.scale.copy()
        mean[columns], scale[columns] = 0.0, 1.0
        fitted = copy.copy(self)
        fitted.scaling = Scaling(mean, scale)
        return fitted

    def n_outputs(self, n_targets: int) -> int:
        return self.n_values * n_targets

    def criterion(self) -> nn.Module:
        """Return the loss of (..., outputs) and (..., targets)."""
        if isinstance(self.loss, nn.Module):
            return copy.deepcopy(self.loss)
        loss: nn.Module = LOSSES.get(self.loss, self.loss)()
        return loss

    @property
    def loss_scale(self) -> float:
        """The factor from the loss to the units of `y`, 1 if there is no such unit."""
        if len(self.scaling.scale) > 1 or not isinstance(self.loss, str):
            return 1.0
        return self._loss_scale(float(self.scaling.scale[0]))

    def _loss_scale(self, scale: float) -> float:
        return {"squared_error": scale**2, "absolute_error": scale}.get(self.loss, 1.0)

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return `y`, (n, targets), as the loss needs it, float32."""
        return self.scaling.transform(y).astype(np.float32)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """(n, outputs) -> (n, targets), predictions in the units of `y`"""
        return self.scaling.inverse_transform(outputs)

    def target_output(self, outputs: Tensor, target: int) -> Tensor:
        """(n, outputs) -> (n,), the output that is the prediction of a target"""
        return outputs[:, target]


class QuantileTargets(PointTargets):
    """Numbers, with an output for each of their quantiles.

    Parameters
    ----------
    quantiles : sequence of float
        In increasing order, 0.5 among them.
    """

    def __init__(self, quantiles: Sequence[float]) -> None:
        super().__init__("quantile")
        self.quantiles = tuple(float(q) for q in quantiles)
        self.n_values = len(self.quantiles)
        self.median_index = self.quantiles.index(0.5)

    def criterion(self) -> nn.Module:
        return PinballLoss(self.quantiles)

    def _loss_scale(self, scale: float) -> float:
        return scale

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        return super().decode(self._in_order(outputs)[..., self.median_index])

    def decode_quantiles(self, outputs: np.ndarray) -> np.ndarray:
        """(n, outputs) -> (n, targets, quantiles), in the units of `y`"""
        quantiles = np.moveaxis(self._in_order(outputs), -1, 0)
        return np.stack([super(QuantileTargets, self).decode(q) for q in quantiles], -1)

    def target_output(self, outputs: Tensor, target: int) -> Tensor:
        quantiles = outputs.view(len(outputs), -1, self.n_values)[:, target]
        return quantiles.sort(dim=-1).values[:, self.median_index]

    def _in_order(self, outputs: np.ndarray) -> np.ndarray:
        # Sorting never raises the loss: Chernozhukov et al. (2010).
        return np.sort(outputs.reshape(len(outputs), -1, self.n_values), axis=-1)


class ClassTargets(PointTargets):
    """One target of classes, with a score for each class.

    Its values are the codes 0 to ``n_classes - 1``.
    """

    class_columns = (0,)

    def __init__(self, n_classes: int) -> None:
        super().__init__("cross_entropy")
        self.n_classes = n_classes

    def n_outputs(self, n_targets: int) -> int:
        return self.n_classes

    def criterion(self) -> nn.Module:
        return ClassLoss()

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        return outputs.argmax(axis=1)[:, None]

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """(n, classes) -> (n, classes), by softmax"""
        probabilities: np.ndarray = softmax(outputs)
        return probabilities

    def target_output(self, outputs: Tensor, target: int) -> Tensor:
        raise ValueError(
            f"target={target} is a target of classes, and its scores have no units: "
            "explain a target of numbers."
        )


class MultiTargets(PointTargets):
    """Several targets, each of its own type.

    Parameters
    ----------
    columns : sequence of PointTargets
        The type of each target.
    weights : sequence of float
        The weight of each target in the loss.
    """

    def __init__(
        self, columns: Sequence[PointTargets], weights: Sequence[float]
    ) -> None:
        super().__init__("multi")
        self.columns = list(columns)
        self.weights = list(weights)
        self.class_columns = tuple(
            i for i, column in enumerate(columns) if column.class_columns
        )

    @property
    def sizes(self) -> list[int]:
        """The number of outputs for each target."""
        return [column.n_outputs(1) for column in self.columns]

    @property
    def loss_scale(self) -> float:
        return 1.0

    def n_outputs(self, n_targets: int) -> int:
        return sum(self.sizes)

    def criterion(self) -> nn.Module:
        losses = [column.criterion() for column in self.columns]
        return MultiLoss(losses, self.sizes, self.weights)

    def split(self, outputs: np.ndarray) -> list[np.ndarray]:
        """Return the outputs of each target, each (n, outputs of the target)."""
        return np.split(outputs, np.cumsum(self.sizes)[:-1], axis=1)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        predictions = [
            column.decode(part) if column.class_columns else part
            for column, part in zip(self.columns, self.split(outputs), strict=True)
        ]
        return super().decode(np.concatenate(predictions, axis=1))

    def target_output(self, outputs: Tensor, target: int) -> Tensor:
        if target in self.class_columns:
            return self.columns[target].target_output(outputs, target)
        return outputs[:, sum(self.sizes[:target])]


def find_classes(labels: pd.Series, name: Hashable) -> np.ndarray:
    """Return the sorted labels of a column of `y`.

    Raises
    ------
    ValueError
        If a label is missing, if labels are of several types, or if there is only one.
    """
    _check_labels(labels, name)
    try:
        classes = np.unique(labels.to_numpy())
    except TypeError as error:
        raise ValueError(
            f"Column {name!r} of y mixes labels of several types: give one type, such "
            "as str."
        ) from error
    if len(classes) < 2:
        raise ValueError(
            f"Column {name!r} of y has one class, {classes[0]!r}, and there is nothing "
            "to tell apart: give rows of two or more."
        )
    return classes


def to_codes(
    labels: pd.Series, classes: np.ndarray, name: Hashable, argument: str
) -> pd.Series:
    """Return the position of each label among `classes`, as float.

    Raises
    ------
    ValueError
        If a label is missing, or is not one of the classes.
    """
    _check_labels(labels, name)
    codes = pd.Index(classes).get_indexer(labels)
    if (codes < 0).any():
        label = labels.iloc[int((codes < 0).argmax())]
        raise ValueError(
            f"Column {name!r} of {argument} holds {label!r}, which is not one of the "
            f"classes in y, {classes.tolist()}."
        )
    return pd.Series(codes.astype(float), index=labels.index)


def _check_labels(labels: pd.Series, name: Hashable) -> None:
    missing = labels.isna().to_numpy()
    if missing.any():
        row = int(missing.argmax())
        raise ValueError(
            f"Column {name!r} of y has no label in row {row} ({labels.index[row]}): "
            "leave the row out of X and y."
        )
