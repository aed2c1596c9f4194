"""QThreads in turn, each with a loop and slots of its own."""

from __future__ import annotations

import asyncio
import random
import threading
from typing import Any

from stress_support import CEILING_S, FACTOR, leaves_thread_objects, wait_qt, with_seeds

from asyncslot import AsyncSlot
from asyncslot._qt import QtCore, Signal

# How many threads come one after the other, and how many live at once.
THREADS = 200 * FACTOR
AT_ONCE = 8

CALLS = 6


class Worker(QtCore.QObject):
    """An object on a thread of its own, whose slot is called from the main thread."""

    asked = Signal(int)

    def __init__(self, counts: Counts) -> None:
        super().__init__()
        self.counts = counts
        self.thread_of_calls: set[int] = set()
        self.finish = threading.Event()

    @AsyncSlot(int)
    async def work(self, number: int) -> None:
        self.counts.add("begun")
        self.thread_of_calls.add(threading.get_ident())
        try:
            # The last ones are still running when the thread ends.
            await asyncio.sleep([0, 0.001, 0.002, 3600, 3600, 3600][number])
        finally:
            try:
                await asyncio.sleep(0)  # The cancellation may come only here.
            finally:
                self.counts.add("ended")


class Counts:
    """Numbers that threads count together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = {"begun": 0, "ended": 0}

    def add(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1

    def __getitem__(self, name: str) -> int:
        return self._counts[name]


class Place:
    """A thread with a worker, and after its end another one."""

    def __init__(self, counts: Counts) -> None:
        self.worker = Worker(counts)
        self.thread = QtCore.QThread()
        self.worker.moveToThread(self.thread)
        # Queued: the slot belongs to an object on the other thread.
        self.worker.asked.connect(self.worker.work)
        self.thread.start()
        for number in range(CALLS):
            self.worker.asked.emit(number)


@leaves_thread_objects
@with_seeds(2)
def test_threads_in_turn_end_each_call(app: Any, seed: int) -> None:
    """Each call that has begun on a QThread has ended, clean-up and all, when the thread has."""
    chance = random.Random(seed)
    counts = Counts()
    places: list[Place] = []
    for number in range(THREADS // 2):
        places.append(Place(counts))
        if len(places) < AT_ONCE and number < THREADS // 2 - 1:
            continue
        # All calls of these have begun before any of them ends, so that none comes too late to count.
        wait_qt(lambda: counts["begun"] == (number + 1) * CALLS)  # noqa: B023 - it returns in the same round.
        chance.shuffle(places)
        for place in places:
            place.thread.quit()
        for place in places:
            assert place.thread.wait(CEILING_S * 1000)
            assert len(place.worker.thread_of_calls) == 1
        assert counts["ended"] == counts["begun"]
        places.clear()
    assert counts["begun"] == THREADS // 2 * CALLS


@leaves_thread_objects
@with_seeds(1)
def test_threads_that_end_at_any_moment(app: Any, seed: int) -> None:
    """A thread may end while its slots are being called: what has begun ends, and what has not never begins."""
    chance = random.Random(seed)
    counts = Counts()
    for _ in range(THREADS // 4):
        place = Place(counts)
        # The moment is what this is about.
        threading.Event().wait(chance.choice([0, 0.0002, 0.001, 0.003]))
        place.thread.quit()
        assert place.thread.wait(CEILING_S * 1000)
    assert counts["ended"] == counts["begun"]
