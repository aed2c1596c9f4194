"""
A Sphinx extension: a link to a file of the repository that is no page leads to a page with the file's text.

On GitHub, ``[search.py](../examples/search.py)`` leads to the file. myst-parser makes a download of it, and
downloads cannot be read in the browser.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator

from docutils import nodes
from sphinx import addnodes
from sphinx.util.osutil import relative_uri

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

ROOT = Path(__file__).parents[2]

LANGUAGES = {".py": "python", ".md": "markdown", ".toml": "toml", ".ini": "ini", ".qml": "qml"}

# The files that links lead to.
shown_files: set[Path] = set()


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to what Sphinx emits."""
    # Before Sphinx lists the downloads of a page, which it does with the default priority, 500.
    app.connect("doctree-read", find_links, priority=400)
    app.connect("missing-reference", resolve)
    app.connect("html-collect-pages", make_pages)
    # Reading, yes; writers in several processes would each have a set of their own.
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}


def find_links(app: Sphinx, doctree: nodes.document) -> None:
    """Take the links to files: downloads, and those to Markdown outside the site, which myst-parser finds missing."""
    folder = Path(app.srcdir, app.env.docname).parent
    for link in list(doctree.findall(addnodes.download_reference)):
        take(app, link, folder / link["reftarget"])
    for link in list(doctree.findall(addnodes.pending_xref)):
        path = Path(app.srcdir, f"{link['reftarget']}.md").resolve()
        if link["refdomain"] == "doc" and not path.is_relative_to(app.srcdir) and path.is_file():
            take(app, link, path)


def take(app: Sphinx, link: nodes.Element, path: Path) -> None:
    """Replace *link* by one that is resolved when the pages are written."""
    link.replace_self(
        addnodes.pending_xref(
            "",
            nodes.inline("", "", *link.children),
            refdomain="",
            reftype="shown-file",
            reftarget=path.resolve().relative_to(ROOT).as_posix(),
            refdoc=app.env.docname,
            refwarn=True,
        )
    )


def resolve(app: Sphinx, _: BuildEnvironment, link: addnodes.pending_xref, content: nodes.Element) -> Any:
    """Return the link to a file's page; without pages, as in a check of links, its text."""
    if link["reftype"] != "shown-file":
        return None
    if app.builder.format != "html":
        return content
    shown_files.add(ROOT / link["reftarget"])
    uri = app.builder.get_target_uri(f"files/{link['reftarget']}")
    uri = relative_uri(app.builder.get_target_uri(link["refdoc"]), uri)
    return nodes.reference("", "", content, internal=True, refuri=uri)


def make_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield a page for each file."""
    for path in sorted(shown_files):
        language = LANGUAGES.get(path.suffix, "text")
        text = app.builder.highlighter.highlight_block(path.read_text(encoding="utf-8"), language)
        name = path.relative_to(ROOT).as_posix()
        yield f"files/{name}", {"title": name, "body": f"<h1>{html.escape(name)}</h1>{text}"}, "page.html"
