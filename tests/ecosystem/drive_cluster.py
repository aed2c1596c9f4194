"""
Runs the cluster example and clicks in it: drive_cluster.py FILE END.

END is what happens next: "finish", the work is done; "stop", the button to stop is clicked after the first result;
"close", the window is closed then; "early", it is closed while the processes start. It prints how the window looked.
"""

import runpy
import sys

from qt import QApplication, Qt, QTest, QTimer

import asyncslot


def click(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


class Drive:
    def __init__(self, end):
        self.end = end

    def begin(self):
        (self.window,) = [window for window in QApplication.topLevelWidgets() if hasattr(window, "bar")]
        click(self.window.count)
        (counting,) = asyncslot.tasks(self.window)
        counting.task.add_done_callback(lambda _: self.finish())
        print("starts:", self.window.status.text(), self.window.count.isEnabled(), flush=True)
        if self.end == "early":
            self.window.close()
        elif self.end != "finish":
            self.window.bar.valueChanged.connect(self.interrupt)

    def interrupt(self, value):
        if value == 1:
            QTimer.singleShot(0, {"stop": lambda: click(self.window.stop), "close": self.window.close}[self.end])

    def finish(self):
        window = self.window
        is_full = window.bar.value() == window.bar.maximum()
        print("ended:", window.status.text(), is_full, window.count.isEnabled(), flush=True)
        QTimer.singleShot(0, window.close)


def main(path, end):
    original = QApplication.exec
    QApplication.exec = lambda *_: (QTimer.singleShot(0, Drive(end).begin), original())[1]
    runpy.run_path(path, run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
