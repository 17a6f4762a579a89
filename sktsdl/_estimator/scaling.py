"""Rows as a net sees them, and its answers in the units of the target."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from sktsdl._estimator.validation import Samples


class Standardizer:
    """Standardises channels and targets by the windows that are learnt from.

    Parameters
    ----------
    standardize : bool
        False leaves channels and targets in their units.
    categorical : sequence of int or str
        Channels that hold integer codes; they are numbered from 0 instead, and codes
        not seen in training share the next number.
    names : sequence of str or None
        The names of the channels.

    Attributes
    ----------
    categories : list of int
        The positions of the coded channels.
    codes : list of ndarray
        The codes of each, sorted.
    """

    def __init__(
        self,
        standardize: bool,
        categorical: Sequence[int | str],
        names: Sequence[str] | None,
    ) -> None:
        self.standardize = standardize
        self.categorical = categorical
        self.names = names

    def fit(
        self, samples: Samples, learnt: np.ndarray, coded: Sequence[int] = ()
    ) -> "Standardizer":
        """Learn from the windows `learnt`, each row of them once, and their targets.

        Of weighted windows, a row counts their mean. The targets `coded` hold codes,
        and stay as they are.
        """
        rows, starts, window = samples.rows, samples.starts[learnt], samples.window

        def by_row(values: np.ndarray) -> np.ndarray:
            edges = np.zeros(len(rows) + 1, dtype=values.dtype)
            np.add.at(edges, starts, values)
            np.add.at(edges, starts + window, -values)
            sums: np.ndarray = edges[:-1].cumsum()
            return sums

        n_windows = by_row(np.ones(len(starts), dtype=int))
        is_used = n_windows > 0
        used = rows[is_used]
        weights, row_weights = samples.weights_of(learnt), None
        if weights is not None:
            row_weights = by_row(weights)[is_used] / n_windows[is_used]
        self.n_channels = rows.shape[1]
        self.categories = sorted(self._coded(c, used) for c in self.categorical)
        self.codes = [np.unique(used[:, channel]) for channel in self.categories]
        scale = self.standardize
        channels = StandardScaler()
        outputs = StandardScaler(with_mean=scale, with_std=scale)
        # Arrays stay arrays, whatever scikit-learn is configured to give out.
        self.channels = channels.set_output(transform="default")
        self.outputs = outputs.set_output(transform="default")
        with np.errstate(over="ignore", invalid="ignore"):
            self.channels.fit(used, sample_weight=row_weights)
            self.outputs.fit(samples.targets[learnt], sample_weight=weights)
        self._check_spread()
        if self.standardize:
            self.outputs.mean_[list(coded)] = 0.0
            self.outputs.scale_[list(coded)] = 1.0
        return self

    @property
    def mean(self) -> np.ndarray:
        """The mean of each channel, in its units."""
        mean: np.ndarray = self.channels.mean_
        return mean

    def transform(self, rows: np.ndarray) -> np.ndarray:
        """Return `rows` as the net sees them, float32."""
        scaled = self.channels.transform(rows) if self.standardize else rows
        with np.errstate(over="ignore"):
            scaled = scaled.astype(np.float32)
        beyond = np.isinf(scaled)
        if beyond.any():
            row, channel = (int(i) for i in np.argwhere(beyond)[0])
            raise ValueError(
                f"{self._name(channel)} of X holds {rows[row, channel]:g}, too far "
                "from the training rows for the net's float32: correct it, or divide "
                "the channel by a constant before `fit`."
            )
        for channel, codes in zip(self.categories, self.codes, strict=True):
            at = np.searchsorted(codes, rows[:, channel]).clip(max=len(codes) - 1)
            is_known = codes[at] == rows[:, channel]
            scaled[:, channel] = np.where(is_known, at, len(codes))
        return scaled

    def _check_spread(self) -> None:
        """Raise an error for channels and targets whose squares are no numbers."""
        for what, scaler in (("X", self.channels), ("y", self.outputs)):
            spread = [] if scaler.var_ is None else scaler.var_
            for at in map(int, np.flatnonzero(~np.isfinite(spread))):
                name = self._name(at) if what == "X" else f"Column {at}"
                raise ValueError(
                    f"{name} of {what} holds numbers whose squares overflow: correct "
                    "them, or divide by a constant before this step."
                )

    def _name(self, channel: int) -> str:
        return f"Channel {channel if self.names is None else repr(self.names[channel])}"

    def transform_targets(self, targets: np.ndarray) -> np.ndarray:
        """Return `targets` as the net learns them, float32."""
        return self.outputs.transform(targets).astype(np.float32)

    def inverse_transform(self, answers: np.ndarray) -> np.ndarray:
        """Return a net's `answers` in the units of the targets."""
        levels: np.ndarray = self.outputs.inverse_transform(answers)
        return levels

    def position(self, channel: int | str, parameter: str) -> int:
        """Return the position of the channel that `parameter` names."""
        names = [] if self.names is None else list(self.names)
        if isinstance(channel, str) and channel in names:
            return names.index(channel)
        if isinstance(channel, int | np.integer) and 0 <= channel < self.n_channels:
            return int(channel)
        known = names or f"{self.n_channels} channels without names, counted from 0"
        raise ValueError(
            f"{parameter} has {channel!r}, which is no channel of X: it has {known}."
        )

    def target_positions(self, channels: Any, n_outputs: int) -> list[int]:
        """Return the positions of the channels whose future the outputs are."""
        is_one = not isinstance(channels, list | tuple | np.ndarray)
        names: list[Any] = [channels] if is_one else list(channels)
        positions = [self.position(name, "target_channels") for name in names]
        for name, at in zip(names, positions, strict=True):
            if at in self.categories:
                raise ValueError(
                    f"target_channels has {name!r}, which is in categorical_features: "
                    "name the channel that is in the units of y."
                )
        if not positions or n_outputs % len(positions):
            raise ValueError(
                f"target_channels={channels!r} cannot share the {n_outputs} columns of "
                "y evenly: name one channel for each target."
            )
        return positions

    def carry(self, channels: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return gain and shift from channels, as the net sees them, to targets.

        Parameters
        ----------
        channels : list of int
            For each target, the channel that is in its units.
        """
        if not self.standardize:
            return np.ones(len(channels)), np.zeros(len(channels))
        mean, scale = self.channels.mean_[channels], self.channels.scale_[channels]
        unit = self.outputs.scale_
        return scale / unit, (mean - self.outputs.mean_) / unit

    def _coded(self, channel: int | str, rows: np.ndarray) -> int:
        at = self.position(channel, "categorical_features")
        if (rows[:, at] != np.round(rows[:, at])).any():
            raise ValueError(
                f"Channel {channel!r} of X is in categorical_features and holds values "
                "that are no integer codes: encode it, as with `OrdinalEncoder`."
            )
        return at
