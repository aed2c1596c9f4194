"""
Quits with code 4 from PLACE, in MODE: quit.py attached|blocking|forever|nested PLACE.

Prints what happens; "clean" follows an await in the ``finally`` of each of two tasks.
"""

import asyncio
import sys

from qt import QApplication, QCoreApplication, QDialog, QTimer, QWidget

from asyncslot import AsyncSlot, AsyncSlotEventLoop, run_task

mode, place = sys.argv[1:]
app = QApplication([])
app.setQuitOnLastWindowClosed(place in ("window", "quit"))
app.aboutToQuit.connect(lambda: print("aboutToQuit"))


async def work(name: str) -> None:
    """Wait for long; clean up by waiting a little."""
    try:
        await asyncio.sleep(3600)
    finally:
        await asyncio.sleep(0.02)
        print("clean", name)


async def cancelled(tasks: set) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def leave() -> None:
    if place.endswith("system-exit"):
        sys.exit(4)
    QCoreApplication.exit(4)


@AsyncSlot()
async def leaving_slot() -> None:
    leave()
    await asyncio.sleep(3600)


def open_dialog() -> None:
    dialog = QDialog()
    QTimer.singleShot(20, leave)
    dialog.exec()
    print("dialog returned")


async def main() -> None:
    background = asyncio.ensure_future(work("background"))
    await asyncio.sleep(0.02)
    if place in ("coroutine", "system-exit"):
        try:
            leave()
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.02)
            print("clean main")
    if place == "slot":
        QTimer.singleShot(20, leave)
    if place == "async-slot":
        QTimer.singleShot(20, leaving_slot)
    if place == "async-slot-system-exit":
        QTimer.singleShot(20, leaving_slot)
    if place == "callback":
        asyncio.get_running_loop().call_soon(leave)
    if place in ("window", "quit"):
        window = QWidget()
        window.show()
        QTimer.singleShot(20, window.close if place == "window" else app.quit)
    if place == "dialog":
        try:
            open_dialog()
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.02)
            print("clean main")
    if place == "dialog-in-slot":
        QTimer.singleShot(0, open_dialog)
    if place == "nested":
        QTimer.singleShot(0, block_nested)
    if place == "done":
        leave()
        return
    await work("main")
    await background


def block_nested() -> None:
    loop = asyncio.get_running_loop()
    QTimer.singleShot(20, leave)
    try:
        loop.run_until_complete(work("nested"))
    except asyncio.CancelledError:
        print("nested cancelled")


if mode == "attached":
    task = run_task(main())
    code = app.exec()
    print("exec returned", code)
    assert asyncio._get_running_loop() is None
    sys.exit(code)

loop = AsyncSlotEventLoop()
try:
    if mode == "forever":
        task = loop.create_task(main())
        loop.run_forever()
    else:
        loop.run_until_complete(main())
except SystemExit as exc:
    print("SystemExit", exc.code)
    raise
finally:
    left = asyncio.all_tasks(loop)  # As asyncio.run() does.
    for task in left:
        task.cancel()
    loop.run_until_complete(cancelled(left))
    loop.close()
