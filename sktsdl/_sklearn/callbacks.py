"""scikit-learn's callbacks, where the installed version has them (1.9)."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator


@contextmanager
def fit_task(
    estimator: BaseEstimator, X: object, y: object, *inner: BaseEstimator
) -> Iterator[None]:
    """Call the callbacks of an estimator at the start and the end of its fit.

    Parameters
    ----------
    estimator : estimator
        The block is its ``fit``, decorated by `with_callbacks`.
    X, y : array-like
        The data of the fit.
    *inner : estimators
        The estimators that it fits in turn; the callbacks are passed on to them, but
        not to a ``FrozenEstimator``, which is not fitted.
    """
    inner = tuple(part for part in inner if not isinstance(part, FrozenEstimator))
    if not hasattr(estimator, "_init_callback_context"):
        yield
        return
    task = {"estimator": estimator, "X": X, "y": y}
    context = estimator._init_callback_context(max_subtasks=len(inner))
    context.call_on_fit_task_begin(**task)
    with ExitStack() as reached:
        parts = [context.subcontext(task_name="fit-regressor") for _ in inner]
        for part, regressor in zip(parts, inner, strict=True):
            reached.enter_context(part.propagate_callback_context(regressor))
            part.call_on_fit_task_begin(**task)
        yield
        for part in parts:
            part.call_on_fit_task_end(**task)
    context.call_on_fit_task_end(**task)
