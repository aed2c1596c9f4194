"""Scopes: all tasks of one owner, to list, start and cancel."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Any, Coroutine, TypeVar

from asyncslot._loop.first_step import dispose
from asyncslot._qt import check_alive
from asyncslot._slot.start import run_task
from asyncslot._task.cancellation import CancelReason, cancel_all
from asyncslot._task.owner import owned_tasks

if TYPE_CHECKING:
    import contextvars

__all__ = ["TaskScope", "scope"]

T = TypeVar("T")


def scope(owner: Any) -> TaskScope:
    """
    Return the scope of *owner*'s tasks: the tasks of its slots, and those run with ``owner=``.

    Raises:
        TypeError: If *owner* is not a QObject.
        RuntimeError: If its C++ object has been destroyed.
    """
    # Here, where the mistake is made, and not at the scope's first use.
    check_alive(owner)
    return TaskScope(owner)


class TaskScope:
    """
    The tasks that are bound to the life of one QObject. The scope does not keep the object alive.

    Args:
        owner: The QObject.
    """

    def __init__(self, owner: Any) -> None:
        # The tasks are looked up at each use, so all scopes of one owner are alike.
        self._owner = weakref.ref(owner)

    @property
    def tasks(self) -> list[asyncio.Task[Any]]:
        """The tasks that are not done, oldest first."""
        owner = self._owner()
        return [] if owner is None else owned_tasks(owner)

    def run_task(
        self, coro: Coroutine[Any, Any, T], *, name: str | None = None, context: contextvars.Context | None = None
    ) -> asyncio.Task[T]:
        """
        Run a coroutine as `asyncslot.run_task` does, bound to the owner's life.

        Raises:
            RuntimeError: If the owner is gone; the coroutine is closed. Else as `asyncslot.run_task`.
        """
        owner = self._owner()
        # If only the C++ object is gone, run_task() raises.
        if owner is None:
            dispose(coro)
            msg = "the owner of this scope has been destroyed; for a task without an owner call asyncslot.run_task()"
            raise RuntimeError(msg)
        return run_task(coro, name=name, context=context, owner=owner)

    def cancel(self) -> None:
        """Request the cancellation of all tasks."""
        cancel_all(self.tasks, CancelReason.REQUESTED)
