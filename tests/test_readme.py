"""What README shows runs, and what it lists is there."""

import re
from pathlib import Path

import sktsdl

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_example_runs(capsys):
    blocks = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    forecast = float(capsys.readouterr().out.strip(" []\n"))
    assert 350 < forecast < 550


def test_the_table_lists_every_public_name():
    table = README.split("## Public names")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line[:3] == "| `"]
    names = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(names) == sktsdl.__all__
