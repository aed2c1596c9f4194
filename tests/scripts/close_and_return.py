"""A coroutine closes the last window and returns: close_and_return.py return|exit."""

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
    if how == "exit":
        QApplication.exit(4)
    return "result"


app = QApplication([])
print(asyncslot.run(main()))
