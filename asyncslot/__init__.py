"""asyncio in a Qt application: one thread, one event loop, ``async def`` as a slot."""

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
from asyncslot.loop import AsyncSlotEventLoop, LoopState

__all__ = [
    "AsyncClose",
    "AsyncSlot",
    "AsyncSlotEventLoop",
    "CancelReason",
    "LoopState",
    "TaskInfo",
    "TaskScope",
    "cancel_reason",
    "run",
    "run_task",
    "scope",
    "sender",
    "tasks",
]

__version__ = "0.1.0"

# What users see in tracebacks, reprs and help() is where they import it from.
for _name in __all__:
    globals()[_name].__module__ = __name__
del _name
