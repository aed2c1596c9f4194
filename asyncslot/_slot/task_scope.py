"""Scopes: all tasks of one owner, or of one of its slots, to list, start and cancel."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Any, Callable, Coroutine, Sequence, TypeVar

from asyncslot._loop.first_step import dispose
from asyncslot._qt import check_alive
from asyncslot._slot.start import find_record, run_task
from asyncslot._task.cancellation import CancelReason, cancel_all
from asyncslot._task.owner import find_owned, owned_tasks

if TYPE_CHECKING:
    import contextvars

__all__ = ["TaskScope", "scope"]

T = TypeVar("T")


def scope(owner: Any, *, slot: Callable[..., object] | None = None) -> TaskScope:
    """
    Return the scope of *owner*'s tasks: the tasks of its slots, and those run with ``owner=``.

    It is the same object each time, and lives as long as the owner. So its methods can be connected:
    ``self.cancel_button.clicked.connect(scope(self, slot=Window.on_start).cancel)``.

    Args:
        owner: The QObject.
        slot: One of its slots, as ``Window.on_start`` or ``window.on_start``: the scope then has the calls of this
            slot only, those that wait included. None for all tasks.

    Raises:
        TypeError: If *owner* is not a QObject.
        ValueError: If *slot* is not a method of its class.
        RuntimeError: If its C++ object has been destroyed.

    Example:
        >>> async def main():
        ...     owner = QObject()
        ...     task = run_task(asyncio.sleep(3600), owner=owner)
        ...     scope(owner).cancel()
        ...     await asyncio.wait([task])
        ...     return task.cancelled()
        >>> asyncslot.run(main())
        True
    """
    # Here, where the mistake is made, and not at the scope's first use.
    check_alive(owner)
    slots = None if slot is None else _find_slots(owner, slot)
    scopes = find_owned(owner).scopes
    if slots not in scopes:
        scopes[slots] = TaskScope(owner, slots)
    found: TaskScope = scopes[slots]
    return found


def _find_slots(owner: Any, slot: Callable[..., object]) -> frozenset[object]:
    """Return the slots of that name in the classes of *owner*: an override may call the one of its base."""
    function = getattr(slot, "__func__", slot)
    name = getattr(function, "__name__", "")
    slots = frozenset(vars(base)[name] for base in type(owner).__mro__ if name in vars(base))
    # A slot's wrapper has its coroutine function as `__wrapped__`; a plain method has none.
    if function not in slots or not hasattr(function, "__wrapped__"):
        msg = (
            f"{slot!r} is no slot of {type(owner).__qualname__}; pass a method with AsyncSlot, such as Window.on_start"
        )
        raise ValueError(msg)
    return slots


class TaskScope:
    """
    The tasks that are bound to the life of one QObject. The scope does not keep the object alive.

    Args:
        owner: The QObject.
        slots: The functions of the slots whose calls it has; None for all tasks.
    """

    def __init__(self, owner: Any, slots: frozenset[object] | None = None) -> None:
        self._owner = weakref.ref(owner)
        self._slots = slots

    @property
    def tasks(self) -> list[asyncio.Task[Any]]:
        """The tasks that are not done, oldest first."""
        owner = self._owner()
        found = [] if owner is None else owned_tasks(owner)
        return [task for task in found if self._slots is None or self._has(task)]

    @property
    def is_running(self) -> bool:
        """Whether any of the tasks is not done."""
        return bool(self.tasks)

    def _has(self, task: asyncio.Task[Any]) -> bool:
        record = find_record(task)
        # What reports the failure of a slot's task knows the slot.
        arguments: Sequence[Any] = [] if record is None else getattr(record.on_failure, "args", [])
        return self._slots is not None and not self._slots.isdisjoint(arguments[:1])

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
