"""The texts of the package: README and the pages of the user guide."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def read(path):
    return path.read_text(encoding="utf-8")


def python_blocks(text):
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def excerpts(text):
    """Return the parts of scripts, which are marked as ``py``."""
    return re.findall(r"^```py\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def needs_extras(block):
    """Say whether a block is run by tests/ecosystem only."""
    return bool(re.search("fastapi|onnx|torch.export", block))
