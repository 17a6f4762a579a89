"""Windows as features of random convolutions."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils import Tags, check_random_state, check_scalar
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from sktsdl._sklearn.arrays import readable
from sktsdl._sklearn.bases import (
    BaseEstimator,
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    with_callbacks,
)
from sktsdl._sklearn.callbacks import fit_task
from sktsdl._sklearn.cells import raise_at_first, refuse_times
from sktsdl._sklearn.validation import roll_back_on_error, validate_rows
from sktsdl._windows.given import (
    as_windows,
    check_channel_names,
    check_shape,
    refuse_missing,
)
from sktsdl._windows.missing import (
    fill_unknown,
    starts_unknown,
    warn_of_empty_columns,
    why_incomplete,
)
from sktsdl._windows.same_times import check_same_times
from sktsdl._windows.step_order import warn_of_axes, warn_of_columns
from sktsdl._windows.windows import Windows
from sktsdl.preprocessing._kernels import KERNELS, choose_kernels, write_features

LARGEST = 1e36  # whose convolutions are finite in float32
N_AT_ONCE = 2**15  # values of windows, which fit the cache of a core


class MiniRocket(
    ClassNamePrefixFeaturesOutMixin,
    CallbackSupportMixin,
    TransformerMixin,
    BaseEstimator,
):
    r"""Turn windows into features of about 10,000 convolutions [1]_.

    A linear model on these features, such as ``RidgeCV`` or ``RidgeClassifierCV``, is
    often as good as a deep net, and is fitted in a second. The kernels are not learned:
    only the thresholds of the features come from the training windows.

    Windows that start with NaN, for unknown history, are left out of the thresholds.
    ``transform`` fills them: each channel takes its first known value in the window, or
    its training mean if the window has none. So every row has its features.

    Parameters
    ----------
    n_kernels : int, default=10_000
        The number of features, which is rounded down to a multiple of 84, the number of
        kernels with different weights.
    max_dilations : int, default=32
        The most dilations of a kernel.
    n_jobs : int or None, default=None
        The number of threads of ``transform``. None is 1, or what
        ``joblib.parallel_config`` says; -1 is all processors.
    random_state : int, RandomState instance or None, default=None
        Chooses the training window of each threshold, and the channels of each kernel.

    Attributes
    ----------
    dilations_ : ndarray of shape (n_dilations,)
        The steps between two weights of a kernel.
    biases_ : ndarray of shape (n_features_out,)
        The threshold of each feature.
    mean_ : ndarray of shape (n_channels,)
        Mean of the known training values of each channel.
    n_features_in_ : int
        Number of channels seen in ``fit``, or of columns for 2-D `X`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of channels or columns seen in ``fit``, if they are all strings.

    See Also
    --------
    SlidingWindow : Makes the windows.
    CNNRegressor : Convolutions whose weights are learned.

    Notes
    -----
    A kernel :math:`k` has 9 weights: three of them are 2, and the others -1. With the
    channels :math:`S`, a dilation :math:`d` and zeros before and after the window, its
    output at the step :math:`t` of a window is

    .. math:: c_t = \sum_{s \in S} \sum_{j=-4}^{4} w_{k,j} \, x_{s,\,t+jd} \qquad (1)

    A feature is the share of steps at which the output is above a threshold :math:`b`,

    .. math:: \mathrm{PPV} = \frac{1}{|T|} \sum_{t \in T} [c_t > b] \qquad (2)

    :math:`T` is all steps for every other kernel, and the steps without padding for the
    kernels between. In a window shorter than 9 steps, it is all steps. The dilations
    grow exponentially from 1 to the largest at which a kernel fits into the window. A
    threshold is a quantile of the outputs of one random training window. If there are
    several channels, each kernel and dilation sums up to 9 of them, at random.

    The weights of a kernel sum to 0, so the level of a window changes nothing but the
    outputs near its ends. A channel that is constant in the window, such as a column
    that is known ahead, adds nothing. If channels differ in scale, put
    ``StandardScaler`` before `SlidingWindow`.

    References
    ----------
    .. [1] A. Dempster, D. F. Schmidt and G. I. Webb (2021). MiniRocket: A Very Fast
       (Almost) Deterministic Transform for Time Series Classification. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import RidgeCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import MiniRocket, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import make_sinusoid
    >>> series = make_sinusoid(300, random_state=0)
    >>> X, y, X_latest = make_supervised(series, target="value")
    >>> rocket = MiniRocket(n_kernels=840, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(24), rocket, RidgeCV(np.logspace(-2, 3, 6)))
    >>> pipe = pipe.fit(X.iloc[:240], y.iloc[:240])
    >>> bool(pipe.score(X.iloc[240:], y.iloc[240:]) > 0.9)
    True
    """

    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(
        self,
        *,
        n_kernels: int = 10_000,
        max_dilations: int = 32,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_kernels = n_kernels
        self.max_dilations = max_dilations
        self.n_jobs = n_jobs
        self.random_state = random_state

    @with_callbacks
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Choose the thresholds by the training windows.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, window)
            Windows, oldest step first; a row of 2-D `X` is a window of one channel.
        y : array-like or None
            Its time index, if it has one, must be that of `X`.

        Returns
        -------
        self : object
            The fitted step.

        Raises
        ------
        ValueError
            If a parameter or a value of `X` cannot be used, or if all windows start
            with NaN; the step then stays as it was.
        """
        with fit_task(self, X, y), roll_back_on_error(self):
            check_scalar(self.n_kernels, "n_kernels", Integral, min_val=len(KERNELS))
            check_scalar(self.max_dilations, "max_dilations", Integral, min_val=1)
            windows = self._validate(X, reset=True)
            check_same_times(X, y)
            is_complete = ~starts_unknown(windows)
            if not is_complete.any():
                way_out = "give more rows than a window has, or a smaller window"
                reason = why_incomplete(windows, windows.names, way_out)
                raise ValueError(f"No window in X is complete: {reason}.")
            self.mean_ = np.nanmean(windows.rows, axis=0)
            self._shape = windows.shape[1:]
            state = self.random_state
            # None is a seed of its own: the state of the process must not change.
            state = np.random.RandomState() if state is None else state
            self.dilations_, self._counts, self._channels, self.biases_ = (
                choose_kernels(
                    windows,
                    np.flatnonzero(is_complete),
                    n_each=int(self.n_kernels) // len(KERNELS),
                    max_dilations=int(self.max_dilations),
                    random=check_random_state(state),
                )
            )
            self._n_features_out = len(self.biases_)
        return self

    def transform(self, X: ArrayLike) -> np.ndarray | pd.DataFrame:
        """Compute the features of every window.

        Parameters
        ----------
        X : array-like of shape (n, window, channels) or (n, window)
            As in ``fit``.

        Returns
        -------
        features : ndarray of shape (n, n_features_out)
            Between 0 and 1, in the precision of `X`.

        Raises
        ------
        ValueError
            If `X` has windows of another shape, infinity, or NaN after a known value.
        """
        check_is_fitted(self)
        windows = self._validate(X, reset=False)
        check_shape(self, windows.shape[1:], self._shape)
        unknown = starts_unknown(windows)
        if unknown.any():
            warn_of_empty_columns(windows.rows, windows.names, len(windows))
        features = np.empty((len(windows), self._n_features_out), windows.dtype)
        window, n_channels = self._shape
        n_at_once = max(N_AT_ONCE // (window * n_channels), 8)
        blocks = [slice(i, i + n_at_once) for i in range(0, len(windows), n_at_once)]
        kernels = self.dilations_, self._counts, self._channels, self.biases_

        def compute(block: slice) -> None:
            values = np.asarray(windows[block])
            if unknown[block].any():
                values = fill_unknown(values, self.mean_)
            write_features(values, *kernels, out=features[block])

        Parallel(n_jobs=self.n_jobs, require="sharedmem")(map(delayed(compute), blocks))
        if windows.index is None or not self._gives_pandas:
            return features
        # scikit-learn takes the index of frames only, and not of windows.
        names = self.get_feature_names_out()
        return pd.DataFrame(features, windows.index, names, copy=False)

    def _validate(self, X: Any, *, reset: bool) -> Windows:
        """Return `X` as windows without NaN after a known value."""
        X = readable(X, "X")
        if (X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim) == 3:
            refuse_times(X, "X")
            windows = as_windows(self, X)
            self._check_channels(windows, reset=reset)
            if reset and not isinstance(X, Windows):
                warn_of_axes(np.asarray(windows))
            refuse_missing(windows, windows.names)
        else:
            rows = validate_rows(self, X, reset=reset)
            raise_at_first(~np.isfinite(rows), rows, X)
            if reset:
                warn_of_columns(X, rows)
            index = X.index if isinstance(X, pd.DataFrame) else None
            windows = Windows.of(rows[:, :, None], index=index)
        too_large = np.abs(windows.rows) > LARGEST
        if too_large.any():
            row, channel = np.argwhere(too_large)[0]
            raise ValueError(
                f"Channel {channel} of X holds {windows.rows[row, channel]:.6g}, too "
                "far from 0 for 32 bits: correct it, or divide the channel by a number."
            )
        return windows

    def _check_channels(self, windows: Windows, *, reset: bool) -> None:
        """Set or check the number and the names of the channels."""
        names = None if windows.names is None else tuple(windows.names)
        if reset:
            self.n_features_in_ = windows.shape[2]
            self.__dict__.pop("feature_names_in_", None)
            if names is not None:
                self.feature_names_in_ = np.array(names, dtype=object)
        elif names is not None and windows.shape[2] == self.n_features_in_:
            expected = getattr(self, "feature_names_in_", None)
            check_channel_names(names, None if expected is None else (*expected,))

    @property
    def _gives_pandas(self) -> bool:
        return bool(_get_output_config("transform", self)["dense"] == "pandas")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
