"""A coroutine closes the last window and returns: close_and_return.py return|exit|replace."""

import asyncio
import sys

from qt import QApplication, QWidget

import asyncslot

(how,) = sys.argv[1:]


async def main() -> str:
    window = QWidget()
    window.show()
    await asyncio.sleep(0.01)
    window.close()
    if how == "replace":
        others.append(QWidget())
        others[0].show()
        await asyncio.sleep(0.1)
        app.quit()
    if how == "exit":
        QApplication.exit(4)
    return "result"


others: list = []  # What is in it outlives the coroutine.
app = QApplication([])
print(asyncslot.run(main()))
