"""``asyncslot.run``: a whole program in a Qt-hosted loop of its own."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Coroutine, TypeVar

from asyncslot._loop.first_step import check_coroutine, dispose
from asyncslot._qt import make_application
from asyncslot._slot.start import make_loop
from asyncslot._task.asyncio_private import get_running_loop
from asyncslot._task.cancellation import cancel_all
from asyncslot.loop import GuestEventLoop

__all__ = ["run"]

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T], *, debug: bool | None = None) -> T:
    """
    Run a coroutine in a Qt-hosted loop of its own until it is done, as ``asyncio.run`` does.

    If there is no application, one is made first:

    - by `AsyncSlotEventLoop.application_factory`, if that is set;
    - else a QApplication, if the binding has QtWidgets;
    - else a QGuiApplication or a QCoreApplication.

    If an `AsyncSlotEventLoop` runs already, and foreign code calls this, such as a plain slot, the
    coroutine runs nested in that loop. While the application quits, such a call ends with the quit
    at the latest.

    Args:
        main: The coroutine; it is closed if it cannot be run.
        debug: asyncio's debug mode; None for asyncio's default. A nested call ignores it.

    Returns:
        The coroutine's result. Unless the call was nested, all other tasks of the loop have been cancelled
        and awaited before, its async generators and its executor shut down, and the loop closed.

    Raises:
        TypeError: If *main* is not a coroutine.
        RuntimeError: If a coroutine or callback calls it, or another loop runs on this
            thread, or there is no application on a thread that cannot make one.
        KeyboardInterrupt: If Ctrl-C has ended it.
        SystemExit: If the application quits meanwhile, with its exit code.
        asyncio.CancelledError: If *main* was cancelled; also if the application quits, and this call was nested.

    Example:
        >>> async def main():
        ...     await asyncio.sleep(0.1)
        ...     return "done"
        >>> asyncslot.run(main())
        'done'
    """
    running = get_running_loop()
    loop: GuestEventLoop | None = None
    try:
        # First, because an application would stay behind if main were refused.
        check_coroutine(main)
        if isinstance(running, GuestEventLoop):
            running._check_can_block()
        elif running is not None:
            # asyncio allows one running loop per thread: ours could not be opened under another one.
            msg = "asyncslot.run() cannot be called while another event loop runs on this thread; use 'await' instead"
            raise RuntimeError(msg)  # noqa: TRY301 - main is closed below.
        else:
            loop = make_loop()
            loop._require_application(make_application)
    except BaseException:  # We own main now: close it on any failure, also of the program's own factory.
        dispose(main)
        if loop is not None:
            loop.close()
        raise
    if loop is None:
        assert isinstance(running, GuestEventLoop)
        return running.run_until_complete(main)
    try:
        # None leaves what PYTHONASYNCIODEBUG or -X dev has chosen.
        if debug is not None:
            loop.set_debug(debug)
        return loop.run_until_complete(main)
    finally:
        _end_run(loop)


def _end_run(loop: GuestEventLoop) -> None:
    """Do what ``asyncio.run`` does at its end: cancel and await all tasks, shut down, close."""
    # In asyncio's order: tasks may still use generators and the executor in their clean-up.
    try:
        tasks = asyncio.all_tasks(loop)
        if tasks:
            cancel_all(tasks)
            # All of them: asyncio's helpers, which are not cancelled, end by themselves.
            loop.run_until_complete(asyncio.wait(tasks))
        # wait() raises nothing for them, and nobody else is left who could ask.
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
