"""
The slicer: it runs what is ready, in slices, in asyncio's order.

This is the hot path. The slicer is pure: it is given a clock, a selector's functions and a waker.
It knows neither Qt nor a loop, so its tests run in microseconds.

An iteration is the same as in asyncio: poll I/O once, queue the timers that are due, run what is
ready then. `Slicer.run` does iterations until nothing is ready or the slice is over.

What was tried and does not work
- One function call more per callback, or functions instead of the attributes `stopping` and
  `scheduled`: this costs 10 % more CPU in all.
- Returning to Qt after each iteration: one wake-up by Qt costs more than most iterations.
- Counting the batch with an ``int``: a nested Qt loop must go on with the batch that it
  interrupts, so both must share what is left of it. They can share an iterator, at no cost.
- Taking a handle back out of the queue: threads may append to the queue at any moment.
"""

from __future__ import annotations

import enum
import heapq
import operator
import threading
from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING, Any, Callable, Iterator, Optional, Tuple

if TYPE_CHECKING:
    import contextvars

    # What `Slicer.enter` saves and `Slicer.leave` restores: the Qt level and the capture of the frame below.
    Frame = Tuple[Optional[int], Optional[list[Any]]]

__all__ = ["Outcome", "Slicer"]

# Reading the clock takes a fair part of the time of a short callback. While STRIDE callbacks together
# take less than SHORT_S seconds, the clock is read once for all of them. If callbacks suddenly become
# long, the slice is longer by STRIDE callbacks at most. Both numbers are arbitrary.
STRIDE = 4
SHORT_S = 0.0001

# asyncio's own rule: rebuild the heap if it has more timers than this, and more than this fraction is cancelled.
# Source: asyncio/base_events.py; test_timers_constants_are_those_of_asyncio compares the numbers.
MIN_SCHEDULED_TIMERS = 100
MAX_CANCELLED_FRACTION = 0.5


class Outcome(enum.Enum):
    """
    How a slice ended.

    Attributes:
        IDLE: Nothing is ready.
        MORE: Something is ready, but it is Qt's turn.
        STOPPED: The iteration in which `Slicer.stop` was called is over. The caller must now end
            the blocking call, or detach.
    """

    IDLE = enum.auto()
    MORE = enum.auto()
    STOPPED = enum.auto()


# In Python 3.11, looking up a member of an enum takes as long as four Python calls.
_IDLE, _MORE, _STOPPED = Outcome.IDLE, Outcome.MORE, Outcome.STOPPED


class Slicer:
    """
    The ready queue and the timers, and how much of them runs before it is Qt's turn.

    ::

        state     is_waiting  waker   enqueue(handle)
        closed    False       None    queues it
        waiting   True        rests   queues it and wakes
        awake     False       wakes   queues it
        paused    False       pauses  queues it
        (during a capture)            appends it to the captured list

    Args:
        ready: The queue of handles. The loop shares it: threads and transports append to it.
        scheduled: The heap of timers. The loop shares it, too.
        get_time: The loop's ``time``, in seconds. Deadlines are measured by it.
        clock_resolution_s: A timer is due this many seconds before its deadline.
        poll: Returns something true if I/O may be ready. It never waits.
        queue_io: Called with what *poll* has returned. Queues the handles of what is ready.
        is_polled: Tells whether a handle is one that *queue_io* queues.
        report_error: Called with a handle and the exception that its callback raised.
        clock: Returns seconds. Slices are measured by it. On Windows, time.monotonic() is too coarse
            before Python 3.13: it stands still for 16 ms.
    """

    def __init__(
        self,
        ready: deque[Any],
        scheduled: list[Any],
        *,
        get_time: Callable[[], float],
        clock_resolution_s: float,
        poll: Callable[[], Any],
        queue_io: Callable[[Any], object],
        is_polled: Callable[[Any], bool],
        report_error: Callable[[Any, BaseException], object],
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self.ready = ready
        self.scheduled = scheduled
        self.poll = poll
        # What call_soon() does with a handle. `_route` chooses it when the state changes, so that
        # call_soon(), which runs once per callback, need not ask for the state.
        self.enqueue: Callable[[Any], object] = ready.append
        # stop() was called, and the iteration that is to be the last one is not over.
        self.stopping = False
        # The waker rests, because nothing is ready. Code that makes something ready must call `wake`.
        self.is_waiting = False
        # How many timers on the heap are cancelled. The loop adds to it, in _timer_handle_cancelled().
        self.cancelled_timers = 0
        # `pause` was called, and the innermost frame has not ended since.
        self.is_paused = False
        # How many frames, that is slices and first steps, are on the stack; and how many of them are slices.
        self.depth = 0
        self.slices = 0
        # How many Qt loops ran when the innermost frame began; None if there is no frame.
        self.callback_level: int | None = None
        # Returns how many Qt loops run on this thread.
        self.get_loop_level: Callable[[], int] = _no_loop_level
        self._get_time = get_time
        self._clock_resolution_s = clock_resolution_s
        self._queue_io = queue_io
        self._is_polled = is_polled
        self._report_error = report_error
        self._clock = clock
        # None while closed.
        self._waker: Any = None
        # The thread that opened the slicer, the only one that may call the waker; None while closed.
        self._thread_id: int | None = None
        # The list that call_soon() appends to while a task is being created; None at other times. Whoever creates
        # one sets this and `enqueue`, which saves a call per slot, and then calls `end_capture`.
        self.captured: list[Any] | None = None
        # The rest of the present iteration. It yields once for each handle that is still to run; the
        # handles are at the front of the queue. A nested Qt loop goes on with the same iterator.
        self._batch: Iterator[int] = iter(())
        # An iteration has begun, and stop() takes effect at its end. If stop() is called outside of
        # any iteration, one more iteration runs, as in asyncio.
        self._is_in_iteration = False
        # When the present slice is over, by `clock`. 0 makes each slice on the stack end at its next look.
        self.slice_end_s = 0.0
        # When the innermost slice was to be over when it began.
        self._due_s = 0.0
        # Handles that could not run, because a frame below has entered their context; and the `depth` then.
        # They wait outside the queue, where they would keep the guest awake for nothing.
        self.set_aside: list[tuple[int, Any]] = []

    # -- opening and closing --

    def open(self, waker: Any, get_loop_level: Callable[[], int]) -> None:
        """
        Let *waker* call the guest from now on, and wake it at once.

        Args:
            waker: Has ``wake()``, ``rest()`` and ``wake_by(deadline_s, now_s)``.
            get_loop_level: Returns how many Qt loops run on this thread.
        """
        self._waker = waker
        self._thread_id = threading.get_ident()
        self.get_loop_level = get_loop_level
        # wake() does nothing otherwise. Handles may have been queued while the slicer was closed.
        self.is_waiting = True
        self.wake()

    def close(self) -> None:
        """Call no waker any more; what is queued stays queued."""
        self._waker = None
        self._thread_id = None
        # The old function asks the QThread of the last run, which may be gone by the next one.
        self.get_loop_level = _no_loop_level
        self.is_waiting = self.is_paused = False
        self.stopping = False
        self._route()

    def release(self) -> None:
        """Let go, for good, of what refers to the loop, which refers to the slicer: it is then freed at once."""
        del self._get_time, self._queue_io, self._is_polled, self._report_error

    # -- waiting and waking --

    def stop(self) -> None:
        """Stop after the present iteration, or after the next one if none has begun. Wakes the waker."""
        self.stopping = True
        # Even if nothing is ready: the end of the iteration, which may be empty, must be reached.
        # On another thread it only takes effect later, as in asyncio: Qt's timers belong to their thread.
        if threading.get_ident() == self._thread_id:
            self.wake()

    def wake(self) -> None:
        """Wake the waker, if it rests."""
        if self.is_waiting and self._waker is not None:
            # No Python call: at the recursion limit it would raise, and leave a guest that neither waits nor is woken.
            self._waker.wake()
            self.is_waiting = False
            if self.captured is None:
                self.enqueue = self.ready.append

    def wait(self) -> None:
        """Let the waker rest until something is ready; a no-op if something is ready now."""
        if self.is_waiting or self.is_paused or self._waker is None or self.ready or self.stopping:
            return
        self.is_waiting = True
        # A thread first appends to `ready`, and then, if the guest waits, writes to the loop's socket. So it has
        # written, or what it has appended is seen here.
        if self.ready:
            self.is_waiting = False
            return
        if self.captured is None:
            self.enqueue = self.enqueue_and_wake  # As `_route` does.
        self._waker.rest()
        # A finalizer may have queued something, and woken the waker, just before it rested.
        if not self.is_waiting:
            self._waker.wake()
            return
        if self.scheduled:
            self._waker.wake_by(self.scheduled[0]._when, self._get_time())

    def pause(self) -> None:
        """Let the waker pause until the innermost frame has ended. There must be one."""
        self.is_waiting = False
        self._route()
        self.is_paused = True
        self._waker.pause()

    def _resume(self) -> None:
        self.is_paused = False
        if self._waker is not None:
            self._waker.resume()

    def wait_for_timers(self) -> None:
        """Let the waker call when the first timer is due."""
        if self.scheduled and self._waker is not None:
            self._waker.wake_by(self.scheduled[0]._when, self._get_time())

    def _route(self) -> None:
        """Choose what `enqueue` does. Must follow each change of `is_waiting` and `_captured`."""
        if self.captured is not None:
            self.enqueue = self.captured.append
        elif self.is_waiting:
            self.enqueue = self.enqueue_and_wake
        else:
            self.enqueue = self.ready.append

    def enqueue_and_wake(self, handle: Any) -> None:
        """Queue a handle while the waker rests."""
        self.ready.append(handle)
        # call_soon() on another thread is an error, as in asyncio. But the waker must not be called
        # there: a Qt timer can be started only on its own thread.
        if threading.get_ident() == self._thread_id:
            self.wake()

    # -- frames: the guest's slices and first steps on the stack --

    def is_on_stack(self) -> bool:
        """Tell whether a slice, a first step, or the creation of a task is on the stack."""
        return self.depth > 0 or self.captured is not None

    def is_foreign(self) -> bool:
        """Tell whether the caller is foreign code: no callback runs, or a Qt loop runs above the callback."""
        return self.callback_level is None or self.get_loop_level() > self.callback_level

    def overdue_s(self) -> float:
        """Return how long the innermost slice should have been over, in seconds; 0 if it is not over, or none runs."""
        return max(self._clock() - self._due_s, 0.0) if self.slices else 0.0

    def enter(self) -> Frame:
        """Begin a frame. Return what `leave` needs to restore the frame below."""
        frame = (self.callback_level, self.captured)
        self.depth += 1
        self.callback_level = self.get_loop_level()
        if self.captured is not None:
            self._release_captured(self.captured)
        return frame

    def _release_captured(self, captured: list[Any]) -> None:
        """Queue what is captured and suspend the capture: callbacks now run that may wait for these handles."""
        self.end_capture(captured, None)
        # The capture goes on with the same list.
        captured.clear()

    def leave(self, frame: Frame) -> None:
        """End what `enter` began."""
        if self.set_aside:
            self._readmit()
        if self.is_paused:
            self._resume()
        self.depth -= 1
        # A slice below this frame ends at its next look at the clock, and Qt decides what runs next.
        self.slice_end_s = 0.0
        self.callback_level, captured = frame
        if captured is not None:
            self.captured = captured
            self._route()

    def _put_aside(self, handle: Any) -> None:
        # A reader's handle is queued at each poll as long as its descriptor is readable, so it comes again.
        if not self._is_polled(handle):
            self.set_aside.append((self.depth, handle))

    def _readmit(self) -> None:
        """Queue again, in front, the handles that may run now that the present frame ends."""
        # A handle that was set aside at depth n waits for a frame below n. So it is tried again when frame
        # n - 1 ends; if a frame further down is the cause, the handle is set aside once more.
        depth = self.depth
        left = [handle for its_depth, handle in self.set_aside if its_depth > depth]
        self.set_aside = [(its_depth, handle) for its_depth, handle in self.set_aside if its_depth <= depth]
        # In front and in their order: they were queued before all that is in the queue now.
        self.ready.extendleft(reversed(left))
        # The waker may rest, because handles that are set aside are not in the queue.
        if left:
            self.wake()

    # -- captures: the handles that are queued while a task is created --

    def end_capture(self, captured: list[Any], outer: list[Any] | None) -> None:
        """
        Queue what is left in the list that call_soon() has appended to, *captured*.

        A finalizer may call call_soon() at any moment. What it queues keeps its place.

        Args:
            captured: The list.
            outer: What `captured` was before.
        """
        queue: Any = self.ready if outer is None else outer
        rest = iter(captured)
        enqueue = self.enqueue_and_wake if outer is None and self.is_waiting else queue.append
        self.captured, self.enqueue = outer, enqueue
        # What runs finalizers is an allocation, or the end of a call. There is none before extend() is done, so
        # nothing can be queued before the rest.
        queue.extend(rest)
        # During the capture nothing woke the waker.
        if self.is_waiting and self.ready:
            self.wake()

    # -- running --

    def run_now(self, handle: Any) -> None:
        """
        Run one handle at once, on top of the code that is on the stack.

        Raises:
            SystemExit: If the callback raises it.
            KeyboardInterrupt: If the callback raises it.
        """
        # The same as `enter` and `leave`, written out: two calls less for each slot.
        level, captured = self.callback_level, self.captured
        self.depth += 1
        self.callback_level = self.get_loop_level()
        if captured is not None:
            self._release_captured(captured)
        try:
            handle._context.run(handle._callback, *handle._args)
        except (SystemExit, KeyboardInterrupt):
            _retrieve_exception(handle)
            raise
        except BaseException as exc:  # noqa: BLE001 - as asyncio's Handle does.
            self._report_error(handle, exc)
        finally:
            if self.set_aside or self.is_paused or captured is not None:
                self.leave((level, captured))
            else:
                self.depth -= 1
                self.slice_end_s = 0.0
                self.callback_level = level

    def run(self, slice_s: float, run_checked: Callable[[Any], object] | None = None) -> Outcome:
        """
        Run iterations until the slice is over or nothing is ready. Called when the waker calls.

        Args:
            slice_s: The length of the slice, in seconds. At least one callback runs if one is ready.
            run_checked: Runs a handle with the checks of debug mode; None outside debug mode.

        Raises:
            SystemExit: If a callback raises it. The rest of the batch runs in the next slice.
            KeyboardInterrupt: If a callback raises it. The same holds for the rest.
        """
        # Wake the waker even if it is awake: a QTimer fires inside its own timeout, that is in a nested Qt
        # loop, only if it was restarted there. Do it nowhere else: a restart puts the timer off, and
        # beside an application's timer of 0 ms the guest would starve.
        self.is_waiting = False
        self._waker.wake()
        frame = self.enter()
        # As `_route` does, now that enter() has ended any capture.
        self.enqueue = self.ready.append
        outer_due_s = self._due_s
        self.slices += 1
        try:
            self.slice_end_s = self._due_s = self._clock() + slice_s
            return self._run_batches(run_checked)
        finally:
            self.slices -= 1
            self._due_s = outer_due_s
            self.leave(frame)

    def _run_batches(  # noqa: C901, PLR0912, PLR0915 - inlined: a call per callback costs more than its bookkeeping.
        self, run_checked: Callable[[Any], object] | None
    ) -> Outcome:
        ready, scheduled = self.ready, self.scheduled
        popleft = ready.popleft
        poll = self.poll
        clock = self._clock
        handle: Any = None
        # After how many callbacks the clock is read next, and what it said last. A slice reads it after
        # its first callback, however short those of the slice before were.
        stride, looked_s = 1, 0.0
        try:
            while True:
                batch = self._batch
                try:
                    # A batch counts handles, it does not name them. The queue is never shorter than the
                    # batch, because only these loops take handles out of it.
                    for _ in batch:
                        handle = popleft()
                        if handle._cancelled:
                            continue
                        if run_checked is not None:
                            # Asked before, because Handle._run() reports all errors itself. At depth 1 nobody
                            # would leave the context again: asyncio reports that as an error.
                            if self.depth > 1 and _is_entered(handle._context):
                                self._put_aside(handle)
                            else:
                                run_checked(handle)
                        elif handle._args:
                            handle._context.run(handle._callback, *handle._args)
                        # Saves the argument tuple of callbacks that have none, such as a task's step after sleep(0).
                        else:
                            handle._context.run(handle._callback)
                        stride -= 1
                        if stride:
                            continue
                        now_s = clock()
                        if now_s >= self.slice_end_s:
                            return self._pause()
                        stride = STRIDE if now_s - looked_s < SHORT_S else 1
                        looked_s = now_s
                except (SystemExit, KeyboardInterrupt):
                    if handle is not None:  # A signal handler may raise before the first callback, too.
                        _retrieve_exception(handle)
                    raise
                except BaseException as exc:  # noqa: BLE001 - as asyncio's Handle does.
                    self._handle_error(handle, exc)
                    # Also here, or a callback that queues itself and raises would keep Qt waiting for ever.
                    if clock() >= self.slice_end_s:
                        return self._pause()
                    continue
                # A nested slice has begun another batch. This one is over, and Qt decides what runs next.
                if batch is not self._batch:
                    return _MORE
                # Only if the iteration began before: stop() outside of one lets one more run, as in asyncio.
                if self.stopping and self._is_in_iteration:
                    self.stopping = self._is_in_iteration = False
                    # A slice below this one then sees another batch than its own, and ends, too.
                    self._batch = iter(())
                    return _STOPPED
                events = poll()
                if events:
                    self._queue_io(events)
                if scheduled:
                    self._queue_due_timers()
                # Once per iteration: what callbacks and threads append from here on runs in the next one.
                count = len(ready)
                # With stop() the next iteration begins even if it is empty, so that it can end.
                self._is_in_iteration = count > 0 or self.stopping
                if not self._is_in_iteration:
                    return _IDLE
                # A range: Python 3.12 and later specialize loops over it.
                self._batch = iter(range(count))
        finally:
            # A task's exception refers to this frame, and would keep the task alive through `handle`.
            handle = None

    def _pause(self) -> Outcome:
        """End a slice because its time is over."""
        # The iteration is over, too, if its batch is empty. Then a later stop() must let one more iteration
        # run. Not in a nested slice: a callback of that iteration is still on the stack below.
        if self.depth == 1 and not self.stopping and not operator.length_hint(self._batch):
            self._is_in_iteration = False
        return _MORE

    def _handle_error(self, handle: Any, exc: BaseException) -> None:
        if self.depth > 1 and _could_not_enter(exc):
            self._put_aside(handle)
        else:
            self._report_error(handle, exc)

    # -- timers --

    def _queue_due_timers(self) -> None:
        """Queue the timers that are due, as asyncio does, and drop cancelled ones from the top of the heap."""
        scheduled = self.scheduled
        if len(scheduled) > MIN_SCHEDULED_TIMERS and self.cancelled_timers > len(scheduled) * MAX_CANCELLED_FRACTION:
            self._drop_cancelled_timers()
        end_s = self._get_time() + self._clock_resolution_s
        while scheduled:
            timer = scheduled[0]
            if timer._cancelled:
                self.cancelled_timers -= 1
            elif timer._when >= end_s:
                return
            else:
                self.ready.append(timer)
            heapq.heappop(scheduled)
            # If it is cancelled from now on, it must not count as a cancelled timer on the heap.
            timer._scheduled = False

    def _drop_cancelled_timers(self) -> None:
        kept = []
        for timer in self.scheduled:
            if timer._cancelled:
                timer._scheduled = False
            else:
                kept.append(timer)
        heapq.heapify(kept)
        # In place: the loop has the same list.
        self.scheduled[:] = kept
        self.cancelled_timers = 0


def _no_loop_level() -> int:
    return 0


def _could_not_enter(exc: BaseException) -> bool:
    """Tell whether Context.run() itself raised *exc*, because the context is entered: the callback has not begun."""
    # Only our own frame is in the traceback, so no Python code of the callback's has run. For a callback
    # written in C, which has no frame, the message tells.
    traceback = exc.__traceback__
    return (
        type(exc) is RuntimeError
        and traceback is not None
        and traceback.tb_next is None
        and str(exc).startswith("cannot enter context")
    )


def _is_entered(context: contextvars.Context) -> bool:
    try:
        context.run(int)
    except RuntimeError:
        return True
    return False


def _retrieve_exception(handle: Any) -> None:
    """Mark the exception of a task's step as retrieved: it leaves the loop, so asyncio need not log it, too."""
    # A task is known by its methods: this module must not import asyncio (test_house).
    task: Any = getattr(handle._callback, "__self__", None)
    # Asked for what only tasks have: sys.exit() is a callback of the module sys, which has an exception(), too.
    if hasattr(task, "get_coro") and task.done() and not task.cancelled():
        task.exception()
