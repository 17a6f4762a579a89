"""Lag tables of other packages as windows."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from numbers import Integral
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
from sktsdl._sklearn.cells import raise_at_first
from sktsdl._sklearn.validation import check_option, roll_back_on_error, validate_rows
from sktsdl._sklearn.warnings import warn
from sktsdl._windows.lags import lag_of, n_shifted
from sktsdl._windows.same_times import check_same_times
from sktsdl._windows.windows import Windows

Block = Sequence[Hashable]


class LagsToWindows(CallbackSupportMixin, TransformerMixin, BaseEstimator):
    r"""Turn rows of lags, as other packages make them, into windows for nets.

    .. math:: (x_{t-1}, x_{t-2}, \ldots, x_{t-w}, z_t) \mapsto
        ((x_{t-w}, z_t), \ldots, (x_{t-2}, z_t), (x_{t-1}, z_t))

    with :math:`x` the series, :math:`w` the number of lags, and :math:`z` the other
    columns, which become channels that are constant over the steps. A net that is given
    such a table as it is takes every column as a step in time, the newest lag as the
    oldest step, and the other columns as the newest steps.

    Put it before the net, in a pipeline that the other package gets as its regressor.

    Parameters
    ----------
    lags : int, or sequence of columns, or sequence of such sequences, default=None
        The lag columns: their number, if they come first, or their names in the order
        `order`. An array has positions in place of names. Lags of several series are
        one sequence for each series, all of the same length. None takes all columns.
    order : {"newest_first", "oldest_first"}, default="newest_first"
        Whether the first lag column is the newest or the oldest value.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of columns seen in ``fit``, if they are all strings.

    See Also
    --------
    SlidingWindow : Windows of rows, where the rows themselves are at hand.

    Notes
    -----
    Tables of other packages, with 24 lags:

    - ``MLForecast`` (mlforecast 1.1): a frame with the other columns of the data, then
      ``lag1``, ``lag2``, ..., newest first, then date features:
      ``lags=[f"lag{i}" for i in range(1, 25)]``.
    - ``ForecasterRecursive``, ``ForecasterDirect`` (skforecast 0.26): an array with the
      lags, newest first, then `exog`: ``lags=24``.
    - ``ForecasterDirectMultiVariate`` (skforecast 0.26): an array with the lags of each
      series, newest first, then `exog`: ``lags=[range(24), range(24, 48)]`` for two
      series.
    - ``make_reduction`` (sktime 1.2): an array with the lags of the series, then of
      each column of `X`, oldest first: ``lags=[range(24), range(24, 48)]`` and
      ``order="oldest_first"`` for one column. Without `X`, nets take the table as it
      is.
    - ``RecursiveReductionForecaster``, ``DirectReductionForecaster`` (sktime 1.2): a
      frame with names such as ``lag_0__rail``, newest first, the columns of `X` before
      or after them: give the names.

    Lags that are not consecutive, such as 1, 7 and 14, become consecutive steps.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sktsdl import LagsToWindows
    >>> table = pd.DataFrame(
    ...     {"lag1": [3.0, 4.0], "lag2": [2.0, 3.0], "lag3": [1.0, 2.0], "day": [5, 6]}
    ... )
    >>> windows = LagsToWindows(lags=3).fit_transform(table)
    >>> windows.shape, list(windows.names)
    ((2, 3, 2), ['y', 'day'])
    >>> windows[0].tolist()
    [[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]]
    """

    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(
        self,
        lags: int | Block | Sequence[Block] | None = None,
        *,
        order: Literal["newest_first", "oldest_first"] = "newest_first",
    ) -> None:
        self.lags = lags
        self.order = order

    @with_callbacks
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Check the columns; nothing is estimated.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            One row of lags for each sample.
        y : array-like or None
            Its time index, if it has one, must be that of `X`.

        Returns
        -------
        self : object
            The fitted step.

        Raises
        ------
        ValueError
            If a parameter or a value cannot be used, or if the names of the lag columns
            contradict `lags` or `order`.

        Warns
        -----
        UserWarning
            If the values of the lag columns are in the other order.
        """
        with fit_task(self, X, y), roll_back_on_error(self):
            check_option("order", self.order, ("newest_first", "oldest_first"))
            rows = validate_rows(self, X, reset=True)
            check_same_times(X, y)
            is_named = hasattr(X, "columns")
            names = list(getattr(X, "columns", range(rows.shape[1])))
            blocks = self._named_blocks(names)
            series = [self._series_of(block) for block in blocks]
            steps = [[names.index(name) for name in block] for block in blocks]
            self._warn_of_order(rows[:, steps[0]])
            if self.order == "newest_first":
                steps = [block[::-1] for block in steps]
            lags = {i for block in steps for i in block}
            self._steps = steps
            self._others = [i for i in range(len(names)) if i not in lags]
            self._channels = None
            if is_named:
                self._channels = [*series, *(str(names[i]) for i in self._others)]
        return self

    def transform(self, X: ArrayLike) -> Windows:
        """Turn each row into a window, oldest step first.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            As in ``fit``.

        Returns
        -------
        windows : array-like of shape (n, lags, n_channels)
            One channel for each series of lags, then one for each other column. If `X`
            has names, the channels have names: the series in names such as
            ``rail_lag1``, and ``y`` for ``lag1``.

        Raises
        ------
        ValueError
            If `X` has other columns, infinity, or NaN outside of the lags.
        """
        check_is_fitted(self)
        rows = validate_rows(self, X, reset=False)
        missing = np.isnan(rows)
        missing[:, [i for block in self._steps for i in block]] = False
        raise_at_first(missing, rows, X)
        steps = np.stack([rows[:, block] for block in self._steps], axis=2)
        others = rows[:, None, self._others].repeat(steps.shape[1], axis=1)
        index = X.index if isinstance(X, pd.DataFrame) else None
        return Windows.of(
            np.concatenate([steps, others], axis=2), names=self._channels, index=index
        )

    def set_output(
        self, *, transform: Literal["default", "pandas", "polars"] | None = None
    ) -> Self:
        """Do nothing: windows have three dimensions, and stay as they are.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Ignored.

        Returns
        -------
        self : object
            The step.
        """
        return self

    def _named_blocks(self, names: list[Any]) -> list[list[Any]]:
        """Return the lag columns of each series by name, in the order given."""
        lags: Any = self.lags
        if lags is None:
            return [names]
        if isinstance(lags, Integral):
            if not 1 <= int(lags) <= len(names):
                raise ValueError(
                    f"lags={lags} must be from 1 to {len(names)}, the number of "
                    "columns of X."
                )
            return [names[: int(lags)]]
        if isinstance(lags, str) or not np.iterable(lags):
            raise TypeError(
                f"lags={lags!r} must be a number of columns, a sequence of their "
                "names, or a sequence of such sequences."
            )
        are_blocks = [
            np.iterable(part) and not isinstance(part, str) and part not in names
            for part in lags
        ]
        blocks = [list(part) for part in lags] if all(are_blocks) else [list(lags)]
        flat = [name for block in blocks for name in block]
        for name in flat:
            if name not in names:
                raise ValueError(f"{name!r} in lags is not a column of X: {names}.")
        if len({len(block) for block in blocks}) != 1 or not flat:
            raise ValueError(
                f"lags has sequences of {[len(block) for block in blocks]} columns: "
                "give the same number of lags for each series, at least one."
            )
        if len(set(flat)) < len(flat):
            raise ValueError("lags names a column twice: name each of them once.")
        return blocks

    def _series_of(self, block: list[Any]) -> str:
        """Return the series of a block of lags, and check its names."""
        found = [lag_of(name) for name in block]
        known = [lag for lag in found if lag is not None]
        if not known:
            return str(block[0 if self.order == "newest_first" else -1])
        lags = [lag for _, lag in known]
        ordered = sorted(set(lags), reverse=self.order == "oldest_first")
        if len(known) < len(block) or lags != ordered or len(dict(known)) > 1:
            raise ValueError(
                f"The columns {block} are not the lags of one series in the order "
                f"{self.order!r}, by their names: name the lag columns in `lags`, or "
                "set the other `order`."
            )
        return known[0][0] or "y"

    def _warn_of_order(self, lags: np.ndarray) -> None:
        """Warn if the values say that the lags are in the other order."""
        is_newest_first = self.order == "newest_first"
        given = n_shifted(lags, newest_first=is_newest_first)
        other = n_shifted(lags, newest_first=not is_newest_first)
        if other == lags.shape[1] > given:
            order = "oldest_first" if is_newest_first else "newest_first"
            warn(
                f"The lags in X are in the order {order!r} by their values, and not "
                f"{self.order!r}: set `order={order!r}`."
            )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
