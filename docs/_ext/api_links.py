"""Links to the reference from names in the pages, and from docstrings."""

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.ext.autosummary import autosummary_table

import sktsdl

NO_PLACES = (addnodes.pending_xref, nodes.reference, nodes.title)
MODULES = (sktsdl, sktsdl.datasets, sktsdl.distributed, sktsdl.inspection)
MODULES += (sktsdl.metrics,)
PLACES = {
    name: f"{module.__name__}.{name}"
    for module in MODULES
    for name in module.__all__
    if callable(getattr(module, name))
}


def link_names(app: Sphinx, doctree: nodes.document) -> None:
    """Link public names in code font to the reference."""
    for node in list(doctree.findall(nodes.literal)):
        place = PLACES.get(node.astext())
        if place is None or isinstance(node.parent, NO_PLACES):
            continue
        link = addnodes.pending_xref(
            "", refdomain="py", reftype="obj", reftarget=place, refexplicit=True
        )
        node.replace_self(link)
        link += node


def plain_summaries(app: Sphinx, doctree: nodes.document) -> None:
    """Leave citations, whose labels numpydoc makes up, out of the lists of names."""
    for table in doctree.findall(autosummary_table):
        for node in list(table.findall(addnodes.pending_xref)):
            if node["refdomain"] == "citation":
                paragraph, before = node.parent, node.previous_sibling()
                if isinstance(before, nodes.Text):
                    paragraph.replace(before, nodes.Text(before.rstrip(" .")))
                paragraph.remove(node)


def plain_labels(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Leave labels of scikit-learn's user guide out of inherited docstrings."""
    text = "\n".join(lines)
    text = re.sub(r":(?:ref|term):`([^`<]+?)(?:\s*<[\w-]+>)?`", r"\1", text)
    lines[:] = text.split("\n")


def setup(app: Sphinx) -> dict[str, bool]:
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("doctree-read", link_names)
    app.connect("doctree-read", plain_summaries)
    app.connect("autodoc-process-docstring", plain_labels)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
