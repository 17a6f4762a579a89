"""The template of all steps that look back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sktsdl._sklearn.bases import (
    BaseEstimator,
    CallbackSupportMixin,
    TransformerMixin,
    with_callbacks,
)
from sktsdl._sklearn.callbacks import fit_task
from sktsdl._sklearn.copies import changed
from sktsdl._sklearn.docs import fill_docs
from sktsdl._sklearn.validation import (
    check_option,
    roll_back_on_error,
    validate_rows,
)
from sktsdl._windows.appended import rows_after
from sktsdl._windows.history import TrainingTail
from sktsdl._windows.kept_rows import Joined
from sktsdl._windows.last_rows import take_rows
from sktsdl._windows.panel import Panel
from sktsdl._windows.panel_appended import rows_after_each
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
    n_features_in_: int
    feature_names_in_: np.ndarray
    _min_rows = 1
    _takes_missing = False  # NaN is unknown history

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
        options: dict[str, Any] = {
            "takes_missing": self._takes_missing,
            "states": self._states(rows, panel),
        }
        if panel is None:
            index = time_index(X)
            self._tail = TrainingTail(rows, index, n_back, self.history, **options)
        else:
            self._tail = PanelTail(rows, panel, n_back, self.history, **options)
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

    def extend_history(self, X: ArrayLike) -> Self:
        """Know the rows of `X` too, as history of the rows that follow them.

        Nothing is estimated anew. What is kept does not grow with more rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            The rows right after the last known row. With a time index, `X` may also
            begin with known rows. After a gap, the rows before it are no history.
            Series that the step does not know become known.

        Returns
        -------
        self : object
            The step.

        Raises
        ------
        ValueError
            If a value, a column or the index of `X` cannot be used, if a known row has
            other values, or if a new row lies before the last known row.

        See Also
        --------
        append_history : The same for a copy of a pipeline or another model.
        """
        self._tail = self._extended(X)[0]._tail
        return self

    def _extended(self, X: ArrayLike) -> tuple[Self, Self, np.ndarray]:
        """Return two copies, and which rows of `X` are new.

        The first copy knows the new rows. The second one does not, and transforms them
        as the rows right after the known ones, whatever their values.
        """
        check_is_fitted(self)
        rows = self._validate(X, reset=False)
        if isinstance(self._tail, TrainingTail):
            found = rows_after(self._tail, rows, X)
        else:
            found = rows_after_each(self._tail, rows, X)
        pinned = changed(self, _tail=found.pinned)
        states = None
        if self._tail.has_states and found.is_new.any():
            X_new = take_rows(X, found.is_new)
            states = pinned._states_of(found.pinned.join(rows[found.is_new], X_new))
        return changed(self, _tail=found.append(states)), pinned, found.is_new

    @abstractmethod
    def _check_n_back(self) -> int:
        """Check the parameters and return the number of rows that are looked back."""

    def _fit_rows(self, rows: np.ndarray, panel: Panel | None) -> None:
        """Set the attributes that are estimated from the training rows, if any."""

    def _states(self, rows: np.ndarray, panel: Panel | None) -> np.ndarray | None:
        """Return what each training row is in a history, None for the row itself."""
        return None

    def _states_of(self, joined: Joined) -> np.ndarray | None:
        """Return the same of rows that follow."""
        return None

    @abstractmethod
    def _look_back(self, padded: np.ndarray) -> np.ndarray:
        """Transform every row but the first `n_back`, which are history."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
