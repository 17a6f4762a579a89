"""Configuration of the site. Its source folder is the repository: see the Makefile.

So links between pages, tables of results and scripts are the same in the site and in
the repository.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

from gallery import left_out
from inventories import reachable

from sktsdl import __version__

project = "sktsdl"
author = "the developers of sktsdl"
copyright = author
version = release = __version__

root_doc = "docs/index"
include_patterns = [
    "*.md",
    "docs/**.md",
    "docs/**.rst",
    "benchmarks/results/*.md",
]
exclude_patterns = [".*", "docs/_*", "benchmarks/results/quick", "tests", "sktsdl"]
extensions = [
    "api_links",
    "mathml",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]

# Pages
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 3
highlight_language = "none"
copybutton_exclude = ".linenos, .gp, .go"

# Reference
default_role = "py:obj"
autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "groupwise"
numpydoc_show_class_members = False
numpydoc_attributes_as_param_list = True
add_function_parentheses = False
toc_object_entries_show_parents = "hide"

# Examples
sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "docs/gallery",
    "backreferences_dir": "docs/generated/examples",
    "doc_module": "sktsdl",
    "filename_pattern": "/plot_",
    "ignore_pattern": left_out(ROOT / "examples"),
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
    "write_computation_times": False,
}

# Other sites, where a network is
intersphinx_mapping = reachable(
    {
        "python": "https://docs.python.org/3/",
        "sklearn": "https://scikit-learn.org/stable/",
        "pandas": "https://pandas.pydata.org/docs/",
        "torch": "https://docs.pytorch.org/docs/stable/",
        "skorch": "https://skorch.readthedocs.io/en/stable/",
    },
    ROOT / "docs" / "_build" / "inventories",
)

# Theme
html_theme = "pydata_sphinx_theme"
html_math_renderer = "mathml"
html_title = "sktsdl"
html_static_path = ["_static"]
html_css_files = ["site.css"]
templates_path = [str(ROOT / "docs" / "_templates")]
html_additional_pages = {"index": "redirect.html"}
html_copy_source = False
html_favicon = "_static/icon.svg"
html_context = {"default_mode": "auto"}
html_show_sourcelink = False
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
    "navbar_persistent": ["search-button"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"docs/get_started": [], "README": []}
