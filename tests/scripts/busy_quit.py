"""Quits while one call runs and another waits: busy_quit.py cancel|finish."""

import asyncio
import sys

from qt import QCoreApplication, QObject

from asyncslot import AsyncSlot, cancel_reason

app = QCoreApplication([])


class Receiver(QObject):
    @AsyncSlot(int, when_busy="queue", on_quit=sys.argv[1])
    async def work(self, number: int) -> None:
        print("begin", number)
        if number == 1:
            asyncio.get_running_loop().call_soon(app.quit)
        await asyncio.sleep(0.01)
        print("end", number)


receiver = Receiver()
tasks = [receiver.work(1), receiver.work(2)]
app.exec()
print([reason and reason.name for reason in map(cancel_reason, tasks)])
