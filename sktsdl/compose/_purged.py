"""Fewer training rows."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal, Self

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_scalar, indexable

from sktsdl._sklearn.arrays import refuse_repeated_names
from sktsdl._sklearn.bases import with_callbacks
from sktsdl._sklearn.callbacks import fit_task
from sktsdl._sklearn.target_steps import horizon_of
from sktsdl._sklearn.validation import roll_back_on_error
from sktsdl._windows.last_rows import rows_after, series_of
from sktsdl._windows.same_times import check_same_times
from sktsdl.compose._fit_rows import fit_to_rows
from sktsdl.compose._wrapper import DelegatingWrapper, next_regressor


class PurgedRegressor(DelegatingWrapper):
    """Leave the last training rows out of ``fit``, after the look-back steps.

    With targets `h` steps ahead, the last `h-1` training targets lie among the test
    rows. As the last step of a pipeline, ``PurgedRegressor(regressor)`` keeps them out
    of training, which is called purging [1]_. The look-back steps before it see all
    rows, so the history has no gap. ``TimeSeriesSplit(gap=h-1)`` would take these rows
    out of the history too.

    Parameters
    ----------
    regressor : estimator
        The regressor to fit. With its ``warm_start=True``, another ``fit`` trains
        `regressor_` further.
    purge : int or "auto", default="auto"
        The number of rows to leave out, at the end of each series. ``"auto"`` is
        ``h-1`` for targets up to `h` steps ahead, by the names of the columns of `y`
        (``rail+14``); without names, `h` is the number of columns.

    Attributes
    ----------
    regressor_ : estimator
        The fitted regressor.
    n_features_in_ : int
        The number of features of the fitted regressor.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        The names of features of the fitted regressor, if it has them.

    References
    ----------
    .. [1] M. Lopez de Prado (2018). Advances in Financial Machine Learning, section
       7.4.1. Wiley.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyRegressor
    >>> from sktsdl import PurgedRegressor
    >>> X, y = np.zeros((4, 1)), np.array([1.0, 2.0, 3.0, 100.0])
    >>> PurgedRegressor(DummyRegressor(), purge=1).fit(X, y).predict(X[:1])
    array([2.])
    """

    def __init__(
        self, regressor: BaseEstimator, purge: int | Literal["auto"] = "auto"
    ) -> None:
        self.regressor = regressor
        self.purge = purge

    @with_callbacks
    def fit(self, X: ArrayLike, y: ArrayLike, **fit_params: Any) -> Self:
        """Fit the regressor to all rows but the last `purge` rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows, oldest first.
        y : array-like of shape (n_rows,) or (n_rows, n_outputs)
            The target.
        **fit_params : dict
            Passed to the regressor's ``fit``; the last rows of ``sample_weight`` are
            left out too, also of a step of a pipeline.

        Returns
        -------
        self : object
            The fitted regressor.

        Raises
        ------
        ValueError
            If no row is left; the regressor then stays as it was.
        """
        regressor = next_regressor(self.regressor, getattr(self, "regressor_", None))
        with fit_task(self, X, y, regressor), roll_back_on_error(self):
            fit_params = dict(self._fit_params(fit_params))
            refuse_repeated_names(y, "y")
            purge = self._n_purged(y)
            X, y, _ = indexable(X, y, fit_params.get("sample_weight"))
            check_same_times(X, y)
            is_kept = rows_after(series_of(X, y)) >= purge
            if not is_kept.any():
                raise ValueError(
                    f"purge={purge} leaves none of the n_samples={len(is_kept)} rows "
                    "to fit: give more rows, or a smaller purge."
                )
            self.regressor_ = fit_to_rows(regressor, X, y, is_kept, fit_params)
        return self

    def _n_purged(self, y: ArrayLike | None) -> int:
        """Return the number of rows to leave out."""
        if self.purge == "auto":
            return 0 if y is None else horizon_of(y, None, "purge") - 1
        check_scalar(self.purge, "purge", Integral, min_val=0)
        return int(self.purge)
