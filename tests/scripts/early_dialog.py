"""A dialog in a first step, before app.exec(), is open when Ctrl-C or sys.exit() comes: early_dialog.py sigint|exit."""

import asyncio
import os
import signal
import sys

from qt import QApplication, QDialog

from asyncslot import run_task

app = QApplication([])
app.setQuitOnLastWindowClosed(False)


async def serve() -> None:
    try:
        await asyncio.sleep(3600)
    finally:
        print("serve: cleaned up")


async def log_in() -> None:
    if sys.argv[1] == "sigint":
        asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGINT)
    else:
        asyncio.get_running_loop().call_later(0.05, sys.exit, 3)
    QDialog().exec()
    print("dialog: closed")


run_task(serve())
try:
    run_task(log_in())
except BaseException as exc:
    print("run_task raised", repr(exc))
    raise
