"""Formulas as MathML, which browsers draw without a script."""

import re
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

ACCENTS = r"bar|hat|over(?:left|right)arrow|tilde|vec"
ACCENT = rf"(\\(?:{ACCENTS})\s*(?:\{{[^{{}}]*\}}|\\[A-Za-z]+|\w))"
BROKEN = re.compile("(?<!<mtr>)(?<!</mtd>)<mtd")  # a cell that is not in a row
logger = logging.getLogger(__name__)


def converted(node: nodes.Element, *, block: bool) -> str:
    text = re.sub(r"(\\[bB]ig)(?=\s*(?:[)\]]|\\}))", r"\1r", node.astext())
    text = re.sub(r"(\\[bB]ig)(?=[^A-Za-z])", r"\1l", text)
    text = re.sub(ACCENT, r"{{}\1}", text)  # or its subscript is set below it
    if block and "\\begin" not in text and ("&" in text or "\\\\" in text):
        text = f"\\begin{{aligned}}{text}\\end{{aligned}}"
    try:
        found = tex2mathml(text, as_block=block)
        if BROKEN.search(re.sub(r"\s", "", found)):
            raise MathError("a bracket is open at the end of a row or column")
        return found
    except (AttributeError, MathError) as error:
        logger.warning("%r is not a formula: %s", text, error, location=node)
        return f"<code>{node.astext()}</code>"


def visit_inline(self: Any, node: nodes.Element) -> None:
    self.body.append(converted(node, block=False))
    raise nodes.SkipNode


def visit_block(self: Any, node: nodes.Element) -> None:
    self.body.append(f'<div class="math">{converted(node, block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
