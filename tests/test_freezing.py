"""What is needed to freeze a program: modules are found by those who look for imports, and the environment counts."""

from __future__ import annotations

import ast
import gc
import os
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Iterator

import pytest
from test_house import ALL_MODULES, find_room

import asyncslot
import asyncslot_policy
from asyncslot import loop as loop_module
from asyncslot._qt import binding
from asyncslot_policy import _config, _pyinstaller

HOOK = Path(_pyinstaller.__file__).with_name("hook-asyncslot.py")

# What a frozen program does not have unless it imports it by itself: programs, IPython's and pytest's plug-ins.
# `_qt.proven` is the demo's, and `_base_events` only there to stop another distribution's `__init__`.
LEFT_OUT = {"__main__", "_base_events", "_console", "_ipython", "_pyinstaller", "_pytest", "demo"}


def find_imports(path: Path, *, has_types: bool, has_calls: bool) -> Iterator[str]:
    """
    Yield the names that an analyser finds in a module's source.

    Args:
        path: The source.
        has_types: It takes the imports for type checkers, too, as PyInstaller, which reads the bytecode.
        has_calls: It understands ``import_module("name")``, as Nuitka, which takes TYPE_CHECKING for False.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    of_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if node in of_types and not has_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif has_calls and isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
            yield from (each.value for each in node.args if isinstance(each, ast.Constant))


def find_modules(root: str, **analyser: bool) -> set[str]:
    """Return the modules of ours that an analyser finds, beginning with the package *root*."""
    found: set[str] = set()
    new = {root}
    while new:
        found |= new
        names = [name for module in new for name in find_imports(ALL_MODULES[module], **analyser)]
        parents = {name.rsplit(".", count)[0] for name in names for count in range(name.count(".") + 1)}
        new = (parents & set(ALL_MODULES)) - found
    return found


@pytest.mark.parametrize(
    "analyser",
    [{"has_types": True, "has_calls": False}, {"has_types": False, "has_calls": True}],
    ids=["PyInstaller", "Nuitka"],
)
@pytest.mark.parametrize("root", ["asyncslot", "asyncslot_policy"])
def test_analyser_finds_every_module(root: str, analyser: dict[str, bool]) -> None:
    """What is imported late, by a name, is also written where an analyser looks."""
    found = find_modules(root, **analyser)
    wanted = {
        module for module in ALL_MODULES if module.partition(".")[0] == root and find_room(module) not in LEFT_OUT
    } - {"asyncslot._qt.proven"}
    if root == "asyncslot_policy":
        wanted.add("asyncslot.loop")  # The built-in loops are there.
    assert wanted - found == set()
    # pytest would come with its plug-in. IPython's imports nothing of IPython by a statement.
    assert {module for module in found if find_room(module) in LEFT_OUT} <= {"asyncslot._ipython"}


def test_entry_point_leads_to_the_hook() -> None:
    """PyInstaller finds the directory by the entry point, and hooks by the names of their files."""
    # In the source: an editable install may be older. tests/freeze has what is installed.
    project = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert (
        '[project.entry-points.pyinstaller40]\nhook-dirs = "asyncslot_policy._pyinstaller:find_hook_directories"\n'
        in project
    )
    (directory,) = _pyinstaller.find_hook_directories()
    assert Path(directory) == HOOK.parent
    assert [path.name for path in HOOK.parent.glob("hook-*.py")] == ["hook-asyncslot.py"]


def run_hook(monkeypatch: pytest.MonkeyPatch, excluded: list[str]) -> Any:
    """Run the hook as PyInstaller does, which excludes those bindings."""
    asked = []
    name = "PyInstaller.utils.hooks.qt"
    fake = ModuleType(name)
    fake.exclude_extraneous_qt_bindings = lambda *args: asked.append(args) or excluded  # type: ignore[attr-defined]
    for count in range(name.count(".") + 1):
        monkeypatch.setitem(sys.modules, name.rsplit(".", count)[0], fake)
    module = ModuleType("hook")
    SourceFileLoader("hook", str(HOOK)).exec_module(module)
    assert asked == [("hook-asyncslot", module.BINDINGS)]
    return module


def test_hook_excludes_all_bindings_but_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that is left comes with its widgets, which asyncslot.run() needs for its application."""
    hook = run_hook(monkeypatch, ["PySide6", "PyQt5", "PySide2"])
    assert hook.excludedimports == ["PySide6", "PyQt5", "PySide2"]
    assert hook.hiddenimports == ["PyQt6.QtWidgets"]
    assert tuple(hook.BINDINGS) == binding.BINDINGS


def test_hook_without_any_binding_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyInstaller has warned already."""
    assert run_hook(monkeypatch, []).hiddenimports == []


def test_frozen_program_heeds_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyInstaller starts Python as -E does; nobody has asked for that."""
    monkeypatch.setattr(sys, "flags", SimpleNamespace(ignore_environment=1))
    assert binding.heeded_environment() == _config.heeded_environment() == {}
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert binding.heeded_environment() is _config.heeded_environment() is os.environ


def test_compiled_program_is_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nuitka does not set ``sys.frozen``, but a name in each module."""
    assert not binding.is_frozen()
    monkeypatch.setattr(binding, "__compiled__", object(), raising=False)
    assert binding.is_frozen()


def test_packages_import_no_pyinstaller() -> None:
    """The hook's directory is imported for every program that is frozen, and so it is light."""
    assert not set(find_imports(Path(_pyinstaller.__file__), has_types=True, has_calls=True)) & {
        "PyInstaller",
        "asyncslot",
    }
    assert asyncslot.__name__ not in vars(asyncslot_policy._pyinstaller)


@pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning")
def test_loop_dies_quietly_when_names_of_modules_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of a compiled program they are None. What is raised here, pytest reports as unraisable."""
    loop = asyncslot.AsyncSlotEventLoop.__new__(asyncslot.AsyncSlotEventLoop)  # Not initialised: closing it fails.
    for name in vars(loop_module).copy():
        if not name.startswith("__"):
            monkeypatch.setattr(loop_module, name, None)
    del loop
    gc.collect()
