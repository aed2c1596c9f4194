"""
The first step of a task: how a task runs up to its first suspension at once.

While the loop's own task factory creates the task, ``call_soon`` appends to a list instead of the
queue. The handle in the list that belongs to the task is its first step, and the caller runs it.
All other handles are queued in order. This works on every Python and with every task factory.

What was tried and does not work
- Taking the step out of the ready queue afterwards: a thread or a finalizer may have appended
  a handle behind it (20 failures in 3,000).
- Having the task take its step in its own constructor, by ``eager_start``, from Python 3.12 on. This saves a fifth of
  a slot call. But the registry must know the task before, and a signal handler that asks a half-made task for its
  context crashes; what cancels it is lost; and a task that ends in its first step forgets its coroutine.
- Taking the last handle of the list: while a task is created, the garbage collector may run
  finalizers that call ``call_soon`` themselves (10 to 19 times in 3,000 when forced).
"""

from __future__ import annotations

import asyncio
import collections.abc
import contextvars
import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any, Callable, Coroutine, TypeVar

from asyncslot._task.asyncio_private import put_task_back, set_task_aside

if TYPE_CHECKING:
    from asyncslot._loop.slicer import Slicer

__all__ = [
    "STOCK_CREATE_TASK",
    "InContext",
    "check_coroutine",
    "create_captured",
    "create_in",
    "dispose",
    "has_started",
    "take_first_step",
    "undo",
]

T = TypeVar("T")

# What makes a task if there is no task factory.
STOCK_CREATE_TASK = asyncio.BaseEventLoop.create_task

# asyncio's own eager task factory. Before Python 3.12, which has none, an object that no factory is.
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
        hint = "iterate an async generator with 'async for' inside a coroutine"
    elif callable(coro):
        hint = "call the coroutine function and pass what it returns"
    else:
        hint = "pass what calling an 'async def' function returns"
    msg = f"a coroutine was expected, got {coro!r}; {hint}"
    raise TypeError(msg)


def dispose(coro: object) -> None:
    """
    Close a coroutine that will not run, so that Python does not warn that it was never awaited.

    A coroutine that has begun is left alone: its task goes on with it.
    """
    # Also called with what a user passed by mistake, such as a future, which is not ours to close.
    if asyncio.iscoroutine(coro) and not has_started(coro):
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
        loop: The loop that the task runs in.
        slicer: The slicer of that loop.
        coro: The coroutine.
        name: The task's name; None for asyncio's default.
        context: The context that the task runs in; None for a copy of the caller's.

    Returns:
        The task, and the handle of its first step, which the caller must run at once. The handle
        is None if the factory has run the step itself.

    Raises:
        RuntimeError: If *context* is entered already. The coroutine is closed, and no task is left.
        BaseException: If the task factory raises it. The same holds then.
    """
    factory = loop._task_factory
    create: Callable[..., Any] = loop.create_task
    captured: list[Any] = []
    outer, slicer.captured = slicer.captured, captured
    slicer.enqueue = captured.append
    try:
        try:
            if factory is _EAGER_FACTORY:
                # It would run the first step itself, before the registry can hold the task and its record.
                create = functools.partial(asyncio.Task, loop=loop)
            task: asyncio.Task[T] = create_in(create, coro, name, context)
        except BaseException:  # We own coro now: close it on any failure.
            undo(loop, slicer, coro, captured)
            raise
        # Another eager factory has run the first step: the task's handle in the list is its second one.
        if factory is not None and has_started(coro):
            return task, None
        return task, take_first_step(captured, task)
    finally:
        # Also on failure: finalizers, or the factory itself, may have queued callbacks of others.
        slicer.end_capture(captured, outer)


def create_in(
    create: Callable[..., asyncio.Task[T]],
    coro: Coroutine[Any, Any, T],
    name: str | None,
    context: contextvars.Context | None,
) -> asyncio.Task[T]:
    """
    Create a task in *context*, on every Python, by *create*, a loop's ``create_task``.

    Raises:
        TypeError: If *context* is not a context.
        RuntimeError: If *context* is entered already.
    """
    if context is None:
        return create(coro, name=name)
    if not isinstance(context, contextvars.Context):
        msg = f"context must be a contextvars.Context, got {context!r}; contextvars.copy_context() makes one"
        raise TypeError(msg)
    # This raises RuntimeError if the context is entered. Otherwise the task's first step would.
    context.run(_do_nothing)
    if sys.version_info >= (3, 11):
        return create(coro, name=name, context=context)
    return create(InContext(coro, context), name=name)


def undo(loop: Any, slicer: Slicer, coro: Coroutine[Any, Any, T], captured: list[Any]) -> None:
    """Close the coroutine, and end the task if the task factory had made it before it failed."""
    # Cancelled before its first step, the task ends in that step, and the body never runs.
    owners = (getattr(handle._callback, "__self__", None) for handle in captured)
    task = next((owner for owner in owners if isinstance(owner, asyncio.Task) and owner.get_coro() is coro), None)
    if task is not None:
        task.cancel()
        current = set_task_aside(loop)
        try:
            slicer.run_now(take_first_step(captured, task))
        finally:
            if current is not None:
                put_task_back(loop, current)
    dispose(coro)


def take_first_step(captured: list[Any], task: asyncio.Task[Any]) -> asyncio.Handle | None:
    """Take the handle whose callback is a method of the task out of the list; None if there is none."""
    for handle in captured:
        if getattr(handle._callback, "__self__", None) is task:
            captured.remove(handle)
            step: asyncio.Handle = handle
            return step
    return None


def has_started(coro: object) -> bool:
    """Tell whether a coroutine has begun; False for one that is not Python's own, which cannot be asked."""
    return inspect.iscoroutine(coro) and inspect.getcoroutinestate(coro) != inspect.CORO_CREATED


def _do_nothing() -> None:
    """Do nothing: it is run in a context to find out whether that can be entered."""


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
        # A task's repr() and print_stack() read cr_code, cr_frame and __qualname__.
        return getattr(self._coro, name)
