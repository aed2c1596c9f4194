"""
The slicer alone: clock, waker, handles and selector are fakes, so that nothing depends on time.

Its module is loaded by its path: importing it from the package would import Qt and asyncio, which it must not know.
"""

from __future__ import annotations

import contextvars
import heapq
import importlib.util
import re
import subprocess
import sys
import threading
import warnings
import weakref
from collections import deque
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

# Found without importing the package.
SOURCE = Path(importlib.util.find_spec("asyncslot").submodule_search_locations[0]) / "_loop" / "slicer.py"

# What loads the module, here and in a process of its own.
LOAD = """
import importlib.util
spec = importlib.util.spec_from_file_location("slicer", path)
slicer = importlib.util.module_from_spec(spec)
spec.loader.exec_module(slicer)
"""

_loaded: dict[str, Any] = {"path": str(SOURCE)}
exec(LOAD, _loaded)
slicer_module = _loaded["slicer"]
Slicer, Outcome = slicer_module.Slicer, slicer_module.Outcome
STRIDE, SHORT_S = slicer_module.STRIDE, slicer_module.SHORT_S
MIN_SCHEDULED_TIMERS = slicer_module.MIN_SCHEDULED_TIMERS

# Longer than all that a test's callbacks take by the fake clock.
LONG_SLICE_S = 1000.0
RESOLUTION_S = 0.001

both_modes = pytest.mark.parametrize("debug", [False, True])


@pytest.fixture(autouse=True)
def _globals_are_restored() -> None:
    """Do without conftest's check, whose garbage collections take longer than these tests: they touch no global."""


class FakeHandle:
    """What the slicer reads of asyncio's Handle and TimerHandle."""

    def __init__(
        self, callback: Callable[..., object], *args: Any, context: Any = None, when: float = 0.0, number: int = 0
    ) -> None:
        self._callback = callback
        self._args = args
        self._context = contextvars.copy_context() if context is None else context
        self._cancelled = False
        self._when = when
        self._scheduled = False
        self.number = number

    def __lt__(self, other: FakeHandle) -> bool:
        return self._when < other._when


class FakeWaker:
    """Records how it is called."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def wake(self) -> None:
        self.calls.append("wake")

    def rest(self) -> None:
        self.calls.append("rest")

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")

    def wake_by(self, deadline_s: float, now_s: float) -> None:
        self.calls.append(("wake_by", deadline_s, now_s))


class Guest:
    """A slicer with fakes around it, and what its callbacks have noted."""

    def __init__(self) -> None:
        # By the clock of slices, and by that of deadlines. They have nothing to do with each other.
        self.clock_s = 5000.0
        self.time_s = 100.0
        # How many callbacks had run at each look at the clock of slices.
        self.looks: list[int] = []
        self.polls = 0
        # What the next select() returns.
        self.events: list[Any] = []
        self.reports: list[Any] = []
        self.ran: list[Any] = []
        # The handles of readers.
        self.polled: list[Any] = []
        self.level = 0
        self.waker = FakeWaker()
        self.ready: deque[Any] = deque()
        self.scheduled: list[Any] = []
        self.slicer = Slicer(
            self.ready,
            self.scheduled,
            get_time=lambda: self.time_s,
            clock_resolution_s=RESOLUTION_S,
            poll=self.poll,
            queue_io=self.ready.extend,
            is_polled=lambda handle: handle in self.polled,
            report_error=lambda handle, exc: self.reports.append((handle, exc)),
            clock=self.clock,
        )

    def clock(self) -> float:
        self.looks.append(len(self.ran))
        return self.clock_s

    def poll(self) -> list[Any]:
        self.polls += 1
        events, self.events = self.events, []
        return events

    def begin_capture(self) -> tuple[list[Any], list[Any] | None]:
        """Do what the creation of a task does before it."""
        captured: list[Any] = []
        outer, self.slicer.captured = self.slicer.captured, captured
        self.slicer.enqueue = captured.append
        return captured, outer

    def open(self) -> None:
        self.slicer.open(self.waker, lambda: self.level)

    def run(self, slice_s: float = LONG_SLICE_S, *, debug: bool = False) -> Any:
        return self.slicer.run(slice_s, self.run_checked if debug else None)

    def run_checked(self, handle: FakeHandle) -> None:
        """Do as asyncio's own Handle: report, but let SystemExit and KeyboardInterrupt through."""
        try:
            handle._context.run(handle._callback, *handle._args)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:
            self.reports.append((handle, exc))

    def queue(self, callback: Callable[..., object], *args: Any, context: Any = None) -> FakeHandle:
        handle = FakeHandle(callback, *args, context=context)
        self.slicer.enqueue(handle)
        return handle

    def queue_notes(self, *notes: Any, takes_s: float = 0.0) -> list[FakeHandle]:
        """Queue a callback per note, which makes it and takes so long."""
        return [self.queue(self.note, each, takes_s) for each in notes]

    def note(self, what: Any, takes_s: float = 0.0) -> None:
        self.clock_s += takes_s
        self.ran.append(what)

    def schedule(self, delay_s: float, what: Any = None) -> FakeHandle:
        timer = FakeHandle(self.note, delay_s if what is None else what, when=self.time_s + delay_s)
        timer._scheduled = True
        heapq.heappush(self.scheduled, timer)
        return timer

    def cancel_timer(self, timer: FakeHandle) -> None:
        timer._cancelled = True
        self.slicer.cancelled_timers += 1


@pytest.fixture
def guest() -> Guest:
    """An open guest, awake."""
    guest = Guest()
    guest.open()
    return guest


def raise_it(exc: BaseException) -> None:
    raise exc


# -- what it knows --


def test_slicer_loaded_alone_knows_neither_asyncio_nor_qt() -> None:
    """A process that loads the module, without site-packages, has imported neither asyncio nor a Qt binding."""
    code = f"import sys\npath = sys.argv[1]\n{LOAD}\nprint(slicer.Slicer.__name__, *sys.modules)"
    command = [sys.executable, "-S", "-c", code, str(SOURCE)]
    name, *modules = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    packages = {module.partition(".")[0] for module in modules}
    assert name == "Slicer"
    assert "heapq" in packages
    assert packages.isdisjoint({"asyncio", "asyncslot", "PySide6", "PySide2", "PyQt6", "PyQt5", "shiboken6"})


# -- the order of asyncio --


@both_modes
def test_run_callbacks_in_order_of_queueing(guest: Guest, debug: bool) -> None:
    """Callbacks run first in, first out, with their arguments and in their contexts."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="outside")
    context = contextvars.copy_context()
    context.run(variable.set, "inside")
    guest.queue_notes(1, 2)
    guest.queue(lambda: guest.note(variable.get()), context=context)
    guest.queue(lambda *args: guest.note(args), 3, 4)
    assert guest.run(debug=debug) is Outcome.IDLE
    assert guest.ran == [1, 2, "inside", (3, 4)]


def test_run_what_a_callback_queues_runs_in_next_iteration(guest: Guest) -> None:
    """What a callback queues runs behind all that was ready with it, after another poll for I/O."""
    guest.queue(lambda: guest.queue(lambda: guest.note(("queued", guest.polls))))
    guest.queue(lambda: guest.note(("ready", guest.polls)))
    assert guest.run() is Outcome.IDLE
    assert guest.ran == [("ready", 1), ("queued", 2)]
    assert guest.polls == 3  # The last one found nothing.


def test_run_polled_events_before_timers_behind_what_is_ready(guest: Guest) -> None:
    """Each iteration runs first what was ready, then the handles of I/O events, then the timers that are due."""
    guest.schedule(-1, "timer")
    guest.events = [FakeHandle(guest.note, "event 1"), FakeHandle(guest.note, "event 2")]
    guest.queue_notes("ready")
    assert guest.run() is Outcome.IDLE
    assert guest.ran == ["ready", "event 1", "event 2", "timer"]


def test_run_nothing_to_report_nothing_queued(guest: Guest) -> None:
    """While there is certainly no I/O, `queue_io` is not called."""
    guest.slicer._queue_io = guest.note
    guest.queue_notes(1)
    guest.run()
    assert guest.polls == 2
    assert guest.ran == [1]


@both_modes
def test_run_cancelled_handles_are_skipped(guest: Guest, debug: bool) -> None:
    """A handle that is cancelled does not run, whether it was cancelled before the iteration or in it."""
    first, _, third, _ = guest.queue_notes(1, 2, 3, 4)
    first._cancelled = True
    guest.ready.appendleft(FakeHandle(setattr, third, "_cancelled", True))
    assert guest.run(debug=debug) is Outcome.IDLE
    assert guest.ran == [2, 4]


def test_run_checked_given_runs_each_handle(guest: Guest) -> None:
    """In debug mode every handle that is not cancelled is run by the function given, and nothing else runs it."""
    checked: list[Any] = []
    handles = guest.queue_notes(1, 2, 3)
    handles[1]._cancelled = True
    assert guest.slicer.run(LONG_SLICE_S, checked.append) is Outcome.IDLE
    assert checked == [handles[0], handles[2]]
    assert guest.ran == []


# -- outcomes --


def test_run_nothing_ready_is_idle(guest: Guest) -> None:
    """With nothing ready, a slice polls once and is IDLE."""
    guest.schedule(1)
    assert guest.run() is Outcome.IDLE
    assert guest.polls == 1


def test_run_slice_over_batch_goes_on_next_time(guest: Guest) -> None:
    """At the end of its time a slice is MORE; the next one goes on with the batch, without a poll in between."""
    guest.queue_notes(*range(7), takes_s=1.0)
    ran = []
    for _ in range(3):
        ran.append((guest.run(3.0), len(guest.ran)))
        guest.queue_notes("queued between slices")
    assert ran == [(Outcome.MORE, 3), (Outcome.MORE, 6), (Outcome.IDLE, 9)]
    assert guest.ran == [*range(7), *["queued between slices"] * 2]
    assert guest.polls == 3


def test_run_no_time_one_callback_runs(guest: Guest) -> None:
    """A slice of no length runs one callback."""
    guest.queue_notes(1, 2)
    assert guest.run(0.0) is Outcome.MORE
    assert guest.ran == [1]


def test_run_callbacks_without_end_slice_ends(guest: Guest) -> None:
    """Callbacks that queue each other do not keep a slice from ending, though each iteration has only one."""

    def go_on() -> None:
        guest.note("step", takes_s=1.0)
        guest.queue(go_on)

    guest.queue(go_on)
    assert guest.run(10.0) is Outcome.MORE
    assert guest.ran == ["step"] * 10


# -- looks at the clock --


def test_run_short_callbacks_one_look_per_stride(guest: Guest) -> None:
    """While callbacks are short, the clock is looked at after each STRIDE of them."""
    guest.queue_notes(*range(2 + 3 * STRIDE))
    guest.run()
    # One to begin with, and two until there is something to compare.
    assert guest.looks == [0, 1, 2, 2 + STRIDE, 2 + 2 * STRIDE, 2 + 3 * STRIDE]


def test_run_short_callbacks_in_iterations_of_one_stride_goes_on(guest: Guest) -> None:
    """Strides are counted over all iterations of a slice."""

    def go_on() -> None:
        guest.note(0)
        if len(guest.ran) < 2 + 2 * STRIDE:
            guest.queue(go_on)

    guest.queue(go_on)
    guest.run()
    assert guest.looks == [0, 1, 2, 2 + STRIDE, 2 + 2 * STRIDE]


def test_run_long_callbacks_one_look_each(guest: Guest) -> None:
    """After each callback that takes SHORT_S or more, the clock is looked at."""
    guest.queue_notes(*range(10), takes_s=SHORT_S * 1.01)
    guest.run()
    assert guest.looks == list(range(11))


def test_run_stride_of_callbacks_takes_long_one_look_each(guest: Guest) -> None:
    """A stride ends when its callbacks together take SHORT_S or more; a new one begins when they are short again."""
    guest.queue_notes(1, 2)
    guest.queue_notes(*range(STRIDE), takes_s=SHORT_S * 1.01 / STRIDE)
    guest.queue_notes(1, *range(STRIDE))
    guest.run()
    assert guest.looks == [0, 1, 2, 2 + STRIDE, 3 + STRIDE, 3 + 2 * STRIDE]


def test_run_callbacks_long_all_of_a_sudden_slice_longer_by_a_stride(guest: Guest) -> None:
    """A slice whose callbacks become long ends STRIDE callbacks later at most."""
    guest.queue_notes(1, 2)
    guest.queue_notes(*range(3 * STRIDE), takes_s=1.0)
    assert guest.run(0.5) is Outcome.MORE
    assert len(guest.ran) == 2 + STRIDE


def test_run_cancelled_handles_take_no_look(guest: Guest) -> None:
    """Cancelled handles do not count when the clock is to be looked at."""
    guest.queue_notes(1, 2)
    for handle in guest.queue_notes(*range(10)):
        handle._cancelled = True
    guest.queue_notes(*range(STRIDE))
    guest.run()
    assert guest.looks == [0, 1, 2, 2 + STRIDE]


def test_run_next_slice_looks_at_once(guest: Guest) -> None:
    """Each slice looks after its first callback, however short those of the slice before it were."""
    guest.queue_notes(*range(2 + STRIDE))
    guest.run()
    guest.looks.clear()
    guest.queue_notes(1, takes_s=1.0)
    guest.queue_notes(2)
    assert guest.run(0.5) is Outcome.MORE
    assert guest.looks == [2 + STRIDE, 3 + STRIDE]


# -- stopping --


def test_stop_in_callback_ends_with_the_iteration(guest: Guest) -> None:
    """What is ready with the callback that calls stop() still runs; what is queued in that iteration does not."""
    guest.queue(guest.queue_notes, "queued before")
    guest.queue(guest.slicer.stop)
    guest.queue(guest.queue_notes, "queued after")
    guest.queue_notes("ready")
    assert guest.run() is Outcome.STOPPED
    assert guest.ran == ["ready"]
    assert guest.run() is Outcome.IDLE
    assert guest.ran == ["ready", "queued before", "queued after"]


def test_stop_in_callback_iteration_ends_in_a_later_slice(guest: Guest) -> None:
    """If the iteration takes several slices, the one in which it ends is STOPPED."""
    guest.queue(guest.slicer.stop)
    guest.queue(guest.queue_notes, "queued")
    guest.queue_notes(*range(4))
    assert [guest.run(0.0) for _ in range(7)] == [*[Outcome.MORE] * 6, Outcome.STOPPED]
    assert guest.ran == list(range(4))


def test_stop_outside_one_more_iteration(guest: Guest) -> None:
    """After stop() outside of any iteration what is ready, or becomes ready by the poll, runs, and no more."""
    guest.queue(guest.queue_notes, "queued")
    guest.queue_notes("ready")
    guest.schedule(-1, "timer")
    guest.slicer.stop()
    assert guest.run() is Outcome.STOPPED
    assert guest.ran == ["ready", "timer"]
    assert guest.polls == 1
    assert guest.run() is Outcome.IDLE
    assert guest.ran == ["ready", "timer", "queued"]


def test_stop_outside_with_nothing_ready_is_stopped(guest: Guest) -> None:
    """After stop() the next iteration is STOPPED, though it is empty; the one after it is not."""
    assert guest.run() is Outcome.IDLE
    guest.slicer.stop()
    assert [guest.run(), guest.run()] == [Outcome.STOPPED, Outcome.IDLE]


def test_stop_after_a_stop_one_more_iteration(guest: Guest) -> None:
    """When an iteration has ended with stop(), the next stop() lets one more run, as if there had been none."""
    guest.queue(guest.slicer.stop)
    assert guest.run() is Outcome.STOPPED
    guest.queue_notes(1)
    guest.slicer.stop()
    assert guest.run() is Outcome.STOPPED
    assert guest.ran == [1]


def test_stop_between_slices_ends_with_the_iteration(guest: Guest) -> None:
    """After stop() between two slices of an iteration, that iteration is the last."""
    guest.queue_notes(1, 2, takes_s=1.0)
    assert guest.run(1.0) is Outcome.MORE
    guest.slicer.stop()
    guest.queue_notes(3)
    assert guest.run() is Outcome.STOPPED
    assert guest.ran == [1, 2]


def test_stop_after_a_slice_that_took_the_last_of_its_batch_one_more_iteration(guest: Guest) -> None:
    """A slice that ends together with its iteration leaves none for stop() to end: what is ready then still runs."""
    guest.queue_notes(1, takes_s=1.0)
    assert guest.run(1.0) is Outcome.MORE
    guest.queue_notes(2)
    guest.slicer.stop()
    assert guest.run() is Outcome.STOPPED
    assert guest.ran == [1, 2]


def test_stop_in_the_last_callback_of_a_slice_and_its_batch_ends_with_the_iteration(guest: Guest) -> None:
    """stop() is called inside that iteration: what was queued meanwhile does not run."""
    guest.queue(lambda: (guest.note(1, takes_s=1.0), guest.queue_notes(2), guest.slicer.stop()))
    assert guest.run(1.0) is Outcome.MORE
    assert guest.run() is Outcome.STOPPED
    assert guest.ran == [1]


def test_stop_twice_is_one_stop(guest: Guest) -> None:
    """stop() called again in the same iteration changes nothing."""
    guest.queue(guest.slicer.stop)
    guest.queue(guest.slicer.stop)
    guest.queue(guest.queue_notes, 1)
    assert [guest.run(), guest.run()] == [Outcome.STOPPED, Outcome.IDLE]
    assert guest.ran == [1]


def test_stop_wakes_waker_that_rests(guest: Guest) -> None:
    """stop() has the waker call, as the iteration to come needs it; until then it does not rest."""
    guest.slicer.wait()
    guest.waker.calls.clear()
    guest.slicer.stop()
    guest.slicer.wait()
    assert guest.waker.calls == ["wake"]


def test_stop_on_other_thread_does_not_wake(guest: Guest) -> None:
    """stop() of another thread takes effect with the next wake-up: the waker's Qt timers belong to their thread."""
    guest.slicer.wait()
    guest.waker.calls.clear()
    thread = threading.Thread(target=guest.slicer.stop)
    thread.start()
    thread.join()
    assert guest.waker.calls == []
    assert guest.run() is Outcome.STOPPED


def test_close_forgets_stop(guest: Guest) -> None:
    """What was to end is over when the slicer is closed: opened again, it runs on."""
    guest.slicer.stop()
    guest.slicer.close()
    guest.open()
    guest.queue(guest.queue_notes, 1)
    assert guest.run() is Outcome.IDLE
    assert guest.ran == [1]


# -- waiting and waking --

# What brings a new guest into each state of the table.
WAYS: dict[str, list[Callable[[Guest], object]]] = {
    "closed": [lambda _: None, lambda guest: (guest.open(), guest.slicer.wait(), guest.slicer.close())],
    "waiting": [lambda guest: (guest.open(), guest.run(), guest.slicer.wait())],
    "awake": [lambda guest: guest.open(), lambda guest: (guest.open(), guest.slicer.wait(), guest.slicer.wake())],
    "paused": [lambda guest: (guest.open(), guest.slicer.enter(), guest.slicer.wait(), guest.slicer.pause())],
}


def read_table() -> Iterator[list[str]]:
    """Yield the rows of the table in the class's docstring, with the last line's state, a capture, last."""
    lines = iter(Slicer.__doc__.splitlines())
    while next(lines).split() != ["state", "is_waiting", "waker", "enqueue(handle)"]:
        pass
    for line in lines:
        if not line.strip():
            return
        yield re.split(r"\s{2,}", line.strip())


*ROWS, LAST_ROW = read_table()


def test_table_names_the_states_that_are_tested() -> None:
    """The table has a row for each state, and one for a capture."""
    assert [row[0] for row in ROWS] == list(WAYS)
    assert LAST_ROW == ["(during a capture)", "appends it to the captured list"]


@pytest.mark.parametrize(
    ("bring", "is_waiting", "waker", "effect"), [(way, *row[1:]) for row in ROWS for way in WAYS[row[0]]]
)
def test_state_is_as_the_table_says(bring: Any, is_waiting: str, waker: str, effect: str) -> None:
    """In each state, waker and flag are as the table says, and enqueue() does what it says."""
    guest = Guest()
    bring(guest)
    assert str(guest.slicer.is_waiting) == is_waiting
    if waker == "None":
        assert guest.slicer._waker is None
    else:
        assert guest.slicer._waker is guest.waker
        assert f"{guest.waker.calls[-1]}s" == waker
    guest.waker.calls.clear()
    # Where nobody is to be woken, nothing comes between call_soon() and the queue.
    assert (guest.slicer.enqueue == guest.ready.append) == (effect == "queues it")
    handle = guest.queue(int)
    assert list(guest.ready) == [handle]
    assert effect == ("queues it and wakes" if guest.waker.calls == ["wake"] else "queues it")
    assert not guest.slicer.is_waiting


@pytest.mark.parametrize("bring", [way for ways in WAYS.values() for way in ways])
def test_state_during_capture_is_as_the_table_says(bring: Any) -> None:
    """During a capture, enqueue() appends to the captured list in every state, and wakes nobody."""
    guest = Guest()
    bring(guest)
    guest.waker.calls.clear()
    captured, _ = guest.begin_capture()
    handle = guest.queue(int)
    assert (captured, list(guest.ready), guest.waker.calls) == ([handle], [], [])


@pytest.mark.parametrize("change", ["wake", "wait", "stop"])
def test_capture_outlasts_changes_of_state(guest: Guest, change: str) -> None:
    """Waiting and waking during a capture do not end it."""
    if change != "wait":
        guest.slicer.wait()
    captured, _ = guest.begin_capture()
    getattr(guest.slicer, change)()
    handle = guest.queue(int)
    assert captured == [handle]
    assert not guest.ready


@pytest.mark.parametrize("end", ["slice", "first step"])
def test_pause_lasts_until_the_innermost_frame_ends(guest: Guest, end: str) -> None:
    """Nothing wakes the waker before; then it resumes, once."""

    def nest() -> None:
        guest.slicer.pause()
        guest.queue(int)
        guest.slicer.wake()
        guest.slicer.wait()
        assert guest.waker.calls[-1] == "pause"

    if end == "slice":
        guest.queue(nest)
        guest.run()
    else:
        guest.slicer.run_now(FakeHandle(nest))
    assert guest.waker.calls[-1] == "resume"
    guest.slicer.leave(guest.slicer.enter())
    assert guest.waker.calls.count("resume") == 1


def test_close_ends_a_pause(guest: Guest) -> None:
    """A slicer that was closed while it paused works when it is opened again."""
    frame = guest.slicer.enter()
    guest.slicer.pause()
    guest.slicer.close()
    guest.slicer.leave(frame)
    guest.open()
    guest.slicer.wait()
    assert guest.waker.calls[-1] == "rest"


def test_open_wakes_at_once(guest: Guest) -> None:
    """An opened slicer has its waker call, for what may have been queued before."""
    assert guest.waker.calls == ["wake"]


def test_wake_only_if_it_rests(guest: Guest) -> None:
    """An awake waker is not woken again; one that rests is, once, however much is queued."""
    guest.waker.calls.clear()
    guest.slicer.wake()
    assert guest.waker.calls == []
    guest.slicer.wait()
    guest.queue_notes(1, 2)
    guest.slicer.wake()
    guest.slicer.stop()
    assert guest.waker.calls == ["rest", "wake"]


def test_wait_twice_rests_once(guest: Guest) -> None:
    """A waker that rests is not told again to rest."""
    guest.waker.calls.clear()
    guest.slicer.wait()
    guest.slicer.wait()
    assert guest.waker.calls == ["rest"]


def test_wait_with_something_ready_stays_awake(guest: Guest) -> None:
    """While something is ready, the waker does not rest."""
    guest.queue_notes(1)
    guest.waker.calls.clear()
    guest.slicer.wait()
    assert guest.waker.calls == []
    assert not guest.slicer.is_waiting


def test_wait_sees_what_a_thread_appends_at_the_last_moment(guest: Guest) -> None:
    """A thread that finds the guest awake does not wake it. So what it appends is seen before the waker rests."""

    class Ready:
        """A queue to which a thread appends after it was found empty."""

        looks = 0

        def __bool__(self) -> bool:
            self.looks += 1
            return self.looks > 1

    guest.slicer.ready = Ready()
    guest.waker.calls.clear()
    guest.slicer.wait()
    assert guest.waker.calls == []
    assert not guest.slicer.is_waiting


@pytest.mark.parametrize("method", ["wake", "wait", "stop", "wait_for_timers"])
def test_closed_slicer_calls_no_waker(guest: Guest, method: str) -> None:
    """After close() the waker is never called; what is queued stays queued, and runs when it is opened again."""
    guest.schedule(1)
    guest.slicer.wait()
    guest.slicer.close()
    guest.waker.calls.clear()
    getattr(guest.slicer, method)()
    guest.queue_notes(1)
    assert guest.waker.calls == []
    guest.open()
    guest.run()
    assert guest.ran == [1]


def test_enqueue_on_other_thread_does_not_wake(guest: Guest) -> None:
    """A handle queued by another thread is queued, but the waker, which belongs to this thread, is not called."""
    guest.slicer.wait()
    guest.waker.calls.clear()
    thread = threading.Thread(target=guest.queue_notes, args=(1,))
    thread.start()
    thread.join()
    assert len(guest.ready) == 1
    assert guest.waker.calls == []
    assert guest.slicer.is_waiting


def test_run_wakes_waker_even_if_awake(guest: Guest) -> None:
    """Each slice wakes the waker once, before the first callback, for Qt loops nested in it."""
    guest.queue(lambda: guest.note(list(guest.waker.calls)))
    guest.waker.calls.clear()
    guest.run()
    assert guest.ran == [["wake"]]
    assert guest.waker.calls == ["wake"]
    assert not guest.slicer.is_waiting


def test_wait_arms_waker_for_first_timer(guest: Guest) -> None:
    """The waker that rests is to call at the first deadline, which it is told with the present time."""
    guest.schedule(20)
    guest.schedule(10)
    guest.waker.calls.clear()
    guest.slicer.wait()
    assert guest.waker.calls == ["rest", ("wake_by", 110.0, 100.0)]


def test_wait_for_timers_without_timer_arms_nothing(guest: Guest) -> None:
    """Without a timer there is no deadline."""
    guest.waker.calls.clear()
    guest.slicer.wait_for_timers()
    assert guest.waker.calls == []


# -- timers --


def test_timers_due_run_by_deadline(guest: Guest) -> None:
    """Timers that are due run in the order of their deadlines, in one iteration; the others stay scheduled."""
    timers = [guest.schedule(delay_s) for delay_s in (-2, 5, -3, -1, 6)]
    assert guest.run() is Outcome.IDLE
    assert guest.ran == [-3, -2, -1]
    assert guest.polls == 2
    assert [timer._scheduled for timer in timers] == [False, True, False, False, True]
    assert [timer._when for timer in guest.scheduled] == [105.0, 106.0]


def test_timers_with_equal_deadlines_run_as_the_heap_has_them(guest: Guest) -> None:
    """Timers of the same deadline run in the order in which a heap gives them, as in asyncio."""
    for number in range(20):
        guest.schedule(-1 - number % 3, number)
    heap = list(guest.scheduled)
    expected = [heapq.heappop(heap)._args[0] for _ in range(20)]
    guest.run()
    assert guest.ran == expected


def test_timers_are_due_within_clock_resolution(guest: Guest) -> None:
    """A timer is due if its deadline is less than the clock's resolution away, and not if it is exactly that."""
    guest.time_s = 0.0
    guest.schedule(RESOLUTION_S / 2, "near")
    guest.schedule(RESOLUTION_S, "far")
    assert guest.run() is Outcome.IDLE
    assert guest.ran == ["near"]
    assert len(guest.scheduled) == 1


def test_timer_of_past_queued_in_callback_runs_in_next_iteration(guest: Guest) -> None:
    """A timer for now is behind what was queued before it became due."""
    guest.queue(guest.schedule, 0, "timer")
    guest.queue(guest.queue_notes, "queued")
    guest.run()
    assert guest.ran == ["queued", "timer"]


def test_timers_cancelled_at_the_top_are_dropped(guest: Guest) -> None:
    """Cancelled timers before the first that is not are dropped and counted off, due or not."""
    timers = [guest.schedule(delay_s) for delay_s in (-1, 1, 2, 3, 4)]
    for index in (0, 1, 2, 4):
        guest.cancel_timer(timers[index])
    assert guest.run() is Outcome.IDLE
    assert guest.ran == []
    assert guest.scheduled == [timers[3], timers[4]]
    assert [timer._scheduled for timer in timers] == [False, False, False, True, True]
    assert guest.slicer.cancelled_timers == 1


@pytest.mark.parametrize(
    ("count", "cancelled", "left"),
    [
        (MIN_SCHEDULED_TIMERS + 2, MIN_SCHEDULED_TIMERS // 2 + 2, MIN_SCHEDULED_TIMERS // 2),
        # No more than the fraction:
        (MIN_SCHEDULED_TIMERS + 2, MIN_SCHEDULED_TIMERS // 2 + 1, MIN_SCHEDULED_TIMERS + 2),
        # No more than the number:
        (MIN_SCHEDULED_TIMERS, MIN_SCHEDULED_TIMERS - 1, MIN_SCHEDULED_TIMERS),
    ],
)
def test_timers_cancelled_in_numbers_heap_is_rebuilt(guest: Guest, count: int, cancelled: int, left: int) -> None:
    """By asyncio's rule, the heap is rebuilt if it is large and more than the fraction of it is cancelled."""
    # In falling order: a list without the cancelled ones would be no heap.
    timers = [guest.schedule(count - number, number) for number in range(count)]
    timers.sort()
    for timer in timers[-cancelled:]:
        guest.cancel_timer(timer)
    assert guest.run() is Outcome.IDLE
    assert len(guest.scheduled) == left
    assert guest.slicer.cancelled_timers == (0 if left < count else cancelled)
    assert [timer._scheduled for timer in timers[-cancelled:]] == [left == count] * cancelled
    guest.time_s += count + 1
    guest.run()
    assert guest.ran == [timer._args[0] for timer in timers[:-cancelled]]


def test_timers_constants_are_those_of_asyncio() -> None:
    """The rule has asyncio's own numbers, read from its source: this test imports no loop."""
    source = Path(importlib.util.__file__).parents[1].joinpath("asyncio", "base_events.py").read_text(encoding="utf-8")
    numbers = dict(re.findall(r"^_(MIN_SCHEDULED|MIN_CANCELLED)_TIMER\w* = ([\d.]+)$", source, re.MULTILINE))
    assert numbers == {
        "MIN_SCHEDULED": str(MIN_SCHEDULED_TIMERS),
        "MIN_CANCELLED": str(slicer_module.MAX_CANCELLED_FRACTION),
    }


# -- errors --


class FakeTask:
    """What the slicer reads of a task whose step has raised."""

    def __init__(self, exc: BaseException | None, *, is_done: bool = True, is_cancelled: bool = False) -> None:
        self.exc = exc
        self.is_done = is_done
        self.is_cancelled = is_cancelled
        self.is_retrieved = False

    def step(self) -> None:
        if self.exc is not None:
            raise self.exc

    def get_coro(self) -> object:
        return None

    def done(self) -> bool:
        return self.is_done

    def cancelled(self) -> bool:
        return self.is_cancelled

    def exception(self) -> BaseException | None:
        self.is_retrieved = True
        return self.exc


@both_modes
@pytest.mark.parametrize("exc", [ValueError("mine"), BaseException("mine"), RuntimeError("cannot enter context: mine")])
def test_run_callback_raises_reported_others_run(guest: Guest, debug: bool, exc: BaseException) -> None:
    """An exception is reported with its handle, and the batch goes on in the same slice."""
    guest.queue_notes(1)
    handle = guest.queue(raise_it, exc)
    guest.queue_notes(2)
    assert guest.run(debug=debug) is Outcome.IDLE
    assert guest.reports == [(handle, exc)]
    assert guest.ran == [1, 2]
    assert guest.polls == 2


def test_run_callbacks_that_raise_slice_ends(guest: Guest) -> None:
    """After each callback that raises the clock is looked at, whatever the stride."""
    guest.queue_notes(1, 2)

    def fail() -> None:
        guest.note("failed", takes_s=1.0)
        raise ValueError

    for _ in range(10):
        guest.queue(fail)
    assert guest.run(2.0) is Outcome.MORE
    assert guest.ran == [1, 2, "failed", "failed"]


def test_run_callback_raises_at_the_end_of_the_stopped_iteration(guest: Guest) -> None:
    """An iteration whose last callback raises still ends what stop() was called for."""
    guest.queue(guest.slicer.stop)
    guest.queue(guest.queue_notes, 1)
    guest.queue(raise_it, ValueError())
    assert guest.run() is Outcome.STOPPED
    assert guest.ran == []


@both_modes
@pytest.mark.parametrize("exc", [SystemExit(3), KeyboardInterrupt()])
def test_run_exit_in_callback_leaves_rest_comes_next_time(guest: Guest, debug: bool, exc: BaseException) -> None:
    """SystemExit and KeyboardInterrupt leave run() unreported; the rest of the batch runs next time, as that batch."""
    guest.queue(guest.slicer.stop)
    guest.queue(guest.queue_notes, "queued")
    guest.queue(raise_it, exc)
    guest.queue_notes("rest")
    with pytest.raises(type(exc)) as caught:
        guest.run(debug=debug)
    assert caught.value is exc
    assert guest.reports == []
    assert (guest.slicer.depth, guest.slicer.callback_level) == (0, None)
    assert guest.run(debug=debug) is Outcome.STOPPED
    assert guest.ran == ["rest"]


@pytest.mark.parametrize("way", ["run", "run_now"])
@pytest.mark.parametrize(
    ("task", "is_retrieved"),
    [
        (FakeTask(SystemExit()), True),
        (FakeTask(KeyboardInterrupt()), True),
        (FakeTask(SystemExit(), is_done=False), False),
        (FakeTask(SystemExit(), is_cancelled=True), False),
    ],
)
def test_exit_in_task_step_marks_exception_retrieved(
    guest: Guest, way: str, task: FakeTask, is_retrieved: bool
) -> None:
    """What leaves the loop need not be reported a second time, when the task is collected."""
    task.is_retrieved = False
    call, argument = (guest.slicer.run_now, FakeHandle(task.step)) if way == "run_now" else (guest.run, LONG_SLICE_S)
    guest.queue(task.step)
    with pytest.raises(type(task.exc)):
        call(argument)
    assert task.is_retrieved is is_retrieved


def test_run_interrupted_before_the_first_callback_raises_it(guest: Guest) -> None:
    """A signal handler may raise between the entry of a slice and its first callback, which then comes next time."""

    class Interrupted:
        def __iter__(self) -> Any:
            raise KeyboardInterrupt

    guest.queue_notes(1)
    guest.slicer._batch = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        guest.run()
    guest.slicer._batch = iter(())
    guest.run()
    assert guest.ran == [1]


def test_run_ordinary_error_in_task_step_is_not_retrieved(guest: Guest) -> None:
    """An exception that is only reported is left for those who await the task."""
    task = FakeTask(ValueError())
    guest.queue(task.step)
    guest.run()
    assert len(guest.reports) == 1
    assert not task.is_retrieved


def test_run_exception_does_not_keep_handle_alive(guest: Guest) -> None:
    """The slice's frame, which the exception's traceback refers to, does not refer to the handle."""
    guest.queue(raise_it, ValueError())
    guest.run()
    handle, exc = guest.reports.pop()
    reference = weakref.ref(handle)
    del handle
    assert exc.__traceback__ is not None
    assert reference() is None


# -- run_now --


def test_run_now_runs_before_what_is_ready(guest: Guest) -> None:
    """A handle is run at once, with its arguments and in its context; what it queues is queued."""
    context = contextvars.copy_context()
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)
    guest.queue_notes("ready")

    def step(what: str) -> None:
        variable.set(1)
        guest.note((what, guest.slicer.depth, guest.slicer.is_foreign()))
        guest.queue_notes("queued")

    guest.slicer.run_now(FakeHandle(step, "now", context=context))
    assert guest.ran == [("now", 1, False)]
    assert (context[variable], variable.get()) == (1, 0)
    assert (guest.slicer.depth, guest.slicer.is_foreign()) == (0, True)
    guest.run()
    assert guest.ran[1:] == ["ready", "queued"]


def test_run_now_error_is_reported(guest: Guest) -> None:
    """What the callback raises is reported with its handle, and the frame is left."""
    exc = LookupError()
    handle = FakeHandle(raise_it, exc)
    guest.slicer.run_now(handle)
    assert guest.reports == [(handle, exc)]
    assert guest.slicer.depth == 0


@pytest.mark.parametrize("exc", [SystemExit(3), KeyboardInterrupt()])
def test_run_now_exit_is_raised(guest: Guest, exc: BaseException) -> None:
    """SystemExit and KeyboardInterrupt are the caller's, and the frame is left."""
    with pytest.raises(type(exc)):
        guest.slicer.run_now(FakeHandle(raise_it, exc))
    assert guest.reports == []
    assert (guest.slicer.depth, guest.slicer.callback_level) == (0, None)


# -- frames --


def test_frames_depth_and_level_are_those_of_the_innermost(guest: Guest) -> None:
    """Depth counts slices and first steps on the stack; the level is that at which the innermost runs."""
    seen: list[Any] = []

    def look() -> None:
        seen.append((guest.slicer.depth, guest.slicer.callback_level))

    def nest() -> None:
        look()
        guest.level = 4
        guest.slicer.run_now(FakeHandle(look))
        look()
        guest.queue(look)
        guest.run()
        guest.level = 2
        look()

    look()
    guest.level = 2
    guest.queue(nest)
    guest.run()
    look()
    assert seen == [(0, None), (1, 2), (2, 4), (1, 2), (2, 4), (1, 2), (0, None)]


def test_is_foreign_if_a_qt_loop_runs_above_the_callback(guest: Guest) -> None:
    """Code is foreign if no callback runs, or a Qt loop runs above the innermost callback."""
    slicer = guest.slicer
    guest.level = 1
    assert slicer.is_foreign()

    def callback() -> None:
        assert not slicer.is_foreign()
        guest.level = 2  # A dialog opens, and Qt calls a slot in it, ...
        assert slicer.is_foreign()
        slicer.run_now(FakeHandle(lambda: guest.note(slicer.is_foreign())))  # ... which runs a task.
        assert slicer.is_foreign()
        guest.level = 1
        assert not slicer.is_foreign()

    guest.queue(callback)
    guest.run()
    assert guest.reports == []
    assert guest.ran == [False]
    assert slicer.is_foreign()


def test_close_forgets_the_level_function(guest: Guest) -> None:
    """A closed slicer does not ask how many Qt loops run on the thread that it was opened on."""
    guest.level = 3
    assert guest.slicer.get_loop_level() == 3
    guest.slicer.close()
    assert guest.slicer.get_loop_level() == 0


@both_modes
def test_nested_run_goes_on_with_the_batch(guest: Guest, debug: bool) -> None:
    """A slice inside a callback runs the rest of the batch and what comes next; the outer slice is then MORE."""

    def nest() -> None:
        guest.note("nest")
        guest.queue_notes("queued")
        guest.note(guest.run(debug=debug))

    guest.queue_notes(1, 2)
    guest.queue(nest)
    guest.queue_notes(3, 4)
    assert guest.run(debug=debug) is Outcome.MORE
    assert guest.ran == [1, 2, "nest", 3, 4, "queued", Outcome.IDLE]
    assert guest.run(debug=debug) is Outcome.IDLE


def test_nested_run_partial_rest_of_batch_comes_after(guest: Guest) -> None:
    """What a nested slice leaves of the batch runs afterwards, each handle once; the outer slice ends first."""
    guest.queue(lambda: guest.note(guest.run(1.0)))
    guest.queue_notes(*range(4), takes_s=1.0)
    assert guest.run() is Outcome.MORE
    assert guest.ran == [0, Outcome.MORE]
    assert guest.run() is Outcome.IDLE
    assert guest.ran == [0, Outcome.MORE, 1, 2, 3]
    assert guest.polls == 2


def test_nested_run_after_short_callbacks_outer_ends_with_a_new_batch(guest: Guest) -> None:
    """In the middle of a stride, too, the outer slice is over if the nested one has begun another batch."""
    guest.queue_notes(1, 2)
    guest.queue(lambda: (guest.queue_notes("queued"), guest.run(), guest.queue_notes("left")))
    assert guest.run() is Outcome.MORE
    assert guest.ran == [1, 2, "queued"]


def test_nested_run_stop_called_before_ends_in_it(guest: Guest) -> None:
    """The iteration in which stop() was called may end in a nested slice, which is STOPPED then."""
    guest.queue(lambda: (guest.slicer.stop(), guest.queue_notes("queued"), guest.note(guest.run())))
    guest.queue_notes("ready")
    assert guest.run() is Outcome.MORE
    assert guest.ran == ["ready", Outcome.STOPPED]
    assert guest.run() is Outcome.IDLE
    assert guest.ran[2:] == ["queued"]


def test_nested_run_stopped_in_mid_stride_outer_ends_too(guest: Guest) -> None:
    """When a nested slice is STOPPED, the outer one begins no iteration: whoever has stopped decides what is next."""
    guest.queue_notes(1, 2)
    guest.queue(lambda: (guest.slicer.stop(), guest.queue_notes("queued"), guest.note(guest.run())))
    assert guest.run() is Outcome.MORE
    assert guest.ran == [1, 2, Outcome.STOPPED]


def test_nested_run_takes_last_of_batch_stop_ends_with_the_iteration(guest: Guest) -> None:
    """The iteration goes on after a nested slice that ended with its batch: its callback is still on the stack."""
    guest.queue(lambda: (guest.note(guest.run(1.0)), guest.slicer.stop(), guest.queue_notes("queued")))
    guest.queue_notes("ready", takes_s=1.0)
    assert [guest.run(), guest.run()] == [Outcome.MORE, Outcome.STOPPED]
    assert guest.ran == ["ready", Outcome.MORE]


# -- contexts that are entered further up the stack --


@both_modes
def test_context_entered_handles_wait_in_order(guest: Guest, debug: bool) -> None:
    """Handles whose context is entered are set aside, and run, in order, when the frame that entered it is left."""
    context = contextvars.copy_context()

    def nest() -> None:
        guest.queue(guest.note, "a", context=context)
        guest.queue_notes("other")
        guest.queue(guest.note, "b", context=context)
        guest.note(guest.run(debug=debug))
        guest.queue_notes("queued later")

    guest.queue(nest, context=context)
    assert guest.run(debug=debug) is Outcome.MORE
    assert guest.ran == ["other", Outcome.IDLE]
    assert guest.reports == []
    assert guest.run(debug=debug) is Outcome.IDLE
    assert guest.ran == ["other", Outcome.IDLE, "a", "b", "queued later"]


@both_modes
def test_context_entered_handle_waits_until_outermost_is_left(guest: Guest, debug: bool) -> None:
    """A handle set aside two slices above the entered context waits again in the slice between."""
    context = contextvars.copy_context()

    def nest_twice() -> None:
        guest.queue(guest.note, "same context", context=context)
        guest.run(debug=debug)
        guest.note("middle")

    def nest() -> None:
        guest.queue(nest_twice)
        guest.run(debug=debug)
        guest.run(debug=debug)
        guest.note("bottom")

    guest.queue(nest, context=context)
    guest.run(debug=debug)
    guest.run(debug=debug)
    assert guest.ran == ["middle", "bottom", "same context"]
    assert guest.reports == []


def test_context_left_wakes_waker_that_rests(guest: Guest) -> None:
    """The waker may rest while a handle is set aside; it is woken when the context is left, and not before."""
    context = contextvars.copy_context()

    def nest() -> None:
        guest.queue(guest.note, 1, context=context)
        guest.run()
        guest.slicer.wait()
        guest.waker.calls.clear()
        guest.slicer.run_now(FakeHandle(int))
        guest.note((guest.slicer.is_waiting, list(guest.waker.calls)))

    guest.queue(nest, context=context)
    guest.run()
    assert guest.ran == [(True, [])]
    assert guest.waker.calls == ["wake"]
    assert len(guest.ready) == 1


def test_context_left_nothing_set_aside_does_not_wake(guest: Guest) -> None:
    """A frame that is left, with nothing to readmit, wakes nobody."""
    guest.slicer.wait()
    guest.waker.calls.clear()
    guest.slicer.run_now(FakeHandle(int))
    assert guest.waker.calls == []
    assert guest.slicer.is_waiting


@both_modes
def test_context_entered_by_foreign_code_is_an_error(guest: Guest, debug: bool) -> None:
    """If no frame of the guest's has entered the context, none will leave it: the handle is reported, as in asyncio."""
    context = contextvars.copy_context()
    handle = guest.queue(guest.note, 1, context=context)
    assert context.run(lambda: guest.run(debug=debug)) is Outcome.IDLE
    assert [reported for reported, _ in guest.reports] == [handle]
    assert guest.ran == []


def test_context_error_of_the_callbacks_own_is_reported(guest: Guest) -> None:
    """A callback in a nested slice that itself enters an entered context has begun: it is not run again."""
    context = contextvars.copy_context()

    def enter_again() -> None:
        guest.note("begun")
        context.run(int)

    guest.queue(lambda: (guest.queue(enter_again), guest.run()), context=context)
    guest.run()
    guest.run()
    assert guest.ran == ["begun"]
    assert [type(exc) for _, exc in guest.reports] == [RuntimeError]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("callback", ["next", "warn"])
def test_context_error_of_callback_written_in_c_is_reported(guest: Guest, callback: str) -> None:
    """An error that has no frame of the callback's own is the context's only by its type and its message together."""
    mapping = {1: 1}
    iterator = iter(mapping)
    mapping[2] = 2  # Now next() is a RuntimeError, with another message; a warning has another type.
    call = (next, iterator) if callback == "next" else (warnings.warn, "cannot enter context", UserWarning)
    guest.queue(lambda: (guest.queue(*call), guest.run()))
    guest.run()
    assert [type(exc) for _, exc in guest.reports] == [RuntimeError if callback == "next" else UserWarning]
    assert not guest.ready


# -- captures --


def test_capture_keeps_place_of_what_is_left(guest: Guest) -> None:
    """What is captured, and not taken out of the list, is queued in its place when the capture ends."""
    before = guest.queue(int)
    captured, outer = guest.begin_capture()
    assert outer is None
    taken, *left = [guest.queue(int) for _ in range(3)]
    assert captured == [taken, *left]
    assert list(guest.ready) == [before]
    captured.remove(taken)
    guest.slicer.end_capture(captured, outer)
    after = guest.queue(int)
    assert list(guest.ready) == [before, *left, after]


def test_capture_nested_keeps_place(guest: Guest) -> None:
    """A capture inside another hands what is left to that one's list, in its place."""
    captured, outer = guest.begin_capture()
    first = guest.queue(int)
    inner_captured, inner_outer = guest.begin_capture()
    assert inner_outer is captured
    second = guest.queue(int)
    assert (captured, inner_captured) == ([first], [second])
    guest.slicer.end_capture(inner_captured, inner_outer)
    third = guest.queue(int)
    assert captured == [first, second, third]
    assert not guest.ready
    guest.slicer.end_capture(captured, outer)
    assert list(guest.ready) == [first, second, third]


def test_capture_end_wakes_if_something_is_ready(guest: Guest) -> None:
    """A capture's end wakes the waker that rests, once, if something is ready then."""
    guest.slicer.wait()
    guest.waker.calls.clear()
    guest.slicer.end_capture(*guest.begin_capture())
    assert guest.waker.calls == []
    captured, outer = guest.begin_capture()
    guest.queue_notes(1, 2)
    guest.slicer.end_capture(captured, outer)
    assert guest.waker.calls == ["wake"]
    guest.queue_notes(3)
    assert guest.waker.calls == ["wake"]


def test_capture_empty_waker_that_rests_is_woken_afterwards(guest: Guest) -> None:
    """A capture of nothing leaves a resting waker as it was: the next handle wakes it."""
    guest.slicer.wait()
    guest.slicer.end_capture(*guest.begin_capture())
    guest.waker.calls.clear()
    guest.queue_notes(1)
    assert guest.waker.calls == ["wake"]


def test_wait_finalizer_queues_while_the_waker_comes_to_rest_woken_again(guest: Guest) -> None:
    """A finalizer wakes the waker just before that rests: it is woken again."""

    class Resting(FakeWaker):
        def rest(self) -> None:
            guest.queue_notes("finalizer's")
            super().rest()

    waker = Resting()
    guest.slicer.close()
    guest.slicer.open(waker, lambda: 0)
    guest.slicer.wait()
    assert waker.calls[-2:] == ["rest", "wake"]
    assert not guest.slicer.is_waiting


def test_wake_waker_cannot_be_called_is_called_next_time(guest: Guest) -> None:
    """At the recursion limit the waker may raise. The slicer still knows that it rests, and calls it again."""

    class Refusing(FakeWaker):
        refuses = False

        def wake(self) -> None:
            if self.refuses:
                raise RecursionError
            super().wake()

    waker = Refusing()
    guest.slicer.close()
    guest.slicer.open(waker, lambda: 0)
    guest.slicer.wait()
    waker.refuses = True
    with pytest.raises(RecursionError):
        guest.queue_notes(1)
    waker.refuses = False
    waker.calls.clear()
    guest.queue_notes(2)
    assert waker.calls == ["wake"]


class Interrupted(list):  # type: ignore[type-arg]
    """A captured list, with a finalizer that queues notes as soon as an iterator over it is made."""

    def __init__(self, guest: Guest, notes: list[str]) -> None:
        super().__init__()
        self.guest = guest
        self.notes = notes

    def __iter__(self) -> Iterator[Any]:
        iterator = super().__iter__()
        notes, self.notes = self.notes, []
        self.guest.queue_notes(*notes)
        return iterator


@pytest.mark.parametrize("count", [1, 3])
def test_capture_end_finalizer_queues_meanwhile_order_kept(guest: Guest, count: int) -> None:
    """What a finalizer queues while the capture ends is neither lost nor out of its place."""
    guest.begin_capture()
    captured = Interrupted(guest, [f"finalizer's {number}" for number in range(count)])
    expected = ["a", "b", *captured.notes, "c"]
    guest.slicer.captured, guest.slicer.enqueue = captured, captured.append
    guest.queue_notes("a", "b")
    guest.slicer.end_capture(captured, None)
    guest.queue_notes("c")
    guest.run()
    assert guest.ran == expected


@pytest.mark.parametrize("way", ["run", "run_now"])
@pytest.mark.parametrize("count", [1, 3])
def test_capture_frame_inside_finalizer_queues_meanwhile_order_kept(guest: Guest, way: str, count: int) -> None:
    """What a finalizer queues while a frame suspends the capture is not lost."""
    guest.begin_capture()
    captured = Interrupted(guest, [f"finalizer's {number}" for number in range(count)])
    expected = ["a", "b", *captured.notes]
    guest.slicer.captured, guest.slicer.enqueue = captured, captured.append
    guest.queue_notes("a", "b")
    if way == "run_now":
        guest.slicer.run_now(FakeHandle(int))
    guest.run()
    assert guest.ran == expected


@pytest.mark.parametrize("way", ["run", "run_now"])
def test_capture_frame_inside_suspends_it(guest: Guest, way: str) -> None:
    """Callbacks that run during a capture queue as usual, behind what was captured, which need not wait for it."""
    captured, outer = guest.begin_capture()
    guest.queue_notes("captured")
    if way == "run":
        guest.run()
        assert guest.ran == ["captured"]
    else:
        guest.slicer.run_now(FakeHandle(guest.queue_notes, "queued"))
        assert [handle._args[0] for handle in guest.ready] == ["captured", "queued"]
    assert captured == []
    handle = guest.queue(int)
    assert captured == [handle]  # It goes on.
    guest.slicer.end_capture(captured, outer)
    assert guest.ready[-1] is handle


@both_modes
def test_polled_handle_whose_context_is_entered_waits_for_the_next_poll(guest: Guest, debug: bool) -> None:
    """A reader's handle comes at each poll, so it need not be kept: it is never called in vain."""
    context = contextvars.copy_context()
    reader = FakeHandle(lambda: guest.ran.append("read"), context=context)
    guest.polled.append(reader)

    def nest() -> None:
        for _ in range(3):
            guest.ready.append(reader)
            guest.run(debug=debug)

    guest.queue(nest, context=context)
    guest.run(debug=debug)
    guest.run(debug=debug)
    assert guest.ran == []
    guest.ready.append(reader)
    guest.run(debug=debug)
    assert guest.ran == ["read"]
