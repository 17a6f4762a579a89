"""Target types: how module outputs map to targets, and their losses."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from inspect import signature
from typing import Self

import numpy as np
from sklearn.utils.extmath import softmax
from torch import Tensor, nn

from sktsdl._estimator.scaling import Scaling
from sktsdl._layers.in_units import Values
from sktsdl._layers.losses import ClassLoss, PinballLoss

LOSSES = {
    "squared_error": nn.MSELoss,
    "absolute_error": nn.L1Loss,
    "huber": nn.HuberLoss,
}
# The outputs of other losses may be logarithms or scores.
LEVEL_LOSSES = (nn.MSELoss, nn.L1Loss, nn.HuberLoss, nn.SmoothL1Loss)


class Targets(ABC):
    """How the outputs of a module map to targets, and the loss of the outputs.

    Attributes
    ----------
    scaling : Scaling
        The statistics of the targets, after `with_scaling`.
    n_values : int
        The number of outputs for each target.
    median_index : int
        Which of these is the prediction.
    class_columns : tuple of int
        The targets that are classes, whose values are their codes.
    owner : str or None
        The estimator without which a net of these targets is of no use.
    are_levels : bool
        Whether all outputs are values of `y`, in its standardised units.
    """

    n_values = 1
    median_index = 0
    class_columns: tuple[int, ...] = ()
    owner: str | None = None
    are_levels = True
    scaling: Scaling

    def with_scaling(self, scaling: Scaling) -> Self:
        """Return these targets with given statistics; classes keep their codes."""
        columns = list(self.class_columns)
        mean, scale = scaling.mean.copy(), scaling.scale.copy()
        mean[columns], scale[columns] = 0.0, 1.0
        fitted = copy.copy(self)
        fitted.scaling = Scaling(mean, scale)
        return fitted

    @abstractmethod
    def n_outputs(self, n_targets: int) -> int:
        """Return the number of outputs of the module."""

    @abstractmethod
    def criterion(self) -> nn.Module:
        """Return the loss of (..., outputs) and (..., targets)."""

    @property
    def loss_factor(self) -> float:
        """The factor from the loss to the units of `y`, 1 if there is no such unit."""
        if len(self.scaling.scale) > 1:
            return 1.0
        return self._loss_factor(float(self.scaling.scale[0]))

    def _loss_factor(self, scale: float) -> float:
        """Return the factor for one target of standard deviation `scale`."""
        return 1.0

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return `y`, (n, targets), as the loss needs it, float32."""
        return self.scaling.transform(y).astype(np.float32)

    def decode_targets(self, encoded: np.ndarray) -> np.ndarray:
        """Return `y`, (n, targets), for what `encode` made of it."""
        return self.scaling.inverse_transform(encoded)

    @abstractmethod
    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """(n, outputs) -> (n, targets), predictions in the units of `y`"""

    def decoder(
        self, is_1d: bool, names: Sequence[Hashable] | None = None
    ) -> nn.Module:
        """Return a module that decodes all values of the targets, as ``decode``.

        With `names`, which several targets of their own types may have, it returns a
        dict.
        """
        return Values(self.scaling.mean, self.scaling.scale, self.n_values, is_1d)

    def decode_parts(self, parts: np.ndarray) -> np.ndarray:
        """(n, parts, outputs) -> (n, parts, targets), addends of the predictions

        The first of them has the mean of `y`.
        """
        values = parts.reshape(*parts.shape[:2], -1, self.n_values)
        order = values.sum(axis=1, keepdims=True).argsort(axis=-1)
        median = order[..., [self.median_index]]  # as quantiles may cross
        scaled = np.take_along_axis(values, median, axis=-1)[..., 0]
        scaled = scaled * self.scaling.scale
        scaled[:, 0] += self.scaling.mean
        return scaled

    def n_explained(self, n_targets: int) -> int:
        """Return how many outputs `target_output` can give."""
        return n_targets

    def unit_of(self, target: int) -> float:
        """Return the unit of `target_output`, in units of `y`."""
        return float(self.scaling.scale[target])

    @abstractmethod
    def target_output(self, outputs: Tensor, target: int) -> Tensor:
        """(n, outputs) -> (n,), the output that is the prediction of a target"""


class PointTargets(Targets):
    """Numbers, with one output for each.

    Parameters
    ----------
    loss : str, loss class or loss
        As the parameter of all nets.
    """

    def __init__(self, loss: str | nn.Module | type[nn.Module]) -> None:
        self.loss = loss
        kind = loss if isinstance(loss, type) else type(loss)
        self.are_levels = issubclass(kind, (str, *LEVEL_LOSSES))

    def n_outputs(self, n_targets: int) -> int:
        return n_targets

    def criterion(self) -> nn.Module:
        if isinstance(self.loss, nn.Module):
            loss = copy.deepcopy(self.loss)
        else:
            loss = LOSSES[self.loss]() if isinstance(self.loss, str) else self.loss()
        parameters = signature(loss.forward).parameters.values()
        needed = [p.name for p in parameters if p.default is p.empty and p.kind < 2]
        if len(needed) > 2:
            raise ValueError(
                f"loss={self.loss!r} needs {needed}, and a net has only an output and "
                "a target to give it: use another loss."
            )
        return loss

    def _loss_factor(self, scale: float) -> float:
        if not isinstance(self.loss, str):
            return 1.0
        return {"squared_error": scale**2, "absolute_error": scale}.get(self.loss, 1.0)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        return self.scaling.inverse_transform(outputs)

    def target_output(self, outputs: Tensor, target: int) -> Tensor:
        return outputs[:, target]


class QuantileTargets(Targets):
    """Numbers, with an output for each of their quantiles.

    Parameters
    ----------
    quantiles : sequence of float
        In increasing order, 0.5 among them.

    Raises
    ------
    ValueError
        If they are not.
    """

    def __init__(self, quantiles: Sequence[float]) -> None:
        try:
            values = np.asarray(quantiles, dtype=float)
        except (TypeError, ValueError):
            values = np.array([])
        inside = values.ndim == 1 and ((values > 0) & (values < 1)).all()
        if not inside or (np.diff(values) <= 0).any() or 0.5 not in values:
            raise ValueError(
                f"quantiles={quantiles!r} must increase between 0 and 1 and hold 0.5, "
                "the median: give such as (0.1, 0.5, 0.9)."
            )
        self.quantiles = tuple(float(q) for q in quantiles)
        self.n_values = len(self.quantiles)
        self.median_index = self.quantiles.index(0.5)

    def n_outputs(self, n_targets: int) -> int:
        return self.n_values * n_targets

    def criterion(self) -> nn.Module:
        return PinballLoss(self.quantiles)

    def _loss_factor(self, scale: float) -> float:
        return scale

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        medians = self._in_order(outputs)[..., self.median_index]
        return self.scaling.inverse_transform(medians)

    def decode_quantiles(self, outputs: np.ndarray) -> np.ndarray:
        """(n, outputs) -> (n, targets, quantiles), in the units of `y`"""
        quantiles = np.moveaxis(self._in_order(outputs), -1, 0)
        return np.stack([self.scaling.inverse_transform(q) for q in quantiles], -1)

    def target_output(self, outputs: Tensor, target: int) -> Tensor:
        quantiles = outputs.view(len(outputs), -1, self.n_values)[:, target]
        return quantiles.sort(dim=-1).values[:, self.median_index]

    def _in_order(self, outputs: np.ndarray) -> np.ndarray:
        # Sorting never raises the loss: Chernozhukov et al. (2010).
        return np.sort(outputs.reshape(len(outputs), -1, self.n_values), axis=-1)


class ClassTargets(Targets):
    """One target of classes, with a score for each class.

    Its values are the codes 0 to ``n_classes - 1``.
    """

    class_columns = (0,)
    owner = "NetClassifier"
    are_levels = False

    def __init__(self, n_classes: int) -> None:
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

    def decoder(
        self, is_1d: bool, names: Sequence[Hashable] | None = None
    ) -> nn.Module:
        """Return a module that gives the probabilities of the classes."""
        return nn.Softmax(dim=1)

    def n_explained(self, n_targets: int) -> int:
        return self.n_classes

    def unit_of(self, target: int) -> float:
        return 1.0

    def target_output(self, outputs: Tensor, target: int) -> Tensor:
        """(n, classes) -> (n,), the log-odds of the class `target`"""
        others = [k for k in range(self.n_classes) if k != target]
        return outputs[:, target] - outputs[:, others].logsumexp(dim=1)
