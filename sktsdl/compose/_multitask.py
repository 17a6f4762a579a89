"""Several targets of different kinds, predicted by one net."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.validation import check_is_fitted

from sktsdl._estimator.multi_targets import MultiTargets
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._estimator.targets import ClassTargets, PointTargets
from sktsdl._sklearn.arrays import readable
from sktsdl._sklearn.bases import (
    BaseEstimator,
    RegressorMixin,
    available_if,
    with_callbacks,
)
from sktsdl._sklearn.callbacks import fit_task
from sktsdl._sklearn.validation import roll_back_on_error
from sktsdl.compose._net_wrapper import NetWrapper
from sktsdl.compose._tasks import (
    Classes,
    check_columns,
    check_same_tasks,
    in_form_of_y,
    read_tasks,
    read_weights,
    to_numbers,
    warn_of_untrained_tasks,
)


def _has_classes(estimator: MultiTaskNet) -> bool:
    tasks = estimator.tasks
    if hasattr(estimator, "net_"):
        has_classes = bool(estimator.classes_)
    else:
        has_classes = isinstance(tasks, Mapping) and "classification" in tasks.values()
    if has_classes:
        return True
    raise AttributeError(
        f"predict_proba needs a task of classification, and tasks={tasks!r} has none."
    )


class MultiTaskNet(RegressorMixin, NetWrapper):
    r"""One net for several targets, numbers and classes [1]_.

    All layers but the last are shared. The last layer has an output for each number and
    a score for each class of each class target. All are trained together by the loss

    .. math:: \ell = \frac{1}{m} \sum_{j=1}^{m} w_j \, \ell_j

    with :math:`\ell_j` the net's `loss` of a standardised number, and the cross entropy
    :math:`-\log p_{y_j}` of the softmax :math:`p` of a class target's scores.

    Parameters
    ----------
    net : net
        Any net of this package, with its own parameters; with a class target, those
        that `NetClassifier` takes. With its ``warm_start=True``, another ``fit`` trains
        `net_` further; the labels of classes stay the same.
    tasks : dict of {str: {"regression", "classification"}} or None, default=None
        The kind of each column of `y`. None takes every column as a regression, and `y`
        as an array. Early stopping reads from a name such as ``rail+14`` how many rows
        ahead the target is; other names stand for one row.
    weights : dict of {str: float}, sequence of float or None, default=None
        The weight of each column in the loss, by name or in order; None is 1 for each.
    random_state : int, RandomState instance or None, default=None
        Replaces the `random_state` of the net, unless it is None.

    Attributes
    ----------
    net_ : net
        The fitted net.
    classes_ : dict of {str: ndarray}
        The labels of each class target, sorted, also of a categorical column.
    n_features_in_ : int
        The number of features of the fitted net.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        The names of features of the fitted net, if it has them.

    References
    ----------
    .. [1] R. Caruana (1997). Multitask Learning. Machine Learning 28.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import LSTMRegressor, MultiTaskNet, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import load_air_passengers
    >>> X, y, X_latest = make_supervised(load_air_passengers(), target="passengers")
    >>> y = y.to_frame("level").assign(
    ...     direction=np.where(y > X["passengers"], "up", "down")
    ... )
    >>> tasks = {"level": "regression", "direction": "classification"}
    >>> net = LSTMRegressor(hidden_sizes=(16,), max_epochs=30, lr=1e-2, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(13), MultiTaskNet(net, tasks=tasks))
    >>> pipe.fit(X, y).predict(X_latest).columns.tolist()
    ['level', 'direction']
    """

    _columns: list[Hashable] | None
    classes_: Classes
    net_: Any

    def __init__(
        self,
        net: DeepRegressor,
        *,
        tasks: Mapping[str, Literal["regression", "classification"]] | None = None,
        weights: Mapping[str, float] | Sequence[float] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.net = net
        self.tasks = tasks
        self.weights = weights
        self.random_state = random_state

    @property
    def _inner(self) -> BaseEstimator:
        return self.net

    @property
    def _net(self) -> DeepRegressor:
        return self.net_

    @with_callbacks
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
    ) -> Self:
        """Train one net on all targets.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As for the net.
        y : DataFrame of shape (n, n_tasks), or array-like without `tasks`
            The targets, numbers in their units and classes by their labels. With one
            task, `y` may be a Series or another 1-D array-like.
        sample_weight : array-like of shape (n,) or None, default=None
            The weight of each row, in all tasks.
        X_val, y_val : array-like of shape (n_val, ...) or None, default=None
            Rows after `X` for the validation loss, as for the net.

        Returns
        -------
        self : object
            The fitted net of all tasks.

        Raises
        ------
        TypeError
            If `net` is not a net of this package.
        ValueError
            If `tasks` and the columns of `y` are not the same, or a parameter or a
            value cannot be used; the estimator then stays as it was.
        """
        net = self._next_net("net", "several tasks")
        with fit_task(self, X, y, net), roll_back_on_error(self):
            tasks = read_tasks(self.tasks, self.net, y)
            is_continued = hasattr(net, "net_")
            if is_continued:
                check_same_tasks((self._columns, self.classes_), tasks)
            self._columns, self.classes_ = tasks
            y = readable(y, "y")
            self._is_1d = np.asarray(y).ndim == 1
            numbers = to_numbers(X, y, self._columns, self.classes_, "y")
            if y_val is not None:
                y_val = to_numbers(X_val, y_val, self._columns, self.classes_, "y_val")
            shape = np.asarray(numbers).shape
            names = self._columns or list(range(shape[1] if len(shape) == 2 else 1))
            columns = [
                ClassTargets(len(self.classes_[name]))
                if name in self.classes_
                else PointTargets(net.loss)
                for name in names
            ]
            targets = MultiTargets(columns, read_weights(self.weights, names))
            of_first = {} if is_continued else self.classes_
            warn_of = partial(warn_of_untrained_tasks, y, self._columns, of_first)
            given = (X, numbers, sample_weight, X_val, y_val, targets)
            self.net_ = net._fit(*given, warn_of)
        return self

    def predict(self, X: ArrayLike) -> pd.DataFrame | pd.Series | np.ndarray:
        """Predict every target.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As in ``fit``.

        Returns
        -------
        y : DataFrame of shape (n, n_tasks), or ndarray without `tasks`
            With the columns of `y` in ``fit``: numbers in their units, float64, and
            the most likely label of each class target. Its index is the index of `X`,
            if `X` is a DataFrame or the windows of one; else rows are numbered from 0.
            If `y` was 1-D in ``fit``, it is a Series.

        Raises
        ------
        ValueError
            If `X` cannot be used.
        """
        check_is_fitted(self)
        return self._in_columns(X, self.net_._evaluate(X))

    def _in_columns(self, X: ArrayLike, outputs: np.ndarray) -> Any:
        values = self.net_._spec.targets.decode(outputs)
        return in_form_of_y(values, self._columns, self.classes_, X, self._is_1d)

    @property
    def _scale_kind(self) -> str | None:
        return self.net_._scale_kind

    def _predict_with_scales(self, X: ArrayLike) -> tuple[Any, np.ndarray]:
        outputs, scales = self.net_._evaluate_with_scales(X)
        return self._in_columns(X, outputs), self.net_._shaped(scales)

    @available_if(_has_classes)
    def predict_proba(self, X: ArrayLike) -> dict[Hashable, np.ndarray]:
        """Predict the probability of each class, for each task of classification.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As in ``fit``.

        Returns
        -------
        probabilities : dict of {str: ndarray of shape (n, n_classes)}
            In the order of ``classes_``.

        Raises
        ------
        ValueError
            If `X` cannot be used.
        """
        check_is_fitted(self)
        targets = self.net_._spec.targets
        scores = targets.split(self.net_._evaluate(X))
        return {
            name: column.probabilities(part)
            for name, column, part in zip(
                self._columns or (), targets.columns, scores, strict=True
            )
            if name in self.classes_
        }

    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the mean over tasks of R² for numbers, and of accuracy for classes.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As in ``fit``.
        y : DataFrame of shape (n, n_tasks), or array-like without `tasks`
            The true targets.
        sample_weight : array-like of shape (n,) or None, default=None
            The weight of each row.

        Returns
        -------
        score : float
            At most 1.
        """
        return self._score_of(self.predict(X), y, sample_weight)

    def _score_of(
        self, predicted: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
    ) -> float:
        """Return the score of predictions."""
        if self._columns is None:
            return float(r2_score(y, predicted, sample_weight=sample_weight))
        truth = check_columns(y, self._columns, "y")
        values = check_columns(predicted, self._columns, "the prediction")
        scores = []
        for name in self._columns:
            metric = accuracy_score if name in self.classes_ else r2_score
            part = metric(truth[name], values[name], sample_weight=sample_weight)
            scores.append(part)
        return float(np.mean(scores))
