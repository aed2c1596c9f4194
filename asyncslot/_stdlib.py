"""
The private names of asyncio that asyncslot relies on, all in one place.

Checked on CPython 3.8.18, 3.9.18, 3.10.13, 3.11.7, 3.12.1 and 3.13.0;
``tests/test_stdlib.py`` fails on the first Python that lacks one.
This module knows nothing of Qt.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from asyncio import base_events, events, format_helpers, tasks
from asyncio.log import logger
from typing import TYPE_CHECKING, Any, Callable, Optional

if TYPE_CHECKING:
    import selectors
    import socket
    from collections import deque
    from collections.abc import Collection, Iterable

__all__ = [
    "MAX_CANCELLED_TIMER_FRACTION",
    "MIN_SCHEDULED_TIMERS",
    "StockLoop",
    "begin_running",
    "enter_task",
    "format_callback",
    "get_running_loop",
    "is_helper",
    "is_unretrieved",
    "leave_task",
    "log_slow_callback",
    "logger",
    "mute",
    "unlist",
]


class StockLoop:
    """
    Attributes of the stock loop, public by neither name nor documentation, that our loop reads or sets.

    Handles are untyped: their own attributes are private, too.
    """

    _asyncgen_finalizer_hook: Callable[..., None]
    _asyncgen_firstiter_hook: Callable[..., None]
    _asyncgens: Collection[Any]
    _check_callback: Callable[[object, str], None]
    _check_closed: Callable[[], None]
    _check_thread: Callable[[], None]
    _clock_resolution: float
    _closed: bool
    _csock: socket.socket
    _current_handle: Any
    _debug: bool
    _default_executor: Any
    _process_events: Callable[[Iterable[tuple[selectors.SelectorKey, int]]], None]
    _ready: deque[Any]
    _scheduled: list[Any]
    _selector: selectors.BaseSelector
    _set_coroutine_origin_tracking: Callable[[bool], None]
    _stopping: bool
    _thread_id: int | None
    _timer_cancelled_count: int
    _write_to_self: Callable[[], None]


# When so many timers are armed, and more than this fraction of them cancelled, the heap is rebuilt.
MIN_SCHEDULED_TIMERS: int = base_events._MIN_SCHEDULED_TIMER_HANDLES  # type: ignore[attr-defined]
MAX_CANCELLED_TIMER_FRACTION: float = base_events._MIN_CANCELLED_TIMER_HANDLES_FRACTION  # type: ignore[attr-defined]

enter_task: Callable[[asyncio.AbstractEventLoop, asyncio.Task[Any]], None] = tasks._enter_task
leave_task: Callable[[asyncio.AbstractEventLoop, asyncio.Task[Any]], None] = tasks._leave_task
format_callback: Callable[..., str] = format_helpers._format_callback_source
get_running_loop: Callable[[], Optional[asyncio.AbstractEventLoop]] = events._get_running_loop


def log_slow_callback(handle: asyncio.Handle, elapsed_s: float) -> None:
    """Log what the stock loop logs in debug mode of a callback that has kept everything else waiting."""
    text = base_events._format_handle(handle)  # type: ignore[attr-defined]
    base_events.logger.warning("Executing %s took %.3f seconds", text, elapsed_s)  # type: ignore[attr-defined]


def is_helper(task: asyncio.Future[Any]) -> bool:
    """
    Tell whether *task* is one of asyncio's own that is not to be cancelled, as it ends by itself.

    There is one: it connects a new subprocess's pipes. Without it the task
    that started the subprocess, if cancelled, too, waits for ever for its end.
    Source: seen on CPython 3.11; ``_wait()`` needs connected pipes.
    """
    coro = task.get_coro() if isinstance(task, asyncio.Task) else None
    return getattr(coro, "__qualname__", None) == "BaseSubprocessTransport._connect_pipes"


def mute(task: asyncio.Future[Any]) -> None:
    """Have asyncio not log that *task* was destroyed while it was pending: somebody else does."""
    task._log_destroy_pending = False  # type: ignore[attr-defined]


def unlist(task: asyncio.Task[Any]) -> None:
    """Have ``asyncio.all_tasks()`` not list *task*: nobody is to wait for it any more."""
    tasks._unregister_task(task)


def is_unretrieved(task: asyncio.Future[Any]) -> bool:
    """Tell whether *task* has failed and nobody has asked for its exception."""
    return task._log_traceback


def begin_running(loop: Any) -> Callable[[], None]:
    """
    Make *loop* this thread's running loop, with asyncio's hooks in place.

    Args:
        loop: An asyncio event loop that is not running.

    Returns:
        A function that takes all of it back.

    Raises:
        RuntimeError: If this thread has a running loop already.
    """
    if sys.version_info >= (3, 13):
        loop._run_forever_setup()
        return loop._run_forever_cleanup  # type: ignore[no-any-return]
    loop._check_running()
    loop._set_coroutine_origin_tracking(loop._debug)
    loop._thread_id = threading.get_ident()
    old_hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(
        firstiter=loop._asyncgen_firstiter_hook,
        finalizer=loop._asyncgen_finalizer_hook,
    )
    events._set_running_loop(loop)

    def end_running() -> None:
        loop._stopping = False
        loop._thread_id = None
        events._set_running_loop(None)
        loop._set_coroutine_origin_tracking(False)
        sys.set_asyncgen_hooks(*old_hooks)

    return end_running
