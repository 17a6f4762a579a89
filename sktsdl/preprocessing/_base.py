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
from sktsdl._windows.kept_rows import Joined, KeptRows
from sktsdl._windows.missing import unknown_after_known
from sktsdl._windows.panel import Panel
from sktsdl._windows.panel_history import PanelTail
from sktsdl._windows.same_times import check_same_times
from sktsdl._windows.time_index import time_index
from sktsdl._windows.windows import Windows

Output = np.ndarray | pd.DataFrame | Windows

HISTORY = """\
An array `X` is either the training rows from their start, or the rows right after them,
which have the last training rows as history. For anything else (gaps, ``KFold``,
``learning_curve``), give a DataFrame with a time index. With a MultiIndex of series and
times, each series is treated as if it were alone. After
``fit(X, y, X_val=...)`` of a pipeline, give the rows of `X_val` and later rows
together."""


def series_of_rows(X: ArrayLike, y: object) -> Panel | None:
    """Return the series of the training rows `X`, None if they are one.

    Raises
    ------
    ValueError
        If only the index of `y` says that there are many.
    """
    panel = Panel.of(X)
    if panel is None and isinstance(getattr(y, "index", None), pd.MultiIndex):
        raise ValueError(
            "y has a MultiIndex of many series, and X has none, so its rows would be "
            "taken as one series: let the steps before give frames, by "
            "`set_output(transform='pandas')`."
        )
    return panel


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
        y : array-like or None
            Its time index, if it has one, must be that of `X`.

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
            self._fit(X, series_of_rows(X, y))
            check_same_times(X, y)
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
        y : array-like or None
            Its time index, if it has one, must be that of `X`.
        **fit_params : dict
            Passed to ``fit``.

        Returns
        -------
        X_new : ndarray, DataFrame or array-like of windows
            As from ``transform``.
        """
        with fit_task(self, X, y), roll_back_on_error(self):
            panel = series_of_rows(X, y)
            rows = self._fit(X, panel, **fit_params)
            check_same_times(X, y)
        return self._output(self._tail.join_start(rows, panel), X)

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
        return self._output(self._tail.join(rows, X), X)

    def _fit(self, X: ArrayLike, panel: Panel | None) -> np.ndarray:
        check_option("history", self.history, ("tail", None))
        n_back = self._check_n_back()
        rows = self._validate(X, reset=True)
        self._tail: TrainingTail | PanelTail
        if panel is None:
            self._tail = TrainingTail(rows, time_index(X), n_back, self.history)
        else:
            self._tail = PanelTail(rows, panel, n_back, self.history)
        self._fit_rows(rows, panel)
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

    def _fit_rows(self, rows: np.ndarray, panel: Panel | None) -> None:
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
        tail = self._tail
        if isinstance(tail, PanelTail):
            levels = self._levels_of_series(tail, output, tail.panel_of(X), X)
        else:
            raise_at_first(unknown_after_known(~np.isnan(output)), output, X)
            head_output = self._look_back(tail.join_start(tail.head).rows)
            position = tail.position_of_output(output, time_index(X), head_output)
            levels = self._levels(tail, output, position)
        if isinstance(X, pd.DataFrame):
            return pd.DataFrame(levels, index=X.index, columns=X.columns)
        return levels

    def _levels_of_series(
        self, tail: PanelTail, output: np.ndarray, panel: Panel, X: ArrayLike
    ) -> np.ndarray:
        """Give the levels of each series back."""
        positions = tail.histories_by_index(panel).positions
        at, levels = tail.keys.get_indexer(panel.keys), np.empty_like(output)
        by_series = panel.by_series(np.arange(len(output)))
        for series, position in enumerate(positions):
            rows = by_series[panel.bounds[series] : panel.bounds[series + 1]]
            part, kept = output[rows], tail.kept_of(max(at[series], 0))
            is_in_start = 0 <= position < kept.n_start
            if position < 0 or (np.isnan(part[0]).any() and not is_in_start):
                raise ValueError(
                    f"The level before the first row of the series "
                    f"{panel.keys[series]!r} is not known: give the training rows from "
                    "their start, or the rows right after them."
                )
            unknown = unknown_after_known(~np.isnan(part))
            if unknown.any():
                bad = np.zeros(output.shape, dtype=bool)
                bad[rows] = unknown
                raise_at_first(bad, output, X)
            levels[rows] = self._levels(kept, part, int(position))
        return levels

    def _levels(self, tail: KeptRows, output: np.ndarray, position: int) -> np.ndarray:
        """Give the levels of one series back, which starts at a training position."""
        start = tail.head[position : tail.n_start][: len(output)]
        before = np.concatenate([tail.before(position), start])[-tail.n_back :]
        rest = self._invert(before.astype(output.dtype), output[len(start) :])
        return np.concatenate([start.astype(output.dtype), rest])

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
