"""The times of rows as numbers of steps, counted from the first training row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset

from sktsdl._windows.business_days import BusinessDays
from sktsdl._windows.panel import codes_of_series, panel_index, times_of
from sktsdl._windows.time_index import as_time_index, raise_at_missing
from sktsdl._windows.training_index import kind_of, offset_of

HOUR = 3_600_000_000_000  # ns
DAY = 24 * HOUR
LEAST_MONTH = 28 * DAY
OFF_GRID = 1e-6  # of a step, for floats
MONTHS = {"Month": 1, "Quarter": 3, "Year": 12}
CHANNEL = "name a channel of whole numbers that counts the steps in `cycle_channel`"


@dataclass(frozen=True)
class TimeSteps:
    """How many steps a time is after the first training row.

    Parameters
    ----------
    kind : str
        What is counted: ``"instant"`` and ``"timedelta"`` nanoseconds, ``"clock"``
        nanoseconds of the local clock, ``"month"``, ``"business"`` days, ``"period"``
        or ``"number"``.
    origin, step : int or float
        The first training row, and the length of a step.
    zone : str or None
        The time zone of training; None for naive times and no dates.
    freq : str
        Of periods.
    weekmask : str
        1 for each day of the week that has rows, from Monday; of business days.
    holidays : tuple of str
        The holidays that are known; of business days.
    """

    kind: str
    origin: int | float
    step: int | float
    zone: str | None = None
    freq: str = ""
    weekmask: str = ""
    holidays: tuple[str, ...] = ()

    @classmethod
    def of(cls, index: pd.Index) -> TimeSteps | None:
        """Read the index of training rows, None if it holds no times.

        Raises
        ------
        ValueError
            If the steps between its times are not equal, but for gaps.
        """
        stamps, codes = _times(index)
        if kind_of(stamps)[0] is None:
            return None
        steps = cls._of_times(_times_of_longest(index))
        first = stamps[[codes.min()]]  # an index may hold times of no row
        steps = replace(steps, origin=steps._values(first)[0].item())
        steps.numbers(index)  # which may refuse them
        return steps

    @classmethod
    def _of_times(cls, times: pd.Index) -> TimeSteps:
        """Return how the times of one series are counted, from any origin."""
        kind = kind_of(times)[0]
        if isinstance(times, pd.PeriodIndex):
            found = cls("period", 0, 1, freq=times.freqstr)
            freq: Any = times.freq
            step = found._usual(times) if len(times) > 1 else freq.n
            return cls("period", 0, step, freq=times.freqstr)
        if not isinstance(times, pd.DatetimeIndex):
            freq = getattr(times, "freq", None)
            found = cls("number" if kind == "number" else "timedelta", 0, 1)
            step = getattr(times, "step", None) if freq is None else _ns(freq)
            return cls(found.kind, 0, step or found._usual(times))
        offset, zone = offset_of(times), None
        if times.tz is not None:
            zone = str(times.tz)
        if offset is None or isinstance(offset, pd.offsets.BusinessDay):
            business = BusinessDays.of(times, offset)
            if business is not None:
                return cls._of_business_days(business, times, zone)
        if offset is not None:
            kind, step = _counted(offset)
            return cls(kind, 0, step, zone)
        clock, instant = cls("clock", 0, 1, zone), cls("instant", 0, 1, zone)
        step = clock._usual(times)
        if step >= LEAST_MONTH:
            months = cls("month", 0, 1, zone)
            return cls("month", 0, months._usual(times), zone)
        if step % DAY == 0:
            return cls("clock", 0, step, zone)
        return cls("instant", 0, instant._usual(times), zone)

    @classmethod
    def _of_business_days(
        cls, business: BusinessDays, times: pd.DatetimeIndex, zone: str | None
    ) -> TimeSteps:
        holidays = tuple(np.datetime_as_string(business.holidays, unit="D").tolist())
        days = cls("business", 0, business.step, zone, "", business.weekmask, holidays)
        if (np.diff(days._values(times)) == 0).any():
            raise ValueError(
                "cycle counts equal steps, and the rows of X are several times of "
                f"business days, without nights and weekends: {CHANNEL}."
            )
        return days

    def numbers(self, index: pd.Index) -> np.ndarray:
        """Return the number of each time of `index`, 0 for the first training row.

        Raises
        ------
        ValueError
            If `index` holds other times than training, or times between two steps.
        """
        stamps, codes = _times(index)
        if self._kind_of(stamps) != self._kind:
            raise ValueError(
                f"The index of X holds {self._name_of(stamps)}, and cycle counts from "
                f"the {self._name} of the training rows: give X an index of the same "
                "kind."
            )
        since = self._values(stamps) - self.origin
        numbers = (since + self.step / 2) // self.step
        allowed = OFF_GRID * self.step
        if self.kind == "clock" and self.zone is not None:
            # A day starts at one o'clock where its midnight falls to a clock change.
            allowed = HOUR
        if since.dtype.kind in "iu":
            numbers = (since + self.step // 2) // self.step
        is_off = np.abs(since - numbers * self.step) > allowed
        if self.kind == "business":
            is_off |= ~np.is_busday(self._days(stamps), self.weekmask, self.holidays)
        if is_off[codes].any():
            row = int(is_off[codes].argmax())
            raise ValueError(
                f"The index of X has {index[row]} in row {row}, which is not a whole "
                f"number of steps of {self._unit} after the first training row: give "
                f"rows at equal steps, or {CHANNEL}."
            )
        return numbers[codes].astype(np.int64)

    def _usual(self, times: pd.Index) -> Any:
        """Return the usual step."""
        steps = np.diff(self._values(times))
        if len(steps) == 0:
            raise ValueError(
                f"The one time in X, {times[0]}, does not say how long a step is: give "
                "more rows, or an index with a `freq`."
            )
        return np.sort(steps)[len(steps) // 2].item()

    def _values(self, times: Any) -> np.ndarray:
        """Return times as numbers in the unit of `step`."""
        if self.kind == "number":
            is_whole = pd.api.types.is_integer_dtype(times.dtype)
            return times.to_numpy().astype(np.int64 if is_whole else np.float64)
        if self.kind == "period":
            return times.asi8
        if self.kind in ("instant", "timedelta"):
            return times.as_unit("ns").asi8
        if self.kind == "business":
            return np.busday_count(
                "1970-01-01",
                self._days(times),
                weekmask=self.weekmask,
                holidays=self.holidays,
            )
        clock = self._clock(times)
        if self.kind == "month":
            return np.asarray(12 * clock.year + clock.month, dtype=np.int64)
        return clock.as_unit("ns").asi8

    def _clock(self, times: Any) -> Any:
        return (
            times
            if self.zone is None
            else times.tz_convert(self.zone).tz_localize(None)
        )

    def _days(self, times: Any) -> np.ndarray:
        days: np.ndarray = self._clock(times).to_numpy().astype("M8[D]")
        return days

    @property
    def _kind(self) -> str:
        if self.kind in ("instant", "clock", "month", "business"):
            return "naive" if self.zone is None else "tz-aware"
        return self.kind + self.freq

    def _kind_of(self, times: pd.Index) -> str:
        kind = kind_of(times)
        if kind[0] == "datetime":
            return "tz-aware" if kind[1] else "naive"
        return "".join(map(str, kind))

    @property
    def _name(self) -> str:
        return NAMES.get(self._kind, f"periods of {self.freq}")

    def _name_of(self, times: pd.Index) -> str:
        kind = self._kind_of(times)
        return NAMES.get(kind, f"periods of {getattr(times, 'freqstr', '')}")

    @property
    def _unit(self) -> str:
        if self.kind in ("instant", "clock", "timedelta"):
            return str(pd.Timedelta(self.step, "ns"))
        names = {"number": "", "business": " business days", "month": " months"}
        return f"{self.step}{names.get(self.kind, ' periods')}"


NAMES = {
    "naive": "dates without a time zone",
    "tz-aware": "dates with a time zone",
    "timedelta": "time differences",
    "number": "numbers",
    "None": "no times",
}


def _times(index: pd.Index) -> tuple[pd.Index, np.ndarray]:
    """Return all times in order, and the number of the time of each row."""
    if isinstance(index, pd.MultiIndex):
        panel_index(pd.DataFrame(index=index))  # which refuses missing labels
        return times_of(index, "X")
    times = as_time_index(index)
    if kind_of(times)[0] is None:
        return times, np.arange(len(times))
    raise_at_missing(times, "The index of X")
    if times.is_monotonic_increasing and times.is_unique:
        return times, np.arange(len(times))
    stamps = times.unique().sort_values()
    return stamps, stamps.get_indexer(times)


def _times_of_longest(index: pd.Index) -> pd.Index:
    """Return the times of the series with most rows, which tell how long a step is."""
    stamps, codes = _times(index)
    if not isinstance(index, pd.MultiIndex):
        return stamps
    series = codes_of_series(index)
    is_longest = series == np.bincount(series).argmax()
    return stamps[np.unique(codes[is_longest])]


def _ns(offset: Any) -> int:
    return pd.Timedelta(offset).as_unit("ns").value


def _counted(offset: BaseOffset) -> tuple[str, int]:
    """Return what is counted for an offset, and how many of it are a step.

    Raises
    ------
    ValueError
        If its steps cannot be counted.
    """
    if isinstance(offset, pd.offsets.Day):
        return "clock", offset.n * DAY
    if isinstance(offset, pd.offsets.Week):
        return "clock", 7 * offset.n * DAY
    if isinstance(offset, pd.offsets.Tick):
        return "instant", _ns(offset)
    name = type(offset).__name__.removeprefix("Business").removeprefix("B")
    for part, n_months in MONTHS.items():
        if name in (f"{part}Begin", f"{part}End"):
            return "month", n_months * offset.n
    raise ValueError(
        f"cycle counts equal steps, and {offset.freqstr!r}, the frequency of X, has "
        f"steps that it cannot count: {CHANNEL}."
    )
