"""Any net as a classifier."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sktsdl._estimator.files import from_json, to_json, write_atomically
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._estimator.targets import ClassTargets
from sktsdl._sklearn.bases import BaseEstimator, ClassifierMixin, with_callbacks
from sktsdl._sklearn.callbacks import fit_task
from sktsdl._sklearn.validation import roll_back_on_error
from sktsdl.compose._class_weight import ClassWeight, balance, row_weights
from sktsdl.compose._labels import (
    as_dtype_of,
    as_labels,
    find_classes,
    like,
    to_codes,
)
from sktsdl.compose._net_wrapper import NetWrapper
from sktsdl.compose._tasks import refuse_numbers_only


class NetClassifier(ClassifierMixin, NetWrapper):
    r"""A net as a classifier of windows.

    The last layer has a score :math:`s_k` for each class. The probabilities are their
    softmax, and the loss is the cross entropy [1]_ of the true class :math:`y`:

    .. math:: p_k = \frac{e^{s_k}}{\sum_j e^{s_j}}, \qquad \ell = -\log p_y

    The net's own `loss` is for numbers and has no effect. Its `window_norm`,
    `linear_skip`, `channel_independent`, `cycle`, `known_future`, `static_features`,
    ``decoder="parallel"`` and ``loss_scale="window"`` are refused.

    Parameters
    ----------
    regressor : net
        Any net of this package, with its own parameters. With its ``warm_start=True``,
        another ``fit`` trains `regressor_` further, on labels of `classes_`.
    class_weight : dict of {label: float}, "balanced" or None, default=None
        The weight of the rows of each class in the loss, as of scikit-learn's
        classifiers: ``"balanced"`` gives all classes the same sum of weights, by their
        numbers of rows that are trained on. None is 1 for each class, and so is a class
        that a dict leaves out. It multiplies `sample_weight`; `X_val` has no weights.
    random_state : int, RandomState instance or None, default=None
        Replaces the `random_state` of the net, unless it is None.

    Attributes
    ----------
    regressor_ : net
        The fitted net.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        The number of features of the fitted net.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        The names of features of the fitted net, if it has them.

    See Also
    --------
    MultiTaskNet : One net for several targets, numbers and classes.

    References
    ----------
    .. [1] J. S. Bridle (1990). Probabilistic Interpretation of Feedforward
       Classification Network Outputs, with Relationships to Statistical Pattern
       Recognition. Neurocomputing, NATO ASI Series 68.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import LSTMRegressor, NetClassifier, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import load_air_passengers
    >>> X, y, X_latest = make_supervised(load_air_passengers(), target="passengers")
    >>> direction = np.where(y > X["passengers"], "up", "down")
    >>> net = LSTMRegressor(hidden_sizes=(16,), max_epochs=30, lr=1e-2, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(13), NetClassifier(net)).fit(X, direction)
    >>> pipe.predict_proba(X_latest).shape
    (1, 2)
    """

    classes_: np.ndarray
    regressor_: DeepRegressor

    def __init__(
        self,
        regressor: DeepRegressor,
        *,
        class_weight: ClassWeight = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.regressor = regressor
        self.class_weight = class_weight
        self.random_state = random_state

    @property
    def _inner(self) -> BaseEstimator:
        return self.regressor

    @property
    def _net(self) -> DeepRegressor:
        return self.regressor_

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
        """Train the net on the class of each window.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As for the net.
        y : array-like of shape (n,)
            The label of each window: texts, whole numbers or booleans. A Series may
            say in its name, such as ``direction+14``, how many rows ahead the label
            is; early stopping then leaves a gap before the validation rows.
        sample_weight : array-like of shape (n,) or None, default=None
            The weight of each row.
        X_val, y_val : array-like of shape (n_val, ...) or None, default=None
            Rows after `X` for the validation loss, as for the net.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        TypeError
            If `regressor` is not a net of this package.
        ValueError
            If `y` has one class only, a missing label, or, where training continues, a
            label that is not in `classes_`, or if a parameter or a value cannot be
            used; the classifier then stays as it was.
        """
        net = self._next_net("regressor", "classes")
        with fit_task(self, X, y, net), roll_back_on_error(self):
            refuse_numbers_only(net)
            labels = as_labels(self, y, "y")
            is_continued = hasattr(net, "net_")
            if is_continued:
                classes = self.classes_
            else:
                classes = as_dtype_of(y, find_classes(labels, "y"))
            codes = like(y, to_codes(labels, classes, "y", "y"))
            if y_val is not None:
                of_val = as_labels(self, y_val, "y_val")
                y_val = like(y_val, to_codes(of_val, classes, "y_val", "y_val"))
            weights = row_weights(self.class_weight, labels, sample_weight)
            factors = partial(balance, self.class_weight, labels, is_continued)
            given = (X, codes, weights, X_val, y_val, ClassTargets(len(classes)))
            self.classes_ = classes
            self.regressor_ = net._fit(*given, factors)
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict the most likely label of each window.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As in ``fit``.

        Returns
        -------
        y : ndarray of shape (n,)
            Labels of `classes_`.

        Raises
        ------
        ValueError
            If `X` cannot be used.
        """
        best = self._scores(X).argmax(axis=1)
        return np.take(self.classes_, best)

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As in ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes)
            In the order of `classes_`.

        Raises
        ------
        ValueError
            If `X` cannot be used.
        """
        scores, targets = self._scores(X), self.regressor_._spec.targets
        assert isinstance(targets, ClassTargets)
        return targets.probabilities(scores)

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        r"""Compute the scores of the classes.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, n_features)
            As in ``fit``.

        Returns
        -------
        scores : ndarray of shape (n,) or (n, n_classes)
            With two classes, the log-odds of the second one, :math:`s_1 - s_0 = \log
            \frac{p_1}{p_0}`; else the score :math:`s_k` of each class.

        Raises
        ------
        ValueError
            If `X` cannot be used.
        """
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def save(self, path: str | PathLike[str]) -> None:
        """Write the fitted classifier to one file without executable code.

        ``sktsdl.load`` reads it. The file is one of the net's ``save``, and holds the
        labels and the parameters of the classifier too.

        Parameters
        ----------
        path : path-like
            Where to write. An existing file is replaced when the new one is complete.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If a parameter or a label cannot be written without code.
        """
        check_is_fitted(self)
        write_atomically(path, self.regressor_._to_bytes(to_owner(self)))

    @classmethod
    def _from_saved(cls, net: Any, owner: Mapping[str, Any]) -> Self:
        """Return the classifier of a net that was saved with it."""
        weight = from_json(owner["class_weight"])
        classifier = cls(
            clone(net),
            class_weight=dict(weight) if isinstance(weight, list) else weight,
            random_state=owner["random_state"],
        )
        labels = from_json(owner["labels"])
        classifier.classes_ = np.array(labels, dtype=owner["dtype"])
        classifier.regressor_ = net
        return classifier

    def _scores(self, X: ArrayLike) -> np.ndarray:
        """Return the score of each class, (n, classes)."""
        check_is_fitted(self)
        return self.regressor_._evaluate(X)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        return tags


def to_owner(classifier: NetClassifier) -> dict[str, Any]:
    """Return what a file of the net holds of its classifier, as JSON can hold it."""
    weight, classes = classifier.class_weight, classifier.classes_
    if isinstance(weight, Mapping):
        # The keys of an object in JSON are texts, and labels may be numbers.
        weight = list(weight.items())  # type: ignore[assignment]
    return {
        "random_state": to_json("random_state", classifier.random_state),
        "class_weight": to_json("class_weight", weight),
        "labels": to_json("classes_", classes.tolist()),
        "dtype": classes.dtype.str,
    }
