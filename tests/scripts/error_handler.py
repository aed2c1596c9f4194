"""A task fails where no box can be shown: error_handler.py quitting|core."""

import asyncio
import sys

from qt import QApplication, QCoreApplication, QMessageBox

from asyncslot import AsyncSlot, AsyncSlotEventLoop
from asyncslot.dialogs import error_handler

(case,) = sys.argv[1:]
app = QCoreApplication([]) if case == "core" else QApplication([])


@AsyncSlot()
async def fail() -> None:
    asyncio.get_running_loop().call_later(0.02, app.exit, 7)
    try:
        await asyncio.sleep(0 if case == "core" else 3600)
    finally:
        raise ValueError("bad")


loop = AsyncSlotEventLoop()
loop.attach()
loop.set_exception_handler(error_handler)
fail()
code = app.exec()
boxes = [] if case == "core" else [box for box in QApplication.topLevelWidgets() if isinstance(box, QMessageBox)]
print("boxes:", len(boxes))
sys.exit(code)
