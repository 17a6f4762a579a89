"""What a release consists of agrees: versions, packages, workflows, the wheel."""

import ast
import inspect
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest
import yaml

import sktsdl
from tests.pages import ROOT, read

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
RECIPE = yaml.safe_load(read(ROOT / "conda" / "recipe.yaml"))
PROJECT = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]


def pinned(package):
    lines = read(ROOT / "constraints.txt").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)[package]


def test_the_versions_agree():
    assert yaml.safe_load(read(ROOT / "CITATION.cff"))["version"] == sktsdl.__version__
    assert RECIPE["context"]["version"] == sktsdl.__version__
    latest = re.search(r"^## \[(.+?)\]", read(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert latest.group(1) == sktsdl.__version__


def test_the_recipe_needs_the_packages_of_the_project():
    declared = [name.replace("torch", "pytorch") for name in PROJECT["dependencies"]]
    python, *packages = (
        name.replace(" ", "") for name in RECIPE["requirements"]["run"]
    )
    assert packages == declared
    assert python == "python>=${{python_min}}"
    assert f">={RECIPE['context']['python_min']}" == PROJECT["requires-python"]


def test_pre_commit_has_the_versions_of_make_lint():
    hooks = yaml.safe_load(read(ROOT / ".pre-commit-config.yaml"))["repos"]
    versions = {hook["repo"].rpartition("/")[2]: hook.get("rev") for hook in hooks}
    assert versions["ruff-pre-commit"] == f"v{pinned('ruff')}"
    assert versions["codespell"] == f"v{pinned('codespell')}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_run_targets_of_the_makefile(path):
    targets = re.findall(r"^([\w-]+):", read(ROOT / "Makefile"), re.MULTILINE)
    workflow = yaml.safe_load(read(path))
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        chosen = job.get("strategy", {}).get("matrix", {}).get("target", [])
        commands = [step["run"] for step in job["steps"] if "run" in step]
        for command in commands:
            if command.startswith("make "):
                names = command.replace("${{ matrix.target }}", " ".join(chosen))
                assert set(names.split()[1:]) <= set(targets)


def test_all_supported_versions_of_python_are_tested():
    (tests,) = (path for path in WORKFLOWS if path.stem == "tests")
    versions = yaml.safe_load(read(tests))["jobs"]["tests"]["strategy"]["matrix"]
    named = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if ":: 3." in c]
    assert versions["python"] == named
    assert PROJECT["requires-python"] == f">={named[0]}"


def test_the_forms_have_what_github_asks_for():
    assert [path.stem for path in FORMS] == ["bug", "config", "feature"]
    for path in FORMS:
        form = yaml.safe_load(read(path))
        if path.stem != "config":
            assert {"name", "description", "body"} <= form.keys()
            ids = [part["id"] for part in form["body"] if part["type"] != "markdown"]
            assert len(ids) == len(set(ids))


def test_the_wheel_has_types_and_data(tmp_path):
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "_build")
    shutil.copytree(ROOT, source, ignore=ignored)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (wheel,) = (source / "dist").iterdir()
    assert wheel.name == f"sktsdl-{sktsdl.__version__}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    assert {"sktsdl/py.typed", "sktsdl/datasets/air_passengers.csv"} <= set(names)
    files = (ROOT / "sktsdl").rglob("*.py")
    assert {str(path.relative_to(ROOT).as_posix()) for path in files} <= set(names)


def test_the_checked_types_are_of_all_parameters():
    """``make lint`` and ``make types`` check the file."""
    tree = ast.parse(read(ROOT / "tests" / "typing" / "constructors.py"))
    calls = [
        [keyword.arg for keyword in node.keywords]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and len(node.keywords) > 10
    ]
    assert calls == [list(inspect.signature(sktsdl.LSTMRegressor).parameters)]
