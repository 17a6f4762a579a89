"""The mean of fitted members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, is_classifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.validation import check_is_fitted

from sktsdl._sklearn.bases import available_if
from sktsdl._sklearn.nested import last_step
from sktsdl._sklearn.quantiles import predict_quantiles
from sktsdl._sklearn.scales import predict_with_scales, scale_kind
from sktsdl.compose._inner import to_regressor
from sktsdl.compose._multitask import MultiTaskNet
from sktsdl.compose._wrapper import RegressorWrapper


def _member(ensemble: MeanOfMembers) -> Any:
    """Return the first fitted member, or what the members are copies of."""
    return getattr(ensemble, "_first", ensemble.estimator)


def _has_quantiles(ensemble: MeanOfMembers) -> bool:
    return bool(last_step(_member(ensemble)).predict_quantiles)  # or AttributeError


def _has_probabilities(ensemble: MeanOfMembers) -> bool:
    return bool(_member(ensemble).predict_proba)  # or AttributeError


class MeanOfMembers(RegressorWrapper):
    """A wrapper that predicts the mean of its fitted `estimators_`."""

    _parameter = "estimator"
    estimator: BaseEstimator
    estimators_: list[Any]

    def predict(
        self, X: ArrayLike, *, return_std: bool = False, return_quantiles: bool = False
    ) -> Any:
        """Predict the mean of the members, or the class of the largest probability.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows, as in ``fit``.
        return_std : bool, default=False
            Whether to return the standard deviation over the members too. It is not
            drawn by dropout, as that of a net.
        return_quantiles : bool, default=False
            Whether to return the quantiles too, as `predict_quantiles` does.

        Returns
        -------
        y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
            In the units of `y`; a DataFrame or a Series if the members return one.
        std : ndarray of the shape of `y`
            In the units of `y`; with `return_std` only.
        quantiles : ndarray of shape (n_rows, n_quantiles) or \
(n_rows, n_outputs, n_quantiles)
            In the units of `y`; with `return_quantiles` only.

        Raises
        ------
        ValueError
            If `X` cannot be used, `return_std` is asked of classes, or
            `return_quantiles` of members without quantiles.
        """
        check_is_fitted(self)
        if return_std and return_quantiles:
            raise ValueError(
                "return_std=True and return_quantiles=True cannot be given together: "
                "call predict once for each."
            )
        if return_quantiles:
            self._check_quantiles()
            pairs = [
                each.predict(X, return_quantiles=True) for each in self.estimators_
            ]
            means, quantiles = map(_mean, zip(*pairs, strict=True))
            return means, quantiles
        if hasattr(self, "predict_proba"):
            if return_std:
                raise ValueError(
                    "return_std=True needs members that predict numbers, and these "
                    "have classes: use predict_proba of each of `estimators_`."
                )
            return self._labels(X)
        parts = [each.predict(X) for each in self.estimators_]
        mean = _mean(parts)
        if not return_std:
            return mean
        return mean, np.sqrt(_mean([(part - mean) ** 2 for part in parts]))

    @available_if(_has_quantiles)
    def predict_quantiles(self, X: ArrayLike) -> np.ndarray:
        """Predict the mean of each quantile of the members, if they have quantiles.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows, as in ``fit``.

        Returns
        -------
        quantiles : ndarray of shape (n_rows, n_quantiles) or \
(n_rows, n_outputs, n_quantiles)
            In the units of `y`, increasing.

        Raises
        ------
        ValueError
            If `X` cannot be used.
        """
        check_is_fitted(self)
        parts = [predict_quantiles(each, X) for each in self.estimators_]
        return np.asarray(_mean(parts))

    @available_if(_has_probabilities)
    def predict_proba(self, X: ArrayLike) -> Any:
        """Predict the mean of the members' probabilities of classes.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows, as in ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n_rows, n_classes) or dict of {str: ndarray}
            As `NetClassifier` or `MultiTaskNet` returns them.

        Raises
        ------
        ValueError
            If `X` cannot be used.
        """
        check_is_fitted(self)
        parts = [each.predict_proba(X) for each in self.estimators_]
        if not isinstance(parts[0], dict):
            return _mean(parts)
        return {name: _mean([part[name] for part in parts]) for name in parts[0]}

    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return R² of the mean, the accuracy of classes, or the score of all tasks.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows, as in ``fit``.
        y : array-like of shape (n_rows,) or (n_rows, n_outputs)
            The true target.
        sample_weight : array-like of shape (n_rows,) or None, default=None
            The weight of each row.

        Returns
        -------
        score : float
            At most 1; that of `MultiTaskNet` if the members are such nets.
        """
        return self._score_of(self.predict(X), y, sample_weight)

    def _score_of(
        self, predicted: Any, y: ArrayLike, sample_weight: ArrayLike | None
    ) -> float:
        """Return the score of predictions."""
        regressor, _ = to_regressor(self._first, None)
        if isinstance(regressor, MultiTaskNet):
            return regressor._score_of(predicted, y, sample_weight)
        metric = accuracy_score if is_classifier(self) else r2_score
        return float(metric(y, predicted, sample_weight=sample_weight))

    @property
    def classes_(self) -> Any:
        return self._first.classes_

    @property
    def n_features_in_(self) -> int:
        return self._first.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        return self._first.feature_names_in_

    @property
    def _first(self) -> Any:
        return self.estimators_[0]

    @property
    def _scale_kind(self) -> str | None:
        kinds = set(map(scale_kind, self.estimators_))
        return kinds.pop() if len(kinds) == 1 else None

    def _predict_with_scales(self, X: ArrayLike) -> tuple[Any, np.ndarray]:
        pairs = [predict_with_scales(each, X) for each in self.estimators_]
        predicted, scales = map(_mean, zip(*pairs, strict=True))
        return predicted, scales

    def _labels(self, X: ArrayLike) -> Any:
        """Return the class of the largest mean probability; other tasks as means."""
        probabilities = self.predict_proba(X)
        if not isinstance(probabilities, dict):
            return np.take(self.classes_, probabilities.argmax(axis=1))
        parts = [each.predict(X) for each in self.estimators_]
        frames = list(map(pd.DataFrame, parts))
        found = {
            name: self.classes_[name][probabilities[name].argmax(axis=1)]
            if name in probabilities
            else _mean([frame[name] for frame in frames])
            for name in frames[0]
        }
        frame = pd.DataFrame(found, index=frames[0].index)
        return frame if parts[0].ndim == 2 else frame.iloc[:, 0]

    def _check_quantiles(self) -> None:
        if not hasattr(self, "predict_quantiles"):
            raise ValueError(
                "return_quantiles=True needs quantiles, and the members of this "
                "SeedEnsemble have none: fit nets with loss='quantile'."
            )


def _mean(parts: Sequence[Any]) -> Any:
    # One after the other: `np.mean` would round by the number of rows.
    return sum(parts[1:], start=parts[0]) / len(parts)
