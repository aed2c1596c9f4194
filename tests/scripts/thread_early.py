"""A task begun on a QThread before its Qt loop runs: thread_early.py started|attach."""

import asyncio
import sys

from qt import QCoreApplication, QObject, QThread, QTimer

from asyncslot import AsyncSlot, AsyncSlotEventLoop, run_task

loops = []


async def work() -> None:
    loops.append(asyncio.get_running_loop())
    print("on worker:", QThread.currentThread() == thread)
    QTimer.singleShot(20, thread.quit)
    try:
        await asyncio.sleep(3600)
    finally:
        await asyncio.sleep(0.01)
        print("clean on worker:", QThread.currentThread() == thread)


class Worker(QObject):
    @AsyncSlot()
    async def on_started(self) -> None:
        await work()


class Thread(QThread):
    def run(self) -> None:
        AsyncSlotEventLoop().attach()
        self.task = run_task(work())
        self.exec()


app = QCoreApplication([])
if sys.argv[1] == "attach":
    thread = Thread()
else:
    thread = QThread()
    worker = Worker()
    worker.moveToThread(thread)
    thread.started.connect(worker.on_started)
thread.finished.connect(app.quit)
thread.start()
app.exec()
thread.wait()
print("closed:", loops[0].is_closed())
