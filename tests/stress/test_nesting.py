"""Storms of nested Qt loops: in callbacks, first steps and slots, with threads and readers."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import random
import socket
import threading
from typing import Any

import pytest
from stress_support import CEILING_S, FACTOR, Ledger, settle, wait_qt, with_seeds
from support import has_readers, run_script

from asyncslot import AsyncSlot, AsyncSlotEventLoop, run_task
from asyncslot._qt import QtCore, import_qt

QtWidgets = import_qt("QtWidgets")

VARIABLE: contextvars.ContextVar[int] = contextvars.ContextVar("VARIABLE", default=0)

# How many things a storm asks for, and how deep Qt loops are nested. Arbitrary.
ASKED = 2000 * FACTOR
MAX_DEPTH = 6
THREADS = 3
READERS = 4


class Storm:
    """
    Callbacks, tasks, slots, threads and readers that ask for each other, and nest Qt loops meanwhile.

    Args:
        loop: The loop, attached or in a blocking call.
        seed: Of all chance in the main thread.
    """

    def __init__(self, loop: AsyncSlotEventLoop, seed: int) -> None:
        self.loop = loop
        self.ledger = Ledger(loop)
        self.chance = random.Random(seed)
        self.depth = self.deepest = self.nested = 0
        self.unfinished = 0
        self.written = self.read = 0
        self.is_ending = threading.Event()
        self.pairs = [socket.socketpair() for _ in range(READERS)]
        self.threads = [threading.Thread(target=self.call_from_thread, args=(number,)) for number in range(THREADS)]

    # -- beginning and end --

    def begin(self) -> None:
        for ours, theirs in self.pairs:
            ours.setblocking(False)
            theirs.setblocking(False)
            self.loop.add_reader(ours, self.on_readable, ours)
        for thread in self.threads:
            thread.start()
        for _ in range(20):
            self.ask()

    def is_over(self) -> bool:
        return (
            self.is_ending.is_set()
            and not any(thread.is_alive() for thread in self.threads)
            and not self.unfinished
            and self.read == self.written
            and not self.ledger.pending()
        )

    def close(self) -> None:
        self.is_ending.set()
        for thread in self.threads:
            thread.join()
        for ours, theirs in self.pairs:
            self.loop.remove_reader(ours)
            ours.close()
            theirs.close()

    # -- asking --

    def ask(self) -> None:
        """Ask for one thing, unless there has been enough."""
        # Here, and not where the end is waited for, which may be further down the stack and wait itself.
        if len(self.ledger.asked) > ASKED:
            self.is_ending.set()
        if not self.is_ending.is_set():
            self.chance.choice([self.ask_soon, self.ask_timer, self.ask_task, self.ask_slot, self.ask_foreign])()

    def ask_soon(self) -> None:
        asked = self.ledger.ask("soon")
        asked.handle = self.loop.call_soon(self.on_call, asked)
        if self.chance.random() < 0.1:
            self.ledger.cancel(asked)

    def ask_timer(self) -> None:
        delay_s = self.chance.choice([0, 0.001, 0.003])
        asked = self.ledger.ask(when=self.loop.time() + delay_s)
        asked.handle = self.loop.call_later(delay_s, self.on_call, asked)
        if self.chance.random() < 0.2:
            self.ledger.cancel(asked)

    def ask_task(self) -> None:
        with self.ledger.restored(VARIABLE):
            start = self.chance.choice([run_task, self.loop.create_task])
            self.follow(start(self.work(self.ledger.ask())))

    def ask_slot(self) -> None:
        with self.ledger.restored(VARIABLE):
            self.follow(work_in_slot(self, self.ledger.ask()))

    def follow(self, task: asyncio.Task[Any]) -> None:
        self.unfinished += 1

        def on_done(_: object) -> None:
            self.unfinished -= 1

        task.add_done_callback(on_done)

    def ask_foreign(self) -> None:
        asked = self.ledger.ask()

        def slot() -> None:
            try:
                self.on_call(asked)
            except BaseException as exc:  # A slot must not raise.
                self.ledger.faults.append(repr(exc))

        QtCore.QTimer.singleShot(self.chance.choice([0, 0, 1]), lambda: contextvars.copy_context().run(slot))

    def call_from_thread(self, number: int) -> None:
        chance = random.Random(number)
        while not self.is_ending.wait(chance.choice([0.0002, 0.002])):
            asked = self.ledger.ask(("thread", number))
            self.loop.call_soon_threadsafe(self.on_call, asked)

    def write(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self.written += self.chance.choice(self.pairs)[1].send(b"x")

    # -- what is called --

    def on_readable(self, ours: socket.socket) -> None:
        # It nests only later: until it has returned, each byte for it would keep the guest busy, which
        # test_reader_that_nests_is_called_once is about.
        self.read += len(ours.recv(100))
        self.ask_soon()

    def on_call(self, asked: Any) -> None:
        self.ledger.begin(asked)
        self.act()

    async def work(self, asked: Any) -> None:
        self.ledger.begin(asked)
        own = asyncio.current_task()
        VARIABLE.set(asked.number)
        for _ in range(self.chance.randrange(3)):
            self.act()
            await asyncio.sleep(self.chance.choice([0, 0, 0.001]))
            if asyncio.current_task() is not own or VARIABLE.get() != asked.number:
                self.ledger.faults.append(f"the task of {asked.number} went on in another's surroundings")

    def act(self) -> None:
        for _ in range(self.chance.choice([0, 1, 1, 2])):
            self.ask()
        if self.chance.random() < 0.3:
            self.write()
        if self.chance.random() < 0.3:
            self.nest()

    def nest(self) -> None:
        if self.depth >= MAX_DEPTH:
            return
        self.depth += 1
        self.nested += 1
        self.deepest = max(self.deepest, self.depth)
        try:
            with self.ledger.restored(VARIABLE):
                ways = [self.exec_qt_loop, self.exec_dialog, QtCore.QCoreApplication.processEvents]
                # A dialog takes a few milliseconds to make.
                self.chance.choices(ways, [4, 1, 4])[0]()
        finally:
            self.depth -= 1

    def exec_qt_loop(self) -> None:
        qt_loop = QtCore.QEventLoop()
        # Ended by Qt, or by the guest, which must go on meanwhile.
        if self.chance.random() < 0.5:
            QtCore.QTimer.singleShot(self.chance.choice([0, 1]), qt_loop.quit)
        else:
            self.loop.call_later(0.001, qt_loop.quit)
        qt_loop.exec()

    def exec_dialog(self) -> None:
        dialog = QtWidgets.QDialog()

        async def accept() -> None:
            await asyncio.sleep(0.001)
            dialog.accept()

        self.follow(self.loop.create_task(accept()))
        dialog.exec()
        dialog.deleteLater()


@AsyncSlot()
async def work_in_slot(storm: Storm, asked: Any) -> None:
    await storm.work(asked)


def check(storm: Storm) -> None:
    assert storm.ledger.faults == []
    assert storm.ledger.pending() == []
    assert storm.deepest == MAX_DEPTH


@has_readers
@with_seeds(2)
@pytest.mark.parametrize("time_slice_s", [0, 0.005])
def test_storm_attached(attached: AsyncSlotEventLoop, seed: int, time_slice_s: float) -> None:
    """In the application's own Qt loop, whatever nests, nothing is lost, twice, early or out of order."""
    attached.time_slice_s = time_slice_s
    storm = Storm(attached, seed)
    try:
        storm.begin()
        settle(attached, storm.is_over)
    finally:
        storm.close()
    check(storm)


@has_readers
@with_seeds(2)
@pytest.mark.parametrize("is_debugged", [False, True])
def test_storm_in_blocking_call(
    loop: AsyncSlotEventLoop, seed: int, is_debugged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """In run_until_complete, too, also in debug mode."""
    caplog.set_level("CRITICAL", "asyncio")  # Slow callbacks.
    loop.set_debug(is_debugged)
    storm = Storm(loop, seed)

    async def main() -> None:
        storm.begin()
        while not storm.is_over():
            await asyncio.sleep(0.005)

    try:
        loop.run_until_complete(asyncio.wait_for(main(), CEILING_S))
    finally:
        storm.close()
    check(storm)


@with_seeds(2)
def test_storm_with_blocking_calls_in_slots(attached: AsyncSlotEventLoop, seed: int) -> None:
    """Slots that run the loop themselves, up to five deep, get their results, in the order of a stack."""
    chance = random.Random(seed)
    results: list[int] = []
    running = deepest = 0
    total = 200 * FACTOR

    async def nap(number: int) -> int:
        if chance.random() < 0.5 and number + 1 < total:
            QtCore.QTimer.singleShot(0, slot)
        await asyncio.sleep(chance.choice([0, 0.001]))
        return number

    def slot() -> None:
        nonlocal running, deepest
        if running < 5:
            running += 1
            deepest = max(deepest, running)
            results.append(attached.run_until_complete(nap(len(results))))
            running -= 1

    timer = QtCore.QTimer()
    timer.timeout.connect(slot)
    timer.start(1)
    wait_qt(lambda: len(results) >= total)
    timer.stop()
    wait_qt(lambda: not running)
    assert len(results) >= total
    assert deepest > 1


@has_readers
def test_reader_that_nests_is_called_once(loop: AsyncSlotEventLoop) -> None:
    """While a reader's callback nests a Qt loop, more data for it does not make the guest call it in vain."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    read: list[bytes] = []
    in_vain = 0

    def on_readable() -> None:
        nonlocal in_vain
        try:
            read.append(ours.recv(1))
        except BlockingIOError:
            in_vain += 1
        if read == [b"x"]:
            qt_loop = QtCore.QEventLoop()
            QtCore.QTimer.singleShot(300, qt_loop.quit)
            qt_loop.exec()

    async def main() -> None:
        loop.add_reader(ours, on_readable)
        theirs.send(b"xy")
        while len(read) < 2:
            await asyncio.sleep(0.01)
        loop.remove_reader(ours)

    with contextlib.closing(ours), contextlib.closing(theirs):
        loop.run_until_complete(asyncio.wait_for(main(), CEILING_S))
    assert read == [b"x", b"y"]
    assert in_vain == 0


@pytest.mark.parametrize("way", ["dialog", "process_events"])
@pytest.mark.parametrize("count", [50, 400])
def test_many_tasks_that_nest_all_end(way: str, count: int) -> None:
    """However many tasks nest at once, each goes on afterwards, and the loop can be closed."""
    run = run_script("many_nested", way, str(count))
    assert run.lines[-1:] == [f"{count} of {count} ended"], run.errors[-2000:]
    assert run.code == 0
