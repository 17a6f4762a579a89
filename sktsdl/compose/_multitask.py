"""Several targets of different kinds, learned by one net."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import Tags, get_tags
from sklearn.utils.extmath import softmax
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sktsdl._estimator.base import DeepRegressor
from sktsdl._estimator.targets import Tasks
from sktsdl._sklearn.callbacks import CallbackSupportMixin, fit_task, with_callbacks
from sktsdl._sklearn.validation import check_number, check_option, roll_back_on_error

KINDS = ("regression", "classification")


def _has_classes(estimator: Any) -> bool:
    tasks = estimator.tasks
    if isinstance(tasks, Mapping) and "classification" in tasks.values():
        return True
    raise AttributeError(
        f"predict_proba needs a task of classification, and tasks={tasks!r} has none."
    )


class MultiTaskNet(
    CallbackSupportMixin, MetaEstimatorMixin, RegressorMixin, BaseEstimator
):
    r"""One net for several targets, numbers and classes [1]_.

    All layers but the last are shared. It has an output for each number and a score for
    each class of each class target, and learns them together by

    .. math:: \ell = \frac{1}{m} \sum_{j=1}^{m} w_j \, \ell_j

    with :math:`\ell_j` the net's `loss` of a standardised number, and the cross entropy
    :math:`-\log p_{y_j}` of the softmax :math:`p` of a class target's scores.

    Parameters
    ----------
    net : net
        Any net of this package, with its own parameters.
    tasks : dict of {str: {"regression", "classification"}} or None, default=None
        What each column of `y` is. None takes every column as a regression, and `y` as
        an array.
    weights : dict of {str: float}, sequence of float or None, default=None
        What the loss of each column counts, by name or in order; None is 1 for each.
    random_state : int, RandomState instance or None, default=None
        Takes the place of the net's own, unless it is None.

    Attributes
    ----------
    net_ : net
        The fitted net.
    classes_ : dict of {str: ndarray}
        The labels of each class target, sorted (those of a categorical column too).
    n_features_in_ : int
        As the fitted net's.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        As the fitted net's.

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

    def __init__(
        self,
        net: Any,
        *,
        tasks: Mapping[str, Literal["regression", "classification"]] | None = None,
        weights: Mapping[str, float] | Sequence[float] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.net = net
        self.tasks = tasks
        self.weights = weights
        self.random_state = random_state

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Self:
        """Train one net on all targets.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As for the net.
        y : DataFrame of shape (n, n_tasks), or array-like without `tasks`
            The targets, numbers in their units and classes by their labels.
        sample_weight : array-like of shape (n,) or None, default=None
            What each row counts, in all tasks.
        X_val, y_val : array-like of shape (n_val, ...) or None, default=None
            Rows behind `X` to watch the loss of, as for the net.

        Returns
        -------
        self : object
            The fitted net of all tasks.

        Raises
        ------
        TypeError
            If `net` is no net of this package.
        ValueError
            If `tasks` and the columns of `y` are not the same, or a parameter or a
            value cannot be used; what was fitted before then stays as it was.
        """
        self._check_net()
        net = clone(self.net)
        if self.random_state is not None:
            net.set_params(random_state=self.random_state)
        with fit_task(self, X, y, net), roll_back_on_error(self):
            self._columns, self.classes_ = self._read_tasks(y)
            targets = self._encoded(y, "y")
            if y_val is not None:
                y_val = self._encoded(y_val, "y_val")
            shape = np.asarray(targets).shape
            names = self._columns or list(range(shape[1] if len(shape) == 2 else 1))
            sizes = [len(self.classes_.get(name, ())) for name in names]
            net._tasks = Tasks(net.loss, sizes, self._read_weights(names))
            self.net_ = net.fit(X, targets, sample_weight, X_val=X_val, y_val=y_val)
        return self

    def predict(self, X: Any) -> Any:
        """Predict every target.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As in ``fit``.

        Returns
        -------
        y : DataFrame of shape (n, n_tasks), or ndarray without `tasks`
            With the columns of `y` in ``fit``: numbers in their units, float64, and
            the likeliest label of each class target. Its index is that of `X` if that
            is a DataFrame; windows have none, and rows are numbered from 0.

        Raises
        ------
        ValueError
            If `X` cannot be used.
        """
        check_is_fitted(self)
        if self._columns is None:
            return self.net_.predict(X)
        answers = self._answers(X)
        columns = []
        for name, part in answers.items():
            is_class = name in self.classes_
            columns.append(part.argmax(axis=1) if is_class else part[:, 0])
        levels = self.net_._standardizer.inverse_transform(np.stack(columns, axis=1))
        predicted = {
            name: self.classes_[name][codes] if name in self.classes_ else level
            for name, codes, level in zip(answers, columns, levels.T, strict=True)
        }
        index = X.index if isinstance(X, pd.DataFrame) else None
        return pd.DataFrame(predicted, index=index)

    @available_if(_has_classes)
    def predict_proba(self, X: Any) -> dict[str, np.ndarray]:
        """Predict the probability of each class, of each task of classification.

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
        return {
            name: softmax(part)
            for name, part in self._answers(X).items()
            if name in self.classes_
        }

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the mean over tasks of R², or of the accuracy of classes.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As in ``fit``.
        y : DataFrame of shape (n, n_tasks), or array-like without `tasks`
            The true targets.
        sample_weight : array-like of shape (n,) or None, default=None
            What each row counts.

        Returns
        -------
        score : float
            At most 1.
        """
        check_is_fitted(self)
        if self._columns is None:
            return float(super().score(X, y, sample_weight))
        self._check_columns(y, "y")
        predicted = self.predict(X)
        scores = []
        for name in self._columns:
            metric = accuracy_score if name in self.classes_ else r2_score
            scores.append(metric(y[name], predicted[name], sample_weight=sample_weight))
        return float(np.mean(scores))

    @property
    def n_features_in_(self) -> int:
        return self.net_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        return self.net_.feature_names_in_

    def _check_net(self) -> None:
        if not isinstance(self.net, DeepRegressor):
            raise TypeError(
                f"net={self.net!r} is no net of this package: give one, such as "
                "LSTMRegressor()."
            )
        if self.net.loss == "quantile":
            raise ValueError(
                "loss='quantile' of the net is not for several tasks: use another loss."
            )

    def _read_tasks(self, y: Any) -> tuple[list[Any] | None, dict[Any, np.ndarray]]:
        """Return the columns of `y`, and the labels of those that are classes."""
        if self.tasks is None:
            return None, {}
        if not isinstance(self.tasks, Mapping) or not self.tasks:
            raise ValueError(
                f"tasks={self.tasks!r} must name the columns of y: give a dict such as "
                "{'price': 'regression', 'direction': 'classification'}."
            )
        for name, kind in self.tasks.items():
            check_option(f"tasks[{name!r}]", kind, KINDS)
        self._check_columns(y, "y")
        classes = {}
        for name in y.columns:
            if self.tasks[name] == "regression":
                continue
            _check_labels(y[name], name)
            try:
                classes[name] = np.unique(y[name].to_numpy())
            except TypeError as error:
                raise ValueError(
                    f"Column {name!r} of y mixes labels of several types: give one "
                    "type, such as str."
                ) from error
            if len(classes[name]) < 2:
                raise ValueError(
                    f"Column {name!r} of y has one class, {classes[name][0]!r}, and "
                    "there is nothing to tell apart: give rows of two or more."
                )
        if classes and self.net.window_norm is not None:
            raise ValueError(
                f"window_norm={self.net.window_norm!r} of the net carries answers back "
                "to the level of a channel, and a class has none: set it to None."
            )
        if classes and self.net.linear_skip:
            raise ValueError(
                "linear_skip=True of the net is for numbers, and scores of classes are "
                "none: set it to False."
            )
        if classes and self.net.channel_independent:
            raise ValueError(
                "channel_independent=True of the net makes each target the future of a "
                "channel, and a class is none: set it to False."
            )
        return list(y.columns), classes

    def _check_columns(self, y: Any, argument: str) -> None:
        if not isinstance(y, pd.DataFrame):
            raise ValueError(
                f"tasks names the columns of {argument}, and {argument} is of type "
                f"{type(y).__name__}: give a DataFrame."
            )
        expected = set(self.tasks or ())
        if set(y.columns) != expected or not y.columns.is_unique:
            raise ValueError(
                f"{argument} has the columns {list(y.columns)} and tasks names "
                f"{list(self.tasks or ())}: both must name the same, each once."
            )

    def _encoded(self, y: Any, argument: str) -> Any:
        """Return numbers as they are, and labels by their codes."""
        if self._columns is None:
            return y
        self._check_columns(y, argument)
        columns = []
        for name in self._columns:
            values = y[name]
            if name in self.classes_:
                _check_labels(values, name)
                classes = self.classes_[name]
                codes = pd.Index(classes).get_indexer(values)
                if (codes < 0).any():
                    label = values.iloc[int((codes < 0).argmax())]
                    raise ValueError(
                        f"Column {name!r} of {argument} holds {label!r}, which is none "
                        f"of the classes in y, {classes.tolist()}."
                    )
                values = pd.Series(codes.astype(float), index=y.index)
            columns.append(values)
        return pd.concat(columns, axis=1, keys=self._columns)

    def _read_weights(self, names: list[Any]) -> list[float]:
        weights = self.weights
        if weights is None:
            return [1.0] * len(names)
        if isinstance(weights, Mapping):
            if set(weights) != set(names):
                raise ValueError(
                    f"weights names {list(weights)} and the columns of y are {names}: "
                    "both must name the same."
                )
            weights = [weights[name] for name in names]
        if np.ndim(weights) != 1:
            raise ValueError(
                f"weights={weights!r} must hold one number for each column of y."
            )
        if len(weights) != len(names):
            raise ValueError(
                f"weights has {len(weights)} values and y has {len(names)} columns: "
                "give one for each."
            )
        for name, weight in zip(names, weights, strict=True):
            check_number(f"weights[{name!r}]", weight, min_val=0)
        return [float(weight) for weight in weights]

    def _answers(self, X: Any) -> dict[Any, np.ndarray]:
        """Return the outputs of each task, (n, 1) or (n, classes)."""
        answers = self.net_._evaluate(X, "forward")
        ends = np.cumsum(self.net_._outputs.sizes)[:-1]
        parts = np.split(answers, ends, axis=1)
        return dict(zip(self._columns or (), parts, strict=True))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.net)
        tags.input_tags = inner.input_tags
        tags.target_tags = inner.target_tags
        tags.regressor_tags = inner.regressor_tags
        return tags


def _check_labels(labels: pd.Series, name: Any) -> None:
    missing = labels.isna().to_numpy()
    if missing.any():
        row = int(missing.argmax())
        raise ValueError(
            f"Column {name!r} of y has no label in row {row} ({labels.index[row]}): "
            "leave the row out of X and y."
        )
