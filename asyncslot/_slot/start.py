"""Starting a task in this thread's loop, which is made and attached if need be."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Coroutine, NoReturn, TypeVar

from asyncslot._loop.first_step import check_coroutine, create_in, dispose
from asyncslot._qt import QtCore
from asyncslot._task.asyncio_private import get_running_loop
from asyncslot._task.owner import own
from asyncslot._task.registry import TaskRecord, TaskRegistry
from asyncslot.loop import AsyncSlotEventLoop, GuestEventLoop, thread_loop

if TYPE_CHECKING:
    import contextvars

__all__ = [
    "ensure_loop",
    "find_record",
    "make_failed",
    "make_loop",
    "run_task",
    "start_failed",
    "start_task",
    "tasks_elsewhere",
]

T = TypeVar("T")

# The tasks in loops that are not ours, and those of `start_failed`. A loop of ours has a registry of its own.
tasks_elsewhere = TaskRegistry()


def ensure_loop() -> asyncio.AbstractEventLoop:
    """
    Return the loop for a task that is started now on this thread.

    That is the running loop, of whatever kind; else the `AsyncSlotEventLoop` last attached or
    set on this thread; else a new one, by `make_loop`. The last two are attached if they do not run.

    Raises:
        RuntimeError: If there is no QCoreApplication, or if this is not its thread
            and no Qt loop runs on it.
    """
    running = get_running_loop()
    if running is not None:
        return running
    # On the application's own thread exec() may still come. On others nothing tells that a loop will ever run.
    # Without an application, attach() raises the error that says so.
    application = QtCore.QCoreApplication.instance()
    if application is not None and not _has_dispatcher() and application.thread() != QtCore.QThread.currentThread():
        msg = (
            "no Qt event loop runs on this thread, so nothing would carry the task; start one (QThread.exec()), "
            "or if one will run later, attach a loop to the thread: AsyncSlotEventLoop().attach()"
        )
        raise RuntimeError(msg)
    # A detached loop, with the tasks that it has, rather than a second one. A closed one is None here.
    loop: GuestEventLoop | None = thread_loop()
    if loop is not None:
        loop.attach()
        return loop
    loop = make_loop()
    try:
        loop.attach()
    except BaseException:  # Nobody else knows of this loop: close it on any failure.
        loop.close()
        raise
    return loop


def make_loop() -> GuestEventLoop:
    """
    Make a loop of ours: of the kind that `asyncslot_policy` has been told to use, if it is installed.

    Returns:
        The loop. If the chosen kind is no loop of ours, it is an `AsyncSlotEventLoop`.

    Raises:
        asyncslot_policy.AsyncSlotPolicyError: If the chosen loop is unavailable, and code has chosen it.
    """
    # Looked up, not imported: the policy package imports this one. It may be installed before this package is
    # imported, so it cannot leave its choice here.
    hooks = sys.modules.get("asyncslot_policy._hooks")
    source = None if hooks is None else hooks.installed_source()
    loop: GuestEventLoop | None = None if source is None else source.make_guest()
    return AsyncSlotEventLoop() if loop is None else loop


def _has_dispatcher() -> bool:
    """Tell whether a Qt loop runs on this thread, or will soon, as when ``QThread.started`` is emitted."""
    # Not by loopLevel() alone: it is still 0 in a slot of QThread.started.
    thread = QtCore.QThread.currentThread()
    if thread.inherits("QThreadPoolThread") and thread.loopLevel() == 0:
        return False  # It has a dispatcher, as each QThread has, but runs no loop.
    return QtCore.QAbstractEventDispatcher.instance() is not None


def run_task(
    coro: Coroutine[Any, Any, T],
    *,
    name: str | None = None,
    context: contextvars.Context | None = None,
    owner: Any = None,
) -> asyncio.Task[T]:
    """
    Run a coroutine up to its first suspension now, and the rest in the Qt event loop.

    The task runs in this thread's loop. That is made and attached if necessary. Under a running loop
    that is not an `AsyncSlotEventLoop`, the task is only created there, as by ``create_task()``.
    A task that a plain slot starts while the application quits is cancelled.

    Args:
        coro: The coroutine; it is closed if it cannot be run.
        name: The task's name; None for asyncio's default.
        context: The context that it runs in; None for a copy of the caller's.
        owner: The QObject to whose life the task is bound: when its C++ object is
            destroyed, the task is cancelled. None for none.

    Returns:
        The task. It may be done already. It is strongly held until it is.

    Raises:
        TypeError: If *coro* is no coroutine, or *owner* no QObject.
        RuntimeError: If there is no QCoreApplication, if no Qt loop runs on a thread
            other than its own, or if *context* is entered already.
        SystemExit: What the first step raises before any Qt loop runs that it could end.

    Example:
        >>> async def work():
        ...     print("begun")
        ...     await asyncio.sleep(0.1)
        >>> async def main():
        ...     task = run_task(work())
        ...     print("returned")
        ...     await task
        >>> asyncslot.run(main())
        begun
        returned
    """
    check_coroutine(coro)
    try:
        record = TaskRecord(None if owner is None else own(owner))
    except BaseException:  # We own coro now: close it on any failure.
        dispose(coro)
        raise
    return start_task(coro, record, name=name, context=context)


def start_task(
    coro: Coroutine[Any, Any, T],
    record: TaskRecord,
    *,
    name: str | None = None,
    context: contextvars.Context | None = None,
) -> asyncio.Task[T]:
    """Do as `run_task`, for a coroutine that was checked, with a record that the caller has made."""
    try:
        loop = get_running_loop() or ensure_loop()
        # If this raises, the coroutine is closed already. Closing it twice is a no-op.
        if isinstance(loop, GuestEventLoop):
            return loop._start_task(coro, record, name=name, context=context)
        task = create_in(loop.create_task, coro, name, context)
    except BaseException:  # We own coro now: close it on any failure.
        dispose(coro)
        raise
    _register_elsewhere(task, record)
    return task


def start_failed(loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, T], record: TaskRecord) -> asyncio.Task[T]:
    """Create a task for a failure to report, without the loop's task factory."""
    # The factory may be what has failed. By the class, a task can be made all the same.
    task = asyncio.Task(coro, loop=loop)
    _register_elsewhere(task, record)
    return task


class _NoLoop:
    """What a future asks of its loop, for one that no loop can have."""

    def get_debug(self) -> bool:
        return False

    def is_closed(self) -> bool:
        return True

    def call_soon(self, *_: object, **__: object) -> NoReturn:
        msg = "Event loop is closed"
        raise RuntimeError(msg)


def make_failed(exc: BaseException) -> asyncio.Future[Any]:
    """Return a future that has failed with *exc*, for a call that no loop can have."""
    # Not by a loop of ours: for want of descriptors, none may be made any more.
    future: asyncio.Future[Any] = asyncio.Future(loop=_NoLoop())  # type: ignore[arg-type]
    future.set_exception(exc)
    # Retrieved: the caller has reported it.
    future.exception()
    return future


def _register_elsewhere(task: asyncio.Task[Any], record: TaskRecord) -> None:
    # Such loops, too, refer to their tasks weakly.
    tasks_elsewhere.add(task, record)
    tasks_elsewhere.release_when_done(task)


def find_record(task: asyncio.Task[Any]) -> TaskRecord | None:
    """Return the record of *task*; None if the task is done, or if neither `run_task` nor a slot has started it."""
    loop = task.get_loop()
    record = loop._registry.find(task) if isinstance(loop, GuestEventLoop) else None
    # A task of `start_failed` may be in a loop of ours without being in its registry.
    return record or tasks_elsewhere.find(task)
