"""replace: a module of asyncslot.compat under the name of the one in the place of which it stands."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Iterator

import pytest
from policy_support import run_python
from qt import BINDING

import asyncslot
from asyncslot.compat import QtAsyncio, qasync, qtinter, replace

OURS = {"qasync": qasync, "qtinter": qtinter, "PySide6.QtAsyncio": QtAsyncio}


@pytest.fixture(autouse=True)
def _modules_are_restored() -> Iterator[None]:
    before = {name: sys.modules.pop(name, None) for name in OURS}
    attribute = vars(sys.modules.get("PySide6", sys)).get("QtAsyncio")
    yield
    vars(sys.modules.get("PySide6", sys)).pop("QtAsyncio", None)
    if attribute is not None:
        vars(sys.modules["PySide6"])["QtAsyncio"] = attribute
    for name, module in before.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


@pytest.mark.parametrize("name", OURS)
def test_replace_is_found_by_import(name: str) -> None:
    """An import of the name finds our module, also by a second call, which is a no-op."""
    for _ in range(2):
        assert replace(name) is OURS[name]
        assert importlib.import_module(name) is OURS[name]


@pytest.mark.parametrize("name", OURS)
def test_replace_refuses_a_module_that_is_imported(name: str) -> None:
    """If the real module is there already, the error says so, and names the way out."""
    sys.modules[name] = ModuleType(name)
    with pytest.raises(RuntimeError, match=f"the real {name} is imported already.*before the first import of {name}"):
        replace(name)
    assert sys.modules[name] is not OURS[name]


@pytest.mark.parametrize("name", ["QtAsyncio", "asyncqt", ""])
def test_replace_refuses_other_names(name: str) -> None:
    """The error names the three."""
    with pytest.raises(ValueError, match=r"'qasync', 'qtinter', 'PySide6\.QtAsyncio'"):
        replace(name)


LIBRARY = """
import sys
import asyncslot
assert not [name for name in sys.modules if name.startswith("asyncslot.compat")]
for name in ("qasync", "qtinter", "PySide6.QtAsyncio"):
    asyncslot.compat.replace(name)
# As libraries write it.
from qasync import QEventLoop, asyncSlot
import qtinter
print(QEventLoop.__module__, asyncSlot.__module__, qtinter.asyncslot.__module__)
from PySide6.QtAsyncio import run
print(run.__module__)
"""
BY_PACKAGE = """
import PySide6.QtAsyncio as first
from PySide6 import QtAsyncio as second
import PySide6
print(first is second is PySide6.QtAsyncio)
"""


def test_replace_serves_each_form_of_import() -> None:
    """What a library writes is served, and importing asyncslot imports nothing of it."""
    program = LIBRARY + (BY_PACKAGE if BINDING == "PySide6" else "")
    finished = run_python("-c", program, environment={"ASYNCSLOT_QT_API": BINDING})
    assert finished.errors == ""
    compat = "asyncslot.compat"
    lines = [f"{compat}.qasync {compat}.qasync {compat}.qtinter", f"{compat}.QtAsyncio"]
    assert finished.lines == lines + ["True"] * (BINDING == "PySide6")


def test_compat_is_listed() -> None:
    """The package is an attribute of asyncslot, and in its list."""
    assert asyncslot.compat.replace is replace
    assert "compat" in dir(asyncslot)
