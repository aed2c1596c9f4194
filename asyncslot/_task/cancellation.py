"""Why a task was cancelled."""

from __future__ import annotations

import asyncio
import enum
import sys
import weakref
from typing import TYPE_CHECKING, Any

from asyncslot._task.asyncio_private import is_helper

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CancelReason", "cancel", "cancel_all", "cancel_reason", "is_cancelled_for", "remember_reason"]


class CancelReason(enum.Enum):
    """
    Why a task was cancelled.

    Attributes:
        OWNER_DESTROYED: The QObject to whose life it was bound was destroyed.
        SUPERSEDED: A later call of the same slot, or group, took its place.
        DROPPED: The slot, or group, was busy, and the call was not to wait.
        QUIT: The application, or its thread, quit.
        REQUESTED: Something else called its ``cancel()``.
    """

    OWNER_DESTROYED = "owner destroyed"
    SUPERSEDED = "superseded"
    DROPPED = "dropped"
    QUIT = "quit"
    REQUESTED = "requested"


# Why we cancelled each task, and its ``cancelling()`` count then. A higher count now means
# that someone else has cancelled it since.
_reasons: weakref.WeakKeyDictionary[asyncio.Future[Any], tuple[CancelReason, int]] = weakref.WeakKeyDictionary()


def cancel(task: asyncio.Future[Any], reason: CancelReason) -> None:
    """Request a task's cancellation, and remember why."""
    if not task.done():
        task.cancel()
        remember_reason(task, reason)


def cancel_all(tasks: Iterable[asyncio.Future[Any]], reason: CancelReason = CancelReason.QUIT) -> None:
    """Request the cancellation of each of *tasks* but asyncio's own helpers, which end by themselves."""
    for task in tasks:
        if not is_helper(task):
            cancel(task, reason)


def remember_reason(task: asyncio.Future[Any], reason: CancelReason) -> None:
    """Remember why *task* was cancelled, or cancels itself."""
    _reasons[task] = (reason, _count_requests(task))


def cancel_reason(subject: asyncio.Future[Any] | BaseException) -> CancelReason | None:
    """
    Tell why a task was cancelled.

    Args:
        subject: The task. Or, inside ``except``, the CancelledError that the current task has got.

    Returns:
        The reason of the last cancellation; None if it was not cancelled. Before Python 3.11 a task
        cannot tell of requests. There it is also None while a request is not over, and the reason
        of an earlier request that was swallowed may come instead of REQUESTED.
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
