"""Which target, and which step ahead, each column of `y` is."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.utils import check_scalar

from sktsdl._sklearn.arrays import refuse_repeated_names
from sktsdl._sklearn.warnings import warn

AHEAD = re.compile(r"(.+)\+([1-9]\d*)")
PART = re.compile(r"(.+)@(\d+)")
OwnColumn = Hashable | list[Hashable] | None
# What `make_supervised` writes to ``X.attrs``: the names of `y`, calendar columns.
MADE_TARGETS, MADE_CALENDAR = "targets", "calendar"

COLUMN = """\
column : int, str, tuple, list of them, or None, default=None
    The column of `X` whose future `y` is, by position or by name; a list has one for
    each target. None takes the columns that `y` is named after, as ``make_supervised``
    names it (``rail`` for ``rail+1``), or whose names `y` has. Without names, or with
    another name, such as ``target`` if `X` has no such column, it takes column 0."""


@dataclass(frozen=True)
class TargetSteps:
    """The target and the step ahead of each column of `y`.

    Parameters
    ----------
    labels : tuple
        The names of the columns of `y`, None where they have none.
    names : tuple
        The names of the targets.
    targets : tuple of int
        For each column, the position of its target in `names`.
    steps : tuple of int
        For each column, the number of rows ahead.
    is_known : bool
        Whether the columns are named as ``make_supervised`` names them. Otherwise they
        are taken as the horizon of one target.
    """

    labels: tuple[Hashable, ...]
    names: tuple[Hashable, ...]
    targets: tuple[int, ...]
    steps: tuple[int, ...]
    is_known: bool

    @classmethod
    def of(cls, y: Any) -> Self:
        """Read the names of the columns of `y`, or the name of a Series."""
        refuse_repeated_names(y, "y")
        if hasattr(y, "columns"):
            return cls.of_labels(list(y.columns))
        shape = y.shape if hasattr(y, "shape") else np.asarray(y).shape
        return cls.of_labels([getattr(y, "name", None)] * math.prod(shape[1:]))

    @classmethod
    def of_labels(cls, labels: Sequence[Hashable]) -> Self:
        """Read the names of columns."""
        pairs = [split_ahead(label) for label in labels]
        known = [pair for pair in pairs if pair is not None]
        if len(known) < len(pairs):
            name = labels[0] if len(labels) == 1 else None
            steps = range(1, len(labels) + 1)
            return cls(tuple(labels), (name,), (0,) * len(labels), tuple(steps), False)
        names = tuple(dict.fromkeys(name for name, _ in known))
        targets = tuple(names.index(name) for name, _ in known)
        return cls(tuple(labels), names, targets, tuple(s for _, s in known), True)

    @property
    def horizon(self) -> int:
        """The number of rows that the furthest column lies ahead."""
        return max(self.steps, default=1)

    @property
    def is_in_blocks(self) -> bool:
        """Whether each target has its columns side by side, the next step first."""
        order = list(zip(self.targets, self.steps, strict=True))
        return order == sorted(order)

    @property
    def n_parts(self) -> int:
        """How many times a row holds, by names such as ``price@05+1``; usually 1."""
        pairs = [split_part(name) for name in self.names]
        if not self.is_known or None in pairs:
            return 1
        return 1 + max(pair[1] for pair in pairs if pair is not None)

    @property
    def in_parts(self) -> Self:
        """The steps of the parts of rows, if rows hold several times.

        With 24 parts, ``price@05+1`` is a target, and the next row, of its own; here it
        is step 6 of ``price``.
        """
        n_parts = self.n_parts
        if n_parts == 1:
            return self
        pairs = [split_part(name) or (name, 0) for name in self.names]
        names = tuple(dict.fromkeys(name for name, _ in pairs))
        targets = tuple(names.index(pairs[target][0]) for target in self.targets)
        steps = tuple(
            (step - 1) * n_parts + pairs[target][1] + 1
            for target, step in zip(self.targets, self.steps, strict=True)
        )
        return type(self)(self.labels, names, targets, steps, True)

    def position_of(self, target: int | Hashable) -> int:
        """Return the position of a target that is given by name or position.

        Raises
        ------
        ValueError
            If there is no such target.
        """
        if target in self.names and target is not None:
            return self.names.index(target)
        n = len(self.names)
        if isinstance(target, int | np.integer) and -n <= target < n:
            return int(target) % n
        raise ValueError(
            f"target={target!r} is not one of the {n} targets, {list(self.names)}: "
            "give a name or a position."
        )

    def columns_of(self, target: int) -> list[int]:
        """Return the columns of one target, by step."""
        columns = [at for at, found in enumerate(self.targets) if found == target]
        return sorted(columns, key=self.steps.__getitem__)

    def shared_by(self, columns: Sequence[Hashable]) -> Self:
        """Return the steps of targets that are the future of `columns` of `X`.

        If the names of `y` do not say it, the columns of `X` share the columns of `y`
        evenly and in order, each with its whole horizon.

        Raises
        ------
        ValueError
            If the number of targets is another one.
        """
        n, n_columns = len(columns), len(self.steps)
        if self.is_known and n != len(self.names):
            raise ValueError(
                f"column lists {list(columns)}, and the targets of y are "
                f"{list(self.names)}: give one column of X for each target."
            )
        if self.is_known:
            return self
        if n_columns % n:
            raise ValueError(
                f"column lists {n} columns of X, {list(columns)}, which cannot share "
                f"the {n_columns} columns of y evenly: give one for each target."
            )
        horizon = n_columns // n
        targets = tuple(at // horizon for at in range(n_columns))
        steps = tuple(at % horizon + 1 for at in range(n_columns))
        return type(self)(self.labels, tuple(columns), targets, steps, False)


def horizon_of(y: Any, horizon: int | None, parameter: str | None = "horizon") -> int:
    """Return the number of rows that the furthest target of `y` lies ahead.

    `horizon` is the number that the user gave, None to read it from the names of `y`.
    `parameter` is the parameter that decides it, or None.
    """
    if horizon is not None:
        check_scalar(horizon, "horizon", Integral, min_val=1)
        return int(horizon)
    steps = TargetSteps.of(y)
    if not steps.is_known and len(set(steps.labels)) > 1:
        given = "" if parameter is None else f"give `{parameter}`, or "
        warn(
            f"The columns of y, {list(steps.labels)}, are taken as the steps of a "
            f"horizon of {steps.horizon} rows: {given}name them as "
            "make_supervised does, such as 'rail+1' and 'bus+1' for two targets."
        )
    return steps.horizon


def own_columns(column: OwnColumn, X: Any, y: TargetSteps) -> list[Hashable]:
    """Return the column of `X` whose future each target of `y` is.

    Parameters
    ----------
    column : column name or position, list of them, or None
        As the user gave it; None finds the columns by the names of the targets.
    X : DataFrame or array-like of shape (n_rows, n_features)
        The rows.
    y : TargetSteps
        The columns of `y`.

    Raises
    ------
    ValueError
        If `column` is None, and it cannot be known which columns these are.
    """
    if isinstance(column, list | np.ndarray | pd.Index):
        columns = list(column)
        if len(set(columns)) < len(columns):
            raise ValueError(f"column={columns} names a column twice: name each once.")
        is_named = y.is_known and set(columns) == set(y.names)
        return list(y.names) if is_named else columns
    if column is not None:
        return [column]
    labels = list(X.columns) if hasattr(X, "columns") else []
    if y.is_known or len(y.labels) == 1:
        found = [find_label(name, labels) for name in y.names]
        if None not in found:
            return found
        shape = X.shape if hasattr(X, "shape") else np.asarray(X).shape
        if not y.is_known or (len(y.names) == 1 and shape[1:] in ((), (1,))):
            return [0]
    elif not all(isinstance(name, str) and name in labels for name in y.labels):
        return [0]
    raise ValueError(
        f"y has the columns {list(y.labels)}, which do not say of which columns "
        "of X they are the future: give `column`, with a column of X for each target."
    )


def check_same_labels(before: Sequence[Hashable], y: Any, name: str) -> None:
    """Raise a ValueError if `y` has other targets or steps than in ``fit``."""
    seen, now = TargetSteps.of_labels(before), TargetSteps.of(y)
    if seen.is_known and now.is_known and seen != now:
        raise ValueError(
            f"{name} has the columns {list(now.labels)}, and the targets of fit are "
            f"{list(before)}: give the same targets in this order."
        )


def ahead(column: Hashable, step: int) -> Hashable:
    """Return the name of the values of `column` so many steps ahead: ``rail+1``.

    The last part of a tuple, which names a column of several levels, is extended.
    """
    if isinstance(column, tuple):
        return (*column[:-1], f"{column[-1]}+{step}")
    return f"{column}+{step}"


def known_ahead(labels: Sequence[Hashable]) -> dict[int, tuple[int, int]]:
    """Return the columns that are known ahead, as ``temp+3`` beside ``temp``.

    Returns
    -------
    known : dict of {int: (int, int)}
        By the position of each column, the position of its values of now, and the step.
    """
    positions = {label: at for at, label in reversed([*enumerate(labels)])}
    found = {}
    for position, label in enumerate(labels):
        pair = split_ahead(label)
        if pair is not None and pair[0] in positions:
            found[position] = (positions[pair[0]], pair[1])
    return found


def part(column: Hashable, number: int, n_parts: int) -> Hashable:
    """Return the name of one of the values of `column` in a row: ``price@05``."""
    if isinstance(column, tuple):
        return (*column[:-1], part(column[-1], number, n_parts))
    return f"{column}@{number:0{len(str(n_parts - 1))}}"


def split_part(label: Hashable) -> tuple[Hashable, int] | None:
    """Return the column and the number of a name of `part`, None for other names."""
    return _split(PART, label)


def split_ahead(label: Hashable) -> tuple[Hashable, int] | None:
    """Return the column and the step of a name of `ahead`, None for other names."""
    return _split(AHEAD, label)


def _split(pattern: re.Pattern[str], label: Hashable) -> tuple[Hashable, int] | None:
    """Return the name and the number in a label, of a tuple in its last part."""
    if isinstance(label, tuple) and label:
        pair = _split(pattern, label[-1])
        return None if pair is None else ((*label[:-1], pair[0]), pair[1])
    match = pattern.fullmatch(label) if isinstance(label, str) else None
    return None if match is None else (match[1], int(match[2]))


def find_label(name: Hashable, labels: Sequence[Hashable]) -> Hashable | None:
    """Return the label that is `name`, or the position of a number that it names."""
    for at, label in enumerate(labels):
        if label == name or ahead(label, 1) == ahead(name, 1):
            return label if isinstance(label, str | tuple) else at
    return None
