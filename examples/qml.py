"""A QML button calls an async method, and QML's bindings show how far it is."""

import asyncio
import sys
from pathlib import Path

from qtpy.QtCore import Property, QObject, Signal
from qtpy.QtGui import QGuiApplication
from qtpy.QtQml import QQmlApplicationEngine

from asyncslot import AsyncSlot


class Counter(QObject):
    """Counts the lines of the packages of Python's standard library."""

    status_changed = Signal()

    def __init__(self):
        super().__init__()
        self._status = "not counted yet"

    @Property(str, notify=status_changed)
    def status(self):
        return self._status

    def set_status(self, text):
        self._status = text
        self.status_changed.emit()  # Every binding to the property reads it again.

    # It is in the metaobject, like any slot: `onClicked: counter.count()`. While it runs, a click has no effect.
    @AsyncSlot(when_busy="drop")
    async def count(self):
        self.set_status("working…")  # Runs before onClicked returns.
        loop = asyncio.get_running_loop()
        lines = 0
        for path in Path(asyncio.__file__).parent.parent.glob("*/*.py"):
            # Reading a file blocks, so another thread reads it. What QML sees changes only on this thread.
            lines += (await loop.run_in_executor(None, path.read_bytes)).count(b"\n")
            self.set_status(f"working… {lines} lines")
        self.set_status(f"{lines} lines in all")


if __name__ == "__main__":
    app = QGuiApplication(sys.argv)
    counter = Counter()
    engine = QQmlApplicationEngine()
    engine.rootContext().setContextProperty("counter", counter)
    engine.load(str(Path(__file__).with_suffix(".qml")))
    code = app.exec() if engine.rootObjects() else 1
    del engine  # Delete it before the counter, which its bindings read to the end.
    sys.exit(code)
