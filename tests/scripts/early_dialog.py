"""A first step's dialog is open when Ctrl-C or sys.exit() comes: early_dialog.py sigint|exit task|slot."""

import asyncio
import signal
import sys

from qt import QApplication, QDialog, QObject, Signal, signal_self

from asyncslot import AsyncSlot, run_task

app = QApplication([])
app.setQuitOnLastWindowClosed(False)


async def serve() -> None:
    try:
        await asyncio.sleep(3600)
    finally:
        print("serve: cleaned up")


async def log_in() -> None:
    if sys.argv[1] == "sigint":
        asyncio.get_running_loop().call_later(0.05, signal_self, signal.SIGINT)
    else:
        asyncio.get_running_loop().call_later(0.05, sys.exit, 3)
    QDialog().exec()
    print("dialog: closed")


class Source(QObject):
    emitted = Signal()


run_task(serve())
if sys.argv[2] == "slot":
    source = Source()
    source.emitted.connect(AsyncSlot(log_in))
    source.emitted.emit()
    code = app.exec()
    print("exec returned", code)
    sys.exit(code)
try:
    run_task(log_in())
except BaseException as exc:
    print("run_task raised", repr(exc))
    raise
