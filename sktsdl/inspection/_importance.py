"""What a score loses when whole channels, or whole lags, are permuted."""

from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_consistent_length

from sktsdl.inspection._windows import to_last_step

PREDICTED_AT_ONCE = 4096


class _PartsRegressor(RegressorMixin, BaseEstimator):
    """Predict for windows put together from parts of others.

    Column `j` of `X` says from which window part `j` comes, so that a permuted column
    is a permuted part.

    Parameters
    ----------
    regressor : estimator
        A fitted regressor of windows.
    windows : ndarray of shape (n, window, channels)
        What the parts are taken from.
    part : {"channel", "lag"}
        What a part is.
    """

    def __init__(
        self, regressor: Any, windows: np.ndarray, part: Literal["channel", "lag"]
    ) -> None:
        self.regressor = regressor
        self.windows = windows
        self.part = part

    def fit(self, X: Any, y: Any) -> Self:
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        _, n_steps, n_channels = self.windows.shape
        steps = np.arange(n_steps)[:, None]
        channels = np.arange(n_channels)
        axis = 1 if self.part == "channel" else 2
        answers = []
        for start in range(0, len(X), PREDICTED_AT_ONCE):
            origins = np.expand_dims(X[start : start + PREDICTED_AT_ONCE], axis)
            windows = self.windows[origins, steps, channels]
            answers.append(self.regressor.predict(windows))
        return np.concatenate(answers)


def channel_importance(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    scoring: Any = None,
    n_repeats: int = 5,
    n_jobs: int | None = None,
    random_state: Any = None,
    sample_weight: Any = None,
    max_samples: int | float = 1.0,
) -> Any:
    r"""Say what the score loses when a channel is permuted among windows [1]_.

    .. math:: I_c = s - \frac{1}{K} \sum_{k=1}^{K} s_{k,c}

    with :math:`s` the score on `X`, and :math:`s_{k,c}` that with all lags of channel
    :math:`c` taken together from another window, drawn without repetition. Windows
    with unknown history, which start with NaN, are left out.

    Parameters
    ----------
    estimator : estimator
        A fitted regressor of windows, or a ``Pipeline``, ``PurgedRegressor`` or search
        that ends in one; `X` goes through the steps before it once.
    X : array-like
        As for ``estimator.predict``.
    y : array-like of shape (n,) or (n, n_outputs)
        The target of each row.
    scoring : str, callable, list, tuple, dict or None, default=None
        As in `sklearn.inspection.permutation_importance`; None is R².
    n_repeats : int, default=5
        How often each channel is permuted.
    n_jobs : int or None, default=None
        Processes, over the channels.
    random_state : int, RandomState instance or None, default=None
        Decides the permutations.
    sample_weight : array-like of shape (n,) or None, default=None
        What each row counts in the score.
    max_samples : int or float, default=1.0
        How many windows, or what share of them, are drawn for each channel.

    Returns
    -------
    result : Bunch, or dict of Bunch for several scores
        ``importances_mean`` and ``importances_std`` of shape (channels,), and
        ``importances`` of shape (channels, n_repeats), in the units of the score.
        Channels are in the order of the columns.

    Raises
    ------
    ValueError
        If the last step is not given windows, or all start with NaN.

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
    >>> net = LSTMRegressor(hidden_sizes=(4,), lr=0.1, max_epochs=10, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(12), net).fit(X, y)
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


def lag_importance(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    scoring: Any = None,
    n_repeats: int = 5,
    n_jobs: int | None = None,
    random_state: Any = None,
    sample_weight: Any = None,
    max_samples: int | float = 1.0,
) -> Any:
    """Say what the score loses when a lag is permuted among windows [1]_.

    As `channel_importance`, with all channels of one lag taken together from another
    window. Neighbouring lags tell much of each other: a lag whose neighbours stand in
    for it is of little importance by itself.

    Parameters
    ----------
    estimator : estimator
        A fitted regressor of windows, or a ``Pipeline``, ``PurgedRegressor`` or search
        that ends in one; `X` goes through the steps before it once.
    X : array-like
        As for ``estimator.predict``.
    y : array-like of shape (n,) or (n, n_outputs)
        The target of each row.
    scoring : str, callable, list, tuple, dict or None, default=None
        As in `sklearn.inspection.permutation_importance`; None is R².
    n_repeats : int, default=5
        How often each lag is permuted.
    n_jobs : int or None, default=None
        Processes, over the lags.
    random_state : int, RandomState instance or None, default=None
        Decides the permutations.
    sample_weight : array-like of shape (n,) or None, default=None
        What each row counts in the score.
    max_samples : int or float, default=1.0
        How many windows, or what share of them, are drawn for each lag.

    Returns
    -------
    result : Bunch, or dict of Bunch for several scores
        ``importances_mean`` and ``importances_std`` of shape (window,), and
        ``importances`` of shape (window, n_repeats), in the units of the score. As in
        the windows, the oldest lag is first and the row itself (lag 0) last.

    Raises
    ------
    ValueError
        If the last step is not given windows, or all start with NaN.

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
    >>> net = LSTMRegressor(hidden_sizes=(4,), lr=0.1, max_epochs=10, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(12), net).fit(X, y)
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


def _importance(
    part: Literal["channel", "lag"],
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    **kwargs: Any,
) -> Any:
    # It brings scikit-learn's forests along, which few who import this package need.
    from sklearn.inspection import permutation_importance

    regressor, X = to_last_step(estimator, X)
    windows = np.asarray(X)
    if windows.ndim != 3:
        way_out = (
            "put `SlidingWindow` before it, or permute columns by "
            "`sklearn.inspection.permutation_importance`."
        )
        if hasattr(regressor, "regressor_"):
            way_out = "give its `regressor_`, and the target that one has learnt."
        raise ValueError(
            f"{type(regressor).__name__} is given X of shape {windows.shape}, not "
            f"windows (n, window, channels): {way_out}"
        )
    check_consistent_length(windows, y, sample_weight)
    is_known = ~np.isnan(windows[:, 0]).any(axis=1)
    if not is_known.any():
        raise ValueError(
            f"None of the {len(windows)} windows of X is complete: give rows that have "
            "their history, or more of them."
        )
    if sample_weight is not None:
        sample_weight = np.asarray(sample_weight)[is_known]
    numbers = np.flatnonzero(is_known)
    n_parts = windows.shape[2 if part == "channel" else 1]
    return permutation_importance(
        _PartsRegressor(regressor, windows, part),
        np.tile(numbers[:, None], n_parts),
        np.asarray(y)[is_known],
        sample_weight=sample_weight,
        **kwargs,
    )
