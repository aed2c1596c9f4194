"""Ctrl-C while the program only processes events under an attached loop: ctrl_c_processing.py wait|loop idle|busy."""

import asyncio
import signal
import sys
import threading
import time

from qt import QApplication, QTest, signal_self

from asyncslot import run_task

app = QApplication([])


async def tick() -> None:
    while True:
        await asyncio.sleep(0.01 if sys.argv[2] == "idle" else 0)


run_task(tick())
threading.Timer(0.2, signal_self, (signal.SIGINT,)).start()
try:
    if sys.argv[1] == "wait" and hasattr(QTest, "qWait"):  # PySide2 has none.
        QTest.qWait(1000)
    end_s = time.monotonic() + 10
    while time.monotonic() < end_s:
        app.processEvents()
except KeyboardInterrupt:
    print("KeyboardInterrupt")
