"""Runs an example in QML and clicks its button with the mouse: drive_qml.py FILE finish|close [PICTURE]."""

import contextlib
import os
import runpy
import sys

os.environ.setdefault("QT_QUICK_BACKEND", "software")  # What draws without a graphics card.

from qt import QEventLoop, QGuiApplication, QPoint, QPointF, QQuickItem, Qt, QTest, QTimer

path, end, *picture = sys.argv[1:]


def drive() -> None:
    (window,) = QGuiApplication.topLevelWindows()
    button, label = (window.findChild(QQuickItem, name) for name in ("button", "label"))
    if not window.isExposed():
        QTimer.singleShot(10, drive)
        return
    texts = [label.property("text")]
    shown = QEventLoop()

    def note() -> None:
        # PySide2 tells of changes while QML destroys the label.
        with contextlib.suppress(RuntimeError):
            texts.append(label.property("text"))
            if "in all" in texts[-1]:
                shown.quit()

    label.textChanged.connect(note)
    middle = button.mapToScene(QPointF(button.width() / 2, button.height() / 2)).toPoint()

    def click() -> None:
        QTest.mouseClick(window, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(middle))

    click()
    print(*texts[:2], sep="\n")
    if end == "finish":
        click()
        shown.exec()
        print("in between:", {text.split()[0] for text in texts[1:-1]})
        print("counted:", int(texts[-1].split()[0]) > 0)
    if picture:
        window.grabWindow().save(picture[0])
    window.close()


original = QGuiApplication.exec
QGuiApplication.exec = lambda *_: (QTimer.singleShot(0, drive), original())[1]
runpy.run_path(path, run_name="__main__")
