"""Storms of calls of busy slots: each mode, limit and group keeps its order and its limit, and ends free."""

from __future__ import annotations

import asyncio
import random
import threading
from typing import Any, Callable

import pytest
from stress_support import CEILING_S, FACTOR, leaves_thread_objects, wait_qt, with_seeds

from asyncslot import AsyncSlot, AsyncSlotEventLoop, CancelReason, cancel_reason
from asyncslot._qt import QtCore

MODES = ["drop", "restart", "queue", "latest"]
LIMITS = [1, 2, 3]

# How many calls a storm makes. Arbitrary.
CALLS = 150 * FACTOR


class Calls:
    """
    What the calls of one busy slot, or group, do. They note when they begin and end.

    Args:
        chance: Decides how long each takes, and whether it swallows its cancellation.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.completed: list[int] = []
        self.running: list[int] = []
        self.unlimited: set[int] = set()
        self.faults: list[str] = []

    async def run(self, number: int, limit: float) -> None:
        # Not those of "start", which heed no limit, and came after this one was admitted.
        others = [other for other in self.running if other < number or other not in self.unlimited]
        if limit == float("inf"):
            self.unlimited.add(number)
        elif len(others) >= limit:
            self.faults.append(f"{number} began beside {others}, with the limit {limit}")
        self.begun.append(number)
        self.running.append(number)
        try:
            await self.work()
            self.completed.append(number)
        finally:
            try:
                await asyncio.sleep(self.chance.choice([0, 0.0005]))
            finally:
                self.running.remove(number)
                self.ended.append(number)

    async def work(self) -> None:
        swallows = self.chance.random() < 0.1
        for _ in range(self.chance.randrange(4)):
            try:
                await asyncio.sleep(self.chance.choice([0, 0, 0.0005]))
            except asyncio.CancelledError:
                if not swallows:
                    raise
        if self.chance.random() < 0.1:
            raise asyncio.CancelledError


def make_object(settings: list[tuple[str, int]], group: object = None) -> Any:
    """Return a QObject with a slot for each mode and limit, ``slot0`` and so on, that all run its ``calls``."""

    def make_slot(mode: str, limit: int) -> Any:
        most = float("inf") if mode == "start" else limit

        async def slot(self: Any, number: int) -> None:
            await self.calls.run(number, most)

        options = {} if mode == "start" else {"limit": limit}
        return AsyncSlot(int, when_busy=mode, group=group, **options)(slot)

    slots = {f"slot{number}": make_slot(*each) for number, each in enumerate(settings)}
    # The names under which Qt knows them.
    for name, slot in slots.items():
        slot.__name__ = name
    return type("Busy", (QtCore.QObject,), slots)()


async def storm(receiver: Any, slots: list[Callable[[int], Any]], chance: random.Random) -> dict[int, Any]:
    """Call the slots at random moments, and cancel some of the calls; return the task of each call when all ended."""
    tasks: dict[int, Any] = {}
    for number in range(CALLS):
        tasks[number] = chance.choice(slots)(number)
        if chance.random() < 0.1:
            tasks[chance.randrange(len(tasks))].cancel()
        if chance.random() < 0.5:
            await asyncio.sleep(chance.choice([0, 0, 0.0005, 0.002]))
    _, left = await asyncio.wait(list(tasks.values()), timeout=CEILING_S)
    assert not left, f"{len(left)} calls of {len(tasks)} never ended"
    return tasks


def check_free(receiver: Any, loop: AsyncSlotEventLoop, slot: Callable[[int], Any]) -> None:
    """Check that the next call begins at once, as nothing runs or waits."""
    receiver.calls.chance = random.Random(0)

    async def call_once() -> None:
        task = slot(CALLS)
        assert receiver.calls.begun[-1] == CALLS
        await asyncio.wait([task])

    loop.run_until_complete(call_once())


@with_seeds(3)
@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("mode", MODES)
def test_busy_slot_keeps_order_and_limit(loop: AsyncSlotEventLoop, mode: str, limit: int, seed: int) -> None:
    """Calls begin in the order in which they were made, no more at once than the limit, and each one's task ends."""
    chance = random.Random(f"{mode} {limit} {seed}")
    receiver = make_object([(mode, limit)])
    receiver.calls = calls = Calls(chance)
    tasks = loop.run_until_complete(storm(receiver, [receiver.slot0], chance))
    assert calls.faults == []
    assert calls.begun == sorted(set(calls.begun))
    assert sorted(calls.ended) == sorted(calls.begun)
    check_reasons(mode, calls, tasks)
    check_free(receiver, loop, receiver.slot0)


def check_reasons(mode: str, calls: Calls, tasks: dict[int, Any]) -> None:
    """Check that what never began was cancelled, for a reason that the mode knows."""
    reasons = {
        "drop": {CancelReason.DROPPED, CancelReason.REQUESTED},
        "latest": {CancelReason.DROPPED, CancelReason.REQUESTED},
        "restart": {CancelReason.SUPERSEDED, CancelReason.REQUESTED},
        "queue": {CancelReason.REQUESTED},
    }[mode]
    for number in set(tasks) - set(calls.begun):
        assert tasks[number].cancelled()
        assert cancel_reason(tasks[number]) in reasons
    if mode != "queue":
        # The storm was one: the slot was busy often.
        assert len(calls.begun) < len(tasks) * 0.95


@with_seeds(6)
def test_busy_group_keeps_each_limit(loop: AsyncSlotEventLoop, seed: int) -> None:
    """Slots of one group, each with a mode and a limit of its own, keep the limit of each, and all calls end."""
    chance = random.Random(seed)
    settings = [("start", 1), *((mode, chance.choice(LIMITS)) for mode in MODES)]
    receiver = make_object(settings, group="group")
    receiver.calls = calls = Calls(chance)
    slots = [getattr(receiver, f"slot{number}") for number in range(len(settings))]
    tasks = loop.run_until_complete(storm(receiver, slots, chance))
    assert calls.faults == []
    assert sorted(calls.ended) == sorted(set(calls.begun))
    assert all(tasks[number].cancelled() for number in set(tasks) - set(calls.begun))
    check_free(receiver, loop, receiver.slot1)


@leaves_thread_objects
def test_busy_function_called_on_two_threads(attached: AsyncSlotEventLoop) -> None:
    """A plain function that is a slot, and is called on two threads, runs each call and loses none."""
    ended: list[str] = []

    @AsyncSlot(str, when_busy="queue")
    async def save(name: str) -> None:
        await asyncio.sleep(0.002)
        ended.append(name)

    class Worker(QtCore.QObject):
        @AsyncSlot()
        async def work(self) -> None:
            for number in range(20):
                save(f"worker {number}")
                await asyncio.sleep(0.001)
            self.is_done.set()

    worker = Worker()
    worker.is_done = threading.Event()
    thread = QtCore.QThread()
    worker.moveToThread(thread)
    thread.started.connect(worker.work)
    thread.start()

    async def call() -> None:
        for number in range(20):
            save(f"main {number}")
            await asyncio.sleep(0.001)

    attached.run_task(call())
    try:
        wait_qt(lambda: len(ended) == 40, CEILING_S / 4)
    finally:
        wait_qt(worker.is_done.is_set)
        thread.quit()
        assert thread.wait(CEILING_S * 1000)
    assert sorted(ended) == sorted(f"{who} {number}" for who in ("main", "worker") for number in range(20))


@pytest.mark.parametrize("mode", MODES)
def test_busy_slot_after_its_loop_was_closed(app: Any, mode: str) -> None:
    """Calls that a closed loop has left behind do not keep the slot busy."""
    left: list[Any] = []

    class Editor(QtCore.QObject):
        @AsyncSlot(int, when_busy=mode)
        async def save(self, number: int) -> int:
            if number < 2:
                await asyncio.Event().wait()
            return number

    editor = Editor()

    async def leave() -> None:
        left.extend(editor.save(number) for number in range(2))
        await asyncio.sleep(0)

    async def save() -> Any:
        task = editor.save(2)
        await asyncio.wait([task], timeout=5)
        return task.done() and not task.cancelled() and task.result()

    first = AsyncSlotEventLoop()
    first.run_until_complete(leave())
    for task in left:  # Nothing will run them any more, and asyncio need not say so.
        task._log_destroy_pending = False
    first.close()
    with AsyncSlotEventLoop() as second:
        second.set_exception_handler(lambda *_: None)
        assert second.run_until_complete(save()) == 2
