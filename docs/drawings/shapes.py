"""Boxes, arrows and rows of steps, from which the drawings of nets are made."""

from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import PurePath
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Bbox

UNIT = 0.5  # inches
FONT = 11
WHITE, LIGHT, MIDDLE = "1.0", "0.93", "0.82"

Point = tuple[float, float]


class Shape(NamedTuple):
    """A box or circle by its centre and size, with the points where arrows end."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> Point:
        return self.x - self.width / 2, self.y

    @property
    def right(self) -> Point:
        return self.x + self.width / 2, self.y

    @property
    def top(self) -> Point:
        return self.x, self.y + self.height / 2

    @property
    def bottom(self) -> Point:
        return self.x, self.y - self.height / 2

    @property
    def extent(self) -> Bbox:
        return Bbox.from_extents(
            self.left[0], self.bottom[1], self.right[0], self.top[1]
        )


class Drawing:
    """A picture of `width` by `height` units; all coordinates are in these units."""

    def __init__(self, width: float, height: float) -> None:
        self.figure = Figure(figsize=(width * UNIT, height * UNIT), facecolor="white")
        self.axes = self.figure.add_axes((0, 0, 1, 1), xlim=(0, width))
        self.axes.set(ylim=(0, height), aspect="equal")
        self.axes.axis("off")
        self.labels: list[tuple[Text, Shape | None]] = []
        self.shapes: list[Shape] = []
        self.lines: list[Sequence[Point]] = []

    def text(
        self, x: float, y: float, text: str, *, inside: Shape | None = None, **options
    ) -> None:
        """Write a label whose centre is (x, y)."""
        options = {"ha": "center", "va": "center", "size": FONT} | options
        self.labels.append((self.axes.text(x, y, text, **options), inside))

    def box(
        self,
        x: float,
        y: float,
        text: str = "",
        *,
        width: float = 2.0,
        height: float = 0.9,
        grey: str = LIGHT,
        is_frame: bool = False,
        style: str = "round,pad=0,rounding_size=0.12",
    ) -> Shape:
        """Draw a layer, whose centre is (x, y), or a frame around what is drawn."""
        shape = Shape(x, y, width, height)
        corner = x - width / 2, y - height / 2
        patch = FancyBboxPatch(corner, width, height, boxstyle=style, fc=grey, lw=1)
        self.axes.add_patch(patch).set_zorder(0 if is_frame else 2)
        if not is_frame:
            self.shapes.append(shape)
        if text:
            self.text(x, y, text, inside=shape)
        return shape

    def dot(
        self, x: float, y: float, text: str = "", *, size: float = 0.5, grey=WHITE
    ) -> Shape:
        """Draw a step or an operation, a circle whose centre is (x, y)."""
        patch = Circle((x, y), size / 2, fc=grey, ec="black", lw=1)
        self.axes.add_patch(patch).set_zorder(2)
        shape = Shape(x, y, size, size)
        self.shapes.append(shape)
        if text:
            self.text(x, y, text, inside=shape)
        return shape

    def row(self, xs: Sequence[float], y: float, *, size=0.32, grey=WHITE) -> list:
        """Draw a row of steps."""
        return [self.dot(x, y, size=size, grey=grey) for x in xs]

    def arrow(self, *points: Point, head: bool = True, **options) -> None:
        """Draw a line through the points, with an arrow head at the last one."""
        options = {"color": "black", "lw": 1.1} | options
        self.lines.append(points)
        xs, ys = zip(*points[:-1], strict=True)
        if len(points) > 2:
            self.axes.plot(xs, ys, solid_capstyle="butt", zorder=1, **options)
        style = "-|>,head_width=0.18,head_length=0.35" if head else "-"
        properties = {"arrowstyle": style, "shrinkA": 0, "shrinkB": 0} | options
        self.axes.annotate("", points[-1], points[-2], arrowprops=properties, zorder=1)

    def join(self, pairs: Sequence[tuple[Shape, Shape]], chosen: set[Shape]) -> None:
        """Join shapes by lines, from top to bottom; lines to `chosen` are thick."""
        kinds: list[list[Point]] = [[], []]
        for below, above in pairs:
            kinds[above in chosen] += [below.top, above.bottom, (np.nan, np.nan)]
        for points, width, grey in zip(kinds, (0.7, 1.8), ("0.65", "0"), strict=True):
            self.axes.plot(
                *np.reshape(points, (-1, 2)).T, color=grey, lw=width, zorder=1
            )

    def reach(
        self, levels: Sequence[Sequence[Shape]], dilations: Sequence[int], kernel: int
    ) -> None:
        """Join the steps of causal convolutions; what the last one sees is thick.

        Level 0 has the inputs. The kernel of level l + 1 reads `kernel` steps of level
        l, which are `dilations[l]` apart.
        """
        chosen = {levels[-1][-1]}
        for (below, above), step in reversed(
            list(zip(pairwise(levels), dilations, strict=True))
        ):
            pairs = [
                (below[at - i * step], shape)
                for at, shape in enumerate(above)
                for i in range(kernel)
                if at >= i * step
            ]
            self.join(pairs, chosen)
            chosen = {low for low, high in pairs if high in chosen}

    def check(self) -> None:
        """Raise a ValueError if a label overlaps anything, or leaves its shape."""
        renderer = FigureCanvasAgg(self.figure).get_renderer()
        to_units = self.axes.transData.inverted()
        (left, right), (low, high) = self.axes.get_xlim(), self.axes.get_ylim()
        whole = Bbox.from_extents(left, low, right, high)
        found = []
        for label, shape in self.labels:
            box = Bbox(to_units.transform(label.get_window_extent(renderer)))
            found.append((repr(label.get_text()), box))
            around = whole if shape is None else shape.extent
            if not (around.contains(*box.min) and around.contains(*box.max)):
                raise ValueError(f"{found[-1][0]} does not fit into its shape.")
            others = [s for s in self.shapes if s is not shape]
            if any(box.overlaps(other.extent) for other in others):
                raise ValueError(f"{found[-1][0]} overlaps a shape.")
            paths = map(Path, self.lines)
            if any(path.intersects_bbox(box, filled=False) for path in paths):
                raise ValueError(f"A line crosses {found[-1][0]}.")
        for (first, a), (second, b) in combinations(found, 2):
            if a.overlaps(b):
                raise ValueError(f"{first} and {second} overlap.")

    def save(self, file: PurePath) -> None:
        """Write a picture in SVG, which is the same for the same code."""
        self.check()
        with mpl.rc_context({"svg.hashsalt": "nets"}):
            self.figure.savefig(file, format="svg", metadata={"Date": None})
