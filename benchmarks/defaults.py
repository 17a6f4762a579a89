"""Which `window_norm` and `loss_scale` nets of many series have by default.

Every option is tried with four nets and two losses on three panels, and scored on the
last rows of training of each series. No test row of a panel is read. The files lie in
the folder SKTSDL_DATA: those of `fetch_tourism` and `fetch_m4`, and, as
stallion/stallion.csv.gz, the beer demand of sktime's pytorch-forecasting
(examples/data/stallion.parquet, as csv).

    python benchmarks/defaults.py [--row "standard, window"] [--quick]
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

import sktsdl
from sktsdl import SeasonalNaiveRegressor, SlidingWindow, make_supervised
from sktsdl.datasets import fetch_m4, fetch_tourism
from sktsdl.metrics import mase

from _models import data_file, epochs  # isort: skip
from _panels import is_before_last  # isort: skip
from _study import Figures, Model, Study, main  # isort: skip

N_SEEDS = 2
LOSSES = ("squared_error", "absolute_error")
NETS: dict[str, dict[str, Any]] = {
    "LSTM": {},
    "WindowMLP": {},
    "TCN": {},
    "Transformer": {},
}


@dataclass(frozen=True)
class Panel:
    """The training rows of many series.

    Parameters
    ----------
    rows : DataFrame
        One column, with the levels of series and time.
    horizon, period, window, patch_size : int
        Of the forecasts, the season and the nets.
    max_windows : int
        How many windows train a net, drawn at random.
    """

    rows: pd.DataFrame
    horizon: int
    period: int
    window: int
    patch_size: int = 1
    max_windows: int = 8_000


def stallion() -> pd.DataFrame:
    """Return the monthly volumes of agencies and products, without the last six.

    Two of the 350 repeat themselves in each year of training, and have no MASE.
    """
    table = pd.read_csv(data_file("stallion/stallion.csv.gz"), parse_dates=["date"])
    table["series"] = table["agency"] + table["sku"]
    rows = table.set_index(["series", "date"])[["volume"]].sort_index()
    rows = rows.drop(["Agency_10SKU_21", "Agency_48SKU_28"], level="series")
    return rows[is_before_last(rows, 6)]


@cache
def panels() -> dict[str, Panel]:
    return {
        "tourism": Panel(fetch_tourism()[0], horizon=24, period=12, window=48),
        "M4": Panel(fetch_m4()[0], horizon=48, period=24, window=336, patch_size=24),
        "Stallion": Panel(stallion(), horizon=6, period=12, window=24),
    }


def score(panel: Panel, net: Any, seed: int) -> float:
    """Return the MASE of the last rows of each series, as a ratio to the naive one."""
    is_train = is_before_last(panel.rows, panel.horizon)
    train, ahead = panel.rows[is_train], panel.rows[~is_train]
    name = train.columns[0]
    X, y, X_latest = make_supervised(train, target=name, horizon=panel.horizon)
    drawn = np.random.default_rng(seed).permutation(len(X)) < panel.max_windows
    model = make_pipeline(SlidingWindow(panel.window), net)
    step = model.steps[-1][0]
    model.fit(X, y, **{f"{step}__sample_weight": drawn.astype(float)})
    naive = SeasonalNaiveRegressor(panel.period).fit(X, y)
    now = ~is_before_last(X_latest, 1)
    of_rows = X_latest.index[now].droplevel(1)
    errors = []
    for each in (model, naive):
        found = pd.DataFrame(np.asarray(each.predict(X_latest))[now], of_rows)
        found = found.loc[ahead.index.unique(level=0)]
        forecast = pd.Series(found.to_numpy().ravel(), ahead.index)
        errors.append(
            mase(ahead[name], forecast, y_train=train[name], period=panel.period)
        )
    return errors[0] / errors[1]


def measure(
    window_norm: str | None, loss_scale: str, seed: int, quick: bool
) -> Figures:
    """Train all nets with both losses on all panels."""
    found: dict[str, list[float]] = {}
    for name, panel in panels().items():
        for kind, params in NETS.items():
            for loss in LOSSES:
                make: Callable[..., Any] = getattr(sktsdl, f"{kind}Regressor")
                net = make(
                    window_norm=window_norm,
                    loss_scale=loss_scale,
                    loss=loss,
                    patch_size=panel.patch_size,
                    max_epochs=epochs(quick, 10),
                    batch_size=128,
                    random_state=seed,
                    **params,
                )
                found.setdefault(name, []).append(score(panel, net, seed))
    every = np.concatenate(list(found.values()))
    return {
        "all": float(np.exp(np.log(every).mean())),
        "worst": float(every.max()),
        **{name: float(np.exp(np.log(f).mean())) for name, f in found.items()},
        "by net and loss": found,
    }


OPTIONS: list[tuple[str | None, str]] = [
    (None, "target"),
    ("last", "target"),
    ("standard", "target"),
    ("mean", "target"),
    ("standard", "window"),
    ("mean", "window"),
]
MODELS = {
    f"{norm}, {scale}": Model(partial(measure, norm, scale), N_SEEDS)
    for norm, scale in OPTIONS
}
STUDIES = [
    Study(
        "defaults",
        "defaults",
        "Many series: `window_norm` and `loss_scale`",
        "MASE as a ratio to the seasonal naive forecast, over the last 24 months "
        "(tourism, 366 series), 48 hours (M4 hourly, 414) and 6 months (Stallion, 348) "
        "of the training rows of each series; no test row is read. Geometric means "
        "over LSTM, WindowMLP, TCN and Transformer with squared and absolute error, "
        "all else by default but 10 epochs of at most 8,000 windows in batches of "
        "128, and patches of 24 hours for M4; the worst of the 24. Medians of 2 "
        "seeds.",
        MODELS,
        {
            "all": ".3f",
            "worst": ".2f",
            "tourism": ".3f",
            "M4": ".3f",
            "Stallion": ".3f",
        },
    )
]

if __name__ == "__main__":
    main(STUDIES)
