"""The template of look-back steps whose output gives the rows back."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from sktsdl._sklearn.bases import OneToOneFeatureMixin
from sktsdl._sklearn.cells import raise_at_first
from sktsdl._windows.kept_rows import KeptRows
from sktsdl._windows.missing import unknown_after_known
from sktsdl._windows.panel import Panel
from sktsdl._windows.panel_history import PanelTail
from sktsdl._windows.time_index import time_index
from sktsdl.preprocessing._base import LookBackTransformer


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
