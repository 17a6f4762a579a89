"""Several seeds of one estimator."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils.parallel import Parallel, delayed

from sktsdl._sklearn.bases import with_callbacks
from sktsdl._sklearn.callbacks import fit_task
from sktsdl._sklearn.validation import roll_back_on_error
from sktsdl.compose._members import MeanOfMembers
from sktsdl.compose._wrapper import next_regressor


class SeedEnsemble(MeanOfMembers):
    r"""The mean of several seeds of one estimator, a deep ensemble [1]_.

    .. math::

        \hat y = \frac{1}{M} \sum_{m=1}^{M} \hat y_m, \qquad
        s = \sqrt{\frac{1}{M} \sum_{m=1}^{M} (\hat y_m - \hat y)^2}

    The :math:`M` members are copies of `estimator` that are fitted to the same rows and
    differ in their random states alone. The spread :math:`s` shows how much the
    forecast depends on the seed. It does not include the noise of `y`, so it is not an
    interval: put a `ConformalRegressor` around the ensemble for one.

    `X` reaches each member as it is, with its names and its time index. The look-back
    steps of a pipeline may be inside of the ensemble, where each member fits its own,
    or before it.

    Parameters
    ----------
    estimator : estimator
        A net, a `NetClassifier` or `MultiTaskNet`, or a pipeline, search or wrapper
        around one. With its ``warm_start=True``, another ``fit`` trains the members
        further.
    n_estimators : int, default=5
        The number of members.
    n_jobs : int or None, default=None
        The number of members that are fitted at the same time, as in scikit-learn, by
        the backend of joblib. Processes help, and threads do not: they share torch's
        random generator, so one net waits for the other. The result does not depend on
        it, but for the rounding of large nets, as torch has fewer threads in each
        process.
    random_state : int, RandomState instance or None, default=None
        Draws a seed for every parameter `random_state` of every member, also of the
        steps of a pipeline; their own values have no effect. An int gives the same
        members in every ``fit``. None is other seeds in every ``fit``, and does not
        use numpy's global state, as that of a net.

    Attributes
    ----------
    estimators_ : list of estimator
        The fitted members.
    classes_ : ndarray or dict
        The labels, as of `NetClassifier` or `MultiTaskNet`; only of these.
    n_features_in_ : int
        The number of features of the members.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        The names of features of the members, if they have them.

    See Also
    --------
    sklearn.ensemble.VotingRegressor : The mean of different estimators.

    References
    ----------
    .. [1] B. Lakshminarayanan, A. Pritzel and C. Blundell (2017). Simple and Scalable
       Predictive Uncertainty Estimation using Deep Ensembles. NeurIPS.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import LSTMRegressor, SeedEnsemble, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import load_air_passengers
    >>> X, y, X_latest = make_supervised(load_air_passengers(), target="passengers")
    >>> net = LSTMRegressor(hidden_sizes=(8,), max_epochs=5)
    >>> seeds = SeedEnsemble(net, n_estimators=3, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(12), seeds).fit(X, y)
    >>> mean, spread = pipe.predict(X_latest, return_std=True)
    >>> mean.shape, spread.shape
    ((1,), (1,))
    """

    def __init__(
        self,
        estimator: BaseEstimator,
        n_estimators: int = 5,
        *,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.n_jobs = n_jobs
        self.random_state = random_state

    @with_callbacks
    def fit(self, X: ArrayLike, y: ArrayLike, **fit_params: Any) -> Self:
        """Fit the members to all rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows or windows, as for the estimator.
        y : array-like of shape (n_rows,) or (n_rows, n_outputs)
            The target.
        **fit_params : dict
            Passed to the ``fit`` of each member.

        Returns
        -------
        self : object
            The fitted ensemble.

        Raises
        ------
        ValueError
            If `estimator` has no parameter `random_state`, or if a parameter or a value
            cannot be used; the ensemble then stays as it was.
        """
        members = self._next_members()
        with fit_task(self, X, y, *members), roll_back_on_error(self):
            params = dict(self._fit_params(fit_params))
            fit = delayed(_fitted)
            fitted = Parallel(n_jobs=self.n_jobs)(
                fit(member, X, y, params) for member in members
            )
            self.estimators_ = list(map(_taken_back, members, fitted))
        return self

    def _next_members(self) -> list[Any]:
        """Return the copies to fit, each with its seeds."""
        check_scalar(self.n_estimators, "n_estimators", Integral, min_val=1)
        draws = np.random.RandomState()
        if self.random_state is not None:
            draws = check_random_state(self.random_state)
        before = dict(enumerate(getattr(self, "estimators_", ())))
        members = [
            next_regressor(self.estimator, before.get(number))
            for number in range(self.n_estimators)
        ]
        names = [
            name
            for name in sorted(members[0].get_params(deep=True))
            if name == "random_state" or name.endswith("__random_state")
        ]
        if not names:
            raise ValueError(
                f"estimator={self.estimator!r} has no parameter random_state, so all "
                "members would be equal: give a net, or an estimator around one."
            )
        for member in members:
            largest = np.iinfo(np.int32).max
            member.set_params(**{name: draws.randint(largest) for name in names})
        return members


def _fitted(member: Any, X: ArrayLike, y: ArrayLike, params: dict[str, Any]) -> Any:
    return member.fit(X, y, **params)


def _taken_back(member: Any, fitted: Any) -> Any:
    """Return `member` with the state that it has got in another process.

    The callbacks that it was given for the fit are those of this process.
    """
    not_fitted = ("_skl_callbacks", "_parent_callback_ctx")
    state = {k: v for k, v in vars(fitted).items() if k not in not_fitted}
    vars(member).update(state)
    return member
