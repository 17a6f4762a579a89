"""Run pages, and keep the pictures they save: ``python -m docs.drawings.pages``."""

import shutil
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib

from tests.pages import ROOT, python_blocks, read

PAGES = ("get_started", "forecasting")


def main() -> None:
    matplotlib.use("agg")
    for page in PAGES:
        names: dict[str, Any] = {"__name__": page}
        with TemporaryDirectory() as folder, chdir(folder):
            for block in python_blocks(read(ROOT / "docs" / f"{page}.md")):
                exec(block, names)
            for picture in Path(folder).glob("*.png"):
                shutil.copy(picture, ROOT / "docs" / "images")


if __name__ == "__main__":
    main()
