"""
The slicer: it runs what is ready, in slices, in asyncio's order.

This is the hot path. It is pure: it gets a clock, a selector's functions and a waker, and
knows neither Qt nor a loop, so that its tests run in microseconds.

One iteration is asyncio's: poll I/O once, queue the timers that are due, run what was ready
then. Qt calls `Slicer.run`, which does iterations until nothing is ready or the slice is over.

What was tried and does not work
- A function call per callback, or callbacks instead of the attributes `stopping` and
  `scheduled`: 10 % more CPU in all.
- Returning to Qt after each iteration: a wake-up of Qt's costs more than most iterations.
- Counting the batch with an ``int``: a nested Qt loop must go on with the batch that it
  interrupts, so what is left of it has to be shared. An iterator is, and costs nothing.
- Taking a handle back out of the queue: threads append to it at any moment.
"""

from __future__ import annotations

import enum
import heapq
import operator
import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Any, Callable, Iterator, Optional, Tuple

if TYPE_CHECKING:
    import contextvars

    # What `Slicer.enter` puts by for `Slicer.leave`: the Qt level and the capture of the code below.
    Frame = Tuple[Optional[int], Optional[list[Any]]]

__all__ = ["Outcome", "Slicer"]

# A look at the clock costs a fair part of a short callback. While STRIDE callbacks take less than
# SHORT_S seconds, there is one look for all of them. If they are long all of a sudden, the slice is
# longer by that many. Both are arbitrary.
STRIDE = 4
SHORT_S = 0.0001

# asyncio's own rule for rebuilding the heap of timers: so many, and more than this fraction cancelled.
MIN_SCHEDULED_TIMERS = 100
MAX_CANCELLED_FRACTION = 0.5


class Outcome(enum.Enum):
    """
    How a slice ended.

    Attributes:
        IDLE: Nothing is ready.
        MORE: Something is ready, but it is Qt's turn.
        STOPPED: The iteration that `Slicer.stop` was called in is over. The caller ends something.
    """

    IDLE = enum.auto()
    MORE = enum.auto()
    STOPPED = enum.auto()


class Slicer:
    """
    What is ready, what is due, and how much of it runs before Qt has its turn.

    ::

        state     is_waiting  waker   enqueue(handle)
        closed    False       None    queues it
        waiting   True        rests   queues it and wakes
        awake     False       wakes   queues it
        (during a capture)            appends it to the captured list

    Args:
        ready: The queue of handles. It is shared with the loop: threads and transports append to it.
        scheduled: The heap of timers, shared likewise.
        get_time: The loop's ``time``, in seconds: what deadlines are measured by.
        clock_resolution_s: A timer is due this much before its deadline.
        is_io_ready: Tells, fast, whether *select* may have something to report.
        select: The selector's: called with a timeout of 0, it returns events.
        process_events: Queues the handles of such events.
        report_error: Called with a handle and the exception that its callback raised.
        clock: Seconds: what slices are measured by.
    """

    def __init__(
        self,
        ready: deque[Any],
        scheduled: list[Any],
        *,
        get_time: Callable[[], float],
        clock_resolution_s: float,
        is_io_ready: Callable[[], object],
        select: Callable[[float], Any],
        process_events: Callable[[Any], object],
        report_error: Callable[[Any, BaseException], object],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.ready = ready
        self.scheduled = scheduled
        self.is_io_ready = is_io_ready
        # What call_soon() does with a handle; `_route` chooses. An attribute, because it is called per callback.
        self.enqueue: Callable[[Any], object] = ready.append
        # stop() was called, and the iteration that it ends with is not over.
        self.stopping = False
        # Nothing is ready, so the waker rests. Whatever changes that has to wake it.
        self.is_waiting = False
        # How many timers on the heap are cancelled.
        self.cancelled_timers = 0
        # How many slices and first steps are on the stack.
        self.depth = 0
        # The Qt level at which the innermost of them runs; None outside.
        self.callback_level: int | None = None
        # Returns how many Qt loops run on this thread.
        self.get_loop_level: Callable[[], int] = _no_loop_level
        self._get_time = get_time
        self._clock_resolution_s = clock_resolution_s
        self._select = select
        self._process_events = process_events
        self._report_error = report_error
        self._clock = clock
        self._waker: Any = None
        self._thread_id: int | None = None
        # What call_soon() appends to while a task is being created.
        self._captured: list[Any] | None = None
        # The rest of the present iteration: yields once per handle to run, from the front of the queue.
        # A nested Qt loop draws from it, too: it goes on with the batch that it interrupts.
        self._batch: Iterator[int] = iter(())
        # An iteration has begun whose end stop() waits for. One called before lets
        # one more run, as in asyncio.
        self._is_in_iteration = False
        self._slice_end_s = 0.0
        # Handles whose context is entered further up the stack, and the depth that the stack had then.
        self._set_aside: list[tuple[int, Any]] = []

    # -- opening and closing --

    def open(self, waker: Any, get_loop_level: Callable[[], int]) -> None:
        """
        Have *waker* call from now on, beginning at once.

        Args:
            waker: Has ``wake()``, ``rest()`` and ``wake_by(deadline_s, now_s)``.
            get_loop_level: Returns how many Qt loops run on this thread.
        """
        self._waker = waker
        self._thread_id = threading.get_ident()
        self.get_loop_level = get_loop_level
        self.is_waiting = True
        self.wake()

    def close(self) -> None:
        """Wake nobody any more; what is queued stays queued."""
        self._waker = None
        self._thread_id = None
        self.get_loop_level = _no_loop_level
        self.is_waiting = False
        self.stopping = False
        self._route()

    # -- waiting and waking --

    def stop(self) -> None:
        """End with the present iteration, or, outside one, after the next; wake the waker for it."""
        self.stopping = True
        self.wake()

    def wake(self) -> None:
        """Have the waker call, if it rests."""
        if self.is_waiting and self._waker is not None:
            self.is_waiting = False
            self._route()
            self._waker.wake()

    def wait(self) -> None:
        """Let the waker rest if nothing is ready, until something is."""
        if self.is_waiting or self._waker is None or self.ready or self.stopping:
            return
        self.is_waiting = True
        self._route()
        self._waker.rest()
        self.wait_for_timers()

    def wait_for_timers(self) -> None:
        """Have the waker call when the first timer is due."""
        if self.scheduled and self._waker is not None:
            self._waker.wake_by(self.scheduled[0]._when, self._get_time())

    def _route(self) -> None:
        if self._captured is not None:
            self.enqueue = self._captured.append
        elif self.is_waiting:
            self.enqueue = self._enqueue_and_wake
        else:
            self.enqueue = self.ready.append

    def _enqueue_and_wake(self, handle: Any) -> None:
        self.ready.append(handle)
        # call_soon() on another thread is an error, but Qt's timers must not pay for it.
        if threading.get_ident() == self._thread_id:
            self.wake()

    # -- frames: what of the guest's is on the stack --

    def is_foreign(self) -> bool:
        """Tell whether the caller is foreign code: no callback runs, or a Qt loop runs above it."""
        return self.callback_level is None or self.get_loop_level() > self.callback_level

    def enter(self) -> Frame:
        """Begin to run callbacks, as if nothing of the guest's were on the stack."""
        frame = (self.callback_level, self._captured)
        self.depth += 1
        self.callback_level = self.get_loop_level()
        if self._captured is not None:
            self._release_captured(self._captured)
        return frame

    def _release_captured(self, captured: list[Any]) -> None:
        """Queue what is captured: a task factory runs code that runs callbacks, which may wait for it."""
        while captured:  # One by one: a finalizer may append at any moment.
            self.ready.append(captured.pop(0))
        self._captured = None
        self._route()
        while captured:  # From between the last two lines.
            self.ready.append(captured.pop(0))

    def leave(self, frame: Frame) -> None:
        """End what `enter` began."""
        if self._set_aside:
            self._readmit()
        self.depth -= 1
        self._slice_end_s = 0.0  # A slice below this frame ends at its next look at the clock: Qt decides what is next.
        self.callback_level, captured = frame
        if captured is not None:
            self._captured = captured
            self._route()

    def _readmit(self) -> None:
        """Queue again, in front, what was set aside for contexts that have been left since."""
        depth = self.depth
        left = [handle for its_depth, handle in self._set_aside if its_depth > depth]
        self._set_aside = [(its_depth, handle) for its_depth, handle in self._set_aside if its_depth <= depth]
        self.ready.extendleft(reversed(left))
        if left:
            self.wake()

    # -- captures: what a new task queues --

    def begin_capture(self) -> tuple[list[Any], list[Any] | None]:
        """
        Have `enqueue` append to a list instead of queueing, until `end_capture`.

        Returns:
            That list, and the one whose place it takes, if any.
        """
        captured: list[Any] = []
        outer, self._captured = self._captured, captured
        self.enqueue = captured.append
        return captured, outer

    def end_capture(self, captured: list[Any], outer: list[Any] | None) -> None:
        """
        Queue what is left in the list.

        A finalizer may call call_soon() at any moment, and whatever it queues keeps its place.
        """
        queue = self.ready.append if outer is None else outer.append
        while captured:
            queue(captured.pop(0))
        self._captured = outer
        if outer is None and not self.is_waiting:
            self.enqueue = self.ready.append
        else:
            self._route()
        while captured:  # From between the last two lines.
            queue(captured.pop(0))
        if self.is_waiting and self.ready:
            self.wake()

    # -- running --

    def run_now(self, handle: Any) -> None:
        """
        Run one handle at once, inside whatever code is on the stack.

        Raises:
            SystemExit: What the callback raises.
            KeyboardInterrupt: Likewise.
        """
        # What `enter` and `leave` do, without two more calls for each slot.
        level, captured = self.callback_level, self._captured
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
            if self._set_aside or captured is not None:
                self.leave((level, captured))
            else:
                self.depth -= 1
                self._slice_end_s = 0.0
                self.callback_level = level

    def run(self, slice_s: float, run_checked: Callable[[Any], object] | None = None) -> Outcome:
        """
        Run iterations until the slice is over or nothing is ready. The waker calls for it.

        Args:
            slice_s: How long, in seconds. One callback at least is run.
            run_checked: Runs a handle, with the checks of debug mode; None outside it.

        Raises:
            SystemExit: What a callback raises. What is left of the batch comes next time.
            KeyboardInterrupt: Likewise.
        """
        # Even if it is awake: a timer of Qt's fires inside its own timeout, in a nested
        # Qt loop, only if it was restarted. Only here: a restart puts it off.
        self.is_waiting = True
        self.wake()
        frame = self.enter()
        try:
            self._slice_end_s = self._clock() + slice_s
            return self._run_batches(run_checked)
        finally:
            self.leave(frame)

    def _run_batches(  # noqa: C901, PLR0912 - inlined: a call per callback costs more than the callback's bookkeeping.
        self, run_checked: Callable[[Any], object] | None
    ) -> Outcome:
        ready, scheduled = self.ready, self.scheduled
        popleft = ready.popleft
        is_io_ready = self.is_io_ready
        clock = self._clock
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
                        if run_checked is not None:
                            self._run_checked(run_checked, handle)
                        elif handle._args:
                            handle._context.run(handle._callback, *handle._args)
                        else:
                            handle._context.run(handle._callback)
                        stride -= 1
                        if stride:
                            continue
                        now_s = clock()
                        if now_s >= self._slice_end_s:
                            return self._pause()
                        stride = STRIDE if now_s - looked_s < SHORT_S else 1
                        looked_s = now_s
                except (SystemExit, KeyboardInterrupt):
                    _retrieve_exception(handle)
                    raise
                except BaseException as exc:  # noqa: BLE001 - as asyncio's Handle does.
                    self._handle_error(handle, exc)
                    if clock() >= self._slice_end_s:
                        return self._pause()
                    continue
                if batch is not self._batch:
                    return Outcome.MORE  # A nested Qt loop has begun another batch: Qt decides what is next.
                if self.stopping and self._is_in_iteration:
                    self.stopping = self._is_in_iteration = False
                    self._batch = iter(())  # So that a slice below this one, if any, ends, too.
                    return Outcome.STOPPED
                if is_io_ready():
                    self._process_events(self._select(0))
                if scheduled:
                    self._queue_due_timers()
                count = len(ready)
                self._is_in_iteration = count > 0 or self.stopping
                if not self._is_in_iteration:
                    return Outcome.IDLE
                self._batch = iter(range(count))
        finally:
            handle = None  # Or a task's exception, which refers to this frame, would keep the task alive.

    def _pause(self) -> Outcome:
        """End a slice in the middle of an iteration, or at its end, which a later stop() must not wait for."""
        if self.depth == 1 and not self.stopping and not operator.length_hint(self._batch):
            self._is_in_iteration = False
        return Outcome.MORE

    def _run_checked(self, run_checked: Callable[[Any], object], handle: Any) -> None:
        if self.depth > 1 and _is_entered(handle._context):
            self._set_aside.append((self.depth, handle))
        else:
            run_checked(handle)

    def _handle_error(self, handle: Any, exc: BaseException) -> None:
        if self.depth > 1 and _could_not_enter(exc):
            self._set_aside.append((self.depth, handle))
        else:
            self._report_error(handle, exc)

    # -- timers --

    def _queue_due_timers(self) -> None:
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
            timer._scheduled = False

    def _drop_cancelled_timers(self) -> None:
        kept = []
        for timer in self.scheduled:
            if timer._cancelled:
                timer._scheduled = False
            else:
                kept.append(timer)
        heapq.heapify(kept)
        self.scheduled[:] = kept  # In place: the loop has the same list.
        self.cancelled_timers = 0


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


def _is_entered(context: contextvars.Context) -> bool:
    try:
        context.run(int)
    except RuntimeError:
        return True
    return False


def _retrieve_exception(handle: Any) -> None:
    """Mark the exception that a task's step has just raised as retrieved: it leaves the loop, which tells enough."""
    task: Any = getattr(handle._callback, "__self__", None)
    if hasattr(task, "exception") and task.done() and not task.cancelled():
        task.exception()
