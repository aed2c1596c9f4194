"""
Handles that are made fast: asyncio's own, without what only debug mode needs.

The constructors repeat asyncio's fields inline: ``super().__init__()`` would cost a call per handle.
"""

from __future__ import annotations

import asyncio
from contextvars import Context, copy_context
from typing import Any, Callable

__all__ = ["Handle", "TimerHandle"]


class Handle(asyncio.Handle):
    """
    What ``call_soon`` returns outside debug mode.

    One is made for each callback. The stock constructor asks the loop for its mode each time.
    """

    __slots__ = ()

    def __init__(self, callback: Callable[..., object], args: Any, loop: Any, context: Context | None) -> None:
        self._context = copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = None
        self._source_traceback = None


class TimerHandle(asyncio.TimerHandle):
    """What ``call_at`` returns outside debug mode; it is on the heap already."""

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

    def __lt__(self, other: Any) -> bool:
        return self._when < other._when  # type: ignore[no-any-return]
