"""asyncio in a Qt application: one thread, one event loop, ``async def`` as a slot."""

# No logic here but for what is imported later: "import asyncslot" must stay quick (10 ms over asyncio and QtCore).
from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from asyncslot._qt.binding import heeded_environment
from asyncslot._slot.runner import run
from asyncslot.decorator import (
    AsyncClose,
    AsyncSlot,
    CancelReason,
    TaskInfo,
    TaskScope,
    cancel_reason,
    run_task,
    scope,
    sender,
    tasks,
)
from asyncslot.loop import AsyncSlotEventLoop, AsyncSlotSelectorEventLoop, LoopState
from asyncslot.signals import SenderDestroyed, expect_signal, signal_stream, wait_signal

if TYPE_CHECKING:
    from asyncslot import background, compat, dialogs, inspector
    from asyncslot._slot.task_handle import TaskHandle
    from asyncslot.background import Progress, ProgressReporter, run_in_process, run_in_qt_thread, run_in_thread

__all__ = [
    "AsyncClose",
    "AsyncSlot",
    "AsyncSlotEventLoop",
    "AsyncSlotSelectorEventLoop",
    "CancelReason",
    "LoopState",
    "Progress",
    "ProgressReporter",
    "SenderDestroyed",
    "TaskHandle",
    "TaskInfo",
    "TaskScope",
    "background",
    "cancel_reason",
    "compat",
    "dialogs",
    "expect_signal",
    "inspector",
    "run",
    "run_in_process",
    "run_in_qt_thread",
    "run_in_thread",
    "run_task",
    "scope",
    "sender",
    "signal_stream",
    "tasks",
    "wait_signal",
]

__version__ = "0.2.0"


# What is imported when it is first used, because many programs never do: modules, and names with their modules.
# Each module is written out: Nuitka finds those to compile by that, and not by names that are put together.
_LAZY_MODULES = {
    "background": lambda: importlib.import_module("asyncslot.background"),
    "compat": lambda: importlib.import_module("asyncslot.compat"),
    "dialogs": lambda: importlib.import_module("asyncslot.dialogs"),
    "inspector": lambda: importlib.import_module("asyncslot.inspector"),
}
_LAZY = {
    "Progress": "asyncslot.background",
    "ProgressReporter": "asyncslot.background",
    "TaskHandle": "asyncslot._slot.task_handle",
    "run_in_process": "asyncslot.background",
    "run_in_qt_thread": "asyncslot.background",
    "run_in_thread": "asyncslot.background",
}


def __getattr__(name: str) -> Any:
    """Import what is not imported yet: the modules of `_LAZY_MODULES`, and the names of `_LAZY`."""
    if name in _LAZY_MODULES:
        return _LAZY_MODULES[name]()
    if name not in _LAZY:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    found = getattr(importlib.import_module(_LAZY[name]), name)
    _export(name, found)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """Do what ``%load_ext asyncslot`` asks for: IPython's prompt, its ``await`` and Qt's windows share one loop."""
    importlib.import_module("asyncslot._ipython").load(shell)


def unload_ipython_extension(_: Any) -> None:
    """Do what ``%unload_ext asyncslot`` asks for."""
    importlib.import_module("asyncslot._ipython").unload()


def _export(name: str, found: Any) -> None:
    # Tracebacks, reprs and help() show the module that users import from, not the private one with the code.
    found.__module__ = __name__
    globals()[name] = found


for _name in set(__all__) - set(_LAZY) - set(_LAZY_MODULES):
    _export(_name, globals()[_name])
del _name

if heeded_environment().get("ASYNCSLOT_INSPECTOR"):
    # A statement, unlike the calls above: PyInstaller finds modules by these.
    from asyncslot._inspector.shortcut import prepare as _prepare

    _prepare(heeded_environment()["ASYNCSLOT_INSPECTOR"])
