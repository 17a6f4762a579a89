"""Rows as a net sees them, and its answers in the units of the target."""

from collections.abc import Sequence

import numpy as np
from sklearn.preprocessing import StandardScaler


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
        self, rows: np.ndarray, starts: np.ndarray, window: int, targets: np.ndarray
    ) -> "Standardizer":
        """Learn from the windows at `starts`, each row of them once, and `targets`."""
        edges = np.zeros(len(rows) + 1, dtype=int)
        np.add.at(edges, starts, 1)
        np.add.at(edges, starts + window, -1)
        used = rows[edges[:-1].cumsum() > 0]
        self.categories = sorted(self._position(c, used) for c in self.categorical)
        self.codes = [np.unique(used[:, channel]) for channel in self.categories]
        scale = self.standardize
        channels = StandardScaler()
        outputs = StandardScaler(with_mean=scale, with_std=scale)
        # Arrays stay arrays, whatever scikit-learn is configured to give out.
        self.channels = channels.set_output(transform="default").fit(used)
        self.outputs = outputs.set_output(transform="default").fit(targets)
        return self

    @property
    def mean(self) -> np.ndarray:
        """The mean of each channel, in its units."""
        mean: np.ndarray = self.channels.mean_
        return mean

    def transform(self, rows: np.ndarray) -> np.ndarray:
        """Return `rows` as the net sees them, float32."""
        scaled = self.channels.transform(rows) if self.standardize else rows
        scaled = scaled.astype(np.float32)
        for channel, codes in zip(self.categories, self.codes, strict=True):
            at = np.searchsorted(codes, rows[:, channel]).clip(max=len(codes) - 1)
            is_known = codes[at] == rows[:, channel]
            scaled[:, channel] = np.where(is_known, at, len(codes))
        return scaled

    def transform_targets(self, targets: np.ndarray) -> np.ndarray:
        """Return `targets` as the net learns them, float32."""
        return self.outputs.transform(targets).astype(np.float32)

    def inverse_transform(self, answers: np.ndarray) -> np.ndarray:
        """Return a net's `answers` in the units of the targets."""
        levels: np.ndarray = self.outputs.inverse_transform(answers)
        return levels

    def _position(self, channel: int | str, rows: np.ndarray) -> int:
        n_channels = rows.shape[1]
        names = [] if self.names is None else list(self.names)
        if isinstance(channel, str) and channel in names:
            at = names.index(channel)
        elif isinstance(channel, int | np.integer) and 0 <= channel < n_channels:
            at = int(channel)
        else:
            known = names or f"{n_channels} channels without names, counted from 0"
            raise ValueError(
                f"categorical_features has {channel!r}, which is no channel of X: it "
                f"has {known}."
            )
        if (rows[:, at] != np.round(rows[:, at])).any():
            raise ValueError(
                f"Channel {channel!r} of X is in categorical_features and holds values "
                "that are no integer codes: encode it, as with `OrdinalEncoder`."
            )
        return at
