"""The columns of `y` as tasks: their kinds, labels and weights."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._sklearn.target_steps import ahead, split_ahead
from sktsdl._sklearn.validation import check_number, check_option
from sktsdl._windows.same_times import check_same_times, has_times_of_targets
from sktsdl._windows.windows import Windows
from sktsdl.compose._class_weight import warn_of_untrained
from sktsdl.compose._labels import find_classes, to_codes

Tasks = Mapping[str, str] | None
Classes = dict[Hashable, np.ndarray]
KINDS = ("regression", "classification")
NUMBERS_ONLY = {
    "window_norm": "transforms the output back to the level of a channel",
    "linear_skip": "adds numbers to the output",
    "channel_independent": "makes each target the future of a channel",
    "cycle": "adds numbers to the output",
}


def check_net(net: object, name: str, purpose: str) -> None:
    """Raise an error if `net` is not a net of this package, or predicts quantiles.

    `name` is the parameter that has it, and `purpose` what it is for.
    """
    if not isinstance(net, DeepRegressor):
        raise TypeError(
            f"{name}={net!r} is not a net of this package: give one, such as "
            "LSTMRegressor()."
        )
    if net.loss == "quantile":
        raise ValueError(
            f"loss='quantile' of the net is not for {purpose}: use another loss."
        )


def refuse_numbers_only(net: DeepRegressor) -> None:
    """Raise a ValueError if a parameter of `net` is for targets of numbers only."""
    for name, reason in NUMBERS_ONLY.items():
        value = getattr(net, name)
        if value not in (None, False, "auto"):
            raise ValueError(
                f"{name}={value!r} of the net {reason}, which is not for classes: "
                "leave it out."
            )


def read_tasks(
    tasks: Tasks, net: DeepRegressor, y: ArrayLike
) -> tuple[list[Hashable] | None, Classes]:
    """Return the columns of `y`, and the labels of the columns of classes.

    Raises
    ------
    ValueError
        If `tasks` does not describe `y`, or if `net` cannot predict classes.
    """
    if tasks is None:
        return None, {}
    if not isinstance(tasks, Mapping) or not tasks:
        raise ValueError(
            f"tasks={tasks!r} must name the columns of y: give a dict such as "
            "{'price': 'regression', 'direction': 'classification'}."
        )
    for name, kind in tasks.items():
        check_option(f"tasks[{name!r}]", kind, KINDS)
    frame = check_columns(y, tasks, "y")
    classes: Classes = {
        name: find_classes(frame[name], f"Column {name!r} of y")
        for name in frame.columns
        if tasks[name] == "classification"
    }
    if classes:
        refuse_numbers_only(net)
    return list(frame.columns), classes


def warn_of_untrained_tasks(
    y: ArrayLike,
    names: Collection[Hashable] | None,
    classes: Classes,
    is_trained: np.ndarray,
) -> None:
    """Warn of labels of the columns of classes that are in no row trained on."""
    for name in classes:
        frame = check_columns(y, names or (), "y")
        warn_of_untrained(frame[name], is_trained, f"Column {name!r} of y")


def check_columns(
    y: ArrayLike, names: Collection[Hashable], argument: str
) -> pd.DataFrame:
    """Return `y` as a frame; 1-D `y` is the column of the only task.

    Raises
    ------
    ValueError
        If the columns are not the tasks `names`.
    """
    if isinstance(y, pd.Series) and len(names) == 1 and y.name is not None:
        y = y.to_frame()
    elif (
        not isinstance(y, pd.DataFrame) and len(names) == 1 and np.asarray(y).ndim == 1
    ):
        y = pd.DataFrame(dict.fromkeys(names, y))
    if not isinstance(y, pd.DataFrame):
        raise ValueError(
            f"tasks names the columns of {argument}, and {argument} is of type "
            f"{type(y).__name__}: give a DataFrame of pandas."
        )
    if set(y.columns) != set(names) or not y.columns.is_unique:
        raise ValueError(
            f"{argument} has the columns {list(y.columns)} and tasks names "
            f"{list(names)}: both must name the same, each once."
        )
    return y


def in_form_of_y(
    values: np.ndarray,
    names: list[Hashable] | None,
    classes: Classes,
    X: Any,
    is_1d: bool,
) -> pd.DataFrame | pd.Series | np.ndarray:
    """Return predictions for `X`, (n, tasks), with codes of classes as labels.

    Without names, they are an array.
    """
    if names is None:
        return values.ravel() if is_1d else values
    columns = {
        name: classes[name][column.astype(int)] if name in classes else column
        for name, column in zip(names, values.T, strict=True)
    }
    index = X.index if isinstance(X, pd.DataFrame | Windows) else None
    frame = pd.DataFrame(columns, index=index)
    return frame.iloc[:, 0] if is_1d else frame


def to_numbers(
    X: Any,
    y: ArrayLike,
    names: list[Hashable] | None,
    classes: Classes,
    argument: str,
) -> ArrayLike:
    """Return the columns `names` of `y`, with labels as codes and steps in the names.

    Without names, `y` holds numbers only.

    Raises
    ------
    ValueError
        If the columns are not the tasks, a label is not one of the classes, or if `y`
        has other times than `X`.
    """
    if names is None:
        return y
    frame = check_columns(y, names, argument)
    columns = [
        to_codes(frame[name], classes[name], f"Column {name!r} of {argument}", argument)
        if name in classes
        else frame[name]
        for name in names
    ]
    numbers = pd.concat(columns, axis=1)
    check_same_times(X, y, argument)
    if has_times_of_targets(X, numbers):
        numbers = numbers.set_axis(X.index)
    labels = pd.Index([with_step(name) for name in names], tupleize_cols=False)
    return numbers.set_axis(labels, axis=1)


def check_same_tasks(
    before: tuple[list[Hashable] | None, Classes],
    now: tuple[list[Hashable] | None, Classes],
) -> None:
    """Raise a ValueError if the columns or the labels of two fits are not the same."""
    labels = [{k: v.tolist() for k, v in part[1].items()} for part in (before, now)]
    for what, old, new in (("columns", before[0], now[0]), ("classes", *labels)):
        if old != new:
            raise ValueError(
                f"The {what} of y cannot change in a net that is trained further, "
                f"which has {old}, and y has {new}: give the same, or fit with "
                "warm_start=False."
            )


def read_weights(
    weights: Mapping[str, float] | Sequence[float] | None, names: list[Hashable]
) -> list[float]:
    """Return the weight of each column of `y`."""
    if weights is None:
        return [1.0] * len(names)
    if isinstance(weights, Mapping):
        if set(weights) != set(names):
            raise ValueError(
                f"weights names {list(weights)} and the columns of y are {names}: "
                "both must name the same."
            )
        weights = [weights[name] for name in names]  # type: ignore[index]
    if np.ndim(weights) != 1:
        raise ValueError(
            f"weights={weights!r} must hold one number for each column of y."
        )
    if len(weights) != len(names):
        raise ValueError(
            f"weights has {len(weights)} values and y has {len(names)} columns: "
            "give one for each."
        )
    for name, weight in zip(names, weights, strict=True):
        check_number(f"weights[{name!r}]", weight, min_val=0)
    return [float(weight) for weight in weights]


def with_step(task: Hashable) -> Hashable:
    """Return a name that says that a task is one step ahead, if it says no step."""
    return ahead(task, 1) if split_ahead(task) is None else task
