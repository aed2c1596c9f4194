"""
Work in the background, awaited: in another thread, in another process, in another Qt thread.

The window goes on meanwhile. A `Progress` shows how far the work is, and cancels it.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from asyncslot._background.progress import Progress
from asyncslot._background.qt_thread import run_in_qt_thread
from asyncslot._background.relay import Relay
from asyncslot._background.reporter import ProgressReporter, ignore_report, takes_progress
from asyncslot._background.thread import ThreadJob

if TYPE_CHECKING:
    from asyncslot._background.process import ProcessJob

__all__ = ["Progress", "ProgressReporter", "run_in_process", "run_in_qt_thread", "run_in_thread"]

T = TypeVar("T")


async def run_in_thread(function: Callable[..., T], *args: Any, progress: Progress | None = None, **kwargs: Any) -> T:
    """
    Call a function in a thread of the loop's default executor, and wait for its result.

    If the function has a parameter ``progress``, it gets a `ProgressReporter` there, by which it tells how far it is.

    If the waiting task is cancelled, also by a timeout, the function's next report raises CancelledError in the
    thread, and the task waits until the function has ended. A function that has not begun never does. A function
    that never reports, or asks ``progress.is_cancelled``, cannot be cancelled: the task waits for its end. A quit
    waits for at most `AsyncSlotEventLoop.shutdown_timeout_s`, and Python, at its end, waits for the thread.

    Args:
        function: The function. It must not touch widgets.
        args: Its positional arguments.
        progress: Shows what the function reports; None for nothing.
        kwargs: Its keyword arguments.

    Returns:
        What the function returns. All reports have been shown by then.

    Raises:
        TypeError: If *function* is no function, or a coroutine function; or if there is a *progress*, but no parameter
            for it.
        RuntimeError: If *progress* is used by another call; or the function has raised StopIteration.
        asyncio.CancelledError: If the task was cancelled, or the work, by ``progress.cancel()``.
        BaseException: What the function raises; also if that is an error in its clean-up, after a cancellation.

    Example:
        >>> def add_up(numbers, progress):
        ...     return sum(progress.track(numbers))
        >>> asyncslot.run(run_in_thread(add_up, [1, 2, 3]))
        6
    """
    _check("run_in_thread", function, progress)
    result: T = await _run(ThreadJob, function, args, kwargs, progress)
    return result


async def run_in_process(function: Callable[..., T], *args: Any, progress: Progress | None = None, **kwargs: Any) -> T:
    """
    Call a function in another process, and wait for its result.

    It does the same as `run_in_thread`, for work that computes: in a thread, that would slow the window down.

    The function, its arguments and its result are sent to another process, which imports the function by its name.
    The processes are spawned, one for each core at most, by the first calls, and end with the loop. Each imports the
    program's main module, so that must not run the program when it is imported: write ``if __name__ == "__main__":``.
    If a function still runs when the loop is closed, because it has not heard its cancellation, its process is killed.

    Args:
        function: The function, defined at the top level of a module.
        args: Its positional arguments.
        progress: Shows what the function reports; None for nothing.
        kwargs: Its keyword arguments.

    Returns:
        What the function returns.

    Raises:
        concurrent.futures.process.BrokenProcessPool: If a process has died. The next call gets new ones. If it died
            before it could work, the message names the likely cause.
        TypeError: As `run_in_thread`; or if the function cannot be sent to another process.
        RuntimeError: As `run_in_thread`; or if 65,536 calls run or wait already.
        asyncio.CancelledError: As `run_in_thread`.
        BaseException: What the function raises.
    """
    _check("run_in_process", function, progress)
    # Imported here: it imports multiprocessing, and most programs need no process.
    from asyncslot._background.process import ProcessJob  # noqa: PLC0415

    result: T = await _run(ProcessJob, function, args, kwargs, progress)
    return result


def _check(name: str, function: Any, progress: Any) -> None:
    if not callable(function):
        hint = "; pass the function, and its arguments after it" if inspect.iscoroutine(function) else ""
        msg = f"{name}() calls a function, got {function!r}{hint}"
        raise TypeError(msg)
    if inspect.iscoroutinefunction(function):
        msg = f"{name}() calls a plain function, got the coroutine function {function!r}; await that, or use run_task()"
        raise TypeError(msg)
    if progress is None:
        return
    if not isinstance(progress, Progress):
        msg = f"progress must be a Progress, got {progress!r}; for an argument of your own use functools.partial()"
        raise TypeError(msg)
    if not takes_progress(function):
        msg = f"{function!r} has no parameter 'progress', so it could report nothing; add one, or pass no progress"
        raise TypeError(msg)


async def _run(
    job_class: Callable[..., ThreadJob | ProcessJob],
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    progress: Progress | None,
) -> Any:
    if progress is None:
        put = ignore_report if takes_progress(function) else None
        return await job_class(function, args, kwargs, put).run()
    relay = Relay(asyncio.get_running_loop(), progress._take)
    has_succeeded = False
    job: ThreadJob | ProcessJob | None = None
    # First: if the Progress is in use, no work begins.
    progress._begin(lambda: None if job is None else job.cancel())
    try:
        # A widget may have cancelled it while there was no job.
        if progress._is_cancelled:
            msg = "the work was cancelled before it began"
            raise asyncio.CancelledError(msg)
        job = job_class(function, args, kwargs, relay.put)
        result = await job.run()
        has_succeeded = True
    finally:
        try:
            relay.close()
        finally:
            progress._end(has_succeeded=has_succeeded)
    return result
