"""Edits a file with an example, closes the window: close_editor.py EXAMPLE FILE Save|Discard|Cancel HOW."""

import runpy
import sys
from pathlib import Path

from qt import QApplication, QMessageBox, QTimer

example, file, answer, end = sys.argv[1:]
sys.argv[1:] = [file]


def find_box() -> QMessageBox:
    return next(
        (box for box in QApplication.topLevelWidgets() if isinstance(box, QMessageBox) and box.isVisible()), None
    )


def drive() -> None:
    (window,) = [window for window in QApplication.topLevelWidgets() if hasattr(window, "path")]
    replace = Path.replace

    def replace_and_tell(*paths: Path) -> None:
        if end == "fail":
            raise RuntimeError("disk full")  # No OSError: whatever goes wrong, the text is not saved.
        replace(*paths)
        print("written")

    Path.replace = replace_and_tell
    window.text.insertPlainText("changed \u2713 ")
    window.poll = QTimer()  # Owned by the window: nothing of the driver's outlives it.
    window.poll.timeout.connect(lambda: respond(window))
    window.poll.start(10)
    QApplication.quit() if end == "quit" else window.close()


def respond(window) -> None:
    box = find_box()
    if box is None:
        return
    if box.icon() == QMessageBox.Icon.Critical:
        print("error:", box.text().splitlines()[-1], "| open:", window.isVisible(), window.text.document().isModified())
        QApplication.exit(0)
    else:
        window.close()  # Pressed twice: it asks once.
        if end == "quit-in-box":
            QApplication.quit()
            assert box.isVisible()
        box.button(getattr(QMessageBox.StandardButton, answer)).click()
        window.close()
        if answer == "Cancel":
            QTimer.singleShot(50, lambda: (print("open:", window.isVisible()), QApplication.exit(0)))


original = QApplication.exec
QApplication.exec = lambda *_: (QTimer.singleShot(0, drive), original())[1]
runpy.run_path(example, run_name="__main__")
