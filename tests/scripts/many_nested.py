"""Many tasks that nest a Qt loop at once: many_nested.py dialog|process_events <count>."""

import asyncio
import sys

from qt import QApplication, QMessageBox, QTimer

import asyncslot

way, count = sys.argv[1], int(sys.argv[2])
app = QApplication([])
app.setQuitOnLastWindowClosed(False)
ended = []
boxes = []


async def tell(is_down: asyncio.Event) -> None:
    """Do what a program does whose network goes down: each task says so."""
    await is_down.wait()
    if way == "dialog":
        box = QMessageBox()
        boxes.append(box)
        # All are open by then, or as many as the loop lets nest.
        QTimer.singleShot(500, box.accept)
        box.exec()
    else:
        app.processEvents()
    ended.append(box if way == "dialog" else None)


async def main() -> None:
    is_down = asyncio.Event()
    tasks = [asyncio.create_task(tell(is_down)) for _ in range(count)]
    await asyncio.sleep(0.01)
    is_down.set()
    await asyncio.gather(*tasks)


asyncslot.run(main())
print(len(ended), "of", count, "ended")
