"""The drop of a score when whole channels, or whole lags, are permuted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch, _safe_indexing, check_consistent_length

from sktsdl._sklearn.docs import fill_docs
from sktsdl._windows.missing import why_incomplete
from sktsdl._windows.windows import Windows
from sktsdl.compose._inner import to_regressor
from sktsdl.compose._seed_ensemble import SeedEnsemble
from sktsdl.inspection._parts import PartsRegressor
from sktsdl.inspection._windows import needs_times

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Scoring: TypeAlias = str | Callable | list[str] | tuple[str, ...] | dict | None

# ``{part}`` is "channel" or "lag".
IMPORTANCE_PARAMETERS = """\
estimator : estimator
    A fitted regressor of windows, or a ``Pipeline``, ``PurgedRegressor``,
    ``FrozenEstimator`` or search that ends in one. `X` goes through the steps before
    it once.
X : array-like
    As for ``estimator.predict``.
y : array-like of shape (n,) or (n, n_outputs)
    The target of each row.
scoring : str, callable, list, tuple, dict or None, default=None
    As in `sklearn.inspection.permutation_importance`; None is R², the accuracy of a
    classifier, or the ``score`` of a `MultiTaskNet`.
n_repeats : int, default=5
    The number of permutations of each {part}.
n_jobs : int or None, default=None
    The number of processes, each with a share of the {part}s.
random_state : int, RandomState instance or None, default=None
    The seed or the generator of the permutations.
sample_weight : array-like of shape (n,) or None, default=None
    The weight of each row in the score.
max_samples : int or float, default=1.0
    The number of windows, or their share, that are drawn for each {part}."""


def channel_importance(
    estimator: BaseEstimator,
    X: ArrayLike,
    y: ArrayLike,
    *,
    scoring: Scoring = None,
    n_repeats: int = 5,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
    sample_weight: ArrayLike | None = None,
    max_samples: int | float = 1.0,
) -> Bunch | dict[str, Bunch]:
    r"""Measure the drop of the score when a channel is permuted among windows [1]_.

    .. math:: I_c = s - \frac{1}{K} \sum_{k=1}^{K} s_{k,c}

    Here :math:`s` is the score on `X`. For :math:`s_{k,c}`, each window takes all lags
    of channel :math:`c` from another window, by the permutation :math:`k` of the
    windows. Windows with unknown history, which start with NaN, are left out.

    Parameters
    ----------
    {importance_parameters}

    Returns
    -------
    result : Bunch, or dict of Bunch for several scores
        ``importances_mean`` and ``importances_std`` of shape (channels,), and
        ``importances`` of shape (channels, n_repeats), in the units of the score. The
        channels have the order of the columns.

    Raises
    ------
    ValueError
        If the regressor is not given windows, or all windows start with NaN.

    See Also
    --------
    lag_importance : The same for the lags of a window.

    References
    ----------
    .. [1] L. Breiman (2001). Random Forests. Machine Learning 45(1).

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import LSTMRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import load_air_passengers
    >>> from sktsdl.inspection import channel_importance
    >>> series = load_air_passengers()
    >>> series["month"] = series.index.month
    >>> X, y, _ = make_supervised(series, target="passengers")
    >>> regressor = LSTMRegressor(
    ...     hidden_sizes=(4,), lr=0.1, max_epochs=10, random_state=0
    ... )
    >>> pipe = make_pipeline(SlidingWindow(12), regressor).fit(X, y)
    >>> result = channel_importance(pipe, X, y, random_state=0)
    >>> bool(result.importances_mean[0] > result.importances_mean[1])
    True
    """
    return _importance(
        "channel",
        estimator,
        X,
        y,
        sample_weight,
        scoring=scoring,
        n_repeats=n_repeats,
        n_jobs=n_jobs,
        random_state=random_state,
        max_samples=max_samples,
    )


fill_docs(
    channel_importance,
    {"importance_parameters": IMPORTANCE_PARAMETERS.format(part="channel")},
)


def lag_importance(
    estimator: BaseEstimator,
    X: ArrayLike,
    y: ArrayLike,
    *,
    scoring: Scoring = None,
    n_repeats: int = 5,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
    sample_weight: ArrayLike | None = None,
    max_samples: int | float = 1.0,
) -> Bunch | dict[str, Bunch]:
    """Measure the drop of the score when a lag is permuted among windows [1]_.

    This is as `channel_importance`, but each window takes all channels of one lag from
    another window. Neighbouring lags are correlated: a lag has little importance if its
    neighbours hold the same information.

    Parameters
    ----------
    {importance_parameters}

    Returns
    -------
    result : Bunch, or dict of Bunch for several scores
        ``importances_mean`` and ``importances_std`` of shape (window,), and
        ``importances`` of shape (window, n_repeats), in the units of the score. The
        oldest lag is first and the row itself (lag 0) is last, as in the windows.

    Raises
    ------
    ValueError
        If the regressor is not given windows, or all windows start with NaN.

    See Also
    --------
    channel_importance : The same for the channels.

    References
    ----------
    .. [1] L. Breiman (2001). Random Forests. Machine Learning 45(1).

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import LSTMRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import load_air_passengers
    >>> from sktsdl.inspection import lag_importance
    >>> X, y, _ = make_supervised(load_air_passengers(), target="passengers")
    >>> regressor = LSTMRegressor(
    ...     hidden_sizes=(4,), lr=0.1, max_epochs=10, random_state=0
    ... )
    >>> pipe = make_pipeline(SlidingWindow(12), regressor).fit(X, y)
    >>> result = lag_importance(pipe, X, y, random_state=0)
    >>> int(result.importances_mean.argmax())
    11
    """
    return _importance(
        "lag",
        estimator,
        X,
        y,
        sample_weight,
        scoring=scoring,
        n_repeats=n_repeats,
        n_jobs=n_jobs,
        random_state=random_state,
        max_samples=max_samples,
    )


fill_docs(
    lag_importance,
    {"importance_parameters": IMPORTANCE_PARAMETERS.format(part="lag")},
)


def _importance(
    part: Literal["channel", "lag"],
    estimator: BaseEstimator,
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    **kwargs: Any,
) -> Bunch | dict[str, Bunch]:
    # This import loads scikit-learn's forests, which most users do not need.
    from sklearn.inspection import permutation_importance

    regressor, X = to_regressor(estimator, X)
    windows = np.asarray(X)
    if windows.ndim != 3:
        way_out = (
            "put `SlidingWindow` before it, or permute columns by "
            "`sklearn.inspection.permutation_importance`."
        )
        if hasattr(regressor, "regressor_"):
            way_out = "give its `regressor_`, and the target it was trained on."
        elif isinstance(regressor, SeedEnsemble):
            way_out = "put the steps of its pipeline before SeedEnsemble."
        raise ValueError(
            f"{type(regressor).__name__} is given X of shape {windows.shape}, not "
            f"windows of shape (n, window, channels): {way_out}"
        )
    check_consistent_length(windows, y, sample_weight)
    is_known = ~np.isnan(windows[:, 0]).any(axis=1)
    if not is_known.any():
        given = X if isinstance(X, Windows) else Windows.of(windows)
        way_out = "give rows that follow the training rows, or more rows"
        reason = why_incomplete(given, given.names, way_out)
        raise ValueError(
            f"None of the {len(windows)} windows of X is complete: {reason}."
        )
    if sample_weight is not None:
        sample_weight = np.asarray(sample_weight)[is_known]
    numbers = np.flatnonzero(is_known)
    n_parts = windows.shape[2 if part == "channel" else 1]
    index = X.index if isinstance(X, Windows) and needs_times(regressor) else None
    n_columns = n_parts if index is None else n_parts + 1
    result = permutation_importance(
        PartsRegressor(regressor, windows, part, index),
        np.tile(numbers[:, None], n_columns),
        _safe_indexing(y, numbers),
        sample_weight=sample_weight,
        **kwargs,
    )
    bunches = [result] if "importances" in result else result.values()
    for bunch in bunches:  # without the column of times
        for name, values in bunch.items():
            bunch[name] = values[:n_parts]
    return result
