"""Runs an example in QML, and uses it by pointer: drive_find.py FILE finish|cancel|error|close [PICTURE]."""

import os
import runpy
import sys

os.environ.setdefault("QT_QUICK_BACKEND", "software")  # What draws without a graphics card.

from qt import QEventLoop, QGuiApplication, QPoint, QPointF, QQuickItem, Qt, QTest, QTimer

path, end, *picture = sys.argv[1:]
# What is typed; "(" is no regular expression.
TYPED = {"finish": "^class Stream", "cancel": "e", "error": "(", "close": "e"}


def drive() -> None:
    (window,) = QGuiApplication.topLevelWindows()
    if not window.isExposed():
        QTimer.singleShot(10, drive)
        return
    names = ("pattern", "find", "cancel", "list", "busy", "status")
    pattern, find, cancel, rows, busy, status = (window.findChild(QQuickItem, name) for name in names)
    changed = QEventLoop()
    rows.countChanged.connect(changed.quit)
    status.textChanged.connect(changed.quit)

    def until(condition) -> None:
        while not condition():
            changed.exec()

    def click(item) -> None:
        middle = item.mapToScene(QPointF(item.width() / 2, item.height() / 2)).toPoint()
        QTest.mouseClick(window, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(middle))

    def tell() -> None:
        states = [item.property(name) for item, name in [(busy, "running"), (find, "enabled"), (cancel, "enabled")]]
        print(status.property("text"), *states)

    tell()
    pattern.setProperty("text", TYPED[end])
    click(find)
    if end != "error":
        tell()
        until(lambda: rows.property("count") > 0)
    if end == "cancel":
        click(cancel)
        until(lambda: "Cancelled" in status.property("text"))
        print("at", status.property("text").split()[2] == str(rows.property("count")))
    elif end != "close":
        until(lambda: not busy.property("running"))
        until(lambda: "Searching" not in status.property("text"))
        tell()
        print("counted:", status.property("text") == f"{rows.property('count')} lines")
    if picture:
        window.grabWindow().save(picture[0])
    window.close()


original = QGuiApplication.exec
QGuiApplication.exec = lambda *_: (QTimer.singleShot(0, drive), original())[1]
runpy.run_path(path, run_name="__main__")
