"""Pictures of the stored results: forecasts, errors by step, losses, time and error.

python benchmarks/figures.py
"""

import json
from collections.abc import Iterable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from _study import RESULTS  # isort: skip

NETS = (
    "WindowMLP",
    "RNN",
    "LSTM",
    "GRU",
    "BiLSTM",
    "AttentionLSTM",
    "CNN",
    "CNNLSTM",
    "TCN",
    "WaveNet",
    "Transformer",
    "Seq2Seq",
    "linear",
)
SHIFTS = (0, 9, -9, 18, -18, 27, -27, 36, -36)  # of names beside points
LONG = {
    "linear (WindowMLP without layers)": "linear",
    "WindowMLP without layers": "linear",
    "SARIMA (0,1,1)(0,1,1,12) of logs": "SARIMA",
    "SARIMA (1,0,0)(0,1,1,7)": "SARIMA",
    "seasonal naive, a week before": "seasonal naive",
    "naive, 7 days before": "seasonal naive",
    "ridge of demand and last week's": "ridge, demand",
    "gradient boosting": "boosting",
    "WindowMLP (256, 128)": "WindowMLP",
    "WindowMLP (256,), tanh": "WindowMLP",
}
COLORS = {
    "seasonal naive": "0.6",
    "SARIMA": "tab:red",
    "ridge": "tab:orange",
    "ridge, demand": "tab:brown",
    "random forest": "tab:green",
    "boosting": "tab:purple",
}
NAIVE = ("seasonal naive", "the day before", "training mean")
Runs = dict[str, dict[str, Any]]


def short(name: str) -> str:
    """Return a name that fits into a picture."""
    return LONG.get(name, name.removesuffix(", tuned"))


def is_net(name: str) -> bool:
    """Say whether a row of a table is a net of the package."""
    return short(name) in NETS


def runs_of(study: str) -> Runs:
    """Return the stored figures of a table, model by seed."""
    path = RESULTS / f"{study}.json"
    stored: Runs = json.loads(path.read_text())["runs"] if path.exists() else {}
    return stored


def median(runs: Runs, model: str, figure: str) -> float:
    return float(np.median([seed[figure] for seed in runs[model].values()]))


def best_net(runs: Runs, figure: str, needs: str) -> str:
    """Return the net with the lowest median that stored what is needed."""
    nets = [name for name in runs if is_net(name) and needs in runs[name]["0"]]
    return min(nets, key=lambda name: median(runs, name, figure))


def tidy(ax: Axes, title: str, x: str, y: str) -> None:
    ax.set(title=title, xlabel=x, ylabel=y)
    ax.spines[["top", "right"]].set_visible(False)


def draw_forecast(
    ax: Axes, truth: Any, found: Any, name: str, before: Any = ()
) -> None:
    """Draw a forecast beside the truth, after what was known."""
    steps = np.arange(1, len(truth) + 1)
    if len(before):
        ax.plot(np.arange(1 - len(before), 1), before, color="0.6", label="known")
    ax.plot(steps, truth, color="black", label="truth")
    ax.plot(steps, found, color="tab:blue", linestyle="--", label=short(name))
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.15 * (high - low))
    ax.legend(frameon=False, fontsize=8, loc="upper center", ncols=3)


def forecasts() -> None:
    """Draw one stretch of the test rows of each series."""
    panels = [
        ("ridership-final", "MAE", "Chicago rail, each day from the day before", "day"),
        ("air_passengers", "MAE", "AirPassengers, 12 months at once", "month"),
        ("taylor", "MAE", "England and Wales, a day at once", "half-hour"),
        ("vic_elec", "MAE", "Victoria, a day at once", "half-hour"),
        ("etth1", "MSE", "ETTh1, oil temperature, 96 hours at once", "hour"),
    ]
    units = ["riders (thousands)", "passengers (thousands)", "GW", "GW", "deviations"]
    scale = [1e-3, 1, 1e-3, 1e-3, 1]
    figure, axes = plt.subplots(3, 2, figsize=(10, 9), layout="constrained")
    for ax, panel, unit, by in zip(axes.flat, panels, units, scale, strict=False):
        study, error, title, step = panel
        runs = runs_of(study)
        name = best_net(runs, error, "forecast")
        run = runs[name]["0"]
        before = run.get("before", run.get("window", ()))[-96:]
        truth, found = (by * np.array(run[key]) for key in ("truth", "forecast"))
        draw_forecast(ax, truth, found, name, by * np.array(before))
        tidy(ax, title, f"{step} of the test rows", unit)
    axes.flat[-1].set_visible(False)
    save(figure, "forecasts.png")


def by_step() -> None:
    """Draw the error of each step of the horizon."""
    panels = [
        ("ridership-14-final", "Chicago rail", "days ahead", "MAE, riders (thousands)"),
        ("air_passengers", "AirPassengers", "months ahead", "MAE (thousands)"),
        ("taylor", "England and Wales", "half-hours ahead", "MAE, MW"),
        ("vic_elec", "Victoria", "half-hours ahead", "MAE, MW"),
    ]
    figure, axes = plt.subplots(2, 2, figsize=(10, 7), layout="constrained")
    for ax, (study, title, x, y) in zip(axes.flat, panels, strict=True):
        runs = runs_of(study)
        by = 1e-3 if "thousands" in y and "rail" in title else 1.0
        shown = [name for name in runs if not is_net(name)]
        for name in [*shown, best_net(runs, "MAE", "by step")]:
            seeds = [seed["by step"] for seed in runs[name].values()]
            errors = by * np.median(seeds, axis=0)
            color = "tab:blue" if is_net(name) else COLORS[short(name)]
            width = 2.0 if is_net(name) else 1.0
            steps = np.arange(1, len(errors) + 1)
            ax.plot(steps, errors, color=color, linewidth=width, label=short(name))
        tidy(ax, title, x, y)
        ax.set_ylim(bottom=0)
        ax.legend(frameon=False, fontsize=8)
    save(figure, "error_by_step.png")


def losses() -> None:
    """Draw the losses of the ridership nets of seed 0."""
    runs = runs_of("ridership")
    names = [name for name in runs if runs[name]["0"].get("validation loss")]
    figure, axes = plt.subplots(
        2, -(-len(names) // 2), figsize=(10, 5.5), layout="constrained", sharey=True
    )
    for ax, name in zip(axes.flat, names, strict=False):
        run = runs[name]["0"]
        for key, color in (("loss", "0.6"), ("validation loss", "tab:blue")):
            values = 1e-3 * np.array(run[key])
            ax.plot(np.arange(1, len(values) + 1), values, color=color, label=key)
        best = int(np.argmin(run["validation loss"]))
        kept = 1e-3 * run["validation loss"][best]
        ax.plot(best + 1, kept, "o", color="tab:blue", label="weights kept")
        tidy(ax, name, "epoch", "")
        ax.set_ylim(0, 150)
    for ax in axes[:, 0]:
        ax.set_ylabel("MAE, riders (thousands)")
    axes.flat[0].legend(frameon=False, fontsize=8)
    for ax in list(axes.flat)[len(names) :]:
        ax.set_visible(False)
    save(figure, "loss_curves.png")


def time_and_error() -> None:
    """Draw seconds of fit against error, for all models of each table."""
    panels = [
        ("ridership", "MAE", "Chicago rail, development rows", "MAE, riders"),
        ("etth1", "MSE", "ETTh1, 96 hours", "MSE"),
        ("air_passengers", "MAE", "AirPassengers", "MAE (thousands)"),
        ("taylor", "MAE", "England and Wales", "MAE, MW"),
        ("vic_elec", "MAE", "Victoria", "MAE, MW"),
        ("covid3month", "RMSE", "Covid3Month", "RMSE"),
    ]
    figure, axes = plt.subplots(3, 2, figsize=(11, 12), layout="constrained")
    for ax, (study, error, title, y) in zip(axes.flat, panels, strict=True):
        runs = runs_of(study)
        points, naive = [], 0.0
        for name in runs:
            if short(name) in NAIVE:
                naive = median(runs, name, error)
                continue
            seconds = max(median(runs, name, "fit, s"), 1e-3)
            points.append((seconds, median(runs, name, error), name))
        for seconds, value, name in points:
            color = "tab:blue" if is_net(name) else "tab:orange"
            marker = "o" if is_net(name) else "s"
            ax.plot(seconds, value, marker, color=color, markersize=5)
        ax.set_xscale("log")
        ax.margins(x=0.18, y=0.08)
        label(ax, points)
        shown = f"{naive:,.0f}" if naive > 1000 else f"{naive:.3g}"
        tidy(ax, f"{title} (naive: {shown})", "seconds of fit", y)
    handles = [
        Line2D([], [], marker=m, color=c, linestyle="", label=text)
        for m, c, text in (("o", "tab:blue", "nets"), ("s", "tab:orange", "others"))
    ]
    axes.flat[0].legend(handles=handles, frameon=False)
    save(figure, "time_and_error.png")


def label(ax: Axes, points: Iterable[tuple[float, float, str]]) -> None:
    """Write names beside points, moved apart where they would overlap."""
    ax.figure.canvas.draw()
    taken: list[Any] = []
    for seconds, value, name in sorted(points, key=lambda point: point[1]):
        for shift in SHIFTS:
            text = ax.annotate(
                short(name),
                (seconds, value),
                xytext=(6, shift - 3),
                textcoords="offset points",
                fontsize=7.5,
            )
            box = text.get_window_extent()
            if shift == SHIFTS[-1] or not any(map(box.overlaps, taken)):
                taken.append(box)
                break
            text.remove()


def save(figure: Any, name: str) -> None:
    figure.savefig(RESULTS / name, dpi=90)
    plt.close(figure)
    print(f"wrote {RESULTS / name}")


def main() -> None:
    forecasts()
    by_step()
    losses()
    time_and_error()


if __name__ == "__main__":
    main()
