"""Waiting for work that nothing can stop from outside: it is asked to end, and waited for until it has."""

from __future__ import annotations

import asyncio
from typing import Any, Callable

__all__ = ["wait_for_end"]


async def wait_for_end(future: asyncio.Future[Any], cancel: Callable[[], object]) -> Any:
    """
    Wait until *future* is done, also if the waiting task is cancelled meanwhile.

    This is how ``asyncio.TaskGroup`` waits for its tasks.

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
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError as exc:  # noqa: PERF203 - each time anew.
                cancelled = exc
                cancel()
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
