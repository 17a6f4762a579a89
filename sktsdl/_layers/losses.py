"""Losses that torch does not have."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class PinballLoss(nn.Module):
    r"""The loss that quantiles minimise in expectation [1]_, mean over quantiles.

    .. math:: \ell_q(y, \hat y) = \max\big(q (y - \hat y), (q - 1) (y - \hat y)\big)

    **Shape**: (..., targets * quantiles), (..., targets) -> (), the mean; with
    ``reduction="none"``, (..., targets)

    References
    ----------
    .. [1] R. Koenker and G. Bassett (1978). Regression Quantiles. Econometrica 46(1).
    """

    quantiles: Tensor

    def __init__(self, quantiles: Sequence[float], reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction
        self.register_buffer("quantiles", torch.tensor(quantiles))

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        error = target[..., None] - output.view(*target.shape, -1)
        loss = torch.maximum(self.quantiles * error, (self.quantiles - 1) * error)
        loss = loss.mean(-1)
        return loss if self.reduction == "none" else loss.mean()


class ClassLoss(nn.Module):
    r"""The cross entropy :math:`-\log p_y` of the softmax :math:`p` of scores.

    **Shape**: (..., classes), (..., 1) -> (), the mean; with ``reduction="none"``,
    (..., 1)
    """

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        scores = output.movedim(-1, 1)  # (batch, classes, ...)
        codes = target.squeeze(-1).long()
        loss = nn.functional.cross_entropy(scores, codes, reduction="none")[..., None]
        return loss if self.reduction == "none" else loss.mean()


class MultiLoss(nn.Module):
    r"""The weighted losses of several targets, divided by their number.

    .. math:: \ell = \frac{1}{m} \sum_j w_j \, \ell_j

    **Shape**: (..., outputs), (..., targets) -> (), the mean; with
    ``reduction="none"``, (..., targets)

    Parameters
    ----------
    losses : list of nn.Module
        The loss of each target.
    sizes : list of int
        The number of outputs for each target.
    weights : list of float
        The weight of each target.
    """

    weights: Tensor

    def __init__(
        self,
        losses: Sequence[nn.Module],
        sizes: Sequence[int],
        weights: Sequence[float],
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.losses = nn.ModuleList(losses)
        for loss in self.losses:
            loss.reduction = "none"  # type: ignore[assignment]
        self.sizes = list(sizes)
        self.reduction = reduction
        self.register_buffer("weights", torch.tensor(weights))

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        parts = torch.split(output, self.sizes, dim=-1)
        losses = []
        for loss, part, truth in zip(
            self.losses, parts, torch.split(target, 1, dim=-1), strict=True
        ):
            values = loss(part, truth)
            if values.shape != truth.shape:
                raise ValueError(
                    f"loss={loss!r} gives no value for each row, as several targets "
                    "need: use another loss."
                )
            losses.append(values)
        combined = torch.cat(losses, dim=-1) * self.weights
        return combined if self.reduction == "none" else combined.mean()
