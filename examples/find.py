"""QML starts a search, fills a list with what it finds, shows that it runs, cancels it, and shows its error."""

import asyncio
import os
import re
import sys
from pathlib import Path

from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QGuiApplication
from qtpy.QtQml import QQmlApplicationEngine

from asyncslot import AsyncSlot, TaskHandle

LIBRARY = Path(asyncio.__file__).parent.parent


def find_lines(path, pattern):
    """Return the numbers and texts of the lines of a file in which *pattern* matches."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [(number, line.strip()) for number, line in enumerate(lines, 1) if pattern.search(line)]


class Finder(QObject):
    """Finds lines in Python's standard library."""

    found = Signal(str, int, str, arguments=["file", "line", "text"])

    # With result=, QML gets a handle of the task: handle.running, handle.cancel(), handle.finished.connect(...).
    # A new search cancels the one before.
    @AsyncSlot(str, result=TaskHandle, when_busy="restart")
    async def find(self, text):
        try:
            pattern = re.compile(text)
        except re.error as error:
            message = f"No regular expression: {error}"
            raise ValueError(message) from None  # This is handle.error, and what handle.failed tells.
        loop = asyncio.get_running_loop()
        count = 0
        for path in sorted(LIBRARY.glob("*.py")):
            for line, match in await loop.run_in_executor(None, find_lines, path, pattern):
                self.found.emit(path.name, line, match)
                count += 1
        return count  # This is handle.value, and what handle.finished tells.


if __name__ == "__main__":
    os.environ.setdefault("QT_QUICK_CONTROLS_STYLE", "Fusion")  # The same look with every Qt.
    app = QGuiApplication(sys.argv)
    finder = Finder()
    engine = QQmlApplicationEngine()
    engine.rootContext().setContextProperty("finder", finder)
    engine.load(str(Path(__file__).with_suffix(".qml")))
    code = app.exec() if engine.rootObjects() else 1
    del engine  # Delete it before the finder, which its bindings read to the end.
    sys.exit(code)
