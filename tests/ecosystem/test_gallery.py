"""Every example of the gallery runs, and draws."""

import importlib.util
import os
import re
import runpy
from pathlib import Path

import matplotlib
import pytest
from matplotlib import pyplot as plt

from tests.pages import ROOT, read

EXAMPLES = sorted((ROOT / "examples").glob("plot_*.py"))

# What torch warns of while it exports.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning"
)


def is_missing(need):
    """Say whether a package, or a file of SKTSDL_DATA, is not there."""
    if need.startswith("package "):
        return importlib.util.find_spec(need.removeprefix("package ")) is None
    return not (Path(os.environ.get("SKTSDL_DATA", "")) / need).is_file()


def needs(path):
    """Return what the first line of an example says that it needs."""
    found = re.match(r"# needs: (.*)\n", read(path))
    return found[1].split(", ") if found else []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_draws(path, monkeypatch, tmp_path):
    missing = [need for need in needs(path) if is_missing(need)]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not there")
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", lambda: None)
    try:
        runpy.run_path(str(path))
        assert plt.get_fignums()
    finally:
        plt.close("all")


def test_examples_say_what_they_need():
    """An example that is run without a file or a package would stop the build."""
    for path in EXAMPLES:
        text, needed = read(path), needs(path)
        assert ("SKTSDL_DATA" in text or "fetch_" in text) == any(
            not need.startswith("package ") for need in needed
        ), path.name
        for name in ("optuna", "onnxruntime"):
            uses = re.search(rf"^(import|from) {name}", text, re.MULTILINE)
            assert bool(uses) == (f"package {name}" in needed), path.name


def test_the_gallery_has_titles_and_blocks():
    assert len(EXAMPLES) >= 15
    for path in EXAMPLES:
        title = re.search(r'^"""\n(.+)\n(=+)\n', read(path), re.MULTILINE)
        assert title is not None, path.name
        assert len(title[1]) == len(title[2]), path.name
        assert read(path).count("\n# %%\n") >= 2, path.name
