"""The time index of the training rows: its kind, its step, and its gaps."""

import warnings
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset

from sktsdl._sklearn.warnings import warn
from sktsdl._windows.business_days import BusinessDays, usual

Position = Literal["training", "follows", "unknown"]


@dataclass(frozen=True, eq=False)
class TrainingIndex:
    """Where the time index of the training rows starts and ends, and its step.

    Parameters
    ----------
    kind : tuple
        Two indexes can be compared if their kinds are equal.
    first, last : Timestamp, Timedelta, Period or number
        The ends of the index.
    tz : tzinfo or None
        The time zone.
    offset : pandas offset or None
        The step of a DatetimeIndex, if it is set or can be inferred, and no business
        day.
    business : BusinessDays or None
        The days that have rows, if they are business days.
    limit : numpy scalar
        If both are None, a longer step is a gap.
    """

    kind: tuple[Hashable, ...]
    first: Any
    last: Any
    tz: tzinfo | None
    offset: BaseOffset | None
    business: BusinessDays | None
    limit: Any

    @classmethod
    def of(cls, index: pd.Index) -> Self:
        """Read a time index, as from `time_index`."""
        tz = getattr(index, "tz", None)
        offset = offset_of(index)
        if business := BusinessDays.of(index, offset):
            offset = None
        stamps = _stamps(index, tz, offset)
        steps = np.diff(stamps)
        if len(steps) == 0:
            steps = stamps - stamps
            if stamps.dtype.kind == "i":
                steps += getattr(index, "step", 1)
        # Longer than a month of 31 days or a weekend, shorter than a missing month or
        # week, and safe against rounding.
        limit = 1.5 * usual(steps)
        return cls(kind_of(index), index[0], index[-1], tz, offset, business, limit)

    def __getstate__(self) -> dict[str, object]:
        # skops stores names and numbers, but no stamps of pandas.
        return {name: _to_plain(value) for name, value in vars(self).items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = {name: _from_plain(value) for name, value in state.items()}
        if state["tz"] is not None:
            for name in ("first", "last"):
                state[name] = state[name].tz_localize("UTC").tz_convert(state["tz"])
        self.__dict__.update(state)

    def is_comparable(self, index: pd.Index) -> bool:
        """Say whether `index` is of this kind and says where in time it starts.

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
        return kind == self.kind and not (kind[0] == "number" and index[0] == 0)

    def position_of(self, index: pd.Index) -> tuple[Position, str]:
        """Return where `index` starts and, if its history is unknown, the reason."""
        first = index[0]
        if first == self.first:
            return "training", ""
        span = f"the training rows, {self.first} to {self.last}"
        if first < self.first:
            return "unknown", f"X starts at {first}, before {span}"
        if first <= self.last:
            return "unknown", f"X starts at {first}, inside {span}"
        pair = [self.last, first]
        if self.tz is not None:
            pair = [stamp.tz_convert(self.tz) for stamp in pair]
        if self._gaps(pd.Index(pair)).any():
            return "unknown", f"X starts at {first}, after a gap at the end of {span}"
        return "follows", ""

    def warn_of_gaps(self, index: pd.Index) -> None:
        """Warn once if a step inside `index` is longer than usual."""
        gaps = self._gaps(index)
        if gaps.any():
            i = int(gaps.argmax())
            warn(
                f"The step in X from {index[i]} to {index[i + 1]} is longer than "
                "usual: windows that reach over it take its two sides as neighbours; "
                "fill the missing rows, or fit on one side only."
            )

    def _gaps(self, index: pd.Index) -> np.ndarray:
        """Say for every time but the last whether the next one comes too late."""
        if self.business is not None:
            return self.business.gaps(index, self.tz)
        stamps = _stamps(index, self.tz, self.offset)
        if self.offset is None:
            return np.diff(stamps) > self.limit
        with warnings.catch_warnings():
            # Of offsets that pandas adds one by one, all of weeks or longer.
            warnings.simplefilter("ignore", pd.errors.PerformanceWarning)
            latest = pd.DatetimeIndex(stamps[:-1]) + self.offset
        if self.tz is not None and not _is_intraday(self.offset):
            # A day starts at one o'clock where its midnight falls to a DST change.
            latest += pd.Timedelta(hours=1)
        return np.asarray(pd.DatetimeIndex(stamps[1:]) > latest)


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


def plain_stamps(index: pd.Index) -> np.ndarray:
    """Return a time index as numbers, or as numpy's times in UTC."""
    return _stamps(index, getattr(index, "tz", None), None)


def index_of_stamps(stamps: np.ndarray, like: pd.Index) -> pd.Index:
    """Return the index of `plain_stamps`, of the kind of the time index `like`."""
    if isinstance(like, pd.PeriodIndex):
        periods = [pd.Period(ordinal=i, freq=like.freqstr) for i in stamps]
        return pd.PeriodIndex(periods, dtype=like.dtype, name=like.name)
    index = pd.Index(stamps, name=like.name)
    if isinstance(like, pd.DatetimeIndex) and like.tz is not None:
        index = pd.DatetimeIndex(index).tz_localize("UTC").tz_convert(like.tz)
    return index


def _to_plain(value: object) -> object:
    """Return a stamp, step or zone as its kind and numbers, if these say all of it.

    Stamps are in UTC.
    """
    match value:
        case pd.Timestamp() | pd.Timedelta():
            kind = type(value).__name__
            return kind, int(value.asm8.view("i8")), value.unit
        case pd.Period():
            return "Period", value.ordinal, value.freqstr
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
    """Return the value that `_to_plain` was given, stamps without their zone."""
    match value:
        case "Timestamp", count, unit:
            return pd.Timestamp(np.datetime64(count, unit))
        case "Timedelta", count, unit:
            return pd.Timedelta(np.timedelta64(count, unit))
        case "Period", ordinal, freq:
            return pd.Period(ordinal=ordinal, freq=freq)
        case "offset", name:
            return to_offset(name)
        case "BusinessDays", fields:
            return BusinessDays(**fields)
        case "zone", name:
            return pd.DatetimeIndex([], tz=name).tz
        case _:
            return value
