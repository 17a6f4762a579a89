"""Rows and targets in standardised units, and back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from sklearn.preprocessing import StandardScaler

from sktsdl._windows.disk_rows import DiskRows, Rows

SMALL = 3  # standard deviations
# Values whose statistics are computed at once.
N_AT_ONCE = 2**22


@dataclass(frozen=True)
class Scaling:
    """The mean and the standard deviation of columns; 1 for a constant column."""

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(
        cls,
        values: Rows,
        weights: np.ndarray | None,
        describe: Callable[[int], str],
        idx: np.ndarray | None = None,
    ) -> Self:
        """Estimate both from the weighted rows of `values`, or from the rows `idx`.

        Raises
        ------
        ValueError
            If the squares of a column overflow; `describe` names the column.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            if isinstance(values, DiskRows):
                scalers = [_scaler_by_rows(values, weights)]
            else:
                scalers = _scalers_by_columns(values, weights, idx)
        mean, var, scale = (
            np.concatenate([getattr(scaler, name) for scaler in scalers])
            for name in ("mean_", "var_", "scale_")
        )
        is_finite = np.isfinite(var)
        if not is_finite.all():
            raise ValueError(
                f"{describe(int(is_finite.argmin()))} holds numbers whose squares "
                "overflow: correct them, or divide by a constant before this step."
            )
        return cls(mean, scale)

    @classmethod
    def identity(cls, n_columns: int) -> Self:
        return cls(np.zeros(n_columns), np.ones(n_columns))

    def from_zero(self) -> Self:
        """Return it without the means that are small, which float32 would round.

        It leaves small values beside large ones as precise as they are.
        """
        is_small = np.abs(self.mean) < SMALL * self.scale
        return replace(self, mean=np.where(is_small, 0.0, self.mean))

    def transform(self, values: np.ndarray) -> np.ndarray:
        # In the dtype of the values: float32 rows are not copied to float64.
        scaled = values - self.mean.astype(values.dtype)
        scaled /= self.scale.astype(values.dtype)
        return scaled

    def inverse_transform(self, values: np.ndarray) -> np.ndarray:
        return values * self.scale + self.mean


@dataclass(frozen=True)
class ChannelScaling:
    """Rows as the module needs them: standardised, category codes numbered from 0.

    Parameters
    ----------
    scaling : Scaling
        What is subtracted from all channels, and what they are divided by.
    mean : ndarray of shape (n_channels,)
        The mean of each channel over the training rows, in its units.
    standardize : bool
        False leaves the channels in their units.
    codes : dict of {int: ndarray}
        The sorted codes of each categorical channel, by its position. Codes that are
        not among them share the next number.
    names : tuple of str or None
        The names of the channels.
    """

    scaling: Scaling
    mean: np.ndarray
    standardize: bool
    codes: dict[int, np.ndarray]
    names: tuple[str, ...] | None

    @classmethod
    def fit(
        cls,
        rows: Rows,
        weights: np.ndarray | None,
        *,
        standardize: bool,
        categorical: Sequence[int | str],
        names: tuple[str, ...] | None,
    ) -> Self:
        """Estimate the statistics, and list the codes, of training rows.

        Raises
        ------
        ValueError
            If a categorical channel is not there or holds numbers that are not codes,
            or if the squares of a channel overflow.
        """
        positions = sorted(
            _code_position(channel, rows, names) for channel in categorical
        )
        scaling = Scaling.fit(
            rows, weights, lambda channel: f"{_describe(channel, names)} of X"
        )
        codes = {channel: np.unique(rows[:, channel]) for channel in positions}
        return cls(scaling, scaling.mean, standardize, codes, names)

    def from_zero(self) -> Self:
        """Return it without the means that are small, as `Scaling.from_zero`."""
        return replace(self, scaling=self.scaling.from_zero())

    @property
    def n_channels(self) -> int:
        return len(self.mean)

    @property
    def categorical(self) -> list[int]:
        """The positions of the categorical channels."""
        return list(self.codes)

    def n_codes(self, channel: int) -> int:
        """Return the number of codes of a channel, with one for unknown; 0 if none."""
        return len(self.codes[channel]) + 1 if channel in self.codes else 0

    def transform(self, rows: np.ndarray) -> np.ndarray:
        """Return `rows` as the module needs them, float32."""
        scaled = self.scaling.transform(rows) if self.standardize else rows
        with np.errstate(over="ignore"):
            scaled = scaled.astype(np.float32, copy=not self.standardize)
        is_too_large = np.isinf(scaled)
        if is_too_large.any():
            row, channel = (int(i) for i in np.argwhere(is_too_large)[0])
            raise ValueError(
                f"{_describe(channel, self.names)} of X holds {rows[row, channel]:g}, "
                "too far from the training rows for the net's float32: correct it, or "
                "divide the channel by a constant before `fit`."
            )
        for channel, codes in self.codes.items():
            at = np.searchsorted(codes, rows[:, channel]).clip(max=len(codes) - 1)
            is_known = codes[at] == rows[:, channel]
            scaled[:, channel] = np.where(is_known, at, len(codes))
        return scaled

    def position(self, channel: int | str, parameter: str) -> int:
        """Return the position of the channel that `parameter` names."""
        return channel_position(channel, parameter, self.names, self.n_channels)

    def target_positions(
        self, channels: int | str | Sequence[int | str], n_targets: int
    ) -> list[int]:
        """Return the positions of `target_channels`, each named once.

        Raises
        ------
        ValueError
            If a channel is not there or is categorical, or if the channels cannot share
            the targets evenly.
        """
        named: list[Any] = [channels]
        if isinstance(channels, list | tuple | np.ndarray):
            named = list(channels)
        positions = [self.position(name, "target_channels") for name in named]
        for name, at in zip(named, positions, strict=True):
            if at in self.codes:
                raise ValueError(
                    f"target_channels has {name!r}, which is in categorical_features: "
                    "name the channel that is in the units of y."
                )
        if not positions or n_targets % len(positions):
            raise ValueError(
                f"target_channels={channels!r} cannot share the {n_targets} columns of "
                "y evenly: name one channel for each target."
            )
        return positions

    @property
    def zero(self) -> np.ndarray:
        """The value 0 of each channel, as the module sees it."""
        if not self.standardize:
            return np.zeros(self.n_channels)
        return -self.scaling.mean / self.scaling.scale

    def to_target_units(
        self, channels: list[int], targets: Scaling
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return gain and shift from a channel, as the module sees it, to its target.

        Parameters
        ----------
        channels : list of int
            For each target, the channel that is in its units.
        targets : Scaling
            The statistics of the targets.
        """
        if not self.standardize:
            return np.ones(len(channels)), np.zeros(len(channels))
        mean, scale = self.scaling.mean[channels], self.scaling.scale[channels]
        return scale / targets.scale, (mean - targets.mean) / targets.scale


def _describe(channel: int, names: tuple[str, ...] | None) -> str:
    return f"Channel {channel if names is None else repr(names[channel])}"


def channel_position(
    channel: int | str,
    parameter: str,
    names: tuple[str, ...] | None,
    n_channels: int,
) -> int:
    """Return the position of a channel that `parameter` names.

    Raises
    ------
    ValueError
        If there is no such channel.
    """
    if isinstance(channel, str) and names is not None and channel in names:
        return names.index(channel)
    if isinstance(channel, int | np.integer) and 0 <= channel < n_channels:
        return int(channel)
    known = list(names or ()) or f"{n_channels} channels without names, counted from 0"
    way_out = ""
    if parameter == "static_features":
        way_out = "; of a level of the index, make a column with its codes"
    raise ValueError(
        f"{parameter} has {channel!r}, which is not a channel of X: it has {known}"
        f"{way_out}."
    )


def _scalers_by_columns(
    values: np.ndarray, weights: np.ndarray | None, idx: np.ndarray | None
) -> list[StandardScaler]:
    """Return the statistics of rows in memory, of some columns each."""
    n_rows, n_columns = len(values) if idx is None else len(idx), values.shape[1]
    # Temporary arrays need twice the memory of the columns. Sums of one column, and
    # products with weights, would round differently by themselves.
    n_blocks = min(n_rows * n_columns // N_AT_ONCE, n_columns // 2)
    n_blocks = max(n_blocks, 1) if weights is None else 1
    scalers = []
    for block in np.array_split(np.arange(n_columns), n_blocks):
        columns = slice(block[0], block[-1] + 1)
        part = values[:, columns]
        if idx is not None:
            part = values[idx, columns].astype(np.float64, copy=False)
        scalers.append(StandardScaler().fit(part, sample_weight=weights))
    return scalers


def _scaler_by_rows(rows: DiskRows, weights: np.ndarray | None) -> StandardScaler:
    """Return the statistics of rows on disk, which are read once."""
    scaler = StandardScaler()
    for start, block in rows.blocks():
        part = None if weights is None else weights[start : start + len(block)]
        scaler.partial_fit(block, sample_weight=part)
    return scaler


def _code_position(
    channel: int | str, rows: Rows, names: tuple[str, ...] | None
) -> int:
    at = channel_position(channel, "categorical_features", names, rows.shape[1])
    codes = rows[:, at]
    if (codes != np.round(codes)).any():
        raise ValueError(
            f"Channel {channel!r} of X is in categorical_features and holds values "
            "that are not integer codes: encode it, as with `OrdinalEncoder`."
        )
    return at
