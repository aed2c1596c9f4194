"""What logs and task lists say about a task: where it is suspended."""

from __future__ import annotations

import asyncio
import gc
from types import AsyncGeneratorType
from typing import Any

__all__ = ["describe_place", "describe_task"]


def describe_task(task: asyncio.Task[Any]) -> str:
    """Return a task's name and where it is suspended."""
    return f"{task.get_name()!r} in {describe_place(task) or repr(task.get_coro())}"


def describe_place(task: asyncio.Future[Any]) -> str:
    """
    Return each coroutine and generator that a task is in, with file and line, outermost first.

    The text is empty for a future that is not a task, and for a task that is done.
    """
    # asyncio's own Task.get_stack() returns one frame only, the outermost, for a suspended coroutine.
    coro: Any = task.get_coro() if isinstance(task, asyncio.Task) else None
    places = []
    while coro is not None:
        # Coroutine, generator-based coroutine, async generator. One that is done has no frame.
        frame = getattr(coro, "cr_frame", None) or getattr(coro, "gi_frame", None) or getattr(coro, "ag_frame", None)
        if frame is not None:
            places.append(f"{coro.__qualname__}() at {frame.f_code.co_filename}:{frame.f_lineno}")
        # What it awaits, by the same three kinds. A future has none of these attributes, and so ends the chain.
        coro = (
            getattr(coro, "cr_await", None)
            or getattr(coro, "gi_yieldfrom", None)
            or getattr(coro, "ag_await", None)
            or _stepped_generator(coro)
        )
    return " -> ".join(places)


def _stepped_generator(awaitable: Any) -> AsyncGeneratorType[Any, Any] | None:
    """Return the async generator whose ``__anext__()``, ``asend()`` or ``aclose()`` *awaitable* is, else None."""
    # CPython's types async_generator_asend and async_generator_athrow have no public name. Others may refer to
    # an async generator without stepping it.
    if not type(awaitable).__name__.startswith("async_generator_"):
        return None
    # They have no attribute for their generator: only the garbage collector's view shows it.
    return next((each for each in gc.get_referents(awaitable) if isinstance(each, AsyncGeneratorType)), None)
