"""The template of all steps that look back."""

from abc import ABC, abstractmethod
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags, check_array
from sklearn.utils.validation import check_is_fitted

from sktsdl._sklearn.callbacks import CallbackSupportMixin, fit_task, with_callbacks
from sktsdl._sklearn.validation import (
    check_option,
    raise_at_first,
    roll_back_on_error,
    validate_rows,
)
from sktsdl._windows.history import History, Place, time_index, unknown_after_known


class LookBackTransformer(CallbackSupportMixin, TransformerMixin, BaseEstimator, ABC):
    """Base of the transformers whose row `t` needs rows before `t`.

    A subclass says how far it looks back and how it answers for rows that have
    their history in front of them; validation, the history rule and the index of
    the answer are here.
    """

    history: Literal["tail"] | None
    _min_rows = 1

    @with_callbacks
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from the training rows and remember their end.

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
    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Fit to the training rows and answer for them, without history.

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
        X_new : ndarray or DataFrame
            As from ``transform``.
        """
        with fit_task(self, X, y), roll_back_on_error(self):
            rows = self._fit(X, **fit_params)
        return self._answer(rows, "training", X)

    def transform(self, X: Any) -> Any:
        """Answer for every row of `X`, with its history where that is known.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            The training rows from their start, or the rows right after them.

        Returns
        -------
        X_new : ndarray or DataFrame
            One answer per row; a DataFrame for a DataFrame, if the answer is 2-D.

        Raises
        ------
        ValueError
            If a value, a column or the index of `X` cannot be used.
        """
        check_is_fitted(self)
        rows = self._validate(X, reset=False)
        return self._answer(rows, self._history.locate(rows, time_index(X)), X)

    def _fit(self, X: Any) -> np.ndarray:
        check_option("history", self.history, ("tail", None))
        n_back = self._check_n_back()
        rows = self._validate(X, reset=True)
        self._history = History(rows, time_index(X), n_back, self.history)
        self._learn(rows)
        return rows

    def _validate(self, X: Any, *, reset: bool) -> np.ndarray:
        minimum = self._min_rows if reset else 1
        return validate_rows(self, X, reset=reset, ensure_min_samples=minimum)

    def _answer(self, rows: np.ndarray, place: Place, X: Any) -> Any:
        answer = self._look_back(self._history.pad(rows, place))
        if isinstance(X, pd.DataFrame) and answer.ndim == 2:
            return pd.DataFrame(answer, index=X.index, columns=self._columns(X))
        return answer

    def _columns(self, X: pd.DataFrame) -> Any:
        return X.columns

    @abstractmethod
    def _check_n_back(self) -> int:
        """Check the parameters and return how many rows the step looks back."""

    def _learn(self, rows: np.ndarray) -> None:
        """Set what is learnt from the training rows, if anything."""

    @abstractmethod
    def _look_back(self, padded: np.ndarray) -> np.ndarray:
        """Answer for every row but the first `n_back`, which are history."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class InvertibleTransformer(OneToOneFeatureMixin, LookBackTransformer):
    """Base of the steps whose answer gives the rows back."""

    def inverse_transform(self, X: Any) -> Any:
        """Give the levels back, from the start or from the end of training.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Answers of ``transform`` for the training rows from their start, or for
            the rows right after them.

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
        answer = self._validate_answer(X)
        raise_at_first(unknown_after_known(~np.isnan(answer)), answer, X)
        history = self._history
        head_answer = self._look_back(history.pad(history.head, "training"))
        place = history.locate_answer(answer, time_index(X), head_answer)
        if place == "training":
            start = history.start[: len(answer)].astype(answer.dtype)
            rest = self._invert(start[-history.n_back :], answer[len(start) :])
            levels = np.concatenate([start, rest])
        else:
            levels = self._invert(history.tail.astype(answer.dtype), answer)
        if isinstance(X, pd.DataFrame):
            return pd.DataFrame(levels, index=X.index, columns=X.columns)
        return levels

    def _validate_answer(self, X: Any) -> np.ndarray:
        answer: np.ndarray = check_array(
            X, dtype=(np.float64, np.float32), ensure_all_finite=False, estimator=self
        )
        if answer.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {answer.shape[1]} features, but {type(self).__name__} is "
                f"expecting {self.n_features_in_} features as input."
            )
        raise_at_first(np.isinf(answer), answer, X)
        return answer

    @abstractmethod
    def _invert(self, before: np.ndarray, answer: np.ndarray) -> np.ndarray:
        """Give back the rows of `answer`, which follow the rows `before`."""
