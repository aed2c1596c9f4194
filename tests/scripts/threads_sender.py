"""Loops wake up in several threads at once; then sender() is asked outside of any slot. Prints what it says."""

import asyncio

from qt import QCoreApplication, QObject, QThread

import asyncslot
from asyncslot import AsyncSlotEventLoop

app = QCoreApplication([])


async def wake_up_often(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0.0002)


class Thread(QThread):
    def run(self) -> None:
        loop = AsyncSlotEventLoop()
        loop.run_until_complete(wake_up_often(1000))
        loop.close()


for _ in range(3):
    threads = [Thread() for _ in range(3)]
    for thread in threads:
        thread.start()
    asyncslot.run(wake_up_often(1000))
    for thread in threads:
        thread.wait()
    threads.clear()
    print(QObject().sender())
