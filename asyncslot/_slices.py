"""
The hot path: what is ready runs in slices, whenever the host wakes the guest.

This module knows nothing of modes, levels or quitting: `loop` tells it, through
the few hooks at the end of the class.
"""

from __future__ import annotations

import asyncio
import heapq
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any, Callable, Iterator, Optional, Tuple

from asyncslot._handle import Handle, TimerHandle
from asyncslot._host import Host
from asyncslot._qt import QtCore
from asyncslot._selector import make_probe
from asyncslot._stdlib import (
    MAX_CANCELLED_TIMER_FRACTION,
    MIN_SCHEDULED_TIMERS,
    enter_task,
    format_callback,
    leave_task,
    log_slow_callback,
)
from asyncslot._stopwatch import Stopwatch
from asyncslot._unix import PlatformEventLoop

if TYPE_CHECKING:
    import contextvars
    import selectors

    from typing_extensions import TypeVarTuple, Unpack

    Ts = TypeVarTuple("Ts")

    # What a frame of the guest's sets aside while it runs callbacks: the level of the
    # frame below, the task in it, and what a task's creation has caught there.
    _Frame = Tuple[Optional[int], Optional[asyncio.Task[Any]], Optional[list[asyncio.Handle]]]

__all__ = ["SlicedEventLoop"]


# A look at the clock costs a fair part of a short callback. While so many take less than so many
# seconds, there is one look for all. A slice is longer by those that are long all of a sudden. Arbitrary.
STRIDE = 4
SHORT_S = 0.0001


class SlicedEventLoop(PlatformEventLoop):
    """The scheduling half of `AsyncSlotEventLoop`."""

    # Seconds that iterations may take before Qt gets its turn. Arbitrary: a
    # third of a 60 Hz frame, so that input and painting find room in each.
    time_slice_s = 0.005

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        super().__init__(selector)
        self._is_ready = make_probe(self._selector)
        self._host: Host | None = None
        # What call_soon() does with a handle: append it to the queue; while the
        # guest waits, wake it, too; while a task is created, catch it. See _route().
        self._enqueue: Callable[[asyncio.Handle], object] = self._ready.append
        self._is_waiting = False
        self._caught: list[asyncio.Handle] | None = None
        # The rest of the present iteration: yields once per handle to run, from the front of
        # the queue. A nested Qt loop draws from it, too: it continues the batch that it interrupts.
        self._batch: Iterator[int] = iter(())
        # An iteration has begun whose end stop() waits for. One called before lets
        # one more run, as in asyncio.
        self._has_begun = False
        self._slice_end_s = 0.0
        # How many slices and first steps are on the stack.
        self._frames = 0
        # QThread.loopLevel() at which the innermost of them runs; None outside.
        self._callback_level: int | None = None
        # Handles whose context is entered further up the stack, and the number of
        # frames that were on it then.
        self._set_aside: list[tuple[int, asyncio.Handle]] = []
        self._loop_level: Callable[[], int] = _no_loop_level
        # Times the callback that runs; None outside debug mode.
        self._stopwatch: Stopwatch | None = None
        # The Qt loop that carries the guest is told to return: nothing runs any more.
        self._is_leaving = False

    # -- asyncio's scheduling interface --

    def call_soon(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: Unpack[Ts],
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """Have *callback* called in the next iteration; wake the guest if it waits."""
        if self._closed or self._debug:
            self._check_call(callback, "call_soon")
            handle: asyncio.Handle = asyncio.Handle(callback, args, self, context)
            _hide_caller(handle)
        else:
            handle = Handle(callback, args, self, context)
        self._enqueue(handle)
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: Unpack[Ts],
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Have *callback* called in *delay* seconds, or later if the guest is busy."""
        if delay is None:
            msg = "delay must not be None"
            raise TypeError(msg)
        timer = self.call_at(self.time() + delay, callback, *args, context=context)
        _hide_caller(timer)
        return timer

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: Unpack[Ts],
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Have *callback* called at *when*, in seconds of ``time()``, or later if the guest is busy."""
        if when is None:
            msg = "when cannot be None"
            raise TypeError(msg)
        if when != when:  # noqa: PLR0124 - true of NaN only, which no heap can order.
            msg = f"{callback!r} was scheduled at a time that is not a number ({when}); pass seconds"
            raise ValueError(msg)
        if self._closed or self._debug:
            self._check_call(callback, "call_at")
            timer: asyncio.TimerHandle = asyncio.TimerHandle(when, callback, args, self, context)
            _hide_caller(timer)
            timer._scheduled = True  # type: ignore[attr-defined]
        else:
            timer = TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._scheduled, timer)
        if self._is_waiting and self._scheduled[0] is timer:
            self._wait_for_timers()
        return timer

    def stop(self) -> None:
        """End with the present iteration; wake the guest for it if it waits."""
        super().stop()
        self._wake()

    def _check_call(self, callback: Callable[..., object], method: str) -> None:
        self._check_closed()
        if self._debug:
            self._check_thread()
            self._check_callback(callback, method)

    # -- waiting and waking --

    def _open_host(self) -> None:
        """Have Qt call the guest from now on, beginning at once."""
        if threading.current_thread() is not threading.main_thread():
            # A Python thread has no event dispatcher, which timers need, until it has a loop.
            QtCore.QEventLoop()
        self._thread = QtCore.QThread.currentThread()
        self._loop_level = self._thread.loopLevel
        self._host = Host(self._on_wake, self._selector)
        self._is_waiting = True
        self._wake()

    def _close_host(self, *, later: bool) -> None:
        """Have Qt call the guest no more; *later* as for `Host.close`."""
        host, self._host = self._host, None
        self._is_waiting = False
        self._route()
        self._loop_level = _no_loop_level
        del self._thread
        if host is not None:
            host.close(later=later)

    def _is_on_application_thread(self) -> bool:
        application = QtCore.QCoreApplication.instance()
        return application is not None and application.thread() == self._thread

    def _wake(self) -> None:
        if self._is_waiting and self._host is not None:
            self._is_waiting = False
            self._route()
            self._host.wake()

    def _route(self) -> None:
        if self._caught is not None:
            self._enqueue = self._caught.append
        elif self._is_waiting:
            self._enqueue = self._enqueue_and_wake
        else:
            self._enqueue = self._ready.append

    def _enqueue_and_wake(self, handle: asyncio.Handle) -> None:
        self._ready.append(handle)
        if threading.get_ident() == self._thread_id:
            self._wake()

    def _wait(self) -> None:
        """Let the host rest if nothing is ready, until something is."""
        if self._is_waiting or self._host is None or self._ready or self._stopping:
            return
        self._is_waiting = True
        self._route()
        self._host.rest()
        self._wait_for_timers()

    def _wait_for_timers(self) -> None:
        if self._scheduled and self._host is not None:
            self._host.wake_by(self._scheduled[0]._when, self.time())

    # -- frames --

    def _enter_frame(self) -> _Frame:
        """
        Begin to run callbacks: as if nothing of the guest's were on the stack.

        The caller's task is set aside, or no other could run.
        """
        task = asyncio.current_task(self)
        frame = (self._callback_level, task, self._caught)
        if task is not None:
            leave_task(self, task)
        self._frames += 1
        self._callback_level = self._loop_level()
        if self._caught is not None:
            # A task factory runs code that runs callbacks: those here are not to wait for it.
            self._ready.extend(self._caught)
            self._caught.clear()
            self._caught = None
            self._route()
        return frame

    def _leave_frame(self, frame: _Frame) -> None:
        if self._set_aside:
            self._readmit()
        self._frames -= 1
        self._slice_end_s = 0.0  # A slice below this frame ends: the host decides what is next.
        self._callback_level, task, caught = frame
        if caught is not None:
            self._caught = caught
            self._route()
        if task is not None:
            enter_task(self, task)

    def _readmit(self) -> None:
        """Queue again, in front, what was set aside for contexts left since."""
        depth = self._frames
        left = [handle for frames, handle in self._set_aside if frames > depth]
        self._set_aside = [(frames, handle) for frames, handle in self._set_aside if frames <= depth]
        self._ready.extendleft(reversed(left))
        if left:
            self._wake()

    def _is_foreign(self) -> bool:
        """Tell whether the caller is foreign code, not a callback of the guest's."""
        return self._callback_level is None or self._loop_level() > self._callback_level

    def _begin_catching(self) -> tuple[list[asyncio.Handle], list[asyncio.Handle] | None]:
        """
        Have ``call_soon`` append to a list instead of queueing, until `_end_catching`.

        Returns:
            That list, and the one that it takes the place of, if any.
        """
        caught: list[asyncio.Handle] = []
        outer, self._caught = self._caught, caught
        self._enqueue = caught.append
        return caught, outer

    def _end_catching(self, caught: list[asyncio.Handle], outer: list[asyncio.Handle] | None) -> None:
        """
        Queue what is left in the list.

        A finalizer may call at any moment, and whatever it queues keeps its place.
        """
        queue = self._ready.append if outer is None else outer.append
        while caught:
            queue(caught.pop(0))
        self._caught = outer
        self._route()
        while caught:  # From between the last two lines.
            queue(caught.pop(0))
        if self._ready:
            self._wake()

    def _run_nested(self, handle: asyncio.Handle) -> None:
        """Run one handle at once, inside whatever code is on the stack."""
        frame = self._enter_frame()
        try:
            handle._run()
        except (SystemExit, KeyboardInterrupt) as exc:
            _retrieve_exception(handle)
            if self._may_raise():
                raise
            self._on_escape(exc)
        finally:
            self._leave_frame(frame)
            if self._frames == 0:
                self._wait()
                self._settle()

    # -- slices --

    def _on_wake(self) -> None:
        """Run iterations until the slice ends or nothing is ready. Called by Qt; nothing leaves it."""
        if self._host is None or self._is_leaving:
            return
        frame = self._enter_frame()
        # Even if it is awake: a timer fires inside its own timeout, in a nested Qt
        # loop, only if it was restarted. Only here: a restart puts it off.
        self._is_waiting = True
        self._wake()
        outer_watch, self._stopwatch = self._stopwatch, None
        if outer_watch is not None:
            outer_watch.see_nested_loop()
        try:
            self._slice_end_s = monotonic() + self.time_slice_s
            self._run_slice()
        except BaseException as exc:  # noqa: BLE001 - what leaves a slot crashes Qt.
            self._on_escape(exc)
        finally:
            self._leave_frame(frame)
            self._stopwatch = outer_watch
            if outer_watch is not None:
                outer_watch.see_nested_loop()
        self._wait()
        self._settle()

    def _run_slice(self) -> None:  # noqa: C901, PLR0912 - one frame for whole batches: calls cost more than they do.
        ready = self._ready
        popleft = ready.popleft
        is_ready = self._is_ready
        debug = self._debug
        handle: Any = None
        # After how many callbacks to look at the clock, and when that was last done.
        stride, looked_s = 1, 0.0
        try:
            while True:
                batch = self._batch
                try:
                    for _ in batch:
                        handle = popleft()
                        if handle._cancelled:
                            continue
                        if debug:
                            self._run_checked(handle)
                        elif handle._args:
                            handle._context.run(handle._callback, *handle._args)
                        else:
                            handle._context.run(handle._callback)
                        stride -= 1
                        if stride:
                            continue
                        now_s = monotonic()
                        if now_s >= self._slice_end_s:
                            return
                        stride = STRIDE if now_s - looked_s < SHORT_S else 1
                        looked_s = now_s
                except (SystemExit, KeyboardInterrupt):
                    _retrieve_exception(handle)
                    raise
                except BaseException as exc:  # noqa: BLE001 - as asyncio's Handle does.
                    self._on_callback_error(handle, exc)
                    if monotonic() >= self._slice_end_s:
                        return
                    continue
                if batch is not self._batch:
                    return  # A nested Qt loop has gone on to another one: the host decides what is next.
                if self._stopping and self._has_begun:
                    self._has_begun = False
                    self._on_stop()
                    return
                if is_ready():
                    self._process_events(self._selector.select(0))
                if self._scheduled:
                    self._queue_due_timers()
                count = len(ready)
                self._has_begun = count > 0 or self._stopping
                if not self._has_begun:
                    return
                self._batch = iter(range(count))
        finally:
            handle = None  # Or a task's exception, which refers to this frame, would keep the task alive.

    def _run_checked(self, handle: Any) -> None:
        """Run one handle with asyncio's checks and reports of debug mode."""
        if self._frames > 1 and _is_entered(handle._context):
            self._set_aside.append((self._frames, handle))
            return
        outer, self._current_handle = self._current_handle, handle
        try:
            with Stopwatch() as self._stopwatch:
                handle._run()
        finally:
            self._current_handle = outer
        elapsed_s = self._stopwatch.elapsed_s
        if elapsed_s >= self.slow_callback_duration:
            log_slow_callback(handle, elapsed_s)
        del handle  # Or a task's exception, which refers to this frame, would keep the task alive.

    def _on_callback_error(self, handle: Any, exc: BaseException) -> None:
        if self._frames > 1 and _could_not_enter(exc):
            self._set_aside.append((self._frames, handle))
            return
        context = {
            "message": f"Exception in callback {format_callback(handle._callback, handle._args)}",
            "exception": exc,
            "handle": handle,
        }
        self.call_exception_handler(context)

    def _queue_due_timers(self) -> None:
        scheduled = self._scheduled
        if len(scheduled) > MIN_SCHEDULED_TIMERS and self._timer_cancelled_count > MAX_CANCELLED_TIMER_FRACTION * len(
            scheduled
        ):
            self._drop_cancelled_timers()
            scheduled = self._scheduled
        end_s = self.time() + self._clock_resolution
        while scheduled:
            timer = scheduled[0]
            if timer._cancelled:
                self._timer_cancelled_count -= 1
            elif timer._when >= end_s:
                return
            else:
                self._ready.append(timer)
            heapq.heappop(scheduled)
            timer._scheduled = False

    def _drop_cancelled_timers(self) -> None:
        kept = []
        for timer in self._scheduled:
            if timer._cancelled:
                timer._scheduled = False
            else:
                kept.append(timer)
        heapq.heapify(kept)
        self._scheduled = kept
        self._timer_cancelled_count = 0

    # -- what `loop` decides --

    def _on_stop(self) -> None:
        """Act on ``stop()``: the iteration that it was called in is over."""
        raise NotImplementedError

    def _on_escape(self, exc: BaseException) -> None:
        """Act on an exception that no callback may raise: SystemExit, KeyboardInterrupt, a fault of the loop."""
        raise NotImplementedError

    def _may_raise(self) -> bool:
        """Tell whether such an exception may go to the caller, since no Qt loop runs that it could end."""
        raise NotImplementedError

    def _settle(self) -> None:
        """Do what had to wait until no callback of the guest's was on the stack, if none is."""
        raise NotImplementedError


def _hide_caller(handle: Any) -> None:
    """Leave the loop's own frame out of what debug mode says of where *handle* was made."""
    if handle._source_traceback:
        del handle._source_traceback[-1]


def _no_loop_level() -> int:
    return 0


def _could_not_enter(exc: BaseException) -> bool:
    """Tell whether *exc* is Context.run()'s own refusal, raised before the callback began."""
    traceback = exc.__traceback__
    return (
        type(exc) is RuntimeError
        and traceback is not None
        and traceback.tb_next is None
        and str(exc).startswith("cannot enter context")
    )


def _retrieve_exception(handle: Any) -> None:
    """Mark the exception of a task whose step has just raised it as retrieved: it ends the loop, which tells enough."""
    task = getattr(handle._callback, "__self__", None)
    if asyncio.isfuture(task) and task.done() and not task.cancelled():
        task.exception()


def _is_entered(context: contextvars.Context) -> bool:
    try:
        context.run(int)
    except RuntimeError:
        return True
    return False
