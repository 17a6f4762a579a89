"""What all pictures of stored results share: names, medians, lines and labels."""

import json
from collections.abc import Sequence
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from _study import RESULTS  # isort: skip

DPI = 90
NAIVE = (
    "seasonal naive",
    "the day before",
    "the same day a week before",
    "training mean",
    "shares of the classes",
)
OTHERS = (
    *NAIVE,
    "SARIMA",
    "ridge",
    "MiniRocket",
    "logistic regression",
    "random forest",
    "boosting",
    "five seeds of gradient boosting",
    "last value",
    "mean of 6 months",
)
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
    "WindowMLP, a row for each hour": "a row for each hour",
    "the same, columns ahead in each step": "columns in each step",
}
# The rows and the figure that choose the net that is drawn; they are not scored rows.
CHOSEN_ON = {
    "ridership-final": ("ridership", "MAE"),
    "ridership-14-final": ("ridership-14", "MAE"),
    "etth1": ("etth1", "validation MSE"),
}
Runs = dict[str, dict[str, Any]]
Point = tuple[float, float, str]  # seconds, error, name


def short(name: str) -> str:
    """Return a name that fits into a picture."""
    return LONG.get(name, name.removesuffix(", tuned"))


def is_net(name: str) -> bool:
    """Say whether a row of a table is a net of the package."""
    return not short(name).startswith(OTHERS)


def runs_of(study: str, prefix: str = "") -> Runs:
    """Return the stored figures of a table, or of its rows of one prefix."""
    path = RESULTS / f"{study}.json"
    stored: Runs = json.loads(path.read_text())["runs"] if path.exists() else {}
    return {
        name.removeprefix(prefix): seeds
        for name, seeds in stored.items()
        if name.startswith(prefix)
    }


def median(runs: Runs, model: str, figure: str) -> float:
    return float(np.median([seed[figure] for seed in runs[model].values()]))


def net_of(study: str, prefix: str = "") -> str:
    """Return the first net of a table, or the best on rows that are not scored."""
    table, figure = CHOSEN_ON.get(study, (study, None))
    runs = runs_of(table, prefix)
    nets = [name for name in runs if is_net(name)]
    if figure is None:
        return nets[0]
    return min(nets, key=lambda name: median(runs, name, figure))


def front(points: Sequence[Point]) -> list[Point]:
    """Return the models that no faster one is better than, from fast to slow."""
    best: list[Point] = []
    for point in sorted(points):
        if not best or point[1] < best[-1][1]:
            best.append(point)
    return best


def tidy(ax: Axes, title: str, x: str, y: str) -> None:
    ax.set_title(title, fontsize=11)
    ax.set(xlabel=x, ylabel=y)
    ax.spines[["top", "right"]].set_visible(False)


def label(ax: Axes, needed: Sequence[Point], rest: Sequence[Point]) -> None:
    """Write names beside points: the needed ones, and others where there is room."""
    places = [(0, 7), (0, -7), (7, 0), (-7, 0), *product((6, -6), (6, -6))]
    places += [(0, 15), (0, -15), *product((9, -9), (14, -14))]
    sides = {1: "left", 0: "center", -1: "right"}
    inside = ax.get_window_extent()
    taken = [
        Bbox.from_bounds(x - 4, y - 4, 8, 8)
        for x, y in ax.transData.transform([point[:2] for point in (*needed, *rest)])
    ]
    for point in (*needed, *rest):
        for dx, dy in places:
            text = ax.annotate(
                short(point[2]),
                point[:2],
                xytext=(dx, dy),
                textcoords="offset points",
                ha=sides[int(np.sign(dx))],
                va="center",
                fontsize=7.5,
                fontweight="bold" if point in needed else "normal",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
                in_layout=False,
                zorder=1,
            )
            box = text.get_window_extent().padded(1)
            fits = inside.x0 <= box.x0 and box.x1 <= inside.x1
            fits &= inside.y0 <= box.y0 and box.y1 <= inside.y1
            if fits and not any(map(box.overlaps, taken)):
                taken.append(box)
                break
            text.remove()
        else:
            if point in needed:
                raise ValueError(f"There is no room for the name {point[2]!r}.")


def grid(n_rows: int, n_columns: int, width: float, height: float) -> Any:
    """Return a figure and its panels."""
    return plt.subplots(
        n_rows, n_columns, figsize=(width, height), dpi=DPI, layout="constrained"
    )


def save(figure: Figure, name: str) -> None:
    figure.savefig(RESULTS / name)
    plt.close(figure)
    print(f"wrote {RESULTS / name}")
