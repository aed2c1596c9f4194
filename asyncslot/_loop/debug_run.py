"""Debug mode: run a callback, time it without nested Qt loops, and report it if it was slow."""

from __future__ import annotations

import weakref
from time import perf_counter
from typing import TYPE_CHECKING, Any

from asyncslot._qt import QtCore, is_alive
from asyncslot._task.asyncio_private import log_slow_callback

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["DebugRun"]


class DebugRun:
    """
    Runs handles with asyncio's checks and reports of debug mode.

    Args:
        loop: The loop: it has asyncio's ``_current_handle`` and ``slow_callback_duration``.
    """

    def __init__(self, loop: Any) -> None:
        # Weakly: the loop refers to this object, and a closed loop is freed at once.
        self._loop: Any = weakref.proxy(loop)
        # Times the innermost callback; begin_nested() sets it aside, since slices of a nested loop time their own.
        self._stopwatch: _Stopwatch | None = None
        # The dispatcher whose `awake` is connected, from the first callback on; None before.
        self._dispatcher: Any = None

    def run(self, handle: Any) -> None:
        """Run one handle, and log it if it was slow."""
        if self._dispatcher is None:
            # Once, not for each callback: loops in several threads would now and then crash PySide by it.
            self._dispatcher = QtCore.QAbstractEventDispatcher.instance()
            self._dispatcher.awake.connect(self._on_awake)
        # Put back afterwards, not None as in asyncio: a nested Qt loop runs handles inside a handle.
        outer, self._loop._current_handle = self._loop._current_handle, handle
        try:
            with _Stopwatch() as self._stopwatch:
                handle._run()
        finally:
            self._loop._current_handle = outer
        elapsed_s = self._stopwatch.elapsed_s
        if elapsed_s >= self._loop.slow_callback_duration:
            log_slow_callback(handle, elapsed_s)
        # A task's exception refers to this frame, and would keep the task alive through `handle`.
        del handle

    def begin_nested(self) -> _Stopwatch | None:
        """Note that a nested Qt loop may have called the guest. Return what `end_nested` needs."""
        outer, self._stopwatch = self._stopwatch, None
        if outer is not None:
            outer.see_nested_loop()
        return outer

    def end_nested(self, outer: _Stopwatch | None) -> None:
        """End what `begin_nested` began."""
        self._stopwatch = outer
        if outer is not None:
            outer.see_nested_loop()

    def close(self) -> None:
        """Let go of Qt, which calls the guest no more."""
        dispatcher, self._dispatcher = self._dispatcher, None
        if dispatcher is not None and is_alive(dispatcher):
            dispatcher.awake.disconnect(self._on_awake)

    def _on_awake(self) -> None:
        if self._stopwatch is not None:
            self._stopwatch.see_nested_loop()


class _Stopwatch:
    """
    Measures how long a block takes, without the Qt loops nested in it.

    Qt does not tell when a nested loop begins or ends. But a nested loop calls the guest, and
    the dispatcher emits ``awake``. The time between the first and the last of these signs
    is left out.
    """

    # Seconds; set when the block ends.
    elapsed_s = 0.0

    def __enter__(self) -> Self:
        self._signs_s: list[float] = []
        self._began_s = perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.elapsed_s = perf_counter() - self._began_s
        if self._signs_s:
            self.elapsed_s -= self._signs_s[-1] - self._signs_s[0]

    def see_nested_loop(self) -> None:
        """Note a sign of a nested Qt loop: keep the first and the last one."""
        del self._signs_s[1:]
        self._signs_s.append(perf_counter())
