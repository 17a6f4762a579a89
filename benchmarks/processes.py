"""The time of one fit on one process and on two, by ``DataParallel`` and gloo.

Run it where nothing else runs; it takes about 3 minutes on two cores.

    python benchmarks/processes.py [--quick]
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import torch
from sklearn.base import clone

from sktsdl.distributed import DataParallel

import speed  # isort: skip
from _study import Figures, Model, Study, main  # isort: skip

N_WINDOWS, N_QUICK = 50_000, 2_000
N_FITS = 3


def fit(path: str, n_windows: int, n_threads: int) -> None:
    """Fit on this rank, and let rank 0 write the seconds and the last loss."""
    torch.set_num_threads(n_threads)
    size = speed.SIZES["big"]
    X, y = speed.windows_and_targets(n_windows, size["window"], size["channels"])
    net = clone(speed.NETS["LSTM"]).set_params(
        max_epochs=size["epochs"],
        batch_size=size["batch_size"],
        random_state=0,
        callbacks=[DataParallel()],
    )
    net.fit(X[:300], y[:300])
    start = time.perf_counter()
    net.fit(X, y)
    figures = {"fit, s": time.perf_counter() - start, "loss": net.loss_curve_[-1]}
    if os.environ["RANK"] == "0":
        Path(path).write_text(json.dumps(figures))


def measure(n_processes: int, n_threads: int, seed: int, quick: bool) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figures.json"
        launch = ["-m", "torch.distributed.run", "--standalone"]
        launch += [f"--nproc-per-node={n_processes}", __file__, "fit", str(path)]
        size = [str(N_QUICK if quick else N_WINDOWS), str(n_threads)]
        environment = os.environ | {"OMP_NUM_THREADS": str(n_threads)}
        command = [sys.executable, *launch, *size]
        subprocess.run(command, check=True, env=environment)
        figures: Figures = json.loads(path.read_text())
    return figures


STUDIES = [
    Study(
        "processes",
        "processes",
        "One net on several processes",
        f"An LSTM of width 64, one epoch on {N_WINDOWS:,} windows of 96 x 7 in batches "
        "of 256. Seconds of `fit` on rank 0, after a fit of 300 windows; medians of "
        f"{N_FITS} runs. The losses are equal up to rounding.",
        {
            "1 process, 1 thread": Model(partial(measure, 1, 1), N_FITS),
            "1 process, 2 threads": Model(partial(measure, 1, 2), N_FITS),
            "2 processes, 1 thread each": Model(partial(measure, 2, 1), N_FITS),
        },
        {"fit, s": ".1f", "loss": ".6f"},
        "1 process, 1 thread",
        n_jobs=1,
    )
]


if __name__ == "__main__":
    if sys.argv[1:2] == ["fit"]:
        fit(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        main(STUDIES)
