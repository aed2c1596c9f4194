"""Calls the first slots of a program, and of asyncslot, on several QThreads at once. Prints how many have run."""

import asyncio

from qt import QCoreApplication, QObject, QThread

from asyncslot import AsyncSlot

COUNT = 4
ran = []


class Worker(QObject):
    @AsyncSlot()
    async def begin(self):
        await asyncio.sleep(0)
        ran.append(self)
        self.thread().quit()


app = QCoreApplication([])
pairs = []
for _ in range(COUNT):
    thread, worker = QThread(), Worker()
    worker.moveToThread(thread)
    thread.started.connect(worker.begin)
    pairs.append((thread, worker))
for thread, _ in pairs:
    thread.start()
for thread, _ in pairs:
    thread.wait(5000)
print(len(ran))
