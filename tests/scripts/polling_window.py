"""A window whose timer calls an AsyncSlot for as long as Qt runs, that is, during the quit, too."""

import asyncio
import sys

from qt import QApplication, QTimer, QWidget

from asyncslot import AsyncSlot, AsyncSlotEventLoop, run_task

AsyncSlotEventLoop.shutdown_timeout_s = 3600


class Window(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.timer = QTimer(self)
        self.timer.timeout.connect(self.poll)
        self.timer.start(5)

    @AsyncSlot()
    async def poll(self) -> None:
        try:
            await asyncio.sleep(0.02)
        finally:
            await asyncio.sleep(0.02)


async def work() -> None:
    try:
        await asyncio.sleep(3600)
    finally:
        await asyncio.sleep(0.1)
        print("clean")


app = QApplication([])
window = Window()
window.show()
task = run_task(work())
QTimer.singleShot(100, window.close)
code = app.exec()
print("exec")
sys.exit(code)
