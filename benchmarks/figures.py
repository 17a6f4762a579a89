"""Pictures of the stored results, which need no colour.

Forecasts beside the truth, errors by step, losses, coverage of intervals, and seconds
of fit against error. `_drawing.py` has what they share.

    python benchmarks/figures.py
"""

import json
from typing import Any

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    LogLocator,
    MultipleLocator,
    NullFormatter,
    PercentFormatter,
)

from _drawing import (  # isort: skip
    NAIVE,
    front,
    grid,
    is_net,
    label,
    median,
    net_of,
    runs_of,
    save,
    short,
    tidy,
)
from _study import RESULTS  # isort: skip

KNOWN: dict[str, Any] = {"color": "0.65", "label": "known"}
TRUTH: dict[str, Any] = {"color": "0.45", "linewidth": 1.0, "label": "truth"}
FORECAST: dict[str, Any] = {"color": "black", "linewidth": 1.4, "linestyle": "--"}
HOLLOW: dict[str, Any] = {"markerfacecolor": "white", "color": "0.35"}
LINES: dict[str, dict[str, Any]] = {
    "seasonal naive": {"color": "0.35", "linestyle": ":"},
    "the same day a week before": {"color": "0.35", "linestyle": ":"},
    "SARIMA": HOLLOW | {"marker": "^"},
    "ridge": HOLLOW | {"marker": "s"},
    "ridge, demand": HOLLOW | {"marker": "D"},
    "ridge of asinh": HOLLOW | {"marker": "D"},
    "random forest": HOLLOW | {"marker": "x"},
    "boosting": HOLLOW | {"marker": "v"},
}
NET: dict[str, Any] = {"color": "black", "linewidth": 2.0, "marker": "o"}
OTHER: dict[str, Any] = HOLLOW | {"marker": "s"}  # without a net
METHODS: dict[str, dict[str, Any]] = {
    "ridge, conformal": HOLLOW | {"marker": "s"},
    "ridge, conformal, updated": {"color": "0.35", "marker": "s"},
    "LSTM, conformal": HOLLOW | {"marker": "o"},
    "LSTM, conformal, updated": {"color": "black", "marker": "o"},
    "LSTM, quantiles": {"color": "0.35", "marker": "^", "linestyle": "--"},
    "LSTM, Monte Carlo dropout": {"color": "0.35", "marker": "x", "linestyle": ":"},
}


def forecasts() -> None:
    """Draw one stretch of the test rows of each series."""
    panels = [
        ("ridership-final", "D", "Chicago rail, each day from the day before"),
        ("air_passengers", "MS", "AirPassengers, 12 months at once"),
        ("taylor", "30min", "England and Wales, a day at once"),
        ("vic_elec", "30min", "Victoria, a day at once"),
        ("etth1", "h", "ETTh1, oil temperature, 96 hours at once"),
    ]
    units = ["riders (thousands)", "passengers (thousands)", "GW", "GW", "deviations"]
    scale = [1e-3, 1, 1e-3, 1e-3, 1]
    figure, axes = grid(3, 2, 10, 9)
    for ax, panel, unit, by in zip(axes.flat, panels, units, scale, strict=False):
        study, freq, title = panel
        name = net_of(study)
        run = runs_of(study)[name]["0"]
        before = by * np.array(run.get("before", run.get("window", ()))[-96:])
        truth, found = (by * np.array(run[key]) for key in ("truth", "forecast"))
        start = pd.Timestamp(run["start"] if "start" in run else run["times"][0])
        start = start.tz_localize(None)  # the clock of the place
        times = pd.date_range(start, periods=len(truth), freq=freq)
        if len(before):
            earlier = pd.date_range(end=start, periods=len(before) + 1, freq=freq)[:-1]
            ax.plot(earlier, before, **KNOWN)
        ax.plot(times, truth, **TRUTH)
        ax.plot(times, found, **FORECAST, label=short(name))
        locator = ax.xaxis.get_major_locator()
        dates = mdates.ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
        ax.xaxis.set_major_formatter(dates)
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + 0.15 * (high - low))
        ax.legend(frameon=False, fontsize=8, loc="upper center", ncols=3)
        tidy(ax, title, "", unit)
    axes.flat[-1].set_visible(False)
    save(figure, "forecasts.png")


def m4_forecasts() -> None:
    """Draw the forecasts of evenly spaced series of M4."""
    name = net_of("m4")
    run = runs_of("m4")[name]["0"]
    keys = ("series", "before", "truth", "forecast")
    figure, axes = grid(3, 3, 11, 8)
    for ax, parts in zip(axes.flat, zip(*map(run.get, keys), strict=True), strict=True):
        series, before, truth, found = parts
        hours = np.arange(1, len(truth) + 1)
        ax.plot(np.arange(1 - len(before), 1), before, **KNOWN)
        ax.plot(hours, truth, **TRUTH)
        ax.plot(hours, found, **FORECAST, label=short(name))
        ax.set_xticks(np.arange(-7, 3) * 24)
        ax.tick_params(labelsize=8)
        tidy(ax, series, "", "")
    handles, texts = ax.get_legend_handles_labels()
    figure.legend(
        handles, texts, loc="outside upper center", ncols=3, frameon=False, fontsize=9
    )
    figure.supxlabel("hours after the last known one")
    save(figure, "m4_forecasts.png")


def by_step() -> None:
    """Draw the error of each step of the horizon, or of each hour of the day."""
    panels = [
        ("ridership-14-final", "", "Chicago rail", "days ahead", "MAE, thousands"),
        ("air_passengers", "", "AirPassengers", "months ahead", "MAE, thousands"),
        ("taylor", "", "England and Wales", "half-hours ahead", "MAE, MW"),
        ("vic_elec", "", "Victoria", "half-hours ahead", "MAE, MW"),
        ("m4", "", "M4 hourly, 414 series", "hours ahead", "MASE"),
        ("prices", "NP, ", "Prices, Nord Pool", "hour of tomorrow", "MAE, EUR/MWh"),
        ("prices", "PJM, ", "Prices, PJM", "hour of tomorrow", "MAE, USD/MWh"),
        ("prices", "DE, ", "Prices, Germany", "hour of tomorrow", "MAE, EUR/MWh"),
    ]
    figure, axes = grid(4, 2, 10, 13)
    for ax, (study, prefix, title, x, y) in zip(axes.flat, panels, strict=True):
        runs = runs_of(study, prefix)
        by = 1e-3 if title == "Chicago rail" else 1.0
        net = net_of(study, prefix)
        for name in [*(name for name in runs if not is_net(name)), net]:
            seeds = [seed["by step"] for seed in runs[name].values()]
            errors = by * np.median(seeds, axis=0)
            style = NET if name == net else LINES[short(name)]
            ax.plot(
                np.arange(1, len(errors) + 1),
                errors,
                **{"linewidth": 1.0, "markersize": 5} | style,
                markevery=max(1, len(errors) // 12),
                label=short(name),
            )
        tidy(ax, title, x, y)
        ax.set_ylim(bottom=0)
        ax.legend(frameon=False, fontsize=8, ncols=2, loc="lower right")
    save(figure, "error_by_step.png")


def losses() -> None:
    """Draw the losses of the ridership nets of seed 0."""
    runs = runs_of("ridership")
    names = [name for name in runs if runs[name]["0"].get("validation loss")]
    figure, axes = grid(2, -(-len(names) // 2), 10, 5.5)
    for ax, name in zip(axes.flat, names, strict=False):
        run = runs[name]["0"]
        for key, color in (("loss", "0.65"), ("validation loss", "black")):
            values = 1e-3 * np.array(run[key])
            ax.plot(np.arange(1, len(values) + 1), values, color=color, label=key)
        best = int(np.argmin(run["validation loss"]))
        kept = 1e-3 * run["validation loss"][best]
        ax.plot(best + 1, kept, "o", color="black", label="weights kept")
        tidy(ax, name, "epoch", "")
        ax.set_ylim(0, 150)
    for ax in axes[:, 0]:
        ax.set_ylabel("MAE, riders (thousands)")
    axes.flat[0].legend(frameon=False, fontsize=8)
    for ax in list(axes.flat)[len(names) :]:
        ax.set_visible(False)
    save(figure, "loss_curves.png")


def coverage() -> None:
    """Draw the coverage of intervals against their nominal level."""
    stored = json.loads((RESULTS / "intervals.json").read_text())["intervals"]
    levels = [float(key.split()[1]) for key in stored[0] if key.startswith("coverage")]
    series = list(dict.fromkeys(row["series"] for row in stored))
    figure, axes = grid(2, 2, 10, 8)
    for ax, name in zip(axes.flat, series, strict=True):
        ax.plot(levels, levels, color="0.8", linewidth=4, label="nominal")
        for row in stored:
            if row["series"] == name:
                got = [row[f"coverage {level}"] for level in levels]
                style = METHODS[row["method"]]
                ax.plot(levels, got, linewidth=1, **style, label=row["method"])
        ax.set_xticks(levels)
        ax.yaxis.set_major_locator(MultipleLocator(0.05))
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=0))
        tidy(ax, name, "nominal level", "coverage")
    axes.flat[0].legend(frameon=False, fontsize=8, loc="lower right")
    save(figure, "coverage.png")


def time_and_error() -> None:
    """Draw seconds of fit against error, for all models of each table."""
    panels = [
        ("ridership-final", "", "MAE", "Chicago rail, next day"),
        ("ridership-14-final", "", "MAE", "Chicago rail, 14 days"),
        ("air_passengers", "", "MAE", "AirPassengers, 12 months"),
        ("taylor", "", "MAE", "England and Wales, a day"),
        ("vic_elec", "", "MAE", "Victoria, a day"),
        ("m4", "", "MASE", "M4 hourly, 48 hours"),
        ("etth1", "", "MSE", "ETTh1, 96 hours"),
        ("etth1-720", "", "MSE", "ETTh1, 720 hours"),
        ("tourism", "", "MASE", "Tourism, 24 months"),
        ("stallion", "", "MAE", "Stallion, 6 months"),
        ("prices", "NP, ", "MAE", "Prices, Nord Pool"),
        ("prices", "PJM, ", "MAE", "Prices, PJM"),
        ("prices", "DE, ", "MAE", "Prices, Germany"),
        ("classification", "day type, ", "log loss", "Chicago rail, type of day"),
        ("classification", "S&P 500, ", "log loss", "S&P 500, up or down"),
        ("classification", "Italy, ", "log loss", "Italy, season"),
        ("covid3month", "", "RMSE", "Covid3Month"),
    ]
    figure, axes = grid(6, 3, 12, 20)
    todo = []
    for ax, (study, prefix, error, title) in zip(axes.flat, panels, strict=False):
        runs = runs_of(study, prefix)
        points, naive = [], 0.0
        for name in runs:
            if short(name) in NAIVE:
                naive = median(runs, name, error)
                continue
            seconds = max(median(runs, name, "fit, s"), 1e-3)
            points.append((seconds, median(runs, name, error), name))
        best = front(points)
        across, up, _ = zip(*best, strict=True)
        ax.step(across, up, where="post", color="0.8", zorder=0)
        for seconds, value, name in points:
            ax.plot(seconds, value, **(NET if is_net(name) else OTHER), markersize=5)
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.margins(x=0.15, y=0.15)
        shown = f"{naive:,.0f}" if naive > 1000 else f"{naive:.3g}"
        tidy(ax, f"{title} (naive: {shown})", "seconds of fit", error)
        todo.append((ax, best, [point for point in points if point not in best]))
    unused = list(axes.flat)[len(panels) :]
    for ax in unused:
        ax.set_axis_off()
    styles = {
        "net": NET,
        "other model": OTHER,
        "no faster model is better": {"color": "0.8"},
    }
    handles = [
        Line2D([], [], label=text, **({"linestyle": "" if "marker" in s else "-"} | s))
        for text, s in styles.items()
    ]
    unused[0].legend(handles=handles, frameon=False, loc="center")
    figure.draw_without_rendering()  # the panels take their places
    for ax, best, rest in todo:
        label(ax, best, sorted(rest, key=lambda point: point[1]))
    save(figure, "time_and_error.png")


def main() -> None:
    forecasts()
    m4_forecasts()
    by_step()
    losses()
    coverage()
    time_and_error()


if __name__ == "__main__":
    main()
