"""The public module."""

from __future__ import annotations

import subprocess
import sys

import asyncslot
from asyncslot import inspector


def test_public_names() -> None:
    """Two, which say where to import them from."""
    assert inspector.__all__ == ["TaskInspector", "show"]
    assert {getattr(inspector, name).__module__ for name in inspector.__all__} == {"asyncslot.inspector"}
    assert asyncslot.inspector is inspector


def test_module_is_imported_when_it_is_used() -> None:
    """Not by ``import asyncslot``."""
    code = (
        "import sys, asyncslot; before = 'asyncslot.inspector' in sys.modules; asyncslot.inspector;"
        "print(before, 'asyncslot.inspector' in sys.modules)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout == "False True\n"
