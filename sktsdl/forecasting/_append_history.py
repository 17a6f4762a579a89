"""Later rows as known history, without a new fit."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils.validation import _num_samples, check_is_fitted

from sktsdl._estimator.base import DeepNet
from sktsdl._sklearn.copies import changed
from sktsdl._sklearn.validation import validate_columns
from sktsdl._windows.given import refuse_missing
from sktsdl._windows.last_rows import take_rows
from sktsdl._windows.windows import Windows
from sktsdl.baseline import SeasonalNaiveRegressor
from sktsdl.compose._relative_target import RelativeTargetRegressor
from sktsdl.compose._seed_ensemble import SeedEnsemble
from sktsdl.compose._wrapper import Wrapper
from sktsdl.preprocessing import WithHistory
from sktsdl.preprocessing._base import LookBackTransformer

Model = TypeVar("Model", bound=BaseEstimator)
# A copy that knows the new rows, one that transforms them, and which rows are new.
Extended = tuple[Any, Any, np.ndarray]


def append_history(model: Model, X: ArrayLike) -> Model:
    """Return a copy of a fitted model that knows later rows as history.

    What follows the rows of `X` then has its history, as if all rows were given
    together. Nothing is fitted: means, scales and weights stay as they are. Each
    look-back step gets the rows from the step before it.

    Parameters
    ----------
    model : estimator
        A fitted pipeline, search, wrapper, look-back step, or
        ``SeasonalNaiveRegressor``. Look-back steps may be inside of pipelines,
        ``ColumnTransformer``, ``FeatureUnion``, ``FrozenEstimator``,
        ``TransformedTargetRegressor``, ``VotingRegressor``, ``VotingClassifier``,
        ``CalibratedClassifierCV`` and ``MultiOutputRegressor``. It is not changed.
    X : array-like of shape (n_rows, n_features)
        The rows right after the last known row, as for ``model.predict``: one row or
        many. With a time index, `X` may also begin with known rows, which must have
        the same values; rows after a gap have no rows before the gap as history. An
        array of rows always follows the known ones, unless four or more rows show
        that it begins with them. Series that training did not have become known.

    Returns
    -------
    model : estimator
        A copy, which shares the net with `model`. Its size does not grow with the
        number of rows, only with the number of series.

    Raises
    ------
    TypeError
        If a look-back step is inside of an estimator that hides what it is given.
    ValueError
        If `X` cannot be used, such as NaN for a net, if its index does not say that it
        follows, or if a known row has other values.

    Warns
    -----
    UserWarning
        If there is a gap between the known rows and `X`, or inside `X`.

    See Also
    --------
    forecast : The forecast from the last row, with its dates.

    Examples
    --------
    >>> import numpy as np
    >>> from sktsdl import SlidingWindow, append_history
    >>> step = SlidingWindow(3).fit(np.arange(6.0).reshape(-1, 1))
    >>> later = append_history(step, [[6.0], [7.0]])
    >>> later.transform([[8.0]])[0, :, 0]
    array([6., 7., 8.])
    >>> step.transform([[6.0]])[0, :, 0]
    array([4., 5., 6.])
    """
    check_is_fitted(model)
    extended: Model = _extend(model, X)[0]
    return extended


def _extend(estimator: Any, X: Any) -> Extended:
    """Return two copies of a fitted estimator, as of a `LookBackTransformer`."""
    if not _looks_back(estimator):
        return _shared(estimator), estimator, np.ones(_num_samples(X), dtype=bool)
    match estimator:
        case WithHistory() if _looks_back(estimator.transformer_):
            pass
        case LookBackTransformer() | SeasonalNaiveRegressor():
            return estimator._extended(X)
        case Pipeline():
            return _in_pipeline(estimator, X)
        case ColumnTransformer():
            return _in_columns(estimator, X)
        case FeatureUnion():
            steps = estimator.transformer_list
            parts = [_extend(step, X) for _, step in steps]
            return _side_by_side(estimator, "transformer_list", steps, parts)
        case _ if _gives_each_all_rows(estimator):
            steps = estimator.estimators_
            parts = [_extend(step, X) for step in steps]
            return _side_by_side(estimator, "estimators_", steps, parts)
        case FrozenEstimator():
            return _inside(estimator, "estimator", X)
        case _ if hasattr(estimator, "calibrated_classifiers_"):
            return _in_calibrated(estimator, X)
        case RelativeTargetRegressor() if hasattr(estimator, "_season"):
            _, values = validate_columns(estimator, X, estimator._columns, reset=False)
            season, _, is_new = estimator._season._extended(values)
            regressor, _, is_new_inside = _extend(estimator.regressor_, X)
            extended = _shared(estimator, _season=season, regressor_=regressor)
            return extended, estimator, is_new & is_new_inside
        case Wrapper() | TransformedTargetRegressor():
            return _inside(estimator, "regressor_", X)
        case _ if hasattr(estimator, "best_estimator_"):
            return _inside(estimator, "best_estimator_", X)
    raise TypeError(
        f"{type(estimator).__name__} has a look-back step inside, and does not say "
        "which rows this step is given: put the look-back step before it in a pipeline."
    )


def _gives_each_all_rows(estimator: Any) -> bool:
    """Say whether each of `estimators_` is given the rows as they are."""
    if isinstance(estimator, SeedEnsemble):
        return True
    # Where there is one of these, the module is loaded; else it takes time to load.
    classes = (
        ("sklearn.ensemble", "VotingRegressor"),
        ("sklearn.ensemble", "VotingClassifier"),
        ("sklearn.multioutput", "MultiOutputRegressor"),
    )
    loaded = (getattr(sys.modules.get(module), name, ()) for module, name in classes)
    return isinstance(estimator, tuple(loaded))


def _in_pipeline(pipeline: Pipeline, X: Any) -> Extended:
    steps = [step for _, step in pipeline.steps]
    last = max(i for i, step in enumerate(steps) if _looks_back(step))
    is_new = np.ones(_num_samples(X), dtype=bool)
    extended, pinned = list(steps), list(steps)
    for i, step in enumerate(steps):
        if i > last or not is_new.any():
            extended[i] = _shared(step)
            continue
        extended[i], pinned[i], is_later = _extend(step, X)
        if not is_later.all():
            X = take_rows(X, is_later)
            is_new[is_new] = is_later
        is_for_windows = i + 1 < len(steps) and _takes_windows(steps[i + 1])
        if is_new.any() and (i < last or is_for_windows) and hasattr(step, "transform"):
            X = pinned[i].transform(X)
            if is_for_windows and isinstance(X, Windows):
                refuse_missing(X, X.names)
    names = [name for name, _ in pipeline.steps]
    return (
        _shared(pipeline, steps=list(zip(names, extended, strict=True))),
        _shared(pipeline, steps=list(zip(names, pinned, strict=True))),
        is_new,
    )


def _takes_windows(step: Any) -> bool:
    is_estimator = isinstance(step, BaseEstimator)
    return is_estimator and bool(get_tags(step).input_tags.three_d_array)


def _in_columns(transformer: ColumnTransformer, X: Any) -> Extended:
    if hasattr(X, "columns") and hasattr(transformer, "feature_names_in_"):
        X = X[list(transformer.feature_names_in_)]
    columns = transformer._transformer_to_input_indices
    parts = [
        _extend(step, _safe_indexing(X, columns[name], axis=1))
        for name, step, _ in transformer.transformers_
    ]
    steps = transformer.transformers_
    return _side_by_side(transformer, "transformers_", steps, parts)


def _side_by_side(
    estimator: Any, name: str, steps: list[Any], parts: list[Extended]
) -> Extended:
    """Return copies of an estimator whose `steps`, in the attribute `name`, get `X`."""
    extended, pinned, are_new = zip(*parts, strict=True)

    def with_steps(new: Iterable[Any]) -> Any:
        listed = [
            (step[0], each, *step[2:]) if isinstance(step, tuple) else each
            for step, each in zip(steps, new, strict=True)
        ]
        return _shared(estimator, **{name: listed})

    return with_steps(extended), with_steps(pinned), np.logical_and.reduce(are_new)


def _in_calibrated(estimator: Any, X: Any) -> Extended:
    """Return copies of a ``CalibratedClassifierCV``, each classifier with `X`."""
    parts = estimator.calibrated_classifiers_
    extended, pinned, are_new = zip(
        *(_extend(part.estimator, X) for part in parts), strict=True
    )

    def around(classifiers: Iterable[Any]) -> Any:
        calibrated = [copy.copy(part) for part in parts]
        for part, classifier in zip(calibrated, classifiers, strict=True):
            part.estimator = classifier
        return _shared(estimator, calibrated_classifiers_=calibrated)

    return around(extended), around(pinned), np.logical_and.reduce(are_new)


def _inside(estimator: Any, name: str, X: Any) -> Extended:
    """Return copies of an estimator that passes `X` on to its attribute `name`."""
    extended, _, is_new = _extend(getattr(estimator, name), X)
    return _shared(estimator, **{name: extended}), estimator, is_new


def _looks_back(value: object) -> bool:
    """Say whether a look-back step that was fitted is inside."""
    parts: Iterable[object] = ()
    if isinstance(value, LookBackTransformer):
        return hasattr(value, "_tail")
    if hasattr(value, "calibrated_classifiers_"):
        parts = [part.estimator for part in value.calibrated_classifiers_]
    elif isinstance(value, BaseEstimator) and not isinstance(value, DeepNet):
        parts = vars(value).values()
    elif isinstance(value, list | tuple):
        parts = value
    elif isinstance(value, dict):
        parts = value.values()
    return any(map(_looks_back, parts))


def _shared(value: Any, **attributes: Any) -> Any:
    """Return a copy that shares arrays and weights, but no parameter.

    It has other `attributes` than the estimator `value`.
    """
    if type(value) in (list, tuple):
        return type(value)(map(_shared, value))
    if type(value) is dict:
        return {key: _shared(part) for key, part in value.items()}
    if not isinstance(value, BaseEstimator) or isinstance(value, type):
        return value
    state = {k: _shared(v) for k, v in vars(value).items() if k not in attributes}
    return changed(value, **state, **attributes)
