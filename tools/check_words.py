"""Find words and phrases that have a plainer one, in prose, comments and strings.

``python tools/check_words.py PATH ...`` reads Markdown and Python files, and all of a
folder. codespell knows single words in any case, but no phrases, and it cannot tell
text from names.
"""

import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

PLAINER = {
    r"\b[Aa]nswer(s|ed)?\b": "prediction, output",
    r"\blearnt\b": "learned, training indices",
    r"\bwatched\b": "validation set",
    r"\btold\b": "given; sklearn callbacks",
    r"\bpassing\b": "extra callbacks",
    r"\bpart_size\b": "micro-batch size",
    r"\bClock\b(?! change)": "TrainingIndex",
    r"\bPoints\b": "PointTargets",
    r"\bcoded\b": "class columns",
    r"\bwhat a row counts\b": "the row's weight",
    r"(?<![Tt]here )\bis no\b": "is not a",
    r"(?<![Tt]here )\bis none\b": "is not one",
    r"\bas many as\b": "the noun itself",
    r"\bthose of that\b": "the noun itself",
    r"\btheirs\b": "the noun itself",
    r"\bthe ranges of all but the last\b": "all ranges but the last",
}


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Give each text of a file, with its first line."""
    if path.suffix != ".py":
        yield 1, path.read_text(encoding="utf-8")
        return
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type in (tokenize.COMMENT, tokenize.STRING):
                yield token.start[0], token.string


def findings(path: Path) -> Iterator[str]:
    for first, text in texts(path):
        for pattern, plainer in PLAINER.items():
            for found in re.finditer(pattern.replace(" ", r"\s"), text):
                line = first + text[: found.start()].count("\n")
                words = " ".join(found.group().split())
                yield f"{path}:{line}: '{words}': write '{plainer}'"


def main(names: list[str]) -> int:
    paths = [path for name in names for path in (Path(name), *Path(name).rglob("*"))]
    made = {"_build"}  # by sphinx
    files = [
        path
        for path in paths
        if path.suffix in (".md", ".py") and not made & {*path.parts}
    ]
    found = [line for path in files for line in findings(path)]
    print(*found, sep="\n", end="\n" if found else "")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
