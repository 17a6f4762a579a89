"""Speed and memory beside the loop one would write by hand on prepared tensors.

The loop trains torch's own layers, put together as one would by hand, on copies of the
windows; ours is ``fit`` on a view of the rows, checks and statistics included. Writes
``benchmarks/results/speed.md``; every figure is stored in
``benchmarks/results/speed.json`` as it is made, and a second run on the same machine
continues. Each machine has a table of its own. Run it where nothing else runs.

With ``--device cuda``, the nets are trained on the GPU, and so is the loop, which is
given its tensors there. The table is ``benchmarks/results/speed-cuda.md``.

    python benchmarks/speed.py [--only small predict ...] [--pairs 5] [--device cuda]
"""

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from skorch import NeuralNetRegressor
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from sktsdl import (
    GRURegressor,
    ITransformerRegressor,
    LSTMRegressor,
    NBEATSRegressor,
    NHiTSRegressor,
    RNNRegressor,
    SlidingWindow,
    TCNRegressor,
    TFTRegressor,
    TiDERegressor,
    TransformerRegressor,
    TSMixerRegressor,
    WindowMLPRegressor,
    make_supervised,
)
from sktsdl.architectures.transformer import sinusoidal_positions

import _plain_nets  # isort: skip
from _study import processor  # isort: skip

RESULTS = Path(__file__).parent / "results"
STORE = RESULTS / "speed.json"
TABLE = RESULTS / "speed.md"

# Nets without what the loops do not have.
NETS = {
    "LSTM": LSTMRegressor(hidden_sizes=(64,), window_norm=None),
    "GRU": GRURegressor(hidden_sizes=(64,), window_norm=None),
    "RNN": RNNRegressor(hidden_sizes=(64,), window_norm=None),
    "TCN": TCNRegressor(channels=(64, 64, 64), window_norm=None),
    "Transformer": TransformerRegressor(d_model=64, window_norm=None),
    "N-BEATS": NBEATSRegressor(window_norm=None),
    "N-HiTS": NHiTSRegressor(window_norm=None),
    "TiDE": TiDERegressor(window_norm=None),
    "TSMixer": TSMixerRegressor(window_norm=None),
    "iTransformer": ITransformerRegressor(window_norm=None),
    "TFT": TFTRegressor(window_norm=None),
}
GOALS = {
    ("small", "LSTM"): 0.95,
    ("small", "GRU"): 0.95,
    ("small", "TCN"): 0.95,
    ("small", "Transformer"): 0.95,
    ("big", "LSTM"): 0.70,
    ("big", "GRU"): 1.00,
    ("big", "RNN"): 1.00,
    ("big", "TCN"): 1.00,
    ("big", "Transformer"): 0.90,
}
OF_STEPS_AHEAD = ("N-BEATS", "N-HiTS", "TiDE", "TSMixer", "iTransformer", "TFT")
SIZES = {
    "small": {"n": 1000, "window": 20, "channels": 1, "batch_size": 32, "epochs": 10},
    "big": {"n": 50_000, "window": 96, "channels": 7, "batch_size": 256, "epochs": 1},
    "steps ahead": {
        "n": 1000,
        "window": 48,
        "channels": 3,
        "horizon": 12,
        "batch_size": 32,
        "epochs": 5,
    },
}


class Recurrent(nn.Module):
    """One of torch's recurrent layers, and a head on its last state."""

    def __init__(self, kind: Any, n_channels: int) -> None:
        super().__init__()
        self.layer = kind(n_channels, 64, batch_first=True)
        self.head = nn.Linear(64, 1)

    def forward(self, x: torch.Tensor) -> Any:
        return self.head(self.layer(x)[0][:, -1])


class Block(nn.Module):
    """A residual block of a temporal convolutional network."""

    def __init__(self, n_in: int, n_out: int, dilation: int) -> None:
        super().__init__()
        self.padding = 2 * dilation
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv1d(n, n_out, 3, padding=self.padding, dilation=dilation))
            for n in (n_in, n_out)
        )
        self.around = nn.Conv1d(n_in, n_out, 1) if n_in != n_out else nn.Identity()

    def forward(self, x: torch.Tensor) -> Any:
        h = x
        for conv in self.convs:
            h = torch.relu(conv(h)[..., : -self.padding])
        return torch.relu(h + self.around(x))


class Convolutional(nn.Module):
    """A temporal convolutional network, and a head on its last state."""

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            Block(n_channels, 64, 1), Block(64, 64, 2), Block(64, 64, 4)
        )
        self.head = nn.Linear(64, 1)

    def forward(self, x: torch.Tensor) -> Any:
        return self.head(self.blocks(x.transpose(1, 2))[..., -1])


class Encoder(nn.Module):
    """torch's Transformer encoder, and a head on its last state."""

    positions: torch.Tensor

    def __init__(self, n_channels: int, window: int) -> None:
        super().__init__()
        self.embed = nn.Linear(n_channels, 64)
        self.register_buffer("positions", sinusoidal_positions(window, 64))
        layer = nn.TransformerEncoderLayer(
            64, 4, 128, dropout=0.0, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(
            layer, 2, norm=nn.LayerNorm(64), enable_nested_tensor=False
        )
        self.head = nn.Linear(64, 1)

    def forward(self, x: torch.Tensor) -> Any:
        return self.head(self.layers(self.embed(x) + self.positions)[:, -1])


BY_HAND: dict[str, Callable[..., nn.Module]] = {
    "LSTM": lambda n_channels, window: Recurrent(nn.LSTM, n_channels),
    "GRU": lambda n_channels, window: Recurrent(nn.GRU, n_channels),
    "RNN": lambda n_channels, window: Recurrent(nn.RNN, n_channels),
    "TCN": lambda n_channels, window: Convolutional(n_channels),
    "Transformer": Encoder,
    "N-BEATS": _plain_nets.NBEATS,
    "N-HiTS": _plain_nets.NHiTS,
    "TiDE": _plain_nets.TiDE,
    "TSMixer": _plain_nets.TSMixer,
    "iTransformer": _plain_nets.ITransformer,
    "TFT": _plain_nets.TFT,
}


def windows_and_targets(
    n: int, window: int, channels: int, horizon: int = 0
) -> tuple[Any, Any]:
    """Return a view of `n` windows and a target for each.

    With a horizon, the targets are the next rows of the first channel.
    """
    rng = np.random.default_rng(0)
    if horizon:
        rows = rng.normal(size=(n + window - 1 + horizon, channels)).astype(np.float32)
        series = pd.DataFrame(rows, columns=list("abcdefghij")[:channels])
        X, y, _ = make_supervised(series, target="a", horizon=horizon)
        return SlidingWindow(window).fit_transform(X)[window - 1 :], y[window - 1 :]
    rows = rng.normal(size=(n + window - 1, channels)).astype(np.float32)
    view = SlidingWindow(window).fit_transform(rows)[window - 1 :]
    return view, rng.normal(size=n)


def prepared(X: Any, y: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what the loop is given: standardised copies, as tensors."""
    windows = torch.from_numpy(np.ascontiguousarray(X))
    targets = torch.from_numpy(np.array(y).reshape(len(X), -1)).float()
    windows = (windows - windows.mean((0, 1))) / windows.std((0, 1))
    return windows, (targets - targets.mean(0)) / targets.std(0)


def loop(
    module: nn.Module, X: torch.Tensor, y: torch.Tensor, epochs: int, batch_size: int
) -> nn.Module:
    """Train as one would by hand."""
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    criterion = nn.MSELoss()
    module.train()
    for _ in range(epochs):
        for where in torch.split(torch.randperm(len(X), device=X.device), batch_size):
            optimizer.zero_grad()
            loss = criterion(module(X[where]), y[where])
            loss.backward()
            optimizer.step()
    return module


def wait() -> None:
    """Wait until the GPU, if there is one, has done all that it was asked for."""
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()


def seconds(work: Callable[[], Any]) -> float:
    wait()
    start = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - start


def ratios(ours: Any, other: Any, pairs: int) -> list[float]:
    """Return the ratios of times of alternating pairs, after one of each to warm up.

    Each pair begins with the other one, so that neither is always the later.
    """
    ours(), other()
    found = []
    for pair in range(pairs):
        taken = {work: seconds(work) for work in (ours, other)[:: 1 - 2 * (pair % 2)]}
        found.append(taken[ours] / taken[other])
    return found


@contextlib.contextmanager
def threads(n: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def fit_and_loop(
    name: str, size: dict[str, int], device: str = "cpu", **params: Any
) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return our fit of a net, and the loop of the same, both on a device."""
    names = "channels", "window", "horizon"
    shape = {name: size[name] for name in names if name in size}
    X, y = windows_and_targets(size["n"], **shape)
    net = clone(NETS[name]).set_params(
        max_epochs=size["epochs"],
        batch_size=size["batch_size"],
        clip_grad_norm=None,
        random_state=0,
        device=device,
        **params,
    )
    inputs, targets = (tensor.to(device) for tensor in prepared(X, y))
    net.fit(X[:300], y[:300])

    def by_hand() -> nn.Module:
        torch.manual_seed(0)
        module = BY_HAND[name](*shape.values()).to(device)
        assert sum(w.numel() for w in module.parameters()) == net.n_parameters_
        return loop(module, inputs, targets, size["epochs"], size["batch_size"])

    return lambda: net.fit(X, y), by_hand


def fit_and_skorch(name: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    size = SIZES["small"]
    ours, _ = fit_and_loop(name, size)
    tensors = prepared(*windows_and_targets(size["n"], size["window"], 1))

    def by_skorch() -> Any:
        return NeuralNetRegressor(
            BY_HAND[name](1, size["window"]),
            optimizer=torch.optim.Adam,
            lr=1e-3,
            max_epochs=size["epochs"],
            batch_size=size["batch_size"],
            iterator_train__shuffle=True,
            train_split=None,
            verbose=0,
        ).fit(*tensors)

    return ours, by_skorch


def last_and_none(name: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return our fit of a net with windows relative to their last value, and without.

    Both see a series that the relative windows are meant for.
    """
    size = SIZES["small"]
    X, _ = windows_and_targets(size["n"] + 1, size["window"], size["channels"])
    y = np.asarray(X)[1:, -1, 0]
    shared = {"max_epochs": size["epochs"], "random_state": 0}
    last, plain = (
        clone(NETS[name]).set_params(window_norm=norm, **shared)
        for norm in ("last", None)
    )
    return lambda: last.fit(X[:-1], y), lambda: plain.fit(X[:-1], y)


def predict_and_pass(name: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    X, y = windows_and_targets(50_000, 96, 7)
    net = NETS[name].set_params(max_epochs=1, random_state=0).fit(X[:300], y[:300])
    tensors, _ = prepared(X, y)
    module = BY_HAND[name](7, 96).eval()

    def one_pass() -> torch.Tensor:
        with torch.inference_mode():
            parts = [module(part) for part in torch.split(tensors, 1024)]
            return torch.cat(parts)

    return lambda: net.predict(X), one_pass


def one_epoch_of_few() -> tuple[Callable[[], Any], Callable[[], Any]]:
    few = {"n": 100, "window": 20, "channels": 1, "batch_size": 32, "epochs": 1}
    return fit_and_loop("LSTM", few)


def searches() -> tuple[Callable[[], Any], Callable[[], Any]]:
    size = SIZES["small"]
    X, y = windows_and_targets(size["n"], size["window"], size["channels"])
    net = NETS["LSTM"].set_params(max_epochs=size["epochs"], random_state=0)
    grid = {"lr": list(np.logspace(-4, -2, 8))}

    def search(n_jobs: int) -> Any:
        cv = TimeSeriesSplit(5)
        return GridSearchCV(net, grid, cv=cv, n_jobs=n_jobs, refit=False).fit(X, y)

    return lambda: search(2), lambda: search(1)


def many_series(n_series: int, n_rows: int, n_columns: int = 7) -> pd.DataFrame:
    """Return rows of many series, series by series."""
    days = pd.date_range("2000-01-01", periods=n_rows)
    index = pd.MultiIndex.from_product([range(n_series), days])
    rows = np.random.default_rng(0).standard_normal((len(index), n_columns))
    return pd.DataFrame(rows, index=index, columns=list("abcdefghij")[:n_columns])


def windows_and_shift(order: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    X = many_series(30_000, 200)
    if order == "time":
        X = X.iloc[np.arange(len(X)).reshape(-1, 200).T.ravel()]
    windows = SlidingWindow(28)
    return lambda: windows.fit_transform(X), lambda: X.groupby(level=0).shift(1)


def fit_many_and_one() -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return our fit to 300 series, and to one series of as many windows."""
    window, net = 28, NETS["LSTM"].set_params(max_epochs=1, random_state=0)
    many = many_series(300, 200)
    n_windows = 300 * (200 - window + 1)
    one = many[: n_windows + window - 1]
    hours = pd.date_range("1950-01-01", periods=len(one), freq="h")
    pipe = make_pipeline(SlidingWindow(window), net)

    def fit(X: pd.DataFrame) -> Callable[[], Any]:
        y = X["a"].to_numpy() + X["b"].to_numpy()
        return lambda: pipe.fit(X, y)

    return fit(many), fit(one.set_axis(hours))


BASE = "import torch, sklearn.pipeline, sklearn.model_selection, skorch"


def imports() -> tuple[Callable[[], Any], Callable[[], Any]]:
    def run(code: str) -> Any:
        return subprocess.run([sys.executable, "-c", code], check=True)

    return lambda: run("import sktsdl"), lambda: run(BASE)


# What the scripts that measure memory begin with.
RESIDENT = """
from skorch.callbacks import Callback

def resident(peak):
    name = "VmHWM:" if peak else "VmRSS:"
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name))

def forget_peak():
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")

class Enough(Exception):
    pass

class Stop(Callback):
    steps = 0

    def on_batch_end(self, net, **kwargs):
        self.steps += 1
        if self.steps == 50:
            raise Enough
"""


def measured(script: str, *arguments: object) -> float:
    """Return the number that a script prints in a process of its own."""
    command = [sys.executable, "-c", RESIDENT + script, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


MEMORY_OF_MANY = """
import sys
import numpy as np
import pandas as pd
from sktsdl import SlidingWindow

n_series, n_rows, window = map(int, sys.argv[1:])
days = pd.date_range("2000-01-01", periods=n_rows)
index = pd.MultiIndex.from_product([range(n_series), days])
rows = np.random.default_rng(0).standard_normal((len(index), 7))
X = pd.DataFrame(rows, index=index)
before = resident(peak=False)
forget_peak()
windows = SlidingWindow(window).fit_transform(X)
print((resident(peak=True) - before) * 1024 / rows.nbytes)
"""


MEMORY_OF_HORIZON = """
import sys
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline
from sktsdl import SlidingWindow, WindowMLPRegressor

dtype, is_counted = sys.argv[1], sys.argv[2] == "all"
n_series, n_rows, window, horizon = 2000, 1000, 336, 48

def fit(X, y):
    mlp = WindowMLPRegressor(batch_size=256, max_epochs=1, callbacks=[Stop()])
    try:
        make_pipeline(SlidingWindow(window), mlp).fit(X, y)
    except Enough:
        pass

few = np.random.default_rng(0).standard_normal((1000, 1)).astype(dtype)
fit(few, np.tile(few, horizon))
imported = resident(peak=False)
rng = np.random.default_rng(0)
values = rng.standard_normal((n_series, n_rows + horizon), dtype=dtype)
hours = pd.date_range("2000-01-01", periods=n_rows, freq="h")
index = pd.MultiIndex.from_product([range(n_series), hours])
X = pd.DataFrame({"load": values[:, :n_rows].ravel()}, index=index)
y = np.empty((n_series, n_rows, horizon), dtype)
for step in range(horizon):
    y[:, :, step] = values[:, step + 1 : step + 1 + n_rows]
y = pd.DataFrame(
    y.reshape(len(X), horizon),
    index=index,
    columns=[f"load+{step + 1}" for step in range(horizon)],
)
before = imported if is_counted else resident(peak=False)
forget_peak()
fit(X, y)
print((resident(peak=True) - before) * 1024 / 1e6)
"""


def memory_of_horizon(dtype: str, counted: str) -> float:
    """Return the peak of memory of a fit to 2 million windows and 48 targets, in MB.

    `counted` is "all", for the data too, or "fit", for what the fit adds to them.
    """
    return measured(MEMORY_OF_HORIZON, dtype, counted)


def memory_of_many(n_series: int, n_rows: int, window: int) -> float:
    """Return the peak of memory of windows above that of the rows, by the rows."""
    return measured(MEMORY_OF_MANY, n_series, n_rows, window)


MEMORY = """
import sys
import numpy as np
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sktsdl import LSTMRegressor, SlidingWindow, WindowMLPRegressor

how = sys.argv[1]
rows = np.random.default_rng(0).standard_normal((1_000_000, 7), dtype=np.float32)
y = rows[:, 0].astype(np.float64)
lstm = LSTMRegressor(batch_size=256, max_epochs=1, callbacks=[Stop()])
mlp = WindowMLPRegressor(hidden_sizes=(8,), batch_size=1024, max_epochs=1)
small = make_pipeline(SlidingWindow(96), mlp).fit(rows[:1000], y[:1000])
if how == "predict":
    small.fit(rows[:100_000], y[:100_000])
windows = SlidingWindow(96).fit_transform(rows) if how == "fit" else None
before = resident(peak=False)
forget_peak()
try:
    if how == "fit":
        lstm.fit(windows, y)
    elif how == "pipeline":
        make_pipeline(SlidingWindow(96), lstm).fit(rows, y)
    elif how == "search":
        pipe = make_pipeline(SlidingWindow(96), mlp)
        grid = {"windowmlpregressor__lr": [1e-3]}
        GridSearchCV(pipe, grid, cv=TimeSeriesSplit(2), refit=False).fit(rows, y)
    else:
        small.predict(rows)
except Enough:
    pass
print((resident(peak=True) - before) / 1024)
"""


def memory(how: str) -> float:
    """Return the peak of resident memory above that before, in MB."""
    return measured(MEMORY, how)


def matrix_share() -> str:
    """Say how near small recurrent nets come to the machine's matrix products."""
    size = SIZES["small"]

    def product(m: int, k: int, n: int) -> float:
        a, b, out = torch.randn(m, k), torch.randn(k, n), torch.empty(m, n)
        repeats = 4 * 1024**3 // (m * k * n)

        def work() -> None:
            for _ in range(repeats):
                torch.mm(a, b, out=out)

        work()
        taken = np.median([seconds(work) for _ in range(5)])
        return float(repeats * 2 * m * k * n / taken)

    large = product(1024, 1024, 1024)
    shares = []
    for name, gates in (("LSTM", 4), ("GRU", 3)):
        ours, _ = fit_and_loop(name, size)
        ours()
        n_weights = gates * 64 * (64 + size["channels"])
        # A product each for the states and for both gradients, of two operations a
        # weight and step.
        work = 3 * 2 * n_weights * size["n"] * size["window"] * size["epochs"]
        rate = work / np.median([seconds(ours) for _ in range(5)])
        own = product(size["batch_size"], 64, gates * 64)
        shares.append(
            f"the small {name}'s fit does {rate / 1e9:.0f} GFLOP/s, {rate / large:.0%} "
            f"of that of one large product ({large / 1e9:.0f}) and {rate / own:.0%} of "
            f"that of products of its own shape ({own / 1e9:.0f})"
        )
    return (
        f"In matrix products on one thread, {'; '.join(shares)}. Activations, Adam and "
        "Python take the rest."
    )


def growth() -> list[float]:
    """Return seconds per epoch and row of 10⁵ and 10⁶ rows, as ratios to 10⁴ rows."""
    per_row = []
    for n in (10_000, 100_000, 1_000_000):
        X, y = windows_and_targets(n, 96, 7)
        net = WindowMLPRegressor(hidden_sizes=(64,), batch_size=256, random_state=0)
        net.set_params(max_epochs=5 if n < 1_000_000 else 3).fit(X, y)
        per_row.append(float(np.median(net.net_.history[1:, "dur"])) / n)
    return [seconds / per_row[0] for seconds in per_row[1:]]


def measures(pairs: int) -> dict[str, tuple[Any, float, str]]:
    """Return how each row of the table is measured, its goal and its unit."""
    rows: dict[str, tuple[Any, float, str]] = {}

    def add(name: str, make: Any, goal: float, n: int | None = None) -> None:
        def measure() -> list[float]:
            with threads(n or torch.get_num_threads()):
                ours, other = make()
                return ratios(ours, other, pairs)

        rows[name] = measure, goal, ""

    for (size, net), goal in GOALS.items():
        for n in (1, 2):
            add(
                f"{size} {net}, {n} thread{'s' * (n > 1)}: fit ÷ loop",
                lambda size=size, net=net: fit_and_loop(net, SIZES[size]),
                goal,
                n,
            )
    add(
        "big LSTM in bf16, 1 thread: fit ÷ loop in float32",
        lambda: fit_and_loop("LSTM", SIZES["big"], precision="bf16"),
        0.50,
        1,
    )
    for net in OF_STEPS_AHEAD:
        add(
            f"12 steps ahead by {net}, 1 thread: fit ÷ loop",
            lambda net=net: fit_and_loop(net, SIZES["steps ahead"]),
            1.0,
            1,
        )
    for net in ("LSTM", "TCN"):
        add(
            f"small {net}: fit ÷ skorch's with a DataLoader",
            lambda net=net: fit_and_skorch(net),
            0.80,
        )
    for net in ("LSTM", "TCN"):
        add(
            f"small {net}, 1 thread: fit, window_norm='last' ÷ None",
            lambda net=net: last_and_none(net),
            1.05,
            1,
        )
    for net in ("LSTM", "TCN"):
        add(
            f"predict of 50,000 windows, {net} ÷ one pass in batches of 1,024",
            lambda net=net: predict_and_pass(net),
            1.05,
        )
    add("one epoch on 100 windows: fit ÷ loop", one_epoch_of_few, 3.0)
    add("search with 2 workers ÷ with 1", searches, 0.60)
    add("import ÷ torch, scikit-learn and skorch", imports, 1.10)
    for order in ("series", "time"):
        add(
            f"windows of 30,000 series sorted by {order} ÷ pandas' shift",
            lambda order=order: windows_and_shift(order),
            3.0,
        )
    add("fit of 300 series ÷ of one with as many windows", fit_many_and_one, 1.10)
    for sizes in ((30_000, 200, 28), (200_000, 10, 336)):
        n_series, n_rows, window = sizes
        name = f"memory of windows of {window} rows, {n_series:,} series of {n_rows}"
        rows[f"{name}, ÷ rows"] = lambda s=sizes: [memory_of_many(*s)], 2.0, ""
    for dtype in ("float32", "float64"):
        for counted in ("all", "fit"):
            name = "with the data" if counted == "all" else "above the data"
            rows[f"memory of 2 million windows, 48 targets in {dtype}, {name}"] = (
                lambda dtype=dtype, counted=counted: [
                    memory_of_horizon(dtype, counted)
                ],
                1000.0,
                " MB",
            )
    for how in ("fit", "pipeline", "search", "predict"):
        rows[f"memory of a million rows, {how}"] = (
            lambda how=how: [memory(how)],
            250.0,
            " MB",
        )
    rows["growth: seconds per row of 10⁵ and 10⁶ rows ÷ of 10⁴"] = growth, 1.15, ""
    return rows


def of_device(size: str, name: str, device: str, pairs: int) -> dict[str, Any]:
    """Return the figures of a net on a device, whose fit is also timed on the CPU."""
    ours, by_hand = fit_and_loop(name, SIZES[size], device)
    found: dict[str, Any] = {"fit ÷ loop": ratios(ours, by_hand, pairs)}
    found["fit, s"] = [seconds(ours) for _ in range(pairs)]
    if device != "cpu":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        ours()
        found["MB"] = (torch.cuda.max_memory_allocated() - before) / 1e6
    on_cpu, _ = fit_and_loop(name, SIZES[size])
    # A fit of the big nets takes long enough to be timed once.
    found["fit on the CPU, s"] = [
        seconds(on_cpu) for _ in range(1 if size == "big" else pairs)
    ]
    return found


def device_table(store: dict[str, Any], device: str) -> list[str]:
    """Return the lines of the table of a device."""
    lines = [
        f"| fit on {device} | ÷ loop | range | ÷ fit on the CPU | seconds | peak, MB |",
        "|---|---|---|---|---|---|",
    ]
    speed_ups = {}
    for row, found in store.items():
        ratio = found["fit ÷ loop"]
        ours = np.median(found["fit, s"])
        share = ours / np.median(found["fit on the CPU, s"])
        memory = f"{found['MB']:.0f}" if "MB" in found else ""
        lines.append(
            f"| {row} | {np.median(ratio):.2f} | {min(ratio):.2f}-{max(ratio):.2f} | "
            f"{share:.2f} | {ours:.2f} | {memory} |"
        )
        if row.startswith("small"):
            speed_ups[row.removeprefix("small ")] = 1 / share
    if speed_ups:
        shown = ", ".join(f"{name} {times:.1f}" for name, times in speed_ups.items())
        lines += [
            "",
            "For 1,000 samples of 20 steps, a GPU is often said to be 5 to 9 times as "
            f"fast as a CPU. The time on the CPU ÷ the time on {device} is here, for "
            f"each small net: {shown}.",
        ]
    return lines


def gpu() -> str:
    """Describe the GPU, and how it computes, in one line."""
    cudnn = "TF32" if torch.backends.cudnn.allow_tf32 else "float32"
    return (
        f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}; cuDNN in {cudnn}, "
        f"matrix products in precision {torch.get_float32_matmul_precision()!r}; cuDNN "
        "is deterministic in our fits and not in the loop"
    )


def measure_device(device: str, only: list[str] | None, pairs: int) -> None:
    """Measure, store and show the table of a device."""
    path = RESULTS / f"speed-{device}.json"
    key = f"{machine()}; {gpu()}"
    stored: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    store = stored.get(key, {})
    rows = [*GOALS, *(("steps ahead", name) for name in OF_STEPS_AHEAD)]
    for size, name in rows:
        row = f"{size} {name}"
        if row not in store and (only is None or row.startswith(tuple(only))):
            store[row] = of_device(size, name, device, pairs)
            text = json.dumps({key: store}, indent=1, ensure_ascii=False)
            path.write_text(text + "\n")
            print(f"{row}: {np.median(store[row]['fit ÷ loop']):.3f}", flush=True)
    table = (
        "\n".join([f"# Speed on {device}", "", key, "", *device_table(store, device)])
        + "\n"
    )
    path.with_suffix(".md").write_text(table)
    print(table)


def machine() -> str:
    """Describe the machine in one line."""
    kernels = torch.backends.cpu.get_cpu_capability()
    return (
        f"{processor()}, {os.cpu_count()} cores, {kernels}, Python "
        f"{platform.python_version()}, torch {torch.__version__}"
    )


def save(stored: dict[str, Any]) -> None:
    STORE.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n")


def tables(
    stored: dict[str, Any], rows: dict[str, tuple[Any, float, str]]
) -> list[str]:
    """Return the lines of the tables of all machines."""
    lines = ["# Speed and memory"]
    for machine_name, store in stored.items():
        lines += ["", machine_name, "", "| work | median | range | goal |"]
        lines += ["|---|---|---|---|"]
        for name, (_, goal, unit) in rows.items():
            if name in store:
                values = store[name]
                lines.append(
                    f"| {name} | {np.median(values):.2f}{unit} | {min(values):.2f}-"
                    f"{max(values):.2f} | {goal:.2f}{unit} |"
                )
        if "matrix products" in store:
            lines += ["", store["matrix products"]]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", help="words that begin rows")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda needs a GPU, and torch sees none on this machine")
    RESULTS.mkdir(exist_ok=True)
    if arguments.device == "cuda":
        measure_device("cuda", arguments.only, arguments.pairs)
        return
    stored: dict[str, Any] = json.loads(STORE.read_text()) if STORE.exists() else {}
    store = stored.setdefault(machine(), {})
    rows = measures(arguments.pairs)
    for name, (measure, _, _) in rows.items():
        wanted = arguments.only is None or name.startswith(tuple(arguments.only))
        if wanted and name not in store:
            store[name] = measure()
            save(stored)
            print(f"{name}: {np.median(store[name]):.3f}", flush=True)
    if arguments.only is None and "matrix products" not in store:
        with threads(1):
            store["matrix products"] = matrix_share()
        save(stored)
    TABLE.write_text("\n".join(tables(stored, rows)) + "\n")
    print(TABLE.read_text())


if __name__ == "__main__":
    main()
