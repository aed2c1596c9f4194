"""
Owners: QObjects to whose life tasks are bound.

When the C++ object of an owner is destroyed, in whatever way, its tasks are cancelled.
Owners are held weakly: a task does not keep its window alive.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from typing import Any, Callable, NoReturn

from asyncslot._qt import IdentityDict, check_alive, connect_destroyed, is_deleted_error, on_widget_thread
from asyncslot._task.asyncio_private import logger, loop_thread_id
from asyncslot._task.cancellation import CancelReason, cancel
from asyncslot._task.description import describe_task

__all__ = ["OwnedTasks", "all_owned", "find_owned", "own", "owned_tasks", "refuse_thread"]

# Seconds after which a task that outlives its owner is cancelled again, and named in a warning.
# Arbitrary: longer than any clean-up takes that waits for nothing.
SURVIVAL_S = 1.0


def find_owned(owner: Any) -> OwnedTasks:
    """
    Return the record of *owner*'s tasks; there may be no task yet.

    Raises:
        TypeError: If *owner* is not a QObject.
        RuntimeError: If its C++ object has been destroyed.
    """
    owned = all_owned.get(owner)
    # A known owner costs no call into Qt: this runs at each call of a slot.
    if owned is None or owned.is_destroyed:
        # Raises for a destroyed owner. Before the record is made: it connects a signal of the owner's.
        check_alive(owner)
        owned = all_owned[owner]
    return owned


def own(owner: Any) -> OwnedTasks:
    """
    Return the record of *owner*'s tasks, for a new task that is started here.

    Raises:
        TypeError: If *owner* is not a QObject.
        RuntimeError: If its C++ object has been destroyed; or if it is a widget, and this is not its thread.
    """
    owned = find_owned(owner)
    if owned.is_elsewhere():
        refuse_thread(owner)
    return owned


def refuse_thread(owner: Any) -> NoReturn:
    """Raise the error for a task of a widget that is started on another thread."""
    msg = (
        f"{owner!r} is a widget of another thread than this one, {threading.current_thread().name!r}; emit a signal "
        "to a slot of the widget, or use asyncio.run_coroutine_threadsafe() with the loop of the widget's thread"
    )
    raise RuntimeError(msg)


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
        self._is_widget: bool = owner.isWidgetType()
        # A thread on which `is_elsewhere` is certainly false; None if none is known. A widget's thread never changes.
        self.home_id = threading.get_ident() if not self._is_widget or on_widget_thread() else None
        # Each task, with the timer that cancels it again if it goes on after its owner; None while that lives.
        self.tasks: dict[asyncio.Task[Any], asyncio.TimerHandle | None] = {}
        # The owner's scopes, by what they have. A binding keeps no receiver of a bound method alive, so that
        # `clicked.connect(scope(owner).cancel)` needs them here.
        self.scopes: dict[object, Any] = {}
        # What else is called when the owner is destroyed, on the thread that destroys it.
        self.watchers: list[Callable[[], None]] = []
        # Kept, because on PyQt the connection lives as long as this object.
        self._connection = connect_destroyed(owner, self._on_destroyed)

    def is_elsewhere(self) -> bool:
        """Tell whether the owner is a widget, and this is not its thread: nothing here may touch it."""
        # The comparison is the usual case, and saves the calls into Qt.
        return self.home_id != threading.get_ident() and self._is_widget and not on_widget_thread()

    def remove(self, task: asyncio.Task[Any]) -> None:
        """Forget *task*, which is done, or whose loop is closed."""
        timer = self.tasks.pop(task, None)
        if timer is not None:
            timer.cancel()

    def end_if_late(self, task: asyncio.Task[Any]) -> None:
        """Cancel *task* if its owner was destroyed after the task was asked for, and before it was added."""
        if self.is_destroyed and self.tasks.get(task) is None:
            self._end(task)

    def _on_destroyed(self) -> None:
        self.is_destroyed = True
        try:
            self._end_all()
        except RuntimeError as exc:
            # The application is being destroyed, and our timers before it. What is left ends with the loop.
            if not is_deleted_error(exc):
                raise

    def _end_all(self) -> None:
        for watcher in list(self.watchers):
            watcher()
        for task in list(self.tasks):
            loop = task.get_loop()
            # A closed loop takes no callback, and its tasks take no step any more.
            if loop.is_closed():
                continue
            # Another thread may destroy the owner, but a task is cancelled on its own thread only.
            # None: the loop does not run, or is of a kind that does not tell.
            if loop_thread_id(loop) in (None, threading.get_ident()):
                self._end(task)
            else:
                loop.call_soon_threadsafe(self._end, task)

    def _end(self, task: asyncio.Task[Any]) -> None:
        # On the way from another thread the task may have ended.
        if task in self.tasks:
            cancel(task, CancelReason.OWNER_DESTROYED)
            # A weak reference: the timer must not keep a task alive that is done.
            self.tasks[task] = task.get_loop().call_later(SURVIVAL_S, _end_survivor, weakref.ref(task))


def _end_survivor(reference: weakref.ref[asyncio.Task[Any]]) -> None:
    task = reference()
    # remove() cancels the timer, but only when the done callbacks have run.
    if task is None or task.done():
        return
    text = describe_task(task)
    logger.warning("Task goes on %g s after its owner was destroyed; cancelled again: %s", SURVIVAL_S, text)
    cancel(task, CancelReason.OWNER_DESTROYED)


# The record of each owner that has had tasks. `find_owned` makes it: indexing this does not check the owner.
all_owned = IdentityDict(OwnedTasks)
