"""The same thing by the thousand, twice: the second time needs no more memory than the first."""

from __future__ import annotations

import asyncio
import gc
from typing import Any, Callable

import process_functions
import pytest
from stress_support import FACTOR, Census, leaves_thread_objects, wait_qt
from support import list_descriptors

from asyncslot import (
    AsyncSlot,
    AsyncSlotEventLoop,
    Progress,
    run,
    run_in_process,
    run_in_qt_thread,
    run_in_thread,
    run_task,
)
from asyncslot._qt import QtCore, Signal, import_qt

QtWidgets = import_qt("QtWidgets")

# How much more memory the second half may hold than the first. Arbitrary: allocators keep pages, and a leak of 100
# bytes in each of some thousand rounds is less; gc's objects, which are counted exactly, tell of those.
MAX_GROWTH_BYTES = 3_000_000


class Emitter(QtCore.QObject):
    """Calls its own slots."""

    emitted = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.emitted.connect(self.on_emitted)
        self.emitted.connect(self.on_busy)

    @AsyncSlot(int)
    async def on_emitted(self, number: int) -> None:
        await asyncio.sleep(0)

    @AsyncSlot(int, when_busy="restart")
    async def on_busy(self, number: int) -> None:
        await asyncio.sleep(0)


def call_slots(count: int) -> None:
    loop = AsyncSlotEventLoop()
    loop.attach()
    emitter = Emitter()
    for number in range(count):
        emitter.emitted.emit(number)
        QtCore.QCoreApplication.processEvents()
    wait_qt(lambda: not asyncio.all_tasks(loop))
    loop.shutdown()


def make_loops(count: int) -> None:
    for _ in range(count // 10):
        run(asyncio.sleep(0))


def attach_and_detach(count: int) -> None:
    with AsyncSlotEventLoop() as loop:
        for _ in range(count // 2):
            loop.attach()
            loop.call_soon(int)
            QtCore.QCoreApplication.processEvents()
            loop.detach()


def open_dialogs(count: int) -> None:
    async def open_all() -> None:
        for _ in range(count // 20):
            dialog = QtWidgets.QDialog()
            asyncio.get_running_loop().call_soon(dialog.accept)
            dialog.exec()
            dialog.deleteLater()
            await asyncio.sleep(0)

    run(open_all())


def fail_tasks(count: int) -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError

    with AsyncSlotEventLoop() as loop:
        loop.attach()
        for _ in range(count // 5):
            task = run_task(fail())
            task.add_done_callback(lambda task: task.exception())
            QtCore.QCoreApplication.processEvents()
        wait_qt(lambda: not asyncio.all_tasks(loop))


async def count_up(run_in: Any, count: int) -> None:
    bar = QtWidgets.QProgressBar()
    progress = Progress().bind(bar)
    assert await run_in(process_functions.count, count, progress=progress) == count
    assert (bar.value(), bar.maximum()) == (count - 1, count)


def report_from_a_thread(count: int) -> None:
    run(count_up(run_in_thread, 2500 * count))


def report_from_a_process(count: int) -> None:
    run(count_up(run_in_process, 250 * count))


def cancel_work(count: int) -> None:
    async def cancel_all() -> None:
        for run_in in (run_in_thread, run_in_process):
            for number in range(count // 20):
                task = run_task(run_in(process_functions.run_until_cancelled, progress=Progress()))
                await asyncio.sleep(0.001 * (number % 5))
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled()

    run(cancel_all())


def cross_threads(count: int) -> None:
    async def cross() -> None:
        thread = QtCore.QThread()
        thread.start()
        for number in range(count // 20):
            task = run_task(run_in_qt_thread(thread, asyncio.sleep(0.002)))
            await asyncio.sleep(0.001 * (number % 4))
            if number % 2:
                task.cancel()
            await asyncio.wait([task])
        thread.quit()
        await run_in_thread(thread.wait)

    run(cross())


WORK = [call_slots, make_loops, attach_and_detach, open_dialogs, fail_tasks]
WORK += [
    report_from_a_thread,
    report_from_a_process,
    cancel_work,
    pytest.param(cross_threads, marks=leaves_thread_objects),
]


@pytest.mark.parametrize("work", WORK)
def test_memory_does_not_grow(app: Any, work: Callable[[int], None]) -> None:
    """Thousands of slot calls, loops, dialogs, failures and cancellations, and millions of reports, leave nothing."""
    count = 2000 * FACTOR
    work(count)  # What is allocated once is allocated now.
    before = Census()
    work(count)
    gc.collect()
    after = Census()
    assert after.exceeds(before) == []
    assert after.rss_bytes - before.rss_bytes < MAX_GROWTH_BYTES
    assert len(list_descriptors()) <= len(before.descriptors)
