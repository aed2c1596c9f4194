"""Who emitted the signal that a slot's task began with, also after suspensions."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

from asyncslot._qt import QtCore
from asyncslot._stdlib import get_running_loop

__all__ = ["note_sender", "sender"]


def sender() -> Any:
    """
    Return the object whose signal called the slot that is running.

    Qt's own ``self.sender()`` knows it until the first suspension only.

    Returns:
        The sender; None if the current task is not that of a QObject's slot, if it was not
        a signal that called it, or if the sender is gone.
    """
    task = asyncio.current_task() if get_running_loop() is not None else None
    reference = None if task is None else _senders.get(task)
    return None if reference is None else reference()


def note_sender(task: asyncio.Task[Any], receiver: Any) -> None:
    """Note who calls *receiver*'s slot now, for *task*."""
    source = receiver.sender() if isinstance(receiver, QtCore.QObject) else None
    if source is not None:
        _senders[task] = weakref.ref(source)


_senders: weakref.WeakKeyDictionary[asyncio.Task[Any], weakref.ref[Any]] = weakref.WeakKeyDictionary()
