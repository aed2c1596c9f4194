"""Waiting for work that nothing can stop from outside: it is asked to end, and waited for until it has."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import os
import threading
from typing import Any, Callable, Iterator

__all__ = ["wait_for_end"]

# Asks the work to end.
Cancel = Callable[[], object]


async def wait_for_end(future: asyncio.Future[Any], cancel: Cancel) -> Any:
    """
    Wait until *future* is done, also if the waiting task is cancelled meanwhile.

    This is how ``asyncio.TaskGroup`` waits for its tasks. If nobody can wait any more, because the loop is closed, or
    the task destroyed, or Python ends, the work is asked to end, too.

    Args:
        future: The future.
        cancel: Asks the work to end. Called at each cancellation of the waiting task.

    Returns:
        The result of *future*.

    Raises:
        asyncio.CancelledError: If the waiting task was cancelled, and the work has not failed for another reason.
            Also if the work itself has ended by CancelledError.
        BaseException: What the work has raised.
    """
    cancelled: asyncio.CancelledError | None = None
    try:
        with _cancelling_at_end(cancel):
            while not future.done():
                try:
                    await asyncio.wait([future])
                except asyncio.CancelledError as exc:  # noqa: PERF203 - each time anew.
                    cancelled = exc
                    cancel()
                except GeneratorExit:
                    cancel()
                    raise
        if cancelled is not None and not _has_failed(future):
            raise cancelled
        return future.result()
    finally:
        # The exception refers to this frame, and the frame to the exception.
        del cancelled


def _has_failed(future: asyncio.Future[Any]) -> bool:
    if future.cancelled():
        return False
    exc = future.exception()
    return exc is not None and not isinstance(exc, asyncio.CancelledError)


@contextlib.contextmanager
def _cancelling_at_end(cancel: Cancel) -> Iterator[None]:
    """Have *cancel* called in the block when the loop is closed, and when Python ends."""
    # A loop of another kind has no such set.
    at_close: set[Cancel] = getattr(asyncio.get_running_loop(), "_at_close", set())
    at_close.add(cancel)
    _register_exit_hook()
    _at_exit[cancel] = os.getpid()
    try:
        yield
    finally:
        at_close.discard(cancel)
        _at_exit.pop(cancel, None)


# The functions that `_cancel_all` calls, each with the process that it belongs to: a forked child has a copy of this
# dictionary, and must not cancel its parent's work.
_at_exit: dict[Cancel, int] = {}


@functools.lru_cache(maxsize=None)
def _register_exit_hook() -> None:
    # At its end, Python first waits for the threads of executors, and only then calls the functions of atexit. Those of
    # threading's own list are called before. Python 3.8 has no such list; there, atexit comes first.
    # Cached, because a function cannot be taken off the list.
    register = getattr(threading, "_register_atexit", atexit.register)
    with contextlib.suppress(RuntimeError):  # Python ends already.
        register(_cancel_all)


def _cancel_all() -> None:
    for cancel, pid in list(_at_exit.items()):
        if pid == os.getpid():
            with contextlib.suppress(RuntimeError):  # Its loop is closed.
                cancel()
