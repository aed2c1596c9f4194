"""asyncio in a Qt application: one thread, one event loop, ``async def`` as a slot."""

from asyncslot._keeper import TaskInfo
from asyncslot.closing import AsyncClose
from asyncslot.current import run, run_task, tasks
from asyncslot.decorator import AsyncSlot
from asyncslot.lifetime import CancelReason, cancel_reason
from asyncslot.loop import AsyncSlotEventLoop
from asyncslot.scope import TaskScope, scope
from asyncslot.sender import sender

__all__ = [
    "AsyncClose",
    "AsyncSlot",
    "AsyncSlotEventLoop",
    "CancelReason",
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
