"""
A Sphinx extension: a link to a file of the repository that is no page leads to a page with the file's text.

On GitHub, ``[search.py](../examples/search.py)`` leads to the file. myst-parser makes a download of it, and
downloads cannot be read in the browser.
"""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator

from docutils import nodes
from sphinx import addnodes
from sphinx.util.osutil import relative_uri

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]

LANGUAGES = {".py": "python", ".md": "markdown", ".toml": "toml", ".ini": "ini", ".qml": "qml"}


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to what Sphinx emits."""
    # Before Sphinx lists the downloads of a page, which it does with the default priority, 500.
    app.connect("doctree-read", take_markdown, priority=400)
    app.connect("doctree-resolved", show_files)
    app.connect("html-collect-pages", make_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def take_markdown(app: Sphinx, doctree: nodes.document) -> None:
    """Make a download of each link to a Markdown file outside the site, which myst-parser takes for a missing page."""
    for link in list(doctree.findall(addnodes.pending_xref)):
        path = Path(app.srcdir, f"{link['reftarget']}.md").resolve()
        if link["refdomain"] == "doc" and not path.is_relative_to(app.srcdir) and path.is_file():
            target = os.path.relpath(path, Path(app.srcdir, app.env.docname).parent)
            link.replace_self(addnodes.download_reference("", "", *link.children, reftarget=target))


def show_files(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace each download of a file by a link to its page."""
    if app.builder.format != "html":
        return
    for download in list(doctree.findall(addnodes.download_reference)):
        path = (Path(app.srcdir) / docname).parent / download["reftarget"]
        page = find_page(path.resolve())
        uri = relative_uri(app.builder.get_target_uri(docname), app.builder.get_target_uri(page))
        download.replace_self(nodes.reference("", "", *download.children, internal=True, refuri=uri))


def find_page(path: Path) -> str:
    """Return the name of the page for the file at *path*."""
    return f"files/{path.relative_to(ROOT).as_posix()}"


def make_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield a page for each file that any page refers to."""
    for name in list(app.env.dlfiles):
        path = (Path(app.srcdir) / name).resolve()
        language = LANGUAGES.get(path.suffix, "text")
        text = app.builder.highlighter.highlight_block(path.read_text(encoding="utf-8"), language)
        title = path.relative_to(ROOT).as_posix()
        yield find_page(path), {"title": title, "body": f"<h1>{html.escape(title)}</h1>{text}"}, "page.html"
    # The files themselves need not be copied.
    app.env.dlfiles.clear()
