"""Runs an example and presses its button: drive_example.py FILE finish|close."""

import runpy
import sys

from qt import QApplication, QTimer

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
            print("pytest listed:", "pytest " in window.text.toPlainText())
            window.close()

    window.timer = QTimer()
    window.timer.timeout.connect(watch)
    window.timer.start(10)


original = QApplication.exec
QApplication.exec = lambda *_: (QTimer.singleShot(0, drive), original())[1]
runpy.run_path(path, run_name="__main__")
