"""Quits with code 3; a task's clean-up closes the last window: closing_window.py attached|blocking callback|slot."""

import asyncio
import sys

from qt import QApplication, QTimer, QWidget

from asyncslot import AsyncSlotEventLoop, run_task

mode, place = sys.argv[1:]
app = QApplication([])
app.aboutToQuit.connect(lambda: print("aboutToQuit"))
window = QWidget()
window.show()


async def main() -> None:
    if place == "callback":
        asyncio.get_running_loop().call_later(0.02, app.exit, 3)
    else:
        QTimer.singleShot(20, lambda: app.exit(3))
    try:
        await asyncio.sleep(3600)
    finally:
        window.close()
        print("closed")
        await asyncio.sleep(0.05)
        print("clean")


try:
    if mode == "attached":
        task = run_task(main())
        sys.exit(app.exec())
    loop = AsyncSlotEventLoop()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
finally:
    print("still quits on last window:", app.quitOnLastWindowClosed())
