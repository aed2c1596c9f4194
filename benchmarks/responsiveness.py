"""
The suite "responsiveness": how long Qt and asyncio keep each other waiting.

It runs inside ``app.exec()``, on the peers that have a Qt loop. Frames are the gaps between the ticks
of a precise Qt timer of 16 ms, which is 60 Hz in whole milliseconds. Paints are the gaps between the
paint events of a window that is updated every 7 ms, which is 144 Hz. Latency is the time from
``call_soon()`` in a Qt slot, or ``call_soon_threadsafe()`` in a thread, to the callback; and from the
posting of a key event to the window's handler.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import threading
import time
from typing import Any, AsyncIterator, Callable, Coroutine, Iterable

from asyncslot import Progress, ProgressReporter, run_in_process, run_in_thread
from benchmarks.job import Context, Job, Measurements, hold_task, open_echo
from benchmarks.peers import import_qt
from benchmarks.speed import MESSAGE

__all__ = ["FRAME_MS", "JOBS", "NOTES", "UNITS"]

# The interval of a frame in milliseconds: a QTimer takes whole ones.
FRAME_MS = 16

# The same of a paint.
PAINT_MS = 7

# The interval between calls whose latency is measured, in milliseconds. Arbitrary; no divisor of 16.
CALL_MS = 5

# The least number of frames or calls, even for small --scale: 0.6 s of frames, in which the burst comes.
LEAST = 40

# How many tasks, and how many callbacks, a flood consists of. Arbitrary.
FLOOD = 50

# How many callbacks a burst has.
BURST = 50_000

# How many sockets are busy.
BUSY_SOCKETS = 100

# When the burst comes, in seconds after the first frame. Arbitrary.
BURST_AFTER_S = 0.3

# A condition begins when it is entered. It puts its measurements into the dict.
Condition = Callable[[Measurements], "contextlib.AbstractAsyncContextManager[None]"]


def _summarize(samples_s: list[float]) -> Measurements:
    """Return median, 99th percentile and worst of *samples_s*, seconds, in milliseconds."""
    in_ms = [1000 * sample for sample in samples_s]
    percentiles = statistics.quantiles(in_ms, n=100, method="inclusive")
    return {"median_ms": statistics.median(in_ms), "p99_ms": percentiles[98], "worst_ms": max(in_ms)}


@contextlib.asynccontextmanager
async def _be_idle(_: Measurements) -> AsyncIterator[None]:
    yield


class _Work:
    """Endless work in the background, and how much of it was done."""

    def __init__(self) -> None:
        self.count = 0
        self.is_over = False

    @contextlib.asynccontextmanager
    async def measure(self, found: Measurements, works: Iterable[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
        """Run *works* during the block, set `is_over` at its end, and keep the rate."""
        began_s = time.perf_counter()
        tasks = [asyncio.get_running_loop().create_task(work) for work in works]
        try:
            yield
        finally:
            self.is_over = True
            found["per_s"] = self.count / (time.perf_counter() - began_s)
            await asyncio.gather(*tasks)


@contextlib.asynccontextmanager
async def _flood(found: Measurements) -> AsyncIterator[None]:
    """Run 50 callbacks that call_soon() themselves, and 50 tasks in sleep(0), without end."""
    loop, work = asyncio.get_running_loop(), _Work()

    def again() -> None:
        work.count += 1
        if not work.is_over:
            loop.call_soon(again)

    async def spin() -> None:
        while not work.is_over:
            await asyncio.sleep(0)
            work.count += 1

    for _ in range(FLOOD):
        loop.call_soon(again)
    async with work.measure(found, (spin() for _ in range(FLOOD))):
        yield


@contextlib.asynccontextmanager
async def _flood_under_load(found: Measurements) -> AsyncIterator[None]:
    """Do the same while another process computes on each CPU."""
    command = [sys.executable, "-c", "while True: pass"]
    # They start before anything is measured, and run a program of ours.
    others = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)]  # noqa: ASYNC220, S603
    try:
        async with _flood(found):
            yield
    finally:
        for other in others:
            other.kill()
            other.wait()


@contextlib.asynccontextmanager
async def _burst(found: Measurements) -> AsyncIterator[None]:
    """Make 50,000 callbacks ready at once, a while after the beginning."""
    loop = asyncio.get_running_loop()
    is_drained = loop.create_future()
    count = 0

    def tick() -> None:
        nonlocal count
        count += 1
        if count == BURST:
            is_drained.set_result(time.perf_counter())

    async def burst() -> None:
        await asyncio.sleep(BURST_AFTER_S)
        began_s = time.perf_counter()
        for _ in range(BURST):
            loop.call_soon(tick)
        found["call_soon_ms"] = 1000 * (time.perf_counter() - began_s)
        found["drained_ms"] = 1000 * (await is_drained - began_s)

    async with hold_task(burst()) as task:
        yield
        await task


@contextlib.asynccontextmanager
async def _be_busy(found: Measurements) -> AsyncIterator[None]:
    """Keep 100 clients of an echo server busy."""
    work = _Work()

    async def keep_busy(client: Any) -> None:
        while not work.is_over:
            done = await client.echo(MESSAGE, 1)
            work.count += done  # Not in one line: that would read the count before it awaits.

    async with open_echo(BUSY_SOCKETS) as clients, work.measure(found, map(keep_busy, clients)):
        yield


def _count(progress: ProgressReporter) -> int:
    """Compute until the work is cancelled; return how far it has come."""
    count = 0
    while not progress.is_cancelled:
        count += 1
    return count


def _count_and_report(progress: ProgressReporter) -> int:
    """Do the same, and report each number."""
    count = 0
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            count += 1
            progress.report(count)
    return count


def _compute(run: Callable[..., Any], count: Callable[..., int]) -> Condition:
    """Return the condition that something counts in the background."""

    @contextlib.asynccontextmanager
    async def condition(found: Measurements) -> AsyncIterator[None]:
        progress = Progress()
        # A process takes time to start, in which it slows nothing down but the machine.
        await run(int)
        began_s = time.perf_counter()
        task = asyncio.get_running_loop().create_task(run(count, progress=progress))
        yield
        progress.cancel()
        found["per_s"] = await task / (time.perf_counter() - began_s)

    return condition


async def _watch_frames(frames: int) -> Measurements:
    """Watch *frames* frames, and measure the gaps between them."""
    core = import_qt("QtCore")
    done = asyncio.get_running_loop().create_future()
    at_s: list[float] = []

    def on_frame() -> None:
        at_s.append(time.perf_counter())
        if len(at_s) == frames + 1:
            timer.stop()
            done.set_result(None)

    timer = core.QTimer()
    timer.setTimerType(core.Qt.TimerType.PreciseTimer)
    timer.timeout.connect(on_frame)
    timer.start(FRAME_MS)
    await done
    return _summarize([after - before for before, after in zip(at_s, at_s[1:])])


async def _watch_paints(paints: int) -> Measurements:
    """Update a window at 144 Hz, and measure the gaps between its paint events."""
    core: Any = import_qt("QtCore")
    widgets: Any = import_qt("QtWidgets")
    done = asyncio.get_running_loop().create_future()
    at_s: list[float] = []

    class Window(widgets.QWidget):  # type: ignore[misc]
        def paintEvent(self, _: Any) -> None:  # noqa: N802 - Qt's name.
            at_s.append(time.perf_counter())
            if len(at_s) == paints + 1:
                timer.stop()
                done.set_result(None)

    window, timer = Window(), core.QTimer()
    timer.setTimerType(core.Qt.TimerType.PreciseTimer)
    timer.timeout.connect(window.update)
    # The application goes on after it: asyncio has still to end.
    window.setAttribute(core.Qt.WidgetAttribute.WA_QuitOnClose, False)
    window.show()
    timer.start(PAINT_MS)
    await done
    window.close()
    return _summarize([after - before for before, after in zip(at_s, at_s[1:])])


async def _press_keys(presses: int) -> Measurements:
    """Post key events from a thread, as a window system does, and measure the time until the window has them."""
    core: Any = import_qt("QtCore")
    gui: Any = import_qt("QtGui")
    widgets: Any = import_qt("QtWidgets")
    done = asyncio.get_running_loop().create_future()
    latencies_s: list[float] = []
    posted_s: list[float] = []

    class Window(widgets.QWidget):  # type: ignore[misc]
        def keyPressEvent(self, _: Any) -> None:  # noqa: N802 - Qt's name.
            latencies_s.append(time.perf_counter() - posted_s[len(latencies_s)])
            if len(latencies_s) == presses:
                done.set_result(None)

    def post() -> None:
        for _ in range(presses):
            time.sleep(CALL_MS / 1000)
            event = gui.QKeyEvent(core.QEvent.Type.KeyPress, core.Qt.Key.Key_A, core.Qt.KeyboardModifier.NoModifier)
            posted_s.append(time.perf_counter())
            core.QCoreApplication.postEvent(window, event)

    window = Window()
    # The application goes on after it: asyncio has still to end.
    window.setAttribute(core.Qt.WidgetAttribute.WA_QuitOnClose, False)
    window.show()
    thread = threading.Thread(target=post)
    thread.start()
    await done
    thread.join()
    window.close()
    return _summarize(latencies_s)


async def _call_from_slot(calls: int) -> Measurements:
    """Call call_soon() in a Qt slot, and measure the time until the callback."""
    core = import_qt("QtCore")
    loop = asyncio.get_running_loop()
    done, latencies_s = loop.create_future(), []

    def arrive(called_s: float) -> None:
        latencies_s.append(time.perf_counter() - called_s)
        if len(latencies_s) == calls:
            timer.stop()
            done.set_result(None)

    timer = core.QTimer()
    timer.setTimerType(core.Qt.TimerType.PreciseTimer)
    timer.timeout.connect(lambda: loop.call_soon(arrive, time.perf_counter()))
    timer.start(CALL_MS)
    await done
    return _summarize(latencies_s[:calls])


async def _call_from_thread(calls: int) -> Measurements:
    """Call call_soon_threadsafe() in a thread, and measure the time until the callback."""
    loop = asyncio.get_running_loop()
    done, latencies_s = loop.create_future(), []

    def arrive(called_s: float) -> None:
        latencies_s.append(time.perf_counter() - called_s)
        if len(latencies_s) == calls:
            done.set_result(None)

    def call() -> None:
        for _ in range(calls):
            time.sleep(CALL_MS / 1000)
            loop.call_soon_threadsafe(arrive, time.perf_counter())

    thread = threading.Thread(target=call)
    thread.start()
    await done
    thread.join()
    return _summarize(latencies_s)


def _make_job(watch: Callable[[int], Coroutine[Any, Any, Measurements]], condition: Condition) -> Job:
    async def measure(context: Context) -> Measurements:
        found: Measurements = {}
        async with condition(found):
            summary = await watch(max(context.units, LEAST))
        return {**summary, **found}

    return measure


JOBS: dict[str, Job] = {
    "frames-idle": _make_job(_watch_frames, _be_idle),
    "frames-flood": _make_job(_watch_frames, _flood),
    "frames-flood-load": _make_job(_watch_frames, _flood_under_load),
    "frames-burst": _make_job(_watch_frames, _burst),
    "frames-sockets": _make_job(_watch_frames, _be_busy),
    "frames-thread": _make_job(_watch_frames, _compute(run_in_thread, _count)),
    "frames-thread-reports": _make_job(_watch_frames, _compute(run_in_thread, _count_and_report)),
    "frames-process": _make_job(_watch_frames, _compute(run_in_process, _count)),
    "frames-process-reports": _make_job(_watch_frames, _compute(run_in_process, _count_and_report)),
    "paints-idle": _make_job(_watch_paints, _be_idle),
    "paints-flood": _make_job(_watch_paints, _flood),
    "keys-idle": _make_job(_press_keys, _be_idle),
    "keys-flood": _make_job(_press_keys, _flood),
    "slot-idle": _make_job(_call_from_slot, _be_idle),
    "slot-flood": _make_job(_call_from_slot, _flood),
    "thread-idle": _make_job(_call_from_thread, _be_idle),
    "thread-flood": _make_job(_call_from_thread, _flood),
}

# How many frames, paints, keys or calls a job watches: 3 seconds of frames, 2 to 3 seconds of the others.
UNITS = {name: 180 if name.startswith("frames") else 400 for name in JOBS}

# What is measured besides the summary.
NOTES = {
    "per s": "callbacks, messages there and back, numbers counted, or reports, meanwhile",
    "call_soon": f"how long {BURST:,} calls of call_soon() took",
    "drained": "from the first of them until the last was called back",
}
