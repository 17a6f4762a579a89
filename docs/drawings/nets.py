"""Draw every net, for the pages in docs/nets: ``python docs/drawings/nets.py``."""

from itertools import pairwise, product
from pathlib import Path

import numpy as np
from shapes import LIGHT, MIDDLE, WHITE, Drawing

FOLDER = Path(__file__).parents[1] / "images" / "nets"
SMALL = 10


def window_mlp() -> Drawing:
    d = Drawing(10, 4.4)
    for y in (3.3, 2.9):
        d.row(np.arange(6) * 0.4 + 0.4, y)
    d.text(1.4, 3.85, "window $x$")
    d.row(np.arange(3) * 0.4 + 1.0, 1.5, grey=MIDDLE)
    d.text(1.4, 0.95, "known ahead", size=SMALL)
    joined = d.box(3.6, 2.4, "$h_0$", width=0.8, height=3.4, grey=WHITE)
    first = d.box(5.3, 2.4, "$h_1$", width=0.8, height=2.6)
    last = d.box(7.0, 2.4, "$h_L$", width=0.8, height=1.8)
    output = d.box(8.9, 2.4, r"$\hat y$", width=0.9, height=1.2, grey=MIDDLE)
    d.arrow((2.65, 3.1), (joined.left[0], 3.1))
    d.arrow((2.05, 1.5), (joined.left[0], 1.5))
    d.arrow(joined.right, first.left)
    d.arrow(first.right, last.left, ls=(0, (2, 2)))
    d.arrow(last.right, output.left)
    d.text(3.6, 0.35, "all values", size=SMALL)
    d.text(6.15, 0.35, r"dense layers, $\phi$", size=SMALL)
    d.text(8.9, 0.35, "linear", size=SMALL)
    return d


def nbeats() -> Drawing:
    d = Drawing(10, 5.4)
    xs = (2.2, 5.0, 7.8)
    window = d.box(0.7, 1.7, "$x_1$", width=0.8, grey=WHITE)
    plus = d.dot(xs[1], 4.6, "+")
    output = d.box(xs[2], 4.6, r"$\hat y$", width=1.2, grey=MIDDLE)
    blocks = [
        d.box(x, 2.9, f"{name}\nblock", width=1.6, height=1.1)
        for x, name in zip(xs, ("trend", "season", "generic"), strict=True)
    ]
    minus = [d.dot(x + 1.4, 1.7, "$-$") for x in xs[:-1]]
    for at, block in enumerate(blocks, 1):
        d.text(block.x - 0.4, 3.9, rf"$\hat y_{at}$")
        d.arrow((block.x, 1.7), block.bottom)
    d.arrow(blocks[0].top, (xs[0], 4.6), plus.left)
    d.arrow(blocks[1].top, plus.bottom)
    d.arrow(blocks[2].top, output.bottom)
    d.arrow(plus.right, output.left)
    d.arrow(window.right, minus[0].left)
    d.arrow(minus[0].right, minus[1].left)
    d.arrow(minus[1].right, (xs[2], 1.7), head=False)
    for at, (block, dot) in enumerate(zip(blocks, minus, strict=False), 1):
        d.arrow(block.right, (dot.x, 2.9), dot.top)
        d.text(dot.x - 0.2, 3.25, rf"$\hat x_{at}$")
        d.text(xs[at], 1.25, f"$x_{at + 1}$")
    d.text(5.0, 0.5, "below: what is left of the window", size=SMALL)
    d.text(5.0, 5.2, "the forecasts are summed", size=SMALL)
    return d


def nhits() -> Drawing:
    d = Drawing(10, 5.8)
    d.text(1.7, 5.3, "pooled window")
    d.text(8.2, 5.3, "knots and lines")
    t = np.arange(12)
    wave = 0.35 * np.sin(t * 0.9) + 0.1 * np.sin(t * 2.6)
    for y, pool, rate, grey in zip(
        (4.3, 2.8, 1.3), (4, 2, 1), (6, 3, 1), (LIGHT, LIGHT, LIGHT), strict=True
    ):
        pooled = wave.reshape(-1, pool).max(axis=1)
        at = 0.3 + (np.arange(len(pooled)) + 0.5) * pool * 0.24
        d.axes.bar(at, pooled + 0.55, pool * 0.2, bottom=y - 0.5, fc="0.75", ec="black")
        block = d.box(4.6, y, "dense", width=1.9, height=0.9, grey=grey)
        d.arrow((3.3, y), block.left)
        knots = np.linspace(0, 11, 12 // rate)
        values = np.interp(knots, t, -wave)
        lines = np.interp(t, knots, values)
        d.axes.plot(6.8 + t * 0.25, y + lines, color="black", lw=1.2)
        d.axes.plot(6.8 + knots * 0.25, y + values, "o", color="black", ms=5)
        d.arrow(block.right, (6.55, y))
    for high, low, name in (
        (4.3, 2.8, r"$x_1 - \hat x_1$"),
        (2.8, 1.3, r"$x_2 - \hat x_2$"),
    ):
        d.arrow((4.6, high - 0.45), (4.6, low + 0.45))
        d.text(4.8, (high + low) / 2, name, ha="left", size=SMALL)
    d.text(8.2, 0.35, r"$\hat y$ is the sum", size=SMALL)
    d.text(1.7, 0.35, "maxima of 4, 2, 1", size=SMALL)
    return d


def tide() -> Drawing:
    d = Drawing(10, 6.2)
    window = d.box(1.3, 4.2, "window\n$x$", width=1.6, height=1.1, grey=WHITE)
    known = d.box(1.3, 1.5, "known\n$k_s$", width=1.6, height=1.1, grey=WHITE)
    project = d.box(3.6, 1.5, "project\n$p_s$", width=1.5, height=1.1)
    encoder = d.box(3.6, 4.2, "encoder\n$e$", width=1.5, height=1.1)
    decoder = d.box(5.8, 4.2, "decoder\n$d_s$", width=1.5, height=1.1)
    temporal = d.box(5.8, 1.5, "step $s$", width=1.5, height=1.1)
    plus = d.dot(7.7, 2.85, "+")
    output = d.box(9.2, 2.85, r"$\hat y_s$", width=0.9, grey=MIDDLE)
    d.arrow(window.right, encoder.left)
    d.arrow(encoder.right, decoder.left)
    d.arrow(known.right, project.left)
    d.arrow(project.top, encoder.bottom)
    d.arrow(project.right, temporal.left)
    d.arrow(decoder.bottom, temporal.top)
    d.arrow(temporal.right, (7.7, 1.5), plus.bottom)
    d.arrow(window.top, (1.3, 5.5), (7.7, 5.5), plus.top)
    d.arrow(plus.right, output.left)
    d.text(4.5, 5.8, "linear map of the window", size=SMALL)
    d.text(2.3, 2.85, "all steps", size=SMALL, ha="left")
    d.text(6.05, 2.85, "each step", size=SMALL, ha="left")
    d.text(3.6, 0.5, "once for each step ahead", size=SMALL)
    return d


def grid(d, x, n_steps, *, fill=None):
    """Draw a window, channels below each other, whose middle is at height 2.4."""
    for step in range(n_steps):
        for channel in range(3):
            grey = MIDDLE if fill and fill(step, channel) else WHITE
            at = x + step * 0.4, 2.8 - channel * 0.4
            d.box(*at, width=0.4, height=0.4, grey=grey, style="square,pad=0")


def tsmixer() -> Drawing:
    d = Drawing(10, 4.4)
    grid(d, 0.4, 6, fill=lambda step, channel: channel == 1)
    grid(d, 4.0, 6, fill=lambda step, channel: step == 2)
    grid(d, 7.9, 4)
    plus = [d.dot(x, 2.4, "+") for x in (3.2, 6.8)]
    for x, dot in zip((1.4, 5.0), plus, strict=True):
        d.arrow((x + 1.2, 2.4), dot.left)
        d.arrow((x, 3.0), (x, 3.6), (dot.x, 3.6), dot.top)
        d.text(x + 0.9, 3.9, "shortcut", size=SMALL)
    d.arrow(plus[0].right, (3.8, 2.4))
    d.arrow(plus[1].right, (7.7, 2.4))
    names = ("mix time", "mix channels", r"project, $\hat y$")
    of_each = ("each channel", "each step", "each channel")
    for x, name, each in zip((1.4, 5.0, 8.5), names, of_each, strict=True):
        d.text(x, 1.4, name)
        d.text(x, 0.95, each, size=SMALL)
    d.arrow((6.8, 0.55), (0.4, 0.55))
    d.text(3.6, 0.25, "num_blocks times", size=SMALL)
    return d


def chain(d, xs, y, names, *, step_names, below=1.5, width=1.2, grey=LIGHT):
    """Draw a recurrent layer: cells from left to right, with a step below each."""
    cells = [
        d.box(x, y, name, width=width, grey=grey)
        for x, name in zip(xs, names, strict=True)
    ]
    for cell, name in zip(cells, step_names, strict=True):
        step = d.dot(cell.x, y - below, name, size=0.75)
        d.arrow(step.top, cell.bottom)
    for a, b in pairwise(cells):
        d.arrow(a.right, b.left)
    return cells


def rnn() -> Drawing:
    d = Drawing(10, 5.0)
    names = ("$x_1$", "$x_2$", "$x_3$", "$x_T$")
    xs = (1.2, 3.3, 5.4, 7.9)
    cells = chain(d, xs, 2.4, [r"$\phi$"] * 4, step_names=names)
    for at, x in enumerate((2.25, 4.35), 1):
        d.text(x, 2.75, f"$h_{at}$", size=SMALL)
    d.text(6.65, 2.75, "...")
    output = d.box(7.9, 4.3, r"$\hat y$", width=1.2, grey=MIDDLE)
    d.arrow(cells[-1].top, output.bottom)
    d.text(7.7, 3.4, "$h_T$, linear", ha="right", size=SMALL)
    d.text(1.55, 1.6, "$W$")
    d.text(2.25, 2.05, "$U$")
    return d


def lstm() -> Drawing:
    d = Drawing(10, 6.0)
    d.box(5.0, 3.2, width=7.4, height=4.2, grey=WHITE, is_frame=True)
    forget, write = d.dot(2.6, 4.6, r"$\times$"), d.dot(4.7, 4.6, "+")
    enter, leave = d.dot(4.7, 3.4, r"$\times$"), d.dot(7.6, 3.2, r"$\times$")
    squash = d.box(7.6, 4.0, "tanh", width=1.0, height=0.55)
    letters = ("$f_t$", "$i_t$", "$g_t$", "$o_t$")
    gates = [
        d.box(x, 2.1, name, width=0.9, height=0.65)
        for x, name in zip((2.6, 4.0, 5.4, 6.6), letters, strict=True)
    ]
    d.arrow((0.5, 4.6), forget.left)
    d.arrow(forget.right, write.left)
    d.arrow(write.right, (9.5, 4.6))
    d.arrow((7.6, 4.6), squash.top)
    d.arrow(squash.bottom, leave.top)
    d.arrow(gates[0].top, forget.bottom)
    d.arrow(gates[1].top, (4.0, 3.4), enter.left)
    d.arrow(gates[2].top, (5.4, 3.4), enter.right)
    d.arrow(enter.top, write.bottom)
    d.arrow(gates[3].top, (6.6, 3.2), leave.left)
    d.arrow(leave.right, (9.5, 3.2))
    d.arrow((0.5, 1.45), (6.6, 1.45), gates[3].bottom)
    for gate in gates[:-1]:
        d.arrow((gate.x, 1.45), gate.bottom)
    d.arrow((2.0, 0.6), (2.0, 1.45), head=False)
    d.text(0.75, 4.95, "$c_{t-1}$")
    d.text(9.2, 4.95, "$c_t$")
    d.text(9.2, 3.55, "$h_t$")
    d.text(0.75, 1.8, "$h_{t-1}$")
    d.text(2.0, 0.3, "$x_t$")
    d.text(5.0, 5.65, "the memory changes by products and sums only", size=SMALL)
    return d


def gru() -> Drawing:
    d = Drawing(10, 5.6)
    d.box(5.0, 3.0, width=7.4, height=3.8, grey=WHITE, is_frame=True)
    reset = d.box(2.9, 2.0, "$r_t$", width=0.9, height=0.65)
    update = d.box(4.6, 2.0, "$z_t$", width=0.9, height=0.65)
    state = d.box(6.4, 2.9, "$n_t$", width=0.9, height=0.65)
    product = d.dot(2.9, 2.9, r"$\times$")
    mix = d.box(6.4, 4.3, "$z_t$ : $1 - z_t$", width=2.2, height=0.65)
    d.arrow((0.5, 4.3), mix.left)
    d.arrow(mix.right, (9.5, 4.3))
    d.arrow((1.9, 4.3), (1.9, 2.9), product.left)
    d.arrow(reset.top, product.bottom)
    d.arrow(product.right, state.left)
    d.arrow(state.top, mix.bottom)
    d.arrow(update.top, (4.6, 2.6), (4.6, 3.4), (5.7, 3.4), (5.7, 3.97))
    d.arrow((1.9, 2.9), (1.9, 1.4), (4.6, 1.4), update.bottom)
    d.arrow((2.9, 1.4), reset.bottom)
    d.arrow((4.6, 1.4), (6.4, 1.4), state.bottom)
    d.arrow((3.7, 0.6), (3.7, 1.4), head=False)
    d.text(0.75, 4.65, "$h_{t-1}$")
    d.text(9.2, 4.65, "$h_t$")
    d.text(3.7, 0.3, "$x_t$")
    d.text(5.0, 5.25, r"old state : new state, mixed by $z_t$", size=SMALL)
    return d


def bilstm() -> Drawing:
    d = Drawing(10, 6.0)
    xs = (1.3, 3.6, 5.9, 8.2)
    steps = [
        d.dot(x, 0.6, name, size=0.75)
        for x, name in zip(xs, ("$x_1$", "$x_2$", "...", "$x_T$"), strict=True)
    ]
    forward = [d.box(x - 0.35, 1.9, width=0.9, height=0.6) for x in xs]
    backward = [d.box(x + 0.35, 3.2, width=0.9, height=0.6, grey=MIDDLE) for x in xs]
    for step, ahead, back in zip(steps, forward, backward, strict=True):
        d.arrow((step.x - 0.2, 0.92), (step.x - 0.2, ahead.bottom[1]))
        d.arrow((step.x + 0.25, 0.88), (step.x + 0.25, back.bottom[1]))
    for a, b in pairwise(forward):
        d.arrow(a.right, b.left)
    for a, b in pairwise(backward):
        d.arrow(b.left, a.right)
    d.text(2.15, 2.25, "forward", size=SMALL)
    d.text(4.0, 3.8, "backward", size=SMALL)
    output = d.box(4.75, 5.3, r"$\hat y$", width=1.4, grey=MIDDLE)
    d.arrow(backward[0].top, (backward[0].x, 5.3), output.left)
    d.arrow((forward[-1].x + 0.0, 2.2), (forward[-1].x, 5.3), output.right)
    d.text(2.0, 4.3, r"$\overleftarrow{h}_1$", ha="left")
    d.text(8.15, 4.3, r"$\overrightarrow{h}_T$", ha="left")
    return d


def attention_lstm() -> Drawing:
    d = Drawing(10, 6.4)
    xs = (1.2, 3.2, 5.2, 7.2)
    names = ("$x_1$", "$x_2$", "$x_3$", "$x_T$")
    states = ("$h_1$", "$h_2$", "$h_3$", "$h_T$")
    cells = chain(d, xs, 1.9, states, step_names=names, below=1.3)
    context = d.box(4.2, 4.0, "$c$", width=1.2)
    for cell, lw in zip(cells, (0.7, 2.6, 0.7, 1.5), strict=True):
        end = context.x + (cell.x - context.x) * 0.12
        d.arrow(cell.top, (end, context.bottom[1]), lw=lw)
    output = d.box(6.2, 5.6, r"$\hat y$", width=1.4, grey=MIDDLE)
    d.arrow(context.top, (4.2, 5.6), output.left)
    d.arrow(cells[-1].right, (8.8, 1.9), (8.8, 5.6), output.right)
    d.text(1.7, 3.4, r"weights $\alpha_t$", size=SMALL)
    d.text(8.6, 4.4, "last state", ha="right", size=SMALL)
    d.text(4.0, 4.9, "weighted mean", ha="right", size=SMALL)
    return d


def levels(d, n, ys, *, left=0.8, gap=0.75, size=0.32):
    xs = left + gap * np.arange(n)
    greys = [WHITE] + [LIGHT] * (len(ys) - 1)
    return [
        d.row(xs, y, grey=grey, size=size) for y, grey in zip(ys, greys, strict=True)
    ]


def cnn() -> Drawing:
    d = Drawing(10, 5.2)
    rows = levels(d, 10, (0.9, 2.2))
    d.reach(rows, [1], 3)
    head = d.box(4.2, 3.5, "all states side by side", width=6.9, height=0.7, grey=WHITE)
    for state in rows[1]:
        d.arrow(state.top, (state.x, head.bottom[1]), lw=0.8)
    output = d.box(4.2, 4.6, r"$\hat y$", width=1.6, height=0.7, grey=MIDDLE)
    d.arrow(head.top, output.bottom)
    d.text(8.0, 0.9, "window $x$", ha="left", size=SMALL)
    d.text(8.0, 2.2, "$h_{1,t}$", ha="left")
    d.text(8.0, 1.55, "kernel 3", ha="left", size=SMALL)
    d.text(7.55, 0.35, "now", size=SMALL)
    d.text(5.2, 4.05, "linear", ha="left", size=SMALL)
    return d


def cnn_lstm() -> Drawing:
    d = Drawing(10, 5.6)
    xs = 0.8 + 0.75 * np.arange(10)
    steps = d.row(xs, 0.9)
    states = [d.dot(xs[at], 2.3, size=0.32, grey=LIGHT) for at in range(1, 10, 2)]
    pairs = [
        (steps[at - i], state)
        for at, state in zip(range(1, 10, 2), states, strict=True)
        for i in range(4)
        if at >= i
    ]
    d.join(pairs, {states[-1]})
    cells = [d.box(state.x, 3.5, width=0.9, height=0.7) for state in states]
    for state, cell in zip(states, cells, strict=True):
        d.arrow(state.top, cell.bottom)
    for a, b in pairwise(cells):
        d.arrow(a.right, b.left)
    output = d.box(cells[-1].x, 5.0, r"$\hat y$", width=1.2, height=0.7, grey=MIDDLE)
    d.arrow(cells[-1].top, output.bottom)
    d.text(7.95, 0.9, "window $x$", ha="left", size=SMALL)
    d.text(7.95, 1.75, "kernel 4,\nstride 2", ha="left", size=SMALL)
    d.text(7.95, 2.5, "$u_s$", ha="left")
    d.text(8.2, 3.5, "cells, $h_s$", ha="left", size=SMALL)
    return d


def tcn() -> Drawing:
    d = Drawing(10, 6.2)
    rows = levels(d, 12, (0.8, 2.0, 3.2, 4.4), left=0.6, gap=0.62)
    d.reach(rows, [1, 2, 4], 2)
    output = d.box(rows[-1][-1].x, 5.6, r"$\hat y$", width=1.2, height=0.7, grey=MIDDLE)
    d.arrow(rows[-1][-1].top, output.bottom)
    for y, name in zip((1.4, 2.6, 3.8), (1, 2, 4), strict=True):
        d.text(7.85, y, f"dilation {name}", ha="left", size=SMALL)
    d.text(7.85, 0.8, "window $x$", ha="left", size=SMALL)
    d.text(3.0, 5.6, "each block: convolutions\nand a shortcut", size=SMALL)
    d.text(7.45, 0.25, "now", size=SMALL)
    return d


def wavenet() -> Drawing:
    d = Drawing(10, 7.0)
    d.text(5.0, 6.6, "one layer, dilation $d$")
    conv = d.box(1.6, 4.4, "conv", width=1.4)
    tanh = d.box(3.7, 5.1, "tanh", width=1.2, height=0.7)
    gate = d.box(3.7, 3.7, r"$\sigma$", width=1.2, height=0.7)
    product = d.dot(5.3, 4.4, r"$\times$")
    out = d.box(6.6, 4.4, "$R_l$, $S_l$", width=1.4, height=0.8)
    plus = d.dot(8.6, 3.0, "+")
    d.arrow(conv.right, (2.7, 4.4), head=False)
    d.arrow((2.7, 4.4), (2.7, 5.1), tanh.left)
    d.arrow((2.7, 4.4), (2.7, 3.7), gate.left)
    d.arrow(tanh.right, (5.3, 5.1), product.top)
    d.arrow(gate.right, (5.3, 3.7), product.bottom)
    d.arrow(product.right, out.left)
    d.arrow(out.right, (8.6, 4.4), plus.top)
    d.arrow(out.top, (6.6, 5.7), (9.5, 5.7))
    d.arrow((0.3, 4.4), conv.left)
    d.arrow((0.55, 4.4), (0.55, 3.0), plus.left)
    d.arrow(plus.right, (9.7, 3.0))
    d.text(8.2, 6.0, "skip $s_l$, summed", size=SMALL)
    d.text(9.35, 2.65, "$h_l$")
    d.text(0.5, 4.8, "$h_{l-1}$")
    d.text(4.5, 2.7, "residual", size=SMALL)
    rows = levels(d, 12, (0.5, 1.1, 1.7), left=1.9, gap=0.5, size=0.22)
    d.reach(rows, [1, 2], 2)
    d.text(7.8, 1.1, "dilations\n1, 2, 4, ...", ha="left", size=SMALL)
    return d


def transformer() -> Drawing:
    d = Drawing(10, 6.6)
    xs = (1.4, 3.2, 5.0, 6.8)
    names = ("$x_1$", "$x_2$", "$x_3$", "$x_T$")
    steps = [d.dot(x, 0.6, n, size=0.75) for x, n in zip(xs, names, strict=True)]
    low = [d.dot(x, 2.0, size=0.4, grey=LIGHT) for x in xs]
    high = [d.dot(x, 3.6, size=0.4, grey=LIGHT) for x in xs]
    for step, state in zip(steps, low, strict=True):
        d.arrow(step.top, state.bottom)
    d.join(list(product(low, high)), {high[-1]})
    dense = [d.box(x, 4.6, "dense", width=1.3, height=0.7) for x in xs]
    for state, box in zip(high, dense, strict=True):
        d.arrow(state.top, box.bottom)
    output = d.box(6.8, 6.0, r"$\hat y$", width=1.3, height=0.7, grey=MIDDLE)
    d.arrow(dense[-1].top, output.bottom)
    d.text(7.7, 1.3, r"linear, $+ p_t$", ha="left", size=SMALL)
    d.text(7.7, 2.8, "attention,\nall to all", ha="left", size=SMALL)
    d.text(7.7, 4.6, "and shortcuts", ha="left", size=SMALL)
    d.text(3.2, 5.6, "attention and dense: one layer", size=SMALL)
    return d


def itransformer() -> Drawing:
    d = Drawing(10, 5.6)
    t = np.linspace(0, 6, 40)
    curves = (np.sin(t), np.cos(1.4 * t), np.sin(0.7 * t + 2))
    ys = (4.4, 2.8, 1.2)
    tokens = [d.box(4.0, y, width=0.6, height=1.1) for y in ys]
    after = [d.box(6.4, y, width=0.6, height=1.1) for y in ys]
    for at, (y, curve) in enumerate(zip(ys, curves, strict=True)):
        d.axes.plot(0.8 + t * 0.28, y + 0.35 * curve, color="black", lw=1.2)
        d.text(0.45, y, f"$x_{at + 1}$")
        d.arrow((2.7, y), tokens[at].left)
        for other in after:
            d.axes.plot(
                (tokens[at].right[0], other.left[0]),
                (y, other.y),
                color="black" if other is after[0] else "0.7",
                lw=1.6 if other is after[0] else 0.7,
                zorder=1,
            )
        output = d.box(
            8.6, y, rf"$\hat y_{at + 1}$", width=1.3, height=0.8, grey=MIDDLE
        )
        d.arrow(after[at].right, output.left)
    d.text(1.7, 5.25, "windows", size=SMALL)
    d.text(4.0, 5.25, "tokens", size=SMALL)
    d.text(6.4, 5.25, "dense", size=SMALL)
    d.text(8.6, 5.25, "all steps ahead", size=SMALL)
    d.text(5.2, 0.3, "attention between channels", size=SMALL)
    return d


def seq2seq() -> Drawing:
    d = Drawing(10, 6.4)
    encoder = chain(
        d,
        (0.9, 2.4, 3.9),
        2.2,
        ("$h_1$", "$h_2$", "$h_T$"),
        step_names=("$x_1$", "$x_2$", "$x_T$"),
        width=0.9,
        below=1.4,
    )
    decoder = [
        d.box(x, 2.2, name, width=0.9, grey=MIDDLE)
        for x, name in zip((6.1, 8.3), ("$s_1$", "$s_2$"), strict=True)
    ]
    outputs = [
        d.dot(box.x, 3.7, rf"$\hat y_{at}$", size=0.8)
        for at, box in enumerate(decoder, 1)
    ]
    d.arrow(encoder[-1].right, decoder[0].left)
    d.arrow(decoder[0].right, decoder[1].left)
    for box, output in zip(decoder, outputs, strict=True):
        d.arrow(box.top, output.bottom)
    d.arrow(outputs[0].right, (7.2, 3.7), (7.2, 1.1), (8.3, 1.1), decoder[1].bottom)
    context = d.box(2.4, 4.6, "$a_j$", width=1.0)
    for cell, lw in zip(encoder, (0.7, 2.4, 1.4), strict=True):
        end = context.x + (cell.x - context.x) * 0.2
        d.arrow(cell.top, (end, context.bottom[1]), lw=lw)
    d.arrow(context.right, (5.1, 4.6), (5.1, 1.2), (6.1, 1.2), decoder[0].bottom)
    d.text(2.4, 5.4, "attention, for each output", size=SMALL)
    d.text(2.4, 0.2, "encoder", size=SMALL)
    d.text(7.2, 0.6, "decoder, known $k_j$", size=SMALL)
    return d


def tft() -> Drawing:
    d = Drawing(10, 8.2)
    past = d.box(2.6, 0.7, "columns of the past", width=3.9, grey=WHITE)
    ahead = d.box(7.4, 0.7, "known ahead", width=3.9, grey=WHITE)
    select = [d.box(x, 2.1, "select variables", width=3.9) for x in (past.x, ahead.x)]
    lstm = [d.box(x, 3.5, n, width=3.9) for x, n in ((2.6, "LSTM"), (7.4, "LSTM"))]
    enrich = d.box(5.0, 4.9, "gate, enrich", width=8.7)
    attend = d.box(7.4, 6.3, "attention, gates", width=3.9)
    output = d.box(7.4, 7.6, r"$\hat y_t$, quantiles", width=3.9, grey=MIDDLE)
    static = d.box(2.6, 6.3, "static columns", width=3.4, grey=WHITE)
    for inputs, chosen, layer in zip((past, ahead), select, lstm, strict=True):
        d.arrow(inputs.top, chosen.bottom)
        d.arrow(chosen.top, layer.bottom)
        d.arrow(layer.top, (layer.x, enrich.bottom[1]))
    d.arrow(lstm[0].right, lstm[1].left)
    d.arrow((7.4, enrich.top[1]), attend.bottom)
    d.arrow(attend.top, output.bottom)
    d.arrow((2.6, static.bottom[1]), (2.6, enrich.top[1]), ls=(0, (2, 2)))
    d.arrow(static.left, (0.3, 6.3), (0.3, 2.1), select[0].left, ls=(0, (2, 2)))
    return d


DRAWINGS = {
    draw.__name__: draw
    for draw in (
        window_mlp,
        nbeats,
        nhits,
        tide,
        tsmixer,
        rnn,
        lstm,
        gru,
        bilstm,
        attention_lstm,
        cnn,
        cnn_lstm,
        tcn,
        wavenet,
        transformer,
        itransformer,
        seq2seq,
        tft,
    )
}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, draw in DRAWINGS.items():
        draw().save(FOLDER / f"{name}.svg")
