"""The template of all steps that look back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags, check_array
from sklearn.utils.validation import check_is_fitted

from sktsdl._sklearn.callbacks import CallbackSupportMixin, fit_task, with_callbacks
from sktsdl._sklearn.docs import fill_docs
from sktsdl._sklearn.validation import (
    check_option,
    raise_at_first,
    roll_back_on_error,
    validate_rows,
)
from sktsdl._windows.history import TrainingTail
from sktsdl._windows.kept_rows import Joined
from sktsdl._windows.missing import unknown_after_known
from sktsdl._windows.time_index import time_index
from sktsdl._windows.windows import Windows

Output = np.ndarray | pd.DataFrame | Windows

HISTORY = """\
An array `X` is either the training rows from their start, or the rows right after them,
which have the last training rows as history. For anything else (gaps, ``KFold``,
``learning_curve``), give a DataFrame with a time index. After
``fit(X, y, X_val=...)`` of a pipeline, give the rows of `X_val` and later rows
together."""


class LookBackTransformer(CallbackSupportMixin, TransformerMixin, BaseEstimator, ABC):
    """Base of the transformers whose row `t` needs rows before `t`.

    A subclass says how many rows it looks back and what it computes from rows that
    have their history in front of them. Validation, the history rule and the index of
    the output are here. Its docstring says ``{history}`` where the text on history
    belongs.
    """

    history: Literal["tail"] | None
    _min_rows = 1

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        fill_docs(cls, {"history": HISTORY})

    @with_callbacks
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Fit to the training rows and remember their end.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            One row per time step, oldest first.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted step.

        Raises
        ------
        ValueError
            If a parameter or a value of `X` cannot be used; the step then stays as
            it was.
        """
        with fit_task(self, X, y), roll_back_on_error(self):
            self._fit(X)
        return self

    @with_callbacks
    def fit_transform(
        self, X: ArrayLike, y: object = None, **fit_params: Any
    ) -> Output:
        """Fit to the training rows and transform them, without history.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            One row per time step, oldest first.
        y : None
            Ignored.
        **fit_params : dict
            Passed to ``fit``.

        Returns
        -------
        X_new : ndarray, DataFrame or array-like of windows
            As from ``transform``.
        """
        with fit_task(self, X, y), roll_back_on_error(self):
            rows = self._fit(X, **fit_params)
        return self._output(self._tail.join(rows, 0), X)

    def transform(self, X: ArrayLike) -> Output:
        """Transform every row of `X`, with its history if that is known.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            The training rows from their start, the rows right after them, or rows that
            start within the first or the last 512 training rows.

        Returns
        -------
        X_new : ndarray, DataFrame or array-like of windows
            One row for each row of `X`; a DataFrame for a DataFrame, if it is 2-D.

        Raises
        ------
        ValueError
            If a value, a column or the index of `X` cannot be used.
        """
        check_is_fitted(self)
        rows = self._validate(X, reset=False)
        position = self._tail.position_of(rows, time_index(X))
        return self._output(self._tail.join(rows, position), X)

    def _fit(self, X: ArrayLike) -> np.ndarray:
        check_option("history", self.history, ("tail", None))
        n_back = self._check_n_back()
        rows = self._validate(X, reset=True)
        self._tail = TrainingTail(rows, time_index(X), n_back, self.history)
        self._fit_rows(rows)
        return rows

    def _validate(self, X: ArrayLike, *, reset: bool) -> np.ndarray:
        minimum = self._min_rows if reset else 1
        return validate_rows(self, X, reset=reset, ensure_min_samples=minimum)

    def _output(self, joined: Joined, X: ArrayLike) -> Output:
        output = joined.of_rows(self._look_back(joined.rows))
        if isinstance(X, pd.DataFrame):
            return pd.DataFrame(output, index=X.index, columns=self._columns(X))
        return output

    def _columns(self, X: pd.DataFrame) -> pd.Index | np.ndarray:
        return X.columns

    @abstractmethod
    def _check_n_back(self) -> int:
        """Check the parameters and return the number of rows that are looked back."""

    def _fit_rows(self, rows: np.ndarray) -> None:
        """Set the attributes that are estimated from the training rows, if any."""

    @abstractmethod
    def _look_back(self, padded: np.ndarray) -> np.ndarray:
        """Transform every row but the first `n_back`, which are history."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class InvertibleTransformer(OneToOneFeatureMixin, LookBackTransformer):
    """Base of the look-back transformers whose output gives the rows back."""

    def inverse_transform(self, X: ArrayLike) -> np.ndarray | pd.DataFrame:
        """Give the levels back.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            The output of ``transform`` for the training rows from their start, or for
            the rows right after them; with a time index, also for rows that start
            within the first or the last 512 training rows.

        Returns
        -------
        levels : ndarray or DataFrame of shape (n_rows, n_features)
            In the units of the rows that ``transform`` was given.

        Raises
        ------
        ValueError
            If the level before the first row is not known.
        """
        check_is_fitted(self)
        output = self._validate_output(X)
        raise_at_first(unknown_after_known(~np.isnan(output)), output, X)
        tail = self._tail
        head_output = self._look_back(tail.join(tail.head, 0).rows)
        position = tail.position_of_output(output, time_index(X), head_output)
        start = tail.head[position : tail.n_start][: len(output)]
        before = np.concatenate([tail.before(position), start])[-tail.n_back :]
        rest = self._invert(before.astype(output.dtype), output[len(start) :])
        levels = np.concatenate([start.astype(output.dtype), rest])
        if isinstance(X, pd.DataFrame):
            return pd.DataFrame(levels, index=X.index, columns=X.columns)
        return levels

    def _validate_output(self, X: ArrayLike) -> np.ndarray:
        output: np.ndarray = check_array(
            X, dtype=(np.float64, np.float32), ensure_all_finite=False, estimator=self
        )
        if output.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {output.shape[1]} features, but {type(self).__name__} is "
                f"expecting {self.n_features_in_} features as input."
            )
        raise_at_first(np.isinf(output), output, X)
        return output

    @abstractmethod
    def _invert(self, before: np.ndarray, output: np.ndarray) -> np.ndarray:
        """Give the rows of `output` back, which follow the rows `before`."""
