"""Runs the search example, types into it and closes its window during a search: drive_search.py FILE."""

import runpy
import sys

from qt import QApplication, QTest, QTimer

import asyncslot


def drive() -> None:
    windows = QApplication.topLevelWidgets()
    if not windows:  # The server is not up yet.
        QTimer.singleShot(1, drive)
        return
    (window,) = windows
    QTest.keyClicks(window.edit, "err")
    print(window.status.text())
    print("searching:", bool(asyncslot.tasks(window)))
    window.close()


original = QApplication.exec
QApplication.exec = lambda *_: (QTimer.singleShot(0, drive), original())[1]
runpy.run_path(sys.argv[1], run_name="__main__")
