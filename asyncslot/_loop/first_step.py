"""
The first step of a task: how its body runs up to its first suspension at once.

While the loop's own task factory creates the task, ``call_soon`` hands over to a list instead of
queueing. What is in the list and belongs to the task is its first step, which is run; all else
is queued in order. So one path serves every Python and every task factory.

What was tried and does not work
- Taking the step out of the ready queue afterwards: a thread or a finalizer may have appended
  behind it (20 failures in 3,000).
- Taking the last handle of the list: while a task is created the garbage collector may run
  finalizers that call ``call_soon`` themselves.
"""

from __future__ import annotations

import asyncio
import collections.abc
import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any, Callable, Coroutine, TypeVar

if TYPE_CHECKING:
    import contextvars

    from asyncslot._loop.slicer import Slicer

__all__ = ["InContext", "check_coroutine", "create_captured", "create_in", "dispose"]

T = TypeVar("T")

# What `create_captured` does by itself, because a call of it would cost a tenth of a slot's.
_STOCK_CREATE_TASK = asyncio.BaseEventLoop.create_task

# asyncio's own eager task factory; Python 3.12 and later have it.
_EAGER_FACTORY = getattr(asyncio, "eager_task_factory", object())


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


def create_captured(
    loop: Any,
    slicer: Slicer,
    coro: Coroutine[Any, Any, T],
    name: str | None,
    context: contextvars.Context | None,
) -> tuple[asyncio.Task[T], asyncio.Handle | None]:
    """
    Create a task by *loop*'s own task factory, and capture its first step.

    Args:
        loop: What the task runs in.
        slicer: That loop's: it captures.
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
    factory = loop._task_factory
    create: Callable[..., Any] = loop.create_task
    captured, outer = slicer.begin_capture()
    try:
        try:
            if factory is None and context is None and getattr(create, "__func__", None) is _STOCK_CREATE_TASK:
                task: asyncio.Task[T] = asyncio.Task(coro, loop=loop, name=name)  # It does no more than this.
            else:
                if factory is _EAGER_FACTORY:
                    # It would run the first step, too, but before anybody can know of the task.
                    create = functools.partial(asyncio.Task, loop=loop)
                task = create_in(create, coro, name, context)
        except BaseException:  # We own coro now: close it on any failure.
            _undo(slicer, coro, captured)
            raise
        if factory is not None and _has_started(coro):
            return task, None  # What its body has queued is the second step.
        if len(captured) == 1 and getattr(captured[0]._callback, "__self__", None) is task:
            return task, captured.pop()
        return task, _take_first_step(captured, task)
    finally:
        slicer.end_capture(captured, outer)


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


def _undo(slicer: Slicer, coro: Coroutine[Any, Any, T], captured: list[Any]) -> None:
    """Close the coroutine. If the task factory failed when it had made the task, cancel that in its first step."""
    owners = (getattr(handle._callback, "__self__", None) for handle in captured)
    task = next((owner for owner in owners if isinstance(owner, asyncio.Task) and owner.get_coro() is coro), None)
    if task is not None:
        task.cancel()
        slicer.run_now(_take_first_step(captured, task))
    dispose(coro)


def _take_first_step(captured: list[Any], task: asyncio.Task[Any]) -> asyncio.Handle | None:
    """Take the handle whose callback is the task's out of the list."""
    for handle in captured:
        if getattr(handle._callback, "__self__", None) is task:
            captured.remove(handle)
            step: asyncio.Handle = handle
            return step
    return None


def _has_started(coro: Coroutine[Any, Any, Any]) -> bool:
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
