"""What is known of running tasks: what runs, and who emitted the signal that a slot's task began with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from asyncslot._slot.start import find_record, tasks_elsewhere
from asyncslot._task.asyncio_private import get_running_loop
from asyncslot.loop import AsyncSlotEventLoop, thread_loop

if TYPE_CHECKING:
    from asyncslot._task.registry import TaskInfo

__all__ = ["sender", "tasks"]


def tasks(owner: Any = None) -> list[TaskInfo]:
    """
    List what runs now in this thread's loop: the tasks of `run_task` and of slots.

    Args:
        owner: Only the tasks that are bound to this QObject; None for all.

    Returns:
        What there is to know of each, oldest first.
    """
    loop = get_running_loop() or thread_loop()
    ours = loop._registry.describe() if isinstance(loop, AsyncSlotEventLoop) else []
    elsewhere = [info for info in tasks_elsewhere.describe() if info.task.get_loop() is loop]
    return [info for info in [*ours, *elsewhere] if owner is None or info.owner is owner]


def sender() -> Any:
    """
    Return the object whose signal called the slot that is running.

    Qt's own ``self.sender()`` knows it until the first suspension only.

    Returns:
        The sender; None if the current task is not that of a QObject's slot, if it was not a signal that
        called it, or if the sender is gone. As with Qt's own, one slot that calls another of the same object
        by hand passes its sender on.
    """
    task = asyncio.current_task() if get_running_loop() is not None else None
    record = None if task is None else find_record(task)
    return None if record is None or record.sender is None else record.sender()
