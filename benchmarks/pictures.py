"""One picture of each display, as README and docs show them, in ``docs/images``.

AirPassengers for the forecast; Chicago rail ridership for the others, up to the end of
2018 (it needs the file that `fetch_cta_ridership` downloads).

    SKTSDL_DATA=... python benchmarks/pictures.py
"""

from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.pipeline import make_pipeline

from sktsdl import (
    ConformalRegressor,
    LSTMRegressor,
    PurgedRegressor,
    RatioLogScaler,
    RelativeTargetRegressor,
    SlidingWindow,
    TransformerRegressor,
    make_supervised,
)
from sktsdl.datasets import fetch_cta_ridership, load_air_passengers
from sktsdl.inspection import (
    AttentionDisplay,
    AttributionDisplay,
    ForecastDisplay,
    LossCurveDisplay,
    ResidualDisplay,
)

FOLDER = Path(__file__).parents[1] / "docs" / "images"
HORIZON = 12
RIDERS = "thousands of riders"


def save(display: Any, name: str) -> None:
    path = FOLDER / f"{name}.png"
    display.figure_.savefig(path, dpi=96, pil_kwargs={"optimize": True})
    print(f"{name}.png", flush=True)


def forecast() -> ForecastDisplay:
    """Forecast 1960 from the end of 1959, with an interval, by what was known then."""
    series = load_air_passengers()
    X, y, _ = make_supervised(series, target="passengers", horizon=HORIZON)
    net = LSTMRegressor(hidden_sizes=(32,), lr=1e-2, max_epochs=100, random_state=0)
    pipe = make_pipeline(
        RatioLogScaler(), SlidingWindow(13), PurgedRegressor(net, HORIZON - 1)
    )
    growth = RelativeTargetRegressor(pipe, column="passengers")
    is_known = X.index <= "1958-12"
    model = ConformalRegressor(growth).fit(X[is_known], y[is_known])
    return ForecastDisplay.from_estimator(
        model,
        X[~is_known],
        y[~is_known],
        history=series.loc["1957":"1959", "passengers"],
        name="passengers (thousands)",
    )


def ridership() -> tuple[pd.DataFrame, pd.Series]:
    """Return rail, bus and the next day's type, and the riders of the next day."""
    series = fetch_cta_ridership().loc["2016":"2018"]
    kinds = {"W": "weekday", "A": "Saturday", "U": "Sunday"}
    days = pd.get_dummies(series["day_type"].map(kinds), dtype=float)
    data = pd.concat([series[["rail", "bus"]] / 1000, days], axis=1)
    X, y, _ = make_supervised(data, target="rail", known_future=list(days))
    return X.drop(columns=list(days)), y


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    save(forecast(), "forecast")
    X, y = ridership()
    learnt = X.index < "2018-06-30"
    shared: dict[str, Any] = {
        "lr": 5e-3,
        "lr_schedule": "cosine",
        "early_stopping": True,
        "random_state": 0,
    }
    lstm = LSTMRegressor(max_epochs=60, n_iter_no_change=20, **shared)
    pipe = make_pipeline(SlidingWindow(28), lstm).fit(X[learnt], y[learnt])
    later, truth = X[~learnt], y[~learnt]
    save(LossCurveDisplay.from_estimator(pipe), "loss_curve")
    save(
        AttributionDisplay.from_estimator(pipe, later, row=8, name=RIDERS),
        "attributions",
    )
    name = f"rail, {RIDERS}"
    save(ResidualDisplay.from_estimator(pipe, later, truth, name=name), "residuals")
    transformer = TransformerRegressor(
        d_model=16, nhead=2, num_layers=1, max_epochs=30, **shared
    )
    pipe = make_pipeline(SlidingWindow(28), transformer).fit(X[learnt], y[learnt])
    save(AttentionDisplay.from_estimator(pipe, later, row=8), "attention")


if __name__ == "__main__":
    main()
