"""
The names of qasync, qtinter and QtAsyncio over asyncslot, for programs that leave one of them.

``from asyncslot.compat import qasync`` in the place of ``import qasync`` is the one line to change.
`replace` does it for libraries whose imports cannot be changed. docs/migrating.md compares name by name.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

__all__ = ["replace"]

if TYPE_CHECKING:
    # For PyInstaller, too: it finds modules by such statements, but not by the calls below.
    from asyncslot.compat import QtAsyncio, qasync, qtinter  # noqa: F401

# The name that programs import, and the module that takes its place. Nuitka finds modules by such calls.
_MODULES = {
    "qasync": lambda: importlib.import_module("asyncslot.compat.qasync"),
    "qtinter": lambda: importlib.import_module("asyncslot.compat.qtinter"),
    "PySide6.QtAsyncio": lambda: importlib.import_module("asyncslot.compat.QtAsyncio"),
}


def replace(name: str) -> Any:
    """
    Have ``import qasync``, in this process, find the module of that name here.

    Call it before anything imports the real one. Calling it again is a no-op.

    Args:
        name: ``"qasync"``, ``"qtinter"`` or ``"PySide6.QtAsyncio"``.

    Returns:
        The module that takes the place.

    Raises:
        ValueError: If *name* is another name.
        RuntimeError: If the real module is imported already.
    """
    if name not in _MODULES:
        msg = f"replace({name!r}): there is no module to take its place; pass one of {', '.join(map(repr, _MODULES))}"
        raise ValueError(msg)
    ours = _MODULES[name]()
    present = sys.modules.get(name, ours)
    if present is not ours:
        msg = (
            f"the real {name} is imported already, from {getattr(present, '__file__', None)}, and modules may have "
            f"names of it; call asyncslot.compat.replace({name!r}) before the first import of {name}"
        )
        raise RuntimeError(msg)
    sys.modules[name] = ours
    # "import PySide6.QtAsyncio" looks for the module in sys.modules, and "PySide6.QtAsyncio.run" for the attribute.
    parent, _, child = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], child, ours)
    return ours
