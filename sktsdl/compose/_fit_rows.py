"""Fits to some of the rows."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from sktsdl._sklearn.bases import with_callbacks
from sktsdl._sklearn.callbacks import fit_task
from sktsdl._windows.last_rows import take_rows
from sktsdl.compose._wrapper import DelegatingWrapper, params_of_rows
from sktsdl.preprocessing._base import LookBackTransformer


def fit_to_rows(
    regressor: Any,
    X: ArrayLike,
    y: ArrayLike | None,
    is_kept: np.ndarray,
    fit_params: dict[str, Any],
) -> Any:
    """Fit to the rows that a mask marks, and return the fitted regressor."""
    y_kept = None if y is None else take_rows(y, is_kept)
    params = params_of_rows(fit_params, is_kept)
    return regressor.fit(take_rows(X, is_kept), y_kept, **params)


def fit_after_steps(
    regressor: Any,
    X: ArrayLike,
    y: ArrayLike,
    is_kept: np.ndarray,
    fit_params: dict[str, Any],
) -> Any:
    """Fit to some rows, where the look-back steps of a pipeline are given all rows.

    A search or another estimator around look-back steps is fitted to all rows, as
    these steps would lose the history of the rows that are kept.

    Parameters
    ----------
    regressor : estimator
        It is fitted, and is not copied.
    X, y : array-like
        All training rows.
    is_kept : ndarray of bool, shape (n_rows,)
        The rows to fit to.
    fit_params : dict
        Passed to its ``fit``; weights are left out with their rows.

    Returns
    -------
    regressor : estimator
        The fitted regressor.
    """
    if is_kept.all():
        return regressor.fit(X, y, **fit_params)
    if not _looks_back(regressor):
        return fit_to_rows(regressor, X, y, is_kept, fit_params)
    if not isinstance(regressor, Pipeline):
        return regressor.fit(X, y, **fit_params)
    name, last = regressor.steps[-1]
    regressor.steps[-1] = name, _AfterSteps(last, is_kept)
    try:
        return regressor.fit(X, y, **fit_params)
    finally:
        regressor.steps[-1] = name, last


class _AfterSteps(DelegatingWrapper):
    """Take the place of the last step of a pipeline while it is fitted."""

    def __init__(self, regressor: BaseEstimator, is_kept: np.ndarray) -> None:
        self.regressor = regressor
        self.is_kept = is_kept

    @with_callbacks
    def fit(self, X: ArrayLike, y: ArrayLike, **fit_params: Any) -> Self:
        with fit_task(self, X, y, self.regressor):
            params = dict(self._fit_params(fit_params))
            # It is the user's last step, and not a copy, so that the pipeline keeps it.
            self.regressor_ = fit_after_steps(
                self.regressor, X, y, self.is_kept, params
            )
        return self


def _looks_back(estimator: Any) -> bool:
    """Say whether a look-back step is inside of `estimator`."""
    parts = estimator.get_params(deep=True).values()
    return any(isinstance(part, LookBackTransformer) for part in parts)
