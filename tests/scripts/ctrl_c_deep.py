"""Ctrl-C when so many dialogs are open that asyncio goes on no further."""

import asyncio
import signal

from qt import QApplication, QDialog, QTimer, signal_self

import asyncslot
from asyncslot._loop.depth import MAX_DEPTH

app = QApplication([])
app.setQuitOnLastWindowClosed(False)
opened = []


async def ask() -> None:
    opened.append(1)
    if len(opened) == MAX_DEPTH:
        QTimer.singleShot(50, lambda: signal_self(signal.SIGINT))
    QDialog().exec()


async def main() -> None:
    await asyncio.gather(*(ask() for _ in range(MAX_DEPTH + 10)))


try:
    asyncslot.run(main())
except KeyboardInterrupt:
    print("KeyboardInterrupt")
