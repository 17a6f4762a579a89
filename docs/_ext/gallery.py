"""Which scripts the gallery leaves out."""

import os
import re
from importlib.util import find_spec
from pathlib import Path


def left_out(folder: Path) -> str:
    """Return a pattern of the scripts that are no examples, or lack what they need.

    A script names what it needs in a line such as ``# needs: package optuna`` or
    ``# needs: riders.csv``, a file in the folder that ``SKTSDL_DATA`` names.
    """
    paths = folder.glob("*.py")
    names = [p.name for p in paths if p.name[:5] != "plot_" or not _can_run(p)]
    return "|".join(f"^{re.escape(name)}$" for name in names) or "^$"


def _can_run(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    lines = re.findall(r"^# needs: (.+)$", text, re.MULTILINE)
    return all(_has(need) for line in lines for need in line.split(", "))


def _has(need: str) -> bool:
    if need.startswith("package "):
        return find_spec(need.removeprefix("package ")) is not None
    return Path(os.environ.get("SKTSDL_DATA", "/nonexistent"), need).exists()
