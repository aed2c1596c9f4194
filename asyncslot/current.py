"""This thread's loop: which one it is, running tasks in it; running a whole program."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Callable, Coroutine, TypeVar

from asyncslot._keeper import TaskInfo, TaskKeeper, TaskRecord
from asyncslot._owner import find_owned
from asyncslot._qt import QtCore, make_application, require_application
from asyncslot._stdlib import get_running_loop
from asyncslot.lifetime import cancel_all
from asyncslot.loop import AsyncSlotEventLoop, thread_loop
from asyncslot.tasks import check_coroutine, create_in, dispose

if TYPE_CHECKING:
    import contextvars
    import weakref

    from asyncslot._keeper import FailureHandler

__all__ = ["create_failing", "ensure_loop", "find_record", "run", "run_task", "start_task", "tasks"]

T = TypeVar("T")

# Tasks in loops that are not ours, or past our loop's own way.
_tasks_elsewhere = TaskKeeper()


def ensure_loop() -> asyncio.AbstractEventLoop:
    """
    Return the loop that a task started here and now runs in.

    That is the running loop, of whatever kind; else the `AsyncSlotEventLoop` last
    attached or set on this thread; else a new one. One of ours is attached if it does not run.

    Raises:
        RuntimeError: If there is no QCoreApplication, or if this is not its thread
            and no Qt loop runs on it.
    """
    running = get_running_loop()
    if running is not None:
        return running
    application = QtCore.QCoreApplication.instance()
    if application is not None and not _has_dispatcher() and application.thread() != QtCore.QThread.currentThread():
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
    except BaseException:  # Whatever it is, nobody else knows of this loop.
        loop.close()
        raise
    return loop


def _has_dispatcher() -> bool:
    """Tell whether a Qt loop runs on this thread, or is about to, as when ``QThread.started`` is emitted."""
    thread = QtCore.QThread.currentThread()
    if thread.inherits("QThreadPoolThread") and thread.loopLevel() == 0:
        return False  # It has a dispatcher, as any QThread, but runs no loop.
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

    The task runs in this thread's loop, which is made and attached if need be. Under a
    running loop that is not ours it is just created there.

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
    """
    check_coroutine(coro)
    return start_task(coro, name=name, context=context, owner=owner)


def start_task(
    coro: Coroutine[Any, Any, T],
    *,
    name: str | None = None,
    context: contextvars.Context | None = None,
    owner: Any = None,
    sender: weakref.ref[Any] | None = None,
    on_created: Callable[[asyncio.Task[T]], object] | None = None,
    on_failure: FailureHandler | None = None,
) -> asyncio.Task[T]:
    """Do as `run_task`, for a coroutine that is one; the rest is as for the loop's own ``_start_task``."""
    try:
        loop = ensure_loop()
        if isinstance(loop, AsyncSlotEventLoop):
            return loop._start_task(
                coro,
                name=name,
                context=context,
                owner=owner,
                sender=sender,
                on_created=on_created,
                on_failure=on_failure,
            )
        owned = None if owner is None else find_owned(owner)
        task = create_in(loop.create_task, coro, name, context)
    except BaseException:  # Whatever it is, the coroutine was handed over.
        dispose(coro)
        raise
    _keep_elsewhere(task, TaskRecord(owned, sender, on_failure))
    if on_created is not None:
        on_created(task)
    return task


def _keep_elsewhere(task: asyncio.Task[Any], record: TaskRecord) -> None:
    _tasks_elsewhere.keep(task, record)
    _tasks_elsewhere.release_when_done(task)


def find_record(task: asyncio.Task[Any]) -> TaskRecord | None:
    """Return what is known of *task*; None if it is not one of ours."""
    loop = task.get_loop()
    record = loop._keeper.find(task) if isinstance(loop, AsyncSlotEventLoop) else None
    return record or _tasks_elsewhere.find(task)


def tasks(owner: Any = None) -> list[TaskInfo]:
    """
    List what runs now in this thread's loop: the tasks of `run_task` and of slots.

    Args:
        owner: Only the tasks that are bound to this QObject; None for all.

    Returns:
        What there is to know of each, oldest first.
    """
    loop = get_running_loop() or thread_loop()
    ours = loop._keeper.describe() if isinstance(loop, AsyncSlotEventLoop) else []
    elsewhere = [info for info in _tasks_elsewhere.describe() if info.task.get_loop() is loop]
    return [info for info in [*ours, *elsewhere] if owner is None or info.owner is owner]


def create_failing(
    loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, T], *, on_failure: FailureHandler
) -> asyncio.Task[T]:
    """Create a task, whatever the loop's task factory does, that will run when the loop does."""
    task = asyncio.Task(coro, loop=loop)
    _keep_elsewhere(task, TaskRecord(on_failure=on_failure))
    return task


def run(main: Coroutine[Any, Any, T], *, debug: bool | None = None) -> T:
    """
    Run a coroutine in a Qt-hosted loop of its own until it is done, as ``asyncio.run`` does.

    Without an application one is made, first: by `AsyncSlotEventLoop.application_factory`
    if that is set, else a QApplication if the binding has QtWidgets, else what it has.

    In foreign code under a loop of ours, such as a slot of an application that an
    attached loop serves, the coroutine runs nested in that loop instead.

    Args:
        main: The coroutine; it is closed if it cannot be run.
        debug: Asyncio's debug mode; None for asyncio's default.

    Returns:
        The coroutine's result. Before that all other tasks of the loop were cancelled and
        awaited, its async generators and its executor shut down, and the loop closed.

    Raises:
        TypeError: If *main* is no coroutine.
        RuntimeError: If a coroutine or callback calls it, or another loop runs on this
            thread, or there is no application on a thread that cannot make one.
        KeyboardInterrupt: If Ctrl-C has ended it.
        SystemExit: If the application quits meanwhile, with its exit code.
    """
    running = get_running_loop()
    try:
        check_coroutine(main)
        require_application(AsyncSlotEventLoop.application_factory or make_application)
    except BaseException:  # Whatever it is, as a factory of the program's may raise, the coroutine was handed over.
        dispose(main)
        raise
    if isinstance(running, AsyncSlotEventLoop):
        return running.run_until_complete(main)
    if running is not None:
        dispose(main)
        msg = "asyncslot.run() cannot be called while another event loop runs on this thread; use 'await' instead"
        raise RuntimeError(msg)
    loop = AsyncSlotEventLoop()
    try:
        if debug is not None:
            loop.set_debug(debug)
        return loop.run_until_complete(main)
    finally:
        _end_run(loop)


def _end_run(loop: AsyncSlotEventLoop) -> None:
    """Do what ``asyncio.run`` does at its end."""
    try:
        tasks = asyncio.all_tasks(loop)
        if tasks:
            cancel_all(tasks)
            loop.run_until_complete(asyncio.wait(tasks))
        for task in tasks:
            if not task.cancelled() and task.exception() is not None:
                loop.call_exception_handler(
                    {
                        "message": "unhandled exception during asyncslot.run() shutdown",
                        "exception": task.exception(),
                        "task": task,
                    }
                )
        loop.run_until_complete(loop.shutdown_asyncgens())
        if sys.version_info >= (3, 9):
            loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
