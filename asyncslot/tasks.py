"""The eager first step: how a task's body runs up to its first suspension at once."""

from __future__ import annotations

import asyncio
import collections.abc
import inspect
import sys
from typing import TYPE_CHECKING, Any, Callable, Coroutine, TypeVar

if TYPE_CHECKING:
    import contextvars

    from asyncslot._slices import SlicedEventLoop

__all__ = ["InContext", "check_coroutine", "create_eagerly", "create_in", "dispose"]

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


def create_eagerly(
    loop: SlicedEventLoop,
    coro: Coroutine[Any, Any, T],
    *,
    name: str | None,
    context: contextvars.Context | None,
    on_created: Callable[[asyncio.Task[T]], object],
) -> asyncio.Task[T]:
    """
    Create a task by *loop*'s own task factory and run its first step.

    While the factory runs, what it passes to ``call_soon`` is caught. The task's
    own first step among it is run at once, as if the caller's task were not
    there; the rest is queued in order. A factory that has run the step itself
    is not asked for another.

    Args:
        loop: What the task runs in.
        coro: The coroutine.
        name: The task's name; None for asyncio's default.
        context: What its body runs in; None for a copy of the caller's.
        on_created: Called with the task before its first step.

    Returns:
        The task; its body has run up to the first suspension.

    Raises:
        RuntimeError: If *context* is entered already. The coroutine is closed, and no task is left.
        BaseException: What the task factory raises; likewise.
    """
    with loop._catch_calls() as caught:
        try:
            task = create_in(loop, coro, name, context)
        except BaseException:
            _undo(loop, coro, caught)
            raise
        # An eager factory has run the first step: what its body queued is the second.
        first_step = None if _has_begun(coro) else _take_first_step(caught, lambda owner: owner is task)
    on_created(task)
    if first_step is not None:
        loop._run_nested(first_step)
    return task


def create_in(
    loop: asyncio.AbstractEventLoop,
    coro: Coroutine[Any, Any, T],
    name: str | None,
    context: contextvars.Context | None,
) -> asyncio.Task[T]:
    """
    Create a task by the loop's task factory, in *context* on every Python.

    Raises:
        RuntimeError: If *context* is entered already.
    """
    if context is None:
        return loop.create_task(coro, name=name)
    context.run(_do_nothing)  # RuntimeError if it is entered: better now than in the task.
    if sys.version_info >= (3, 11):
        return loop.create_task(coro, name=name, context=context)
    return loop.create_task(InContext(coro, context), name=name)


def _undo(loop: SlicedEventLoop, coro: Coroutine[Any, Any, T], caught: list[Any]) -> None:
    """Close the coroutine; if the task factory failed when it had made the task, by a cancelled first step."""
    step = _take_first_step(caught, lambda owner: isinstance(owner, asyncio.Task) and owner.get_coro() is coro)
    if step is not None:
        step._callback.__self__.cancel()  # type: ignore[attr-defined]
        loop._run_nested(step)
    dispose(coro)


def _take_first_step(caught: list[Any], is_own: Callable[[object], bool]) -> asyncio.Handle | None:
    """Take the handle whose callback belongs to the task in question out of what was caught."""
    for handle in caught:
        if is_own(getattr(handle._callback, "__self__", None)):
            caught.remove(handle)
            step: asyncio.Handle = handle
            return step
    return None


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
