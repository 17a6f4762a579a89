"""What the outputs of a module say of the targets, and the loss that they learn by."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

LOSSES = {
    "squared_error": nn.MSELoss,
    "absolute_error": nn.L1Loss,
    "huber": nn.HuberLoss,
}


class Points:
    """One output for each target.

    Parameters
    ----------
    loss : str, loss class or loss
        As the parameter of all nets.

    Attributes
    ----------
    n_values : int
        The outputs for each target.
    point : int
        Which of them is what ``predict`` answers.
    coded : list of int
        The targets that hold codes of classes.
    """

    n_values = 1
    point = 0
    coded: Sequence[int] = ()

    def __init__(self, loss: Any) -> None:
        self.loss = loss

    def n_outputs(self, n_targets: int) -> int:
        return self.n_values * n_targets

    def criterion(self) -> Any:
        """Return the loss of (..., outputs) and (..., targets)."""
        if isinstance(self.loss, nn.Module):
            return copy.deepcopy(self.loss)
        return LOSSES.get(self.loss, self.loss)()

    def unit(self, scale: float) -> float:
        """Return the unit of the loss of one target of deviation `scale`."""
        if not isinstance(self.loss, str):
            return 1.0
        return {"squared_error": scale**2, "absolute_error": scale}.get(self.loss, 1.0)

    def values(self, answers: np.ndarray) -> np.ndarray:
        """(n, outputs) -> (n, targets, values)"""
        return answers[:, :, None]

    def pick(self, answers: Tensor, target: int) -> Tensor:
        """Return what ``predict`` answers of a target, (n, outputs) -> (n,)."""
        return answers[:, target]


class Quantiles(Points):
    """An output for each level of each target.

    Parameters
    ----------
    levels : sequence of float
        In increasing order, 0.5 among them.
    """

    def __init__(self, levels: Sequence[float]) -> None:
        super().__init__("quantile")
        self.levels = [float(level) for level in levels]
        self.n_values = len(self.levels)
        self.point = self.levels.index(0.5)

    def criterion(self) -> Any:
        return PinballLoss(self.levels)

    def unit(self, scale: float) -> float:
        return scale

    def pick(self, answers: Tensor, target: int) -> Tensor:
        levels = answers.view(len(answers), -1, self.n_values)[:, target]
        return levels.sort(dim=-1).values[:, self.point]

    def values(self, answers: np.ndarray) -> np.ndarray:
        # In order, which never raises the loss: Chernozhukov et al. (2010).
        return np.sort(answers.reshape(len(answers), -1, self.n_values), axis=-1)


class PinballLoss(nn.Module):
    r"""The loss whose expectation is least at the quantiles [1]_, mean over levels.

    .. math:: \ell_q(y, \hat y) = \max\big(q (y - \hat y), (q - 1) (y - \hat y)\big)

    **Shape**: (..., targets * levels), (..., targets) -> (), the mean; with
    ``reduction="none"``, (..., targets)

    References
    ----------
    .. [1] R. Koenker and G. Bassett (1978). Regression Quantiles. Econometrica 46(1).
    """

    levels: Tensor

    def __init__(self, levels: Sequence[float], reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction
        self.register_buffer("levels", torch.tensor(levels))

    def forward(self, answer: Tensor, target: Tensor) -> Tensor:
        error = target[..., None] - answer.view(*target.shape, -1)
        loss = torch.maximum(self.levels * error, (self.levels - 1) * error).mean(-1)
        return loss if self.reduction == "none" else loss.mean()


class Tasks(Points):
    """For each target a number, or a score for each of its classes.

    Parameters
    ----------
    loss : str, loss class or loss
        That of the numbers, with a value for each.
    n_classes : sequence of int
        For each target the number of its classes, whose codes it holds; 0 for a number.
    weights : sequence of float
        What the loss of each target counts.
    """

    def __init__(
        self, loss: Any, n_classes: Sequence[int], weights: Sequence[float]
    ) -> None:
        super().__init__(loss)
        self.n_classes = list(n_classes)
        self.weights = list(weights)
        self.coded = [at for at, n in enumerate(self.n_classes) if n]

    @property
    def sizes(self) -> list[int]:
        """The outputs for each target."""
        return [n or 1 for n in self.n_classes]

    def n_outputs(self, n_targets: int) -> int:
        return sum(self.sizes)

    def criterion(self) -> Any:
        loss = super().criterion()
        loss.reduction = "none"
        return TaskLoss(loss, self.n_classes, self.weights)

    def unit(self, scale: float) -> float:
        return 1.0

    def values(self, answers: np.ndarray) -> np.ndarray:
        if self.coded:
            raise ValueError(
                "This net has scores of classes among its outputs: ask the "
                "MultiTaskNet that it belongs to."
            )
        return super().values(answers)

    def pick(self, answers: Tensor, target: int) -> Tensor:
        if target in self.coded:
            raise ValueError(
                f"target={target} is one of classes, and its scores have no units: "
                "explain a target of numbers."
            )
        return answers[:, sum(self.sizes[:target])]


class TaskLoss(nn.Module):
    r"""The weighted mean of the losses of all tasks.

    .. math:: \ell = \frac{1}{m} \sum_j w_j \, \ell_j

    with the cross entropy of softmax scores for a target of classes.

    **Shape**: (..., outputs), (..., targets) -> (), the mean; with
    ``reduction="none"``, (..., targets)
    """

    weights: Tensor

    def __init__(
        self,
        loss: Any,
        n_classes: Sequence[int],
        weights: Sequence[float],
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.loss = loss
        self.n_classes = list(n_classes)
        self.reduction = reduction
        self.register_buffer("weights", torch.tensor(weights))

    def forward(self, answer: Tensor, target: Tensor) -> Tensor:
        parts = torch.split(answer, [n or 1 for n in self.n_classes], dim=-1)
        losses = []
        truths = target.unbind(-1)
        for part, truth, n in zip(parts, truths, self.n_classes, strict=True):
            if n:
                scores = part.movedim(-1, 1)  # (batch, classes, ...)
                losses.append(
                    nn.functional.cross_entropy(scores, truth.long(), reduction="none")
                )
            else:
                losses.append(self.loss(part.squeeze(-1), truth))
                if losses[-1].shape != truth.shape:
                    raise ValueError(
                        f"loss={self.loss!r} gives no value for each row, as several "
                        "tasks need: use another loss."
                    )
        loss = torch.stack(losses, dim=-1) * self.weights
        return loss if self.reduction == "none" else loss.mean()
