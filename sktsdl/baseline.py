"""The forecast that every other one has to beat."""

from __future__ import annotations

from numbers import Integral
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Tags, check_scalar
from sklearn.utils.validation import check_is_fitted

from sktsdl._sklearn.bases import (
    BaseEstimator,
    CallbackSupportMixin,
    RegressorMixin,
    with_callbacks,
)
from sktsdl._sklearn.callbacks import fit_task
from sktsdl._sklearn.copies import changed
from sktsdl._sklearn.docs import fill_docs
from sktsdl._sklearn.target_steps import COLUMN, OwnColumn, TargetSteps, own_columns
from sktsdl._sklearn.validation import (
    roll_back_on_error,
    validate_columns,
    validate_targets,
)
from sktsdl._windows.same_times import check_same_times
from sktsdl._windows.season import last_season
from sktsdl._windows.windows import Windows
from sktsdl.preprocessing import SlidingWindow


class SeasonalNaiveRegressor(CallbackSupportMixin, RegressorMixin, BaseEstimator):
    r"""Predict the value one period before the predicted step.

    .. math:: \hat x_{t+h} = x_{t + h - p \lceil h / p \rceil}

    with :math:`p` the `period`: the last known season, repeated over the horizon [1]_.
    It takes nothing from `y` but its targets and the steps of its horizon.

    The first training rows have no season before them and get the earliest known
    value. An array `X` is either the training rows from their start, or the rows right
    after them, which have the last training rows as history. For anything else (gaps,
    ``KFold``, ``learning_curve``), give a DataFrame with a time index.

    Parameters
    ----------
    period : int, default=1
        The number of rows in a season; 1 predicts the last value.
    {column}

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of columns seen in ``fit``, if they are all strings.

    References
    ----------
    .. [1] R. J. Hyndman and G. Athanasopoulos (2021). Forecasting: Principles and
       Practice, 3rd edition, section 5.2. OTexts.

    Examples
    --------
    >>> from sktsdl import SeasonalNaiveRegressor, make_supervised
    >>> X, y, X_latest = make_supervised([5, 1, 6, 2, 7, 3], target=0, horizon=3)
    >>> SeasonalNaiveRegressor(period=2).fit(X, y).predict(X_latest)[-1]
    array([7., 3., 7.])
    """

    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(self, period: int = 1, *, column: OwnColumn = None) -> None:
        self.period = period
        self.column = column

    @with_callbacks
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Remember the last season of the training rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            One row per time step, oldest first.
        y : array-like of shape (n_rows,) or (n_rows, n_outputs)
            The next values of `column`. Columns that are named as by
            ``make_supervised`` say which target and which step they are; without
            names, they are the steps of the horizon of one target.

        Returns
        -------
        self : object
            The fitted regressor.

        Raises
        ------
        ValueError
            If a parameter or a value of `X` or `y` cannot be used; the regressor then
            stays as it was.
        """
        with fit_task(self, X, y), roll_back_on_error(self):
            check_scalar(self.period, "period", Integral, min_val=1)
            steps = TargetSteps.of(y)
            columns = own_columns(self.column, X, steps)
            labels = steps.shared_by(columns).labels
            X, values = validate_columns(self, X, columns, reset=True)
            targets = validate_targets(self, y, len(values))
            if len(values) < self.period:
                raise ValueError(
                    f"X has {len(values)} rows (n_samples={len(values)}), fewer than "
                    f"period={self.period}: give more rows, or a smaller `period`."
                )
            self._season = SlidingWindow(int(self.period)).fit(values)
            check_same_times(X, y)
            self._columns, self._y_labels = columns, labels
            self._targets_shape = targets.shape[1:]
        return self

    def extend_history(self, X: ArrayLike) -> Self:
        """Know the rows of `X` too, as history of the rows that follow them.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            The rows right after the last known row. With a time index, `X` may also
            begin with known rows. After a gap, the rows before it are no history.

        Returns
        -------
        self : object
            The regressor.

        Raises
        ------
        ValueError
            If a value, a column or the index of `X` cannot be used, if a known row has
            other values, or if a new row lies before the last known row.
        """
        self._season = self._extended(X)[0]._season
        return self

    def _extended(self, X: ArrayLike) -> tuple[Self, Self, np.ndarray]:
        """Return a copy that knows the rows of `X`, and as of a look-back step."""
        check_is_fitted(self)
        _, values = validate_columns(self, X, self._columns, reset=False)
        season, _, is_new = self._season._extended(values)
        return changed(self, _season=season), self, is_new

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict the value one period before, for every row.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            The training rows from their start, or the rows right after them.

        Returns
        -------
        y : ndarray of shape (n_rows,) or (n_rows, n_outputs), float64
            In the units of `column`.

        Raises
        ------
        ValueError
            If a value, a column or the index of `X` cannot be used.
        """
        check_is_fitted(self)
        _, values = validate_columns(self, X, self._columns, reset=False)
        season = self._season.transform(values)
        assert isinstance(season, Windows)
        ahead = TargetSteps.of_labels(self._y_labels).shared_by(self._columns)
        y, _ = last_season(season, ahead.steps, ahead.targets)
        return y.reshape(len(season), *self._targets_shape)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.regressor_tags.poor_score = True
        return tags


fill_docs(SeasonalNaiveRegressor, {"column": COLUMN})
