"""Texts that several docstrings share."""

import re
import textwrap
from collections.abc import Mapping


def fill_docs(item: object, texts: Mapping[str, str]) -> None:
    """Replace each line ``{name}`` of the docstring of `item` by the text `name`.

    A text takes the indentation of the line that it replaces.
    """
    if item.__doc__ is None:
        return

    def fill(line: re.Match[str]) -> str:
        indent, name = line.groups()
        return textwrap.indent(texts[name], indent) if name in texts else line[0]

    item.__doc__ = re.sub(r"^( *)\{(\w+)\}$", fill, item.__doc__, flags=re.MULTILINE)
