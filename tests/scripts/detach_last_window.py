"""A slot of lastWindowClosed detaches: WHEN is "before" a quit, or "meanwhile", as clean-up closes the window."""

import asyncio
import sys

from qt import QApplication, QTimer, QWidget

from asyncslot import AsyncSlotEventLoop

(when,) = sys.argv[1:]
app = QApplication([])
loop = AsyncSlotEventLoop()
loop.attach()
window = QWidget()
window.show()


def detach() -> None:
    try:
        loop.detach()
    except RuntimeError as error:
        print(error)
    else:
        print("detached")


async def job() -> None:
    try:
        await asyncio.sleep(3600)
    finally:
        window.close()
        await asyncio.sleep(0.01)
        print("cleaned")


app.lastWindowClosed.connect(detach)
task = loop.run_task(job())
QTimer.singleShot(10, window.close if when == "before" else lambda: app.exit(3))
print(app.exec(), loop.state.name)
loop.shutdown()
print(task.cancelled(), loop.state.name)
