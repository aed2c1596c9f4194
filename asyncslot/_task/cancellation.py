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

__all__ = [
    "CancelReason",
    "cancel",
    "cancel_all",
    "cancel_reason",
    "is_being_cancelled",
    "is_cancelled_for",
    "remember_reason",
]


class CancelReason(enum.Enum):
    """
    Why a task was cancelled.

    Attributes:
        OWNER_DESTROYED: The task was bound to the life of a QObject, and that was destroyed.
        SUPERSEDED: A later call of the same slot, or group, took its place (``when_busy="restart"``).
        DROPPED: The slot, or group, was busy, and the call was not to wait (``"drop"``), or no longer (``"latest"``).
        QUIT: The application, or its thread, quit, or `AsyncSlotEventLoop.shutdown` was called.
        REQUESTED: Something else called the task's ``cancel()``.
    """

    OWNER_DESTROYED = "owner destroyed"
    SUPERSEDED = "superseded"
    DROPPED = "dropped"
    QUIT = "quit"
    REQUESTED = "requested"


# Why we cancelled each task, and its ``cancelling()`` count then. A higher count now means that someone else
# has cancelled it since; a lower one, that uncancel() took the request back. Weakly: this keeps no task alive.
_reasons: weakref.WeakKeyDictionary[asyncio.Future[Any], tuple[CancelReason, int]] = weakref.WeakKeyDictionary()


def cancel(task: asyncio.Future[Any], reason: CancelReason) -> None:
    """Request a task's cancellation, and remember why."""
    if not task.done():
        task.cancel()
        # After cancel(), because this request is part of the count.
        remember_reason(task, reason)


def is_being_cancelled(task: asyncio.Future[Any]) -> bool:
    """Tell whether *task* has been cancelled and may be cleaning up. Before Python 3.11 only our own requests count."""
    return not task.done() and (_count_requests(task) > 0 or task in _reasons)


def cancel_all(tasks: Iterable[asyncio.Future[Any]], reason: CancelReason = CancelReason.QUIT) -> None:
    """Request the cancellation of each of *tasks*, except asyncio's own helpers, which end by themselves."""
    for task in tasks:
        if not is_helper(task):
            _try_to_cancel(task, reason)


def _try_to_cancel(task: asyncio.Future[Any], reason: CancelReason) -> None:
    try:
        cancel(task, reason)
    except Exception as exc:  # noqa: BLE001 - of a program's own kind of future. The others must be cancelled, too.
        context = {"message": "A future could not be cancelled", "exception": exc, "future": task}
        task.get_loop().call_exception_handler(context)


def remember_reason(task: asyncio.Future[Any], reason: CancelReason) -> None:
    """Remember why *task* was cancelled, or will cancel itself."""
    _reasons[task] = (reason, _count_requests(task))


def cancel_reason(subject: asyncio.Future[Any] | BaseException) -> CancelReason | None:
    """
    Tell why a task was cancelled.

    Args:
        subject: The task; or, inside ``except``, the CancelledError that was raised in the current task.

    Returns:
        The reason of the last cancellation; None if the task was not cancelled. Before Python 3.11 a task
        does not count requests. There, None comes instead of REQUESTED for a task that is not done, and the
        reason of an earlier request that was swallowed may come instead of REQUESTED.

    Raises:
        TypeError: If *subject* is neither.

    Example:
        >>> async def main():
        ...     task = run_task(asyncio.sleep(3600))
        ...     task.cancel()
        ...     await asyncio.wait([task])
        ...     return cancel_reason(task).name
        >>> asyncslot.run(main())
        'REQUESTED'
    """
    if not isinstance(subject, BaseException) and not asyncio.isfuture(subject):
        msg = f"cancel_reason() takes a task or a CancelledError, got {subject!r}"
        raise TypeError(msg)
    if not isinstance(subject, BaseException):
        is_requested = subject.cancelled() or (not subject.done() and _count_requests(subject) > 0)
        return _find_reason(subject, is_requested=is_requested)
    # A CancelledError does not tell its task, so it can only be asked about where it was raised.
    task = asyncio.current_task()
    if task is None or not isinstance(subject, asyncio.CancelledError):
        return None
    # Without a request, the error comes from a cancelled future that the task awaits: the task itself goes on.
    return _find_reason(task, is_requested=sys.version_info < (3, 11) or _count_requests(task) > 0)


def is_cancelled_for(task: asyncio.Future[Any], reason: CancelReason) -> bool:
    """Tell whether the last cancellation of *task* by `cancel` was for *reason*, whatever became of it."""
    return task in _reasons and _reasons[task][0] is reason


def _find_reason(task: asyncio.Future[Any], *, is_requested: bool) -> CancelReason | None:
    # -1 is a count that no task has.
    reason, count = _reasons.get(task, (CancelReason.REQUESTED, -1))
    # A task that is done and was not cancelled has swallowed the request: no reason. A task that is not done may
    # have a reason without a request: a dropped call before its first step, and each task before Python 3.11.
    if count == _count_requests(task) and (is_requested or not task.done()):
        return reason
    return CancelReason.REQUESTED if is_requested else None


def _count_requests(task: asyncio.Future[Any]) -> int:
    """Return how often cancellation was requested and not taken back; 0 before Python 3.11, which cannot tell."""
    if sys.version_info >= (3, 11) and isinstance(task, asyncio.Task):
        return task.cancelling()
    return 0
