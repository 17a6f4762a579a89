"""Rows on disk: the memory of a fit and a prediction, and the time of a fit.

Makes files of random numbers under a folder, and removes them at the end. Memory is
the private memory of a process of its own (of ``/proc/self/smaps_rollup``), above that
after the imports; its peak is sampled by a thread. The time of `fit` is that with the
file in the cache of the system, divided by that of the same rows in memory, in turn.
Writes ``benchmarks/results/disk.md`` and ``disk.json``. Run it where nothing else runs.

    python benchmarks/disk.py [--folder DIR] [--gigabytes 10] [--pairs 3]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.pipeline import Pipeline, make_pipeline

from sktsdl import LSTMRegressor, SlidingWindow, WindowMLPRegressor

from _study import machine  # isort: skip

RESULTS = Path(__file__).parent / "results"
N_COLUMNS = 1_000
N_AT_ONCE = 10_000
WINDOW = 24
TIMED_SHARES = {"MLP": 1.0, "LSTM": 0.1}  # of the windows
MEMORY_GOAL = 300  # MB
TIME_GOAL = 1.5
NETS = {
    "MLP": WindowMLPRegressor(hidden_sizes=(32,), max_epochs=1, random_state=0),
    "LSTM": LSTMRegressor(hidden_sizes=(64,), max_epochs=1, random_state=0),
}


def n_rows_of(gigabytes: float) -> int:
    return int(gigabytes * 1e9 / (4 * N_COLUMNS))


def write_rows(path: Path, n_rows: int) -> None:
    """Write float32 rows, some at a time."""
    rng = np.random.default_rng(0)
    level = np.zeros(N_COLUMNS, np.float32)
    with path.open("wb") as file:
        for start in range(0, n_rows, N_AT_ONCE):
            shape = (min(N_AT_ONCE, n_rows - start), N_COLUMNS)
            steps = rng.standard_normal(shape, dtype=np.float32)
            rows = level + np.cumsum(steps, axis=0, dtype=np.float32)
            rows.tofile(file)
            level = rows[-1]


def rows_of(path: Path) -> np.ndarray:
    return np.memmap(path, np.float32, "r").reshape(-1, N_COLUMNS)


def targets_of(n_rows: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(n_rows)


def fit(net: str, X: np.ndarray, y: np.ndarray, share: float) -> Pipeline:
    """Train on the last share of the windows."""
    model = make_pipeline(SlidingWindow(WINDOW), NETS[net])
    weight = np.zeros(len(y))
    weight[-int(share * len(y)) :] = 1
    name = model.steps[-1][0]
    return model.fit(X, y, **{f"{name}__sample_weight": weight})


def private_bytes() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line[:8] == "Private_")


def peak_memory(path: Path, net: str, share: float, n_predicted: int) -> dict[str, Any]:
    """Return the peak of private memory in MB, and the seconds that it took."""
    X = rows_of(path)
    before, peak = private_bytes(), 0
    is_done = threading.Event()

    def sample() -> None:
        nonlocal peak
        while not is_done.wait(0.05):
            peak = max(peak, private_bytes())

    sampler = threading.Thread(target=sample)
    sampler.start()
    start = time.perf_counter()
    model = fit(net, X, targets_of(len(X)), share)
    model.predict(X[:n_predicted])
    seconds = time.perf_counter() - start
    is_done.set()
    sampler.join()
    return {"MB": (peak - before) / 1e6, "seconds": seconds}


def fit_seconds(net: str, X: np.ndarray, y: np.ndarray, share: float) -> float:
    start = time.perf_counter()
    fit(net, X, y, share)
    return time.perf_counter() - start


def time_ratios(path: Path, net: str, share: float, pairs: int) -> list[float]:
    """Return the time of a fit to a file divided by that of its rows in memory."""
    on_disk, in_memory = rows_of(path), np.array(rows_of(path))
    y = targets_of(len(in_memory))
    fit(net, in_memory[:1_000], y[:1_000], share)  # what is loaded at first use
    ratios = []
    for _ in range(pairs):
        seconds = [fit_seconds(net, X, y, share) for X in (on_disk, in_memory)]
        ratios.append(seconds[0] / seconds[1])
    return ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the files are made")
    parser.add_argument("--gigabytes", type=float, default=10, help="for memory")
    parser.add_argument("--timed", type=float, default=1, help="gigabytes for time")
    parser.add_argument("--share", type=float, default=0.02, help="of windows, memory")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.memory_of:
        found = peak_memory(arguments.memory_of, "LSTM", arguments.share, 20_000)
        print(json.dumps(found))
        return
    store: dict[str, Any] = {"machine": machine()}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = Path(folder) / "rows.bin"
        write_rows(path, n_rows_of(arguments.gigabytes))
        command = [sys.executable, __file__, "--memory-of", str(path)]
        command += ["--share", str(arguments.share)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        asked = {"GB": arguments.gigabytes, "share": arguments.share}
        store["memory"] = asked | json.loads(done.stdout)
        print(store["memory"], flush=True)
        write_rows(path, n_rows_of(arguments.timed))
        store["time"] = {"GB": arguments.timed}
        for net in NETS:
            store["time"][net] = time_ratios(
                path, net, TIMED_SHARES[net], arguments.pairs
            )
            print(net, store["time"][net], flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "disk.json").write_text(json.dumps(store, indent=1) + "\n")
    (RESULTS / "disk.md").write_text(report(store))
    print(report(store))


def report(store: dict[str, Any]) -> str:
    """Return the table, and what was measured."""
    memory, times = store["memory"], store["time"]
    lines = ["| work | median | range | goal |", "|---|---|---|---|"]
    lines.append(
        f"| memory above the imports, {memory['GB']:g} GB of rows | "
        f"{memory['MB']:.0f} MB |  | {MEMORY_GOAL} MB |"
    )
    for net in NETS:
        lines.append(
            f"| fit of {net} on a file of {times['GB']:g} GB ÷ in memory | "
            f"{np.median(times[net]):.2f} | {min(times[net]):.2f}-"
            f"{max(times[net]):.2f} | {TIME_GOAL:.2f} |"
        )
    share = memory["share"]
    about = (
        f"Rows of {N_COLUMNS:,} float32 columns in a memory map, windows of {WINDOW} "
        "rows, one thread, and another one that reads. The memory is the peak of the "
        f"private memory of the process, in a fit of the LSTM to {share:.1%} of the "
        "windows after the statistics of the rows, and a prediction of 20,000 rows. "
        f"The times are of one epoch over {TIMED_SHARES['MLP']:.0%} (MLP) and "
        f"{TIMED_SHARES['LSTM']:.0%} (LSTM) of the windows, with the file in the cache "
        "of the system."
    )
    title = f"# Rows on disk\n\n{store['machine']['cpu']}\n"
    return f"{title}\n" + "\n".join(lines) + f"\n\n{about}\n"


if __name__ == "__main__":
    main()
