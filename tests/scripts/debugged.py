"""
A program with a breakpoint, whose timers, tasks and slots must go on afterwards.

Arguments: where the breakpoint is ("slot", "coroutine" or "plain"), and how the program runs ("run" or "exec").
"""

from __future__ import annotations

import asyncio
import sys

from qt import QApplication, QObject, QTimer, Signal

import asyncslot
from asyncslot import AsyncSlot

where, mode = sys.argv[1:]


class Worker(QObject):
    started = Signal()

    @AsyncSlot(when_busy="drop")
    async def work(self) -> None:
        if where == "slot":
            breakpoint()  # noqa: T100
        task = asyncio.current_task()
        await asyncio.sleep(0.01)
        if where == "coroutine":
            breakpoint()  # noqa: T100
        assert asyncio.current_task() is task
        print("work ended")

    def on_started(self) -> None:
        if where == "plain":
            breakpoint()  # noqa: T100
        print("plain slot ended")


async def tick_twice() -> None:
    """Wait until a timer of Qt's has fired twice more, and another task has run twice more."""
    timer = QTimer()
    timer.start(1)
    for _ in range(2):
        await asyncslot.wait_signal(timer.timeout)
        await asyncio.ensure_future(asyncio.sleep(0.001))


async def main() -> None:
    global where
    called = asyncio.get_running_loop().create_future()
    # Called last, because it is connected last.
    worker.started.connect(lambda: called.set_result(None))
    QTimer.singleShot(0, worker.started.emit)
    await called
    while asyncslot.tasks(worker):
        # A failure is reported only if nothing waits on the task.
        await asyncio.sleep(0.001)
    where = ""
    await tick_twice()
    again = worker.work()
    await asyncio.wait([again])
    # It was not dropped: the slot is not busy any more, however the debugger was left.
    print("goes on:", not again.cancelled(), asyncslot.tasks(worker))


app = QApplication([])
worker = Worker()
worker.started.connect(worker.work)
worker.started.connect(worker.on_started)
if mode == "run":
    asyncslot.run(main())
else:
    QTimer.singleShot(0, lambda: asyncslot.run_task(main()).add_done_callback(lambda _: app.quit()))
    app.exec()
print("program ended")
