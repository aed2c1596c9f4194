"""
Helpers of tests/stress: seeds, a ledger of what a loop was asked and did, a census of what a process holds.

``ASYNCSLOT_STRESS_SEED`` is the first seed of all storms, ``ASYNCSLOT_STRESS_CHILDREN`` the number of processes
that the storm of Ctrl-C starts, ``ASYNCSLOT_STRESS_FACTOR`` multiplies the examples and rounds of everything else.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import os
import sys
import threading
from collections import Counter
from time import monotonic
from typing import Any, Callable, Iterator

import psutil
import pytest
from support import IS_WINDOWS, list_descriptors, run_qt

from asyncslot import AsyncSlotEventLoop, LoopState
from asyncslot._qt import QtCore

SEED = int(os.environ.get("ASYNCSLOT_STRESS_SEED", "0"))
CHILDREN = int(os.environ.get("ASYNCSLOT_STRESS_CHILDREN", "60"))
FACTOR = int(os.environ.get("ASYNCSLOT_STRESS_FACTOR", "1"))

# Seconds after which something that should have happened is taken never to. Arbitrary, generous.
CEILING_S = 60

# Lines that the end of the run prints: what the storms have counted.
FIGURES: list[str] = []

leaves_thread_objects = pytest.mark.skipif(
    IS_WINDOWS and sys.version_info < (3, 13),
    reason="the stock loop of Windows leaves an object of Python's, and its handles, for each thread of Qt's",
)


def with_seeds(count: int) -> pytest.MarkDecorator:
    """Run a test once for each of *count* seeds, which the test's name shows."""
    return pytest.mark.parametrize("seed", range(SEED, SEED + count * FACTOR))


def wait_qt(is_over: Callable[[], object], timeout_s: float = CEILING_S) -> None:
    """
    Run a Qt loop of the application's own until a condition holds.

    It is asked by a timer of Qt's, which wakes Qt but not the guest: a wake-up that got lost stays lost.
    """
    timer = QtCore.QTimer()

    def begin(quit_qt: Callable[[], None]) -> None:
        timer.timeout.connect(lambda: is_over() and quit_qt())
        timer.start(2)

    try:
        run_qt(begin, timeout_s)
    finally:
        timer.stop()
        # An exception's traceback may keep this frame. The connection, which is Qt's, would make that a cycle that no
        # garbage collector sees.
        timer.timeout.disconnect()


class Asked:
    """
    One callback that a loop was asked to call.

    Args:
        number: Counts all that was asked.
        lane: What is asked in one lane begins in that order; None for what has no order.
        when: The earliest time, by the loop's clock; None for at once.
    """

    def __init__(self, number: int, lane: object, when: float | None) -> None:
        self.number = number
        self.lane = lane
        self.when = when
        self.handle: Any = None
        self.has_begun = False
        self.is_cancelled = False


class Ledger:
    """
    What a loop was asked to call, and what it called: nothing lost, twice, early, out of order or after a cancel().

    Faults are noted and not raised: an exception in a callback would only reach the loop's exception handler.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.faults: list[str] = []
        self.asked: list[Asked] = []
        self.begun = 0
        self._last_in_lane: dict[object, int] = {}
        self._lock = threading.Lock()
        self._thread_id = threading.get_ident()
        self._clock_resolution_s = loop._clock_resolution  # type: ignore[attr-defined]

    def ask(self, lane: object = None, when: float | None = None) -> Asked:
        """Note that something is asked for. Any thread may call this."""
        with self._lock:
            asked = Asked(len(self.asked), lane, when)
            self.asked.append(asked)
        return asked

    def begin(self, asked: Asked) -> None:
        """Note that the loop calls it."""
        self.begun += 1
        if asked.has_begun:
            self.faults.append(f"{asked.number} was called twice")
        if asked.is_cancelled:
            self.faults.append(f"{asked.number} was called after cancel()")
        if threading.get_ident() != self._thread_id:
            self.faults.append(f"{asked.number} was called on another thread")
        if asked.when is not None and self.loop.time() + self._clock_resolution_s < asked.when:
            self.faults.append(f"{asked.number} was called early")
        if asked.lane is not None and self._last_in_lane.get(asked.lane, -1) > asked.number:
            self.faults.append(f"{asked.number} was called after {self._last_in_lane[asked.lane]}, which came later")
        if asked.lane is not None:
            self._last_in_lane[asked.lane] = asked.number
        asked.has_begun = True

    def cancel(self, asked: Asked) -> None:
        """Cancel it, if its handle is known."""
        if asked.handle is not None:
            asked.handle.cancel()
            asked.is_cancelled = asked.is_cancelled or not asked.has_begun

    def pending(self) -> list[int]:
        """Return the numbers of what is still to be called, in the order of asking."""
        return [asked.number for asked in self.asked if not asked.has_begun and not asked.is_cancelled]

    @contextlib.contextmanager
    def restored(self, *variables: contextvars.ContextVar[Any]) -> Iterator[None]:
        """Note a fault if the body leaves another current task, running loop or context behind."""
        before = self._surroundings(variables)
        yield
        after = self._surroundings(variables)
        # In foreign code, which has no task, stop() detaches the loop.
        if after[0] is None and before[1] is None:
            before[0] = None
        if before != after:
            self.faults.append(f"{before} became {after}")

    def _surroundings(self, variables: tuple[contextvars.ContextVar[Any], ...]) -> list[Any]:
        running = asyncio._get_running_loop()
        return [running, running and asyncio.current_task(), *(variable.get(None) for variable in variables)]


# -- what a process holds --


class Census:
    """
    The descriptors, threads, child processes and live objects of asyncio's and ours in this process.

    Garbage is collected first, and what Qt deletes later is deleted.
    """

    # By name: what is counted may be of C or of Python.
    KINDS = ("Task", "Future", "Handle", "TimerHandle", "AsyncSlotEventLoop", "TaskRecord", "CallQueue", "coroutine")

    def __init__(self) -> None:
        process = psutil.Process()
        for _ in range(3):  # What is deleted may own more.
            QtCore.QCoreApplication.sendPostedEvents(None, 52)  # QEvent::DeferredDelete
            gc.collect()
        self.descriptors = list_descriptors()
        threads = [thread.name for thread in threading.enumerate()]
        # The timer of pytest-timeout begins and ends beside us.
        self.threads = sorted(name for name in threads if not name.startswith("pytest_timeout"))
        self.system_threads = process.num_threads() - sum(name.startswith("pytest_timeout") for name in threads)
        self.children = [child.pid for child in process.children(recursive=True)]
        self.rss_bytes = process.memory_info().rss
        names = Counter(type(each).__name__ for each in gc.get_objects())
        self.objects = {kind: names[kind] for kind in self.KINDS}

    def exceeds(self, before: Census) -> list[str]:
        """Return what this census has more of than an earlier one; [] if nothing leaked."""
        found = [
            f"{kind}: {count} instead of {before.objects[kind]}"
            for kind, count in self.objects.items()
            if count > before.objects[kind]
        ]
        if len(self.descriptors) > len(before.descriptors):
            found.append(f"descriptors: {self.descriptors} instead of {before.descriptors}")
        if len(self.threads) > len(before.threads) or self.system_threads > before.system_threads:
            found.append(f"threads: {self.system_threads} {self.threads} instead of {before.threads}")
        # multiprocessing keeps one of its own, once there was any, and Wine starts servers as our children.
        new = set(self.children) - set(before.children)
        if new:
            found.append(f"children: {new}")
        return found


def find_leaks(before: Census) -> list[str]:
    """Return what has leaked since *before*. Threads that end need a moment to be gone from the system's list."""
    end_s = monotonic() + 5
    while True:
        found = Census().exceeds(before)
        if not found or monotonic() > end_s:
            return found
        threading.Event().wait(0.05)


def settle(loop: AsyncSlotEventLoop, is_over: Callable[[], object]) -> None:
    """Let Qt carry the loop until a condition holds, attaching it again whenever stop() has detached it."""
    while not is_over():
        loop.attach()
        wait_qt(lambda: is_over() or loop.state is LoopState.STOPPED)
