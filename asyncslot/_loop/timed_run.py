"""Callbacks and first steps, timed without the Qt loops nested in them: for debug mode, and for a watch."""

from __future__ import annotations

import weakref
from time import perf_counter
from typing import TYPE_CHECKING, Any, Callable

from asyncslot._qt import QtCore, is_alive
from asyncslot._task.asyncio_private import log_slow_callback

if TYPE_CHECKING:
    import asyncio

    from typing_extensions import Protocol, Self

    from asyncslot._task.registry import TaskRecord

    class Watch(Protocol):
        """
        What is told of what a loop does.

        Attributes:
            slow_s: Seconds from which on a callback is slow.
        """

        slow_s: float

        def on_task(self, task: asyncio.Task[Any], record: TaskRecord) -> object:
            """Take note of a task of `run_task` or of a slot, which begins now."""

        def on_slow(self, handle: Any, elapsed_s: float, *, is_first_step: bool) -> object:
            """Take note of a callback, or a task's first step, that has kept everything else waiting."""

        def on_nested_loop(self, handle: Any, elapsed_s: float) -> object:
            """Take note of a callback in which a Qt loop has run, for *elapsed_s* seconds at least."""


__all__ = ["TimedRun"]


class TimedRun:
    """
    Runs handles as asyncio's debug mode does, times them, and tells who wants to know which ones were slow.

    Debug mode logs slow ones. A `Watch` is told of them, and of nested Qt loops.

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
        """Run one handle, and report it if it was slow."""
        # Put back afterwards, not None as in asyncio: a nested Qt loop runs handles inside a handle.
        outer, self._loop._current_handle = self._loop._current_handle, handle
        try:
            self._time(handle, handle._run, is_first_step=False)
        finally:
            self._loop._current_handle = outer
            # A task's exception refers to this frame, and would keep the task alive through `handle`.
            del handle

    def run_first_step(self, run_now: Callable[[Any], object], handle: Any) -> None:
        """Run a task's first step, *handle*, by *run_now*, and report it if it was slow."""
        try:
            self._time(handle, run_now, handle, is_first_step=True)
        finally:
            del handle  # As in `run`.

    def _time(self, handle: Any, run: Callable[..., object], *args: Any, is_first_step: bool) -> None:
        if self._dispatcher is None:
            # Once, not for each callback: loops in several threads would now and then crash PySide by it.
            self._dispatcher = QtCore.QAbstractEventDispatcher.instance()
            self._dispatcher.awake.connect(self._on_awake)
        outer = self._stopwatch
        stopwatch = self._stopwatch = _Stopwatch()
        try:
            with stopwatch:
                run(*args)
        finally:
            self._stopwatch = outer
            # A first step runs inside a callback: what has nested in one has nested in the other.
            if outer is not None:
                outer.see_nested_loops(stopwatch)
            self._report(handle, stopwatch, is_first_step=is_first_step)
            del handle, args  # As in `run`.

    def _report(self, handle: Any, stopwatch: _Stopwatch, *, is_first_step: bool) -> None:
        loop, elapsed_s = self._loop, stopwatch.elapsed_s
        if loop._debug and elapsed_s >= loop.slow_callback_duration:
            log_slow_callback(handle, elapsed_s)
        watch = loop._watch
        if watch is None:
            return
        if elapsed_s >= watch.slow_s:
            watch.on_slow(handle, elapsed_s, is_first_step=is_first_step)
        if stopwatch.nested_s:
            watch.on_nested_loop(handle, stopwatch.nested_s)

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
        self.elapsed_s = perf_counter() - self._began_s - self.nested_s

    @property
    def nested_s(self) -> float:
        """How long nested Qt loops have run, in seconds; 0 if there was none."""
        return self._signs_s[-1] - self._signs_s[0] if self._signs_s else 0.0

    def see_nested_loop(self) -> None:
        """Note a sign of a nested Qt loop: keep the first and the last one."""
        del self._signs_s[1:]
        self._signs_s.append(perf_counter())

    def see_nested_loops(self, inner: _Stopwatch) -> None:
        """Note the signs that a block inside this one has seen."""
        signs_s = [*self._signs_s, *inner._signs_s]
        self._signs_s = [*signs_s[:1], *signs_s[1:][-1:]]
