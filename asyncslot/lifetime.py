"""How long a task lives: strong references while it runs, draining when it must end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from asyncslot._qt import QtCore
from asyncslot._stdlib import is_helper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["TaskKeeper", "cancel_all", "describe_task", "process_events_until"]


class TaskKeeper:
    """
    Strong references to tasks until they are done.

    asyncio itself refers to tasks weakly: one that waits for something that only
    it refers to would be collected in the middle.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Future[Any]] = set()

    def keep(self, task: asyncio.Future[Any]) -> None:
        """Refer to *task* until it is done."""
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


def cancel_all(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Request the cancellation of each of *tasks* but asyncio's own helpers, which end by themselves."""
    for task in tasks:
        if not is_helper(task):
            task.cancel()


def describe_task(task: asyncio.Task[Any]) -> str:
    """Return a task's name and where it is suspended: each coroutine it is in, with file and line, outermost first."""
    coro: Any = task.get_coro()
    places = []
    while coro is not None:
        frame = getattr(coro, "cr_frame", None) or getattr(coro, "gi_frame", None)
        if frame is not None:
            places.append(f"{coro.__qualname__}() at {frame.f_code.co_filename}:{frame.f_lineno}")
        coro = getattr(coro, "cr_await", None) or getattr(coro, "gi_yieldfrom", None)
    return f"{task.get_name()!r} in {' -> '.join(places) or repr(task.get_coro())}"


def process_events_until(is_over: Callable[[], bool]) -> None:
    """
    Let Qt run until a condition holds, without an event loop of Qt's.

    After ``QCoreApplication.exit()`` no QEventLoop runs any more, but events are
    still processed. The condition is checked after each batch of events, so
    whatever makes it true must be an event.
    """
    flags = QtCore.QEventLoop.ProcessEventsFlag.AllEvents | QtCore.QEventLoop.ProcessEventsFlag.WaitForMoreEvents
    while not is_over():
        QtCore.QCoreApplication.processEvents(flags)
