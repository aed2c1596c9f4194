"""Sphinx's settings for the site: ``tox -e docs`` builds it, ``tox -e linkcheck`` checks its links."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

DOCS = Path(__file__).parent

# The site shows the docstrings of this clone, installed or not. No page needs a display.
sys.path[:0] = [str(DOCS / "_extensions"), str(DOCS.parent)]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from asyncslot import __version__  # noqa: E402 - where it is found has just been said.

project = "asyncslot"
project_copyright = author = "The asyncslot developers"
version = release = __version__
html_title = f"asyncslot {release}"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.intersphinx",
    "sphinx.ext.doctest",
    "api_links",
    "shown_files",
]

exclude_patterns = ["_build", "_extensions"]

# Markdown. A link such as "modes.md#states" leads to a heading, as on GitHub.
myst_heading_anchors = 3

# Docstrings: in Google's style, and `name` is the name of an object.
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # A property that "Attributes" names, too, stands there once.
default_role = "py:obj"
highlight_language = "text"  # Blocks in docstrings are tables; those in pages say what they are.
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_class_signature = "mixed"
python_maximum_signature_line_length = 80
add_module_names = False
toc_object_entries_show_parents = "hide"

# What the examples of the docstrings take for granted.
doctest_global_setup = """
import asyncio
import asyncslot
from PySide6.QtCore import QObject, QTimer, Signal
from asyncslot import *
"""

intersphinx_mapping = {
    "python": ("https://docs.python.org/3", None),
    "qt": ("https://doc.qt.io/qtforpython-6", None),
}


def be_lenient_offline(record: logging.LogRecord) -> bool:
    """Without a network, there are no links to the documentation of Python and Qt; this is no reason to fail."""
    if str(record.msg).startswith("failed to reach any of the inventories"):
        record.levelno, record.levelname = logging.INFO, "INFO"
    return True


logging.getLogger("sphinx.sphinx.ext.intersphinx").addFilter(be_lenient_offline)

# Readers scroll in long pages of one anchor each, and some sites refuse programs.
linkcheck_anchors = False
linkcheck_timeout = 30
linkcheck_retries = 2

html_theme = "furo"
pygments_dark_style = "github-dark"  # The theme's own underlines the names of modules.
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
