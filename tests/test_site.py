"""The site: each page is in a list of pages, each public name in the API reference. Sphinx is not needed."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Iterator, TypeVar

import pytest

from asyncslot._qt.system_library import SYSTEM_LIBRARIES, WAYLAND_LIBRARIES, X11_LIBRARIES

DOCS = Path(__file__).parent.parent / "docs"
PAGES = {
    path.relative_to(DOCS).with_suffix("").as_posix(): path
    for path in DOCS.rglob("*.md")
    if not path.relative_to(DOCS).parts[0].startswith("_")
}

PUBLIC_MODULES = [
    "asyncslot",
    "asyncslot.background",
    "asyncslot.compat",
    "asyncslot.compat.QtAsyncio",
    "asyncslot.compat.qasync",
    "asyncslot.compat.qtinter",
    "asyncslot.decorator",
    "asyncslot.dialogs",
    "asyncslot.inspector",
    "asyncslot.loop",
    "asyncslot.signals",
    "asyncslot_policy",
]

# What autodoc writes a description of; with `automodule`, of all public names of the module.
DIRECTIVE = re.compile(r"^\.\. (currentmodule|automodule|auto\w+|data):: (\S+)$", re.MULTILINE)


def described_names() -> Iterator[str]:
    """Yield the full name of each object that a page of docs/api describes."""
    for path in (DOCS / "api").glob("*.md"):
        module = ""
        for kind, name in DIRECTIVE.findall(path.read_text(encoding="utf-8")):
            if kind == "currentmodule":
                module = name
            elif kind == "automodule":
                yield from (f"{name}.{member}" for member in importlib.import_module(name).__all__)
            else:
                yield f"{module}.{name}"


def listed_pages(name: str) -> Iterator[str]:
    """Yield the pages that the lists of the page *name* name, and those that these list."""
    for entries in re.findall(r"```\{toctree\}\n(.*?)```", PAGES[name].read_text(encoding="utf-8"), re.DOTALL):
        for entry in entries.splitlines():
            if entry and not entry.startswith(":"):
                page = (Path(name).parent / entry).as_posix()
                yield page
                yield from listed_pages(page)


def test_each_page_is_listed_once() -> None:
    """A reader finds each page in the site's sidebar, and no list names a page that is not there."""
    assert sorted(["index", *listed_pages("index")]) == sorted(PAGES)


@pytest.mark.parametrize("module", PUBLIC_MODULES)
def test_each_public_name_is_described(module: str) -> None:
    """The API reference has every name of `__all__`, under this module's name or another public one's."""
    described: dict[str, list[object]] = {}
    for name in described_names():
        home, _, member = name.rpartition(".")
        described.setdefault(member, []).append(getattr(importlib.import_module(home), member, None))
    public = importlib.import_module(module)
    # What the module itself defines, too: in those of `compat`, `__all__` has only what the peer's own has.
    defined = {
        name
        for name, found in vars(public).items()
        if callable(found) and getattr(found, "__module__", None) == module and not isinstance(found, TypeVar)
    }
    hooks = {"load_ipython_extension", "unload_ipython_extension"}  # IPython calls them.
    for name in {*public.__all__, *(name for name in defined - hooks if not name.startswith("_"))}:
        found = getattr(public, name)
        assert found in described.get(name, []) or (inspect.ismodule(found) and found.__name__ in PUBLIC_MODULES), name


def test_each_name_is_described_once() -> None:
    """Sphinx links a name to one place."""
    names = list(described_names())
    assert sorted(names) == sorted(set(names))


def test_long_pages_have_a_picture_or_a_program() -> None:
    """No page is a wall of more than 1,500 words."""
    for name, path in PAGES.items():
        text = path.read_text(encoding="utf-8")
        assert len(text.split()) <= 1500 or "```python" in text or "![" in text, name


def test_front_page_map_has_each_page() -> None:
    """The table of the front page leads to every page but those for developers that `internals` leads to."""
    linked = set(re.findall(r"\]\(([\w/]+)\.md", PAGES["index"].read_text(encoding="utf-8")))
    by_internals = set(re.findall(r"\]\((\w+)\.md", PAGES["internals"].read_text(encoding="utf-8")))
    unlinked = {name for name in PAGES if not name.startswith("api/")} - linked - {"index"}
    assert unlinked <= by_internals


def test_front_page_program_is_the_one_that_runs() -> None:
    """The front page's program is examples/fetch.py, which test_readme runs, to the letter."""
    program = (DOCS.parent / "examples/fetch.py").read_text(encoding="utf-8")
    assert f"```python\n{program}```" in PAGES["index"].read_text(encoding="utf-8")


def test_examples_page_has_each_example() -> None:
    """The table of examples names every file of the folder."""
    page = PAGES["examples"].read_text(encoding="utf-8")
    for path in (DOCS.parent / "examples").glob("*.*"):
        assert f"[{path.name}](../examples/{path.name})" in page


def test_platforms_page_names_the_system_libraries_of_the_error() -> None:
    """The page and the error for a missing library name the same packages."""
    page = PAGES["platforms"].read_text(encoding="utf-8")
    for packages in (SYSTEM_LIBRARIES, X11_LIBRARIES, WAYLAND_LIBRARIES):
        assert f"apt-get install {packages}\n" in page
