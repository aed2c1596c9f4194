"""Runs an example and presses its button: drive_example.py FILE finish|close."""

import sys
from pathlib import Path

from qt import BINDING, QApplication, QTimer

path, end = sys.argv[1:]


def drive() -> None:
    (window,) = QApplication.topLevelWidgets()
    window.button.click()
    print("disabled:", not window.button.isEnabled())
    if end == "close":
        window.close()
        print("closed")
        return

    def watch() -> None:
        if window.button.isEnabled():
            window.timer.stop()  # The application quits when the process has ended, which may take a moment.
            print("pytest listed:", "pytest " in window.text.toPlainText())
            window.close()

    window.timer = QTimer()
    window.timer.timeout.connect(watch)
    window.timer.start(10)


original = QApplication.exec
QApplication.exec = lambda *_: (QTimer.singleShot(0, drive), original())[1]
source = Path(path).read_text(encoding="utf-8").replace("PySide6", BINDING)  # The README shows PySide6's names.
exec(compile(source, path, "exec"), {"__name__": "__main__", "__file__": path})
