"""asyncio in a Qt application: one thread, one event loop, ``async def`` as a slot."""

# No logic here but for `dialogs`: "import asyncslot" imports all of this, and must stay quick (10 ms over asyncio and
# QtCore).
from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from asyncslot._slot.runner import run
from asyncslot.background import Progress, ProgressReporter, run_in_process, run_in_qt_thread, run_in_thread
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
    from asyncslot import dialogs

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
    "TaskInfo",
    "TaskScope",
    "cancel_reason",
    "dialogs",
    "expect_signal",
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

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import `asyncslot.dialogs` when it is first used: a program without dialogs need not pay for it."""
    if name != "dialogs":
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return importlib.import_module("asyncslot.dialogs")


# Tracebacks, reprs and help() show the module that users import from, not the private one with the code.
for _name in set(__all__) - {"dialogs"}:
    globals()[_name].__module__ = __name__
del _name
