"""The history rule: what comes before a row, kept across training and test rows."""

import warnings
from contextlib import suppress
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset

Place = Literal["training", "follows", "unknown"]

N_RECOGNISED = 512
RTOL = 1e-5
WAY_OUT = (
    "so the rows before it are taken as unknown; give the training rows from their "
    "start, or the rows right after them, in one frame with a time index."
)


class History:
    """What a step that looks back remembers of its training rows.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        The training rows, oldest first.
    index : pandas.Index or None
        Their time index, from `time_index`.
    n_back : int
        How many rows the step looks back.
    mode : {"tail", None}
        None never gives history.

    Attributes
    ----------
    n_start : int
        Rows at the start of training that the step itself cannot answer for.
    """

    def __init__(
        self,
        rows: np.ndarray,
        index: pd.Index | None,
        n_back: int,
        mode: Literal["tail"] | None,
    ) -> None:
        known = np.isfinite(rows).all(axis=1)
        n_unknown = int(known.argmax()) if known.any() else len(rows)
        kept = max(N_RECOGNISED, n_unknown + n_back)
        self.n_rows = len(rows)
        self.n_back = n_back
        self.mode = mode
        self.n_start = n_unknown + n_back
        self.head = rows[:kept].copy()
        self.end = rows[-kept:].copy()
        self.n_distinct = _distinct_start(rows)
        self.clock = None
        if index is not None:
            self.clock = Clock.of(index)
            if n_back:
                self.clock.warn_of_gaps(index)

    @property
    def start(self) -> np.ndarray:
        """The first training rows, as many as the step cannot answer for."""
        return self.head[: self.n_start]

    @property
    def tail(self) -> np.ndarray:
        """The last training rows, as many as the step looks back."""
        return self.end[len(self.end) - min(self.n_back, len(self.end)) :]

    def locate(self, rows: np.ndarray, index: pd.Index | None) -> Place:
        """Say where `rows` stand in time; warn of lost history and of long steps."""
        if self.mode is None or self.n_back == 0:
            return "unknown"
        starts_unknown = np.isnan(rows[0]).any()  # and a step before has warned
        if self.clock and index is not None and self.clock.reads(index):
            place, why = self.clock.locate(index)
            if not starts_unknown:
                self.clock.warn_of_gaps(index)
        elif starts_unknown:
            return "unknown"
        else:
            place, why = self._locate_by_values(rows)
        if why and not starts_unknown:
            warnings.warn(f"{why}, {WAY_OUT}", UserWarning, stacklevel=4)
        return place

    def pad(self, rows: np.ndarray, place: Place) -> np.ndarray:
        """Return `rows` after `n_back` rows of history, NaN where it is unknown."""
        n_back, n_features = self.n_back, rows.shape[1]
        padded = np.full((n_back + len(rows), n_features), np.nan, dtype=rows.dtype)
        if place == "follows":
            padded[n_back - len(self.tail) : n_back] = self.tail
        padded[n_back:] = rows
        return padded

    def locate_answer(
        self, answer: np.ndarray, index: pd.Index | None, head_answer: np.ndarray
    ) -> Place:
        """Say which rows the step's own `answer` was given for, to invert it.

        Parameters
        ----------
        answer : ndarray of shape (n_rows, n_features)
            What the step answered, or what a model predicts of it.
        index : pandas.Index or None
            Its time index.
        head_answer : ndarray
            The step's answer for the first training rows.

        Raises
        ------
        ValueError
            If the level before the first row is not known.
        """
        if self.clock and index is not None and self.clock.reads(index):
            place, _ = self.clock.locate(index)
        elif np.isnan(answer[0]).any():
            n = min(len(answer), len(head_answer))
            scale = np.abs(np.nan_to_num(head_answer)).max(initial=0.0)
            same = np.isclose(
                answer[:n], head_answer[:n], RTOL, RTOL * scale, equal_nan=True
            ).all()
            # An answer that is all NaN looks the same anywhere.
            place = "training" if same and n > self.n_start else "unknown"
        else:
            place = "follows"
        is_short = len(self.tail) < self.n_back or np.isnan(answer[0]).any()
        if place == "unknown" or (place == "follows" and is_short):
            raise ValueError(
                "The level before the first row of X is not known, as X is neither "
                "the training rows from their start nor the rows right after them: "
                "give those rows, in a frame with a time index."
            )
        return place

    def _locate_by_values(self, rows: np.ndarray) -> tuple[Place, str]:
        n = self.n_distinct
        if len(rows) >= n and _close(rows[:n], self.head[:n], _spread(self.head)).all():
            return "training", ""
        n = min(len(rows), len(self.end))
        if (
            len(rows) <= self.n_rows
            and _close(rows[-n:], self.end[-n:], _spread(self.end)).all()
        ):
            count = "row" if len(rows) == 1 else f"{len(rows)} rows"
            return "unknown", f"X equals the last {count} of training"
        return "follows", ""


@dataclass(frozen=True)
class Clock:
    """Where a time index starts and ends, and which step follows.

    Parameters
    ----------
    kind : tuple
        What two indexes must share to be compared.
    first, last : Timestamp, Timedelta, Period or number
        The ends of the training index.
    tz : tzinfo or None
        The time zone.
    offset : pandas offset or None
        The step of a DatetimeIndex, where one is set or can be inferred.
    limit : numpy scalar
        A longer step is a gap, where there is no `offset`.
    """

    kind: tuple[Any, ...]
    first: Any
    last: Any
    tz: Any
    offset: BaseOffset | None
    limit: Any

    @classmethod
    def of(cls, index: pd.Index) -> "Clock":
        """Read the clock of a training index."""
        tz = getattr(index, "tz", None)
        offset = _offset(index) if isinstance(index, pd.DatetimeIndex) else None
        stamps = _stamps(index, tz, offset)
        steps = np.diff(stamps)
        if len(steps) == 0:
            steps = stamps - stamps
            if stamps.dtype.kind == "i":
                steps += getattr(index, "step", 1)
        # Between months and missing months, weekends and missing weeks; and above what
        # rounding does to stamps.
        common = np.sort(steps)[int(0.98 * (len(steps) - 1))]
        return cls(_kind(index), index[0], index[-1], tz, offset, 1.5 * common)

    def __getstate__(self) -> dict[str, Any]:
        # skops writes names and numbers, but no stamps of pandas.
        return {name: _written(value) for name, value in vars(self).items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = {name: _read(value) for name, value in state.items()}
        if state["tz"] is not None:
            for name in ("first", "last"):
                state[name] = state[name].tz_localize("UTC").tz_convert(state["tz"])
        self.__dict__.update(state)

    def reads(self, index: pd.Index) -> bool:
        """Say whether `index` is of the training index's kind and says where it is."""
        kind = _kind(index)
        if {kind, self.kind} == {("datetime", True), ("datetime", False)}:
            raise ValueError(
                f"The index of X is {'tz-aware' if kind[1] else 'naive'}, that of the "
                f"training rows {'tz-aware' if self.kind[1] else 'naive'}: convert one "
                "of them with `tz_localize`."
            )
        return kind == self.kind and not (kind[0] == "number" and index[0] == 0)

    def locate(self, index: pd.Index) -> tuple[Place, str]:
        """Say where `index` starts; if its history is unknown, say why."""
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
            warnings.warn(
                f"The step in X from {index[i]} to {index[i + 1]} is longer than "
                "usual: windows that reach over it take its two sides as neighbours; "
                "fill the missing rows, or fit on one side only.",
                UserWarning,
                stacklevel=5,
            )

    def _gaps(self, index: pd.Index) -> np.ndarray:
        """Say for every stamp but the last whether the next one comes too late."""
        stamps = _stamps(index, self.tz, self.offset)
        if self.offset is None:
            return np.diff(stamps) > self.limit
        latest = pd.DatetimeIndex(stamps[:-1]) + self.offset
        if self.tz is not None and not _is_intraday(self.offset):
            # A day starts at one o'clock where its midnight falls to a DST change.
            latest += pd.Timedelta(hours=1)
        return np.asarray(pd.DatetimeIndex(stamps[1:]) > latest)


def time_index(X: Any) -> pd.Index | None:
    """Return the time index of `X`, None where its rows are told by order alone.

    Parameters
    ----------
    X : object
        Only a DataFrame can have one: a DatetimeIndex, TimedeltaIndex, PeriodIndex,
        or increasing numbers.

    Raises
    ------
    ValueError
        For a MultiIndex, and for a time index that decreases or repeats itself.
    """
    if not isinstance(X, pd.DataFrame):
        return None
    index = X.index
    if isinstance(index, pd.MultiIndex):
        raise ValueError(
            "X has a MultiIndex, so its rows are more than one series: select one "
            "with `X.xs(...)`, or fit one estimator for each."
        )
    increasing = index.is_monotonic_increasing and index.is_unique
    if _kind(index)[0] == "number" and not isinstance(index, pd.RangeIndex):
        return index if increasing else None  # numbers out of order name rows
    if _kind(index)[0] is None:
        return None
    if len(index) and not increasing:
        stamps = pd.Series(index)
        at = int((~(stamps.shift() < stamps)).to_numpy()[1:].argmax()) + 1
        raise ValueError(
            f"The index of X does not increase at row {at} ({index[at]}): sort the "
            "rows by time (`X.sort_index()`) and keep one row for each time."
        )
    return index


def unknown_after_known(known: np.ndarray) -> np.ndarray:
    """Mark what is not `known` though an earlier step (axis -2) of its column is."""
    return np.logical_or.accumulate(known, axis=-2) & ~known


def fill_unknown(windows: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Fill NaN at the start of windows, from nothing that lies after a window.

    Parameters
    ----------
    windows : ndarray of shape (n, window, channels)
        NaN after a known value of the same channel is left as it is.
    mean : ndarray of shape (channels,)
        The training mean, for a channel of which a window knows nothing.

    Returns
    -------
    filled : ndarray of shape (n, window, channels)
        A copy; each channel starts with its first known value in the window.
    """
    known = ~np.isnan(windows)
    first = np.take_along_axis(windows, known.argmax(axis=1)[:, None, :], axis=1)
    first = np.where(np.isnan(first), mean.astype(windows.dtype), first)
    return np.where(known | unknown_after_known(known), windows, first)


def _close(a: np.ndarray, b: np.ndarray, spread: Any) -> np.ndarray:
    """Say where `a` and `b` differ by rounding only.

    That is 1e-5 of the column's `spread`, not of its values, as a high level would hide
    a small variation and a value near 0 a float32 copy; and what the coarser dtype
    cannot hold.
    """
    eps = max(np.finfo(a.dtype).eps, np.finfo(b.dtype).eps)
    same = np.abs(a - b) <= RTOL * spread + 4 * eps * np.abs(b)
    return same | (np.isnan(a) & np.isnan(b))


def _spread(rows: np.ndarray) -> np.ndarray:
    """The standard deviation of the known values of each column."""
    known = rows[np.isfinite(rows).all(axis=1)]
    largest = np.abs(known).max(axis=0, initial=0.0)
    unit = np.where(largest > 0, largest, 1.0)  # whose square is a number
    return (known / unit).std(axis=0) * unit if len(known) else unit * 0.0


def _distinct_start(rows: np.ndarray) -> int:
    """Length of the shortest start of `rows` that occurs in them only once."""
    limit = min(N_RECOGNISED, len(rows))
    spread = _spread(rows[:limit])
    starts = np.arange(1, len(rows))
    for n in range(limit):
        starts = starts[starts + n < len(rows)]
        starts = starts[_close(rows[starts + n], rows[n], spread).all(axis=1)]
        if len(starts) == 0:
            return n + 1
    return limit


def _kind(index: pd.Index) -> tuple[Any, ...]:
    if isinstance(index, pd.DatetimeIndex):
        return ("datetime", index.tz is not None)
    if isinstance(index, pd.TimedeltaIndex):
        return ("timedelta",)
    if isinstance(index, pd.PeriodIndex):
        return ("period", index.freqstr)
    if pd.api.types.is_any_real_numeric_dtype(index.dtype):
        return ("number",)
    return (None,)


def _offset(index: pd.DatetimeIndex) -> BaseOffset | None:
    if index.freq is not None or len(index) < 3:
        return index.freq
    with warnings.catch_warnings():
        # pandas 3.1 announces another return type, which `to_offset` takes as well.
        warnings.simplefilter("ignore")
        return to_offset(pd.infer_freq(index))


def _written(value: Any) -> Any:
    """Return a stamp, step or zone as its kind and numbers, where they say all of it.

    Stamps are in UTC.
    """
    match value:
        case pd.Timestamp() | pd.Timedelta():
            kind = type(value).__name__
            return kind, int(value.asm8.view("i8")), value.unit
        case pd.Period():
            return "Period", value.ordinal, value.freqstr
        case BaseOffset():
            written = "offset", value.freqstr
        case tzinfo():
            written = "zone", str(value)
        case _:
            return value
    with suppress(ValueError, KeyError):
        if _read(written) == value:
            return written
    return value


def _read(value: Any) -> Any:
    """Return what `_written` was given, stamps without their zone."""
    match value:
        case "Timestamp", count, unit:
            return pd.Timestamp(np.datetime64(count, unit))
        case "Timedelta", count, unit:
            return pd.Timedelta(np.timedelta64(count, unit))
        case "Period", ordinal, freq:
            return pd.Period(ordinal=ordinal, freq=freq)
        case "offset", name:
            return to_offset(name)
        case "zone", name:
            return pd.DatetimeIndex([], tz=name).tz
        case _:
            return value


def _is_intraday(offset: BaseOffset | None) -> bool:
    is_tick = isinstance(offset, pd.offsets.Tick)
    return is_tick and not isinstance(offset, pd.offsets.Day)


def _stamps(index: pd.Index, tz: Any, offset: BaseOffset | None) -> np.ndarray:
    """Return `index` as numbers whose differences are its steps."""
    if isinstance(index, pd.PeriodIndex):
        return index.asi8
    if isinstance(index, pd.DatetimeIndex) and tz is not None:
        # Days and longer steps follow the clock on the wall across a DST change.
        on_the_wall = offset is not None and not _is_intraday(offset)
        index = index.tz_convert(tz if on_the_wall else "UTC").tz_localize(None)
    return index.to_numpy()
