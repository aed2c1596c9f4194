"""
Has Qt call a slot again and again, in each way that it can end, and counts what is left.

Prints how many objects and memory blocks there are more after 23,000 calls than after 3,000.
"""

import asyncio
import contextlib
import gc
import sys

from qt import QCoreApplication, QObject, QTimer, Signal

from asyncslot import AsyncSlot, AsyncSlotEventLoop

# Calls per turn of Qt's loop.
BATCH = 50


class Receiver(QObject):
    """Has a slot that ends at once, after a suspension, by failure, or by cancellation."""

    called = Signal(int, str)

    def __init__(self) -> None:
        super().__init__()
        self.called.connect(self.on_called)
        self.count = 0

    @AsyncSlot(int)
    async def on_called(self, number: int) -> None:
        self.count += 1
        if number % 5 == 1:
            await asyncio.sleep(0)
        if number % 5 == 2:
            raise LookupError
        if number % 5 == 3:
            await asyncio.sleep(0)
            raise LookupError
        if number % 5 == 4:
            asyncio.current_task().cancel()
            with contextlib.suppress(LookupError):
                await asyncio.sleep(0)


def emit(done: asyncio.Future) -> None:
    for number in range(BATCH):
        receiver.called.emit(number, "text")
    done.set_result(None)


async def call_slot(count: int) -> None:
    for _ in range(count // BATCH):
        done = loop.create_future()
        QTimer.singleShot(0, lambda done=done: emit(done))
        await done
    while len(asyncio.all_tasks()) > 1:
        await asyncio.sleep(0)


def take_count() -> "list[int]":
    gc.collect()
    return [len(gc.get_objects()), sys.getallocatedblocks()]


def report(_: object, context: dict) -> None:
    global reports
    reports += isinstance(context["exception"], LookupError)


app = QCoreApplication([])
loop = AsyncSlotEventLoop()
loop.set_exception_handler(report)
reports = 0
receiver = Receiver()
loop.run_until_complete(call_slot(3000))
before = take_count()
loop.run_until_complete(call_slot(20000))
after = take_count()
loop.close()
print(f"{receiver.count} calls, {reports} failures reported")
print(after[0] - before[0], after[1] - before[1])
