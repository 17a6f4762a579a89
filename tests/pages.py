"""The texts of the package: README and the pages of the user guide."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def read(path):
    return path.read_text(encoding="utf-8")


def python_blocks(text):
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def needs_fastapi(block):
    """Say whether a block of docs/serving.md is run by tests/ecosystem only."""
    return "from fastapi import" in block
