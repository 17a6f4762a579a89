"""Each net has a page of theory, whose formulas and figures are right."""

import ast
import re
import runpy

import pytest

import sktsdl
from tests.pages import ROOT, python_blocks, read

NETS = {
    cls.__module__.rpartition(".")[2]: name
    for name, cls in vars(sktsdl).items()
    if getattr(cls, "__module__", "").startswith("sktsdl.architectures.")
}
FOLDER = ROOT / "docs" / "nets"

every_net = pytest.mark.parametrize("net", NETS)


def stems(folder):
    return {path.stem for path in folder.iterdir()}


def test_every_net_has_its_page_and_its_picture():
    files = (ROOT / "sktsdl" / "architectures").glob("[a-z]*.py")
    assert set(NETS) == {path.stem for path in files}
    assert stems(FOLDER) == set(NETS)
    assert stems(ROOT / "docs" / "images" / "nets") == set(NETS)


@every_net
def test_a_page_is_of_its_net_and_linked(net):
    page = read(FOLDER / f"{net}.md")
    assert f"\n`{NETS[net]}` " in page
    assert f"](../images/nets/{net}.svg)" in page
    table = read(ROOT / "docs" / "nets.md")
    assert f"| [`{NETS[net]}`](nets/{net}.md) |" in table


def compares_the_number_of_parameters(block):
    tests = [
        node.test for node in ast.walk(ast.parse(block)) if type(node) is ast.Assert
    ]
    return any("n_parameters_ ==" in ast.unparse(test) for test in tests)


@every_net
def test_the_formula_of_the_parameters_holds(net):
    formula, example = python_blocks(read(FOLDER / f"{net}.md"))
    assert compares_the_number_of_parameters(formula)
    exec(compile(formula, f"{net}.md", "exec"), {})
    lines = [line for line in example.splitlines() if line]
    assert len(lines) <= 8
    exec(compile(example, f"{net}.md", "exec"), {})


def figures(text):
    """Return the numbers of a text that have a fraction, or thousands."""
    return set(re.findall(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+\.\d+", text))


@every_net
def test_figures_are_those_of_the_files_that_a_page_links(net):
    page = read(FOLDER / f"{net}.md")
    section = page.split("## Cost")[1].split("## Options")[0]
    linked = set(re.findall(r"\]\(([^)#]+\.md)", section))
    stored = set().union(*(figures(read(FOLDER / path)) for path in linked))
    prose = re.sub(r"arXiv:\S+|`[^`]*`", "", section)
    assert figures(prose) <= stored


def table_rows(path):
    lines = [line for line in read(path).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_ranks_are_those_of_the_stored_results():
    stored = table_rows(ROOT / "benchmarks" / "results" / "architectures.md")
    ranks = {
        f"{net}Regressor": f"{rank}: {ratio.split()[0]}"
        for rank, (net, _, ratio, *_) in enumerate(stored, 1)
    }
    table = table_rows(ROOT / "docs" / "nets.md")
    shown = {row[0].split("`")[1]: row[-1] for row in table if "](nets/" in row[0]}
    assert shown == ranks


def test_no_label_of_a_drawing_overlaps(monkeypatch):
    folder = ROOT / "docs" / "drawings"
    monkeypatch.syspath_prepend(folder)
    drawings = runpy.run_path(folder / "nets.py")["DRAWINGS"]
    assert set(drawings) == set(NETS)
    for draw in drawings.values():
        draw().check()
