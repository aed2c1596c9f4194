"""What is known of running tasks: which ones run, and who emitted the signal that started a slot's task."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from asyncslot._slot.start import find_record, tasks_elsewhere
from asyncslot._task.asyncio_private import get_running_loop
from asyncslot.loop import GuestEventLoop, thread_loop

if TYPE_CHECKING:
    from asyncslot._task.registry import TaskInfo

__all__ = ["sender", "tasks"]


def tasks(owner: Any = None) -> list[TaskInfo]:
    """
    List the tasks of `run_task` and of slots that run now in this thread's loop.

    Args:
        owner: Only the tasks that are bound to this QObject; None for all.

    Returns:
        What is known of each task, oldest first.
    """
    # A detached loop does not run, but its tasks are only suspended, and are listed, too.
    loop = get_running_loop() or thread_loop()
    ours = loop._registry.describe() if isinstance(loop, GuestEventLoop) else []
    # Tasks of all loops that are not ours are in one registry, so they are told apart by their loop.
    elsewhere = [info for info in tasks_elsewhere.describe() if info.task.get_loop() is loop]
    return [info for info in [*ours, *elsewhere] if owner is None or info.owner is owner]


def sender() -> Any:
    """
    Return the object whose signal called the slot that is running.

    Qt's own ``self.sender()`` returns it only until the first suspension.

    Returns:
        The sender; None if the current task is not the task of a QObject's slot, if no signal called
        the slot, or if the sender is gone. If a slot calls another slot of the same object directly, both
        have the same sender, as with Qt's own.
    """
    # asyncio.current_task() raises where no loop runs.
    task = asyncio.current_task() if get_running_loop() is not None else None
    record = None if task is None else find_record(task)
    return None if record is None else record.sender
