"""asyncio in a Qt application: one thread, one event loop, ``async def`` as a slot."""

from asyncslot.current import run_task
from asyncslot.decorator import AsyncSlot
from asyncslot.loop import AsyncSlotEventLoop

__all__ = ["AsyncSlot", "AsyncSlotEventLoop", "run_task"]

__version__ = "0.1.0"
