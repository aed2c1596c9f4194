"""
Runs a program's main coroutine by run_task inside app.exec(), while a modal dialog is open.

    run_in_dialog.py NAME [ARGUMENT...]

After the program's own line, it prints one on the dialog, as JSON: whether it was open and modal in the first step
and after the last one of the coroutine, how many Qt loops ran inside each other then, and whether anything ended it
meanwhile.
"""

import importlib
import json
import sys

from qt import QApplication, QDialog, QThread, QTimer
from telling import tell

from asyncslot import run_task


class Run:
    """One coroutine and the dialog that is open as long as it runs."""

    def __init__(self, coro):
        self.coro = coro
        self.seen = []
        self.ended_early = False

    def open_dialog(self):
        """Show the dialog; called by the application's own Qt loop, as a slot."""
        self.dialog = QDialog()
        self.dialog.finished.connect(self.on_finished)
        QTimer.singleShot(0, self.start)
        self.dialog.exec()
        said = {"open and modal, loops": self.seen, "ended early": self.ended_early}
        print(json.dumps({"dialog": said}), flush=True)
        QApplication.quit()

    def start(self):
        """Start the task; called by the dialog's Qt loop."""
        self.task = run_task(self.observe())
        self.task.add_done_callback(lambda _: self.dialog.accept())

    async def observe(self):
        self.look()
        try:
            await tell(self.coro)
        finally:
            self.look()

    def look(self):
        is_open = self.dialog.isVisible() and QApplication.activeModalWidget() is self.dialog
        self.seen.append([is_open, QThread.currentThread().loopLevel()])

    def on_finished(self):
        self.ended_early = not self.task.done()


def main(name, *arguments):
    program = importlib.import_module(f"{name}_program")
    app = QApplication(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)  # The programs may close windows of their own.
    run = Run(program.main(*arguments))
    QTimer.singleShot(0, run.open_dialog)
    code = app.exec()
    run.task.result()  # An error of the program is one of ours.
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
