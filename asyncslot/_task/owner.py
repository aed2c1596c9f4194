"""
Owners: QObjects to whose life tasks are bound.

When the C++ object of an owner is destroyed, in whatever way, its tasks are cancelled.
Owners are held weakly: a task does not keep its window alive.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from typing import Any

from asyncslot._qt import IdentityDict, QtCore, check_alive
from asyncslot._task.asyncio_private import logger, loop_thread_id
from asyncslot._task.cancellation import CancelReason, cancel
from asyncslot._task.description import describe_task

__all__ = ["OwnedTasks", "all_owned", "find_owned", "owned_tasks"]

# Seconds after which a task that outlives its owner is cancelled again, and named.
# Arbitrary: longer than clean-up takes that waits for nothing.
SURVIVAL_S = 1.0


def find_owned(owner: Any) -> OwnedTasks:
    """
    Return the tasks of *owner*, of which there may be none yet.

    Raises:
        TypeError: If it is no QObject.
        RuntimeError: If its C++ object has been destroyed.
    """
    owned = all_owned.get(owner)
    if owned is None or owned.is_destroyed:
        check_alive(owner)
        owned = all_owned[owner]
    return owned


def owned_tasks(owner: object) -> list[asyncio.Task[Any]]:
    """Return the tasks bound to *owner* that are not done, oldest first."""
    owned = all_owned.get(owner)
    return [] if owned is None else [task for task in owned.tasks if not task.done()]


class OwnedTasks:
    """
    The tasks of one owner that are not done, in the order in which they began.

    Args:
        owner: The QObject.
    """

    def __init__(self, owner: Any) -> None:
        self.owner = weakref.ref(owner)
        self.is_destroyed = False
        # Each task, with the timer that ends it if it goes on after its owner.
        self.tasks: dict[asyncio.Task[Any], asyncio.TimerHandle | None] = {}
        # A closure, because it is called even if the Python object dies with the C++ one; the receiver of a
        # bound method would be gone by then. A direct connection, whatever the thread: a queued one would get lost.
        owner.destroyed.connect(lambda *_: self._on_destroyed(), QtCore.Qt.ConnectionType.DirectConnection)

    def add(self, task: asyncio.Task[Any]) -> None:
        """Bind *task* to the owner's life."""
        self.tasks[task] = None

    def remove(self, task: asyncio.Task[Any]) -> None:
        """Forget *task*, which is done, or whose loop is closed."""
        timer = self.tasks.pop(task, None)
        if timer is not None:
            timer.cancel()

    def _on_destroyed(self) -> None:
        self.is_destroyed = True
        for task in list(self.tasks):
            loop = task.get_loop()
            if loop.is_closed():
                continue
            if loop_thread_id(loop) in (None, threading.get_ident()):
                self._end(task)
            else:
                loop.call_soon_threadsafe(self._end, task)

    def _end(self, task: asyncio.Task[Any]) -> None:
        if task in self.tasks:
            cancel(task, CancelReason.OWNER_DESTROYED)
            self.tasks[task] = task.get_loop().call_later(SURVIVAL_S, _end_survivor, weakref.ref(task))


def _end_survivor(reference: weakref.ref[asyncio.Task[Any]]) -> None:
    task = reference()
    if task is None or task.done():
        return
    text = describe_task(task)
    logger.warning("Task goes on %g s after its owner was destroyed; cancelled again: %s", SURVIVAL_S, text)
    cancel(task, CancelReason.OWNER_DESTROYED)


# Those of each owner that has had any: `find_owned` makes them.
all_owned = IdentityDict(OwnedTasks)
