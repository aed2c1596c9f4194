"""asyncio in a Qt application: one thread, one event loop, ``async def`` as a slot."""

from asyncslot.current import run, run_task
from asyncslot.decorator import AsyncSlot
from asyncslot.lifetime import CancelReason, cancel_reason
from asyncslot.loop import AsyncSlotEventLoop
from asyncslot.scope import TaskScope, scope

__all__ = [
    "AsyncSlot",
    "AsyncSlotEventLoop",
    "CancelReason",
    "TaskScope",
    "cancel_reason",
    "run",
    "run_task",
    "scope",
]

__version__ = "0.1.0"
