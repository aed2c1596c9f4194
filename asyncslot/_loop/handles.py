"""
Handles that are made fast: asyncio's own, without the fields that only debug mode fills.

The constructors repeat asyncio's fields inline: ``super().__init__()`` would cost a call per handle.
"""

from __future__ import annotations

import asyncio
from contextvars import Context, copy_context
from typing import Any, Callable

__all__ = ["Handle", "TimerHandle", "run_locked"]


class Handle(asyncio.Handle):
    """
    The handle that ``call_soon`` returns outside debug mode.

    One is made for each callback. The stock constructor calls ``loop.get_debug()`` each time.
    """

    __slots__ = ()

    def __init__(self, callback: Callable[..., object], args: Any, loop: Any, context: Context | None) -> None:
        # test_handle_has_what_the_stock_one_has fails if a Python's stock handle has one more field.
        self._context = copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = None
        self._source_traceback = None


class TimerHandle(asyncio.TimerHandle):
    """The handle that ``call_at`` returns outside debug mode. It counts as scheduled from the beginning."""

    __slots__ = ()

    def __init__(
        self, when: float, callback: Callable[..., object], args: Any, loop: Any, context: Context | None
    ) -> None:
        self._context = copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = None
        self._source_traceback = None
        self._when = when
        self._scheduled = True

    # heapq compares timers often, and with timers only: the stock method asks for the type each time.
    def __lt__(self, other: Any) -> bool:
        return self._when < other._when  # type: ignore[no-any-return]


def run_locked(handle: Any) -> None:
    """
    Call the callback of a thread-safe handle, in its context, as the slicer does for any other handle.

    The lock is why: `cancel` and `cancelled`, called on another thread, wait until the callback has returned.
    """
    with handle._lock:
        # Asked under the lock: the slicer has asked the handle that this one is wrapped in.
        if not handle._cancelled:
            handle._callback(*handle._args)
