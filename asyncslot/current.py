"""This thread's loop: which one it is, and running tasks in it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Callable, Coroutine, TypeVar

from asyncslot._qt import QtCore, loop_level
from asyncslot._stdlib import get_running_loop
from asyncslot.lifetime import TaskKeeper
from asyncslot.loop import AsyncSlotEventLoop, thread_loop
from asyncslot.tasks import check_coroutine, create_in, dispose

if TYPE_CHECKING:
    import contextvars

__all__ = ["create_failing", "ensure_loop", "run_task", "start_task"]

T = TypeVar("T")

# Tasks in loops that are not ours, or past our loop's own way.
_tasks_elsewhere = TaskKeeper()


def ensure_loop() -> asyncio.AbstractEventLoop:
    """
    Return the loop that a task started here and now runs in.

    That is the running loop, of whatever kind; else the `AsyncSlotEventLoop` last
    attached on this thread; else a new one. One of ours is attached if it does not run.

    Raises:
        RuntimeError: If there is no QCoreApplication, or if this is not its thread
            and no Qt loop runs on it.
    """
    running = get_running_loop()
    if running is not None:
        return running
    application = QtCore.QCoreApplication.instance()
    if application is not None and loop_level() == 0 and application.thread() != QtCore.QThread.currentThread():
        msg = (
            "no Qt event loop runs on this thread, so nothing would carry the task; start one (QThread.exec()), "
            "or if one will run later, attach a loop to the thread: AsyncSlotEventLoop().attach()"
        )
        raise RuntimeError(msg)
    loop = thread_loop()
    if loop is not None:
        loop.attach()
        return loop
    loop = AsyncSlotEventLoop()
    try:
        loop.attach()
    except BaseException:
        loop.close()
        raise
    return loop


def run_task(
    coro: Coroutine[Any, Any, T], *, name: str | None = None, context: contextvars.Context | None = None
) -> asyncio.Task[T]:
    """
    Run a coroutine up to its first suspension now, and the rest in the Qt event loop.

    The task runs in this thread's loop, which is made and attached if need be. Under a
    running loop that is not ours it is just created there.

    Args:
        coro: The coroutine; it is closed if it cannot be run.
        name: The task's name; None for asyncio's default.
        context: The context that it runs in; None for a copy of the caller's.

    Returns:
        The task. It may be done already. It is strongly held until it is.

    Raises:
        TypeError: If *coro* is no coroutine.
        RuntimeError: If there is no QCoreApplication, if no Qt loop runs on a thread
            other than its own, or if *context* is entered already.
        SystemExit: What the first step raises before any Qt loop runs that it could end.
    """
    return start_task(coro, name=name, context=context)


def start_task(
    coro: Coroutine[Any, Any, T],
    *,
    name: str | None = None,
    context: contextvars.Context | None = None,
    on_done: Callable[[asyncio.Task[T]], object] | None = None,
) -> asyncio.Task[T]:
    """Do as `run_task`; *on_done* becomes a done callback before the first step runs."""
    try:
        check_coroutine(coro)
        loop = ensure_loop()
    except BaseException:
        dispose(coro)
        raise
    if isinstance(loop, AsyncSlotEventLoop):
        return loop._start_task(coro, name=name, context=context, on_done=on_done)
    try:
        task = create_in(loop, coro, name, context)
    except BaseException:
        dispose(coro)
        raise
    _tasks_elsewhere.keep(task)
    if on_done is not None:
        task.add_done_callback(on_done)
    return task


def create_failing(
    loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, T], *, on_done: Callable[[asyncio.Task[T]], object]
) -> asyncio.Task[T]:
    """Create a task, whatever the loop's task factory does, that will run when the loop does."""
    task = asyncio.Task(coro, loop=loop)
    _tasks_elsewhere.keep(task)
    task.add_done_callback(on_done)
    return task
