"""The shape of the package: who imports whom, and what is public."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib.metadata import version
from pathlib import Path

import sktsdl

PACKAGE = Path(sktsdl.__file__).parent
FLOORS = (
    {"_sklearn"},
    {"_layers", "_windows"},
    {"preprocessing", "_training"},
    {"_estimator", "baseline", "supervised", "model_selection", "datasets", "metrics"},
    {"architectures", "compose", "distributed"},
    {"forecasting"},
    {"inspection", "persistence"},
    {"__init__"},
)
FLOOR = {room: depth for depth, rooms in enumerate(FLOORS) for room in rooms}


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path, path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by the full name"
            if node.module == "sktsdl":
                yield from (f"sktsdl.{alias.name}" for alias in node.names)
            else:
                yield node.module


def package_imports(path):
    """The files of the package that a file imports."""
    for name in imported(path):
        if name.startswith("sktsdl."):
            file = PACKAGE.joinpath(*name.split(".")[1:])
            yield file / "__init__.py" if file.is_dir() else file.with_suffix(".py")


def room(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def test_imports_go_down():
    for path, _ in modules():
        for other in package_imports(path):
            same_room = room(other) == room(path) != "architectures"
            shared = other.name == "_recurrent.py" and room(path) == "architectures"
            listing = path.name == "__init__.py"
            below = FLOOR[room(other)] < FLOOR[room(path)]
            assert same_room or shared or listing or below, f"{path}: {other}"


def test_no_imports_in_a_circle():
    TopologicalSorter({path: package_imports(path) for path, _ in modules()}).prepare()


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


def test_importing_prints_nothing_and_leaves_the_extras_alone():
    code = (
        "import sys, sktsdl.inspection; "
        "heavy = {'matplotlib', 'captum', 'statsmodels', 'sklearn.ensemble', "
        "'sklearn.datasets'}; print(heavy & sys.modules.keys())"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"set()\n", b"")


def test_torch_is_loaded_first():
    """It takes more time to load after pandas and scikit-learn."""
    code = "import sys, sktsdl; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    loaded = done.stdout.split()
    first = loaded.index("torch")
    assert all(first < loaded.index(name) for name in ("pandas", "sklearn"))


def test_windows_and_preprocessing_need_no_torch():
    for path, part in modules():
        if part not in ("_sklearn", "_windows", "preprocessing"):
            continue
        reached, new = set(), {path}
        while new:
            reached |= new
            new = {other for file in new for other in package_imports(file)} - reached
        for file in reached:
            packages = {name.split(".")[0] for name in imported(file)}
            assert not packages & {"torch", "skorch"}, f"{path}: {file}"


def test_the_public_list_is_complete_and_sorted():
    assert sktsdl.__all__ == sorted(sktsdl.__all__)
    public = {name for name in vars(sktsdl) if name[0].isupper()}
    assert public <= set(sktsdl.__all__)


def test_the_version_is_that_of_the_package():
    assert sktsdl.__version__ == version("sktsdl")
