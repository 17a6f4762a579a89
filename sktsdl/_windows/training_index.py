"""The time index of the training rows: its kind, its step, and its gaps."""

import warnings
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Self

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset

from sktsdl._sklearn.warnings import warn
from sktsdl._windows.business_days import BusinessDays, usual

Position = int | None  # the number of training rows before a row, if it is known


@dataclass(frozen=True, eq=False)
class TrainingIndex:
    """The time index of the training rows: its ends, its step, and its gaps.

    Parameters
    ----------
    kind : tuple
        Two indexes can be compared if their kinds are equal.
    times : pandas.Index
        The times of the training rows that are kept, the first and the last among them.
    numbers : ndarray of int
        Which training rows these are.
    tz : tzinfo or None
        The time zone.
    offset : pandas offset or None
        The step of a DatetimeIndex, if it is set or can be inferred, and no business
        day.
    business : BusinessDays or None
        The days that have rows, if they are business days.
    limit : numpy scalar
        If both are None, a longer step after the end is a gap.
    inner_limit : numpy scalar
        If both are None, a longer step between two rows is a gap.
    """

    kind: tuple[Hashable, ...]
    times: pd.Index
    numbers: np.ndarray
    tz: tzinfo | None
    offset: BaseOffset | None
    business: BusinessDays | None
    limit: Any
    inner_limit: Any

    @classmethod
    def of(cls, index: pd.Index, numbers: np.ndarray | None = None) -> Self:
        """Read a time index, as from `time_index`; `numbers` are the rows to keep."""
        tz = getattr(index, "tz", None)
        offset = offset_of(index)
        if business := BusinessDays.of(index, offset):
            offset = None
        kind, stamps = kind_of(index), _stamps(index, tz, offset)
        steps = np.diff(stamps)
        if len(steps) == 0:
            steps = stamps - stamps
            if stamps.dtype.kind in "iu":
                steps += getattr(index, "step", 1)
        # Longer than a month of 31 days or a weekend, shorter than a missing month or
        # week, and safe against rounding.
        limit = inner_limit = 1.5 * usual(steps)
        if kind == ("number",) and stamps.dtype.kind in "iu" and np.median(steps) == 1:
            inner_limit = 1.5  # they count rows, however many of these are left out
        if numbers is None:
            numbers = np.unique([0, len(index) - 1])
        times = index[numbers]
        return cls(kind, times, numbers, tz, offset, business, limit, inner_limit)

    @property
    def first(self) -> Any:
        """The time of the first training row."""
        return self.times[0]

    @property
    def last(self) -> Any:
        """The time of the last training row."""
        return self.times[-1]

    def __getstate__(self) -> dict[str, object]:
        # skops stores arrays, names and numbers, but nothing of pandas.
        state = {name: _to_plain(value) for name, value in vars(self).items()}
        return state | {"times": _stamps(self.times, self.tz, None)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = {name: _from_plain(value) for name, value in state.items()}
        times, kind = state["times"], state["kind"]
        if kind[0] == "period":
            first = pd.Period(ordinal=0, freq=kind[1])
            state["times"] = pd.PeriodIndex([first]).repeat(len(times)) + times
        else:
            state["times"] = pd.Index(times)
        if state["tz"] is not None:
            state["times"] = state["times"].tz_localize("UTC").tz_convert(state["tz"])
        self.__dict__.update(state)

    def has_kind_of(self, index: pd.Index) -> bool:
        """Say whether the steps of `index` can be compared with the training rows.

        Raises
        ------
        ValueError
            If only one of the two has a time zone.
        """
        kind = kind_of(index)
        if {kind, self.kind} == {("datetime", True), ("datetime", False)}:
            raise ValueError(
                f"The index of X is {'tz-aware' if kind[1] else 'naive'}, the index of "
                f"the training rows {'tz-aware' if self.kind[1] else 'naive'}: convert "
                "one of them with `tz_localize`."
            )
        return kind == self.kind

    def other_time(self, index: pd.Index) -> str:
        """Say that `index` holds times of another kind, "" if it does not.

        Rows that are numbered anew from 0 may be any rows.
        """
        kinds = kind_of(index), self.kind
        if kinds[0] == kinds[1] or (None,) in kinds:
            return ""
        if kinds[0] == ("number",) and np.array_equal(index, np.arange(len(index))):
            return ""
        new, seen = (
            f"periods of {kind[1]}" if kind[0] == "period" else f"{kind[0]}s"
            for kind in kinds
        )
        return f"The index of X holds {new}, the index of the training rows {seen}"

    def is_comparable(self, index: pd.Index) -> bool:
        """Say whether `index` says where in time it starts.

        Numbers from 0 do not, as they may count other rows, but for those that end
        right before the training rows.
        """
        if not self.has_kind_of(index):
            return False
        if self.kind != ("number",) or index[0] != 0:
            return True
        return bool(index[-1] < self.first and not self._is_gap(index[-1], self.first))

    def position_of(self, index: pd.Index) -> tuple[Position, str]:
        """Return where `index` starts and, if that is unknown, the reason.

        Between two training rows that are not kept, the position is too late.
        """
        first = index[0]
        span = f"the training rows, {self.first} to {self.last}"
        if first < self.first:
            return None, f"X starts at {first}, before {span}"
        if first > self.last:
            if self._is_gap(self.last, first):
                return None, f"X starts at {first}, after a gap at the end of {span}"
            return int(self.numbers[-1]) + 1, ""
        at = int(self.numbers_of(index[:1])[0])
        is_between = self.times[at] != first and np.diff(self.numbers)[at - 1] == 1
        if is_between and self._is_gap(self.times[at - 1], first):
            return None, f"X starts at {first}, after a gap inside {span}"
        return int(self.numbers[at]), ""

    def numbers_of(self, times: pd.Index) -> np.ndarray:
        """Return how many of the kept times are before each of `times`."""
        stamps = _stamps(self.times, self.tz, None)
        return np.searchsorted(stamps, _stamps(times, self.tz, None))

    def in_zone(self, times: pd.Index) -> pd.Index:
        """Return `times` in the time zone of training."""
        if isinstance(times, pd.DatetimeIndex) and self.tz is not None:
            return times.tz_convert(self.tz)
        return times

    def n_until_last(self, times: pd.Index) -> int:
        """Return how many of `times` are not after the last training row."""
        last, stamps = (_stamps(i, self.tz, None) for i in (self.times[-1:], times))
        return int(np.searchsorted(stamps, last[0], side="right"))

    def longest_part(self, times: pd.Index) -> pd.Index:
        """Return the longest part of `times` without a gap."""
        parts = np.r_[0, self.are_gaps(times[:-1], times[1:], self.limit).cumsum()]
        return times[parts == np.bincount(parts).argmax()]

    def warn_of_gaps(self, index: pd.Index) -> None:
        """Warn once if a step inside `index` is longer than usual."""
        if isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1:
            return  # numbered anew
        gaps = self.are_gaps(index[:-1], index[1:], self.inner_limit)
        if gaps.any():
            i = int(gaps.argmax())
            warn(
                f"The step in X from {index[i]} to {index[i + 1]} is longer than "
                "usual: windows that reach over it take its two sides as neighbours; "
                "fill the missing rows, or fit on one side only."
            )

    def _is_gap(self, before: Any, after: Any) -> bool:
        return bool(self.are_gaps(pd.Index([before]), pd.Index([after]), self.limit)[0])

    def are_gaps(self, before: pd.Index, after: pd.Index, limit: Any) -> np.ndarray:
        """Say for each time in `before` whether that in `after` comes too late.

        `limit` is `limit` or `inner_limit`.
        """
        if self.business is not None:
            return self.business.are_gaps(before, after, self.tz)
        stamps, next_stamps = (
            _stamps(index, self.tz, self.offset) for index in (before, after)
        )
        if self.offset is None:
            gaps: np.ndarray = next_stamps - stamps > limit
            return gaps
        with warnings.catch_warnings():
            # Of offsets that pandas adds one by one, all of weeks or longer.
            warnings.simplefilter("ignore", pd.errors.PerformanceWarning)
            latest = pd.DatetimeIndex(stamps) + self.offset
        if self.tz is not None and not _is_intraday(self.offset):
            # A day starts at one o'clock where its midnight falls to a DST change.
            latest += pd.Timedelta(hours=1)
        return np.asarray(pd.DatetimeIndex(next_stamps) > latest)


def kind_of(index: pd.Index) -> tuple[Hashable, ...]:
    """Return the kind of a time index; (None,) if it says only which row is which."""
    if isinstance(index, pd.DatetimeIndex):
        return ("datetime", index.tz is not None)
    if isinstance(index, pd.TimedeltaIndex):
        return ("timedelta",)
    if isinstance(index, pd.PeriodIndex):
        return ("period", index.freqstr)
    if pd.api.types.is_any_real_numeric_dtype(index.dtype):
        return ("number",)
    return (None,)


def offset_of(index: pd.Index) -> BaseOffset | None:
    """Return the step of a DatetimeIndex, if it is set or can be inferred."""
    if not isinstance(index, pd.DatetimeIndex):
        return None
    if index.freq is not None or len(index) < 3:
        return index.freq
    with warnings.catch_warnings():
        # pandas 3.1 announces another return type, which `to_offset` takes as well.
        warnings.simplefilter("ignore")
        return to_offset(pd.infer_freq(index))


def _is_intraday(offset: BaseOffset | None) -> bool:
    is_tick = isinstance(offset, pd.offsets.Tick)
    return is_tick and not isinstance(offset, pd.offsets.Day)


def _stamps(
    index: pd.Index, tz: tzinfo | None, offset: BaseOffset | None
) -> np.ndarray:
    """Return `index` as numbers whose differences are its steps."""
    if isinstance(index, pd.PeriodIndex):
        return index.asi8
    if isinstance(index, pd.DatetimeIndex) and tz is not None:
        # Days and longer steps keep the local time across a DST change.
        is_local = offset is not None and not _is_intraday(offset)
        index = index.tz_convert(tz if is_local else "UTC").tz_localize(None)
    return index.to_numpy()


def _to_plain(value: object) -> object:
    """Return an offset, zone or calendar as names and arrays that say all of it."""
    match value:
        case BaseOffset():
            plain = "offset", value.freqstr
        case tzinfo():
            plain = "zone", str(value)
        case BusinessDays():
            return "BusinessDays", vars(value)
        case _:
            return value
    with suppress(ValueError, KeyError):
        if _from_plain(plain) == value:
            return plain
    return value


def _from_plain(value: Any) -> Any:
    """Return the value that `_to_plain` was given."""
    match value:
        case "offset", name:
            return to_offset(name)
        case "BusinessDays", fields:
            return BusinessDays(**fields)
        case "zone", name:
            return pd.DatetimeIndex([], tz=name).tz
        case _:
            return value
