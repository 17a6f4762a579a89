"""A benchmark as a table of models, whose figures are stored as they are made."""

import argparse
import importlib
import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch

RESULTS = Path(__file__).parent / "results"
QUICK = RESULTS / "quick"
PACKAGES = ("sktsdl", "torch", "scikit-learn", "skorch", "numpy", "pandas")
N_JOBS = 2

Figures = dict[str, Any]
Maker = Callable[..., Any]  # from a seed, and whether it is quick, to a model


@dataclass(frozen=True)
class Model:
    """A row of a table.

    Parameters
    ----------
    measure : callable
        From a seed, and whether only the shape of the table is wanted, to figures.
    n_seeds : int
        How many seeds decide it.
    """

    measure: Callable[[int, bool], Figures]
    n_seeds: int = 1


def measured_by(
    measure: Callable[[Maker, int, bool], Figures], makers: dict[str, tuple[Maker, int]]
) -> dict[str, Model]:
    """Return rows of makers and their numbers of seeds, all measured the same way."""
    return {
        name: Model(partial(measure, make), n_seeds)
        for name, (make, n_seeds) in makers.items()
    }


@dataclass(frozen=True)
class Study:
    """A table.

    Parameters
    ----------
    name : str
        That of its files.
    module : str
        The module that it stands in.
    title, protocol : str
        What is above and below it: series, rows, splits, what was chosen where.
    models : dict of {str: Model}
        Its rows.
    columns : dict of {str: str}
        The figures it shows, with their formats; the first one with its range.
    reference : str or None
        The model whose first figure the others are given as a ratio to.
    skips : callable or None
        Why a model cannot be measured here, or nothing.
    n_jobs : int
        How many models are measured at once.
    """

    name: str
    module: str
    title: str
    protocol: str
    models: dict[str, Model]
    columns: dict[str, str]
    reference: str | None = None
    skips: Callable[[str], str | None] = lambda model: None
    n_jobs: int = N_JOBS

    def path(self, suffix: str, quick: bool = False) -> Path:
        return (QUICK if quick else RESULTS) / f"{self.name}{suffix}"

    def run(self, quick: bool, names: Iterable[str] | None = None) -> None:
        """Measure what is not stored yet, and write the table."""
        store = self.read(quick)
        todo = []
        for name in self.models if names is None else names:
            reason = self.skips(name)
            if reason:
                print(f"{self.name}, {name}: skipped, {reason}", flush=True)
                continue
            for seed in range(1 if quick else self.models[name].n_seeds):
                if str(seed) not in store["runs"].get(name, {}):
                    todo.append((name, seed))
        parallel = joblib.Parallel(n_jobs=self.n_jobs, return_as="generator_unordered")
        tasks = (
            joblib.delayed(_measure)(self.module, self.name, name, seed, quick)
            for name, seed in todo
        )
        for name, seed, figures in parallel(tasks):
            store["runs"].setdefault(name, {})[str(seed)] = figures
            store["machine"] = machine(self.n_jobs)
            self._write(store, quick)
            shown = {key: figures[key] for key in self.columns if key in figures}
            print(f"{self.name}, {name}, seed {seed}: {shown}", flush=True)
        self._write(store, quick)

    def read(self, quick: bool = False) -> dict[str, Any]:
        """Return what is stored."""
        path = self.path(".json", quick)
        if path.exists():
            stored: dict[str, Any] = json.loads(path.read_text())
            return stored
        return {"runs": {}}

    def _write(self, store: dict[str, Any], quick: bool) -> None:
        store["title"], store["protocol"] = self.title, self.protocol
        path = self.path(".json", quick)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_text(store) + "\n")
        table = f"# {self.title}\n\n{self.table(store['runs'])}\n{self.protocol}\n"
        self.path(".md", quick).write_text(table)

    def table(self, runs: dict[str, Any]) -> str:
        """Return medians over the seeds, the first one with its range."""
        (first, digits), *others = self.columns.items()
        heads = ["model", first, "range"]
        heads += ["ratio"] if self.reference else []
        heads += [name for name, _ in others]
        lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
        unit = None
        if self.reference in runs:
            unit = np.median([seed[first] for seed in runs[self.reference].values()])
        for name in self.models:
            if name not in runs:
                continue
            seeds = list(runs[name].values())
            values = [seed[first] for seed in seeds]
            median = float(np.median(values))
            low, high = (format(end(values), digits) for end in (min, max))
            cells = [name, format(median, digits), f"{low}-{high}"]
            if len(values) == 1:
                cells[-1] = ""
            if self.reference:
                cells.append(f"{median / unit:.3f}" if unit else "")
            for key, shape in others:
                known = [seed[key] for seed in seeds if seed.get(key) is not None]
                cells.append(format(float(np.median(known)), shape) if known else "")
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"


def _measure(
    module: str, study: str, model: str, seed: int, quick: bool
) -> tuple[str, int, Figures]:
    torch.set_num_threads(1)
    sys.path.insert(0, str(Path(__file__).parent))
    studies = {s.name: s for s in importlib.import_module(module).STUDIES}
    return model, seed, studies[study].models[model].measure(seed, quick)


def as_text(value: Any, depth: int = 0) -> str:
    """Return JSON with a line for each run of a model."""
    if depth == 3 or not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    indent = " " * (depth + 1)
    lines = (
        f"{indent}{json.dumps(k)}: {as_text(v, depth + 1)}" for k, v in value.items()
    )
    return "{\n" + ",\n".join(lines) + "\n" + " " * depth + "}"


def processor() -> str:
    """Return the name of the processor."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        names = [line.split(": ")[1] for line in lines if line.startswith("model name")]
        if names:
            return names[0]
    return platform.processor() or platform.machine()


def machine(n_jobs: int = 1) -> dict[str, Any]:
    """Return versions and machine, where `n_jobs` models are measured at once."""
    return {
        "cpu": processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads of a fit": "1, if the name of its row does not say more",
        "fits at once": n_jobs,
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def main(studies: Sequence[Study]) -> None:
    """Run some studies from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="+", choices=[s.name for s in studies])
    parser.add_argument("--quick", action="store_true", help="show each table's shape")
    parser.add_argument(
        "--row", help="measure one model anew, print its figures and store nothing"
    )
    arguments = parser.parse_args()
    for study in studies:
        if arguments.only and study.name not in arguments.only:
            continue
        if arguments.row is None:
            study.run(arguments.quick)
            print(f"\n{study.path('.md', arguments.quick).read_text()}", flush=True)
        elif arguments.row in study.models:
            seeds = range(study.models[arguments.row].n_seeds)
            runs = [
                _measure(study.module, study.name, arguments.row, seed, False)
                for seed in seeds
            ]
            found = {str(seed): figures for _, seed, figures in runs}
            print(study.table({arguments.row: found}))
