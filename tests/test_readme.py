"""What README and CONTRIBUTING show runs, and what they list is there."""

import re
from pathlib import Path

import numpy as np

import sktsdl
from sktsdl import SlidingWindow

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def run_blocks(text):
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert blocks
    names = {"__name__": "examples"}
    for block in blocks:
        exec(compile(block, "examples", "exec"), names)
    return names


def test_the_example_runs(capsys):
    names = run_blocks(README)
    assert names["attributions"].shape == (35, 12, 2)
    assert names["by_channel"].importances.shape == (2, 5)
    assert names["by_lag"].importances.shape == (12, 5)
    forecast = float(capsys.readouterr().out.strip(" []\n"))
    assert 350 < forecast < 550


def test_the_table_lists_every_public_name():
    table = README.split("## Public names")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line[:3] == "| `"]
    names = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(names) == sktsdl.__all__


def test_tables_are_those_of_the_results():
    marked = re.findall(r"<!-- ([\w-]+) -->\n\n((?:\|.*\n)+)", README)
    assert len(marked) >= 8
    for name, table in marked:
        path = ROOT / "benchmarks" / "results" / f"{name}.md"
        assert table in path.read_text(encoding="utf-8"), name
    for path in re.findall(r"\]\((benchmarks/results/[\w.-]+)\)", README):
        assert (ROOT / path).exists(), path


def test_every_picture_and_explanation_is_listed_and_there():
    section = README.split("## Explanations and pictures")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line[:3] == "| `"]
    names = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(names) == sorted(sktsdl.inspection.__all__)
    pictures = re.findall(r"\(docs/images/(.*?)\)", section)
    there = {path.name for path in (ROOT / "docs" / "images").iterdir()}
    assert set(pictures) == there
    assert all(
        (ROOT / "docs" / "images" / name).stat().st_size < 60_000 for name in pictures
    )


def test_a_thirteenth_net_needs_no_more_than_contributing_says():
    names = run_blocks((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    rows = np.random.default_rng(0).normal(size=(200, 2))
    y = np.array([rows[max(t - 4, 0) : t + 1, 0].mean() for t in range(200)])
    windows = SlidingWindow(5).fit_transform(rows)
    for steps, least in (("last", 0.9), ("all", 0.5)):
        net = names["MovingAverageRegressor"](
            loss_steps=steps, max_epochs=30, lr=1e-2, random_state=0
        )
        assert net.fit(windows[:150], y[:150]).score(windows[150:], y[150:]) > least
    assert "width" in net.get_params()
