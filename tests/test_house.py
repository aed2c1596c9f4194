"""The order of the house: who imports whom, who may know Qt, how long a module may be."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Iterator

import pytest

import asyncslot
import asyncslot_policy

PACKAGE = Path(asyncslot.__file__).parent
MODULES = sorted(PACKAGE.glob("*.py"))

POLICY_PACKAGE = Path(asyncslot_policy.__file__).parent
POLICY_MODULES = sorted(POLICY_PACKAGE.glob("*.py"))

# A module imports only modules above it.
ORDER = [
    "_qt",
    "_stdlib",
    "_wrapper",
    "_thread",
    "_identity",
    "_quit_watch",
    "_selector",
    "_handle",
    "_host",
    "_interrupt",
    "_level",
    "_unix",
    "_stopwatch",
    "_slices",
    "lifetime",
    "_owner",
    "_keeper",
    "_busy",
    "tasks",
    "_quit",
    "_blocking",
    "loop",
    "current",
    "sender",
    "scope",
    "decorator",
    "closing",
    "dialogs",
    "__init__",
]

# The same in the policy plug-in, which may also import asyncslot.
POLICY_ORDER = [
    "_config",
    "_registry",
    "_source",
    "_policy",
    "_hooks",
    "_startup",
    "_pytest",
    "__main__",
    "__init__",
]

# Source modules whose tests have other names, and why.
TESTS_ELSEWHERE = {
    "__init__": "no logic",
    "_blocking": "test_loop: a base class, tested through the loop",
    "_identity": "test_owner: it is about the life of objects",
    "_level": "test_quit: its Qt loops must be the outermost of a process",
    "_quit_watch": "test_closing: it is about what a window may close",
    "_stopwatch": "test_nesting: it is about nested Qt loops",
    "_thread": "test_loop: it needs a thread of Qt's with a loop",
    "_wrapper": "test_decorator: what it makes is a slot",
    "_unix": "test_interrupt: a base class, tested through the loop",
}


def imported_names(path: Path) -> Iterator[str]:
    """Yield the dotted name of each import at run time; those under TYPE_CHECKING do not count."""
    tree = ast.parse(path.read_text())
    skipped = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and "Not()" not in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_order_lists_every_module() -> None:
    """The order is complete."""
    assert {path.stem for path in MODULES} == set(ORDER)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_module_imports_only_modules_above(path: Path) -> None:
    """No module imports one that stands below it, so there is no cycle."""
    above = ORDER[: ORDER.index(path.stem)]
    inside = [name.split(".")[1] for name in imported_names(path) if name.startswith("asyncslot.")]
    assert set(inside) <= set(above)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_imports_neither_qt_nor_policy(path: Path) -> None:
    """Only `_qt` imports a binding; nothing imports the policy plug-in."""
    forbidden = ("PySide", "PyQt", "asyncslot_policy")
    assert not [name for name in imported_names(path) if name.startswith(forbidden)]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_length(path: Path) -> None:
    """No module is much longer than 500 lines."""
    assert len(path.read_text().splitlines()) <= 500


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_module_has_its_test_file(path: Path) -> None:
    """Every source module has its one test file, or a reason why not."""
    name = f"test_{path.stem.strip('_')}.py"
    assert (Path(__file__).with_name(name)).exists() != (path.stem in TESTS_ELSEWHERE)


def test_policy_order_lists_every_module() -> None:
    """The policy plug-in's order is complete, too."""
    assert {path.stem for path in POLICY_MODULES} == set(POLICY_ORDER)


@pytest.mark.parametrize("path", POLICY_MODULES, ids=lambda path: path.stem)
def test_policy_module_imports_only_modules_above(path: Path) -> None:
    """No module of the policy plug-in imports one that stands below it."""
    above = POLICY_ORDER[: POLICY_ORDER.index(path.stem)]
    inside = [name.split(".")[1] for name in imported_names(path) if name.startswith("asyncslot_policy.")]
    assert set(inside) <= set(above)


@pytest.mark.parametrize("path", POLICY_MODULES, ids=lambda path: path.stem)
def test_policy_module_imports_no_qt_and_is_not_long(path: Path) -> None:
    """The policy plug-in knows no binding, and its modules are no longer than others."""
    assert not [name for name in imported_names(path) if name.startswith(("PySide", "PyQt"))]
    assert len(path.read_text().splitlines()) <= 500


@pytest.mark.parametrize("path", POLICY_MODULES, ids=lambda path: path.stem)
def test_policy_module_has_its_test_file(path: Path) -> None:
    """Every module of the policy plug-in has its one test file; the package's few lines are in test_policy."""
    test_file = Path(__file__).parent / "policy" / f"test_{path.stem.strip('_')}.py"
    assert test_file.exists() != (path.stem == "__init__")
