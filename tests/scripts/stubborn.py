"""Quits with code 5 while a task swallows every cancellation: stubborn.py exit|SIGTERM|timeout."""

import asyncio
import signal
import sys

from qt import QCoreApplication, QTimer, signal_self

from asyncslot import AsyncSlotEventLoop, run_task

AsyncSlotEventLoop.shutdown_timeout_s = 0.2 if sys.argv[1] == "timeout" else 3600
app = QCoreApplication([])
signal.signal(signal.SIGTERM, lambda *_: app.exit(5))


async def swallow() -> None:
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            if sys.argv[1] == "exit":
                QTimer.singleShot(50, lambda: app.exit(5))
            if sys.argv[1] == "SIGTERM":
                QTimer.singleShot(50, lambda: signal_self(signal.SIGTERM))


run_task(swallow(), name="the stubborn one")
QTimer.singleShot(20, lambda: app.exit(5))
sys.exit(app.exec())
