"""The eager first step: how a task's body runs up to its first suspension at once."""

from __future__ import annotations

import asyncio
import collections.abc
import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any, Callable, Coroutine, TypeVar

if TYPE_CHECKING:
    import contextvars

    from asyncslot._slices import SlicedEventLoop

__all__ = ["InContext", "check_coroutine", "create_caught", "create_in", "dispose"]

T = TypeVar("T")


def check_coroutine(coro: object) -> None:
    """
    Accept a coroutine object, and nothing else.

    Raises:
        TypeError: If *coro* is anything else; the message says what to pass instead.
    """
    if asyncio.iscoroutine(coro):
        return
    if asyncio.isfuture(coro):
        hint = "a future runs already: await it inside a coroutine"
    elif isinstance(coro, collections.abc.AsyncGenerator):
        hint = "an async generator is iterated with 'async for' inside a coroutine"
    elif callable(coro):
        hint = "call the coroutine function and pass what it returns"
    else:
        hint = "pass what calling an 'async def' function returns"
    msg = f"a coroutine was expected, got {coro!r}; {hint}"
    raise TypeError(msg)


def dispose(coro: object) -> None:
    """Close a coroutine that will not run, so that Python does not warn that it was never awaited."""
    if asyncio.iscoroutine(coro):
        coro.close()


def create_caught(
    loop: SlicedEventLoop, coro: Coroutine[Any, Any, T], name: str | None, context: contextvars.Context | None
) -> tuple[asyncio.Task[T], asyncio.Handle | None]:
    """
    Create a task by *loop*'s own task factory, and catch its first step.

    While the factory runs, what it passes to ``call_soon`` is caught. The task's
    own first step among it is handed back; the rest is queued in order.

    Args:
        loop: What the task runs in.
        coro: The coroutine.
        name: The task's name; None for asyncio's default.
        context: What its body runs in; None for a copy of the caller's.

    Returns:
        The task, and the handle of its first step, for the caller to run at once; None
        if the factory has run the step itself.

    Raises:
        RuntimeError: If *context* is entered already. The coroutine is closed, and no task is left.
        BaseException: What the task factory raises; likewise.
    """
    factory = loop.get_task_factory()
    create = loop.create_task
    if factory is not None and factory is getattr(asyncio, "eager_task_factory", None):
        # It would run the first step, too, but before anybody can know of the task.
        create = functools.partial(asyncio.Task, loop=loop)
    caught, outer = loop._begin_catching()
    try:
        try:
            task = create_in(create, coro, name, context)
        except BaseException:  # Whatever a task factory raises.
            _undo(loop, coro, caught)
            raise
        if factory is not None and _has_begun(coro):
            return task, None  # What its body has queued is the second step.
        return task, _take_first_step(caught, task)
    finally:
        loop._end_catching(caught, outer)


def create_in(
    create: Callable[..., asyncio.Task[T]],
    coro: Coroutine[Any, Any, T],
    name: str | None,
    context: contextvars.Context | None,
) -> asyncio.Task[T]:
    """
    Create a task by *create*, a loop's ``create_task``, in *context* on every Python.

    Raises:
        RuntimeError: If *context* is entered already.
    """
    if context is None:
        return create(coro, name=name)
    context.run(_do_nothing)  # RuntimeError if it is entered: better now than in the task.
    if sys.version_info >= (3, 11):
        return create(coro, name=name, context=context)
    return create(InContext(coro, context), name=name)


def _undo(loop: SlicedEventLoop, coro: Coroutine[Any, Any, T], caught: list[Any]) -> None:
    """Close the coroutine; if the task factory failed when it had made the task, by a cancelled first step."""
    owners = (_owner_of(handle) for handle in caught)
    task = next((owner for owner in owners if isinstance(owner, asyncio.Task) and owner.get_coro() is coro), None)
    if task is not None:
        task.cancel()
        step = _take_first_step(caught, task)
        assert step is not None
        loop._run_nested(step)
    dispose(coro)


def _take_first_step(caught: list[Any], task: asyncio.Task[Any]) -> asyncio.Handle | None:
    """Take the handle whose callback is the task's out of what was caught; most often there is no other."""
    for handle in caught:
        if _owner_of(handle) is task:
            caught.remove(handle)
            step: asyncio.Handle = handle
            return step
    return None


def _owner_of(handle: Any) -> Any:
    return getattr(handle._callback, "__self__", None)


def _has_begun(coro: Coroutine[Any, Any, Any]) -> bool:
    return inspect.iscoroutine(coro) and inspect.getcoroutinestate(coro) != inspect.CORO_CREATED


def _do_nothing() -> None:
    """Run in a context to see whether it can be entered."""


class InContext(collections.abc.Coroutine):  # type: ignore[type-arg]
    """
    A coroutine that takes each step in a given context.

    Before Python 3.11 a task always runs in a copy of its creator's context.
    """

    def __init__(self, coro: Coroutine[Any, Any, T], context: contextvars.Context) -> None:
        self._coro = coro
        self._context = context

    def send(self, value: Any) -> Any:
        """Take a step, in the context."""
        return self._context.run(self._coro.send, value)

    def throw(self, *exc_info: Any) -> Any:
        """Raise an exception at the suspension, in the context."""
        return self._context.run(self._coro.throw, *exc_info)

    def close(self) -> None:
        """Close the coroutine, in the context."""
        self._context.run(self._coro.close)

    def __await__(self) -> Any:
        return self._coro.__await__()

    def __getattr__(self, name: str) -> Any:
        # asyncio's repr() and stack printing look at cr_code, cr_frame, __qualname__.
        return getattr(self._coro, name)
