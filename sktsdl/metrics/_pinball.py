"""A score of predicted quantiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sktsdl._sklearn.quantiles import predict_quantiles, quantile_levels
from sktsdl._windows.scored_rows import table


def pinball_scorer(estimator: Any, X: ArrayLike, y: ArrayLike) -> float:
    r"""Score predicted quantiles: minus the mean pinball loss [1]_.

    .. math:: -\frac{1}{n K} \sum_{t=1}^n \sum_{k=1}^K
        \max(\alpha_k (y_t - \hat q_{t,k}), (\alpha_k - 1)(y_t - \hat q_{t,k}))

    for :math:`K` quantiles :math:`\hat q_{t,k}` of probability :math:`\alpha_k`.
    Greater is better. It is a scorer: give it as `scoring` to ``GridSearchCV`` or
    ``cross_val_score``.

    Parameters
    ----------
    estimator : estimator
        A fitted net with ``loss="quantile"``, or a pipeline, wrapper or search around
        one.
    X : array-like of shape (n_rows, ...)
        As for its ``predict``.
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        The true values.

    Returns
    -------
    score : float
        In the units of `y`, the mean over all rows, outputs and quantiles.

    Raises
    ------
    TypeError
        If `estimator` predicts no quantiles.
    ValueError
        If `y` is not of the shape of its predictions.

    References
    ----------
    .. [1] R. Koenker and G. Bassett (1978). Regression quantiles. Econometrica 46(1).

    Examples
    --------
    >>> from sktsdl import WindowMLPRegressor, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> from sktsdl.metrics import pinball_scorer
    >>> X, y, X_latest = make_supervised(make_sinusoid(random_state=0), target="value")
    >>> net = WindowMLPRegressor(loss="quantile", max_epochs=2, random_state=0)
    >>> pinball_scorer(net.fit(X, y), X, y) < 0
    True
    """
    estimator = getattr(estimator, "best_estimator_", estimator)
    levels = quantile_levels(estimator)
    if levels is None:
        raise TypeError(
            f"pinball_scorer needs quantiles, and this {type(estimator).__name__} "
            "predicts none: give a net with loss='quantile', or a pipeline or wrapper "
            "around one."
        )
    truth = table(y, "y")
    quantiles = predict_quantiles(estimator, X)
    quantiles = quantiles.reshape(len(quantiles), -1, len(levels))
    if quantiles.shape[:-1] != truth.shape:
        raise ValueError(
            f"y has the shape {truth.shape} and the predictions for X "
            f"{quantiles.shape[:-1]} (rows, outputs): give the true value of each."
        )
    under = truth[..., None] - quantiles
    return -float(np.mean(np.maximum(levels * under, (levels - 1) * under)))
