"""A function in a thread of the loop's executor."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any, Callable

from asyncslot._background.ending import wait_for_end
from asyncslot._background.reporter import ProgressReporter, call_function

__all__ = ["ThreadJob"]


class ThreadJob:
    """
    One call of a function in the loop's default executor.

    ::

        state    cancel()              a thread takes it
        queued   future is cancelled   running
        running  the next report of    never
                 the function raises

    Args:
        function: The function.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
        put: Called with each report, in the thread; None if the function takes no ``progress``.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        put: Callable[[Any], object] | None,
    ) -> None:
        self._function, self._args, self._kwargs = function, args, kwargs
        self._cancelled = threading.Event()
        self._reporter = None if put is None else ProgressReporter(self._cancelled.is_set, put)
        self._context = contextvars.copy_context()
        # `cancel` and the thread that begins exclude each other.
        self._lock = threading.Lock()
        self._has_begun = False
        self._future = asyncio.get_running_loop().run_in_executor(None, self._call_function)

    def cancel(self) -> None:
        """Ask the function to end; if it has not begun, it never does. Called on the loop's thread."""
        with self._lock:
            self._cancelled.set()
            is_queued = not self._has_begun
        if is_queued:
            self._future.cancel()

    async def run(self) -> Any:
        """Wait until the call has ended: see `wait_for_end`."""
        return await wait_for_end(self._future, self.cancel)

    def _call_function(self) -> Any:
        with self._lock:
            # The future is cancelled already, so nobody gets this None.
            if self._cancelled.is_set():
                return None
            self._has_begun = True
        return self._context.run(call_function, self._function, self._args, self._kwargs, self._reporter)
