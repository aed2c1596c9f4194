"""
A Sphinx extension: a public name in a Markdown page, such as ``run_task``, leads to its description.

The pages stay plain Markdown, in which such a name is code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx import addnodes

import asyncslot

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# Words that mean other things, too: these need "asyncslot." before them.
COMMON_WORDS = {"run", "scope", "sender", "tasks"}


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to what Sphinx emits."""
    app.connect("doctree-read", link_names)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def link_names(app: Sphinx, doctree: nodes.document) -> None:
    """Make a reference of each public name in code style. Sphinx leaves those alone that it finds no description of."""
    for literal in list(doctree.findall(nodes.literal)):
        target = find_target(literal.astext())
        if target is None or is_inside(literal, nodes.title, nodes.reference, addnodes.pending_xref):
            continue
        reference = addnodes.pending_xref(
            "", refdomain="py", reftype="obj", reftarget=target, refdoc=app.env.docname, refwarn=False
        )
        literal.replace_self(reference)
        reference += literal


def is_inside(node: nodes.Node, *kinds: type[nodes.Node]) -> bool:
    """Tell whether *node* is in a node of one of these kinds."""
    return node.parent is not None and (isinstance(node.parent, kinds) or is_inside(node.parent, *kinds))


def find_target(text: str) -> str | None:
    """Return the full name that *text* may stand for; None if it is no public name."""
    name = text[:-2] if text.endswith("()") else text
    first = name.partition(".")[0]
    if first in {"asyncslot", "asyncslot_policy"}:
        return name
    return f"asyncslot.{name}" if first in set(asyncslot.__all__) - COMMON_WORDS else None
