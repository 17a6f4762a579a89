"""AirPassengers, the next 12 months: two nets in pipelines beside classical regressors.

Prints the mean absolute error under TimeSeriesSplit, forecasts the year after the last
month known, and saves a picture of both as ``demo_forecast.png``.
"""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline

from sktsdl import (
    LSTMRegressor,
    PurgedRegressor,
    RatioLogScaler,
    RelativeTargetRegressor,
    SeasonalNaiveRegressor,
    SlidingWindow,
    WindowMLPRegressor,
    make_supervised,
)
from sktsdl.datasets import load_air_passengers

HORIZON = 12
SEASON = 12
PICTURE = "demo_forecast.png"


def relative(window: Any, regressor: Any) -> RelativeTargetRegressor:
    """Predict the next year as ratios to the last month; targets stay in training."""
    purged = PurgedRegressor(regressor, purge=HORIZON - 1)
    pipe = make_pipeline(RatioLogScaler(), window, purged)
    return RelativeTargetRegressor(pipe, column="passengers")


def dense(seed: int) -> WindowMLPRegressor:
    """Return the dense net; `air_passengers` says what chose its parameters."""
    return WindowMLPRegressor(
        hidden_sizes=(64,),
        activation="tanh",
        lr=3e-3,
        lr_schedule="cosine",
        window_norm=None,
        random_state=seed,
    )


def tuned(net: Any) -> GridSearchCV:
    """Choose window and epochs on the last two years of the training rows."""
    return GridSearchCV(
        relative(SlidingWindow(), net),
        {
            "regressor__slidingwindow__window": [SEASON + 1, 2 * SEASON + 1],
            "regressor__purgedregressor__regressor__max_epochs": [50, 100],
        },
        cv=TimeSeriesSplit(2, test_size=HORIZON),
        scoring="neg_mean_absolute_error",
        n_jobs=2,
    )


def models() -> dict[str, Any]:
    """Return the rivals; the nets are tuned on the training rows of each fold."""
    flat = SlidingWindow(SEASON + 1, flatten=True, pad="edge")
    boosting = HistGradientBoostingRegressor(random_state=0)
    lstm = LSTMRegressor(hidden_sizes=(32,), lr=1e-2, random_state=0)
    return {
        "SeasonalNaive": SeasonalNaiveRegressor(SEASON),
        "Ridge": relative(flat, RidgeCV(np.logspace(-3, 3, 13))),
        "HistGradientBoosting": relative(flat, MultiOutputRegressor(boosting)),
        "LSTM (tuned)": tuned(lstm),
        "WindowMLP (tuned)": tuned(dense(0)),
    }


def main() -> None:
    series = load_air_passengers()
    X, y, X_latest = make_supervised(series, target="passengers", horizon=HORIZON)
    folds = list(TimeSeriesSplit(3, test_size=HORIZON).split(X))

    print(f"AirPassengers, {HORIZON} months ahead, mean absolute error in thousands")
    print("of passengers over the months of each fold's forecasts:\n")
    starts = [f"{X.index[test[0]]:%Y-%m}" for _, test in folds]
    print(f"{'model':<22}{''.join(f'{s:>10}' for s in starts)}{'mean':>10}")
    backtest = None
    for name, model in models().items():
        errors = []
        for train, test in folds:
            fitted = clone(model).fit(X.iloc[train], y.iloc[train])
            predicted = fitted.predict(X.iloc[test])
            errors.append(mean_absolute_error(y.iloc[test], predicted))
            backtest = predicted[-1]
        row = "".join(f"{error:>10.1f}" for error in [*errors, np.mean(errors)])
        print(f"{name:<22}{row}", flush=True)

    search = model.fit(X, y)
    best = {name.split("__")[-1]: value for name, value in search.best_params_.items()}
    forecast = search.predict(X_latest)[-1]
    months = pd.date_range(series.index[-1], periods=HORIZON + 1, freq="MS")[1:]
    print(f"\nThe WindowMLP on all rows, {best}, forecasts for {months[0]:%Y}:")
    print(" ".join(f"{value:.0f}" for value in forecast))
    plot(series["passengers"], backtest, pd.Series(forecast, index=months))
    print(f"\nSee {PICTURE}.")


def plot(series: pd.Series, backtest: Any, forecast: pd.Series) -> None:
    """Draw the last years, last year's forecast beside the truth, and the next year."""
    figure, ax = plt.subplots(figsize=(9, 4.5), layout="constrained")
    recent = series["1956":]
    last_year = series.index[-HORIZON:]
    ax.plot(recent.index, recent, color="black", label="passengers")
    ax.plot(
        last_year,
        backtest,
        color="tab:blue",
        linestyle="--",
        marker="o",
        markersize=3,
        label=f"WindowMLP, made in {last_year[0] - pd.DateOffset(months=1):%b %Y}",
    )
    ax.plot(
        forecast.index,
        forecast,
        color="tab:orange",
        marker="s",
        markersize=3,
        label=f"WindowMLP, made in {series.index[-1]:%b %Y}",
    )
    ax.set(xlabel="month", ylabel="passengers (thousands)")
    ax.set_title("International airline passengers, 12 months ahead")
    ax.legend(loc="upper left", frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURE, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
