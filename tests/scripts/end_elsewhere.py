"""A loop that ran on a QThread ends on the main thread: end_elsewhere.py close|collect."""

import asyncio
import gc
import sys
import warnings

from qt import QCoreApplication, QThread

from asyncslot import AsyncSlotEventLoop

warnings.simplefilter("ignore", ResourceWarning)


class Thread(QThread):
    def run(self) -> None:
        self.loop = AsyncSlotEventLoop()
        self.loop.run_until_complete(asyncio.sleep(0.01))


app = QCoreApplication([])
thread = Thread()
thread.start()
thread.wait()
if sys.argv[1] == "close":
    thread.loop.close()
thread.loop = None
gc.collect()
print("ended")
