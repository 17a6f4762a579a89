"""Every architecture with its defaults: a noisy sine, ridership, size and speed.

Writes ``benchmarks/results/architectures.md``; every result is stored in
``benchmarks/results/architectures.json`` as it is made, and a second run continues.

    SKTSDL_DATA=... python benchmarks/architectures.py [--seeds 5] [--nets ...]
"""

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import make_pipeline
from torch import nn

import sktsdl
from sktsdl import SeasonalNaiveRegressor, SlidingWindow, make_supervised
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl.datasets import make_sinusoid

from ridership import SPLITS, WINDOW, load  # isort: skip

RESULTS = Path(__file__).parent / "results"
STORE = RESULTS / "architectures.json"
TABLE = RESULTS / "architectures.md"


def is_net(member: Any) -> bool:
    """Say whether a public name is that of a net."""
    return isinstance(member, type) and issubclass(member, DeepRegressor)


def sine_score(net: Any) -> float:
    """R² on the last 200 of 1,000 rows of a noisy sine, windows of 24."""
    X, y, _ = make_supervised(make_sinusoid(1001, random_state=0), target="value")
    pipe = make_pipeline(SlidingWindow(24), net).fit(X[:800], y[:800])
    return float(pipe.score(X[800:], y[800:]))


def ridership_error(model: Any) -> float:
    """Mean absolute error in riders on the development rows."""
    end, first, last = SPLITS["development"]
    X, y = load()
    days = y.index + (y.index[1] - y.index[0])  # of the targets
    n = int((days <= end).sum())
    predicted = model.fit(X[:n], y[:n]).predict(X[n:])
    scored = (days[n:] >= first) & (days[n:] <= last)
    return float(mean_absolute_error(y[n:][scored], predicted[scored]))


def epoch_seconds(net: Any) -> float:
    """Seconds per epoch on 1,000 samples of 20 steps, one thread, second of two."""
    X = np.random.default_rng(0).normal(size=(1000, 20, 1))
    net.set_params(max_epochs=4).fit(X, X[:, -1, 0])
    return float(np.median(net.net_.history[1:, "dur"]))


def sizes(net: Any) -> dict[str, Any]:
    """Count parameters, and bytes of weights and of activations at batch 32."""
    X = np.random.default_rng(0).normal(size=(40, 20, 1))
    module = net.set_params(max_epochs=1).fit(X, X[:, -1, 0]).module_
    n_bytes = 0

    def count(_: nn.Module, __: Any, output: Any) -> None:
        nonlocal n_bytes
        outputs = output if isinstance(output, tuple) else (output,)
        n_bytes += sum(o.nbytes for o in outputs if isinstance(o, torch.Tensor))

    leaves = [m for m in module.modules() if not list(m.children())]
    hooks = [leaf.register_forward_hook(count) for leaf in leaves]
    with torch.no_grad():
        module.train()(torch.zeros(32, 20, 1))
    for hook in hooks:
        hook.remove()
    return {
        "parameters": net.n_parameters_,
        "weight_bytes": sum(p.nbytes for p in module.parameters()),
        "activation_bytes": n_bytes,
        "receptive_field": getattr(net, "receptive_field_", None),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    names = [name for name in sktsdl.__all__ if is_net(getattr(sktsdl, name))]
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--nets", nargs="+", default=names, choices=names)
    arguments = parser.parse_args()
    seeds = range(arguments.seeds)
    torch.set_num_threads(1)
    RESULTS.mkdir(exist_ok=True)
    store: dict[str, Any] = json.loads(STORE.read_text()) if STORE.exists() else {}

    def once(key: str, measure: Any) -> Any:
        if key not in store:
            store[key] = measure()
            STORE.write_text(json.dumps(store, indent=1, sort_keys=True) + "\n")
            print(f"{key}: {store[key]}", flush=True)
        return store[key]

    naive = once(
        "naive ridership",
        lambda: ridership_error(SeasonalNaiveRegressor(7, column="rail")),
    )
    rows = []
    for name in arguments.nets:
        make = partial(getattr(sktsdl, name), window_norm=None)
        size = once(f"{name} sizes", lambda make=make: sizes(make(random_state=0)))
        seconds = once(
            f"{name} seconds",
            lambda make=make: epoch_seconds(make(random_state=0)),
        )
        sine, rail = [], []
        for seed in seeds:
            net = make(random_state=seed)
            sine.append(once(f"{name} sine {seed}", lambda net=net: sine_score(net)))
            pipe = make_pipeline(SlidingWindow(WINDOW), net)
            rail.append(
                once(
                    f"{name} ridership {seed}",
                    lambda pipe=pipe: ridership_error(pipe),
                )
            )
        rows.append((name, sine, rail, seconds, size))
    if len(rows) == len(names):
        TABLE.write_text(table(rows, naive))
        print(TABLE.read_text())


def table(rows: list[Any], naive: float) -> str:
    """Write one line for each net, best on ridership first."""
    lstm = next(seconds for name, _, _, seconds, _ in rows if name == "LSTMRegressor")
    lines = [
        "# All nets with their defaults",
        "",
        "| net | ridership MAE | ratio to naive (range) | sine R² (lowest) | "
        "epoch ÷ LSTM's | efficiency | parameters | weights | activations | "
        "receptive field |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, sine, rail, seconds, size in sorted(rows, key=lambda r: np.median(r[2])):
        ratio, share = np.median(rail) / naive, seconds / lstm
        lines.append(
            f"| {name.removesuffix('Regressor')} | {np.median(rail):,.0f} | "
            f"{ratio:.3f} ({min(rail) / naive:.3f}-{max(rail) / naive:.3f}) | "
            f"{np.median(sine):.3f} ({min(sine):.3f}) | {share:.2f} | "
            f"{(1 - ratio) / share:.2f} | {size['parameters']:,} | "
            f"{size['weight_bytes'] / 1024:,.0f} KiB | "
            f"{size['activation_bytes'] / 1024:,.0f} KiB | "
            f"{size['receptive_field'] or 'window'} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
