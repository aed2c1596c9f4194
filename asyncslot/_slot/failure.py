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
    Report through the loop's exception handler that *task* has failed, unless somebody else knows.

    Somebody knows if the exception was retrieved, or if something waits on the task. If there are
    done callbacks of unknown kinds, they run first, because they may retrieve the exception.

    Args:
        slot: The function that Qt called.
        task: The slot's task, which is done.
        owner: The QObject to whose life the task was bound; None if there is none, or it is gone.
    """
    # Again: this may run one turn later than the caller's own check.
    if not is_unretrieved(task):
        return
    # Our own callbacks, such as a call queue's, retrieve nothing.
    others = [callback for callback in queued_callbacks(task) if not _is_of("asyncslot", callback)]
    if any(_is_waiter(callback) for callback in others):
        return
    # Queued behind them. A set's discard() retrieves nothing, so the failure is then reported here.
    if others:
        task.get_loop().call_soon(report_failure, slot, task, owner)
        return
    # From here on asyncio does not report it, too, when the task is collected.
    exc = task.exception()
    # Clean-up after the owner's end often touches the owner. This needs no report.
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
    """Tell whether asyncio waits by this done callback: it wakes a task, or belongs to wait(), gather() and so on."""
    # A task waits by a bound method of its own. The C function of that name has no module.
    return isinstance(getattr(callback, "__self__", None), asyncio.Future) or _is_of("asyncio", callback)


def _is_of(package: str, callback: Any) -> bool:
    """Tell whether a callback's function belongs to *package*."""
    # A functools.partial is of the module "functools". What counts is the function in it.
    module = getattr(getattr(callback, "func", callback), "__module__", None)
    return str(module).partition(".")[0] == package
