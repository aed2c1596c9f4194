"""Who emitted the signal that a slot's task began with, also after suspensions."""

from __future__ import annotations

import asyncio
from typing import Any

from asyncslot._stdlib import get_running_loop
from asyncslot.current import find_record

__all__ = ["sender"]


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
