"""Runs the log-in example and types into it: drive_login.py FILE log-in|give-up."""

import runpy
import sys

from qt import QApplication, QLabel, QLineEdit, Qt, QTest, QTimer

import asyncslot

path, end = sys.argv[1:]
texts = iter([("ann", "wrong"), ("ann", "secret")])


def find(title: str) -> list:
    return [window for window in QApplication.topLevelWidgets() if window.isVisible() and window.windowTitle() == title]


def drive() -> None:
    for window in find("Work"):
        print("window:", window.findChild(QLabel).text())
        window.close()
        return
    for dialog in find("Log in"):
        if dialog.message.text():
            print("message:", dialog.message.text())
        answer(dialog)
    QTimer.singleShot(10, drive)


def answer(dialog: object) -> None:
    if end == "give-up":
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        return
    for line, text in zip((dialog.name, dialog.password), next(texts)):
        line.clear()
        QTest.keyClicks(line, text)
    print("echo hidden:", dialog.password.echoMode() == QLineEdit.EchoMode.Password)
    QTest.keyClick(dialog, Qt.Key.Key_Return)


real_run = asyncslot.run
asyncslot.run = lambda main: (QTimer.singleShot(0, drive), real_run(main))[1]
runpy.run_path(path, run_name="__main__")
