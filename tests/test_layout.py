"""The shape of the package: who imports whom, and what is public."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import sktsdl

PACKAGE = Path(sktsdl.__file__).parent
LAYERS = (
    (
        "_params",
        "_validation",
        "_sklearn_callbacks",
        "_history",
        "_wrappers",
        "_layers",
        "_device",
        "_outputs",
        "_files",
    ),
    ("_batches",),
    ("_draws", "_samples"),
    ("preprocessing", "_callbacks", "_net", "_standardization"),
    ("datasets", "supervised"),
    ("_training",),
    ("_state", "_training_parameters"),
    ("_base", "baseline", "compose"),
    ("conformal", "multitask", "persistence"),
    ("_recurrent",),
    ("architectures", "inspection"),
    ("__init__",),
)
LAYER = {name: depth for depth, names in enumerate(LAYERS) for name in names}


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path, path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by the full name"
            yield node.module if node.module != "sktsdl" else "sktsdl.__init__"


def test_imports_run_one_way():
    for path, part in modules():
        for name in imported(path):
            if not name.startswith("sktsdl."):
                continue
            other = name.split(".")[1]
            within = part == other and part != "architectures"
            listing = path.name == "__init__.py"
            assert within or listing or LAYER[other] < LAYER[part], f"{path}: {name}"


def declared(pattern):
    text = (PACKAGE.parent / "pyproject.toml").read_text()
    block = re.search(pattern, text, re.DOTALL | re.MULTILINE)
    names = set(re.findall(r'"([\w-]+)', block.group(1)))
    return {"sklearn" if name == "scikit-learn" else name for name in names}


def test_only_declared_packages_are_imported():
    needed = declared(r"^dependencies = \[(.*?)^\]")
    extras = declared(r"^plot = \[(.*?)\]$") | declared(r"^explain = \[(.*?)\]$")
    known = needed | set(sys.stdlib_module_names) | {"sktsdl"}
    for path, part in modules():
        for name in imported(path):
            allowed = known | extras if part == "inspection" else known
            assert name.split(".")[0] in allowed, path


def test_importing_leaves_the_extras_alone():
    code = (
        "import sys, sktsdl.inspection; "
        "heavy = {'matplotlib', 'captum', 'statsmodels', 'sklearn.ensemble'}; "
        "print(heavy & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"set()\n"


def test_preprocessing_needs_no_torch():
    for path, part in modules():
        if part in ("preprocessing", "_history", "_validation", "_params"):
            assert not any(name.startswith("torch") for name in imported(path)), path


def test_the_public_list_is_complete_and_sorted():
    assert sktsdl.__all__ == sorted(sktsdl.__all__)
    public = {name for name in vars(sktsdl) if name[0].isupper()}
    assert public <= set(sktsdl.__all__)


def test_the_wheel_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").exists()


def test_importing_prints_nothing():
    code = "import sktsdl"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")
