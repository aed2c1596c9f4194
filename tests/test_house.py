"""The house: who imports whom, what a room must not know, where asyncio's private names stand."""

from __future__ import annotations

import ast
import asyncio
import functools
import importlib
import inspect
import pkgutil
import sys
from pathlib import Path
from typing import Iterator

import pytest

import asyncslot
import asyncslot_policy

PACKAGE = Path(asyncslot.__file__).parent
POLICY_PACKAGE = Path(asyncslot_policy.__file__).parent

# Folders and modules: each imports only from those before it.
ROOMS = ["_installation", "_base_events", "_qt", "_task", "_loop", "loop", "_slot", "decorator", "signals", "dialogs"]
ROOMS += [
    "_background",
    "background",
    "_inspector",
    "inspector",
    "_ipython",
    "__init__",
    "compat",
    "_console",
    "__main__",
    "demo",
]

# The same in the policy plug-in, which may also import asyncslot.
POLICY_ROOMS = [
    "_config",
    "_registry",
    "_source",
    "_policy",
    "_hooks",
    "_startup",
    "_pytest",
    "_pyinstaller",
    "__main__",
    "__init__",
]

QT = "asyncslot._qt.binding"

# What a module must not know: it imports it neither itself nor through any other module.
# A folder stands for all of its modules.
KNOWS_NOTHING_OF = {
    "asyncslot._installation": [QT, "asyncio"],
    "asyncslot._base_events": [QT, "asyncio"],
    "asyncslot._qt": ["asyncio"],
    "asyncslot._qt.identity_dict": [QT],
    "asyncslot._qt.thread": [QT],
    "asyncslot._task.asyncio_private": [QT],
    "asyncslot._task.cancellation": [QT],
    "asyncslot._task.description": [QT],
    "asyncslot._task.waiter": [QT],
    "asyncslot._loop.slicer": [QT, "asyncio"],
    "asyncslot._loop.handles": [QT],
    "asyncslot._loop.selector": [QT, "asyncio"],
    "asyncslot._loop.unix": [QT],
    "asyncslot._loop.windows": [QT],
    "asyncslot._loop.port": [QT, "asyncio"],
    "asyncslot._loop.waker": ["asyncio"],
    "asyncslot._loop.first_step": [QT],
    "asyncslot._loop.this_thread": [QT, "asyncio"],
    "asyncslot._slot.wrapper": [QT, "asyncio"],
    "asyncslot._background.reporter": [QT],
    "asyncslot._background.relay": [QT],
    "asyncslot._background.ending": [QT],
    "asyncslot._background.worker": [QT],
    "asyncslot._console.options": [QT, "asyncio"],
    "asyncslot._console.error_display": [QT, "asyncio"],
    "asyncslot._console.program": [QT, "asyncio"],
    "asyncslot._console.terminal": [QT, "asyncio"],
    "asyncslot_policy._config": ["asyncslot", "asyncio"],
    "asyncslot_policy._registry": ["asyncslot", "asyncio"],
    "asyncslot_policy._pyinstaller": ["asyncslot", "asyncio"],
    "asyncslot": ["asyncslot_policy"],
}

# Modules whose tests have other names, and why.
TESTS_ELSEWHERE = {
    "__main__": "test_launch: it calls that",
    "_installation": "test_installation: a file's name has no second underscore",
    "_ipython": "ecosystem/test_ipython and ecosystem/test_jupyter: it needs IPython",
    "_qt/application": "policy/test_source: it is about programs that make none",
    "_qt/event_loop": "test_nesting: it is about Qt loops inside each other",
    "_qt/identity_dict": "test_owner: it is about the life of objects",
    "_qt/qml": "test_task_handle: it is about what QML gets",
    "_qt/qobject": "test_owner: likewise",
    "_qt/thread": "test_loop: it needs a thread of Qt's with a loop",
    "_background/ending": "test_background: it is about work that ends",
    "_background/thread": "test_background: likewise",
    "compat/_policy": "compat/test_qtinter, and others: each has its own policy",
    "compat/_quit": "compat/test_qasync, and others: it is about how their loops end",
    "_loop/timed_run": "test_nesting: it is about the time of nested Qt loops",
    "_loop/unix": "test_interrupts: a base class, tested through the loop",
    "_qt/thread_call": "test_qt_thread: it brings a coroutine there",
    "_slot/call": "test_decorator: what it makes is a slot",
    "_slot/failure": "test_decorator: likewise",
    "_slot/quit_watch": "test_window_closing: it is about what a window may close",
    "_slot/wrapper": "test_decorator: what it makes is a slot",
}


# Modules that other platforms cannot import.
ONLY_ON = {"asyncslot._loop.windows": "win32"}


def list_modules(package: Path) -> dict[str, Path]:
    """Return the dotted names of a package's modules and where they are; an ``__init__`` has its folder's name."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = [package.name, *path.relative_to(package).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = list_modules(PACKAGE)
POLICY_MODULES = list_modules(POLICY_PACKAGE)
ALL_MODULES = {**MODULES, **POLICY_MODULES}


def find_room(module: str) -> str:
    """Return the folder or the module that stands in the order of rooms."""
    return module.split(".")[1] if "." in module else "__init__"


def imported_names(path: Path) -> Iterator[str]:
    """Yield the dotted name of each import at run time; those under TYPE_CHECKING do not count."""
    tree = ast.parse(path.read_text())
    skipped = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and "Not()" not in ast.dump(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@functools.lru_cache(maxsize=None)
def imported_modules(module: str) -> frozenset[str]:
    """Return what a module imports: of ours the modules, of others the top-level packages."""
    found = set()
    for name in imported_names(ALL_MODULES[module]):
        parents = [name.rsplit(".", count)[0] for count in range(name.count(".") + 1)]
        found.add(next((parent for parent in parents if parent in ALL_MODULES), parents[-1]))
    return frozenset(found)


@functools.lru_cache(maxsize=None)
def known_modules(module: str) -> frozenset[str]:
    """Return all that a module imports, through other modules of ours, too."""
    known: set[str] = set()
    new = {module}
    while new:
        known |= new
        new = {each for name in new & set(ALL_MODULES) for each in imported_modules(name)} - known
    return frozenset(known - {module})


# -- who imports whom --


def test_rooms_are_all_there_are() -> None:
    """The order of rooms is complete."""
    assert {find_room(module) for module in MODULES} == set(ROOMS)
    assert {find_room(module) for module in POLICY_MODULES} == set(POLICY_ROOMS)


@pytest.mark.parametrize("module", ALL_MODULES)
def test_module_imports_no_room_below(module: str) -> None:
    """No import runs upward: a module imports from its own room and from those before it."""
    package = module.partition(".")[0]
    rooms = ROOMS if package == "asyncslot" else POLICY_ROOMS
    allowed = rooms[: rooms.index(find_room(module)) + 1]
    inside = {find_room(name) for name in imported_modules(module) if name.partition(".")[0] == package}
    assert inside <= set(allowed)


@pytest.mark.parametrize("module", ALL_MODULES)
def test_module_is_in_no_cycle(module: str) -> None:
    """No module imports itself through others. A folder's own ``__init__`` is the door, not a room."""
    assert not [name for name in imported_modules(module) if module in known_modules(name)]


@pytest.mark.parametrize("module", ALL_MODULES)
def test_only_the_binding_module_imports_qt(module: str) -> None:
    """One module imports a binding, by the name that it has chosen."""
    assert not [name for name in imported_names(ALL_MODULES[module]) if name.startswith(("PySide", "PyQt", "shiboken"))]


@pytest.mark.parametrize(
    ("module", "unknown"),
    [
        (module, unknown)
        for stem, names in KNOWS_NOTHING_OF.items()
        for module in ALL_MODULES
        if module == stem or module.startswith(f"{stem}.")
        for unknown in names
    ],
)
def test_module_knows_nothing_of(module: str, unknown: str) -> None:
    """What a module must not know it does not import, nor does anything that it imports."""
    known = known_modules(module)
    assert not [name for name in known if name == unknown or name.startswith(f"{unknown}.")]


def test_modules_that_know_nothing_exist() -> None:
    """The table names modules that there are."""
    assert set(KNOWS_NOTHING_OF) <= set(ALL_MODULES)


# -- names --


@pytest.mark.parametrize("name", [info.name for info in pkgutil.iter_modules([str(PACKAGE)])])
def test_module_name_is_no_other_name(name: str) -> None:
    """``import asyncslot.loop`` gives a module, not a function of that name."""
    if not name.startswith("__"):
        assert inspect.ismodule(getattr(importlib.import_module(f"asyncslot.{name}") and asyncslot, name))


@pytest.mark.parametrize("name", sorted(set(asyncslot.__all__) - set(asyncslot._LAZY_MODULES)))
def test_exported_name_says_where_to_import_it_from(name: str) -> None:
    """Tracebacks and ``help()`` name the package, not the module inside it."""
    assert getattr(asyncslot, name).__module__ == "asyncslot"


def own_classes() -> Iterator[type]:
    for module in MODULES:
        # The loops of `compat` derive from the public one, as a program's own may.
        if (
            not module.endswith("__main__")
            and find_room(module) != "compat"
            and ONLY_ON.get(module, sys.platform) == sys.platform
        ):
            found = vars(importlib.import_module(module)).values()
            yield from (each for each in found if inspect.isclass(each) and is_own(each))


def is_own(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "asyncslot"


def test_inheritance_chain_is_at_most_two() -> None:
    """Parts are held, not inherited: no class of ours has a grandparent of ours."""
    depths = {cls: own_depth(cls) for cls in own_classes()}
    assert [cls for cls, depth in depths.items() if depth > 2] == []
    assert depths[asyncslot.AsyncSlotEventLoop] == 2


def own_depth(cls: type) -> int:
    """Return how long the longest chain of classes of ours is that ends with *cls*."""
    return is_own(cls) + max(map(own_depth, cls.__bases__), default=0)


def test_only_the_loop_has_two_bases() -> None:
    """A class of ours derives from one of ours, but for the loop: from the guest, and from the platform's loop."""
    bases = {cls: [each.__name__ for each in cls.__bases__ if is_own(each)] for cls in own_classes()}
    several = {cls.__name__: names for cls, names in bases.items() if len(names) > 1}
    assert several.pop("AsyncSlotEventLoop") == ["GuestEventLoop", "PlatformEventLoop"]
    assert set(several) <= {"AsyncSlotSelectorEventLoop"}


# -- tests --


@pytest.mark.parametrize("module", [name for name in MODULES if find_room(name) != "demo"])
def test_module_has_its_test_file(module: str) -> None:
    """Every source module has its one test file, or a reason why not."""
    path = MODULES[module]
    if path.stem == "__init__":
        return  # No logic; but for `compat`, see compat/test_replace, and for `_base_events`, see test_installation.
    key = str(path.relative_to(PACKAGE).with_suffix("")).replace("\\", "/")
    folder = Path(__file__).parent / ("compat" if find_room(module) == "compat" else "")
    assert (folder / f"test_{path.stem}.py").exists() != (key in TESTS_ELSEWHERE)


@pytest.mark.parametrize(
    "path",
    [path for name, path in POLICY_MODULES.items() if find_room(name) != "_pyinstaller"],  # test_freezing
    ids=lambda path: path.stem,
)
def test_policy_module_has_its_test_file(path: Path) -> None:
    """Every module of the policy plug-in has its one test file; the package's few lines are in test_policy."""
    test_file = Path(__file__).parent / "policy" / f"test_{path.stem.strip('_')}.py"
    assert test_file.exists() != (path.stem == "__init__")


# -- asyncio's private names --

PRIVATE_NAMES_MODULE = MODULES["asyncslot._task.asyncio_private"]


def is_private(name: object) -> bool:
    return isinstance(name, str) and name.startswith("_") and not name.startswith("__") and name.isidentifier()


@functools.lru_cache(maxsize=None)
def asyncio_private_names(kind: str = "") -> set[str]:
    """Return every private name in the source of this Python's asyncio, or in its classes whose name has *kind*."""
    names: set[str] = set()
    for path in Path(asyncio.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and kind in node.name]
        for node in [inner for root in (classes if kind else [tree]) for inner in ast.walk(root)]:
            names.add(getattr(node, "attr", getattr(node, "name", getattr(node, "id", None))))
    return {name for name in names if is_private(name)} - set(dir(sys))


@functools.lru_cache(maxsize=None)
def declared_names() -> set[str]:
    """Return what the module of private names declares, as annotations or by use."""
    names = set()
    for node in ast.walk(ast.parse(PRIVATE_NAMES_MODULE.read_text())):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.Constant) and is_private(node.value):
            names.add(node.value)
    return names


def used_names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """
    Yield each private name of asyncio that a module uses, and the line.

    ``self._name`` counts in classes that derive from one of asyncio's, if that kind of class has the name.
    In other classes it is our own.
    """
    own = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            kind = find_kind(node)
            of_self = {inner for inner in ast.walk(node) if is_attribute_of_self(inner)}
            own |= of_self
            if kind is not None:
                names = asyncio_private_names(kind)
                methods = {each for each in node.body if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))}
                found = [(getattr(each, "attr", getattr(each, "name", "")), each.lineno) for each in of_self | methods]
                yield from ((name, line) for name, line in found if name in names)
    names = asyncio_private_names()
    for node in ast.walk(tree):
        name = getattr(node, "attr", None)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("getattr", "hasattr", "setattr"):
            name = getattr(node.args[1], "value", None)
        if name in names and node not in own:
            yield name, node.lineno


def find_kind(node: ast.ClassDef) -> str | None:
    """Return which kind of asyncio's classes a class derives from, None if from none."""
    bases = " ".join(ast.dump(base) for base in node.bases)
    kinds = {"Handle": "Handle", "Future": "Future", "EventLoop": "EventLoop", "UnixLoop": "EventLoop"}
    return next((kinds[kind] for kind in kinds if kind in bases), None)


def is_attribute_of_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


@pytest.mark.parametrize("module", ALL_MODULES)
def test_private_name_of_asyncio_is_declared(module: str) -> None:
    """A private name of asyncio that any module uses stands in the one module for them."""
    used = set(used_names(ast.parse(ALL_MODULES[module].read_text())))
    assert {(name, line) for name, line in used if name not in declared_names()} == set()


def test_private_names_are_found() -> None:
    """The search sees attributes, names in strings, and methods that are overridden."""
    source = """
class Own:
    def f(self, task):
        self._loop = 1
        task._fut_waiter
        getattr(task, "_callbacks", ())

class Loop(asyncio.SelectorEventLoop):
    def _run_once(self):
        self._ready
"""
    assert {name for name, _ in used_names(ast.parse(source))} == {"_fut_waiter", "_callbacks", "_run_once", "_ready"}
