"""Known values that targets are relative to."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.utils import check_scalar

from sktsdl._sklearn.target_steps import TargetSteps
from sktsdl._sklearn.validation import check_option
from sktsdl._windows.season import last_season
from sktsdl._windows.windows import Windows

Relation = Literal["ratio", "difference", "seasonal"]


@dataclass(frozen=True, eq=False)
class Reference:
    """The known value that each output is relative to, in each row.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_outputs)
        In the units of `y`.
    relation : {"ratio", "difference", "seasonal"}
        How outputs are relative to them.
    is_known : ndarray of bool, shape (n_rows,)
        Whether all values of a row are the values that the relation asks for.
    """

    values: np.ndarray
    relation: Relation
    is_known: np.ndarray

    @classmethod
    def of(
        cls,
        relation: Relation,
        values: Any,
        season: Windows | None,
        ahead: TargetSteps,
        columns: Sequence[Hashable],
    ) -> Self:
        """Find the known values of the outputs that `ahead` names.

        Parameters
        ----------
        relation : {"ratio", "difference", "seasonal"}
            How outputs are relative to them.
        values : array-like of shape (n_rows, n_targets)
            The columns of the targets.
        season : Windows of shape (n_rows, period, n_targets) or None
            The season up to each row, for ``"seasonal"``.
        ahead : TargetSteps
            The target and the step of each output.
        columns : sequence of column names or positions
            What errors call the columns.

        Raises
        ------
        ValueError
            If a value is not positive, as a ratio needs.
        """
        if season is not None:
            found, is_known = last_season(season, ahead.steps, ahead.targets)
            return cls(found, relation, np.all(is_known, axis=1))
        last = np.asarray(values)
        if relation == "ratio":
            for column, known in zip(columns, last.T, strict=True):
                check_positive(known, f"column {column!r} of X", values)
        return cls(last[:, ahead.targets], relation, np.ones(len(last), dtype=bool))

    def to_relative(self, targets: np.ndarray, y: Any, name: str) -> np.ndarray:
        """Return `targets`, the values of `y`, relative to the known values.

        Raises
        ------
        ValueError
            If a target is not positive, as a ratio needs. The error calls it `name`.
        """
        known = self._like(targets)
        if self.relation == "ratio":
            check_positive(targets, name, y)
            return np.log(targets / known)
        relative: np.ndarray = targets - known
        return relative

    def to_levels(self, relative: np.ndarray) -> np.ndarray:
        """Return relative predictions as levels."""
        known = self._like(relative)
        levels: np.ndarray
        if self.relation == "ratio":
            levels = known * np.exp(relative)
        else:
            levels = known + relative
        return levels

    def to_level_quantiles(self, quantiles: np.ndarray) -> np.ndarray:
        """Return quantiles of relative predictions, the last axis, as levels."""
        parts = np.moveaxis(quantiles, -1, 0)
        return np.stack([self.to_levels(part) for part in parts], axis=-1)

    def _like(self, outputs: np.ndarray) -> np.ndarray:
        return self.values[:, 0] if outputs.ndim == 1 else self.values


def check_relation(relation: str, period: int | None) -> None:
    """Raise an error if `relation` is not known, or `period` does not belong to it."""
    check_option("relation", relation, ("ratio", "difference", "seasonal"))
    if relation == "seasonal":
        if period is None:
            raise ValueError(
                "relation='seasonal' needs the number of rows in a season: give "
                "`period`, such as period=7 for daily rows with a weekly season."
            )
        check_scalar(period, "period", Integral, min_val=1)
    elif period is not None:
        raise ValueError(
            f"period={period!r} has no meaning for relation={relation!r}: set "
            "relation='seasonal', or period=None."
        )


def check_unchanged(target: dict[str, Any], before: dict[str, Any]) -> None:
    """Raise a ValueError if a net would be trained further on another target."""
    for name, value in target.items():
        if value != before[name]:
            raise ValueError(
                f"{name}={value!r} cannot change in a regressor that is trained "
                f"further, which has {before[name]!r}: set it back, or fit with "
                "warm_start=False."
            )


def check_known(is_known: np.ndarray, period: int | None) -> None:
    """Raise a ValueError if no row has a season before it."""
    n = len(is_known)
    if not is_known.any():
        raise ValueError(
            f"X has {n} rows (n_samples={n}), and none of them has a season of "
            f"period={period} rows before its targets: give more rows, or a smaller "
            "`period`."
        )


def check_positive(values: np.ndarray, name: str, labelled: Any) -> None:
    """Raise a ValueError that names the first row that is not positive."""
    bad = (values <= 0).reshape(len(values), -1).any(axis=1)
    if bad.any():
        row = int(bad.argmax())
        label = f" ({labelled.index[row]})" if hasattr(labelled, "iloc") else ""
        raise ValueError(
            f"{name} is not positive in row {row}{label}, as a ratio needs: use "
            "relation='difference', or shift the levels."
        )


def labelled_like(y: Any, targets: np.ndarray) -> Any:
    """Return `targets` with the index and the names of `y`, if it has them."""
    if isinstance(y, pd.Series):
        return pd.Series(targets, index=y.index, name=y.name)
    if isinstance(y, pd.DataFrame):
        return pd.DataFrame(targets, index=y.index, columns=y.columns)
    return targets
