"""
Owners: QObjects to whose life tasks are bound.

When the C++ object of an owner is destroyed, by whatever way, its tasks are
cancelled. Owners are held weakly: no task keeps a window alive by being registered.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from typing import Any

from asyncslot._identity import IdentityDict
from asyncslot._qt import QtCore
from asyncslot._stdlib import logger
from asyncslot.lifetime import CancelReason, cancel, describe_task

__all__ = ["OwnedTasks", "check_owner", "find_owned", "is_alive", "is_owner_gone", "owned_tasks"]

# Seconds after which a task that outlives its owner is cancelled again, and named.
# Arbitrary: longer than clean-up takes that waits for nothing.
SURVIVAL_S = 1.0


def check_owner(owner: object) -> None:
    """
    Accept a living QObject that can be weakly referenced.

    Raises:
        TypeError: If it is no QObject.
        RuntimeError: If its C++ object has been destroyed.
    """
    if not isinstance(owner, QtCore.QObject):
        msg = f"the owner of a task must be a QObject, got {owner!r}; leave it out for a task without an owner"
        raise TypeError(msg)
    owner.objectName()  # RuntimeError, by the binding, if there is no C++ object any more.


def is_alive(owner: Any) -> bool:
    """Tell whether a QObject, or None, is one that still has its C++ object."""
    try:
        check_owner(owner)
    except (TypeError, RuntimeError):
        return False
    return True


def find_owned(owner: Any) -> OwnedTasks:
    """
    Return the tasks of *owner*, of which there may be none yet.

    Raises:
        TypeError: If it is no QObject.
        RuntimeError: If its C++ object has been destroyed.
    """
    owned = _all_owned.get(owner)
    if owned is None or owned.is_destroyed:
        check_owner(owner)
        owned = _all_owned[owner]
    return owned


def owned_tasks(owner: object) -> list[asyncio.Task[Any]]:
    """Return the tasks bound to *owner* that are not done, oldest first."""
    owned = _all_owned.get(owner)
    return [] if owned is None else [task for task in owned.tasks if not task.done()]


def is_owner_gone(exc: BaseException | None) -> bool:
    """Tell whether *exc* is what the binding raises when a destroyed C++ object is used."""
    return isinstance(exc, RuntimeError) and "already deleted" in str(exc)


class OwnedTasks:
    """
    The tasks of one owner that are not done, in the order in which they began.

    Args:
        owner: The QObject.
    """

    def __init__(self, owner: Any) -> None:
        self.owner = weakref.ref(owner)
        self.is_destroyed = False
        # With the timer that ends a task that goes on after its owner.
        self.tasks: dict[asyncio.Task[Any], asyncio.TimerHandle | None] = {}
        # A closure: it is called even if the Python object dies with the C++ one, when a bound method's
        # receiver would be gone already. Directly, on whatever thread that happens: a queued call would get lost.
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
            if getattr(loop, "_thread_id", None) in (None, threading.get_ident()):
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


_all_owned = IdentityDict(OwnedTasks)
