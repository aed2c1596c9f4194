"""How tasks end: why they are cancelled, which are to finish first, what is said of those that do not."""

from __future__ import annotations

import asyncio
import enum
import gc
import sys
import weakref
from types import AsyncGeneratorType
from typing import TYPE_CHECKING, Any

from asyncslot._qt import QtCore
from asyncslot._stdlib import is_helper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "CancelReason",
    "cancel",
    "cancel_all",
    "cancel_reason",
    "describe_place",
    "describe_task",
    "finish_on_quit",
    "is_cancelled_for",
    "is_finishing",
    "process_events_until",
    "remember_reason",
]


class CancelReason(enum.Enum):
    """Why a task was cancelled."""

    # The QObject that it belonged to was destroyed.
    OWNER_DESTROYED = "owner destroyed"
    # A later call of the same slot, or group, took its place.
    SUPERSEDED = "superseded"
    # The slot, or group, was busy, and the call was not to wait.
    DROPPED = "dropped"
    # The application, or its thread, quit.
    QUIT = "quit"
    # Something else called its cancel().
    REQUESTED = "requested"


def cancel(task: asyncio.Future[Any], reason: CancelReason) -> None:
    """Request a task's cancellation, and remember why."""
    if not task.done():
        task.cancel()
        remember_reason(task, reason)


def remember_reason(task: asyncio.Future[Any], reason: CancelReason) -> None:
    """Remember why *task* was cancelled, or cancels itself."""
    _reasons[task] = (reason, _count_requests(task))


def finish_on_quit(task: asyncio.Future[Any]) -> None:
    """Have a quit wait for *task* rather than cancel it."""
    _finishing.add(task)


def is_finishing(task: asyncio.Future[Any]) -> bool:
    """Tell whether a quit waits for *task* rather than cancels it."""
    return task in _finishing


def cancel_reason(subject: asyncio.Future[Any] | BaseException) -> CancelReason | None:
    """
    Tell why a task was cancelled.

    Args:
        subject: The task; or, inside ``except``, the CancelledError that the current task has got.

    Returns:
        The reason, of the last cancellation; None if it was not cancelled. Before Python 3.11, where a task
        cannot tell of requests, also None if one was made and is not over, and that of an earlier one
        that was swallowed may come instead of REQUESTED.
    """
    if not isinstance(subject, BaseException):
        is_requested = subject.cancelled() or (not subject.done() and _count_requests(subject) > 0)
        return _find_reason(subject, is_requested=is_requested)
    task = asyncio.current_task()
    if task is None or not isinstance(subject, asyncio.CancelledError):
        return None
    return _find_reason(task, is_requested=sys.version_info < (3, 11) or _count_requests(task) > 0)


def is_cancelled_for(task: asyncio.Future[Any], reason: CancelReason) -> bool:
    """Tell whether the last cancellation of *task* by `cancel` was for *reason*, whatever became of it."""
    return task in _reasons and _reasons[task][0] is reason


def _find_reason(task: asyncio.Future[Any], *, is_requested: bool) -> CancelReason | None:
    reason, count = _reasons.get(task, (CancelReason.REQUESTED, -1))
    if count == _count_requests(task) and (is_requested or not task.done()):
        return reason
    return CancelReason.REQUESTED if is_requested else None


def _count_requests(task: asyncio.Future[Any]) -> int:
    """Return how often cancellation was requested and not taken back; 0 before Python 3.11, which cannot tell."""
    if sys.version_info >= (3, 11) and isinstance(task, asyncio.Task):
        return task.cancelling()
    return 0


# Why tasks were cancelled, where it was not for the asking, and how many requests there were
# then: if there are more now, there was another one since.
_reasons: weakref.WeakKeyDictionary[asyncio.Future[Any], tuple[CancelReason, int]] = weakref.WeakKeyDictionary()

# Tasks that a quit waits for.
_finishing: weakref.WeakSet[asyncio.Future[Any]] = weakref.WeakSet()


def cancel_all(tasks: Iterable[asyncio.Future[Any]], reason: CancelReason = CancelReason.QUIT) -> None:
    """Request the cancellation of each of *tasks* but asyncio's own helpers, which end by themselves."""
    for task in tasks:
        if not is_helper(task):
            cancel(task, reason)


def describe_task(task: asyncio.Task[Any]) -> str:
    """Return a task's name and where it is suspended."""
    return f"{task.get_name()!r} in {describe_place(task) or repr(task.get_coro())}"


def describe_place(task: asyncio.Future[Any]) -> str:
    """Return each coroutine and generator that a task is in, with file and line, outermost first."""
    coro: Any = task.get_coro() if isinstance(task, asyncio.Task) else None
    places = []
    while coro is not None:
        frame = getattr(coro, "cr_frame", None) or getattr(coro, "gi_frame", None) or getattr(coro, "ag_frame", None)
        if frame is not None:
            places.append(f"{coro.__qualname__}() at {frame.f_code.co_filename}:{frame.f_lineno}")
        coro = (
            getattr(coro, "cr_await", None)
            or getattr(coro, "gi_yieldfrom", None)
            or getattr(coro, "ag_await", None)
            or _stepped_generator(coro)
        )
    return " -> ".join(places)


def _stepped_generator(awaitable: Any) -> AsyncGeneratorType[Any, Any] | None:
    """Return the generator whose ``__anext__()`` or ``aclose()`` this is, which it has no attribute for."""
    if not type(awaitable).__name__.startswith("async_generator_"):
        return None
    return next((each for each in gc.get_referents(awaitable) if isinstance(each, AsyncGeneratorType)), None)


def process_events_until(is_over: Callable[[], bool]) -> None:
    """
    Let Qt run until a condition holds, without an event loop of Qt's.

    After ``QCoreApplication.exit()`` no QEventLoop runs any more, but events are
    still processed. The condition is checked after each batch of events, so
    whatever makes it true must be an event.
    """
    flags = QtCore.QEventLoop.ProcessEventsFlag.AllEvents | QtCore.QEventLoop.ProcessEventsFlag.WaitForMoreEvents
    while not is_over():
        QtCore.QCoreApplication.processEvents(flags)
