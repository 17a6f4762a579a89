"""scikit-learn's callbacks, where the installed version has them (1.9)."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any

from sklearn.base import BaseEstimator

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands for scikit-learn's, where it has none."""

    def with_callbacks(method: Any) -> Any:
        @wraps(method)  # a frame between, as there: warnings count them
        def managed(estimator: Any, *args: Any, **kwargs: Any) -> Any:
            return method(estimator, *args, **kwargs)

        return managed


__all__ = ["CallbackSupportMixin", "fit_task", "with_callbacks"]


@contextmanager
def fit_task(
    estimator: BaseEstimator, X: Any, y: Any, *inner: BaseEstimator
) -> Iterator[None]:
    """Tell an estimator's callbacks that the block fits it.

    Parameters
    ----------
    estimator : estimator
        Whose ``fit``, under `with_callbacks`, this is.
    X, y : array-like
        What it is fitted to.
    *inner : estimators
        The estimators it fits in turn, whom the callbacks reach too.
    """
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
