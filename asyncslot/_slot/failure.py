"""How a slot's failure is reported: once, and not if somebody else knows of it."""

from __future__ import annotations

import asyncio
from typing import Any, Callable

from asyncslot._qt import is_deleted_error
from asyncslot._task.asyncio_private import is_unretrieved, logger, queued_callbacks
from asyncslot._task.cancellation import CancelReason, is_cancelled_for

__all__ = ["report_failure"]


def report_failure(slot: Callable[..., object], task: asyncio.Task[Any], owner: Any) -> None:
    """
    Report, through the loop's exception handler, that *task* has failed, unless somebody else knows.

    Somebody knows if the exception was retrieved, or if something waits on the task. If there are
    done callbacks of unknown kinds, they run first: they may retrieve it.

    Args:
        slot: What Qt has called.
        task: Its task, which is done.
        owner: The QObject to whose life the task was bound; None if there is none, or it is gone.
    """
    if not is_unretrieved(task):
        return
    others = [callback for callback in queued_callbacks(task) if not _is_of("asyncslot", callback)]
    if any(_is_waiter(callback) for callback in others):
        return
    if others:
        task.get_loop().call_soon(report_failure, slot, task, owner)
        return
    exc = task.exception()
    if is_cancelled_for(task, CancelReason.OWNER_DESTROYED) and is_deleted_error(exc):
        logger.debug("Slot %s() used its destroyed owner in its clean-up", slot.__qualname__, exc_info=exc)
        return
    context = {
        "message": f"Exception in slot {slot.__qualname__}()",
        "exception": exc,
        "task": task,
        "slot": slot,
        "owner": owner,
    }
    task.get_loop().call_exception_handler(context)


def _is_waiter(callback: Any) -> bool:
    """Tell whether a done callback is how asyncio waits: it wakes a task, or is of wait(), gather() and the like."""
    return isinstance(getattr(callback, "__self__", None), asyncio.Future) or _is_of("asyncio", callback)


def _is_of(package: str, callback: Any) -> bool:
    """Tell whether a callback's function is of a package."""
    module = getattr(getattr(callback, "func", callback), "__module__", None)
    return str(module).partition(".")[0] == package
